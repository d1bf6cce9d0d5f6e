#!/usr/bin/env python3
"""Makes one animated PNG of a folder's frames, which keeps every colour, and copies its other pictures: animation.py FOLDER OUT_FOLDER.
Needs Pillow; run by hand, after record.mjs. What is to be looked at in a frame needs longer than what only leads there."""

import pathlib
import sys

from PIL import Image

MILLISECONDS = {"prediction": 1200, "hover": 2600, "measured": 2600}
USUAL_MILLISECONDS = 1900


def main() -> int:
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    files = sorted(folder.glob("frame-*.png"))
    frames = [Image.open(file).convert("RGB") for file in files]
    shown = [MILLISECONDS.get(file.stem.split("-", 2)[2], USUAL_MILLISECONDS) for file in files]
    whole = out / "animation.png"
    frames[0].save(whole, save_all=True, append_images=frames[1:], duration=shown, loop=0, optimize=True)
    for file in folder.glob("*.png"):
        if file not in files:
            Image.open(file).convert("RGB").save(out / file.name, optimize=True)
    for file in sorted(out.glob("*.png")):
        print(f"{file.name}: {file.stat().st_size // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
