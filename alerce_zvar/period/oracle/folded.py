"""Twins of the periodograms that fold: points are sorted into bins, or joined by a string, one frequency at a time.

All take `time, value, error` and `frequencies` in inverse units of `time`; phase 0 is at the earliest time. All give
one number per frequency, higher where the values repeat better.
"""

import math
from collections import Counter
from itertools import pairwise

import numpy as np

__all__ = ["aov", "bls", "conditional_entropy", "fpw", "pdm", "string_length"]


def fpw(time, value, error, frequencies, n_bins):
    """Half of what chi2 falls by when the weighted mean of each phase bin is taken away."""
    return _at_each(_drop, time, value, error, frequencies, n_bins)


def aov(time, value, error, frequencies, n_bins):
    """Variance between the bins over that inside them; the latter at least 1e-12 of all."""
    return _at_each(_aov, time, _centred(value, error), error, frequencies, n_bins)


def pdm(time, value, error, frequencies, n_bins, n_covers):
    """1 - theta, where theta is the variance inside the bins of all covers over that of all values."""
    return _at_each(_pdm, time, _centred(value, error), error, frequencies, n_bins, n_covers)


def conditional_entropy(time, value, error, frequencies, n_bins, n_value_bins):
    """Entropy of the value bins less their entropy where the phase bin is known, in natural units."""
    return _at_each(_information, time, value, error, frequencies, n_bins, n_value_bins)


def string_length(time, value, error, frequencies, scaled=True):
    """One over the length of the closed string through the points in the order of phase, then value."""
    return _at_each(_inverse_length, time, value, error, frequencies, scaled)


def bls(time, value, error, frequencies, durations, oversample):
    """Largest share of chi2 that a box explains in which the values are higher; 0 where there is none."""
    return _at_each(_bls, time, _centred(value, error), error, frequencies, durations, oversample)


def _at_each(statistic, time, value, error, frequencies, *options):
    time, value, error = (np.asarray(a, dtype=float) for a in (time, value, error))
    time = time - time.min()
    return np.array([statistic(time * frequency % 1.0, value, error, *options) for frequency in frequencies])


def _centred(value, error):
    value = np.asarray(value, dtype=float)
    return value - np.average(value, weights=np.asarray(error, dtype=float) ** -2.0)


def _scatter(value, error):
    """Weighted sum of squares about the weighted mean."""
    return np.sum(((value - np.average(value, weights=error**-2)) / error) ** 2)


def _inside(phase, value, error, n_bins):
    """Sum of the scatters of the phase bins, and number of the bins that are not empty."""
    bins = np.floor(n_bins * phase)
    return sum(_scatter(value[bins == m], error[bins == m]) for m in set(bins)), len(set(bins))


def _drop(phase, value, error, n_bins):
    return 0.5 * (np.sum((value / error) ** 2) - _inside(phase, value, error, n_bins)[0])


def _aov(phase, value, error, n_bins):
    total = _scatter(value, error)
    inside, filled = _inside(phase, value, error, n_bins)
    if filled == 1:
        return 0.0
    return (total - inside) / (filled - 1) / (max(inside, 1e-12 * total) / (len(value) - filled))


def _pdm(phase, value, error, n_bins, n_covers):
    fine = np.floor(n_bins * n_covers * phase)
    inside = freedom = 0
    for first in range(n_bins * n_covers):  # a bin of any cover is n_covers neighbouring fine bins
        rows = (fine - first) % (n_bins * n_covers) < n_covers
        if rows.any():
            inside += _scatter(value[rows], error[rows])
            freedom += rows.sum() - 1
    return 1.0 - inside / freedom / (_scatter(value, error) / (len(value) - 1))


def _entropy(keys):
    return -sum(number / len(keys) * math.log(number / len(keys)) for number in Counter(keys).values())


def _information(phase, value, error, n_bins, n_value_bins):
    phase_bins = [int(n_bins * p) for p in phase]
    low, high = value.min(), value.max()
    value_bins = [min(int(n_value_bins * ((x - low) / (high - low))), n_value_bins - 1) for x in value]
    both = list(zip(phase_bins, value_bins, strict=True))
    return _entropy(value_bins) + _entropy(phase_bins) - _entropy(both)


def _inverse_length(phase, value, error, scaled):
    if scaled:
        value = value / (2 * (value.max() - value.min()))
    points = sorted(zip(phase, value, strict=True))
    points.append((points[0][0] + 1, points[0][1]))
    return 1.0 / sum(math.dist(a, b) for a, b in pairwise(points))


def _bls(phase, value, error, durations, oversample):
    n_bins = math.ceil(oversample / min(durations) - 1e-9)
    bins = np.floor(n_bins * phase)
    weight, best = error**-2, 0.0
    for duration in durations:
        width = round(duration * n_bins)
        for start in range(n_bins):
            rows = (bins - start) % n_bins < width
            share = weight[rows].sum() / weight.sum()
            if min(share, 1 - share) <= 1e-9:
                continue
            rise = np.average(value[rows], weights=weight[rows]) - np.average(value[~rows], weights=weight[~rows])
            if rise > 0:
                best = max(best, rise**2 * share * (1 - share) * weight.sum() / _scatter(value, error))
    return best
