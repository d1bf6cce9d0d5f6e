-- Tokens of the run shown as a quickfix list, strongest first. What must not live here: what influences what (walking.lua).
local config = require("limpid.config")
local display = require("limpid.display")
local known = require("limpid.wire").known
local positions = require("limpid.positions")
local problems = require("limpid.problems")

local M = {}

---@param run limpid.Run
---@return table[] items for `setqflist`
function M.items(run)
  local answer = run:ask("limpid/attribution", { methods = { config.get().heat.method }, top = 0 })
  local attribution = answer.view.attribution
  local items = {}
  for at, token in ipairs(run.tokens) do
    if known(token.range) then
      local row, column, end_row, end_column = positions.to_buffer(run.bufnr, token.range)
      local effect = known(attribution.effects) and attribution.effects[at] or nil
      local score = attribution.scores[at]
      local is_share = attribution.unit == "share"
      local estimate = is_share and display.flow(score) or "~" .. display.signed(score)
      local measured = known(effect) and "  measured " .. display.signed(effect) or ""
      items[#items + 1] = {
        bufnr = run.bufnr,
        lnum = row + 1,
        col = column + 1,
        end_lnum = end_row + 1,
        end_col = end_column + 1,
        text = ("%8s%s  %s"):format(estimate, measured, token.display),
        strength = at == 1 and 0 or math.abs(known(effect) and effect or score),
      }
    end
  end
  table.sort(items, function(a, b)
    if a.strength ~= b.strength then
      return a.strength > b.strength
    end
    return a.lnum < b.lnum or (a.lnum == b.lnum and a.col < b.col)
  end)
  for _, item in ipairs(items) do
    item.strength = nil
  end
  return items
end

--- Fills and opens the list, inside a task.
---@param run limpid.Run
function M.fill(run)
  if run.head.is_stale then
    problems.throw("stale", "The text has changed since; :Limpid refresh inspects it again.")
  end
  vim.fn.setqflist({}, " ", { title = "Limpid: " .. run.head.title, items = M.items(run) })
  vim.cmd("botright copen")
end

return M
