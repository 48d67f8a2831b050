"""How functions are compiled by numba, for where the extra ``fast`` is installed."""

from numba import njit

__all__ = ["compiled"]


def compiled(function, **options):
    """Compiled function, kept on disk for the next process where there is a folder that can be written to.

    It does not hold Python's lock. A division by zero gives infinity or NaN: to raise instead would keep loops out of
    the vector registers. `options` are further ones of `numba.njit`.
    """
    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # numba: "no locator available"
        return njit(**options)(function)
