"""LSST's view of the sample sky: the faintest of its variable stars, in six bands over one season.

Depths are those of single visits (Ivezic et al. 2019, ApJ 873, 111). Brighter stars would saturate.
"""

import numpy as np
from astropy import units as u
from astropy.table import Table, vstack
from astropy.time import Time

from alerce_zvar.archive.times import barycentric
from alerce_zvar.sample.services import PROBABILITY_COLUMNS, class_chances, class_rows
from alerce_zvar.sample.stamps import lsst_stamp_rows
from alerce_zvar.sample.taxonomy import LSST_CLASSIFIERS, lsst_taxonomy

__all__ = ["add_lsst"]

BANDS = "ugrizy"
_OBJECTS = 12
_BY_BOTH = 3  # every third object is known to the newer classifier too
_KINDS = ("RRab", "RRc", "EA", "EW", "DSCT", "CV")
_SEASON, _NIGHTS = (61250.0, 61370.0), 30  # MJD: August to December 2026
_VISITS = 2  # a night
_SHARES = (0.08, 0.12, 0.22, 0.22, 0.20, 0.16)
_DEPTH = dict(zip(BANDS, (23.9, 25.0, 24.7, 24.0, 23.3, 22.1), strict=True))  # 5 sigma
# Bands that ZTF lacks: the band they follow, and the colour to it, a constant and a factor of g - r.
_FOLLOWS = {"u": ("g", 1.0, 0.7), "z": ("i", 0.0, -0.2), "y": ("i", 0.0, -0.3)}
_ZERO_POINT = 31.4  # AB magnitude of 1 nJy
_CALIBRATION = 0.005  # of the flux
_DETECTED = 5.0  # sigma
_SEEING = 0.8  # arcsec
_FIRST_OBJECT, _FIRST_MEASUREMENT = 170_028_510_000_000_000, 170_032_880_000_000_000


def add_lsst(archive, rng, stars):
    """Put objects, detections, forced photometry, classes and stamps into the archive."""
    visits = _visits(rng)
    chosen = sorted((star for star in stars if star.kind in _KINDS), key=lambda star: -star.mags["r"])[:_OBJECTS]
    oids = _FIRST_OBJECT + np.sort(rng.choice(10**9, _OBJECTS, replace=False))
    forced = vstack(
        [
            _measure(rng, star, int(oid), place, visits)
            for place, (star, oid) in enumerate(zip(chosen, oids, strict=True))
        ]
    )
    detections = _detections(rng, forced)
    probabilities = _probabilities(rng, [str(oid) for oid in oids])
    archive.add_lsst(
        objects=_objects(detections, forced),
        detections=detections,
        forced_photometry=forced,
        probabilities=probabilities,
        classifiers=lsst_taxonomy(),
    )
    stamps = lsst_stamp_rows(rng, _with_stamps(detections))
    archive.write("INSERT INTO lsst_stamps BY NAME SELECT * FROM given", given=stamps)


def _visits(rng):
    """When the telescope looked (TAI, the middle of the exposure), and in which band."""
    nights = np.sort(rng.choice(np.arange(*_SEASON), _NIGHTS, replace=False)).repeat(_VISITS)
    times = np.sort(nights + rng.uniform(0.05, 0.35, len(nights)))  # Cerro Pachon's nights, as fractions of a day
    return Table({"mjd": times, "band": rng.choice(list(BANDS), len(times), p=_SHARES)})


def _flux(magnitude):
    return 10 ** (-0.4 * (magnitude - _ZERO_POINT))


def _magnitude(star, bjd, band):
    """True magnitudes, and that of the template."""
    base, constant, slope = _FOLLOWS.get(band, (band, 0.0, 0.0))
    colour = constant + slope * (star.mags["g"] - star.mags["r"])
    return star.magnitude(bjd, base) + colour, star.mags[base] + colour


def _measure(rng, star, oid, place, visits):
    """Forced photometry of one star, at every visit."""
    times = Time(visits["mjd"], format="mjd", scale="tai")
    bjd = barycentric(times.utc.mjd, star.ra, star.dec)
    count, bands = len(visits), np.asarray(visits["band"])
    true, template = np.empty(count), np.empty(count)
    for band in BANDS:
        rows = bands == band
        true[rows], template[rows] = map(_flux, _magnitude(star, bjd[rows], band))
    sky = np.array([_flux(_DEPTH[band]) for band in bands]) / _DETECTED
    error = np.sqrt(sky**2 + 0.04 * sky * true + (_CALIBRATION * true) ** 2)
    noise = error * rng.normal(size=count)
    number = np.arange(count)
    table = Table({"oid": np.full(count, str(oid)), "time": times, "band": bands})
    table["measurement_id"] = (_FIRST_MEASUREMENT + number * 1000 + place).astype(str)
    table["visit"] = [f"{time.strftime('%Y%m%d')}{index:05d}" for time, index in zip(times, number, strict=True)]
    table["detector"] = 4 + place
    table["flux"], table["flux_err"] = (true - template + noise) * u.nJy, error * u.nJy
    table["total_flux"], table["total_flux_err"] = (true + noise) * u.nJy, error * u.nJy
    table["ra"], table["dec"] = np.full(count, star.ra) * u.deg, np.full(count, star.dec) * u.deg
    return table


