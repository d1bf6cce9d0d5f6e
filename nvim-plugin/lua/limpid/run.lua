-- One inspection: what it is about, the answers it has so far, and how more are asked for. What must not live here: which runs there
-- are, and anything that is drawn.
local Flights = require("limpid.flights")
local problems = require("limpid.problems")
local requests = require("limpid.requests")

--- Where the prompt of a run stands.
---@class limpid.Place
---@field bufnr integer
---@field uri string
---@field range? table the selection that is the prompt; nil: the prompt at `at`, or the document
---@field at? table

--- What is asked about it.
---@class limpid.Question
---@field place limpid.Place
---@field model? string
---@field target? table
---@field foil? integer|string

---@class limpid.RunHead
---@field id string
---@field title string
---@field uri string
---@field model string
---@field device? string
---@field target? table
---@field predictions table[]
---@field n_tokens integer
---@field objective? string
---@field took_ms integer
---@field at integer
---@field is_pinned boolean
---@field is_stale boolean

---@class limpid.Run
---@field head limpid.RunHead
---@field tokens table[] the prompt's tokens
---@field question limpid.Question
---@field text string of the document then
---@field bufnr integer
---@field analysis? string
---@field scores? table the attribution that is painted, as it was answered
---@field private methods? string[] attribution methods asked for last
---@field private kept table<string, { method: string, params: table, result: any }>
---@field private flights limpid.Flights
local Run = {}
Run.__index = Run

--- Methods whose answers change with time, or with what was measured since.
local NEVER_KEPT = {
  ["limpid/continue"] = true,
  ["limpid/effect"] = true,
  ["limpid/compare"] = true,
  ["limpid/switches"] = true,
  ["limpid/models"] = true,
  ["limpid/status"] = true,
}

--- What measuring changes.
local SCORED = { ["limpid/attribution"] = true, ["limpid/parts"] = true, ["limpid/routes"] = true }

--- The text of a buffer as the daemon has it.
---@param bufnr integer
---@return string
function Run.text_of(bufnr)
  return table.concat(vim.api.nvim_buf_get_lines(bufnr, 0, -1, false), "\n")
end

---@param value any
---@return string  -- the same for the same value, whatever the order of its keys
local function canonical(value)
  if type(value) ~= "table" then
    return type(value) == "string" and vim.json.encode(value) or tostring(value)
  end
  if vim.islist(value) then
    return "[" .. table.concat(vim.tbl_map(canonical, value), ",") .. "]"
  end
  local keys = vim.tbl_keys(value)
  table.sort(keys)
  return "{"
    .. table.concat(
      vim.tbl_map(function(key)
        return key .. ":" .. canonical(value[key])
      end, keys),
      ","
    )
    .. "}"
end

--- Names a question.
---@param method string
---@param params table
---@return string
function Run.key(method, params)
  return method .. " " .. canonical(params)
end

---@param question limpid.Question
---@param id string
---@param title string
---@return limpid.Run
function Run.new(question, id, title)
  local bufnr = question.place.bufnr
  return setmetatable({
    question = question,
    bufnr = bufnr,
    text = Run.text_of(bufnr),
    tokens = {},
    kept = {},
    flights = Flights.new(),
    head = {
      id = id,
      title = title,
      uri = question.place.uri,
      model = question.model or "",
      predictions = {},
      n_tokens = 0,
      took_ms = 0,
      at = os.time(),
      is_pinned = false,
      is_stale = false,
    },
  }, Run)
end

--- As a subject: by its analysis, which needs no second forward pass.
---@param by_place? boolean
---@return table
function Run:subject(by_place)
  if self.analysis and not by_place then
    return { analysis = self.analysis }
  end
  local question = self.question
  local version = vim.lsp.util.buf_versions[self.bufnr] or 0
  local prompt = { uri = question.place.uri, version = version, range = question.place.range, at = question.place.at }
  return { prompt = prompt, model = question.model, target = question.target, foil = question.foil }
end

--- Whether the buffer still has the text that this run is about.
---@return boolean
function Run:is_current()
  return vim.api.nvim_buf_is_loaded(self.bufnr) and Run.text_of(self.bufnr) == self.text
