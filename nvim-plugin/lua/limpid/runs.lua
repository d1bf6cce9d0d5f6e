-- The runs of this session: the one shown, those before it, pinned ones. What must not live here: asking the daemon, and anything
-- that is drawn.
local Run = require("limpid.run")

local M = {}

--- So many runs are remembered beside the pinned ones.
local MOST = 30

---@type limpid.Run?
M.shown = nil
--- Newest first.
---@type limpid.Run[]
M.all = {}

local next_number = 1
---@type fun()[]
local listeners = {}

--- Calls back when the run shown, a head, or the list changed.
---@param changed fun()
function M.on_change(changed)
  listeners[#listeners + 1] = changed
end

function M.touched()
  for _, changed in ipairs(listeners) do
    changed()
  end
end

---@param question limpid.Question
---@param title string
---@return limpid.Run
function M.make(question, title)
  local id = "r" .. next_number
  next_number = next_number + 1
  return Run.new(question, id, title)
end

---@param a limpid.Run
---@param b limpid.Run
---@return boolean
local function is_same(a, b)
  return a.text == b.text and a.bufnr == b.bufnr and vim.deep_equal(a.question, b.question)
end

--- Puts a run first and shows it. The same question about the same text is one run.
---@param run limpid.Run
function M.show(run)
  local kept, unpinned = { run }, 1
  for _, other in ipairs(M.all) do
    if other ~= run and is_same(other, run) then
      run.head.is_pinned = other.head.is_pinned
    elseif other ~= run and (other.head.is_pinned or unpinned < MOST) then
      kept[#kept + 1] = other
      unpinned = unpinned + (other.head.is_pinned and 0 or 1)
    end
  end
  M.all = kept
  M.shown = run
  M.touched()
end

--- Shows one that is there, without moving it.
---@param run limpid.Run
function M.pick(run)
  M.shown = run
  M.touched()
end

function M.hide()
  M.shown = nil
  M.touched()
end

---@param run limpid.Run
function M.pin(run)
  run.head.is_pinned = not run.head.is_pinned
  M.touched()
end

---@param id string
---@return limpid.Run?
function M.find(id)
  for _, run in ipairs(M.all) do
    if run.head.id == id then
      return run
    end
  end
end

--- The run before this one of the same buffer: one whose text was another, if there is one.
---@param run limpid.Run
---@return limpid.Run?
function M.before(run)
  local same
  for _, other in ipairs(M.all) do
    if other ~= run and other.head.uri == run.head.uri then
      if other.text ~= run.text then
        return other
      end
      same = same or other
    end
  end
  return same
end

--- A buffer was edited: which of its runs are of an older text.
---@param bufnr integer
function M.edited(bufnr)
  local bytes = require("limpid.documents").bytes(bufnr)
  local text
  local any = false
  for _, run in ipairs(M.all) do
    if run.bufnr == bufnr then
      -- A text of another length needs no look: this runs at every key.
      local is_stale = #run.text + 1 ~= bytes
      if not is_stale then
        text = text or Run.text_of(bufnr)
        is_stale = run.text ~= text
      end
      any = any or is_stale ~= run.head.is_stale
      run.head.is_stale = is_stale
    end
  end
  if any then
    M.touched()
  end
end

--- A buffer is gone: its runs stay to be compared with, and are of an older text.
---@param bufnr integer
function M.closed(bufnr)
  for _, run in ipairs(M.all) do
    if run.bufnr == bufnr then
      run.head.is_stale = true
    end
  end
  if M.shown and M.shown.bufnr == bufnr then
    require("limpid.session").hide()
  end
end

return M
