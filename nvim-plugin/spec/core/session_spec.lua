-- Runs, problems, places and selections, without a daemon. What must not live here: requests.
local problems = require("limpid.problems")
local runs = require("limpid.runs")
local session = require("limpid.session")
local testing = require("spec.testing")

local describe, it, equal = testing.describe, testing.it, testing.equal

---@param lines string[]
---@param name? string
---@return integer
local function buffer(lines, name)
  local bufnr = vim.api.nvim_create_buf(true, false)
  vim.api.nvim_buf_set_name(bufnr, name or vim.fn.tempname() .. ".prompt")
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  return bufnr
end

---@param bufnr integer
---@return limpid.Run
local function inspected(bufnr)
  local run = runs.make({ place = { bufnr = bufnr, uri = vim.uri_from_bufnr(bufnr) } }, "one.prompt")
  runs.show(run)
  return run
end

describe("runs", function()
  it("are stale while the text is another, and fresh when it is back", function()
    local bufnr = buffer({ "The capital of France is" })
    local run = inspected(bufnr)
    vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, { "The capital of Poland is" })
    runs.edited(bufnr)
    equal(run.head.is_stale, true)
    vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, { "The capital of France is" })
    runs.edited(bufnr)
    equal(run.head.is_stale, false)
    vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, { "The capital of France is", "" })
    runs.edited(bufnr)
    equal(run.head.is_stale, true)
  end)

  it("of the same question about the same text are one, and keep their pin", function()
    local bufnr = buffer({ "same" })
    local before = #runs.all
    runs.pin(inspected(bufnr))
    local again = inspected(bufnr)
    equal(#runs.all, before + 1)
    equal(again.head.is_pinned, true)
  end)

  it("are compared with one whose text was another, rather than with the same text", function()
    local bufnr = buffer({ "first" })
    local first = inspected(bufnr)
    vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, { "second" })
    inspected(bufnr)
    local third = runs.make({ place = { bufnr = bufnr, uri = vim.uri_from_bufnr(bufnr) }, foil = 5 }, "one.prompt")
    runs.show(third)
    equal(runs.before(third), first)
  end)

  it("stay to be compared with when their buffer is gone, and are hidden", function()
    local bufnr = buffer({ "gone" })
    local run = inspected(bufnr)
    runs.closed(bufnr)
    equal(runs.shown, nil)
    equal(run.head.is_stale, true)
    vim.api.nvim_buf_delete(bufnr, { force = true })
    runs.pick(run)
    equal(run:is_current(), false)
    runs.hide()
  end)
end)

describe("a place", function()
  ---@param bufnr integer
  ---@return string?
  local function refusal(bufnr)
    local went_well, problem = pcall(session.place, { bufnr = bufnr })
    return not went_well and problem.kind or nil
  end

  it("is refused with a reason where it cannot be told to the daemon", function()
    equal(refusal(vim.api.nvim_create_buf(false, true)), "no-prompt")
    equal(refusal(vim.api.nvim_create_buf(true, false)), "no-name")
    equal(refusal(buffer({ ("x"):rep(11 * 1024 * 1024) })), "too-large")
    equal(refusal(buffer({ "fine" })), nil)
  end)

  it("is titled by its file and lines", function()
    local bufnr = buffer({ "a", "b", "c" }, vim.fn.tempname() .. "/rules.prompt")
    local range = { start = { line = 1, character = 0 }, ["end"] = { line = 2, character = 1 } }
    local _, title = session.place({ bufnr = bufnr, range = range })
    equal(title, "rules.prompt:2–3")
  end)
end)

describe("what goes on", function()
  it("is what began and has not ended, whatever comes late", function()
    session.progressed("a", { kind = "begin", title = "Limpid", message = "walking back", percentage = 40 })
    equal(session.busy_words(), "walking back 40 %")
    session.progressed("a", { kind = "report", percentage = 80 })
    equal(session.busy_words(), "walking back 80 %")
    session.progressed("a", { kind = "end" })
    session.progressed("a", { kind = "report", percentage = 90 })
    equal(session.busy_words(), nil)
    session.progressed("b", { kind = "begin", title = "Limpid" })
    session.server_ended()
    equal(session.busy_words(), nil)
  end)
end)

describe("a problem", function()
  it("is a sentence with ways out", function()
    local problem = problems.of_answer({ code = 1, message = "no such model", data = { kind = "model-not-found" } })
    equal(problem.message, "No such model.")
    equal(problem.ways[1].word, "chooseModel")
    equal(problems.of_answer({ code = -32800, message = "x" }).kind, "cancelled")
    equal(problems.of_answer({ code = -32603, message = "x", data = vim.NIL }).kind, "internal")
  end)

  it("names only words that :Limpid has", function()
    local words = require("limpid.command").WORDS
    for _, kind in ipairs({
      "model-not-found",
      "memory-budget",
      "device",
      "no-binary",
      "internal",
      "no-prompt",
      "stale-version",
    }) do
      for _, way in ipairs(problems.problem(kind, "x").ways) do
        testing.ok(words[way.word] ~= nil, way.word)
      end
    end
  end)
end)

describe("a selection", function()
  it("of a command's lines is their whole text, and of characters ends behind the last one", function()
    local bufnr = buffer({ "größe", "zwei" })
    vim.api.nvim_set_current_buf(bufnr)
    local selection = require("limpid.selection")
    equal(selection.lines(1, 2), { start = { line = 0, character = 0 }, ["end"] = { line = 1, character = 4 } })
    vim.api.nvim_win_set_cursor(0, { 1, 0 })
    vim.cmd("normal! v2l\27")
    -- `ö` takes two bytes, so its end is one further than its start says.
    equal(selection.lines(1, 1), { start = { line = 0, character = 0 }, ["end"] = { line = 0, character = 4 } })
  end)
end)
