"""The main job in Neovim 0.10, the oldest that the plugin supports, where a package of it can be had: heat, hover, every section, a
card, a foil, a measured effect, an edit. What must not live here: screens, which the newest shows."""

import subprocess

from editor import Editor
from stage import HERE, ROOT, Stage

SAYS = {1: r"next token", 2: r"of flow shown", 3: r"P and rank of", 4: r"parts", 5: r"heads", 6: r"switches", 7: r"compare"}


def run():
    found = subprocess.run(["bash", str(HERE / "debian_nvim"), str(ROOT / "tests/.cache/nvim-0.10")], check=True, capture_output=True,
                           text=True)
    program = found.stdout.strip()
    if not program:
        print("      no package of Neovim 0.10 here: not tried")
        return
    stage = Stage()
    try:
        everything(stage, program)
    finally:
        stage.close()


def everything(stage: Stage, program: str):
    socket = str(stage.root / "oldest.sock")
    rc = stage.rc(stage.setup(), "")
    command = [program, "--clean", "--cmd", f"set packpath^={stage.root}/packages", "-u", rc, "-i", "NONE", "--listen", socket,
               "capital.prompt"]
    with Editor(stage, command=command, socket=socket) as nvim:
        assert nvim.lua("return vim.version().minor") == 10
        nvim.until_says(r"·Paris 77 %")
        nvim.ex("Limpid inspect")
        nvim.until_says(r"target ·Paris", r"next token")
        nvim.until("heat on the text", "return #vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('limpid_heat'), 0, -1, {}) > 3")
        nvim.keys("0w", "K")
        nvim.until_says(r"·capital #\d+ · token 2 of 5", r"Hide and measure")
        nvim.keys("<Esc>l")
        nvim.ex("Limpid measureHere")
        nvim.until_says(r"takes [+-]\d+\.\d\d nats")
        nvim.ex("Limpid setFoil ·London")
        nvim.until_says(r"foil ·London")
        nvim.keys("<C-w>w")
        for number, words in SAYS.items():
            nvim.keys(str(number))
            nvim.until_says(words)
            nvim.calm(f"section {number}")
        nvim.keys("5")
        nvim.until_says(r"L\d+H\d+ +\d")
        nvim.keys("/L\\d\\+H\\d<CR>", "<CR>")
        nvim.until_says(r"▼ head L\d+H\d+")
        nvim.keys("x", "c")
        nvim.until_says(r"with the switches")
        nvim.keys("<C-w>w", "Aat<Esc>")
        nvim.until_says(r"The text changed")
        nvim.ex("undo")
        nvim.until_gone(r"The text changed")
        nvim.ex("Limpid hide")
        nvim.until("heat is gone", "return #vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('limpid_heat'), 0, -1, {}) == 0")
        nvim.calm("hide")
