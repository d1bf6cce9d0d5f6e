-- What specs of views draw with: answers out of the protocol's examples, a context, and what holds of every page.
-- What must not live here: claims about one view.
local testing = require("spec.testing")

local M = {}

--- The questions of each view, and the example that answers it.
local EXAMPLES = {
  ["limpid/tokens"] = "tokens",
  ["limpid/attribution"] = "attribution",
  ["limpid/routes"] = "routes",
  ["limpid/lens"] = "lens",
  ["limpid/parts"] = "parts",
  ["limpid/node"] = "node",
  ["limpid/edge"] = "edge",
  ["limpid/head"] = "head",
  ["limpid/mlp"] = "mlp",
  ["limpid/neuron"] = "neuron",
  ["limpid/switches"] = "switches",
  ["limpid/compare"] = "compare",
}

--- What each card is opened on in specs.
M.ABOUT = {
  token = { kind = "token", position = 3 },
  node = { kind = "node", node = { kind = "resid_post", layer = 21, position = 4 } },
  edge = {
    kind = "edge",
    from = { kind = "resid_post", layer = 20, position = 3 },
    to = { kind = "resid_mid", layer = 21, position = 4 },
    edge_kind = "attention",
  },
  head = { kind = "head", layer = 21, head = 2 },
  mlp = { kind = "mlp", layer = 29, position = 4 },
  neuron = { kind = "neuron", layer = 29, neuron = 873, position = 4 },
}

M.NAMES = { "header", "prediction", "routes", "lens", "parts", "components", "effects", "compare" }
vim.list_extend(M.NAMES, vim.tbl_keys(M.ABOUT))

--- A context as the panel makes it, about the example's prompt.
---@param over table?
---@return limpid.Context
function M.context(over)
  local tokens = testing.fixture("tokens").result
  local context = {
    columns = 60,
    glyphs = "unicode",
    tokens = tokens.token_table,
    method = "atp",
    heat = "attribution",
    mass = 0.9,
    maps = false,
    switches = {},
    measured = {},
    head = {
      id = "r1",
      title = "france.prompt",
      uri = "file:///france.prompt",
      model = tokens.model,
      target = tokens.view.target,
      predictions = tokens.view.predictions,
      n_tokens = #tokens.token_table,
      took_ms = 31,
      at = 0,
      is_pinned = false,
      is_stale = false,
    },
  }
  return vim.tbl_extend("force", context, over or {})
end

--- Everything there can be beside the answers.
---@return table over
function M.crowded()
  local measured = {}
  local effects = testing.fixture("effect").result.view
  for _, row in ipairs(effects.effects) do
    measured[require("limpid.changes").text(row.intervention)] = row
  end
  measured["head 99.1"] = { intervention = "head 99.1", effect = vim.NIL, error = "layer 99 is\npast the last one" }
  return {
    measured = measured,
    effects = effects,
    switches = { { kind = "head_zero", layer = 21, head = 2 }, "mlp 3=0.5x", "something that is no change" },
    continuation = testing.fixture("continue").result.view,
    progress = { what = "Measuring heads", done = 12, of = 270 },
    partners = { { id = "r2", title = "other\nprompt", model = "gemma-3-270m" } },
    compare = { kind = "models", with = { { model = "gemma-3-270m" } } },
    maps = true,
    problem = {
      kind = "memory-budget",
      message = "4,096 tokens need 2.1 GB.",
      ways = { { title = "Unload a model", word = "unloadModel" } },
    },
    note = function(about)
      return about.kind == "head" and "copies\nnames" or nil
    end,
  }
end

--- The answers to what a view asks.
---@param name string
---@param context limpid.Context
---@return table
function M.answers(name, context)
  local answers = { errors = {} }
  for key, ask in pairs(require("limpid.views").view(name).asks(context)) do
    answers[key] = testing.fixture(EXAMPLES[ask.method]).result
  end
  return answers
end

--- The page of a view.
---@param name string
---@param over table?
---@param change (fun(answers: table, context: limpid.Context))? before it is drawn
---@return limpid.Page
function M.draw(name, over, change)
  local context = M.context(vim.tbl_extend("keep", over or {}, { about = M.ABOUT[name], section = name }))
  local answers = M.answers(name, context)
  if change then
    change(answers, context)
  end
  local page = require("limpid.page").new(context)
  require("limpid.views").view(name).draw(page, answers, context)
  return page
end

---@param page limpid.Page
---@return string
function M.text(page)
  return table.concat(vim.tbl_map(require("limpid.page").text, page.lines), "\n")
end

--- What holds of every page: each line fits, is one line of valid text, and its groups lie on whole characters within it.
---@param page limpid.Page
---@param what string
function M.check(page, what)
  local Page, text = require("limpid.page"), require("limpid.page.text")
  testing.ok(#page.lines > 0, what .. ": empty")
  for number, line in ipairs(page.lines) do
    local own = Page.text(line)
    local where = ("%s, line %d: %s"):format(what, number, vim.inspect(own))
    testing.ok(vim.fn.strdisplaywidth(own) <= page.columns, where .. " is too wide")
    testing.equal(text.clean(own), own, where)
    testing.ok(line.level >= 0 and line.level <= 20, where)
    for _, mark in ipairs(Page.marks(line)) do
      testing.ok(mark[1] < mark[2] and mark[2] <= #own and mark[3]:find("^Limpid"), where)
      testing.equal(text.clean(own:sub(mark[1] + 1, mark[2])), own:sub(mark[1] + 1, mark[2]), where)
    end
  end
end

return M
