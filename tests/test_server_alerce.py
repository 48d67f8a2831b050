"""ALeRCE's ZTF services on the local server: forms, errors and traps of reference/alerce.md 1 to 5."""

import http.client

import numpy as np
import pytest
import requests
from astropy.table import Table
from star_server import LOGIN, build, compare, recorded, star_table

from alerce_zvar.alerce import schema as alerce_schema
from alerce_zvar.archive import Archive
from alerce_zvar.server import alerce, serve

pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with build(tmp_path_factory.mktemp("server") / "sky.duckdb") as archive:
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
def stars(archive):
    """Name -> row of the table of sources."""
    return {row["name"]: row for row in archive.sources()}


def oids(reply):
    assert reply.status_code == 200, reply.text
    return [item["oid"] for item in reply.json()["items"]]


def test_keys_are_those_of_the_schema():
    assert set(alerce.OBJECT_KEYS) | {"step_id_corr"} == {c.wire for c in alerce_schema.OBJECT.columns}
    newer = {"drbversion"}  # only the newer service has it
    assert set(alerce.DETECTION_KEYS) | newer == {c.wire for c in alerce_schema.DETECTIONS.columns}
    assert set(alerce.NON_DETECTION_KEYS) == {c.wire for c in alerce_schema.NON_DETECTIONS.columns}
    assert set(alerce.MAGSTATS_KEYS) == {c.wire for c in alerce_schema.MAGSTATS.columns}
    assert set(alerce_schema.V2_EXTRA_FIELDS) >= newer


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


def test_probabilities_and_features_forms(get, archive, real_data):
    oid = archive.query("SELECT DISTINCT oid FROM features")["oid"][0]
    compare(
        get(f"/ztf/v1/objects/{oid}/probabilities").json(),
        recorded(real_data, "ztf_v1_probabilities_ZTF17aabopdz.json"),
    )
    features = get(f"/ztf/v1/objects/{oid}/features").json()
    assert features[0] == {"name": "W1-W2", "value": None, "fid": 0, "version": "1"}
    compare(features, recorded(real_data, "ztf_v1_features_ZTF17aabopdz.json"))
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
    none = get("/ztf/v1/objects/", count=word, page_size=0).json()
    assert [none[key] for key in ("total", "next", "has_next", "items")] == [4, None, False, []]


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
    assert len(oids(get("/ztf/v1/objects/", probability=0))) == 6  # all classifications of all objects
    assert len(oids(get("/ztf/v1/objects/", ranking=0))) == len(oids(get("/ztf/v1/objects/", classifier=""))) == 6
    assert oids(get("/ztf/v1/objects/", classifier="nothing")) == []


def test_the_version_that_is_joined_where_none_is_asked_for(tmp_path):
    """Stored classifications do not carry it, usually; one that does fills class, classifier and probability."""
    name, version = alerce_schema.DEFAULT_CLASSIFIER
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_table(star_table())
        classes = Table({"oid": archive.sources()["oid"][:1], "classifier": [name], "classifier_version": [version]})
        classes["class_name"], classes["probability"], classes["ranking"] = "RRL", 0.5, 1
        archive.add_probabilities(classes)
        items = alerce.objects(archive, {"order_by": "probability"})["items"]
    found = [(item["class"], item["classifier"], item["probability"]) for item in items]
    assert found == [("RRL", name, 0.5), *[(None, None, None)] * 3]


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
    assert oids(get("/ztf/v1/objects/", oid=wanted)) == oids(get("/ztf/v1/objects/", oid=wanted * 2)) == wanted
    assert len(oids(get("/ztf/v1/objects/", oid="ZTF18*"))) == 4
    assert oids(get("/ztf/v1/objects/", oid=["ZTF18*", wanted[0]])) == [wanted[0]]
    assert oids(get("/ztf/v1/objects/", oid=["ZTF18*", "ZTF18*"])) == oids(get("/ztf/v1/objects/", oid="")) == []
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
    for name in ("detections", "non_detections", "forced-photometry"):
        reply = get(f"/v2/lightcurve/{name}/ZZ")
        assert (reply.status_code, reply.json()) == (200, [])
    assert get("/v2/lightcurve/lightcurve/ZZ").json() == {
        "detections": [], "non_detections": [], "forced_photometry": [],
    }  # fmt: skip