def _detections(rng, forced):
    """Forced measurements that stand out of the noise, with what is known of a detection."""
    table = forced[np.abs(forced["flux"]) >= _DETECTED * forced["flux_err"]]
    snr, count = np.abs(table["flux"].value) / table["flux_err"].value, len(table)
    error = _SEEING / 2.355 / snr / 3600
    table["ra"] = (table["ra"].value + rng.normal(0, error) / np.cos(np.radians(table["dec"].value))) * u.deg
    table["dec"] = (table["dec"].value + rng.normal(0, error)) * u.deg
    table["raErr"], table["decErr"] = error * u.deg, error * u.deg
    table["diaObjectId"], table["parentDiaSourceId"], table["ssObjectId"] = table["oid"], "0", "0"
    table["snr"], table["reliability"] = snr, rng.beta(20, 1.5, count)
    table["extendedness"], table["isDipole"] = 0.0, False
    table["isNegative"] = table["flux"].value < 0
    for axis, edge in (("x", 4072), ("y", 4000)):
        table[axis], table[f"{axis}Err"] = rng.uniform(50, edge - 50, count) * u.pix, error * 3600 / 0.2 * u.pix
    table["apFlux"] = table["flux"] + rng.normal(0, 1, count) * table["flux_err"]
    table["apFluxErr"] = 1.4 * table["flux_err"]
    table["templateFlux"] = table["total_flux"] - table["flux"]
    table["templateFluxErr"] = 0.1 * table["flux_err"]
    table["psfChi2"], table["psfNdata"] = rng.chisquare(1600, count), 1681
    table["timeProcessedMjdTai"] = table["time"] + 0.002 * u.d
    table["has_stamp"] = False
    table["has_stamp"][_first(table)] = True
    return table


def _first(table):
    """Row of the first detection of each object."""
    return np.unique(table["oid"], return_index=True)[1]


def _with_stamps(detections):
    for row in detections[detections["has_stamp"]]:
        yield {
            "oid": row["oid"],
            "measurement_id": row["measurement_id"],
            "ra": float(row["ra"]),
            "dec": float(row["dec"]),
            "psfFlux": float(row["flux"]),
            "scienceFlux": float(row["total_flux"]),
        }


def _objects(detections, forced):
    """One row per object, with LSST's own statistics."""
    rows = []
    for oid in np.unique(detections["oid"]):
        mine = detections[detections["oid"] == oid]
        times = mine["time"].mjd
        row = {
            "oid": oid,
            "ra": np.mean(mine["ra"].value),
            "dec": np.mean(mine["dec"].value),
            "ra_err": np.std(mine["ra"].value),
            "dec_err": np.std(mine["dec"].value),
            "ndet": len(mine),
            "nforced": int(np.sum(forced["oid"] == oid)),
            "nnondet": 0,
            "firstmjd": times.min(),
            "lastmjd": times.max(),
            "deltamjd": np.ptp(times),
            "tid": 1,
            "sid": 1,
            "stellar": True,
            "created_date": Time(times.min() + 0.01, format="mjd", scale="tai").utc.isot,
            "updated_date": Time(times.max() + 0.01, format="mjd", scale="tai").utc.isot,
            "validityStartMjdTai": times.max(),
            "firstDiaSourceMjdTai": times.min(),
            "lastDiaSourceMjdTai": times.max(),
            "nDiaSources": len(mine),
        }
        rows.append(row | {"dia_ra": row["ra"], "dia_dec": row["dec"]} | _by_band(mine))
    return Table(rows)


def _by_band(mine):
    found = {}
    for band in BANDS:
        flux = mine["flux"].value[mine["band"] == band]
        seen = len(flux) > 0
        found[f"{band}_psfFluxNdata"] = len(flux)
        found[f"{band}_psfFluxMean"] = np.mean(flux) if seen else np.nan
        found[f"{band}_psfFluxMin"], found[f"{band}_psfFluxMax"] = (flux.min(), flux.max()) if seen else (np.nan,) * 2
    return found


def _probabilities(rng, oids):
    """Classes by the older classifier, and of every third object by the newer one."""
    rows = []
    for place, oid in enumerate(oids):
        for name, version, _, classes in LSST_CLASSIFIERS[: 1 if place % _BY_BOTH else 2]:
            bare = version.replace(".", "")  # as the service writes it here (reference/alerce.md 7.4)
            rows += class_rows(oid, name, bare, classes, class_chances(rng, classes, "VS"))
    return Table(rows=rows, names=PROBABILITY_COLUMNS)
