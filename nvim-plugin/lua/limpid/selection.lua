-- What is selected, as a range of the wire. What must not live here: what is done with it.
local positions = require("limpid.positions")

local M = {}

---@param first integer row from 0
---@param last integer row from 0
---@return table
local function rows(first, last)
  local line = vim.api.nvim_buf_get_lines(0, last, last + 1, false)[1] or ""
  return { start = { line = first, character = 0 }, ["end"] = { line = last, character = #line } }
end

---@param from integer[] as `getpos`
---@param to integer[] as `getpos`
---@return table
local function between(from, to)
  if to[2] < from[2] or (to[2] == from[2] and to[3] < from[3]) then
    from, to = to, from
  end
  local last = vim.api.nvim_buf_get_lines(0, to[2] - 1, to[2], false)[1] or ""
  return {
    start = { line = from[2] - 1, character = from[3] - 1 },
    ["end"] = { line = to[2] - 1, character = positions.behind(last, math.min(to[3] - 1, #last)) },
  }
end

--- The selection of visual mode, which it leaves.
---@return table
function M.visual()
  local mode = vim.fn.mode()
  local from, to = vim.fn.getpos("v"), vim.fn.getpos(".")
  vim.api.nvim_feedkeys(vim.keycode("<Esc>"), "nx", false)
  if mode == "v" then
    return between(from, to)
  end
  return rows(math.min(from[2], to[2]) - 1, math.max(from[2], to[2]) - 1)
end

--- Lines of a command's range; where they are the last visual selection and that was of characters, the characters.
---@param first integer from 1
---@param last integer from 1
---@return table
function M.lines(first, last)
  local from, to = vim.fn.getpos("'<"), vim.fn.getpos("'>")
  if vim.fn.visualmode() == "v" and from[2] == first and to[2] == last and to[3] < vim.v.maxcol then
    return between(from, to)
  end
  return rows(first - 1, last - 1)
end

return M
