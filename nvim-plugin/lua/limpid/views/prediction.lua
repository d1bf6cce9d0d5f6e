-- What the model predicts, what is explained against what, and the tokens of the prompt that do most for it.
-- What must not live here: the prompt with heat (strip.lua), continuations with switches (effects.lua).
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local questions = require("limpid.views.questions")
local ranked = require("limpid.views.ranked")
local strip = require("limpid.views.strip")
local token_chunks = require("limpid.views.token_chunks")
local wire = require("limpid.wire")

---@type limpid.View
local M = { name = "prediction", title = "prediction" }

--- Tokens ranked.
local MOST = 12

function M.asks(context)
  return { tokens = questions.tokens(), attribution = questions.attribution(context) }
end

---@param page limpid.Page
---@param target limpid.Target
local function draw_target(page, target)
  local answer, foil, foil_answer =
    wire.or_nil(target.answer), wire.or_nil(target.foil), wire.or_nil(target.foil_answer)
  local chunks = { { "   target ", "LimpidDim" } }
  if answer then
    local tokens = { start = answer.start, ["end"] = answer["end"] }
    local words =
      page:words(("tokens %d–%d, %s nats"):format(answer.start, answer["end"] - 1, display.nats(answer.logprob)))
    chunks[#chunks + 1] = { words, "LimpidTarget", { kind = "part", tokens = tokens } }
  else
    chunks[#chunks + 1] = token_chunks.predicted(target, target)
  end
  chunks[#chunks + 1] = { "  rather than ", "LimpidDim" }
  if foil then
    chunks[#chunks + 1] = token_chunks.predicted(foil, target)
  elseif foil_answer then
    for _, token in ipairs(foil_answer.tokens) do
      chunks[#chunks + 1] = token_chunks.predicted(token, nil)
    end
    chunks[#chunks + 1] = { (", %s nats"):format(display.nats(foil_answer.logprob)), "LimpidDim" }
  else
    chunks[#chunks + 1] = { "anything else" }
  end
  page:line(chunks, { about = { kind = "word", word = foil and "foil" or "target" } })
end

---@param page limpid.Page
---@param view limpid.TokensView
local function draw_predictions(page, view)
  local target = view.target
  local rows = {}
  for index, row in ipairs(view.predictions) do
    local is_target = not wire.known(target.answer) and row.id == target.id
    local foil = wire.or_nil(target.foil)
    local role = is_target and "target" or foil and row.id == foil.id and "foil" or ""
    rows[index] = {
      cells = {
        { token_chunks.predicted(row, target) },
        function(width)
          return { page:bar(row.prob, width) }
        end,
        display.probability(row.prob),
        { { display.nats(row.logit), "LimpidDim" } },
        { { role, "LimpidDim" } },
      },
      about = { kind = "prediction", token = row.id, text = row.text, position = target.position },
    }
  end
  page:table({
    { title = "next token", word = "probability", least = 8 },
    { grows = true, least = 4 },
    { title = "P", align = "right" },
    { title = "logit", align = "right", drops = 2 },
    { drops = 1 },
  }, rows)
end

---@param page limpid.Page
---@param attribution limpid.Attribution
---@param context limpid.Context
local function draw_tokens(page, attribution, context)
  local flows = strip.flows(attribution)
  local count = math.min(#context.tokens, #attribution.scores)
  local sort = ranked.order(context, attribution.unit == "share" and "flow" or "attribution")
  local weights = strip.weights(attribution, context.measured, sort == "effect")
  local places = ranked.strongest(count, MOST, function(place)
    return sort == "flow" and flows and flows[place] or weights(place)
  end)
  local all, rows = {}, {}
  for at, place in ipairs(places) do
    all[at] = strip.figure(attribution, context.measured, place - 1)
  end
  local scaled = {}
  for at, place in ipairs(places) do
    scaled[#scaled + 1] = place - 1 ~= token_chunks.SINK and all[at] or nil
  end
  local largest = figures.largest(scaled)
  for at, place in ipairs(places) do
    local index = place - 1
    local is_sink = index == token_chunks.SINK
    rows[at] = {
      cells = {
        { token_chunks.prompt(context.tokens, index) },
        { { tostring(index), "LimpidDim" } },
        flows and display.flow(flows[place]) or false,
        figures.estimate(page, all[at]),
        figures.effect(page, all[at]),
        is_sink and { { "first token", "LimpidDim" } } or figures.bar(page, all[at], largest),
      },
      about = { kind = "token", position = index },
      token = index,
    }
  end
  page:blank()
  local note = count > #places and ("%d of %s, by %s"):format(#places, display.thousands(count), sort) or "by " .. sort
  page:subheading("tokens", note, { about = { kind = "word", word = sort } })
  page:table({
    { title = "token", least = 6, word = "attribution" },
    { title = "", align = "right", drops = 2 },
    { title = "flow", align = "right" },
    { title = "attr. ~", align = "right" },
    { title = "effect ", align = "right" },
    { title = "nats", grows = true, most = 19, drops = 1, least = 9 },
  }, rows)
end

function M.draw(page, answers, context)
  page:heading("prediction", page.hints("t", "target", "f", "foil", "c", "continue"))
  if page:has(answers, "tokens") then
    local view = answers.tokens.view
    draw_target(page, view.target)
    draw_predictions(page, view)
  end
  local continuation = context.continuation
  if continuation and not wire.known(continuation.unchanged) then
    page:blank()
    page:subheading("continues", nil, { about = { kind = "word", word = "continuation" } })
    require("limpid.views.written").alone(page, continuation)
  end
  if page:has(answers, "attribution") then
    draw_tokens(page, answers.attribution.view.attribution, context)
  end
end

return M
