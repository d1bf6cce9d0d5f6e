-- The health check, where nothing is as it should be: it ends, it raises nothing, and each failing line says what to do.
-- What must not live here: the healthy case with a daemon (tests/neovim).
local testing = require("spec.testing")
local describe, equal, has, it = testing.describe, testing.equal, testing.has, testing.it

--- What the check reports: a line each, and the lines that fail without advice.
---@return string report
---@return string[] without_advice
---@return number ms
local function checked()
  local lines, silent = {}, {}
  local kept = vim.health
  local heard = setmetatable({}, {
    __index = function(_, kind)
      return function(text, advice)
        lines[#lines + 1] = kind .. ": " .. text
        if (kind == "warn" or kind == "error") and (type(advice) ~= "table" or #advice == 0) then
          silent[#silent + 1] = text
        end
      end
    end,
  })
  rawset(vim, "health", heard)
  local started = vim.uv.hrtime()
  local went_well, raised = pcall(require("limpid.health").check)
  rawset(vim, "health", kept)
  equal(raised, nil, "the check raised an error")
  equal(went_well, true)
  return table.concat(lines, "\n"), silent, (vim.uv.hrtime() - started) / 1e6
end

--- A program of a few words of shell.
---@param script string
---@return string path
local function program(script)
  local path = vim.fn.tempname()
  vim.fn.writefile({ "#!/bin/sh", script }, path)
  vim.uv.fs_chmod(path, 448)
  return path
end

describe("the health check", function()
  it("says where a missing binary was looked for", function()
    require("limpid.config").set({ path = "/nowhere/limpid" })
    local report, silent = checked()
    has(report, "error: `path` names /nowhere/limpid, where there is no program.")
    equal(silent, {})
  end)

  it("says that a binary is of another version", function()
    require("limpid.config").set({ path = program("echo limpid 0.0.3") })
    local report, silent = checked()
    has(report, "is Limpid 0.0.3; this plugin needs " .. require("limpid.binary").OURS)
    equal(silent, {})
  end)

  it("does not wait for ever", function()
    require("limpid.health").patience_ms = 300
    require("limpid.config").set({ path = program("exec sleep 30") })
    local report, silent, ms = checked()
    has(report, "Something has not answered")
    equal(silent, {})
    equal(ms < 3000, true, ("took %d ms"):format(ms))
    require("limpid.health").patience_ms = 5000
  end)

  it("takes a binary that answers what nobody asked", function()
    require("limpid.config").set({ path = program('[ "$1" = --version ] && echo limpid 0.1.0 || echo "{ no json"') })
    local report, silent = checked()
    has(report, "ok: limpid 0.1.0 at ")
    has(report, "error: Whether it runs could not be found out.")
    equal(silent, {})
  end)

  it("has every problem of the settings", function()
    require("limpid.config").set({ path = "/nowhere/limpid", modle = "x", panel = { width = 1 } })
    local report, silent = checked()
    has(report, "error: There is no setting `modle`.")
    has(report, "error: `panel.width` has to be")
    equal(silent, {})
  end)

  it("has the last problem with its trace", function()
    require("limpid.config").set({ path = "/nowhere/limpid", notify = false })
    require("limpid.problems").failed("panel.lua:7: attempt to index a nil value", "stack traceback:\n\tpanel.lua:7")
    local report, silent = checked()
    has(report, "warn: Panel.lua:7: attempt to index a nil value. (internal")
    has(report, "stack traceback:")
    equal(silent, {})
  end)
end)
