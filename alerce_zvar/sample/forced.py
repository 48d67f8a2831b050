"""Forced photometry of the sample sky's objects by ZTF: every exposure of the last year, alert or not.

What is not usable has the service's own numbers for "none" (reference/alerce.md 3.7).
"""

import numpy as np
from astropy import units as u
from astropy.table import Table
from astropy.time import Time

from alerce_zvar.sample.observe import offset
from alerce_zvar.sample.stars import END
from alerce_zvar.zvar.photometry import POGSON

__all__ = ["add_forced_photometry"]

_YEAR = 365.25
_EXPOSURES = """
SELECT s.oid, s.name, s.ra, s.dec, l.band, l.field, l.ccd, l.quad, l.magzp, l.mag_ref, e.candid, e.mjd, e.bjd, e.flux,
       e.flux_err, e.limiting_mag
FROM epochs e JOIN lightcurves l USING (lc) JOIN sources s USING (psid) JOIN objects o USING (oid)
WHERE e.mjd >= ? AND NOT e.bad ORDER BY s.oid, e.mjd, e.candid
"""
_NOT_USABLE, _NO_VALUE = 100.0, -99999.0
_UNUSABLE = 0.18  # share of rows, of which some 5 in 6 have 61 as status, the others 55
_MAGNITUDES = ("mag", "mag_err", "mag_corr", "mag_corr_err", "mag_corr_err_ext")
_OF_REFERENCE = ("distnr", "ranr", "decnr", "magnr", "sigmagnr", "chinr", "sharpnr")


def add_forced_photometry(archive, rng, stars):
    """Put it into the archive; `stars` maps names to `~alerce_zvar.sample.stars.Star`."""
    seen = {name: np.ma.filled(values, np.nan) if values.dtype.kind == "f" else np.asarray(values)
            for name, values in archive.query(_EXPOSURES, [END - _YEAR]).items()}  # fmt: skip
    reference = 10 ** (-0.4 * seen["mag_ref"])
    unseen = _true_flux(seen, stars) - reference + seen["flux_err"] * rng.normal(size=len(seen["flux"]))
    difference = np.where(np.isnan(seen["flux"]), unseen, seen["flux"])
    total = difference + reference
    # The exposure that gave the median is its own reference: its difference is exactly 0.
    unusable = (total <= 0) | (difference == 0) | (rng.uniform(size=len(total)) < _UNUSABLE)
    has_source = np.array([np.isnan(stars[name].reference) for name in seen["name"]])  # a supernova has none
    table = Table(_identity(archive, seen), copy=False)
    table["isdiffpos"] = np.where(difference < 0, -1, 1)
    fluxes = (np.where(unusable, 1.0, flux) for flux in (np.abs(difference), total))
    for name, values in _magnitudes(seen, *fluxes).items():
        table[name] = np.where(unusable, _NOT_USABLE, values) * u.mag
    table["mag_corr_err"][~has_source] = _NOT_USABLE
    _add_image(table, rng, seen)
    _add_reference(table, rng, seen, has_source)
    coin = rng.uniform(size=len(total))
    table["procstatus"] = np.where(unusable, np.where(coin < 5 / 6, "61", "55"), np.where(coin < 0.965, "0", "56"))
    for name in _OF_REFERENCE:
        table[name][table["procstatus"] == "61"] = _NO_VALUE
    archive.add_forced_photometry(table)


def _true_flux(seen, stars):
    """Flux of the stars themselves, in units of their zero points."""
    true = np.empty(len(seen["mjd"]))
    for name in np.unique(seen["name"].astype(str)):
        for band in "gri":
            rows = (seen["name"] == name) & (seen["band"] == band)
            true[rows] = stars[name].magnitude(seen["bjd"][rows], band)
    places = zip(*(seen[key] for key in ("field", "ccd", "quad", "band")), strict=True)
    errors = np.array([offset(*place) for place in places])
    return 10 ** (-0.4 * (true + errors - seen["magzp"]))


