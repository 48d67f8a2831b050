"""The explorer's Python side: payload, candidates, inputs, the page's file, the widget without a browser."""

import base64
import csv
import gzip
import json
import queue
import re
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from fault_server import FaultServer, json_reply
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose
from star_server import LOGIN, build

from alerce_zvar import AlerceClass, LightCurves, ZvarClass, find_period, find_periods
from alerce_zvar.errors import PartialResultWarning, ServiceError
from alerce_zvar.period import fpw, periodogram
from alerce_zvar.plot import explore, write_html
from alerce_zvar.plot.explorer import (
    PeriodCandidate,
    as_candidates,
    assets,
    default_links,
    from_alerce,
    from_result,
    from_zvar,
    object_payload,
    page_payload,
)
from alerce_zvar.plot.explorer.files import SCRIPTS
from alerce_zvar.plot.explorer.payload import pack
from alerce_zvar.plot.model import build_fold_model
from alerce_zvar.server import serve

PERIOD = 0.5713
RANGE = {"minimum_period": 0.3 * u.day, "maximum_period": 2 * u.day}
KINDS = {"f8": "<f8", "f4": "<f4", "u4": "<u4", "u2": "<u2", "u1": "u1"}
DAY = 1 * u.day
MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function|document\.write")


def star(n=60, *, scale="tdb", id="star"):
    """In g and r; row 0 has no time, row 1 no band, row 2 is an upper limit, row 3 has an infinite error."""
    rng = np.random.default_rng(n)
    days = np.sort(rng.uniform(58200, 58400, n))
    time = Time(days, format="mjd", scale=scale)
    time[0] = np.ma.masked
    curve = TimeSeries(time=time)
    curve["band"] = MaskedColumn(rng.choice(["g", "r"], n), mask=np.arange(n) == 1)
    hidden = np.arange(n) == 2
    mag = 17 + 0.3 * np.cos(2 * np.pi * days / PERIOD) + rng.normal(0, 0.02, n)
    curve["mag"] = Masked(np.where(hidden, 99.0, mag).astype("f4") * u.mag, hidden)
    curve["mag_err"] = np.where(np.arange(n) == 3, np.inf, 0.02) * u.mag
    curve["limiting_mag"] = Masked(np.where(hidden, 20.5, 77.0) * u.mag, ~hidden)
    curve.meta["id"] = id
    return curve


def plain(n=60, **options):
    """A star without gaps."""
    curve = star(n + 4, **options)[4:]
    data = {"band": np.asarray(curve["band"]), "mag": curve["mag"].unmasked, "mag_err": curve["mag_err"]}
    return TimeSeries(time=curve["time"].unmasked, data=data, meta=dict(curve.meta))


def unpack(packed):
    return np.frombuffer(base64.b64decode(packed["data"]), KINDS[packed["dtype"]])


# ------------------------------------------------------------------------------------------------------- payload


def test_what_is_masked_is_not_in_the_payload():
    payload = json.loads(json.dumps(object_payload(star()), allow_nan=False))
    column = payload["columns"]["mag"]
    assert len(unpack(payload["time"]["jd1"])) == 58  # without a time, and without anything to show
    assert len(unpack(column["value"])) == 57
    assert max(unpack(column["value"])) < 18
    assert np.isfinite(unpack(column["error"])).all()
    assert unpack(payload["limits"]["value"]).tolist() == [20.5]
    assert [(group["band"], group["field"]) for group in payload["groups"]] == [("", ""), ("g", ""), ("r", "")]


