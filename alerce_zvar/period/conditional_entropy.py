"""Conditional entropy: on the right period the phase says much about the value.

Graham et al. 2013 (MNRAS 434, 2629). Points are counted, without weights, in cells of phase and value::

    value                             H(value | phase) = sum over cells of p_ij log(p_j / p_ij)
      │  4 │  . │  . │  2 │           p_ij   share of the points in value bin i and phase bin j
      │  . │  5 │  1 │  3 │           p_j    share of the points in phase bin j
      │  . │  . │  4 │  . │
      └────────────────────► phase    power = H(value) - H(value | phase)

H(value | phase) is least at the period. H(value), the entropy of the value bins, is the same at all periods; what the
phase takes off it is never negative, and 0 where the phase says nothing. Both are in natural units. Value bins are
equally wide, from the lowest value to the highest.
"""

from functools import partial

import numpy as np
from scipy.special import xlogy

from alerce_zvar.period.blocks import walk
from alerce_zvar.period.fpw_statistic import choose_engine, chunks, histogram, phase_bins
from alerce_zvar.period.method import ENGINE, Method, whole

__all__ = ["METHOD", "power_blocks"]

MAX_BINS = 200


def power_blocks(series, grid, *, n_bins=10, n_value_bins=5, engine=None, workers=1):
    """What the phase takes off the entropy of the values, on a grid, block by block.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Trial frequencies.
    n_bins, n_value_bins : int
        Number of phase bins, and of value bins; Graham et al. have 10 and 5.
    engine : {"numba", "numpy"}, optional
        By default numba where the extra ``fast`` is installed.
    workers : int
        Threads.

    Yields
    ------
    start : int
        Index in the grid of the block's first frequency.
    power : ndarray of float
        H(value) - H(value | phase).
    """
    value_bins = _value_bins(series.value, n_value_bins)
    compute = {"numba": _by_numba, "numpy": _by_numpy}[choose_engine(engine)]
    terms = xlogy(np.arange(len(series.time) + 1.0), np.arange(len(series.time) + 1.0))
    powers = partial(_power, compute, series.time, value_bins, n_bins=n_bins, n_value_bins=n_value_bins, terms=terms)
    return walk(grid, powers, workers=workers)


def _value_bins(value, number):
    low, high = value.min(), value.max()
    return np.minimum((number * ((value - low) / (high - low))).astype(np.int32), np.int32(number - 1))


def _power(compute, time, value_bins, frequencies, *, n_bins, n_value_bins, terms):
    """From sums of n log n: the entropy of numbers n that add up to N is log N - sum n log n / N."""
    given = compute(time, value_bins, frequencies, n_bins, n_value_bins, terms)
    alone = terms[np.bincount(value_bins)].sum() - terms[-1]
    return np.maximum((given - alone) / len(time), 0.0)


def _by_numba(time, value_bins, frequencies, n_bins, n_value_bins, terms):
    from alerce_zvar.period import binned_numba

    result = np.empty(len(frequencies))
    binned_numba.information(time, value_bins, frequencies, n_bins, n_value_bins, terms, result)
    return result


def _by_numpy(time, value_bins, frequencies, n_bins, n_value_bins, terms):
    parts = []
    for chunk in chunks(frequencies, len(time)):
        cells = phase_bins(time, chunk, n_bins) * n_value_bins + value_bins
        counts = histogram(cells, np.ones(len(time)), n_bins * n_value_bins).astype(int)
        counts = counts.reshape(-1, n_bins, n_value_bins)
        parts.append(terms[counts].sum(axis=(1, 2)) - terms[counts.sum(axis=2)].sum(axis=1))
    return np.concatenate(parts)


METHOD = Method(
    name="conditional_entropy",
    power_blocks=power_blocks,
    suits="any shape, many points, outliers: it counts points and takes no squares",
    statistic="H(value) - H(value | phase)",
    meaning="what the phase takes off the entropy of the values; from 0, natural units",
    citations=("2013MNRAS.434.2629G",),
    options=(whole("n_bins", 10, 2, MAX_BINS), whole("n_value_bins", 5, 2, MAX_BINS), ENGINE),
    extra="fast",
)
