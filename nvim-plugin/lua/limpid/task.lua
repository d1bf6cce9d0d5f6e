-- Work that waits without blocking the editor: a coroutine that can be given up. What must not live here: what is waited for.
local M = {}

---@class limpid.Task
---@field private routine thread
---@field private give_up? fun() gives up what is waited for now
---@field private finally? fun()
---@field is_over boolean
local Task = {}
Task.__index = Task

---@type limpid.Task?
local current

---@param ... any what was waited for
function Task:resume(...)
  if self.is_over then
    return
  end
  self.give_up = nil
  local outer = current
  current = self
  local went_well, problem = coroutine.resume(self.routine, ...)
  current = outer
  if coroutine.status(self.routine) ~= "dead" then
    return
  end
  self.is_over = true
  if self.finally then
    self.finally()
  end
  if not went_well then
    require("limpid.problems").failed(problem, debug.traceback(self.routine))
  end
end

--- Gives the work up: it never goes on, and what it waits for is told so.
function Task:cancel()
  if self.is_over then
    return
  end
  self.is_over = true
  if self.give_up then
    self.give_up()
  end
  if self.finally then
    self.finally()
  end
end

--- Starts work. Problems that it throws are shown.
---@param work fun()
---@param finally? fun() runs when it is over, however it ended
---@return limpid.Task
function M.start(work, finally)
  local task = setmetatable({ routine = coroutine.create(work), finally = finally, is_over = false }, Task)
  task:resume()
  return task
end

--- Waits, inside a task, until `done` is called, and returns what it was called with.
---@param ask fun(done: fun(...)): fun()? starts what is waited for; returns what gives it up
---@return any ...
function M.await(ask)
  local task = assert(current, "only a task can wait")
  local early, is_waiting, is_done = nil, false, false
  local function done(...)
    if is_done then
      return
    end
    is_done = true
    if not is_waiting then
      early = { n = select("#", ...), ... }
      return
    end
    local said = { n = select("#", ...), ... }
    if vim.in_fast_event() then
      vim.schedule(function()
        task:resume(unpack(said, 1, said.n))
      end)
    else
      task:resume(unpack(said, 1, said.n))
    end
  end
  local give_up = ask(done)
  if early then
    return unpack(early, 1, early.n)
  end
  is_waiting = true
  task.give_up = give_up
  return coroutine.yield()
end

---@param ms integer
function M.sleep(ms)
  M.await(function(done)
    local timer = vim.defer_fn(done, ms)
    return function()
      if not timer:is_closing() then
        timer:close()
      end
    end
  end)
end

--- Runs a program without a shell.
---@param command string[]
---@param options? vim.SystemOpts
---@return vim.SystemCompleted?  -- nil: it could not be started
---@return string? why
function M.program(command, options)
  return M.await(function(done)
    local started, process = pcall(
      vim.system,
      command,
      options or {},
      vim.schedule_wrap(function(ended)
        done(ended)
      end)
    )
    if not started then
      done(nil, tostring(process))
      return
    end
    return function()
      process:kill("sigterm")
    end
  end)
end

return M