def test_times_are_exact_and_folded_in_their_own_scale():
    for scale, fold_scale in (("tdb", "tdb"), ("utc", "tai"), ("tai", "tai")):
        curve = plain(scale=scale)
        payload = object_payload(curve)
        exact = getattr(curve["time"], fold_scale)
        assert (payload["time"]["scale"], payload["time"]["fold_scale"]) == (scale, fold_scale)
        assert np.array_equal(unpack(payload["time"]["jd1"]), exact.jd1)
        assert np.array_equal(unpack(payload["time"]["jd2"]), exact.jd2)
        epoch = getattr(Time(2451545.0, format="jd", scale=scale), fold_scale)
        assert payload["epoch"] == {"jd1": epoch.jd1, "jd2": epoch.jd2}


@given(arrays.arrays(st.sampled_from(["f4", "f8"]), st.integers(0, 50), elements={"allow_nan": False}))
def test_packed_floats_come_back(array):
    assert np.array_equal(unpack(pack(array)), array)


@given(arrays.arrays(np.int64, st.integers(0, 50), elements=st.integers(0, 2**32 - 1)))
def test_packed_integers_come_back(array):
    assert np.array_equal(unpack(pack(array)), array)


@given(st.text(), st.text())
def test_any_name_comes_back(id, band):
    curve = plain(4)
    curve["band"] = np.array([band.replace("\0", "")] * 4)
    payload = json.loads(json.dumps(page_payload([object_payload(curve, id=id)])))
    assert payload["objects"][0]["id"] == id
    assert {group["band"] for group in payload["objects"][0]["groups"]} == {band.replace("\0", "")}


def test_an_id_of_a_number_is_a_text():
    assert object_payload(plain(), id=2**62 + 1)["id"] == str(2**62 + 1)


def test_periods_keep_their_unit():
    payload = object_payload(
        plain(), periods=[34.2 * u.min, 2 * u.yr, PeriodCandidate(3 * u.h, "x", "y", Time(58300, format="mjd"))]
    )
    found = [(one["value"], one["per_day"]) for one in payload["periods"]]
    assert found == [(34.2, 1440.0), (730.5, 1.0), (3.0, 24.0)]
    assert_allclose(
        payload["periods"][2]["epoch"]["jd1"] + payload["periods"][2]["epoch"]["jd2"], 2458300.5 + 69.18 / 86400
    )


def test_a_periodogram_is_reduced_to_its_envelope():
    scan = periodogram(plain(), **RANGE)
    payload = object_payload(plain(), periodogram=scan)["periodogram"]
    frequency, power = unpack(payload["frequency"]), unpack(payload["power"])
    assert len(frequency) == len(power) <= 3000
    assert frequency[np.argmax(power)] == scan.best_frequency.value
    assert payload["label"] == scan.statistic


