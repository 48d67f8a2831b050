"""The local server's wire forms: what the contracts say, byte for byte where bodies were recorded."""

import http.client
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
import requests
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time

from alerce_zvar.alerce import schema as alerce_schema
from alerce_zvar.archive import Archive
from alerce_zvar.errors import ArchiveError
from alerce_zvar.server import Users, alerce, alerce_v2, hash_password, serve, zvar
from alerce_zvar.server.app import LARGE_AT_ONCE
from alerce_zvar.server.page import docs_page
from alerce_zvar.server.replies import dumps
from alerce_zvar.zvar import photometry
from alerce_zvar.zvar import schema as zvar_schema

pytest.importorskip("fastapi")

running = sys.modules["alerce_zvar.server.run"]  # the package's name for it is the function
LOGIN = ("alice", "wonderland")
STARS = {"<script>": (10.0, 20.0), "near": (10.01, 20.0), "zero": (0.001, 0.001), "far": (200.0, -30.0)}


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


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.create(tmp_path_factory.mktemp("server") / "sky.duckdb") as archive:
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
        archive.add_features(
            Table({"oid": oid[:1], "name": ["W1-W2"], "value": [np.nan], "fid": [0], "version": ["1"]})
        )
        yield archive


@pytest.fixture(scope="module")
def server(archive):
    with serve(archive, users=dict([LOGIN])) as server:
        yield server


@pytest.fixture(scope="module")
def get(server):
    with requests.Session() as session:
        yield lambda path, **params: session.get(server.url + path, params=params, auth=LOGIN, timeout=30)


@pytest.fixture(scope="module")
def post(server):
    with requests.Session() as session:
        yield lambda path, body: session.post(f"{server.url}/zvar/api{path}", json=body, auth=LOGIN, timeout=30)


@pytest.fixture(scope="module")
def stars(archive):
    """Name -> row of the table of sources."""
    return {row["name"]: row for row in archive.sources()}


def oids(reply):
    assert reply.status_code == 200, reply.text
    return [item["oid"] for item in reply.json()["items"]]


def body_types(rows):
    """Key -> types of its values, in the order of the keys."""
    found = {}
    for row in rows:
        for key, value in row.items():
            found.setdefault(key, set()).add(type(value))
    return found


def recorded(real_data, name):
    return json.loads((real_data / "recorded" / "alerce" / name).read_text())


# --- ALeRCE ---------------------------------------------------------------------------------------------------------


def test_keys_are_those_of_the_schema():
    assert set(alerce.OBJECT_KEYS) | {"step_id_corr"} == {c.wire for c in alerce_schema.OBJECT.columns}
    assert set(alerce.DETECTION_KEYS) == {c.wire for c in alerce_schema.DETECTIONS.columns}
    assert set(alerce.NON_DETECTION_KEYS) == {c.wire for c in alerce_schema.NON_DETECTIONS.columns}


def test_forms_are_those_of_the_recorded_bodies(get, stars, real_data):
    """Same keys in the same order, and no value of a type that the service did not give."""
    oid = stars["zero"]["oid"]
    pairs = [
        (get(f"/ztf/v1/objects/{oid}").json(), recorded(real_data, "ztf_v1_object_ZTF17aabopdz.json")),
        (get("/ztf/v1/objects/", oid=oid).json(), recorded(real_data, "ztf_v1_objects_oid_ranking1_p1_ps20.json")),
        (get(f"/ztf/v1/objects/{oid}/lightcurve").json(), recorded(real_data, "ztf_v1_lightcurve_ZTF17aabopdz.json")),
        (get(f"/v2/lightcurve/lightcurve/{oid}").json(), recorded(real_data, "v2_lightcurve_ZTF17aabopdz.json")),
    ]
    for ours, theirs in pairs:
        assert list(ours) == list(theirs)
        for key in theirs:
            if isinstance(theirs[key], list) and ours[key]:
                compare(ours[key], theirs[key])
    compare([pairs[0][0]], [pairs[0][1]])


def compare(ours, theirs):
    """Same keys; of the same type where both have values, and null only what an archive cannot know."""
    ours, theirs = body_types(ours), body_types(theirs)
    assert list(ours) == list(theirs)
    for key, kinds in ours.items():
        values = theirs[key] - {type(None)}
        assert not values or kinds - {type(None)} <= values, key
        assert not values or kinds != {type(None)} or key in ONLY_THEIRS, key


def test_probabilities_and_features_forms(get, archive, real_data):
    oid = archive.query("SELECT DISTINCT oid FROM features")["oid"][0]
    compare(
        get(f"/ztf/v1/objects/{oid}/probabilities").json(),
        recorded(real_data, "ztf_v1_probabilities_ZTF17aabopdz.json"),
    )
    assert get(f"/ztf/v1/objects/{oid}/features").json() == [{"name": "W1-W2", "value": None, "fid": 0, "version": "1"}]
    assert len(get(f"/ztf/v1/objects/{oid}/probabilities", classifier_version="2.0").json()) == 1


