"""The statistic of FPW (Fast Periodicity Weighting): how well phase bins of free level explain the values.

Finkbeiner, Prince & Whitebook 2025 (arXiv:2502.00243), in the form of their package fpwperiodic 1.1.1
(reference/zvar.md 4.1)::

    m_j  = floor(M frac(f (t_j - min t)))           bin of observation j, of M bins
    W_m  = sum of w_j in bin m                      w_j = 1 / sigma_j^2
    Y_m  = sum of w_j x_j in bin m
    S(f) = sum of Y_m^2 / (2 W_m) over the bins     an empty one adds nothing; fpwperiodic gives NaN there

Half of what chi2 falls by from zero to one level per bin. For noise about its weighted mean, 2 S follows chi2 with
M - 1 degrees of freedom.

M and M/2 bins need the observations sorted into bins once only: doubling is exact in floating point, so the bins of M/2
are exactly the pairs of neighbours of those of M, and 5, 10 and 20 bins cost little more than 20 alone.
"""

from numbers import Integral

import numpy as np

from alerce_zvar.errors import require, shown

__all__ = [
    "ENGINES",
    "check_n_bins",
    "choose_engine",
    "chunks",
    "histogram",
    "phase_bins",
    "phases",
    "statistic",
]

ENGINES = ("numba", "numpy")
MAX_BINS = 1000
_CHUNK = 1 << 18  # observations times frequencies that the twin in numpy holds at a time


def choose_engine(engine=None):
    """Name of what computes: the one asked for, or by default ``"numba"`` where the extra ``fast`` is installed.

    Raises
    ------
    MissingExtraError
        ``"numba"`` was asked for and is not installed.
    ValueError
        There is no such engine.
    """
    if engine not in (None, *ENGINES):
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, or None for the faster one, not {shown(engine)}")
    if engine == "numba":
        require("fast", "numba")
    return engine or ("numba" if _has_numba() else "numpy")


def _has_numba():
    try:
        import numba  # noqa: F401 - whether it loads is the question: it refuses a numpy that is too new for it
    except ImportError:
        return False
    return True


def check_n_bins(n_bins):
    """Numbers of bins as a tuple; one number is a tuple of one.

    Raises
    ------
    ValueError
        There is none, one comes twice, or one is not a whole number from 2 to 1000.
    """
    given = (n_bins,) if isinstance(n_bins, Integral) else tuple(n_bins)
    whole = all(isinstance(m, Integral) and not isinstance(m, bool) and 2 <= m <= MAX_BINS for m in given)
    if not given or not whole or len(set(given)) < len(given):
        raise ValueError(
            f"n_bins must be different whole numbers from 2 to {MAX_BINS}, such as (5, 10, 20), not {shown(n_bins)}"
        )
    return tuple(int(m) for m in given)


def statistic(time, value, error, frequencies, n_bins, *, engine=None):
    """Statistic S at some frequencies, for one or more numbers of bins.

    Parameters
    ----------
    time : array_like of float
        Times, in any unit, shape (N,). Phase 0 is at the earliest.
    value, error : array_like of float
        Values less their weighted mean, and standard errors, shape (N,).
    frequencies : array_like of float
        Frequencies in inverse units of `time`, not negative, shape (F,).
    n_bins : sequence of int
        Numbers of phase bins, 2 to 1000.
    engine : {"numba", "numpy"}, optional
        What computes; both give the same numbers but for rounding, numpy some fifteen times slower. By default numba
        where the extra ``fast`` is installed.

    Returns
    -------
    ndarray of float
        Shape (len(n_bins), F).

    Raises
    ------
    MissingExtraError
        ``"numba"`` was asked for and is not installed.
    ValueError
        A number is not finite, an error not positive, a frequency negative, or `n_bins` cannot be used.
    """
    n_bins = check_n_bins(n_bins)
    time, value, error, frequencies = (np.ascontiguousarray(a, dtype=float) for a in (time, value, error, frequencies))
    compute = {"numba": _by_numba, "numpy": _by_numpy}[choose_engine(engine)]
    time = time - time.min(initial=np.inf)
    _check(time, value, error, frequencies)
    weight = 1.0 / (error * error)
    result = np.empty((len(n_bins), len(frequencies)))
    for finest, family in _families(n_bins).items():
        levels = compute(time, weight * value, weight, frequencies, finest, max(family.values()) + 1)
        for m, level in family.items():
            result[n_bins.index(m)] = levels[level]
    return result


