"""The record of a minimum or maximum of light, and which of its many times is meant."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.time import Time

from alerce_zvar.errors import shown
from alerce_zvar.folding import check_epoch

__all__ = ["Extremum", "check_kind", "time_near"]

_KINDS = ("minimum", "maximum")


@dataclass(frozen=True)
class Extremum:
    """When a star is faintest or brightest.

    Parameters
    ----------
    time : `~astropy.time.Time`
        One such time, in the format and scale of the light curve.
    time_err : `~astropy.units.Quantity`
        Its standard error [d], at a fixed period.
    phase : float
        Its phase, 0 to 1; ``fold`` with the same period and epoch shows the extremum there.
    phase_err : float
        Its standard error.
    kind : {"minimum", "maximum"}
        Of light: a minimum is where magnitudes are largest.
    method : {"fourier", "eclipse", "box"}
        What was fitted.
    """

    time: Time
    time_err: u.Quantity
    phase: float
    phase_err: float
    kind: str
    method: str


def check_kind(kind):
    """An error where it is neither a minimum nor a maximum."""
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {list(_KINDS)}, not {shown(kind)}")


def time_near(series, frequency, at, near=None):
    """Time at which the phase is `at` (cycles since the first observation), next to a time.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    frequency : float
        Frequency [1/day].
    at : float
        Phase.
    near : `~astropy.time.Time`, optional
        Time; by default the weighted mean of those of the observations.

    Returns
    -------
    `~astropy.time.Time`
    """
    if near is None:
        days = np.average(series.time, weights=series.error**-2.0)
    else:
        days = (check_epoch(near, "near") - series.start).to_value(u.day)
    return series.start + (np.rint(days * frequency - at) + at) / frequency * u.day
