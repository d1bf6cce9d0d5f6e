-- The plugin writes numbers and tokens exactly as the daemon does.
-- What must not live here: what a view says.
local display = require("limpid.display")
local testing = require("spec.testing")
local token_display = require("limpid.token_display")

local describe, it, equal = testing.describe, testing.it, testing.equal

local FORMATS = {
  token = token_display.token,
  cut = function(pair)
    return token_display.cut(pair[1], pair[2])
  end,
  head_name = function(pair)
    return display.head_name(pair[1], pair[2])
  end,
  neuron_name = function(pair)
    return display.neuron_name(pair[1], pair[2])
  end,
}

describe("display", function()
  it("writes every example as the daemon does", function()
    local rows = testing.json("protocol/fixtures/display.json")
    testing.ok(#rows > 500)
    local wrong = {}
    for _, row in ipairs(rows) do
      local write = testing.ok(FORMATS[row.format] or display[row.format], row.format)
      local output = write(row.input)
      if output ~= row.output then
        wrong[#wrong + 1] = { format = row.format, input = row.input, expected = row.output, output = output }
      end
    end
    equal(wrong, {})
  end)

  it("rounds to the nearest 32-bit float, in all its range", function()
    local cases = {
      { 0.1, 0.100000001490116119384765625 },
      { 0.995, 0.995000004768371582 },
      { 16777217, 16777216 },
      { 16777219, 16777220 },
      { 1e-45, 2 ^ -149 },
      { 2 ^ -150, 0 },
      { 2 ^ -150 * 1.5, 2 ^ -149 },
      { 1e-50, 0 },
      { 3.4028235e38, (2 - 2 ^ -23) * 2 ^ 127 },
      { 3.5e38, math.huge },
      { -0.1, -0.100000001490116119384765625 },
      { -math.huge, -math.huge },
    }
    for _, case in ipairs(cases) do
      equal(display.single(case[1]), case[2], tostring(case[1]))
    end
  end)

  it("says what is no number", function()
    equal(display.probability(vim.NIL), "? %")
    equal(display.flow(nil), "? %")
    equal(display.signed(vim.NIL), "NaN")
    equal(display.signed(math.huge), "+inf")
    equal(display.nats(-math.huge), "-inf")
  end)
end)

describe("token_display", function()
  it("spells bytes that are not UTF-8", function()
    equal(token_display.escape("\xe2\x82"), "⟨0xE2⟩⟨0x82⟩")
    equal(token_display.escape("a\xff"), "a⟨0xFF⟩")
    equal(token_display.escape("\xe2 x"), "⟨0xE2⟩ x")
  end)

  it("counts columns", function()
    equal(token_display.width("abc"), 3)
    equal(token_display.width("漢字"), 4)
    equal(token_display.width("e\u{301}"), 1)
    equal(token_display.width("👩"), 2)
  end)

  it("never lets a token break a line or grow past its columns", function()
    for code = 0, 0x2fff do
      local shown = token_display.token(("a" .. vim.fn.nr2char(code, 1) .. "b"):rep(12))
      testing.ok(not shown:find("[%z\1-\31\127]"), ("%x"):format(code))
      testing.ok(token_display.width(shown) <= 24, ("%x"):format(code))
    end
  end)
end)
