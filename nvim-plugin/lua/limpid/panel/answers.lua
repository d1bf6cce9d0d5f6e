-- What the panel asks about a run: answers that are there, questions under way, and why some failed. What must not live here: what is
-- made of answers.
local Run = require("limpid.run")
local problems = require("limpid.problems")
local session = require("limpid.session")
local task = require("limpid.task")

local M = {}

---@class limpid.Asked
---@field answer? any kept here where the run itself keeps none
---@field problem? limpid.Problem
---@field task? limpid.Task

---@type table<string, table<string, limpid.Asked>> by run id and question
local asked = {}

--- The answers to a view's questions as far as they are there; what is missing is asked for.
---@param run limpid.Run
---@param asks table<string, { method: string, params: table }>
---@return table<string, any> answers with `errors`
function M.of(run, asks)
  local id = run.head.id
  asked[id] = asked[id] or {}
  local answers = { errors = {} }
  for name, ask in pairs(asks) do
    local key = Run.key(ask.method, ask.params)
    local one = asked[id][key]
    local answer = run:known(ask.method, ask.params) or (one and one.answer)
    if answer then
      answers[name] = answer
    elseif one and one.problem then
      -- What was given up for something newer is no news; it is asked again when something changes, not at every drawing.
      if not problems.is_superseded(one.problem) then
        answers.errors[name] = one.problem
      elseif run.head.is_stale then
        answers.errors[name] =
          { message = "The text has changed since, and this was not asked before; r inspects it again." }
      end
    elseif not one or not one.task or one.task.is_over then
      M.ask(run, key, ask)
    end
  end
  return answers
end

--- Asks, once; who draws is told when it came.
---@param run limpid.Run
---@param key string
---@param ask { method: string, params: table }
function M.ask(run, key, ask)
  local one = {}
  asked[run.head.id][key] = one
  local mine = task.start(function()
    local went_well, answer = pcall(run.ask, run, ask.method, ask.params)
    if went_well then
      if not run:known(ask.method, ask.params) then
        one.answer = answer
      end
    else
      one.problem = problems.is_problem(answer) and answer or problems.problem("internal", tostring(answer))
    end
    one.task = nil
    session.changed()
  end)
  if not mine.is_over then
    one.task = mine
  end
end

--- Whether something is still on its way.
---@param run limpid.Run
---@return boolean
function M.is_waiting(run)
  for _, one in pairs(asked[run.head.id] or {}) do
    if one.task and not one.task.is_over then
      return true
    end
  end
  return false
end

--- Asks anew what was given up for something newer.
---@param run limpid.Run
function M.retry(run)
  for key, one in pairs(asked[run.head.id] or {}) do
    if one.problem and problems.is_superseded(one.problem) then
      asked[run.head.id][key] = nil
    end
  end
end

--- Asks everything anew.
---@param run limpid.Run
function M.forget(run)
  for _, one in pairs(asked[run.head.id] or {}) do
    if one.task then
      one.task:cancel()
    end
  end
  asked[run.head.id] = nil
end

--- Gives up questions about runs that are not shown.
---@param shown limpid.Run?
function M.only(shown)
  for id, questions in pairs(asked) do
    if not shown or shown.head.id ~= id then
      for key, one in pairs(questions) do
        if one.task then
          one.task:cancel()
          questions[key] = nil
        end
      end
    end
  end
end

return M
