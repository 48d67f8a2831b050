"""Eclipses at given frequencies: the one or two boxes of phase that explain most of how a star varies.

::

    ─────┐   ┌─────────┐ ┌────      fainter than the average, in phase bins
         └───┘         └─┘
         deepest       second, outside the deepest
"""

import numpy as np

__all__ = ["BINS", "Dips"]

BINS = 200  # of phase
_WIDTHS = np.array([1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38, 50])  # of an eclipse, in bins
_ENDS = np.arange(BINS) + _WIDTHS[:, None]  # of boxes, in bins
_MOST = 2  # eclipses in a cycle
_LEAST = 1e-9  # share of the weight that a box, and what is outside, must have


class Dips:
    """Eclipses at some frequencies, in the order in which they explain the light curve.

    Parameters
    ----------
    weighted, weight : ndarray of float
        Weighted sums of how much fainter the star is than on the average, and sums of weights, in phase bins; shape
        (F, BINS).
    total : float
        Weighted sum of squares.
    """

    def __init__(self, weighted, weight, total):
        self._weighted, self._weight, self._total = weighted, weight, total
        free, parts, self._found = np.ones(weight.shape, dtype=bool), [], []
        self._explained = [np.zeros(len(weight))]
        for _ in range(_MOST):
            first, width, is_found = self._deepest(free)
            self._found.append((first, width, is_found))
            box = is_found[:, None] & ((np.arange(BINS) - first[:, None]) % BINS < width[:, None]) & free
            free = free & ~box
            parts.append(self._explains(box))
            self._explained.append(self._explains(free) + sum(parts))

    def chi2(self, number):
        """Weighted sum of squares that so many eclipses leave at each frequency, shape (F,)."""
        return self._total - self._explained[number]

    def chi2_of_steps(self, number):
        """Weighted sum of squares that so many phase bins of free level leave at each frequency, shape (F,)."""
        weighted, weight = (sums.reshape(len(sums), number, -1).sum(-1) for sums in (self._weighted, self._weight))
        return self._total - np.divide(weighted**2, weight, out=np.zeros(weight.shape), where=weight > 0).sum(-1)

    def found(self, number=0):
        """(first bin, width in bins) of each eclipse at one of the frequencies."""
        eclipses = ((first[number], width[number], there[number]) for first, width, there in self._found)
        return [(int(first), int(width)) for first, width, there in eclipses if there]

    def _deepest(self, free):
        """First bins and widths of the boxes in the free bins that explain most, and where there is one."""
        weight = np.where(free, self._weight, 0.0)
        total = weight.sum(-1)[:, None]
        level = np.where(free, self._weighted, 0.0).sum(-1)[:, None] / np.maximum(total, 1e-300)
        inside = _box_sums(np.where(free, self._weighted - level * self._weight, 0.0))
        within = _box_sums(weight)
        total = total[:, None]
        np.maximum(inside, 0.0, out=inside)
        inside *= inside
        within *= total - within
        np.maximum(within, np.maximum(_LEAST * total**2, 1e-300), out=within)
        inside /= within
        gain = inside.reshape(len(inside), -1)
        best = gain.argmax(-1)
        row, first = np.divmod(best, BINS)
        return first, _WIDTHS[row], gain[np.arange(len(gain)), best] > 0

    def _explains(self, part):
        """What a level of its own for some bins explains."""
        weighted, weight = (np.where(part, sums, 0.0).sum(-1) for sums in (self._weighted, self._weight))
        return np.divide(weighted**2, weight, out=np.zeros(len(weight)), where=weight > 0)


def _box_sums(sums):
    """Sums over boxes of each width from each bin on, shape (F, widths, BINS)."""
    upto = np.zeros((len(sums), 1 + BINS + _WIDTHS[-1]))
    np.cumsum(np.concatenate([sums, sums[:, : _WIDTHS[-1]]], axis=1), axis=1, out=upto[:, 1:])
    return upto.take(_ENDS, axis=1) - upto[:, None, :BINS]
