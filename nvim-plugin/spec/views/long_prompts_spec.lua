-- A prompt of ten thousand tokens: every view asks for what it shows, draws few lines, and takes no time to speak of.
-- What must not live here: what views say.
local pages = require("spec.views.pages")
local testing = require("spec.testing")

local describe, it, ok = testing.describe, testing.it, testing.ok

local COUNT = 10000

local function list(value)
  local values = {}
  for index = 1, COUNT do
    values[index] = type(value) == "function" and value(index) or value
  end
  return values
end

--- The example's answers, stretched to a long prompt.
local function stretch(answers, context)
  context.tokens = list(function(index)
    return { index = index - 1, id = index, display = index % 11 == 0 and "↵" or "·token" .. index }
  end)
  context.head.n_tokens = COUNT
  context.head.target.position = COUNT - 1
  local scores = list(function(index)
    return math.sin(index)
  end)
  local shares = list(1 / COUNT)
  if answers.attribution then
    local attribution = answers.attribution.view.attribution
    attribution.scores, attribution.others = scores, { flow = shares }
    attribution.effects, attribution.disagreements = scores, nil
  end
  if answers.head then
    answers.head.view.pattern, answers.head.view.contribution = shares, shares
    answers.head.view.position = COUNT - 1
    -- The rows that are drawn; the others would take this machine's memory.
    answers.head.view.pattern_map = list(function(index)
      return index > COUNT - 60 and shares or {}
    end)
  end
  if answers.neuron then
    answers.neuron.view.activations = scores
  end
  if answers.parts then
    answers.parts.view.parts = list(function(index)
      local tokens = { start = index - 1, ["end"] = index }
      return {
        kind = "word",
        text = "word" .. index,
        tokens = tokens,
        flow = 0.1,
        attribution = 0.2,
        share = 0.1,
        is_sink = index == 1,
      }
    end)
  end
end

for _, name in ipairs(pages.NAMES) do
  describe(name, function()
    it("of a long prompt has few lines and takes little time", function()
      for _, position in ipairs({ 0, 4321, COUNT - 1 }) do
        for _, heat in ipairs({ "attribution", "flow", "effect" }) do
          local started
          local page = pages.draw(name, { position = position, heat = heat, maps = true }, function(answers, context)
            stretch(answers, context)
            started = vim.uv.hrtime()
          end)
          local ms = (vim.uv.hrtime() - started) / 1e6
          pages.check(page, name)
          ok(#page.lines <= 450, ("%d lines"):format(#page.lines))
          -- Some thirty times what it takes on an idle machine.
          ok(ms < 1000, ("%s: %.0f ms"):format(name, ms))
          if os.getenv("LIMPID_SPEC_TIMES") then
            io.stdout:write(("%s %s %d: %.1f ms, %d lines\n"):format(name, heat, position, ms, #page.lines))
          end
        end
      end
    end)

    it("asks for few positions", function()
      local context = pages.context({ about = pages.ABOUT[name], position = 4321 })
      stretch({}, context)
      for _, ask in pairs(require("limpid.views").view(name).asks(context)) do
        ok(not ask.params.positions or #ask.params.positions <= 30, vim.inspect(ask))
      end
    end)
  end)
end
