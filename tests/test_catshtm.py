"""The client of catsHTM: what is asked, and answers as tables with types and units.

The traps are those of reference/alerce.md 8.
"""

import json
import pickle
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn
from catshtm_sky import CENTRE, DEC, EMPTY, RA, build, get, get_json, read_recorded
from fault_server import FaultServer, http, json_reply
from hypothesis import given, settings
from hypothesis import strategies as st

from alerce_zvar import CatsHTM, CatsHTMClass, conf
from alerce_zvar.archive import Archive
from alerce_zvar.catshtm import schema
from alerce_zvar.catshtm.decode import find_unit
from alerce_zvar.errors import (
    CorruptValueWarning,
    InvalidQueryError,
    NoResultsWarning,
    PartialResultWarning,
    ReplyError,
    UnavailableError,
)
from alerce_zvar.server import serve

pytest.importorskip("fastapi")

RADIUS = 30 * u.arcsec
# Names in answers that differ from those in requests (reference/alerce.md 8).
RENAMED = {
    "2MASS": "TMASS", "2MASSxsc": "TMASSxsc", "CRTS": "CRTS_per_var", "GAIA/DR1": "GAIADR1", "GAIA/DR2": "GAIADR2",
    "SDSS/DR10": "SDSSDR10",
}  # fmt: skip
# What astropy.units.Unit rejects (reference/alerce.md 8), and what it means.
REJECTED = {
    "arcse": u.arcsec,
    "magAB": u.mag,
    "JYear": u.yr,
    "JD": u.d,
    "MJD": u.d,
    "null": None,
    "nanomaggies": u.nmgy,
    "logg": u.dex,
    "FeH": u.dex,
}
ACCEPTED = ("deg", "arcsec", "mas", "mag", "mas/yr", "km/s", "K", "d", "deg/day", "year", "DN", "erg/cm^2/s")


def cells(unit="mag", value=1.0, *, many=False, **columns):
    """A source as the service writes it."""
    keys = ("units", "values") if many else ("unit", "value")
    found = {"RA": ("deg", 10.0), "Dec": ("deg", 10.0)} | ({} if many else {"distance": ("arcsec", 0.5)})
    found |= {"x": (unit, value)} | columns
    return {name: dict(zip(keys, (a, [b] if many else b), strict=True)) for name, (a, b) in found.items()}


@pytest.fixture(scope="module")
def recorded(real_data):
    return read_recorded(real_data)


@pytest.fixture(scope="module")
def server(recorded, tmp_path_factory):
    with build(tmp_path_factory.mktemp("catshtm") / "sky.duckdb", recorded) as archive, serve(archive) as running:
        yield running


@pytest.fixture(scope="module")
def service(server):
    return CatsHTMClass(url=server.url, catalogs="mine")


def ask(*script, method="query_crossmatch", coordinates=EMPTY, **options):
    """An answer to whatever a server of faults sends."""
    with FaultServer(*script) as faults:
        client = CatsHTMClass(url=f"{faults.url}/catshtm")
        return getattr(client, method)(coordinates, radius=2 * u.arcsec, **options)


# --- names and units ------------------------------------------------------------------------------------------------


def test_names_in_requests_and_in_answers():
    assert {c.answer: c.name for c in schema.CATALOGS if c.answer != c.name} == RENAMED
    for answer, request in RENAMED.items():
        assert (schema.request_name(answer.lower()), schema.answer_name(request.lower())) == (request, answer)
    assert schema.answer_name("WISE") == schema.request_name("WISE") == "WISE"
    assert schema.answer_name("mine") == schema.request_name("mine") == "mine"


