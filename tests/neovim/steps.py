"""A session's steps, one after the other; what fails in one does not keep the others from being tried. What must not live here: steps.

LIMPID_SESSION_STEPS=1 prints each with its time, LIMPID_SESSION_ONLY="NAME|..." runs only these.
"""

import os
import time
import traceback

from editor import Failed


MOST_FAILURES = 4


class Steps:
    """Steps by name, in the order in which they were written."""

    def __init__(self):
        self.all = {}

    def __call__(self, name):
        def keep(act):
            self.all[name] = act
            return act

        return keep

    def run(self, *arguments, after=lambda name: None, recover=lambda: None) -> list:
        """What went wrong, a text for each step that failed; `after` may raise too."""
        failures = []
        only = os.environ.get("LIMPID_SESSION_ONLY")
        for name, act in self.all.items():
            if only and name not in only.split("|"):
                continue
            start, problem = time.monotonic(), None
            try:
                act(*arguments)
                after(name)
            except Failed as failed:
                at = traceback.extract_tb(failed.__traceback__)
                place = next((f"{os.path.basename(f.filename)}:{f.lineno}" for f in reversed(at) if "sessions" in f.filename), "")
                problem = f"{name} ({place}): {failed}"
            except Exception:  # the session's own mistake, or Neovim has gone
                problem = f"{name}: {traceback.format_exc()}"
            if problem:
                failures.append(problem)
                try:
                    recover()
                except Exception as worse:
                    failures.append(f"{name}: nothing more could be tried: {worse}")
                    break
            if len(failures) >= MOST_FAILURES:  # one has probably led to the next, and each waits long
                failures.append("the other steps were not tried")
                break
            if os.environ.get("LIMPID_SESSION_STEPS"):
                print(f"  {name}: {time.monotonic() - start:.1f} s {problem or 'ok'}", flush=True)
        return failures


def check(holds, what: str):
    """Fails with these words unless it holds."""
    if not holds:
        raise Failed(what)


def raise_all(failures: list):
    if failures:
        raise Failed("\n".join(failures))
