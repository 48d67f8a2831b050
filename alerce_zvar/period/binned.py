"""How far the levels of phase bins differ: what FPW, analysis of variance and phase dispersion minimization share.

::

    n_bins = 6, n_joined = 2             windows of neighbouring bins, each bin in n_joined of them
    │ 0 │ 1 │ 2 │ 3 │ 4 │ 5 │
    └──0+1──┘       └──4+5──┘            B = sum of Y_m^2 / W_m over the windows that are not empty
        └──1+2──┘                        Y_m = sum of w x, W_m = sum of w in window m, w = 1 / sigma^2
            └──2+3──┘                    with x about its weighted mean: by how much the levels of the
    ─5+0┘       └──3+4──┘   └5+0─        windows lower chi2, n_joined times over
"""

import numpy as np

from alerce_zvar.period.fpw_statistic import chunks, histogram, phase_bins

__all__ = ["between", "centred"]


def centred(series):
    """Values about their weighted mean, and weights."""
    weight = series.error**-2.0
    return series.value - np.average(series.value, weights=weight), weight


def between(series, frequencies, n_bins, n_joined, engine):
    """Sum B of Y^2 / W over all windows of neighbouring phase bins, and number of windows that are not empty.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    frequencies : ndarray of float
        Frequencies [1/day], shape (F,).
    n_bins, n_joined : int
        Number of phase bins, and of those that a window has.
    engine : {"numba", "numpy"}
        What computes.

    Returns
    -------
    result : ndarray of float
        Shape (F,).
    filled : ndarray of int
        Shape (F,).
    """
    value, weight = centred(series)
    compute = {"numba": _by_numba, "numpy": _by_numpy}[engine]
    return compute(series.time, weight * value, weight, frequencies, n_bins, n_joined)


def _by_numba(time, weighted, weight, frequencies, n_bins, n_joined):
    from alerce_zvar.period import binned_numba

    result, filled = np.empty(len(frequencies)), np.empty(len(frequencies), dtype=int)
    binned_numba.between(time, weighted, weight, frequencies, n_bins, n_joined, result, filled)
    return result, filled


def _by_numpy(time, weighted, weight, frequencies, n_bins, n_joined):
    parts = []
    for chunk in chunks(frequencies, len(time)):
        bins = phase_bins(time, chunk, n_bins)
        y, w = (_windows(histogram(bins, terms, n_bins), n_joined) for terms in (weighted, weight))
        parts.append((np.sum(y * y / np.where(w > 0, w, 1.0), axis=1), np.count_nonzero(w > 0, axis=1)))
    result, filled = zip(*parts, strict=True)
    return np.concatenate(result), np.concatenate(filled)


def _windows(sums, n_joined):
    return sum(np.roll(sums, -step, axis=1) for step in range(n_joined))
