-- The logit lens as a grid: layers from the top down, a window of tokens around the one looked at; each cell what would be predicted
-- there, coloured by the target's probability. At the right, for the token looked at, the target's probability and rank.
-- What must not live here: colours.
local bars = require("limpid.page.bars")
local display = require("limpid.display")
local questions = require("limpid.views.questions")
local scale = require("limpid.scale")
local text = require("limpid.page.text")
local token_chunks = require("limpid.views.token_chunks")
local token_display = require("limpid.token_display")

---@type limpid.View
local M = { name = "lens", title = "lens" }

--- Columns of the layer's name, of the numbers at the right, and of a cell.
local NAME, NUMBERS = 5, 16
local NARROW, WIDE = 8, 14

--- How many tokens fit beside each other.
---@param columns integer
---@return integer
local function fitting(columns)
  return math.max(1, math.floor((columns - 3 - NAME - NUMBERS) / (NARROW + 1)))
end

--- The window of tokens: it moves in steps, so that walking through the text does not ask anew for each token.
---@param context limpid.Context
---@return integer[]
function M.positions(context)
  local count, room = #context.tokens, fitting(context.columns)
  local position = questions.position(context)
  local step = math.max(1, math.floor(room / 2))
  -- What led to the token stands before it, so that is what the window shows more of.
  local last = math.min(count, math.max(room, (math.floor(position / step) + 1) * step))
  local positions = {}
  for index = math.max(0, last - room), last - 1 do
    positions[#positions + 1] = index
  end
  return positions
end

function M.asks(context)
  local positions = M.positions(context)
  return #positions > 0 and { lens = questions.lens(positions) } or {}
end

---@param row integer from 1: the embedding
---@param position integer
---@return limpid.About
local function node_at(row, position)
  local node = row == 1 and { kind = "embed", layer = 0, position = position }
    or { kind = "resid_post", layer = row - 2, position = position }
  return { kind = "node", node = node }
end

--- A text in a cell of its own.
---@param shown string
---@param width integer
---@return string
local function cell(shown, width)
  local cut = text.clean(token_display.cut(shown, width))
  return cut .. (" "):rep(math.max(0, width - text.width(cut)))
end

---@param page limpid.Page
---@param view limpid.LensView
---@param context limpid.Context
---@param column integer? of the token looked at
local function draw_column_story(page, view, context, column)
  local position = questions.position(context)
  local left = { { "   " }, token_chunks.predicted(view.target, view.target), { " at ", "LimpidDim" } }
  left[#left + 1] = token_chunks.prompt(context.tokens, position)
  local shares, best = {}, 0
  for row, cells in ipairs(view.lens) do
    shares[row] = column and cells[column] and cells[column].target_prob or 0
    best = math.max(best, shares[row])
  end
  local right = {
    { "emb ", "LimpidDim" },
    { bars.spark(shares, best, page.glyphs), "LimpidBar" },
    { (" L%d"):format(math.max(0, #shares - 2)), "LimpidDim" },
  }
  page:split(left, right, { about = { kind = "word", word = "lens" } })
end

---@param page limpid.Page
---@param view limpid.LensView
---@param context limpid.Context
local function draw_grid(page, view, context)
  local position, column = questions.position(context), nil
  for at, one in ipairs(view.positions) do
    column = one == position and at or column
  end
  local shown = math.min(#view.positions, fitting(page.columns))
  local width = math.floor((page.columns - 3 - NAME - NUMBERS) / math.max(1, shown)) - 1
  width = math.max(1, math.min(WIDE, width))
  local largest = 0
  for _, cells in ipairs(view.lens) do
    for at = 1, shown do
      largest = math.max(largest, cells[at] and cells[at].target_prob or 0)
    end
  end
  draw_column_story(page, view, context, column)
  local names = { { (" "):rep(3 + NAME) } }
  for at = 1, shown do
    local one = view.positions[at]
    local group = one == position and "LimpidPoint" or one == token_chunks.SINK and "LimpidSink" or "LimpidDim"
    names[#names + 1] =
      { cell(token_chunks.display(context.tokens, one), width), group, { kind = "token", position = one } }
    names[#names + 1] = { at < shown and " " or "" }
  end
  page:split(names, { { "P     rank", "LimpidDim" } })
  for row = #view.lens, 1, -1 do
    local cells = view.lens[row]
    local name = row == 1 and "emb" or "L" .. row - 2
    local chunks = { { "   " }, { name .. (" "):rep(NAME - #name), "LimpidDim" } }
    for at = 1, shown do
      local own = cells[at]
      if own then
        local group = scale.sequential(own.target_prob, largest)
        chunks[#chunks + 1] = { cell(token_display.token(own.text), width), group, node_at(row, view.positions[at]) }
        chunks[#chunks + 1] = { at < shown and " " or "" }
      end
    end
    local own = column and cells[column]
    local right = {}
    if own then
      local rank = display.rank(own.target_rank)
      right[1] = { display.probability(own.target_prob) }
      right[2] =
        { (" "):rep(math.max(1, 9 - text.width(rank))) .. rank, own.target_rank == 1 and "LimpidTarget" or "LimpidDim" }
    end
    page:split(chunks, right, { about = node_at(row, position), token = position })
  end
  return largest
end

function M.draw(page, answers, context)
  local target = context.head.target
  local note = type(target) == "table" and ("P and rank of %s"):format(token_display.token(target.text or "")) or nil
  page:heading("lens", note, { about = { kind = "word", word = "lens" } })
  if #context.tokens == 0 or not page:has(answers, "lens") then
    return
  end
  local view = answers.lens.view
  local largest = draw_grid(page, view, context)
  local count = #context.tokens - #view.positions
  local words = ("colour: P of the target, to %s"):format(display.probability(largest))
  if count > 0 then
    local tokens = count == 1 and "token" or "tokens"
    words = ("%s %s more %s   "):format(page:glyph("more"), display.thousands(count), tokens) .. words
  end
  page:line({ { "   " .. words, "LimpidDim" } })
end

return M
