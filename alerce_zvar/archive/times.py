"""Between the time at the observatory (MJD, UTC) and the barycentric time (BJD, TDB), on plain arrays.

The observatory is put at the Earth's centre: its own place is worth at most 22 ms, less than the shutter's travel.
Positions of the Earth come from astropy's built-in theory, so nothing is downloaded.
"""

import numpy as np
from astropy import constants
from astropy import units as u
from astropy.coordinates import get_body_barycentric, solar_system_ephemeris
from astropy.time import Time

from alerce_zvar.archive.sky import unit_vectors

__all__ = ["barycentric", "geocentric", "year"]

LIGHT_DAYS_PER_AU = (constants.au / constants.c).to_value(u.day)


def barycentric(mjd_utc, ra, dec):
    """Barycentric Julian dates (TDB) of times at the observatory.

    Parameters
    ----------
    mjd_utc : array_like of float
        Modified Julian dates, UTC [d].
    ra, dec : array_like of float
        Direction of the source (ICRS) [deg]; one for each time, or one for all.

    Returns
    -------
    ndarray of float
        BJD in TDB [d].
    """
    times, index = np.unique(np.asarray(mjd_utc, dtype=float), return_inverse=True)
    moments = Time(times, format="mjd", scale="utc")
    return moments.tdb.jd[index] + _light_travel(moments, index, ra, dec)


def geocentric(bjd_tdb, ra, dec):
    """Times at the Earth (MJD, UTC) of barycentric Julian dates (TDB); the inverse of `barycentric` to 1 ms."""
    bjd = np.asarray(bjd_tdb, dtype=float)
    delay = np.zeros_like(bjd)
    for _ in range(2):  # the Earth moves 1e-4 c: each round leaves 1e-4 of the last error
        times, index = np.unique(bjd - delay, return_inverse=True)
        moments = Time(times, format="jd", scale="tdb")
        delay = _light_travel(moments, index, ra, dec)
    return Time(bjd - 2400000.5, -delay, format="mjd", scale="tdb").utc.mjd


def year(mjd):
    """Calendar years of modified Julian dates."""
    days = np.floor(np.asarray(mjd, dtype=float)).astype("timedelta64[D]")
    return (np.datetime64("1858-11-17") + days).astype("datetime64[Y]").astype(int) + 1970


def _light_travel(moments, index, ra, dec):
    """Days by which light passes the Earth before (positive) the barycentre; many sources share few moments."""
    with solar_system_ephemeris.set("builtin"):
        earth = get_body_barycentric("earth", moments).xyz.to_value(u.au).T
    return np.sum(earth[index] * unit_vectors(ra, dec), axis=-1) * LIGHT_DAYS_PER_AU
