-- A sign at each line: as high as its share, in the colour of what it does to the target.
-- What must not live here: asking for the parts, numbers behind lines (rollup.lua).
local bars = require("limpid.page.bars")
local config = require("limpid.config")
local heat = require("limpid.heat")
local highlights = require("limpid.highlights")
local rollup = require("limpid.rollup")
local wire = require("limpid.wire")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("limpid_signs")
--- Below diagnostics, whose signs start at 10: what is wrong is seen first.
local PRIORITY = 8

---@type integer?
local painted

--- What counts of a part: its effect where it was measured, else its attribution.
---@param part limpid.PartRow
---@return number
local function standing(part)
  return wire.or_nil(part.effect) or rollup.score(part).attribution
end

--- Sign and group of each part of the view, by its place; false where there is nothing to see.
---@param parts limpid.PartsView
---@param glyphs "unicode"|"ascii"
---@return ({ text: string, group: string }|false)[]
function M.of(parts, glyphs)
  local largest, signs = rollup.largest_share(parts), {}
  for at, part in ipairs(parts.parts) do
    local text = bars.height(part.share, largest, glyphs)
    local score = parts.unit ~= "share" and standing(part) or 0
    -- What rounds to nothing has no side.
    local side = score >= 0.005 and "LimpidSignSupport" or score <= -0.005 and "LimpidSignOppose" or "LimpidSign"
    signs[at] = text ~= " " and part.kind ~= "template" and { text = text, group = side } or false
  end
  return signs
end

--- Takes all away. Where the text was only edited, signs stay, dimmed: without them the sign column would go, and move the text with
--- every key.
function M.clear()
  local bufnr = painted
  if not bufnr or not vim.api.nvim_buf_is_loaded(bufnr) then
    painted = nil
    return
  end
  local shown, _, is_stale = heat.shown()
  if shown and is_stale and shown.bufnr == bufnr and config.get().signs then
    for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(bufnr, NAMESPACE, 0, -1, { details = true })) do
      vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, mark[2], mark[3], {
        id = mark[1],
        sign_text = vim.trim(mark[4].sign_text),
        sign_hl_group = "LimpidDim",
        priority = PRIORITY,
      })
    end
    return
  end
  vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
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
  vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
  painted = bufnr
  local signs, at_part = M.of(parts, config.get().glyphs), {}
  for at, part in ipairs(parts.parts) do
    at_part[part] = signs[at]
  end
  for _, at in ipairs(rollup.rows(bufnr, parts, tokens)) do
    local sign = at_part[at.part]
    if sign then
      vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, at.row, 0, {
        sign_text = sign.text,
        sign_hl_group = sign.group,
        priority = PRIORITY,
      })
    end
  end
end

return M
