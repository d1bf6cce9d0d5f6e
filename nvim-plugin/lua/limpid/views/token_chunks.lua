-- Tokens as chunks: those of the prompt by their display, those of the vocabulary by their text, each with what it opens.
-- What must not live here: their heat (strip.lua), numbers.
local display = require("limpid.display")
local token_display = require("limpid.token_display")

local M = {}

--- The prompt's first token, which nearly every head reads whatever it says: it sets no scale.
M.SINK = 0

--- How a token of the prompt is shown.
---@param tokens limpid.TableToken[]
---@param position integer
---@return string
function M.display(tokens, position)
  local row = tokens[position + 1]
  return row and row.display or ("#%d"):format(position)
end

--- A token of the prompt.
---@param tokens limpid.TableToken[]
---@param position integer
---@param group string?
---@return limpid.Chunk
function M.prompt(tokens, position, group)
  group = group or (position == M.SINK and "LimpidSink") or nil
  return { M.display(tokens, position), group, { kind = "token", position = position } }
end

--- `·France (3)`: a token of the prompt with its place.
---@param tokens limpid.TableToken[]
---@param position integer
---@return limpid.Chunk[]
function M.placed(tokens, position)
  local about = { kind = "token", position = position }
  return { M.prompt(tokens, position), { (" (%d)"):format(position), "LimpidDim", about } }
end

--- Tokens of the prompt for a view that names many: those that look like another have their place behind them.
---@param tokens limpid.TableToken[]
---@return fun(position: integer): limpid.Chunk[]
function M.told_apart(tokens)
  local count = {}
  for _, token in ipairs(tokens) do
    count[token.display] = (count[token.display] or 0) + 1
  end
  return function(position)
    local chunk = M.prompt(tokens, position)
    if (count[chunk[1]] or 0) < 2 then
      return { chunk }
    end
    return { chunk, { " " .. position, "LimpidDim", chunk[3] } }
  end
end

--- A token that is, or could be, predicted; the target and the foil in their colours.
---@param row { id: integer, text: string }
---@param target limpid.Target?
---@return limpid.Chunk
function M.predicted(row, target)
  local group
  if target and type(target) == "table" then
    local foil = type(target.foil) == "table" and target.foil or nil
    local is_answer = type(target.answer) == "table"
    group = not is_answer and row.id == target.id and "LimpidTarget"
      or foil and row.id == foil.id and "LimpidFoil"
      or nil
  end
  local about = { kind = "prediction", token = row.id, text = row.text, position = target and target.position or nil }
  return { token_display.token(row.text), group, about }
end

--- A few tokens in a row, with a space between: what a head or neuron writes.
---@param rows { id: integer, text: string }[]
---@param most integer
---@param target limpid.Target?
---@return limpid.Chunk[]
function M.list(rows, most, target)
  local chunks = {}
  for index = 1, math.min(most, #rows) do
    if index > 1 then
      chunks[#chunks + 1] = { " " }
    end
    chunks[#chunks + 1] = M.predicted(rows[index], target)
  end
  return chunks
end

--- Two short lists side by side: what is promoted and suppressed, what was likely before and after.
---@param page limpid.Page
---@param lists { title: string, word: string?, rows: table[], share: fun(row: table): number, number: fun(row: table): string }[]
---@param most integer
---@param target limpid.Target?
function M.lists(page, lists, most, target)
  local columns, count, titles = {}, 0, {}
  for _, list in ipairs(lists) do
    count = math.max(count, math.min(most, #list.rows))
    titles[#titles + 1] = { title = list.title, least = 8, word = list.word }
    vim.list_extend(columns, { titles[#titles], { grows = true, most = 8, drops = 1 }, { align = "right" } })
  end
  local rows = {}
  for index = 1, count do
    local cells = {}
    for _, list in ipairs(lists) do
      local row = list.rows[index]
      local share = row and list.share(row)
      cells[#cells + 1] = row and { M.predicted(row, target) } or index == 1 and { { "none", "LimpidDim" } } or false
      cells[#cells + 1] = row and function(width)
        return { page:bar(share, width) }
      end or false
      cells[#cells + 1] = row and list.number(row) or false
    end
    rows[index] = { cells = cells }
  end
  if count > 0 then
    page:table(columns, rows)
  end
end

--- Values in logits as a list, bars by the largest.
---@param title string
---@param rows limpid.TokenValue[]
function M.values(title, rows)
  local largest = 1e-9
  for _, row in ipairs(rows) do
    largest = math.max(largest, math.abs(row.value))
  end
  return {
    title = title,
    word = title,
    rows = rows,
    share = function(row)
      return math.abs(row.value) / largest
    end,
    number = function(row)
      return display.signed(row.value)
    end,
  }
end

--- Likely tokens as a list.
---@param title string
---@param rows limpid.Prediction[]
function M.likely(title, rows)
  return {
    title = title,
    word = "lens",
    rows = rows,
    share = function(row)
      return row.prob
    end,
    number = function(row)
      return display.probability(row.prob)
    end,
  }
end

return M
