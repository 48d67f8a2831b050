"""Cuts on light curves: which rows to keep. Pure functions on arrays, in which a group is a light curve's band.

::

    rows of a band in a night   * *  ****************  *   *        more than ten, less than 100 s apart:
    deep_drilling               . .  .xxxxxxxxxxxxxxx  .   .        of each run the first is kept
"""

import numpy as np

__all__ = ["deep_drilling", "group_numbers", "outliers", "populous"]

GAP = 100.0  # seconds; ZTF's exposures of one field, taken without a break, follow each other by 39 to 88 s
PER_NIGHT = 10
_NIGHT = 0.25  # days without an exposure that end a night
_SECONDS = 86400.0
_SIGMA = 1.4826  # standard deviation of normal noise in units of its median absolute deviation


def group_numbers(*columns):
    """Number of each row's group, rows being of one group where all columns agree; an int array from 0."""
    numbers = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        names, codes = np.unique(np.asarray(column), return_inverse=True)
        _, numbers = np.unique(numbers * len(names) + codes, return_inverse=True)
    return numbers


def populous(groups, keep, min_points):
    """Rows of groups in which at least `min_points` rows are kept so far.

    Parameters
    ----------
    groups : ndarray of int
        Group of each row, from 0.
    keep : ndarray of bool
        Rows that are kept so far.
    min_points : int
        Least number.

    Returns
    -------
    ndarray of bool
    """
    counts = np.bincount(groups[keep], minlength=groups.max(initial=-1) + 1)
    return counts[groups] >= min_points


def outliers(values, groups, max_deviation):
    """Rows too far from the median of their group.

    Parameters
    ----------
    values : ndarray of float
        All finite.
    groups : ndarray of int
        Group of each row, from 0.
    max_deviation : float
        Largest distance from the median, in standard deviations: 1.4826 times the median absolute deviation.

    Returns
    -------
    ndarray of bool
        True for outliers. A group of which more than half is one value has no deviation to speak of, and no outliers.

    Raises
    ------
    ValueError
        `max_deviation` is not a positive number.
    """
    if not max_deviation > 0:
        raise ValueError(f"max_deviation must be a positive number, not {max_deviation:g}")
    distance = np.abs(values - _medians(values, groups))
    spread = _SIGMA * _medians(distance, groups)
    return (spread > 0) & (distance > max_deviation * spread)


def _medians(values, groups):
    """Median of its group, for each row."""
    if not len(values):
        return np.zeros(0)
    order = np.lexsort((values, groups))
    counts = np.bincount(groups)
    starts = np.cumsum(counts) - counts
    low, high = starts + np.maximum(counts - 1, 0) // 2, np.minimum(starts + counts // 2, len(values) - 1)
    ranked = values[order]
    return ((ranked[low] + ranked[high]) / 2)[groups]


def deep_drilling(days, groups, *, gap=GAP, per_night=PER_NIGHT):
    """Rows that pile up where one field was observed without a break.

    Parameters
    ----------
    days : ndarray of float
        Times [d], in any order.
    groups : ndarray of int
        Group of each row, from 0.
    gap : float
        Rows that follow the one before in less than this [s] are of one run.
    per_night : int
        Nights with at most this many rows of a group are left alone.

    Returns
    -------
    ndarray of bool
        True for all rows of a run but the first.
    """
    order = np.lexsort((days, groups))
    steps = np.diff(days[order])
    same = np.diff(groups[order]) == 0
    nights = np.concatenate([[0], np.cumsum(~same | (steps > _NIGHT))]) if len(days) else np.zeros(0, dtype=int)
    crowded = (np.bincount(nights, minlength=1) > per_night)[nights]
    piled = np.zeros(len(days), dtype=bool)
    piled[order[1:]] = same & (steps * _SECONDS < gap) & crowded[1:]
    return piled
