-- What the header and the sections say of the protocol's examples, letter for letter: the words and numbers of the other clients.
-- What must not live here: cards (cards_spec.lua), what holds of every view (every_view_spec.lua).
local pages = require("spec.views.pages")
local testing = require("spec.testing")

local describe, it, equal, has, ok = testing.describe, testing.it, testing.equal, testing.has, testing.ok

local function says(name, expected, over, change)
  equal(pages.text(pages.draw(name, over, change)), (expected:gsub("\n$", "")))
end

local function line_with(page, words)
  for _, line in ipairs(page.lines) do
    if require("limpid.page").text(line):find(words, 1, true) then
      return line
    end
  end
  error({ problem = ("no line with %s in\n%s"):format(words, pages.text(page)) }, 0)
end

describe("header", function()
  it("says what is predicted, by which model, in what state, with the prompt and the tabs", function()
    says(
      "header",
      [[
 ·Paris 77 %   target ·Paris       SmolLM2-135M-Instruct cpu
 traced 5 tokens in 31 ms                      france.prompt

 The·capital·of·France·is
 ░░░▃▃▃▃▃▃▃▃▁▁▁▂▂▂▂▂▂▂███
      colour: attribution to ~0.61 nats   bars: flow to 40 %

 1prediction 2routes 3lens 4parts 5heads 6effects 7compare
]],
      { section = "routes" }
    )
  end)

  it("says that the text changed, and how far a measurement is", function()
    local page = pages.draw(
      "header",
      { progress = { what = "Measuring heads", done = 135, of = 270 } },
      function(_, context)
        context.head.is_stale = true
      end
    )
    has(pages.text(page), "⚠ The text changed; this is about what it was.    r refresh")
    has(pages.text(page), "Measuring heads 135 of 270 ██████████\n")
  end)

  it("paints tokens by their attribution, the first one and the target's apart", function()
    local page = pages.draw("header", { position = 2 })
    local groups = {}
    for _, chunk in ipairs(line_with(page, "The·capital").chunks) do
      groups[chunk[1]] = chunk[2]
    end
    equal(groups["The"], "LimpidSink")
    equal(groups["·of"], "LimpidPoint")
    equal(groups["·is"], "LimpidTarget")
    equal(groups["·capital"], "LimpidSupport7")
    equal(groups["·France"], "LimpidOppose4")
  end)

  it("shows two rows of a long prompt around the token looked at, and says how many tokens are left out", function()
    local tokens = {}
    for index = 0, 9999 do
      tokens[index + 1] = { index = index, id = index, display = index % 7 == 6 and "↵" or "·word" }
    end
    for _, position in ipairs({ 0, 41, 5000, 9999 }) do
      local page = pages.draw("header", { tokens = tokens, position = position }, function(answers)
        answers.attribution = nil
      end)
      local rows, is_there = 0, false
      for _, line in ipairs(page.lines) do
        local about = line.chunks[2] and line.chunks[2][3]
        if about and about.kind == "token" then
          rows = rows + 1
          for _, chunk in ipairs(line.chunks) do
            is_there = is_there or (chunk[3] ~= nil and chunk[3].position == position)
          end
        end
      end
      equal({ rows, is_there }, { 2, true }, "at " .. position)
      has(pages.text(page), "⋯ ")
    end
  end)
end)

describe("prediction", function()
  it("ranks next tokens and the prompt's tokens", function()
    says(
      "prediction",
      [[
 ▼ prediction                 t target   f foil   c continue
   target ·Paris  rather than anything else
   next token                               P  logit
   ·Paris      ██████████████████▌       77 %  17.50  target
   ·the        █▌                         6 %  15.00

   tokens                                     by attribution
   token        flow  attr. ~  effect   nats
   ·France   3  12 %    -0.31   +5.60≠          ░│█████████
   ·capital  1  14 %    +0.61   +4.20            │███████
   ·of       2   3 %    +0.05       –            │
   The       0  31 %    +0.02       –   first token
   ·is       4  40 %     0.00       –            │
]]
    )
  end)
end)

describe("routes", function()
  it("is a tree from the prediction down, with the share shown", function()
    says(
      "routes",
      [[
 ▼ routes                     0 % of flow shown   -/+ change
   L21 ·is  ← L21H2 6.1 % ·France                       51 %
     ⋯ L20 ·France by L21H2 6.1 %                       20 %
]]
    )
  end)

  it("tells tokens that look alike apart by their place", function()
    local page = pages.draw("routes", nil, function(_, context)
      context.tokens[2].display = context.tokens[4].display
    end)
    has(pages.text(page), "L21H2 6.1 % ·France 3")
  end)

  it("opens a fold where streams hang below, and leads to nodes, heads and edges", function()
    local page = pages.draw("routes")
    equal({ page.lines[1].opens, page.lines[1].level }, { true, 1 })
    local kinds = {}
    for _, line in ipairs(page.lines) do
      for _, chunk in ipairs(line.chunks) do
        kinds[chunk[3] and chunk[3].kind or ""] = true
      end
      kinds[line.about and line.about.kind or ""] = true
    end
    ok(kinds.node and kinds.head and kinds.edge and kinds.token, vim.inspect(kinds))
  end)
end)

