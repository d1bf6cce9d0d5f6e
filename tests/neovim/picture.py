"""Screens as SVG: one, or several one after the other as an animation. What must not live here: taking the screens.

Rows that are the same in several frames are written once. Text keeps the terminal's grid whatever font there is; bars and frames are
drawn, since fonts leave gaps between them.
"""

from xml.sax.saxutils import escape

import screen

WIDTH, HEIGHT, SIZE, BASELINE, MARGIN = 8.4, 18, 14, 13.5, 8
FONT = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
# What a box character joins: left, right, up, down.
BOXES = {"│": "ud", "─": "lr", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu",
         "├": "rud", "┤": "lud", "┬": "lrd", "┴": "lru", "┼": "lrud"}


def number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" fill="{colour}"/>'


def block(char: str, x: float, colour: str, count: int) -> str:
    """A part of a cell, of eighths from below or from the left; several that are alike in one, for they would show seams."""
    if char in "▁▂▃▄▅▆▇█":
        height = HEIGHT * ("▁▂▃▄▅▆▇█".index(char) + 1) / 8
        return rect(x, HEIGHT - height, count * WIDTH, height, colour)
    return rect(x, 0, WIDTH * ("▏▎▍▌▋▊▉".index(char) + 1) / 8, HEIGHT, colour)


def box(char: str, x: float, colour: str, count: int) -> str:
    if char == "─":
        return f'<path d="M{number(x)} {HEIGHT / 2:g}H{number(x + count * WIDTH)}" stroke="{colour}" fill="none"/>'
    middle, centre = x + WIDTH / 2, HEIGHT / 2
    ends = {"l": (x, centre), "r": (x + WIDTH, centre), "u": (middle, 0), "d": (middle, HEIGHT)}
    path = "".join(f"M{number(middle)} {number(centre)}L{number(a)} {number(b)}" for a, b in (ends[side] for side in BOXES[char]))
    return f'<path d="{path}" stroke="{colour}" fill="none"/>'


class Colours:
    """A look's own, or the terminal's where it has none."""

    def __init__(self, normal: tuple):
        self.fg, self.bg = normal[0] or "#e0e2ea", normal[1] or "#14161b"

    def of(self, look: tuple) -> tuple:
        fg, bg = look[0] or self.fg, look[1] or self.bg
        return (bg, fg) if "reverse" in look[3] else (fg, bg)


def underline(look: tuple, x: float, width: float, colour: str) -> str:
    kinds = [name for name in look[3] if name.startswith("under")]
    if not kinds:
        return ""
    dashes = {"underdotted": ' stroke-dasharray="1.4 1.8"', "underdashed": ' stroke-dasharray="4 2.5"'}.get(kinds[0], "")
    y = HEIGHT - 2.5
    line = f'<path d="M{number(x)} {number(y)}H{number(x + width)}" stroke="{look[2] or colour}" fill="none"{dashes}/>'
    return line + (line.replace(f" {number(y)}H", f" {number(y + 2)}H") if kinds[0] == "underdouble" else "")


def row(cells: list, colours: Colours) -> str:
    """A row's runs: background, then what stands on it."""
    under, over, column, at = [], [], 0, 0
    while at < len(cells):
        look, start, begin = cells[at][2], column, at
        while at < len(cells) and cells[at][2] == look:
            column += cells[at][1]
            at += 1
        fg, bg = colours.of(look)
        x, width = start * WIDTH, (column - start) * WIDTH
        if bg != colours.bg:
            under.append(rect(x, 0, width, HEIGHT, bg))
        over.append(underline(look, x, width, fg))
        over += words(cells[begin:at], start, fg, look)
    return "".join(under + over)


