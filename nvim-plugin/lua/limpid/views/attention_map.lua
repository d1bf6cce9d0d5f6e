-- A head's attention at every token: a row a token that looks, a column a token that is looked at; a window around the row looked at.
-- What must not live here: the one row with its numbers (head.lua).
local bars = require("limpid.page.bars")
local display = require("limpid.display")
local text = require("limpid.page.text")
local token_chunks = require("limpid.views.token_chunks")
local token_display = require("limpid.token_display")

local M = {}

local NAME = 12
--- Rows drawn at most.
local MOST_ROWS = 40

--- A window of `room` out of `count` in which `at` is, further from its start than from its end.
---@param count integer
---@param room integer
---@param at integer 0-based
---@return integer first, integer last 0-based
local function window(count, room, at)
  if count <= room then
    return 0, count - 1
  end
  local first = math.max(0, math.min(at - math.floor(room * 2 / 3), count - room))
  return first, first + room - 1
end

---@param page limpid.Page
---@param view limpid.HeadCard with maps
---@param context limpid.Context
function M.draw(page, view, context)
  local map = view.pattern_map
  local room = math.max(4, page.columns - 3 - NAME - 2)
  local first_row, last_row = window(#map, MOST_ROWS, view.position)
  local first, last = window(#map, room, math.min(view.position, last_row))
  local largest = 1e-9
  for index = first_row, last_row do
    local row = map[index + 1]
    for key = math.max(first, 1), math.min(last, #row - 1) do
      largest = math.max(largest, row[key + 1])
    end
  end
  page:blank()
  local note = ("full height: %s"):format(display.flow(math.min(1, largest)))
  page:subheading("attention, token by token", note, { about = { kind = "word", word = "attention" } })
  if #map > last_row - first_row + 1 or #map > last - first + 1 then
    local words = ("tokens %d to %d look at %d to %d, of %s"):format(
      first_row,
      last_row,
      first,
      last,
      display.thousands(#map)
    )
    page:line({ { "   " .. words, "LimpidDim" } })
  end
  for index = first_row, last_row do
    local name = text.clean(token_display.cut(token_chunks.display(context.tokens, index), NAME))
    local about = { kind = "head", layer = view.row.layer, head = view.row.head, position = index }
    local chunks = {
      { "   " .. (" "):rep(math.max(0, NAME - text.width(name))) },
      { name, index == view.position and "LimpidPoint" or "LimpidDim" },
      { " " .. page:glyph("beside"), "LimpidDim" },
    }
    local row = map[index + 1]
    for key = first, math.min(last, #row - 1) do
      local is_sink = key == token_chunks.SINK
      local height = bars.height(row[key + 1], largest, page.glyphs)
      local group = height ~= " " and (is_sink and "LimpidSink" or "LimpidBar") or nil
      chunks[#chunks + 1] = { height, group, { kind = "token", position = key } }
    end
    page:line(chunks, { about = about, token = index })
  end
end

return M
