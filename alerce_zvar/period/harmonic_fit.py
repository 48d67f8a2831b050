"""Fitting a `FourierModel` to a light curve, and taking it away."""

from dataclasses import replace

import numpy as np
from astropy import units as u

from alerce_zvar.errors import shown
from alerce_zvar.folding import check_epoch, check_period, default_epoch, numbers, usable
from alerce_zvar.period import fourier
from alerce_zvar.period.harmonics import FourierModel
from alerce_zvar.period.prepare import group_labels, prepare

__all__ = ["criterion", "fit_fourier", "prewhiten", "subset"]

MAX_NTERMS = 20
AUTO_NTERMS = 10  # the most that nterms="auto" tries


def fit_fourier(light_curve, period, *, nterms="auto", per_band=False, epoch_time=None, column=None, bands=None):
    """Fourier series of a light curve at a period.

    Rows are dropped as for `alerce_zvar.find_period`. Each group (field, ccd, quad, band) has a level of its own.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        As for `alerce_zvar.find_period`.
    period : `~astropy.units.Quantity`
        Period, a time. It is not changed.
    nterms : int or "auto"
        Number of harmonics, 1 to 20. ``"auto"`` takes the one of 1 to 10 with the least Bayesian information criterion.
    per_band : bool
        Give each band amplitudes and phases of its own; otherwise all share one shape.
    epoch_time : `~astropy.time.Time`, optional
        Time of phase 0; by default J2000.0, as in `alerce_zvar.fold`.
    column : {"mag", "flux"}, optional
        What to use; by default the first of them that the light curve has.
    bands : sequence of str, optional
        Bands to use; by default all.

    Returns
    -------
    FourierModel

    Raises
    ------
    astropy.units.UnitsError
        `period` has no unit of time.
    TypeError
        `light_curve` is not one light curve, or `epoch_time` is no Time.
    ValueError
        A parameter is out of its range, or the light curve is too short or does not vary.
    """
    frequency = 1.0 / check_period(period).to_value(u.day)
    series = prepare(light_curve, column=column, bands=bands)
    shapes = _rows_of_shapes(series, per_band)
    parts = [subset(series, rows) for rows in shapes]
    terms = _number(nterms, parts, frequency)
    fits = tuple(fourier.fit(part, frequency, terms) for part in parts)
    chi2 = sum(fit.chi2 for fit in fits)
    spread = chi2 / (len(series.time) - len(series.groups) - 2 * terms * len(fits))
    covariances = tuple(_covariance(part, frequency, terms) * spread for part in parts)
    level, variance = _levels(light_curve, series, spread)
    for rows, part, fit, covariance in zip(shapes, parts, fits, covariances, strict=True):
        _less_mean(level, variance, np.unique(series.group[rows]), part, fit, covariance)
    epoch_time = default_epoch(series.start) if epoch_time is None else check_epoch(epoch_time)
    bic = float(criterion(chi2, len(series.time), len(series.groups) + 2 * terms * len(fits)))
    return FourierModel(
        period, epoch_time, terms, bool(per_band), bic, series, fits, covariances, level, np.sqrt(variance)
    )


def prewhiten(light_curve, period, *, nterms="auto", per_band=False, column=None, bands=None):
    """A light curve without the waves of a period, its levels kept, in which the next period can be searched.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        As for `alerce_zvar.find_period`.
    period : `~astropy.units.Quantity` or FourierModel
        Period, a time; or what `fit_fourier` gave, and then the other parameters take no part.
    nterms, per_band, column, bands
        As for `fit_fourier`.

    Returns
    -------
    `~astropy.timeseries.TimeSeries`
        As of `FourierModel.subtract`.

    Raises
    ------
    astropy.units.UnitsError
        As for `fit_fourier`.
    TypeError
        As for `fit_fourier`.
    ValueError
        As for `fit_fourier`.
    """
    model = period
    if not isinstance(period, FourierModel):
        model = fit_fourier(light_curve, period, nterms=nterms, per_band=per_band, column=column, bands=bands)
    return model.subtract(light_curve)