def test_list_of_catalogues():
    listed = CatsHTM.list_catalogs()
    assert listed.colnames == ["name", "answer", "radius", "ra", "dec", "documented"]
    documented = listed[listed["documented"]]
    assert len(documented) == 33
    assert len(listed) == len(set(listed["name"])) == 37
    by_name = {row["name"]: row for row in listed}
    own = {name: row["radius"] for name, row in by_name.items() if row["radius"] != 50}
    assert own == {
        "XMM": 8, "APASS": 2, "DECaLS": 0.1, "GAIADR1": 0.1, "GAIADR2": 0.1, "NVSS": 10.8, "SDSSoffset": 0.1,
        "SkyMapper": 0.4,
    }  # fmt: skip
    assert listed["radius"].unit == u.arcsec
    assert by_name["TMASS"]["answer"] == "2MASS"
    assert tuple(by_name["HSCv2"][["ra", "dec"]]) == ("MatchRA", "MatchDec")
    assert "operators" in listed.meta["note"]
    assert CatsHTMClass(catalogs=["mine"]).list_catalogs()["name"][-1] == "mine"


@pytest.mark.parametrize(("text", "unit"), REJECTED.items())
def test_units_that_astropy_rejects(text, unit):
    with pytest.raises(ValueError, match="did not parse"):
        u.Unit(text)
    assert find_unit(text) == unit
    if unit is not None:
        assert find_unit(text).is_equivalent(unit)


