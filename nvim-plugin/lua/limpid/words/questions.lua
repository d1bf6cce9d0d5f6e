-- Words of `:Limpid`. What is asked: which prompt, which target and foil, compared with what.
-- What must not live here: how a run is made (session.lua), anything that is drawn.
local calls = require("limpid.words.calls")
local problems = require("limpid.problems")

local lazy = calls.lazy

---@type table<string, limpid.Subcommand>
return {
  inspect = {
    says = "what the prediction behind the prompt rests on: heat on the text, and the panel",
    run = function(call)
      lazy.panel.open()
      lazy.session.inspect(calls.about_of(call))
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
      calls.with_run(call, function(run)
        local token = call.about and call.about.token or calls.text_of(call)
        if token then
          return lazy.session.again({ target = { token = token } })
        end
        local here = call.about and call.about.here and calls.token_of(run, call)
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
      calls.with_run(call, function(run)
        local token = call.about and call.about.token or calls.text_of(call)
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
  compare = {
    says = "compare with the foil, an earlier run, or other models",
    run = function(call)
      calls.with_run(call, function(run)
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
      calls.with_run(call, function(run)
        lazy.comparing.choose(run, "last")
      end)
    end,
  },
  compareModels = {
    says = "compare with the other models that are loaded",
    run = function(call)
      calls.with_run(call, function(run)
        lazy.comparing.choose(run, "models")
      end)
    end,
  },
  compareFoil = {
    says = "compare what supports the target with what supports the foil",
    run = function(call)
      calls.with_run(call, function(run)
        lazy.comparing.choose(run, "foil")
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
          local predicted = top
              and ("%s %s"):format(lazy.token_display.token(top.text), lazy.display.probability(top.prob))
            or ""
          local marks = (run == lazy.runs.shown and "shown " or "") .. (run.head.is_pinned and "pinned " or "")
          items[#items + 1] = {
            label = ("%s  %s  %s  %s%s"):format(
              os.date("%H:%M:%S", run.head.at),
              run.head.title,
              predicted,
              run.head.model,
              marks ~= "" and "  " .. marks or ""
            ),
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
  pin = {
    says = "keep this run, and the panel from following",
    run = function()
      calls.with_shown(function(run)
        lazy.runs.pin(run)
        calls.say(run.head.is_pinned and "Pinned." or "No longer pinned.")
      end)
    end,
  },
  stop = {
    says = "give up what is under way",
    run = function()
      lazy.session.stop()
    end,
  },
}
