#!/usr/bin/env python3
"""Makes one animated GIF of a folder of frames: animation.py FOLDER OUT.gif. Needs Pillow; run by hand, after record.mjs."""

import pathlib
import sys

from PIL import Image

# Long enough to read, short enough to wait for.
MILLISECONDS = 1800
WIDTH = 960


def main() -> int:
    folder, out = sys.argv[1], sys.argv[2]
    files = sorted(pathlib.Path(folder).glob("*.png"))
    frames = []
    for file in files:
        image = Image.open(file).convert("RGB")
        height = image.height * WIDTH // image.width
        frames.append(image.resize((WIDTH, height), Image.LANCZOS).quantize(96, dither=Image.Dither.NONE))
    frames[0].save(out, save_all=True, append_images=frames[1:], duration=MILLISECONDS, loop=0, optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
