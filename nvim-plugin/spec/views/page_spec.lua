-- Pages: lines no wider than the page, without anything that could break them, with the bytes of their groups.
-- What must not live here: what views draw.
local testing = require("spec.testing")

local describe, it, equal, ok = testing.describe, testing.it, testing.equal, testing.ok

local Page = require("limpid.page")
local bars = require("limpid.page.bars")
local text = require("limpid.page.text")

describe("page", function()
  it("cuts what is wider than its columns, and says so", function()
    local page = Page.new({ columns = 10 })
    page:line({ { "12345" }, { "6789012", "LimpidDim" } })
    equal(Page.text(page.lines[1]), "123456789…")
    page:line({ { "1234567890" } })
    equal(Page.text(page.lines[2]), "1234567890")
    page:line({ { "日本語日本語" } })
    equal(Page.text(page.lines[3]), "日本語日…")
  end)

  it("knows the bytes of each group", function()
    local page = Page.new({ columns = 40 })
    page:line({ { " " }, { "·Paris", "LimpidTarget" }, { "  " }, { "77 %", "LimpidDim" } })
    equal(Page.marks(page.lines[1]), { { 1, 8, "LimpidTarget" }, { 10, 14, "LimpidDim" } })
  end)

  it("starts a fold with each heading, and puts what follows inside", function()
    local page = Page.new({ columns = 40 })
    page:heading("routes", "90 % shown")
    page:line({ { "   a" } })
    equal(Page.text(page.lines[1]), " ▼ routes                     90 % shown")
    equal({ page.lines[1].level, page.lines[1].opens }, { 1, true })
    equal({ page.lines[2].level, page.lines[2].opens }, { 1, nil })
    local closed = Page.folded(page.lines[1], 2, "unicode", 60)
    equal(closed[1][1], " ▶ ")
    page:line({ { "   L29 is" } })
    local marked = Page.folded(page.lines[#page.lines], 12, "unicode", 14)
    equal(marked, { { " ▶ L29 is" } })
  end)

  it("leaves out the note at the right where both do not fit", function()
    local page = Page.new({ columns = 12 })
    page:heading("routes", "90 % shown")
    equal(Page.text(page.lines[1]), " ▼ routes")
  end)

  it("wraps sentences", function()
    local page = Page.new({ columns = 20 })
    page:prose("The gate is open and up is positive.")
    equal(vim.tbl_map(Page.text, page.lines), { "   The gate is open", "   and up is", "   positive." })
  end)

  it("cuts text columns before it drops any, and drops the ones that may be", function()
    local columns = {
      { title = "token", least = 6 },
      { title = "flow", align = "right" },
      { title = "writes", drops = 1 },
    }
    local rows = { { cells = { "·California", "12 %", "·a ·b" } }, { cells = { "·is", "1.2 %", false } } }
    local function drawn(width)
      local page = Page.new({ columns = width })
      page:table(columns, rows)
      return vim.tbl_map(Page.text, page.lines)
    end
    equal(drawn(40), {
      "   token         flow  writes",
      "   ·California   12 %  ·a ·b",
      "   ·is          1.2 %",
    })
    equal(drawn(26), { "   token      flow  writes", "   ·Cal…nia   12 %  ·a ·b", "   ·is       1.2 %" })
    equal(drawn(18), { "   token      flow", "   ·Cal…nia   12 %", "   ·is       1.2 %" })
  end)
end)

describe("text of a page", function()
  it("has no control character, no invisible one, and is valid UTF-8", function()
    equal(text.clean("a\nb\tc\0d\27[31m"), "a b c d [31m")
    equal(text.clean("a\226\128\174b\239\187\191c\194\133d"), "abcd")
    equal(text.clean("\255ok\226\130"), "?ok??")
    equal(text.clean("\237\160\128"), "???")
    equal(text.clean("·日🎉"), "·日🎉")
    equal(text.clean("é·\200"), "é·?")
  end)

  it("measures what combines where it will stand", function()
    equal(text.width("\204\136"), 0)
    equal(text.width("e\204\136"), 1)
    equal(text.width("日本"), 4)
  end)

  it("breaks a word that is wider than the line", function()
    equal(text.wrap("ab 1234567890 c", 4), { "ab", "1234", "5678", "90 c" })
    equal(text.wrap("", 4), { "" })
  end)
end)

describe("bars", function()
  it("grow by eighths of a character", function()
    equal(bars.share(1, 4, "unicode"), "████")
    equal(bars.share(0.5, 4, "unicode"), "██")
    equal(bars.share(1 / 32, 4, "unicode"), "▏")
    equal(bars.share(0.002, 4, "unicode"), "▏")
    equal(bars.share(0, 4, "unicode"), "")
    equal(bars.share(0 / 0, 4, "unicode"), "")
    equal(bars.share(7, 4, "ascii"), "####")
  end)

  it("are hollow for an estimate and solid for an effect, each on its side", function()
    local function drawn(estimate, effect, glyphs)
      local parts = {}
      for _, chunk in ipairs(bars.signed(estimate, effect, 1, 9, glyphs or "unicode")) do
        parts[#parts + 1] = chunk[1]
      end
      return table.concat(parts)
    end
    equal(drawn(1, nil), "    │░░░░")
    equal(drawn(1, 0.5), "    │██░░")
    equal(drawn(-1, -0.125), "░░░▐│    ")
    equal(drawn(-0.5, 0.5), "  ░░│██  ")
    equal(drawn(nil, nil), "    │    ")
    equal(drawn(1, 0.5, "ascii"), "    |##--")
  end)

  it("of a sparkline stand as high as their share", function()
    equal(bars.spark({ 0, 0.1, 0.5, 1 }, 1, "unicode"), " ▁▄█")
    equal(bars.spark({ 0, 0.1, 0.5, 1 }, 1, "ascii"), " .=#")
    ok(#bars.spark({}, 1, "unicode") == 0)
  end)
end)