def _number(nterms, parts, frequency):
    """Number of harmonics to fit, for which all parts have points."""
    room = min((len(part.time) - part.group.max() - 2) // 2 for part in parts)
    automatic = isinstance(nterms, str) and nterms == "auto"
    whole = isinstance(nterms, int | np.integer) and not isinstance(nterms, bool)
    if not automatic and not (whole and 1 <= nterms <= MAX_NTERMS):
        raise ValueError(f"nterms must be 'auto' or a whole number from 1 to {MAX_NTERMS}, not {shown(nterms)}")
    least = 1 if automatic else int(nterms)
    if room < least:
        raise ValueError(
            f"the light curve has {sum(len(part.time) for part in parts)} usable rows, too few for {least} "
            f"harmonic{'s' * (least > 1)}{' in each band' * (len(parts) > 1)}"
        )
    most = min(AUTO_NTERMS, room) if automatic else least
    independent = min(_independent(_matrix(part, frequency, most)) for part in parts)
    if independent < least:
        raise ValueError(
            f"at the period {1 / frequency:.8g} d the observations lie at too few phases for {least} "
            f"harmonic{'s' * (least > 1)}"
        )
    return _best_number(parts, frequency, independent) if automatic else least


def _independent(matrix):
    """Number of harmonics, from the first, none of which is made of others at the phases observed."""
    products = matrix.T @ matrix
    sizes = range(2, len(products) + 1, 2)
    return sum(np.linalg.matrix_rank(products[:size, :size], hermitian=True) == size for size in sizes)


def _best_number(parts, frequency, most):
    """Number of harmonics with the least criterion; chi2 of each from the normal equations of all."""
    chi2 = np.zeros(most)
    for part in parts:
        matrix, values = _matrix(part, frequency, most), part.value / part.error
        products, vector, total = matrix.T @ matrix, matrix.T @ values, values @ values
        for place in range(most):
            size = 2 * place + 2
            explained = vector[:size] @ np.linalg.pinv(products[:size, :size], hermitian=True) @ vector[:size]
            chi2[place] += max(total - explained, np.finfo(float).eps * total)  # below that is rounding
    number = sum(len(part.time) for part in parts)
    parameters = sum(2 * np.arange(1, most + 1) + part.group.max() + 1 for part in parts)
    return int(np.argmin(criterion(chi2, number, parameters))) + 1


def criterion(chi2, number, parameters):
    """Bayesian information criterion ``N ln(chi2 / N) + parameters ln N``, for errors of unknown scale.

    Parameters
    ----------
    chi2 : float or ndarray of float
        Weighted sum of squared residuals; what rounding made negative counts as next to nothing.
    number : int
        Number of observations N.
    parameters : int or ndarray of int
        Number of parameters.

    Returns
    -------
    float or ndarray of float
    """
    return number * np.log(np.maximum(chi2, np.finfo(float).tiny) / number) + parameters * np.log(number)


def _rows_of_shapes(series, per_band):
    """Rows that share a shape, a mask each."""
    if not per_band or len(series.bands) < 2:
        return [np.ones(len(series.time), dtype=bool)]
    return [series.band == number for number in range(len(series.bands))]


def subset(series, rows):
    """Some of the observations, their groups counted from 0."""
    group = np.unique(series.group[rows], return_inverse=True)[1]
    return replace(series, time=series.time[rows], value=series.value[rows], error=series.error[rows], group=group)


def _matrix(series, frequency, nterms):
    """Harmonics less their means in each group, over the errors."""
    waves = fourier.harmonics(frequency * series.time, nterms)
    return fourier.centre(waves, series.error, series.group) / series.error[:, None]


def _covariance(series, frequency, nterms):
    """Of the coefficients, for the errors as they stand."""
    matrix = _matrix(series, frequency, nterms)
    return np.linalg.pinv(matrix.T @ matrix, hermitian=True)


def _levels(light_curve, series, spread):
    """Weighted mean of the values of each group, and its variance."""
    known, labels = np.array(list(series.groups)), group_labels(light_curve)
    name = f"{series.column}_err"
    error = light_curve[name] if name in light_curve.colnames else None
    rows = np.isin(labels, known) & usable(light_curve[series.column], error) & ~light_curve["time"].mask
    values = numbers(light_curve[series.column], series.unit)[rows]
    weights = np.ones_like(values) if error is None else numbers(error, series.unit)[rows] ** -2.0
    group = np.searchsorted(known, labels[rows])
    norm = np.bincount(group, weights)
    return np.bincount(group, weights * values) / norm, spread / norm


def _less_mean(level, variance, groups, part, fit, covariance):
    """Take away what the harmonics do to the means of some groups, in place."""
    waves = fit.harmonics(part.time)
    means = waves - fourier.centre(waves, part.error, part.group)
    mean = means[np.unique(part.group, return_index=True)[1]]
    level[groups] -= mean @ fit.coefficients
    variance[groups] += np.sum(mean @ covariance * mean, axis=1)
