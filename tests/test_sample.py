"""The sample sky and the demo: the truth comes back through the archive, the services and the report."""

import hashlib
import json
import os

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from astropy.time import Time
from astropy.timeseries import TimeSeries
from numpy.testing import assert_allclose

from alerce_zvar.archive import Archive
from alerce_zvar.errors import ArchiveError
from alerce_zvar.period import find_period
from alerce_zvar.sample import build_sample, sample_truth, shapes
from alerce_zvar.sample.demo import run_demo
from alerce_zvar.sample.report import verdict
from alerce_zvar.sample.stars import CENTRE, COUNTS, RADIUS
from alerce_zvar.zvar.photometry import flux_to_mag

SEARCH = {"method": "lombscargle", "minimum_period": 0.04 * u.day, "maximum_period": 500 * u.day}
EPOCHS = """
    SELECT s.psid::VARCHAR AS psid, e.bjd, l.band, l.field, l.ccd, l.quad, e.flux, e.flux_err, l.magzp, l.mag_ref,
           e.limiting_mag FROM epochs e JOIN lightcurves l USING (lc) JOIN sources s USING (psid) ORDER BY s.psid, e.bjd
"""


@pytest.fixture(scope="session")
def truth(sample_archive):
    return sample_truth(sample_archive)


@pytest.fixture(scope="session")
def epochs(sample_archive):
    """Every exposure of every source, with magnitudes NaN where there is no detection."""
    found = sample_archive.query(EPOCHS)
    table = Table(
        {name: np.ma.filled(values, np.nan) if values.dtype.kind == "f" else values for name, values in found.items()}
    )
    table["psid"], table["band"] = table["psid"].astype(str), table["band"].astype(str)
    table["mag"], table["mag_err"], _ = flux_to_mag(*(table[n] for n in ("flux", "flux_err", "magzp", "mag_ref")))
    return table


def light_curve(epochs, psid, bands=("g", "r")):
    rows = epochs[(epochs["psid"] == psid) & np.isin(epochs["band"], bands)]
    curve = TimeSeries(time=Time(rows["bjd"], format="jd", scale="tdb"))
    for name in ("band", "field", "ccd", "quad"):
        curve[name] = np.asarray(rows[name])
    curve["mag"], curve["mag_err"] = rows["mag"] * u.mag, rows["mag_err"] * u.mag
    return curve


def of_class(truth, *kinds):
    return truth[np.isin(truth["class_name"], kinds)]


def test_counts(sample_archive, truth):
    counts = dict(zip(*np.unique(truth["class_name"], return_counts=True), strict=True))
    assert counts == COUNTS
    summary = sample_archive.summary()
    assert summary["sources"] == 300
    assert summary["objects"] == 300 - COUNTS["constant"]
    assert 200_000 < summary["epochs"] < 300_000
    assert os.path.getsize(sample_archive.path) < 40e6


def test_sources_lie_in_the_cone_apart_from_each_other(truth):
    from astropy.coordinates import SkyCoord

    places = SkyCoord(truth["ra"], truth["dec"])
    assert np.all(places.separation(CENTRE) <= RADIUS * (1 + 1e-6))
    assert places.match_to_catalog_sky(places, nthneighbor=2)[1].min() > 5.9 * u.arcsec


def test_same_seed_same_content(sample_archive, tmp_path):
    with build_sample(tmp_path / "again.duckdb", seed=0) as again:
        assert digest(again) == digest(sample_archive)


def digest(archive):
    """Of all that an archive holds."""
    total = hashlib.sha256()
    for name in (*archive.summary(), "sample_truth"):
        for column, values in archive.query(f"SELECT * FROM {name} ORDER BY ALL").items():
            plain = np.ma.filled(values, -1) if values.dtype.kind in "fiub" else np.array([str(v) for v in values])
            total.update(f"{name}.{column}".encode() + plain.tobytes())
    return total.hexdigest()


def test_periodic_stars_have_their_periods(truth, epochs):
    periodic = truth[~np.ma.getmaskarray(truth["period"])]
    assert len(periodic) == 46
    for row in periodic:
        result = find_period(light_curve(epochs, row["psid"]), **SEARCH)
        words = verdict(result, row["period"])
        wanted = {"right"} if row["class_name"] not in ("EA", "EB", "EW") else {"right", "half of the true period"}
        assert words in wanted, (row["name"], row["class_name"], row["period"], result)
        assert result.false_alarm_probability < 1e-10