def test_redirects(get, server, real_data):
    page = requests.get(server.url + "/ztf/v1/objects?page=1&page_size=2", allow_redirects=False, timeout=30)
    assert page.status_code == 308
    assert page.headers["location"] == server.url + "/ztf/v1/objects/?page=1&page_size=2"
    shown = (real_data / "recorded" / "alerce" / "ztf_v1_objects_308.html").read_text()
    assert page.text.partition("https")[0].partition("http")[0] == shown.partition("https")[0]
    old = get("/ztf/v1//objects", page_size=2)
    assert [reply.status_code for reply in old.history] == [308, 308]
    assert len(oids(old)) == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("//%E6%97%A5", "/%E6%97%A5"),
        ("//x%0d%0aSet-Cookie:a=b", "/x%0d%0aSet-Cookie:a=b"),
        ("//objects%3Foid=1", "/objects%3Foid=1"),
        ("/ztf///v1//objects//?oid=%E6%97%A5//", "/ztf/v1/objects/?oid=%E6%97%A5//"),
        ("//evil.example/", "/evil.example/"),
    ],
)
def test_slashes_are_merged_as_they_were_sent(server, path, expected):
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("GET", path)
    reply = connection.getresponse()
    assert (reply.status, reply.getheader("location")) == (308, server.url + expected)
    assert reply.getheader("set-cookie") is None
    connection.close()


def test_a_host_that_is_none_is_not_sent_on(server):
    for host in ("e@vil:99999", "h:x[", 'h"><b>'):
        page = requests.get(server.url + "/ztf/v1/objects", headers={"Host": host}, allow_redirects=False, timeout=30)
        assert page.headers["location"] == server.url + "/ztf/v1/objects/"


def test_head_is_get_without_body(server):
    for path in ("/ztf/v1/objects/", "/openapi.json", "/zvar/api/nothing", "/zvar/api/objects"):
        head, whole = (requests.request(m, server.url + path, auth=LOGIN, timeout=30) for m in ("HEAD", "GET"))
        assert (head.status_code, head.content) == (whole.status_code, b"")
        for name in ("content-type", "content-length"):
            assert head.headers.get(name) == whole.headers.get(name)


def test_defaults_of_a_page(get):
    page = get("/ztf/v1/objects").json()
    assert {key: value for key, value in page.items() if key != "items"} == {
        "total": None, "page": None, "next": None, "has_next": False, "prev": None, "has_prev": False,
    }  # fmt: skip
    assert len(page["items"]) == 4
    assert {item["class"] for item in page["items"]} == {None}  # the default classifier is in no archive


@pytest.mark.parametrize("word", ["yes", "TRUE", "t", "y", "1"])
def test_counted_pages(get, word):
    page = get("/ztf/v1/objects/", count=word, page=2, page_size=1).json()
    assert [page[key] for key in ("total", "page", "next", "has_next", "prev", "has_prev")] == [
        4,
        None,
        3,
        True,
        1,
        True,
    ]
    last = get("/ztf/v1/objects/", count=word, page=4, page_size=1).json()
    assert [last[key] for key in ("next", "has_next", "prev")] == [None, False, 3]
    assert get("/ztf/v1/objects/", count="no").json()["total"] is None


def test_pages_hold_everything_once(get):
    pages = [oids(get("/ztf/v1/objects/", page=n, page_size=1)) for n in range(1, 6)]
    assert [oid for page in pages for oid in page] == oids(get("/ztf/v1/objects/"))
    assert len(oids(get("/ztf/v1/objects/", page=-5, page_size=-1))) == 4
    assert oids(get("/ztf/v1/objects/", page=10**15)) == []


def test_cone_and_its_trap(get, stars):
    assert oids(get("/ztf/v1/objects/", ra=10.0, dec=20.0, radius=1)) == [stars["<script>"]["oid"]]
    assert set(oids(get("/ztf/v1/objects/", ra=10.0, dec=20.0, radius=40))) == {
        stars["<script>"]["oid"],
        stars["near"]["oid"],
    }
    assert oids(get("/ztf/v1/objects/", ra=10.0, dec=20.0)) == [stars["<script>"]["oid"]]  # 30 arcsec
    assert oids(get("/ztf/v1/objects/", ra=50.0, dec=20.0)) == []
    for off in (
        {"ra": 0, "dec": 0},
        {"ra": 0, "dec": 20.0},
        {"ra": 10.0, "dec": 0},
        {"ra": 10.0, "dec": 20.0, "radius": 0},
    ):
        assert len(oids(get("/ztf/v1/objects/", **off))) == 4


