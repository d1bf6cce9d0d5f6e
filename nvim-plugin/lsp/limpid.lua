-- The language server for `vim.lsp.config` (0.11): what a person adds by `vim.lsp.config("limpid", { ... })` holds on top. The plugin
-- itself starts the server for prompts, so `vim.lsp.enable("limpid")` is not needed and changes nothing. What must not live here: what
-- the plugin starts the server with (client.lua).
return {
  cmd = { "limpid", "lsp" },
  filetypes = { "prompt", "prompty", "chat", "markdown" },
  root_dir = function(bufnr)
    require("limpid.documents").look_at(bufnr)
  end,
}
