-- Text as it may stand on a line of the panel: no control characters, valid UTF-8, measured and cut by the columns it takes on the screen.
-- What must not live here: how tokens are escaped (token_display.lua), layout.
local M = {}

--- Characters that draw nothing or turn the line around: in a token they are spelled out already, in a file name they are left out.
local INVISIBLE = {
  "\194[\128-\159]",
  "\226\128[\139-\143\168-\174]",
  "\226\129[\160-\175]",
  "\239\187\191",
}

--- Bytes of the character that starts at `at`; nil where none does.
---@param text string
---@param at integer
---@return integer?
local function length_at(text, at)
  local first, second = text:byte(at, at + 1)
  if first < 0x80 then
    return 1
  end
  local length = first >= 0xF0 and 4 or first >= 0xE0 and 3 or 2
  if first < 0xC2 or first > 0xF4 or not text:find("^[\128-\191]+", at + 1) then
    return nil
  end
  local is_short = (first == 0xE0 and second < 0xA0) or (first == 0xF0 and second < 0x90)
  local is_outside = (first == 0xED and second > 0x9F) or (first == 0xF4 and second > 0x8F)
  if is_short or is_outside or not text:sub(at + 1, at + length - 1):find("^[\128-\191]+$") then
    return nil
  end
  return at + length - 1 <= #text and length or nil
end

--- Characters of a valid text, a combining mark with the one that it stands on.
---@param text string
---@return fun(): string?
function M.characters(text)
  return text:gmatch("[%z\1-\127\194-\244][\128-\191]*")
end

---@param text string
---@return string
local function cleaned(text)
  if text:find("[%z\1-\31\127]") then
    text = text:gsub("[%z\1-\31\127]+", " ")
  end
  if not text:find("[\128-\255]") then
    return text
  end
  local parts, from, at = {}, 1, 1
  while at <= #text do
    local length = length_at(text, at)
    if not length then
      parts[#parts + 1] = text:sub(from, at - 1) .. "?"
      from = at + 1
    end
    at = at + (length or 1)
  end
  if #parts > 0 then
    text = table.concat(parts) .. text:sub(from)
  end
  for _, pattern in ipairs(INVISIBLE) do
    text = text:gsub(pattern, "")
  end
  return text
end

--- What a function of texts answers, remembered: tokens come again and again. Forgotten when it grows too large.
---@generic T
---@param answer fun(text: string): T
---@return fun(text: string): T
local function remembering(answer)
  local known, count = {}, 0
  return function(text)
    local before = known[text]
    if before == nil then
      if count >= 4096 then
        known, count = {}, 0
      end
      before = answer(text)
      known[text], count = before, count + 1
    end
    return before
  end
end

local clean_and_remember = remembering(cleaned)
---@param text string
---@return integer
local function measured(text)
  return vim.fn.strdisplaywidth("." .. cleaned(text)) - 1
end

local measure_and_remember = remembering(measured)

--- The text with nothing in it that could break a line: bytes that are no character become `?`.
---@param text string
---@return string
function M.clean(text)
  if not text:find("[%z\1-\31\127-\255]") then
    return text
  end
  return #text <= 64 and clean_and_remember(text) or cleaned(text)
end

--- Columns on the screen, of the text as it is drawn. Measured behind another character, where it will stand: a mark that combines
--- takes no column there.
---@param text string
---@return integer
function M.width(text)
  if not text:find("[^\32-\126]") then
    return #text
  end
  return #text <= 64 and measure_and_remember(text) or measured(text)
end

--- As much of the text's start as fits, with `mark` where something is missing.
---@param text string
---@param columns integer
---@param mark string
---@return string
function M.head(text, columns, mark)
  if M.width(text) <= columns then
    return text
  end
  local room = columns - M.width(mark)
  if room < 0 then
    return ""
  end
  local fits, used = {}, 0
  for character in M.characters(text) do
    local width = M.width(character)
    if used + width > room then
      break
    end
    fits[#fits + 1] = character
    used = used + width
  end
  local head = table.concat(fits) .. mark
  -- Marks that combine were counted alone: what is left may still be too wide by what the screen makes of them.
  return M.width(head) <= columns and head or mark
end

--- Sentences broken into lines of at most `columns`, at spaces where there are any.
---@param text string
---@param columns integer
---@return string[]
function M.wrap(text, columns)
  columns = math.max(1, columns)
  local lines, line, used = {}, "", 0
  for word in text:gmatch("%S+") do
    local width = M.width(word)
    if used > 0 and used + 1 + width > columns then
      lines[#lines + 1] = line
      line, used = "", 0
    end
    if width > columns then
      for character in M.characters(word) do
        local own = M.width(character)
        if used > 0 and used + own > columns then
          lines[#lines + 1] = line
          line, used = "", 0
        end
        line, used = line .. character, used + own
      end
    else
      line = used > 0 and line .. " " .. word or word
      used = used + width + (used > 0 and 1 or 0)
    end
  end
  if used > 0 or #lines == 0 then
    lines[#lines + 1] = line
  end
  return lines
end

return M