@pytest.mark.parametrize("text", ACCEPTED)
def test_units_that_astropy_accepts_and_our_way_back(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", u.UnitsWarning)
        assert find_unit(text) == u.Unit(text)
    assert schema.unit_on_wire(find_unit(text)) == text


@settings(max_examples=40)
@given(st.text(max_size=12))
def test_no_spelling_of_a_unit_is_an_error(text):
    assert find_unit(text) is None or isinstance(find_unit(text), u.UnitBase | u.FunctionUnitBase)


def test_no_unit():
    assert find_unit(" ") is find_unit("") is None
    assert schema.unit_on_wire(None) == schema.unit_on_wire(u.dimensionless_unscaled) == " "
    assert find_unit("Jy/beam") == u.Jy / u.beam
    assert schema.unit_on_wire(u.Jy) == "Jy"


def test_an_unknown_unit_costs_nothing_but_a_warning():
    with pytest.warns(CorruptValueWarning, match=r"x of 2MASS \('furlong'\)"):
        table = ask(json_reply(cells("furlong")), catalog="2MASS")
    assert table["x"].unit is None
    assert table["x"].info.meta["wire_unit"] == "furlong"
    assert table["x"][0] == 1.0


# --- what is sent ---------------------------------------------------------------------------------------------------


def test_payloads_hold_the_names_of_requests():
    payload = CatsHTM.query_region(CENTRE, radius=0.5 * u.arcmin, catalog="GAIA/DR2", get_query_payload=True)
    assert payload == {"catalog": "GAIADR2", "ra": RA, "dec": DEC, "radius": 30.0}
    pair = SkyCoord([1, 2], [3, 4], unit="deg")
    many = CatsHTM.query_crossmatch(pair, radius="2 arcsec", catalog=["2mass", "TMASS", "crts"], get_query_payload=True)
    assert [one["catalog"] for one in many] == ["TMASS", "TMASS", "CRTS_per_var", "CRTS_per_var"]
    assert CatsHTM.query_redshift(pair[0], radius="2 arcsec", get_query_payload=True).keys() == {"ra", "dec", "radius"}
    everything = CatsHTM.query_region(pair[0], radius="2 arcsec", catalog="all", get_query_payload=True)
    assert "catalog" not in everything


def test_unknown_catalogues_are_refused_before_any_request():
    with pytest.raises(ValueError, match=r"not 'GAIADR22'\. Did you mean GAIADR2 or"):
        CatsHTM.query_region(CENTRE, radius=RADIUS, catalog="GAIADR22")
    with pytest.raises(ValueError, match=r"list_catalogs\(\) shows, not 'mine'\. A server with others"):
        CatsHTM.query_crossmatch(CENTRE, radius=RADIUS, catalog=["WISE", "mine"])
    with pytest.raises(ValueError, match="at least one name"):
        CatsHTM.query_region(CENTRE, radius=RADIUS, catalog=[])
    with pytest.raises(TypeError, match="catalog must be a name, or a list of names, not 3"):
        CatsHTM.query_region(CENTRE, radius=RADIUS, catalog=3)
    with pytest.raises(TypeError, match="catalogs must be a name, or a list of names, not 3"):
        CatsHTMClass(catalogs=3)


def test_names_of_ones_own_in_any_case():
    client = CatsHTMClass(catalogs=["Mine", "other"])
    asked = client.query_region(CENTRE, radius=RADIUS, catalog=["mine", "OTHER", "MINE"], get_query_payload=True)
    assert [one["catalog"] for one in asked] == ["Mine", "other"]


@pytest.mark.parametrize("method", ["query_region", "query_crossmatch", "query_redshift"])
def test_bad_arguments_are_refused_before_any_request(method):
    with pytest.raises(u.UnitsError, match="radius must be an angle with a unit"):
        getattr(CatsHTM, method)(CENTRE, radius=3)
    with pytest.raises(TypeError, match="coordinates must be a SkyCoord"):
        getattr(CatsHTM, method)((1, 2), radius=RADIUS)


def test_addresses(monkeypatch):
    assert CatsHTMClass()._address() == conf.catshtm_url
    assert CatsHTMClass(url="https://catshtm.alerce.online/")._address() == "https://catshtm.alerce.online"
    assert CatsHTMClass(url="http://127.0.0.1:9")._address() == "http://127.0.0.1:9/catshtm"
    assert CatsHTMClass(url="http://127.0.0.1:9/own")._address() == "http://127.0.0.1:9/own"
    monkeypatch.setenv("ALERCE_ZVAR_SERVER", "http://127.0.0.1:9/")
    assert repr(CatsHTM) == "<CatsHTMClass at http://127.0.0.1:9/catshtm>"
    copied = pickle.loads(pickle.dumps(CatsHTMClass(url="http://127.0.0.1:8", catalogs=["mine"])))
    assert (copied._address(), copied._more) == ("http://127.0.0.1:8/catshtm", ("mine",))


# --- the service's answers, as recorded -----------------------------------------------------------------------------


def test_the_recorded_answer_is_read(service, recorded):
    tables = service.query_crossmatch(CENTRE, radius=RADIUS)
    assert list(tables) == [next(iter(item)) for item in recorded] + ["NEDz", "SWIREz"]
    for item in recorded:
        ((name, columns),) = item.items()
        (row,) = table = tables[name]
        assert set(table.colnames) == set(columns) - {"distance"} | {"input_index", "separation"}
        assert table.colnames[:4] == ["input_index", "separation", "RA", "Dec"]
        assert table["separation"].unit == u.arcsec
        assert row["separation"] == pytest.approx(columns["distance"]["value"], abs=1e-9)
        for key, cell in columns.items():
            if key != "distance":
                assert row[key] is np.ma.masked if cell["value"] is None else row[key] == cell["value"]
                assert table[key].info.meta["wire_unit"] == cell["unit"]
    assert tables["WISE"]["ErrDec"].unit == tables["WISE"]["ErrRA"].unit == u.arcsec
    assert tables["unWISE"]["MagAB_w1"].unit == u.mag
    assert tables["GAIADR2"]["Epoch"].unit == u.yr
    assert tables["TMASS"]["Epoch"].unit == u.d
    assert tables["APASS"]["Nobs"].unit is None
    assert tables["GAIA/DR2"]["PMRA"].unit == u.mas / u.yr
    assert SkyCoord(tables["WISE"]["RA"], tables["WISE"]["Dec"]).separation(CENTRE)[0] < 22 * u.arcsec


# --- cones ----------------------------------------------------------------------------------------------------------


def test_one_catalogue_is_a_table(service):
    table = service.query_region(CENTRE, radius=RADIUS, catalog="NEDz")
    assert table.colnames == ["input_index", "RA", "Dec", "z"]
    assert list(table["z"].mask) == [True, False]
    nothing_masked = service.query_crossmatch(SkyCoord(150.0, 2.0, unit="deg"), radius=RADIUS, catalog="NEDz")
    for found, kinds in ((table, [Column] * 3), (nothing_masked, [Column] * 4)):
        assert [type(column) for column in found.columns.values()] == [*kinds, MaskedColumn], "any but the position"
    assert len(table.failures) == 0
    assert table.meta["catalog"] == "NEDz"
    assert table.meta["service"] == "catsHTM"


def test_many_positions_in_order(service):
    table = service.query_region(SkyCoord([150.0, 10, RA], [2.0, 10, DEC], unit="deg"), radius=RADIUS, catalog="NEDz")
    assert list(table["input_index"]) == [0, 2, 2]
    assert table["z"][0] == 0.07
    assert len(table.failures) == 0, "a cone without sources is answered"


def test_several_catalogues_are_read_like_a_dict(service):
    tables = service.query_region([CENTRE, EMPTY], radius=RADIUS, catalog=["TMASS", "GAIA/DR2", "mine"])
    assert list(tables) == ["2MASS", "GAIA/DR2", "mine"]
    assert len(tables["mine"]) == 0
    assert tables["TMASS"] is tables["2MASS"] is tables["2mass"]
    assert "GAIADR2" in tables
    assert "WISE" not in tables
    with pytest.raises(KeyError, match="no table of 'WISE'; there are 2MASS, GAIA/DR2, mine"):
        tables["WISE"]
    assert repr(tables).splitlines()[0] == "<CatalogTables of 3 catalogues>"
    assert repr(tables).splitlines()[2] == "GAIA/DR2      1 rows   28 columns"
    assert len(tables.failures) == 0
    assert tables.meta["requests"] == 6
    everything = service.query_region([CENTRE, EMPTY], radius=RADIUS)
    assert len(everything) == 9
    assert everything.meta["requests"] == 2


def test_an_empty_answer(service):
    with pytest.warns(NoResultsWarning, match="No sources of WISE found"):
        table = service.query_region(EMPTY, radius=RADIUS, catalog="WISE")
    assert (len(table), table.colnames) == (0, ["input_index", "RA", "Dec"])
    assert table["input_index"].dtype == np.int64
    assert table["RA"].unit == u.deg
    with pytest.warns(NoResultsWarning, match="No sources found"):
        tables = service.query_region(EMPTY, radius=RADIUS)
    assert (len(tables), repr(tables)) == (0, "<CatalogTables of 0 catalogues>")
    with pytest.warns(NoResultsWarning):
        table = service.query_crossmatch(EMPTY, radius=RADIUS, catalog="SWIREz")
    assert table.colnames == ["input_index", "separation", "RA", "Dec"]


def test_odd_values_of_all_types(server, service):
    position = SkyCoord(1.0 * u.rad, 0.25 * u.rad)
    table = service.query_crossmatch(position, radius=1 * u.arcsec, catalog="mine")
    row = table[0]
    assert table.colnames[:2] == ["input_index", "separation"]
    assert set(table.colnames[2:]) == {"id", "lon", "lat", "limit", "name", "good", "single", "distance_kpc", "seen"}
    assert (row["id"], table["id"].dtype) == (2**62 + 1, np.int64)
    assert (row["name"], bool(row["good"])) == ("a b", True)
    assert row["limit"] == np.inf
    assert table["limit"].unit == u.Jy
    assert (row["distance_kpc"], table["distance_kpc"].unit) == (3.0, u.kpc)
    assert row["separation"] == pytest.approx(0, abs=1e-9)
    assert row["lon"] == pytest.approx(np.degrees(1.0))
    assert table["lon"].unit == u.deg
    assert (row["seen"], table["seen"].unit, table["seen"].info.meta["wire_unit"]) == (59000.5, u.d, "MJD")
    degrees = f"ra={np.degrees(2.0):.17g}&dec={np.degrees(0.5):.17g}"
    wire = get_json(f"{server.url}/catshtm/conesearch?catalog=MINE&{degrees}&radius=1")
    assert wire["mine"]["limit"] == {"units": "Jy", "values": ["-infinity"]}
    assert wire["mine"]["single"] == {"units": "mag", "values": [None]}
    assert wire["mine"]["lon"]["units"] == "deg"
    assert wire["mine"]["good"] == {"units": " ", "values": [False]}
    body = get(f"{server.url}/catshtm/crossmatch?catalog=mine&ra={np.degrees(1.0):.17g}&dec={np.degrees(0.25):.17g}")[2]
    assert b'"single":{"unit":"mag","value":17.41657}' in body, "single precision prints short"
    assert b'"limit":{"unit":"Jy","value":"infinity"}' in body
    assert str(2**62 + 1).encode() in body


def test_what_was_downloaded_is_served_alike(server, service, tmp_path):
    table = service.query_region([CENTRE], radius=RADIUS, catalog="unWISE")
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_catalog("unWISE", table, ra="RA", dec="Dec")
        with serve(archive) as running:
            query = f"/catshtm/conesearch?catalog=unWISE&ra={RA!r}&dec={DEC!r}&radius=30"
            again, before = (get_json(one.url + query)["unWISE"] for one in (running, server))
    assert again.pop("input_index") == {"units": " ", "values": [0]}
    assert again == before
    assert again["MagAB_w1"]["units"] == "magAB"


def test_other_forms(service):
    table = service.query_crossmatch(CENTRE, radius=RADIUS, catalog="GAIADR2")
    frame = table.to_pandas()
    assert frame.attrs["units"]["PMRA"] == "mas / yr"
    assert (np.isnan(frame["RV"][0]), frame["Mag_G"][0]) == (True, 16.882875)
    field = next(field for field in table.to_votable().get_first_table().fields if field.name == "RA")
    assert (str(field.unit), field.ucd) == ("deg", "pos.eq.ra;meta.main")
    assert json.loads(table.to_jsonl())["RV"] is None


# --- cross-matches --------------------------------------------------------------------------------------------------


def test_every_position_is_a_row_or_a_failure(service):
    positions = SkyCoord([10.0, RA, 150.0], [10.0, DEC, 2.0], unit="deg")
    table = service.query_crossmatch(positions, radius=RADIUS, catalog="SWIREz")
    assert list(table["input_index"]) == [1, 2]
    np.testing.assert_allclose(table["separation"], [1.8, 0.0], atol=2e-3)
    assert list(table.failures["input_index"]) == [0]
    assert table.failures["reason"][0] == "no source within 30 arcsec"
    tables = service.query_crossmatch(positions, radius=RADIUS)
    assert list(tables["WISE"]["input_index"]) == [1]
    assert list(tables["WISE"].failures["input_index"]) == [0, 2]
    assert len(tables.failures) == 0, "nothing failed"


def test_nearest_is_nearest(service):
    table = service.query_crossmatch(SkyCoord(RA, DEC + 0.0008, unit="deg"), radius=RADIUS, catalog="NEDz")
    assert table["z"][0] == 0.04
    assert table["separation"][0] == pytest.approx(0.72, abs=1e-6)


def test_redshifts(service):
    positions = SkyCoord([RA, 150.0, 10.0, RA], [DEC, 2.0, 10.0, DEC + 0.001], unit="deg")
    table = service.query_redshift(positions, radius=RADIUS)
    assert table.colnames == ["input_index", "z", "catalog", "column", "separation"]
    # The nearest galaxy of the first position has no redshift in NEDz, so that the photometric one is taken.
    assert list(table["z"]) == [0.05, 0.07, 0.04]
    assert list(table["catalog"]) == ["SWIREz", "NEDz", "NEDz"]
    assert list(table["column"]) == ["zphot", "z", "z"]
    assert list(table["input_index"]) == [0, 1, 3]
    assert table["separation"].unit == u.arcsec
    assert list(table.failures["input_index"]) == [2]
    with pytest.warns(NoResultsWarning, match="No redshifts"):
        assert len(service.query_redshift(EMPTY, radius=RADIUS)) == 0


def test_a_magnitude_in_z_is_no_redshift():
    magnitude = {"SDSS/DR10": cells(z=("mag", 19.0))}
    photometric = {"Cosmos": cells(z_phot=(" ", 0.4))}
    unknown = {"SpecSDSS": cells(z=(" ", None))}
    found = ask(json_reply([magnitude, photometric, unknown]), method="query_redshift")
    assert (found["z"][0], found["catalog"][0], found["column"][0]) == (0.4, "Cosmos", "z_phot")
    spectrum = {"SpecSDSS": cells(z=("null", 0.1))}
    found = ask(json_reply([photometric, spectrum]), method="query_redshift")
    assert (found["z"][0], found["catalog"][0]) == (0.1, "SpecSDSS"), "any z goes before all zphot"


# --- what may go wrong ----------------------------------------------------------------------------------------------


def test_a_refusal_with_status_200(service):
    refusal = json_reply(schema.INVALID)
    with pytest.raises(InvalidQueryError, match="invalid arguments") as caught:
        ask(refusal, catalog="WISE")
    assert caught.value.status == 200
    assert "/catshtm/crossmatch?catalog=WISE" in caught.value.url
    with pytest.raises(InvalidQueryError, match="invalid arguments"):
        service.query_region(EMPTY, radius=RADIUS, catalog="AKARI")
    with pytest.warns(PartialResultWarning, match="1 of 2 inputs"):
        tables = service.query_region(CENTRE, radius=RADIUS, catalog=["WISE", "AKARI"])
    assert [len(table) for table in tables.values()] == [1, 0]
    assert list(tables.failures["catalog", "input_index"][0]) == ["AKARI", 0]
    assert tables["AKARI"].failures["error"][0] == "InvalidQueryError"
    assert len(tables["WISE"].failures) == 0


def test_a_failed_position_loses_no_other():
    pair = SkyCoord([10.0, 20.0], [10.0, 10.0], unit="deg")
    with conf.set_temp("max_connections", 1), pytest.warns(PartialResultWarning, match="1 of 2 inputs"):
        table = ask(http(b"", 400), json_reply(cells()), coordinates=pair, catalog="WISE")
    assert list(table["input_index"]) == [1]
    assert list(table.failures["input_index"]) == [0]
    assert table.failures["input"][0] == "10.000000 +10.000000"
    assert table.failures["error"][0] == "InvalidQueryError", "and not that there is no source"
    with conf.set_temp("max_connections", 1), pytest.warns(PartialResultWarning):
        tables = ask(json_reply([{"WISE": cells()}]), json_reply([{"WISE": 3}]), coordinates=pair)
    assert list(tables.failures["input_index"]) == list(tables["WISE"].failures["input_index"]) == [1]
    assert tables.failures["catalog"][0] == ""
    with conf.set_temp("max_connections", 1), pytest.warns(PartialResultWarning):
        table = ask(
            http(b"", 400), json_reply([{"NEDz": cells(z=(" ", 1.5))}]), coordinates=pair, method="query_redshift"
        )
    assert (list(table["input_index"]), list(table.failures["input_index"])) == ([1], [0])


def test_the_service_is_down():
    with conf.set_temp("max_retries", 0), pytest.raises(UnavailableError, match="status 500"):
        ask(http(b"<html>", 500), catalog="WISE")


BAD = {
    "a list": [1],
    "a number": 3,
    "not columns": {"RA": 3.0},
    "no unit": cells() | {"y": {"value": 3}},
    "unit of the wrong type": cells(y=(3, 3)),
    "values that are no list": {"WISE": {"RA": {"units": "deg", "values": 3}}},
    "types that do not go together": {"WISE": {"x": {"units": " ", "values": ["a", 1.0]}}},
    "truths and numbers": {"WISE": {"x": {"units": " ", "values": [True, 1]}}},
    "objects": {"WISE": {"x": {"units": " ", "values": [{}]}}},
    "columns of two lengths": {"WISE": {"x": {"units": " ", "values": [1]}, "y": {"units": " ", "values": [1, 2]}}},
    "too large": {"WISE": {"x": {"units": " ", "values": [2**63]}}},
    "not exact as a float": {"WISE": {"x": {"units": " ", "values": [2**60 + 1, 0.5]}}},
}


@pytest.mark.parametrize("what", BAD)
def test_an_answer_that_is_none(what):
    method = "query_region" if set(BAD[what] if isinstance(BAD[what], dict) else ()) == {"WISE"} else "query_crossmatch"
    with pytest.raises(ReplyError):
        ask(json_reply(BAD[what]), method=method, catalog="WISE")


def test_a_match_that_is_at_no_distance():
    far = cells()
    del far["distance"]
    with pytest.raises(ReplyError, match="how far"):
        ask(json_reply(far), catalog="WISE")
    for distance in (None, "near", float("nan")):
        with pytest.raises(ReplyError, match="how far"):
            ask(json_reply(cells(distance=("arcsec", distance))), catalog="WISE")
    with pytest.raises(ReplyError, match="does not hold catalogues"):
        ask(json_reply({}), method="query_region")
    with pytest.raises(ReplyError, match="does not hold catalogues"):
        ask(json_reply([[]]))


def test_answers_that_do_not_go_together():
    pair = SkyCoord([10.0, 20.0], [10.0, 10.0], unit="deg")
    with conf.set_temp("max_connections", 1), pytest.warns(PartialResultWarning, match="is in 'K' here"):
        table = ask(json_reply(cells("mag")), json_reply(cells("K")), coordinates=pair, catalog="WISE")
    assert list(table["input_index"]) == [0]
    with conf.set_temp("max_connections", 1):
        table = ask(
            json_reply(cells(value=3)), json_reply(cells(value=2.5, y=(" ", 7))), coordinates=pair, catalog="WISE"
        )
    assert list(table["x"]) == [3.0, 2.5]
    assert list(table["y"].mask) == [True, False]


def test_words_of_older_answers():
    values = {"units": "mag", "values": ["null", "infinity", 17.5, None]}
    texts = {"units": " ", "values": ["null", "infinity", "a", None]}
    zeros = {"units": "deg", "values": [0.0] * 4}
    columns = {"Dec": zeros, "RA": zeros, "m": values, "t": texts, "none": {"units": None, "values": [None] * 4}}
    table = ask(json_reply({"2MASS": columns}), method="query_region", catalog="2MASS")
    assert list(table["m"].mask) == [True, False, False, True]
    assert list(table["m"][1:3]) == [np.inf, 17.5]
    assert list(table["t"][:3]) == ["null", "infinity", "a"], "a text stays one"
    assert table["none"].mask.all()
    assert table["none"].dtype == float
    bare = json.dumps({"2MASS": columns}).replace("17.5", "NaN").encode()
    table = ask(http(bare, Content_Type="application/json"), method="query_region", catalog="2MASS")
    assert list(table["m"].mask) == [True, False, True, True]


def test_names_of_ours_are_not_taken_away():
    table = ask(json_reply(cells(separation=("kpc", 3.0), input_index=(" ", 9))), catalog="WISE")
    assert (table["separation"][0], table["separation_2"][0], table["input_index_2"][0]) == (0.5, 3.0, 9)
