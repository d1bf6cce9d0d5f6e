-- Tokens are found where they stand, by a place and by a span, whatever the text is made of.
-- What must not live here: marks.
local testing = require("spec.testing")
local token_places = require("limpid.token_places")

local describe, it, equal = testing.describe, testing.it, testing.equal

local function token(index, line, character, end_line, end_character)
  local range =
    { start = { line = line, character = character }, ["end"] = { line = end_line, character = end_character } }
  return { index = index, id = index, display = "", range = range }
end

local function buffer(lines)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  return bufnr
end

describe("token places", function()
  it("hold what starts before a place and ends behind it", function()
    local bufnr = buffer({ "The capital", "of" })
    local tokens = { token(0, 0, 0, 0, 3), token(1, 0, 3, 0, 11), token(2, 0, 11, 1, 0), token(3, 1, 0, 1, 2) }
    local places = token_places.of(bufnr, tokens)
    equal(token_places.at(places, 0, 0), 0)
    equal(token_places.at(places, 0, 3), 1)
    equal(token_places.at(places, 0, 11), 2)
    equal(token_places.at(places, 1, 1), 3)
    equal(token_places.at(places, 1, 2), nil)
    equal(token_places.at(places, 9, 0), nil)
  end)

  it("the first token holds a character that several are bytes of", function()
    local bufnr = buffer({ "a🙂b" })
    local tokens = { token(0, 0, 0, 0, 1), token(1, 0, 1, 0, 5), token(2, 0, 1, 0, 5), token(3, 0, 5, 0, 6) }
    local places = token_places.of(bufnr, tokens)
    equal(token_places.at(places, 0, 1), 1)
    equal(token_places.at(places, 0, 4), 1)
    equal(token_places.at(places, 0, 5), 3)
  end)

  it("what the buffer lacks is cut off, and added tokens stand nowhere", function()
    local bufnr = buffer({ "ab" })
    local places = token_places.of(bufnr, {
      { index = 0, id = 1, display = "<s>", range = vim.NIL },
      { index = 1, id = 1, display = "x" },
      token(2, 0, 1, 0, 99),
      token(3, 7, 3, 9, 1),
    })
    equal({ places[1], places[2] }, { false, false })
    equal(places[3], { 0, 1, 0, 2 })
    equal(places[4], { 0, 2, 0, 2 })
    equal(token_places.at(places, 0, 1), 2)
  end)

  it("are looked up in any order that they come in", function()
    local bufnr = buffer({ "abcdef" })
    local places = token_places.of(bufnr, { token(0, 0, 4, 0, 6), token(1, 0, 0, 0, 2), token(2, 0, 2, 0, 4) })
    equal({ token_places.at(places, 0, 0), token_places.at(places, 0, 3), token_places.at(places, 0, 5) }, { 1, 2, 0 })
  end)

  it("a span holds what it has more of than the blank in front", function()
    local bufnr = buffer({ "The capital of" })
    local places = token_places.of(bufnr, { token(0, 0, 0, 0, 3), token(1, 0, 3, 0, 11), token(2, 0, 11, 0, 14) })
    local function within(from, to)
      return { token_places.within(bufnr, places, 0, from, 0, to) }
    end
    equal(within(4, 11), { 1, 1 })
    equal(within(4, 12), { 1, 1 })
    equal(within(0, 4), { 0, 0 })
    equal(within(5, 13), { 1, 2 })
    equal(within(3, 4), {})
    equal(within(14, 14), {})
  end)

  it("a token of blanks is held whole, and one that starts with a line break stands in its own line", function()
    local bufnr = buffer({ "a", "", "  b" })
    local places = token_places.of(bufnr, { token(0, 0, 0, 0, 1), token(1, 0, 1, 1, 0), token(2, 1, 0, 2, 3) })
    equal({ token_places.inside(bufnr, places[2]) }, { 0, 1, true })
    equal({ token_places.inside(bufnr, places[3]) }, { 2, 2, false })
    equal({ token_places.within(bufnr, places, 0, 0, 1, 0) }, { 0, 1 })
  end)
end)