describe("lens", function()
  it("is a grid from the top layer down, with the target's probability and rank", function()
    says(
      "lens",
      [[
 ▼ lens                                 P and rank of ·Paris
   ·Paris at ·is                                   emb  █ L0
        ·is                                       P     rank
   L0   ·Paris                                 77 %       #1
   emb  ·is                                 <0.01 %  #20,312
   ⋯ 4 more tokens   colour: P of the target, to 77 %
]]
    )
  end)

  it("asks for a window of tokens that holds the one looked at, and moves in steps", function()
    local lens = require("limpid.views.lens")
    local tokens = {}
    for index = 0, 999 do
      tokens[index + 1] = { index = index, id = index, display = "·w" }
    end
    local before, changes = nil, 0
    for position = 0, 999 do
      local positions = lens.positions(pages.context({ tokens = tokens, position = position }))
      ok(vim.tbl_contains(positions, position), tostring(position))
      equal(#positions, 4)
      changes = changes + (vim.deep_equal(before, positions) and 0 or 1)
      before = positions
    end
    ok(changes <= 501, tostring(changes))
  end)
end)

describe("parts", function()
  it("has a row a part, without the first token's score where it holds it", function()
    says(
      "parts",
      [[
 ▼ parts                            by word   b cut   s sort
   line                      flow  attr. ~  effect   nats
   The capital of  ██▋       17 %    +0.73       –      │░░
   France is       ████████  50 %    +1.31       –      │░░░
   The first token is left out of its part's numbers:
   nearly every head reads it.
]]
    )
  end)

  it("is cut into words where the prompt is one line", function()
    local parts = require("limpid.views.parts")
    equal(parts.cut(pages.context()), "word")
    local context = pages.context()
    context.tokens[5].range["end"].line = 1
    equal(parts.cut(context), "line")
    equal(parts.cut(pages.context({ part_by = "sentence" })), "sentence")
  end)
end)

describe("components", function()
  it("ranks heads, neurons and MLPs", function()
    says(
      "components",
      [[
 ▼ heads, neurons and MLPs            o one of them   s sort
   heads                                      by attribution
   head    flow  attr. ~  effect   nats       writes
   L21H2  6.1 %    +0.84       –       │░░░░  ·Paris ·French

   neurons                                    by attribution
   neuron     flow  attr. ~  effect   nats       writes
   L29 N873  0.9 %    +0.42       –       │░░░░  ·Paris ·Fr…

   MLPs                                              by flow
   none
]]
    )
  end)

  it("puts what was measured in the estimate's place, and marks where the two disagree", function()
    local measured = { ["head 21.2"] = { intervention = "head 21.2", effect = -0.3 } }
    local page = pages.draw("components", { measured = measured })
    has(pages.text(page), "L21H2  6.1 %    +0.84   -0.30≠")
  end)
end)

describe("effects", function()
  it("lists switches, what was measured, and both continuations", function()
    says(
      "effects",
      [[
 ▼ effects            3 measured, 1 switch   M measure a set
   switches                  x one away   X all   c continue
   ● L23H4 off

   3 measured                                by effect, nats
   without                score ~  effect            P after
   ·France 3                -0.30   +5.60≠     │███   0.21 %
   L23H4 off …P L3 × 0.5        –   +2.38      │█▌     9.1 %
   L23H4 off                -0.23   +2.21≠     │█       15 %
   Effects below 0.05 nats count as none.
   The budget ended it; 1 is left unmeasured.

   continues                            they part at token 1
   with the switches           │ without
   ·Paris.                     │ ·the
   ended at a stop text        │ cut at the number of token…
]],
      {
        effects = testing.fixture("effect").result.view,
        switches = { { kind = "head_zero", layer = 23, head = 4 } },
        continuation = testing.fixture("continue").result.view,
      }
    )
  end)

  it("says how to begin where nothing was measured", function()
    has(pages.text(pages.draw("effects")), "Nothing is measured yet.")
    has(pages.text(pages.draw("effects")), "None yet: x on a head")
  end)
end)

describe("compare", function()
  it("puts differences first, and says why a run has none", function()
    says(
      "compare",
      [[
 ▼ compare                                           differences first   C with…
      run                    explained                                 objective
   1  SmolLM2-135M-Instruct  ·is 77 %                                       1.25
   2  SmolLM2-135M-Instruct  ·is 61 %                                       0.50
   3  gemma-3-270m           ·is 50 %                                       0.00
   4  gemma-4                ⚠ no model `gemma-4`…ows those there are

      line                      1               2               3          4
   ~  of France    ████▊   ~+1.00  ████▌   ~+1.50  █████▍  ~+2.00          –
      The capital  █▎      ~+0.25  █▊      ~+0.50  ▋       ~-0.25          –
   1 matter in every run, 0 in some, 1 in none
   ~ worded differently + only in the second - only in the first
]],
      { compare = { kind = "models", with = { {} } }, columns = 80 }
    )
  end)

  it("offers what there is to compare with", function()
    local text = pages.text(
      pages.draw("compare", { partners = { { id = "r2", title = "earlier", model = "tiny" } } }, function(_, context)
        context.head.target.foil = { id = 260, text = " the" }
      end)
    )
    has(text, ":Limpid compareFoil")
    has(text, ":Limpid compareLast")
    has(text, "earlier")
  end)
end)