PAGES = ("/ztf/v1", "/ztf/v1/nothing", "/ztf/v1/objects/ZZ/", "/avro", "/avro/nothing", "/catshtm/nothing")


def test_unknown_paths(get):
    """A page where the service is made with Flask, JSON elsewhere."""
    for path in PAGES:
        reply = get(path)
        assert (reply.status_code, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert reply.text == (
            "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
            "<p>The requested URL was not found on the server. "
            "If you entered the URL manually please check your spelling and try again.</p>\n"
        )
    for path in ("/nothing", "/avrox", "/v2/lightcurve/nothing/ZZ", "/lsst/nothing", "/zvar/api/nothing"):
        reply = get(path)
        assert (reply.status_code, reply.json()) == (404, {"detail": "Not Found"})


def test_other_methods(server):
    """Services with flask-restx say it in JSON."""
    for path, expected in (
        ("/ztf/v1/objects/", {"message": "The method is not allowed for the requested URL."}),
        ("/avro/get_stamp", {"message": "The method is not allowed for the requested URL."}),
        ("/lsst/object_api/object", {"detail": "Method Not Allowed"}),
    ):
        reply = requests.post(server.url + path, timeout=30)
        assert (reply.status_code, reply.headers["allow"], reply.json()) == (405, "GET", expected)
    reply = requests.post(server.url + "/catshtm/conesearch", timeout=30)
    assert (reply.status_code, reply.text.count("<title>405 Method Not Allowed</title>")) == (405, 1)


def test_failures_of_the_server(tmp_path):
    """In the form of each service; the archive is closed under it."""
    with build(tmp_path / "sky.duckdb") as archive, serve(archive) as server:
        archive.close()
        for path, key, words in (
            ("/ztf/v1/objects/", "message", "The server encountered an internal error"),
            ("/avro/get_avro?candid=1", "message", "The server encountered an internal error"),
            ("/v2/lightcurve/detections/ZZ", "detail", "An error occurred"),
            ("/lsst/object_api/list_objects?survey=lsst", "detail", "An error occurred"),
        ):
            reply = requests.get(server.url + path, timeout=30)
            assert (reply.status_code, list(reply.json())) == (500, [key])
            assert reply.json()[key].startswith(words)
        reply = requests.get(server.url + "/catshtm/conesearch?catalog=WISE&ra=1&dec=1&radius=1", timeout=30)
        assert (reply.status_code, reply.text.count("<title>500 Internal Server Error</title>")) == (500, 1)


def test_a_feature_by_its_name(get, archive):
    """A list, of all versions; a slash in the name must be escaped."""
    oid = archive.query("SELECT DISTINCT oid FROM features")["oid"][0]
    path = f"/ztf/v1/objects/{oid}/features"
    row = {"name": "Power_rate_1/2", "value": 0.5, "fid": 1, "version": "1"}
    assert get(f"{path}/Power_rate_1%2F2").json() == [row, row | {"value": 1.5, "fid": 2, "version": "2"}]
    assert get(f"{path}/Power_rate_1%2F2", fid=2).json() == get(f"{path}/Power_rate_1%2F2", version="2").json() != []
    reply = get(f"{path}/Power_rate_1/2")
    assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (404, "text/html")
    assert get(f"{path}/W1-W2").json() == [{"name": "W1-W2", "value": None, "fid": 0, "version": "1"}]
    assert get(f"{path}/nothing").json() == []
    assert get("/ztf/v1/objects/ZZ/features/W1-W2").status_code == 404
    assert len(get(path, fid=1).json()) == 1
    assert get(path, fid="g").json()["errors"]["fid"].endswith("invalid literal for int() with base 10: 'g'")


def test_limits_of_what_can_be_asked(get):
    items = get("/ztf/v1/objects/").json()["items"]
    expected = {
        f"{end.__name__}_{key}": end(item[key] for item in items) for key in ("ndet", "firstmjd") for end in (min, max)
    }
    assert get("/ztf/v1/objects/limit_values").json() == expected


def test_taxonomy(get):
    """Names with parentheses; versions are other than those of the classifications."""
    expected = [
        {"classifier_name": "atat(beta)", "classifier_version": "beta", "classes": ["RRLab", "CV/Nova"]},
        {
            "classifier_name": "lc_classifier",
            "classifier_version": "hierarchical_random_forest_1.0.0",
            "classes": ["E"],
        },
    ]
    for path in ("/ztf/v1/classifiers", "/ztf/v1/classifiers/", "/ztf/v1//classifiers"):
        assert get(path).json() == expected
    assert get("/ztf/v1/classifiers/atat(beta)/beta/classes").json() == [{"name": "RRLab"}, {"name": "CV/Nova"}]
    assert get("/ztf/v1/classifiers/atat%28beta%29/beta/classes").json() == [{"name": "RRLab"}, {"name": "CV/Nova"}]
    assert get("/ztf/v1/classifiers/atat(beta)/1.0/classes").json() == []


def test_surveys(get, stars):
    """ATLAS needs a permission at the older service; at the newer one it has nothing here."""
    oid = stars["far"]["oid"]
    for name in ("detections", "non_detections", "lightcurve"):
        path = f"/ztf/v1/objects/{oid}/{name}"
        assert get(path, survey_id="ztf").json() == get(path).json()
        reply = get(path, survey_id="atlas")
        assert (reply.status_code, list(reply.json())) == (403, ["message"])
        errors = get(path, survey_id="lsst").json()["errors"]
        assert errors["survey_id"].endswith("The value 'lsst' is not a valid choice for 'survey_id'.")
    for name, what in (("detections", "detections"), ("forced-photometry", "forced photometry")):
        path = f"/v2/lightcurve/{name}/{oid}"
        assert get(path, survey_id="ztf").json() == get(path, survey_id="all").json() == get(path).json()
        assert get(path, survey_id="atlas").json() == []
        reply = get(path, survey_id="x")
        assert (reply.status_code, reply.json()) == (
            400, {"detail": f"Can't retrieve {what} survey id not recognized x"},
        )  # fmt: skip
    assert len(get(f"/v2/lightcurve/detections/{oid}").json()) == 22
    reply = get(f"/v2/lightcurve/non_detections/{oid}", survey_id="atlas")
    assert (reply.status_code, list(reply.json())) == (400, ["detail"])


def test_forced_photometry(get, archive, stars):
    """As the official client needs it: aid, sid and extra_fields in every row, and a key in both levels."""
    oid = stars["near"]["oid"]
    rows = get(f"/v2/lightcurve/forced-photometry/{oid}").json()
    assert [(row["candid"], row["mag"], row["fid"]) for row in rows] == [
        (f"{oid}2", 100.0, 2), (f"{oid}1", 17.634725570678711, 1),
    ]  # fmt: skip
    first = rows[0]
    assert (first["oid"], first["sid"], first["aid"], first["tid"]) == (oid, None, None, "ztf")
    assert (first["parent_candid"], first["has_stamp"]) == (529430206115010015, False)
    assert set(first) & set(first["extra_fields"]) == {
        "mag",
        "e_mag",
        "mag_corr",
        "e_mag_corr",
        "e_mag_corr_ext",
        "pid",
    }
    assert first["extra_fields"]["procstatus"] == "55"
    assert first["extra_fields"]["distnr"] == -99999.0
    assert rows == get(f"/v2/lightcurve/lightcurve/{oid}").json()["forced_photometry"]


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
    assert list(newer[0]["extra_fields"]) == list(alerce_schema.V2_EXTRA_FIELDS)
    assert newer[0]["extra_fields"]["diffmaglim"] == whole["detections"][0]["diffmaglim"]
    assert (newer[0]["mag"], newer[0]["mag_corr"]) == tuple(
        whole["detections"][0][k] for k in ("magpsf", "magpsf_corr")
    )


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
