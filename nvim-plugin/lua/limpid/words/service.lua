-- Words of `:Limpid`. The daemon and its models, and what is saved of a run.
-- What must not live here: the client's life (client.lua), what a file looks like (export.lua).
local calls = require("limpid.words.calls")
local problems = require("limpid.problems")

local lazy = calls.lazy

---@param action "load"|"unload"
---@param state_wanted fun(state: string): boolean
---@param title string
local function model_action(action, state_wanted, title)
  return function(call)
    lazy.task.start(function()
      local bufnr = calls.buffer()
      local name = (call.args or {})[1]
        or lazy.pickers.model(bufnr, title, function(row)
          return state_wanted(row.state)
        end, action == "load")
      if not name then
        return
      end
      lazy.session.say((action == "load" and "Loading " or "Unloading ") .. name)
      lazy.requests.ask(bufnr, "limpid/models", { action = action, name = name })
      calls.say(("%s is %s."):format(name, action == "load" and "loaded" or "unloaded"))
    end, function()
      lazy.session.say(nil)
    end)
  end
end

---@type table<string, limpid.Subcommand>
return {
  chooseModel = {
    says = "which model answers",
    run = function(call)
      lazy.task.start(function()
        local given = (call.args or {})[1]
        local name = given
          or lazy.pickers.model(calls.buffer(), "Which model answers?", function()
            return true
          end, true)
        if not name then
          return
        end
        lazy.config.change("model", name)
        if lazy.runs.shown then
          lazy.session.again({ model = name })
        else
          calls.say(("%s answers from now on."):format(name))
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
        local devices = {
          auto = "a GPU where this build can use one",
          cpu = "the CPU",
          cuda = "an NVIDIA GPU",
          metal = "an Apple GPU",
        }
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
      calls.with_run(call, function(run)
        lazy.export.open_report(run)
      end)
    end,
  },
  export = {
    says = "save the analysis as HTML, JSON, DOT, SVG, PNG or Markdown",
    run = function(call)
      calls.with_shown(function(run)
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
      calls.with_shown(function(run)
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
          calls.say("Restarted.")
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
