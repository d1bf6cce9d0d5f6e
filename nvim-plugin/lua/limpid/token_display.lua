-- How a token's text is shown: escaped, cut in the middle, the same as `protocol/src/display.rs`. Prompt tokens come with theirs;
-- this is for tokens of the vocabulary, which come as text.
-- What must not live here: numbers (display.lua), colours.
local M = {}

--- Widest display of a token, in columns.
local TOKEN_COLUMNS = 24

---@alias limpid.CodeRange { [1]: integer, [2]: integer }

---@type limpid.CodeRange[] Unicode's White_Space.
local WHITESPACE = {
  { 0x09, 0x0d },
  { 0x20, 0x20 },
  { 0x85, 0x85 },
  { 0xa0, 0xa0 },
  { 0x1680, 0x1680 },
  { 0x2000, 0x200a },
  { 0x2028, 0x2029 },
  { 0x202f, 0x202f },
  { 0x205f, 0x205f },
  { 0x3000, 0x3000 },
}

---@type limpid.CodeRange[] Controls.
local CONTROL = { { 0x00, 0x1f }, { 0x7f, 0x9f } }

---@type limpid.CodeRange[] Characters that draw nothing or reorder the line; shown, because they can hide text from a reader.
local INVISIBLE = {
  { 0xad, 0xad },
  { 0x200b, 0x200f },
  { 0x2028, 0x202e },
  { 0x2060, 0x206f },
  { 0xfeff, 0xfeff },
  { 0xfff9, 0xfffb },
  { 0xe0000, 0xe007f },
}

---@type limpid.CodeRange[]
local COMBINING = {
  { 0x0300, 0x036f },
  { 0x1ab0, 0x1aff },
  { 0x1dc0, 0x1dff },
  { 0x20d0, 0x20ff },
  { 0xfe00, 0xfe0f },
  { 0xfe20, 0xfe2f },
}

---@type limpid.CodeRange[]
local WIDE = {
  { 0x1100, 0x115f },
  { 0x2e80, 0x303e },
  { 0x3041, 0xa4cf },
  { 0xac00, 0xd7a3 },
  { 0xf900, 0xfaff },
  { 0xfe30, 0xfe6f },
  { 0xff00, 0xff60 },
  { 0xffe0, 0xffe6 },
  { 0x1f300, 0x1f64f },
  { 0x1f680, 0x1f6ff },
  { 0x1f900, 0x1f9ff },
  { 0x20000, 0x3fffd },
}

---@param code integer
---@param ranges limpid.CodeRange[]
---@return boolean
local function within(code, ranges)
  for _, range in ipairs(ranges) do
    if code >= range[1] and code <= range[2] then
      return true
    end
  end
  return false
end

--- How many bytes a character of UTF-8 takes that begins with this byte; nil: none begins so.
---@param first integer
---@return integer?
local function length_of(first)
  if first < 0x80 then
    return 1
  elseif first >= 0xc2 and first < 0xe0 then
    return 2
  elseif first >= 0xe0 and first < 0xf0 then
    return 3
  elseif first >= 0xf0 and first < 0xf5 then
    return 4
  end
  return nil
end

---@class limpid.Character
---@field text string
---@field code integer? nil: a byte that is not UTF-8

--- The character that begins at this byte, or the byte alone where none does.
---@param text string
---@param at integer
---@return limpid.Character
local function character_at(text, at)
  local first = text:byte(at)
  local length = length_of(first)
  local spelled = length and text:sub(at, at + length - 1)
  if not spelled or #spelled < length or not spelled:find("^.[\128-\191]*$") then
    return { text = text:sub(at, at) }
  end
  local code = length == 1 and first or first % 2 ^ (7 - length)
  for further = 2, length do
    code = code * 64 + spelled:byte(further) % 64
  end
  return { text = spelled, code = code }
end

---@param text string
---@return limpid.Character[]
local function characters_of(text)
  local found = {}
  local at = 1
  while at <= #text do
    local character = character_at(text, at)
    found[#found + 1] = character
    at = at + #character.text
  end
  return found
end

---@param character limpid.Character
---@return integer
local function columns_of(character)
  local code = character.code
  -- Neovim draws a byte that is not UTF-8 as `<e2>`.
  if not code then
    return 4
  end
  if code < 0x300 then
    return 1
  end
  if within(code, COMBINING) then
    return 0
  end
  return within(code, WIDE) and 2 or 1
end

---@param character limpid.Character
---@return string
local function escaped(character)
  local code = character.code
  if not code then
    return ("⟨0x%02X⟩"):format(character.text:byte())
  elseif character.text == "\n" then
    return "↵"
  elseif character.text == "\t" then
    return "→"
  elseif within(code, CONTROL) or within(code, INVISIBLE) then
    return ("⟨0x%02X⟩"):format(code)
  end
  return character.text
end

--- The escapes of `token` without the cut.
---@param text string
---@return string
function M.escape(text)
  if text == "" then
    return "∅"
  end
  if text:find("^[\33-\126]+$") then
    return text
  end
  local leading = #text:match("^ *")
  local trailing = #text - #text:match(" *$")
  local characters = characters_of(text)
  local is_blank = true
  for _, character in ipairs(characters) do
    is_blank = is_blank and character.code ~= nil and within(character.code, WHITESPACE)
  end
  local shown = {}
  local at = 0
  for index, character in ipairs(characters) do
    if character.text == " " then
      shown[index] = (is_blank or at < leading or at >= trailing) and "·" or " "
    else
      shown[index] = escaped(character)
    end
    at = at + #character.text
  end
  return table.concat(shown)
end

--- Columns of a text: wide East Asian characters and emoji take two, combining marks none.
---@param text string
---@return integer
function M.width(text)
  if text:find("^[\32-\126]*$") then
    return #text
  end
  local columns = 0
  for _, character in ipairs(characters_of(text)) do
    columns = columns + columns_of(character)
  end
  return columns
end

--- How many characters from `from` on, by steps of `step`, fit into so many columns.
---@param characters limpid.Character[]
---@param from integer
---@param step 1|-1
---@param columns integer
---@return integer
local function fitting(characters, from, step, columns)
  local used, fits = 0, 0
  local character = characters[from]
  while character do
    used = used + columns_of(character)
    if used > columns then
      break
    end
    fits = fits + 1
    character = characters[from + step * fits]
  end
  return fits
end

--- Cuts a text in the middle so that it takes at most `columns`.
---@param text string
---@param columns integer
---@return string
function M.cut(text, columns)
  if M.width(text) <= columns then
    return text
  end
  local room = math.max(0, columns - 1)
  local characters = characters_of(text)
  local head = fitting(characters, 1, 1, math.ceil(room / 2))
  local tail = fitting(characters, #characters, -1, math.floor(room / 2))
  local kept = {}
  for at = 1, head do
    kept[#kept + 1] = characters[at].text
  end
  kept[#kept + 1] = "…"
  for at = #characters - tail + 1, #characters do
    kept[#kept + 1] = characters[at].text
  end
  return table.concat(kept)
end

--- A token's text for people: escaped, and cut to 24 columns.
---@param text string
---@return string
function M.token(text)
  return M.cut(M.escape(text), TOKEN_COLUMNS)
end

return M