def test_links_are_of_position_and_id():
    place = SkyCoord(10.5 * u.deg, -5.25 * u.deg)
    links = default_links("ZTF18<x>", place)
    assert links["ALeRCE Explorer"] == "https://alerce.online/object/ZTF18%3Cx%3E"
    assert "Coord=10.5000000%20-5.2500000&" in links["SIMBAD"]
    assert "target=10.5000000%20-5.2500000&" in links["Aladin"]
    assert "ra=10.5000000&dec=-5.2500000" in default_links("145120008365555264", place)["ALeRCE Explorer"]
    assert default_links("nothing") == {}
    payload = object_payload(plain(), links={"mine": "https://example.org/?a=<b>"})
    assert payload["links"] == [{"label": "mine", "url": "https://example.org/?a=<b>"}]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"links": {"x": "javascript:alert(1)"}}, ValueError, "https://"),
        ({"links": {"x": "http://example.org"}}, ValueError, "https://"),
        ({"coordinates": (1, 2)}, TypeError, "coordinates must be one SkyCoord"),
        ({"periods": 0.5}, TypeError, "periods must be Quantities"),
        ({"periods": [1 * u.m]}, u.UnitsError, "unit of time"),
        ({"periods": -DAY}, ValueError, "positive"),
        ({"periodogram": [1, 2]}, TypeError, "periodogram must be"),
        ({"epoch_time": 58000.0}, TypeError, "epoch_time must be one astropy Time"),
        ({"epoch_time": Time(1, format="mjd", scale="local")}, TypeError, "scale 'local'"),
    ],
)
def test_what_cannot_be_shown_is_refused(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        object_payload(plain(), **options)


def test_tables_that_are_no_light_curves_are_refused():
    with pytest.raises(TypeError, match="column 'time'"):
        object_payload(Table({"mag": [1.0]}))
    with pytest.raises(ValueError, match="neither a column 'mag' nor 'flux'"):
        object_payload(TimeSeries(time=Time([1.0], format="mjd"), data={"band": ["g"]}))
    with pytest.raises(ValueError, match="no light curve"):
        page_payload([])


# ---------------------------------------------------------------------------------------------------- candidates


def test_candidates_of_a_search_have_reasons():
    result = find_period(plain(200), **RANGE)
    best, *others = from_result(result)
    assert best.period == result.period
    assert best.epoch_time.jd == result.epoch_time.jd
    assert (best.origin, best.detail.startswith("best")) == ("find_period", True)
    assert [one.period for one in others] == list(result.alternatives["period"])
    assert all(row["reason"] in one.detail for one, row in zip(others, result.alternatives, strict=True))
    assert all(one.detail.count(row["shape"]) == 1 for one, row in zip(others, result.alternatives, strict=True))


def test_candidates_of_scans():
    scan = periodogram(plain(200), **RANGE)
    assert [one.period for one in from_result(scan)] == list(scan.peaks(5)["period"])
    found = from_result(fpw(plain(200), **RANGE, n_bins=[5, 10]))
    assert [one.detail.partition(",")[0] for one in found] == ["5 bins", "10 bins"]
    with pytest.raises(TypeError, match="PeriodResult, Periodogram or FpwResult"):
        from_result(0.5)


def test_candidates_of_zvar_are_the_most_significant_of_a_band_and_bins():
    table = Table({"field": [600, 601, 600, 600], "band": ["g", "g", "r", "r"], "n_bins": [5, 5, 5, 10]})
    table["period"] = MaskedColumn([0.5, 0.6, 0.7, 0.8], mask=[False, False, True, False], unit=u.day)
    table["significance"] = MaskedColumn([10.0, 30.0, 99.0, 0.0], mask=[False, False, False, True])
    found = [(one.period.value, one.origin, one.detail) for one in from_zvar(table)]
    assert found == [(0.6, "ZVAR", "g, 5 bins, significance 30"), (0.8, "ZVAR", "r, 10 bins")]


def test_candidates_of_alerce_are_its_periods_only():
    table = Table({"name": ["Period_band", "Amplitude", "Multiband_period", "Period_band", "Multiband_period"]})
    table["value"] = MaskedColumn([0.6, 9.0, 0.3, -1.0, 0.4], mask=[False] * 4 + [True])
    table["band"], table["version"] = ["g", "r", "none", "r", "gr"], "27.5.6"
    found = [(one.period.value, one.detail) for one in from_alerce(table)]
    assert found == [(0.3, "Multiband_period, version 27.5.6"), (0.6, "Period_band, g, version 27.5.6")]


def test_whatever_says_a_period_is_a_candidate():
    result = find_period(plain(200), **RANGE)
    found = as_candidates([[1, 2] * u.day, PeriodCandidate(3 * DAY, "me"), (4 * u.h,), result])
    assert [one.period for one in found[:4]] == [1 * DAY, 2 * DAY, 3 * DAY, 4 * u.h]
    assert len(found) == 4 + len(from_result(result))
    assert as_candidates(None) == []
    with pytest.raises(TypeError, match="origin must be a text"):
        PeriodCandidate(1 * DAY, 5)


# ---------------------------------------------------------------------------------------------- the file of a page


def data_of(path):
    text = Path(path).read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_page_holds_plotly_once_and_hostile_names_do_no_harm(tmp_path):
    hostile = "</script><script>alert(1)</script><!--"
    path = write_html(tmp_path / "x.html", plain(id=hostile), DAY, title=hostile)
    text = path.read_text(encoding="utf-8")
    assert data_of(path)["objects"][0]["id"] == hostile
    assert text.count("<script>alert(1)") == 0
    assert len(re.findall(r"\* plotly\.js v", text)) == 1
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?!data:)", text)


