-- Effects: what is switched off, what is being measured, what was measured with the cheap score beside it, and what the model writes
-- with and without the switches.
-- What must not live here: measuring, the two texts side by side (written.lua).
local changes = require("limpid.changes")
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local questions = require("limpid.views.questions")
local ranked = require("limpid.views.ranked")
local switchable = require("limpid.switchable")
local token_display = require("limpid.token_display")
local wire = require("limpid.wire")

---@type limpid.View
local M = { name = "effects", title = "effects" }

--- Rows drawn.
local MOST = 100

function M.asks()
  return { switches = { method = "limpid/switches", params = {} }, tokens = questions.tokens() }
end

---@param page limpid.Page
---@param answers table
---@param context limpid.Context
local function draw_switches(page, answers, context)
  local switches = context.switches
  local hints = #switches > 0 and page.hints("x", "one away", "X", "all", "c", "continue") or nil
  page:subheading("switches", hints, { about = { kind = "word", word = "switch" } })
  for _, change in ipairs(switches) do
    local left =
      { { "   " .. page:glyph("on") .. " ", "LimpidTitle" }, { page:words(changes.words(change, context.tokens)) } }
    local figure = figures.of(context.measured, change)
    local right = figure.effect and vim.list_extend(figures.number(page, figure), { { " nats", "LimpidDim" } }) or {}
    page:split(left, right, { about = { kind = "change", change = change } })
  end
  if #switches == 0 then
    page:line({
      { "   None yet: ", "LimpidDim" },
      { "x", "LimpidKey" },
      { " on a head, neuron, MLP or token adds one.", "LimpidDim" },
    })
  elseif #switches > 1 then
    local figure = figures.of(context.measured, switches)
    if figure.effect or figure.error then
      local left = { { "   all together", "LimpidDim" } }
      page:split(left, vim.list_extend(figures.number(page, figure), { { " nats", "LimpidDim" } }), {
        about = { kind = "word", word = "effect" },
      })
    end
  end
  local sets = answers.switches and answers.switches.view.sets or {}
  if #sets > 0 then
    local names = {}
    for index, set in ipairs(sets) do
      names[index] = set.name
    end
    page:prose("Saved sets: " .. table.concat(names, ", ") .. ".", "LimpidDim")
  end
end

