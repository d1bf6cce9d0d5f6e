-- The tree of routes: each layer of a stream once, where most of it goes to; runs folded; no more lines than there may be.
-- What must not live here: how lines are worded.
local testing = require("spec.testing")

local describe, it, equal, ok = testing.describe, testing.it, testing.equal, testing.ok

local tree = require("limpid.views.routes_tree")

--- A graph out of `from > to share`: nodes are written `e1` (embedding of token 1), `m2.1` and `p2.1` (layer 2, token 1).
local function graph(spelled)
  local nodes, numbers, edges = {}, {}, {}
  local function node(text)
    if not numbers[text] then
      local kind = ({ e = "embed", m = "resid_mid", p = "resid_post", n = "mlp" })[text:sub(1, 1)]
      local layer, position = text:match("^%l(%d+)%.(%d+)$")
      numbers[text] = #nodes
      nodes[#nodes + 1] = {
        node = #nodes,
        kind = kind,
        layer = tonumber(layer or 0),
        position = tonumber(position or text:sub(2)),
        flow = 0.5,
      }
    end
    return numbers[text]
  end
  for from, to, flow in spelled:gmatch("(%S+) > (%S+) (%S+)") do
    local a, b = node(from), node(to)
    local is_across = nodes[a + 1].position ~= nodes[b + 1].position
    local kind = is_across and "attention" or from:find("^n") and "mlp_out" or to:find("^n") and "mlp_in" or "residual"
    local heads = is_across and { { head = 3, contribution = 0.1 } } or {}
    edges[#edges + 1] = { from = a, to = b, kind = kind, contribution = 0.1, flow = tonumber(flow), heads = heads }
  end
  return { nodes = nodes, edges = edges, shown = 0.9, prune = "mass=0.9" }
end

local function told(items)
  local lines = {}
  for index, item in ipairs(items) do
    local layer = item.layer.layer .. "." .. item.layer.position
    local last = item.last and item.last ~= item.layer and ("..%d"):format(item.last.layer) or ""
    local on = item.on and (" %s %d"):format(item.on.what, item.on.layer.layer) or ""
    lines[index] = ("%s%s %s%s%s"):format((" "):rep(item.depth), item.what, layer, last, on)
  end
  return lines
end

describe("tree of routes", function()
  it("folds layers in which nothing branches, down to the embedding", function()
    local routes = graph("m2.1 > p2.1 1 p1.1 > m2.1 .9 m1.1 > p1.1 .9 p0.1 > m1.1 .9 m0.1 > p0.1 .9 e1 > m0.1 .9")
    equal(told(tree.grow(routes, 99, 99)), { "layer 2.1", "run 1.1..-1" })
  end)

  it("hangs a stream where most of it goes to, and refers to it elsewhere", function()
    local routes = graph([[
      m2.1 > p2.1 1   p1.1 > m2.1 .7   m1.1 > p1.1 .7   p0.1 > m1.1 .4   m0.1 > p0.1 .4   e1 > m0.1 .4
      p0.0 > m1.1 .3  p1.0 > m2.1 .05  m1.0 > p1.0 .05  p0.0 > m1.0 .05  m0.0 > p0.0 .3   e0 > m0.0 .3
    ]])
    equal(told(tree.grow(routes, 99, 99)), {
      "layer 2.1",
      " run 1.0 later 0",
      "layer 1.1",
      " run 0.0..-1",
      "run 0.1..-1",
    })
  end)

  it("refers up to a layer that stands already", function()
    local routes = graph([[
      m2.1 > p2.1 1   p1.1 > m2.1 .5   p1.0 > m2.1 .4  m1.1 > p1.1 .5   p0.0 > m1.1 .1
      m1.0 > p1.0 .4  p0.0 > m1.0 .4   m0.0 > p0.0 .4
    ]])
    equal(told(tree.grow(routes, 99, 99)), { "layer 2.1", " run 1.0..0", "layer 1.1", " again 0.0" })
  end)

  it("tells of an MLP that carries much where nothing else branches", function()
    local routes = graph("n1.1 > p1.1 .3 m1.1 > n1.1 .3 m1.1 > p1.1 .6 p0.1 > m1.1 .9 n0.1 > p0.1 .01 m0.1 > p0.1 .8")
    equal(told(tree.grow(routes, 99, 99)), { "layer 1.1", "run 0.1" })
  end)

  it("shows fewer edges where there would be too many lines, and says what these show", function()
    local spelled = { "m9.1 > p9.1 1" }
    for layer = 9, 1, -1 do
      spelled[#spelled + 1] = ("p%d.1 > m%d.1 .5 m%d.1 > p%d.1 .5 p%d.0 > m%d.1 .%d"):format(
        layer - 1,
        layer,
        layer - 1,
        layer - 1,
        layer - 1,
        layer,
        layer
      )
    end
    local routes = graph(table.concat(spelled, " "))
    routes.steps = {}
    for count = 1, #routes.edges do
      routes.steps[count] = { edges = count, shown = count / #routes.edges }
    end
    local items, count, shown = tree.shown(routes, 1, 100)
    equal({ #items <= 100, count, shown }, { true, #routes.edges, 1 })
    items, count, shown = tree.shown(routes, 1, 8)
    ok(#items <= 8 and count < #routes.edges)
    equal(shown, count / #routes.edges)
    local _, fewer = tree.shown(routes, 0.3, 100)
    equal(fewer, math.ceil(0.3 * #routes.edges))
  end)

  it("of a graph without edges, or without steps, is what there is", function()
    equal(told(tree.grow(graph(""), 0, 99)), {})
    local items, count = tree.shown({ nodes = {}, edges = {}, shown = 0, steps = vim.NIL }, 0.9, 10)
    equal({ #items, count }, { 0, 0 })
  end)
end)
