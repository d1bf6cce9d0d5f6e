-- What follows the run shown and the cursor: heat on the text, the panel, what is measured by itself. What must not live here: how
-- any of it is drawn.
local config = require("limpid.config")
local runs = require("limpid.runs")
local session = require("limpid.session")

local M = {}

--- A cursor that moves on is not followed to where it only passed by, milliseconds.
local REST_MS = 60
--- A cursor that rests so long asks for its token's effect.
local MEASURE_MS = 300

---@type uv.uv_timer_t?
local waiting
local last_index

--- The run whose scores are on the text; nil: none.
local painted

--- Scores of the run shown, onto the text.
function M.paint()
  local run = runs.shown
  local heat = require("limpid.heat")
  if not run or not vim.api.nvim_buf_is_loaded(run.bufnr) then
    if painted then
      painted = nil
      heat.paint(nil)
      require("limpid.line_marks").clear()
    end
    return
  end
  local answer = run.scores
  if not answer then
    return
  end
  painted = run
  heat.paint({
    bufnr = run.bufnr,
    tokens = run.tokens,
    attribution = answer.view.attribution,
    position = answer.view.target.position,
    target = answer.view.target,
    kind = require("limpid.panel").state.heat,
    stale = run.head.is_stale,
  })
  require("limpid.line_marks").paint(run)
end

---@param run limpid.Run
---@param index integer?
local function rested(run, index)
  if index and config.get().effects.auto == "hover" and not run.head.is_stale then
    vim.defer_fn(function()
      if last_index == index and runs.shown == run then
        require("limpid.effects").by_itself(
          run,
          "token " .. index,
          { interventions = { { kind = "knockout", token = index } } }
        )
      end
    end, MEASURE_MS - REST_MS)
  end
end

local function moved(bufnr)
  local run = runs.shown
  if not run or run.bufnr ~= bufnr or vim.api.nvim_get_current_buf() ~= bufnr then
    return
  end
  local at = vim.api.nvim_win_get_cursor(0)
  local index = require("limpid.heat").token_at(bufnr, at[1] - 1, at[2])
  if index == last_index then
    return
  end
  last_index = index
  if config.get().follow_cursor and not run.head.is_pinned then
    require("limpid.panel").follow(index)
  end
  rested(run, index)
end

--- Follows cursor and edits of a buffer that the daemon knows.
---@param bufnr integer
---@param group integer
function M.attach(bufnr, group)
  vim.api.nvim_create_autocmd({ "CursorMoved", "CursorMovedI" }, {
    group = group,
    buffer = bufnr,
    callback = function()
      if not runs.shown then
        return
      end
      if waiting and not waiting:is_closing() then
        waiting:close()
      end
      waiting = vim.defer_fn(function()
        moved(bufnr)
      end, REST_MS)
    end,
  })
  vim.api.nvim_create_autocmd({ "TextChanged", "TextChangedI", "TextChangedP" }, {
    group = group,
    buffer = bufnr,
    callback = function()
      if #runs.all > 0 then
        runs.edited(bufnr)
      end
    end,
  })
end

runs.on_change(function()
  M.paint()
  session.changed()
  local run = runs.shown
  if run and config.get().effects.auto == "lines" and not run.head.is_stale then
    require("limpid.effects").by_itself(run, "lines", { set = "line" })
  end
end)

return M