def test_fan_out_of_classifications(get, archive):
    found = archive.query("SELECT DISTINCT oid FROM probabilities WHERE class_name = 'RRL'")["oid"][0]
    assert oids(get("/ztf/v1/objects/", oid=found)) == [found]
    assert oids(get("/ztf/v1/objects/", oid=found, ranking=1)) == [found, found]
    assert oids(get("/ztf/v1/objects/", classifier="lc_classifier")) == [found, found]
    ranked = get("/ztf/v1/objects/", ranking=1, order_by="probability", order_mode="DESC").json()["items"]
    assert [item["probability"] for item in ranked] == [0.9, 0.75, 0.5]
    assert oids(get("/ztf/v1/objects/", **{"class": "E"})) == []  # ranking 1 is implied
    assert oids(get("/ztf/v1/objects/", ranking=2, **{"class": "E"})) == [found]
    assert len(oids(get("/ztf/v1/objects/", probability=0.7))) == 2
    assert len(oids(get("/ztf/v1/objects/", probability=0))) == 4
    assert oids(get("/ztf/v1/objects/", classifier="nothing")) == []


def test_filters_and_sorting(get, stars):
    assert set(oids(get("/ztf/v1/objects/", ndet=21))) == {stars["zero"]["oid"], stars["far"]["oid"]}
    assert oids(get("/ztf/v1/objects/", ndet=[20, 20])) == [stars["near"]["oid"]]
    assert oids(get("/ztf/v1/objects/", order_by="ndet", order_mode="DESC", page_size=1)) == [stars["far"]["oid"]]
    assert oids(get("/ztf/v1/objects/", order_by="ndet"))[0] == stars["<script>"]["oid"]
    first = get("/ztf/v1/objects/").json()["items"][0]["firstmjd"]
    assert oids(get("/ztf/v1/objects/", firstmjd=[first + 1])) == []
    assert len(oids(get("/ztf/v1/objects/", firstmjd=[first, first]))) == 4


def test_null_comes_first_in_descending_order(tmp_path):
    """As in PostgreSQL: of three stars two have no g-r."""
    table = star_table()
    table["band"][table["name"] == "near"] = "r"
    table["band"][table["name"] == "far"] = "g"
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_table(table)
        found = {
            mode: [
                item["g_r_mean"]
                for item in alerce.objects(archive, {"order_by": "g_r_mean", "order_mode": mode})["items"]
            ]
            for mode in ("ASC", "DESC")
        }
    known = sorted(value for value in found["ASC"] if value is not None)
    assert len(known) == 2
    assert found == {"ASC": [*known, None, None], "DESC": [None, None, *known[::-1]]}


def test_totals_are_counted_to_a_limit(get, monkeypatch):
    monkeypatch.setattr(alerce_schema, "MAX_TOTAL", 3)
    page = get("/ztf/v1/objects/", count="true", page_size=2).json()
    assert (page["total"], page["has_next"]) == (3, True)


def test_oid_lists_and_wildcards(get, stars):
    wanted = [stars[name]["oid"] for name in ("far", "<script>", "near")]
    assert oids(get("/ztf/v1/objects/", oid=wanted)) == wanted
    assert len(oids(get("/ztf/v1/objects/", oid="ZTF18*"))) == 4
    assert oids(get("/ztf/v1/objects/", oid=["ZTF18*", wanted[0]])) == [wanted[0]]
    assert oids(get("/ztf/v1/objects/", oid="' OR 1=1 --")) == []


@pytest.mark.parametrize(
    ("query", "parameter", "reason"),
    [
        (
            "order_by=None",
            "order_by",
            "Column used for ordering The value 'None' is not a valid choice for 'order_by'.",
        ),
        ("ndet=abc", "ndet", "Range of detections. invalid literal for int() with base 10: 'abc'"),
        ("ndet=[1, 2]", "ndet", "Range of detections. invalid literal for int() with base 10: '[1, 2]'"),
        ("count=maybe&page=x&ndet=abc", "ndet", "Range of detections. invalid literal for int() with base 10: 'abc'"),
        ("order_by=1&count=maybe", "count", "Whether to count total objects or not. "),
        ("ra=nan", "ra", ""),
        ("page=" + "9" * 5000, "page", ""),
    ],
)
def test_bad_parameters(get, query, parameter, reason):
    reply = get("/ztf/v1/objects/?" + query)
    assert reply.status_code == 400
    assert list(reply.json()) == ["errors", "message"]
    assert reply.json()["message"] == "Input payload validation failed"
    assert list(reply.json()["errors"]) == [parameter]
    assert reply.json()["errors"][parameter].startswith(reason)


