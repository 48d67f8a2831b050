"""The local server's side of ZVAR's matches: forms, limits, errors, anybody's catalogues (reference/zvar.md 1, 8)."""

import importlib
import json
import re

import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time

from alerce_zvar import Zvar
from alerce_zvar.archive import Archive
from alerce_zvar.errors import InvalidQueryError, PartialResultWarning
from alerce_zvar.sample.stars import CENTRE, draw_stars
from alerce_zvar.sample.survey_catalogs import write_survey_catalogs
from alerce_zvar.server import serve

LOGIN = ("alice", "wonderland")
STAR = "145120008365555264"  # of the notebook


@pytest.fixture(scope="module")
def notebook(real_data):
    return json.loads((real_data / "recorded" / "zvar" / "zvar_api_examples.json").read_text())


@pytest.fixture(scope="module")
def post(sample_server):
    with requests.Session() as session:
        yield lambda path, body: session.post(f"{sample_server}/zvar/api{path}", json=body, auth=LOGIN, timeout=30)


@pytest.fixture(scope="module")
def psids(post):
    """Sources of the sample sky."""
    body = {"positions": [{"ra": CENTRE.ra.deg, "dec": CENTRE.dec.deg, "radius": 120}]}
    return [row["psid"] for row in post("/cone_search", body).json()["target"]]


def test_server_gives_matches_in_the_printed_form(post, psids, notebook):
    theirs = notebook[f"xmatch_gaia_{STAR}"][0]
    ids = [int(psids[0]), psids[1], "7"]
    answer = post("/xmatch", {"psids": ids, "catalog": "gaia", "radius": 30, "closest": False}).json()
    assert list(answer) == psids[:2], "keys are text, and the unknown is left out"
    rows = [row for found in answer.values() for row in found]
    assert rows
    for row in rows:
        assert list(row) == list(theirs)
        assert isinstance(row["id"], str)
        assert len(row["id"]) == 19
    source = post("/objects", {"psids": psids[:1]}).json()[0]
    back = post("/external_xmatch", {"ids": [rows[0]["id"], "7"], "catalog": "gaia", "radius": 40}).json()
    assert list(back) == [rows[0]["id"]]
    assert list(back[rows[0]["id"]]) == [*theirs, "xmatches"]
    assert list(back[rows[0]["id"]]["xmatches"][0]) == list(source)


def test_server_gives_the_nearest_unless_told_otherwise(post, psids):
    body = {"psids": psids[:1], "catalog": "ps1", "radius": 120}
    (default,) = post("/xmatch", body).json().values()
    (nearest,) = post("/xmatch", body | {"closest": True}).json().values()
    (every,) = post("/xmatch", body | {"closest": False}).json().values()
    assert default == nearest == every[:1]
    assert len(every) > 1


MATCH = {"psids": ["1"], "catalog": "gaia", "radius": 3}


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/xmatch", MATCH | {"psids": None}, 422, "psids: is required"),
        ("/xmatch", MATCH | {"psids": "1"}, 422, "psids: must be a list"),
        ("/xmatch", MATCH | {"psids": ["1"] * 1001}, 400, "psids: at most 1000"),
        ("/xmatch", MATCH | {"psids": ["J1"]}, 422, "psids: ids must be"),
        ("/xmatch", MATCH | {"catalog": None}, 422, "catalog: is required"),
        ("/xmatch", MATCH | {"catalog": "sdss"}, 400, "catalog: must be one of gaia, ps1"),
        ("/xmatch", MATCH | {"catalog": 5}, 422, "catalog: must be text"),
        ("/xmatch", MATCH | {"radius": None}, 422, "radius: is required"),
        ("/xmatch", MATCH | {"radius": "3"}, 422, "radius: must be a number"),
        ("/xmatch", MATCH | {"radius": 601}, 400, "radius: must lie"),
        ("/xmatch", MATCH | {"radius": -1}, 400, "radius: must lie"),
        ("/xmatch", MATCH | {"closest": "yes"}, 422, "closest: must be true or false"),
        ("/external_xmatch", MATCH, 422, "ids: is required"),
        ("/external_xmatch", MATCH | {"ids": ["1"] * 1001}, 400, "ids: at most 1000"),
        ("/external_xmatch", MATCH | {"ids": [1.5]}, 422, "ids: ids must be text"),
        ("/external_xmatch", MATCH | {"ids": [True]}, 422, "ids: ids must be text"),
        ("/external_xmatch", MATCH | {"ids": [""]}, 422, "ids: ids must be text"),
        ("/external_xmatch", MATCH | {"ids": ["x" * 200]}, 422, "ids: ids must be text"),
    ],
)
def test_server_refuses(post, path, body, status, reason):
    reply = post(path, body)
    assert reply.status_code == status
    assert reply.json()["detail"].startswith(reason)


