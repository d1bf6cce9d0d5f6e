-- A page of the panel: lines of chunks with what each line is about. Renderers fill it; the panel puts it into a buffer.
-- What must not live here: the Neovim API but for widths of strings, what is drawn (views/).
local bars = require("limpid.page.bars")
local text = require("limpid.page.text")

--- Text, its highlight group, and what it is about where that is not what its line is about: a token in a row of tokens.
---@alias limpid.Chunk { [1]: string, [2]: string?, [3]: limpid.About? }

---@class limpid.Line
---@field chunks limpid.Chunk[]
---@field about limpid.About? what `<CR>`, `K` and the other keys act on
---@field level integer fold level
---@field opens boolean? the line starts a fold of its level
---@field token integer? 0-based index lit up in the text while the cursor is on the line

---@class limpid.LineFields
---@field about limpid.About?
---@field level integer? left out: that of the heading above
---@field opens boolean?
---@field token integer?

---@class limpid.Page
---@field columns integer
---@field glyphs "unicode"|"ascii"
---@field lines limpid.Line[]
---@field level integer fold level of lines that name none
local Page = {}
Page.__index = Page

local GLYPHS = {
  unicode = {
    open = "▼",
    closed = "▶",
    more = "⋯",
    again = "↑",
    later = "↓",
    from = "←",
    to = "→",
    differs = "≠",
    warning = "⚠",
    none = "–",
    times = "×",
    waiting = "…",
    cut = "…",
    here = "▸",
    on = "●",
    beside = "│",
    range = "–",
    quote = "“",
    unquote = "”",
  },
  ascii = {
    open = "v",
    closed = ">",
    more = "...",
    again = "^",
    later = "v",
    from = "<-",
    to = "->",
    differs = "!=",
    warning = "!",
    none = "-",
    times = "x",
    waiting = "...",
    cut = ">",
    here = ">",
    on = "*",
    beside = "|",
    range = "-",
    quote = '"',
    unquote = '"',
  },
}

--- What words of ours are spelled with where only ASCII may be drawn; tokens keep their escapes.
local ASCII = { ["×"] = "x", ["←"] = "<-", ["→"] = "->", ["–"] = "-" }

--- Where lines of a section start.
Page.INDENT = 3

---@param how { columns: integer, glyphs: ("unicode"|"ascii")? }
---@return limpid.Page
function Page.new(how)
  -- Where block characters take two columns (`ambiwidth=double`) nothing would line up: ASCII does.
  local is_wide = text.width("█") ~= 1
  return setmetatable({
    columns = math.max(1, math.floor(how.columns)),
    glyphs = is_wide and "ascii" or how.glyphs or "unicode",
    lines = {},
    level = 0,
  }, Page)
end

---@param name string
---@return string
function Page:glyph(name)
  return GLYPHS[self.glyphs][name]
end

--- Words that are shared with other clients, in characters that may be drawn.
---@param words string
---@return string
function Page:words(words)
  if self.glyphs == "ascii" then
    for character, ascii in pairs(ASCII) do
      words = words:gsub(character, ascii)
    end
  end
  return words
end

--- What a person noted about a component, quoted; nothing where there is no note.
---@param context limpid.Context
---@param about limpid.About
---@return string?
function Page:note(context, about)
  local note = context.note and context.note(about) or nil
  if not note or note == "" then
    return nil
  end
  return self:glyph("quote") .. note .. self:glyph("unquote")
end

