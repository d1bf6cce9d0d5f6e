-- A neuron: how strongly it fires at each token, why that way round, and what it promotes and suppresses.
-- What must not live here: rankings of neurons (ranking.lua).
local bars = require("limpid.page.bars")
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local ranked = require("limpid.views.ranked")
local token_chunks = require("limpid.views.token_chunks")
local wire = require("limpid.wire")

---@type limpid.View
local M = { name = "neuron", title = "neuron" }

--- Tokens listed by their activation.
local MOST = 6

function M.asks(context)
  local about = context.about
  local params = { layer = about.layer, neuron = about.neuron, position = about.position }
  return { neuron = { method = "limpid/neuron", params = params } }
end

--- One sentence or two: what lets it fire, and which way round it writes.
---@param page limpid.Page
---@param card limpid.NeuronCard
---@return string
function M.sign_words(page, card)
  local activation, gate, up = card.row.activation, card.pre, wire.or_nil(card.pre_linear)
  local to = page:glyph("to")
  if not up then
    local product = ("pre-activation %s %s %s"):format(display.nats(gate), to, display.nats(activation))
    if activation == 0 then
      return product .. ": it is off here and writes nothing."
    elseif activation > 0 then
      return product .. ". It writes its direction as it is."
    end
    return product
      .. ". A negative input lets a little through with its sign kept: it writes its direction reversed, faintly."
  end
  if activation == 0 then
    return ("gate %s, up %s: it is off here and writes nothing."):format(display.nats(gate), display.nats(up))
  end
  local times = page:glyph("times")
  local product = ("gate %s %s up %s %s %s"):format(
    display.nats(gate),
    times,
    display.nats(up),
    to,
    display.nats(activation)
  )
  if gate >= 0 and up >= 0 then
    return product .. ". The gate is open and up is positive: it writes its direction as it is."
  elseif gate >= 0 then
    return product
      .. ". The gate is open but up is negative: it writes its direction reversed, so what it promotes and suppresses is swapped."
  elseif up >= 0 then
    return product
      .. ". The gate is negative, which lets a little through with its sign turned; "
      .. "up is positive: it writes its direction reversed, faintly."
  end
  return product .. ". Gate and up are both negative and their signs cancel: it writes its direction as it is, faintly."
end

--- Its activation over the whole prompt, each character the strongest of its tokens; negative ones on a line below.
---@param page limpid.Page
---@param activations number[]
---@param position integer
local function draw_strip(page, activations, position)
  local room = page.columns - 4
  local size = math.max(1, math.ceil(#activations / room))
  local above, below, largest, places = {}, {}, 1e-9, {}
  for start = 1, #activations, size do
    local best = start
    for index = start, math.min(#activations, start + size - 1) do
      if math.abs(activations[index]) > math.abs(activations[best]) then
        best = index
      end
    end
    places[#places + 1] = best
    largest = math.max(largest, math.abs(activations[best]))
  end
  local any_negative = false
  for _, index in ipairs(places) do
    local value = activations[index]
    local about = { kind = "token", position = index - 1 }
    local is_here = math.abs(index - 1 - position) < size and "LimpidPoint" or "LimpidBar"
    local height = bars.height(math.max(0, value), largest, page.glyphs)
    local depth = bars.height(math.max(0, -value), largest, page.glyphs)
    above[#above + 1] = { height, height ~= " " and is_here or nil, about }
    below[#below + 1] = { depth, depth ~= " " and is_here or nil, about }
    any_negative = any_negative or depth ~= " "
  end
  page:line(vim.list_extend({ { "  +" } }, above))
  if any_negative then
    page:line(vim.list_extend({ { "  " .. page:glyph("none") } }, below))
  end
end

---@param page limpid.Page
---@param activations number[]
---@param context limpid.Context
local function draw_strongest(page, activations, context)
  local places = ranked.strongest(#activations, MOST, function(place)
    return activations[place]
  end)
  local largest = math.max(math.abs(activations[places[1]] or 0), 1e-9)
  local rows = {}
  for at, place in ipairs(places) do
    rows[at] = {
      cells = {
        { token_chunks.prompt(context.tokens, place - 1) },
        { { tostring(place - 1), "LimpidDim" } },
        function(width)
          return { page:bar(math.abs(activations[place]) / largest, width) }
        end,
        display.signed(activations[place]),
      },
      about = { kind = "token", position = place - 1 },
      token = place - 1,
    }
  end
  page:table({
    { title = "token", least = 8 },
    { align = "right" },
    { grows = true, least = 4, most = 20 },
    { title = "activation", align = "right" },
  }, rows, { untitled = true })
end

function M.draw(page, answers, context)
  local about = context.about
  local view = answers.neuron and answers.neuron.view
  local position = view and view.row.position or about.position
  local title = { { "neuron " .. display.neuron_name(about.layer, about.neuron), "LimpidTitle" } }
  if position then
    title[2] = { "  at ", "LimpidDim" }
    vim.list_extend(title, token_chunks.placed(context.tokens, position))
  end
  page:heading(title, nil, { about = about, token = position })
  local note = page:note(context, about)
  if note then
    page:prose(note, "LimpidDim")
  end
  if not page:has(answers, "neuron") then
    return
  end
  local row = view.row
  local up = wire.or_nil(view.pre_linear)
  local facts = {
    { "activation", display.nats(row.activation), "activation" },
    { up and "gate" or "pre", display.nats(view.pre), "gate" },
  }
  if up then
    facts[#facts + 1] = { "up", display.nats(up), "gate" }
  end
  facts[#facts + 1] = { "flow", display.flow(row.flow), "flow" }
  if wire.known(row.logit_attribution) then
    facts[#facts + 1] = { "writes directly", display.signed(row.logit_attribution), "directly" }
  end
  page:facts(facts)
  page:prose(M.sign_words(page, view), nil, { about = { kind = "word", word = "gate" } })
  local off = { kind = "neuron_set", layer = row.layer, neuron = row.neuron, value = 0 }
  figures.verdict(page, figures.of(context.measured, off, row.attribution, row), "off everywhere", about)
  page:blank()
  page:subheading("activation at each token", nil, { about = { kind = "word", word = "activation" } })
  draw_strip(page, view.activations, row.position)
  draw_strongest(page, view.activations, context)
  page:blank()
  local lists = { token_chunks.values("promotes", row.promotes), token_chunks.values("suppresses", row.suppresses) }
  token_chunks.lists(page, lists, 6, context.head.target)
end

return M
