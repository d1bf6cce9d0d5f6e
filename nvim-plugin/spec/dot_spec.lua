-- DOT is what the command-line program writes; the VS Code extension's test has the same graph and the same lines.
-- What must not live here: where it is saved.
local dot = require("limpid.dot")
local testing = require("spec.testing")

local describe, it, equal = testing.describe, testing.it, testing.equal

---@param kind limpid.NodeKind
local function node(kind)
  return { kind = kind, node = 0, layer = 2, position = 0, flow = 0.43308657 }
end

---@param kind limpid.EdgeKind
---@param heads integer[]
local function edge(kind, heads)
  local rows = {}
  for at, head in ipairs(heads) do
    rows[at] = { head = head, contribution = 0.1 }
  end
  return { kind = kind, from = 0, to = 1, contribution = 1, flow = 0.5, heads = rows }
end

---@param display string
local function rendered(display)
  local routes = {
    prune = "mass=0.9",
    shown = 0.10117669,
    nodes = { node("embed"), node("resid_mid"), node("mlp"), node("resid_post") },
    edges = { edge("residual", {}), edge("attention", { 3, 1, 2, 0 }) },
  }
  local tokens = { { index = 0, id = 1, display = display, range = vim.NIL } }
  return dot.text("small", { routes = routes }, tokens)
end

describe("dot", function()
  it("is what the command-line program writes, and labels stay inside their quotes", function()
    equal(vim.split(rendered('a"]; evil\\'), "\n"), {
      "digraph routes {",
      "  rankdir=BT;",
      '  node [fontname="monospace", fontsize=10];',
      '  label="small · 10 % of flow shown";',
      '  n0 [label="a\\"]; evil\\\\ 43 %", shape=plaintext];',
      '  n1 [label="L2 mid a\\"]; evil\\\\ 43 %", shape=ellipse];',
      '  n2 [label="L2 MLP a\\"]; evil\\\\ 43 %", shape=box];',
      '  n3 [label="L2 post a\\"]; evil\\\\ 43 %", shape=ellipse];',
      '  n0 -> n1 [penwidth=3.50, label="", tooltip="residual 50 %"];',
      '  n0 -> n1 [penwidth=3.50, label="H3 H1 H2", tooltip="attention 50 %"];',
      "}",
      "",
    })
  end)

  it("keeps line ends and controls out of its lines, and other characters as they are", function()
    testing.has(rendered("a\nb\1\194\133c·↵é"), '[label="a\\nbc·↵é 43 %"')
  end)

  it("draws a node of a token that the table lacks", function()
    local view = testing.fixture("routes").result.view
    testing.has(dot.text("small", view, {}), "shape=")
  end)
end)
