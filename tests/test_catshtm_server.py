"""catsHTM on the local server: the service's answers, its odd forms and its refusals (reference/alerce.md 8)."""

import json

import pytest
from astropy.table import Table
from catshtm_sky import DEC, RA, build, get, get_json, read_recorded

from alerce_zvar.archive import Archive
from alerce_zvar.catshtm import schema
from alerce_zvar.server import serve

pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def recorded(real_data):
    return read_recorded(real_data)


@pytest.fixture(scope="module")
def server(recorded, tmp_path_factory):
    with build(tmp_path_factory.mktemp("catshtm") / "sky.duckdb", recorded) as archive, serve(archive) as running:
        yield running


def test_the_recorded_answer_is_served_again(server, recorded):
    answer = get_json(f"{server.url}/catshtm/crossmatch_all?ra={RA!r}&dec={DEC!r}&radius=30.0")
    assert [*answer[: len(recorded)]] == recorded_like(recorded, answer)
    assert [next(iter(item)) for item in answer[len(recorded) :]] == ["NEDz", "SWIREz"]
    assert all(list(columns) == sorted(columns) for item in answer for columns in item.values())
    assert get(f"{server.url}/catshtm/crossmatch_all?ra=1&dec=1&radius=1")[1:] == ("application/json", b"[]")


def recorded_like(recorded, answer):
    """The recorded answer, each distance replaced by one that is the same to 1e-9 arcsec."""
    found = []
    for expected, got in zip(recorded, answer, strict=False):
        ((name, columns),) = expected.items()
        distance = got[name]["distance"]["value"]
        assert distance == pytest.approx(columns["distance"]["value"], abs=1e-9)
        found.append({name: columns | {"distance": {"unit": "arcsec", "value": distance}}})
    return found


@pytest.mark.parametrize(
    "request_",
    [
        "conesearch?catalog=WISE&ra=1&dec=1",
        "conesearch?ra=1&dec=1&radius=1",
        "conesearch?catalog=WISE&ra=x&dec=1&radius=1",
        "conesearch?catalog=WISE&ra=nan&dec=1&radius=1",
        "conesearch?catalog=WISE&ra=1&dec=91&radius=1",
        "conesearch?catalog=WISE&ra=1&dec=1&radius=-1",
        "conesearch?catalog=nothing&ra=1&dec=1&radius=1",
        "conesearch_all?ra=1&dec=1",
        "crossmatch?catalog=WISE&dec=1",
        "crossmatch_all?ra=1&radius=1",
    ],
)
def test_bad_arguments_are_refused_with_status_200(server, request_):
    status, kind, body = get(f"{server.url}/catshtm/{request_}")
    assert (status, kind, json.loads(body)) == (200, "application/json", schema.INVALID)


def test_crossmatch_of_all_without_radius_fails(server):
    status, kind, body = get(f"{server.url}/catshtm/crossmatch_all?ra=1&dec=1")
    assert (status, kind) == (500, "text/html; charset=utf-8")
    assert b"<title>500 Internal Server Error</title>" in body


def test_there_is_no_list(server):
    assert get(f"{server.url}/catshtm/catalogs")[0] == 404


def test_default_radius_of_a_cross_match(tmp_path):
    radii = {"GAIADR2": 0.1, "APASS": 2.0, "WISE": 50.0, "mine": 50.0}
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        for name in radii:
            archive.import_catalog(name, Table({"RA": [10.0], "Dec": [0.0]}), ra="RA", dec="Dec")
        with serve(archive) as running:
            for name, radius in radii.items():
                for factor, found in ((0.99, True), (1.01, False)):
                    url = f"{running.url}/catshtm/crossmatch?catalog={name}&ra=10&dec={factor * radius / 3600!r}"
                    assert bool(get_json(url)) is found


def test_shapes(server):
    place = f"ra={RA - 360!r}&dec={DEC!r}&radius=30"
    cone = get_json(f"{server.url}/catshtm/conesearch?catalog=TMASS&{place}")
    assert list(cone) == ["2MASS"]
    assert cone["2MASS"]["Epoch"] == {"units": "JD", "values": [2451689.8553]}
    assert get_json(f"{server.url}/catshtm/conesearch?catalog=2MASS&{place}") == cone
    match = get_json(f"{server.url}/catshtm/crossmatch?catalog=TMASS&{place}")
    assert match["Epoch"] == {"unit": "JD", "value": 2451689.8553}
    everything = get_json(f"{server.url}/catshtm/conesearch_all?catalog=all&{place}")
    assert list(everything) == ["catalogs"]
    assert everything["catalogs"][0] == cone
    assert get_json(f"{server.url}/catshtm/conesearch?catalog=TMASS&ra=1&dec=1&radius=9") == {}
    assert get_json(f"{server.url}/catshtm/crossmatch?catalog=TMASS&ra=1&dec=1&radius=9") == {}
    assert get_json(f"{server.url}/catshtm/conesearch_all?ra=1&dec=1&radius=9") == {"catalogs": []}
