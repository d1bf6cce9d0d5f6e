-- A table on a page: columns as wide as their cells, numbers at the right, and what gives way where the page is narrow.
-- What must not live here: which columns there are.
local text = require("limpid.page.text")
local token_display = require("limpid.token_display")

local M = {}

---@class limpid.Column
---@field title string?
---@field word string? glossary key that `K` on the titles explains
---@field align "right"|nil
---@field least integer? may be cut to so many columns; left out: never cut
---@field most integer? never wider; what grows takes what is left over, up to this
---@field grows boolean? its cells are functions of the width it gets
---@field drops integer? left out where there is no room, the highest first

---@alias limpid.Cell string|limpid.Chunk[]|(fun(width: integer): limpid.Chunk[])|nil

---@class limpid.TableRow
---@field cells limpid.Cell[] by column; `false` for none
---@field about limpid.About?
---@field token integer?

local GAP = 2

---@param cell limpid.Cell|false
---@return integer
local function width_of(cell)
  if not cell or type(cell) == "function" then
    return 0
  end
  if type(cell) == "string" then
    return text.width(cell)
  end
  local sum = 0
  for _, chunk in ipairs(cell) do
    sum = sum + text.width(chunk[1])
  end
  return sum
end

--- A cell's chunks, cut to its column.
---@param cell limpid.Cell|false
---@param width integer
---@param mark string
---@return limpid.Chunk[] chunks, integer width
local function fitted(cell, width, mark)
  if not cell then
    return {}, 0
  end
  local chunks = type(cell) == "function" and cell(width) or type(cell) == "string" and { { cell } } or cell
  local own = width_of(chunks --[[@as limpid.Chunk[] ]])
  if own <= width then
    return chunks, --[[@as limpid.Chunk[] ]]
      own
  end
  if #chunks == 1 then
    local cut = token_display.cut(chunks[1][1], width)
    return { { cut, chunks[1][2], chunks[1][3] } }, text.width(cut)
  end
  local kept, used = {}, 0
  for _, chunk in
    ipairs(chunks --[[@as limpid.Chunk[] ]])
  do
    local next_width = text.width(chunk[1])
    if used + next_width > width then
      local head = text.head(chunk[1], width - used, mark)
      kept[#kept + 1] = { head, chunk[2], chunk[3] }
      used = used + text.width(head)
      break
    end
    kept[#kept + 1] = chunk
    used = used + next_width
  end
  return kept, used
end

--- How wide each column is; those that had to be left out are not among them.
---@param columns limpid.Column[]
---@param natural integer[]
---@param room integer
---@return integer[] kept, integer[] widths
local function layout(columns, natural, room)
  local kept = {}
  for index in ipairs(columns) do
    kept[index] = index
  end
  while true do
    local widths, needed = {}, GAP * (#kept - 1)
    for at, index in ipairs(kept) do
      widths[at] = columns[index].grows and (columns[index].least or 0) or natural[index]
      needed = needed + widths[at]
    end
    -- The widest that may gives way first, so that none is cut more than another needs.
    while needed > room do
      local widest
      for at, index in ipairs(kept) do
        local column = columns[index]
        local may = column.least and not column.grows and widths[at] > column.least
        if may and (not widest or widths[at] > widths[widest]) then
          widest = at
        end
      end
      if not widest then
        break
      end
      widths[widest], needed = widths[widest] - 1, needed - 1
    end
    local drop
    for at, index in ipairs(kept) do
      local own = columns[index].drops
      if own and (not drop or own > columns[kept[drop]].drops) then
        drop = at
      end
    end
    if needed <= room or not drop then
      for at, index in ipairs(kept) do
        local column = columns[index]
        if column.grows and needed < room then
          local more = math.min(room - needed, (column.most or room) - widths[at])
          widths[at], needed = widths[at] + more, needed + more
        end
      end
      return kept, widths
    end
    table.remove(kept, drop)
  end
end

---@param page limpid.Page
---@param columns limpid.Column[]
---@param rows limpid.TableRow[]
---@param how { indent: integer?, untitled: boolean? }
function M.draw(page, columns, rows, how)
  local indent = how.indent or 3
  local natural = {}
  for index, column in ipairs(columns) do
    local width = how.untitled and 0 or text.width(column.title or "")
    for _, row in ipairs(rows) do
      width = math.max(width, width_of(row.cells[index]))
    end
    natural[index] = math.min(width, column.most or width)
  end
  local kept, widths = layout(columns, natural, page.columns - indent)

  local function line(cells, fields)
    local chunks = { { (" "):rep(indent) } }
    for at, index in ipairs(kept) do
      local own, width = fitted(cells[index], widths[at], page:glyph("cut"))
      local pad = { (" "):rep(widths[at] - width) }
      if columns[index].align == "right" then
        chunks[#chunks + 1] = pad
        vim.list_extend(chunks, own)
      else
        vim.list_extend(chunks, own)
        if at < #kept then
          chunks[#chunks + 1] = pad
        end
      end
      if at < #kept then
        chunks[#chunks + 1] = { (" "):rep(GAP) }
      end
    end
    page:line(chunks, fields)
  end

  if not how.untitled then
    local titles, word = {}, nil
    for index, column in ipairs(columns) do
      titles[index] = { { column.title or "", "LimpidDim" } }
      word = word or column.word
    end
    line(titles, { about = word and { kind = "word", word = word } or nil })
  end
  for _, row in ipairs(rows) do
    line(row.cells, { about = row.about, token = row.token })
  end
end

return M