def test_amplitudes_and_levels_are_the_true_ones(truth, epochs):
    for row in of_class(truth, "RRab", "RRc", "DSCT"):
        for band in "gr":
            mag = np.asarray(light_curve(epochs, row["psid"], (band,))["mag"])
            low, high = np.nanpercentile(mag, [1, 99])
            assert high - low == pytest.approx(row[f"amplitude_{band}"], abs=0.12)
            assert (high + low) / 2 == pytest.approx(row[f"mag_{band}"], abs=0.08)


def test_epochs_of_the_truth_are_extrema(truth, epochs):
    for row in of_class(truth, "RRab", "EA"):
        curve = light_curve(epochs, row["psid"], ("r",))
        phase = (curve["time"].jd - row["epoch"]) / row["period"] % 1
        near = np.minimum(phase, 1 - phase) < 0.01
        others = np.asarray(curve["mag"])[~near]
        share = np.nanmean(others < np.nanmedian(np.asarray(curve["mag"])[near]))
        assert share < 0.12 if row["class_name"] == "RRab" else share > 0.9


def test_noise_grows_with_magnitude_and_errors_are_honest(truth, epochs):
    constant = set(of_class(truth, "constant")["psid"])
    rows = epochs[np.isin(epochs["psid"], list(constant)) & (epochs["band"] == "r") & (epochs["field"] == 648)]
    level = dict(zip(truth["psid"], truth["mag_r"], strict=True))
    true = np.array([level[psid] for psid in rows["psid"]])
    for magnitude, low, high in ((15.5, 0.006, 0.02), (19.0, 0.04, 0.10)):
        part = rows[np.abs(true - magnitude) < 0.5]
        offset = part["mag"] - true[np.abs(true - magnitude) < 0.5]
        assert low < np.nanmedian(part["mag_err"]) < high
        by_source = [
            np.nanstd(offset[part["psid"] == psid]) / np.nanmedian(part["mag_err"][part["psid"] == psid])
            for psid in np.unique(part["psid"])
        ]
        assert np.median(by_source) == pytest.approx(1.0, abs=0.12)
    faint = rows[true > 20.3]
    assert 0.2 < np.mean(np.isnan(faint["mag"])) < 0.98  # upper limits
    assert np.all(np.isfinite(faint["limiting_mag"]))
    assert np.mean(np.isnan(rows["mag"][true < 18])) == 0


def test_cadence_has_seasons_fields_and_bands(epochs):
    assert set(zip(epochs["field"], epochs["band"], strict=True)) == {
        (648, "g"), (648, "r"), (648, "i"), (1645, "g"), (1645, "r"),
    }  # fmt: skip
    assert {(int(c), int(q)) for c, q in zip(epochs["ccd"], epochs["quad"], strict=True)} == {
        (2, 1),
        (2, 2),
        (12, 3),
        (12, 4),
    }
    times = np.unique(np.round(epochs["bjd"], 1))
    assert 1600 < np.ptp(times) < 1830
    assert np.sum(np.diff(times) > 60) == 4  # five seasons
    one = epochs[(epochs["psid"] == epochs["psid"][0]) & (epochs["field"] == 648)]
    assert 180 < np.sum(one["band"] == "g") < 400


def test_supernovae_come_from_nothing(truth, epochs):
    for row in of_class(truth, "SN"):
        curve = light_curve(epochs, row["psid"])
        seen = np.isfinite(np.asarray(curve["mag"]))
        since = curve["time"].jd - row["epoch"]
        assert seen.sum() >= 10
        assert not seen[since < -60].any()
        assert (~seen[since < -60]).sum() > 50
        assert not seen[since > 300].any()
        assert np.nanmin(np.asarray(curve["mag"])) > row["mag_g"] - 0.5


def test_dwarf_novae_erupt_again_and_again(truth, epochs):
    for row in of_class(truth, "CV"):
        curve = light_curve(epochs, row["psid"])
        bright = np.asarray(curve["mag"]) < row["mag_r"] - 0.6 * row["amplitude_r"]
        nights = np.unique(np.floor(curve["time"].jd[bright]))
        assert np.sum(np.diff(nights) > 20) >= 5
        assert np.nanmedian(np.asarray(curve["mag"])) == pytest.approx(row["mag_r"], abs=0.4)


