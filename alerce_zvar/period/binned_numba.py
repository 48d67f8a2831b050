"""Statistics of phase bins compiled by numba, for where the extra ``fast`` is installed; `binned` has the formulas.

Points are sorted into bins by the code of FPW (`fpw_numba`): 8 frequencies at a time, without Python's lock.
"""

import numpy as np

from alerce_zvar.compiled import compiled
from alerce_zvar.period.fpw_numba import LANES, fill, find_bins

__all__ = ["between", "boxes", "information"]

_BOX_LANES = 8  # frequencies at a time in `boxes`, side by side in every array: so all but the filling is in vectors


@compiled
def _between_at(sums, n_bins, n_joined):
    """Sum of Y^2 / W over the windows of `n_joined` neighbouring bins, and number of those that are not empty."""
    total, filled = 0.0, 0
    for first in range(n_bins):
        wx, w = 0.0, 0.0
        for step in range(n_joined):
            m = first + step
            m = m - n_bins if m >= n_bins else m
            wx += sums[2 * m]
            w += sums[2 * m + 1]
        if w > 0.0:
            total += wx * wx / w
            filled += 1
    return total, filled


@compiled
def between(time, weighted, weight, frequencies, n_bins, n_joined, result, filled):
    """Fill `result` and `filled`, shape (F,), with what `binned.between` gives; parameters as there."""
    slots = np.empty((LANES, len(time)), np.uint32)
    sums = np.empty(LANES * 2 * n_bins)
    for start in range(0, len(frequencies), LANES):
        used = min(LANES, len(frequencies) - start)
        for lane in range(LANES):
            find_bins(time, frequencies[start + min(lane, used - 1)], n_bins, 2 * n_bins * lane, slots[lane])
        fill(slots, weighted, weight, sums)
        for lane in range(used):
            own = sums[2 * n_bins * lane : 2 * n_bins * (lane + 1)]
            result[start + lane], filled[start + lane] = _between_at(own, n_bins, n_joined)


@compiled
def _find_cells(time, value_bins, frequency, n_bins, n_value_bins, first, slots):
    for j in range(len(time)):
        cycle = frequency * time[j]
        slots[j] = first + n_value_bins * np.int32(n_bins * (cycle - np.floor(cycle))) + value_bins[j]


@compiled
def _count(slots, counts):
    counts[:] = 0
    for j in range(slots.shape[1]):
        for lane in range(LANES):
            counts[slots[lane, j]] += 1


@compiled
def _order_at(counts, terms, n_bins, n_value_bins):
    """Sum of n log n over the cells less that over the phase bins."""
    order = 0.0
    for m in range(n_bins):
        inside = np.uint32(0)
        for k in range(n_value_bins):
            number = counts[m * n_value_bins + k]
            inside += number
            order += terms[number]
        order -= terms[inside]
    return order


@compiled
def information(time, value_bins, frequencies, n_bins, n_value_bins, terms, result):
    """Fill `result`, shape (F,), with the sum of n log n over the cells less that over the phase bins.

    Parameters
    ----------
    time : ndarray of float
        Times from 0 on, shape (N,).
    value_bins : ndarray of int32
        Bin of each value, from 0.
    frequencies : ndarray of float
        Shape (F,), from 0 on.
    n_bins, n_value_bins : int
        Bins of phase and value.
    terms : ndarray of float
        n log n for n from 0 to N.
    result : ndarray of float
        Shape (F,).
    """
    size = n_bins * n_value_bins
    slots = np.empty((LANES, len(time)), np.uint32)
    counts = np.empty(LANES * size, np.uint32)
    for start in range(0, len(frequencies), LANES):
        used = min(LANES, len(frequencies) - start)
        for lane in range(LANES):
            frequency = frequencies[start + min(lane, used - 1)]
            _find_cells(time, value_bins, frequency, n_bins, n_value_bins, size * lane, slots[lane])
        _count(slots, counts)
        for lane in range(used):
            own = counts[size * lane : size * (lane + 1)]
            result[start + lane] = _order_at(own, terms, n_bins, n_value_bins)


