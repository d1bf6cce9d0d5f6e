-- `:checkhealth limpid`: whether everything is there that Limpid needs, and for what is not, what to do. A health check has to be
-- over when it returns, so this waits, for a few seconds at most, where the plugin elsewhere never does.
-- What must not live here: anything that is needed outside of a health check, repairs.
local binary = require("limpid.binary")
local display = require("limpid.display")
local known = require("limpid.wire").known
local problems = require("limpid.problems")
local task = require("limpid.task")

local M = {}

--- For all that is asked of programs and of the daemon, milliseconds.
M.patience_ms = 5000

---@class limpid.HealthFacts
---@field binary? limpid.Binary
---@field binary_problem? string
---@field daemon? table what `limpid daemon status` says: a status, or nil where none runs
---@field has_daemon_answer? boolean
---@field status? table of `limpid/status`, by this editor's client
---@field client_problem? string
---@field models? { pulled: table[], known: table[] }
---@field model? table what `limpid models show` says of the model that is asked without a name
---@field model_problem? string
---@field is_late? boolean something has not answered

---@param thrown any
---@return string
local function words_of(thrown)
  return problems.is_problem(thrown) and thrown.message or tostring(thrown)
end

--- What a command of the binary prints as JSON, inside a task.
---@param ... string
---@return any? answer
---@return string? problem
local function asked(...)
  local ended, why = task.program({ binary.find().path, ... }, { text = true, timeout = M.patience_ms })
  if not ended or ended.code ~= 0 then
    local said = ended and vim.trim(ended.stderr or "") or why or ""
    return nil, problems.sentence((said:gsub("^limpid: ", "")))
  end
  local is_json, answer = pcall(vim.json.decode, ended.stdout)
  if not is_json then
    return nil, "It printed no JSON."
  end
  return answer ~= vim.NIL and answer or nil
end

---@return string?
local function model_named()
  local name = require("limpid.config").get().model
  if name == "" then
    name = vim.env.LIMPID_MODEL or ""
  end
  return name ~= "" and name or nil
end

--- The work of each part, side by side: one that hangs does not hide the others.
---@type fun(facts: limpid.HealthFacts)[]
local looks = {
  function(facts)
    local went_well, found = pcall(binary.find)
    if went_well then
      facts.binary = found
    else
      facts.binary_problem = words_of(found)
    end
  end,
  function(facts)
    if pcall(binary.find) then
      local answer, problem = asked("daemon", "status", "--format", "json")
      facts.daemon, facts.has_daemon_answer = answer, problem == nil
    end
  end,
  function(facts)
    if pcall(binary.find) then
      facts.models = asked("models", "list", "--format", "json")
      local name = model_named()
      for _, row in ipairs(facts.models and facts.models.pulled or {}) do
        name = name or (row.is_default and row.name) or nil
      end
      if name then
        facts.model, facts.model_problem = asked("models", "show", name, "--format", "json")
      end
    end
  end,
  function(facts)
    local client = package.loaded["limpid.client"] and require("limpid.client").running()
    local bufnr = client and next(client.attached_buffers)
    if bufnr then
      local went_well, answer = pcall(require("limpid.requests").ask, bufnr, "limpid/status", vim.empty_dict())
      if went_well then
        facts.status = answer
      else
        facts.client_problem = words_of(answer)
      end
    end
  end,
}

---@return limpid.HealthFacts
local function gathered()
  local facts, under_way = {}, {}
  local last = problems.last
  for _, look in ipairs(looks) do
    under_way[#under_way + 1] = task.start(function()
      look(facts)
    end)
  end
  vim.wait(M.patience_ms, function()
    return vim.iter(under_way):all(function(one)
      return one.is_over
    end)
  end, 20)
  for _, one in ipairs(under_way) do
    facts.is_late = facts.is_late or not one.is_over
    one:cancel()
  end
  -- What went wrong before is what a person came here for.
  problems.last = last or problems.last
  return facts
end

local function report_editor()
  vim.health.start("Limpid: Neovim")
  local version = tostring(vim.version())
  if vim.fn.has("nvim-0.10") == 1 then
    vim.health.ok("Neovim " .. version)
  else
    vim.health.error("Neovim " .. version .. " is too old.", { "Install Neovim 0.10 or newer." })
  end
  if vim.fn.exists("#filetypedetect") == 0 then
    vim.health.warn(
      "File types are not detected, so no prompt is known as one.",
      { "Put `filetype on` into your configuration." }
    )
  end
  local is_right, count = pcall(vim.api.nvim_eval, "&t_Co")
  local colours = tonumber(is_right and count) or 256
  if vim.o.termguicolors then
    vim.health.ok("Colours: all ('termguicolors' is on)")
  elseif colours >= 256 then
    vim.health.ok(
      ("Colours: %d; `set termguicolors` gives finer steps where the terminal can show them"):format(colours)
    )
  else
    vim.health.warn(("Colours: %d, so heat is bold, underlined or reversed text."):format(colours), {
      "Where the terminal can do more: `set termguicolors`, or a $TERM such as xterm-256color.",
    })
  end
  if vim.fn.strdisplaywidth("█") ~= 1 and require("limpid.config").get().glyphs == "unicode" then
    vim.health.info("'ambiwidth' is double: bars are drawn with ASCII")
  end
