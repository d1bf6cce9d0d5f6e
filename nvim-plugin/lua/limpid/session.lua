-- The heart of the plugin: carries a gesture from the question to heat on the text and a run in the panel. Everything else hangs on
-- it. What must not live here: drawing, pickers, the panel's keys.
local config = require("limpid.config")
local documents = require("limpid.documents")
local positions = require("limpid.positions")
local problems = require("limpid.problems")
local runs = require("limpid.runs")
local task = require("limpid.task")

local M = {}

--- The method whose scores take half the time of those that are wanted, and are half of them: seen first, then replaced.
local FIRST_HALF = { atp = "atp_linear" }
--- Between two looks at a model that is being loaded, milliseconds.
local LOOK_MS = 150

---@class limpid.Busy
---@field message string
---@field share? number

--- What goes on; nil: nothing.
---@type limpid.Busy?
M.busy = nil
--- Work-done progress of the daemon, by its token.
---@type table<integer|string, limpid.Busy>
local progresses = {}
---@type limpid.Task?
local asking
---@type fun()[]
local listeners = {}

--- Calls back when anything changed that is shown beside the text.
---@param changed fun()
function M.on_change(changed)
  listeners[#listeners + 1] = changed
end

local is_told = false

--- Something that is shown beside the text changed; who shows it is told once a tick.
function M.changed()
  -- Nobody looks any more at an editor that is ending.
  if is_told or vim.v.exiting ~= vim.NIL then
    return
  end
  is_told = true
  vim.schedule(function()
    is_told = false
    for _, changed in ipairs(listeners) do
      changed()
    end
    vim.api.nvim_exec_autocmds("User", { pattern = "LimpidChanged", modeline = false })
  end)
end

---@param busy limpid.Busy?
local function become(busy)
  M.busy = busy
  M.changed()
end

--- Says what goes on, or that nothing does.
---@param message string?
function M.say(message)
  become(message and { message = message } or nil)
end

--- `Loading SmolLM2 55 %`
---@return string?
function M.busy_words()
  local busy = M.busy
  for _, progress in pairs(progresses) do
    busy = busy or progress
  end
  if not busy then
    return nil
  end
  return busy.share and ("%s %d %%"):format(busy.message, math.floor(busy.share * 100)) or busy.message
end

--- The daemon says how far it is. What it says of something that has ended comes too late, and means nothing.
---@param token integer|string
---@param value table
function M.progressed(token, value)
  local before = progresses[token]
  if value.kind == "end" then
    progresses[token] = nil
  elseif before or value.kind == "begin" then
    local message = value.message or (before and before.message) or value.title or "Working"
    progresses[token] = { message = message, share = value.percentage and value.percentage / 100 or nil }
  end
  M.changed()
end

--- The server ended, and with it all that it was about.
function M.server_ended()
  progresses = {}
  M.changed()
end

---@param bufnr integer
---@param range? table
---@return string
local function title_of(bufnr, range)
  local file = vim.fs.basename(vim.api.nvim_buf_get_name(bufnr))
  if not range then
    return file
  end
  local first, last = range.start.line + 1, range["end"].line + 1
  return first == last and ("%s:%d"):format(file, first) or ("%s:%d–%d"):format(file, first, last)
end

--- The prompt that a gesture is about.
---@param about? { uri?: string, position?: table, range?: table, bufnr?: integer }
---@return limpid.Place place
---@return string title
function M.place(about)
  about = about or {}
  local bufnr = about.bufnr or (about.uri and vim.uri_to_bufnr(about.uri)) or M.text_buffer()
  if not vim.api.nvim_buf_is_loaded(bufnr) then
    vim.fn.bufload(bufnr)
  end
  if vim.bo[bufnr].buftype ~= "" then
    problems.throw("no-prompt", "Put the cursor into a prompt: this buffer is no file.")
  end
  if vim.api.nvim_buf_get_name(bufnr) == "" then
    problems.throw(
      "no-name",
      "This buffer has no name, and the daemon knows texts by their names. Give it one (:file NAME.prompt) and inspect again."
    )
  end
  if documents.bytes(bufnr) > documents.MOST_BYTES then
    problems.throw(
      "too-large",
      ("%s is larger than 10 MiB. Select the prompt's lines in a smaller file."):format(title_of(bufnr))
    )
  end
  local place = { bufnr = bufnr, uri = vim.uri_from_bufnr(bufnr), range = about.range, at = about.position }
  if not place.range and not place.at then
    local window = vim.fn.bufwinid(bufnr)
    place.at = window ~= -1 and positions.cursor(window) or { line = 0, character = 0 }
  end
  return place, title_of(bufnr, about.range)
end

--- The buffer of the text that a gesture in this window is about: from the panel, the text it shows.
---@return integer
function M.text_buffer()
  local here = vim.api.nvim_get_current_buf()
  if vim.bo[here].filetype == "limpid" and runs.shown then
    return runs.shown.bufnr
  end
  return here
end

--- What is being loaded, and how far it is.
---@param bufnr integer
---@param model? string
---@return limpid.Busy
local function loading(bufnr, model)
  local answer = require("limpid.requests").ask(bufnr, "limpid/models", { action = "list" })
  for _, row in ipairs(answer.models) do
    if (row.state == "loading" or row.state == "fetching") and (not model or row.name == model) then
      local verb = row.state == "fetching" and "Fetching" or "Loading"
      local share = type(row.progress) == "number" and row.progress or nil
      return { message = ("%s %s"):format(verb, row.name), share = share }
    end
  end
  return { message = "Loading " .. (model or "the model") }
end

--- Asks, inside a task; where the model is still being loaded, waits for it, saying how far it is, and asks again.
---@generic T
---@param bufnr integer
---@param ask fun(): T
---@param model? string
---@return T
function M.when_loaded(bufnr, ask, model)
  while true do
    local went_well, answer = pcall(ask)
    if went_well then
      return answer
    end
    if not (problems.is_problem(answer) and answer.kind == "model-loading") then
      error(answer, 0)
    end
    become(loading(bufnr, model))
    task.sleep(LOOK_MS)
  end
end

--- Makes a run, inside a task: shown as soon as there are scores.
---@param place limpid.Place
---@param title string
---@param over? { model?: string, target?: table, foil?: integer|string }
---@return limpid.Run
local function asked(place, title, over)
  become({ message = require("limpid.client").running() and "Reading the prompt" or "Starting Limpid" })
  documents.ask(place.bufnr)
  require("limpid.client").open(place.bufnr)
  local question = vim.tbl_extend("force", { place = place }, over or {})
  local run = runs.make(question, title)
  local method = config.get().heat.method
  local first = FIRST_HALF[method]
  M.when_loaded(place.bufnr, function()
    return run:begin(first or method)
  end, question.model)
  run.head.is_stale = not run:is_current()
  runs.show(run)
  if first then
    run:score({ method })
    runs.touched()
  end
  run:predicted()
  runs.touched()
  return run
end

--- Inspects the prompt that a gesture is about, as the newest question; `and_then` gets the run, inside the task.
---@param about? table
---@param over? { model?: string, target?: table, foil?: integer|string }
---@param and_then? fun(run: limpid.Run)
function M.inspect(about, over, and_then)
  if asking then
    asking:cancel()
  end
  problems.recovered()
  local mine
  mine = task.start(function()
    local place, title = M.place(about)
    local run = asked(place, title, over)
    become(nil)
    if and_then then
      and_then(run)
    end
  end, function()
    if asking == mine then
      asking = nil
      become(nil)
    end
  end)
  asking = not mine.is_over and mine or nil
  if mine.is_over then
    become(nil)
  end
end

--- The same prompt as it is now, or with something else asked about it.
---@param over? { model?: string, target?: table, foil?: integer|string, clear?: string[] }
---@param and_then? fun(run: limpid.Run)
function M.again(over, and_then)
  local shown = runs.shown
  if not shown then
    return M.inspect(nil, over, and_then)
  end
  local question = { model = shown.question.model, target = shown.question.target, foil = shown.question.foil }
  over = vim.deepcopy(over or {})
  for _, key in ipairs(over.clear or {}) do
    question[key] = nil
  end
  over.clear = nil
  local place = shown.question.place
  local about = { bufnr = place.bufnr, range = place.range, position = place.at }
  M.inspect(about, vim.tbl_extend("force", question, over), and_then)
end

--- Runs `work` with the run shown, or with a new one of the prompt at the cursor.
---@param about table?
---@param work fun(run: limpid.Run)
function M.with_run(about, work)
  local shown = runs.shown
  local is_other = about and about.uri and shown and about.uri ~= shown.head.uri
  local here = M.text_buffer()
  if shown and not is_other and not shown.head.is_stale and (about or here == shown.bufnr) then
    return task.start(function()
      work(shown)
    end)
  end
  M.inspect(about, nil, work)
end

--- Gives up what is under way.
function M.stop()
  if asking then
    asking:cancel()
  end
  require("limpid.effects").stop()
  require("limpid.continuing").stop()
end

--- Heat and run go; the text is as it was.
function M.hide()
  M.stop()
  problems.recovered()
  runs.hide()
end

return M
