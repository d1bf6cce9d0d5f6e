-- Scores stand at the same steps as in the VS Code extension, whose test makes the same claims.
-- What must not live here: colours.
local scale = require("limpid.scale")
local testing = require("spec.testing")

local describe, it, equal = testing.describe, testing.it, testing.equal

describe("scale", function()
  it("has seven steps, and nothing below half of the lowest", function()
    equal(scale.step(1, 1), 7)
    equal(scale.step(-1, 1), 7)
    equal(scale.step(2, 1), 7)
    equal(scale.step(0.07, 1), 0)
    equal(scale.step(1 / 14, 1), 1)
    equal(scale.step(0.5, 1), 4)
    equal(scale.step(0, 1), 0)
  end)

  it("shows nothing where nothing is known or nothing sets the scale", function()
    for _, score in ipairs({ vim.NIL, 0 / 0, math.huge }) do
      equal(scale.step(score, 1), 0)
      equal(scale.diverging(score, 1), nil)
      equal(scale.sequential(score, 1), nil)
    end
    equal(scale.step(nil, 1), 0)
    equal(scale.step(1, 0), 0)
    equal(scale.step(0, 0), 0)
  end)

  it("keeps signs apart on the diverging scale, and shows no negative share", function()
    equal(scale.diverging(0.5, 1), "LimpidSupport4")
    equal(scale.diverging(-0.5, 1), "LimpidOppose4")
    equal(scale.sequential(0.5, 1), "LimpidHeat4")
    equal(scale.sequential(-0.5, 1), nil)
    equal(scale.diverging(0.01, 1), nil)
  end)

  it("is set by the largest score but the sink's", function()
    equal(scale.largest({ 9, 1, -2 }, 0), 2)
    equal(scale.largest({ 9, 1, -2 }, nil), 9)
    equal(scale.largest({ vim.NIL, 0 / 0, 0.5 }, nil), 0.5)
    equal(scale.largest({}, nil), 0)
  end)
end)
