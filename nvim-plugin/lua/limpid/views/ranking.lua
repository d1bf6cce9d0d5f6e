-- A ranking of heads, neurons or MLPs as a table: flow, the figure of switching each off, what it writes.
-- What must not live here: which rows there are.
local changes = require("limpid.changes")
local display = require("limpid.display")
local figures = require("limpid.views.figures")
local ranked = require("limpid.views.ranked")
local token_chunks = require("limpid.views.token_chunks")

local M = {}

---@class limpid.Ranked a head, neuron or MLP as any ranking shows it
---@field name string
---@field about limpid.About
---@field off limpid.Intervention
---@field flow number
---@field attribution number|vim.NIL|nil
---@field effect number|vim.NIL|nil
---@field disagreement string|vim.NIL|nil
---@field promotes limpid.TokenValue[]?
---@field at integer? the token where its flow is read

---@param row limpid.HeadRow
---@return limpid.Ranked
function M.head(row)
  return {
    name = display.head_name(row.layer, row.head),
    about = { kind = "head", layer = row.layer, head = row.head },
    off = { kind = "head_zero", layer = row.layer, head = row.head },
    flow = row.flow,
    attribution = row.attribution,
    effect = row.effect,
    disagreement = row.disagreement,
    promotes = row.promotes,
  }
end

---@param row limpid.NeuronRow
---@return limpid.Ranked
function M.neuron(row)
  return {
    name = display.neuron_name(row.layer, row.neuron),
    about = { kind = "neuron", layer = row.layer, neuron = row.neuron, position = row.position },
    off = { kind = "neuron_set", layer = row.layer, neuron = row.neuron, value = 0 },
    flow = row.flow,
    attribution = row.attribution,
    effect = row.effect,
    disagreement = row.disagreement,
    promotes = row.promotes,
  }
end

--- An MLP, with its flow at the token where it carries most.
---@param node limpid.RouteNode
---@return limpid.Ranked
function M.mlp(node)
  return {
    name = ("MLP L%d"):format(node.layer),
    about = { kind = "mlp", layer = node.layer, position = node.position },
    off = { kind = "mlp_zero", layer = node.layer },
    flow = node.flow,
    at = node.position,
  }
end

---@param rows limpid.Ranked[]
---@param sort string
---@param measured table<string, limpid.EffectRow>
---@param most integer
---@return limpid.Ranked[]
local function strongest(rows, sort, measured, most)
  local sorted = ranked.sorted(rows, function(row)
    if sort == "flow" then
      return row.flow
    end
    if sort == "effect" then
      return figures.of(measured, row.off, row.attribution, row).effect
    end
    return row.attribution
  end)
  return vim.list_slice(sorted, 1, most)
end

--- What is drawn of a ranking, under its own title.
---@param page limpid.Page
---@param title string `heads`, `neurons`, `MLPs`
---@param rows limpid.Ranked[]
---@param context limpid.Context
---@param how { sort: string, most: integer }
function M.draw(page, title, rows, context, how)
  local shown = strongest(rows, how.sort, context.measured, how.most)
  local note = #rows > #shown and ("%d of %d, by %s"):format(#shown, #rows, how.sort) or "by " .. how.sort
  page:subheading(title, note, { about = { kind = "word", word = title } })
  if #shown == 0 then
    page:line({ { "   none", "LimpidDim" } })
    return
  end
  local all, names, has_notes, has_scores = {}, 0, false, false
  for place, row in ipairs(shown) do
    all[place] = figures.of(context.measured, row.off, row.attribution, row)
    names = math.max(names, #row.name)
    has_scores = has_scores or all[place].estimate ~= nil
    has_notes = has_notes or page:note(context, row.about) ~= nil
  end
  local largest = math.max(figures.largest(all), 1e-9)
  local is_off = {}
  for _, switch in ipairs(context.switches) do
    is_off[changes.text(switch)] = true
  end

  local columns, cells = {}, {}
  local function column(how_wide, cell)
    columns[#columns + 1] = how_wide
    cells[#cells + 1] = cell
  end
  column({ title = title:gsub("s$", ""), least = has_notes and names or nil, word = title }, function(row)
    local own = page:note(context, row.about)
    local name = { row.name, is_off[changes.text(row.off)] and "LimpidStale" or nil }
    return own and { name, { " " .. own, "LimpidDim" } } or { name }
  end)
  if shown[1].at then
    column({ title = "most at", least = 8 }, function(row)
      return { token_chunks.prompt(context.tokens, row.at) }
    end)
  end
  column({ title = "flow", align = "right" }, function(row)
    return display.flow(row.flow)
  end)
  if has_scores then
    column({ title = "attr. ~", align = "right" }, function(_, place)
      return figures.estimate(page, all[place])
    end)
  end
  column({ title = "effect ", align = "right" }, function(_, place)
    return figures.effect(page, all[place])
  end)
  column({ title = "nats", grows = true, least = 9, most = 13, drops = 1 }, function(_, place)
    return figures.bar(page, all[place], largest)
  end)
  if shown[1].promotes then
    column({ title = "writes", least = 8, drops = 2, word = "promotes" }, function(row)
      return token_chunks.list(row.promotes or {}, 3, context.head.target)
    end)
  end

  local drawn = {}
  for place, row in ipairs(shown) do
    local own = {}
    for at, cell in ipairs(cells) do
      own[at] = cell(row, place)
    end
    drawn[place] = { cells = own, about = row.about, token = row.about.position }
  end
  page:table(columns, drawn)
end

return M
