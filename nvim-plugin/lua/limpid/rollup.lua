-- What each line sums up to, behind it: a bar of its share, the flow from it, its attribution or its measured effect.
-- What must not live here: asking for the parts, signs beside lines (signs.lua).
local bars = require("limpid.page.bars")
local config = require("limpid.config")
local display = require("limpid.display")
local highlights = require("limpid.highlights")
local token_places = require("limpid.token_places")
local wire = require("limpid.wire")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("limpid_rollup")
--- Cells of the longest bar.
local BAR = 6

---@type integer?
local painted

--- The row of each part that stands in the text: that of its first character that is no blank.
---@param bufnr integer
---@param parts limpid.PartsView
---@param tokens limpid.TableToken[]
---@return { row: integer, part: limpid.PartRow }[]
function M.rows(bufnr, parts, tokens)
  local places = token_places.of(bufnr, tokens)
  local rows = {}
  for _, part in ipairs(parts.parts) do
    if part.kind ~= "template" then
      for at = part.tokens.start + 1, part.tokens["end"] do
        if places[at] then
          rows[#rows + 1] = { row = (token_places.inside(bufnr, places[at])), part = part }
          break
        end
      end
    end
  end
  return rows
end

--- The score without the first token's, which says nothing of the part it stands in.
---@param part limpid.PartRow
---@return { flow: number, attribution: number }
function M.score(part)
  return wire.or_nil(part.without_sink) or part
end

---@param parts limpid.PartsView
---@return number
function M.largest_share(parts)
  local largest = 0
  for _, part in ipairs(parts.parts) do
    largest = part.kind ~= "template" and math.max(largest, part.share) or largest
  end
  return largest
end

--- What stands behind a line.
---@param part limpid.PartRow
---@param largest number the share that the longest bar stands for
---@param unit string
---@param glyphs "unicode"|"ascii"
---@return limpid.Chunk[]
function M.chunks(part, largest, unit, glyphs)
  local score = M.score(part)
  local bar = largest > 0 and bars.share(part.share / largest, BAR, glyphs) or ""
  local chunks = {
    { " " .. bar .. (bar ~= "" and " " or ""), "LimpidBar" },
    { display.flow(score.flow), "LimpidVirtual" },
  }
  local effect = wire.or_nil(part.effect)
  if effect then
    chunks[#chunks + 1] = { "  " .. display.signed(effect), "LimpidMeasured" }
    if wire.known(part.disagreement) then
      chunks[#chunks + 1] = { glyphs == "ascii" and " !=" or " ≠", "LimpidDisagree" }
      if unit ~= "share" then
        chunks[#chunks + 1] = { " ~" .. display.signed(score.attribution), "LimpidEstimate" }
      end
    end
  elseif unit ~= "share" then
    chunks[#chunks + 1] = { "  ~" .. display.signed(score.attribution), "LimpidEstimate" }
  end
  return chunks
end

--- Takes all away.
function M.clear()
  if painted and vim.api.nvim_buf_is_loaded(painted) then
    vim.api.nvim_buf_clear_namespace(painted, NAMESPACE, 0, -1)
  end
  painted = nil
end

--- Draws the parts of a run whose text the buffer still has; nil takes all away.
---@param bufnr integer
---@param parts limpid.PartsView?
---@param tokens limpid.TableToken[]?
function M.paint(bufnr, parts, tokens)
  M.clear()
  if not parts or not tokens or not vim.api.nvim_buf_is_loaded(bufnr) then
    return
  end
  highlights.apply()
  painted = bufnr
  local largest, glyphs = M.largest_share(parts), config.get().glyphs
  for _, at in ipairs(M.rows(bufnr, parts, tokens)) do
    vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, at.row, 0, {
      virt_text = M.chunks(at.part, largest, parts.unit, glyphs),
      virt_text_pos = "eol",
      hl_mode = "combine",
    })
  end
end

return M
