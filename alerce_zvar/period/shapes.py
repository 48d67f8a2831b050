r"""How well light curves of several shapes fit at a period, all judged on one scale, so that periods can be compared.

::

    harmonics         eclipses          steps
      _    _        ───┐ ┌────┐ ┌─       ┌┐  ┌─┐
     / \  / \           │ │    └─┘      ┌─┘└──┘ └┐      score = n ln chi2 + p ln n + 2 ln frequency
    /   \/   \          └─┘             ┘         └

the information criterion of Schwarz 1978 (Ann. Stat. 6, 461) for p parameters and an unknown level of the noise, and a
prior that is even in the logarithm of the period. Lower is better; 10 less is 150 times more probable.

n counts visits, not points: five bands within minutes tell one phase. The errors are widened by a tenth of the scatter,
since no shape is right to the millimagnitude that bright stars have for an error.
"""

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Fit", "Shapes", "scatter"]

HARMONICS = (1, 2, 3, 4, 6, 8)
STEPS = (20, 50, 100)
_BINS = 200  # of phase, for eclipses and steps; a multiple of all of STEPS
_WIDTHS = np.array([1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38, 50])  # of an eclipse, in bins
_VISIT = 0.01  # days
_MISFIT = 0.1  # share of the scatter that is added to the errors
_PARAMETERS_OF_ECLIPSE = 3  # phase, length, depth
_VISITS_PER_PARAMETER = 3  # visits that a shape needs for each
_MANY_VISITS = 100  # from which on alternate cycles are compared in full detail
_BLOCK = 1 << 13  # points of a group in one go: a few megabytes of sines and cosines, which the cache holds
_COMB, _COMB_OF_ECLIPSE = 17, 61  # frequencies tried in a refinement
_CLEARLY = 10.0  # by which a second minimum must lower the score
_LENGTHS = 5  # of an eclipse that are independent
_APART = 0.15  # of a cycle between two minima
_ROUNDS = 2  # of fitting a wave and the amplitudes of the bands in turn
_AMPLITUDES = (0.2, 5.0)  # of a band, in the mean one
_INSIDE = (np.arange(_BINS) - np.arange(_BINS)[:, None]) % _BINS  # bins from a start on
_ENDS = np.arange(_BINS) + _WIDTHS[:, None]  # of boxes, in bins


@dataclass(frozen=True, order=True)
class Fit:
    """A shape at a frequency [1/day]; the smaller the `score`, the better."""

    score: float
    frequency: float
    shape: str
    number: int
    chi2: float

    def __str__(self):
        return f"{self.number} {self.shape if self.number > 1 else self.shape.removesuffix('s')}"


def scatter(values):
    """Standard deviation of the bulk of some values: 1.4826 times their median distance from the median."""
    return 1.4826 * np.median(np.abs(values - np.median(values)))