--- Rows measured in this run, and those of the last list that are not among them.
---@param context limpid.Context
---@return limpid.EffectRow[]
local function rows_of(context)
  local rows, keys, seen = {}, vim.tbl_keys(context.measured), {}
  table.sort(keys)
  for _, key in ipairs(keys) do
    rows[#rows + 1] = context.measured[key]
    seen[key] = true
  end
  for _, row in ipairs(context.effects and context.effects.effects or {}) do
    if not seen[changes.text(row.intervention)] then
      rows[#rows + 1] = row
    end
  end
  return rows
end

--- What was taken away: a part of the prompt by its text, anything else in words.
---@param page limpid.Page
---@param row limpid.EffectRow
---@param context limpid.Context
---@return limpid.Chunk[]
local function what(page, row, context)
  local part = wire.or_nil(row.part)
  if not part then
    return { { page:words(changes.words(row.intervention, context.tokens)) } }
  end
  local kind = wire.or_nil(part.kind)
  local depth = ("  "):rep(math.min(3, part.depth or 0))
  if kind then
    return { { depth .. part.text }, { " " .. (wire.or_nil(part.name) or kind), "LimpidDim" } }
  end
  return { { depth .. token_display.token(part.text) }, { " " .. part.tokens.start, "LimpidDim" } }
end

---@param page limpid.Page
---@param rows limpid.EffectRow[]
---@param context limpid.Context
local function draw_rows(page, rows, context)
  local floor = context.effects and context.effects.floor or figures.FLOOR
  local sort = (context.sort == "score" or context.sort == "attribution") and "score" or "effect"
  local sorted = ranked.sorted(rows, function(row)
    return row[sort]
  end)
  local shown = vim.list_slice(sorted, 1, MOST)
  local all, largest, drawn = {}, 1e-9, {}
  for place, row in ipairs(shown) do
    all[place] = figures.of(nil, nil, row.score, row)
    all[place].error = wire.or_nil(row.error)
    largest = math.max(largest, math.abs(all[place].effect or 0))
  end
  for place, row in ipairs(shown) do
    local about = switchable.about(row.intervention)
    local after = wire.or_nil(row.logprob)
    drawn[place] = {
      cells = {
        what(page, row, context),
        figures.estimate(page, all[place]),
        figures.effect(page, all[place], floor),
        figures.bar(page, all[place], largest),
        after and display.probability(math.exp(after)) or { { page:glyph("none"), "LimpidDim" } },
      },
      about = { kind = "change", change = row.intervention },
      token = about and (about.position or about.tokens and about.tokens.start) or nil,
    }
  end
  local note = ("by %s, nats"):format(sort)
  page:subheading(
    ("%s measured"):format(display.thousands(#rows)),
    note,
    { about = { kind = "word", word = "effect" } }
  )
  page:table({
    { title = "without", least = 10, word = "effect" },
    { title = "score ~", align = "right" },
    { title = "effect ", align = "right" },
    { title = "", grows = true, least = 7, most = 15, drops = 1 },
    { title = "P after", align = "right", drops = 2 },
  }, drawn)
  if #rows > #shown then
    page:line({ { ("   %s %s more"):format(page:glyph("more"), display.thousands(#rows - #shown)), "LimpidDim" } })
  end
  for place, row in ipairs(shown) do
    if all[place].error then
      page:problem({ message = changes.words(row.intervention, context.tokens) .. ": " .. all[place].error })
      break
    end
  end
  local below = ("Effects below %s nats count as none."):format(display.nats(floor))
  page:prose(below, "LimpidDim", { about = { kind = "word", word = "effect" } })
end

---@param page limpid.Page
---@param fit limpid.SubsetFit
local function draw_fit(page, fit)
  page:blank()
  local r2 = wire.or_nil(fit.r2)
  local note = r2 and ("explains %s of %d runs held out"):format(display.flow(math.max(0, r2)), fit.n_held_out) or nil
  page:subheading("when parts are hidden together", note, { about = { kind = "word", word = "fit" } })
  local rows = {}
  for place, one in
    ipairs(vim.list_slice(
      ranked.sorted(fit.parts, function(part)
        return part.weight
      end),
      1,
      20
    ))
  do
    rows[place] = {
      cells = { one.part.text, { { display.signed(one.weight), "LimpidMeasured" } } },
      about = { kind = "part", tokens = one.part.tokens },
      token = one.part.tokens.start,
    }
  end
  page:table({ { title = "part", least = 10 }, { title = "adds, nats", align = "right" } }, rows)
end

function M.draw(page, answers, context)
  local rows = rows_of(context)
  local counts = {}
  if #rows > 0 then
    counts[1] = ("%s measured"):format(display.thousands(#rows))
  end
  if #context.switches > 0 then
    counts[#counts + 1] = ("%d %s"):format(#context.switches, #context.switches == 1 and "switch" or "switches")
  end
  local note = { { table.concat(counts, ", ") .. (#counts > 0 and "   " or ""), "LimpidDim" } }
  page:heading(
    "effects",
    vim.list_extend(note, page.hints("M", "measure a set")),
    { about = { kind = "word", word = "effect" } }
  )
  draw_switches(page, answers, context)
  page:blank()
  if #rows > 0 then
    draw_rows(page, rows, context)
  else
    page:prose(
      "Nothing is measured yet. Measuring runs the model again without each part and says what that takes from the prediction.",
      "LimpidDim"
    )
    page:keys({ { "m", "what the cursor is on" }, { "M", "a whole set" } })
  end
  local effects = context.effects
  if effects and effects.is_cut_short then
    local count = #effects.unmeasured
    local words = ("The budget ended it; %s %s left unmeasured."):format(
      display.thousands(count),
      count == 1 and "is" or "are"
    )
    page:prose(words, "LimpidDim")
  end
  local fit = effects and wire.or_nil(effects.fit)
  if fit then
    draw_fit(page, fit)
  end
  local continuation = context.continuation
  if continuation and wire.known(continuation.unchanged) then
    page:blank()
    require("limpid.views.written").beside(page, continuation)
  end
end

return M
