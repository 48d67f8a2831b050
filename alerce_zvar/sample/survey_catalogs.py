"""The stars of the sample sky in surveys from the ultraviolet to the infrared: GALEX, Pan-STARRS1, 2MASS, AllWISE.

Brightness follows from g and i by rough colours of ordinary stars. Each survey has its depth and its own identifiers.
"""

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle
from astropy.table import MaskedColumn, Table

from alerce_zvar.archive.ids import psid_from_position

__all__ = ["write_survey_catalogs"]

# Survey -> scatter of positions [arcsec]; bands, each with names of magnitude and error, depth at 5 sigma [mag], the
# colour i - band of a star with g - i = 0, and how it changes with g - i. Roughly as of main-sequence stars, in AB for
# GALEX and PS1, in Vega for the others.
_SURVEYS = {
    "GALEX": (0.5, (("FUVmag", "e_FUVmag", 19.9, -4.5, -4.0), ("NUVmag", "e_NUVmag", 20.8, -1.5, -3.2))),
    "PS1": (
        0.02,
        (
            ("gMeanPSFMag", "gMeanPSFMagErr", 23.3, 0.0, -1.0),
            ("rMeanPSFMag", "rMeanPSFMagErr", 23.2, 0.0, -0.29),
            ("iMeanPSFMag", "iMeanPSFMagErr", 23.1, 0.0, 0.0),
            ("zMeanPSFMag", "zMeanPSFMagErr", 22.3, -0.05, 0.14),
            ("yMeanPSFMag", "yMeanPSFMagErr", 21.4, -0.08, 0.22),
        ),
    ),
    "2MASS": (
        0.08,
        (
            ("j_m", "j_cmsig", 16.8, 0.55, 0.57),
            ("h_m", "h_cmsig", 16.2, 0.65, 0.93),
            ("k_m", "k_cmsig", 15.6, 0.68, 1.02),
        ),
    ),
    "AllWISE": (
        0.15,
        (
            ("w1mpro", "w1sigmpro", 17.0, 0.70, 1.06),
            ("w2mpro", "w2sigmpro", 15.7, 0.70, 1.04),
            ("w3mpro", "w3sigmpro", 11.5, 0.75, 1.08),
            ("w4mpro", "w4sigmpro", 7.8, 0.80, 1.12),
        ),
    ),
}
_LIMIT_SNR = 5.0
_FLOOR = 0.015  # mag, of an error


def write_survey_catalogs(archive, rng, stars):
    """Store the catalogues GALEX, PS1, 2MASS and AllWISE.

    Parameters
    ----------
    archive : Archive
        Open for writing.
    rng : `~numpy.random.Generator`
        Luck of the surveys.
    stars : iterable of Star
        The sample; supernovae were not there yet.
    """
    stars = [star for star in stars if star.kind != "SN"]
    position = {name: np.array([getattr(star, name) for star in stars]) for name in ("ra", "dec")}
    mag = {band: np.array([star.mags[band] for star in stars]) for band in "gi"}
    for name, (scatter, bands) in _SURVEYS.items():
        table = _observed(rng, position, mag, scatter, bands)
        table.add_column(_identifiers(name, table), name="source_id", index=0)
        archive.import_catalog(name, table, description=f"{name}, of the synthetic sky")


def _observed(rng, position, mag, scatter, bands):
    """Positions and magnitudes of the stars that are seen in at least one band."""
    dec = position["dec"] + rng.normal(0, scatter / 3600, len(position["dec"]))
    ra = (position["ra"] + rng.normal(0, scatter / 3600, len(dec)) / np.cos(np.radians(dec))) % 360
    table = Table({"ra": ra * u.deg, "dec": dec * u.deg})
    seen = np.zeros(len(dec), dtype=bool)
    for name, error_name, depth, zero, slope in bands:
        true = mag["i"] - zero - slope * (mag["g"] - mag["i"])
        error = np.hypot(_FLOOR, 1.0857 / _LIMIT_SNR * 10 ** (0.4 * (true - depth)))
        found = true < depth
        seen |= found
        table[name] = MaskedColumn(rng.normal(true, np.minimum(error, 1.0)), mask=~found, unit=u.mag)
        table[error_name] = MaskedColumn(error, mask=~found, unit=u.mag)
    return table[seen]


def _identifiers(survey, table):
    """Identifiers in the manner of each survey: numbers of Pan-STARRS, names by position of the others."""
    if survey == "PS1":
        return psid_from_position(table["ra"], table["dec"])
    ra, dec = Angle(table["ra"]), Angle(table["dec"])
    right = [text.replace(":", "") for text in ra.to_string(unit=u.hour, sep=":", precision=2, pad=True)]
    signed = dec.to_string(unit=u.deg, sep=":", precision=1, pad=True, alwayssign=True)
    prefix = {"GALEX": "GALEX J", "2MASS": "", "AllWISE": "J"}[survey]
    return [f"{prefix}{east}{north.replace(':', '')}" for east, north in zip(right, signed, strict=True)]
