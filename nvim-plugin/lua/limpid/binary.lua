-- Finds the `limpid` binary and makes sure that it is one, and of this version. What must not live here: starting the server.
local problems = require("limpid.problems")
local task = require("limpid.task")

local M = {}

--- Version of the plugin; the binary's has to have the same major and, while that is 0, minor number.
M.OURS = "0.1.0"

--- A binary that does not say its version in this time is not ours, milliseconds.
local PATIENCE_MS = 10000

---@class limpid.Binary
---@field path string
---@field version string

---@type limpid.Binary?
local found

---@param set string the setting
---@return string? path
---@return string? problem
function M.located(set)
  if set ~= "" then
    local path = vim.fs.normalize(set)
    local exact = vim.fn.exepath(path)
    if exact == "" then
      return nil, ("`path` names %s, where there is no program."):format(set)
    end
    return exact
  end
  local path = vim.fn.exepath("limpid")
  if path == "" then
    return nil,
      "There is no `limpid` on PATH. Install it, or name it: require('limpid').setup({ path = '…/limpid' })."
  end
  return path
end

---@param version string
---@return boolean
function M.is_compatible(version)
  local major, minor = version:match("^(%d+)%.(%d+)")
  local our_major, our_minor = M.OURS:match("^(%d+)%.(%d+)")
  return major == our_major and (major ~= "0" or minor == our_minor)
end

--- The binary to start, inside a task. It is asked once.
---@return limpid.Binary
function M.find()
  local path, missing = M.located(require("limpid.config").get().path)
  if not path then
    problems.throw("no-binary", missing or "")
    error("unreachable")
  end
  if found and found.path == path then
    return found
  end
  local ended, why = task.program({ path, "--version" }, { text = true, timeout = PATIENCE_MS })
  if not ended or ended.code ~= 0 then
    local said = ended and vim.trim((ended.stderr or ""):match("[^\n]*") or "") or why or ""
    problems.throw(
      "not-limpid",
      problems.sentence(("%s does not start: %s"):format(path, said ~= "" and said or "it ended with an error"))
    )
  end
  local version = (ended and ended.stdout or ""):match("^limpid (%d+%.%d+%.%d+%S*)")
  if not version then
    problems.throw("not-limpid", ("%s is not Limpid: it does not say its version."):format(path))
  end
  if not M.is_compatible(version) then
    problems.throw(
      "wrong-version",
      ("%s is Limpid %s; this plugin needs %s. Install the binary that fits, or name another by `path`."):format(
        path,
        version,
        M.OURS
      )
    )
  end
  found = { path = path, version = version }
  return found
end

--- The binary that was found last; nil: none yet.
---@return limpid.Binary?
function M.known()
  return found
end

return M
