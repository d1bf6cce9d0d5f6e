-- Operators ask about the tokens that a motion holds: one as a token, several as an answer; repeated by the dot.
-- What must not live here: the daemon.
local testing = require("spec.testing")

local describe, it, equal = testing.describe, testing.it, testing.equal

local asked, run, thrown, chosen
package.loaded["limpid.session"] = {
  with_run = function(about, work)
    equal(about.bufnr, run.bufnr)
    local went_well, problem = pcall(work, run)
    thrown = not went_well and problem.message or nil
  end,
  again = function(over)
    asked = over
  end,
}
package.loaded["limpid.pickers"] = {
  token = function()
    return chosen
  end,
}

local operators = require("limpid.operators")

local function prompt()
  local answer = testing.fixture("attribution").result
  local bufnr = vim.api.nvim_create_buf(true, false)
  vim.api.nvim_buf_set_name(bufnr, vim.fn.tempname() .. ".prompt")
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, { "The capital of France is", "", "" })
  vim.api.nvim_set_current_buf(bufnr)
  for name, keys in pairs({ target = "gt", foil = "gw" }) do
    vim.keymap.set({ "n", "x" }, keys, function()
      return operators[name]()
    end, { expr = true, buffer = bufnr })
  end
  run = { bufnr = bufnr, tokens = answer.token_table, head = { target = answer.view.target } }
  asked, thrown = nil, nil
end

local function press(row, column, keys)
  asked, thrown = nil, nil
  vim.api.nvim_win_set_cursor(0, { row, column })
  vim.api.nvim_feedkeys(vim.keycode(keys), "xt", false)
end

describe("operators", function()
  it("one token is predicted from what precedes it", function()
    prompt()
    press(1, 16, "gtiw")
    equal(asked, { target = { position = 2, token = 4649 }, clear = { "foil" } })
    press(1, 4, "gtw")
    equal(asked.target, { position = 0, token = 3575 })
  end)

  it("are repeated by the dot, elsewhere", function()
    prompt()
    press(1, 16, "gtiw")
    press(1, 5, ".")
    equal(asked.target, { position = 0, token = 3575 })
  end)

  it("several tokens are an answer, by motion, lines and selection", function()
    prompt()
    press(1, 4, "gt2w")
    equal(asked.target, { answer = { start = 1, ["end"] = 3 } })
    press(1, 4, "gt_")
    equal(asked.target, { answer = { start = 1, ["end"] = 5 } }, "what nothing predicts is left out")
    press(1, 12, "v$gt")
    equal(asked.target, { answer = { start = 2, ["end"] = 5 } })
    press(1, 12, "Vjgt")
    equal(asked.target, { answer = { start = 1, ["end"] = 5 } })
  end)

  it("say why where nothing can be explained", function()
    prompt()
    press(1, 0, "gtiw")
    testing.has(thrown, "The first token is not predicted")
    press(3, 0, "gt_")
    testing.has(thrown, "The motion holds no token")
    equal(asked, nil)
  end)

  it("the foil is a token, or the text of several; where there is none, a person is asked", function()
    prompt()
    press(1, 16, "gwiw")
    equal(asked, { foil = 4649 })
    press(1, 12, "gw$")
    equal(asked, { foil = " of France is" })
    chosen = { token = 7 }
    press(3, 0, "gw_")
    equal(asked, { foil = 7 })
    chosen = nil
    press(3, 0, "gw_")
    equal(asked, nil)
  end)

  it("a text that changed while the run was made is not asked about", function()
    prompt()
    local motion = { bufnr = run.bufnr, tick = vim.b.changedtick - 1, row = 0, column = 0, end_row = 0, end_column = 3 }
    testing.raises(function()
      operators.tokens(run, motion)
    end, "changed meanwhile")
  end)
end)
