-- What is switched off now, by run: it acts together in continuations and can be measured together. What must not live here:
-- measuring, drawing.
local changes = require("limpid.changes")
local session = require("limpid.session")

local M = {}

---@type table<string, (table|string)[]> by run id
local switched = {}

---@param run limpid.Run
---@return (table|string)[]
function M.of(run)
  return switched[run.head.id] or {}
end

--- Switches something off, or on again where it is off.
---@param run limpid.Run
---@param change table|string
---@return boolean is_off
function M.toggle(run, change)
  local list = vim.list_slice(M.of(run))
  local key = changes.text(change)
  for at, other in ipairs(list) do
    if changes.text(other) == key then
      table.remove(list, at)
      switched[run.head.id] = list
      session.changed()
      return false
    end
  end
  list[#list + 1] = change
  switched[run.head.id] = list
  session.changed()
  return true
end

---@param run limpid.Run
function M.clear(run)
  switched[run.head.id] = nil
  session.changed()
end

--- Takes a whole set, as one of the file of switches beside the prompt.
---@param run limpid.Run
---@param list (table|string)[]
function M.take(run, list)
  switched[run.head.id] = vim.list_slice(list)
  session.changed()
end

return M