def test_server_takes_a_position_s_own_radius_before_the_common_one(post):
    place = {"ra": CENTRE.ra.deg, "dec": CENTRE.dec.deg}
    positions = [place | {"name": "wide", "radius": 120}, place | {"name": "narrow"}]
    answer = post("/cone_search", {"positions": positions, "radius": 0.01}).json()
    assert len(answer["wide"]) > len(answer["narrow"]) == 0


@pytest.mark.parametrize("path", ["/xmatch", "/external_xmatch"])
def test_server_asks_for_a_login(sample_server, path):
    for auth in (None, ("alice", "looking-glass"), ("carol", "wonderland")):
        reply = requests.post(f"{sample_server}/zvar/api{path}", json=MATCH, auth=auth, timeout=30)
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"].startswith("Basic")


def own_catalog(**columns):
    return Table({"right": [10.0, 10.001, 50.0, np.nan], "down": [20.0, 20.0, 0.0, 0.0]} | columns)


@pytest.fixture
def small(tmp_path, monkeypatch, notebook):
    """An archive of one star, which has the printed fluxes, served to alice; and the client that asks it."""
    monkeypatch.setenv("ZVAR_USERNAME", LOGIN[0])
    monkeypatch.setenv("ZVAR_PASSWORD", LOGIN[1])
    row = notebook[f"photometry_flux_{STAR}_first"]
    table = Table({"time": Time([2458263.981924], format="jd", scale="tdb"), "band": [row["band"]]})
    table["flux"], table["flux_err"] = [row["flux"]] * u.DN, [row["fluxerr"]] * u.DN
    table["magzp"], table["mag_ref"] = [row["magzp"]] * u.mag, [row["mag_ref"]] * u.mag
    for name in ("field", "ccd", "quad"):
        table[name] = [row[name]]
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_table(table, coordinates=SkyCoord(10, 20, unit="deg"))
        with serve(archive, users=dict([LOGIN])) as server:
            yield archive, Zvar(url=server.url)


def test_server_reproduces_the_printed_photometry(small, notebook):
    """From the printed fluxes follow the printed magnitudes, to single precision, in both formats."""
    archive, zvar = small
    psid = archive.sources()["psid"][0]
    for format in ("mag", "flux"):
        url = zvar._client.query("photometry", ids=[psid]).url
        rows = requests.post(url, json={"psids": [psid], "format": format}, auth=LOGIN, timeout=30).json()[psid]
        theirs = notebook[f"photometry_{format}_{STAR}_first"]
        assert list(rows[0]) == list(theirs)
        for key, value in theirs.items():
            exact = not isinstance(value, float) or key in ("time", "magzp", "mag_ref")
            assert rows[0][key] == (value if exact else pytest.approx(value, rel=2e-7)), key


@pytest.mark.parametrize(
    ("name", "catalog", "ids"),
    [
        ("gaiadr3", "gaia", [2**61 + 1, 2**61 + 3, 2**61 + 5, 2**61 + 7]),
        ("Gaia", "gaia", ["2873447302730839937", "b", "c", "d"]),
        ("AllWISE", "allwise", ["J000000.00+200000.0", "J2", "J3", "J4"]),
        ("TMASS", "2mass", ["00000000+2000000", "2", "3", "4"]),
    ],
)
def test_server_matches_with_anybody_s_catalogue(small, name, catalog, ids):
    archive, zvar = small
    archive.import_catalog(name, own_catalog(SOURCE_ID=ids, parallax=[500.0] * 4 * u.uas), ra="right", dec="down")
    psid = archive.sources()["psid"][0]
    found = zvar.query_crossmatch(psid, catalog, radius=10 * u.arcsec, closest=False)
    assert list(found["source_id"]) == list(map(str, ids[:2]))
    assert list(found["ra"]) == [10.0, 10.001]
    if catalog == "gaia":
        np.testing.assert_allclose(found["parallax"], 0.5)
        assert found["phot_g_mean_mag"].mask.all()
    with pytest.warns(PartialResultWarning):
        back = zvar.query_external([*ids, "none"], catalog, radius=5 * u.arcsec)
    assert list(back["input_index"]) == [0, 1]
    np.testing.assert_allclose(back["separation"], [0.0, 3.38], atol=0.01)
    assert list(back.external["source_id"]) == list(map(str, ids)), "also those without match or position"
    assert list(back.failures["input"]) == [*map(str, ids[2:]), "none"]


