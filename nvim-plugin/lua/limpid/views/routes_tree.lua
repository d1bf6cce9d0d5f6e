-- The route graph as a tree: a stream is one token's residual stream from where it is read on down; where attention reads other
-- tokens, their streams hang below. Each layer of a stream stands once, where most of it goes to.
-- What must not live here: how lines are worded (routes.lua).
local M = {}

--- A layer of one token's stream: the block's two residual nodes and its MLP, as one.
---@class limpid.RouteLayer
---@field layer integer -1: the embedding
---@field position integer
---@field flow number
---@field node limpid.RouteNode the uppermost of its nodes
---@field mlp limpid.RouteEdge?
---@field resid limpid.RouteEdge? from the layer below
---@field below limpid.RouteLayer? where `resid` comes from
---@field reads limpid.RouteRead[] other tokens, strongest first
---@field itself limpid.RouteEdge? attention to the token itself
---@field most number flow of the strongest edge that leaves it upwards
---@field owner limpid.RouteEdge? that edge

---@class limpid.RouteRead
---@field edge limpid.RouteEdge
---@field from limpid.RouteLayer

--- What is drawn, in order.
---@class limpid.RouteItem
---@field what "layer"|"run"|"again"|"later" a layer; layers in which nothing branches; one that stands further up, or further down
---@field depth integer
---@field layer limpid.RouteLayer of a run: its uppermost
---@field last limpid.RouteLayer? of a run: its lowest
---@field by limpid.RouteRead? what led here, at the head of a stream or of what stands further up
---@field opens boolean? streams hang below it
---@field on limpid.RouteItem? of a run: where its stream goes on, elsewhere

--- An MLP that carries so much is told in a line of its own.
local NOTABLE = 0.05

---@param node limpid.RouteNode
---@return integer
local function layer_of(node)
  return node.kind == "embed" and -1 or node.layer
end

--- Nodes and the first `count` edges as layers.
---@param routes limpid.Routes
---@param count integer
---@return limpid.RouteLayer? top
local function layers_of(routes, count)
  local layers, top = {}, nil
  local nodes = routes.nodes
  local ranks = { embed = 3, resid_post = 3, mlp = 2, resid_mid = 1 }
  local function layer_at(node)
    local key = layer_of(node) * 2 ^ 24 + node.position
    local found = layers[key]
    if not found then
      found = { layer = layer_of(node), position = node.position, flow = node.flow, node = node, reads = {}, most = 0 }
      layers[key] = found
    elseif ranks[node.kind] > ranks[found.node.kind] then
      found.node, found.flow = node, node.flow
    end
    return found
  end
  for _, node in ipairs(nodes) do
    local layer = layer_at(node)
    if not top or layer.layer > top.layer or (layer.layer == top.layer and layer.flow > top.flow) then
      top = layer
    end
  end
  for place = 1, math.min(count, #routes.edges) do
    local edge = routes.edges[place]
    local from, to = nodes[edge.from + 1], nodes[edge.to + 1]
    from, to = from and layer_at(from), to and layer_at(to)
    if not from or not to then
      break
    end
    if edge.kind == "mlp_out" then
      to.mlp = edge
    elseif edge.kind == "attention" and from.position == to.position then
      to.itself = edge
    elseif edge.kind == "attention" then
      to.reads[#to.reads + 1] = { edge = edge, from = from }
    elseif edge.kind == "residual" and from ~= to then
      to.resid, to.below = edge, from
    end
    -- Edges come strongest first only where the daemon sorted them.
    if from ~= to and (edge.kind == "attention" or edge.kind == "residual") and edge.flow > from.most then
      from.most, from.owner = edge.flow, edge
    end
  end
  return top
end

---@param layer limpid.RouteLayer
---@return boolean
local function is_told(layer)
  return #layer.reads > 0 or (layer.mlp ~= nil and layer.mlp.flow >= NOTABLE)
end

--- The tree over the first `count` edges; stops as soon as it has more than `most` items.
---@param routes limpid.Routes
---@param count integer
---@param most integer
---@return limpid.RouteItem[]
function M.grow(routes, count, most)
  local items, seen = {}, {}
  local stream

  --- A layer that stands elsewhere: already, or further down.
  local function refer(layer, depth, by)
    return { what = seen[layer] and "again" or "later", depth = depth, layer = layer, by = by }
  end

  ---@param layer limpid.RouteLayer
  ---@param depth integer
  ---@param by limpid.RouteRead?
  local function tell(layer, depth, by)
    items[#items + 1] = { what = "layer", depth = depth, layer = layer, by = by, opens = #layer.reads > 0 }
    for _, read in ipairs(layer.reads) do
      if #items > most then
        return
      elseif read.from.owner == read.edge then
        stream(read.from, depth + 1, read)
      else
        items[#items + 1] = refer(read.from, depth + 1, read)
      end
    end
  end

  ---@param layer limpid.RouteLayer?
  ---@param depth integer
  ---@param by limpid.RouteRead?
  stream = function(layer, depth, by)
    local run
    while layer and #items <= most do
      seen[layer] = true
      if is_told(layer) or #items == 0 then
        run = nil
        tell(layer, depth, by)
      elseif run then
        run.last = layer
      else
        run = { what = "run", depth = depth, layer = layer, last = layer, by = by }
        items[#items + 1] = run
      end
      local below = layer.below
      if below and below.owner ~= layer.resid then
        local elsewhere = refer(below, depth, nil)
        if run then
          run.on = elsewhere
        else
          items[#items + 1] = elsewhere
        end
        return
      end
      layer, by = below, nil
    end
  end

  stream(layers_of(routes, count), 0, nil)
  return items
end

--- The first step that shows a share of the flow, the last one where none does; fewer edges where the tree would have too many lines.
---@param routes limpid.Routes
---@param mass number
---@param most integer
---@return limpid.RouteItem[] items, integer count of edges, number shown
function M.shown(routes, mass, most)
  local steps = routes.steps
  if type(steps) ~= "table" or #steps == 0 then
    steps = { { edges = #routes.edges, shown = routes.shown } }
  end
  local at = #steps
  for place, step in ipairs(steps) do
    if step.shown >= mass then
      at = place
      break
    end
  end
  local items = M.grow(routes, steps[at].edges, most)
  if #items > most then
    local low, high = 1, at - 1
    while low < high do
      local middle = math.floor((low + high + 1) / 2)
      if #M.grow(routes, steps[middle].edges, most) <= most then
        low = middle
      else
        high = middle - 1
      end
    end
    at = math.max(1, low)
    items = vim.list_slice(M.grow(routes, steps[at].edges, most), 1, most)
  end
  return items, steps[at].edges, steps[at].shown
end

return M