def test_unknown_objects(get):
    reply = get("/ztf/v1/objects/ZZ")
    assert (reply.status_code, list(reply.json())) == (404, ["message"])
    assert reply.json()["message"].startswith(
        "Object not found. You have requested this URI [/ztf/v1/objects/ZZ] but did"
    )
    for name in ("detections", "non_detections", "lightcurve", "magstats", "probabilities", "features"):
        reply = get(f"/ztf/v1/objects/ZZ/{name}")
        assert reply.status_code == 404
        assert reply.json()["message"].startswith("The requested URL was not found on the server.")
    assert get("/ztf/v1/nothing").headers["content-type"].startswith("text/html")
    assert get("/zvar/api/nothing").json() == {"detail": "Not Found"}
    for name, empty in (("detections", []), ("forced-photometry", [])):
        assert get(f"/v2/lightcurve/{name}/ZZ").json() == empty


def test_ragged_and_explicit_nulls(get, stars):
    oid = stars["far"]["oid"]
    ragged, whole = get(f"/ztf/v1/objects/{oid}/detections").json(), get(f"/ztf/v1/objects/{oid}/lightcurve").json()
    assert not any(value is None for row in ragged for value in row.values())
    assert "rfid" not in ragged[0]
    assert [list(row) for row in whole["detections"]] == [list(alerce.DETECTION_KEYS)] * 22
    assert [{k: v for k, v in row.items() if v is not None} for row in whole["detections"]] == ragged
    assert get(f"/ztf/v1/objects/{oid}/non_detections").json() == whole["non_detections"]
    assert whole["non_detections"] == [{"tid": "ztf", "mjd": pytest.approx(58303.55), "fid": 2, "diffmaglim": 20.5}]
    assert [row["mjd"] for row in ragged] == sorted(row["mjd"] for row in ragged)
    assert all(isinstance(row["candid"], str) and row["candid"].isdigit() for row in ragged)
    newer = get(f"/v2/lightcurve/detections/{oid}").json()
    assert [row["candid"] for row in newer] == [row["candid"] for row in ragged]
    assert set(newer[0]) == {*alerce_v2._KEYS, "extra_fields"}


def test_magstats(get, stars):
    oid = stars["near"]["oid"]
    rows = get(f"/ztf/v1/objects/{oid}/detections").json()
    found = get(f"/ztf/v1/objects/{oid}/magstats").json()
    assert [row["fid"] for row in found] == [1, 2]
    assert list(found[0]) == [
        "fid", "stellar", "corrected", "ndet", "ndubious", "magmean", "magmedian", "magmax", "magmin", "magsigma",
        "maglast", "magfirst", "firstmjd", "lastmjd", "step_id_corr",
    ]  # fmt: skip
    for row in found:
        mags = [other["magpsf"] for other in rows if other["fid"] == row["fid"] and "magpsf" in other]
        assert (row["ndet"], row["magsigma"]) == (sum(other["fid"] == row["fid"] for other in rows), None)
        assert (row["magmin"], row["magmax"], row["magfirst"], row["maglast"]) == (
            min(mags),
            max(mags),
            mags[0],
            mags[-1],
        )
        assert (row["magmean"], row["magmedian"]) == pytest.approx((np.mean(mags), np.median(mags)))


# --- ZVAR -----------------------------------------------------------------------------------------------------------


def cone(post, **body):
    body.setdefault("positions", [{"name": "a", "ra": 10.0, "dec": 20.0}])
    body.setdefault("radius", 60)
    return post("/cone_search", body)


def test_object_form(get, stars, real_data):
    theirs = json.loads((real_data / "recorded" / "zvar" / "zvar_api_examples.json").read_text())[
        "object_145120008365555264"
    ]
    psids = [row["psid"] for row in stars.values()]
    found = [get(f"/zvar/api/object/{psid}").json() for psid in psids]
    ours = next(one for one in found if one["periods"])
    assert list(ours) == [key for key in theirs if not key.startswith("_")]
    compare(ours["matchfiles"], theirs["matchfiles"])
    compare(ours["periods"], theirs["periods"])
    assert all(one["ra"] == float(np.float32(one["ra"])) for one in found)
    assert [one["psid"] for one in found] == psids
    assert get("/zvar/api/object/42").status_code == 404
    assert get("/zvar/api/object/42").json() == {"detail": "Object 42 not found"}
    assert get("/zvar/api/object/x").status_code == 422


def test_match_files_count_upper_limits(get, post, stars):
    psid = stars["<script>"]["psid"]
    found = get(f"/zvar/api/object/{psid}").json()
    rows = post("/photometry", {"psids": [psid]}).json()[psid]
    assert sum(one["nb_exposures"] for one in found["matchfiles"]) == len(rows) == 20
    assert [(one["field"], one["band"]) for one in found["matchfiles"]] == [
        (600, "g"),
        (600, "r"),
        (601, "g"),
        (601, "r"),
    ]
    for one in found["matchfiles"]:
        mags = [row["mag"] for row in rows if (row["field"], row["band"]) == (one["field"], one["band"]) and row["mag"]]
        low, high = np.quantile(mags, [0.05, 0.95])
        assert one["amplitude"] == pytest.approx(high - low, abs=1e-5)
        assert (one["min_mag"], one["max_mag"]) == pytest.approx((min(mags), max(mags)), abs=2e-6)


