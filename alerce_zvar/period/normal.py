"""Least-squares fit of harmonics and levels at every frequency of a grid, from Fourier sums.

The model of observation j, in group g(j), at frequency f::

    sum_k a_k cos(2 pi k f t_j) + b_k sin(2 pi k f t_j)  +  level of g(j)          k = 1 ... nterms

Its normal equations need no more than Fourier sums: products of two waves are waves of the sum and of the difference of
their frequencies, and a free level per group takes the group's weighted mean away from every wave (Frisch & Waugh 1933,
Econometrica 1, 387). With ``sum w = 1``, ``sum w y^2 = 1``, C + iS the sums of w at a harmonic, and those of each group
with weight W_g::

    b      = sums of w y at harmonic 1 ... nterms
    cos cos = (C[i-j] + C[i+j]) / 2 - sum_g C_g[i] C_g[j] / W_g       sin sin, sin cos alike
    power  = b^T A^-1 b = 1 - chi2(model) / chi2(levels)

For one harmonic and one group this is the generalised Lomb-Scargle periodogram (Zechmeister & Kuerster 2009, A&A 496,
577), for several that of Palmer 2009 (ApJ 695, 496).

A sum that is wrong by e makes the power wrong by ``2 e |x| + e |x|^2`` at most, with x the amplitudes ``A^-1 b`` and
``|x|`` the sum of their absolute values, as long as A is not singular to e. That is checked at every frequency; those
that may be wrong by too much get exact sums, and where these do not do either (a strictly nightly cadence at whole
cycles per day, more unknowns than times) the waves themselves are decomposed.
"""

import numpy as np

from alerce_zvar.period.blocks import in_order
from alerce_zvar.period.nufft import PRECISIONS, Transform, direct_sums, turns

__all__ = ["Fit", "power_blocks"]

_CUTOFF = 1e-8  # waves that together are smaller than this, of 1, carry no information: a phase is known to 1e-9
TOLERANCES = {"double": 1e-7, "single": 1e-3}  # largest error of the power
_ROUNDING = 1e-15  # error of the direct sums
_MARGIN = 100  # pivots are to be this many times the error of the sums
_STRETCH = 4 << 20  # bytes that a thread transforms in one go
_TOGETHER = 4  # transforms of single precision that scipy computes at once; what is left over takes as long as four
_CHUNK = 1 << 17  # observations times frequencies that are summed directly in one go
# Frequencies that numpy solves in one go: of one harmonic a whole stretch, since threads hinder each other between the
# calls more than the cache helps (1.4 times as fast on two cores); of many, equations of a few megabytes.
_LANES, _FEWEST_LANES = 1 << 16, 1 << 13
_FEW = 64  # frequencies that are not worth a transform