end

---@param facts limpid.HealthFacts
local function report_binary(facts)
  vim.health.start("Limpid: binary")
  local set = require("limpid.config").get().path
  local where = set ~= "" and ("the setting `path`: %s"):format(set) or "PATH"
  if facts.binary then
    vim.health.ok(("limpid %s at %s (looked for by %s)"):format(facts.binary.version, facts.binary.path, where))
    return
  end
  vim.health.error(("%s (Looked for by %s.)"):format(facts.binary_problem or "It did not answer in time.", where), {
    "Build it: `cargo build --release` in the repository makes target/release/limpid.",
    "Put it on PATH, or name it: require('limpid').setup({ path = '…/limpid' }).",
    ("The plugin is %s and needs a binary of that version."):format(binary.OURS),
  })
end

local function report_settings()
  vim.health.start("Limpid: settings")
  local config = require("limpid.config")
  if #config.problems == 0 then
    vim.health.ok("All settings are known and valid")
  end
  for _, problem in ipairs(config.problems) do
    vim.health.error(problem, { "It is as if it were not there. All settings: see :help limpid-settings" })
  end
  if model_named() then
    local by = config.get().model ~= "" and "by the setting `model`" or "by $LIMPID_MODEL"
    vim.health.info(("Model: %s (%s; front matter and limpid.toml go before it)"):format(model_named(), by))
  end
end

---@param seconds integer
---@return string
local function uptime(seconds)
  local minutes = math.floor(seconds / 60)
  if minutes == 0 then
    return ("%d s"):format(seconds)
  end
  return minutes < 60 and ("%d min"):format(minutes) or ("%d h %d min"):format(math.floor(minutes / 60), minutes % 60)
end

---@param facts limpid.HealthFacts
local function report_daemon(facts)
  vim.health.start("Limpid: daemon")
  local status = facts.status or facts.daemon
  if facts.client_problem then
    vim.health.error(facts.client_problem, { ":Limpid restart", ":Limpid showLog" })
  end
  if status then
    vim.health.ok(
      ("limpid %s, process %d, up %s, %d clients, %d documents, %d jobs waiting or running"):format(
        status.version,
        status.pid,
        uptime(status.uptime_s),
        status.clients,
        status.documents,
        status.queue
      )
    )
    if not binary.is_compatible(status.version) then
      vim.health.warn(("The daemon is of another version than this plugin (%s)."):format(binary.OURS), {
        "End it with `limpid daemon stop`, then :Limpid restart.",
      })
    end
  elseif facts.has_daemon_answer then
    vim.health.ok("None is running; the first prompt starts it")
  elseif facts.binary then
    vim.health.error(
      "Whether it runs could not be found out.",
      { "Try `limpid daemon status` in a shell.", ":Limpid restart" }
    )
  else
    vim.health.info("Unknown without the binary")
  end
end

