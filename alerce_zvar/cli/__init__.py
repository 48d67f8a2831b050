"""The commands that ask the services: what they take, whom they ask, and how the answer is written.

A module for each group of commands, each with a function ``add(commands)``. They import what they need when they run,
so that ``--help`` answers at once.
"""

__all__ = ["BROKEN_PIPE", "ERROR", "INTERRUPTED", "OK", "PARTIAL", "Progress", "add_commands", "sentence"]

OK, ERROR, PARTIAL, INTERRUPTED, BROKEN_PIPE = 0, 1, 3, 130, 141  # exit codes; argparse's own for wrong usage is 2


def add_commands(commands):
    """Add all commands of this package to a parser's commands."""
    from alerce_zvar.cli import curves, download, fields, matching, reporting, sky

    for group in (sky, curves, matching, fields, download, reporting):
        group.add(commands)


def sentence(about):
    """Help of a command as the first sentence of its description; acronyms stay as they are."""
    return f"{about[0].upper()}{about[1:]}"


class Progress:
    """Writes a line to stderr when the work changes or a second has passed; called as (done, total, what)."""

    def __init__(self):
        self._last = None, -1.0

    def __call__(self, done, total, what):
        """Tell that so much is done."""
        import sys
        from time import monotonic

        label, written = self._last
        if what != label or done == total or monotonic() - written > 1:
            self._last = what, monotonic()
            print(f"[{done}/{total}] {what}", file=sys.stderr, flush=True)
