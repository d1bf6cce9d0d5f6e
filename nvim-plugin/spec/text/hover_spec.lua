-- The hover says what the daemon says; its links act, and nothing in a prompt's text can pass for one.
-- What must not live here: the daemon.
local testing = require("spec.testing")

local describe, it, equal, ok = testing.describe, testing.it, testing.equal, testing.ok

local give, ran
local is_prompt = true
package.loaded["limpid.documents"] = {
  wants = function()
    return is_prompt
  end,
}
package.loaded["limpid.requests"] = {
  ask = function(_, method, params)
    equal(method, "textDocument/hover")
    return give(params)
  end,
}
package.loaded["limpid.command"] = {
  run = function(word, call)
    ran = { word = word, call = call }
  end,
}

local hover = require("limpid.hover")

local HOVER = "`·capital` #3575 · token 2 of 5  \nSupports `·Paris` ~ +0.78 nats  \nNext `·Paris` 77 %"

local function prompt()
  vim.cmd("silent only!")
  local bufnr = vim.api.nvim_create_buf(true, false)
  vim.api.nvim_buf_set_name(bufnr, vim.fn.tempname() .. ".prompt")
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, { "The capital of France is" })
  vim.api.nvim_set_current_buf(bufnr)
  vim.api.nvim_win_set_cursor(0, { 1, 5 })
  ran = nil
  return bufnr
end

local function float()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= "" then
      return window
    end
  end
end

local function close()
  local window = float()
  if window then
    vim.api.nvim_win_close(window, true)
  end
end

local function says(value)
  give = function()
    return { contents = { kind = "markdown", value = value } }
  end
end

local function press(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), "xt", false)
end

describe("the hover", function()
  it("shows what the daemon says, with links below, and leaves the cursor in the text", function()
    local bufnr = prompt()
    says(HOVER)
    hover.show()
    local window = ok(float())
    local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
    testing.has(lines[1], "token 2 of 5")
    testing.has(lines[#lines], "Panel   Hide and measure   Set as target   What it rests on   What it fed")
    equal(vim.api.nvim_get_current_buf(), bufnr)
    close()
  end)

  it("asked for again, is entered; its links do what they say, about the place that was asked about", function()
    local bufnr = prompt()
    says(HOVER)
    hover.show()
    hover.show()
    equal(vim.api.nvim_get_current_win(), float())
    press("<Tab><Tab><CR>")
    equal(ran.word, "measureHere")
    equal(ran.call.about, { uri = vim.uri_from_bufnr(bufnr), position = { line = 0, character = 5 }, here = true })
    equal(float(), nil)
    equal(vim.api.nvim_get_current_buf(), bufnr)
    hover.show()
    hover.show()
    press("<S-Tab>gx")
    equal(ran.word, "fed")
    hover.show()
    hover.show()
    press("<CR><CR>")
    equal(ran.word, "panel", "on no link, the key goes to the first")
  end)

  it("asked for twice before the answer is there, is entered when it comes", function()
    prompt()
    local task = require("limpid.task")
    local come
    give = function()
      return task.await(function(done)
        come = done
      end)
    end
    hover.show()
    hover.show()
    equal(float(), nil)
    come({ contents = { kind = "markdown", value = HOVER } })
    equal(vim.api.nvim_get_current_win(), ok(float()))
    close()
  end)

  it("has no links where it explains a key or a setting", function()
    prompt()
    says("`temperature`: how freely the model writes")
    hover.show()
    local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(ok(float())), 0, -1, false)
    equal(#lines, 1)
    close()
  end)

  it("takes no prompt's text for a link", function()
    prompt()
    says(HOVER .. "  \nPanel   Hide and measure   Set as target   What it rests on   What it fed")
    hover.show()
    hover.show()
    vim.api.nvim_win_set_cursor(0, { 4, 0 })
    press("<CR>")
    equal(ran, nil)
    close()
  end)

  it("goes away with the next move, and when it is told so", function()
    prompt()
    says(HOVER)
    hover.show()
    vim.api.nvim_win_set_cursor(0, { 1, 9 })
    vim.cmd.doautocmd("CursorMoved")
    equal(float(), nil)
    for _, keys in ipairs({ "q", "<Esc>" }) do
      hover.show()
      hover.show()
      press(keys)
      equal(float(), nil)
    end
    hover.show()
    vim.cmd("new")
    equal(float(), nil)
  end)

  it("has the frame that a person chose for floats, or none", function()
    if vim.fn.has("nvim-0.11") == 0 then
      return
    end
    for frame, first in pairs({ none = false, single = "┌", [""] = "╭" }) do
      vim.o.winborder = frame
      prompt()
      says(HOVER)
      hover.show()
      local config = vim.api.nvim_win_get_config(ok(float()))
      equal(type(config.border) == "table" and config.border[1] or false, first, frame)
      close()
    end
    vim.o.winborder = ""
  end)

  it("is as wide as what is seen of its longest line", function()
    equal({ hover.size({ "`·Paris` 77 %", "" }, 80) }, { 11, 2 })
    equal({ hover.size({ ("x"):rep(50) }, 20) }, { 20, 3 })
    equal({ hover.size({ "日本" }, 20) }, { 4, 1 })
  end)

  it("fits its links into few columns", function()
    local lines, links = hover.links(20, 3)
    equal(lines, { "Panel", "Hide and measure", "Set as target", "What it rests on", "What it fed" })
    equal({ links[2].row, links[2].column, links[5].row }, { 4, 0, 7 })
    equal(#hover.links(84, 0), 1)
  end)

  it("says so where there is nothing to say, and takes any shape of contents", function()
    prompt()
    for _, answer in ipairs({ vim.NIL, { contents = {} }, { contents = "" } }) do
      give = function()
        return answer
      end
      hover.show()
      equal(float(), nil)
    end
    equal(hover.lines("one\ntwo"), { "one", "two" })
    equal(hover.lines(vim.NIL), {})
  end)

  it("tells the daemon of no text that is not known as a prompt", function()
    prompt()
    is_prompt = false
    give = function()
      error("asked")
    end
    hover.show()
    is_prompt = true
    equal(float(), nil)
  end)

  it("shows nothing when text, cursor or buffer moved while the answer travelled", function()
    for _, change in ipairs({
      function()
        vim.api.nvim_win_set_cursor(0, { 1, 9 })
      end,
      function()
        vim.api.nvim_buf_set_lines(0, 0, 0, false, { "new" })
      end,
      function()
        vim.cmd("new")
      end,
      function()
        vim.cmd("bwipeout!")
      end,
    }) do
      prompt()
      give = function()
        change()
        return { contents = { kind = "markdown", value = HOVER } }
      end
      hover.show()
      equal(float(), nil)
    end
  end)
end)
