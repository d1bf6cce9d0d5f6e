-- Which step of a scale a score stands at: the same in the panel and on the text.
-- What must not live here: colours (highlights.lua), and any knowledge of what is measured.
local wire = require("limpid.wire")

local M = {}

--- Steps of each scale. Seven, as the design says: more cannot be told apart at a blend that leaves text legible.
M.STEPS = 7

---@param score any
---@return boolean
local function is_finite(score)
  return wire.known(score) and score == score and math.abs(score) ~= math.huge
end

--- 1..7: the seventh of the largest shown score that is nearest; 0 where there is nothing to show.
---@param score number|vim.NIL|nil
---@param largest number
---@return integer
function M.step(score, largest)
  if not is_finite(score) then
    return 0
  end
  local share = math.abs(score --[[@as number]]) / largest
  if not is_finite(share) or share <= 0 then
    return 0
  end
  -- As the daemon's own heat: less than half of the lowest step is nothing to look at, or every token would be tinted.
  return math.min(M.STEPS, math.floor(share * M.STEPS + 0.5))
end

--- Group for a signed score: `LimpidSupport1`..`LimpidSupport7`, `LimpidOppose1`..`LimpidOppose7`.
---@param score number|vim.NIL|nil
---@param largest number
---@return string?
function M.diverging(score, largest)
  local step = M.step(score, largest)
  if step == 0 then
    return nil
  end
  return (score > 0 and "LimpidSupport" or "LimpidOppose") .. step
end

--- Group for a share: `LimpidHeat1`..`LimpidHeat7`.
---@param share number|vim.NIL|nil
---@param largest number
---@return string?
function M.sequential(share, largest)
  if not is_finite(share) or share <= 0 then
    return nil
  end
  local step = M.step(share, largest)
  return step > 0 and "LimpidHeat" .. step or nil
end

--- The score that sets a scale: the largest but the sink's.
---@param scores (number|vim.NIL)[]
---@param sink_index integer? 0-based; nil: none
---@return number
function M.largest(scores, sink_index)
  local largest = 0
  for at, score in ipairs(scores) do
    if at - 1 ~= sink_index and is_finite(score) then
      largest = math.max(largest, math.abs(score))
    end
  end
  return largest
end

return M
