#!/usr/bin/env python3
"""Takes the README's pictures: record_media.py [FOLDER], nvim-plugin/media by default. An animation and stills, as SVG of terminal screens.

Run by hand when the look changes; look at what it made before keeping it. What must not live here: how a screen becomes a picture.
"""

import pathlib
import sys

import picture
import plugin
from editor import Editor
from stage import PLUGIN, Stage

COLUMNS, ROWS = 128, 30
# What is to be looked at needs longer than what only leads there.
SECONDS = {"prediction": 1.6, "hover": 3.2, "measured": 3.2, "continuations": 3.4}
USUAL_S = 2.4
# A README has no use for messages of the last line.
MORE = "vim.o.shortmess = vim.o.shortmess .. 'sI'; vim.o.ruler = false; vim.o.showcmd = false; vim.o.laststatus = 0"


class Recorder:
    """Frames of one Neovim, in order."""

    def __init__(self, nvim: Editor):
        self.nvim, self.frames, self.normal = nvim, [], None

    def look(self, cursor=True) -> tuple:
        self.nvim.lua("vim.cmd.echo('\"\"')")
        groups = self.nvim.groups()
        self.nvim.still(groups)
        self.normal = groups.normal
        return self.nvim.terminal.capture(), self.nvim.terminal.cursor() if cursor else None

    def frame(self, name: str):
        capture, cursor = self.look()
        self.frames.append((capture, cursor, SECONDS.get(name, USUAL_S)))

    def still(self, name: str, title: str, out: pathlib.Path, first=0, last=None):
        capture, cursor = self.look()
        (out / f"{name}.svg").write_text(picture.svg([(capture, cursor, 1)], self.normal, COLUMNS, title, first, last), encoding="utf-8")


def animation(stage: Stage, out: pathlib.Path):
    with Editor(stage, "capital.prompt", more=MORE, columns=COLUMNS, rows=ROWS) as nvim:
        film = Recorder(nvim)
        plugin.attached(nvim, "·Paris 77 %")
        film.frame("prediction")
        plugin.inspect(nvim)
        film.frame("inspected")
        nvim.goto(1, 17)
        nvim.keys("K")
        nvim.until_says("token 4 of 5")
        film.frame("hover")
        nvim.keys("h")
        plugin.panel(nvim)
        nvim.keys("2")
        plugin.quiet(nvim)
        plugin.on_line(nvim, "L23 ·is")
        film.frame("routes")
        film.still("routes", "The routes of a prediction as a tree, layer by layer", out)
        plugin.on_line(nvim, r"L23H4+6 \zs22 %", at_match=True)
        nvim.keys("<CR>")
        plugin.quiet(nvim)
        film.frame("edge")
        nvim.keys("3")
        plugin.quiet(nvim)
        film.frame("lens")
        nvim.keys("6M")
        plugin.quiet(nvim)
        plugin.panel_says(nvim, r"\+8\.27")
        film.frame("measured")
        nvim.keys("1")
        plugin.on_line(nvim, r"^ *·London ")
        plugin.reshown(nvim, lambda: nvim.keys("f"))
        film.frame("foil")
        nvim.ex("Limpid setFoil")
        plugin.reshown(nvim, lambda: plugin.choose(nvim, "No foil", "Why not"))
        plugin.panel(nvim)
        nvim.keys("6M")
        plugin.quiet(nvim)
        nvim.keys("1")
        plugin.on_line(nvim, r"·France .* %")
        nvim.keys("xc")
        plugin.quiet(nvim)
        film.frame("continuations")
        film.still("effects", "Measured effects beside the estimates, and what the model writes with a token hidden and without", out)
        (out / "recording.svg").write_text(
            picture.svg(film.frames, film.normal, COLUMNS, "A prompt inspected in Neovim: heat, hover, routes, lens, effects, a foil"),
            encoding="utf-8")


def chat(stage: Stage, out: pathlib.Path):
    with Editor(stage, "chat.prompt", more=MORE, columns=COLUMNS, rows=20) as nvim:
        film = Recorder(nvim)
        plugin.attached(nvim, "The 49 %")
        plugin.inspect(nvim)
        plugin.panel(nvim)
        nvim.keys("q")
        nvim.goto(4, 25)
        nvim.keys("K")
        nvim.until_says("token 20 of 27")
        film.still("hover", "Heat on the tokens of a chat, and the hover of one", out, 0, 17)


def light(stage: Stage, out: pathlib.Path):
    with Editor(stage, "harbour.prompt", more=f"{MORE}; vim.o.background = 'light'; vim.o.linebreak = true", columns=COLUMNS, rows=ROWS) as nvim:
        film = Recorder(nvim)
        plugin.attached(nvim, "·hand")
        plugin.inspect(nvim)
        film.still("light", "A longer prompt with a light background: heat, the panel's prediction and its strongest tokens", out)


def main() -> int:
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else PLUGIN / "media"
    out.mkdir(parents=True, exist_ok=True)
    for take in (animation, chat, light):
        with Stage() as stage:
            take(stage, out)
    for file in sorted(out.glob("*.svg")):
        print(f"{file.name}: {file.stat().st_size // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
