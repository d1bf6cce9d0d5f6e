-- What the words of `:Limpid` share: the run that a call is about, the token, the text behind the word. What must not live here: words.
local problems = require("limpid.problems")

local M = {}

--- Modules of the plugin, read when one is first used.
M.lazy = setmetatable({}, {
  __index = function(_, name)
    return require("limpid." .. name)
  end,
})

local lazy = M.lazy

---@param call limpid.Call
---@return table?  -- what a gesture is about
function M.about_of(call)
  if call.about then
    return call.about
  elseif call.range then
    return { bufnr = lazy.session.text_buffer(), range = call.range }
  end
end

--- The run shown, or a new one of the prompt at the cursor.
---@param call limpid.Call
---@param work fun(run: limpid.Run)
function M.with_run(call, work)
  lazy.session.with_run(M.about_of(call), work)
end

--- The run shown; says so where there is none.
---@param work fun(run: limpid.Run)
function M.with_shown(work)
  lazy.task.start(function()
    local run = lazy.runs.shown
    if not run then
      problems.throw("nothing-shown", "Inspect a prompt first: :Limpid inspect.")
    end
    work(run --[[@as limpid.Run]])
  end)
end

--- The buffer of the prompt at hand, told to the daemon, inside a task.
---@return integer
function M.buffer()
  local place = lazy.session.place()
  lazy.documents.ask(place.bufnr)
  return place.bufnr
end

---@param message string
function M.say(message)
  vim.api.nvim_echo({ { "Limpid: " .. message } }, false, {})
end

--- The token at the place that a gesture is about.
---@param run limpid.Run
---@param call limpid.Call
---@return integer?
function M.token_of(run, call)
  local at = call.about and call.about.position
  if not at then
    local window = vim.fn.bufwinid(run.bufnr)
    at = window ~= -1 and lazy.positions.cursor(window) or nil
  end
  return at and lazy.heat.token_at(run.bufnr, at.line, at.character)
end

---@param call limpid.Call
---@return string|nil  -- all words behind the first, as a token's text
function M.text_of(call)
  local args = call.args or {}
  if #args == 0 then
    return nil
  end
  local text = table.concat(args, " ")
  -- A token with a leading space is written as it is shown: `·Paris`.
  return (text:gsub("^·", " "))
end

return M