def test_cone_answers_every_name(post, stars):
    positions = [
        {"name": "<script>alert(1)</script>", "ra": 10.0, "dec": 20.0, "radius": 1},
        {"name": "both", "ra": 10.0, "dec": 20.0},
        {"name": "nobody", "ra": 90.0, "dec": 0.0},
        {"name": "zero", "ra": 359.9999, "dec": 0.0},
    ]
    answer = cone(post, positions=positions).json()
    assert list(answer) == [position["name"] for position in positions]
    found = {name: [one["psid"] for one in objects] for name, objects in answer.items()}
    near = [stars["<script>"]["psid"], stars["near"]["psid"]]
    assert list(found.values()) == [near[:1], near, [], [stars["zero"]["psid"]]]
    assert list(cone(post, positions=[{"ra": 10.0, "dec": 20.0, "radius": 5}], radius=None).json()) == ["target"]
    assert cone(post, positions=[]).json() == {}


def test_cone_filters(post, archive, stars):
    everything = {"positions": [{"name": name, "ra": ra, "dec": dec} for name, (ra, dec) in STARS.items()], "radius": 1}

    def names(**filters):
        return {name for name, found in cone(post, **everything, **filters).json().items() if found}

    names_of = {row["psid"]: row["name"] for row in stars.values()}
    twice, once = (
        names_of[str(p)] for p in archive.query("SELECT psid FROM periods GROUP BY 1 ORDER BY count(*) DESC")["psid"]
    )
    assert names() == set(STARS)
    assert names(min_period=0.4, max_period=0.6) == {twice, once}
    assert names(min_period=0.4, max_period=0.6, min_significance=20) == {once}  # of the same row
    assert names(min_period=1) == {twice}
    assert names(min_period=1, min_significance=50) == {twice}
    assert names(max_period=0.1) == set()
    assert names(objtype=2) == {"near", "far"}
    assert names(objtype=3) == set()
    assert names(min_exposures=100) == set()
    assert names(min_exposures=0) == set(STARS)
    assert names(min_amplitude=2.2) == {"far"}
    assert names(max_amplitude=0.01) == {"near", "zero", "far"}  # they have light curves of one point
    assert names(max_amplitude=0.01, min_exposures=2) == set()  # of the same light curve
    whole = cone(post, **everything, min_period=1).json()[twice][0]
    assert len(whole["periods"]) == 2


def test_objects_by_id(post, stars):
    one, two = stars["near"]["psid"], stars["far"]["psid"]
    found = post("/objects", {"psids": [int(two), one, "42", two, 10**30]}).json()
    assert [row["psid"] for row in found] == [two, one]


def test_ids_are_answered_as_they_were_asked(post, get, stars):
    psid = stars["far"]["psid"]
    large, padded = "9" * 20, f"000{psid}"
    answer = post("/photometry", {"psids": [padded, large, "007", psid, -3]}).json()
    assert list(answer) == [padded, large, "007", psid, "-3"]
    assert answer[padded] == answer[psid] != []
    assert answer[large] == answer["007"] == answer["-3"] == []
    assert get(f"/zvar/api/object/{large}").json() == {"detail": f"Object {large} not found"}


def test_the_south_pole_is_no_unknown_source(tmp_path):
    """Its psid is 0."""
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_table(star_table()[:20], coordinates=SkyCoord(0, -90, unit="deg"))
        assert zvar.objects(archive, {"psids": ["9" * 30, "-1"]}) == []
        assert [one["psid"] for one in zvar.objects(archive, {"psids": ["0"]})] == ["0"]


def test_single_precision_prints_short(tmp_path):
    table = Table({"time": Time([58300.0], format="mjd", scale="utc"), "band": ["g"]})
    table["mag"], table["mag_err"] = 17.41657, 0.036399588
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_table(table, coordinates=SkyCoord(10, 20, unit="deg"))
        answer = dumps(zvar.light_curves(archive, {"psids": [str(archive.sources()["psid"][0])]}))
    assert b'"mag":17.41657,"magerr":0.036399588,"limmag":null,' in answer


