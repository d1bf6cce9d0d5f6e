-- Messages and examples are selected as the daemon's outline has them, and nothing is touched where there is none.
-- What must not live here: formats of prompts.
local testing = require("spec.testing")
local textobjects = require("limpid.textobjects")

local describe, it, equal = testing.describe, testing.it, testing.equal

local function range(line, character, end_line, end_character)
  return { start = { line = line, character = character }, ["end"] = { line = end_line, character = end_character } }
end

local TEXT = { "system:", "Be brief.", "", "user:", "Hello", "wörld", "", "Q: a", "A: b", "", "rest" }
local symbols, chain
--- A client that answers as the daemon does.
local client = {
  request_sync = function(...)
    local arguments = { ... }
    local method = type(arguments[1]) == "string" and arguments[1] or arguments[2]
    if method == "textDocument/documentSymbol" then
      return symbols and { result = symbols }
    end
    return { result = { chain } }
  end,
}
local is_known = true
local KEYS = {
  im = { "message", "inner" },
  am = { "message", "around" },
  ie = { "example", "inner" },
  ae = { "example", "around" },
}

local function prompt()
  local bufnr = vim.api.nvim_create_buf(true, false)
  vim.api.nvim_buf_set_name(bufnr, vim.fn.tempname() .. ".prompt")
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, TEXT)
  vim.api.nvim_set_current_buf(bufnr)
  for keys, object in pairs(KEYS) do
    vim.keymap.set({ "o", "x" }, keys, function()
      textobjects.select(object[1], object[2])
    end, { buffer = bufnr })
  end
  is_known = true
  symbols = {
    { name = "system", kind = 3, range = range(0, 0, 1, 9) },
    {
      name = "user",
      kind = 3,
      range = range(3, 0, 10, 4),
      children = { { name = "Example 1", kind = 24, range = range(7, 0, 8, 4) } },
    },
  }
  chain =
    { range = range(10, 0, 10, 4), parent = { range = range(4, 0, 10, 4), parent = { range = range(3, 0, 11, 0) } } }
end

local function yanked(row, keys)
  vim.fn.setreg('"', "nothing")
  vim.api.nvim_win_set_cursor(0, { row, 0 })
  local get_clients = vim.lsp.get_clients
  rawset(vim.lsp, "get_clients", function()
    return is_known and { client } or {}
  end)
  vim.api.nvim_feedkeys(vim.keycode(keys), "xt", false)
  rawset(vim.lsp, "get_clients", get_clients)
  return vim.fn.getreg('"')
end

describe("text objects", function()
  it("a message, without and with its heading", function()
    prompt()
    equal(yanked(5, "yim"), "Hello\nwörld\n\nQ: a\nA: b\n\nrest\n")
    equal(yanked(1, "yam"), "system:\nBe brief.\n\n")
    equal(yanked(3, "yam"), "system:\nBe brief.\n\n", "blank lines behind one belong to it")
    equal(yanked(5, "vamy"), yanked(5, "yam"))
  end)

  it("content that starts beside its heading is selected by characters", function()
    prompt()
    vim.api.nvim_buf_set_lines(0, 0, -1, false, { "user: hé", "" })
    symbols = { { name = "user", kind = 3, range = range(0, 0, 0, 9) } }
    chain = { range = range(0, 6, 0, 9), parent = { range = range(0, 0, 1, 0) } }
    equal(yanked(1, "yim"), "hé")
  end)

  it("a message written as JSON has its text inside", function()
    prompt()
    vim.api.nvim_buf_set_lines(0, 0, -1, false, { "[", '  {"role": "user", "content": "hé\\n?"}', "]" })
    symbols = { { name = "user", kind = 3, range = range(1, 2, 1, 39) } }
    local line = { range = range(1, 0, 1, 39), parent = { range = range(0, 0, 3, 0) } }
    chain = { range = range(1, 31, 1, 34), parent = { range = range(1, 31, 1, 37), parent = line } }
    equal(yanked(2, "yim"), "hé\\n?")
    equal(yanked(2, "yam"), '{"role": "user", "content": "hé\\n?"}')
    equal(textobjects.json_content({ "{", '  "content" : "x"' }, range(4, 2, 5, 9)), { line = 5, character = 15 })
    equal(textobjects.json_content({ "user:", '"content": "' }, range(0, 0, 1, 9)), nil)
    equal(textobjects.starting_at(nil, { line = 0, character = 0 }), nil)
  end)

  it("an example, without and with the blank lines behind it", function()
    prompt()
    equal(yanked(8, "yie"), "Q: a\nA: b\n")
    equal(yanked(9, "yae"), "Q: a\nA: b\n\n")
  end)

  it("where there is none, nothing is deleted", function()
    prompt()
    for _, keys in ipairs({ "die", "dim", "cie<Esc>" }) do
      symbols = {}
      yanked(5, keys)
      equal(vim.api.nvim_buf_get_lines(0, 0, -1, false), TEXT)
    end
    symbols = nil
    yanked(5, "dim")
    is_known = false
    yanked(5, "dim")
    equal(vim.api.nvim_buf_get_lines(0, 0, -1, false), TEXT)
  end)

  it("a message that says nothing has no inside", function()
    equal(textobjects.content({ range = range(3, 0, 4, 0) }, range(3, 0, 3, 5)), nil)
    equal(textobjects.content(nil, range(3, 0, 3, 5)), nil)
  end)

  it("an outline of a text that has become shorter is cut off", function()
    prompt()
    vim.api.nvim_buf_set_lines(0, 5, -1, false, {})
    equal(yanked(5, "yam"), "user:\nHello\n")
  end)
end)
