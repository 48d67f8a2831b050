"""A small archive for the tests of TAP: sources at RA 0, at both poles and elsewhere, with all that can be asked."""

import numpy as np
from astropy import units as u
from astropy.table import Table
from astropy.time import Time

from alerce_zvar.archive import Archive

__all__ = ["CLASSIFIER", "LSST_OID", "build"]

CLASSIFIER = ("lc_classifier", "hierarchical_rf_1.1.0")
LSST_OID = "170028510777180307"  # not a number that double precision holds
_MEASUREMENT = 170028510777180310
_EPOCHS = 4


def positions():
    """240 of them: rings around both poles and a point at RA 0, and a patch."""
    rng = np.random.default_rng(5)
    ra = [
        rng.uniform(0, 360, 60),
        rng.uniform(0, 360, 60),
        np.mod(rng.normal(0, 0.5, 60), 360),
        rng.uniform(100, 101, 60),
    ]
    dec = [rng.uniform(89, 90, 60), rng.uniform(-90, -89, 60), rng.normal(0, 0.5, 60), rng.uniform(40, 41, 60)]
    return np.concatenate(ra), np.concatenate(dec)


def build(path):
    """`Archive` with everything in it, open for writing."""
    archive = Archive.create(path)
    archive.import_table(_photometry())
    oids = archive.query("SELECT oid FROM objects ORDER BY oid")["oid"]
    archive.add_probabilities(_probabilities(oids))
    archive.add_features(_features(oids[:50]))
    archive.add_forced_photometry(_forced(oids[:2]))
    classes = {"classifier": [CLASSIFIER[0]] * 3, "classifier_version": [CLASSIFIER[1]] * 3}
    archive.add_classifiers(Table(classes | {"class_name": ["RRL", "E", "CV/Nova"]}))
    archive.add_lsst(**_lsst())
    catalog = Table(
        {"RA": [10.0, 350.0] * u.deg, "DEC": [1.0, -2.0] * u.deg, "Name": ["ä star", "b"], "id": [2**60 + 1, 3]}
    )
    catalog["Name"].description = "What it is called"
    archive.import_catalog("My Stars", catalog, ra="RA", dec="DEC", description="Two stars.")
    return archive


def _photometry():
    ra, dec = positions()
    rows = len(ra) * _EPOCHS
    table = Table({"time": Time(58300.25 + np.tile(np.arange(_EPOCHS), len(ra)), format="mjd", scale="utc")})
    table["name"] = np.repeat([f"star {i}" for i in range(len(ra))], _EPOCHS)
    table["ra"], table["dec"] = np.repeat(ra, _EPOCHS), np.repeat(dec, _EPOCHS)
    table["band"] = np.where(np.arange(rows) % 2, "r", "g")
    table["mag"] = 15 + 0.01 * np.arange(rows)
    table["mag_err"], table["limiting_mag"] = 0.02, 20.5
    table["mag"][::_EPOCHS] = np.nan  # one non-detection each
    table["field"], table["ccd"], table["quad"], table["objtype"] = 600, 3, 2, 1
    return table


def _probabilities(oids):
    table = Table({"oid": np.repeat(oids.astype(str), 2), "class_name": ["RRL", "E"] * len(oids)})
    table["classifier"], table["classifier_version"] = CLASSIFIER
    table["probability"] = np.round(np.tile([0.75, 0.25], len(oids)), 3)
    table["ranking"] = np.tile([1, 2], len(oids))
    return table


def _features(oids):
    table = Table({"oid": np.repeat(oids.astype(str), 2), "name": ["Multiband_period", "Power_rate_1/2"] * len(oids)})
    table["value"] = np.where(np.arange(len(table)) % 4 == 3, np.nan, np.arange(len(table)) + 0.5)
    table["band"], table["version"] = "gr", "27.5.7a32.dev1"
    return table


def _forced(oids):
    table = Table({"oid": np.repeat(oids.astype(str), 3), "pid": 2500000000000 + np.arange(6)})
    table["candid"] = [f"{oid}{pid}" for oid, pid in zip(table["oid"], table["pid"], strict=True)]
    table["time"] = Time(60300.0 + np.arange(6), format="mjd", scale="utc")
    table["band"] = ["g", "r", "i"] * 2
    table["mag"], table["mag_err"] = [18.5, 18.25, 100.0] * 2, [0.5, 0.25, 100.0] * 2
    table["isdiffpos"], table["ra"], table["dec"] = 1, 10.0, 20.0
    table["corrected"], table["dubious"], table["has_stamp"] = True, False, False
    table["parent_candid"] = ["2500000000000000123"] * 6
    table["procstatus"] = ["0", "0", "61"] * 2
    return table


def _lsst():
    objects = Table(
        {"oid": [LSST_OID], "ra": [150.0], "dec": [2.0], "ndet": [3], "nforced": [12], "sid": [1], "tid": [1]}
    )
    objects["firstmjd"], objects["lastmjd"] = (Time([day], format="mjd", scale="tai") for day in (61000.0, 61002.0))

    def measured(count, first):
        table = Table({"oid": [LSST_OID] * count, "measurement_id": [str(first + i) for i in range(count)]})
        table["time"] = Time(61000.0 + np.arange(count), format="mjd", scale="tai")
        table["band"], table["flux"], table["flux_err"] = "u", 100.0 + np.arange(count), 5.0
        table["total_flux"], table["total_flux_err"], table["ra"], table["dec"] = 300.0, 6.0, 150.0, 2.0
        return table

    chances = Table(
        {"oid": [LSST_OID] * 2, "class_name": ["SN", "AGN"], "probability": [0.875, 0.125], "ranking": [1, 2]}
    )
    chances["classifier"], chances["classifier_version"] = "stamp_classifier_rubin_beta", "201"
    classes = Table({"class_name": ["SN", "AGN", "VS"], "classifier_id": [1, 1, 1]})
    classes["classifier"], classes["classifier_version"] = "stamp_classifier_rubin_beta", "2.0.1"
    return {
        "objects": objects,
        "detections": measured(3, _MEASUREMENT),
        "forced_photometry": measured(12, _MEASUREMENT + 100),
        "probabilities": chances,
        "classifiers": classes,
    }
