-- Heat stands on the characters it is of, in the group of its step, and never at a wrong place, whatever happens to the buffer.
-- What must not live here: colours, the daemon.
local heat = require("limpid.heat")
local testing = require("spec.testing")
local token_heat = require("limpid.token_heat")

local describe, it, equal, ok = testing.describe, testing.it, testing.equal, testing.ok

local STEPS = vim.api.nvim_create_namespace("limpid_heat")
local EXTRAS = vim.api.nvim_create_namespace("limpid_heat_extras")

local function buffer(lines)
  local bufnr = vim.api.nvim_create_buf(true, false)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.api.nvim_set_current_buf(bufnr)
  return bufnr
end

--- Tokens that tile lines, cut behind each of `pieces`; a line break is a token.
local function tiled(pieces)
  local tokens, line, character = {}, 0, 0
  for index, piece in ipairs(pieces) do
    local start = { line = line, character = character }
    for part in piece:gmatch("[^\n]*\n?") do
      if part:sub(-1) == "\n" then
        line, character = line + 1, 0
      else
        character = character + #part
      end
    end
    local range = { start = start, ["end"] = { line = line, character = character } }
    tokens[index] = { index = index - 1, id = 100 + index, display = piece, range = range }
  end
  return tokens
end

local function attribution(scores, more)
  return vim.tbl_extend("force", { method = "atp", unit = "nats", scores = scores }, more or {})
end

local function paint(bufnr, pieces, scores, more)
  local painted = vim.tbl_extend("force", {
    bufnr = bufnr,
    tokens = tiled(pieces),
    attribution = attribution(scores),
    position = #pieces - 1,
    kind = "attribution",
    stale = false,
  }, more or {})
  heat.paint(painted)
  return painted
end

