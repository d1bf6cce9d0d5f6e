-- `:Limpid`: its words, what completes, and what a wrong word gives.
-- What must not live here: what the words do.
local command = require("limpid.command")
local problems = require("limpid.problems")
local testing = require("spec.testing")

local describe, it, equal = testing.describe, testing.it, testing.equal

describe(":Limpid", function()
  it("completes words, and what stands behind some of them", function()
    equal(command.complete("comp", "Limpid comp"), { "compare", "compareFoil", "compareLast", "compareModels" })
    equal(command.complete("", "Limpid heat "), { "attribution", "effect", "flow" })
    equal(command.complete("f", "Limpid compare f"), { "foil" })
    equal(command.complete("", "Limpid hide "), {})
    equal(command.complete("", "Limpid nothing "), {})
    equal(#command.complete("", "Limpid "), #command.words())
    equal(command.complete("INS", "'<,'>Limpid INS"), { "inspect" })
  end)

  it("says of every word what it does, as a part of a sentence", function()
    for word, one in pairs(command.WORDS) do
      testing.ok(one.says ~= "" and not one.says:find("%.$"), word)
    end
  end)

  it("meets a word that it does not know with a sentence", function()
    require("limpid.config").set({ notify = false })
    command.run("inspekt", {})
    equal(problems.shown.kind, "bad-word")
  end)

  it("says what is missing where nothing was inspected", function()
    require("limpid.config").set({ notify = false })
    for _, word in ipairs({ "pin", "clearSwitches", "export", "quickfix", "history", "switchSet" }) do
      problems.shown = nil
      command.run(word, {})
      equal(problems.shown and problems.shown.kind, "nothing-shown", word)
    end
  end)

  it("has a <Plug> map for every word", function()
    vim.g.loaded_limpid = nil
    vim.cmd.runtime("plugin/limpid.lua")
    local mapped = {}
    for _, map in ipairs(vim.api.nvim_get_keymap("n")) do
      local word = map.lhs:match("^<Plug>%(limpid%-") and (map.desc or ""):match("^Limpid: (%w+)$")
      mapped[#mapped + 1] = word
    end
    table.sort(mapped)
    equal(mapped, command.words())
  end)
end)
