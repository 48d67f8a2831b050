"""The exact eclipse of a light curve at a period, by astropy's BoxLeastSquares."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from astropy import units as u
from astropy.time import Time

from alerce_zvar.folding import check_period
from alerce_zvar.period import bls
from alerce_zvar.period.prepare import prepare

__all__ = ["Eclipse", "fit_box", "fit_eclipse"]

_OVERSAMPLE = 10  # places of a box in the narrowest one
_NEAR = 1.6  # factor by which the second look at durations goes beyond the best of the first
_NUMBER = 9  # durations of that look


@dataclass(frozen=True)
class Eclipse:
    """The eclipse that fits a light curve best near a period.

    Parameters
    ----------
    period : `~astropy.units.Quantity`
        Period [d] within ``1 / (2 time span)`` in frequency of the one given.
    epoch_time : `~astropy.time.Time`
        Middle of the eclipse next to the weighted mean time of the observations.
    duration : `~astropy.units.Quantity`
        Length of the box [d].
    depth, depth_err : `~astropy.units.Quantity`
        How much fainter the star is inside than outside, and its standard error, in the unit of the light curve.
    power : float
        Share of chi2 that the box explains, 0 to 1.
    """

    period: u.Quantity
    epoch_time: Time
    duration: u.Quantity
    depth: u.Quantity
    depth_err: u.Quantity
    power: float


def fit_eclipse(light_curve, period, *, durations=bls.DURATIONS, column=None, bands=None):
    """Period, time, length and depth of the deepest eclipse of a light curve, near a period.

    Rows are dropped and centred as for `alerce_zvar.find_period`. The eclipse is a box: inside one level, outside
    another.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        As for `alerce_zvar.find_period`.
    period : `~astropy.units.Quantity`
        Period, such as ``best_period`` of a `Periodogram` by box least squares.
    durations : sequence of float
        Lengths of the eclipse to begin with, in fractions of the period.
    column : {"mag", "flux"}, optional
        What to use; by default the first of them that the light curve has.
    bands : sequence of str, optional
        Bands to use; by default all.

    Returns
    -------
    Eclipse

    Raises
    ------
    astropy.units.UnitsError
        `period` has no unit of time.
    TypeError
        `light_curve` is not one light curve.
    ValueError
        A parameter is out of its range, the light curve is too short or does not vary, or is nowhere fainter.
    """
    options = bls.METHOD.check_options({"durations": durations})
    days = check_period(period).to_value(u.day)
    series = prepare(light_curve, column=column, bands=bands)
    bls.METHOD.check_series(series, options)
    return fit_box(series, 1 / days, options["durations"])


def fit_box(series, frequency, durations=bls.DURATIONS, *, fixed=False):
    """As `fit_eclipse`, of prepared observations.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    frequency : float
        Frequency [1/day].
    durations : sequence of float
        Lengths of the box to begin with, in cycles.
    fixed : bool
        Take the period as it is.

    Returns
    -------
    Eclipse
    """
    from astropy.timeseries import BoxLeastSquares  # imported late: it takes a quarter of a second

    value, weight = bls.fainter(series)
    model = BoxLeastSquares(series.time, -value, series.error)
    durations = np.asarray(durations)
    step = durations.min() / (2 * series.baseline)
    reach = max(0.5 / series.baseline, step)
    around = np.zeros(1) if fixed else np.arange(-reach, 1.01 * reach, step)
    found = _best_of(model, frequency + around, durations)
    near = np.minimum(np.geomspace(found.duration / _NEAR, found.duration * _NEAR, _NUMBER) / found.period, 0.5)
    around = np.zeros(1) if fixed else np.linspace(-step, step, 2 * _OVERSAMPLE + 1)
    found = _best_of(model, 1 / found.period + around, near)
    middle = np.average(series.time, weights=weight)
    cycle = np.rint((middle - found.transit_time) / found.period)
    return Eclipse(
        period=found.period * u.day,
        epoch_time=series.start + (found.transit_time + cycle * found.period) * u.day,
        duration=found.duration * u.day,
        depth=found.depth << series.unit,
        depth_err=found.depth_err << series.unit,
        power=float(found.depth_snr**2 / np.sum(weight * value**2)),
    )


def _best_of(model, frequencies, durations):
    """What astropy finds at the best of some frequencies; durations are in cycles of the middle one."""
    periods = 1 / frequencies[frequencies > 0]
    middle = 1 / np.median(frequencies)
    found = model.power(periods, durations * middle, objective="snr", oversample=_OVERSAMPLE)
    best = np.argmax(found.power)
    if not np.isfinite(found.power[best]):
        raise ValueError(f"the light curve has no eclipse at {middle:.8g} d: nowhere is it fainter")
    names = ("period", "duration", "transit_time", "depth", "depth_err", "depth_snr")
    return SimpleNamespace(**{name: float(found[name][best]) for name in names})
