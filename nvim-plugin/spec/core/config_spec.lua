-- Settings are checked one by one: what is wrong is named, and what is right stays.
-- What must not live here: what settings do.
local config = require("limpid.config")
local testing = require("spec.testing")

local describe, it, equal = testing.describe, testing.it, testing.equal

describe("settings", function()
  it("are the defaults without a call", function()
    local settings, problems = config.checked({})
    equal(problems, {})
    equal(settings.inlay.predictions, 3)
    equal(settings.heat.method, "atp")
    equal(settings.routes.mass, 0.9)
  end)

  it("are taken where they are right, and named where they are not", function()
    local settings, problems = config.checked({
      inlay = { predictions = 11, surprisal = true, colour = "red" },
      heat = "bright",
      memory_budget = "a lot",
      untrusted = { "tool", 3 },
      device = "tpu",
      panel = { width = 80.5 },
      pannel = {},
    })
    equal(settings.inlay.surprisal, true)
    equal(settings.inlay.predictions, 3)
    equal(problems, {
      "There is no setting `inlay.colour`.",
      "There is no setting `pannel`.",
      '`device` has to be one of auto, cpu, cuda, metal, not "tpu".',
      '`heat` has to be a table, not "bright".',
      "`inlay.predictions` has to be a whole number from 0 to 10, not 11.",
      '`memory_budget` has to be a size such as "800M" or "1.5G", not "a lot".',
      "`panel.width` has to be a whole number from 30 to 400, not 80.5.",
      '`untrusted` has to be a list of strings, not { "tool", 3 }.',
    })
  end)

  it("are never an error, whatever is given", function()
    for _, given in ipairs({ "x", 3, false, { 1, 2 } }) do
      local settings, problems = config.checked(given)
      equal(settings.path, "")
      testing.ok(#problems > 0)
    end
  end)

  it("reach the daemon in its own spelling, without what it does not know", function()
    config.set({ model = "gemma-3-270m", inlay = { surprisal = true }, panel = { width = 70 } })
    equal(config.for_daemon(), {
      limpid = {
        model = "gemma-3-270m",
        chat = false,
        inlay = { predictions = 3, surprisal = true },
        heat = { method = "atp" },
        routes = { mass = 0.9 },
        effects = { floor = 0.05 },
      },
    })
  end)
end)
