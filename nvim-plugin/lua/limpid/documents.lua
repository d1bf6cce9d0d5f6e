-- Which buffers the daemon is told of: prompts by their file type, Markdown with a prompt fence, and any buffer that a gesture was
-- about. Nothing of another buffer ever leaves the editor. What must not live here: the language client.
local config = require("limpid.config")

local M = {}

--- File types whose buffers are prompts as a whole.
M.PROMPTS = { prompt = true, prompty = true, chat = true }
--- Of a Markdown buffer, so many lines are looked at for a fence.
local LOOKED_AT = 20000
--- The daemon takes no more, bytes.
M.MOST_BYTES = 10 * 1024 * 1024

---@type table<integer, boolean> buffers that a gesture was about
local asked = {}

---@param bufnr integer
---@return boolean
local function has_fence(bufnr)
  for _, line in ipairs(vim.api.nvim_buf_get_lines(bufnr, 0, LOOKED_AT, false)) do
    if line:find("^ ? ? ?[`~][`~][`~]+%s*prompt%f[^%w_]") then
      return true
    end
  end
  return false
end

---@param bufnr integer
---@return boolean
function M.is_file(bufnr)
  return vim.api.nvim_buf_is_loaded(bufnr) and vim.bo[bufnr].buftype == "" and vim.api.nvim_buf_get_name(bufnr) ~= ""
end

---@param bufnr integer
---@return integer bytes
function M.bytes(bufnr)
  return math.max(0, vim.api.nvim_buf_get_offset(bufnr, vim.api.nvim_buf_line_count(bufnr)))
end

--- Whether the daemon is to know of a buffer without anybody saying so.
---@param bufnr integer
---@return boolean
function M.holds_prompt(bufnr)
  local filetype = vim.bo[bufnr].filetype
  if not vim.tbl_contains(config.get().languages, filetype) then
    return false
  end
  return filetype ~= "markdown" or has_fence(bufnr)
end

---@param bufnr integer
---@return boolean
function M.wants(bufnr)
  return M.is_file(bufnr) and M.bytes(bufnr) <= M.MOST_BYTES and (asked[bufnr] or M.holds_prompt(bufnr))
end

--- A gesture was about this buffer.
---@param bufnr integer
function M.ask(bufnr)
  asked[bufnr] = true
end

--- Buffers that the daemon is to know.
---@return integer[]
function M.all()
  return vim.tbl_filter(M.wants, vim.api.nvim_list_bufs())
end

--- A buffer got its file type: where it is a prompt, the daemon is told. A Markdown buffer without a fence is looked at again when
--- it is written, and when a person stops typing in it.
---@param bufnr integer
function M.look_at(bufnr)
  if M.wants(bufnr) then
    require("limpid.task").start(function()
      require("limpid.client").open(bufnr)
    end)
  elseif vim.bo[bufnr].filetype == "markdown" and M.is_file(bufnr) then
    vim.api.nvim_create_autocmd({ "BufWritePost", "InsertLeave" }, {
      group = vim.api.nvim_create_augroup("limpid_fence_" .. bufnr, {}),
      buffer = bufnr,
      callback = function(event)
        if M.wants(bufnr) then
          vim.api.nvim_del_augroup_by_id(event.group)
          M.look_at(bufnr)
        end
      end,
    })
  end
end

--- Shows the lenses of a buffer where the setting says so.
---@param bufnr integer
function M.show_lenses(bufnr)
  if config.get().code_lens then
    vim.lsp.codelens.refresh({ bufnr = bufnr })
  end
end

--- Whether K is nobody's: unmapped, or Neovim's own map of it.
---@return boolean
local function is_k_free()
  local map = vim.fn.maparg("K", "n", false, true)
  return vim.tbl_isempty(map) or (map.buffer == 1 and (map.desc or ""):find("vim%.lsp%.buf%.hover") ~= nil)
end

--- The daemon was told of a buffer: what it shows there by itself is switched on.
---@param bufnr integer
function M.attached(bufnr)
  local settings = config.get()
  if settings.inlay.enabled and vim.lsp.inlay_hint then
    vim.lsp.inlay_hint.enable(true, { bufnr = bufnr })
  end
  local group = vim.api.nvim_create_augroup("limpid_buffer_" .. bufnr, {})
  M.show_lenses(bufnr)
  vim.api.nvim_create_autocmd({ "InsertLeave", "BufWritePost", "BufEnter" }, {
    group = group,
    buffer = bufnr,
    callback = function()
      M.show_lenses(bufnr)
    end,
  })
  vim.api.nvim_create_autocmd({ "BufUnload", "BufWipeout" }, {
    group = group,
    buffer = bufnr,
    callback = function()
      asked[bufnr] = nil
      require("limpid.runs").closed(bufnr)
      pcall(vim.api.nvim_del_augroup_by_id, group)
    end,
  })
  require("limpid.follow").attach(bufnr, group)
  -- Neovim maps K in its own LspAttach, which comes after this.
  vim.schedule(function()
    if vim.api.nvim_buf_is_loaded(bufnr) then
      vim.api.nvim_buf_call(bufnr, function()
        if is_k_free() then
          vim.keymap.set(
            "n",
            "K",
            "<Plug>(limpid-hover)",
            { buffer = bufnr, desc = "Limpid: what the token here does" }
          )
        end
      end)
    end
  end)
end

return M
