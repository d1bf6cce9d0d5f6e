"""A captured screen as cells, and as a text file that a person can read: lines, then where which highlight lies.

Highlights are called by the group that has just that look; each look is spelled out in a legend, so that a group whose colours
change is seen too. What must not live here: comparing, terminals.
"""

import re
import unicodedata

ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 5: "blink", 7: "reverse", 9: "strikethrough"}
UNDERLINES = {"1": "underline", "2": "underdouble", "3": "undercurl", "4": "underdotted", "5": "underdashed"}
SEQUENCE = re.compile(r"\x1b\[([\d;:]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\(.|[\x0e\x0f]")


def columns_of(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


PARTS = {"StatusLine", "StatusLineNC", "CursorLine", "NormalFloat", "FloatBorder", "Folded", "NonText", "qfLineNr", "QuickFixLine", "WarningMsg",
         "ErrorMsg", "Search"}


class Look:
    """Colours and attributes as escape sequences set them one after the other."""

    def __init__(self):
        self.fg = self.bg = self.sp = None
        self.attributes = set()

    def frozen(self) -> tuple:
        return (self.fg, self.bg, self.sp, tuple(sorted(self.attributes)))

    def apply(self, codes: str):
        parts = re.split(";", codes) if codes else ["0"]
        at = 0
        while at < len(parts):
            part = parts[at]
            at += 1
            if ":" in part:
                head, *rest = part.split(":")
                if head == "4":
                    self.attributes -= set(UNDERLINES.values())
                    if rest[0] in UNDERLINES:
                        self.attributes.add(UNDERLINES[rest[0]])
                else:
                    self.colour(int(head), [word for word in rest if word])
                continue
            code = int(part or 0)
            if code in (38, 48, 58):
                count = 4 if parts[at] == "2" else 2
                self.colour(code, parts[at : at + count])
                at += count
            else:
                self.simple(code)

    def colour(self, which: int, words: list):
        colour = "#" + "".join(f"{int(word):02x}" for word in words[-3:]) if words[0] == "2" else int(words[1])
        setattr(self, {38: "fg", 48: "bg", 58: "sp"}[which], colour)

    def simple(self, code: int):
        if code == 0:
            self.__init__()
        elif code in ATTRIBUTES:
            self.attributes.add(ATTRIBUTES[code])
        elif code == 22:
            self.attributes -= {"bold", "dim"}
        elif code == 24:
            self.attributes -= set(UNDERLINES.values())
        elif 23 <= code <= 29 and code - 20 in ATTRIBUTES:
            self.attributes.discard(ATTRIBUTES[code - 20])
        elif code in (39, 49, 59):
            setattr(self, {39: "fg", 49: "bg", 59: "sp"}[code], None)
        else:
            for first, name, bright in ((30, "fg", 0), (40, "bg", 0), (90, "fg", 8), (100, "bg", 8)):
                if first <= code <= first + 7:
                    setattr(self, name, code - first + bright)


def cells(capture: str) -> list:
    """Lines of cells: (text, columns, look)."""
    lines, look = [], Look()
    for line in capture.split("\n"):
        row, at = [], 0
        while at < len(line):
            sequence = SEQUENCE.match(line, at)
            if sequence:
                if sequence[1] is not None:
                    look.apply(sequence[1])
                at = sequence.end()
                continue
            char = line[at]
            wide = columns_of(char)
            if wide == 0 and row:
                row[-1] = (row[-1][0] + char, row[-1][1], row[-1][2])
            else:
                row.append((char, wide or 1, look.frozen()))
            at += 1
        lines.append(row)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def spelled(look: tuple) -> str:
    fg, bg, sp, attributes = look
    words = [f"{name} {colour}" for name, colour in (("fg", fg), ("bg", bg), ("sp", sp)) if colour is not None]
    return ", ".join(words + list(attributes)) or "plain"


class Groups:
    """Names of looks, from what Neovim says of its highlight groups."""

    def __init__(self, groups: dict, true_colour: bool):
        self.true_colour = true_colour
        self.normal = self.look(groups.get("Normal", {}), (None, None, None, ()))
        self.names = {}
        # In a tie: Limpid's groups, then those of what a screen is made of, then the shorter name, which is the general one.
        for name in sorted(groups, key=lambda name: (not name.startswith("Limpid"), name not in PARTS, len(name), name)):
            self.names.setdefault(self.look(groups[name], self.normal), name)
        self.names[self.normal] = "Normal"
        steps = {self.look(groups[name], self.normal)[1]: name for name in sorted(groups) if re.fullmatch(r"Limpid[A-Z]\w*[1-7]", name)}
        self.steps = {colour: name for colour, name in steps.items() if colour != self.normal[1]}

    def look(self, group: dict, normal: tuple) -> tuple:
        source = group if self.true_colour else {**group.get("cterm", {}), "fg": group.get("ctermfg"), "bg": group.get("ctermbg")}

        def colour(name):
            value = source.get(name)
            return f"#{value:06x}" if value is not None and self.true_colour else value

        wanted = set(ATTRIBUTES.values()) | set(UNDERLINES.values())
        attributes = tuple(sorted(name for name in wanted if source.get(name) is True))
        fg, bg = colour("fg"), colour("bg")
        underlined = any(name.startswith("under") for name in attributes)
        return (normal[0] if fg is None else fg, normal[1] if bg is None else bg, colour("sp") if underlined else None, attributes)

    def name(self, look: tuple) -> str:
        if look in self.names:
            return self.names[look]
        # Two highlights on one cell: a step of a scale is still called by its name.
        words = spelled(look)
        step = look[1] is not None and self.steps.get(look[1])
        return f"({words.replace(f'bg {look[1]}', f'bg of {step}') if step else words})"


def highlights(rows: list, groups: Groups) -> tuple:
    """Per line its runs (first column, last column, name), and the legend of the names."""
    runs, legend = [], {}
    for row in rows:
        line, column = [], 0
        for text, wide, look in row:
            name = groups.name(look)
            is_blank = text == " " and look[1] == groups.normal[1] and not look[3]
            if name != "Normal" and not is_blank:
                # A single space between two words of one look does not part them.
                if line and line[-1][2] == name and line[-1][1] >= column - 2:
                    line[-1][1] = column + wide - 1
                else:
                    line.append([column, column + wide - 1, name])
                if not name.startswith("("):
                    legend[name] = spelled(look)
            column += wide
        runs.append(line)
    return runs, legend


def text(row: list) -> str:
    return "".join(cell[0] for cell in row).rstrip()


def folded(lines: list) -> list:
    """Four or more lines that are the same are written once."""
    out, at = [], 0
    while at < len(lines):
        end = at
        while end < len(lines) and lines[end] == lines[at]:
            end += 1
        out += [lines[at], f"⋮ {end - at - 1} more of these"] if end - at >= 4 else lines[at:end]
        at = end
    return out


def unfolded(lines: list) -> list:
    out = []
    for line in lines:
        more = re.fullmatch(r"⋮ (\d+) more of these", line)
        out += [out[-1]] * int(more[1]) if more else [line]
    return out


def written(rows: list, cursor: tuple, groups: Groups) -> str:
    """The whole as a file."""
    runs, legend = highlights(rows, groups)
    out = folded([text(row) for row in rows])
    out += ["", f"== cursor: line {cursor[0]}, column {cursor[1]}", "== highlights: lines: first-last column name"]
    said = ["; ".join(f"{a}-{b} {name}" if a != b else f"{a} {name}" for a, b, name in line) for line in runs]
    at = 0
    while at < len(said):
        end = at
        while end + 1 < len(said) and said[end + 1] == said[at]:
            end += 1
        if said[at]:
            out.append(f"{at}: {said[at]}" if at == end else f"{at}-{end}: {said[at]}")
        at = end + 1
    out += ["== looks"] + [f"{name}: {legend[name]}" for name in sorted(legend)]
    return "\n".join(out) + "\n"
