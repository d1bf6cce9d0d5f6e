-- Scores painted on the characters: a mark for each token, in the group of its step; target, foil and the token pointed at; numbers
-- where they are wanted. Of text that was edited the marks stay in their places and turn grey.
-- What must not live here: asking for scores, colours (highlights.lua), steps (scale.lua).
local config = require("limpid.config")
local highlights = require("limpid.highlights")
local places_of = require("limpid.token_places")
local token_heat = require("limpid.token_heat")
local wire = require("limpid.wire")

local M = {}

--- Marks with a step; and all others, which go at once when the text changes.
local STEPS = vim.api.nvim_create_namespace("limpid_heat")
local EXTRAS = vim.api.nvim_create_namespace("limpid_heat_extras")

--- Above syntax, tree-sitter, semantic tokens and diagnostics (150), below what a person or another plugin marks (200). Of two
--- tokens of one character the stronger shows.
local PRIORITY = 180
local TARGET_PRIORITY = 190
local POINT_PRIORITY = 195
--- So many marks are turned grey in one go where nobody sees them.
local PIECE = 500

---@class limpid.Painted
---@field bufnr integer
---@field tokens limpid.TableToken[]
---@field attribution limpid.Attribution
---@field position integer index of the token behind which the target is predicted
---@field target? limpid.Target
---@field kind "attribution"|"effect"|"flow"
---@field stale boolean

---@class limpid.HeatState
---@field painted limpid.Painted
---@field places limpid.TokenPlaces
---@field lines string[] the buffer's text that the places are of
---@field tick integer the buffer's `changedtick` when it last had that text
---@field numbers boolean
---@field is_stale boolean
---@field pointed integer?
---@field point_mark integer?

---@type limpid.HeatState?
local state
---@type table<integer, boolean> buffers whose edits are heard
local heard = {}

---@param group string
---@return integer
local function priority_of(group)
  return PRIORITY + (tonumber(group:match("%d$")) or 0)
end

---@param bufnr integer
---@param place limpid.TokenPlace
---@param group string
---@param priority integer
---@param namespace integer
---@return integer id
local function mark(bufnr, place, group, priority, namespace)
  return vim.api.nvim_buf_set_extmark(bufnr, namespace, place[1], place[2], {
    end_row = place[3],
    end_col = place[4],
    hl_group = group,
    priority = priority,
    strict = false,
  })
end

--- A line break has no cell of its own: where one weighs something, a sign stands behind the line, over nothing.
---@param bufnr integer
---@param place limpid.TokenPlace
---@param heat limpid.TokenHeat
local function mark_break(bufnr, place, heat)
  if heat.group then
    vim.api.nvim_buf_set_extmark(bufnr, EXTRAS, place[1], place[2], {
      virt_text = { { config.get().glyphs == "ascii" and "$" or "↵", heat.group } },
      virt_text_pos = "overlay",
      priority = priority_of(heat.group),
    })
  end
end

--- A token's number, behind it; that of a line break stands in the line which it ends.
---@param bufnr integer
---@param place limpid.TokenPlace
---@param heat limpid.TokenHeat
---@param is_break boolean
---@param length integer of the line that the token starts in
local function mark_number(bufnr, place, heat, is_break, length)
  local ends_line = place[3] > place[1] and place[4] == 0
  local row, column = place[ends_line and 1 or 3], ends_line and length or place[4]
  local sign = is_break and heat.group and { config.get().glyphs == "ascii" and "$" or "↵", heat.group } or nil
  vim.api.nvim_buf_set_extmark(bufnr, EXTRAS, row, column, {
    virt_text = sign and { sign, { heat.number, "LimpidVirtual" } } or { { heat.number, "LimpidVirtual" } },
    virt_text_pos = "inline",
    -- Behind the token, before a hint at the same place.
    right_gravity = false,
    strict = false,
  })
end

---@param at limpid.HeatState
local function draw(at)
  local painted, places, lines = at.painted, at.places, at.lines
  local bufnr = painted.bufnr
  for index, heat in ipairs(token_heat.of(painted.attribution, painted.kind)) do
    local place = places[index]
    if place then
      local length = #(lines[place[1] + 1] or "")
      local is_break = place[3] > place[1] and place[2] == length
      if heat.group then
        mark(bufnr, place, heat.group, priority_of(heat.group), STEPS)
      end
      if at.numbers and heat.number ~= "" then
        mark_number(bufnr, place, heat, is_break, length)
      elseif is_break then
        mark_break(bufnr, place, heat)
      end
    end
  end
  local target = painted.target
  local answer = target and wire.or_nil(target.answer)
  local first, last = painted.position, painted.position
  if answer then
    first, last = answer.start, answer["end"] - 1
  end
  for index = first, last do
    if places[index + 1] then
      mark(bufnr, places[index + 1], "LimpidTarget", TARGET_PRIORITY, EXTRAS)
    end
  end
  local foil, follows = target and wire.or_nil(target.foil), painted.tokens[painted.position + 2]
  if foil and not answer and follows and follows.id == foil.id and places[painted.position + 2] then
    mark(bufnr, places[painted.position + 2], "LimpidFoil", TARGET_PRIORITY, EXTRAS)
  end
end