---@param facts limpid.HealthFacts
local function report_models(facts)
  vim.health.start("Limpid: models, device, memory")
  local config = require("limpid.config").get()
  local pulled = facts.models and facts.models.pulled or {}
  for _, row in ipairs(pulled) do
    local stat = vim.uv.fs_stat(row.path)
    local size = stat and display.bytes(stat.size) or "missing"
    vim.health.ok(("%s: %s, %s%s"):format(row.name, row.path, size, row.is_default and ", the default" or ""))
  end
  if facts.models and #pulled == 0 then
    vim.health.warn("No model is on this machine yet.", {
      "The first prompt fetches the default, SmolLM2-135M-Instruct (94 MiB); this needs the network once.",
      "Or `limpid models pull NAME`, or the setting `model` with a .gguf file or a folder.",
    })
  end
  for _, row in ipairs(facts.status and facts.status.models or facts.daemon and facts.daemon.models or {}) do
    local about = { row.state }
    if known(row.device) then
      about[#about + 1] = "on " .. row.device
    end
    if row.state == "loaded" and known(row.bytes) then
      about[#about + 1] = display.bytes(row.bytes)
    end
    if known(row.problem) then
      vim.health.error(
        ("%s: %s"):format(row.name, problems.sentence(row.problem)),
        { ":Limpid chooseModel", ":Limpid showLog" }
      )
    elseif row.state ~= "available" then
      vim.health.info(("In the daemon, %s: %s"):format(row.name, table.concat(about, ", ")))
    end
  end
  vim.health.info(
    ("Device: %s"):format(config.device == "auto" and "auto, a GPU where this build can use one" or config.device)
  )
  if config.memory_budget ~= "" then
    vim.health.info(("Memory budget: %s, by the setting `memory_budget`"):format(config.memory_budget))
  end
  local model = facts.model
  if model then
    local budget, needed = model.memory_budget_bytes, model.decoded_bytes
    local words = ("%s: weights %s, %s; half of what is free is %s"):format(
      model.name,
      display.bytes(needed),
      model.residence,
      display.bytes(budget)
    )
    if model.stored_bytes > budget and config.memory_budget == "" then
      vim.health.warn(words, { "Free memory, choose a smaller model, or set `memory_budget`." })
    else
      vim.health.ok(words)
    end
  elseif facts.model_problem then
    vim.health.warn(
      facts.model_problem,
      { ":Limpid chooseModel", "`limpid models list` in a shell names those that there are." }
    )
  end
end

local function report_client()
  vim.health.start("Limpid: language client")
  local client = package.loaded["limpid.client"] and require("limpid.client").running()
  local documents = require("limpid.documents")
  if not client then
    local wanted = documents.all()
    if #wanted > 0 then
      vim.health.warn(
        ("It is not running, though %d open buffers are prompts."):format(#wanted),
        { ":Limpid restart", ":Limpid showLog" }
      )
    else
      vim.health.ok("Not needed yet: no open buffer is a prompt, and none was inspected")
    end
    return
  end
  local names = {}
  for bufnr in pairs(client.attached_buffers) do
    names[#names + 1] = ("%s (%d)"):format(vim.fn.fnamemodify(vim.api.nvim_buf_get_name(bufnr), ":~:."), bufnr)
  end
  table.sort(names)
  vim.health.ok(
    ("Running (%s), attached to %s"):format(table.concat(client.config.cmd, " "), table.concat(names, ", "))
  )
  for _, bufnr in ipairs(documents.all()) do
    if not client.attached_buffers[bufnr] then
      local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(bufnr), ":~:.")
      vim.health.warn(("%s is a prompt, and the daemon was not told of it."):format(name), { ":Limpid restart" })
    end
  end
end

local function report_programs()
  vim.health.start("Limpid: other programs")
  if vim.fn.executable("dot") == 1 then
    vim.health.ok("Graphviz (`dot`): :Limpid export svg and png draw the routes")
  else
    vim.health.info("No Graphviz (`dot`): :Limpid export svg and png need it; html, json, dot and markdown do not")
  end
  -- What `vim.ui.open` looks for.
  local is_mac = vim.fn.has("mac") == 1
  local openers = is_mac and { "open" } or { "xdg-open", "wslview", "explorer.exe", "lemonade" }
  local opener = vim.iter(openers):find(function(name)
    return vim.fn.executable(name) == 1
  end)
  if opener then
    vim.health.ok(("`%s` opens the HTML panel in a browser (gx in the panel, :Limpid openReport)"):format(opener))
  else
    vim.health.info("Nothing opens a browser here: :Limpid openReport says where it wrote the page")
  end
end

--- The last error, and where to take it from for a report of a defect.
local function report_last()
  vim.health.start("Limpid: last problem")
  local last = problems.last
  if not last then
    vim.health.ok("None in this session")
    return
  end
  local about = { ("%s (%s, at %s)"):format(last.problem.message, last.problem.kind, os.date("%H:%M:%S", last.at)) }
  local advice = {}
  for _, way in ipairs(last.problem.ways) do
    advice[#advice + 1] = ("%s: :Limpid %s"):format(way.title, way.word)
  end
  if last.trace then
    vim.list_extend(about, vim.split(last.trace, "\n"))
    advice[#advice + 1] = "This is a defect of the plugin: please report it, with the lines above."
  end
  if vim.fn.has("clipboard") == 1 and pcall(vim.fn.setreg, "+", table.concat(about, "\n")) then
    advice[#advice + 1] = 'It is in the clipboard now ("+p puts it).'
  else
    advice[#advice + 1] = "There is no clipboard here: yank it from this buffer."
  end
  vim.health.warn(table.concat(about, "\n"), advice)
end

function M.check()
  local facts = gathered()
  report_editor()
  report_binary(facts)
  report_settings()
  report_daemon(facts)
  report_models(facts)
  report_client()
  report_programs()
  report_last()
  if facts.is_late then
    vim.health.start("Limpid: late answers")
    vim.health.warn(
      ("Something has not answered within %s."):format(display.duration(M.patience_ms)),
      { ":Limpid showLog", ":Limpid restart" }
    )
  end
end

return M
