-- The panel's keys: a table of key, words and what it does to the line under the cursor. What must not live here: drawing.
local M = {}

---@param does string name of a function of `limpid.actions`
---@return fun()
local function act(does)
  return function()
    require("limpid.actions")[does](require("limpid.panel.window").about())
  end
end

---@param name string of a word of `:Limpid`
---@return fun()
local function word(name)
  return function()
    require("limpid.command").run(name, {})
  end
end

---@param step 1|-1
---@return fun()
local function beside(step)
  return function()
    require("limpid.panel").next_section(step)
  end
end

---@type { keys: string[], says: string, does: fun() }[]
M.KEYS = {
  { keys = { "<CR>" }, says = "open what the line is about", does = act("open") },
  {
    keys = { "<BS>", "<C-o>" },
    says = "back to where it was opened from",
    does = function()
      require("limpid.panel").back()
    end,
  },
  { keys = { "K" }, says = "explain the line", does = act("explain") },
  { keys = { "gd" }, says = "go to its place in the text", does = act("go_to_text") },
  { keys = { "<Tab>" }, says = "next section", does = beside(1) },
  { keys = { "<S-Tab>" }, says = "section before", does = beside(-1) },
  { keys = { "+", "=" }, says = "show more of the flow", does = act("show_more") },
  { keys = { "-" }, says = "show less of the flow", does = act("show_less") },
  { keys = { "x" }, says = "switch it off, or on again", does = act("toggle") },
  { keys = { "X" }, says = "switch everything on again", does = word("clearSwitches") },
  { keys = { "m" }, says = "measure its effect", does = act("measure") },
  { keys = { "M" }, says = "measure the effects of a whole set", does = word("measure") },
  { keys = { "c" }, says = "write on behind the prompt, with and without what is off", does = act("continue") },
  { keys = { "t" }, says = "make it the target", does = act("target") },
  { keys = { "f" }, says = "make it the foil", does = act("foil") },
  { keys = { "s" }, says = "sort by the next column", does = act("sort") },
  { keys = { "o" }, says = "heads, neurons, MLPs, or all", does = act("ranking") },
  { keys = { "b" }, says = "cut the prompt into other parts", does = act("part_by") },
  { keys = { "h" }, says = "heat by attribution, effect or flow", does = word("heat") },
  { keys = { "a" }, says = "the head's whole attention map", does = act("maps") },
  { keys = { "C" }, says = "compare with the foil, an earlier run, other models", does = word("compare") },
  { keys = { "H" }, says = "runs before this one", does = word("history") },
  { keys = { "Q" }, says = "what is shown, into the quickfix list", does = word("quickfix") },
  { keys = { "e" }, says = "save the analysis", does = word("export") },
  { keys = { "gx" }, says = "the HTML panel in a browser", does = word("openReport") },
  { keys = { "p" }, says = "pin this run", does = word("pin") },
  { keys = { "r" }, says = "inspect the prompt again", does = word("refresh") },
  { keys = { "<C-c>" }, says = "give up what is under way", does = word("stop") },
  {
    keys = { "q" },
    says = "close the panel",
    does = function()
      require("limpid.panel").close()
    end,
  },
  {
    keys = { "?" },
    says = "these keys",
    does = function()
      require("limpid.float").keys(M.KEYS)
    end,
  },
}

---@param bufnr integer
function M.attach(bufnr)
  for _, key in ipairs(M.KEYS) do
    for _, lhs in ipairs(key.keys) do
      vim.keymap.set(
        "n",
        lhs,
        key.does,
        { buffer = bufnr, nowait = true, silent = true, desc = "Limpid: " .. key.says }
      )
    end
  end
  for number = 1, 7 do
    vim.keymap.set("n", tostring(number), function()
      require("limpid.panel").section(require("limpid.views").SECTIONS[number])
    end, { buffer = bufnr, nowait = true, silent = true, desc = "Limpid: section " .. number })
  end
  vim.api.nvim_create_autocmd("CursorMoved", {
    buffer = bufnr,
    callback = function()
      local line, about = require("limpid.panel.window").line(), require("limpid.panel.window").about()
      local is_token = about and about.kind == "token"
      require("limpid.heat").point(is_token and about.position or line and line.token)
    end,
  })
  vim.api.nvim_create_autocmd("BufLeave", {
    buffer = bufnr,
    callback = function()
      require("limpid.heat").point(nil)
    end,
  })
end

return M
