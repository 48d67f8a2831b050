"""The telescope of the sample sky: when it looks, how deep, what it measures. Modelled on ZTF (Bellm et al. 2019)."""

from dataclasses import dataclass

import numpy as np

from alerce_zvar.archive.times import barycentric
from alerce_zvar.sample.stars import CENTRE, END, NO_LIGHT, START
from alerce_zvar.zvar.photometry import LIMIT_SNR, POGSON

__all__ = ["Visits", "make_cadence", "measure", "quadrant"]

# (field, band): share of clear nights on which it is visited. 648 is the primary field of this part of the sky, 1645
# the secondary one.
_RATES = {(648, "g"): 0.30, (648, "r"): 0.34, (648, "i"): 0.05, (1645, "g"): 0.08, (1645, "r"): 0.11}
_CHANNELS = {648: (2, (2, 1)), 1645: (12, (3, 4))}  # CCD, and its quadrants west and east of the centre
_SECOND_VISIT = 0.15
_NIGHT = (0.11, 0.51)  # Palomar's nights, as fractions of a UTC day
_DEPTH = {"g": 20.8, "r": 20.6, "i": 19.9}  # typical 5 sigma limits of 30 seconds
_ZERO_POINT = {"g": 26.28, "r": 26.33, "i": 25.70}
_FLOOR = 0.009  # mag; calibration
_PHOTONS = 0.04  # share of the star's own photons in the noise, relative to the sky's at the limit
_SUN_AVOIDANCE = 55.0  # deg in right ascension
_EQUINOX = 58197.7  # MJD of March 2018
_NEW_MOON = 58224.1  # MJD of April 2018
SNR_TO_REPORT = LIMIT_SNR  # below it the pipeline gives an upper limit


@dataclass(frozen=True, eq=False)
class Visits:
    """Exposures of one field in one band: start (MJD, UTC), and 5 sigma limit [mag]."""

    field: int
    band: str
    mjd: np.ndarray
    limiting_mag: np.ndarray

    def arrivals(self, stars):
        """Barycentric times (BJD, TDB) at which the light of each star was caught; shape (stars, exposures)."""
        stars = list(stars)
        ra, dec = (np.repeat([getattr(star, key) for star in stars], len(self.mjd)) for key in ("ra", "dec"))
        return barycentric(np.tile(self.mjd, len(stars)), ra, dec).reshape(len(stars), -1)


def make_cadence(rng):
    """Exposures of every field and band over five years; a list of `Visits`."""
    nights = _clear_nights(rng)
    return [_visits(rng, field, band, rate, nights) for (field, band), rate in _RATES.items()]


def _clear_nights(rng):
    """Nights (MJD) of the season, on which the weather is good; bad weather lasts for days."""
    nights = np.arange(START, END)
    sun = 360 * (nights - _EQUINOX) / 365.25
    distance = np.abs((sun - CENTRE.ra.deg + 180) % 360 - 180)
    weather = np.convolve(rng.normal(size=len(nights) + 4), np.ones(5) / np.sqrt(5), mode="valid")
    return nights[(distance > _SUN_AVOIDANCE) & (weather > -0.25)]


def _visits(rng, field, band, rate, nights):
    chosen = nights[rng.uniform(size=len(nights)) < rate]
    chosen = np.sort(np.concatenate([chosen, chosen[rng.uniform(size=len(chosen)) < _SECOND_VISIT]]))
    mjd = np.sort(chosen + rng.uniform(*_NIGHT, len(chosen)))
    moon = 0.5 - 0.5 * np.cos(2 * np.pi * (mjd - _NEW_MOON) / 29.530588)
    depth = _DEPTH[band] - 0.7 * moon**2 * rng.uniform(0.3, 1.0, len(mjd)) + rng.normal(0, 0.22, len(mjd))
    return Visits(field, band, mjd, np.clip(depth, 18.0, 21.6))


def quadrant(star, field):
    """(ccd, quad) on which a source falls."""
    ccd, (west, east) = _CHANNELS[field]
    return ccd, west if (star.ra - CENTRE.ra.deg + 180) % 360 - 180 < 0 else east


def offset(field, ccd, quad, band):
    """Zero-point error of a readout channel [mag]; fixed, within 0.02."""
    return 0.02 * np.sin(7.1 * field + 3.3 * ccd + 1.7 * quad + "gri".index(band))


def measure(rng, star, visits, bjd):
    """What the telescope says of a source.

    Parameters
    ----------
    rng : `~numpy.random.Generator`
        Noise.
    star : Star
        Source.
    visits : Visits
        Exposures.
    bjd : ndarray of float
        Their barycentric times for this source.

    Returns
    -------
    dict of ndarray
        Columns of `alerce_zvar.archive.Archive.import_table`; where the source is below 5 sigma, ``mag`` is NaN.
    """
    ccd, quad = quadrant(star, visits.field)
    true = star.magnitude(bjd, visits.band) + offset(visits.field, ccd, quad, visits.band)
    relative = np.where(true < NO_LIGHT, 10 ** (-0.4 * (true - visits.limiting_mag)), 0.0)  # flux in units of the limit
    sky = 1 / LIMIT_SNR
    sigma = np.sqrt(sky**2 + _PHOTONS * sky * relative + (_FLOOR / POGSON * relative) ** 2)
    seen = relative + sigma * rng.normal(size=len(true))
    detected = seen >= SNR_TO_REPORT * sigma
    flux = np.where(detected, seen, 1.0)
    zero_point = _ZERO_POINT[visits.band] + offset(visits.field, ccd, quad, visits.band)
    return {
        "mjd": visits.mjd,
        "band": np.full(len(true), visits.band),
        "mag": np.where(detected, visits.limiting_mag - 2.5 * np.log10(flux), np.nan),
        "mag_err": np.where(detected, POGSON * sigma / flux, np.nan),
        "limiting_mag": visits.limiting_mag,
        "magzp": np.full(len(true), zero_point),
        "mag_ref": np.full(len(true), star.reference - zero_point),
        "field": np.full(len(true), visits.field),
        "ccd": np.full(len(true), ccd),
        "quad": np.full(len(true), quad),
    }
