-- What views ask, worded once: the same questions as the other clients', so that an answer serves all who ask.
-- What must not live here: asking.
local M = {}

--- Rows of each ranking.
M.TOP = 30

--- The prediction, and the prompt's tokens.
function M.tokens()
  return { method = "limpid/tokens", params = {} }
end

--- Scores of the method that heat shows, and flow beside it.
---@param context limpid.Context
function M.attribution(context)
  local methods = context.method == "flow" and { "flow" } or { context.method, "flow" }
  return { method = "limpid/attribution", params = { methods = methods, top = M.TOP } }
end

--- More of the graph than is shown: what fewer edges show comes with it, so that changing the share asks nothing.
function M.routes()
  return { method = "limpid/routes", params = { max_edges = 6000, prune = "mass=0.98", top = M.TOP } }
end

---@param positions integer[]
function M.lens(positions)
  return { method = "limpid/lens", params = { positions = positions } }
end

--- The token that views are about.
---@param context limpid.Context
---@return integer
function M.position(context)
  local target = context.head.target
  local last = math.max(0, #context.tokens - 1)
  local position = context.position
  if type(position) ~= "number" then
    position = type(target) == "table" and target.position or last
  end
  return math.max(0, math.min(position, last))
end

return M
