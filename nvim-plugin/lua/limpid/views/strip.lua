-- The prompt as text with heat on its tokens, and below each row how much flow came from them. Of a long prompt the rows around the
-- token looked at.
-- What must not live here: colours (highlights.lua), what the text in the editor is painted with (heat.lua).
local bars = require("limpid.page.bars")
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local questions = require("limpid.views.questions")
local scale = require("limpid.scale")
local text = require("limpid.page.text")
local token_chunks = require("limpid.views.token_chunks")
local wire = require("limpid.wire")

local M = {}

--- Rows of text shown at most.
local MOST_ROWS = 2
--- Rows above the one with the token looked at.
local ROWS_BEFORE = 1

---@param token limpid.TableToken
---@return boolean
local function ends_row(token)
  return vim.endswith(token.display, "↵")
end

--- Where to start so that a row or more stands above the position: back until enough rows are full.
---@param tokens limpid.TableToken[]
---@param position integer
---@param room integer
---@param rows_before integer
---@return integer # 0-based
local function start_of(tokens, position, room, rows_before)
  local rows, used, at = 0, 0, position
  while at > 0 do
    local before = tokens[at]
    local width = math.min(room, text.width(before.display))
    if ends_row(before) or used + width > room then
      rows = rows + 1
      used = 0
      if rows > rows_before then
        break
      end
    end
    used = used + width
    at = at - 1
  end
  return at
end

