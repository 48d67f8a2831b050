"""The slow and obvious twin of the fast periodogram, for tests: one least-squares fit per frequency.

Shares no code with `lombscargle` or `fourier`: it solves the normal equations of ``y = c + sum_k a_k sin + b_k cos``.
"""

import numpy as np

__all__ = ["power"]


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