def _check(time, value, error, frequencies):
    if {array.ndim for array in (time, value, error, frequencies)} != {1}:
        raise ValueError("time, value, error and frequencies must have one dimension each")
    if not len(time) == len(value) == len(error) > 0:
        raise ValueError("time, value and error must be of one length, and not empty")
    finite = all(np.isfinite(values).all() for values in (time, value, error))
    if not finite or not np.all(error > 0):
        raise ValueError("time, value and error must be finite, and every error positive")
    with np.errstate(over="ignore"):
        last = frequencies * time.max()
    if not np.all((frequencies >= 0) & np.isfinite(last)):
        raise ValueError("frequencies must be finite and not negative")


def _families(n_bins):
    """Finest number of bins -> the numbers that follow from it by halving -> how often."""
    families = {}
    for m in sorted(n_bins, reverse=True):
        halvings = {finest: int(np.log2(finest // m)) for finest in families}
        parent = next((finest for finest, k in halvings.items() if m << k == finest), m)
        families.setdefault(parent, {})[m] = halvings.get(parent, 0)
    return families


def _by_numba(time, weighted, weight, frequencies, n_bins, n_levels):
    from alerce_zvar.period import fpw_numba

    result = np.empty((n_levels, len(frequencies)))
    fpw_numba.levels(time, weighted, weight, frequencies, n_bins, result)
    return result


def _by_numpy(time, weighted, weight, frequencies, n_bins, n_levels):
    """The twin of `fpw_numba.levels`."""
    parts = [_levels(time, weighted, weight, chunk, n_bins, n_levels) for chunk in chunks(frequencies, len(time))]
    return np.concatenate(parts, axis=1) if parts else np.empty((n_levels, 0))


def _levels(time, weighted, weight, frequencies, n_bins, n_levels):
    bins = phase_bins(time, frequencies, n_bins)
    sums = [histogram(bins, terms, n_bins) for terms in (weighted, weight)]
    result = []
    for level in range(n_levels):
        y, w = (each.reshape(len(frequencies), n_bins >> level) for each in sums)
        result.append(0.5 * np.sum(y * y / np.where(w > 0, w, 1.0), axis=1))
        sums = [each.reshape(-1)[0::2] + each.reshape(-1)[1::2] for each in sums] if level + 1 < n_levels else sums
    return np.array(result)


def chunks(frequencies, n_points):
    """Cut frequencies into pieces that numpy can hold for every point at once."""
    size = max(1, _CHUNK // n_points)
    return (frequencies[start : start + size] for start in range(0, len(frequencies), size))


def phases(time, frequencies):
    """Phase of each point at each frequency, shape (F, N); 0 to 1."""
    cycles = frequencies[:, None] * time
    return cycles - np.floor(cycles)


def phase_bins(time, frequencies, n_bins):
    """Bin of each point at each frequency, shape (F, N); 0 to ``n_bins - 1``."""
    return (n_bins * phases(time, frequencies)).astype(np.intp)


def histogram(bins, terms, n_bins):
    """Sums of `terms`, one number per point, in the bins at each frequency; shape (F, n_bins)."""
    places = (bins + n_bins * np.arange(len(bins))[:, None]).ravel()
    return np.bincount(places, np.broadcast_to(terms, bins.shape).ravel(), len(bins) * n_bins).reshape(-1, n_bins)
