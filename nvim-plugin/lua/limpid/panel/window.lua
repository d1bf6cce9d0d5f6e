-- The panel's buffer and windows: a side split that can be closed and opened, with folds, in any tab page. What must not live here:
-- what is drawn, and keys.
local config = require("limpid.config")
local Page = require("limpid.page")

local M = {}

local namespace = vim.api.nvim_create_namespace("limpid_panel")
local pointed = vim.api.nvim_create_namespace("limpid_panel_point")

---@type integer?
local buffer
---@type limpid.Line[] lines of the page that is drawn
M.lines = {}

---@return integer
function M.buffer()
  if buffer and vim.api.nvim_buf_is_valid(buffer) then
    return buffer
  end
  buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buffer, "limpid://panel")
  for option, value in pairs({
    buftype = "nofile",
    bufhidden = "hide",
    swapfile = false,
    modifiable = false,
    undolevels = -1,
  }) do
    vim.bo[buffer][option] = value
  end
  vim.bo[buffer].filetype = "limpid"
  M.lines = {}
  require("limpid.panel.keys").attach(buffer)
  return buffer
end

--- The panel's window in this tab page.
---@return integer?
function M.window()
  if not buffer or not vim.api.nvim_buf_is_valid(buffer) then
    return nil
  end
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if vim.api.nvim_win_get_buf(window) == buffer then
      return window
    end
  end
end

--- Columns that a page may take.
---@return integer
function M.columns()
  local window = M.window()
  return window and vim.api.nvim_win_get_width(window) or config.get().panel.width
end

local OPTIONS = {
  wrap = false,
  number = false,
  relativenumber = false,
  signcolumn = "no",
  foldcolumn = "0",
  statuscolumn = "",
  colorcolumn = "",
  cursorline = true,
  cursorcolumn = false,
  spell = false,
  list = false,
  conceallevel = 0,
  winfixwidth = true,
  winfixbuf = true,
  foldmethod = "expr",
  foldexpr = "v:lua.require'limpid.panel.window'.fold()",
  foldtext = "v:lua.require'limpid.panel.window'.folded()",
  foldlevel = 99,
  foldminlines = 0,
  foldenable = true,
  fillchars = "fold: ,eob: ",
  winhighlight = "Folded:Normal",
}

--- Shows the panel beside the text, without going there.
---@param enter? boolean
---@return integer window
function M.open(enter)
  local window = M.window()
  if not window then
    require("limpid.highlights").apply()
    local settings = config.get().panel
    -- On a narrow screen the text, which is what is read, keeps two fifths.
    local width = math.min(settings.width, math.max(30, math.floor(vim.o.columns * 0.6)))
    window = vim.api.nvim_open_win(M.buffer(), false, { split = settings.position, win = -1, width = width })
    for option, value in pairs(OPTIONS) do
      vim.wo[window][0][option] = value
    end
  end
  if enter then
    vim.api.nvim_set_current_win(window)
  end
  return window
end

--- Closes it in this tab page; the last window of Neovim stays.
function M.close()
  local window = M.window()
  if window then
    pcall(vim.api.nvim_win_close, window, true)
  end
end

--- Fold level of a line, for `foldexpr`.
---@return string
function M.fold()
  local line = M.lines[vim.v.lnum]
  if not line or not line.level then
    return "0"
  end
  return (line.opens and ">" or "") .. line.level
end

--- What stands for a closed fold, for `foldtext`.
---@return table
function M.folded()
  local line = M.lines[vim.v.foldstart]
  if not line then
    return {}
  end
  local chunks = Page.folded(line, vim.v.foldend - vim.v.foldstart, config.get().glyphs, M.columns())
  return vim.tbl_map(function(chunk)
    return { chunk[1], chunk[2] or "Normal" }
  end, chunks)
end

---@param page limpid.Page
---@return string[]
local function texts(page)
  return vim.tbl_map(Page.text, page.lines)
end

--- Lines at both ends that are as they were: only what changed is replaced, so that folds and cursor stay where they are.
---@param before string[]
---@param after string[]
---@return integer head, integer tail
local function unchanged(before, after)
  local most = math.min(#before, #after)
  local head = 0
  while head < most and before[head + 1] == after[head + 1] do
    head = head + 1
  end
  local tail = 0
  while tail < most - head and before[#before - tail] == after[#after - tail] do
    tail = tail + 1
  end
  return head, tail
end

--- Puts a page into the buffer.
---@param page limpid.Page
function M.show(page)
  local bufnr = M.buffer()
  local before = vim.api.nvim_buf_get_lines(bufnr, 0, -1, false)
  local after = texts(page)
  local head, tail = unchanged(before, after)
  M.lines = page.lines
  local replaced = vim.list_slice(after, head + 1, #after - tail)
  if head + tail < #before or #replaced > 0 then
    local window = M.window()
    local at = window and vim.api.nvim_win_get_cursor(window)
    vim.bo[bufnr].modifiable = true
    vim.api.nvim_buf_set_lines(bufnr, head, #before - tail, false, replaced)
    vim.bo[bufnr].modifiable = false
    vim.bo[bufnr].modified = false
    if window and at then
      local last = vim.api.nvim_buf_line_count(bufnr)
      pcall(vim.api.nvim_win_set_cursor, window, { math.min(at[1], last), at[2] })
    end
  end
  vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
  for row, line in ipairs(page.lines) do
    for _, mark in ipairs(Page.marks(line)) do
      vim.api.nvim_buf_set_extmark(bufnr, namespace, row - 1, mark[1], {
        end_col = mark[2],
        hl_group = mark[3],
        priority = 100,
        strict = false,
      })
    end
  end
end

--- Lights up the lines about a token; nil: none. Not in reverse, as the token in the text: a line has words of many colours.
---@param index integer?
function M.point(index)
  if not buffer or not vim.api.nvim_buf_is_valid(buffer) then
    return
  end
  vim.api.nvim_buf_clear_namespace(buffer, pointed, 0, -1)
  if not index then
    return
  end
  for row, line in ipairs(M.lines) do
    if line.token == index then
      vim.api.nvim_buf_set_extmark(buffer, pointed, row - 1, 0, { line_hl_group = "Visual", priority = 50 })
    end
  end
end

--- The line that the cursor of the panel is on.
---@return limpid.Line?
function M.line()
  local window = M.window()
  return window and M.lines[vim.api.nvim_win_get_cursor(window)[1]]
end

--- What the cursor of the panel is on.
---@return limpid.About?
function M.about()
  local window = M.window()
  local line = M.line()
  return window and line and Page.about(line, vim.api.nvim_win_get_cursor(window)[2])
end

--- How deep folds are open at first.
---@param level integer
function M.open_folds(level)
  local window = M.window()
  if window then
    vim.wo[window][0].foldlevel = level
  end
end

--- Puts the panel's cursor on the first line about something, or on the section's first line.
---@param is_it fun(line: limpid.Line): boolean
function M.go_to(is_it)
  local window = M.window()
  if not window then
    return
  end
  for row, line in ipairs(M.lines) do
    if is_it(line) then
      -- What stands above it is seen too, where there is room for both.
      vim.api.nvim_win_call(window, function()
        vim.fn.winrestview({ topline = 1 })
      end)
      vim.api.nvim_win_set_cursor(window, { row, 0 })
      return
    end
  end
end

return M
