"""ZVAR's matches with other catalogues, one id or any list of them, and answers in other shapes than were seen."""

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from fault_server import FaultServer, json_reply

from alerce_zvar import Zvar
from alerce_zvar.errors import NoResultsWarning, NotFoundError, PartialResultWarning, ReplyError
from alerce_zvar.sample.stars import CENTRE
from alerce_zvar.zvar import schema

LOGIN = ("alice", "wonderland")
STAR = "145120008365555264"  # of the notebook
GAIA_ID = "2873447302730839936"


@pytest.fixture(scope="module")
def notebook(real_data):
    return json.loads((real_data / "recorded" / "zvar" / "zvar_api_examples.json").read_text())


@pytest.fixture
def zvar(sample_server, monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", LOGIN[0])
    monkeypatch.setenv("ZVAR_PASSWORD", LOGIN[1])
    return Zvar(url=sample_server)


@pytest.fixture
def sources(zvar):
    """All sources of the sample sky."""
    return zvar.query_region(CENTRE, radius=10 * u.arcmin)


def answering(*contents):
    return FaultServer(*map(json_reply, contents))


# --- one id, or any list --------------------------------------------------------------------------------------------


def test_one_object(zvar, sources):
    ids = list(sources["psid"][[3, 1]])
    with pytest.raises(NotFoundError, match="Object 7 not found"):
        zvar.query_object(7)
    with pytest.warns(PartialResultWarning, match="1 of 4 inputs"):
        found = zvar.query_object([ids[0], 7, ids[1], ids[0]])
    assert list(found["psid"]) == [ids[0], ids[1], ids[0]]
    assert list(found["input_index"]) == [0, 2, 3]
    assert list(found.failures["error"]) == ["NotFoundError"]
    many = zvar.query_objects(ids)
    assert sorted(found.periods["period"]) == sorted(many.periods["period"])
    assert zvar.query_object(ids[0], get_query_payload=True) == {"psid": ids[0]}
    with answering({"psid": "1", "ra": 1.0, "dec": 1.0}) as server, pytest.raises(ReplyError, match="not the source"):
        Zvar(url=server.url).query_object(STAR)


def test_matches_in_parts(zvar, sources, monkeypatch):
    monkeypatch.setattr(schema, "MAX_IDS", 7)
    ids = list(sources["psid"][:20])
    sent = zvar.query_crossmatch(ids, "ps1", radius=1 * u.arcsec, get_query_payload=True)
    assert [len(payload["psids"]) for payload in sent] == [7, 7, 6]
    found = zvar.query_crossmatch(ids, "ps1", radius=1 * u.arcsec)
    assert found.meta["requests"] == 3
    assert sorted([*found["psid"], *found.failures["input"]]) == sorted(ids)
    back = zvar.query_external(found["source_id"], "ps1", radius=1 * u.arcsec)
    assert list(back["psid"]) == list(found["psid"])
    assert len(back.periods) == len(zvar.query_objects(found["psid"]).periods)


def test_matches_of_unknown_ids_and_repeated_ones(zvar, sources):
    gaia = zvar.query_crossmatch(sources["psid"], "gaia", radius=2 * u.arcsec)
    (known, other), (dark, *_) = gaia["psid"][:2], gaia.failures["input"]
    with pytest.warns(PartialResultWarning, match="1 of 5 inputs .*left it out"):
        found = zvar.query_crossmatch([other, 7, dark, known, other], "gaia", radius=2 * u.arcsec)
    assert list(found["psid"]) == [other, known, other]
    assert list(found["input_index"]) == [0, 3, 4]
    assert list(found.failures["input"]) == ["7", dark]
    ids = list(gaia["source_id"][:2])
    with pytest.warns(PartialResultWarning, match="1 of 4 inputs"):
        back = zvar.query_external([int(ids[1]), "12", ids[0], ids[1]], "gaia", radius=2 * u.arcsec)
    assert list(back["source_id"]) == [ids[1], ids[0], ids[1]]
    assert list(back["psid"]) == [other, known, other]
    assert list(back.external["source_id"]) == [ids[1], ids[0]]
    assert len(back.lightcurves) == len(zvar.query_objects([known, other]).lightcurves)


def test_no_match_at_all(zvar, sources):
    gaia = zvar.query_crossmatch(sources["psid"], "gaia", radius=2 * u.arcsec)
    with pytest.warns(NoResultsWarning, match="No matches in gaia"):
        found = zvar.query_crossmatch(gaia.failures["input"], "gaia", radius=1 * u.arcsec)
    assert len(found) == 0
    assert found.colnames == gaia.colnames
    assert found["parallax"].unit == u.mas
    with pytest.warns(NoResultsWarning, match="near those of gaia"):
        back = zvar.query_external(gaia["source_id"][:2], "gaia", radius=1e-6 * u.arcsec)
    assert back.colnames == ["input_index", "source_id", "separation", "psid", "ra", "dec", "objtype"]
    assert len(back.external) == 2
    assert list(back.failures["reason"]) == ["no source of ZVAR within 1e-06 arcsec"] * 2
    with pytest.warns(NoResultsWarning):
        assert len(zvar.query_external("5", "gaia", radius=1 * u.arcsec).external) == 0


def test_closest_and_all(zvar, sources):
    psid = sources["psid"][0]
    one = zvar.query_crossmatch(psid, "ps1", radius=3 * u.arcmin)
    every = zvar.query_crossmatch(psid, "ps1", radius=3 * u.arcmin, closest=False)
    assert len(one) == 1
    assert len(every) > 20
    assert every["source_id"][0] == one["source_id"][0]
    places = SkyCoord(every["ra"].filled(np.nan), every["dec"].filled(np.nan), unit="deg")
    apart = places.separation(SkyCoord(sources["ra"][0], sources["dec"][0], unit="deg")).arcsec
    assert np.all(np.diff(apart) > -0.2)
    one = zvar.query_external(every["source_id"][0], "ps1", radius=3 * u.arcmin)
    around = zvar.query_external(every["source_id"][0], "ps1", radius=3 * u.arcmin, closest=False)
    assert list(one["psid"]) == list(around["psid"][:1]) == [psid]
    assert len(around) > 20
    assert np.all(np.diff(around["separation"]) > -0.1)


def test_list_catalogs():
    found = Zvar(url="http://127.0.0.1:9").list_catalogs()
    assert list(found["name"]) == ["gaia", "ps1", "galex", "2mass", "allwise"]
    assert list(found["seen"]) == [True, False, False, False, False]
    assert found["columns"][3] == "j_m, j_cmsig, h_m, h_cmsig, k_m, k_cmsig"


# --- answers in other shapes than were seen -------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [lambda row: [row], lambda row: row])
def test_the_closest_match_as_list_or_alone(notebook, shape):
    (row,) = notebook[f"xmatch_gaia_{STAR}"]
    with answering({STAR: shape(row)}, {GAIA_ID: row | {"xmatches": shape(notebook[f"object_{STAR}"])}}) as server:
        found = Zvar(url=server.url).query_crossmatch(STAR, "gaia", radius=3 * u.arcsec)
        back = Zvar(url=server.url).query_external(GAIA_ID, "gaia", radius=3 * u.arcsec)
    assert list(found["source_id"]) == [GAIA_ID]
    assert list(back["psid"]) == [STAR]


def test_numbers_for_ids_and_nulls_for_values(notebook):
    row = notebook[f"xmatch_gaia_{STAR}"][0] | {"id": int(GAIA_ID), "parallax": None, "phot_bp_mean_mag": None}
    with answering({STAR: [row]}) as server:
        found = Zvar(url=server.url).query_crossmatch(STAR, "gaia", radius=3 * u.arcsec)
    assert found["source_id"][0] == GAIA_ID
    assert found["parallax"].mask[0]
    assert not found["parallax_error"].mask[0]


def test_columns_that_nobody_knows_are_kept():
    rows = [
        {"id": "a", "ra": 1.0, "dec": 2.0, "j_m": 12.5, "ph_qual": "AAA", "cntr": 2**53 + 1, "blend": True, "odd": [1]},
        {"id": "b", "decl": 2.0, "j_m": None, "ph_qual": None, "cntr": 7, "blend": None, "mixed": 1},
        {"id": "c", "mixed": "x", "ra": 1.0, "dec": 2.0, "huge": 2**63},
    ]
    with answering({STAR: rows}) as server:
        found = Zvar(url=server.url).query_crossmatch(STAR, "2mass", radius=3 * u.arcsec, closest=False)
    assert list(found["cntr"].filled(-1)) == [2**53 + 1, 7, -1]
    assert list(found["ph_qual"].filled("")) == ["AAA", "", ""]
    assert list(found["blend"].filled(False)) == [True, False, False]
    assert found["decl"].filled(0)[1] == 2.0
    assert list(found["dec"].mask) == [False, True, False]
    assert found["j_m"].unit == u.mag
    assert found["h_m"].mask.all()
    assert found["cntr"].unit is None
    assert found.meta["unknown_columns"] == ["huge", "mixed", "odd"]


ODD_MATCHES = [{STAR: "abc"}, {STAR: [5]}, {STAR: [{"ra": 1.0}]}, [], {STAR: [{"id": "1", "parallax": "near"}]}]


@pytest.mark.parametrize("content", ODD_MATCHES)
def test_odd_matches_are_told(content):
    with answering(content) as server, pytest.raises(ReplyError):
        Zvar(url=server.url).query_crossmatch(STAR, "gaia", radius=3 * u.arcsec)


@pytest.mark.parametrize(
    "content",
    [
        {GAIA_ID: "abc"},
        {GAIA_ID: []},
        {GAIA_ID: {"id": "5"}},
        {GAIA_ID: {"id": GAIA_ID, "xmatches": [5]}},
        {GAIA_ID: {"id": GAIA_ID, "xmatches": [{"psid": STAR}]}},
        {GAIA_ID: {"id": GAIA_ID, "parallax": "near"}},
    ],
)
def test_odd_external_sources_are_told(content):
    with answering(content) as server, pytest.raises(ReplyError):
        Zvar(url=server.url).query_external(GAIA_ID, "gaia", radius=3 * u.arcsec)


def test_an_odd_external_source_takes_its_matches_along(notebook):
    row = notebook[f"xmatch_gaia_{STAR}"][0] | {"xmatches": [notebook[f"object_{STAR}"]]}
    content = {GAIA_ID: row, "5": row | {"id": "5", "parallax": "near"}}
    with answering(content) as server, pytest.warns(PartialResultWarning, match="2 of 4 inputs"):
        found = Zvar(url=server.url).query_external([5, GAIA_ID, 5, GAIA_ID], "gaia", radius=3 * u.arcsec)
    assert list(found["input_index"]) == [1, 3]
    assert list(found.failures["input_index"]) == [0, 2]
    assert list(found.failures["error"]) == ["ReplyError"] * 2
    assert list(found.external["source_id"]) == [GAIA_ID]
    assert len(found.lightcurves) == 2


def test_an_odd_source_fails_alone(notebook):
    good, bad = notebook[f"object_{STAR}"], {"psid": "2", "ra": "east", "dec": 1.0}
    row = notebook[f"xmatch_gaia_{STAR}"][0]
    with answering(
        [good, bad],
        {STAR: [row], "2": [row | {"ra": "east"}]},
        {GAIA_ID: row | {"xmatches": [good]}, "2": row | {"id": "2", "xmatches": [bad]}},
        {STAR: [notebook[f"photometry_mag_{STAR}_first"]], "2": [{"time": "noon"}]},
    ) as server:
        zvar = Zvar(url=server.url)
        for ask in (
            lambda: zvar.query_objects([STAR, 2]),
            lambda: zvar.query_crossmatch([STAR, 2], "gaia", radius="3 arcsec"),
            lambda: zvar.query_external([GAIA_ID, "2"], "gaia", radius="3 arcsec"),
            lambda: zvar.get_lightcurves([STAR, 2]),
        ):
            with pytest.warns(PartialResultWarning, match="1 of 2 inputs"):
                found = ask()
            assert len(found) == 1
            assert list(found.failures["input"]) == ["2"]
            assert list(found.failures["error"]) == ["ReplyError"]
