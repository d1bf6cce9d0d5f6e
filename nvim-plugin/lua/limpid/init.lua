-- The door for a person's configuration. What must not live here: anything that happens before it is needed.
local M = {}

--- Takes settings; all may be left out, and the call too. Each is checked: what is wrong is said with its name, and its default
--- stays.
---@param options? limpid.Options
function M.setup(options)
  require("limpid.config").set(options or {})
end

--- A short text for a status line: what goes on, or what is predicted; empty until something is asked. Costs a table look-up.
---@return string
function M.statusline()
  -- Nothing went on before the first gesture, and nothing is loaded to say so.
  return package.loaded["limpid.session"] and require("limpid.statusline").text() or ""
end

return M
