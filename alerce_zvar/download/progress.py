"""How a download tells how far it is: a bar with rate and time left, a callable, or nothing."""

import sys
from contextlib import contextmanager

from alerce_zvar.errors import require

__all__ = ["told"]


@contextmanager
def told(progress, total, service):
    """Function that takes a `Tally` and tells how far it is.

    Parameters
    ----------
    progress : bool, callable or None
        True for a bar, False for none, None for one where stderr is a terminal; or called as
        ``progress(done, total, what)``.
    total : int or None
        How many inputs there are, if that is known.
    service : str
        Who is asked.
    """
    if callable(progress):
        yield lambda tally: progress(tally.inputs, total, f"downloaded from {service}")
        return
    if progress is None:
        progress = sys.stderr is not None and sys.stderr.isatty()
    if not progress:
        yield _silent
        return
    (tqdm,) = require("archive", "tqdm")
    with tqdm.tqdm(total=total, desc=service, unit="obj", file=sys.stderr, dynamic_ncols=True) as bar:

        def tell(tally):
            bar.set_postfix(failed=tally.counts["failed"], refresh=False)
            bar.update(tally.inputs - bar.n)

        yield tell


def _silent(tally):
    """Nothing is told."""
