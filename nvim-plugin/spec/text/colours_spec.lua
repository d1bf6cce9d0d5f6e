-- Colours are blended, compared and named for terminals as WCAG and xterm say.
-- What must not live here: highlight groups.
local colours = require("limpid.colours")
local testing = require("spec.testing")

local describe, it, equal, ok = testing.describe, testing.it, testing.equal, testing.ok

describe("colours", function()
  it("blend from one to the other", function()
    equal(colours.blend(0x000000, 0xffffff, 0), 0x000000)
    equal(colours.blend(0x000000, 0xffffff, 1), 0xffffff)
    equal(colours.blend(0x102030, 0x304050, 0.5), 0x203040)
  end)

  it("contrast as WCAG has it", function()
    equal(("%.2f"):format(colours.contrast(0xffffff, 0x000000)), "21.00")
    equal(("%.2f"):format(colours.contrast(0x777777, 0xffffff)), "4.48")
    equal(colours.contrast(0x123456, 0x123456), 1)
  end)

  it("have the hue that a wheel has", function()
    equal({ colours.hue(0xff0000) }, { 0, 1 })
    equal({ colours.hue(0x0000ff) }, { 240, 1 })
    equal({ colours.hue(0x808080) }, { 0, 0 })
  end)

  it("are moved until they read", function()
    equal(colours.readable(0xffffff, 0x000000, 4.5), 0xffffff)
    ok(colours.contrast(colours.readable(0x808080, 0x777777, 4.5), 0x777777) >= 4.4)
  end)

  it("find their neighbour in the cube and the greys", function()
    equal(colours.to_terminal(0x0087ff), 33)
    equal(colours.to_terminal(0x080808), 232)
    equal(colours.to_terminal(0xffffff), 231)
    equal(colours.of_terminal(33), 0x0087ff)
    equal(colours.of_terminal(255), 0xeeeeee)
  end)
end)