--- Adds a line; what is wider than the page is cut at its end.
---@param chunks limpid.Chunk[]
---@param fields limpid.LineFields?
function Page:line(chunks, fields)
  fields = fields or {}
  local kept, used = {}, 0
  for _, chunk in ipairs(chunks) do
    local own = text.clean(chunk[1])
    local width = text.width(own)
    if used + width > self.columns then
      kept[#kept + 1] = { text.head(own, self.columns - used, self:glyph("cut")), chunk[2], chunk[3] }
      break
    end
    if own ~= "" then
      kept[#kept + 1] = { own, chunk[2], chunk[3] }
    end
    used = used + width
  end
  while #kept > 0 and not kept[#kept][2] and kept[#kept][1]:find("^ *$") do
    kept[#kept] = nil
  end
  self.lines[#self.lines + 1] = {
    chunks = kept,
    about = fields.about,
    level = fields.level or self.level,
    opens = fields.opens,
    token = fields.token,
  }
end

function Page:blank()
  self:line({})
end

--- A section's heading: `▼ routes            90 % shown   -/+ change`. Lines behind it are inside its fold.
---@param title string|limpid.Chunk[]
---@param note string|limpid.Chunk[]|nil at the right, quiet
---@param fields limpid.LineFields?
function Page:heading(title, note, fields)
  fields = fields or {}
  local left = { { " " .. self:glyph("open") .. " ", "LimpidDim" } }
  vim.list_extend(left, type(title) == "string" and { { title, "LimpidTitle" } } or title --[[@as limpid.Chunk[] ]])
  self.level = fields.level or 1
  self:split(left, type(note) == "string" and { { note, "LimpidDim" } } or note or {}, {
    about = fields.about,
    token = fields.token,
    level = self.level,
    opens = true,
  })
end

--- A heading inside a section.
---@param title string|limpid.Chunk[]
---@param note string|limpid.Chunk[]|nil
---@param fields limpid.LineFields?
function Page:subheading(title, note, fields)
  local left = { { "   " } }
  vim.list_extend(left, type(title) == "string" and { { title, "LimpidTitle" } } or title --[[@as limpid.Chunk[] ]])
  self:split(left, type(note) == "string" and { { note, "LimpidDim" } } or note or {}, fields)
end

--- A line with something at its left and something at its right edge; without room for both the right one is left out.
---@param left limpid.Chunk[]
---@param right limpid.Chunk[]
---@param fields limpid.LineFields?
function Page:split(left, right, fields)
  local room = self.columns - Page.width(left) - Page.width(right)
  if #right == 0 or room < 1 then
    return self:line(left, fields)
  end
  local chunks = vim.list_extend({}, left)
  chunks[#chunks + 1] = { (" "):rep(room) }
  self:line(vim.list_extend(chunks, right), fields)
end

--- Sentences, wrapped.
---@param sentence string
---@param group string?
---@param fields limpid.LineFields?
function Page:prose(sentence, group, fields)
  for _, line in ipairs(text.wrap(text.clean(sentence), self.columns - Page.INDENT - 1)) do
    self:line({ { (" "):rep(Page.INDENT) }, { line, group } }, fields)
  end
end

--- Figures with their names, as many on a line as fit: `flow 6.1 %   at the target ~+0.80`.
---@param facts { [1]: string, [2]: string|limpid.Chunk[], [3]: string? }[] name, value, glossary key
function Page:facts(facts)
  local chunks, used, key = {}, 0, nil
  local function flush()
    if #chunks > 0 then
      self:line(vim.list_extend({ { "   " } }, chunks), { about = key and { kind = "word", word = key } or nil })
    end
    chunks, used, key = {}, 0, nil
  end
  for _, fact in ipairs(facts) do
    local value = type(fact[2]) == "string" and { { fact[2] } } or fact[2] --[[@as limpid.Chunk[] ]]
    local width = text.width(fact[1]) + 1 + Page.width(value)
    if used > 0 and Page.INDENT + used + 3 + width > self.columns then
      flush()
    end
    if used > 0 then
      chunks[#chunks + 1] = { "   " }
      used = used + 3
    end
    chunks[#chunks + 1] = { fact[1] .. " ", "LimpidDim" }
    vim.list_extend(chunks, value)
    used, key = used + width, key or fact[3]
  end
  flush()
end

--- Keys and what they do, as a note at the right of a heading: `t target   f foil`.
---@param ... string key, words, key, words …
---@return limpid.Chunk[]
function Page.hints(...)
  local chunks, words = {}, { ... }
  for at = 1, #words, 2 do
    chunks[#chunks + 1] = { (at > 1 and "   " or "") .. words[at], "LimpidKey" }
    chunks[#chunks + 1] = { " " .. words[at + 1], "LimpidDim" }
  end
  return chunks
end

--- Something that can be done, with its key: `<CR>` …
---@param keys { [1]: string, [2]: string }[] key, words
function Page:keys(keys)
  local chunks, used = { { "   " } }, 3
  for index, one in ipairs(keys) do
    local width = text.width(one[1]) + 1 + text.width(one[2]) + (index > 1 and 3 or 0)
    if index > 1 and used + width > self.columns then
      self:line(chunks)
      chunks, used, width = { { "   " } }, 3, width - 3
    elseif index > 1 then
      chunks[#chunks + 1] = { "   " }
    end
    vim.list_extend(chunks, { { one[1], "LimpidKey" }, { " " .. one[2], "LimpidDim" } })
    used = used + width
  end
  self:line(chunks)
end

--- What stands where an answer will be: that it is on its way, or calmly what went wrong.
---@param answers table
---@param key string
---@return boolean # whether the answer is there
function Page:has(answers, key)
  if answers[key] then
    return true
  end
  local problem = answers.errors and answers.errors[key]
  if problem then
    self:problem(problem)
  else
    self:line({ { "   " .. self:glyph("waiting"), "LimpidDim" } })
  end
  return false
end

---@param problem { message: string }
function Page:problem(problem)
  local words = text.wrap(text.clean(tostring(problem.message)), self.columns - 6)
  for index, line in ipairs(words) do
    local mark = index == 1 and self:glyph("warning") or " "
    self:line({ { "   " .. mark .. " ", "LimpidProblem" }, { line, "LimpidProblem" } })
  end
end

--- A bar for a share, as a chunk.
---@param share number
---@param columns integer
---@return limpid.Chunk
function Page:bar(share, columns)
  return { bars.share(share, columns, self.glyphs), "LimpidBar" }
end

---@param columns limpid.Column[]
---@param rows limpid.TableRow[]
---@param how { indent: integer?, untitled: boolean? }?
function Page:table(columns, rows, how)
  require("limpid.page.table").draw(self, columns, rows, how or {})
end

--- Columns of chunks on the screen.
---@param chunks limpid.Chunk[]
---@return integer
function Page.width(chunks)
  local sum = 0
  for _, chunk in ipairs(chunks) do
    sum = sum + text.width(chunk[1])
  end
  return sum
end

---@param line limpid.Line
---@return string
function Page.text(line)
  local parts = {}
  for index, chunk in ipairs(line.chunks) do
    parts[index] = chunk[1]
  end
  return table.concat(parts)
end

--- Bytes of a line and their highlight groups: `{ start, end, group }`, 0-based, end exclusive.
---@param line limpid.Line
---@return { [1]: integer, [2]: integer, [3]: string }[]
function Page.marks(line)
  local marks, at = {}, 0
  for _, chunk in ipairs(line.chunks) do
    if chunk[2] and chunk[1] ~= "" then
      marks[#marks + 1] = { at, at + #chunk[1], chunk[2] }
    end
    at = at + #chunk[1]
  end
  return marks
end

--- What a place of a line is about: the chunk under the cursor, else the line as a whole.
---@param line limpid.Line
---@param byte integer 0-based
---@return limpid.About?
function Page.about(line, byte)
  local at = 0
  for _, chunk in ipairs(line.chunks) do
    at = at + #chunk[1]
    if byte < at then
      return chunk[3] or line.about
    end
  end
  return line.about
end

--- What stands for a closed fold: its first line, marked, and how many lines it hides where there is room for that.
--- For `foldtext`.
---@param line limpid.Line
---@param count integer
---@param glyphs "unicode"|"ascii"
---@param columns integer
---@return limpid.Chunk[]
function Page.folded(line, count, glyphs, columns)
  local chunks = vim.list_extend({}, line.chunks)
  local first = chunks[1]
  local own = first and first[1] or ""
  local before, behind = own:match("^( *)" .. vim.pesc(GLYPHS[glyphs].open) .. "( .*)$")
  if not before then
    before, behind = own:match("^( *) ( .*)$")
  end
  if before then
    chunks[1] = { before .. GLYPHS[glyphs].closed .. behind, first[2] }
  end
  local hidden = ("  %d lines"):format(count)
  if Page.width(chunks) + #hidden <= columns then
    chunks[#chunks + 1] = { hidden, "LimpidDim" }
  end
  return chunks
end

return Page
