-- Bars and sparklines out of characters: eighths of a block, or `#` where only ASCII may be drawn.
-- What must not live here: which numbers they are of.
local M = {}

local EIGHTHS = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }
local STEPS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
local ASCII_STEPS = { ".", ":", "-", "=", "+", "*", "#" }

---@param value number?
---@return number # 0..1; what is no number is nothing
local function within(value)
  if type(value) ~= "number" or value ~= value then
    return 0
  end
  return math.max(0, math.min(1, value))
end

--- A bar from nothing to the whole, `columns` wide at most; nothing behind its end.
---@param share number 0..1
---@param columns integer
---@param glyphs "unicode"|"ascii"
---@return string
function M.share(share, columns, glyphs)
  local length = within(share) * columns
  if glyphs == "ascii" then
    return ("#"):rep(math.floor(length + 0.5))
  end
  local eighths = math.floor(length * 8 + 0.5)
  -- What is there at all is seen.
  if eighths == 0 and within(share) > 0.001 then
    eighths = 1
  end
  return ("█"):rep(math.floor(eighths / 8)) .. (EIGHTHS[eighths % 8] or "")
end

--- One side of a signed bar, growing away from the middle: cells `1..columns`, solid up to the effect, hollow on to the estimate.
---@param effect number 0..1
---@param estimate number 0..1
---@param columns integer
---@param glyphs "unicode"|"ascii"
---@return string solid, string hollow
local function side(effect, estimate, columns, glyphs)
  local solid = math.floor(within(effect) * columns * 2 + 0.5)
  local whole = math.floor(within(estimate) * columns * 2 + 0.5)
  if glyphs == "ascii" then
    solid, whole = math.ceil(solid / 2), math.ceil(whole / 2)
    return ("#"):rep(solid), ("-"):rep(math.max(0, whole - solid))
  end
  local drawn = math.ceil(solid / 2)
  local hollow = math.max(0, math.ceil(whole / 2) - drawn)
  return ("█"):rep(math.floor(solid / 2)) .. (solid % 2 == 1 and "▌" or ""), ("░"):rep(hollow)
end

--- The same characters from right to left.
---@param text string
---@return string
local function mirrored(text)
  local out = {}
  for character in text:gmatch("[%z\1-\127\194-\244][\128-\191]*") do
    table.insert(out, 1, character == "▌" and "▐" or character)
  end
  return table.concat(out)
end

local function characters(text)
  return select(2, text:gsub("[%z\1-\127\194-\244]", ""))
end

--- A signed bar around a middle line: hollow for an estimate, solid for what was measured. Always `columns` wide (an odd number).
---@param estimate number? signed
---@param effect number? signed
---@param largest number what the longest bar stands for
---@param columns integer
---@param glyphs "unicode"|"ascii"
---@return limpid.Chunk[]
function M.signed(estimate, effect, largest, columns, glyphs)
  local half = math.floor((columns - 1) / 2)
  local function share(value, sign)
    local own = (value or 0) * sign
    return largest > 0 and own > 0 and own / largest or 0
  end
  local left_solid, left_hollow = side(share(effect, -1), share(estimate, -1), half, glyphs)
  local right_solid, right_hollow = side(share(effect, 1), share(estimate, 1), half, glyphs)
  local left_room = half - characters(left_solid) - characters(left_hollow)
  local right_room = half - characters(right_solid) - characters(right_hollow)
  return {
    { (" "):rep(left_room) },
    { mirrored(left_hollow), "LimpidEstimate" },
    { mirrored(left_solid), "LimpidMeasured" },
    { glyphs == "ascii" and "|" or "│", "LimpidDim" },
    { right_solid, "LimpidMeasured" },
    { right_hollow, "LimpidEstimate" },
    { (" "):rep(right_room) },
  }
end

--- One character a value: how high it stands. A value of nothing is a space.
---@param values number[] 0 and above
---@param largest number
---@param glyphs "unicode"|"ascii"
---@return string
function M.spark(values, largest, glyphs)
  local out = {}
  for index, value in ipairs(values) do
    out[index] = M.height(value, largest, glyphs)
  end
  return table.concat(out)
end

--- The character of a sparkline for one value. Less than half of the lowest step is nothing to look at, or every token would have one.
---@param value number
---@param largest number
---@param glyphs "unicode"|"ascii"
---@return string
function M.height(value, largest, glyphs)
  local share = largest > 0 and within(value / largest) or 0
  local steps = glyphs == "ascii" and ASCII_STEPS or STEPS
  return steps[math.min(#steps, math.floor(share * #steps + 0.5))] or " "
end

return M
