-- What K says: the daemon's hover of the token at the cursor in a float, and under it what can be done with the token.
-- What must not live here: what those words do (command.lua), explanations of the panel (float.lua).
local highlights = require("limpid.highlights")
local positions = require("limpid.positions")
local requests = require("limpid.requests")
local task = require("limpid.task")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("limpid_hover")
local MOST_COLUMNS = 84
local BETWEEN = "   "

--- Links of a token, as the hover of VS Code has them, with the words of `:Limpid` that they run.
local LINKS = {
  { title = "Panel", word = "panel" },
  { title = "Hide and measure", word = "measureHere" },
  { title = "Set as target", word = "setTarget" },
  { title = "What it rests on", word = "restsOn" },
  { title = "What it fed", word = "fed" },
}

---@class limpid.Link
---@field row integer from 0
---@field column integer bytes
---@field end_column integer
---@field word string

---@type limpid.Task?
local asking
---@type integer?
local window

---@param message string
local function say(message)
  vim.api.nvim_echo({ { "Limpid: " .. message } }, false, {})
end

--- The lines of a hover's contents, whatever shape the server gave them.
---@param contents any
---@return string[]
function M.lines(contents)
  if type(contents) ~= "table" and type(contents) ~= "string" then
    return {}
  end
  return vim.lsp.util.convert_input_to_markdown_lines(contents)
end

--- Whether a hover is about a token: keys and settings are explained too, and nothing can be done with those.
---@param lines string[]
---@return boolean
function M.is_of_token(lines)
  return (lines[1] or ""):find("token [%d,]+ of [%d,]+") ~= nil
end

--- Links in as many lines as they need.
---@param columns integer
---@param row integer of the first line, from 0
---@return string[] lines
---@return limpid.Link[] links
function M.links(columns, row)
  local lines, links, line = {}, {}, ""
  for _, link in ipairs(LINKS) do
    if line ~= "" and #line + #BETWEEN + #link.title > columns then
      lines[#lines + 1] = line
      line = ""
    end
    line = line == "" and line or line .. BETWEEN
    links[#links + 1] = { row = row + #lines, column = #line, end_column = #line + #link.title, word = link.word }
    line = line .. link.title
  end
  lines[#lines + 1] = line
  return lines, links
end

--- Where the links stand in the float: Neovim may have taken lines out above them. Only the last lines count: what stands above may
--- be a prompt's text.
---@param bufnr integer
---@param lines string[] of the links
---@param links limpid.Link[] numbered from row 0
---@return boolean
local function place(bufnr, lines, links)
  local first = vim.api.nvim_buf_line_count(bufnr) - #lines
  if first < 0 or not vim.deep_equal(vim.api.nvim_buf_get_lines(bufnr, first, -1, false), lines) then
    return false
  end
  for _, link in ipairs(links) do
    link.row = link.row + first
    vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, link.row, link.column, {
      end_col = link.end_column,
      hl_group = "LimpidLink",
      priority = 200,
    })
  end
  return true
end

---@param links limpid.Link[]
---@param step 1|-1
local function to_link(links, step)
  local at = vim.api.nvim_win_get_cursor(0)
  local row, column = at[1] - 1, at[2]
  local found
  for number = 1, #links do
    local link = links[step == 1 and number or #links + 1 - number]
    local is_after = link.row > row or (link.row == row and link.column > column)
    local is_before = link.row < row or (link.row == row and link.end_column <= column)
    if (step == 1 and is_after) or (step == -1 and is_before) then
      found = link
      break
    end
  end
  found = found or links[step == 1 and 1 or #links]
  vim.api.nvim_win_set_cursor(0, { found.row + 1, found.column })
end

---@param links limpid.Link[]
---@return limpid.Link?
local function link_here(links)
  local at = vim.api.nvim_win_get_cursor(0)
  for _, link in ipairs(links) do
    if link.row == at[1] - 1 and at[2] >= link.column and at[2] < link.end_column then
      return link
    end
  end
end

--- Keys inside the float.
---@param float integer
---@param bufnr integer
---@param links limpid.Link[]
---@param about { uri: string, position: table, here: boolean }
local function map_keys(float, bufnr, links, about)
  local function map(keys, says, action)
    for _, key in ipairs(keys) do
      vim.keymap.set("n", key, action, { buffer = bufnr, nowait = true, desc = says })
    end
  end
  map({ "<CR>", "gx", "<2-LeftMouse>" }, "do what the link says", function()
    local link = link_here(links)
    if not link then
      return to_link(links, 1)
    end
    vim.api.nvim_win_close(float, true)
    local text = vim.fn.bufwinid(vim.uri_to_bufnr(about.uri))
    if text ~= -1 then
      vim.api.nvim_set_current_win(text)
    end
    require("limpid.command").run(link.word, { about = about })
  end)
  map({ "<Tab>" }, "to the next link", function()
    to_link(links, 1)
  end)
  map({ "<S-Tab>" }, "to the link before", function()
    to_link(links, -1)
  end)
end

--- Shows a hover at the cursor.
---@param contents any
---@param about { uri: string, position: table, here: boolean }
local function open(contents, about)
  local lines = M.lines(contents)
  if #lines == 0 then
    return
  end
  highlights.apply()
  local link_lines, links = {}, {}
  if M.is_of_token(lines) then
    link_lines, links = M.links(math.min(MOST_COLUMNS, vim.o.columns - 4), 0)
    vim.list_extend(lines, { "" })
    vim.list_extend(lines, link_lines)
  end
  local has_border, border = pcall(function()
    return vim.o.winborder
  end)
  local bufnr
  bufnr, window = vim.lsp.util.open_floating_preview(lines, "markdown", {
    border = has_border and border ~= "" and border or "rounded",
    focus_id = "limpid_hover",
    max_width = MOST_COLUMNS,
    wrap = true,
  })
  if #links > 0 and place(bufnr, link_lines, links) then
    map_keys(window, bufnr, links, about)
  end
end

--- Says what the token at the cursor does; called again, the cursor goes into what is shown.
function M.show()
  if window and vim.api.nvim_win_is_valid(window) then
    return vim.api.nvim_set_current_win(window)
  end
  if asking then
    asking:cancel()
  end
  local bufnr, own = vim.api.nvim_get_current_buf(), vim.api.nvim_get_current_win()
  local at = positions.cursor(own)
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  asking = task.start(function()
    local uri = vim.uri_from_bufnr(bufnr)
    local answer = requests.ask(bufnr, "textDocument/hover", { textDocument = { uri = uri }, position = at })
    local is_here = vim.api.nvim_get_current_win() == own
      and vim.api.nvim_get_current_buf() == bufnr
      and vim.api.nvim_buf_get_changedtick(bufnr) == tick
      and vim.deep_equal(positions.cursor(own), at)
    if not is_here then
      return
    end
    if type(answer) ~= "table" or #M.lines(answer.contents) == 0 then
      local busy = require("limpid.session").busy_words()
      return say(busy and busy .. " …" or "There is no token of a prompt here.")
    end
    open(answer.contents, { uri = uri, position = at, here = true })
  end)
end

return M
