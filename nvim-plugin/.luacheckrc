-- Neovim's Lua is LuaJIT's, or plain 5.1 with the same library.
std = "luajit"
read_globals = { "vim" }
-- Options and variables are set through fields of these.
globals = { "vim.g", "vim.b", "vim.w", "vim.o", "vim.bo", "vim.wo", "vim.go", "vim.opt", "vim.opt_local", "vim.env" }
codes = true
-- Code is as long as StyLua makes it; comments are for people.
max_line_length = false
max_comment_line_length = 140
files["lua/limpid/generated"] = { max_comment_line_length = false }
files["spec/run.lua"] = { read_globals = { "arg" } }
