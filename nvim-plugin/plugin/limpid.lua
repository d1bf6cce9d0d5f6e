-- What is there from the start: the command, the `<Plug>` maps and the look at new buffers; each requires the rest when it is used.
-- What must not live here: anything that costs time before a person or a prompt asks for it.
if vim.g.loaded_limpid then
  return
end
vim.g.loaded_limpid = true

vim.api.nvim_create_user_command("Limpid", function(arguments)
  require("limpid.command").execute(arguments)
end, {
  nargs = "*",
  range = true,
  desc = "See through the prediction of a language model",
  complete = function(lead, line)
    return require("limpid.command").complete(lead, line)
  end,
})

local group = vim.api.nvim_create_augroup("limpid", {})

vim.api.nvim_create_autocmd("FileType", {
  group = group,
  pattern = { "prompt", "prompty", "chat", "markdown" },
  desc = "Tell the daemon of a buffer that is or holds a prompt",
  callback = function(event)
    require("limpid.documents").look_at(event.buf)
  end,
})

-- A map for every word: `setTarget` is `<Plug>(limpid-set-target)`. A spec holds the list to the words that there are.
-- Not by `vim.keymap.set`, which takes half a millisecond more for all of them.
for _, word in ipairs({
  "inspect",
  "panel",
  "hide",
  "refresh",
  "setTarget",
  "setFoil",
  "continue",
  "applyTemplate",
  "measure",
  "measureLines",
  "measureHere",
  "switchOff",
  "clearSwitches",
  "switchSet",
  "compare",
  "compareLast",
  "compareModels",
  "compareFoil",
  "lens",
  "routes",
  "section",
  "follow",
  "pin",
  "history",
  "nextStrongest",
  "previousStrongest",
  "restsOn",
  "fed",
  "surprisal",
  "numbers",
  "rollups",
  "signs",
  "lenses",
  "heat",
  "stop",
  "chooseModel",
  "loadModel",
  "unloadModel",
  "chooseDevice",
  "openReport",
  "export",
  "quickfix",
  "restart",
  "showLog",
  "status",
  "health",
  "tour",
}) do
  local lhs = ("<Plug>(limpid-%s)"):format(word:gsub("%u", function(letter)
    return "-" .. letter:lower()
  end))
  local map = {
    noremap = true,
    desc = "Limpid: " .. word,
    callback = function()
      require("limpid.command").run(word, { from_map = true })
    end,
  }
  for _, mode in ipairs({ "n", "x" }) do
    vim.api.nvim_set_keymap(mode, lhs, "", map)
  end
end

for _, what in ipairs({ "target", "foil" }) do
  vim.keymap.set({ "n", "x" }, ("<Plug>(limpid-%s)"):format(what), function()
    return require("limpid.operators")[what]()
  end, { expr = true, desc = ("Limpid: what the motion covers is the %s"):format(what) })
end

for _, object in ipairs({ "message", "example" }) do
  for _, side in ipairs({ "inner", "around" }) do
    vim.keymap.set({ "o", "x" }, ("<Plug>(limpid-%s-%s)"):format(side, object), function()
      require("limpid.textobjects").select(object, side)
    end, { desc = ("Limpid: %s %s"):format(side, object) })
  end
end

vim.keymap.set("n", "<Plug>(limpid-hover)", function()
  require("limpid.hover").show()
end, { desc = "Limpid: what the token at the cursor does" })
