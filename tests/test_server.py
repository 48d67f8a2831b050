"""The local server: ZVAR's forms, logins, and how it runs."""

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
from star_server import LOGIN, STARS, build, compare, star_table

from alerce_zvar.alerce import schema as alerce_schema
from alerce_zvar.archive import Archive
from alerce_zvar.errors import ArchiveError
from alerce_zvar.server import Users, hash_password, serve, zvar
from alerce_zvar.server.app import LARGE_AT_ONCE
from alerce_zvar.server.page import docs_page
from alerce_zvar.server.replies import dumps
from alerce_zvar.zvar import photometry
from alerce_zvar.zvar import schema as zvar_schema

pytest.importorskip("fastapi")

running = sys.modules["alerce_zvar.server.run"]  # the package's name for it is the function


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
def post(server):
    with requests.Session() as session:
        yield lambda path, body: session.post(f"{server.url}/zvar/api{path}", json=body, auth=LOGIN, timeout=30)


@pytest.fixture(scope="module")
def stars(archive):
    """Name -> row of the table of sources."""
    return {row["name"]: row for row in archive.sources()}


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
