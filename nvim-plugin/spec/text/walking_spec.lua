-- Walking goes where influence goes, keeps the jump list, and stays where it is when the text or the window is gone.
-- What must not live here: the daemon.
local testing = require("spec.testing")

local describe, it, equal, ok = testing.describe, testing.it, testing.equal, testing.ok

local answers = {}
local is_prompt = true
package.loaded["limpid.documents"] = {
  wants = function()
    return is_prompt
  end,
}
package.loaded["limpid.requests"] = {
  ask = function(bufnr, method, params)
    answers.asked = { bufnr = bufnr, method = method, params = params }
    return answers.give(method, params)
  end,
}

local heat = require("limpid.heat")
local token_places = require("limpid.token_places")
local walking = require("limpid.walking")

local said

--- A claim about what is said, too.
local function it_says(claim, body)
  it(claim, function()
    local echo = vim.api.nvim_echo
    rawset(vim.api, "nvim_echo", function(chunks)
      said = chunks[1][1]
    end)
    local went_well, problem = pcall(body)
    rawset(vim.api, "nvim_echo", echo)
    if not went_well then
      error(problem, 0)
    end
  end)
end

local function painted(more)
  local answer = testing.fixture("attribution").result
  local bufnr = vim.api.nvim_create_buf(true, false)
  vim.api.nvim_buf_set_name(bufnr, vim.fn.tempname() .. ".prompt")
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, { "The capital of France is", "more" })
  vim.api.nvim_set_current_buf(bufnr)
  heat.paint(vim.tbl_extend("force", {
    bufnr = bufnr,
    tokens = answer.token_table,
    attribution = answer.view.attribution,
    position = 4,
    kind = "attribution",
    stale = false,
  }, more or {}))
  said = nil
  return bufnr
end

local function location(line, character, end_character)
  local range = { start = { line = line, character = character }, ["end"] = { line = line, character = end_character } }
  return { uri = vim.uri_from_bufnr(0), range = range }
end

describe("walking", function()
  it_says("ranks by strength, without the first token and those that are not in the text", function()
    local bufnr = painted()
    local range = { start = { line = 0, character = 0 }, ["end"] = { line = 0, character = 1 } }
    local tokens = {}
    for at = 1, 6 do
      tokens[at] = { index = at - 1, id = at, display = "", range = at ~= 3 and range or vim.NIL }
    end
    local places = token_places.of(bufnr, tokens)
    equal(walking.ranked({ 9, 0.5, 8, -2, vim.NIL, 0.5 }, places), { 3, 1, 5 })
  end)

  it_says("goes from the strongest to the next, behind its leading space, and round", function()
    painted()
    vim.api.nvim_win_set_cursor(0, { 2, 0 })
    local columns = {}
    for step = 1, 5 do
      walking.strongest(1)
      columns[step] = vim.api.nvim_win_get_cursor(0)[2]
    end
    equal(columns, { 4, 15, 12, 22, 4 })
    equal(said, "Limpid: ·capital ~+0.61, 1 of 4.")
    walking.strongest(-1)
    equal(vim.api.nvim_win_get_cursor(0), { 1, 22 })
    vim.cmd("normal! ``")
    equal(vim.api.nvim_win_get_cursor(0), { 1, 4 }, "where it was is in the jump list")
  end)

  it_says("says why where there is nothing to walk along", function()
    heat.paint(nil)
    walking.strongest(1)
    testing.has(said, "Inspect the prompt first")
    local bufnr = painted()
    vim.api.nvim_buf_set_lines(bufnr, 0, 0, false, { "new" })
    walking.strongest(1)
    testing.has(said, "The text has changed since")
    painted({ tokens = {}, attribution = { method = "atp", unit = "nats", scores = {} } })
    walking.strongest(1)
    testing.has(said, "No token")
  end)

  it_says("goes to the one span that a token rests on, by link or location", function()
    painted()
    for _, answer in ipairs({
      { location(0, 3, 11) },
      location(0, 3, 11),
      {
        {
          targetUri = vim.uri_from_bufnr(0),
          targetRange = location(0, 3, 11).range,
          targetSelectionRange = location(0, 3, 11).range,
        },
      },
    }) do
      vim.api.nvim_win_set_cursor(0, { 1, 22 })
      answers.give = function()
        return answer
      end
      walking.rests_on()
      equal(vim.api.nvim_win_get_cursor(0), { 1, 4 })
    end
    equal(answers.asked.method, "textDocument/definition")
    equal(answers.asked.params.position, { line = 0, character = 22 })
  end)

  it_says("lists the tokens that one fed", function()
    local bufnr = painted()
    vim.api.nvim_win_set_cursor(0, { 1, 5 })
    answers.give = function()
      return { location(0, 14, 21), location(0, 24, 24) }
    end
    walking.fed()
    local list = vim.fn.getqflist({ items = true, title = true })
    equal(list.title, "Limpid: what ·capital fed")
    equal({ list.items[1].text, list.items[1].col, list.items[1].bufnr }, { "·France", 15, bufnr })
    equal(list.items[2].text, "what comes next")
    vim.cmd.cclose()
  end)

  it_says("stays where it is when nothing comes, or the text changed while the answer travelled, or is gone", function()
    local bufnr = painted()
    for _, answer in ipairs({ vim.NIL, {} }) do
      answers.give = function()
        return answer
      end
      walking.rests_on()
      testing.has(said, "Nothing of this token reaches another one here.")
    end
    vim.api.nvim_win_set_cursor(0, { 1, 22 })
    answers.give = function()
      vim.api.nvim_buf_set_lines(bufnr, 0, 0, false, { "new" })
      return { location(0, 3, 11) }
    end
    walking.rests_on()
    equal(vim.api.nvim_win_get_cursor(0), { 2, 22 })
    testing.has(said, "changed meanwhile")
    answers.give = function()
      local own = location(0, 3, 11)
      vim.cmd("bwipeout! " .. bufnr)
      return { own }
    end
    walking.fed()
    ok(not vim.api.nvim_buf_is_valid(bufnr))
  end)

  it_says("tells the daemon of no text that is not known as a prompt", function()
    painted()
    is_prompt, answers.asked = false, nil
    walking.rests_on()
    is_prompt = true
    equal(answers.asked, nil)
    testing.has(said, "not known as a prompt")
  end)

  it_says("a place that the text lacks is cut off, not an error", function()
    painted()
    answers.give = function()
      return { location(7, 3, 11) }
    end
    walking.rests_on()
    equal(vim.api.nvim_win_get_cursor(0)[1], 2)
  end)
end)