--- Rows of tokens as wide as there is room; a line break of the prompt ends one.
---@param tokens limpid.TableToken[]
---@param start integer
---@param room integer
---@param position integer
---@return { first: integer, last: integer }[] rows, integer at index of the position's row
local function rows_from(tokens, start, room, position)
  local rows, at_row = { { first = start, last = start - 1 } }, 1
  local used = 0
  for index = start, #tokens - 1 do
    local row = rows[#rows]
    local width = math.min(room, text.width(tokens[index + 1].display))
    if row.last >= row.first and (used + width > room or ends_row(tokens[row.last + 1])) then
      if index > position and #rows >= at_row + MOST_ROWS then
        break
      end
      row = { first = index, last = index - 1 }
      rows[#rows + 1], used = row, 0
    end
    row.last, used = index, used + width
    if index == position then
      at_row = #rows
    end
  end
  return rows, at_row
end

--- The rows that are shown.
---@param tokens limpid.TableToken[]
---@param position integer
---@param room integer
---@return { first: integer, last: integer }[]
local function shown_rows(tokens, position, room)
  local start = start_of(tokens, position, room, MOST_ROWS)
  local rows, at = rows_from(tokens, start, room, position)
  local first = math.max(1, at - ROWS_BEFORE)
  -- Near the end more rows fit above.
  first = math.max(1, math.min(first, #rows - MOST_ROWS + 1))
  return vim.list_slice(rows, first, math.min(#rows, first + MOST_ROWS - 1))
end

---@class limpid.StripHeat what colours and bars are of
---@field kind "attribution"|"effect"|"flow"
---@field group fun(index: integer): string?
---@field flows number[]?
---@field largest number
---@field largest_flow number

--- The figure of a token: the attribution, and what hiding it was measured to do.
---@param attribution limpid.Attribution
---@param measured table<string, limpid.EffectRow>
---@param index integer
---@return limpid.Figure
function M.figure(attribution, measured, index)
  local is_nats = attribution.unit ~= "share"
  return figures.of(measured, { kind = "knockout", token = index }, is_nats and attribution.scores[index + 1] or nil, {
    effect = (wire.or_nil(attribution.effects) or {})[index + 1],
    disagreement = (wire.or_nil(attribution.disagreements) or {})[index + 1],
  })
end

--- What each token weighs by, of all of them: the effect where it is measured, else the estimate. Cheap, for long prompts.
---@param attribution limpid.Attribution
---@param measured table<string, limpid.EffectRow>
---@param only_effects boolean
---@return fun(place: integer): number|vim.NIL|nil
function M.weights(attribution, measured, only_effects)
  local effects = wire.or_nil(attribution.effects) or {}
  local scores = not only_effects and attribution.unit ~= "share" and attribution.scores or {}
  local is_measured = next(measured) ~= nil
  return function(place)
    local row = is_measured and measured["knockout " .. place - 1] or nil
    return row and wire.or_nil(row.effect) or wire.or_nil(effects[place]) or scores[place]
  end
end

---@param attribution limpid.Attribution
---@return number[]?
function M.flows(attribution)
  local others = wire.or_nil(attribution.others) or {}
  return attribution.method == "flow" and attribution.scores or wire.or_nil(others.flow)
end

---@param attribution limpid.Attribution
---@param measured table<string, limpid.EffectRow>
---@return (number|vim.NIL)[]?
local function effects_of(attribution, measured)
  local known, any = wire.or_nil(attribution.effects) or {}, false
  local effects = {}
  for index = 0, #attribution.scores - 1 do
    local row = measured["knockout " .. index]
    local effect = row and wire.or_nil(row.effect) or wire.or_nil(known[index + 1])
    effects[index + 1] = effect or vim.NIL
    any = any or effect ~= nil
  end
  return any and effects or nil
end

--- What can be shown of what is wanted: scores that are missing fall back to those that are there.
---@param attribution limpid.Attribution
---@param context limpid.Context
---@return limpid.StripHeat
function M.heat(attribution, context)
  local flows = M.flows(attribution)
  local effects = context.heat == "effect" and effects_of(attribution, context.measured) or nil
  local is_flow = attribution.unit == "share" or (context.heat == "flow" and flows ~= nil)
  local kind = effects and "effect" or is_flow and "flow" or "attribution"
  local scores = effects or (is_flow and flows) or attribution.scores
  local largest = scale.largest(scores, token_chunks.SINK)
  local step = kind == "flow" and scale.sequential or scale.diverging
  return {
    kind = kind,
    flows = flows,
    largest = largest,
    largest_flow = scale.largest(flows or {}, token_chunks.SINK),
    group = function(index)
      return step(scores[index + 1], largest)
    end,
  }
end

---@param index integer
---@param heat limpid.StripHeat?
---@param context limpid.Context
---@return string?
local function group_of(index, heat, context)
  local target = context.head.target
  target = type(target) == "table" and target or {}
  local foil = type(target.foil) == "table" and target.foil.id or nil
  if index == context.position then
    return "LimpidPoint"
  elseif index == target.position then
    return "LimpidTarget"
  elseif index == token_chunks.SINK then
    return "LimpidSink"
  elseif foil and context.tokens[index + 1].id == foil then
    return "LimpidFoil"
  end
  return heat and heat.group(index) or nil
end

---@param page limpid.Page
---@param row { first: integer, last: integer }
---@param heat limpid.StripHeat?
---@param context limpid.Context
---@param room integer
local function draw_row(page, row, heat, context, room)
  local tokens, below = { { " " } }, { { " " } }
  for index = row.first, row.last do
    local about = { kind = "token", position = index }
    local shown = text.head(text.clean(context.tokens[index + 1].display), room, page:glyph("cut"))
    tokens[#tokens + 1] = { shown, group_of(index, heat, context), about }
    if heat and heat.flows then
      local width = text.width(shown)
      local flow = heat.flows[index + 1] or 0
      if index == token_chunks.SINK then
        below[#below + 1] = { (page.glyphs == "ascii" and "/" or "░"):rep(width), "LimpidSink", about }
      else
        local height = bars.height(flow, heat.largest_flow, page.glyphs)
        below[#below + 1] = { height:rep(width), height ~= " " and "LimpidBar" or nil, about }
      end
    end
  end
  page:line(tokens)
  if heat and heat.flows then
    page:line(below)
  end
end

--- The legend: what bars and colours are of, and what the strongest of each stands for.
---@param page limpid.Page
---@param heat limpid.StripHeat
local function draw_legend(page, heat)
  local strongest = {}
  if heat.kind ~= "flow" then
    local sign = heat.kind == "attribution" and "~" or ""
    local figure = display.signed(heat.largest):gsub("^%+", "")
    strongest[1] = ("colour: %s to %s%s nats"):format(heat.kind, sign, figure)
  end
  if heat.flows then
    strongest[#strongest + 1] = ("%s: flow to %s"):format(
      heat.kind == "flow" and "colour, bars" or "bars",
      display.flow(heat.largest_flow)
    )
  end
  page:split({}, { { table.concat(strongest, "   "), "LimpidDim" } }, { about = { kind = "word", word = heat.kind } })
end

---@param page limpid.Page
---@param attribution limpid.Attribution? nil: not there yet
---@param context limpid.Context
function M.draw(page, attribution, context)
  local tokens = context.tokens
  if #tokens == 0 then
    return
  end
  local room = math.max(1, page.columns - 2)
  local rows = shown_rows(tokens, questions.position(context), room)
  local heat = attribution and M.heat(attribution, context)
  local function left_out(count, where)
    if count > 0 then
      local words = ("%s %s %s %s"):format(
        page:glyph("more"),
        display.thousands(count),
        count == 1 and "token" or "tokens",
        where
      )
      page:line({ { " " .. words, "LimpidDim" } })
    end
  end
  left_out(rows[1].first, "before")
  for _, row in ipairs(rows) do
    draw_row(page, row, heat, context, room)
  end
  left_out(#tokens - 1 - rows[#rows].last, "behind")
  if heat then
    draw_legend(page, heat)
  end
end

return M
