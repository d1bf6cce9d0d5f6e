-- The side split: which section or card it shows of the run shown, drawn anew whenever something changes. What must not live here:
-- windows (panel/window.lua), keys (panel/keys.lua), what a section looks like (views/).
local Page = require("limpid.page")
local answers = require("limpid.panel.answers")
local config = require("limpid.config")
local problems = require("limpid.problems")
local runs = require("limpid.runs")
local session = require("limpid.session")
local views = require("limpid.views")
local window = require("limpid.panel.window")

local M = {}

---@class limpid.PanelState
---@field section string name of the section
---@field cards limpid.About[] opened one from the other, the last one shown
---@field heat "attribution"|"effect"|"flow"
---@field mass? number
---@field part_by? string
---@field sort? string
---@field ranking? string
---@field maps boolean
---@field position? integer
---@field compare table<string, { kind: string, with: table[] }> by run id
M.state = {
  section = "prediction",
  cards = {},
  heat = "attribution",
  maps = false,
  compare = {},
}

---@type string?
local run_id

--- All that drawing depends on besides the answers.
---@param run limpid.Run
---@return limpid.Context
function M.context(run)
  local settings, state = config.get(), M.state
  local effects = require("limpid.effects")
  local measured = effects.of(run)
  local continuation, is_over = require("limpid.continuing").of(run)
  local job = effects.job
  local progress
  if job and job.run == run then
    progress = { what = job.title, done = job.done, of = job.of }
  elseif not is_over and continuation then
    progress = { what = "writing", done = #continuation.tokens }
  end
  local partners = {}
  for _, other in ipairs(runs.all) do
    if other ~= run then
      partners[#partners + 1] = other.head
    end
  end
  local card = state.cards[#state.cards]
  return {
    columns = window.columns(),
    glyphs = settings.glyphs,
    head = run.head,
    tokens = run.tokens,
    position = state.position,
    method = settings.heat.method,
    heat = state.heat,
    mass = state.mass or settings.routes.mass,
    part_by = state.part_by,
    maps = state.maps,
    switches = require("limpid.switches").of(run),
    measured = measured.rows,
    effects = measured.last,
    continuation = continuation,
    progress = progress,
    partners = partners,
    compare = state.compare[run.head.id],
    sort = state.sort,
    ranking = state.ranking,
    about = card,
    section = state.section,
    problem = problems.shown,
  }
end

---@param page limpid.Page
---@param view limpid.View
---@param run limpid.Run
---@param context limpid.Context
local function drawn(page, view, run, context)
  local went_well, problem = xpcall(function()
    view.draw(page, answers.of(run, view.asks(context)), context)
  end, debug.traceback)
  if not went_well then
    -- A mistake of ours in one view must not take the others with it.
    problems.last =
      { problem = problems.problem("internal", tostring(problem):match("[^\n]+")), trace = problem, at = os.time() }
    page:problem({ message = "This could not be drawn; :checkhealth limpid has the details." })
  end
end

--- The page for when nothing was inspected.
---@return limpid.Page
local function empty()
  local page = Page.new({ columns = window.columns(), glyphs = config.get().glyphs })
  local busy = session.busy_words()
  if problems.shown then
    page:problem(problems.shown)
    for _, way in ipairs(problems.shown.ways) do
      page:line({ { "   :Limpid " .. way.word, "LimpidKey" }, { "  " .. way.title, "LimpidDim" } })
    end
  elseif busy then
    page:line({ { " ⟳ ", "LimpidDim" }, { busy, "LimpidDim" } })
  else
    page:line({ { " Put the cursor in a prompt and run ", "LimpidDim" }, { ":Limpid inspect", "LimpidKey" } })
    page:line({
      { " No prompt at hand? ", "LimpidDim" },
      { ":Limpid tour", "LimpidKey" },
      { " opens a sample.", "LimpidDim" },
    })
  end
  return page
end

--- The card that is open, and what it is about.
---@return limpid.View?
function M.card()
  local about = M.state.cards[#M.state.cards]
  return about and (views.card(about))
end

--- Draws, where the panel can be seen.
function M.draw()
  if not window.window() then
    return
  end
  local run = runs.shown
  if not run then
    window.show(empty())
    return
  end
  local context = M.context(run)
  local page = Page.new({ columns = context.columns, glyphs = context.glyphs })
  drawn(page, views.view("header"), run, context)
  page.level = 0
  drawn(page, M.card() or views.view(M.state.section), run, context)
  window.show(page)
  window.point(context.position)
end

--- Opens the panel.
---@param enter? boolean
function M.open(enter)
  window.open(enter)
  M.draw()
end

function M.close()
  window.close()
end

---@return boolean
function M.is_open()
  return window.window() ~= nil
end

---@param line limpid.Line
---@return boolean
local function is_heading(line)
  return line.opens == true
end

--- Of the routes the trunk is open at first, of everything else all.
local FOLDS = { routes = 1 }
local ALL_OPEN = 99
--- Sections that are not about the token at the cursor: they light up its lines, and are not drawn anew.
local STILL = { routes = true, parts = true, components = true, effects = true, compare = true }

--- Shows a section.
---@param name string
function M.section(name)
  M.state.section = name
  M.state.cards = {}
  window.open_folds(FOLDS[name] or ALL_OPEN)
  M.draw()
  window.go_to(is_heading)
end

--- Shows the section beside this one.
---@param step 1|-1
function M.next_section(step)
  for at, name in ipairs(views.SECTIONS) do
    if name == M.state.section then
      return M.section(views.SECTIONS[(at - 1 + step) % #views.SECTIONS + 1])
    end
  end
end

--- Opens a card on top of what is shown.
---@param about limpid.About
---@return boolean whether there is one
function M.open_card(about)
  local card, shown = views.card(about)
  if not card then
    return false
  end
  local cards = M.state.cards
  if not vim.deep_equal(cards[#cards], shown) then
    cards[#cards + 1] = shown
  end
  window.open_folds(ALL_OPEN)
  M.draw()
  window.go_to(is_heading)
  return true
end

--- Goes back to the card before, or to the section.
function M.back()
  table.remove(M.state.cards)
  window.open_folds(#M.state.cards == 0 and FOLDS[M.state.section] or ALL_OPEN)
  M.draw()
  window.go_to(is_heading)
end

--- The cursor of the text is on a token; nil: on none.
---@param index integer?
function M.follow(index)
  local cards = M.state.cards
  local card = cards[#cards]
  if card and card.kind == "token" and index then
    cards[#cards] = { kind = "token", position = index }
  end
  M.state.position = index
  if card or not STILL[M.state.section] then
    M.draw()
  else
    window.point(index)
  end
end

--- Compares the run shown.
---@param kind "last"|"models"|"foil"
---@param with table[] subjects
function M.compare(kind, with)
  local run = runs.shown
  if run then
    M.state.compare[run.head.id] = { kind = kind, with = with }
    M.open()
    M.section("compare")
  end
end

--- Asks everything about the run shown anew.
function M.refresh()
  if runs.shown then
    answers.forget(runs.shown)
  end
  M.draw()
end

runs.on_change(function()
  local run = runs.shown
  local id = run and run.head.id
  if id ~= run_id then
    run_id = id
    M.state.cards = {}
    M.state.position = nil
    answers.only(run)
  elseif run then
    answers.retry(run)
  end
end)
session.on_change(M.draw)

--- Windows of this tab page that show a text.
---@return integer[]
local function text_windows()
  local own = window.window()
  return vim.tbl_filter(function(one)
    return one ~= own and vim.api.nvim_win_get_config(one).relative == ""
  end, vim.api.nvim_tabpage_list_wins(0))
end

local group = vim.api.nvim_create_augroup("limpid_panel", {})
vim.api.nvim_create_autocmd("QuitPre", {
  group = group,
  desc = "The panel goes with the last text beside it",
  callback = function()
    local texts = text_windows()
    if window.window() and #texts == 1 and texts[1] == vim.api.nvim_get_current_win() then
      window.close()
    end
  end,
})
vim.api.nvim_create_autocmd("WinResized", {
  group = group,
  callback = function()
    local own = window.window()
    if own and vim.tbl_contains(vim.v.event.windows, own) then
      M.draw()
    end
  end,
})

return M