def test_shapes():
    phase = np.linspace(0, 1, 1001)
    for kind in ("RRab", "RRc", "DSCT", "LPV"):
        shape = shapes.pulsation(kind, phase)
        assert_allclose([shape.min(), shape.max(), shape[0]], [0, 1, 0], atol=1e-4)
    steep = shapes.pulsation("RRab", phase)
    assert phase[np.argmax(steep)] > 0.7  # a slow fall and a fast rise to maximum
    eclipse = shapes.eclipses(phase, width=0.03, secondary=0.4, ellipticity=0.0)
    assert_allclose(eclipse[[0, 250, 500]], [1, 0, 0.4], atol=1e-6)
    assert np.mean(eclipse > 0.01) < 0.35
    days = np.linspace(-60, 200, 2601)
    flux = shapes.supernova(days, rise=4.0, decay=25.0)
    assert flux.max() == pytest.approx(1)
    assert abs(days[np.argmax(flux)]) < 0.1
    assert flux[0] < 1e-3
    assert_allclose(shapes.outburst([-5, 4, 60]), [0, -1, 0], atol=0.1)


def test_zvar_periods_follow_the_truth_with_known_confusions(sample_archive, truth):
    found = sample_archive.query("SELECT psid::VARCHAR AS psid, field, band, period, significance, bin FROM periods")
    assert set(found["bin"]) == {5, 10, 20}
    true = dict(zip(truth["psid"], truth["period"].filled(np.nan), strict=True))
    strong = np.asarray(found["significance"]) > 30
    ratio = np.asarray(found["period"]) / np.array([true[psid] for psid in found["psid"]])
    assert np.all(np.isfinite(ratio[strong]))  # nothing strong without a period
    assert np.all(np.min(np.abs(ratio[strong][:, None] - [1, 0.5, 2]), axis=1) < 1e-4)
    assert {round(value, 1) for value in ratio[strong]} == {1.0, 0.5, 2.0}
    assert np.mean(np.abs(ratio[strong] - 1) < 0.01) > 0.5
    assert np.all((found["period"] > 5 / 1440) & (found["period"] < 10))


def test_alerce_knows_what_varies(sample_archive, truth):
    known = set(sample_archive.query("SELECT oid FROM objects")["oid"])
    varying = truth[truth["class_name"] != "constant"]
    assert known == set(varying["oid"])
    found = sample_archive.query(
        "SELECT * FROM probabilities ORDER BY oid, classifier_name, classifier_version, ranking"
    )
    table = Table({name: np.asarray(values) for name, values in found.items()})
    groups = table.group_by(["oid", "classifier_name", "classifier_version"]).groups
    assert len(groups) == len(known) * 5
    for group in groups:
        assert list(group["ranking"]) == list(range(1, len(group) + 1))
        assert np.all(np.diff(group["probability"]) <= 0)
        assert np.sum(group["probability"]) == pytest.approx(1, abs=1e-4)
    best = table[
        (table["ranking"] == 1)
        & (table["classifier_version"] == "lc_classifier_1.1.13")
        & (table["classifier_name"] == "lc_classifier")
    ]
    given = dict(zip(best["oid"], best["class_name"], strict=True))
    binaries = [given[oid] == "E" for oid in of_class(truth, "EA", "EW")["oid"]]
    assert 0.7 < np.mean(binaries) <= 1


ALERTS = """
    SELECT o.oid, o.ndet, o.ncovhist, o.firstmjd, max(d.magpsf) AS faintest, min(d.magpsf) AS brightest,
           min(d.isdiffpos) AS lowest, (SELECT count(*) FROM non_detections n WHERE n.oid = o.oid) AS missed,
           (SELECT count(*) FROM non_detections n WHERE n.oid = o.oid AND n.mjd < o.firstmjd) AS before
    FROM objects o JOIN detections d USING (oid) GROUP BY ALL
"""


def test_alerts_are_exposures_that_differ_from_the_reference(sample_archive, truth):
    found = Table({name: np.asarray(values) for name, values in sample_archive.query(ALERTS).items()})
    kinds = dict(zip(truth["oid"].filled(""), truth["class_name"], strict=True))
    kind = np.array([kinds[oid] for oid in found["oid"]])
    assert np.all(found["ndet"] < found["ncovhist"])
    assert np.all(found["ndet"] + found["missed"] == found["ncovhist"])
    assert np.all((found["faintest"] < 21.5) & (found["brightest"] > 13))
    assert np.all(found["ndet"][kind == "bogus"] < 0.06 * found["ncovhist"][kind == "bogus"])
    assert np.all(found["lowest"][np.isin(kind, ["RRab", "EW", "LPV"])] == -1)  # both sides of the reference
    assert sample_archive.query("SELECT min(abs(flux / flux_err)) AS low FROM epochs JOIN detections USING (candid)")[
        "low"
    ][0] == pytest.approx(5, abs=0.05)


