"""When a star is faintest or brightest: by a Fourier series where that suits, by the eclipse where it does not."""

import warnings

import numpy as np
from astropy import units as u
from scipy.optimize import OptimizeWarning, curve_fit

from alerce_zvar.folding import check_epoch, check_period, phase
from alerce_zvar.period import bls
from alerce_zvar.period.eclipse import fit_box
from alerce_zvar.period.epoch import Extremum, check_kind, time_near
from alerce_zvar.period.harmonic_fit import AUTO_NTERMS, criterion, fit_fourier, subset

__all__ = ["epoch_of_extremum", "phase_of_minimum"]

_REACH = 1.5  # the profile is fitted so many lengths of the box around its middle
_FEWEST = 8  # observations there
_CERTAIN = 1.0  # standard errors by which an eclipse must be deeper than the one that a box explains best
_FWHM = 2 * np.sqrt(2 * np.log(2))


def epoch_of_extremum(light_curve, period, *, kind="minimum", near=None, epoch_time=None, column=None, bands=None):
    """When a star is faintest or brightest, with a standard error.

    A maximum is that of the Fourier series of `fit_fourier`. For a minimum a box, as of `fit_eclipse`, is fitted too,
    and of both the one with the lesser Bayesian information criterion decides. Where that is the box, the deeper of two
    eclipses is taken, and its middle is that of a Gaussian fitted to the observations around it; ``method`` says which.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        As for `alerce_zvar.find_period`.
    period : `~astropy.units.Quantity`
        Period, a time. It is not changed.
    kind : {"minimum", "maximum"}
        Of light: a minimum is where magnitudes are largest.
    near : `~astropy.time.Time`, optional
        Take the one next to this time; by default next to the weighted mean time of the observations, where it is best
        known. The error does not cover that of the period.
    epoch_time : `~astropy.time.Time`, optional
        Time of phase 0; by default J2000.0, as in `alerce_zvar.fold`.
    column : {"mag", "flux"}, optional
        What to use; by default the first of them that the light curve has.
    bands : sequence of str, optional
        Bands to use; by default all.

    Returns
    -------
    Extremum
        ``time`` and ``time_err``, ``phase`` and ``phase_err``, and how they were found.

    Raises
    ------
    astropy.units.UnitsError
        `period` has no unit of time.
    TypeError
        `light_curve` is not one light curve, or `near` or `epoch_time` is no Time.
    ValueError
        A parameter is out of its range, or the light curve is too short or does not vary.
    """
    check_kind(kind)
    frequency = 1.0 / check_period(period).to_value(u.day)
    model = fit_fourier(light_curve, period, epoch_time=epoch_time, column=column, bands=bands)
    if near is not None:
        check_epoch(near, "near")
    eclipse = _eclipse(model, frequency) if kind == "minimum" else None
    if eclipse is None:
        return model.extremum(kind=kind, near=near)
    middle, error, method = eclipse
    time = time_near(model.series, frequency, middle, near)
    place = float(phase(time, period, model.epoch_time))
    return Extremum(time, error / frequency * u.day, place, error, kind, method)


def phase_of_minimum(light_curve, period, *, epoch_time=None, column=None, bands=None):
    """Phase at which a star is faintest, 0 to 1: where `alerce_zvar.fold` with the same epoch shows it.

    Parameters
    ----------
    light_curve, period, epoch_time, column, bands
        As for `epoch_of_extremum`, which also gives the standard error.

    Returns
    -------
    float

    Raises
    ------
    astropy.units.UnitsError
        As for `epoch_of_extremum`.
    TypeError
        As for `epoch_of_extremum`.
    ValueError
        As for `epoch_of_extremum`.
    """
    return epoch_of_extremum(light_curve, period, epoch_time=epoch_time, column=column, bands=bands).phase


def _eclipse(model, frequency):
    """Middle, error and method of the deeper eclipse; None where the Fourier series suits better than boxes."""
    series = model.series
    try:
        box = fit_box(series, frequency, fixed=True)
    except ValueError:  # nowhere fainter
        return None
    number = len(series.time)
    chi2 = (1.0 - box.power) * np.sum((series.value / series.error) ** 2)
    if criterion(chi2, number, len(series.groups) + 3) >= model.bic and model.nterms < AUTO_NTERMS:
        return None
    first = _Eclipse(series, frequency, box)
    outside = np.abs(_from(series, frequency, first.place)) > first.length
    if outside.sum() < _FEWEST or np.ptp(series.value[outside]) == 0:
        return first.middle, first.error, first.method
    try:
        second = _Eclipse(series, frequency, fit_box(subset(series, outside), frequency, fixed=True))
    except ValueError:  # there is none
        second = first
    surely = second.depth - first.depth > _CERTAIN * np.hypot(second.depth_err, first.depth_err)
    deeper = second if surely else first
    return deeper.middle, deeper.error, deeper.method


class _Eclipse:
    """Middle, error (cycles) and depth of the eclipse in a box: by a Gaussian, or else of the box."""

    def __init__(self, series, frequency, box):
        self.place = float((box.epoch_time - series.start).to_value(u.day) * frequency)
        self.length = float(box.duration.to_value(u.day) * frequency)
        self.depth, self.depth_err, self.middle = box.depth.value, box.depth_err.value, self.place
        self.error, self.method = self.length / np.sqrt(12.0), "box"
        away = _from(series, frequency, self.place)
        rows = np.abs(away) < _REACH * self.length
        if rows.sum() >= _FEWEST:
            found = _gaussian(away[rows], bls.fainter(series)[0][rows], series.error[rows], self.length, self.depth)
            if found is not None:
                self.middle, self.error, self.depth, self.depth_err = self.place + found[0], *found[1:]
                self.method = "eclipse"


def _from(series, frequency, middle):
    """Cycles from a phase, -0.5 to 0.5."""
    return np.mod(series.time * frequency - middle + 0.5, 1.0) - 0.5


def _gaussian(away, fainter, error, length, depth):
    """Middle and depth of a Gaussian on a level, each with its error; None where it is unlike the box."""
    start = (0.0, length / _FWHM, depth, np.median(fainter) - depth / 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # an infinite error says the same
        try:
            best, covariance = curve_fit(_profile, away, fainter, start, error, maxfev=2000)
        except RuntimeError:  # no convergence
            return None
    errors = np.sqrt(np.diag(covariance))
    good = abs(best[0]) < length and errors[0] < length and depth / 2 < best[2] < 2 * np.ptp(fainter)
    return (float(best[0]), float(errors[0]), float(best[2]), float(errors[2])) if good else None


def _profile(away, middle, width, depth, level):
    return level + depth * np.exp(-0.5 * ((away - middle) / width) ** 2)
