-- The language server's configuration where Neovim has `vim.lsp.config` (0.11): `vim.lsp.config("limpid", { ... })` adds to it.
-- The plugin starts the server by itself, so `vim.lsp.enable("limpid")` is not needed.
return require("limpid.client").configuration()