def test_alerts_of_a_supernova_begin_with_its_explosion(sample_archive, truth):
    found = sample_archive.query(ALERTS)
    rows = {oid: number for number, oid in enumerate(found["oid"])}
    for row in of_class(truth, "SN"):
        alert = {name: values[rows[row["oid"]]] for name, values in found.items()}
        assert -40 < alert["firstmjd"] + 2400000.5 - row["epoch"] < 0
        assert alert["before"] > 100
        assert alert["lowest"] == 1  # more light than on the reference, always
        assert 15 < alert["ndet"] < 100


FORCED_AND_ALERTS = """
    SELECT f.mag AS forced, d.magpsf, f.mag_corr AS forced_corr, d.magpsf_corr, f.isdiffpos = d.isdiffpos AS same
    FROM forced_photometry f JOIN detections d ON d.oid = f.oid AND d.pid = f.pid WHERE f.mag < 100
"""
LSST_OBJECTS = """
    SELECT o.*, s.psid::VARCHAR AS psid FROM lsst_objects o JOIN sources s ON s.lsst_oid = o.oid ORDER BY o.oid
"""
LSST_COUNTS = """
    SELECT oid, count(*) AS n, count(DISTINCT visit) AS visits, min(mjd) AS first, max(mjd) AS last
    FROM lsst_detections GROUP BY oid ORDER BY oid
"""
LSST_FORCED_R = """
    SELECT f.*, s.psid::VARCHAR AS psid FROM lsst_forced_photometry f JOIN sources s ON s.lsst_oid = f.oid
    WHERE band = 2
"""
LSST_CLASSES = """
    SELECT oid, classifier_name AS name, classifier_version AS version, sum(probability) AS total, count(*) AS n
    FROM lsst_probabilities GROUP BY ALL ORDER BY ALL
"""
LSST_STAMPS = """
    SELECT oid, measurement_id, count(DISTINCT stamp) AS n FROM lsst_stamps GROUP BY ALL ORDER BY ALL
"""


def columns(archive, sql):
    return Table({name: np.ma.asarray(values) for name, values in archive.query(sql).items()})


def test_forced_photometry_is_of_the_same_exposures(sample_archive, truth):
    """Sentinels come as in the recorded answer (reference/alerce.md 3.7); the rest follows from the epochs."""
    found = columns(sample_archive, "SELECT * FROM forced_photometry ORDER BY oid, mjd, pid")
    kinds = dict(zip(truth["oid"].filled(""), truth["class_name"], strict=True))
    supernova = np.array([kinds[oid] == "SN" for oid in found["oid"]])
    assert len(set(found["oid"])) == 300 - COUNTS["constant"]
    assert 8000 < len(found) < 10000
    status, unusable = found["procstatus"].astype(str), found["mag"] == 100.0
    assert set(status) == {"0", "55", "56", "61"}
    assert np.array_equal(unusable, np.isin(status, ("55", "61")))
    assert 0.15 < np.mean(unusable[~supernova]) < 0.21
    for name in ("e_mag", "mag_corr", "e_mag_corr_ext"):
        assert np.array_equal(found[name] == 100.0, unusable)
    assert np.array_equal(found["e_mag_corr"] == 100.0, unusable | supernova)
    for name in ("distnr", "ranr", "decnr", "magnr", "sigmagnr", "chinr", "sharpnr"):
        assert np.array_equal(found[name] == -99999.0, status == "61")
    assert np.all(found["corrected"])
    matched = columns(sample_archive, FORCED_AND_ALERTS)
    assert len(matched) > 2500
    assert_allclose(matched["forced"], matched["magpsf"], atol=1e-5)
    assert_allclose(matched["forced_corr"], matched["magpsf_corr"], atol=1e-5)
    assert np.all(matched["same"])


