"""Twins of the periodograms of waves: least squares of sines, cosines and levels at one frequency after the other."""

import numpy as np

__all__ = ["multiband", "power"]

_NOTHING = 1e-8  # singular value of waves that cannot be told from the levels or from each other


def power(time, value, error, frequencies, nterms=1, *, fit_mean=True, normalization="standard"):
    """Power of harmonics at each frequency.

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
    fit_mean : bool
        Whether a constant is fitted too.
    normalization : {"standard", "model", "log", "psd"}
        As of astropy's LombScargle.

    Returns
    -------
    ndarray of float
        Same length as `frequencies`.
    """
    group = np.zeros(len(time), dtype=int) if fit_mean else None
    constant, model = _chi2(time, value, error, group, frequencies, nterms)
    return {
        "standard": lambda: 1 - model / constant,
        "model": lambda: constant / model - 1,
        "log": lambda: np.log(constant / model),
        "psd": lambda: (constant - model) / 2,
    }[normalization]()


def multiband(time, value, error, band, frequencies, nterms=1, *, model="shared", group=None):
    """Power of harmonics, either one curve for all bands or one for each, and a level for each group (or band).

    A curve without more points than unknowns is left out.

    Parameters
    ----------
    time, value, error, frequencies, nterms
        As for `power`.
    band : array_like of int
        Band of each observation.
    model : {"shared", "per_band"}
        Which of the two.
    group : array_like of int, optional
        Level that each observation belongs to; by default its band.

    Returns
    -------
    ndarray of float
        Same length as `frequencies`; 0 to 1.
    """
    time, value, error, band = (np.asarray(a) for a in (time, value, error, band))
    group = band if group is None else np.asarray(group)
    parts = [np.ones(len(time), dtype=bool)] if model == "shared" else [band == each for each in set(band.tolist())]
    terms = [nterms if p.sum() > 2 * nterms + len(set(group[p].tolist())) else 0 for p in parts]
    pairs = [_chi2(time[p], value[p], error[p], group[p], frequencies, k) for p, k in zip(parts, terms, strict=True)]
    return 1 - sum(model for _, model in pairs) / sum(constant for constant, _ in pairs)


def _chi2(time, value, error, group, frequencies, nterms):
    """Chi2 of the levels alone, and with the waves at each frequency."""
    time, value = np.asarray(time, dtype=float), np.asarray(value, dtype=float)
    weight = np.ones_like(value) if error is None else 1.0 / np.asarray(error, dtype=float) ** 2
    value = _less_levels(value, weight, group)
    models = [_chi2_at(time, value, weight, group, frequency, nterms) for frequency in frequencies]
    return np.sum(weight * value**2), np.array(models)


def _chi2_at(time, value, weight, group, frequency, nterms):
    phase = (frequency * time) % 1.0
    waves = [wave(2 * np.pi * k * phase) for k in range(1, nterms + 1) for wave in (np.sin, np.cos)]
    if not waves:
        return np.sum(weight * value**2)
    columns = np.stack([_less_levels(wave, weight, group) for wave in waves], axis=-1)
    directions, size, _ = np.linalg.svd(np.sqrt(weight / weight.sum())[:, None] * columns, full_matrices=False)
    directions = directions[:, size > _NOTHING]
    residual = np.sqrt(weight) * value
    return np.sum((residual - directions @ (directions.T @ residual)) ** 2)


def _less_levels(column, weight, group):
    column = column.copy()
    for inside in [] if group is None else [group == each for each in set(group.tolist())]:
        column[inside] -= np.average(column[inside], weights=weight[inside])
    return column
