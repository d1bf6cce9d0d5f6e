-- `:Limpid`: its words, and what completes behind them. What must not live here: what a word does (words/).
local problems = require("limpid.problems")

local M = {}

---@class limpid.Call
---@field args? string[] what stands behind the word
---@field about? table what a lens, a code action or a hover is about: { uri, position, range?, token?, here? }
---@field range? table the selection, as a range of the wire
---@field from_map? boolean

---@class limpid.Subcommand
---@field says string
---@field run fun(call: limpid.Call)
---@field complete? fun(): string[]

---@type table<string, limpid.Subcommand>
M.WORDS = {}
for _, group in ipairs({ "questions", "changes", "sights", "service" }) do
  M.WORDS = vim.tbl_extend("error", M.WORDS, require("limpid.words." .. group))
end

---@return string[]
function M.words()
  local words = vim.tbl_keys(M.WORDS)
  table.sort(words)
  return words
end

--- Runs a word.
---@param word string
---@param call limpid.Call
function M.run(word, call)
  local known = M.WORDS[word]
  if not known then
    return problems.failed(
      problems.problem("bad-word", (":Limpid %s is unknown; :Limpid and <Tab> lists the words."):format(word))
    )
  end
  -- What went wrong before is over once a person does something else; these two say what it was.
  if word ~= "status" and word ~= "health" then
    problems.recovered()
  end
  if call.from_map and vim.fn.mode():find("^[vV\22]") then
    call.range = require("limpid.selection").visual()
  end
  local went_well, problem = xpcall(known.run, function(thrown)
    return problems.is_problem(thrown) and thrown or { thrown = thrown, trace = debug.traceback() }
  end, call)
  if not went_well then
    if problems.is_problem(problem) then
      problems.failed(problem)
    else
      problems.failed(problem.thrown, problem.trace)
    end
  end
end

--- `:Limpid` as it was typed.
---@param arguments table
function M.execute(arguments)
  local args = vim.list_slice(arguments.fargs)
  local word = table.remove(args, 1) or "inspect"
  local call = { args = args }
  if arguments.range > 0 then
    call.range = require("limpid.selection").lines(arguments.line1, arguments.line2)
  end
  M.run(word, call)
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local before = line:match("^.*[Ll]impid!?%s+(.*)$") or ""
  local word = before:match("^(%S+)%s")
  local offered = M.words()
  if word then
    local known = M.WORDS[word]
    offered = known and known.complete and known.complete() or {}
  end
  return vim.tbl_filter(function(one)
    return one:lower():find(lead:lower(), 1, true) == 1
  end, offered)
end

return M
