-- The prompt's parts with what their tokens sum up to: flow, attribution, and the measured effect of hiding each.
-- What must not live here: single tokens (prediction.lua), what stands at line ends in the text (rollup.lua).
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local questions = require("limpid.views.questions")
local ranked = require("limpid.views.ranked")
local wire = require("limpid.wire")

---@type limpid.View
local M = { name = "parts", title = "parts" }

--- Rows drawn; of more, those around the token looked at.
local MOST = 200

--- What parts are cut into: as chosen; else lines, or words where there is one line.
---@param context limpid.Context
---@return limpid.PartBy
function M.cut(context)
  if context.part_by then
    return context.part_by
  end
  local first, last
  for _, token in ipairs(context.tokens) do
    local range = wire.or_nil(token.range)
    if range then
      first = first or range.start.line
      last = range["end"].line
      if last > first then
        return "line"
      end
    end
  end
  return "word"
end

function M.asks(context)
  local params = { by = M.cut(context) }
  if context.method ~= "atp" then
    params.method = context.method
  end
  return { parts = { method = "limpid/parts", params = params } }
end

--- The first token's score says nothing of the part it stands in.
---@param row limpid.PartRow
---@return limpid.PartScore
local function score_of(row)
  return wire.or_nil(row.without_sink) or row
end

---@param rows limpid.PartRow[]
---@param position integer
---@return integer first, integer last
local function window(rows, position)
  local at = 1
  for place, row in ipairs(rows) do
    if position >= row.tokens.start and position < row.tokens["end"] then
      at = place
    end
  end
  local first = math.max(1, math.min(at - math.floor(MOST / 2), #rows - MOST + 1))
  return first, math.min(#rows, first + MOST - 1)
end

---@param page limpid.Page
---@param view limpid.PartsView
---@param context limpid.Context
---@param rows limpid.PartRow[]
local function draw_rows(page, view, context, rows)
  local is_nats = view.unit ~= "share"
  local all, largest, most_share = {}, 1e-9, 1e-9
  for place, row in ipairs(rows) do
    local hidden = { kind = "span_knockout", span = { row.tokens.start, row.tokens["end"] } }
    all[place] = figures.of(context.measured, hidden, is_nats and score_of(row).attribution or nil, row)
    largest = math.max(largest, math.abs(figures.standing(all[place]) or 0))
    most_share = math.max(most_share, row.share)
  end
  local drawn = {}
  for place, row in ipairs(rows) do
    local name = wire.or_nil(row.name)
    local text = { { row.text, row.kind == "template" and "LimpidDim" or row.is_sink and "LimpidSink" or nil } }
    drawn[place] = {
      cells = {
        name and vim.list_extend({ { name .. " ", "LimpidTitle" } }, text) or text,
        function(width)
          return { page:bar(row.share / most_share, width) }
        end,
        display.flow(score_of(row).flow),
        is_nats and figures.estimate(page, all[place]) or false,
        figures.effect(page, all[place]),
        figures.bar(page, all[place], largest),
      },
      about = { kind = "part", tokens = row.tokens },
      token = row.tokens.start,
    }
  end
  page:table({
    { title = view.by, least = 10, word = "part" },
    { grows = true, least = 4, most = 8 },
    { title = "flow", align = "right" },
    { title = is_nats and "attr. ~" or "", align = "right" },
    { title = "effect ", align = "right" },
    { title = "nats", grows = true, least = 7, most = 15, drops = 1 },
  }, drawn)
end

function M.draw(page, answers, context)
  local by = M.cut(context)
  local sort = context.sort and ranked.order(context, "attribution")
  local note = { { sort and ("by %s, strongest first   "):format(sort) or ("by %s   "):format(by), "LimpidDim" } }
  page:heading(
    "parts",
    vim.list_extend(note, page.hints("b", "cut", "s", "sort")),
    { about = { kind = "word", word = "part" } }
  )
  if not page:has(answers, "parts") then
    return
  end
  local view = answers.parts.view
  local rows = view.parts
  if sort then
    rows = ranked.sorted(rows, function(row)
      local hidden = { kind = "span_knockout", span = { row.tokens.start, row.tokens["end"] } }
      local figure = sort == "effect" and figures.of(context.measured, hidden, nil, row)
      return figure and figure.effect or not figure and score_of(row)[sort] or nil
    end)
  end
  if #rows == 0 then
    page:prose("The prompt has no such parts.", "LimpidDim")
    return
  end
  local first, last = window(rows, questions.position(context))
  local function left_out(count, where)
    if count > 0 then
      page:line({ { ("   %s %s more %s"):format(page:glyph("more"), display.thousands(count), where), "LimpidDim" } })
    end
  end
  left_out(first - 1, "before")
  draw_rows(page, view, context, vim.list_slice(rows, first, last))
  left_out(#rows - last, "behind")
  for index = first, last do
    if rows[index].is_sink then
      page:prose("The first token is left out of its part's numbers: nearly every head reads it.", "LimpidDim")
      break
    end
  end
end

return M
