-- What a status line is told. What must not live here: when the session changes (core/).
local testing = require("spec.testing")
local describe, equal, it = testing.describe, testing.equal, testing.it

--- The text after a change, with a session that has this.
---@param has { busy?: table, problem?: table, head?: table, glyphs?: string }
---@return string text
---@return string component
local function said(has)
  local session, line = require("limpid.session"), require("limpid.statusline")
  require("limpid.config").set({ glyphs = has.glyphs or "unicode" })
  session.busy = has.busy
  require("limpid.problems").shown = has.problem
  require("limpid.runs").shown = has.head and { head = has.head } or nil
  local is_told = false
  local watching = vim.api.nvim_create_autocmd("User", {
    pattern = "LimpidChanged",
    callback = function()
      is_told = true
    end,
  })
  session.changed()
  testing.eventually("LimpidChanged", function()
    return is_told
  end)
  vim.api.nvim_del_autocmd(watching)
  local text, component = line.text(), line.component()
  session.busy, require("limpid.problems").shown, require("limpid.runs").shown = nil, nil, nil
  return text, component
end

---@param over? table
---@return table
local function head(over)
  return vim.tbl_extend("force", {
    is_stale = false,
    target = { position = 4, id = 7042, text = " Paris" },
    predictions = { { id = 260, text = " the", prob = 0.06 }, { id = 7042, text = " Paris", prob = 0.77 } },
  }, over or {})
end

describe("the status line", function()
  it("says nothing while nothing was asked, and loads nothing to do so", function()
    equal(require("limpid").statusline(), "")
    equal(package.loaded["limpid.session"], nil)
    equal(said({}), "")
  end)

  it("says what goes on", function()
    equal(said({ busy = { message = "Loading SmolLM2", share = 0.42 } }), "Limpid: loading SmolLM2 42 %")
    equal(said({ busy = { message = "Reading the prompt" }, head = head() }), "Limpid: reading the prompt")
  end)

  it("says what is predicted: the target, whatever is likelier", function()
    equal(said({ head = head() }), "·Paris 77 %")
    equal(said({ head = head({ predictions = {} }) }), "·Paris")
    equal(said({ head = head({ target = vim.NIL }) }), "·the 6 %")
  end)

  it("says that the text has changed", function()
    equal(said({ head = head({ is_stale = true }) }), "stale ·Paris 77 %")
  end)

  it("says a problem, in its room", function()
    local long = ("A model that is nowhere, "):rep(5) .. "\nand more."
    local text = said({ problem = { kind = "internal", message = long }, head = head() })
    equal(vim.fn.strdisplaywidth(text) <= 42, true, text)
    equal(text:find("\n"), nil)
    equal(said({ problem = { kind = "x", message = "No." }, glyphs = "ascii" }), "! No.")
  end)

  it("doubles each % where a text is put in as it is", function()
    local _, component = said({ head = head() })
    equal(component, "·Paris 77 %%")
    equal(vim.api.nvim_eval_statusline(component, {}).str, "·Paris 77 %")
  end)

  it("keeps what a token says from being read as an item", function()
    local hostile = head({ target = { position = 4, id = 1, text = "%{x}%#Error#" }, predictions = {} })
    local text, component = said({ head = hostile })
    equal(vim.api.nvim_eval_statusline(component, {}).str, text)
  end)
end)
