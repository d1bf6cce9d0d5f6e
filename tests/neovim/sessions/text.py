"""What is on the text: heat by kind, numbers, surprisal, roll-ups, signs; the hover and its links; target and foil by motion; text objects;
diagnostics, code actions and code lenses, which Neovim's own keys reach."""

import re

import plugin
from editor import Editor
from stage import Stage
from steps import Steps, check, raise_all

step = Steps()
FLOATS = "return #vim.tbl_filter(function(w) return vim.api.nvim_win_get_config(w).relative ~= '' end, vim.api.nvim_list_wins())"
MAPS = """
vim.keymap.set({ "n", "x" }, "gt", "<Plug>(limpid-target)")
vim.keymap.set({ "n", "x" }, "gf", "<Plug>(limpid-foil)")
vim.keymap.set({ "o", "x" }, "im", "<Plug>(limpid-inner-message)")
vim.keymap.set({ "o", "x" }, "am", "<Plug>(limpid-around-message)")
vim.keymap.set({ "o", "x" }, "ie", "<Plug>(limpid-inner-example)")
vim.keymap.set({ "o", "x" }, "ae", "<Plug>(limpid-around-example)")
vim.keymap.set("n", "]t", "<Plug>(limpid-next-strongest)")
vim.keymap.set("n", "[t", "<Plug>(limpid-previous-strongest)")
"""


@step("quiet until asked")
def quiet(nvim, stage):
    """In a prompt only the prediction is there; in another file nothing is."""
    plugin.attached(nvim, "The 49 %")
    nvim.screen("text_prediction")
    nvim.ex("edit code.py")
    check(nvim.lua("return #vim.lsp.get_clients({ bufnr = 0, name = 'limpid' })") == 0, "no server in a file that is no prompt")
    nvim.ex("edit notes.md")
    nvim.until_says(r"·cold [\d.]+ %|·\S+ [\d.]+ %")
    nvim.ex("edit chat.prompt")


@step("heat")
def heat(nvim, stage):
    plugin.inspect(nvim)
    plugin.heat(nvim, 10)
    nvim.screen("text_heat")
    for word in ("numbers", "rollups", "signs"):
        plugin.say(nvim, word)
    nvim.until_says(r"system:|user:", r"\d %\s+~[+-]\d")
    plugin.heat(nvim, 10)
    nvim.screen("text_all")
    for word in ("numbers", "rollups", "signs"):
        plugin.say(nvim, word)
    plugin.say(nvim, "surprisal")
    nvim.until_says(r"[\d.]+ nats")
    nvim.screen("text_surprisal")
    plugin.say(nvim, "surprisal")
    nvim.ex("Limpid hide")
    plugin.no_heat(nvim)
    nvim.screen("text_hidden")


@step("hover")
def hover(nvim, stage):
    """K opens, K again goes in, Tab goes from link to link, Enter does it; moving on closes."""
    nvim.goto(4, 25)
    nvim.keys("K")
    nvim.until("a hover", FLOATS + " == 1")
    nvim.until_says(r"·France #4649 · token \d+ of 27", "Hide and measure")
    nvim.screen("text_hover")
    nvim.keys("K")
    nvim.until("inside", "return vim.api.nvim_win_get_config(0).relative ~= ''")
    nvim.keys("<Tab><Tab>")
    check(nvim.lua("return vim.fn.expand('<cword>')") == "Hide", f"Tab goes to the second link: {nvim.lua('return vim.fn.getline(vim.fn.line([[.]]))')}")
    nvim.keys("<CR>")
    plugin.quiet(nvim)
    nvim.until("measured", "return next(require('limpid.effects').of(require('limpid.runs').shown).rows) ~= nil")
    nvim.lua("vim.cmd('silent! fclose!')")
    plugin.text(nvim)
    nvim.goto(4, 25)
    nvim.keys("K")
    nvim.until_says(r"Effect of hiding it [+-]\d")
    nvim.keys("h")
    nvim.until("the hover goes", FLOATS + " == 0")
    nvim.keys("KK")
    nvim.until("inside, however fast", "return vim.api.nvim_win_get_config(0).relative ~= ''")
    nvim.keys("q")
    nvim.until("closed", FLOATS + " == 0")


@step("hover, its other links")
def links(nvim, stage):
    for title, holds in (
        ("Panel", "local cards = require('limpid.panel').state.cards; return cards[#cards] and cards[#cards].kind == 'token'"),
        ("What it fed", "return #vim.fn.getqflist() > 0 or #vim.fn.getloclist(0) > 0 or vim.fn.col('.') ~= 25"),
        ("What it rests on", "return #vim.fn.getqflist() > 0 or #vim.fn.getloclist(0) > 0 or vim.fn.col('.') ~= 25"),
        ("Set as target", "local head = require('limpid.runs').shown.head; return head.target.text == ' France'"),
    ):
        plugin.text(nvim)
        nvim.lua("vim.fn.setqflist({}); vim.fn.setloclist(0, {}); vim.cmd('silent! fclose! | silent! cclose | silent! lclose')")
        nvim.goto(4, 25)
        nvim.keys("KK")
        nvim.until("inside", "return vim.api.nvim_win_get_config(0).relative ~= ''")
        nvim.lua("vim.fn.search(..., 'w')", title)
        nvim.keys("<CR>")
        nvim.until(f"{title} does it", holds)
        plugin.quiet(nvim)
        nvim.calm(title)
    nvim.lua("vim.cmd('silent! fclose! | silent! cclose | silent! lclose')")
    plugin.text(nvim)
    plugin.inspect(nvim)


