"""The FPW statistic compiled by numba, for where the extra ``fast`` is installed; `fpw_statistic` has the formula.

::

    8 frequencies at a time      bin of every observation           vectorised
                                 bin += (w x, w)                     most of the cost; one histogram per frequency
                                 S of M bins; join neighbours; S of M/2 bins; join; ...

Nothing here holds Python's lock, so threads run side by side. Arithmetic is that of IEEE, without fused or reordered
operations: the same numbers on every run.
"""

import numpy as np

from alerce_zvar.compiled import compiled

__all__ = ["LANES", "ONE", "fill", "find_bins", "levels"]

LANES = 8  # frequencies at a time; 4 to 16 are as fast
ONE = np.uint64(1)  # unsigned, or numba looks for indices from the end
_TWO = np.int32(2)


@compiled
def find_bins(time, frequency, n_bins, first, slots):
    """Slot of each observation's ``w x`` in the histograms; that of its ``w`` is the next one.

    All whole numbers have 32 bits: as many fit into a vector register as there are float64 in two.
    """
    first = np.int32(first)
    for j in range(len(time)):
        cycle = frequency * time[j]
        slots[j] = np.uint32(first + np.int32(_TWO * np.int32(n_bins * (cycle - np.floor(cycle)))))


@compiled
def fill(slots, weighted, weight, sums):
    """Sums of w x and w in the bins of all frequencies."""
    sums[:] = 0.0
    for j in range(len(weight)):
        wx, w = weighted[j], weight[j]
        for lane in range(LANES):
            slot = np.uint64(slots[lane, j])
            sums[slot] += wx
            sums[slot + ONE] += w


@compiled
def _join(sums, n_bins):
    """Join neighbouring bins; `n_bins` are left."""
    for m in range(n_bins):
        sums[2 * m] = sums[4 * m] + sums[4 * m + 2]
        sums[2 * m + 1] = sums[4 * m + 1] + sums[4 * m + 3]


@compiled
def _total(sums, n_bins):
    total = 0.0
    for m in range(n_bins):
        wx, w = sums[2 * m], sums[2 * m + 1]
        total += wx * wx / (w if w > 0.0 else 1.0)  # an empty bin has wx = 0
    return 0.5 * total


@compiled
def levels(time, weighted, weight, frequencies, n_bins, result):
    """Fill the statistic of ``n_bins``, ``n_bins / 2``, ... bins into the rows of `result`.

    Parameters
    ----------
    time, weighted, weight : ndarray of float
        Times from 0 on, w x and w, shape (N,). They are not checked: what is not finite would write anywhere.
    frequencies : ndarray of float
        Shape (F,), from 0 on.
    n_bins : int
        Finest number of bins.
    result : ndarray of float
        Shape (levels, F).
    """
    slots = np.empty((LANES, len(time)), np.uint32)
    sums = np.empty(LANES * 2 * n_bins)
    for start in range(0, len(frequencies), LANES):
        used = min(LANES, len(frequencies) - start)
        for lane in range(LANES):
            find_bins(time, frequencies[start + min(lane, used - 1)], n_bins, 2 * n_bins * lane, slots[lane])
        fill(slots, weighted, weight, sums)
        for lane in range(used):
            own = sums[2 * n_bins * lane : 2 * n_bins * (lane + 1)]
            left = n_bins
            result[0, start + lane] = _total(own, left)
            for level in range(1, len(result)):
                left //= 2
                _join(own, left)
                result[level, start + lane] = _total(own, left)
