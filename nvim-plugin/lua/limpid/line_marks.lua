-- What stands at lines rather than on tokens: roll-ups, signs, surprisal; asked for where a person switched them on.
-- What must not live here: how they are drawn.
local config = require("limpid.config")
local runs = require("limpid.runs")
local task = require("limpid.task")

local M = {}

---@type limpid.Task?
local asking

function M.clear()
  if asking then
    asking:cancel()
    asking = nil
  end
  for _, name in ipairs({ "limpid.rollup", "limpid.signs", "limpid.surprisal" }) do
    if package.loaded[name] then
      require(name).clear()
    end
  end
end

--- Draws what is switched on about a run.
---@param run limpid.Run
function M.paint(run)
  M.clear()
  local settings = config.get()
  local wants_parts = settings.rollups or settings.signs
  if run.head.is_stale or not (wants_parts or settings.inlay.surprisal) then
    return
  end
  asking = task.start(function()
    if settings.inlay.surprisal then
      local tokens = run:ask("limpid/tokens", {})
      if runs.shown == run and run:is_current() then
        require("limpid.surprisal").paint(run.bufnr, tokens.view, tokens.token_table)
      end
    end
    if wants_parts then
      local parts = run:ask("limpid/parts", { by = "line", method = settings.heat.method })
      if runs.shown == run and run:is_current() then
        if settings.rollups then
          require("limpid.rollup").paint(run.bufnr, parts.view, parts.token_table)
        end
        if settings.signs then
          require("limpid.signs").paint(run.bufnr, parts.view, parts.token_table)
        end
      end
    end
  end)
end

return M
