-- Routes: the way to the prediction as a tree that folds, from the top down. Numbers are shares of the flow to the target.
-- What must not live here: the tree itself (routes_tree.lua).
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local questions = require("limpid.views.questions")
local routes_tree = require("limpid.views.routes_tree")
local text = require("limpid.page.text")
local token_chunks = require("limpid.views.token_chunks")

---@type limpid.View
local M = { name = "routes", title = "routes" }

--- Lines drawn at most.
local MOST = 400
--- Neovim nests folds no deeper.
local DEEPEST_FOLD = 20

function M.asks()
  return { routes = questions.routes() }
end

---@param layer limpid.RouteLayer
---@return string
local function layer_name(layer)
  return layer.layer < 0 and "embedding" or "L" .. layer.layer
end

---@param node limpid.RouteNode
---@return limpid.ComponentId
local function id_of(node)
  return { kind = node.kind, layer = node.layer, position = node.position }
end

---@param read limpid.RouteRead
---@param to limpid.RouteLayer
---@param routes limpid.Routes
---@return limpid.About
local function edge_about(read, to, routes)
  local upper = routes.nodes[read.edge.to + 1] or to.node
  return { kind = "edge", from = id_of(routes.nodes[read.edge.from + 1]), to = id_of(upper), edge_kind = "attention" }
end

--- `L29H4 +6 8 %`: the strongest head of an edge, how many more there are, and what came along it.
---@param edge limpid.RouteEdge
---@param layer integer
---@param position integer
---@return limpid.Chunk[]
local function heads(edge, layer, position)
  local first = edge.heads[1]
  local name = first and display.head_name(layer, first.head) or ("L%d attention"):format(layer)
  local more = #edge.heads > 1 and ("+%d"):format(#edge.heads - 1) or ""
  local about = first and { kind = "head", layer = layer, head = first.head, position = position } or nil
  return { { name, nil, about }, { more, "LimpidDim", about } }
end

--- What a head was measured to do, where it misleads.
---@param page limpid.Page
---@param edge limpid.RouteEdge
---@param layer integer
---@param context limpid.Context
---@return limpid.Chunk[]
local function doubts(page, edge, layer, context)
  local first = edge.heads[1]
  if not first then
    return {}
  end
  local figure = figures.of(context.measured, { kind = "head_zero", layer = layer, head = first.head })
  if not figure.effect or not figure.disagreement then
    return {}
  end
  return {
    { " " .. page:glyph("differs"), "LimpidDisagree" },
    { " effect " .. display.signed(figure.effect), "LimpidMeasured" },
  }
end

