"""Neovim in a bare pseudo-terminal, for timing: from the moment a key is written to the moment the bytes that show its effect are read.

Nothing is between the key and the bytes, no tmux and no screen that is looked at again and again. What must not live here: what is timed.
"""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from rpc import Client
from terminal import typed

SEQUENCE = re.compile(rb"\x1b\[[0-9;:?<>=!]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_].*?\x1b\\|\x1b.|[\s\x00-\x1f]", re.S)


class BareTerminal:
    """One Neovim and the bytes it writes."""

    def __init__(self, argv: list, env: dict, cwd: str, socket: str, columns=140, rows=40):
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.chdir(cwd)
            os.execve(argv[0], argv, {**env, "TERM": "xterm-256color"})
        self.pid = pid
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.read(0.3)
        self.client = Client(socket)

    def read(self, quiet_s: float, most_s=20) -> bytes:
        """All until nothing comes for a while."""
        out, end = b"", time.monotonic() + most_s
        while time.monotonic() < end and select.select([self.terminal], [], [], quiet_s)[0]:
            out += os.read(self.terminal, 1 << 16)
        return out

    def keys(self, keys: str, quiet_s=0.1):
        os.write(self.terminal, typed(keys))
        self.read(quiet_s)

    def lua(self, code: str, *args):
        """An answer of Neovim's; what it writes meanwhile is read, or it would wait."""
        answer = self.client.call("nvim_exec_lua", code, list(args))
        self.read(0)
        return answer

    def until(self, code: str, timeout_s=60):
        end = time.monotonic() + timeout_s
        while not self.lua(code):
            self.read(0.02)
            if time.monotonic() > end:
                raise AssertionError(f"never held: {code}")

    def timed(self, keys: str, shows, timeout_s=20) -> float:
        """Milliseconds from writing the keys to reading bytes of which `shows(bytes, text)` holds; the text is without blanks and escapes."""
        self.read(0)
        start, out = time.perf_counter(), b""
        os.write(self.terminal, typed(keys))
        while time.perf_counter() - start < timeout_s:
            if select.select([self.terminal], [], [], 0.5)[0]:
                out += os.read(self.terminal, 1 << 16)
                now = time.perf_counter()
                if shows(out, SEQUENCE.sub(b"", out)):
                    return 1000 * (now - start)
        raise AssertionError(f"{keys!r} never showed: {SEQUENCE.sub(b'', out)[-300:]!r}")

    def close(self):
        self.client.close()
        os.close(self.terminal)
        try:
            os.kill(self.pid, 9)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
