#!/usr/bin/env python3
"""The comparison can fail: what must be seen is seen, and what may differ is let pass. Runs in a moment, without Neovim."""

import sys

import kept
import screen

NORMAL = ("#e0e2ea", "#14161b", None, ())
HEAT = {step: ("#e0e2ea", f"#{step:06x}", None, ()) for step in range(1, 8)}
GROUPS = screen.Groups(
    {"Normal": {"fg": 0xE0E2EA, "bg": 0x14161B}, "Comment": {"fg": 0x808080}, **{f"LimpidHeat{step}": {"bg": step} for step in HEAT}},
    True,
)


def shown(*lines, cursor=(0, 0)) -> str:
    """A written screen of lines, each a text or a list of (text, look)."""
    rows = []
    for line in lines:
        parts = [(line, NORMAL)] if isinstance(line, str) else line
        rows.append(kept.masked([(char, screen.columns_of(char), look) for text, look in parts for char in text]))
    return screen.written(rows, cursor, GROUPS)


def heat(*steps) -> str:
    return shown([("a ", NORMAL)] + [(f"tok{at} ", HEAT[step] if step else NORMAL) for at, step in enumerate(steps)])


PASS = {
    "the same": (shown("·Paris 77 %"), shown("·Paris 77 %")),
    "a percentage by a unit": (shown("·Paris 77 %"), shown("·Paris 78 %")),
    "a decimal by two units": (shown("~ +1.24 nats"), shown("~ +1.22 nats")),
    "a time": (shown("traced 14 tokens in 31 ms"), shown("traced 14 tokens in 1.2 s")),
    "a time in a split": (shown("in 31 ms      │ x"), shown("in 131 ms     │ x")),
    "a time at the right edge": (shown("a          9 ms"), shown("a       1310 ms")),
    "a rank far down": (shown("rank #4649"), shown("rank #4655")),
    "a number that got longer": (shown("9.9 %  next"), shown("10.0 %  next")),
    "a bar by a column": (shown("████ 12 %"), shown("█████ 13 %")),
    "a step of height": (shown("▁▂▁█▃"), shown("▁▃▁█▃")),
    "a step of heat": (heat(3, 1), heat(4, 0)),
    "a line many times": (shown("a", *["~"] * 9), shown("a", *["~"] * 9)),
}
FAIL = {
    "a word": (shown("·Paris 77 %"), shown("·London 77 %")),
    "a percentage by three": (shown("·Paris 77 %"), shown("·Paris 80 %")),
    "a decimal by three": (shown("+1.24"), shown("+1.21")),
    "a sign": (shown("+1.24"), shown("-1.24")),
    "a count": (shown("token 3 of 5"), shown("token 4 of 5")),
    "a layer": (shown("L12H0"), shown("L12H1")),
    "a rank near the top": (shown("rank #4"), shown("rank #5")),
    "a line less": (shown("a", "b"), shown("a")),
    "a line less of many": (shown("a", *["~"] * 9), shown("a", *["~"] * 8)),
    "a bar by two columns": (shown("████ 12 %"), shown("██████ 12 %")),
    "two steps of height": (shown("▁▂▁█▃"), shown("▁▄▁█▃")),
    "two steps of heat": (heat(3, 1), heat(5, 1)),
    "no heat": (heat(3, 1), heat(0, 1)),
    "heat one cell off": (shown([("abc", HEAT[3]), ("def", NORMAL)]), shown([("abcd", HEAT[3]), ("ef", NORMAL)])),
    "another colour": (shown([("ab", NORMAL), ("cd", ("#808080", "#14161b", None, ()))]), shown("abcd")),
    "bold": (shown([("ab", NORMAL)]), shown([("ab", (*NORMAL[:3], ("bold",)))])),
    "the cursor": (shown("ab"), shown("ab", cursor=(0, 1))),
}


def main() -> int:
    wrong = [f"differs: {name}: {kept.differences(*pair)}" for name, pair in PASS.items() if kept.differences(*pair)]
    wrong += [f"is let pass: {name}" for name, pair in FAIL.items() if not kept.differences(*pair)]
    capture = "\x1b[38;2;224;226;234m\x1b[48;2;20;22;27mThe \x1b[48;2;0;0;3mcä\u0301p日\x1b[0m"
    row = screen.cells(capture)[0]
    if [cell[:2] for cell in row[4:]] != [("c", 1), ("ä\u0301", 1), ("p", 1), ("日", 2)]:
        wrong.append(f"cells: {row}")
    if screen.highlights([row], GROUPS)[0] != [[[4, 8, "LimpidHeat3"]]]:
        wrong.append(f"highlights: {screen.highlights([row], GROUPS)}")
    for line in wrong:
        print(line)
    print(f"self check: {len(PASS)} pairs pass, {len(FAIL)} are told apart" if not wrong else "self check failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