end

--- An answer that is there already.
---@param method string
---@param params table
---@return any
function Run:known(method, params)
  local kept = self.kept[Run.key(method, params)]
  return kept and kept.result
end

--- The answers so far, as reports record them.
---@return { method: string, params: table, result: any }[]
function Run:recorded()
  local keys = vim.tbl_keys(self.kept)
  table.sort(keys)
  return vim.tbl_map(function(key)
    return self.kept[key]
  end, keys)
end

--- Measured effects change what views answer: these are asked anew.
function Run:forget_scores()
  for key, kept in pairs(self.kept) do
    if SCORED[kept.method] then
      self.kept[key] = nil
    end
  end
end

---@private
---@param method string
---@param params table
---@param how? limpid.Asking
---@param by_place? boolean
---@return any
function Run:send(method, params, how, by_place)
  local with = vim.tbl_extend("force", params, { subject = self:subject(by_place) })
  local answer = requests.ask(self.bufnr, method, with, how)
  if type(answer) == "table" and type(answer.analysis) == "string" then
    self.analysis = answer.analysis
  end
  return answer
end

--- Whether the analysis is of no use any more: a daemon that was started anew knows none of its forerunner, and one knows none of a
--- text that was edited, even where it is as it was again.
---@param problem any
---@return boolean
local function is_forgotten(problem)
  if not problems.is_problem(problem) then
    return false
  elseif problem.kind == "stale-version" then
    return true
  elseif problem.kind ~= "bad-request" then
    return false
  end
  for _, words in ipairs({ "no longer kept", "not known", "unknown analysis" }) do
    if problem.message:find(words, 1, true) then
      return true
    end
  end
  return false
end

---@private
---@param method string
---@param params table
---@param how? limpid.Asking
---@return any
function Run:answer(method, params, how)
  local went_well, result = pcall(self.send, self, method, params, how)
  if not went_well and self.analysis and is_forgotten(result) then
    if not self:is_current() then
      if result.kind == "stale-version" then
        error(result, 0)
      end
      problems.throw("no-longer-kept", "The text has changed since, and the daemon no longer keeps this run.")
    end
    -- The place says the same while the text stands.
    self.analysis = nil
    went_well, result = pcall(self.send, self, method, params, how, true)
  end
  if not went_well then
    error(result, 0)
  end
  if not NEVER_KEPT[method] then
    self.kept[Run.key(method, params)] = { method = method, params = params, result = result }
  end
  return result
end

--- An answer kept, or asked for, inside a task; throws a problem.
---@param method string
---@param params table
---@param how? limpid.Asking
---@return any
function Run:ask(method, params, how)
  local known = self:known(method, params)
  if known then
    return known
  elseif NEVER_KEPT[method] then
    return self:answer(method, params, how)
  end
  return self.flights:share(method, Run.key(method, params), function()
    return self:answer(method, params, how)
  end)
end

--- Scores for heat, asked for or known, and kept as those that are painted.
---@param methods? string[] attribution methods, the first is shown; nil: those asked for last
---@return table answer
function Run:score(methods)
  self.methods = methods or self.methods
  local answer = self:ask("limpid/attribution", { methods = self.methods, top = 0 })
  self.scores = answer
  return answer
end

--- The first answer, for heat is what is waited for; it names the analysis.
---@param method string attribution method
---@return table answer
function Run:begin(method)
  local started = vim.uv.hrtime()
  local answer = self:score({ method })
  self.tokens = answer.token_table
  self.head = vim.tbl_extend("force", self.head, {
    model = answer.model,
    target = answer.view.target,
    objective = answer.view.attribution.objective,
    n_tokens = #answer.token_table,
    took_ms = (vim.uv.hrtime() - started) / 1e6,
  })
  return answer
end

--- The tokens with what is predicted behind them.
---@return table answer
function Run:predicted()
  local answer = self:ask("limpid/tokens", {})
  self.head.predictions = answer.view.predictions
  self.head.device = answer.view.model.device
  return answer
end

return Run
