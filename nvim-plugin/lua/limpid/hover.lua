-- What K says: the daemon's hover of the token at the cursor in a float, and under it what can be done with the token.
-- What must not live here: what those words do (command.lua), explanations of the panel (float.lua).
local documents = require("limpid.documents")
local highlights = require("limpid.highlights")
local positions = require("limpid.positions")
local requests = require("limpid.requests")
local task = require("limpid.task")

local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("limpid_hover")
local MOST_COLUMNS = 84
local BETWEEN = "   "
local KEYS = " K goes in  <Tab> link  <CR> does it "

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

---@type { task: limpid.Task, is_here: (fun(): boolean), goes_in: boolean }?
local asking
---@type integer?
local window

---@param message string
local function say(message)
  vim.api.nvim_echo({ { "Limpid: " .. message } }, false, {})
end

--- The lines of a hover's contents, whatever shape the server gave them. Blanks at a line's end, which break it in Markdown, are
--- left out: it is broken already.
---@param contents any
---@return string[]
function M.lines(contents)
  if type(contents) ~= "table" and type(contents) ~= "string" then
    return {}
  end
  local lines = {}
  for at, line in ipairs(vim.lsp.util.convert_input_to_markdown_lines(contents)) do
    lines[at] = (line:gsub("%s+$", ""))
  end
  return lines
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

--- Columns and rows that lines take: the marks of code are not seen.
---@param lines string[]
---@param most integer columns
---@return integer columns
---@return integer rows
function M.size(lines, most)
  local widths, columns, rows = {}, 1, 0
  for at, line in ipairs(lines) do
    widths[at] = vim.fn.strdisplaywidth((line:gsub("`+", "")))
    columns = math.max(columns, widths[at])
  end
  columns = math.min(columns, most)
  for _, width in ipairs(widths) do
    rows = rows + math.max(1, math.ceil(width / columns))
  end
  return columns, rows
end

--- Closes the float, and what watches over it.
local function close()
  pcall(vim.api.nvim_del_augroup_by_name, "limpid_hover")
  if window and vim.api.nvim_win_is_valid(window) then
    vim.api.nvim_win_close(window, true)
  end
  window = nil
end

--- The float goes with the next move in the text, and when another buffer is entered.
---@param text integer
---@param float integer
local function close_later(text, float)
  local group = vim.api.nvim_create_augroup("limpid_hover", {})
  vim.api.nvim_create_autocmd({ "CursorMoved", "CursorMovedI", "InsertEnter", "BufUnload" }, {
    group = group,
    buffer = text,
    callback = close,
  })
  vim.api.nvim_create_autocmd("BufEnter", {
    group = group,
    callback = function(event)
      if event.buf ~= text and event.buf ~= float then
        close()
      end
    end,
  })
  vim.api.nvim_create_autocmd("WinClosed", { group = group, pattern = tostring(window), callback = close })
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
---@param bufnr integer
---@param links limpid.Link[]
---@param about { uri: string, position: table, here: boolean }
local function map_keys(bufnr, links, about)
  local function map(keys, says, action)
    for _, key in ipairs(keys) do
      vim.keymap.set("n", key, action, { buffer = bufnr, nowait = true, desc = says })
    end
  end
  map({ "q", "<Esc>" }, "close", close)
  if #links == 0 then
    return
  end
  map({ "<CR>", "gx", "<2-LeftMouse>" }, "do what the link says", function()
    local link = link_here(links)
    if not link then
      return to_link(links, 1)
    end
    close()
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

---@return string
local function border()
  local has_option, wanted = pcall(function()
    return vim.o.winborder
  end)
  return has_option and wanted ~= "" and wanted or "rounded"
end

--- Shows a hover at the cursor. Neovim's own float for Markdown takes 30 ms of work for these few lines; this takes 3.
---@param lines string[]
---@param about { uri: string, position: table, here: boolean }
local function open(lines, about)
  highlights.apply()
  close()
  local links = {}
  if M.is_of_token(lines) then
    local link_lines
    link_lines, links = M.links(math.min(MOST_COLUMNS, vim.o.columns - 4), #lines + 1)
    lines = vim.list_extend(vim.list_extend(vim.list_slice(lines), { "" }), link_lines)
  end
  local text, bufnr = vim.api.nvim_get_current_buf(), vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].bufhidden = "wipe"
  -- Without the parser the text is plain.
  pcall(vim.treesitter.start, bufnr, "markdown")
  for _, link in ipairs(links) do
    vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, link.row, link.column, {
      end_col = link.end_column,
      hl_group = "LimpidLink",
      priority = 200,
    })
  end
  local columns, rows = M.size(lines, math.min(MOST_COLUMNS, vim.o.columns - 4))
  local frame = border()
  local how = vim.lsp.util.make_floating_popup_options(columns, rows, { border = frame, focusable = true })
  if #links > 0 and columns > #KEYS and frame ~= "none" then
    how.footer, how.footer_pos = { { KEYS, "LimpidDim" } }, "right"
  end
  window = vim.api.nvim_open_win(bufnr, false, how)
  local options =
    { wrap = true, linebreak = true, conceallevel = 2, concealcursor = "n", foldenable = false, spell = false }
  for option, value in pairs(options) do
    vim.api.nvim_set_option_value(option, value, { scope = "local", win = window })
  end
  map_keys(bufnr, links, about)
  close_later(text, bufnr)
end

local is_warm = false

--- Reads what colours Markdown while the daemon works: the first time that takes 50 ms.
local function warm_up()
  if not is_warm then
    is_warm = true
    pcall(function()
      vim.treesitter.get_string_parser("`code`", "markdown"):parse(true)
      vim.treesitter.query.get("markdown", "highlights")
      vim.treesitter.query.get("markdown_inline", "highlights")
    end)
  end
end

--- Says what the token at the cursor does; called again, the cursor goes into what is shown, or will be.
function M.show()
  if window and vim.api.nvim_win_is_valid(window) then
    return vim.api.nvim_set_current_win(window)
  end
  local bufnr, own = vim.api.nvim_get_current_buf(), vim.api.nvim_get_current_win()
  if not documents.wants(bufnr) then
    return say("This text is not known as a prompt; :Limpid inspect makes it one.")
  end
  local at = positions.cursor(own)
  local tick = vim.api.nvim_buf_get_changedtick(bufnr)
  local function is_here()
    return vim.api.nvim_get_current_win() == own
      and vim.api.nvim_get_current_buf() == bufnr
      and vim.api.nvim_buf_get_changedtick(bufnr) == tick
      and vim.deep_equal(positions.cursor(own), at)
  end
  if asking and not asking.task.is_over then
    if asking.is_here() then
      asking.goes_in = true
      return
    end
    asking.task:cancel()
  end
  local mine = { is_here = is_here, goes_in = false }
  mine.task = task.start(function()
    local uri = vim.uri_from_bufnr(bufnr)
    local answer = requests.ask(bufnr, "textDocument/hover", { textDocument = { uri = uri }, position = at })
    if not is_here() then
      return
    end
    local lines = type(answer) == "table" and M.lines(answer.contents) or {}
    if #lines == 0 then
      local busy = require("limpid.session").busy_words()
      return say(busy and busy .. " …" or "There is no token of a prompt here.")
    end
    open(lines, { uri = uri, position = at, here = true })
    if mine.goes_in then
      vim.api.nvim_set_current_win(window)
    end
  end)
  asking = mine
  warm_up()
end

return M