class Fit:
    """Harmonics and levels fitted to observations, as the strengths of Fourier sums.

    Parameters
    ----------
    time, value, error : ndarray of float
        Observations, shape (N,).
    nterms : int
        Number of harmonics.
    group : ndarray of int, optional
        Number of the level of each observation, from 0 and without gaps. None fits no level.

    Attributes
    ----------
    chi2 : float
        Chi2 of the levels alone.
    """

    def __init__(self, time, value, error, nterms, group=None):
        weight = error**-2.0
        self.time, self.nterms, self.group = time, nterms, group
        self.weight = weight / weight.sum()
        self.masses = np.zeros(0) if group is None else np.bincount(group, self.weight)
        residual = self.centred(value[:, None])[:, 0]
        variance = np.sum(self.weight * residual**2)
        self.chi2 = float(variance * weight.sum())
        self.value = residual / np.sqrt(variance) if variance > 0 else residual

    def centred(self, columns):
        """Columns of shape (..., N, columns) less the weighted mean of each group; a new array."""
        columns = columns.copy()
        for number, mass in enumerate(self.masses):
            inside = np.flatnonzero(self.group == number)
            part = columns[..., inside, :]
            mean = np.einsum("j,...jk->...k", self.weight[inside], part) / mass
            columns[..., inside, :] = part - mean[..., None, :]
        return columns

    @property
    def terms(self):
        """What is to be summed: w y and the weights of each group (or of all) at the first harmonics, w at the others.

        The rows are in this order: harmonic 1 of w y, of group 0, of group 1, ...; harmonic 2; ...
        """
        weighted = self.weight * self.value
        low, high = range(1, self.nterms + 1), range(self.nterms + 1, 2 * self.nterms + 1)
        if len(self.masses) < 2:
            first = [(h, np.array([weighted, self.weight])) for h in low]
        else:
            parts = [weighted, *(self.weight * (self.group == g) for g in range(len(self.masses)))]
            first = [(h, part) for h in low for part in parts]
        return [*first, *((h, self.weight) for h in high)]

    def powers(self, sums, error, tolerance, relative):
        """Powers from the sums, -1 where they may be wrong by more than the tolerance.

        Parameters
        ----------
        sums : ndarray of float
            Real and imaginary parts, rows as in `terms`, shape (2, rows, F).
        error : float
            Largest error of a sum.
        tolerance : float
            Largest error of a power, or of its distance from 1 over that distance if `relative`.
        relative : bool
            Which of the two.

        Returns
        -------
        ndarray of float
            Shape (F,).
        """
        if self.nterms == 1 and len(self.masses) < 2:
            power, size, pivot = _single(*sums, len(self.masses))
        else:
            power, size, pivot = _solve(*self._equations(sums.astype(float, copy=False)))
        with np.errstate(over="ignore", invalid="ignore"):
            if relative:
                safe = 2 * error * size * (1 + size) <= tolerance * (1 - power)
            else:
                safe = size <= np.sqrt(0.25 + 0.5 * tolerance / error) - 0.5  # the same, solved for the size
            safe &= pivot > _MARGIN * error
        return np.where(safe, power, np.asarray(-1, power.dtype))

    def _equations(self, sums):
        """Left and right side of the normal equations, shapes (2 nterms, 2 nterms, F) and (2 nterms, F)."""
        nterms, groups = self.nterms, max(1, len(self.masses))
        number = sums.shape[-1]
        low = sums[:, : nterms * (1 + groups)].reshape(2, nterms, 1 + groups, number)
        high = sums[:, nterms * (1 + groups) :]
        none = np.broadcast_to([[[1.0]], [[0.0]]], (2, 1, number))  # of the weights at no frequency
        cos, sin = np.concatenate([none, low[:, :, 1:].sum(axis=2), high], axis=1)
        matrix = np.empty((2 * nterms, 2 * nterms, number))
        for i in range(nterms):
            for j in range(i + 1):
                plus, minus = i + j + 2, i - j
                matrix[2 * i, 2 * j] = 0.5 * (cos[minus] + cos[plus])
                matrix[2 * i + 1, 2 * j + 1] = 0.5 * (cos[minus] - cos[plus])
                matrix[2 * i + 1, 2 * j] = 0.5 * (sin[plus] + sin[minus])
                matrix[2 * i, 2 * j + 1] = 0.5 * (sin[plus] - sin[minus])
        waves = low.swapaxes(0, 1).reshape(2 * nterms, 1 + groups, number)  # cosine and sine sums in turn
        for group, mass in enumerate(self.masses):
            for i, wave in enumerate(waves[:, 1 + group] / mass):
                for j in range(i + 1):
                    matrix[i, j] -= wave * waves[j, 1 + group]
        return matrix, waves[:, 0].copy()

    def exact(self, frequencies, *, tolerance=TOLERANCES["double"], relative=False):
        """Power at any frequencies, without loss where waves look alike; what is left of chi2 instead if `relative`."""
        size = max(1, _CHUNK // len(self.time))
        pieces = [frequencies[start : start + size] for start in range(0, len(frequencies), size)]
        return np.concatenate([self._exact(piece, tolerance, relative) for piece in pieces])

    def _exact(self, frequencies, tolerance, relative):
        sums = direct_sums(self.time, frequencies, self.terms)
        power = self.powers(np.array([sums.real, sums.imag]), _ROUNDING, tolerance, relative)
        worst = np.flatnonzero(power < 0)
        result = 1 - power if relative else power
        result[worst] = self._decomposed(frequencies[worst], relative)
        return result

    def _decomposed(self, frequencies, relative):
        angles = 2 * np.pi * turns(frequencies[:, None, None], self.time[:, None])
        columns = [wave(k * angles) for k in range(1, self.nterms + 1) for wave in (np.cos, np.sin)]
        root = np.sqrt(self.weight)
        matrix = root[:, None] * self.centred(np.concatenate(columns, axis=-1))
        base, singular, _ = np.linalg.svd(matrix, full_matrices=False)
        base *= (singular > _CUTOFF)[:, None, :]
        share = np.einsum("fjk,j->fk", base, root * self.value)
        if not relative:
            return np.sum(share**2, axis=1)
        return np.sum((root * self.value - np.einsum("fjk,fk->fj", base, share)) ** 2, axis=1)


def _single(real, imag, levels):
    """As `_solve`, for one harmonic and at most one level, in the precision of the sums."""
    (yc, wc, c2), (ys, ws, s2) = real, imag
    cc, cs = 0.5 * c2, 0.5 * s2
    ss = 0.5 - cc
    cc += 0.5
    if levels:
        cc -= wc * wc
        ss -= ws * ws
        cs -= wc * ws
    determinant = cc * ss
    determinant -= cs * cs
    with np.errstate(all="ignore"):  # what is singular is not used
        inverse = 1 / determinant
        ss *= yc
        ss -= cs * ys
        ss *= inverse
        cc *= ys
        cc -= cs * yc
        cc *= inverse
        power = ss * yc
        power += cc * ys
    size = np.abs(ss, out=ss)
    size += np.abs(cc, out=cc)
    return power, size, determinant  # at most the smaller eigenvalue: the larger one is at most 1


def _solve(matrix, right):
    """Solve many small symmetric systems ``A x = b`` in place, from the lower triangles, by A = L D L^T.

    Returns
    -------
    power, size, pivot : ndarray of float
        b^T x; the sum of the absolute values of x; the smallest pivot. Shape (F,).
    """
    number, inverse = len(right), np.empty_like(right)
    power, size, pivot = np.zeros(right.shape[1]), np.zeros(right.shape[1]), np.ones(right.shape[1])
    with np.errstate(all="ignore"):  # what is singular is not used
        for j in range(number):
            np.minimum(pivot, matrix[j, j], out=pivot)
            np.divide(1.0, matrix[j, j], out=inverse[j])
            for i in range(j + 1, number):
                factor = np.multiply(matrix[i, j], inverse[j], out=matrix[j, i])
                for k in range(j + 1, i + 1):
                    matrix[i, k] -= factor * matrix[k, j]
                right[i] -= factor * right[j]
            power += right[j] ** 2 * inverse[j]
        for j in reversed(range(number)):
            right[j] *= inverse[j]
            for i in range(j + 1, number):
                right[j] -= matrix[j, i] * right[i]
            size += np.abs(right[j])
    return power, size, pivot


def power_blocks(fits, grid, *, precision="double", engine="numpy", workers=1, relative=False):
    """Powers of one or several fits together on a grid: the share by which they lower the sum of their chi2.

    Parameters
    ----------
    fits : sequence of Fit
        Observations and models, each with its own amplitudes and levels. One of no harmonics only adds to chi2; not
        all may be such.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Frequencies.
    precision : {"double", "single"}
        Of the fast sums.
    engine : {"numba", "numpy"}
        What computes.
    workers : int
        Threads. The numbers do not depend on it.
    relative : bool
        Give the share of chi2 that is left instead, and as exactly; all fits must have harmonics.

    Yields
    ------
    start : int
        Index in the grid of the block's first frequency.
    power : ndarray of float
        Powers.
    """
    searches = [_Search(fit, grid, precision, engine, relative) for fit in fits if fit.nterms]
    stretch = min(search.stretch for search in searches)
    total = sum(fit.chi2 for fit in fits) or 1.0

    def piece(first):
        powers = [search.piece(first, stretch) for search in searches]
        if len(fits) > 1:
            powers = [sum(s.fit.chi2 / total * power for s, power in zip(searches, powers, strict=True))]
        return first * searches[0].transform.size, powers[0]

    return in_order(piece, range(0, searches[0].transform.blocks, stretch), workers)


class _Search:
    """Powers of a fit on stretches of a grid, by fast sums where these do and by exact ones elsewhere."""

    def __init__(self, fit, grid, precision, engine, relative):
        self.fit, self.grid, self.relative = fit, grid, relative
        self.precision, self.tolerance = PRECISIONS[precision], TOLERANCES[precision]
        self.transform = Transform(fit.time, grid, fit.terms, precision=precision, engine=engine)
        per_block = self.transform.rows * self.transform.length * np.dtype(self.precision.complex).itemsize
        stretch = max(1, _STRETCH // per_block)
        self.stretch = stretch // _TOGETHER * _TOGETHER or stretch
        self.compute = {"numba": self._by_numba, "numpy": self._by_numpy}[engine]

    def piece(self, first, stretch):
        """Powers of at most `stretch` blocks from `first` on; what is left of chi2 instead if `relative`."""
        start = first * self.transform.size
        if self.grid.number <= _FEW:
            return self._exact(start, np.arange(self.grid.number))
        power = self.compute(first, min(stretch, self.transform.blocks - first))[: self.grid.number - start]
        redo = np.flatnonzero(power < 0)
        result = 1 - power if self.relative else power
        if len(redo):
            result[redo] = self._exact(start, redo)
        return result

    def _exact(self, start, index):
        frequencies = self.grid.minimum + self.grid.step * (start + index)
        return self.fit.exact(frequencies, tolerance=self.tolerance, relative=self.relative)

    def _by_numpy(self, first, count):
        sums = self.transform.sums(first, count)
        options = self.precision.error, self.tolerance, self.relative
        result = np.empty(sums.shape[-1])
        lanes = max(_LANES // self.fit.nterms**2, _FEWEST_LANES)
        for start in range(0, len(result), lanes):
            result[start : start + lanes] = self.fit.powers(sums[..., start : start + lanes], *options)
        return result

    def _by_numba(self, first, count):
        from alerce_zvar.period import normal_numba

        raw, scale = self.transform.raw(first, count), self.transform.scale
        result = np.empty(count * self.transform.size)
        limits = np.array([self.precision.error, self.tolerance, _MARGIN * self.precision.error, self.relative])
        if self.fit.nterms == 1 and len(self.fit.masses) < 2:
            normal_numba.single(raw, scale, len(self.fit.masses), limits, result)
        else:
            normal_numba.several(raw, scale, self.fit.nterms, 1 / self.fit.masses, limits, result)
        return result