--- What is marked, as text and group.
local function marks(bufnr, namespace)
  local found = {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(bufnr, namespace, 0, -1, { details = true })) do
    local details = mark[4]
    if details.hl_group then
      -- What was deleted at the end of the buffer ends behind it.
      local has_text, text =
        pcall(vim.api.nvim_buf_get_text, bufnr, mark[2], mark[3], details.end_row, details.end_col, {})
      found[#found + 1] = table.concat(has_text and text or {}, "\n") .. " " .. details.hl_group
    else
      found[#found + 1] = ("%d:%d %s"):format(mark[2], mark[3], details.virt_text[1][1])
    end
  end
  return found
end

describe("heat", function()
  it("paints the protocol's example as the other clients do", function()
    local answer = testing.fixture("attribution").result
    local bufnr = buffer({ "The capital of France is" })
    local painted = {
      bufnr = bufnr,
      tokens = answer.token_table,
      attribution = answer.view.attribution,
      target = answer.view.target,
      position = answer.view.target.position,
      kind = "attribution",
      stale = false,
    }
    heat.paint(painted)
    equal(
      marks(bufnr, STEPS),
      { "The LimpidSink", " capital LimpidSupport7", " of LimpidSupport1", " France LimpidOppose4" }
    )
    equal(marks(bufnr, EXTRAS), { " is LimpidTarget" })
    heat.paint(vim.tbl_extend("force", painted, { kind = "effect" }))
    equal(marks(bufnr, STEPS), { "The LimpidSink", " capital LimpidSupport5", " France LimpidSupport7" })
    heat.paint(vim.tbl_extend("force", painted, { kind = "flow" }))
    equal(
      marks(bufnr, STEPS),
      { "The LimpidSink", " capital LimpidHeat2", " of LimpidHeat1", " France LimpidHeat2", " is LimpidHeat7" }
    )
    heat.paint(nil)
    equal(marks(bufnr, STEPS), {})
    equal(marks(bufnr, EXTRAS), {})
  end)

  it("numbers say how they were come by", function()
    local answer = testing.fixture("attribution").result.view.attribution
    local function numbers(kind)
      return vim.tbl_map(function(one)
        return one.number
      end, token_heat.of(answer, kind))
    end
    equal(numbers("attribution"), { "~+0.02", "~+0.61", "~+0.05", "~-0.31", "~0.00" })
    equal(numbers("effect"), { "", "+4.20", "", "+5.60", "" })
    equal(numbers("flow"), { "31 %", "14 %", "3 %", "12 %", "40 %" })
  end)

  it("a kind without scores falls back to one that is there", function()
    equal((token_heat.scores(attribution({ 0, 1 }), "effect")), "attribution")
    equal((token_heat.scores(attribution({ 0, 1 }, { effects = { vim.NIL, vim.NIL } }), "effect")), "attribution")
    equal((token_heat.scores(attribution({ 0, 1 }), "flow")), "attribution")
    equal((token_heat.scores(attribution({ 0, 1 }, { method = "flow", unit = "share" }), "attribution")), "flow")
    equal((token_heat.scores(attribution({ 0, 1 }, { others = vim.NIL, effects = vim.NIL }), "flow")), "attribution")
  end)

  it("boxes the tokens of an answer, and the foil where it is what really follows", function()
    local bufnr = buffer({ "a b c d" })
    paint(bufnr, { "a", " b", " c", " d" }, { 0, 1, 0, 0 }, {
      position = 2,
      target = { position = 2, id = 1, text = "", foil = vim.NIL, answer = { start = 2, ["end"] = 4 } },
    })
    equal(marks(bufnr, EXTRAS), { " c LimpidTarget", " d LimpidTarget" })
    paint(bufnr, { "a", " b", " c", " d" }, { 0, 1, 0, 0 }, {
      position = 2,
      target = { position = 2, id = 1, text = "", foil = { id = 104, text = " d" } },
    })
    equal(marks(bufnr, EXTRAS), { " c LimpidTarget", " d LimpidFoil" })
  end)

  it("a line break that weighs something has a sign behind its line", function()
    local bufnr = buffer({ "ab", "c" })
    paint(bufnr, { "ab", "\n", "c" }, { 0, 1, 0.5 }, { position = 0 })
    equal(marks(bufnr, STEPS), { "ab LimpidSink", "\n LimpidSupport7", "c LimpidSupport4" })
    equal(marks(bufnr, EXTRAS), { "ab LimpidTarget", "0:2 ↵" })
  end)

  it("prints numbers only where they are wanted", function()
    local bufnr = buffer({ "a b" })
    require("limpid.config").change("heat.numbers", true)
    local painted = paint(bufnr, { "a", " b" }, { 0.5, -1 }, { position = 0 })
    equal(marks(bufnr, EXTRAS), { "a LimpidTarget", "0:1 ~+0.50", "0:3 ~-1.00" })
    require("limpid.config").change("heat.numbers", false)
    heat.paint(painted)
    equal(marks(bufnr, EXTRAS), { "a LimpidTarget" })
    bufnr = buffer({ "ab", "c" })
    require("limpid.config").change("heat.numbers", true)
    paint(bufnr, { "ab", "\n", "c" }, { 0, 1, 0.5 }, { position = 0 })
    require("limpid.config").change("heat.numbers", false)
    local behind = vim.api.nvim_buf_get_extmarks(bufnr, EXTRAS, { 0, 2 }, { 0, 2 }, { details = true })
    local texts = vim.tbl_map(function(one)
      return one[4].virt_text
    end, behind)
    equal(texts, { { { "~0.00", "LimpidVirtual" } }, { { "↵", "LimpidSupport7" }, { "~+1.00", "LimpidVirtual" } } })
  end)

  it("lights one token up, and the same one after a repaint", function()
    local bufnr = buffer({ "a b" })
    local painted = paint(bufnr, { "a", " b" }, { 0.5, -1 }, { position = 0 })
    heat.point(1)
    equal(marks(bufnr, EXTRAS), { "a LimpidTarget", " b LimpidPoint" })
    heat.point(0)
    equal(marks(bufnr, EXTRAS), { "a LimpidPoint", "a LimpidTarget" })
    heat.paint(
      vim.tbl_extend("force", painted, { kind = "flow", attribution = attribution({ 1, 1 }, { unit = "share" }) })
    )
    ok(vim.tbl_contains(marks(bufnr, EXTRAS), "a LimpidPoint"))
    heat.point(nil)
    equal(marks(bufnr, EXTRAS), { "a LimpidTarget" })
    heat.point(99)
  end)

  it("finds tokens of wide, combining and emoji characters", function()
    local bufnr = buffer({ "日本 e\204\129 👩‍👩‍👧" })
    paint(bufnr, { "日", "本", " e\204\129", " 👩‍👩‍👧" }, { 0, 1, -1, 0.5 })
    equal(
      marks(bufnr, STEPS),
      { "日 LimpidSink", "本 LimpidSupport7", " e\204\129 LimpidOppose7", " 👩‍👩‍👧 LimpidSupport4" }
    )
    equal(heat.token_at(bufnr, 0, 0), 0)
    equal(heat.token_at(bufnr, 0, 3), 1)
    equal(heat.token_at(bufnr, 0, 9), 2)
    equal(heat.token_at(bufnr + 1, 0, 0), nil)
  end)

  it("of edited text turns grey in its places, and takes all else away", function()
    local bufnr = buffer({ "The capital of", "France is" })
    local painted = paint(bufnr, { "The", " capital", " of", "\n", "France", " is" }, { 0, 1, 0.5, 0, -1, 0 })
    heat.point(1)
    vim.api.nvim_buf_set_text(bufnr, 0, 0, 0, 0, { "Oh! " })
    equal(heat.token_at(bufnr, 0, 6), nil, "at once")
    testing.eventually("grey", function()
      return vim.deep_equal(
        marks(bufnr, STEPS),
        { "The LimpidStale", " capital LimpidStale", " of LimpidStale", "France LimpidStale" }
      )
    end)
    equal(marks(bufnr, EXTRAS), {})
    heat.point(2)
    heat.paint(vim.tbl_extend("force", painted, { stale = true }))
    equal(marks(bufnr, STEPS)[1], "The LimpidStale")
    -- Who says that it is fresh, while the text is another, is not believed.
    heat.paint(painted)
    equal(marks(bufnr, STEPS)[1], "The LimpidStale")
    vim.api.nvim_buf_set_text(bufnr, 0, 0, 0, 4, { "" })
    heat.paint(painted)
    equal(
      marks(bufnr, STEPS),
      { "The LimpidSink", " capital LimpidSupport7", " of LimpidSupport4", "France LimpidOppose7" }
    )
    equal(heat.token_at(bufnr, 1, 0), 4)
  end)

  it("comes back with undo, and deleted lines leave nothing behind", function()
    local bufnr = buffer({ "a b", "c d", "e" })
    local painted = paint(bufnr, { "a", " b", "\n", "c", " d", "\n", "e" }, { 0, 1, 0, 1, 1, 0, 1 })
    -- A new undo block.
    vim.bo[bufnr].undolevels = vim.bo[bufnr].undolevels
    vim.cmd("normal! 2Gdd")
    testing.eventually("grey", function()
      return marks(bufnr, STEPS)[1] == "a LimpidStale"
    end)
    vim.cmd("silent undo")
    heat.paint(painted)
    equal(
      marks(bufnr, STEPS),
      { "a LimpidSink", " b LimpidSupport7", "c LimpidSupport7", " d LimpidSupport7", "e LimpidSupport7" }
    )
    vim.cmd("silent %delete _")
    testing.eventually("empty", function()
      return vim.iter(marks(bufnr, STEPS)):all(function(one)
        return one == " LimpidStale"
      end)
    end)
  end)

  it("of a text that is no longer there is not put on another", function()
    local bufnr = buffer({ "something else" })
    paint(bufnr, { "a", " b" }, { 0, 1 }, { stale = true })
    equal(marks(bufnr, STEPS), {})
    equal(heat.shown(), nil)
  end)

  it("survives a buffer that is wiped, unloaded or reloaded while it is painted", function()
    local bufnr = buffer({ "a b" })
    local painted = paint(bufnr, { "a", " b" }, { 0, 1 })
    vim.api.nvim_buf_set_text(bufnr, 0, 0, 0, 0, { "x" })
    vim.cmd("bwipeout! " .. bufnr)
    vim.wait(30)
    equal(heat.shown(), nil)
    equal(heat.token_at(bufnr, 0, 0), nil)
    heat.point(1)
    heat.stale()
    heat.paint(painted)
    heat.paint(nil)

    local file = vim.fn.tempname()
    vim.fn.writefile({ "a b" }, file)
    vim.cmd.edit(file)
    local own = vim.api.nvim_get_current_buf()
    paint(own, { "a", " b" }, { 0, 1 })
    vim.fn.writefile({ "quite another text", "here" }, file)
    vim.cmd("silent edit!")
    vim.wait(30)
    equal(heat.token_at(own, 0, 0), nil)
    equal(
      vim.iter(marks(own, STEPS)):any(function(one)
        return one:find("Support") ~= nil
      end),
      false
    )
    vim.cmd("bwipeout!")
  end)

  it("stands in both windows of a buffer, in folds, in dos files and at the end of a line of a megabyte", function()
    local bufnr = buffer({ "a b", "c" })
    vim.bo[bufnr].fileformat = "dos"
    vim.cmd("split | setlocal foldmethod=manual | %fold | setlocal wrap")
    -- The break of a dos file is two characters of the wire; the buffer has neither.
    local tokens = tiled({ "a", " b", "\n", "c" })
    tokens[3].range.start.character = 4
    heat.paint({
      bufnr = bufnr,
      tokens = tokens,
      attribution = attribution({ 0, 1, 1, 1 }),
      position = 3,
      kind = "attribution",
      stale = false,
    })
    equal(marks(bufnr, STEPS), { "a LimpidSink", " b LimpidSupport7", "\n LimpidSupport7", "c LimpidSupport7" })
    vim.api.nvim_buf_set_text(bufnr, 0, 0, 0, 0, { "x" })
    testing.eventually("grey", function()
      return marks(bufnr, STEPS)[1] == "a LimpidStale"
    end)
    vim.cmd("only")
    local long = buffer({ ("x"):rep(1000000) .. " y" })
    paint(long, { ("x"):rep(1000000), " y" }, { 0, 1 })
    equal(heat.token_at(long, 0, 1000000), 1)
    equal(marks(long, STEPS)[2], " y LimpidSupport7")
  end)

  it("is quick: 10,000 tokens", function()
    local lines, pieces, scores = {}, {}, {}
    for row = 1, 2500 do
      lines[row] = "word word word"
      vim.list_extend(pieces, { "word", " word", " word", "\n" })
      vim.list_extend(scores, { row % 7 / 7, -row % 5 / 5, 1, 0 })
    end
    local bufnr = buffer(lines)
    local started = vim.uv.hrtime()
    paint(bufnr, pieces, scores)
    local ms = (vim.uv.hrtime() - started) / 1e6
    -- 35 ms on two quiet cores; the bounds are far away, for other work on the machine: they catch what grows with the square.
    ok(ms < 2000, ("%.0f ms to paint"):format(ms))
    started = vim.uv.hrtime()
    vim.api.nvim_buf_set_text(bufnr, 0, 0, 0, 0, { "x" })
    vim.wait(0)
    ms = (vim.uv.hrtime() - started) / 1e6
    ok(ms < 1000, ("%.0f ms until what is seen is grey"):format(ms))
    testing.eventually("the rest is grey too", function()
      return vim.iter(vim.api.nvim_buf_get_extmarks(bufnr, STEPS, 0, -1, { details = true })):all(function(mark)
        return mark[4].hl_group == "LimpidStale"
      end)
    end)
  end)
end)
