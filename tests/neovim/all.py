#!/usr/bin/env python3
"""Runs the sessions, or those named, each on a stage of its own: all.py [SESSION...]

A machine may stumble once, so only what fails twice has failed; both are said. `latency` runs only when it is named.
"""

import importlib
import pathlib
import sys
import time
import traceback

import kept

sys.path.insert(0, str(pathlib.Path(__file__).parent))
ORDER = ["install", "oldest", "commands", "views", "text", "bad_input", "latency"]
ASKED_ONLY = {"latency"}


def tried(session):
    """What went wrong, or None."""
    try:
        session.run()
        return None
    except Exception as problem:  # whatever it is, the other sessions go on
        if isinstance(problem, AssertionError):
            return "".join(traceback.format_tb(problem.__traceback__)[-1:]) + str(problem)
        return traceback.format_exc()


def main() -> int:
    there = {file.stem for file in (pathlib.Path(__file__).parent / "sessions").glob("*.py")} - {"__init__"}
    asked = sys.argv[1:]
    strangers = (set(asked) | there) - set(ORDER)
    if strangers:
        print(f"no session, or one without a place: {sorted(strangers)}")
        return 2
    names = [name for name in ORDER if name in there and (name in asked or not asked and name not in ASKED_ONLY)]
    failed = []
    for name in names:
        session = importlib.import_module(f"sessions.{name}")
        for attempt in ("", ", again"):
            start = time.monotonic()
            problem = tried(session)
            print(f"{'FAIL ' if problem else 'ok   '} {name}{attempt}: {time.monotonic() - start:.1f} s", flush=True)
            if not problem:
                break
            print(problem, flush=True)
            if attempt:
                failed.append(name)
    unused = kept.unused() if not asked and not failed else []
    if unused:
        print(f"kept, and no session shows them: {', '.join(unused)}")
    if failed:
        print(f"failed twice: {', '.join(failed)}")
    return 1 if failed or unused else 0


if __name__ == "__main__":
    sys.exit(main())
