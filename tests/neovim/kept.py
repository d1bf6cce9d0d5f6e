"""Kept screens: what may differ between two machines, and what may not. What must not live here: terminals, sessions.

Times are masked. A number that a model made (with decimals, or a percentage) may be off by two units of its last digit, a rank by
0.2 %, a bar by one column or one step of height, a highlight by one step of its scale: processors sum in different orders. All else
is the same to the cell.
"""

import os
import pathlib
import re

from screen import unfolded

FOLDER = pathlib.Path(__file__).parent / "screens"
FAILED = pathlib.Path(__file__).parent.parent / ".cache" / "neovim-screens"
MASK = "‹time›"
TIME = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)* (?:ms|s|min)\b(?! %)")
PIECE = re.compile(r"\d[\d,]*(?:\.\d+)?| {2,}|[▁▂▃▄▅▆▇█▏▎▍▌▋▊▉]+")
STEP = re.compile(r"Limpid(Heat|Support|Oppose|Surprisal|Part)(\d)")
RAMPS = ("▁▂▃▄▅▆▇█", "▏▎▍▌▋▊▉█")


def masked(row: list) -> list:
    """The row with its times masked; the run of spaces beside each gives or takes what the time was longer or shorter."""
    at = 0
    while True:
        # One character a cell, so that places in the text are places in the row.
        match = TIME.search("".join(cell[0][0] for cell in row), at)
        if not match:
            return row
        start, end = match.span()
        look = row[start][2]
        spare = (end - start) - len(MASK)
        rest = row[end:]
        line = "".join(cell[0][0] for cell in rest) + "  "
        gap = re.search(r" {2,}", line).start()
        before = len("".join(cell[0][0] for cell in row[:start])) - len("".join(cell[0][0] for cell in row[:start]).rstrip())
        head, body = row[:start], [(char, 1, look) for char in MASK]
        if gap >= len(rest) and before >= 2:  # it stands at the right edge
            head = head + [(" ", 1, head[-1][2])] * spare if spare >= 0 else head[:spare]
        elif spare >= 0:
            filler = rest[gap - 1][2] if gap and gap >= len(rest) else (rest[gap][2] if gap < len(rest) else look)
            rest = rest[:gap] + [(" ", 1, filler)] * spare + rest[gap:]
        else:
            rest = rest[:gap] + rest[gap - spare :]
        at = len(head) + len(body)
        row = head + body + rest


def numbers_agree(left: str, right: str, before: str, after: str) -> bool:
    if left == right:
        return True
    a, b = float(left.replace(",", "")), float(right.replace(",", ""))
    decimals = min(len(text.partition(".")[2]) for text in (left, right))
    if before.endswith("#"):
        return abs(a - b) <= 0.002 * max(a, b)
    if decimals == 0 and not re.match(r" ?%", after):
        return False
    return abs(a - b) <= 2.001 * 10**-decimals


def bars_agree(left: str, right: str) -> bool:
    def step(one: str, other: str) -> bool:
        return one == other or any(one in ramp and other in ramp and abs(ramp.index(one) - ramp.index(other)) <= 1 for ramp in RAMPS)

    return abs(len(left) - len(right)) <= 1 and all(step(*pair) for pair in zip(left, right))


def lines_agree(expected: str, actual: str) -> bool:
    if expected == actual:
        return True
    parts = [PIECE.split(line) for line in (expected, actual)]
    pieces = [PIECE.findall(line) for line in (expected, actual)]
    if parts[0] != parts[1] or len(pieces[0]) != len(pieces[1]):
        return False
    for at, (left, right) in enumerate(zip(*pieces)):
        kinds = {"space" if piece[0] == " " else "number" if piece[0].isdigit() else "bar" for piece in (left, right)}
        if len(kinds) > 1:
            return False
        kind = kinds.pop()
        after = parts[0][at + 1]
        if kind == "number" and not numbers_agree(left, right, parts[0][at], after):
            return False
        if kind == "bar" and not bars_agree(left, right):
            return False
        if kind == "space" and abs(len(left) - len(right)) > 2:
            return False
    return True


