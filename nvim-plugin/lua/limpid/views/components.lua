-- Heads, neurons and MLPs of the whole model, ranked.
-- What must not live here: the tables themselves (ranking.lua), a single one (its card).
local questions = require("limpid.views.questions")
local ranked = require("limpid.views.ranked")
local ranking = require("limpid.views.ranking")

---@type limpid.View
local M = { name = "components", title = "components" }
M.short = "heads"

--- Rows of each where all three are shown, and where one is.
local FEW, MANY = 10, 30

function M.asks(context)
  return { attribution = questions.attribution(context), routes = questions.routes() }
end

--- Rows of both lists, each once. A row of the first wins: only the ranking by attribution knows attributions.
---@generic T
---@param first T[]
---@param second T[]
---@param name fun(row: T): string
---@return T[]
local function united(first, second, name)
  local all, seen = {}, {}
  for _, rows in ipairs({ first, second }) do
    for _, row in ipairs(rows) do
      local own = name(row)
      if not seen[own] then
        seen[own] = true
        all[#all + 1] = row
      end
    end
  end
  return all
end

--- The route graph's MLPs, each with the token where most flow goes through it.
---@param view limpid.RoutesView?
---@return limpid.Ranked[]
local function mlps_of(view)
  local strongest, rows = {}, {}
  for _, node in ipairs(view and view.routes.nodes or {}) do
    local before = node.kind == "mlp" and strongest[node.layer]
    if node.kind == "mlp" and (not before or node.flow > before.flow) then
      strongest[node.layer] = node
    end
  end
  for _, node in pairs(strongest) do
    rows[#rows + 1] = ranking.mlp(node)
  end
  table.sort(rows, function(a, b)
    return a.about.layer < b.about.layer
  end)
  return rows
end

function M.draw(page, answers, context)
  local only = context.ranking
  local sort = ranked.order(context, "attribution")
  page:heading(
    only or "heads, neurons and MLPs",
    page.hints("o", "one of them", "s", "sort"),
    { about = { kind = "word", word = "components" } }
  )
  local by_flow = answers.routes and answers.routes.view
  local most = only and MANY or FEW
  if only ~= "mlps" and page:has(answers, "attribution") then
    local view = answers.attribution.view
    if only ~= "neurons" then
      local rows = united(view.heads, by_flow and by_flow.heads or {}, function(row)
        return row.layer .. " " .. row.head
      end)
      ranking.draw(page, "heads", vim.tbl_map(ranking.head, rows), context, { sort = sort, most = most })
    end
    if only ~= "heads" then
      if not only then
        page:blank()
      end
      local rows = united(view.neurons, by_flow and by_flow.neurons or {}, function(row)
        return row.layer .. " " .. row.neuron
      end)
      ranking.draw(page, "neurons", vim.tbl_map(ranking.neuron, rows), context, { sort = sort, most = most })
    end
  end
  if only and only ~= "mlps" then
    return
  end
  page:blank()
  if page:has(answers, "routes") then
    ranking.draw(page, "MLPs", mlps_of(by_flow), context, { sort = sort == "effect" and sort or "flow", most = most })
  end
end

return M