@compiled
def _find_places(time, frequency, n_bins, lane, places):
    """Place of each observation in sums that hold the frequencies of a bin side by side."""
    for j in range(len(time)):
        cycle = frequency * time[j]
        places[j] = lane + _BOX_LANES * np.int32(n_bins * (cycle - np.floor(cycle)))


@compiled
def _fill_boxes(places, weighted, weight, sums_wx, sums_w):
    sums_wx[:], sums_w[:] = 0.0, 0.0
    for j in range(len(weight)):
        wx, w = weighted[j], weight[j]
        for lane in range(_BOX_LANES):
            place = np.uint64(places[lane, j])
            sums_wx[place] += wx
            sums_w[place] += w


@compiled
def _add_up(sums, upto):
    """Sums before each bin, going on past the end of the cycle."""
    upto[:_BOX_LANES] = 0.0
    for i in range(len(sums)):
        upto[i + _BOX_LANES] = upto[i] + sums[i]
    for i in range(len(sums), len(upto) - _BOX_LANES):
        upto[i + _BOX_LANES] = upto[i] + sums[i - len(sums)]


@compiled
def _try_boxes(before_wx, before_w, after_wx, after_w, total, least, best):
    """Raise each number of `best` to s^2 / (W_in W_out) of its box, where s is positive and no weight too small."""
    for i in range(len(best)):
        s, w = after_wx[i] - before_wx[i], after_w[i] - before_w[i]
        rest = total - w
        ratio = s * s / (w * rest)
        better = (s > 0.0) & (w > least) & (rest > least) & (ratio > best[i])
        best[i] = ratio if better else best[i]


@compiled
def _keep_larger(best, others):
    for i in range(len(others)):
        best[i] = others[i] if others[i] > best[i] else best[i]


@compiled
def _best_boxes(upto_wx, upto_w, widths, total, least, best):
    """Put the largest s^2 / (W_in W_out) of all boxes at each frequency in front of `best`."""
    best[:] = 0.0
    for width in widths:
        after_wx, after_w = upto_wx[_BOX_LANES * width :], upto_w[_BOX_LANES * width :]
        _try_boxes(upto_wx, upto_w, after_wx, after_w, total, least, best)
    number = len(best) // _BOX_LANES
    while number > 1:  # the larger half is folded on the smaller one
        half = (number + 1) // 2
        _keep_larger(best[: (number - half) * _BOX_LANES], best[half * _BOX_LANES : number * _BOX_LANES])
        number = half


@compiled
def boxes(time, weighted, weight, frequencies, n_bins, widths, least, result):
    """Fill `result`, shape (F,), with the largest s^2 / (W_in W_out) of any box with positive s.

    Parameters
    ----------
    time, weighted, weight : ndarray of float
        Times from 0 on, w x and w, shape (N,), where sum w x = 0.
    frequencies : ndarray of float
        Shape (F,), from 0 on.
    n_bins : int
        Phase bins.
    widths : ndarray of int
        Widths of the boxes in bins.
    least : float
        Weight that must be inside and outside.
    result : ndarray of float
        Shape (F,).
    """
    places = np.empty((_BOX_LANES, len(time)), np.uint32)
    sums_wx, sums_w = np.empty(_BOX_LANES * n_bins), np.empty(_BOX_LANES * n_bins)
    upto_wx = np.empty(_BOX_LANES * (n_bins + widths.max() + 1))
    upto_w, best, total = np.empty(len(upto_wx)), np.empty(_BOX_LANES * n_bins), weight.sum()
    for start in range(0, len(frequencies), _BOX_LANES):
        used = min(_BOX_LANES, len(frequencies) - start)
        for lane in range(_BOX_LANES):
            _find_places(time, frequencies[start + min(lane, used - 1)], n_bins, lane, places[lane])
        _fill_boxes(places, weighted, weight, sums_wx, sums_w)
        _add_up(sums_wx, upto_wx)
        _add_up(sums_w, upto_w)
        _best_boxes(upto_wx, upto_w, widths, total, least, best)
        result[start : start + used] = best[:used]
