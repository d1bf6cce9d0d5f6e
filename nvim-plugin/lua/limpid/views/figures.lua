-- An estimate and what was measured of the same, in one place: `~` on the one, the other as it is, `≠` where the two disagree.
-- What must not live here: measuring, how numbers are written (display.lua).
local changes = require("limpid.changes")
local display = require("limpid.display")
local text = require("limpid.page.text")
local wire = require("limpid.wire")

local M = {}

---@class limpid.Figure
---@field estimate number? the cheap score
---@field effect number? nil: not measured
---@field disagreement "sign"|"rank"|nil
---@field error string? why it could not be measured

--- Effects below so many nats count as none, where the answer does not say.
M.FLOOR = 0.05

--- Two that differ in sign, both of them far enough from nothing to have one.
---@param a number
---@param b number
---@return boolean
local function is_opposed(a, b)
  return math.abs(a) >= M.FLOOR and math.abs(b) >= M.FLOOR and (a > 0) ~= (b > 0)
end

--- The figure of a change: what was measured of it in this run, else what the answer itself knows.
---@param measured table<string, limpid.EffectRow>?
---@param change (limpid.Intervention|string|table)? nil: of no change
---@param estimate number|vim.NIL|nil
---@param known { effect: number|vim.NIL|nil, disagreement: string|vim.NIL|nil }?
---@return limpid.Figure
function M.of(measured, change, estimate, known)
  local row = measured and change and measured[changes.text(change)] or {}
  local score = wire.or_nil(estimate)
  if score == nil then
    score = wire.or_nil(row.score)
  end
  local effect = wire.or_nil(row.effect)
  if effect == nil and known then
    effect = wire.or_nil(known.effect)
  end
  local told = wire.or_nil(row.disagreement) or (known and wire.or_nil(known.disagreement))
  -- A sign that differs is plain to see even before the daemon compared ranks.
  if not told and effect and score and is_opposed(effect, score) then
    told = "sign"
  end
  return { estimate = score, effect = effect, disagreement = told, error = wire.or_nil(row.error) }
end

--- The number that stands for a figure, to sort and scale by: what is measured counts, else the estimate.
---@param figure limpid.Figure
---@return number?
function M.standing(figure)
  return figure.effect or figure.estimate
end

--- The longest bar of some figures stands for this.
---@param figures limpid.Figure[]
---@return number
function M.largest(figures)
  local largest = 0
  for _, figure in ipairs(figures) do
    largest = math.max(largest, math.abs(figure.effect or 0), math.abs(figure.estimate or 0))
  end
  return largest
end

--- The estimate alone, under a heading that says `~`.
---@param page limpid.Page
---@param figure limpid.Figure
---@return limpid.Chunk[]
function M.estimate(page, figure)
  if not figure.estimate then
    return { { page:glyph("none"), "LimpidDim" } }
  end
  return { { display.signed(figure.estimate), "LimpidEstimate" } }
end

--- What was measured, alone; a `≠` or the room for one behind it, so that digits stand below digits.
---@param page limpid.Page
---@param figure limpid.Figure
---@param floor number?
---@return limpid.Chunk[]
function M.effect(page, figure, floor)
  local room = (" "):rep(text.width(page:glyph("differs")))
  if figure.error then
    return { { page:glyph("warning"), "LimpidProblem" }, { room } }
  elseif not figure.effect then
    return { { page:glyph("none"), "LimpidDim" }, { room } }
  end
  local is_none = math.abs(figure.effect) < (floor or 0)
  local mark = figure.disagreement and { page:glyph("differs"), "LimpidDisagree" } or { room }
  return { { display.signed(figure.effect), is_none and "LimpidDim" or "LimpidMeasured" }, mark }
end

--- The one number that stands for a figure: the estimate until the measured one takes its place.
---@param page limpid.Page
---@param figure limpid.Figure
---@return limpid.Chunk[]
function M.number(page, figure)
  if figure.error then
    return { { page:glyph("warning"), "LimpidProblem" } }
  elseif figure.effect then
    local number = { display.signed(figure.effect), "LimpidMeasured" }
    return figure.disagreement and { number, { page:glyph("differs"), "LimpidDisagree" } } or { number }
  elseif figure.estimate then
    return { { "~" .. display.signed(figure.estimate), "LimpidEstimate" } }
  end
  return { { page:glyph("none"), "LimpidDim" } }
end

--- A signed bar: hollow for the estimate, solid for what was measured.
---@param page limpid.Page
---@param figure limpid.Figure
---@param largest number
---@return fun(width: integer): limpid.Chunk[]
function M.bar(page, figure, largest)
  return function(width)
    local odd = width % 2 == 1 and width or width - 1
    return require("limpid.page.bars").signed(figure.estimate, figure.effect, largest, odd, page.glyphs)
  end
end

--- What a figure says in a sentence.
---@param figure limpid.Figure
---@return string
function M.words(figure)
  local effect = figure.effect and display.signed(figure.effect)
  local estimate = figure.estimate and "~" .. display.signed(figure.estimate)
  if figure.error then
    return "could not be measured: " .. figure.error
  elseif not effect then
    return estimate and ("estimated %s, not measured"):format(estimate) or "not measured"
  elseif not estimate then
    return "measured " .. effect
  end
  local apart = figure.disagreement == "sign" and "; the two differ in sign"
    or figure.disagreement == "rank" and "; the estimate ranks it wrongly"
    or ""
  return ("measured %s, estimated %s%s"):format(effect, estimate, apart)
end

--- A card's verdict: what switching the thing off takes, estimated and measured, on a line of its own.
---@param page limpid.Page
---@param figure limpid.Figure
---@param what string `every token`, `token 4 only`
---@param about limpid.About?
function M.verdict(page, figure, what, about)
  local word = not figure.effect and figure.estimate and "attribution" or "effect"
  local chunks = { { "   " .. word .. " ", "LimpidDim" } }
  if figure.effect and figure.estimate then
    vim.list_extend(chunks, M.number(page, figure))
    vim.list_extend(chunks, {
      { "   estimated ", "LimpidDim" },
      { "~" .. display.signed(figure.estimate), "LimpidEstimate" },
      { " nats", "LimpidDim" },
    })
  elseif not figure.effect and not figure.estimate and not figure.error then
    chunks[#chunks + 1] = { "not measured", "LimpidDim" }
    return page:split(chunks, page.hints("m", "measure"), { about = about or { kind = "word", word = word } })
  else
    vim.list_extend(chunks, M.number(page, figure))
    chunks[#chunks + 1] = { figure.error and "" or " nats", "LimpidDim" }
  end
  local fields = { about = about or { kind = "word", word = word } }
  if figure.error then
    page:line(chunks, fields)
    return page:problem({ message = figure.error })
  end
  if what ~= "" then
    chunks[#chunks + 1] = { "   " .. what, "LimpidDim" }
  end
  local largest = math.max(math.abs(figure.estimate or 0), math.abs(figure.effect or 0), M.FLOOR)
  page:split(chunks, M.bar(page, figure, largest)(13), fields)
  if figure.disagreement then
    local apart = figure.disagreement == "sign" and "The two differ in sign." or "The estimate ranks it wrongly."
    page:line({ { "   " .. page:glyph("differs") .. " ", "LimpidDisagree" }, { apart, "LimpidDim" } }, {
      about = { kind = "word", word = "disagreement" },
    })
  end
end

return M
