"""Times at the observatory into times at the barycentre of the solar system."""

import warnings

import numpy as np
from astropy import constants
from astropy import units as u
from astropy.coordinates import (
    CartesianRepresentation,
    EarthLocation,
    SkyCoord,
    UnitSphericalRepresentation,
    get_body_barycentric,
)
from astropy.time import Time
from astropy.utils import iers

__all__ = ["OBSERVATORIES", "at_barycentre", "mean_positions"]

# Longitude and latitude [deg], height [m]: the 48 inch telescope on Palomar; the Rubin observatory on Cerro Pachon.
OBSERVATORIES = {"ztf": (-116.8650, 33.3564, 1712.0), "lsst": (-70.749417, -30.244639, 2663.0)}


def at_barycentre(times, positions, survey):
    """Times in TDB at which the light passed, or was to pass, the barycentre.

    The same as `~astropy.time.Time.light_travel_time` with its built-in theory, to some microseconds and many times as
    fast. Nothing is downloaded: the Earth's rotation where it is not known ahead is off by less than a second of time,
    which moves the observatory by 2 microseconds of light.

    Parameters
    ----------
    times : `~astropy.time.Time`
        At the observatory.
    positions : `~astropy.coordinates.SkyCoord`
        One for each time.
    survey : {"ztf", "lsst"}
        Whose observatory.
    """
    _, first, shared = np.unique(times.mjd, return_index=True, return_inverse=True)
    observer = _from_barycentre(times[first], survey)[shared]
    directions = positions.icrs.represent_as(UnitSphericalRepresentation).to_cartesian()
    there = times.tdb + directions.dot(observer) / constants.c
    return Time(there.jd1, there.jd2, format="jd", scale="tdb").replicate("mjd")


def _from_barycentre(times, survey):
    """Where the observatory is at these times, as seen from the barycentre."""
    longitude, latitude, height = OBSERVATORIES[survey]
    place = EarthLocation.from_geodetic(longitude * u.deg, latitude * u.deg, height * u.m)
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("auto_max_age", None),
        iers.conf.set_temp("iers_degraded_accuracy", "ignore"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of a rotation, or leap seconds, that are not known yet: see above
        return get_body_barycentric("earth", times, ephemeris="builtin") + place.get_gcrs_posvel(times)[0]


def mean_positions(ra, dec, owners, count):
    """Mean position of each object's rows; an exact 0, 0 is no position, and NaN stands where there is none.

    Parameters
    ----------
    ra, dec : `~astropy.table.Column`
        Positions of the rows [deg].
    owners : ndarray of int
        Which object each row is of, from 0 to `count` - 1.
    count : int
        How many objects there are.
    """
    known = (np.asarray(ra) != 0) | (np.asarray(dec) != 0)
    rows = UnitSphericalRepresentation(np.asarray(ra)[known] * u.deg, np.asarray(dec)[known] * u.deg).to_cartesian()
    sums = [np.bincount(owners[known], weights=part.value, minlength=count) for part in rows.xyz]
    counts = np.bincount(owners[known], minlength=count)
    with np.errstate(invalid="ignore"):
        return SkyCoord(CartesianRepresentation(*(part / counts for part in sums)), frame="icrs")