def test_few_large_answers_at_once(archive, monkeypatch):
    """More are asked at once than are made at once; the last waits for its turn, and is answered."""
    inside, answered, crowded = [], [], threading.Event()

    def make(archive, args):
        inside.append(1)
        if len(inside) > LARGE_AT_ONCE:
            crowded.set()
        crowded.wait(0.2)
        inside.pop()
        return {}

    def ask(url):
        answered.append(requests.post(url, json={"psids": ["1"]}, timeout=30).status_code)

    monkeypatch.setitem(zvar.HANDLERS, "photometry", make)
    with serve(archive) as server:
        url = server.url + "/zvar/api/photometry"
        threads = [threading.Thread(target=ask, args=(url,)) for _ in range(LARGE_AT_ONCE + 2)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    assert answered == [200] * (LARGE_AT_ONCE + 2)
    assert not crowded.is_set()


def test_photometry_in_both_formats(post, stars, real_data):
    theirs = json.loads((real_data / "recorded" / "zvar" / "zvar_api_examples.json").read_text())
    psid = stars["<script>"]["psid"]
    in_mag = post("/photometry", {"psids": [int(psid), 42]}).json()
    in_flux = post("/photometry", {"psids": [psid], "bands": ["g", "r"], "format": "flux"}).json()[psid]
    assert list(in_mag) == [psid, "42"]
    assert in_mag["42"] == []
    compare(in_mag[psid], [theirs["photometry_mag_145120008365555264_first"]])
    compare(in_flux, [theirs["photometry_flux_145120008365555264_first"]])
    assert [row["time"] for row in in_mag[psid]] == sorted(row["time"] for row in in_mag[psid])
    assert {row["field"] for row in in_mag[psid]} == {600, 601}
    limit = in_mag[psid][3]
    assert (limit["mag"], limit["magerr"], limit["limmag"], limit["flux"]) == (None, None, 20.5, None)
    for row, raw in zip(in_mag[psid], in_flux, strict=True):
        if row["mag"] is not None:
            expected = photometry.flux_to_mag(raw["flux"], raw["fluxerr"], raw["magzp"], raw["mag_ref"])
            assert (row["mag"], row["magerr"], row["snr"]) == pytest.approx(
                [float(value) for value in expected], rel=1e-5
            )
            assert raw["snr"] == pytest.approx(raw["flux"] / raw["fluxerr"], rel=1e-5)
            assert row["limmag"] is None
    assert {row["band"] for row in post("/photometry", {"psids": [psid], "bands": ["r"]}).json()[psid]} == {"r"}


def test_processing_logs(get):
    found = get("/zvar/api/processing_logs").json()
    assert found[0] == {"field": 600, "ccd": 3, "quad": 2, "band": "g"}
    assert len(found) == 6


POSITION = {"name": "a", "ra": 10.0, "dec": 20.0}


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/cone_search", {}, 422, "positions: is required"),
        ("/cone_search", {"positions": POSITION}, 422, "positions: must be a list"),
        ("/cone_search", {"positions": [3], "radius": 1}, 422, "positions: each must be"),
        ("/cone_search", {"positions": [POSITION]}, 422, "radius: is required"),
        ("/cone_search", {"positions": [POSITION] * 2, "radius": 1}, 422, "positions: every name"),
        ("/cone_search", {"positions": [POSITION] * 1001, "radius": 1}, 400, "positions: at most 1000"),
        ("/cone_search", {"positions": [POSITION], "radius": 600.1}, 400, "radius: must lie within 0.0 and 600.0"),
        ("/cone_search", {"positions": [POSITION | {"radius": 601}], "radius": 1}, 400, "radius: must lie"),
        ("/cone_search", {"positions": [POSITION], "radius": True}, 422, "radius: must be a number"),
        ("/cone_search", {"positions": [POSITION], "radius": 10**400}, 422, "radius: must be a number"),
        ("/cone_search", {"positions": [POSITION | {"dec": 91}], "radius": 1}, 422, "positions.dec"),
        ("/cone_search", {"positions": [POSITION | {"ra": "1"}], "radius": 1}, 422, "positions.ra"),
        (
            "/cone_search",
            {"positions": [POSITION], "radius": 1, "min_significance": 5},
            400,
            "min_significance: a cut on",
        ),
        (
            "/cone_search",
            {"positions": [POSITION], "radius": 1, "min_exposures": 1.5},
            422,
            "min_exposures: must be an int",
        ),
        ("/objects", {"psids": ["1"] * 1001}, 400, "psids: at most 1000"),
        ("/objects", {"psids": [1.45e17]}, 422, "psids: ids must be"),
        ("/objects", {"psids": [True]}, 422, "psids: ids must be"),
        ("/photometry", {"psids": ["1"] * 501}, 400, "psids: at most 500"),
        ("/photometry", {"psids": ["1"], "format": "jansky"}, 400, "format: must be one of mag, flux"),
        ("/photometry", {"psids": ["1"], "bands": ["u"]}, 400, "bands: must be one of"),
        ("/photometry", {"psids": ["1"], "bands": "gr"}, 422, "bands: must be a list"),
        ("/photometry", ["1"], 422, "body: must be a JSON object"),
    ],
)
def test_refusals(post, path, body, status, reason):
    reply = post(path, body)
    assert reply.status_code == status
    assert reply.json()["detail"].startswith(reason)


def test_a_name_that_no_answer_can_hold(server):
    body = b'{"positions":[{"name":"\\ud800","ra":10,"dec":20}],"radius":5}'
    reply = requests.post(server.url + "/zvar/api/cone_search", data=body, auth=LOGIN, timeout=30)
    assert (reply.status_code, reply.json()["detail"][:14]) == (422, "positions.name")


