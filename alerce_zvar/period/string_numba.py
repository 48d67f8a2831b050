"""String length compiled by numba, for where the extra ``fast`` is installed; `stringlength` has the formula.

Points are sorted by phase once for every frequency: into as many buckets as there are points, after which each is at
most a few places off, and then by Shell's method, whose first steps are left out unless a bucket is crowded.
"""

import numpy as np

from alerce_zvar.compiled import compiled

__all__ = ["lengths"]

_CROWD = 24  # points in a bucket from which on Shell's long steps pay


@compiled
def _to_buckets(phase, order, counts):
    """Fill `order` with the points by bucket, in their order inside each; the size of the largest bucket."""
    number = len(phase)
    counts[:] = 0
    for j in range(number):
        counts[np.int64(number * phase[j]) + 1] += 1
    largest = 0
    for m in range(number):
        largest = max(largest, counts[m + 1])
        counts[m + 1] += counts[m]
    for j in range(number):
        bucket = np.int64(number * phase[j])
        order[counts[bucket]] = j
        counts[bucket] += 1
    return largest


@compiled
def _sort(phase, order, largest):
    """Sort `order` by phase, then by index."""
    gap = 1
    while largest > _CROWD and 3 * gap + 1 < largest:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, len(order)):
            point, place = order[i], i
            own = phase[point]
            while place >= gap:
                other = order[place - gap]
                if phase[other] < own or (phase[other] == own and other < point):
                    break
                order[place] = other
                place -= gap
            order[place] = point
        gap //= 3


@compiled
def lengths(time, value, frequencies, result):
    """Fill `result`, shape (F,), with the length of the string at each frequency.

    Parameters
    ----------
    time, value : ndarray of float
        Times from 0 on, and values, shape (N,), sorted by value: points of one phase are joined in this order.
    frequencies, result : ndarray of float
        Shape (F,); frequencies from 0 on.
    """
    number = len(time)
    phase, order = np.empty(number), np.empty(number, np.int64)
    counts = np.empty(number + 1, np.int64)
    for k in range(len(frequencies)):
        for j in range(number):
            cycle = frequencies[k] * time[j]
            phase[j] = cycle - np.floor(cycle)
        _sort(phase, order, _to_buckets(phase, order, counts))
        first, last = order[0], order[number - 1]
        total = np.hypot(phase[first] + 1.0 - phase[last], value[first] - value[last])
        for i in range(1, number):
            across = phase[order[i]] - phase[order[i - 1]]
            up = value[order[i]] - value[order[i - 1]]
            total += np.sqrt(across * across + up * up)
        result[k] = total
