"""Every section and every card of the panel, by its keys: what is drawn, live with the cursor, and what the keys do to it."""

import pathlib
import re

import plugin
from editor import Editor
from stage import Stage
from steps import Steps, check, raise_all

step = Steps()



def section(nvim, number: int):
    plugin.panel(nvim)
    nvim.keys(str(number))
    plugin.quiet(nvim)


def card(nvim, number: int, line: str, name: str):
    """Opens the card of a line, keeps its screen, goes back."""
    section(nvim, number)
    plugin.on_line(nvim, line)
    nvim.keys("<CR>")
    plugin.quiet(nvim)
    opened = nvim.lua("local cards = require('limpid.panel').state.cards; return cards[#cards] and cards[#cards].kind")
    check(opened, f"a card opens on {line}")
    nvim.screen(f"views_card_{name}")
    return opened


@step("sections")
def sections(nvim, stage):
    """Keys 1 to 7; 6 and 7 have something to show further down."""
    check(nvim.lua("return require('limpid.views').SECTIONS") == plugin.SECTIONS, "the sections are these seven")
    for number in range(1, 6):
        section(nvim, number)
        nvim.screen(f"views_{number}_{plugin.SECTIONS[number - 1]}")
    for number in (6, 7):
        section(nvim, number)
        plugin.panel_says(nvim, f"▼ {plugin.SECTIONS[number - 1]}")
    nvim.keys("<Tab>")
    check(nvim.lua("return require('limpid.panel').state.section") == "prediction", "Tab goes round")
    nvim.keys("<S-Tab>")
    check(nvim.lua("return require('limpid.panel').state.section") == "compare", "S-Tab goes back")


@step("card of a token")
def card_token(nvim, stage):
    check(card(nvim, 1, r"·France .* %", "token") == "token", "a token")
    nvim.keys("<BS>")
    plugin.panel_says(nvim, "▼ prediction")


@step("card of a node")
def card_node(nvim, stage):
    check(card(nvim, 2, "L23 ·is", "node") == "node", "a node")


@step("card of an edge")
def card_edge(nvim, stage):
    """The share behind a head stands for the edge; the rest of the line for the node, which opens as a fold."""
    section(nvim, 2)
    plugin.on_line(nvim, "L23 ·is")
    nvim.keys("zo")
    plugin.on_line(nvim, r"L23H4+6 \zs22 %", at_match=True)
    nvim.screen("views_2_routes_open")
    nvim.keys("<CR>")
    plugin.quiet(nvim)
    check(nvim.lua("local cards = require('limpid.panel').state.cards; return cards[#cards].kind") == "edge", "an edge")
    nvim.screen("views_card_edge")


@step("card of a head")
def card_head(nvim, stage):
    check(card(nvim, 5, "L12H0", "head") == "head", "a head")
    nvim.keys("a")
    plugin.quiet(nvim)
    nvim.screen("views_card_head_maps")
    nvim.keys("a")


@step("card of an MLP")
def card_mlp(nvim, stage):
    check(card(nvim, 5, "MLP L24", "mlp") == "mlp", "an MLP")


@step("card of a neuron")
def card_neuron(nvim, stage):
    check(card(nvim, 5, "L9 N200", "neuron") == "neuron", "a neuron")


@step("explanations")
def explanations(nvim, stage):
    """K says what a line is, in a float that q or moving on closes."""
    for number in range(1, 8):
        section(nvim, number)
        nvim.keys("K")
        nvim.until(f"a float in section {number}", "return #vim.tbl_filter(function(w) return vim.api.nvim_win_get_config(w).relative ~= '' end, vim.api.nvim_list_wins()) > 0")
        if number == 2:
            nvim.screen("views_explained")
        nvim.keys("j")
        nvim.until("the float goes", "return #vim.tbl_filter(function(w) return vim.api.nvim_win_get_config(w).relative ~= '' end, vim.api.nvim_list_wins()) == 0")
    nvim.keys("?")
    nvim.until_says("these keys")
    nvim.screen("views_keys")
    nvim.keys("q")
    nvim.until_gone("these keys")


@step("share shown")
def share(nvim, stage):
    section(nvim, 2)
    shown = lambda: int(re.search(r"(\d+) % of flow shown", plugin.panel_text(nvim))[1])
    lines = lambda: len(plugin.panel_text(nvim).split("\n"))
    before, drawn = shown(), lines()
    nvim.keys("-")
    plugin.quiet(nvim)
    check(shown() < before, f"- shows less: {before} % then {shown()} %")
    nvim.keys("++")
    plugin.quiet(nvim)
    check(shown() > before and lines() >= drawn, f"+ shows more: {before} % then {shown()} %")
    nvim.keys("-")
    plugin.quiet(nvim)