def test_periods_for_many_light_curves(tmp_path):
    curves = {"a": plain(id="a"), "b": plain(80, id="b"), "c": plain(9, id="c")}
    found = find_periods({"a": curves["a"], "b": curves["b"]}, workers=1, **RANGE)

    def periods(given):
        path = write_html(tmp_path / "x.html", curves, given, overwrite=True)
        return [[one["value"] for one in thing["periods"]] for thing in data_of(path)["objects"]]

    assert periods([]) == [[], [], []]
    assert periods(2 * DAY) == [[2.0]] * 3
    assert periods([1, 2, 3] * u.day) == [[1.0], [2.0], [3.0]]
    assert periods([DAY, [2 * DAY, 3 * DAY], []]) == [[1.0], [2.0, 3.0], []]
    assert periods({"a": DAY, "b": [], "c": []}) == [[1.0], [], []]
    assert periods(found)[:2] == [[value] for value in found["period"].value]
    assert data_of(tmp_path / "x.html")["objects"][2]["note"].startswith("No period was found: ")
    with pytest.raises(ValueError, match="one for each of the 3 light curves; there are 2"):
        periods([1, 2] * u.day)
    with pytest.raises(ValueError, match="'id' and 'period'"):
        periods(QTable({"x": [1]}))


def test_light_curves_of_every_kind(tmp_path):
    one, two = plain(id="one"), plain(80, id="two")
    many = LightCurves.from_tables([one, two], ["1", "2"])
    for curves, ids in [(one, ["one"]), ([one, two], ["one", "two"]), (many, ["1", "2"]), ({"x": one}, ["x"])]:
        path = write_html(tmp_path / "x.html", curves, [], overwrite=True)
        assert [thing["id"] for thing in data_of(path)["objects"]] == ids
    for bad, error in [(5, TypeError), ([], ValueError), ([1, 2], TypeError), ({}, ValueError)]:
        with pytest.raises(error, match="light_curves"):
            write_html(tmp_path / "y.html", bad)


def test_places_give_links_and_must_be_as_many(tmp_path):
    place = SkyCoord([10, 20] * u.deg, [1, -2] * u.deg)
    path = write_html(tmp_path / "x.html", [plain(), plain()], [], coordinates=place)
    assert [thing["coordinates"] for thing in data_of(path)["objects"]] == [[10.0, 1.0], [20.0, -2.0]]
    with pytest.raises(ValueError, match="coordinates must be one for each of the 1 light curves; there are 2"):
        write_html(tmp_path / "y.html", plain(), [], coordinates=place)
    with pytest.raises(TypeError, match="SkyCoord"):
        write_html(tmp_path / "y.html", plain(), [], coordinates="10 1")


def test_half_a_character_in_a_title_is_replaced(tmp_path):
    path = write_html(tmp_path / "x.html", plain(id="half \ud800"), DAY)
    assert "<title>half ?</title>" in path.read_text(encoding="utf-8")
    assert data_of(path)["objects"][0]["id"] == "half \ud800"


def test_file_names_are_checked_first(tmp_path):
    path = write_html(tmp_path / "x.html", plain(), DAY)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_html(path, plain(), DAY)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        write_html(tmp_path, plain(), DAY)
    with pytest.raises(FileNotFoundError, match="no folder"):
        write_html(tmp_path / "none" / "x.html", plain(), DAY)
    with pytest.raises(TypeError, match="name of a file"):
        write_html(5, plain(), DAY)
    assert [one.name for one in tmp_path.iterdir()] == ["x.html"]


