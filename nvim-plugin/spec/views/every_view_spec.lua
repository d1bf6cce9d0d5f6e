-- What holds of every section and card: whatever is answered and however narrow the panel is, lines stay lines.
-- What must not live here: what one view says (sections_spec.lua, cards_spec.lua).
local pages = require("spec.views.pages")
local testing = require("spec.testing")

local describe, it, equal, ok = testing.describe, testing.it, testing.equal, testing.ok

local HOSTILE = {
  "a\nb\r\tc\0d\27[31m",
  ("x"):rep(200),
  "日本語のトークン👩‍👩‍👧🇫🇷",
  "\204\136\204\129combining first, and e\204\129\204\129\204\129",
  "\226\128\174drawn backwards\226\128\172\239\187\191",
  "\255\254 no UTF-8 \226\130",
  "",
  "   ",
  "%s %d \\n | ` <b>",
}

--- Every text of an answer replaced by one that wants to break the page.
local function poison(value, text, key)
  if type(value) == "string" then
    local is_word = key == "kind"
      or key == "unit"
      or key == "by"
      or key == "change"
      or key == "reach"
      or key == "method"
    return is_word and value or text
  elseif type(value) ~= "table" then
    return value
  end
  local poisoned = {}
  for inner, one in pairs(value) do
    poisoned[inner] = poison(one, text, type(inner) == "string" and inner or key)
  end
  return poisoned
end

--- Calls back with copies of an answer in which one list is empty, or one number that may be null is.
local MAY_BE_NULL = {}
for _, name in ipairs({
  "effect",
  "disagreement",
  "attribution",
  "attribution_at_target",
  "logit_attribution",
  "logprob",
  "rank",
  "range",
  "foil",
  "name",
  "without_sink",
  "pre_linear",
  "n_tokens",
  "problem",
  "score",
  "kl",
  "logit",
  "log_odds",
  "logit_diff",
  "others",
  "answer",
  "part",
  "cells",
}) do
  MAY_BE_NULL[name] = true
end
local MAY_BE_EMPTY = {
  "predictions",
  "tokens",
  "edges",
  "nodes",
  "heads",
  "neurons",
  "promotes",
  "suppresses",
  "parts",
  "rows",
  "runs",
  "top",
  "bottom",
  "gained",
  "lost",
  "before",
  "after",
  "labels",
  "sets",
  "steps",
  "lens",
  "positions",
}

local function without(value, name, replacement)
  if type(value) ~= "table" then
    return value
  end
  local copy = {}
  for key, one in pairs(value) do
    local is_known_as_table = name == "attribution" or name == "effect"
    if
      key == name
      and (
        replacement == vim.NIL and not (is_known_as_table and type(one) == "table")
        or type(one) == "table" and vim.islist(one)
      )
    then
      copy[key] = name == "cells" and { vim.NIL, vim.NIL, vim.NIL, vim.NIL } or replacement
    else
      copy[key] = without(one, name, replacement)
    end
  end
  return copy
end

for _, name in ipairs(pages.NAMES) do
  describe(name, function()
    it("is drawn at any width, in Unicode and ASCII, with all there can be beside it", function()
      for _, columns in ipairs({ 1, 12, 30, 60, 120 }) do
        for _, glyphs in ipairs({ "unicode", "ascii" }) do
          local crowded = vim.tbl_extend("force", pages.crowded(), { columns = columns, glyphs = glyphs })
          local what = ("%s at %d, %s"):format(name, columns, glyphs)
          pages.check(pages.draw(name, { columns = columns, glyphs = glyphs }), what)
          local page = pages.draw(name, crowded)
          pages.check(page, what .. ", crowded")
          if glyphs == "ascii" then
            for _, drawn in ipairs({ "█", "▏", "▁", "░", "│", "▼", "⋯", "≠", "←", "×", "–", "“" }) do
              equal(pages.text(page):find(drawn, 1, true), nil, what .. ": " .. drawn)
            end
          end
        end
      end
    end)

    it("is drawn before any answer is there, and says what went wrong", function()
      local page = pages.draw(name, nil, function(answers)
        for key in pairs(answers) do
          answers[key] = nil
        end
      end)
      pages.check(page, name)
      page = pages.draw(name, { compare = { kind = "models", with = { {} } } }, function(answers)
        local errors = {}
        for key in pairs(answers) do
          errors[key] = key ~= "errors" and { kind = "internal", message = "It broke\nin two." } or nil
          answers[key] = nil
        end
        answers.errors = errors
      end)
      pages.check(page, name)
      if name ~= "effects" then
        testing.has(pages.text(page), "It broke in two.")
      end
    end)

    it("keeps its lines whatever texts are answered", function()
      for _, text in ipairs(HOSTILE) do
        for _, columns in ipairs({ 40 }) do
          local over = vim.tbl_extend("force", poison(pages.crowded(), text), {
            columns = columns,
            note = function()
              return text
            end,
          })
          over.compare = { kind = "models", with = { {} } }
          local page = pages.draw(name, over, function(answers, context)
            for key, answer in pairs(answers) do
              answers[key] = key ~= "errors" and poison(answer, text) or answer
            end
            context.tokens = poison(context.tokens, text)
            context.head = poison(context.head, text)
          end)
          pages.check(page, ("%s with %s"):format(name, vim.inspect(text)))
        end
      end
    end)

    it("is drawn where lists are empty and numbers are not known", function()
      local function each(names, replacement)
        for _, field in ipairs(names) do
          local page = pages.draw(name, { compare = { kind = "models", with = { {} } } }, function(answers)
            for key, answer in pairs(answers) do
              answers[key] = key ~= "errors" and without(answer, field, replacement) or answer
            end
          end)
          pages.check(page, name .. " without " .. field)
        end
      end
      each(MAY_BE_EMPTY, {})
      each(vim.tbl_keys(MAY_BE_NULL), vim.NIL)
    end)

    it("has lines that lead somewhere: cards that are there, words that are explained, tokens of the prompt", function()
      local page = pages.draw(name, pages.crowded())
      local glossary, views = require("limpid.glossary"), require("limpid.views")
      local found = 0
      for _, line in ipairs(page.lines) do
        local abouts = { line.about }
        for _, chunk in ipairs(line.chunks) do
          abouts[#abouts + 1] = chunk[3]
        end
        for _, about in ipairs(abouts) do
          found = found + 1
          ok(glossary.explain(about), "not explained: " .. vim.inspect(about))
          local card, of = views.card(about)
          if card then
            ok(type(card.asks(pages.context({ about = of }))) == "table")
          end
        end
        ok(not line.token or (line.token >= 0 and line.token < 5), vim.inspect(line))
      end
      ok(found > 0)
      ok(page.lines[1].about or name ~= "header")
    end)

    it("is drawn for a prompt of one token, and of none", function()
      for _, count in ipairs({ 1, 0 }) do
        local over = { about = pages.ABOUT[name], position = 0 }
        local page = pages.draw(name, over, function(_, context)
          context.tokens = vim.list_slice(context.tokens, 1, count)
          context.head.n_tokens = count
        end)
        ok(#page.lines > 0)
        pages.check(page, ("%s of %d tokens"):format(name, count))
      end
    end)
  end)
end
