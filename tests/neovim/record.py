#!/usr/bin/env python3
"""Runs session.lua in real Neovim inside a pseudo-terminal and prints the screens it records.

usage: record.py NVIM LIMPID_BINARY LIMPID_HOME
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time

ROWS, COLUMNS, LIMIT_S = 24, 90, 240


def main() -> int:
    nvim, binary, home = (os.path.abspath(path) for path in sys.argv[1:4])
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "session.lua")
    with tempfile.TemporaryDirectory() as folder:
        screen = os.path.join(folder, "screen.txt")
        prompt = os.path.join(folder, "capital.prompt")
        with open(prompt, "w", encoding="utf-8") as file:
            file.write("The capital of France is\n")
        chat = os.path.join(folder, "chat.prompt")
        with open(chat, "w", encoding="utf-8") as file:
            file.write("system:\nYou answer in one word.\nuser:\nWhat is the capital of France? \n")
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(
                LIMPID_SCREEN=screen, LIMPID_BINARY=binary, LIMPID_HOME=home, LIMPID_CHAT=chat,
                LIMPID_RUNTIME_DIR=os.path.join(folder, "run"), TERM="xterm-256color",
                XDG_STATE_HOME=folder, XDG_CONFIG_HOME=folder, XDG_DATA_HOME=folder, LC_ALL="C.UTF-8",
            )
            os.execv(nvim, [nvim, "--clean", "-S", script, prompt])
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            # The terminal's answers are not needed, but Neovim must be able to write.
            ready, _, _ = select.select([terminal], [], [], 0.1)
            if ready:
                try:
                    if not os.read(terminal, 65536):
                        break
                except OSError:
                    break
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                break
        # The daemon that the session started would wait for another client.
        runtime = {**os.environ, "LIMPID_RUNTIME_DIR": os.path.join(folder, "run")}
        subprocess.run([binary, "daemon", "stop"], env=runtime, stdout=subprocess.DEVNULL, check=False)
        if not os.path.exists(screen):
            print("neovim ended without a screen", file=sys.stderr)
            return 1
        with open(screen, encoding="utf-8") as file:
            print(file.read(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