def test_scripts_are_strict_and_write_no_markup():
    files = assets()
    assert {"plotly.min.js", "explorer.css", *SCRIPTS} == set(files)
    for name in SCRIPTS:
        assert '"use strict"' in files[name]
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function|document\.write", files[name]
        )


def test_the_keys_of_the_guide_are_those_of_the_page():
    listed = json.loads(re.sub(r",\s*\]", "]", re.search(r"KEYS = (\[.*?\]);", assets()["keys.js"], re.DOTALL)[1]))
    guide = Path(__file__).parent.parent.joinpath("docs", "how_to", "explore.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^   \* - ``(.)``\n     - (.+)$", guide, re.MULTILINE)
    assert rows == [(key, text) for key, _, text in listed]


# -------------------------------------------------------------------------------------------------------- widget


def asked(explorer, index):
    """What the widget sends when a page looks at an object, until its periods are there."""
    sent = queue.Queue()
    explorer.send = sent.put
    explorer._handle_custom_msg({"look": index}, [])  # as the page's message does
    answers = [sent.get(timeout=60)]
    while answers[-1]["object"].get("pending"):
        answers.append(sent.get(timeout=60))
    assert {answer["index"] for answer in answers} == {index}
    return [answer["object"] for answer in answers]


def test_light_curves_travel_and_periods_are_searched_when_looked_at():
    explorer = explore({"known": plain(), "searched": plain(200), "short": plain(5)}, {"known": DAY})
    assert explorer.page["objects"][1] == {"id": "searched", "title": "searched", "stub": True}
    (known,) = asked(explorer, 0)
    assert [one["value"] for one in known["periods"]] == [1.0]
    first, second = asked(explorer, 1)
    assert (first["periods"], first["pending"], len(unpack(first["time"]["jd1"]))) == ([], True, 200)
    assert_allclose(second["periods"][0]["value"], find_period(plain(200)).period.value, rtol=1e-12)
    assert second["periodogram"] is not None
    assert asked(explorer, 1)[0]["periods"] == second["periods"]  # not searched again
    assert asked(explorer, 2)[-1]["note"].startswith("No period was found")


def test_a_light_curve_that_cannot_be_shown_is_told():
    bad = TimeSeries(time=Time([1.0], format="mjd"), data={"band": ["g"]})
    (answer,) = asked(explore([bad, plain()], DAY), 0)
    assert answer["failed"] is True
    assert "neither a column 'mag' nor 'flux'" in answer["note"]


def test_python_changes_what_is_shown():
    explorer = explore([plain(id="a"), plain(80, id="b", scale="utc")], DAY)
    result = find_period(plain(200), **RANGE)
    epoch = Time(58300.5, format="mjd", scale="tai")
    explorer.set(object="b", period=12 * u.h, epoch_time=epoch, n_bins=30, cycles=1.5)
    assert (explorer.object_id, explorer.index, explorer.period, explorer.n_bins) == ("b", 1, 0.5 * DAY, 30)
    assert explorer.get_state(["period"]) == {"period": 0.5}
    assert explorer.epoch_time.scale == "utc"
    assert_allclose((explorer.epoch_time - epoch).to_value(u.s), 0, atol=1e-5)
    explorer.set(object=0, period=result)
    assert (explorer.object_id, explorer.period) == ("a", result.period)
    assert_allclose(explorer.epoch_time.mjd, result.epoch_time.mjd)
    assert len(explorer.light_curve) == 60


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"object": "c"}, ValueError),
        ({"object": 2}, ValueError),
        ({"period": 0.5}, TypeError),
        ({"period": 1 * u.m}, u.UnitsError),
        ({"period": 1e-9 * DAY}, ValueError),
        ({"epoch_time": 58000.0}, TypeError),
        ({"n_bins": 1001}, Exception),
        ({"cycles": 3}, Exception),
    ],
)
def test_bad_changes_are_refused(changes, error):
    explorer = explore([plain(id="a"), plain(id="b")], DAY)
    with pytest.raises(error):
        explorer.set(**changes)
    assert (explorer.index, explorer.period, explorer.n_bins, explorer.cycles) == (0, None, 0, 2)


