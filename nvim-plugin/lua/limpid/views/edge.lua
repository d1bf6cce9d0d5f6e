-- An edge of the route graph: how much came along it, and for attention which heads carried it.
-- What must not live here: heads themselves (head.lua).
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local switchable = require("limpid.switchable")
local token_chunks = require("limpid.views.token_chunks")

---@type limpid.View
local M = { name = "edge", title = "edge" }

local NAMES = {
  attention = "attention",
  residual = "residual",
  mlp_in = "into the MLP",
  mlp_out = "out of the MLP",
}

---@param node limpid.ComponentId
---@return limpid.ComponentId
local function place_of(node)
  return { kind = node.kind, layer = node.layer, position = node.position }
end

function M.asks(context)
  local about = context.about
  local params = { from = place_of(about.from), to = place_of(about.to), kind = about.edge_kind }
  return { edge = { method = "limpid/edge", params = params } }
end

---@param page limpid.Page
---@param view limpid.EdgeCard
---@param context limpid.Context
local function draw_heads(page, view, context)
  local rows = {}
  for place, row in ipairs(view.heads) do
    local about = { kind = "head", layer = view.to.layer, head = row.head, position = view.to.position }
    local note = page:note(context, about)
    rows[place] = {
      cells = {
        { { display.head_name(view.to.layer, row.head) }, note and { " " .. note, "LimpidDim" } or nil },
        display.flow(row.contribution),
        function(width)
          return { page:bar(row.pattern, width) }
        end,
        display.flow(row.pattern),
        token_chunks.list(row.promotes, 3, context.head.target),
      },
      about = about,
      token = view.from.position,
    }
  end
  page:blank()
  page:table({
    { title = "head", least = 6, word = "contribution" },
    { title = "of the node", align = "right" },
    { grows = true, least = 4, most = 10 },
    { title = "attention", align = "right" },
    { title = "writes", least = 8, drops = 1 },
  }, rows)
end

function M.draw(page, answers, context)
  local about = context.about
  local from, to = about.from, about.to
  local name = ("%s L%d  "):format(NAMES[about.edge_kind] or "edge", to.layer)
  local title = { { name, "LimpidTitle" } }
  if from.position ~= to.position then
    vim.list_extend(title, token_chunks.placed(context.tokens, from.position))
    title[#title + 1] = { " " .. page:glyph("to") .. " ", "LimpidDim" }
  end
  vim.list_extend(title, token_chunks.placed(context.tokens, to.position))
  page:heading(title, nil, { about = about, token = from.position })
  if not page:has(answers, "edge") then
    return
  end
  local view = answers.edge.view
  page:facts({
    { "flow", display.flow(view.flow), "flow" },
    { "of the upper node", display.flow(view.contribution), "contribution" },
  })
  local can = switchable.of(about, type(context.head.target) == "table" and context.head.target or nil, true)
  if can.reason then
    page:prose(can.reason, "LimpidDim")
  else
    figures.verdict(page, figures.of(context.measured, can.off), "", about)
  end
  if #view.heads > 0 then
    draw_heads(page, view, context)
  end
  page:blank()
  local node = require("limpid.views.node")
  for _, one in ipairs({ { "from", from }, { "to", to } }) do
    local end_of = { kind = "node", node = one[2] }
    local chunks = { { ("   %-5s"):format(one[1]), "LimpidDim" }, { node.title_of(one[2]), "LimpidKey" } }
    page:line(chunks, { about = end_of, token = one[2].position })
  end
end

return M
