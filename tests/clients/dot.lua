-- The routes of an inspection (`limpid inspect --format json`) as the Neovim plugin exports them: `nvim -l dot.lua INSPECTION.json`.
-- What must not live here: comparing.
local here = vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p")))
vim.opt.runtimepath:prepend(vim.fs.dirname(vim.fs.dirname(here)) .. "/nvim-plugin")

local file = assert(io.open(_G.arg[1], "rb"))
local inspection = vim.json.decode(file:read("*a"))
file:close()

local token = require("limpid.token_display").token
local tokens = vim.tbl_map(function(row)
  return { index = row.index, id = row.id, display = token(row.text), range = vim.NIL }
end, inspection.tokens)
io.stdout:write(require("limpid.dot").text(inspection.model.name, { routes = inspection.routes }, tokens))