def test_bodies_that_are_not_json_or_too_large(server):
    url = server.url + "/zvar/api/objects"
    assert requests.post(url, data=b"\xff{", auth=LOGIN, timeout=30).status_code == 422
    assert requests.post(url, data=b"[" * 10**5, auth=LOGIN, timeout=30).status_code == 422
    assert requests.post(url, data=b" " * (2 * 2**20 + 1), auth=LOGIN, timeout=30).status_code == 413
    assert requests.get(url, auth=LOGIN, timeout=30).status_code == 405


# --- logins ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", [None, ("alice", "looking-glass"), ("bob", "wonderland"), ("", "")])
def test_wrong_logins(server, auth):
    reply = requests.get(server.url + "/zvar/api/processing_logs", auth=auth, timeout=30)
    assert reply.status_code == 401
    assert list(reply.json()) == ["detail"]
    assert reply.headers["www-authenticate"].startswith("Basic")
    assert requests.get(server.url + "/ztf/v1/objects/", auth=auth, timeout=30).status_code == 200


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic YWJj", "Bearer YWJj", "Basic /w==", b"Basic \xe9"])
def test_malformed_logins(server, header):
    reply = requests.get(server.url + "/zvar/api/processing_logs", headers={"Authorization": header}, timeout=30)
    assert reply.status_code == 401


def test_users_from_a_file_and_their_secrecy(tmp_path, archive, caplog):
    path = tmp_path / "users.json"
    path.write_text(json.dumps({"alice": hash_password("wonderland"), "carol": hash_password("päss:wörd")}))
    caplog.set_level(logging.DEBUG)
    users = Users(path)
    with serve(archive, users=users) as server:
        for auth in (LOGIN, LOGIN, ("carol", "päss:wörd".encode()), ("carol", "päss:wörd".encode("latin-1"))):
            assert requests.get(server.url + "/zvar/api/processing_logs", auth=auth, timeout=30).status_code == 200
    assert "wonderland" not in repr(users) + str(vars(users)) + caplog.text
    assert hash_password("wonderland") != hash_password("wonderland")


@pytest.mark.parametrize("users", [{"alice": ""}, {"a:b": "x"}, {"": "x"}, {3: "wonderland"}])
def test_unusable_users(users):
    with pytest.raises(ValueError, match="users: a name must be text") as caught:
        Users(users)
    assert "wonderland" not in str(caught.value)


def test_a_file_of_users_holds_no_passwords(tmp_path):
    path = tmp_path / "users.json"
    path.write_text(json.dumps({"alice": "wonderland"}))
    with pytest.raises(ValueError, match="hash_password") as caught:
        Users(path)
    assert "wonderland" not in str(caught.value)


@pytest.mark.parametrize("content", [b'{"alice": "wonderland"', b"\xff\xfe", b'{"alice": "scrypt$\xc3\xa4$b"}'])
def test_errors_of_a_file_of_users_name_it(tmp_path, content):
    path = tmp_path / "users.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"users: .*users\.json") as caught:
        Users(path)
    assert "wonderland" not in str(caught.value)


# --- running --------------------------------------------------------------------------------------------------------


def test_pages_for_people(get):
    page, spec = get("/docs").text, get("/openapi.json").json()
    assert "<script" not in page
    assert re.findall("https?://", page) == []
    for path, operations in spec["paths"].items():
        assert all(f"<h3>{method.upper()} {path}</h3>" in page for method in operations)
    for endpoint in alerce_schema.ENDPOINTS:
        shown = spec["paths"][endpoint.path]["get"]["parameters"]
        assert {one["name"] for one in shown} == {param.wire for param in endpoint.params}
    for endpoint in zvar_schema.ENDPOINTS:
        operation = spec["paths"]["/zvar/api" + endpoint.path][endpoint.method.lower()]
        body = operation.get("requestBody", {"content": {"application/json": {"schema": {"properties": {}}}}})
        named = {one["name"] for one in operation["parameters"]} | set(
            body["content"]["application/json"]["schema"]["properties"]
        )
        assert named == {param.wire for param in endpoint.params}
        assert all(f"<td>{name}</td>" in page for name in named)
        assert operation["security"] == [{"login": []}]
    assert spec["components"]["securitySchemes"]["login"]["scheme"] == "basic"


