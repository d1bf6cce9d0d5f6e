-- Changes: one text for those that do the same, the daemon's own; words for people; and what they act on.
-- What must not live here: measuring.
local testing = require("spec.testing")

local describe, it, equal, ok = testing.describe, testing.it, testing.equal, testing.ok

local changes = require("limpid.changes")
local switchable = require("limpid.switchable")

local TOKENS = {
  { index = 0, id = 1, display = "The" },
  { index = 1, id = 2, display = "·capital" },
  { index = 2, id = 3, display = "·of" },
  { index = 3, id = 4, display = "·France" },
}

describe("changes", function()
  it("read back from their text, as the daemon does", function()
    for _, text in ipairs({
      "knockout 3",
      "span 2:5",
      "delete 3",
      "delete 2:5",
      "replace 2:5= and so=on",
      "edge 3.2 7<-4",
      "head 23.4",
      "head 23.4@5",
      "head 23.4=0.5x",
      "mlp 3",
      "mlp 3=-1x@2",
      "neuron 2.12=10@4",
      "neuron 2.12=2x",
    }) do
      equal(changes.text(ok(changes.read(text), text)), text)
    end
    equal(changes.text("L23H4@5"), "head 23.4@5")
    equal(changes.text("L2N12"), "neuron 2.12=0")
    equal(changes.text("L2 N12"), "neuron 2.12=0")
    equal(changes.text("L3MLP"), "mlp 3")
    for _, wrong in ipairs({
      "",
      "head",
      "head 3",
      "head 3.x",
      "span 3",
      "mlp 3.2",
      "foo 3",
      "L3",
      "edge 3.2 7>4",
      "head 3.2@x",
      "mlp 3=y",
    }) do
      equal(changes.read(wrong), nil, wrong)
    end
  end)

  it("have one text where they do the same", function()
    equal(changes.text({ kind = "span_knockout", span = { 3, 4 } }), "knockout 3")
    equal(changes.text({ kind = "neuron_scale", layer = 2, neuron = 12, value = 0 }), "neuron 2.12=0")
    equal(
      changes.text({ kind = "neuron_set", layer = 2, neuron = 12, value = 0, head = vim.NIL, position = vim.NIL }),
      "neuron 2.12=0"
    )
    equal(changes.text({ { kind = "head_zero", layer = 21, head = 2 } }), "head 21.2")
    equal(changes.text({ "L21H2", { kind = "mlp_zero", layer = 3 } }), "head 21.2 + mlp 3")
    equal(changes.text({ kind = "edge_knockout", layer = 20, query = 4, key = 3 }), "edge 20 4<-3")
    local patch = { kind = "patch", layer = 3, hook = "resid_post", from = { text = "x" }, token = vim.NIL }
    equal(changes.text(patch), changes.text({ from = { text = "x" }, hook = "resid_post", layer = 3, kind = "patch" }))
  end)

  it("are said as in the other clients", function()
    local function words(change)
      return changes.words(change, TOKENS)
    end
    equal(words({ kind = "knockout", token = 3 }), "hide ·France (3)")
    equal(words({ kind = "span_knockout", span = { 1, 4 } }), "hide ·capital … ·France")
    equal(words({ kind = "span_knockout", span = { 3, 4 } }), "hide ·France (3)")
    equal(words({ kind = "head_zero", layer = 21, head = 2 }), "L21H2 off")
    equal(words({ kind = "head_zero", layer = 21, head = 2, position = 4 }), "L21H2 off at 4")
    equal(words({ kind = "head_scale", layer = 21, head = 2, value = 0.5 }), "L21H2 × 0.5")
    equal(words({ kind = "mlp_set", layer = 3, value = -1 }), "MLP L3 = -1")
    equal(words("neuron 2.12"), "L2 N12 off")
    equal(words({ kind = "neuron_scale", layer = 2, neuron = 12, value = 2 }), "L2 N12 × 2")
    equal(words({ kind = "edge_knockout", layer = 20, query = 4, key = 3 }), "cut L20 4 ← 3")
    equal(words({ kind = "delete", token = 9 }), "delete token 9")
    equal(words({ kind = "patch", layer = 3, hook = "resid_post" }), "patch resid_post L3")
    equal(words({ "head 21.2", "knockout 1" }), "L21H2 off + hide ·capital (1)")
    equal(words("something else"), "something else")
  end)

  it("of what is looked at lead back to it", function()
    local target = { position = 4 }
    for _, about in ipairs({
      { kind = "token", position = 3 },
      { kind = "part", tokens = { start = 1, ["end"] = 3 } },
      { kind = "head", layer = 2, head = 1, position = 3 },
      { kind = "mlp", layer = 2, position = 3 },
      { kind = "neuron", layer = 2, neuron = 100, position = 3 },
    }) do
      equal(switchable.about(switchable.of(about, target, false).off), about)
    end
    equal(switchable.of({ kind = "head", layer = 2, head = 1, position = 3 }, target, true).off.position, nil)
  end)

  it("say why something cannot be switched off", function()
    local target = { position = 4 }
    testing.has(switchable.of({ kind = "token", position = 4 }, target, true).reason, "cannot be hidden")
    testing.has(switchable.of({ kind = "part", tokens = { start = 3, ["end"] = 5 } }, target, true).reason, "inside")
    testing.has(
      switchable.of({ kind = "node", node = { kind = "resid_post", layer = 3, position = 1 } }, target, true).reason,
      "is a sum"
    )
    testing.has(switchable.of({ kind = "word", word = "flow" }, target, true).reason, "nothing here")
    local edge = {
      kind = "edge",
      from = { kind = "resid_post", layer = 20, position = 3 },
      to = { kind = "resid_mid", layer = 21, position = 4 },
      edge_kind = "attention",
    }
    equal(changes.text(switchable.of(edge, target, true).off), "edge 21 4<-3")
    edge.edge_kind = "residual"
    testing.has(switchable.of(edge, target, true).reason, "residual stream itself")
  end)
end)
