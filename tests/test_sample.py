"""The sample sky and the demo: the truth comes back through the archive, the services and the report."""

import hashlib
import os
from html.parser import HTMLParser
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table
from astropy.time import Time
from astropy.timeseries import TimeSeries
from numpy.testing import assert_allclose

from alerce_zvar.archive import Archive
from alerce_zvar.errors import ArchiveError
from alerce_zvar.period import find_period
from alerce_zvar.plot.folded import period_text
from alerce_zvar.sample import build_sample, report, sample_truth, shapes
from alerce_zvar.sample.demo import run_demo
from alerce_zvar.sample.report import verdict
from alerce_zvar.sample.stars import CENTRE, COUNTS, RADIUS
from alerce_zvar.server import serve
from alerce_zvar.zvar.photometry import flux_to_mag

SEARCH = {"minimum_period": 0.04 * u.day, "maximum_period": 500 * u.day}
EPOCHS = """
    SELECT s.psid::VARCHAR AS psid, e.bjd, l.band, l.field, l.ccd, l.quad, e.flux, e.flux_err, l.magzp, l.mag_ref,
           e.limiting_mag FROM epochs e JOIN lightcurves l USING (lc) JOIN sources s USING (psid) ORDER BY s.psid, e.bjd
"""


@pytest.fixture(scope="session")
def sample_archive(tmp_path_factory):
    """The sample sky with seed 0, open for reading."""
    path = tmp_path_factory.mktemp("sample") / "sky.duckdb"
    build_sample(path).close()
    with Archive.open(path, read_only=True) as archive:
        yield archive


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


def test_same_seed_same_content(sample_archive, truth, tmp_path):
    with build_sample(tmp_path / "again.duckdb", seed=0) as again, build_sample(tmp_path / "x.duckdb", seed=1) as other:
        assert digest(again) == digest(sample_archive)
        assert digest(other) != digest(sample_archive)
        other_truth = sample_truth(other)
    assert set(other_truth["psid"]).isdisjoint(truth["psid"])


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
    assert len(periodic) == 43
    for row in periodic:
        result = find_period(light_curve(epochs, row["psid"]), **SEARCH)
        words = verdict(result, row["period"])
        wanted = {"right"} if row["class_name"] not in ("EA", "EW") else {"right", "half of the true period"}
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


class Page(HTMLParser):
    """Links and pictures of a page, and the text of its code."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.code, self._inside = [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.targets += [value for name, value in attrs if name in ("src", "href")]
        self._inside = self._inside or tag == "pre"

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "pre"

    def handle_data(self, data):
        self.code += data * self._inside


EARLIER = ("folded_145080008108521100.png", "alerts_ZTF17aaaaaaa.ecsv", "periodogram_145080008108521100.png")
KEPT = ("folded_notes.png", "mine.ecsv", "alerts_of_mine.ecsv")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Folder and progress of a demo, which ran in the folder of an earlier one."""
    folder, steps = tmp_path_factory.mktemp("demo"), []
    build_sample(folder / "sky.duckdb", seed=4).close()
    for name in (*EARLIER, *KEPT):
        folder.joinpath(name).write_text("earlier", encoding="ascii")
    path = run_demo(folder, seed=3, progress=lambda done, total, what: steps.append((done, total, what)))
    assert path == folder / "report.html"
    return folder, steps


def test_demo_report_is_whole_and_self_contained(demo):
    folder, steps = demo
    text = (folder / "report.html").read_text(encoding="utf-8")
    targets = Page(text).targets
    files = {target for target in targets if not target.startswith("#")}
    assert not [name for name in files if "//" in name or not (folder / name).is_file()]
    there = {path.name for path in folder.iterdir()} - set(KEPT)
    assert {name for name in files if name.endswith(".png")} == {name for name in there if name.endswith(".png")}
    assert {name for name in files if name.endswith(".ecsv")} == {name for name in there if name.endswith(".ecsv")}
    assert len(list(folder.glob("folded_1*.png"))) >= 5
    assert "wrong" not in text
    assert "right" in text
    assert steps[0][0] == 0
    assert steps[-1][:2] == (6, 6)


