-- What is null on the wire: Neovim decodes it as `vim.NIL`, which is true in a condition and must keep its place in a list.
-- What must not live here: requests, types of answers (generated/protocol.lua).
local M = {}

--- Whether the wire said anything here.
---@param value any
---@return boolean
function M.known(value)
  return value ~= nil and value ~= vim.NIL
end

--- The value, or nil where the wire said null.
---@generic T
---@param value T|vim.NIL|nil
---@return T?
function M.or_nil(value)
  if value == vim.NIL then
    return nil
  end
  return value
end

return M
