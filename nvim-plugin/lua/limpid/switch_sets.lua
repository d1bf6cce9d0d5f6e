-- Sets of switches in the file beside the prompt: taken, and kept. What must not live here: what a switch does.
local changes = require("limpid.changes")
local pickers = require("limpid.pickers")
local problems = require("limpid.problems")
local switches = require("limpid.switches")

local M = {}

---@param run limpid.Run
---@param name string
local function keep(run, name)
  local off = switches.of(run)
  local view = run:ask("limpid/switches", { save = { name = name, switches = off } }).view
  local path = vim.uri_to_fname(view.uri)
  local bufnr = vim.fn.bufadd(path)
  vim.fn.bufload(bufnr)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split((view.text:gsub("\n$", "")), "\n"))
  vim.api.nvim_buf_call(bufnr, function()
    vim.cmd("silent write")
  end)
  vim.api.nvim_echo({ { ("Limpid: %s keeps %s."):format(vim.fs.basename(path), name) } }, false, {})
end

--- Chooses a set, or names what is off now, inside a task.
---@param run limpid.Run
function M.choose(run)
  local view = run:ask("limpid/switches", {}).view
  local items = {}
  for _, set in ipairs(view.sets) do
    items[#items + 1] = { label = ("%s: %s"):format(set.name, changes.words(set.switches, run.tokens)), value = set }
  end
  if #switches.of(run) > 0 then
    items[#items + 1] = { label = "Keep what is off now as a set", value = "keep" }
  end
  if #items == 0 then
    problems.throw("no-set", "Nothing is switched off, and there is no file of switches beside the prompt.")
  end
  local chosen = pickers.select("Switches", items)
  if chosen == "keep" then
    local name = pickers.input("Name of the set: ")
    if name and name ~= "" then
      keep(run, name)
    end
  elseif chosen then
    local list = chosen.switches
    switches.take(run, type(list) == "table" and vim.islist(list) and list or { list })
    require("limpid.panel").open()
  end
end

return M
