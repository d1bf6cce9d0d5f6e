-- A session without any plugin: `vim.lsp.start` on a prompt file, inlay hints, a hover; then the screen goes to a file.
-- Run by record.py inside a terminal; the globals come from the environment.
local out, binary, home = vim.env.LIMPID_SCREEN, vim.env.LIMPID_BINARY, vim.env.LIMPID_HOME

local function screen()
  vim.cmd.redraw()
  local lines = {}
  for row = 1, vim.o.lines do
    local cells = {}
    for column = 1, vim.o.columns do
      cells[#cells + 1] = vim.fn.screenstring(row, column)
    end
    lines[#lines + 1] = (table.concat(cells):gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end

local function finish(text)
  vim.fn.writefile(vim.split(text, "\n"), out)
  vim.cmd("qall!")
end

local function wait(what, condition)
  if not vim.wait(120000, condition, 50) then
    finish("timed out waiting for " .. what .. "\n" .. screen())
    error(what)
  end
end

vim.api.nvim_create_autocmd("VimEnter", {
  callback = function()
    vim.schedule(function()
      local client = vim.lsp.start({
        name = "limpid",
        cmd = { binary, "lsp", "--standalone" },
        cmd_env = { LIMPID_HOME = home },
        root_dir = vim.fn.getcwd(),
      })
      wait("the client", function()
        return #vim.lsp.get_clients({ bufnr = 0, id = client }) > 0
      end)
      vim.lsp.inlay_hint.enable(true)
      -- While the model loads the hint says so; the prediction follows.
      wait("an inlay prediction", function()
        for _, hint in ipairs(vim.lsp.inlay_hint.get({ bufnr = 0 })) do
          local label = hint.inlay_hint.label
          local text = type(label) == "string" and label
            or table.concat(vim.tbl_map(function(part)
              return part.value
            end, label))
          if text:find("Paris") then
            return true
          end
        end
        return false
      end)
      vim.api.nvim_win_set_cursor(0, { 1, 19 })
      vim.lsp.buf.hover({ border = "single" })
      wait("the hover", function()
        for _, window in ipairs(vim.api.nvim_list_wins()) do
          if vim.api.nvim_win_get_config(window).relative ~= "" then
            return true
          end
        end
        return false
      end)
      finish(screen())
    end)
  end,
})
