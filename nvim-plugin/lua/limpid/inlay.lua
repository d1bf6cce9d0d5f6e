-- Inlay hints that the daemon says are old. Neovim (0.11) marks their lines as undrawn and asks anew; where the screen is drawn before the
-- answer comes, the old hints are drawn again, the lines count as drawn, and the new hints never show: the prediction stays at
-- "⟳ loading". Neovim 0.10 draws no line anew whose text is as it was. What must not live here: what hints say, which the daemon knows.
local M = {}

local HINTS, REFRESH = "textDocument/inlayHint", "workspace/inlayHint/refresh"

---@param client vim.lsp.Client
---@param bufnr integer
---@param refresh fun()
local function ask(client, bufnr, refresh)
  if vim.fn.has("nvim-0.11") == 0 then
    vim.lsp.inlay_hint.enable(false, { bufnr = bufnr })
    vim.lsp.inlay_hint.enable(true, { bufnr = bufnr })
    return
  end
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(bufnr) },
    range = {
      start = { line = 0, character = 0 },
      ["end"] = { line = vim.api.nvim_buf_line_count(bufnr), character = 0 },
    },
  }
  client:request(HINTS, params, function(wrong, answer, of)
    vim.lsp.handlers[HINTS](wrong, answer, of)
    refresh()
  end, bufnr)
end

--- The handler of `workspace/inlayHint/refresh`: asks first, and has the lines drawn again when the answer is there.
---@type lsp.Handler
function M.refresh(failed, result, context)
  local refresh = vim.lsp.handlers[REFRESH]
  local client = vim.lsp.get_client_by_id(context.client_id)
  if not client or not refresh then
    return refresh and refresh(failed, result, context) or vim.NIL
  end
  for bufnr in pairs(client.attached_buffers) do
    if #vim.fn.win_findbuf(bufnr) > 0 and vim.lsp.inlay_hint.is_enabled({ bufnr = bufnr }) then
      ask(client, bufnr, function()
        refresh(nil, nil, context)
      end)
    end
  end
  return vim.NIL
end

return M
