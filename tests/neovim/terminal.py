"""A program in a terminal of a fixed size: tmux on a socket of its own, keys in, screen out. What must not live here: Neovim."""

import os
import re
import subprocess

KEYS = {"CR": "\r", "Esc": "\x1b", "Tab": "\t", "S-Tab": "\x1b[Z", "BS": "\x7f", "Space": " ", "lt": "<", "Up": "\x1b[A",
        "Down": "\x1b[B", "Right": "\x1b[C", "Left": "\x1b[D"}


def typed(keys: str) -> bytes:
    """The bytes a terminal sends for keys in Vim's notation: `:Limpid<CR>`, `<C-w>l`."""

    def one(match: re.Match) -> str:
        name = match[1]
        if name in KEYS:
            return KEYS[name]
        control = re.fullmatch(r"C-(.)", name)
        return chr(ord(control[1].upper()) & 31) if control else match[0]

    return re.sub(r"<([^<>\s]+)>", one, keys).encode()


class Terminal:
    """One tmux server with one pane."""

    def __init__(self, folder: str, command: list, env: dict, columns=140, rows=40, term="tmux-256color", cwd=None):
        self.socket = os.path.join(folder, f"tmux-{len(os.listdir(folder))}")
        self.env = {**env, "TERM": term}
        config = os.path.join(folder, "tmux.conf")
        with open(config, "w", encoding="utf-8") as file:
            # Nothing of a bar, no waiting for the rest of an escape sequence, every colour and underline passed on.
            file.write(f'set -g status off\nset -sg escape-time 0\nset -g default-terminal "{term}"\nset -g remain-on-exit on\n'
                       'set -ga terminal-features "*:RGB:usstyle"\nset -g history-limit 0\nset -g focus-events off\n')
        if not term.startswith("tmux"):  # Neovim would take any terminal inside tmux for one of 256 colours
            command = ["env", "-u", "TMUX", "-u", "TMUX_PANE", "-u", "TERM_PROGRAM", *command]
        self.tmux("-f", config, "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", cwd or folder, *command)

    def tmux(self, *words: str) -> str:
        ran = subprocess.run(["tmux", "-S", self.socket, *words], env=self.env, capture_output=True, text=True, check=False,
                             encoding="utf-8", errors="replace")
        if ran.returncode:
            raise RuntimeError(f"tmux {words[0]}: {ran.stderr.strip()}")
        return ran.stdout

    def keys(self, keys: str):
        self.tmux("send-keys", "-t", ":0", "-H", *(f"{byte:02x}" for byte in typed(keys)))

    def capture(self) -> str:
        """The screen, with its escape sequences for colours."""
        return self.tmux("capture-pane", "-p", "-e", "-N", "-t", ":0")

    def text(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", ":0")

    def cursor(self) -> tuple:
        return tuple(map(int, self.tmux("display-message", "-p", "-t", ":0", "#{cursor_y} #{cursor_x}").split()))

    def resize(self, columns: int, rows: int):
        self.tmux("resize-window", "-t", ":0", "-x", str(columns), "-y", str(rows))

    def close(self):
        try:
            self.tmux("kill-server")
        except RuntimeError:
            pass  # it ended by itself
