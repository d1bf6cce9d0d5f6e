-- The route graph in Graphviz' language, letter for letter as `limpid inspect --format dot` writes it: a run in the editor is of a
-- text that need not be in a file, so the command-line program cannot be asked for it.
-- What must not live here: asking for the routes, writing the file (export.lua).
local display = require("limpid.display")

local M = {}

local SHAPES = { embed = "plaintext", mlp = "box" }
local MOST_HEADS = 3

--- A string inside double quotes of DOT: without controls, of which U+0080 to U+009F take two bytes.
---@param text string
---@return string
local function quoted(text)
  local inside = text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n"):gsub("[%z\1-\31\127]", ""):gsub("\194[\128-\159]", "")
  return '"' .. inside .. '"'
end

---@param node limpid.RouteNode
---@param token string
---@return string
local function describe(node, token)
  if node.kind == "embed" then
    return token
  elseif node.kind == "resid_mid" then
    return ("L%d mid %s"):format(node.layer, token)
  elseif node.kind == "mlp" then
    return ("L%d MLP %s"):format(node.layer, token)
  end
  return ("L%d post %s"):format(node.layer, token)
end

---@param node limpid.RouteNode
---@param index integer
---@param tokens limpid.TableToken[]
---@return string
local function node_line(node, index, tokens)
  local token = tokens[node.position + 1]
  local label = describe(node, token and token.display or "") .. " " .. display.flow(node.flow)
  return ("  n%d [label=%s, shape=%s];"):format(index, quoted(label), SHAPES[node.kind] or "ellipse")
end

---@param edge limpid.RouteEdge
---@return string
local function edge_line(edge)
  local heads = {}
  for at = 1, math.min(MOST_HEADS, #edge.heads) do
    heads[at] = "H" .. ("%d"):format(edge.heads[at].head)
  end
  -- Rust rounds to 32 bits after each step.
  local width = display.single(0.5 + display.single(6 * display.single(edge.flow)))
  return ("  n%d -> n%d [penwidth=%s, label=%s, tooltip=%s];"):format(
    edge.from,
    edge.to,
    display.fixed(width, 2),
    quoted(table.concat(heads, " ")),
    quoted(edge.kind .. " " .. display.flow(edge.flow))
  )
end

--- The graph in the DOT language.
---@param model string
---@param view limpid.RoutesView
---@param tokens limpid.TableToken[]
---@return string
function M.text(model, view, tokens)
  local routes = view.routes
  local lines = {
    "digraph routes {",
    "  rankdir=BT;",
    '  node [fontname="monospace", fontsize=10];',
    ("  label=%s;"):format(quoted(("%s · %s of flow shown"):format(model, display.flow(routes.shown)))),
  }
  for at, node in ipairs(routes.nodes) do
    lines[#lines + 1] = node_line(node, at - 1, tokens)
  end
  for _, edge in ipairs(routes.edges) do
    lines[#lines + 1] = edge_line(edge)
  end
  lines[#lines + 1] = "}\n"
  return table.concat(lines, "\n")
end

return M
