-- What a line is about and how it is switched off, scaled or set; and the way back, what a change acts on.
-- What must not live here: how changes are spelled (changes.lua), running them.
local wire = require("limpid.wire")

local M = {}

---@class limpid.Switchable how something is changed; or `reason` alone: why nothing can be
---@field off limpid.Intervention?
---@field scale limpid.Intervention? awaits its `value`
---@field set limpid.Intervention? awaits its `value`
---@field where integer? the position that "only here" would mean; nil: there is none
---@field reason string?

---@param kind "head"|"mlp"|"neuron"
---@param about limpid.About
---@param everywhere boolean
---@return limpid.Switchable
local function component(kind, about, everywhere)
  local function of(way, value)
    return {
      kind = kind .. way,
      layer = about.layer,
      head = kind == "head" and about.head or nil,
      neuron = kind == "neuron" and about.neuron or nil,
      value = value,
      position = not everywhere and about.position or nil,
    }
  end
  local off = kind == "neuron" and of("_set", 0) or of("_zero")
  return { off = off, scale = of("_scale"), set = of("_set"), where = about.position }
end

--- `everywhere` false: only at the position it is looked at.
---@param about limpid.About
---@param target limpid.Target?
---@param everywhere boolean
---@return limpid.Switchable
function M.of(about, target, everywhere)
  local kind = about.kind
  if kind == "token" then
    if target and about.position == target.position then
      return { reason = "The prediction is made at this token, so it cannot be hidden from itself." }
    end
    return { off = { kind = "knockout", token = about.position } }
  elseif kind == "part" then
    local span = { about.tokens.start, about.tokens["end"] }
    if target and span[2] > target.position then
      return { reason = "The prediction is made inside this part, so it cannot be hidden from itself." }
    end
    return { off = { kind = "span_knockout", span = span } }
  elseif kind == "head" or kind == "mlp" or kind == "neuron" then
    return component(kind, about, everywhere)
  elseif kind == "node" then
    local node = about.node
    if node.kind == "embed" then
      return M.of({ kind = "token", position = node.position }, target, everywhere)
    elseif node.kind == "mlp" then
      return component("mlp", node, everywhere)
    end
    return { reason = "A residual node is a sum; switch off what writes to it: an MLP, a head, an edge." }
  elseif kind == "edge" then
    local from, to = about.from, about.to
    if about.edge_kind == "attention" then
      return { off = { kind = "edge_knockout", layer = to.layer, query = to.position, key = from.position } }
    elseif about.edge_kind == "residual" then
      return { reason = "The residual stream itself cannot be switched off; switch off what writes to it." }
    end
    return component("mlp", about.edge_kind == "mlp_out" and from or to, everywhere)
  elseif kind == "change" then
    return { off = about.change }
  end
  return { reason = "There is nothing here that could be switched off." }
end

--- What a change acts on, to be looked at; nil where it is more than one thing.
---@param change limpid.Intervention|string|(limpid.Intervention|string)[]
---@return limpid.About?
function M.about(change)
  if type(change) == "string" then
    change = require("limpid.changes").read(change) or {}
  end
  if vim.islist(change) then
    return #change == 1 and M.about(change[1]) or nil
  end
  ---@cast change limpid.Intervention
  local kind, layer, position = change.kind, wire.or_nil(change.layer), wire.or_nil(change.position)
  if kind == "knockout" and wire.known(change.token) then
    return { kind = "token", position = change.token }
  elseif kind == "span_knockout" and wire.known(change.span) then
    return { kind = "part", tokens = { start = change.span[1], ["end"] = change.span[2] } }
  elseif not layer or not kind then
    return nil
  elseif kind:find("^head_") and wire.known(change.head) then
    return { kind = "head", layer = layer, head = change.head, position = position }
  elseif kind:find("^neuron_") and wire.known(change.neuron) then
    return { kind = "neuron", layer = layer, neuron = change.neuron, position = position }
  elseif kind:find("^mlp_") then
    return { kind = "mlp", layer = layer, position = position }
  end
  return nil
end

return M
