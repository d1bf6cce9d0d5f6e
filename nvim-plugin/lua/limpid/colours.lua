-- Arithmetic of colours: blends, WCAG contrast, hue, and the nearest of a terminal's 256. Colours are numbers, 0xRRGGBB.
-- What must not live here: highlight groups (highlights.lua), the Neovim API.
local M = {}

---@param colour integer
---@return integer red
---@return integer green
---@return integer blue
local function parts(colour)
  return math.floor(colour / 65536) % 256, math.floor(colour / 256) % 256, colour % 256
end

---@param red number
---@param green number
---@param blue number
---@return integer
local function packed(red, green, blue)
  local function byte(value)
    return math.max(0, math.min(255, math.floor(value + 0.5)))
  end
  return byte(red) * 65536 + byte(green) * 256 + byte(blue)
end

--- `over` laid on `under`, as opaque as `alpha` says.
---@param under integer
---@param over integer
---@param alpha number 0..1
---@return integer
function M.blend(under, over, alpha)
  local r, g, b = parts(under)
  local r2, g2, b2 = parts(over)
  return packed(r + (r2 - r) * alpha, g + (g2 - g) * alpha, b + (b2 - b) * alpha)
end

---@param value integer 0..255
---@return number
local function linear(value)
  local share = value / 255
  return share <= 0.04045 and share / 12.92 or ((share + 0.055) / 1.055) ^ 2.4
end

--- Relative luminance of WCAG 2, 0..1.
---@param colour integer
---@return number
function M.luminance(colour)
  local r, g, b = parts(colour)
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
end

--- Contrast of WCAG 2, 1..21.
---@param a integer
---@param b integer
---@return number
function M.contrast(a, b)
  local lighter, darker = M.luminance(a), M.luminance(b)
  if lighter < darker then
    lighter, darker = darker, lighter
  end
  return (lighter + 0.05) / (darker + 0.05)
end

---@param colour integer
---@return number hue 0..360
---@return number saturation 0..1
function M.hue(colour)
  local r, g, b = parts(colour)
  local most, least = math.max(r, g, b), math.min(r, g, b)
  local span = most - least
  if span == 0 then
    return 0, 0
  end
  local sixth
  if most == r then
    sixth = ((g - b) / span) % 6
  elseif most == g then
    sixth = (b - r) / span + 2
  else
    sixth = (r - g) / span + 4
  end
  return sixth * 60, span / most
end

--- `colour`, moved toward white or black until it reads on `under`.
---@param colour integer
---@param under integer
---@param least number contrast
---@return integer
function M.readable(colour, under, least)
  local extreme = M.contrast(0xffffff, under) > M.contrast(0x000000, under) and 0xffffff or 0x000000
  for step = 0, 20 do
    local moved = M.blend(colour, extreme, step / 20)
    if M.contrast(moved, under) >= least then
      return moved
    end
  end
  return extreme
end

local CUBE = { 0, 95, 135, 175, 215, 255 }

--- The colour of a terminal's number; the first sixteen are the terminal's own and only a guess.
---@param number integer
---@return integer
function M.of_terminal(number)
  if number >= 232 then
    local grey = 8 + (number - 232) * 10
    return packed(grey, grey, grey)
  elseif number >= 16 then
    local at = number - 16
    return packed(CUBE[math.floor(at / 36) + 1], CUBE[math.floor(at / 6) % 6 + 1], CUBE[at % 6 + 1])
  end
  local system = {
    [0] = 0x000000,
    0x800000,
    0x008000,
    0x808000,
    0x000080,
    0x800080,
    0x008080,
    0xc0c0c0,
    0x808080,
    0xff0000,
    0x00ff00,
    0xffff00,
    0x0000ff,
    0xff00ff,
    0x00ffff,
    0xffffff,
  }
  return system[number] or 0
end

---@class limpid.TerminalColour
---@field number integer
---@field colour integer
---@field hue number
---@field saturation number

---@type limpid.TerminalColour[]?
local palette

--- The cube and the greys.
---@return limpid.TerminalColour[]
function M.palette()
  if not palette then
    palette = {}
    for number = 16, 255 do
      local colour = M.of_terminal(number)
      local hue, saturation = M.hue(colour)
      palette[#palette + 1] = { number = number, colour = colour, hue = hue, saturation = saturation }
    end
  end
  return palette
end

--- The nearest of some colours of the terminal, and its place among them; nil where there are none.
---@generic T: { colour: integer }
---@param colour integer
---@param choices T[]
---@param first integer? of those that count
---@param last integer?
---@return T? choice
---@return integer? place
function M.nearest(colour, choices, first, last)
  local r, g, b = parts(colour)
  local nearest, least
  for at = first or 1, math.min(last or #choices, #choices) do
    local r2, g2, b2 = parts(choices[at].colour)
    -- The eye tells greens apart best, blues least.
    local far = 2 * (r - r2) ^ 2 + 4 * (g - g2) ^ 2 + 3 * (b - b2) ^ 2
    if not least or far < least then
      nearest, least = at, far
    end
  end
  return choices[nearest], nearest
end

--- The terminal's number nearest to a colour.
---@param colour integer
---@return integer
function M.to_terminal(colour)
  return M.nearest(colour, M.palette()).number
end

return M
