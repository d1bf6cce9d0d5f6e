-- What the panel's keys do to what a line is about. What must not live here: keys, windows, drawing.
local changes = require("limpid.changes")
local config = require("limpid.config")
local panel = require("limpid.panel")
local problems = require("limpid.problems")
local runs = require("limpid.runs")
local session = require("limpid.session")

local M = {}

--- Shares of the flow that `+` and `-` step through.
local SHARES = { 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98 }
local PART_BY = { "word", "line", "sentence", "paragraph", "message", "example" }
local RANKINGS = { "heads", "neurons", "mlps" }
local SORTS = {
  prediction = { "attribution", "effect", "flow", "place" },
  components = { "attribution", "effect", "flow" },
  effects = { "effect", "score", "place" },
  parts = { "place", "attribution", "effect", "flow" },
  compare = { "difference", "place" },
}

---@param message string
local function say(message)
  vim.api.nvim_echo({ { "Limpid: " .. message } }, false, {})
end

---@return limpid.Run
local function shown()
  local run = runs.shown
  if not run then
    problems.throw("nothing-shown", "Inspect a prompt first.")
  end
  return run --[[@as limpid.Run]]
end

--- Runs an action: what it throws is shown.
---@generic T
---@param action fun(about: limpid.About?): T
---@return fun(about: limpid.About?)
local function guarded(action)
  return function(about)
    problems.recovered()
    local went_well, problem = xpcall(action, function(thrown)
      return problems.is_problem(thrown) and thrown or { thrown = thrown, trace = debug.traceback() }
    end, about)
    if not went_well then
      if problems.is_problem(problem) then
        say(problem.message)
      else
        problems.failed(problem.thrown, problem.trace)
      end
    end
  end
end

---@param words string[]
---@param now string?
---@return string?  -- the next one; nil behind the last
local function next_of(words, now)
  for at, one in ipairs(words) do
    if one == now then
      return words[at + 1]
    end
  end
  return words[1]
end

--- Puts the text's cursor on a token, in a window that shows the text.
---@param run limpid.Run
---@param index integer
local function to_text(run, index)
  local token = run.tokens[index + 1]
  if not token or type(token.range) ~= "table" then
    return say("This token is not in the text: the chat template or the tokenizer added it.")
  end
  if run.head.is_stale then
    return say("The text has changed since; r inspects it again.")
  end
  local row, column = require("limpid.positions").to_buffer(run.bufnr, token.range)
  local window = vim.fn.bufwinid(run.bufnr)
  if window == -1 then
    vim.cmd.wincmd("p")
    window = vim.api.nvim_get_current_win()
    if vim.wo[window].winfixbuf then
      return say("There is no window for the text.")
    end
    vim.api.nvim_win_set_buf(window, run.bufnr)
  end
  vim.api.nvim_set_current_win(window)
  vim.cmd("normal! m'")
  vim.api.nvim_win_set_cursor(window, { row + 1, column })
  vim.cmd("normal! zv")
end

M.open = guarded(function(about)
  local run = shown()
  if not about then
    return say("This line opens nothing.")
  elseif about.kind == "prediction" then
    return M.target(about)
  elseif about.kind == "run" then
    local other = runs.find(about.id)
    return other and runs.pick(other)
  elseif about.kind == "model" then
    return require("limpid.command").run("chooseModel", { args = { about.name } })
  elseif about.kind == "word" then
    return M.explain(about)
  elseif about.kind == "continuation" then
    return M.continue()
  elseif about.kind == "part" and about.tokens then
    return to_text(run, about.tokens.start)
  end
  if not panel.open_card(about) then
    say("There is no card for this line.")
  end
end)

M.explain = guarded(function(about)
  local glossary = require("limpid.glossary")
  local entry = about and glossary.explain(about) or glossary.entry(panel.state.section)
  if not entry then
    return say("There is nothing to explain here.")
  end
  local lines = { ("**%s**"):format(entry.title), "" }
  require("limpid.float").show(vim.list_extend(lines, entry.lines), "explain")
end)

