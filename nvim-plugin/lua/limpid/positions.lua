-- Places of the wire and of buffers, one into the other. The client speaks UTF-8, so both count bytes; what a buffer lacks by now
-- is cut off. What must not live here: finding prompts, which is the daemon's.
local M = {}

---@param bufnr integer
---@param position { line: integer, character: integer }
---@return integer row, integer column  -- from 0
local function placed(bufnr, position)
  local last = vim.api.nvim_buf_line_count(bufnr) - 1
  if position.line > last then
    return last, #(vim.api.nvim_buf_get_lines(bufnr, last, last + 1, false)[1] or "")
  end
  local line = vim.api.nvim_buf_get_lines(bufnr, position.line, position.line + 1, false)[1] or ""
  return position.line, math.min(position.character, #line)
end

---@param bufnr integer
---@param range { start: table, ["end"]: table }
---@return integer start_row, integer start_column, integer end_row, integer end_column  -- from 0, in bytes, the end exclusive
function M.to_buffer(bufnr, range)
  local start_row, start_column = placed(bufnr, range.start)
  local end_row, end_column = placed(bufnr, range["end"])
  return start_row, start_column, end_row, end_column
end

---@param row integer from 0
---@param column integer bytes
---@return { line: integer, character: integer }
function M.from_buffer(_, row, column)
  return { line = row, character = column }
end

--- The cursor of a window.
---@param window integer
---@return { line: integer, character: integer }
function M.cursor(window)
  local at = vim.api.nvim_win_get_cursor(window)
  return { line = at[1] - 1, character = at[2] }
end

---@param a { line: integer, character: integer }
---@param b { line: integer, character: integer }
---@return boolean
function M.is_before(a, b)
  return a.line < b.line or (a.line == b.line and a.character < b.character)
end

--- The byte behind the character at a column, so that a range that ends on it holds it whole.
---@param line string
---@param column integer
---@return integer
function M.behind(line, column)
  if column >= #line then
    return #line
  end
  return column + #vim.fn.strpart(line, column, 1, 1)
end

return M
