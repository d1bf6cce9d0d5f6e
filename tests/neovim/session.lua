-- A session without any plugin: `vim.lsp.start` on a prompt file and on a chat, then what the standard verbs show. The screens
-- go to a file, each under its name. Run by record.py inside a terminal; the globals come from the environment.
local out, binary, home = vim.env.LIMPID_SCREEN, vim.env.LIMPID_BINARY, vim.env.LIMPID_HOME
local chat = vim.env.LIMPID_CHAT
local screens = {}

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
  return (table.concat(lines, "\n"):gsub("\n~\n[~\n]*~", "\n~"))
end

local function record(name)
  screens[#screens + 1] = "== " .. name .. "\n" .. screen()
end

local function finish()
  vim.fn.writefile(vim.split(table.concat(screens, "\n"), "\n"), out)
  vim.cmd("qall!")
end

local function wait(what, condition)
  if not vim.wait(120000, condition, 50) then
    record("timed out waiting for " .. what)
    finish()
    error(what)
  end
end

local function inlay_says(text)
  for _, hint in ipairs(vim.lsp.inlay_hint.get({ bufnr = 0 })) do
    local label = hint.inlay_hint.label
    local said = type(label) == "string" and label
      or table.concat(vim.tbl_map(function(part)
        return part.value
      end, label))
    if said:find(text) then
      return true
    end
  end
  return false
end

local function start()
  local client = vim.lsp.start({
    name = "limpid",
    cmd = { binary, "lsp" },
    cmd_env = { LIMPID_HOME = home },
    root_dir = vim.fn.getcwd(),
  })
  wait("the client", function()
    return #vim.lsp.get_clients({ bufnr = 0, id = client }) > 0
  end)
  vim.lsp.inlay_hint.enable(true)
end

local function float()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= "" then
      return window
    end
  end
end

local function quickfix(what, ask)
  vim.fn.setqflist({})
  vim.fn.setloclist(0, {})
  ask()
  wait(what, function()
    return #vim.fn.getqflist() > 0 or #vim.fn.getloclist(0) > 0
  end)
  record(what)
  vim.cmd("cclose | lclose")
end

vim.api.nvim_create_autocmd("VimEnter", {
  callback = function()
    vim.schedule(function()
      start()
      -- While the model loads the hint says so; the prediction follows.
      wait("an inlay prediction", function()
        return inlay_says("Paris")
      end)
      vim.api.nvim_win_set_cursor(0, { 1, 19 })
      vim.lsp.buf.hover({ border = "single" })
      wait("the hover", float)
      record("hover")
      vim.api.nvim_win_close(float(), true)

      -- What hiding each token really changes, from the code actions; then the hover has both numbers.
      local measured
      vim.lsp.handlers["window/showMessage"] = function(_, result)
        measured = result.message
      end
      vim.lsp.buf.code_action({
        apply = true,
        filter = function(action)
          return action.title == "Limpid: measure effects of the prompt's parts"
        end,
      })
      wait("the measured effects", function()
        return measured
      end)
      screens[#screens + 1] = "== measure effects\n" .. measured
      vim.lsp.buf.hover({ border = "single" })
      wait("the hover", float)
      record("hover, measured")
      vim.api.nvim_win_close(float(), true)

      -- From the end of the prompt to what its continuation rests on.
      vim.cmd("normal! $")
      vim.lsp.buf.definition()
      wait("the definition", function()
        return vim.api.nvim_win_get_cursor(0)[2] < 20
      end)
      local column = vim.api.nvim_win_get_cursor(0)[2]
      screens[#screens + 1] = "== definition\nfrom the end to: " .. vim.fn.expand("<cword>") .. " (column " .. column .. ")"

      vim.api.nvim_win_set_cursor(0, { 1, 16 })
      quickfix("references", vim.lsp.buf.references)

      vim.cmd.edit(chat)
      start()
      wait("a prediction for the chat", function()
        return inlay_says("%%")
      end)
      vim.lsp.codelens.refresh({ bufnr = 0 })
      wait("code lenses", function()
        local lenses = vim.lsp.codelens.get(0)
        return #lenses > 0 and lenses[1].command and lenses[1].command.title:find("tokens")
      end)
      vim.wait(200)
      record("code lens and diagnostics")
      quickfix("document symbols", vim.lsp.buf.document_symbol)
      finish()
    end)
  end,
})
