"""Neovim in a terminal, driven by keys as a person would, watched through its API. What must not live here: what a session asks."""

import os
import re
import time

import kept
import screen
from rpc import CallFailed, Client
from stage import NVIM, Stage
from terminal import Terminal, typed

PATIENCE_S = float(os.environ.get("LIMPID_SESSION_PATIENCE", 30))
TRACEBACK = re.compile(r"E5108|E5107|stack traceback|Error executing|Error detected|Error in |attempt to |vim/_editor|\.lua:\d+:")

GROUPS = """
local groups = {}
for name, group in pairs(vim.api.nvim_get_hl(0, {})) do
  local whole = vim.api.nvim_get_hl(0, { name = name, link = false })
  whole.link = nil
  if next(whole) then groups[name] = whole end
end
return groups
"""


class Failed(AssertionError):
    """A session saw what it must not see."""


class Editor:
    """One Neovim; `with Editor(...) as nvim` closes it. `command` and `socket`: a command line of its own, and where it listens."""

    def __init__(self, stage: Stage, *files: str, setup=None, rc=None, more="", env=None, columns=140, rows=40,
                 term="tmux-256color", flags=(), command=None, socket=None):
        self.stage = stage
        stage.count += 1
        self.socket = socket or str(stage.root / f"nvim-{stage.count}.sock")
        self.rc = None if command else rc or stage.rc(setup or stage.setup(), more)
        argv = command or [
            str(NVIM), "--clean", "--cmd", f"set packpath^={stage.root}/packages", "-u", self.rc, "-i", "NONE",
            "--listen", self.socket, *flags, *files,
        ]
        self.terminal = Terminal(str(stage.root / "sockets"), argv, {**stage.env, **(env or {})}, columns, rows, term,
                                 cwd=str(stage.folder))
        stage.editors.append(self)
        self.client = Client(self.socket)
        self.typed = 0
        self.until("Neovim is up", "return vim.v.vim_did_enter == 1")

    # Asking.

    def lua(self, code: str, *args, timeout_s=20):
        return self.client.call("nvim_exec_lua", code, list(args), timeout_s=timeout_s)

    def mode(self) -> dict:
        return self.client.call("nvim_get_mode")

    def until(self, what: str, code: str, *args, timeout_s=PATIENCE_S):
        """Waits until Lua code returns something true, which it returns."""
        end, last = time.monotonic() + timeout_s, None
        while time.monotonic() < end:
            # A question that waits for a key (hit-enter, an input) would block every other call.
            if not self.mode()["blocking"]:
                try:
                    last = self.lua(code, *args)
                except CallFailed as problem:
                    last = problem
                    if "attempt to index" not in str(problem) and "nil value" not in str(problem):
                        raise
                if last and not isinstance(last, CallFailed):
                    return last
            time.sleep(0.015)
        raise Failed(f"timed out waiting for: {what} (last: {last!r}, mode {self.mode()})\n{self.terminal.text().rstrip()}")

    def until_says(self, *patterns: str, timeout_s=PATIENCE_S) -> str:
        """Waits until the screen says all of these."""
        end = time.monotonic() + timeout_s
        while True:
            text = self.terminal.text()
            missing = [pattern for pattern in patterns if not re.search(pattern, text, re.M)]
            if not missing:
                return text
            if time.monotonic() > end:
                raise Failed(f"the screen never said {missing}:\n{text.rstrip()}")
            time.sleep(0.03)

    def until_gone(self, pattern: str, timeout_s=15):
        end = time.monotonic() + timeout_s
        while re.search(pattern, self.terminal.text(), re.M):
            if time.monotonic() > end:
                raise Failed(f"the screen still says {pattern}:\n{self.terminal.text().rstrip()}")
            time.sleep(0.03)

    def says_not(self, pattern: str):
        if re.search(pattern, self.terminal.text(), re.M):
            raise Failed(f"the screen says {pattern}:\n{self.terminal.text().rstrip()}")

    # Doing.

    def keys(self, *keys: str):
        """Keys in Vim's notation; taken when this returns, unless Neovim waits for something before it."""
        for some in keys:
            self.terminal.keys(some)
            self.typed += len(typed(some))
        self.settled()

    def ex(self, command: str):
        """A command line, typed; carried out when this returns, unless it asks something."""
        self.keys(f":{command}<CR>")

    def settled(self, timeout_s=2):
        """Waits until Neovim has taken every key. A key that interrupts is never seen, so that this gives up after a while."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if self.mode()["blocking"]:
                time.sleep(0.02)
            elif self.lua("return package.loaded.rig and package.loaded.rig.taken() or 0") >= self.typed:
                return
            else:
                time.sleep(0.005)
        self.typed = 0 if self.mode()["blocking"] else self.lua("return package.loaded.rig and package.loaded.rig.taken() or 0")

    def goto(self, row: int, column: int):
        """Moves the cursor to a line and a byte column, both from 1, as motions do."""
        self.keys(f"{row}G{column}|" if column > 1 else f"{row}G0")

    # Looking.

    def messages(self) -> str:
        return self.lua("return vim.fn.execute('messages')")

    def calm(self, what: str):
        """No traceback anywhere, and nothing that waits for a key."""
        mode = self.mode()
        if mode["blocking"]:
            raise Failed(f"{what}: Neovim waits for a key, mode {mode['mode']}\n{self.terminal.text().rstrip()}")
        said = f"{self.messages()}\n{self.lua('return vim.v.errmsg')}"
        found = TRACEBACK.search(said)
        if found:
            raise Failed(f"{what}: an error was thrown ({found[0]}):\n{said}")

    def groups(self) -> screen.Groups:
        true_colour = self.lua("return vim.o.termguicolors")
        return screen.Groups(self.lua(GROUPS), true_colour)

    def written(self, groups: screen.Groups) -> str:
        rows = [kept.masked(row) for row in screen.cells(self.terminal.capture())]
        return screen.written(rows, self.terminal.cursor(), groups)

    def still(self, groups: screen.Groups, quiet_s=0.35) -> str:
        """The screen once it has not changed for a while."""
        last, since = self.written(groups), time.monotonic()
        end = since + 10
        while time.monotonic() - since < quiet_s and time.monotonic() < end:
            time.sleep(0.05)
            now = self.written(groups)
            if now != last:
                last, since = now, time.monotonic()
        return last

    def screen(self, name: str, patience_s=5):
        """The screen is the kept one, now or soon; UPDATE_SCREENS=1 keeps it."""
        self.calm(name)
        groups = self.groups()
        if kept.updates():
            kept.keep(name, self.still(groups))
            return
        end = time.monotonic() + patience_s
        while True:
            text = self.written(groups)
            found = kept.compare(name, text)
            if not found:
                return
            if time.monotonic() > end:
                raise Failed(f"screen {name} differs ({kept.set_aside(name, text)}):\n{kept.side_by_side(found)}")
            time.sleep(0.1)

    def recover(self):
        """What a failed step left open must not fail the next."""
        for _ in range(5):
            if not self.mode()["blocking"]:
                break
            self.keys("<C-c><CR>")
            time.sleep(0.05)
        self.keys("<Esc><Esc>")
        self.lua("vim.cmd('silent! fclose! | silent! cclose | silent! lclose'); vim.fn.execute('messages clear'); vim.v.errmsg = ''")

    def close(self):
        if self in self.stage.editors:
            self.stage.editors.remove(self)
        self.client.close()
        self.terminal.close()
        if os.path.exists(self.socket):
            os.unlink(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
