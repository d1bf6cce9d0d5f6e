-- What stands at lines: roll-ups and signs of the parts, surprisal of the tokens; on the protocol's examples and on hostile buffers.
-- What must not live here: heat.
local rollup = require("limpid.rollup")
local signs = require("limpid.signs")
local surprisal = require("limpid.surprisal")
local testing = require("spec.testing")

local describe, it, equal, ok = testing.describe, testing.it, testing.equal, testing.ok

local function buffer(lines)
  local bufnr = vim.api.nvim_create_buf(true, false)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.api.nvim_set_current_buf(bufnr)
  return bufnr
end

local function text_of(chunks)
  return table.concat(vim.tbl_map(function(chunk)
    return chunk[1]
  end, chunks))
end

local function marks(bufnr, name)
  local namespace = vim.api.nvim_create_namespace(name)
  local found = {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(bufnr, namespace, 0, -1, { details = true })) do
    local details = mark[4]
    if details.virt_text then
      found[#found + 1] = ("%d: %s"):format(mark[2], text_of(details.virt_text))
    elseif details.sign_text then
      found[#found + 1] = ("%d: %s %s"):format(mark[2], vim.trim(details.sign_text), details.sign_hl_group)
    else
      found[#found + 1] = ("%d:%d-%d %s"):format(mark[2], mark[3], details.end_col, details.hl_group)
    end
  end
  return found
end

local function part(more)
  return vim.tbl_extend("force", {
    kind = "line",
    tokens = { start = 0, ["end"] = 1 },
    flow = 0.2,
    attribution = 0.5,
    effect = vim.NIL,
    disagreement = vim.NIL,
    share = 0.25,
    is_sink = false,
    without_sink = vim.NIL,
  }, more)
end

describe("roll-ups", function()
  local function said(more, unit, glyphs)
    return text_of(rollup.chunks(part(more), 0.5, unit or "nats", glyphs or "unicode"))
  end

  it("say flow and attribution, the measured effect where there is one", function()
    equal(said({}), " ███ 20 %  ~+0.50")
    equal(said({ effect = -1.25 }), " ███ 20 %  -1.25")
    equal(said({ effect = -1.25, disagreement = "sign" }), " ███ 20 %  -1.25 ≠ ~+0.50")
    equal(said({ is_sink = true, without_sink = { flow = 0.1, attribution = 0.25 } }), " ███ 10 %  ~+0.25")
    equal(said({}, "share"), " ███ 20 %")
    equal(said({ effect = 1, disagreement = "rank" }, "nats", "ascii"), " ### 20 %  +1.00 != ~+0.50")
    equal(said({ share = 0 }), " 20 %  ~+0.50")
  end)

  it("stand behind the line that each part is", function()
    local answer = testing.fixture("parts").result
    local bufnr = buffer({ "The capital of", "France is" })
    rollup.paint(bufnr, answer.view, answer.token_table)
    equal(marks(bufnr, "limpid_rollup"), { "0:  ██ 17 %  ~+0.73", "1:  ██████ 50 %  ~+1.31" })
    rollup.paint(bufnr, nil)
    equal(marks(bufnr, "limpid_rollup"), {})
  end)

  it(
    "find the line of a part whose first token starts with a line break, and leave out what is not in the text",
    function()
      local bufnr = buffer({ "a", "", "b" })
      local tokens = {
        { index = 0, id = 1, display = "<s>", range = vim.NIL },
        {
          index = 1,
          id = 1,
          display = "a",
          range = { start = { line = 0, character = 0 }, ["end"] = { line = 0, character = 1 } },
        },
        {
          index = 2,
          id = 1,
          display = "b",
          range = { start = { line = 0, character = 1 }, ["end"] = { line = 2, character = 1 } },
        },
      }
      local parts = {
        part({ kind = "template", tokens = { start = 0, ["end"] = 1 } }),
        part({ tokens = { start = 0, ["end"] = 2 } }),
        part({ tokens = { start = 2, ["end"] = 3 } }),
      }
      local rows = vim.tbl_map(function(at)
        return at.row
      end, rollup.rows(bufnr, { parts = parts }, tokens))
      equal(rows, { 0, 2 })
    end
  )
end)

describe("signs", function()
  it("are as high as the share, in the colour of the side", function()
    local parts = {
      part({ share = 0.5, attribution = 1 }),
      part({ share = 0.25, attribution = -1 }),
      part({ share = 0.1, attribution = 1, effect = -0.4 }),
      part({ share = 0.0625, attribution = 0.001 }),
      part({ share = 0, attribution = 1 }),
      part({ kind = "template", share = 1, attribution = 9 }),
    }
    equal(signs.of({ unit = "nats", parts = parts }, "unicode"), {
      { text = "█", group = "LimpidSignSupport" },
      { text = "▄", group = "LimpidSignOppose" },
      { text = "▂", group = "LimpidSignOppose" },
      { text = "▁", group = "LimpidSign" },
      false,
      false,
    })
    equal(signs.of({ unit = "share", parts = { parts[1] } }, "ascii"), { { text = "#", group = "LimpidSign" } })
  end)

  it("stay, dimmed, while the text is edited: the sign column must not come and go", function()
    local answer = testing.fixture("parts").result
    local bufnr = buffer({ "The capital of", "France is" })
    local heat, config = require("limpid.heat"), require("limpid.config")
    config.change("signs", true)
    heat.paint({
      bufnr = bufnr,
      tokens = answer.token_table,
      attribution = { method = "atp", unit = "nats", scores = { 0, 1, 1, 1, 1, 0 } },
      position = 5,
      kind = "attribution",
      stale = false,
    })
    signs.paint(bufnr, answer.view, answer.token_table)
    equal(marks(bufnr, "limpid_signs"), { "0: ▃ LimpidSignSupport", "1: █ LimpidSignSupport" })
    vim.api.nvim_buf_set_text(bufnr, 0, 0, 0, 0, { "", "x" })
    signs.clear()
    equal(marks(bufnr, "limpid_signs"), { "1: ▃ LimpidDim", "2: █ LimpidDim" })
    heat.paint(nil)
    signs.clear()
    equal(marks(bufnr, "limpid_signs"), {})
    config.change("signs", false)
  end)
end)

describe("surprisal", function()
  local function paint(lines)
    local answer = testing.fixture("tokens").result
    local bufnr = buffer(lines)
    surprisal.paint(bufnr, answer.view, answer.token_table)
    return bufnr
  end

  it("weighs a token's line, without the blank in front of it, and sums up lines", function()
    local bufnr = paint({ "The capital of France is" })
    equal(marks(bufnr, "limpid_surprisal"), {
      "0: 11.50 nats",
      "0:4-11 LimpidSurprisal3",
      "0:15-21 LimpidSurprisal2",
    })
    surprisal.clear()
    equal(marks(bufnr, "limpid_surprisal"), {})
  end)

  it("has four weights, and none for what was to be expected", function()
    local weights = {}
    for at, logprob in ipairs({ -0.1, -1, -3.5, -6, -20 }) do
      weights[at] = surprisal.weight(logprob) or 0
    end
    equal(weights, { 0, 1, 2, 3, 4 })
    equal(surprisal.weight(vim.NIL), nil)
    equal(surprisal.weight(nil), nil)
  end)

  it("leaves the sums to the daemon's hints where these are shown", function()
    require("limpid.config").change("inlay.surprisal", true)
    local bufnr = buffer({ "The capital of France is" })
    vim.lsp.inlay_hint.enable(true, { bufnr = bufnr })
    local answer = testing.fixture("tokens").result
    surprisal.paint(bufnr, answer.view, answer.token_table)
    equal(marks(bufnr, "limpid_surprisal"), { "0:4-11 LimpidSurprisal3", "0:15-21 LimpidSurprisal2" })
    require("limpid.config").change("inlay.surprisal", false)
  end)
end)

describe("marks at lines", function()
  it("survive buffers that are shorter, wiped or never loaded", function()
    local tokens, parts = testing.fixture("tokens").result, testing.fixture("parts").result
    for _, paint in ipairs({
      function(bufnr)
        surprisal.paint(bufnr, tokens.view, tokens.token_table)
      end,
      function(bufnr)
        rollup.paint(bufnr, parts.view, parts.token_table)
      end,
      function(bufnr)
        signs.paint(bufnr, parts.view, parts.token_table)
      end,
    }) do
      local bufnr = buffer({ "x" })
      paint(bufnr)
      vim.cmd("bwipeout! " .. bufnr)
      paint(bufnr)
      paint(vim.fn.bufadd("never-loaded"))
      paint(buffer({}))
    end
    for _, module in ipairs({ surprisal, rollup, signs }) do
      module.clear()
      module.clear()
    end
    ok(true)
  end)
end)