def words(cells: list, column: int, colour: str, look: tuple) -> list:
    out, text, start = [], "", column
    style = "".join(f' {name}="{value}"' for name, value, on in (("font-weight", "bold", "bold"), ("font-style", "italic", "italic"))
                    if on in look[3])

    def flush(end: int):
        bare = text.rstrip(" ")
        lead = len(bare) - len(bare.lstrip(" "))
        if bare.strip():
            x, length = (start + lead) * WIDTH, (end - (len(text) - len(bare)) - start - lead) * WIDTH
            out.append(f'<text x="{number(x)}" y="{BASELINE}" textLength="{number(length)}" fill="{colour}"{style}>'
                       f"{escape(bare.lstrip(' '))}</text>")

    at = 0
    while at < len(cells):
        char, wide, _ = cells[at]
        drawn = block if char in "▁▂▃▄▅▆▇█▏▎▍▌▋▊▉" else box if char in BOXES else None
        # Two spaces end a run, so that a font that is a little wider cannot push what comes after.
        if drawn or wide > 1 or text.endswith("  "):
            flush(column)
            text, start = "", column
        count = 1
        if drawn:
            while char in "▁▂▃▄▅▆▇█─" and at + count < len(cells) and cells[at + count][0] == char:
                count += 1
            out.append(drawn(char, column * WIDTH, colour, count))
            start = column + count
        else:
            text += char
        column += wide * count
        at += count
    flush(column)
    return out


def svg(frames: list, normal: tuple, columns: int, title: str, first=0, last=None) -> str:
    """`frames`: (capture, (line, column) of the cursor or None, seconds shown). `first` and `last`: lines shown, all by default."""
    colours, known, shown = Colours(normal), {}, []
    lines = 0
    for capture, cursor, _ in frames:
        parts = []
        rows = screen.cells(capture)[first : None if last is None else last + 1]
        lines = max(lines, len(rows))
        for at, cells in enumerate(rows):
            drawn = row(cells, colours)
            if drawn:
                name = known.setdefault(drawn, f"r{len(known)}")
                parts.append(f'<use href="#{name}" y="{at * HEIGHT}"/>')
        if cursor and 0 <= cursor[0] - first < len(rows):
            x, y = cursor[1] * WIDTH, (cursor[0] - first) * HEIGHT
            parts.append(f'<rect x="{number(x)}" y="{y}" width="{WIDTH}" height="{HEIGHT}" fill="{colours.fg}" opacity=".55"/>')
        shown.append("".join(parts))
    total = sum(seconds for _, _, seconds in frames)
    styles, groups, since = [f"text{{font:{SIZE}px {FONT};white-space:pre}}"], [], 0.0
    for at, (drawn, (_, _, seconds)) in enumerate(zip(shown, frames)):
        if len(frames) == 1:
            groups.append(f"<g>{drawn}</g>")
            break
        start, end = 100 * since / total, 100 * (since + seconds) / total
        since += seconds
        hidden = f"0%{{visibility:hidden}}{start:.2f}%{{visibility:visible}}" if at else "0%{visibility:visible}"
        styles.append(f"@keyframes k{at}{{{hidden}{end:.2f}%,100%{{visibility:{'hidden' if at + 1 < len(frames) else 'visible'}}}}}"
                      f".k{at}{{visibility:hidden;animation:k{at} {total:g}s step-end infinite}}")
        groups.append(f'<g class="k{at}">{drawn}</g>')
    if len(frames) > 1:  # who asked for no motion sees the last frame
        styles.append(f"@media(prefers-reduced-motion:reduce){{g{{animation:none!important}}.k{len(frames) - 1}{{visibility:visible}}}}")
    width, height = columns * WIDTH + 2 * MARGIN, lines * HEIGHT + 2 * MARGIN
    defs = "".join(f'<g id="{name}">{drawn}</g>' for drawn, name in known.items())
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}" '
            f'viewBox="0 0 {number(width)} {number(height)}" role="img"><title>{escape(title)}</title>'
            f"<style>{''.join(styles)}</style><defs>{defs}</defs>"
            f'<rect width="100%" height="100%" rx="6" fill="{colours.bg}"/><g transform="translate({MARGIN} {MARGIN})">'
            f"{''.join(groups)}</g></svg>\n")
