-- What a spec is written with: claims, comparisons that say how two values differ, and the protocol's examples.
-- What must not live here: finding and running specs (run.lua), anything of the plugin.
local M = {}

---@class limpid.spec.Case
---@field name string
---@field body fun()

---@type limpid.spec.Case[] Cases that the file now being loaded has declared.
M.cases = {}
local within = {}

--- The folder of the plugin, and that of the repository.
M.plugin =
  vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p"))))
M.repository = vim.fs.dirname(M.plugin)

--- Cases that share a subject.
---@param subject string
---@param declare fun()
function M.describe(subject, declare)
  within[#within + 1] = subject
  declare()
  within[#within] = nil
end

--- One claim.
---@param claim string
---@param body fun()
function M.it(claim, body)
  local words = vim.list_extend(vim.list_extend({}, within), { claim })
  M.cases[#M.cases + 1] = { name = table.concat(words, " "), body = body }
end

--- A value as text: as it is where it is a text, in the order of its keys where it is a table.
---@param value any
---@return string
local function spelled(value)
  return type(value) == "string" and value or vim.inspect(value)
end

---@param actual any
---@param expected any
---@return string
local function difference(actual, expected)
  local is, should = spelled(actual), spelled(expected)
  if not (is:find("\n") or should:find("\n")) then
    return ("expected %s\n     got %s"):format(vim.inspect(expected), vim.inspect(actual))
  end
  -- `vim.diff` was given a new name in 0.12.
  local diff = vim.text and vim.text.diff or vim.diff
  local lines = diff(should .. "\n", is .. "\n", { ctxlen = 2 }) --[[@as string]]
  return "- expected  + got\n" .. lines:gsub("\n$", "")
end

---@param problem string
---@param why string?
local function fail(problem, why)
  error({ problem = why and why .. "\n" .. problem or problem }, 0)
end

--- Both are the same, at every depth.
---@param actual any
---@param expected any
---@param why string?
function M.equal(actual, expected, why)
  if not vim.deep_equal(actual, expected) then
    fail(difference(actual, expected), why)
  end
end

--- The value is neither nil nor false.
---@generic T
---@param value T
---@param why string?
---@return T
function M.ok(value, why)
  if not value then
    fail("expected a value, got " .. tostring(value), why)
  end
  return value
end

--- The text holds this, letter for letter.
---@param text string
---@param part string
---@param why string?
function M.has(text, part, why)
  if not text:find(part, 1, true) then
    fail(("%s\nis not in\n%s"):format(part, text), why)
  end
end

--- The call fails, and what it raises (as text, or its `message`) matches the pattern.
---@param call fun()
---@param pattern string?
---@return any raised
function M.raises(call, pattern)
  local is_well, raised = pcall(call)
  if is_well then
    fail("expected an error, got none")
  end
  local message = type(raised) == "table" and (raised.message or raised.problem) or raised
  if pattern and not tostring(message):find(pattern) then
    fail(("the error\n%s\ndoes not match %s"):format(spelled(message), pattern))
  end
  return raised
end

--- Waits until the condition holds, and fails where it does not.
---@param what string
---@param condition fun(): any
---@param ms integer?
function M.eventually(what, condition, ms)
  if not vim.wait(ms or 5000, function()
    return condition() and true or false
  end, 10) then
    fail("waited in vain: " .. what)
  end
end

--- A file of the repository.
---@param path string
---@return string
function M.read(path)
  local file = assert(io.open(vim.fs.joinpath(M.repository, path), "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

--- JSON of the repository, decoded as Neovim decodes answers: null is `vim.NIL`.
---@param path string
---@return any
function M.json(path)
  return vim.json.decode(M.read(path))
end

--- The protocol's example of a view: its params and its result, a new copy each time.
---@param view string
---@return { params: table, result: table }
function M.fixture(view)
  return M.json(("protocol/fixtures/%s/example.json"):format(view))
end

return M
