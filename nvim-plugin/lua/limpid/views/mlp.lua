-- An MLP at a token: what the model would predict before and after it, and which neurons did it.
-- What must not live here: a single neuron (neuron.lua).
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local ranked = require("limpid.views.ranked")
local ranking = require("limpid.views.ranking")
local token_chunks = require("limpid.views.token_chunks")
local wire = require("limpid.wire")

---@type limpid.View
local M = { name = "mlp", title = "MLP" }

function M.asks(context)
  local about = context.about
  return { mlp = { method = "limpid/mlp", params = { layer = about.layer, position = about.position, top = 10 } } }
end

function M.draw(page, answers, context)
  local about = context.about
  local view = answers.mlp and answers.mlp.view
  local position = view and view.position or about.position
  local title = { { ("MLP L%d"):format(about.layer), "LimpidTitle" } }
  if position then
    title[2] = { "  at ", "LimpidDim" }
    vim.list_extend(title, token_chunks.placed(context.tokens, position))
  end
  local note = page:note(context, about)
  page:heading(title, nil, { about = about, token = position })
  if note then
    page:prose(note, "LimpidDim")
  end
  if not page:has(answers, "mlp") then
    return
  end
  local flow = wire.or_nil(view.flow)
  page:facts({
    { "flow", flow and display.flow(flow) or "too little for the graph", "flow" },
    { "wrote", display.flow(view.contribution) .. " of the stream behind it", "contribution" },
  })
  figures.verdict(
    page,
    figures.of(context.measured, { kind = "mlp_zero", layer = view.layer }),
    "off everywhere",
    about
  )
  page:blank()
  local lists = { token_chunks.likely("before it", view.before), token_chunks.likely("after it", view.after) }
  token_chunks.lists(page, lists, 5, context.head.target)
  page:blank()
  local sort = ranked.order(context, "flow")
  ranking.draw(page, "neurons", vim.tbl_map(ranking.neuron, view.neurons), context, { sort = sort, most = 10 })
end

return M