@step("cursor to text and back")
def live(nvim, stage):
    """What the panel's cursor is on lights up in the text; gd goes there; the panel follows the text's cursor."""
    section(nvim, 1)
    plugin.on_line(nvim, r"·France .* %")
    nvim.until("a token lit up", """
      for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(require("limpid.runs").shown.bufnr, -1, 0, -1, { details = true })) do
        if mark[4].hl_group == "LimpidPoint" then return mark[3] == 14 and mark[4].end_col == 21 end
      end
    """)
    nvim.keys("gd")
    check(nvim.lua("return { vim.fn.bufname(), vim.fn.col('.') }") in (["capital.prompt", 15], ["capital.prompt", 16]), "gd goes to the token")
    nvim.goto(1, 6)
    nvim.until("the panel follows", "return require('limpid.panel').state.position == 1")


@step("measuring")
def measuring(nvim, stage):
    section(nvim, 1)
    plugin.on_line(nvim, r"·France .* %")
    nvim.keys("m")
    plugin.quiet(nvim)
    plugin.panel_says(nvim, r"\+7\.38≠")
    section(nvim, 5)
    plugin.on_line(nvim, "L12H0")
    nvim.keys("m")
    plugin.quiet(nvim)
    nvim.screen("views_measured_head")
    section(nvim, 6)
    nvim.screen("views_6_effects")
    nvim.keys("s")
    nvim.until_says("Sorted by")


@step("switches and continuations")
def continuations(nvim, stage):
    section(nvim, 1)
    nvim.keys("c")
    plugin.quiet(nvim)
    plugin.panel_says(nvim, "Paris")
    section(nvim, 1)
    plugin.on_line(nvim, r"·France .* %")
    nvim.keys("x")
    nvim.until("a switch", "return #require('limpid.switches').of(require('limpid.runs').shown) == 1")
    nvim.keys("c")
    plugin.quiet(nvim)
    plugin.panel_says(nvim, "without|with")
    nvim.screen("views_continuations")
    nvim.keys("X")
    nvim.until("no switch", "return #require('limpid.switches').of(require('limpid.runs').shown) == 0")


@step("target and foil")
def target_and_foil(nvim, stage):
    section(nvim, 1)
    plugin.on_line(nvim, r"^ *·London ")
    plugin.reshown(nvim, lambda: nvim.keys("f"))
    plugin.panel_says(nvim, "rather than ·London")
    plugin.on_line(nvim, r"^ *·the ")
    plugin.reshown(nvim, lambda: nvim.keys("t"))
    plugin.panel_says(nvim, "target ·the")
    plugin.on_line(nvim, r"^ *·Paris ")
    plugin.reshown(nvim, lambda: nvim.keys("t"))
    plugin.panel_says(nvim, "target ·Paris")


@step("compare")
def compare(nvim, stage):
    """With the foil, and with the prompt as it was; C asks which."""
    section(nvim, 1)
    plugin.on_line(nvim, r"^ *·London ")
    plugin.reshown(nvim, lambda: nvim.keys("f"))
    plugin.panel(nvim)
    nvim.keys("C")
    plugin.choose(nvim, "foil", "")
    plugin.quiet(nvim)
    plugin.panel_says(nvim, "▼ compare", "foil alone")
    nvim.screen("views_7_compare_foil")
    plugin.text(nvim)
    nvim.keys("0fFcwSpain<Esc>")
    plugin.inspect(nvim)
    plugin.panel(nvim)
    nvim.keys("C")
    plugin.choose(nvim, "last|inspected|earlier", "")
    plugin.quiet(nvim)
    plugin.panel_says(nvim, "·Madrid", "·Paris")
    nvim.screen("views_7_compare_last")
    section(nvim, 1)
    nvim.keys("H")
    plugin.reshown(nvim, lambda: plugin.choose(nvim, "·Paris", "Runs"))
    plugin.panel_says(nvim, "changed")
    nvim.screen("views_stale")


@step("browser")
def browser(nvim, stage):
    plugin.panel(nvim)
    nvim.keys("gx")
    path = nvim.until("a browser", "return vim.g.opened[1]")
    html = pathlib.Path(path.removeprefix("file://")).read_text(encoding="utf-8")
    check(len(html) > 50_000 and "The capital of" in html, "the page has the run")


@step("narrow, ascii, and light")
def narrow(nvim, stage):
    """The panel at 40 columns, bars of ASCII, a light background: nothing is cut but what says so."""
    plugin.text(nvim)
    nvim.keys("uu")
    plugin.inspect(nvim)
    nvim.lua("require('limpid.config').change('glyphs', 'ascii'); vim.o.background = 'light'; "
             "vim.api.nvim_win_set_width(require('limpid.panel.window').window(), 42)")
    for number in (1, 5):
        section(nvim, number)
        nvim.screen(f"views_narrow_{number}")
    widest = max(map(len, plugin.panel_text(nvim).split("\n")))
    check(widest <= 42, f"no line is wider than the panel: {widest}")


def run():
    with Stage() as stage, Editor(stage, "capital.prompt") as nvim:
        plugin.attached(nvim, "·Paris 77 %")
        plugin.inspect(nvim)
        raise_all(step.run(nvim, stage, after=nvim.calm, recover=nvim.recover))