def test_taxonomy_is_the_recorded_one(sample_archive, real_data):
    for name, table in (("ztf_v1_classifiers", "classifiers"), ("lsst_classifiers", "lsst_classifiers")):
        recorded = json.loads((real_data / "recorded" / "alerce" / f"{name}.json").read_text(encoding="utf-8"))
        wanted = [(c["classifier_name"], c["classifier_version"], label) for c in recorded for label in c["classes"]]
        keys = ("classifier_name", "classifier_version", "class_name")
        found = columns(sample_archive, f"SELECT {', '.join(keys)} FROM {table} ORDER BY place")
        assert [tuple(row) for row in found.iterrows()] == wanted


def test_lsst_sees_the_faintest_variables(sample_archive, truth):
    objects = columns(sample_archive, LSST_OBJECTS)
    stars = truth[[list(truth["psid"]).index(psid) for psid in objects["psid"]]]
    assert len(objects) == 12
    assert np.all(objects["oid"] > 2**53)
    assert np.all(stars["mag_r"] > 16.5)
    assert not set(stars["class_name"]) & {"constant", "bogus", "SN"}
    assert_allclose(objects["meandec"], stars["dec"], atol=0.05 / 3600)
    counts = columns(sample_archive, LSST_COUNTS)
    assert list(counts["oid"]) == list(objects["oid"])
    for ours, theirs in (("n", "n_det"), ("visits", "n_det"), ("first", "firstmjd"), ("last", "lastmjd")):
        assert_allclose(counts[ours], objects[theirs], rtol=1e-15)
    assert np.all(objects["n_forced"] == 60)
    assert set(columns(sample_archive, "SELECT DISTINCT band FROM lsst_detections")["band"]) == {1, 2, 3, 4, 5, 6}


def test_lsst_fluxes_are_those_of_the_stars(sample_archive, truth):
    rows = columns(sample_archive, LSST_FORCED_R)
    stars = {row["psid"]: row for row in truth}
    mag = 31.4 - 2.5 * np.log10(rows["scienceFlux"])
    for psid in np.unique(rows["psid"]):
        star, mine = stars[psid], rows["psid"] == psid
        if star["class_name"] in ("RRab", "RRc", "DSCT"):
            assert np.all(np.abs(mag[mine] - star["mag_r"]) < star["amplitude_r"] / 2 + 0.05)
            assert np.ptp(mag[mine]) > 0.4 * star["amplitude_r"]
    seen = columns(sample_archive, "SELECT psfFlux, psfFluxErr, scienceFlux, templateFlux FROM lsst_detections")
    assert np.all(np.abs(seen["psfFlux"]) >= 5 * seen["psfFluxErr"])
    assert_allclose(seen["scienceFlux"] - seen["templateFlux"], seen["psfFlux"], rtol=1e-6, atol=1e-3)


def test_lsst_objects_have_classes_and_stamps(sample_archive):
    found = columns(sample_archive, LSST_CLASSES)
    assert np.all(found["n"] == 5)
    assert_allclose(found["total"], 1, atol=1e-4)
    newer = found["name"] == "stamp_classifier_rubin_beta_20260421"
    assert (np.sum(newer), np.sum(~newer)) == (4, 12)
    assert set(found["version"][newer]) == {"202"}
    assert set(found["version"][~newer]) == {"201"}
    stamps = columns(sample_archive, LSST_STAMPS)
    marked = columns(sample_archive, "SELECT oid, measurement_id FROM lsst_detections WHERE has_stamp ORDER BY ALL")
    assert np.all(stamps["n"] == 3)
    assert [tuple(row) for row in stamps["oid", "measurement_id"].iterrows()] == [tuple(r) for r in marked.iterrows()]


@pytest.mark.parametrize("seed", [-1, 1.5, True, "x"])
def test_only_whole_numbers_are_seeds(seed, tmp_path):
    for make in (lambda: build_sample(tmp_path / "sky.duckdb", seed=seed), lambda: run_demo(tmp_path, seed=seed)):
        with pytest.raises(ValueError, match="seed must be a whole number"):
            make()
    assert list(tmp_path.iterdir()) == []


def test_refuses_to_overwrite_and_leaves_nothing_after_a_failure(sample_archive, tmp_path):
    with pytest.raises(ArchiveError, match="exists"):
        build_sample(sample_archive.path)
    assert sample_archive.path.exists()

    def stop(done, total, what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_sample(tmp_path / "sky.duckdb", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_only_a_sample_sky_has_a_truth(tmp_path):
    with Archive.create(tmp_path / "sky.duckdb") as archive, pytest.raises(ArchiveError):
        sample_truth(archive)
