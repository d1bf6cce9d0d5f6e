-- `:Limpid`: every word, what it does in a line or two, and what completes behind it. What must not live here: how a run is made,
-- drawn or saved.
local problems = require("limpid.problems")

local M = {}

---@class limpid.Call
---@field args? string[] what stands behind the word
---@field about? table what a lens, a code action or a hover is about: { uri, position, range?, token?, here? }
---@field range? table the selection, as a range of the wire
---@field from_map? boolean

---@class limpid.Subcommand
---@field says string
---@field run fun(call: limpid.Call)
---@field complete? fun(): string[]

local lazy = setmetatable({}, {
  __index = function(_, name)
    return require("limpid." .. name)
  end,
})

---@param call limpid.Call
---@return table?  -- what a gesture is about
local function about_of(call)
  if call.about then
    return call.about
  elseif call.range then
    return { bufnr = lazy.session.text_buffer(), range = call.range }
  end
end

--- The run shown, or a new one of the prompt at the cursor.
---@param call limpid.Call
---@param work fun(run: limpid.Run)
local function with_run(call, work)
  lazy.session.with_run(about_of(call), work)
end

--- The run shown; says so where there is none.
---@param work fun(run: limpid.Run)
local function with_shown(work)
  lazy.task.start(function()
    local run = lazy.runs.shown
    if not run then
      problems.throw("nothing-shown", "Inspect a prompt first: :Limpid inspect.")
    end
    work(run --[[@as limpid.Run]])
  end)
end

--- The buffer of the prompt at hand, told to the daemon, inside a task.
---@return integer
local function buffer()
  local place = lazy.session.place()
  lazy.documents.ask(place.bufnr)
  return place.bufnr
end

---@param message string
local function say(message)
  vim.api.nvim_echo({ { "Limpid: " .. message } }, false, {})
end

--- The token at the place that a gesture is about.
---@param run limpid.Run
---@param call limpid.Call
---@return integer?
local function token_of(run, call)
  local at = call.about and call.about.position
  if not at then
    local window = vim.fn.bufwinid(run.bufnr)
    at = window ~= -1 and lazy.positions.cursor(window) or nil
  end
  return at and lazy.heat.token_at(run.bufnr, at.line, at.character)
end

---@param call limpid.Call
---@return string|nil  -- all words behind the first, as a token's text
local function text_of(call)
  local args = call.args or {}
  if #args == 0 then
    return nil
  end
  local text = table.concat(args, " ")
  -- A token with a leading space is written as it is shown: `·Paris`.
  return (text:gsub("^·", " "))
end

--- Shows a section, of the run shown or of a new one.
---@param name string
---@return fun(call: limpid.Call)
local function section(name)
  return function(call)
    with_run(call, function()
      lazy.panel.open()
      lazy.panel.section(name)
    end)
  end
end

---@param call limpid.Call
---@param set string
local function measure(call, set)
  with_run(call, function(run)
    local within = call.range or (call.about and call.about.range)
    lazy.panel.open()
    lazy.panel.section("effects")
    local params = { set = set, within = within, top = set == "neuron" and 20 or nil }
    if set ~= "parts" and set ~= "line" then
      params.budget = { seconds = lazy.config.get().effects.budget_ms / 1000 }
    end
    lazy.effects.measure(run, set, params)
  end)
end

--- Switches a setting over, and draws what it is about.
---@param name string
---@param words string
---@return fun()
local function toggle(name, words)
  return function()
    local outer, inner = name:match("^(%w+)%.(%w+)$")
    local settings = lazy.config.get()
    local now = outer and settings[outer][inner]
    if not outer then
      now = settings[name]
    end
    lazy.config.change(name, not now)
    lazy.follow.paint()
    say(("%s %s."):format(words, now and "off" or "on"))
  end
end

---@param action "load"|"unload"
---@param state_wanted fun(state: string): boolean
---@param title string
local function model_action(action, state_wanted, title)
  return function(call)
    lazy.task.start(function()
      local bufnr = buffer()
      local name = (call.args or {})[1]
        or lazy.pickers.model(bufnr, title, function(row)
          return state_wanted(row.state)
        end, action == "load")
      if not name then
        return
      end
      lazy.session.say((action == "load" and "Loading " or "Unloading ") .. name)
      lazy.requests.ask(bufnr, "limpid/models", { action = action, name = name })
      say(("%s is %s."):format(name, action == "load" and "loaded" or "unloaded"))
    end, function()
      lazy.session.say(nil)
    end)
  end
end

local SETS = { "parts", "token", "line", "sentence", "message", "example", "head", "mlp", "neuron" }
local HEATS = { "attribution", "effect", "flow" }

