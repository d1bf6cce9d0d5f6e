-- Words of `:Limpid`. What is changed and measured, and what the model writes on.
-- What must not live here: measuring itself (effects.lua), what a switch does (switches.lua).
local calls = require("limpid.words.calls")
local problems = require("limpid.problems")

local lazy = calls.lazy

--- What a change that is written as text begins with.
local CHANGED = { "knockout", "span", "delete", "replace", "head", "mlp", "neuron", "edge" }
local SETS = { "parts", "token", "line", "sentence", "message", "example", "head", "mlp", "neuron" }

---@param call limpid.Call
---@param set string
local function measure(call, set)
  calls.with_run(call, function(run)
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

---@type table<string, limpid.Subcommand>
return {
  continue = {
    says = "let the model write on, below the prompt",
    run = function(call)
      lazy.continuing.below("limpid.continue", calls.about_of(call))
    end,
  },
  applyTemplate = {
    says = "put a plain prompt into the chat template, or take it out",
    run = function(call)
      lazy.continuing.below("limpid.applyTemplate", calls.about_of(call))
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
      calls.with_run(call, function(run)
        local index = calls.token_of(run, call)
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
      calls.with_run(call, function(run)
        local args = call.args or {}
        if args[1] then
          if not args[2] or not vim.tbl_contains(CHANGED, args[1]) then
            problems.throw(
              "bad-word",
              "A change is written like `head 21.2`, `mlp 3`, `neuron 2.12=0`, `knockout 3` or `edge 3.2 7<-4`."
            )
          end
          lazy.switches.toggle(run, table.concat(args, " "))
          return lazy.panel.open()
        end
        local about = vim.bo.filetype == "limpid" and lazy["panel.window"].about()
        local index = not about and calls.token_of(run, call)
        local cards = lazy.panel.state.cards
        lazy.actions.toggle(about or (index and { kind = "token", position = index }) or cards[#cards])
        lazy.panel.open()
      end)
    end,
    complete = function()
      return CHANGED
    end,
  },
  clearSwitches = {
    says = "switch everything on again",
    run = function()
      calls.with_shown(function(run)
        lazy.switches.clear(run)
      end)
    end,
  },
  switchSet = {
    says = "take a set of switches from the file beside the prompt, or keep what is off as one",
    run = function()
      calls.with_shown(function(run)
        lazy.switch_sets.choose(run)
      end)
    end,
  },
}
