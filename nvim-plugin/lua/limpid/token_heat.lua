-- Group and number of each token, by what heat is shown: attribution, measured effect, or flow.
-- What must not live here: the Neovim API, colours (highlights.lua), steps (scale.lua).
local display = require("limpid.display")
local scale = require("limpid.scale")
local wire = require("limpid.wire")

local M = {}

--- The prompt's first token: nearly every head reads it whatever it says, so it never sets the scale.
local SINK = 0

---@class limpid.TokenHeat
---@field group string?
---@field number string empty where there is none

--- The kind that can be shown: a wanted one whose scores are missing falls back to one that is there.
---@param attribution limpid.Attribution
---@param wanted string
---@return "attribution"|"effect"|"flow" kind
---@return (number|vim.NIL)[] scores
function M.scores(attribution, wanted)
  local others = wire.or_nil(attribution.others) or {}
  local flows = attribution.method == "flow" and attribution.scores or wire.or_nil(others.flow)
  local effects = wire.or_nil(attribution.effects)
  if wanted == "effect" and effects and vim.iter(effects):any(wire.known) then
    return "effect", effects
  elseif attribution.unit == "share" then
    return "flow", attribution.scores
  elseif wanted == "flow" and flows then
    return "flow", flows
  end
  return "attribution", attribution.scores
end

--- Group and number of each token.
---@param attribution limpid.Attribution
---@param wanted "attribution"|"effect"|"flow"
---@return limpid.TokenHeat[]
function M.of(attribution, wanted)
  local kind, scores = M.scores(attribution, wanted)
  local largest = scale.largest(scores, SINK)
  local heats = {}
  for at, score in ipairs(scores) do
    local number = ""
    ---@type string?
    local group
    if at - 1 == SINK then
      group = "LimpidSink"
    elseif kind == "flow" then
      group = scale.sequential(score, largest)
    else
      group = scale.diverging(score, largest)
    end
    if wire.known(score) then
      if kind == "flow" then
        number = display.flow(score)
      else
        number = (kind == "attribution" and "~" or "") .. display.signed(score)
      end
    end
    heats[at] = { group = group, number = number }
  end
  return heats
end

return M