M.go_to_text = guarded(function(about)
  local run = shown()
  local line = require("limpid.panel.window").line()
  local index = line and line.token
    or about and (about.position or about.tokens and about.tokens.start or about.node and about.node.position)
  if not index then
    return say("This line is about no place of the text.")
  end
  to_text(run, index)
end)

---@param step 1|-1
local function share(step)
  local now = panel.state.mass or config.get().routes.mass
  local at = 1
  for index, one in ipairs(SHARES) do
    if math.abs(one - now) < math.abs(SHARES[at] - now) then
      at = index
    end
  end
  panel.state.mass = SHARES[math.max(1, math.min(#SHARES, at + step))]
  panel.draw()
end

function M.show_more()
  share(1)
end

function M.show_less()
  share(-1)
end

--- What switching it off is, for what a line is about.
---@param run limpid.Run
---@param about limpid.About?
---@return table|string
local function change_of(run, about)
  if not about then
    problems.throw("no-change", "There is nothing on this line to switch off.")
  end
  local switchable = require("limpid.switchable").of(about --[[@as limpid.About]], run.head.target, true)
  if not switchable.off then
    problems.throw("no-change", switchable.reason or "This cannot be switched off.")
  end
  return switchable.off
end

M.toggle = guarded(function(about)
  local run = shown()
  local change = change_of(run, about)
  local is_off = require("limpid.switches").toggle(run, change)
  local words = changes.words(change, run.tokens)
  say(is_off and ("%s. c writes on with and without, m measures."):format(words) or ("No longer: %s."):format(words))
end)

M.measure = guarded(function(about)
  local run = shown()
  local off = require("limpid.switches").of(run)
  local change = (not about or about.kind == "word") and #off > 0 and off or change_of(run, about)
  local words = changes.words(change, run.tokens)
  require("limpid.effects").measure(run, words, { interventions = { change } }, function(view)
    local row = view.effects[1]
    local effect = row and row.effect
    if type(effect) == "number" then
      say(("%s takes %s nats."):format(words, require("limpid.display").signed(effect)))
    else
      say(row and type(row.error) == "string" and row.error or "It could not be measured.")
    end
  end)
end)

M.continue = guarded(function()
  local run = shown()
  panel.section("effects")
  require("limpid.continuing").start(run)
end)

M.target = guarded(function(about)
  local run = shown()
  if about and about.kind == "prediction" then
    local position = about.position or run.head.target.position
    return session.again({ target = { position = position, token = about.token }, clear = { "foil" } })
  elseif about and (about.kind == "token" or about.kind == "node") then
    local position = about.position or about.node.position
    if position < 1 then
      return say("Nothing stands before the first token, so it is predicted from nothing.")
    end
    -- The token itself is explained: what stands at its place, predicted from what precedes it.
    return session.again({
      target = { position = position - 1, token = run.tokens[position + 1].id },
      clear = { "foil" },
    })
  end
  require("limpid.command").run("setTarget", {})
end)

M.foil = guarded(function(about)
  if about and about.kind == "prediction" then
    return session.again({ foil = about.token })
  end
  require("limpid.command").run("setFoil", {})
end)

M.sort = guarded(function()
  local words = SORTS[panel.state.section]
  if not words then
    return say("This section has one order.")
  end
  panel.state.sort = next_of(words, panel.state.sort or words[1]) or words[1]
  panel.draw()
  say("Sorted by " .. panel.state.sort .. ".")
end)

M.ranking = guarded(function()
  panel.state.ranking = next_of(RANKINGS, panel.state.ranking)
  panel.draw()
end)

M.part_by = guarded(function()
  panel.state.part_by = next_of(PART_BY, panel.state.part_by)
  panel.draw()
  say("Cut by " .. (panel.state.part_by or "what fits the prompt") .. ".")
end)

M.maps = guarded(function()
  panel.state.maps = not panel.state.maps
  panel.draw()
end)

return M
