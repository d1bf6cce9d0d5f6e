-- What went wrong, as a person meets it: a sentence, and ways out as words of `:Limpid`. What must not live here: the panel.
local M = {}

---@class limpid.Problem
---@field kind string
---@field message string a sentence
---@field ways limpid.Way[]

---@class limpid.Way
---@field title string
---@field word string of `:Limpid`

local LOG = { title = "Show the log", word = "showLog" }
local RESTART = { title = "Restart", word = "restart" }
local CHOOSE_MODEL = { title = "Choose a model", word = "chooseModel" }
local UNLOAD = { title = "Unload a model", word = "unloadModel" }
local REFRESH = { title = "Inspect again", word = "refresh" }
local HEALTH = { title = "Check what is missing", word = "health" }

---@type table<string, limpid.Way[]>
local ways = {
  ["model-not-found"] = { CHOOSE_MODEL, LOG },
  ["fetch-failed"] = { CHOOSE_MODEL, LOG },
  ["unknown-family"] = { CHOOSE_MODEL, LOG },
  ["malformed-file"] = { CHOOSE_MODEL, LOG },
  ["memory-budget"] = { UNLOAD, CHOOSE_MODEL },
  ["context-window"] = { CHOOSE_MODEL },
  ["device"] = { { title = "Choose a device", word = "chooseDevice" }, LOG },
  ["stale-version"] = { REFRESH },
  ["no-longer-kept"] = { REFRESH },
  ["no-binary"] = { HEALTH },
  ["not-limpid"] = { HEALTH },
  ["wrong-version"] = { HEALTH },
  ["internal"] = { RESTART, LOG },
  ["stopped"] = { RESTART, LOG },
  ["no-prompt"] = { { title = "Open a sample", word = "tour" } },
}

--- Kinds that are no news: somebody asked for something newer.
local SUPERSEDED = { ["cancelled"] = true, ["stale-version"] = true }

---@param text string
---@return string  -- first letter large, a full stop at the end: sentences of the daemon are written small
function M.sentence(text)
  local trimmed = vim.trim(text)
  local large = trimmed:sub(1, 1):upper() .. trimmed:sub(2)
  return large:find("[.!?]$") and large or large .. "."
end

---@param kind string
---@param message string
---@return limpid.Problem
function M.problem(kind, message)
  return { kind = kind, message = message, ways = ways[kind] or {} }
end

--- Throws a problem of the editor's own.
---@param kind string
---@param message string
function M.throw(kind, message)
  error(M.problem(kind, message), 0)
end

--- An error that the server answered, as a problem.
---@param answered { code: integer, message: string, data?: table }
---@return limpid.Problem
function M.of_answer(answered)
  local data = type(answered.data) == "table" and answered.data or {}
  local kind = data.kind or (answered.code == -32800 and "cancelled" or "internal")
  return M.problem(kind, M.sentence(tostring(answered.message)))
end

---@param thrown any
---@return boolean
function M.is_problem(thrown)
  return type(thrown) == "table" and thrown.kind ~= nil and thrown.message ~= nil
end

---@param problem limpid.Problem
---@return boolean
function M.is_superseded(problem)
  return SUPERSEDED[problem.kind] or false
end

--- Says it in a line. What was said just before gives way: two lines at once would make Neovim wait for a key.
---@param problem limpid.Problem
---@param level integer
function M.tell(problem, level)
  vim.cmd.redraw()
  vim.notify(M.line(problem), level)
end

--- The problem shown now; nil: none.
---@type limpid.Problem?
M.shown = nil

--- The last problem and where it came from, for `:checkhealth limpid`; stays when it is over.
---@type { problem: limpid.Problem, trace: string?, at: integer }?
M.last = nil

--- Shows what a task threw. Anything but a problem is a mistake of ours: its first line is said, its trace kept for the health check.
---@param thrown any
---@param trace? string
function M.failed(thrown, trace)
  local problem = thrown
  if not M.is_problem(thrown) then
    local line = tostring(thrown):match("[^\n]+") or "?"
    problem = M.problem("internal", M.sentence(line))
  end
  ---@cast problem limpid.Problem
  if M.is_superseded(problem) then
    return
  end
  M.last = { problem = problem, trace = not M.is_problem(thrown) and trace or nil, at = os.time() }
  M.shown = problem
  require("limpid.session").changed()
  if require("limpid.config").get().notify then
    M.tell(problem, vim.log.levels.WARN)
  end
end

--- A problem in one line that asks for no key press: the panel and the health check have it whole.
---@param problem limpid.Problem
---@return string
function M.line(problem)
  local way = problem.ways[1]
  local out = way and ("  (:Limpid %s)"):format(way.word) or ""
  local room = vim.v.echospace - vim.fn.strdisplaywidth("Limpid: " .. out)
  local message = problem.message:gsub("%s+", " ")
  return "Limpid: " .. require("limpid.token_display").cut(message, math.max(20, room)) .. out
end

--- The problem shown is over.
function M.recovered()
  if M.shown then
    M.shown = nil
    require("limpid.session").changed()
  end
end

return M
