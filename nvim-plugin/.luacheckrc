-- Neovim's Lua is LuaJIT or, where there is none, plain 5.1: only what both have is used.
std = "lua51"
read_globals = { "vim" }
-- Options and variables are set through fields of these.
globals = { "vim.g", "vim.b", "vim.w", "vim.o", "vim.bo", "vim.wo", "vim.go", "vim.opt", "vim.opt_local", "vim.env" }
codes = true
-- Code is as long as StyLua makes it; comments are for people.
max_line_length = false
max_comment_line_length = 140
files["lua/limpid/generated"] = { max_comment_line_length = false }
files["spec/run.lua"] = { read_globals = { "arg" } }
