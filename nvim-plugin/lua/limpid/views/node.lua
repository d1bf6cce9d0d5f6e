-- A residual node: what the model would predict from it, and which tokens the block below moved.
-- What must not live here: MLPs, heads (their own cards).
local display = require("limpid.display")
local token_chunks = require("limpid.views.token_chunks")
local wire = require("limpid.wire")

---@type limpid.View
local M = { name = "node", title = "node" }

---@param node limpid.ComponentId
---@return string
function M.title_of(node)
  if node.kind == "embed" then
    return "embedding"
  elseif node.kind == "resid_mid" then
    return ("residual L%d, before the MLP"):format(node.layer)
  elseif node.kind == "resid_post" then
    return ("residual L%d, after the MLP"):format(node.layer)
  end
  return ("%s L%d"):format(node.kind, node.layer)
end

function M.asks(context)
  local node = context.about.node
  local id = { kind = node.kind, layer = node.layer, position = node.position }
  return { node = { method = "limpid/node", params = { node = id, top = 10 } } }
end

---@param title string
---@param rows limpid.RankChange[]
local function draw_moved(page, title, rows)
  page:blank()
  page:subheading(title, nil, { about = { kind = "word", word = "gained" } })
  local drawn = {}
  for place, row in ipairs(rows) do
    drawn[place] = {
      cells = {
        { token_chunks.predicted(row, nil) },
        { { display.rank(row.before), "LimpidDim" } },
        { { page:glyph("to"), "LimpidDim" } },
        display.rank(row.after),
      },
      about = { kind = "prediction", token = row.id, text = row.text },
    }
  end
  if #rows == 0 then
    page:line({ { "   none", "LimpidDim" } })
    return
  end
  page:table({
    { title = "token", least = 8 },
    { title = "before", align = "right" },
    { title = "" },
    { title = "here", align = "right" },
  }, drawn, { untitled = true })
end

function M.draw(page, answers, context)
  local node = context.about.node
  local title = { { M.title_of(node), "LimpidTitle" }, { "  at ", "LimpidDim" } }
  vim.list_extend(title, token_chunks.placed(context.tokens, node.position))
  page:heading(title, nil, { about = { kind = "node", node = node }, token = node.position })
  if not page:has(answers, "node") then
    return
  end
  local view = answers.node.view
  local flow = wire.or_nil(view.flow)
  page:facts({ { "flow through it", flow and display.flow(flow) or "too little for the graph", "flow" } })
  if node.kind ~= "embed" then
    local mlp = { kind = "mlp", layer = node.layer, position = node.position }
    local below = { kind = "node", node = { kind = "resid_mid", layer = node.layer, position = node.position } }
    local chunks = { { "   written by ", "LimpidDim" }, { ("MLP L%d"):format(node.layer), "LimpidKey", mlp } }
    if node.kind == "resid_post" then
      vim.list_extend(chunks, { { "   below it ", "LimpidDim" }, { "residual before the MLP", "LimpidKey", below } })
    else
      chunks = { { "   goes into ", "LimpidDim" }, { ("MLP L%d"):format(node.layer), "LimpidKey", mlp } }
    end
    page:line(chunks, { about = mlp })
  end
  page:blank()
  token_chunks.lists(page, { token_chunks.likely("would predict", view.top) }, 10, context.head.target)
  if node.kind ~= "embed" then
    draw_moved(page, "gained ranks over the node below", view.gained)
    draw_moved(page, "lost ranks", view.lost)
  end
  page:blank()
  token_chunks.lists(page, { token_chunks.values("least likely", view.bottom) }, 5, context.head.target)
end

return M
