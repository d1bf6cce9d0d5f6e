-- Runs side by side, part by part, differences first: with the foil, with what was inspected before, with other models.
-- What must not live here: which runs there are.
local display = require("limpid.display")
local ranked = require("limpid.views.ranked")
local token_chunks = require("limpid.views.token_chunks")
local wire = require("limpid.wire")

---@type limpid.View
local M = { name = "compare", title = "compare" }

--- Rows drawn.
local MOST = 60

local CHANGES = { changed = "~", added = "+", removed = "-" }
local CHANGE_WORDS = "~ worded differently   + only in the second   - only in the first"

local TITLES = { foil = { "target over foil", "target alone", "foil alone" } }

function M.asks(context)
  local compare = context.compare
  if not compare or #compare.with == 0 then
    return {}
  end
  return { compare = { method = "limpid/compare", params = { with = compare.with, by = context.part_by } } }
end

--- How far apart a row's runs are: the widest gap between two shares; a part that one lacks counts with its whole share.
---@param row limpid.CompareRow
---@return number
local function gap(row)
  local least, most = 1, 0
  for _, cell in ipairs(row.cells) do
    local share = wire.known(cell) and cell.share or 0
    least, most = math.min(least, share), math.max(most, share)
  end
  return most - least
end

--- Changed parts, then the widest gaps; equal ones in the order of the prompt.
---@param rows limpid.CompareRow[]
---@return limpid.CompareRow[]
function M.differences_first(rows)
  return ranked.sorted(rows, function(row)
    return math.floor(gap(row) * 1000 + 0.5) + (row.change ~= "same" and 1e6 or 0)
  end)
end

---@param page limpid.Page
---@param context limpid.Context
local function draw_offers(page, context)
  local target = context.head.target
  local has_foil = type(target) == "table" and wire.known(target.foil)
  local offers = {}
  if has_foil then
    offers[#offers + 1] =
      { { ":Limpid compareFoil", "LimpidKey" }, { "  what supports the target, and what the foil", "LimpidDim" } }
  end
  if #(context.partners or {}) > 0 then
    offers[#offers + 1] = { { ":Limpid compareLast", "LimpidKey" }, { "  the prompt as last inspected", "LimpidDim" } }
  end
  offers[#offers + 1] = { { ":Limpid compareModels", "LimpidKey" }, { "  every model that is loaded", "LimpidDim" } }
  page:prose("Nothing is compared yet.", "LimpidDim")
  for _, offer in ipairs(offers) do
    page:line(vim.list_extend({ { "   " } }, offer))
  end
  for _, run in ipairs(vim.list_slice(context.partners or {}, 1, 10)) do
    page:split({ { "   " }, { run.title } }, { { run.model, "LimpidDim" } }, { about = { kind = "run", id = run.id } })
  end
end

--- What heads each run's column: its name, what it predicts, or why there is none.
---@param page limpid.Page
---@param view limpid.CompareView
---@param titles string[]
local function draw_runs(page, view, titles)
  local rows = {}
  for place, run in ipairs(view.runs) do
    local problem, target, value = wire.or_nil(run.problem), wire.or_nil(run.target), wire.or_nil(run.value)
    local best = run.predictions[1]
    local predicted = {}
    if problem then
      predicted = { { page:glyph("warning") .. " " .. problem, "LimpidProblem" } }
    else
      if target then
        predicted = { token_chunks.predicted(target, target) }
      end
      if best and target and best.id ~= target.id then
        vim.list_extend(predicted, { { "  best ", "LimpidDim" }, token_chunks.predicted(best, nil) })
      end
      if best then
        predicted[#predicted + 1] = { " " .. display.probability(best.prob), "LimpidDim" }
      end
    end
    rows[place] = {
      cells = {
        { { tostring(place), "LimpidTitle" } },
        titles[place] or run.model,
        predicted,
        value and not problem and display.nats(value) or false,
      },
      about = { kind = "model", name = run.model },
    }
  end
  page:table({
    { title = "" },
    { title = "run", least = 8, word = "compare" },
    { title = "explained", least = 8 },
    { title = "objective", align = "right", drops = 1 },
  }, rows)
end

---@param page limpid.Page
---@param view limpid.CompareView
local function draw_rows(page, view)
  local is_nats = view.unit ~= "share"
  local sorted = M.differences_first(view.rows)
  local shown = vim.list_slice(sorted, 1, MOST)
  local columns = { { title = "" }, { title = view.by, least = 10, word = "compare" } }
  -- A column for each run, as many as there is room for beside the parts.
  local n_runs = math.min(#view.runs, math.max(2, math.floor((page.columns - 17) / 9)))
  for place = 1, n_runs do
    columns[#columns + 1] = { grows = true, least = 3, most = 6, drops = place > 2 and place or 1 }
    columns[#columns + 1] = { title = tostring(place), align = "right", drops = place > 2 and place or nil }
  end
  local rows = {}
  for at, row in ipairs(shown) do
    local group = row.reach == "nowhere" and "LimpidDim" or nil
    local cells = { { { CHANGES[row.change] or "", "LimpidDisagree" } }, { { row.text, group } } }
    for place = 1, n_runs do
      local cell = wire.or_nil(row.cells[place])
      if cell then
        cells[#cells + 1] = function(width)
          return { page:bar(cell.share, width) }
        end
        local number = is_nats and "~" .. display.signed(cell.attribution) or display.flow(cell.attribution)
        cells[#cells + 1] = { { number, is_nats and "LimpidEstimate" or nil } }
      else
        cells[#cells + 1] = false
        cells[#cells + 1] = { { page:glyph("none"), "LimpidDim" } }
      end
    end
    local first = wire.or_nil(row.cells[1])
    rows[at] = {
      cells = cells,
      about = first and { kind = "part", tokens = first.tokens } or nil,
      token = first and first.tokens.start or nil,
    }
  end
  page:table(columns, rows)
  if n_runs < #view.runs then
    page:prose(("The panel has room for %d of %d runs."):format(n_runs, #view.runs), "LimpidDim")
  end
  if #sorted > #shown then
    local words = ("%s more rows differ less."):format(display.thousands(#sorted - #shown))
    page:line({ { "   " .. words, "LimpidDim" } })
  end
end

function M.draw(page, answers, context)
  local compare = context.compare
  local note = { { compare and "differences first   " or "", "LimpidDim" } }
  page:heading(
    "compare",
    vim.list_extend(note, page.hints("C", "with…")),
    { about = { kind = "word", word = "compare" } }
  )
  if not compare or #compare.with == 0 then
    draw_offers(page, context)
    return
  end
  if not page:has(answers, "compare") then
    return
  end
  local view = answers.compare.view
  local counts = { everywhere = 0, some = 0, nowhere = 0 }
  local any_change = false
  for _, row in ipairs(view.rows) do
    counts[row.reach] = (counts[row.reach] or 0) + 1
    any_change = any_change or row.change ~= "same"
  end
  draw_runs(page, view, TITLES[compare.kind] or {})
  page:blank()
  draw_rows(page, view)
  local words = ("%d matter in every run, %d in some, %d in none"):format(
    counts.everywhere,
    counts.some,
    counts.nowhere
  )
  page:line({ { "   " .. words, "LimpidDim" } }, { about = { kind = "word", word = "compare" } })
  if any_change then
    page:prose(CHANGE_WORDS, "LimpidDim")
  end
end

return M
