"""Length of the string through the folded points, as a measure of how smooth a light curve is on a period.

::

    value                                 L = sum over neighbours in phase of sqrt(dphase^2 + dvalue^2),
      │   •──•                                the last point joined to the first one of the next cycle
      │ •      •──•     •                 Neither divided by the number of points nor scaled: small is good,
      │            •──•                   and only light curves of as many points compare.
      └──────────────────► phase

Burke, Rolland & Boy 1970 (JRASC 64, 353), after Lafler & Kinman 1965 (ApJS 11, 216). That ZVAR's column is this one, of
magnitudes and without Dworetsky's scaling, is inferred (reference/zvar.md 4.2).
"""

import numpy as np
from astropy import units as u

from alerce_zvar.folding import check_period, phase
from alerce_zvar.period.prepare import prepare

__all__ = ["length", "string_length"]


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