--- Turns marks grey where they stand: those that are seen now, the rest piece by piece.
---@param of limpid.HeatState
local function turn_grey(of)
  local bufnr = of.painted.bufnr
  local function is_over()
    return state ~= of or not of.is_stale or not vim.api.nvim_buf_is_loaded(bufnr)
  end
  local function turn(id)
    local row, column, details = unpack(vim.api.nvim_buf_get_extmark_by_id(bufnr, STEPS, id, { details = true }))
    if row and details.hl_group ~= "LimpidStale" then
      vim.api.nvim_buf_set_extmark(bufnr, STEPS, row, column, {
        id = id,
        end_row = details.end_row,
        end_col = details.end_col,
        hl_group = "LimpidStale",
        priority = PRIORITY,
        strict = false,
      })
    end
  end
  local function ids(start, stop)
    return vim.tbl_map(function(one)
      return one[1]
    end, vim.api.nvim_buf_get_extmarks(bufnr, STEPS, start, stop, {}))
  end
  vim.schedule(function()
    if is_over() then
      return
    end
    vim.api.nvim_buf_clear_namespace(bufnr, EXTRAS, 0, -1)
    for _, window in ipairs(vim.fn.win_findbuf(bufnr)) do
      local seen = vim.fn.getwininfo(window)[1]
      if seen then
        vim.tbl_map(turn, ids({ seen.topline - 1, 0 }, { math.max(0, seen.botline - 1), -1 }))
      end
    end
    local left = ids(0, -1)
    local function piece()
      if is_over() then
        return
      end
      for _ = 1, math.min(PIECE, #left) do
        turn(table.remove(left))
      end
      if #left > 0 then
        vim.defer_fn(piece, 5)
      end
    end
    piece()
  end)
end

local function clear()
  if state and vim.api.nvim_buf_is_loaded(state.painted.bufnr) then
    vim.api.nvim_buf_clear_namespace(state.painted.bufnr, STEPS, 0, -1)
    vim.api.nvim_buf_clear_namespace(state.painted.bufnr, EXTRAS, 0, -1)
  end
  state = nil
end

--- The text is no longer that of the scores: marks stay where they stand, in grey.
function M.stale()
  if state and not state.is_stale then
    state.is_stale = true
    turn_grey(state)
  end
end

--- The buffer's text was replaced or is gone: what is left of the marks stands nowhere.
---@param bufnr integer
local function forget(bufnr)
  if state and state.painted.bufnr == bufnr then
    state = nil
  end
  vim.schedule(function()
    local is_painted = state and state.painted.bufnr == bufnr
    if vim.api.nvim_buf_is_loaded(bufnr) and not is_painted then
      vim.api.nvim_buf_clear_namespace(bufnr, STEPS, 0, -1)
      vim.api.nvim_buf_clear_namespace(bufnr, EXTRAS, 0, -1)
    end
  end)
end

---@param bufnr integer
local function hear_edits(bufnr)
  if heard[bufnr] then
    return
  end
  -- Nothing of the buffer may be touched inside these.
  heard[bufnr] = vim.api.nvim_buf_attach(bufnr, false, {
    on_lines = function()
      if not state or state.painted.bufnr ~= bufnr then
        heard[bufnr] = nil
        return true
      end
      M.stale()
    end,
    on_reload = function()
      forget(bufnr)
    end,
    on_detach = function()
      heard[bufnr] = nil
      forget(bufnr)
    end,
  })
end

--- Paints scores on the buffer they are of, and takes what was painted before away; nil takes all away. Scores of a text that is no
--- longer there are never put on another: what stands already turns grey.
---@param painted limpid.Painted?
function M.paint(painted)
  if not painted or not vim.api.nvim_buf_is_loaded(painted.bufnr) then
    return clear()
  end
  highlights.apply()
  local before = state
  local is_same = before and before.painted.bufnr == painted.bufnr and before.painted.tokens == painted.tokens
  if painted.stale then
    if before and not is_same then
      clear()
    end
    return M.stale()
  end
  local tick = vim.api.nvim_buf_get_changedtick(painted.bufnr)
  local lines = is_same and before and before.lines or nil
  if not lines or not before or before.tick ~= tick then
    local now = vim.api.nvim_buf_get_lines(painted.bufnr, 0, -1, false)
    if lines and not vim.deep_equal(lines, now) then
      return M.stale()
    end
    lines = now
  end
  local is_numbered = config.get().heat.numbers
  local is_drawn = is_same
    and before
    and not before.is_stale
    and before.numbers == is_numbered
    and before.painted.attribution == painted.attribution
    and before.painted.kind == painted.kind
    and before.painted.target == painted.target
    and before.painted.position == painted.position
  if is_drawn then
    return
  end
  clear()
  state = {
    painted = painted,
    lines = lines,
    tick = tick,
    places = is_same and before and before.places or places_of.of(painted.bufnr, painted.tokens),
    numbers = is_numbered,
    is_stale = false,
  }
  hear_edits(painted.bufnr)
  draw(state)
  if is_same and before and before.pointed then
    M.point(before.pointed)
  end
end

--- Index of the token at a place of the painted buffer; nil: none, or its text has changed since.
---@param bufnr integer
---@param row integer from 0
---@param column integer bytes
---@return integer?
function M.token_at(bufnr, row, column)
  if not state or state.is_stale or state.painted.bufnr ~= bufnr then
    return nil
  end
  return places_of.at(state.places, row, column)
end

--- Lights one token up; nil: none.
---@param index integer?
function M.point(index)
  local now = state
  if not now or now.is_stale or not vim.api.nvim_buf_is_loaded(now.painted.bufnr) then
    return
  end
  if now.point_mark then
    vim.api.nvim_buf_del_extmark(now.painted.bufnr, EXTRAS, now.point_mark)
    now.point_mark = nil
  end
  now.pointed = index
  local place = index and now.places[index + 1]
  if place then
    now.point_mark = mark(now.painted.bufnr, place, "LimpidPoint", POINT_PRIORITY, EXTRAS)
  end
end

--- What is painted, where its tokens stand, and whether its text has changed since.
---@return limpid.Painted? painted
---@return limpid.TokenPlaces? places
---@return boolean is_stale
function M.shown()
  if not state then
    return nil, nil, false
  end
  return state.painted, state.places, state.is_stale
end

return M
