-- Starts, watches and restarts the language server, and tells it of buffers. What must not live here: what is asked of it.
local binary = require("limpid.binary")
local config = require("limpid.config")
local problems = require("limpid.problems")
local task = require("limpid.task")

local M = {}

--- A server that ends more often than this in that time is left alone until somebody asks for it.
local MOST_ENDS, WATCHED_S = 3, 180
--- A server that has not answered `initialize` by then is given up, milliseconds.
local START_MS = 30000

local has_011 = vim.fn.has("nvim-0.11") == 1

---@alias limpid.ServerState "off"|"starting"|"on"|"failed"
---@type limpid.ServerState
M.state = "off"

---@type integer?
local client_id
---@type integer[] when the server ended by itself, lately
local ends = {}
--- Whether it is being ended on purpose.
local is_stopping = false
---@type table<integer|string, fun(value: any)> who waits for pieces, by the token they come with
local listeners = {}
local last_token = 0
---@type table<fun(), boolean> who has to know when the server ends
local watchers = {}

---@param state limpid.ServerState
local function become(state)
  M.state = state
  require("limpid.session").changed()
end

---@return vim.lsp.Client?
function M.running()
  local client = client_id and vim.lsp.get_client_by_id(client_id)
  if client and not client:is_stopped() then
    return client
  end
end

-- In 0.10 a client's functions take no `self`, and `is_stopped` is one of them.
if not has_011 then
  function M.running()
    local client = client_id and vim.lsp.get_client_by_id(client_id)
    if client and not client.is_stopped() then
      return client
    end
  end
end

--- Hears pieces of an answer until `forget` is called.
---@param heard fun(value: any)
---@return string token
---@return fun() forget
function M.listen(heard)
  last_token = last_token + 1
  local token = "limpid-" .. last_token
  listeners[token] = heard
  return token, function()
    listeners[token] = nil
  end
end

--- Calls back when the server ends, whyever.
---@param gone fun()
---@return fun() no_longer
function M.when_ended(gone)
  watchers[gone] = true
  return function()
    watchers[gone] = nil
  end
end

local function on_progress(failed, params, context, settings)
  local heard = params and listeners[params.token]
  if heard then
    heard(params.value)
    return vim.NIL
  end
  local shown = vim.lsp.handlers["$/progress"]
  if params and type(params.value) == "table" then
    require("limpid.session").progressed(params.token, params.value)
  end
  return shown and shown(failed, params, context, settings)
end

local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }

--- The daemon says something: in one line, since Neovim would wait for a key behind a longer one.
local function on_message(_, params)
  local said = { kind = "said", message = problems.sentence(params.message), ways = {} }
  problems.tell(said, LEVELS[params.type] or vim.log.levels.INFO)
end

---@param arguments any[]?
---@param word string
local function carry(word, arguments)
  require("limpid.command").run(word, { about = arguments and arguments[1] })
end

--- Commands of code lenses and code actions that the plugin takes over from the daemon.
local function commands()
  local taken = {}
  for _, word in ipairs({ "inspect", "setTarget", "setFoil", "measure", "continue", "applyTemplate" }) do
    taken["limpid." .. word] = function(command)
      carry(word, command.arguments)
    end
  end
  return taken
end

