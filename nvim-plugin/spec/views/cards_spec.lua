-- What cards say of the protocol's examples, letter for letter: the words and numbers of the other clients.
-- What must not live here: sections (sections_spec.lua), what holds of every view (every_view_spec.lua).
local pages = require("spec.views.pages")
local testing = require("spec.testing")

local describe, it, equal, has = testing.describe, testing.it, testing.equal, testing.has

local function says(name, expected, over, change)
  equal(pages.text(pages.draw(name, over, change)), (expected:gsub("\n$", "")))
end

describe("cards", function()
  it("of a token say what it does, who reads it and what the lens reads there", function()
    local text = pages.text(
      pages.draw("token", { measured = { ["knockout 3"] = { effect = 1.08, intervention = "knockout 3" } } })
    )
    has(text, " ▼ token 3  ·France")
    has(text, "effect +1.08")
    has(text, "It was itself predicted at")
    has(text, "L21H2  from ·is (4)")
  end)

  it("of several tokens sum them up", function()
    local text = pages.text(pages.draw("token", { about = { kind = "part", tokens = { start = 1, ["end"] = 3 } } }))
    has(text, " ▼ tokens 1–2")
    has(text, "·capital·of")
  end)

  it("of a head say where it looks and what it writes", function()
    says(
      "head",
      [[
 ▼ head L21H2  at ·is (4)                              a map
   no clear type on this prompt
   flow 6.1 %   at the target ~+0.80   writes directly +0.31
   attribution ~+0.84 nats   off everywhere          │░░░░░░

   from ·is it looks at
   ▃▂ █
   token                          attention           brings
   ·France   3  █████████▊             61 %  ███████    11 %
   The       0  ███▎                   20 %  ▏         0.1 %
   ·capital  1  ██▎                    14 %  ▎         0.4 %
   ·is       4  ▌                       3 %  ▏         0.2 %
   ·of       2  ▍                       2 %  ▏         0.1 %

   promotes                   suppresses
   ·Paris    ████████  +2.25  ·London     ████████  -0.75
   ·French   █████▍    +1.50
]]
    )
  end)

  it("of a head have its map where that is asked for", function()
    local page = pages.draw("head", { maps = true }, function(answers)
      answers.head.view.pattern_map =
        { { 1 }, { 0.9, 0.1 }, { 0.5, 0.25, 0.25 }, { 0.7, 0.1, 0.1, 0.1 }, { 0.2, 0.14, 0.02, 0.61, 0.03 } }
    end)
    has(pages.text(page), "attention, token by token")
    has(pages.text(page), "            The │█")
  end)

  it("of a neuron spell out the signs of gate and up", function()
    says(
      "neuron",
      [[
 ▼ neuron L29 N873  at ·is (4)
   activation 3.50   gate 2.75   up 1.40   flow 0.9 %
   gate 2.75 × up 1.40 → 3.50. The gate is open and up is
   positive: it writes its direction as it is.
   effect not measured                             m measure

   activation at each token
  +  ▁ █
   ·is       4  ████████████████████  +3.50
   ·of       2  █▊                    +0.30
   ·France   3  █▏                    +0.20
   ·capital  1  ▋                     -0.10
   The       0                         0.00

   promotes                   suppresses
   ·Paris    ████████  +2.25  ·London     ████████  -0.75
   ·French   █████▍    +1.50
]]
    )
    local words = require("limpid.views.neuron").sign_words
    local page = require("limpid.page").new({ columns = 60 })
    local function of(pre, up, activation)
      return words(page, { pre = pre, pre_linear = up, row = { activation = activation } })
    end
    has(
      of(1, -1, -0.8),
      "up is negative: it writes its direction reversed, so what it promotes and suppresses is swapped."
    )
    has(of(-1, 1, -0.2), "The gate is negative, which lets a little through with its sign turned")
    has(of(-1, -1, 0.2), "their signs cancel")
    has(of(1, vim.NIL, 0.8), "pre-activation 1.00 → 0.80. It writes its direction as it is.")
    has(of(1, vim.NIL, 0), "it is off here and writes nothing.")
    has(of(0, 1, 0), "gate 0.00, up 1.00: it is off here")
  end)

  it("of an MLP say what is predicted before and after it", function()
    says(
      "mlp",
      [[
 ▼ MLP L29  at ·is (4)
   flow 31 %   wrote 31 % of the stream behind it
   effect not measured                             m measure

   before it                 after it
   ·the       ▌         6 %  ·Paris    ██████▏   77 %
                             ·the      ▌          6 %

   neurons                                           by flow
   neuron     flow  effect   nats           writes
   L29 N873  0.9 %       –         │        ·Paris ·French
]]
    )
  end)

  it("of a node and an edge", function()
    says(
      "node",
      [[
 ▼ residual L21, after the MLP  at ·is (4)
   flow through it 52 %
   written by MLP L21   below it residual before the MLP

   would predict
   ·Paris         ██████▏   77 %
   ·the           ▌          6 %

   gained ranks over the node below
   ·Paris  #41  →  #2

   lost ranks
   ·the  #1  →  #9

   least likely
   ⟨0x0B⟩        ████████  -14.25
]]
    )
    says(
      "edge",
      [[
 ▼ attention L21  ·France (3) → ·is (4)
   flow 6.1 %   of the upper node 12 %
   effect not measured                             m measure

   head   of the node              attention  writes
   L21H2         11 %  ██████▏          61 %  ·Paris ·French

   from residual L20, after the MLP
   to   residual L21, before the MLP
]]
    )
  end)

  it("are opened by what lines are about", function()
    local views = require("limpid.views")
    equal(views.card({ kind = "head", layer = 1, head = 2 }).name, "head")
    equal(views.card({ kind = "change", change = "head 1.2" }).name, "head")
    local card, about = views.card({ kind = "node", node = { kind = "mlp", layer = 3, position = 1 } })
    equal({ card.name, about }, { "mlp", { kind = "mlp", layer = 3, position = 1 } })
    equal(views.card({ kind = "run", id = "r1" }), nil)
    equal(views.card({ kind = "change", change = { "head 1.2", "mlp 3" } }), nil)
  end)
end)
