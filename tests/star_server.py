"""Four stars with everything that ALeRCE and ZVAR have, for the tests of the local server, and what forms are like."""

import json

import numpy as np
from astropy.table import Table
from astropy.time import Time

from alerce_zvar.archive import Archive

__all__ = ["HOSTILE", "HOSTILE_OID", "LOGIN", "STARS", "build", "build_hostile", "compare", "recorded", "star_table"]

LOGIN = ("alice", "wonderland")
STARS = {"<script>": (10.0, 20.0), "near": (10.01, 20.0), "zero": (0.001, 0.001), "far": (200.0, -30.0)}
# Names that would do something if they were not taken as text.
HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\x1b[31mred\x1b[0m", "\u202egnp.exe")
HOSTILE_OID = "../a/<b>\"?&#'%2F\x1b[31m"

# Keys that are null in every answer from an archive.
ONLY_THEIRS = {
    "distnr", "drb", "magap", "magap_corr", "magapbig", "parent_candid", "rb", "rbversion", "rfid", "sigmagap",
    "sigmagap_corr", "sigmagapbig", "sigmapsf_corr_ext", "e_mag_corr_ext", "class", "classifier", "probability",
}  # fmt: skip


def star_table():
    """Four stars in two bands and two fields, each with an upper limit."""
    tables = []
    for number, (name, (ra, dec)) in enumerate(STARS.items()):
        count = 20 + number
        table = Table({"time": Time(58300.25 + np.arange(count) * 1.1, format="mjd", scale="utc")})
        table["name"], table["ra"], table["dec"] = name, ra, dec
        table["band"] = np.where(np.arange(count) % 2, "r", "g")
        table["mag"] = 15 + number + 0.4 * (1 + number) * np.sin(np.arange(count))
        table["mag_err"], table["limiting_mag"] = 0.02, 20.5
        table["mag"][3] = np.nan
        table["field"], table["ccd"], table["quad"], table["objtype"] = (
            600 + np.arange(count) // 10,
            3,
            2,
            1 + number % 2,
        )
        tables.append(table)
    columns = {key: np.concatenate([table[key] for table in tables]) for key in tables[0].colnames if key != "time"}
    times = Time(np.concatenate([table["time"].mjd for table in tables]), format="mjd", scale="utc")
    return Table({"time": times} | columns)


def build(path):
    """`Archive` of the stars, open for writing."""
    archive = Archive.create(path)
    archive.import_table(star_table())
    psid, oid = archive.sources()["psid"], archive.sources()["oid"]
    periods = Table({"psid": psid[[0, 0, 1]], "field": [600] * 3, "ccd": [3] * 3, "quad": [2] * 3})
    periods["band"], periods["period"], periods["significance"] = "g", [0.5, 2.0, 0.5], [10.0, 50.0, 30.0]
    periods["string_length"], periods["n_bins"] = [8.5, np.nan, 9.0], [5, 10, 5]
    archive.add_periods(periods)
    classes = Table({"oid": oid[[0, 0, 0, 1]], "classifier": ["lc_classifier"] * 3 + ["stamp"]})
    classes["classifier_version"] = ["hierarchical_rf_1.1.0", "hierarchical_rf_1.1.0", "2.0", "1"]
    classes["class_name"], classes["probability"] = ["RRL", "E", "RRL", "SN"], [0.75, 0.25, 0.5, 0.9]
    classes["ranking"] = [1, 2, 1, 1]
    archive.add_probabilities(classes)
    _add_more(archive, oid[0], next(row["oid"] for row in archive.sources() if row["name"] == "near"))
    return archive


def build_hostile(path):
    """`Archive` of the stars with hostile names; the first has a hostile identifier too."""
    from alerce_zvar.server import alerce

    table = star_table()
    renamed = dict(zip(STARS, HOSTILE, strict=True))
    table["name"] = np.array([renamed[name] for name in table["name"]])
    archive = Archive.create(path)
    archive.import_table(table)
    known = next(row["oid"] for row in archive.sources() if row["name"] == HOSTILE[0])
    archive.import_alerce({"oid": HOSTILE_OID, "lightcurve": alerce.lightcurve(archive, {"oid": known})})
    return archive


def _add_more(archive, oid, near):
    """Features of one object, forced photometry of another, a taxonomy."""
    features = Table({"name": ["W1-W2", "Power_rate_1/2", "Power_rate_1/2"], "value": [np.nan, 0.5, 1.5]})
    features["oid"], features["band"], features["version"] = oid, ["none", "g", "r"], ["1", "1", "2"]
    archive.add_features(features)
    forced = Table({"oid": [near] * 2, "candid": [f"{near}1", f"{near}2"], "band": ["g", "r"], "pid": [1, 2]})
    forced["time"] = Time([60284.2, 60284.1], format="mjd", scale="utc")
    forced["mag"], forced["isdiffpos"], forced["ra"], forced["dec"] = [17.634725570678711, 100.0], 1, 10.01, 20.0
    forced["corrected"], forced["dubious"], forced["has_stamp"], forced["tid"] = True, False, False, "ztf"
    forced["procstatus"], forced["distnr"], forced["parent_candid"] = ["0", "55"], -99999.0, "529430206115010015"
    archive.add_forced_photometry(forced)
    taxonomy = Table({"classifier": ["atat(beta)"] * 2 + ["lc_classifier"], "class_name": ["RRLab", "CV/Nova", "E"]})
    taxonomy["classifier_version"] = ["beta", "beta", "hierarchical_random_forest_1.0.0"]
    archive.add_classifiers(taxonomy)


def recorded(real_data, name):
    return json.loads((real_data / "recorded" / "alerce" / name).read_text())


def compare(ours, theirs):
    """Same keys; of the same type where both have values, and null only what an archive cannot know."""
    ours, theirs = _body_types(ours), _body_types(theirs)
    assert list(ours) == list(theirs)
    for key, kinds in ours.items():
        values = theirs[key] - {type(None)}
        assert not values or kinds - {type(None)} <= values, key
        assert not values or kinds != {type(None)} or key in ONLY_THEIRS, key


def _body_types(rows):
    """Key -> types of its values, in the order of the keys."""
    found = {}
    for row in rows:
        for key, value in row.items():
            found.setdefault(key, set()).add(type(value))
    return found