def names_agree(left: str, right: str) -> bool:
    if left == right:
        return True
    steps = [STEP.search(name) for name in (left, right)]
    if all(steps):
        same = STEP.sub(r"\1", left) == STEP.sub(r"\1", right)
        return same and abs(int(steps[0][2]) - int(steps[1][2])) <= 1
    # No step at all is step 0.
    return any(step and step[2] == "1" and other == "Normal" for step, other in ((steps[0], right), (steps[1], left)))


class Parsed:
    """A kept screen's parts."""

    def __init__(self, written: str):
        shown, rest = written.split("\n\n== cursor: ", 1)
        self.lines = unfolded(shown.split("\n"))
        cursor, *rest = rest.split("\n")
        self.cursor = f"== cursor: {cursor}"
        at = rest.index("== looks")
        self.runs = {}
        for line in rest[1:at]:
            numbers, runs = line.split(": ", 1)
            first, _, last = numbers.partition("-")
            for number in range(int(first), int(last or first) + 1):
                self.runs[number] = [self.run(run) for run in re.split(r"; (?=\d)", runs)]
        self.looks = dict(line.split(": ", 1) for line in rest[at + 1 :] if line)

    @staticmethod
    def run(text: str) -> tuple:
        place, name = text.split(" ", 1)
        first, _, last = place.partition("-")
        return int(first), int(last or first), name

    def columns(self, line: int) -> dict:
        return {column: name for a, b, name in self.runs.get(line, []) for column in range(a, b + 1)}

    def names(self, line: int) -> list:
        return [name for _, _, name in self.runs.get(line, [])]


def highlights_agree(expected: Parsed, actual: Parsed, line: int, moved: bool) -> bool:
    if moved:  # a number got longer or a bar shorter: what comes is the same, where it is may differ by a column
        left, right = expected.names(line), actual.names(line)
        return len(left) == len(right) and all(map(names_agree, left, right))
    left, right = expected.columns(line), actual.columns(line)
    return all(names_agree(left.get(at, "Normal"), right.get(at, "Normal")) for at in left.keys() | right.keys())


def differences(expected_text: str, actual_text: str) -> list:
    """What differs: (what, expected, actual)."""
    expected, actual = Parsed(expected_text), Parsed(actual_text)
    found = []
    for at in range(max(len(expected.lines), len(actual.lines))):
        left, right = (lines[at] if at < len(lines) else "" for lines in (expected.lines, actual.lines))
        if not lines_agree(left, right):
            found.append((f"line {at}", left, right))
            continue
        moved = [m.span() for m in PIECE.finditer(left)] != [m.span() for m in PIECE.finditer(right)]
        if not highlights_agree(expected, actual, at, moved):
            runs = ["; ".join(f"{a}-{b} {name}" for a, b, name in side.runs.get(at, [])) for side in (expected, actual)]
            found.append((f"highlights of line {at}", *runs))
    if expected.cursor != actual.cursor:
        found.append(("cursor", expected.cursor, actual.cursor))
    for name in sorted(expected.looks.keys() & actual.looks.keys()):
        if expected.looks[name] != actual.looks[name]:
            found.append((f"look of {name}", expected.looks[name], actual.looks[name]))
    return found


def side_by_side(found: list) -> str:
    out = []
    for what, expected, actual in found:
        out += [f"  {what}:", f"    kept   |{expected}|", f"    actual |{actual}|"]
    return "\n".join(out)


def updates() -> bool:
    return os.environ.get("UPDATE_SCREENS") == "1"


def keep(name: str, text: str):
    COMPARED.add(name)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")


def compare(name: str, text: str) -> list:
    """What differs from the screen kept under this name."""
    COMPARED.add(name)
    file = FOLDER / f"{name}.txt"
    if not file.exists():
        return [("no such screen is kept (UPDATE_SCREENS=1 keeps it)", "", name)]
    return differences(file.read_text(encoding="utf-8"), text)


def set_aside(name: str, text: str) -> str:
    """Where the screen that differs can be looked at."""
    FAILED.mkdir(parents=True, exist_ok=True)
    (FAILED / f"{name}.txt").write_text(text, encoding="utf-8")
    return str(FAILED / f"{name}.txt")


COMPARED = set()


def unused() -> list:
    """Screens that are kept and that nothing was compared with."""
    return sorted({file.stem for file in FOLDER.glob("*.txt")} - COMPARED)
