-- Where the tokens of an answer stand in a buffer: worked out once, looked up by place and by span.
-- What must not live here: anything drawn, and whether the buffer still has the answer's text.
local M = {}

--- Rows and byte columns from 0, the end exclusive; false for a token that was added.
---@alias limpid.TokenPlace { [1]: integer, [2]: integer, [3]: integer, [4]: integer }|false

---@class limpid.TokenPlaces
---@field [integer] limpid.TokenPlace by token index plus 1
---@field order integer[] indices of tokens that stand in the text, by where they start

---@param row integer
---@param column integer
---@param other_row integer
---@param other_column integer
---@return boolean
local function is_before(row, column, other_row, other_column)
  return row < other_row or (row == other_row and column < other_column)
end

--- Places of all tokens. What the buffer lacks by now is cut off.
---@param bufnr integer
---@param tokens limpid.TableToken[]
---@return limpid.TokenPlaces
function M.of(bufnr, tokens)
  local last = vim.api.nvim_buf_line_count(bufnr) - 1
  -- A line is read once: one of a megabyte may hold every token.
  local row_read, length = -1, 0
  local function placed(position)
    local row = math.min(position.line, last)
    if row ~= row_read then
      row_read, length = row, #(vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or "")
    end
    return row, position.line > last and length or math.min(position.character, length)
  end
  local places, order, is_sorted = {}, {}, true
  for at, token in ipairs(tokens) do
    local range = token.range
    if range and range ~= vim.NIL then
      local row, column = placed(range.start)
      local end_row, end_column = placed(range["end"])
      places[at] = { row, column, end_row, end_column }
      local before = places[order[#order] and order[#order] + 1 or 0]
      is_sorted = is_sorted and not (before and is_before(row, column, before[1], before[2]))
      order[#order + 1] = at - 1
    else
      places[at] = false
    end
  end
  if not is_sorted then
    table.sort(order, function(a, b)
      local one, two = places[a + 1], places[b + 1]
      if one[1] == two[1] and one[2] == two[2] then
        return a < b
      end
      return is_before(one[1], one[2], two[1], two[2])
    end)
  end
  places.order = order
  return places
end

--- The place in `order` of the last token that starts at or before a position; 0: none does.
---@param places limpid.TokenPlaces
---@param row integer
---@param column integer
---@return integer
local function last_started(places, row, column)
  local low, high = 0, #places.order
  while low < high do
    local middle = math.ceil((low + high) / 2)
    local place = places[places.order[middle] + 1]
    if is_before(row, column, place[1], place[2]) then
      high = middle - 1
    else
      low = middle
    end
  end
  return low
end

--- The token at a position: the first that holds it, where several bytes of one character are tokens of their own.
---@param places limpid.TokenPlaces
---@param row integer
---@param column integer
---@return integer? index
function M.at(places, row, column)
  local found
  for at = last_started(places, row, column), 1, -1 do
    local index = places.order[at]
    local place = places[index + 1]
    if not is_before(row, column, place[3], place[4]) then
      break
    end
    found = index
  end
  return found
end

--- Where a token's first character that is no blank stands; its start where it is all blank.
---@param bufnr integer
---@param place limpid.TokenPlace
---@return integer row
---@return integer column
---@return boolean is_blank
function M.inside(bufnr, place)
  local lines = vim.api.nvim_buf_get_text(bufnr, place[1], place[2], place[3], place[4], {})
  for at, line in ipairs(lines) do
    local first = line:find("%S")
    if first then
      return place[1] + at - 1, (at == 1 and place[2] or 0) + first - 1, false
    end
  end
  return place[1], place[2], true
end

--- Tokens that a span holds something of: more than the blank in front of them, unless they are all blank.
---@param bufnr integer
---@param places limpid.TokenPlaces
---@param row integer
---@param column integer
---@param end_row integer
---@param end_column integer exclusive
---@return integer? first index
---@return integer? last index
function M.within(bufnr, places, row, column, end_row, end_column)
  local first, last
  for at = math.max(1, last_started(places, row, column)), #places.order do
    local index = places.order[at]
    local place = places[index + 1]
    if not is_before(place[1], place[2], end_row, end_column) then
      break
    end
    if is_before(row, column, place[3], place[4]) then
      local own_row, own_column = M.inside(bufnr, place)
      if is_before(own_row, own_column, end_row, end_column) then
        first = math.min(first or index, index)
        last = math.max(last or index, index)
      end
    end
  end
  return first, last
end

return M