def test_kept_periods_are_a_table():
    explorer = explore(plain(), DAY)
    assert explorer.kept_periods.colnames == ["id", "period", "epoch_time", "origin", "note"]
    row = {"id": "1" * 19, "period": 0.5, "epoch_mjd": 58000.0, "scale": "tdb", "origin": "typed", "note": "<b>"}
    explorer.kept = [row, row | {"scale": "utc"}]
    table = explorer.kept_periods
    assert table["id"].tolist() == ["1" * 19] * 2
    assert table["period"].unit == u.day
    assert (table["epoch_time"].scale, table["note"][0]) == ("tdb", "<b>")
    assert_allclose((table["epoch_time"][1] - table["epoch_time"][0]).to_value(u.s), 69.184, atol=0.01)


def test_what_is_no_light_curve_is_refused():
    for wrong in (5.0, None, [1.5]):
        with pytest.raises(TypeError):
            explore(wrong)
    with pytest.raises(ValueError, match="coordinates go with light curves"):
        explore("ZTF18abcdefg", coordinates=SkyCoord(0 * u.deg, 0 * u.deg))


# ------------------------------------------------------------------------------------------------------ services


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    """A server of four stars; the first has a period at both services."""
    with build(tmp_path_factory.mktemp("sky") / "sky.duckdb") as archive:
        table = archive.sources()
        features = Table({"oid": table["oid"][:1], "name": ["Multiband_period"], "value": [0.25], "band": ["gr"]})
        features["version"] = "27.5.6"
        archive.add_features(features)
        with serve(archive, users=dict([LOGIN])) as server:
            yield server.url, table