def test_what_the_specification_says_of_values(get, archive):
    with serve(archive) as server:
        spec = requests.get(server.url + "/openapi.json", timeout=30).json()
        page = requests.get(server.url + "/docs", timeout=30).text
    asked = spec["paths"]["/zvar/api/cone_search"]["post"]
    assert asked["security"] == [{}, {"login": []}]  # this server has no users
    one = asked["requestBody"]["content"]["application/json"]["schema"]["properties"]["positions"]["items"]
    assert list(one["properties"]) == ["name", "ra", "dec", "radius"]
    assert one["required"] == ["ra", "dec"]
    assert one["properties"]["radius"]["maximum"] == zvar_schema.MAX_RADIUS
    listed = {p["name"]: p["schema"] for p in spec["paths"]["/ztf/v1/objects/"]["get"]["parameters"]}
    assert {name: schema["default"] for name, schema in listed.items() if "default" in schema} == alerce_schema.DEFAULTS
    assert "<td>positions[].dec</td><td>body</td><td>number</td><td>required</td><td>from -90; to 90</td>" in page
    assert "<td>format</td><td>body</td><td>string</td><td>mag</td><td>one of mag, flux</td>" in page


def test_the_page_is_escaped():
    info = {"title": "<b>", "description": "a & b"}
    operation = {"tags": ["<i>"], "summary": "<u>", "parameters": []}
    page = docs_page({"info": info, "paths": {"/<s>": {"get": operation}}})
    assert not re.search("<[bius]>", page)
    assert "a &amp; b" in page


def test_answers_are_compressed(get, stars):
    assert get(f"/ztf/v1/objects/{stars['far']['oid']}/lightcurve").headers["content-encoding"] == "gzip"


def test_serving_a_file_and_its_end(tmp_path):
    path = tmp_path / "sky.duckdb"
    with Archive.create(path) as archive:
        archive.import_table(star_table()[:20])
    before = threading.active_count()
    with serve(path) as server:
        assert requests.get(server.url + "/zvar/api/processing_logs", timeout=30).status_code == 200  # no login asked
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url + "/zvar/api/processing_logs", timeout=30)
    assert threading.active_count() <= before
    with Archive.open(path) as archive:  # the file is free again
        assert archive.summary()["sources"] == 1


@pytest.mark.skipif(os.name != "posix", reason="interrupts another process")
def test_running_until_interrupted(tmp_path):
    Archive.create(tmp_path / "sky.duckdb").close()
    start = "run(sys.argv[1], port=0, started=lambda url: print(url, flush=True))"
    code = f"import sys; from alerce_zvar.server import run; {start}"
    command = [sys.executable, "-c", code, str(tmp_path / "sky.duckdb")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        assert requests.get(url + "/ztf/v1/objects/", timeout=30).json()["items"] == []
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert errors.strip().endswith("KeyboardInterrupt")


def test_failures_at_the_start_are_told(tmp_path, archive, server):
    with pytest.raises(ArchiveError, match="not there"), serve(tmp_path / "none.duckdb"):
        pytest.fail("served nothing")
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(OSError, match=rf"cannot listen at 127\.0\.0\.1, port {port}: "), serve(archive, port=port):
        pytest.fail("shared a port")
    with pytest.raises(ArchiveError, match="pass the open Archive"), serve(archive.path):
        pytest.fail("opened it twice")


@pytest.mark.parametrize(("where", "name"), [({"host": ""}, "host"), ({"port": -1}, "port"), ({"port": 65536}, "port")])
def test_addresses_that_are_none(archive, where, name):
    with pytest.raises(ValueError, match=f"^{name}: "), serve(archive, **where):
        pytest.fail("listened nowhere")


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000"), ("localhost", "http://localhost:8000")],
)
def test_all_addresses_are_reached_at_loopback(host, url):
    assert running._url(host, 8000) == url


def test_a_server_does_not_wait_for_half_a_body(archive, monkeypatch, capfd):
    monkeypatch.setattr(running, "_PATIENCE", 0)
    with serve(archive) as server:
        host, port = server.url.removeprefix("http://").split(":")
        client = socket.create_connection((host, int(port)), timeout=30)
        client.sendall(
            b"POST /zvar/api/objects HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n{"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 100")  # it waits for the rest
    client.close()
    assert "Traceback" not in capfd.readouterr().err


def test_many_requests_at_once(get, server, stars):
    psids = [row["psid"] for row in stars.values()]
    expected = requests.post(server.url + "/zvar/api/photometry", json={"psids": psids}, auth=LOGIN, timeout=30).json()
    same = []

    def ask():
        reply = requests.post(server.url + "/zvar/api/photometry", json={"psids": psids}, auth=LOGIN, timeout=30)
        same.append(reply.json() == expected)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert same == [True] * 12


def test_positions_of_stars_are_found_by_their_served_values(post, get, stars):
    """Served positions are single precision, up to 0.06 arcsec off; a cone around them still holds the star."""
    for row in stars.values():
        one = get(f"/zvar/api/object/{row['psid']}").json()
        there = SkyCoord(one["ra"], one["dec"], unit="deg").separation(SkyCoord(row["ra"], row["dec"], unit="deg"))
        assert there.arcsec < 0.06
        found = cone(post, positions=[{"name": "a", "ra": one["ra"], "dec": one["dec"]}], radius=0.1).json()["a"]
        assert [other["psid"] for other in found] == [row["psid"]]
