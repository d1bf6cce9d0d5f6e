-- An attention head: where it looks, what it brings from there, what it writes, what kind of head it seems to be.
-- What must not live here: its map (attention_map.lua).
local bars = require("limpid.page.bars")
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local ranked = require("limpid.views.ranked")
local token_chunks = require("limpid.views.token_chunks")
local wire = require("limpid.wire")

---@type limpid.View
local M = { name = "head", title = "head" }

--- Tokens it looks at that are listed.
local MOST = 10
--- Below a thousandth there is nothing to see.
local LEAST = 0.001

local LABELS = {
  ["previous-token"] = "looks at the token before",
  induction = "looks behind an earlier copy of this token",
  ["duplicate-token"] = "looks at an earlier copy of this token",
  ["first-token-sink"] = "rests on the first token",
}

function M.asks(context)
  local about = context.about
  local params = { layer = about.layer, head = about.head, position = about.position, maps = context.maps or false }
  return { head = { method = "limpid/head", params = params } }
end

--- The row in the order of the prompt: a character a token, or the strongest of several.
---@param page limpid.Page
---@param pattern number[]
local function draw_strip(page, pattern)
  local room = page.columns - 4
  local size = math.max(1, math.ceil(#pattern / room))
  local chunks, largest = { { "   " } }, 0
  local bins = {}
  for start = 1, #pattern, size do
    local best = start
    for index = start, math.min(#pattern, start + size - 1) do
      best = pattern[index] > pattern[best] and index or best
    end
    bins[#bins + 1] = best
    largest = math.max(largest, best == 1 and #pattern > 1 and 0 or pattern[best])
  end
  for _, best in ipairs(bins) do
    local is_sink = best - 1 == token_chunks.SINK
    local height = bars.height(pattern[best], math.max(largest, 1e-9), page.glyphs)
    local group = height ~= " " and (is_sink and "LimpidSink" or "LimpidBar") or nil
    chunks[#chunks + 1] = { height, group, { kind = "token", position = best - 1 } }
  end
  page:line(chunks, { about = { kind = "word", word = "attention" } })
end

---@param page limpid.Page
---@param view limpid.HeadCard
---@param context limpid.Context
local function draw_row(page, view, context)
  local pattern, contribution = view.pattern, view.contribution
  local places = ranked.strongest(#pattern, MOST, function(place)
    return pattern[place]
  end)
  local seen, most_brought = 0, 1e-9
  for place, weight in ipairs(pattern) do
    local brought = contribution[place] or 0
    seen = seen + ((weight >= LEAST or brought >= LEAST) and 1 or 0)
    most_brought = math.max(most_brought, brought)
  end
  page:blank()
  local title = { { "from ", "LimpidTitle" } }
  title[2] = token_chunks.prompt(context.tokens, view.position)
  title[3] = { " it looks at", "LimpidTitle" }
  page:subheading(title, nil, { about = { kind = "word", word = "attention" } })
  draw_strip(page, pattern)
  local rows = {}
  for _, place in ipairs(places) do
    local weight, brought = pattern[place], contribution[place] or 0
    if weight >= LEAST or brought >= LEAST then
      rows[#rows + 1] = {
        cells = {
          { token_chunks.prompt(context.tokens, place - 1) },
          { { tostring(place - 1), "LimpidDim" } },
          function(width)
            return { page:bar(weight, width) }
          end,
          display.flow(weight),
          function(width)
            return { page:bar(brought / most_brought, width) }
          end,
          display.flow(brought),
        },
        about = { kind = "token", position = place - 1 },
        token = place - 1,
      }
    end
  end
  page:table({
    { title = "token", least = 6, word = "attention" },
    { align = "right" },
    { grows = true, least = 6, most = 16 },
    { title = "attention", align = "right" },
    { grows = true, least = 4, most = 10, drops = 1 },
    { title = "brings", align = "right" },
  }, rows)
  if seen > #rows then
    page:line({ { ("   %s %s more"):format(page:glyph("more"), display.thousands(seen - #rows)), "LimpidDim" } })
  end
end

---@param page limpid.Page
---@param view limpid.HeadCard
local function draw_labels(page, view)
  if #view.labels == 0 then
    page:line({ { "   no clear type on this prompt", "LimpidDim" } }, { about = { kind = "word", word = "label" } })
  end
  for _, label in ipairs(view.labels) do
    page:line({ { "   " .. label, "LimpidTitle" }, { "  " .. (LABELS[label] or ""), "LimpidDim" } }, {
      about = { kind = "word", word = "label" },
    })
  end
end

function M.draw(page, answers, context)
  local about = context.about
  local view = answers.head and answers.head.view
  local position = view and view.position or about.position
  local title = { { "head " .. display.head_name(about.layer, about.head), "LimpidTitle" } }
  if position then
    title[2] = { "  at ", "LimpidDim" }
    vim.list_extend(title, token_chunks.placed(context.tokens, position))
  end
  page:heading(title, page.hints("a", context.maps and "no map" or "map"), { about = about, token = position })
  local note = page:note(context, about)
  if note then
    page:prose(note, "LimpidDim")
  end
  if not page:has(answers, "head") then
    return
  end
  local row = view.row
  draw_labels(page, view)
  local facts = { { "flow", display.flow(row.flow), "flow" } }
  if wire.known(row.attribution_at_target) then
    local number = { { "~" .. display.signed(row.attribution_at_target), "LimpidEstimate" } }
    facts[#facts + 1] = { "at the target", number, "at_target" }
  end
  if wire.known(row.logit_attribution) then
    facts[#facts + 1] = { "writes directly", display.signed(row.logit_attribution), "directly" }
  end
  page:facts(facts)
  local off = { kind = "head_zero", layer = row.layer, head = row.head }
  figures.verdict(page, figures.of(context.measured, off, row.attribution, row), "off everywhere", about)
  draw_row(page, view, context)
  page:blank()
  local lists = { token_chunks.values("promotes", row.promotes), token_chunks.values("suppresses", row.suppresses) }
  token_chunks.lists(page, lists, 6, context.head.target)
  if context.maps and wire.known(view.pattern_map) then
    require("limpid.views.attention_map").draw(page, view, context)
  end
end

return M
