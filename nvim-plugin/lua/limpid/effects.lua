-- Measuring: parts of the prompt or of the model are switched off and the model runs again; rows are kept by run, where views find
-- them beside the estimates. What must not live here: anything that is drawn.
local changes = require("limpid.changes")
local config = require("limpid.config")
local known = require("limpid.wire").known
local runs = require("limpid.runs")
local session = require("limpid.session")
local task = require("limpid.task")

local M = {}

---@class limpid.Measured
---@field rows table<string, table> rows by the text of their change
---@field last? table the last EffectView

---@type table<string, limpid.Measured> by run id
local measured = {}

---@type { title: string, done: integer, of: integer?, task: limpid.Task?, run: limpid.Run }?
M.job = nil
---@type table<string, boolean>
local done_by_itself = {}

---@param run limpid.Run
---@return limpid.Measured
function M.of(run)
  local id = run.head.id
  measured[id] = measured[id] or { rows = {} }
  return measured[id]
end

--- Adds rows; a row that is measured again replaces the one before it.
---@param run limpid.Run
---@param rows table[]
local function merge(run, rows)
  local all = M.of(run).rows
  for _, row in ipairs(rows) do
    local key = changes.text(row.intervention)
    local before = all[key]
    if before then
      -- Pieces come before their ranks are compared, and a later set may know no score: what is known already is kept.
      row = vim.deepcopy(row)
      for _, field in ipairs({ "score", "part", "disagreement" }) do
        if not known(row[field]) then
          row[field] = before[field]
        end
      end
    end
    all[key] = row
  end
end

--- Measures, inside a task; returns the view.
---@param run limpid.Run
---@param title string
---@param params table
---@return table view
local function measure(run, title, params)
  params = vim.tbl_extend("keep", params, { floor = config.get().effects.floor })
  local job =
    { title = title, done = 0, run = run, task = nil, of = params.interventions and #params.interventions or nil }
  M.job = job
  session.changed()
  local went_well, answer = pcall(run.ask, run, "limpid/effect", params, {
    partial = function(value)
      if type(value) == "table" and vim.islist(value) then
        job.done = job.done + #value
        merge(run, value)
        session.changed()
      end
    end,
  })
  if M.job == job then
    M.job = nil
  end
  if not went_well then
    session.changed()
    error(answer, 0)
  end
  merge(run, answer.view.effects)
  M.of(run).last = answer.view
  run:forget_scores()
  if runs.shown == run then
    run:score()
  end
  runs.touched()
  return answer.view
end

--- Measures from a gesture; a job that is under way is given up.
---@param run limpid.Run
---@param title string
---@param params table of `limpid/effect`
---@param and_then? fun(view: table)
function M.measure(run, title, params, and_then)
  M.stop()
  local mine = task.start(function()
    local view = measure(run, title, params)
    if and_then then
      and_then(view)
    end
  end)
  if M.job and not mine.is_over then
    M.job.task = mine
  end
end

--- Measures by itself, once for each key, within the budget, unless something is being measured.
---@param run limpid.Run
---@param key string
---@param params table
function M.by_itself(run, key, params)
  local name = run.head.id .. " " .. key
  if done_by_itself[name] or M.job then
    return
  end
  done_by_itself[name] = true
  local budget = { seconds = config.get().effects.budget_ms / 1000 }
  local mine = task.start(function()
    -- Nobody asked: an effect that could not be measured stays an estimate, and may be asked for by hand.
    if not pcall(measure, run, key, vim.tbl_extend("force", params, { budget = budget })) then
      done_by_itself[name] = nil
    end
  end)
  if M.job and not mine.is_over then
    M.job.task = mine
  end
end

--- Gives up what is being measured; rows that came stay.
function M.stop()
  local job = M.job
  M.job = nil
  if job then
    if job.task then
      job.task:cancel()
    end
    session.changed()
  end
end

return M
