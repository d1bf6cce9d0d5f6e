"""From the key to the bytes on the terminal, printed: a busy machine fails no test of it. Run by hand: bash tests/neovim/run latency."""

import os
import re
import string

from bare_terminal import BareTerminal
from stage import NVIM, Stage, lua_string
from stage_files import FILES

ROUNDS = 20
KEYS = 150


def percentiles(times: list) -> str:
    ordered = sorted(times)
    at = lambda share: ordered[min(len(ordered) - 1, int(len(ordered) * share))]
    return f"p50 {at(0.5):.1f} ms, p95 {at(0.95):.1f} ms, longest {ordered[-1]:.1f} ms ({len(ordered)} rounds)"


def say(what: str, times: list):
    print(f"      {what}: {percentiles(times)}", flush=True)


def opened(stage: Stage, name: str, kind="plugin") -> BareTerminal:
    """A Neovim with the plugin, with nothing, or with nothing but Neovim's own language client on the same server."""
    stage.count += 1
    socket = str(stage.root / f"bare-{stage.count}.sock")
    pack = ["--cmd", f"set packpath^={stage.root}/packages"] if kind == "plugin" else []
    start = f"vim.lsp.start({{ name = 'limpid', cmd = {{ {lua_string(stage.binary)}, 'lsp' }}, root_dir = vim.fn.getcwd() }})"
    client = f"vim.api.nvim_create_autocmd('BufReadPost', {{ callback = function() {start} end }})" if kind == "client" else ""
    rc = stage.rc(stage.setup() if kind == "plugin" else None, client)
    argv = [str(NVIM), "--clean", *pack, "-u", rc, "-i", "NONE", "--listen", socket, name]
    return BareTerminal(argv, stage.env, str(stage.folder), socket)


LOADED = "for _, hint in ipairs(vim.lsp.inlay_hint.get({ bufnr = 0 })) do if tostring(vim.inspect(hint)):find(' %%') then return true end end"
QUIET = "return require('limpid.session').busy_words() == nil"


def hover(nvim: BareTerminal):
    """Tokens of a prompt that is analysed: the request, the answer, the float."""
    times = []
    # The first one of an analysis has the routes worked out.
    nvim.keys("gg0K", 3)
    for at in range(ROUNDS):
        nvim.keys(f"gg0{3 + 5 * at}w", 0.3)
        times.append(nvim.timed("K", lambda _, text: re.search(rb"token\d+of1\d\d", text)))
        nvim.keys("0", 0.3)
    say("hover, warm", times)


def heat(nvim: BareTerminal):
    """130 tokens of which the daemon has not seen the first, so none of the others in their place."""
    rgb = nvim.lua("local bg = vim.api.nvim_get_hl(0, { name = 'LimpidSupport7', link = false }).bg; return { bit.rshift(bg, 16), bit.band(bit.rshift(bg, 8), 255), bit.band(bg, 255) }")
    colour = "48;2;{};{};{}".format(*map(int, rgb)).encode()
    either = (colour, colour.replace(b";", b":"))
    opposed = nvim.lua("local bg = vim.api.nvim_get_hl(0, { name = 'LimpidOppose7', link = false }).bg; return { bit.rshift(bg, 16), bit.band(bit.rshift(bg, 8), 255), bit.band(bg, 255) }")
    either += ("48;2;{};{};{}".format(*map(int, opposed)).encode(),)
    for panel in (False, True):
        times = []
        for at in range(ROUNDS):
            nvim.keys(":Limpid hide<CR>", 0.3)
            nvim.keys(f"gg0cwWord{string.ascii_letters[at + 26 * panel]}<Esc>", 0.02)
            nvim.keys(":Limpid inspect" if panel else ":lua require('limpid.session').inspect()", 0.02)
            times.append(nvim.timed("<CR>", lambda out, _: any(one in out for one in either)))
            nvim.until(QUIET)
            nvim.read(0.5)
        say(f"heat of a new prompt of 130 tokens, {'with' if panel else 'without'} the panel", times)


def typing(stage: Stage):
    """The same keys in the same file, one Neovim after the other, so that all see the same machine."""
    all_kinds = {kind: opened(stage, "five_thousand.prompt", kind) for kind in ("plugin", "client", "nothing")}
    times = {kind: [] for kind in all_kinds}
    try:
        for kind, nvim in all_kinds.items():
            if kind != "nothing":
                nvim.until("return #vim.lsp.get_clients({ bufnr = 0, name = 'limpid' }) == 1")
            nvim.read(2)
            nvim.keys("2500GA ", 0.5)
        for at in range(KEYS):
            letter = string.ascii_lowercase[at % 26]
            for kind, nvim in all_kinds.items():
                times[kind].append(nvim.timed(letter, lambda _, text, letter=letter.encode(): letter in text))
                # As fast as a person types: what an edit sets off comes in between.
                nvim.read(0.06)
            if at % 50 == 49:
                for nvim in all_kinds.values():
                    nvim.keys("<CR>", 0.3)
    finally:
        for nvim in all_kinds.values():
            nvim.close()
    say("a key in 5,000 lines, with the plugin", times["plugin"])
    say("a key in 5,000 lines, with Neovim's language client alone", times["client"])
    say("a key in 5,000 lines, with neither", times["nothing"])


def run():
    print(f"      {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with Stage() as stage:
        stage.file("five_thousand.prompt", FILES["five_thousand.prompt"])
        nvim = opened(stage, "harbour.prompt")
        try:
            nvim.until("return require('limpid.client').running() ~= nil")
            nvim.until(LOADED)
            nvim.keys(":lua require('limpid.session').inspect()<CR>", 1)
            nvim.until(QUIET)
            hover(nvim)
            heat(nvim)
        finally:
            nvim.close()
        typing(stage)
