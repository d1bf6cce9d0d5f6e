-- Words of `:Limpid`. What is shown: the panel and its sections, heat and what stands beside it, walking by influence.
-- What must not live here: drawing.
local calls = require("limpid.words.calls")
local problems = require("limpid.problems")

local lazy = calls.lazy

local HEATS = { "attribution", "effect", "flow" }

--- Shows a section, of the run shown or of a new one.
---@param name string
---@return fun(call: limpid.Call)
local function section(name)
  return function(call)
    calls.with_run(call, function()
      lazy.panel.open()
      lazy.panel.section(name)
    end)
  end
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
    calls.say(("%s %s."):format(words, now and "off" or "on"))
  end
end

---@type table<string, limpid.Subcommand>
return {
  panel = {
    says = "open or close the side split",
    run = function(call)
      if call.about then
        return calls.with_run(call, function(run)
          lazy.panel.open()
          local index = calls.token_of(run, call)
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
        if not lazy.config.get().code_lens then
          vim.lsp.codelens.clear(nil, bufnr)
        end
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
      calls.with_shown(function(run)
        if kind == "flow" then
          run:score({ lazy.config.get().heat.method, "flow" })
        end
        state.heat = kind
        lazy.follow.paint()
        lazy.panel.draw()
        calls.say(("Heat is by %s."):format(kind))
      end)
    end,
    complete = function()
      return HEATS
    end,
  },
}