@pytest.fixture
def services(sky, monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", LOGIN[0])
    monkeypatch.setenv("ZVAR_PASSWORD", LOGIN[1])
    return {"alerce": AlerceClass(url=sky[0]), "zvar": ZvarClass(url=sky[0])}


def test_ids_are_asked_of_both_services(sky, services):
    psid, oid = (str(sky[1][name][0]) for name in ("psid", "oid"))
    explorer = explore([psid, oid], **services)
    assert [one["id"] for one in explorer.page["objects"]] == [psid, oid]
    for index, order in enumerate((["ZVAR", "ALeRCE"], ["ALeRCE", "ZVAR"])):
        (payload,) = asked(explorer, index)
        assert list(dict.fromkeys(one["origin"] for one in payload["periods"])) == order
        found = {(one["origin"], one["value"]) for one in payload["periods"]}
        assert found == {("ZVAR", 2.0), ("ZVAR", 0.5), ("ALeRCE", 0.25)}
        assert_allclose(payload["coordinates"], [sky[1]["ra"][0], sky[1]["dec"][0]], atol=1e-4)
        assert payload["limits"] is not None
        assert payload["links"][0]["label"] == "SIMBAD"


def test_given_periods_come_before_those_of_services(sky, services):
    (payload,) = asked(explore(int(sky[1]["psid"][0]), 0.7 * DAY, **services), 0)
    assert [one["value"] for one in payload["periods"]] == [0.7]


def test_an_id_without_periods_is_searched(sky, services):
    row = next(number for number, name in enumerate(sky[1]["name"]) if name == "far")
    answers = asked(explore(str(sky[1]["psid"][row]), **services), 0)
    assert answers[-1]["periods"] or answers[-1]["note"]


def test_a_service_that_fails_is_announced_and_the_rest_is_shown(sky, services):
    psid = str(sky[1]["psid"][0])
    with FaultServer(json_reply({"detail": "broken"}, 400)) as broken:
        services["alerce"] = AlerceClass(url=broken.url)
        with pytest.warns(PartialResultWarning, match="periods of alerce"):
            explorer = explore(psid, **services)
        (payload,) = asked(explorer, 0)
        assert {one["origin"] for one in payload["periods"]} == {"ZVAR"}
        with pytest.raises(ServiceError):
            explore("ZTF18abcdefg", **services)


def test_bad_ids_are_refused(services):
    with pytest.raises(ValueError, match="no ids"):
        explore([], **services)
    with pytest.raises(TypeError, match="an id must be"):
        explore([True], **services)


# ---------------------------------------------------------------------------------------------------- real stars


def vsx_star(folder, name):
    rows = []
    for path in sorted((folder / "ztf_vsx" / "lightcurves").glob(f"{name}-z*.csv.gz")):
        with gzip.open(path, "rt") as file:
            rows += [row for row in csv.DictReader(file) if not int(row["catflags"]) & 32768]
    curve = TimeSeries(time=Time([float(row["hjd"]) for row in rows], format="jd", scale="utc"))
    curve["band"] = [row["filtercode"][-1] for row in rows]
    curve["mag"] = [float(row["mag"]) for row in rows] * u.mag
    curve["mag_err"] = [float(row["magerr"]) for row in rows] * u.mag
    truth = Table.read(folder / "ztf_vsx" / "truth.csv")
    return curve, float(truth["period_d"][truth["file_prefix"] == name][0]) * u.day


def rr_lyrae(folder, _):
    pandas = pytest.importorskip("pandas")
    rows = pandas.read_parquet(folder / "rrlyrae_s82" / "lightcurves.parquet")
    truth = Table.read(folder / "rrlyrae_s82" / "truth.csv")[0]
    rows = rows[(rows["id"] == truth["id"]) & (rows["magerr"] > 0) & rows["mag"].between(10, 25)]
    curve = TimeSeries(time=Time(rows["time"].to_numpy(), format="mjd", scale="utc"))
    curve["band"] = rows["band"].to_numpy(str)
    curve["mag"], curve["mag_err"] = rows["mag"].to_numpy() * u.mag, rows["magerr"].to_numpy() * u.mag
    return curve, truth["period_d"] * u.day


@pytest.mark.parametrize(("read", "name"), [(vsx_star, "u222"), (vsx_star, "minkovskiy24"), (rr_lyrae, "RR Lyrae")])
def test_real_stars_are_drawn_where_a_plain_fold_has_them(browser, tmp_path, real_data, read, name):
    """The same points as `TimeSeries.fold`, which keeps nine digits of a day."""
    curve, period = read(real_data, name)
    epoch = curve["time"].min()
    page = write_html(tmp_path / "x.html", curve, PeriodCandidate(period, "VSX", "", epoch), periodogram=False)
    browser.open(page.as_uri(), "[data-ready]")
    browser.run("explorer.set({ cycles: 1 })")
    traces = browser.run("return explorer.drawn().folded")
    drawn = np.array([(x, y) for trace in traces for x, y in zip(trace["x"], trace["y"], strict=True)])
    folded = curve.fold(period, epoch_time=epoch, wrap_phase=period)
    wanted = np.column_stack([(folded["time"] / period).to_value(u.one), folded["mag"].value])
    assert len(drawn) == len(wanted) == len(curve) > 100
    drawn, wanted = (points[np.lexsort((points[:, 0], points[:, 1]))] for points in (drawn, wanted))
    assert np.array_equal(drawn[:, 1], wanted[:, 1])
    turn = np.abs(drawn[:, 0] - wanted[:, 0])
    assert np.minimum(turn, 1 - turn).max() < 1e-6
    model = build_fold_model(curve, period, epoch_time=epoch, cycles=1)
    assert_allclose(np.sort(drawn[:, 0]), np.sort(np.concatenate([one.phase for one in model.traces])), atol=1e-12)
