-- Moving through a prompt by influence: to the next strongest token, to what a token rests on, to what it fed.
-- What must not live here: how scores are painted.
local documents = require("limpid.documents")
local heat = require("limpid.heat")
local positions = require("limpid.positions")
local problems = require("limpid.problems")
local requests = require("limpid.requests")
local task = require("limpid.task")
local token_display = require("limpid.token_display")
local token_heat = require("limpid.token_heat")
local token_places = require("limpid.token_places")
local wire = require("limpid.wire")

local M = {}

---@type limpid.Task?
local asking

---@param message string
local function say(message)
  vim.api.nvim_echo({ { "Limpid: " .. message } }, false, {})
end

--- Indices of the tokens that stand in the text, strongest first, the sink left out.
---@param scores (number|vim.NIL)[]
---@param places limpid.TokenPlaces
---@return integer[]
function M.ranked(scores, places)
  local ranked = {}
  for at = 2, #scores do
    if places[at] and wire.known(scores[at]) then
      ranked[#ranked + 1] = at - 1
    end
  end
  table.sort(ranked, function(a, b)
    local one, other = math.abs(scores[a + 1]), math.abs(scores[b + 1])
    return one > other or (one == other and a < b)
  end)
  return ranked
end

--- Puts the cursor at a place, in a window that shows the buffer; where it was stays in the jump list.
---@param bufnr integer
---@param row integer from 0
---@param column integer bytes
---@return boolean
local function go_to(bufnr, row, column)
  local window = vim.api.nvim_get_current_win()
  if vim.api.nvim_win_get_buf(window) ~= bufnr then
    window = vim.fn.bufwinid(bufnr)
    if window == -1 then
      say("The text is in no window of this tab page.")
      return false
    end
    vim.api.nvim_set_current_win(window)
  end
  vim.cmd("normal! m'")
  vim.api.nvim_win_set_cursor(window, { row + 1, column })
  vim.cmd("normal! zv")
  return true
end

--- Puts the cursor on the next weaker (1) or stronger (-1) token; first on the strongest.
---@param step 1|-1
function M.strongest(step)
  local painted, places, is_stale = heat.shown()
  if not painted or not places then
    return say("Inspect the prompt first: :Limpid inspect.")
  elseif is_stale then
    return say("The text has changed since; :Limpid refresh inspects it again.")
  end
  local _, scores = token_heat.scores(painted.attribution, painted.kind)
  local ranked = M.ranked(scores, places)
  if #ranked == 0 then
    return say("No token of the prompt has a score.")
  end
  local now
  if vim.api.nvim_get_current_buf() == painted.bufnr then
    local at = vim.api.nvim_win_get_cursor(0)
    local here = heat.token_at(painted.bufnr, at[1] - 1, at[2])
    for rank, index in ipairs(ranked) do
      now = index == here and rank or now
    end
  end
  local next_rank = now and (now - 1 + step) % #ranked + 1 or (step == 1 and 1 or #ranked)
  local index = ranked[next_rank]
  -- The cursor stands behind the leading space: on the word that is meant.
  local row, column = token_places.inside(painted.bufnr, places[index + 1])
  if go_to(painted.bufnr, row, column) then
    local number = token_heat.of(painted.attribution, painted.kind)[index + 1].number
    say(("%s %s, %d of %d."):format(painted.tokens[index + 1].display, number, next_rank, #ranked))
  end
end

---@param bufnr integer
---@param range table of the wire
---@return string
local function shown_text(bufnr, range)
  local row, column, end_row, end_column = positions.to_buffer(bufnr, range)
  if row == end_row and column == end_column then
    return "what comes next"
  end
  local text = table.concat(vim.api.nvim_buf_get_text(bufnr, row, column, end_row, end_column, {}), "\n")
  return token_display.token(text)
end

--- Locations of an answer, links too.
---@param answer any
---@return { uri: string, range: table }[]
function M.locations(answer)
  if type(answer) ~= "table" then
    return {}
  end
  local locations = {}
  for _, one in ipairs(vim.islist(answer) and answer or { answer }) do
    locations[#locations + 1] = {
      uri = one.targetUri or one.uri,
      range = one.targetSelectionRange or one.targetRange or one.range,
    }
  end
  return locations
end

--- Asks about the token at a place and goes to the only answer; several go into the quickfix list.
---@param method string
---@param more table params beside the place
---@param about { uri?: string, position?: table }?
---@param title string `%s` is the token
local function walk(method, more, about, title)
  if asking then
    asking:cancel()
  end
  asking = task.start(function()
    local bufnr = about and about.uri and vim.uri_to_bufnr(about.uri) or require("limpid.session").text_buffer()
    local window = vim.fn.bufwinid(bufnr)
    local at = about and about.position or (window ~= -1 and positions.cursor(window))
    if not at or not vim.api.nvim_buf_is_loaded(bufnr) then
      problems.throw("no-editor", "Put the cursor on a token of a prompt.")
    elseif not documents.wants(bufnr) then
      return say("This text is not known as a prompt; :Limpid inspect makes it one.")
    end
    local tick = vim.api.nvim_buf_get_changedtick(bufnr)
    local params = vim.tbl_extend("error", {
      textDocument = { uri = vim.uri_from_bufnr(bufnr) },
      position = { line = at.line, character = at.character },
    }, more)
    local locations = M.locations(requests.ask(bufnr, method, params))
    if not vim.api.nvim_buf_is_loaded(bufnr) or vim.api.nvim_buf_get_changedtick(bufnr) ~= tick then
      return say("The text has changed meanwhile.")
    elseif #locations == 0 then
      return say("Nothing of this token reaches another one here.")
    end
    if #locations == 1 then
      local row, column, end_row, end_column = positions.to_buffer(bufnr, locations[1].range)
      local inside, inside_column = token_places.inside(bufnr, { row, column, end_row, end_column })
      go_to(bufnr, inside, inside_column)
      return
    end
    local items = {}
    for place, location in ipairs(locations) do
      local row, column, end_row, end_column = positions.to_buffer(bufnr, location.range)
      items[place] = {
        bufnr = bufnr,
        lnum = row + 1,
        col = column + 1,
        end_lnum = end_row + 1,
        end_col = end_column + 1,
        text = shown_text(bufnr, location.range),
      }
    end
    local word = vim.api.nvim_buf_get_lines(bufnr, at.line, at.line + 1, false)[1] or ""
    local index = heat.token_at(bufnr, at.line, at.character)
    local painted = heat.shown()
    local name = index and painted and painted.tokens[index + 1].display
      or vim.fn.matchstr(word, [[\k*\%]] .. (at.character + 1) .. [[c\k*]])
    vim.fn.setqflist({}, " ", { title = title:format(name), items = items })
    vim.cmd("botright copen")
  end)
end

--- Goes to the span of the prompt that a token rests on most.
---@param about { uri?: string, position?: table }?
function M.rests_on(about)
  walk("textDocument/definition", {}, about, "Limpid: what %s rests on")
end

--- Goes to the later token that a token fed; several go into the quickfix list.
---@param about { uri?: string, position?: table }?
function M.fed(about)
  walk("textDocument/references", { context = { includeDeclaration = false } }, about, "Limpid: what %s fed")
end

return M
