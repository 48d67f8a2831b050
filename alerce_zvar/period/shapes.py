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

from alerce_zvar.period.dips import BINS, Dips

__all__ = ["Fit", "Shapes", "scatter"]

HARMONICS = (1, 2, 3, 4, 6, 8, 12, 16)
STEPS = (20, 50, 100)  # BINS is a multiple of each
_VISIT = 0.01  # days
_MISFIT = 0.1  # share of the scatter that is added to the errors
_PARAMETERS_OF_ECLIPSE = 3  # phase, length, depth
_VISITS_PER_PARAMETER = 3  # visits that a shape needs for each
_MANY_VISITS = 100  # from which on alternate cycles are compared in full detail
_BLOCK = 1 << 13  # points of a group in one go: a few megabytes of sines and cosines, which the cache holds
_ROUNDING = 1e-12  # of sums
_COMB, _COMB_OF_ECLIPSE = 17, 61  # frequencies tried in a refinement
_CLEARLY = 10.0  # by which a second minimum must lower the score
_LENGTHS = 5  # of an eclipse that are independent
_APART = 0.15  # of a cycle between two minima
_ROUNDS = 2  # of fitting a wave and the amplitudes of the bands in turn
_AMPLITUDES = (0.2, 5.0)  # of a band, in the mean one
_AT_ONCE, _POINTS_AT_ONCE = 16, 1 << 15  # frequencies, and points, searched for eclipses together: for the cache


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
        self._weighted = self.weight * self._fainter
        self.total = float(self._weighted @ self._fainter)
        order = np.argsort(series.group, kind="stable")
        ends = np.cumsum(np.bincount(series.group))
        self._groups = [np.split(rows, range(_BLOCK, len(rows), _BLOCK)) for rows in np.split(order, ends[:-1])]

    def best(self, frequency):
        """The `Fit` of the shape that suits a frequency best."""
        return min(self.fits(frequency))

    def fits(self, frequency):
        """A `Fit` for each shape at a frequency."""
        wave, dips = self.wave(frequency, max(HARMONICS)), self.dips([frequency])
        fits = [self._fit(frequency, "harmonics", k, wave.chi2(k), 2 * k) for k in HARMONICS]
        fits += [self._fit(frequency, "eclipses", m, dips.chi2(m)[0], _PARAMETERS_OF_ECLIPSE * m) for m in (1, 2)]
        fits += [self._fit(frequency, "steps", m, dips.chi2_of_steps(m)[0], m - 1) for m in STEPS]
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
        lengths = [width / BINS for _, width in self.dips([fit.frequency]).found()[: fit.number]]
        return fit.number, math.prod(_LENGTHS / length for length in lengths) / min(lengths, default=1.0)

    def quick(self, frequencies):
        """Scores by three harmonics or two eclipses, whichever is better, for a first sifting."""
        waves = [self.wave(frequency, 3).chi2(3) for frequency in frequencies]
        return self._score(
            frequencies, np.minimum(waves, self._chi2_of_eclipses(frequencies)), 2 * _PARAMETERS_OF_ECLIPSE
        )

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
            comb = _comb(frequency, reach, _COMB)
            found.append(_best_of(comb, [self.wave(trial, 4).chi2(4) for trial in comb]))
        if shape != "harmonics":
            near = frequency
            for span, number in ((reach, _COMB_OF_ECLIPSE), (2 * reach / _COMB_OF_ECLIPSE, _COMB)):
                comb = _comb(near, span, number)
                near = _best_of(comb, self._chi2_of_eclipses(comb))
            found.append(near)
        return found

    def two_minima(self, frequency):
        """Whether the star has two separate minima in a cycle, rather than one: it needs no doubled period."""
        dips = self.dips([frequency])
        if len(dips.found()) < 2:
            return False
        one, two = (self._score(frequency, dips.chi2(m)[0], _PARAMETERS_OF_ECLIPSE * m) for m in (1, 2))
        if two > one - _CLEARLY:
            return False
        (first, width), (second, other) = dips.found()
        distance = abs((first + width / 2) - (second + other / 2)) % BINS
        return min(distance, BINS - distance) - (width + other) / 2 > _APART * BINS

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

    def dips(self, frequencies):
        """The `Dips` at some frequencies."""
        cycles = np.multiply.outer(frequencies, self.series.time)
        bins = np.minimum(((cycles - np.floor(cycles)) * BINS).astype(int), BINS - 1)
        bins += BINS * np.arange(len(bins))[:, None]
        sums = []
        for values in (self._weighted, self.weight):
            sums.append(np.bincount(bins.ravel(), np.broadcast_to(values, bins.shape).ravel(), BINS * len(bins)))
        return Dips(*(each.reshape(-1, BINS) for each in sums), self.total)

    def _chi2_of_eclipses(self, frequencies):
        """What two eclipses leave at each frequency."""
        size = max(1, min(_AT_ONCE, _POINTS_AT_ONCE // len(self.series.time)))
        parts = [frequencies[first : first + size] for first in range(0, len(frequencies), size)]
        return np.concatenate([self.dips(part).chi2(2) for part in parts])

    def _score(self, frequency, chi2, n_parameters):
        n = self.n_visits
        return n * np.log(np.maximum(chi2, 1e-300)) + (n_parameters + 1) * np.log(n) + 2 * np.log(frequency)

    def _fit(self, frequency, shape, number, chi2, n_parameters):
        too_many = n_parameters > 2 and n_parameters + 1 > self.n_visits / _VISITS_PER_PARAMETER
        score = np.inf if too_many else self._score(frequency, chi2, n_parameters)
        return Fit(float(score), float(frequency), shape, number, float(chi2))


def _comb(frequency, reach, number):
    comb = frequency + np.linspace(-reach, reach, number)
    return comb[comb > 0]


def _best_of(comb, chi2):
    """Middle of the run of frequencies that fit best, to the rounding of the sums."""
    best = np.asarray(chi2) <= np.min(chi2) + _ROUNDING * np.max(np.abs(chi2))
    first = int(best.argmax())
    last = first + int((~np.append(best[first:], False)).argmax()) - 1
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
