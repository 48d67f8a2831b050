"""Exact weighted least-squares fit of a Fourier series at one frequency, with a constant per group of observations."""

from dataclasses import dataclass

import numpy as np

__all__ = ["FourierFit", "centre", "fit", "harmonics", "power"]


@dataclass(frozen=True, eq=False)
class FourierFit:
    """The harmonics ``sum_k c[2k-2] sin(2 pi k phase) + c[2k-1] cos(2 pi k phase)``, phase = frequency * time.

    `chi2_constant` is the chi2 of the constants alone.
    """

    frequency: float
    coefficients: np.ndarray
    chi2: float
    chi2_constant: float

    @property
    def power(self):
        """1 - chi2 / chi2_constant; 0 to 1."""
        return 1.0 - self.chi2 / self.chi2_constant

    @property
    def amplitudes(self):
        """Semi-amplitude of each harmonic."""
        return np.hypot(self.coefficients[0::2], self.coefficients[1::2])

    def harmonics(self, time):
        """Sine and cosine of each harmonic at some times [day], one column each."""
        return harmonics(self.frequency * np.asarray(time, dtype=float), len(self.coefficients) // 2)

    def slope(self, time):
        """Change of the model with frequency at some times [day]."""
        sines, cosines = self.harmonics(time)[:, 0::2], self.harmonics(time)[:, 1::2]
        turns = 2 * np.pi * np.arange(1, len(self.coefficients) // 2 + 1)
        return time * ((turns * cosines) @ self.coefficients[0::2] - (turns * sines) @ self.coefficients[1::2])

    def __call__(self, phases):
        """Sum of the harmonics at some phases (cycles)."""
        return harmonics(np.asarray(phases, dtype=float), len(self.coefficients) // 2) @ self.coefficients


def fit(series, frequency, nterms, *, one_group=False):
    """Fit of `nterms` harmonics and a constant per group.

    A constant per group is the same as taking the group's weighted mean away from the values and from every harmonic
    (Frisch & Waugh 1933, Econometrica 1, 387), so the matrix stays narrow.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    frequency : float
        Frequency [1/day].
    nterms : int
        Number of harmonics.
    one_group : bool
        One constant for all, as in the fast periodogram.

    Returns
    -------
    FourierFit
    """
    group = np.zeros_like(series.group) if one_group else series.group
    columns = np.column_stack([series.value, harmonics(frequency * series.time, nterms)])
    columns = centre(columns, series.error, group) / series.error[:, None]
    values, matrix = columns[:, 0], columns[:, 1:]
    coefficients = np.linalg.lstsq(matrix, values)[0]
    residual = values - matrix @ coefficients
    return FourierFit(float(frequency), coefficients, float(residual @ residual), float(values @ values))


def power(series, frequency, nterms, **options):
    """Power at one frequency [1/day]; parameters as for `fit`."""
    return fit(series, frequency, nterms, **options).power


def centre(columns, error, group):
    """Columns less the weighted mean of each group.

    Parameters
    ----------
    columns : ndarray of float
        Shape (N, columns).
    error : ndarray of float
        Standard errors, shape (N,).
    group : ndarray of int
        Number of the group of each row, from 0.

    Returns
    -------
    ndarray of float
        Shape of `columns`.
    """
    weights = error**-2.0
    norm = np.bincount(group, weights)
    means = np.stack([np.bincount(group, weights * column) / norm for column in columns.T], axis=-1)
    return columns - means[group]


def harmonics(phases, nterms):
    """Sine and cosine of each harmonic at some phases (cycles), one column each."""
    angles = 2 * np.pi * np.mod(phases, 1.0)
    return np.stack([wave(k * angles) for k in range(1, nterms + 1) for wave in (np.sin, np.cos)], axis=-1)
