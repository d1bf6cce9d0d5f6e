-- A run as Markdown: what is predicted, what tokens, heads and neurons do for it, and what was measured. Tokens are code that nothing
-- in them can break out of, tables stay tables.
-- What must not live here: writing files.
local changes = require("limpid.changes")
local display = require("limpid.display")
local ranked = require("limpid.views.ranked")
local strip = require("limpid.views.strip")
local token_display = require("limpid.token_display")
local wire = require("limpid.wire")

local M = {}

--- Tokens listed: the strongest.
local MOST_TOKENS = 40
local MOST_ROWS = 15

--- A token in a code span: its backticks cannot end it, its bars cannot end a cell.
---@param shown string
---@return string
function M.code(shown)
  local longest = 0
  for ticks in shown:gmatch("`+") do
    longest = math.max(longest, #ticks)
  end
  local fence = ("`"):rep(longest + 1)
  local pad = (vim.startswith(shown, "`") or vim.endswith(shown, "`")) and " " or ""
  local text = require("limpid.page.text").clean(shown):gsub("|", "\\|")
  return fence .. pad .. text .. pad .. fence
end

--- A table; cells are Markdown already.
---@param head string[]
---@param rows string[][]
---@return string
function M.table(head, rows)
  local function line(cells)
    return "| " .. table.concat(cells, " | ") .. " |"
  end
  local rule = {}
  for index in ipairs(head) do
    rule[index] = "---"
  end
  local lines = { line(head), line(rule) }
  for _, row in ipairs(rows) do
    lines[#lines + 1] = line(row)
  end
  return table.concat(lines, "\n")
end

---@param value number|vim.NIL|nil
---@return string
local function number_or_nothing(value)
  return wire.known(value) and display.signed(value) or ""
end

---@param rows { text: string }[]
---@return string
local function writes(rows)
  local words = {}
  for index = 1, math.min(3, #rows) do
    words[index] = M.code(token_display.token(rows[index].text))
  end
  return table.concat(words, " ")
end

---@param tokens limpid.TableToken[]
---@param attribution limpid.Attribution
---@param measured table<string, limpid.EffectRow>
---@return string
local function token_table(tokens, attribution, measured)
  local is_nats, flows = attribution.unit ~= "share", strip.flows(attribution)
  local places = ranked.strongest(#tokens, MOST_TOKENS, function(place)
    return attribution.scores[place]
  end)
  table.sort(places)
  local rows = {}
  for at, place in ipairs(places) do
    rows[at] = {
      tostring(place - 1),
      M.code(tokens[place].display),
      is_nats and display.signed(attribution.scores[place]) or "",
      number_or_nothing(strip.figure(attribution, measured, place - 1).effect),
      flows and display.flow(flows[place]) or "",
    }
  end
  return M.table({ "token", "", is_nats and "attribution ~, nats" or "", "effect, nats", "flow" }, rows)
end

---@param what string
---@param rows (limpid.HeadRow|limpid.NeuronRow)[]
---@param name fun(row: table): string
---@param note fun(about: limpid.About): string?
---@return string
local function rank_table(what, rows, name, note)
  local lines = {}
  for index = 1, math.min(MOST_ROWS, #rows) do
    local row = rows[index]
    local about = { kind = what, layer = row.layer, head = row.head, neuron = row.neuron }
    local own = note and note(about) or ""
    lines[index] = {
      own ~= "" and ("%s %s"):format(name(row), M.code(own)) or name(row),
      display.flow(row.flow),
      number_or_nothing(row.attribution),
      number_or_nothing(row.effect),
      writes(row.promotes),
    }
  end
  return M.table({ what, "flow", "attribution ~, nats", "effect, nats", "writes" }, lines)
end

--- Measured rows, strongest first.
---@param measured table<string, limpid.EffectRow>
---@param tokens limpid.TableToken[]
---@return string
function M.effects(measured, tokens)
  local keys, rows, lines = vim.tbl_keys(measured), {}, {}
  table.sort(keys)
  for index, key in ipairs(keys) do
    rows[index] = measured[key]
  end
  local strongest_first = ranked.sorted(rows, function(row)
    return row.effect
  end)
  for index, row in ipairs(strongest_first) do
    local part = wire.or_nil(row.part)
    local mark = wire.known(row.disagreement) and " ≠" or ""
    lines[index] = {
      M.code(part and part.text or changes.words(row.intervention, tokens)),
      number_or_nothing(row.score),
      wire.known(row.effect) and display.signed(row.effect) .. mark or "failed",
    }
  end
  return M.table({ "without", "score ~, nats", "effect, nats" }, lines)
end

--- What of a run is known; answers that are not there are left out.
---@param answers { tokens: table?, attribution: table? }
---@param context limpid.Context
---@return string
function M.run(answers, context)
  local head = context.head
  local view = answers.tokens and answers.tokens.view
  local target = wire.or_nil(view and view.target or head.target)
  local foil = target and wire.or_nil(target.foil)
  local parts = { "# " .. M.code(head.title) }
  local about = ("%s, %d tokens"):format(head.model, head.n_tokens)
  if target then
    about = about .. "; explained: " .. M.code(token_display.token(target.text))
  end
  if foil then
    about = about .. " rather than " .. M.code(token_display.token(foil.text))
  end
  parts[2] = about
  local predicted = {}
  for index, row in ipairs(view and view.predictions or head.predictions or {}) do
    predicted[index] = { M.code(token_display.token(row.text)), display.probability(row.prob) }
  end
  parts[3] = M.table({ "next token", "probability" }, predicted)
  local scored = answers.attribution and answers.attribution.view
  if scored then
    parts[#parts + 1] = token_table(context.tokens, scored.attribution, context.measured)
    parts[#parts + 1] = rank_table("head", scored.heads, function(row)
      return display.head_name(row.layer, row.head)
    end, context.note)
    parts[#parts + 1] = rank_table("neuron", scored.neurons, function(row)
      return display.neuron_name(row.layer, row.neuron)
    end, context.note)
  end
  if next(context.measured) then
    parts[#parts + 1] = M.effects(context.measured, context.tokens)
  end
  return table.concat(parts, "\n\n") .. "\n"
end

return M