class Shapes:
    """The shapes, for one light curve.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    """

    def __init__(self, series):
        self.series = series
        self.weight = 1.0 / (series.error**2 + (_MISFIT * scatter(series.value)) ** 2)
        self.n_visits = len(np.unique(np.floor(series.time / _VISIT)))
        self.n_bands = int(series.band.max()) + 1
        self.sign_of_fainter = 1 if series.column == "mag" else -1
        self._fainter = self.sign_of_fainter * (series.value - np.average(series.value, weights=self.weight))
        self.total = float(self.weight @ self._fainter**2)
        order = np.argsort(series.group, kind="stable")
        ends = np.cumsum(np.bincount(series.group))
        self._groups = [np.split(rows, range(_BLOCK, len(rows), _BLOCK)) for rows in np.split(order, ends[:-1])]

    def best(self, frequency):
        """The `Fit` of the shape that suits a frequency best."""
        return min(self.fits(frequency))

    def fits(self, frequency):
        """A `Fit` for each shape at a frequency."""
        wave, dips = self.wave(frequency, max(HARMONICS)), self.dips(frequency)
        fits = [self._fit(frequency, "harmonics", k, wave.chi2(k), 2 * k) for k in HARMONICS]
        fits += [self._fit(frequency, "eclipses", m, dips.chi2(m), _PARAMETERS_OF_ECLIPSE * m) for m in (1, 2)]
        fits += [self._fit(frequency, "steps", m, dips.chi2_of_steps(m), m - 1) for m in STEPS]
        return fits

    def freedom(self, fit):
        """Levels or amplitudes that a `Fit` was free to choose, and in how many ways it could choose the rest.

        A shape with details of a share s of the cycle sees 1 / s times as many independent frequencies; an eclipse of
        length s has as many places, and its length some five values.
        """
        if fit.shape == "harmonics":
            return 2 * fit.number + self.n_bands - 1, fit.number
        if fit.shape == "steps":
            return fit.number - 1, fit.number
        lengths = [width / _BINS for _, width in self.dips(fit.frequency).found[: fit.number]]
        return fit.number, math.prod(_LENGTHS / length for length in lengths) / min(lengths, default=1.0)

    def quick(self, frequency):
        """A score by three harmonics or two eclipses, whichever is better, for a first sifting."""
        chi2 = min(self.wave(frequency, 3).chi2(3), self.dips(frequency).chi2(2))
        return self._score(frequency, chi2, 2 * _PARAMETERS_OF_ECLIPSE)

    def near(self, frequency, reach, shape=None):
        """Frequencies near a given one at which waves, and eclipses, fit best: up to two.

        Narrow eclipses are lost within a small part of a peak's width, so they are looked for in two steps.

        Parameters
        ----------
        frequency, reach : float
            Where to look: so far to both sides [1/day].
        shape : str, optional
            Only ``"harmonics"``, or anything else for eclipses; by default both.

        Returns
        -------
        list of float
        """
        found = []
        if shape in (None, "harmonics"):
            found.append(_best_of(_comb(frequency, reach, _COMB), lambda trial: self.wave(trial, 4).chi2(4)))
        if shape != "harmonics":
            near = frequency
            for span, number in ((reach, _COMB_OF_ECLIPSE), (2 * reach / _COMB_OF_ECLIPSE, _COMB)):
                near = _best_of(_comb(near, span, number), lambda trial: self.dips(trial).chi2(2))
            found.append(near)
        return found

    def two_minima(self, frequency):
        """Whether the star has two separate minima in a cycle, rather than one: it needs no doubled period."""
        dips = self.dips(frequency)
        if len(dips.found) < 2:
            return False
        one, two = (self._score(frequency, dips.chi2(m), _PARAMETERS_OF_ECLIPSE * m) for m in (1, 2))
        if two > one - _CLEARLY:
            return False
        (first, width), (second, other) = dips.found
        distance = abs((first + width / 2) - (second + other / 2)) % _BINS
        return min(distance, _BINS - distance) - (width + other) / 2 > _APART * _BINS

    def odd_harmonics(self, frequency, number):
        """By how much the score falls if so many odd harmonics are added to the even ones; negative if it rises.

        There are as many even ones as the visits allow; minus infinity where they allow none.
        """
        most = 16 if self.n_visits >= _MANY_VISITS else 8
        room = self.n_visits // _VISITS_PER_PARAMETER - 1 - 2 * number
        nterms = min(most, room // 2 * 2)  # half of them are even, and each has two parameters
        if nterms < 2 * number:
            return -np.inf
        wave = self.wave(frequency, nterms)
        even, odd = np.arange(2, nterms + 1, 2), np.arange(1, 2 * number, 2)
        fall = wave.chi2_of(even) / max(wave.chi2_of(np.concatenate([even, odd])), 1e-300)
        return self.n_visits * np.log(fall) - 2 * number * np.log(self.n_visits)

    def wave(self, frequency, nterms):
        """The `_Wave` of up to `nterms` harmonics at a frequency."""
        products = np.zeros((self.n_bands, 2 * nterms + 1, 2 * nterms + 1))
        for blocks in self._groups:
            products[self.series.band[blocks[0][0]]] += self._products(blocks, frequency, nterms)
        return _Wave(products)

    def _products(self, blocks, frequency, nterms):
        """Sums of products about the level of a group: those of its blocks, and those of their levels about its own."""
        products, levels, weights = 0.0, [], []
        for members in blocks:
            rows, weight = self._basis(members, frequency, nterms), self.weight[members]
            weights.append(weight.sum())
            levels.append(weight @ rows / weights[-1])
            rows -= levels[-1]
            products = products + (rows * weight[:, None]).T @ rows
        if len(blocks) > 1:
            apart = levels - np.average(levels, axis=0, weights=weights)
            products += (apart.T * weights) @ apart
        return products

    def _basis(self, members, frequency, nterms):
        """The values, and sines and cosines of all harmonics, side by side."""
        angle = np.exp(2j * np.pi * np.mod(frequency * self.series.time[members], 1.0))
        powers = np.cumprod(np.broadcast_to(angle[:, None], (len(angle), nterms)), axis=1)
        basis = np.empty((len(angle), 2 * nterms + 1))
        basis[:, 0], basis[:, 1::2], basis[:, 2::2] = self.series.value[members], powers.imag, powers.real
        return basis

    def dips(self, frequency):
        """The `_Dips` at a frequency."""
        phase = np.mod(frequency * self.series.time, 1.0)
        bins = np.minimum((phase * _BINS).astype(int), _BINS - 1)
        weighted = np.bincount(bins, self.weight * self._fainter, _BINS)
        weight = np.bincount(bins, self.weight, _BINS)
        return _Dips(weighted, weight, self.total)

    def _score(self, frequency, chi2, n_parameters):
        n = self.n_visits
        return n * np.log(max(chi2, 1e-300)) + (n_parameters + 1) * np.log(n) + 2 * np.log(frequency)

    def _fit(self, frequency, shape, number, chi2, n_parameters):
        too_many = n_parameters > 2 and n_parameters + 1 > self.n_visits / _VISITS_PER_PARAMETER
        score = np.inf if too_many else self._score(frequency, chi2, n_parameters)
        return Fit(float(score), float(frequency), shape, number, float(chi2))


def _comb(frequency, reach, number):
    comb = frequency + np.linspace(-reach, reach, number)
    return comb[comb > 0]


def _best_of(comb, chi2_at):
    """Middle of the run of frequencies that fit best."""
    chi2 = np.array([chi2_at(trial) for trial in comb])
    first = last = int(np.argmin(chi2))
    while last + 1 < len(comb) and chi2[last + 1] <= chi2[first]:
        last += 1
    return float((comb[first] + comb[last]) / 2)


class _Wave:
    """Sums of products of the values and the sines and cosines, per band, less the levels of the groups."""

    def __init__(self, products):
        self._products = products

    def solve(self, nterms):
        """Coefficients (sine, cosine, ...) of the wave, amplitudes of the bands about 1, and chi2.

        All bands share a wave, each with an amplitude of its own: least squares for one and the other in turn.
        """
        size = 2 * nterms + 1
        products = self._products[:, :size, :size]
        matrices, vectors = products[:, 1:, 1:], products[:, 0, 1:]
        amplitude = np.ones(len(products))
        rounds = _ROUNDS if len(products) > 1 else 1
        for turn in range(rounds):
            matrix = np.einsum("b,bij->ij", amplitude**2, matrices)
            vector = amplitude @ vectors
            matrix.flat[::size] += 1e-9 * np.trace(matrix) + 1e-300
            wave = np.linalg.solve(matrix, vector)
            if turn + 1 < rounds:
                size_of_wave = np.einsum("i,bij,j->b", wave, matrices, wave)
                amplitude = np.clip(vectors @ wave / np.maximum(size_of_wave, 1e-300), *_AMPLITUDES)
                amplitude = amplitude / np.average(amplitude, weights=np.maximum(size_of_wave, 1e-300))
        chi2 = products[:, 0, 0].sum() - 2 * vector @ wave + wave @ matrix @ wave
        return wave, amplitude, max(float(chi2), 0.0)

    def chi2(self, nterms):
        """Weighted sum of squares that the wave leaves."""
        return self.solve(nterms)[2]

    def chi2_of(self, harmonics):
        """Weighted sum of squares that some harmonics leave, the same in all bands."""
        products = self._products.sum(axis=0)
        columns = np.sort(np.concatenate([2 * harmonics - 1, 2 * harmonics]))
        vector = products[0, columns]
        wave = np.linalg.lstsq(products[np.ix_(columns, columns)], vector, rcond=1e-10)[0]
        return max(float(products[0, 0] - vector @ wave), 0.0)


class _Dips:
    """Phase bins of how much fainter the star is than on the average, and the eclipses in them."""

    def __init__(self, weighted, weight, total):
        self._weighted, self._weight, self._total = weighted, weight, total
        self._free = np.ones(_BINS, dtype=bool)
        self._explained = [0.0]
        self._parts = []  # sums over the bins of each eclipse
        self.found = []  # (first bin, width) of each eclipse, the deepest first
        for _ in range(2):
            self._add()

    def chi2(self, number):
        """Weighted sum of squares that so many eclipses leave."""
        return self._total - self._explained[number]

    def chi2_of_steps(self, number):
        """Weighted sum of squares that so many phase bins of free level leave."""
        weighted, weight = (sums.reshape(number, -1).sum(axis=1) for sums in (self._weighted, self._weight))
        return self._total - np.sum(np.divide(weighted**2, weight, out=np.zeros(number), where=weight > 0))

    def _add(self):
        """Find the box that explains most outside the eclipses found before."""
        weight = np.where(self._free, self._weight, 0.0)
        total, least = weight.sum(), 1e-9 * weight.sum()
        level = self._sums(self._free)[0] / max(total, 1e-300)
        weighted = np.where(self._free, self._weighted - level * self._weight, 0.0)
        inside, weight_inside = _box_sums(np.array([weighted, weight]))
        outside = total - weight_inside
        counts = (inside > 0) & (weight_inside > least) & (outside > least)
        gain = np.divide(inside**2, weight_inside * outside, out=np.zeros(counts.shape), where=counts)
        row, first = divmod(int(gain.argmax()), _BINS)
        if counts[row, first]:
            box = _INSIDE[first] < _WIDTHS[row]
            self.found.append((first, int(_WIDTHS[row])))
            self._parts.append(self._sums(box & self._free))
            self._free = self._free & ~box
        levels = [self._sums(self._free), *self._parts]
        self._explained.append(sum(weighted**2 / weight for weighted, weight in levels if weight > 0))

    def _sums(self, part):
        """Sums over some bins."""
        return self._weighted[part].sum(), self._weight[part].sum()


def _box_sums(sums):
    """Sums over boxes of each width from each bin on, shape (..., widths, bins)."""
    upto = np.zeros((len(sums), 1 + _BINS + _WIDTHS[-1]))
    np.cumsum(np.concatenate([sums, sums[:, : _WIDTHS[-1]]], axis=1), axis=1, out=upto[:, 1:])
    return upto.take(_ENDS, axis=1) - upto[:, None, :_BINS]