local function ended(code, signal, id)
  if client_id and id ~= client_id then
    return
  end
  local watching = watchers
  listeners, watchers, client_id = {}, {}, nil
  for gone in pairs(watching) do
    gone()
  end
  require("limpid.session").server_ended()
  if is_stopping or vim.v.exiting ~= vim.NIL then
    return
  end
  local now = os.time()
  ends = vim.tbl_filter(function(at)
    return now - at < WATCHED_S
  end, ends)
  ends[#ends + 1] = now
  if #ends > MOST_ENDS then
    become("failed")
    problems.failed(
      problems.problem("stopped", ("The Limpid server keeps ending (exit code %s, signal %s)."):format(code, signal))
    )
    return
  end
  become("off")
  task.start(function()
    M.attach_all()
  end)
end

--- The command of lsp/limpid.lua, which stands for the one that is found.
local PLAIN = { "limpid", "lsp" }

---@return string[]
local function command()
  local settings = config.get()
  local known = binary.known()
  local words = { known and known.path or "limpid", "lsp" }
  if settings.device ~= "auto" then
    vim.list_extend(words, { "--device", settings.device })
  end
  if settings.memory_budget ~= "" then
    vim.list_extend(words, { "--memory-budget", settings.memory_budget })
  end
  return words
end

--- The configuration as `vim.lsp.start` takes it, with what the person added by `vim.lsp.config("limpid", …)`.
---@return table
local function configuration()
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  -- Columns of the buffer are bytes, so nothing is ever counted twice.
  capabilities.general = vim.tbl_extend("force", capabilities.general or {}, { positionEncodings = { "utf-8" } })
  local own = {
    name = "limpid",
    cmd = command(),
    capabilities = capabilities,
    settings = config.for_daemon(),
    init_options = config.for_daemon().limpid,
    handlers = {
      ["$/progress"] = on_progress,
      ["window/showMessage"] = on_message,
      ["workspace/inlayHint/refresh"] = require("limpid.inlay").refresh,
    },
    commands = commands(),
    flags = { debounce_text_changes = 100 },
  }
  local added = vim.deepcopy(has_011 and vim.lsp.config and vim.lsp.config.limpid or {})
  if vim.deep_equal(added.cmd, PLAIN) then
    added.cmd = nil
  end
  if type(added.root_dir) == "function" then
    added.root_dir = nil
  end
  local merged = vim.tbl_deep_extend("force", own, added)
  local theirs = added.on_exit
  merged.on_exit = vim.schedule_wrap(function(code, signal, id)
    if type(theirs) == "function" then
      theirs(code, signal, id)
    end
    ended(code, signal)
  end)
  return merged
end

vim.api.nvim_create_autocmd("LspAttach", {
  group = vim.api.nvim_create_augroup("limpid_client", {}),
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == "limpid" then
      require("limpid.documents").attached(event.buf)
    end
  end,
})

--- Whoever starts the server meanwhile waits for the same start.
---@type fun(client: vim.lsp.Client?, problem: limpid.Problem?)[]?
local waiting

---@param client vim.lsp.Client?
---@param problem limpid.Problem?
local function tell(client, problem)
  local told = waiting or {}
  waiting = nil
  for _, done in ipairs(told) do
    done(client, problem)
  end
end

local function initialized(client)
  return client.initialized or client.server_capabilities ~= nil and next(client.server_capabilities) ~= nil
end

---@param bufnr integer
local function begin(bufnr)
  local went_well, problem = pcall(binary.find)
  if not went_well then
    become("failed")
    return tell(nil, problems.is_problem(problem) and problem or problems.problem("internal", tostring(problem)))
  end
  if not vim.api.nvim_buf_is_loaded(bufnr) then
    become("off")
    return tell(nil, problems.problem("cancelled", "The buffer is gone."))
  end
  local own = configuration()
  own.root_dir = own.root_dir or vim.fs.root(bufnr, { "limpid.toml", ".git" }) or vim.fn.getcwd()
  is_stopping = false
  client_id = vim.lsp.start(own, {
    bufnr = bufnr,
    reuse_client = function(client, wanted)
      return client.name == wanted.name
    end,
  })
  local started = vim.uv.now()
  while true do
    local client = M.running()
    if not client then
      become("failed")
      return tell(nil, problems.problem("stopped", "The Limpid server ended while it started."))
    end
    if initialized(client) then
      become("on")
      return tell(client)
    end
    if vim.uv.now() - started > START_MS then
      become("failed")
      return tell(nil, problems.problem("stopped", "The Limpid server does not answer."))
    end
    task.sleep(10)
  end
end

--- The running client, inside a task; starts it for a buffer unless it runs.
---@param bufnr integer
---@return vim.lsp.Client
function M.started(bufnr)
  local client = M.running()
  if client and initialized(client) then
    return client
  end
  local ready, problem = task.await(function(done)
    if waiting then
      waiting[#waiting + 1] = done
      return
    end
    waiting = { done }
    become("starting")
    -- A task of its own: who waits may give up, the start goes on for the others.
    task.start(function()
      begin(bufnr)
    end)
  end)
  if not ready then
    error(problem, 0)
  end
  return ready
end

--- Tells the server of a buffer, inside a task.
---@param bufnr integer
---@return vim.lsp.Client
function M.open(bufnr)
  local client = M.started(bufnr)
  if vim.api.nvim_buf_is_loaded(bufnr) and not vim.lsp.buf_is_attached(bufnr, client.id) then
    vim.lsp.buf_attach_client(bufnr, client.id)
  end
  return client
end

--- Tells the server of every buffer that it is to know.
function M.attach_all()
  for _, bufnr in ipairs(require("limpid.documents").all()) do
    M.open(bufnr)
  end
end

--- Settings changed: the daemon is told, where there is one.
function M.settings_changed()
  local client = M.running()
  if not client then
    return
  end
  client.settings = config.for_daemon()
  M.notify(client, "workspace/didChangeConfiguration", { settings = client.settings })
end

---@param client vim.lsp.Client
---@param method string
---@param params table
function M.notify(client, method, params)
  if has_011 then
    client:notify(method, params)
  else
    client.notify(method, params)
  end
end

--- Ends the server, inside a task.
function M.stop()
  local client = M.running()
  if not client then
    become("off")
    return
  end
  is_stopping = true
  if has_011 then
    client:stop()
  else
    client.stop()
  end
  -- Until it has ended: one that is still ending must not be taken for the next.
  local function wait(ms)
    local asked = vim.uv.now()
    while client_id and vim.uv.now() - asked < ms do
      task.sleep(10)
    end
  end
  wait(3000)
  if client_id then
    if has_011 then
      client:stop(true)
    else
      client.stop(true)
    end
    wait(1000)
  end
  client_id = nil
  become("off")
end

--- Ends the server and starts it anew, inside a task.
function M.restart()
  M.stop()
  ends = {}
  M.attach_all()
end

return M
