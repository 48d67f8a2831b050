"""Length of the string through the folded points, as a measure of how smooth a light curve is on a period.

::

    value                                 L = sum over neighbours in phase of sqrt(dphase^2 + dvalue^2),
      │   •──•                                the last point joined to the first one of the next cycle
      │ •      •──•     •                 Neither divided by the number of points nor scaled: small is good,
      │            •──•                   and only light curves of as many points compare.
      └──────────────────► phase

Burke, Rolland & Boy 1970 (JRASC 64, 353), after Lafler & Kinman 1965 (ApJS 11, 216). That ZVAR's column is this one, of
magnitudes and without Dworetsky's scaling, is inferred (reference/zvar.md 4.2).

As a method of search power is 1 / L, and values are scaled to a range of 1/2 first, so that phase and value weigh
alike whatever the amplitude (Dworetsky 1983, MNRAS 203, 917).
"""

from functools import partial

import numpy as np
from astropy import units as u

from alerce_zvar.folding import check_period, phase
from alerce_zvar.period.blocks import walk
from alerce_zvar.period.fpw_statistic import choose_engine, chunks, phases
from alerce_zvar.period.method import ENGINE, Method, choice
from alerce_zvar.period.prepare import prepare

__all__ = ["METHOD", "length", "power_blocks", "string_length"]

_RANGE = 0.5  # of scaled values
_BLOCK = 1 << 12  # frequencies in one go: sorting takes longer than filling bins


def string_length(light_curve, period, *, column=None, bands=None):
    """Length of the string through a light curve folded on a period.

    Rows with missing values are dropped. Bands and fields are joined after each has had its weighted mean taken away;
    ZVAR's lengths are of one band and field.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        As for `alerce_zvar.find_period`.
    period : `~astropy.units.Quantity`
        Period, a time.
    column : {"mag", "flux"}, optional
        What to use; by default the first of them that the light curve has.
    bands : sequence of str, optional
        Bands to use; by default all.

    Returns
    -------
    float
        Length, of phases in cycles and values in the unit of the column. It grows with the number of points.

    Raises
    ------
    astropy.units.UnitsError
        `period` has no unit of time.
    TypeError
        `light_curve` is not one light curve.
    ValueError
        The light curve has too few usable rows, or does not vary.
    """
    days = check_period(period).to_value(u.day)
    series = prepare(light_curve, column=column, bands=bands)
    return length(series.time, series.value, days)


def length(time, value, period):
    """String length on plain arrays.

    Parameters
    ----------
    time, value : ndarray of float
        Observations, at least one.
    period : float
        Period, in the unit of `time`.

    Returns
    -------
    float
    """
    phases = phase(time, period)
    order = np.lexsort((value, phases))
    phases, values = phases[order], value[order]
    return float(np.sum(np.hypot(np.diff(phases, append=phases[0] + 1), np.diff(values, append=values[0]))))


def power_blocks(series, grid, *, scaled=True, engine=None, workers=1):
    """1 / L on a grid, block by block.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Trial frequencies.
    scaled : bool
        Scale the values to a range of 1/2; without it L is what `string_length` gives.
    engine : {"numba", "numpy"}, optional
        By default numba where the extra ``fast`` is installed.
    workers : int
        Threads.

    Yields
    ------
    start : int
        Index in the grid of the block's first frequency.
    power : ndarray of float
        1 / L.
    """
    order = np.argsort(series.value, kind="stable")  # points of one phase are joined by rising value
    time, value = series.time[order], series.value[order]
    value = value * (_RANGE / (value[-1] - value[0])) if scaled else value
    compute = {"numba": _by_numba, "numpy": _by_numpy}[choose_engine(engine)]
    return walk(grid, partial(compute, time, value), workers=workers, size=_BLOCK)


def _by_numba(time, value, frequencies):
    from alerce_zvar.period import string_numba

    result = np.empty(len(frequencies))
    string_numba.lengths(time, value, frequencies, result)
    return 1.0 / result


def _by_numpy(time, value, frequencies):
    return np.concatenate([1.0 / _lengths(time, value, chunk) for chunk in chunks(frequencies, len(time))])


def _lengths(time, value, frequencies):
    folded = phases(time, frequencies)
    order = np.argsort(folded, axis=1, kind="stable")
    folded, values = np.take_along_axis(folded, order, axis=1), value[order]
    across = np.diff(folded, axis=1, append=folded[:, :1] + 1)
    return np.hypot(across, np.diff(values, axis=1, append=values[:, :1])).sum(axis=1)


METHOD = Method(
    name="string_length",
    power_blocks=power_blocks,
    suits="few points of good quality, any smooth shape",
    statistic="1 / string length",
    meaning="one over the length of the string through the folded points",
    citations=("1983MNRAS.203..917D",),
    options=(choice("scaled", True, (True, False)), ENGINE),
    extra="fast",
)