def test_server_refuses_answers_without_measure(post, psids, monkeypatch):
    module = importlib.import_module("alerce_zvar.server.zvar_crossmatch")
    monkeypatch.setattr(module, "MOST_MATCHES", 50)
    body = {"psids": psids, "ids": ["1"], "catalog": "ps1", "radius": 600, "closest": False}
    reply = post("/xmatch", body)
    assert reply.status_code == 400
    assert re.match(r"radius: \d+ matches are too many for one answer, of at most 50", reply.json()["detail"])
    assert post("/xmatch", body | {"radius": 1}).status_code == 200
    (found,) = post("/xmatch", body | {"psids": psids[:1], "radius": 60}).json().values()
    body |= {"ids": [row["id"] for row in found]}
    assert post("/external_xmatch", body).status_code == 400
    assert len(post("/external_xmatch", body | {"radius": 1}).json()) == len(found)


def test_server_says_which_catalogues_it_lacks(small):
    archive, zvar = small
    psid = archive.sources()["psid"][0]
    with pytest.raises(InvalidQueryError, match="this server holds no catalogue 'gaia'"):
        zvar.query_crossmatch(psid, "gaia", radius="1 arcsec")
    archive.import_catalog("GAIADR2", own_catalog(), ra="right", dec="down")
    with pytest.raises(InvalidQueryError, match="holds no catalogue 'gaia'"):  # that has no identifiers
        zvar.query_external("1", "gaia", radius="1 arcsec")


def test_surveys_of_the_sample_sky(tmp_path):
    """The same luck, the same catalogues; deep surveys see more, cool stars are bright in the infrared."""
    stars = draw_stars(np.random.default_rng(0))
    with Archive.create(tmp_path / "one.duckdb") as one, Archive.create(tmp_path / "two.duckdb") as two:
        for archive, seed in ((one, 5), (two, 5)):
            write_survey_catalogs(archive, np.random.default_rng(seed), stars)
        tables = {name: one.catalog(name) for name in one.catalogs()["name"]}
        for name, table in tables.items():
            again = two.catalog(name)
            for key in table.colnames:
                np.testing.assert_array_equal(np.ma.getmaskarray(table[key]), np.ma.getmaskarray(again[key]))
                assert np.ma.allequal(table[key], again[key])
    assert list(tables) == ["GALEX", "PS1", "2MASS", "AllWISE"]
    sizes = {name: len(table) for name, table in tables.items()}
    assert sizes["GALEX"] < sizes["2MASS"] < sizes["AllWISE"] < sizes["PS1"] < 300
    for table in tables.values():
        assert len(set(table["source_id"])) == len(table)
    near = tables["2MASS"]
    places = SkyCoord([star.ra for star in stars], [star.dec for star in stars], unit="deg")
    index, distance, _ = SkyCoord(near["ra"], near["dec"]).match_to_catalog_sky(places)
    assert distance.arcsec.max() < 0.5
    colour = np.array([stars[i].mags["g"] - stars[i].mags["i"] for i in index])
    both = ~(near["j_m"].mask | near["k_m"].mask)
    assert np.corrcoef(colour[both], (near["j_m"] - near["k_m"])[both])[0, 1] > 0.9
    assert re.fullmatch(r"\d{6}\.\d\d[+-]\d{6}\.\d", near["source_id"][0])
    assert str(tables["PS1"]["source_id"][0]).startswith("145")