---@type table<string, limpid.Subcommand>
M.WORDS = {
  inspect = {
    says = "what the prediction behind the prompt rests on: heat on the text, and the panel",
    run = function(call)
      lazy.panel.open()
      lazy.session.inspect(about_of(call))
    end,
  },
  panel = {
    says = "open or close the side split",
    run = function(call)
      if call.about then
        return with_run(call, function(run)
          lazy.panel.open()
          local index = token_of(run, call)
          if index then
            lazy.panel.open_card({ kind = "token", position = index })
          end
        end)
      end
      if lazy.panel.is_open() then
        lazy.panel.close()
      else
        lazy.panel.open()
      end
    end,
  },
  hide = {
    says = "heat and panel go; the text is as it was",
    run = function()
      lazy.session.hide()
      lazy.panel.close()
    end,
  },
  refresh = {
    says = "inspect the prompt shown again, as its text is now",
    run = function()
      lazy.panel.refresh()
      lazy.session.again()
    end,
  },
  setTarget = {
    says = "explain another token",
    run = function(call)
      with_run(call, function(run)
        local token = call.about and call.about.token or text_of(call)
        if token then
          return lazy.session.again({ target = { token = token } })
        end
        local here = call.about and call.about.here and token_of(run, call)
        if here and here > 0 then
          -- The token itself is explained: what stands at its place, predicted from what precedes it.
          local target = { position = here - 1, token = run.tokens[here + 1].id }
          return lazy.session.again({ target = target, clear = { "foil" } })
        end
        local position = run.head.target.position
        local chosen = lazy.pickers.token(run, position, { title = "Which token is to be explained?" })
        if chosen then
          lazy.session.again({ target = { position = position, token = chosen.token }, clear = { "foil" } })
        end
      end)
    end,
  },
  setFoil = {
    says = "why not another token: compare the target with it",
    run = function(call)
      with_run(call, function(run)
        local token = call.about and call.about.token or text_of(call)
        if token then
          return lazy.session.again({ foil = token })
        end
        local chosen = lazy.pickers.token(run, run.head.target.position, {
          title = "Why not…",
          without = run.head.target.id,
          none = run.question.foil and "No foil" or nil,
        })
        if chosen then
          lazy.session.again({ foil = chosen.token, clear = { "foil" } })
        end
      end)
    end,
  },
  continue = {
    says = "let the model write on, below the prompt",
    run = function(call)
      lazy.continuing.below("limpid.continue", about_of(call))
    end,
  },
  applyTemplate = {
    says = "put a plain prompt into the chat template, or take it out",
    run = function(call)
      lazy.continuing.below("limpid.applyTemplate", about_of(call))
    end,
  },
  measure = {
    says = "what hiding parts of the prompt, or switching off heads or neurons, really changes",
    run = function(call)
      measure(call, (call.args or {})[1] or "parts")
    end,
    complete = function()
      return SETS
    end,
  },
  measureLines = {
    says = "what hiding each line really changes",
    run = function(call)
      measure(call, "line")
    end,
  },
  measureHere = {
    says = "what hiding the token at the cursor really changes",
    run = function(call)
      with_run(call, function(run)
        local index = token_of(run, call)
        if not index then
          problems.throw("no-token", "There is no token of the inspected prompt here.")
        end
        lazy.actions.measure({ kind = "token", position = index })
      end)
    end,
  },
  switchOff = {
    says = "switch off the token at the cursor, or what the panel's line is about; or on again",
    run = function(call)
      with_run(call, function(run)
        local change = (call.args or {})[1] and table.concat(call.args, " ")
        if change then
          lazy.switches.toggle(run, change)
          return lazy.panel.open()
        end
        local about = vim.bo.filetype == "limpid" and lazy["panel.window"].about()
        local index = not about and token_of(run, call)
        local cards = lazy.panel.state.cards
        lazy.actions.toggle(about or (index and { kind = "token", position = index }) or cards[#cards])
        lazy.panel.open()
      end)
    end,
  },
  clearSwitches = {
    says = "switch everything on again",
    run = function()
      with_shown(function(run)
        lazy.switches.clear(run)
      end)
    end,
  },
  switchSet = {
    says = "take a set of switches from the file beside the prompt, or keep what is off as one",
    run = function()
      with_shown(function(run)
        lazy.switch_sets.choose(run)
      end)
    end,
  },
  compare = {
    says = "compare with the foil, an earlier run, or other models",
    run = function(call)
      with_run(call, function(run)
        lazy.comparing.choose(run, (call.args or {})[1])
      end)
    end,
    complete = function()
      return { "foil", "last", "models" }
    end,
  },
  compareLast = {
    says = "compare with the prompt as it was inspected last",
    run = function(call)
      with_run(call, function(run)
        lazy.comparing.choose(run, "last")
      end)
    end,
  },
  compareModels = {
    says = "compare with the other models that are loaded",
    run = function(call)
      with_run(call, function(run)
        lazy.comparing.choose(run, "models")
      end)
    end,
  },
  compareFoil = {
    says = "compare what supports the target with what supports the foil",
    run = function(call)
      with_run(call, function(run)
        lazy.comparing.choose(run, "foil")
      end)
    end,
  },
  lens = { says = "what each layer would predict", run = section("lens") },
  routes = { says = "the routes along which the prediction came about", run = section("routes") },
  section = {
    says = "a section of the panel, by its name",
    run = function(call)
      local name = (call.args or {})[1] or "prediction"
      if not vim.tbl_contains(lazy.views.SECTIONS, name) then
        return problems.failed(problems.problem("bad-word", ("There is no section %s."):format(name)))
      end
      section(name)(call)
    end,
    complete = function()
      return lazy.views.SECTIONS
    end,
  },
  follow = { says = "whether the panel follows the cursor", run = toggle("follow_cursor", "Following the cursor is") },
  pin = {
    says = "keep this run, and the panel from following",
    run = function()
      with_shown(function(run)
        lazy.runs.pin(run)
        say(run.head.is_pinned and "Pinned." or "No longer pinned.")
      end)
    end,
  },
  history = {
    says = "choose one of the runs before this one",
    run = function()
      lazy.task.start(function()
        local items = {}
        for _, run in ipairs(lazy.runs.all) do
          local top = run.head.predictions[1]
          local predicted = top and ("%s %s"):format(lazy.token_display.token(top.text), lazy.display.probability(top.prob)) or ""
          local marks = (run == lazy.runs.shown and "shown " or "") .. (run.head.is_pinned and "pinned " or "")
          items[#items + 1] = {
            label = ("%s  %s  %s  %s%s"):format(os.date("%H:%M:%S", run.head.at), run.head.title, predicted, run.head.model, marks ~= "" and "  " .. marks or ""),
            value = run,
          }
        end
        if #items == 0 then
          problems.throw("nothing-shown", "Nothing was inspected yet.")
        end
        local chosen = lazy.pickers.select("Runs", items)
        if chosen then
          lazy.runs.pick(chosen)
          lazy.panel.open()
        end
      end)
    end,
  },
  nextStrongest = {
    says = "the cursor to the next weaker token, first the strongest",
    run = function()
      lazy.walking.strongest(1)
    end,
  },
  previousStrongest = {
    says = "the cursor to the next stronger token",
    run = function()
      lazy.walking.strongest(-1)
    end,
  },
  restsOn = {
    says = "what the token at the cursor rests on",
    run = function(call)
      lazy.walking.rests_on(call.about)
    end,
  },
  fed = {
    says = "which later tokens the token at the cursor fed",
    run = function(call)
      lazy.walking.fed(call.about)
    end,
  },
  surprisal = { says = "how surprising each token and line is", run = toggle("inlay.surprisal", "Surprisal is") },
  numbers = { says = "each token's number beside it", run = toggle("heat.numbers", "Numbers are") },
  rollups = { says = "what each line sums up to, behind it", run = toggle("rollups", "Roll-ups are") },
  lenses = {
    says = "code lenses at prompts",
    run = function()
      toggle("code_lens", "Lenses are")()
      for _, bufnr in ipairs(lazy.documents.all()) do
        lazy.documents.show_lenses(bufnr)
      end
    end,
  },
  signs = { says = "a sign at each line as high as its share", run = toggle("signs", "Signs are") },
  heat = {
    says = "heat by attribution, measured effect, or flow",
    run = function(call)
      local kind = (call.args or {})[1]
      local state = lazy.panel.state
      if kind and not vim.tbl_contains(HEATS, kind) then
        return problems.failed(problems.problem("bad-word", "Heat is by attribution, effect or flow."))
      end
      for at, one in ipairs(HEATS) do
        if not kind and one == state.heat then
          kind = HEATS[at % #HEATS + 1]
        end
      end
      with_shown(function(run)
        if kind == "flow" then
          run:score({ lazy.config.get().heat.method, "flow" })
        end
        state.heat = kind
        lazy.follow.paint()
        lazy.panel.draw()
        say(("Heat is by %s."):format(kind))
      end)
    end,
    complete = function()
      return HEATS
    end,
  },
  stop = {
    says = "give up what is under way",
    run = function()
      lazy.session.stop()
    end,
  },
  chooseModel = {
    says = "which model answers",
    run = function(call)
      lazy.task.start(function()
        local given = (call.args or {})[1]
        local name = given or lazy.pickers.model(buffer(), "Which model answers?", function()
          return true
        end, true)
        if not name then
          return
        end
        lazy.config.change("model", name)
        if lazy.runs.shown then
          lazy.session.again({ model = name })
        else
          say(("%s answers from now on."):format(name))
        end
      end)
    end,
  },
  loadModel = {
    says = "load a model",
    run = model_action("load", function(state)
      return state ~= "loaded"
    end, "Load a model"),
  },
  unloadModel = {
    says = "free a model's memory",
    run = model_action("unload", function(state)
      return state == "loaded"
    end, "Free a model's memory"),
  },
  chooseDevice = {
    says = "where to compute",
    run = function(call)
      lazy.task.start(function()
        local devices = { auto = "a GPU where this build can use one", cpu = "the CPU", cuda = "an NVIDIA GPU", metal = "an Apple GPU" }
        local items = {}
        for _, name in ipairs({ "auto", "cpu", "cuda", "metal" }) do
          items[#items + 1] = { label = ("%-6s %s"):format(name, devices[name]), value = name }
        end
        local device = (call.args or {})[1] or lazy.pickers.select("Where to compute", items)
        if not device then
          return
        elseif not devices[device] then
          problems.throw("bad-word", ("There is no device %s; there are auto, cpu, cuda and metal."):format(device))
        end
        lazy.config.change("device", device)
        lazy.client.restart()
        if lazy.runs.shown then
          lazy.session.again()
        end
      end)
    end,
    complete = function()
      return { "auto", "cpu", "cuda", "metal" }
    end,
  },
  openReport = {
    says = "the HTML panel in a browser",
    run = function(call)
      with_run(call, function(run)
        lazy.export.open_report(run)
      end)
    end,
  },
  export = {
    says = "save the analysis as HTML, JSON, DOT, SVG, PNG or Markdown",
    run = function(call)
      with_shown(function(run)
        local args = call.args or {}
        lazy.export.save(run, args[1], args[2] and table.concat(args, " ", 2))
      end)
    end,
    complete = function()
      return vim.tbl_map(function(format)
        return format.name
      end, lazy.export.FORMATS)
    end,
  },
  quickfix = {
    says = "tokens by strength, into the quickfix list",
    run = function()
      with_shown(function(run)
        lazy.quickfix.fill(run)
      end)
    end,
  },
  restart = {
    says = "start the server anew",
    run = function()
      lazy.task.start(function()
        problems.recovered()
        lazy.client.restart()
        if lazy.runs.shown then
          lazy.session.again()
        else
          say("Restarted.")
        end
      end)
    end,
  },
  showLog = {
    says = "what the daemon logged lately; never a prompt",
    run = function()
      lazy.task.start(function()
        lazy.reports.log()
      end)
    end,
  },
  status = {
    says = "what the daemon is, holds and does",
    run = function()
      lazy.task.start(function()
        lazy.reports.status()
      end)
    end,
  },
  health = {
    says = "check what is missing",
    run = function()
      vim.cmd.checkhealth("limpid")
    end,
  },
  tour = {
    says = "open a sample prompt and inspect it",
    run = function()
      lazy.reports.tour()
    end,
  },
}

---@return string[]
function M.words()
  local words = vim.tbl_keys(M.WORDS)
  table.sort(words)
  return words
end

--- Runs a word.
---@param word string
---@param call limpid.Call
function M.run(word, call)
  local known = M.WORDS[word]
  if not known then
    return problems.failed(problems.problem("bad-word", (":Limpid %s is unknown; :Limpid and <Tab> lists the words."):format(word)))
  end
  -- What went wrong before is over once a person does something else; these two say what it was.
  if word ~= "status" and word ~= "health" then
    problems.recovered()
  end
  if call.from_map and vim.fn.mode():find("^[vV\22]") then
    call.range = require("limpid.selection").visual()
  end
  local went_well, problem = xpcall(known.run, function(thrown)
    return problems.is_problem(thrown) and thrown or { thrown = thrown, trace = debug.traceback() }
  end, call)
  if not went_well then
    if problems.is_problem(problem) then
      problems.failed(problem)
    else
      problems.failed(problem.thrown, problem.trace)
    end
  end
end

--- `:Limpid` as it was typed.
---@param arguments table
function M.execute(arguments)
  local args = vim.list_slice(arguments.fargs)
  local word = table.remove(args, 1) or "inspect"
  local call = { args = args }
  if arguments.range > 0 then
    call.range = require("limpid.selection").lines(arguments.line1, arguments.line2)
  end
  M.run(word, call)
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local before = line:match("^.*[Ll]impid!?%s+(.*)$") or ""
  local word = before:match("^(%S+)%s")
  local offered = M.words()
  if word then
    local known = M.WORDS[word]
    offered = known and known.complete and known.complete() or {}
  end
  return vim.tbl_filter(function(one)
    return one:lower():find(lead:lower(), 1, true) == 1
  end, offered)
end

return M
