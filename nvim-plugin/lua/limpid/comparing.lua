-- What a run can be compared with, and how that is asked. What must not live here: how it is drawn (views/compare.lua).
local panel = require("limpid.panel")
local problems = require("limpid.problems")
local requests = require("limpid.requests")
local runs = require("limpid.runs")

local M = {}

--- The daemon compares with so many runs at most.
local MOST = 16

---@param run limpid.Run
local function with_foil(run)
  local target = run.head.target
  local foil = target and type(target.foil) == "table" and target.foil
  if not foil then
    problems.throw("no-foil", "There is no foil to compare with; :Limpid setFoil chooses one.")
  end
  panel.compare("foil", {
    { objective = "log_odds" },
    { target = { position = target.position, token = foil.id }, foil = target.id, objective = "log_odds" },
  })
end

---@param run limpid.Run
---@param other limpid.Run?
local function with_other(run, other)
  other = other or runs.before(run)
  if not other then
    problems.throw("no-run", "There is no run before this one. Change the prompt and inspect it again.")
  end
  panel.compare("last", { other:subject() })
end

---@param run limpid.Run
local function with_models(run)
  local with = {}
  for _, row in ipairs(requests.ask(run.bufnr, "limpid/models", { action = "list" }).models) do
    if row.state == "loaded" and row.name ~= run.head.model and #with < MOST then
      with[#with + 1] = { model = row.name }
    end
  end
  if #with == 0 then
    problems.throw("no-model", "No other model is loaded; :Limpid loadModel loads one.")
  end
  panel.compare("models", with)
end

--- Compares, inside a task; asks with what unless that is said.
---@param run limpid.Run
---@param kind? string
function M.choose(run, kind)
  local ways = { foil = with_foil, last = with_other, models = with_models }
  if kind then
    if not ways[kind] then
      problems.throw(
        "bad-word",
        ("There is nothing called %s to compare with; there are foil, last and models."):format(kind)
      )
    end
    return ways[kind](run)
  end
  local items = {}
  if run.head.target and type(run.head.target.foil) == "table" then
    items[#items + 1] = { label = "the foil: what supports the target by itself, and what the foil", value = with_foil }
  end
  for _, other in ipairs(runs.all) do
    if other ~= run then
      local name = other.head.uri == run.head.uri and "this prompt, earlier" or other.head.title
      items[#items + 1] = {
        label = ("%s (%s, %s)"):format(name, other.head.model, os.date("%H:%M:%S", other.head.at)),
        value = function()
          with_other(run, other)
        end,
      }
    end
  end
  items[#items + 1] = { label = "the other models that are loaded", value = with_models }
  local chosen = require("limpid.pickers").select("Compare with", items)
  if chosen then
    chosen(run)
  end
end

return M