@step("target and foil by motion")
def operators(nvim, stage):
    """The operator takes what the motion covers, and a count or a dot does too."""
    plugin.text(nvim)
    nvim.keys("gg/France<CR>")
    plugin.reshown(nvim, lambda: nvim.keys("gtiw"))
    check("France" in nvim.lua("return require('limpid.runs').shown.head.target.text"), "the word is the target")
    nvim.screen("text_target_by_motion")
    nvim.keys("gg/capital<CR>")
    plugin.reshown(nvim, lambda: nvim.keys("gfiw"))
    foil = nvim.lua("local foil = require('limpid.runs').shown.head.target.foil; return foil and foil.text")
    check(foil and "capital" in foil, f"the word is the foil: {foil}")
    nvim.keys("gg/What<CR>viw")
    plugin.reshown(nvim, lambda: nvim.keys("gt"))
    check("What" in nvim.lua("return require('limpid.runs').shown.head.target.text"), "the selection is the target")


@step("text objects")
def textobjects(nvim, stage):
    plugin.text(nvim)
    for keys, wanted in (("4Gyim", "What is the capital of France?"), ("2Gyim", "You answer in one word.")):
        nvim.lua("vim.fn.setreg('\"', '')")
        nvim.keys(keys)
        got = nvim.until("yanked", "local text = vim.fn.getreg('\"'); return text ~= '' and text")
        check(got.strip() == wanted, f"{keys}: {got!r}")
    nvim.lua("vim.fn.setreg('\"', '')")
    nvim.keys("4Gyam")
    got = nvim.until("yanked", "local text = vim.fn.getreg('\"'); return text ~= '' and text")
    check(got.strip() == "user:\nWhat is the capital of France?", f"yam: {got!r}")
    stage.file("sums.prompt", "Q: 2 + 2?\nA: 4\n\nQ: 3 + 3?\nA: 6\n\nQ: 4 + 4?\nA:")
    nvim.ex("edit sums.prompt")
    plugin.attached(nvim, r"\d %")
    nvim.keys("5G")
    nvim.lua("vim.fn.setreg('\"', '')")
    nvim.keys("yie")
    nvim.until("yanked or said", "return vim.fn.getreg('\"') ~= ''")
    got = nvim.lua("return vim.fn.getreg('\"')")
    check(got == "Q: 3 + 3?\nA: 6\n", f"yie: {got!r}")
    nvim.ex("edit chat.prompt")


@step("walking")
def walking(nvim, stage):
    plugin.inspect(nvim)
    plugin.text(nvim)
    nvim.keys("gg0")
    places = []
    for _ in range(3):
        before = nvim.lua("return vim.api.nvim_win_get_cursor(0)")
        nvim.keys("]t")
        places.append(nvim.until("moved", "local now = vim.api.nvim_win_get_cursor(0); local was = ...; return (now[1] ~= was[1] or now[2] ~= was[2]) and now", before))
    check(len({tuple(place) for place in places}) == 3, f"three strongest tokens: {places}")
    nvim.keys("[t")
    nvim.until("back", "local now, was = vim.api.nvim_win_get_cursor(0), ...; return now[1] == was[1] and now[2] == was[2]", places[1])


@step("through Neovim's own keys")
def own_keys(nvim, stage):
    """Diagnostics, code actions, code lenses, definition, references, symbols: what the daemon says stands where Neovim shows it."""
    stage.file("trailing.prompt", "The capital of France is \n")
    nvim.ex("edit trailing.prompt")
    plugin.attached(nvim, r"[\d.]+ %")
    found = nvim.until("a diagnostic", "local all = vim.diagnostic.get(0); return #all > 0 and all[1].message")
    check(re.search("trailing|space", found, re.I), found)
    nvim.keys("$")
    nvim.ex("lua vim.lsp.buf.code_action()")
    nvim.until_says("Code actions|Limpid")
    nvim.screen("text_code_actions")
    nvim.keys("<CR>")
    nvim.recover()
    nvim.ex("edit! chat.prompt")
    nvim.until("a code lens", "vim.lsp.codelens.refresh({ bufnr = 0 }); local lenses = vim.lsp.codelens.get(0); return #lenses > 0 and lenses[1].command ~= nil")
    nvim.goto(4, 25)
    nvim.ex("lua vim.lsp.buf.definition()")
    nvim.until("a definition", "return vim.fn.line('.') ~= 4 or vim.fn.col('.') ~= 25 or #vim.fn.getqflist() > 0 or #vim.fn.getloclist(0) > 0")
    nvim.lua("vim.cmd('silent! cclose | silent! lclose')")


@step("whose K")
def own_k(nvim, stage):
    """A K that a person has mapped stays theirs."""
    with Editor(stage, "capital.prompt", more='vim.keymap.set("n", "K", "<Cmd>let g:mine = 1<CR>")') as other:
        plugin.attached(other, "·Paris 77 %")
        other.keys("K")
        other.until("theirs", "return vim.g.mine == 1")


def run():
    with Stage() as stage, Editor(stage, "chat.prompt", more=MAPS) as nvim:
        raise_all(step.run(nvim, stage, after=nvim.calm, recover=nvim.recover))