def test_demo_replaces_what_an_earlier_one_left_and_nothing_else(demo):
    folder, _ = demo
    assert not [name for name in EARLIER if folder.joinpath(name).exists()]
    assert all(folder.joinpath(name).read_text(encoding="ascii") == "earlier" for name in KEPT)


@pytest.mark.parametrize("mine", ["a sky of my own", "no archive"])
def test_demo_leaves_another_sky_alone(mine, tmp_path):
    path = tmp_path / "sky.duckdb"
    if mine == "no archive":
        path.write_bytes(b"something else")
    else:
        Archive.create(path).close()
    before = path.read_bytes()
    with pytest.raises(ArchiveError, match=r"sky\.duckdb is not the sky of an earlier demo, so it is not replaced"):
        run_demo(tmp_path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["sky.duckdb"]


def test_demo_code_by_hand_gives_the_numbers_of_the_report(demo, monkeypatch):
    folder, _ = demo
    text = (folder / "report.html").read_text(encoding="utf-8")
    with serve(folder / "sky.duckdb") as server:
        monkeypatch.setenv("ALERCE_ZVAR_SERVER", server.url)
        names = {}
        exec(compile(Page(text).code, "report.html", "exec"), names)
    plt.close("all")
    assert f"<strong>{len(names['sources'])}</strong> ZVAR sources" in text
    assert f"<strong>{len(names['objects'])}</strong> ALeRCE objects" in text
    result = names["result"]
    assert f"Period found: {period_text(result)}, power {result.power:.3f}," in " ".join(text.split())
    assert f"from {result.n_points} points in g and r" in text
    assert "PeriodResult" not in text


def test_demo_says_when_a_period_is_at_the_edge(demo):
    folder, _ = demo
    assert ("edge of the range" in (folder / "report.html").read_text(encoding="utf-8")) is False
    star = {"psid": "1", "oid": "2", "ra": 1.0, "dec": 2.0, "class_name": "E", "probability": 1.0, "true_class": "E"}
    result = SimpleNamespace(at_edge=True, power=0.5, n_points=9, bands=("g",), nterms=4, n_frequencies=10)
    star |= {"true_period": None, "zvar": None, "period": 1.0, "period_err": 0.1, "verdict": "wrong", "figures": []}
    numbers = dict.fromkeys(("seed", "n_sources", "n_objects", "n_rows", "n_found", "n_periodic"), 1)
    options = dict.fromkeys(("classifier", "search", "min_snr"), "")
    entry = star | {"result": result, "shown": "P = 1 d", "chance": "0.1"}
    page = report._template().render(entries=[entry], tables=[], options=options, **numbers)
    assert "at the edge of the range searched" in page


def test_demo_tables_are_readable_and_right(demo):
    folder, _ = demo
    sources = Table.read(folder / "zvar_sources.ecsv")
    assert len(sources) == 300
    assert sources["psid"].dtype.kind == "U"
    with Archive.open(folder / "sky.duckdb", read_only=True) as archive:
        truth = sample_truth(archive)
    true = dict(zip(truth["psid"], truth["period"].filled(np.nan), strict=True))
    compared = 0
    for path in folder.glob("folded_1*.ecsv"):
        folded = QTable.read(path)
        assert np.all((folded["phase"] >= 0) & (folded["phase"] < 1))
        psid = path.stem.removeprefix("folded_")
        if np.isfinite(true[psid]):
            ratio = folded.meta["period"].to_value(u.day) / true[psid]
            assert np.min(np.abs(ratio - np.array([1, 0.5, 2]))) < 0.01
            compared += 1
    assert compared >= 5


def test_demo_leaves_no_login_behind(demo):
    assert "ZVAR_PASSWORD" not in os.environ
    assert "ZVAR_USERNAME" not in os.environ
