"""The slow and obvious twins of the fast periodograms, for tests: one least-squares fit per frequency.

They share no code with `lombscargle`, `fourier` or `fpw_statistic`: `power` solves the normal equations of
``y = c + sum_k a_k sin + b_k cos``, and `fpw` takes the mean of each phase bin away.
"""

import numpy as np

__all__ = ["fpw", "power"]


def power(time, value, error, frequencies, nterms=1):
    """Standard-normalised power ``(chi2(constant) - chi2(model)) / chi2(constant)`` at each frequency.

    Parameters
    ----------
    time, value : array_like of float
        Observations.
    error : array_like of float or None
        Standard errors; None weighs all alike.
    frequencies : array_like of float
        Any frequencies, in inverse units of `time`.
    nterms : int
        Number of harmonics.

    Returns
    -------
    ndarray of float
        Same length as `frequencies`.
    """
    time, value = np.asarray(time, dtype=float), np.asarray(value, dtype=float)
    weights = np.ones_like(value) if error is None else 1.0 / np.asarray(error, dtype=float) ** 2
    return np.array([_power_at(time, value, weights, frequency, nterms) for frequency in frequencies])


def _power_at(time, value, weights, frequency, nterms):
    constant = _chi2(np.ones((1, len(time))), value, weights)
    rows = [np.ones_like(time)]
    for k in range(1, nterms + 1):
        rows.append(np.sin(2 * np.pi * k * frequency * time))
        rows.append(np.cos(2 * np.pi * k * frequency * time))
    return (constant - _chi2(np.array(rows), value, weights)) / constant


def _chi2(rows, value, weights):
    normal = (rows * weights) @ rows.T
    solution = np.linalg.solve(normal, (rows * weights) @ value)
    return np.sum(weights * (value - solution @ rows) ** 2)


def fpw(time, value, error, frequencies, n_bins):
    """Half of what chi2 falls by when the weighted mean of each phase bin is taken away, at each frequency.

    Parameters
    ----------
    time, value, error : array_like of float
        Observations; phase 0 is at the earliest time.
    frequencies : array_like of float
        Any frequencies, in inverse units of `time`.
    n_bins : int
        Number of phase bins.

    Returns
    -------
    ndarray of float
        Same length as `frequencies`.
    """
    time, value, error = (np.asarray(a, dtype=float) for a in (time, value, error))
    return np.array([_drop(time - time.min(), value, error, frequency, n_bins) for frequency in frequencies])


def _drop(time, value, error, frequency, n_bins):
    bins = np.floor(n_bins * ((time * frequency) % 1.0))
    residual = value.copy()
    for inside in (bins == number for number in set(bins)):
        residual[inside] -= np.average(value[inside], weights=error[inside] ** -2)
    return 0.5 * (np.sum((value / error) ** 2) - np.sum((residual / error) ** 2))
