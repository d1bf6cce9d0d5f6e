-- Neovim's Lua is LuaJIT's, or plain 5.1 with the same library.
std = "luajit"
read_globals = { "vim" }
-- Options and variables are set through fields of these.
globals = { "vim.g", "vim.b", "vim.w", "vim.o", "vim.bo", "vim.wo", "vim.go", "vim.opt", "vim.opt_local", "vim.env" }
codes = true
max_line_length = 140
max_comment_line_length = 140
-- A string cannot be broken up for its length.
max_string_line_length = false
files["lua/limpid/generated"] = { max_line_length = false, max_comment_line_length = false }
-- Options of the editor are set here, by the name of a buffer or window.
files["spec"] = { read_globals = { "arg" } }
