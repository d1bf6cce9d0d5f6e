-- A run as Markdown, and what the glossary says.
-- What must not live here: pages.
local pages = require("spec.views.pages")
local testing = require("spec.testing")

local describe, it, equal, has, ok = testing.describe, testing.it, testing.equal, testing.has, testing.ok

local markdown = require("limpid.markdown")

describe("Markdown", function()
  it("holds tokens in code that nothing in them can break out of", function()
    equal(markdown.code("·Paris"), "`·Paris`")
    equal(markdown.code("a`b``c"), "```a`b``c```")
    equal(markdown.code("`x"), "`` `x ``")
    equal(markdown.code("a|b"), "`a\\|b`")
    equal(markdown.code("a\nb"), "`a b`")
  end)

  it("says what is predicted, what tokens, heads and neurons do, and what was measured", function()
    local context = pages.context(pages.crowded())
    context.note = nil
    local answers = { tokens = testing.fixture("tokens").result, attribution = testing.fixture("attribution").result }
    local text = markdown.run(answers, context)
    has(text, "# `france.prompt`\n\nSmolLM2-135M-Instruct, 5 tokens; explained: `·Paris`")
    has(text, "| next token | probability |\n| --- | --- |\n| `·Paris` | 77 % |")
    has(text, "| token |  | attribution ~, nats | effect, nats | flow |")
    has(text, "| L21H2 | 6.1 % | +0.84 |")
    has(text, "| `L23H4 off` | -0.23 | +2.21 ≠ |")
    has(text, "| `L99H1 off` |  | failed |")
  end)

  it("leaves out what is not known", function()
    local context = pages.context()
    local text = markdown.run({}, context)
    has(text, "| `·Paris` | 77 % |")
    equal(text:find("attribution", 1, true), nil)
  end)
end)

describe("glossary", function()
  it("explains each word in a few sentences that end, and every section and kind of line", function()
    local glossary = require("limpid.glossary")
    for word, entry in pairs(glossary.ENTRIES) do
      ok(entry.title ~= "" and #entry.lines >= 2 and #entry.lines <= 8, word)
      for _, line in ipairs(entry.lines) do
        ok(line:find("%.$") or line:find("%?$"), line)
        equal(line:find("importance", 1, true) or line:find("because", 1, true), nil, line)
      end
    end
    for _, name in ipairs(require("limpid.views").SECTIONS) do
      ok(glossary.entry(name), name)
    end
    for _, kind in ipairs({
      "token",
      "prediction",
      "head",
      "neuron",
      "mlp",
      "node",
      "edge",
      "part",
      "change",
      "run",
      "model",
      "continuation",
    }) do
      ok(glossary.explain({ kind = kind }), kind)
    end
  end)
end)
