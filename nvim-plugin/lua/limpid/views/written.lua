-- What the model writes on: as running text, or with and without switches side by side, the first token that differs marked.
-- What must not live here: the switches (effects.lua), asking.
local display = require("limpid.display")
local text = require("limpid.page.text")
local token_display = require("limpid.token_display")
local wire = require("limpid.wire")

local M = {}

local ENDS = {
  eos = "the model ended it",
  stop = "ended at a stop text",
  length = "cut at the number of tokens asked for",
  window = "the model's window is full",
}

--- Tokens shown of one continuation.
local MOST = 400

--- Rows of chunks as wide as there is room; a line break that was written ends one.
---@param tokens limpid.ContinuedToken[]
---@param room integer
---@param differs_at integer? 0-based
---@return limpid.Chunk[][]
local function rows_of(tokens, room, differs_at)
  local rows, row, used = {}, {}, 0
  for index = 1, math.min(#tokens, MOST) do
    local token = tokens[index]
    local shown = token_display.cut(token_display.escape(token.text), math.max(1, math.min(room, 24)))
    local width = text.width(shown)
    if used + width > room then
      rows[#rows + 1] = row
      row, used = {}, 0
    end
    local about = { kind = "prediction", token = token.id, text = token.text }
    row[#row + 1] = { shown, index - 1 == differs_at and "LimpidDisagree" or nil, about }
    used = used + width
    if token.text:find("\n$") then
      rows[#rows + 1] = row
      row, used = {}, 0
    end
  end
  if #row > 0 or #rows == 0 then
    rows[#rows + 1] = row
  end
  return rows
end

---@param side { tokens: limpid.ContinuedToken[], stopped_by: string? }
---@return string
local function ending(side)
  local left_out = #side.tokens - MOST
  local words = ENDS[wire.or_nil(side.stopped_by)] or ""
  return left_out > 0 and ("%s more tokens; %s"):format(display.thousands(left_out), words) or words
end

---@param page limpid.Page
---@param side { tokens: limpid.ContinuedToken[], stopped_by: string? }
function M.alone(page, side)
  for _, row in ipairs(rows_of(side.tokens, page.columns - 4, nil)) do
    page:line(vim.list_extend({ { "   " } }, row), { about = { kind = "continuation" } })
  end
  page:line({ { "   " .. ending(side), "LimpidDim" } })
end

--- The first token in which the two differ; nil while they agree as far as both are written.
---@param a limpid.ContinuedToken[]
---@param b limpid.ContinuedToken[]
---@return integer?
local function first_difference(a, b)
  for place = 1, math.min(#a, #b) do
    if a[place].id ~= b[place].id then
      return place - 1
    end
  end
  return nil
end

---@param page limpid.Page
---@param view limpid.ContinuationView with `unchanged`
function M.beside(page, view)
  local unchanged = view.unchanged
  local differs_at = wire.or_nil(unchanged.first_difference) or first_difference(view.tokens, unchanged.tokens)
  local room = math.max(1, math.floor((page.columns - 3 - 3) / 2))
  local left, right = rows_of(view.tokens, room, differs_at), rows_of(unchanged.tokens, room, differs_at)
  local is_over = wire.known(view.stopped_by) and wire.known(unchanged.stopped_by)
  local words = differs_at and ("they part at token %d"):format(differs_at + 1)
    or is_over and "both write the same"
    or page:glyph("waiting")
  page:subheading("continues", words, { about = { kind = "word", word = "continuation" } })
  local between = { " " .. page:glyph("beside") .. " ", "LimpidDim" }
  local function line(one, other, about)
    local chunks = { { "   " } }
    vim.list_extend(chunks, one)
    chunks[#chunks + 1] = { (" "):rep(math.max(0, room - page.width(one))) }
    chunks[#chunks + 1] = between
    page:line(vim.list_extend(chunks, other), { about = about })
  end
  line({ { text.head("with the switches", room, page:glyph("cut")), "LimpidDim" } }, { { "without", "LimpidDim" } })
  for index = 1, math.max(#left, #right) do
    line(left[index] or {}, right[index] or {}, { kind = "continuation" })
  end
  local ends = { ending(view), ending(unchanged) }
  line(
    { { text.head(ends[1], room, page:glyph("cut")), "LimpidDim" } },
    { { text.head(ends[2], room, page:glyph("cut")), "LimpidDim" } }
  )
end

return M