--- What a layer is made of, most flow first: `MLP 31 %`, `resid 55 %`, `L29H4 8 % ·France`.
---@param page limpid.Page
---@param layer limpid.RouteLayer
---@param context limpid.Context
---@param routes limpid.Routes
---@param name fun(position: integer): limpid.Chunk[]
---@return limpid.Chunk[][]
local function sources(page, layer, context, routes, name)
  local found = {}
  local function add(edge, chunks)
    found[#found + 1] = { flow = edge.flow, place = #found, chunks = chunks }
  end
  if layer.mlp then
    local about = { kind = "mlp", layer = layer.layer, position = layer.position }
    add(layer.mlp, { { "MLP ", nil, about }, { display.flow(layer.mlp.flow), "LimpidDim", about } })
  end
  if layer.resid then
    add(layer.resid, { { "resid ", "LimpidDim" }, { display.flow(layer.resid.flow), "LimpidDim" } })
  end
  if layer.itself then
    local chunks = heads(layer.itself, layer.layer, layer.position)
    vim.list_extend(chunks, { { " " .. display.flow(layer.itself.flow), "LimpidDim" }, { " itself", "LimpidDim" } })
    add(layer.itself, vim.list_extend(chunks, doubts(page, layer.itself, layer.layer, context)))
  end
  for index = 1, math.min(4, #layer.reads) do
    local read = layer.reads[index]
    local chunks = heads(read.edge, layer.layer, layer.position)
    local about = edge_about(read, layer, routes)
    vim.list_extend(chunks, { { (" %s "):format(display.flow(read.edge.flow)), "LimpidDim", about } })
    vim.list_extend(chunks, name(read.from.position))
    add(read.edge, vim.list_extend(chunks, doubts(page, read.edge, layer.layer, context)))
  end
  table.sort(found, function(a, b)
    return a.flow > b.flow or (a.flow == b.flow and a.place < b.place)
  end)
  return vim.tbl_map(function(one)
    return one.chunks
  end, found)
end

--- Where an item starts: deep ones stay where there is still room to read them.
---@param page limpid.Page
---@param depth integer
---@return string
local function indent(page, depth)
  return (" "):rep(3 + 2 * math.min(depth, math.max(0, math.floor((page.columns - 40) / 4))))
end

--- ` by L29H4 +6 8 %`
---@param item limpid.RouteItem
---@param routes limpid.Routes
---@return limpid.Chunk[]
local function led_by(item, routes)
  if not item.by then
    return {}
  end
  local upper = routes.nodes[item.by.edge.to + 1]
  local about = edge_about(item.by, item.layer, routes)
  local chunks = { { " by ", "LimpidDim", about } }
  vim.list_extend(chunks, heads(item.by.edge, upper.layer, upper.position))
  chunks[#chunks + 1] = { " " .. display.flow(item.by.edge.flow), "LimpidDim", about }
  return chunks
end

---@param page limpid.Page
---@param item limpid.RouteItem
---@param context limpid.Context
---@param routes limpid.Routes
---@param name fun(position: integer): limpid.Chunk[]
local function draw_item(page, item, context, routes, name)
  local layer = item.layer
  local chunks = { { indent(page, item.depth) } }
  local about = { kind = "node", node = id_of(layer.node) }
  local flow = layer.flow
  local is_elsewhere = item.what == "again" or item.what == "later"
  if is_elsewhere then
    chunks[#chunks + 1] = { page:glyph(item.what) .. " ", "LimpidDim" }
  elseif item.what == "run" then
    chunks[#chunks + 1] = { page:glyph("more") .. " ", "LimpidDim" }
  end
  if item.what == "run" and item.last ~= layer then
    local last = layer_name(item.last)
    chunks[#chunks + 1] = { ("%s%s%s resid "):format(last, page:glyph("range"), layer_name(layer)), "LimpidDim" }
    if item.last.layer < 0 then
      about = { kind = "node", node = id_of(item.last.node) }
      flow = item.last.flow
    end
  else
    chunks[#chunks + 1] = { layer_name(layer) .. " ", item.what ~= "layer" and "LimpidDim" or nil }
  end
  vim.list_extend(chunks, name(layer.position))
  vim.list_extend(chunks, led_by(item, routes))
  local right = not is_elsewhere and { { display.flow(flow), item.what == "run" and "LimpidDim" or nil } } or {}
  if item.on then
    local on = item.on.layer
    local place = { kind = "node", node = id_of(on.node) }
    local words = ("  %s %s"):format(page:glyph(item.on.what), layer_name(on))
    -- The number at the right comes first.
    if page.width(chunks) + text.width(words) + page.width(right) < page.columns then
      chunks[#chunks + 1] = { words, "LimpidDim", place }
    end
  end
  local room = page.columns - page.width(chunks) - 7
  if item.what == "layer" then
    local before = { "  " .. page:glyph("from") .. " ", "LimpidDim" }
    for _, source in ipairs(sources(page, layer, context, routes, name)) do
      local width = page.width(source) + text.width(before[1])
      if width > room then
        break
      end
      chunks[#chunks + 1] = before
      vim.list_extend(chunks, source)
      room, before = room - width, { "  " }
    end
  end
  local level = math.min(DEEPEST_FOLD, item.depth + 1 + (item.opens and 1 or 0))
  page:split(chunks, right, { about = about, token = layer.position, level = level, opens = item.opens })
end

function M.draw(page, answers, context)
  local view = answers.routes and answers.routes.view
  local keys = { { "-", "LimpidKey" }, { "/", "LimpidDim" }, { "+", "LimpidKey" }, { " change", "LimpidDim" } }
  if not view then
    page:heading("routes", keys)
    page:has(answers, "routes")
    return
  end
  local routes = view.routes
  local items, count, shown = routes_tree.shown(routes, context.mass, MOST)
  local note = { { ("%s of flow shown   "):format(display.flow(shown)), "LimpidDim" } }
  page:heading("routes", vim.list_extend(note, keys), { about = { kind = "word", word = "shown" } })
  local name = token_chunks.told_apart(context.tokens)
  for _, item in ipairs(items) do
    draw_item(page, item, context, routes, name)
  end
  local left_out = #routes.edges - count
  if left_out > 0 then
    local words = ("%s %s more edges, up to %s of flow"):format(
      page:glyph("more"),
      display.thousands(left_out),
      display.flow(routes.shown)
    )
    page:line({ { "   " .. words, "LimpidDim" } }, { about = { kind = "word", word = "shown" }, level = 1 })
  end
  if #items >= MOST then
    page:prose(("No more than %d lines are drawn, the strongest edges."):format(MOST), "LimpidDim")
  end
  if #items == 0 then
    page:line({ { "   No edges are shown.", "LimpidDim" } })
  end
end

return M
