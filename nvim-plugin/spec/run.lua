-- Runs the specs: `nvim -l nvim-plugin/spec/run.lua [FILTER]`; FILTER is part of a file's path or of a case's name.
-- What must not live here: what a spec is written with (testing.lua).
local spec_folder = vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p")))
local plugin_folder = vim.fs.dirname(spec_folder)

vim.opt.runtimepath:prepend(plugin_folder)
package.path = plugin_folder .. "/?.lua;" .. package.path

local testing = require("spec.testing")

--- Every module of the plugin is loaded anew for each file, so that none sees what another left.
local function forget_modules()
  for name in pairs(package.loaded) do
    if name == "limpid" or vim.startswith(name, "limpid.") then
      package.loaded[name] = nil
    end
  end
end

--- Where in a spec a failure arose: the first place of the stack that lies in one.
---@param file string
---@return string
local function place_in(file)
  for level = 3, 60 do
    local at = debug.getinfo(level, "Sl")
    if not at then
      break
    end
    if at.currentline > 0 and vim.fs.normalize(at.source:sub(2)) == file then
      return ("%s:%d"):format(file:sub(#plugin_folder + 2), at.currentline)
    end
  end
  return file:sub(#plugin_folder + 2)
end

---@param file string
---@param name string
---@param body fun()
---@return string? failure
local function failure_of(file, name, body)
  local _, failure = xpcall(body, function(raised)
    local is_claim = type(raised) == "table" and raised.problem
    local problem = is_claim or debug.traceback(type(raised) == "string" and raised or vim.inspect(raised), 2)
    return ("FAIL %s\n  %s\n    %s"):format(name, place_in(file), (problem:gsub("\n", "\n    ")))
  end)
  return failure
end

---@param file string
---@param filter string?
---@return integer passed, string[] failures
local function run_file(file, filter)
  forget_modules()
  testing.cases = {}
  local load_failure = failure_of(file, "loading", function()
    assert(loadfile(file))()
  end)
  if load_failure then
    return 0, { load_failure }
  end
  local passed, failures = 0, {}
  for _, case in ipairs(testing.cases) do
    if not filter or file:find(filter, 1, true) or case.name:find(filter, 1, true) then
      local failure = failure_of(file, case.name, case.body)
      if failure then
        failures[#failures + 1] = failure
      else
        passed = passed + 1
      end
    end
  end
  return passed, failures
end

---@param filter string?
---@return boolean
local function run(filter)
  local files = vim.fs.find(function(name)
    return vim.endswith(name, "_spec.lua")
  end, { path = spec_folder, type = "file", limit = math.huge })
  table.sort(files)
  local started = vim.uv.hrtime()
  local passed, failed = 0, 0
  for _, file in ipairs(files) do
    local well, failures = run_file(vim.fs.normalize(file), filter)
    passed, failed = passed + well, failed + #failures
    for _, failure in ipairs(failures) do
      io.stdout:write(failure, "\n")
    end
  end
  local ms = (vim.uv.hrtime() - started) / 1e6
  io.stdout:write(("\n%d passed, %d failed in %d files, %.0f ms\n"):format(passed, failed, #files, ms))
  -- A filter that nothing matches is a mistake, not a success.
  return failed == 0 and passed > 0
end

os.exit(run(_G.arg and _G.arg[1]) and 0 or 1)
