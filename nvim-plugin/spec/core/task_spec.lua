-- Tasks wait without blocking, end once, and say what went wrong as problems.
-- What must not live here: what the plugin waits for.
local problems = require("limpid.problems")
local task = require("limpid.task")
local testing = require("spec.testing")

local describe, it, equal = testing.describe, testing.it, testing.equal

describe("a task", function()
  it("goes on with what it waited for, at once or later", function()
    local got = {}
    local answer
    task.start(function()
      got[1] = task.await(function(done)
        done("at once")
      end)
      got[2], got[3] = task.await(function(done)
        answer = done
      end)
      task.sleep(1)
      got[4] = "slept"
    end)
    equal(got, { "at once" })
    answer("later", nil)
    testing.eventually("the sleep ends", function()
      return got[4] == "slept"
    end)
    equal(got[2], "later")
  end)

  it("never goes on when it was given up, and tells what it waited for", function()
    local told, went_on, ended, answer = false, false, 0, nil
    local one = task.start(function()
      task.await(function(done)
        answer = done
        return function()
          told = true
        end
      end)
      went_on = true
    end, function()
      ended = ended + 1
    end)
    one:cancel()
    answer("too late")
    one:cancel()
    equal({ told, went_on, ended }, { true, false, 1 })
  end)

  it("hears an answer once", function()
    local times = 0
    local answer
    task.start(function()
      task.await(function(done)
        answer = done
      end)
      times = times + 1
      task.await(function() end)
      times = times + 1
    end)
    answer()
    answer()
    equal(times, 1)
  end)

  it("shows a problem that it throws, and keeps the trace of a mistake", function()
    require("limpid.config").set({ notify = false })
    task.start(function()
      problems.throw("no-binary", "There is none.")
    end)
    equal(problems.shown.message, "There is none.")
    equal(problems.last.trace, nil)
    task.start(function()
      local missing = nil
      return missing.field
    end)
    equal(problems.shown.kind, "internal")
    testing.ok(problems.last.trace ~= nil, "no trace was kept")
  end)

  it("says nothing of what was superseded", function()
    require("limpid.config").set({ notify = false })
    problems.shown = nil
    task.start(function()
      problems.throw("stale-version", "The text has changed.")
    end)
    equal(problems.shown, nil)
  end)

  it("runs programs, and says why one cannot be started", function()
    local ended, why
    task.start(function()
      ended = task.program({ "sh", "-c", "cat; exit 3" }, { stdin = "in", text = true })
      local _, problem = task.program({ "/no/such/program" })
      why = problem
    end)
    testing.eventually("both programs end", function()
      return why ~= nil
    end)
    equal({ ended.code, ended.stdout }, { 3, "in" })
  end)
end)
