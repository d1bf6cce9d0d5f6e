-- Small windows that say something and go away with the next move: explanations, keys, status. What must not live here: hovers of
-- the text (hover.lua).
local M = {}

--- Shows lines of Markdown at the cursor; asked for again, it is entered.
---@param lines string[]
---@param name string
function M.show(lines, name)
  local _, window = vim.lsp.util.open_floating_preview(lines, "markdown", {
    border = "rounded",
    focus_id = "limpid_" .. name,
    max_width = 72,
    wrap = true,
  })
  vim.wo[window][0].linebreak = true
end

--- A list of keys in the middle of the screen, entered; any of `q`, `<Esc>` and `?` closes it.
---@param keys { keys: string[], says: string }[]
function M.keys(keys)
  local lines = {}
  local function add(pressed, says)
    lines[#lines + 1] = (" %s%s %s "):format(pressed, (" "):rep(12 - vim.fn.strdisplaywidth(pressed)), says)
  end
  for _, key in ipairs(keys) do
    add(table.concat(key.keys, " "), key.says)
  end
  add("1 … 7", "prediction, routes, lens, parts, components, effects, compare")
  add("za zR zM", "folds")
  local width = 0
  for _, line in ipairs(lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line))
  end
  local height = math.min(#lines, vim.o.lines - 4)
  width = math.min(width, vim.o.columns - 4)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].bufhidden = "wipe"
  local window = vim.api.nvim_open_win(bufnr, true, {
    relative = "editor",
    row = math.floor((vim.o.lines - height) / 2) - 1,
    col = math.floor((vim.o.columns - width) / 2),
    width = width,
    height = height,
    style = "minimal",
    border = "rounded",
    title = " Keys of the panel ",
  })
  for _, key in ipairs({ "q", "<Esc>", "?" }) do
    vim.keymap.set("n", key, function()
      vim.api.nvim_win_close(window, true)
    end, { buffer = bufnr, nowait = true })
  end
end

return M
