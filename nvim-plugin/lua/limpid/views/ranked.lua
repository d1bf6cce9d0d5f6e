-- Orders what is shown: the strongest first, what is not known last. The strongest few of many are found without sorting all.
-- What must not live here: anything drawn.
local wire = require("limpid.wire")

local M = {}

--- What a value weighs: its size whatever its sign; nothing where it is not known.
---@param value any
---@return number
local function weight(value)
  if not wire.known(value) or value ~= value then
    return -1
  end
  return math.abs(value)
end

--- The order that was chosen, where a view has it; else its own.
---@param context limpid.Context
---@param own string
---@return "attribution"|"effect"|"flow"
function M.order(context, own)
  local chosen = context.sort == "score" and "attribution" or context.sort
  local has_it = chosen == "attribution" or chosen == "effect" or chosen == "flow"
  return has_it and chosen or own
end

--- The places (from 1) of the `most` strongest of `count` values, strongest first; equal ones in their order.
---@param count integer
---@param most integer
---@param value fun(place: integer): any
---@return integer[]
function M.strongest(count, most, value)
  local places, weights = {}, {}
  for place = 1, count do
    local own = weight(value(place))
    if #places < most or own > weights[#weights] then
      local at = #places + 1
      while at > 1 and weights[at - 1] < own do
        at = at - 1
      end
      table.insert(places, at, place)
      table.insert(weights, at, own)
      places[most + 1], weights[most + 1] = nil, nil
    end
  end
  return places
end

--- All rows, strongest first; equal ones in their order.
---@generic T
---@param rows T[]
---@param value fun(row: T): any
---@return T[]
function M.sorted(rows, value)
  local keyed = {}
  for place, row in ipairs(rows) do
    keyed[place] = { row = row, weight = weight(value(row)), place = place }
  end
  table.sort(keyed, function(a, b)
    if a.weight ~= b.weight then
      return a.weight > b.weight
    end
    return a.place < b.place
  end)
  local out = {}
  for place, one in ipairs(keyed) do
    out[place] = one.row
  end
  return out
end

return M