def _magnitudes(seen, size, total):
    corrected_err = POGSON * seen["flux_err"] / total
    values = (
        seen["magzp"] - 2.5 * np.log10(size),
        POGSON * seen["flux_err"] / size,
        seen["magzp"] - 2.5 * np.log10(total),
        corrected_err,
        1.05 * corrected_err,
    )
    return {name: found.astype(np.float32).astype(float) for name, found in zip(_MAGNITUDES, values, strict=True)}


def _identity(archive, seen):
    """Which row of which object, and the alert that would have brought it: the object's next one."""
    pid = seen["candid"] // 1_000_000
    alerts = archive.query("SELECT oid, mjd, candid FROM detections ORDER BY oid, mjd, candid")
    parents = np.zeros(len(pid), dtype=np.int64)
    for oid in np.unique(seen["oid"].astype(str)):
        mine, rows = alerts["oid"] == oid, seen["oid"] == oid
        later = np.searchsorted(alerts["mjd"][mine], seen["mjd"][rows])
        parents[rows] = np.append(alerts["candid"][mine], 0)[later]
    return {
        "oid": seen["oid"].astype(str),
        "candid": np.array([f"{oid}{number}" for oid, number in zip(seen["oid"], pid, strict=True)]),
        "time": Time(seen["mjd"], format="mjd", scale="utc"),
        "band": seen["band"].astype(str),
        "pid": pid,
        "parent_candid": np.ma.array(parents, mask=parents == 0),
        "ra": seen["ra"] * u.deg,
        "dec": seen["dec"] * u.deg,
        "tid": np.full(len(pid), "ztf"),
    }


def _add_image(table, rng, seen):
    """What is known of the exposure and its calibration."""
    count = len(table)
    table["limiting_mag"] = seen["limiting_mag"] * u.mag
    table["corrected"], table["dubious"], table["has_stamp"] = True, False, False
    table["field"], table["programid"], table["exptime"] = seen["field"], 1, 30.0 * u.s
    table["rcid"] = 4 * (seen["ccd"] - 1) + seen["quad"] - 1
    table["rfid"] = seen["field"] * 1_000_000 + table["rcid"] * 1000 + 150
    table["magzpsci"] = seen["magzp"] * u.mag
    table["magzpsciunc"] = rng.uniform(1e-6, 1e-5, count) * u.mag
    table["magzpscirms"] = rng.uniform(0.02, 0.05, count) * u.mag
    table["clrcoeff"] = np.choose(["gri".index(band) for band in seen["band"]], (-0.05, 0.09, 0.02))
    table["clrcounc"] = rng.uniform(1e-6, 1e-5, count)
    table["sciinpseeing"] = rng.gamma(20.0, 0.1, count) * u.pix
    table["scibckgnd"] = rng.uniform(100, 600, count) * u.DN
    table["scisigpix"] = np.sqrt(table["scibckgnd"].data) / 2 * u.DN
    for name in ("adpctdif1", "adpctdif2"):
        table[name] = rng.uniform(0.04, 0.12, count) * u.arcsec


def _add_reference(table, rng, seen, has_source):
    """The nearest source of the reference image: the star itself, or another one some arcseconds away."""
    count = len(table)
    distance = np.where(has_source, rng.uniform(0.05, 0.5, count), 8.0)
    magnitude = seen["magzp"] + seen["mag_ref"]
    table["distnr"] = distance * u.arcsec
    table["ranr"], table["decnr"] = seen["ra"] * u.deg, (seen["dec"] + distance / 3600) * u.deg
    table["magnr"] = np.where(has_source, magnitude, 20.5) * u.mag
    table["sigmagnr"] = rng.uniform(0.01, 0.05, count) * u.mag
    table["chinr"], table["sharpnr"] = rng.uniform(0.3, 1.5, count), rng.normal(0, 0.05, count)
