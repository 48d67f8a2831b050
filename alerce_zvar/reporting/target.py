"""What a report is about: an id of a service, a position, or one's own light curve."""

from dataclasses import dataclass

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time, TimeDelta
from astropy.timeseries import TimeSeries

from alerce_zvar.errors import shown
from alerce_zvar.folding import value_names
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.wire.query import to_icrs

__all__ = ["Target", "read_target"]

_WANTED = "source_or_coordinates must be a light curve such as a TimeSeries"


@dataclass(frozen=True)
class Target:
    """What was given.

    Parameters
    ----------
    oid, psid : str
        Id of ALeRCE or of ZVAR, if that was given.
    coordinates : SkyCoord, optional
        Position, if that was given; beside a light curve too.
    light_curve : TimeSeries, optional
        One's own light curve.
    """

    oid: str = ""
    psid: str = ""
    coordinates: SkyCoord | None = None
    light_curve: TimeSeries | None = None

    def __str__(self):
        if self.light_curve is not None:
            return str(self.light_curve.meta.get("id", "")) or "own light curve"
        place = "" if self.coordinates is None else self.coordinates.to_string("hmsdms", sep=":", precision=3)
        return self.oid or self.psid or place


def read_target(given, coordinates=None, survey="ztf"):
    """What a report is about.

    Parameters
    ----------
    given : str, int, SkyCoord, TimeSeries or LightCurves
        As for `alerce_zvar.report`.
    coordinates : SkyCoord, optional
        Position of a light curve.
    survey : str
        Of LSST ids that are numbers are ALeRCE's.

    Returns
    -------
    Target

    Raises
    ------
    TypeError
        It is none of these, or there are coordinates beside what is no light curve.
    ValueError
        No id, several light curves, or several positions.
    """
    if isinstance(given, LightCurves | Table):
        return Target(light_curve=_one_light_curve(given), coordinates=_one_position(coordinates))
    if coordinates is not None:
        raise TypeError("coordinates go with a light curve of one's own; an id or a position says where it is")
    if isinstance(given, SkyCoord):
        return Target(coordinates=_one_position(given))
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise TypeError(
            "source_or_coordinates must be an id of ALeRCE or ZVAR, a SkyCoord, a TimeSeries or LightCurves, not "
            f"{shown(given)} ({type(given).__name__})"
        )
    identifier = str(given).strip()
    if not identifier:
        raise ValueError("source_or_coordinates must be an id of ALeRCE or ZVAR; an empty text was given")
    of_zvar = identifier.isascii() and identifier.isdigit() and survey != "lsst"
    return Target(psid=identifier) if of_zvar else Target(oid=identifier)


def _one_light_curve(given):
    if isinstance(given, LightCurves):
        if len(given) != 1:
            raise ValueError(f"a report is about one object; these are {len(given)} light curves, so take one of them")
        return given[0]
    if "time" not in given.colnames or not isinstance(given["time"], Time) or isinstance(given["time"], TimeDelta):
        raise ValueError(f"{_WANTED}; this table has no column 'time' of astropy Time")
    if not value_names(given):
        raise ValueError(f"{_WANTED}; this table has neither a column 'mag' nor 'flux', only {given.colnames}")
    if np.all(given["time"].mask):
        raise ValueError(f"{_WANTED}; this table has no rows with a time")
    return given


def _one_position(coordinates):
    if coordinates is None:
        return None
    icrs = to_icrs(coordinates)
    if icrs.size != 1:
        raise ValueError(f"a report is about one object; {icrs.size} positions were given")
    return icrs.reshape(())
