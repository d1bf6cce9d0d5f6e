"""As a new user has it: a folder in the standard packpath, no configuration, `limpid` on PATH. And what it costs at start-up."""

import os
import pathlib
import re
import statistics
import subprocess

from editor import Editor, Failed
from stage import NVIM, PLUGIN, Stage

ROUNDS = 20
MOST_MS = 1.0


def without_configuration(stage: Stage):
    site = stage.root / "data/nvim/site/pack/anything/start"
    site.mkdir(parents=True)
    (site / "limpid").symlink_to(PLUGIN)
    programs = stage.root / "bin"
    programs.mkdir()
    (programs / "limpid").symlink_to(stage.binary)
    socket = str(stage.root / "bare.sock")
    # No swap file, or the next session would be asked about it.
    argv = [str(NVIM), "-n", "-i", "NONE", "--listen", socket, "capital.prompt"]
    env = {"PATH": f"{programs}:{os.environ['PATH']}"}
    with Editor(stage, command=argv, env=env, socket=socket) as nvim:
        nvim.until_says(r"·Paris 77 %")
        nvim.keys(":Limpid inspect<CR>")
        nvim.until_says(r"of flow shown|tokens")
        nvim.calm("without configuration")
        leaked = nvim.lua(GLOBALS)
        if leaked:
            raise Failed(f"globals are left: {leaked}")


# Those of Lua, of Neovim, and of what Neovim brings.
GLOBALS = """
local ours = {}
for name in pairs(_G) do
  if tostring(name):lower():find("limpid") then ours[#ours + 1] = name end
end
return ours
"""


def started(stage: Stage, packages: bool, name: str) -> tuple:
    """Milliseconds until Neovim has started, and those in the plugin's files."""
    log = stage.root / "startup.log"
    log.unlink(missing_ok=True)
    pack = ["--cmd", f"set packpath^={stage.root}/packages"] if packages else []
    subprocess.run([str(NVIM), "--clean", *pack, "-i", "NONE", "-n", "--headless", "--startuptime", str(log), name, "+qall!"],
                   env=stage.env, cwd=stage.folder, check=True, capture_output=True, timeout=30)
    # The log holds two processes where there is a terminal; headless, one.
    text = log.read_text(encoding="utf-8")
    whole = max(float(line.split()[0]) for line in text.splitlines() if "NVIM STARTED" in line)
    ours = sum(float(match[1]) for match in re.finditer(r"^\S+\s+\S+\s+(\S+): .*limpid", text, re.M))
    return whole, ours


def start_up(stage: Stage):
    """With and without, one after the other, so that both see the same machine. A busy machine fails nothing: judged is the fastest start,
    and of more of them where none was fast."""
    times = {True: [], False: []}
    for _ in range(ROUNDS):
        for packages in (True, False):
            times[packages].append(started(stage, packages, "reviews.txt"))
    while min(ours for _, ours in times[True]) > MOST_MS and len(times[True]) < 5 * ROUNDS:
        times[True].append(started(stage, True, "reviews.txt"))
    own = sorted(ours for _, ours in times[True])
    wholes = [statistics.median(whole for whole, _ in times[packages]) for packages in (True, False)]
    print(f"      start-up: {statistics.median(own):.2f} ms in the plugin's files, fastest {own[0]:.2f} ms; "
          f"{wholes[0]:.1f} ms with, {wholes[1]:.1f} ms without it (medians of {ROUNDS})")
    if own[0] == 0:
        raise Failed("the plugin was not loaded")
    if own[0] > MOST_MS:
        raise Failed(f"the plugin takes {own[0]} ms at start-up, {MOST_MS} at most")


def run():
    assert pathlib.Path(PLUGIN).is_dir(), PLUGIN
    with Stage() as stage:
        start_up(stage)
        without_configuration(stage)
