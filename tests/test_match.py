"""Tables joined by position, and what all services know of places, against the local server."""

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from fault_server import json_reply
from faulty_proxy import Clock, Faulty, patient
from hypothesis import given, settings
from hypothesis import strategies as st

from alerce_zvar import AlerceClass, ZvarClass, crossmatch, match_services
from alerce_zvar.errors import LoginError, NoResultsWarning, PartialResultWarning, ServiceError
from alerce_zvar.match import schema
from alerce_zvar.wire.answer import AnswerTable

BIG = 2**62 + 1


def stars(**columns):
    """Three places: beside RA 0, with a masked magnitude, and near a pole."""
    found = Table({"star": ["x", "y", "z"], "ra": [359.9999, 10.0, 20.0] * u.deg, "dec": [0.0, 0.0, 89.9999] * u.deg})
    found["mag"] = MaskedColumn([1.0, 2.0, 3.0], mask=[False, True, False], unit=u.mag, description="ours")
    for name, values in columns.items():
        found[name] = values
    return found


def catalog():
    """Across RA 0 from x, and across the pole from z; of every kind of column."""
    found = QTable({"ra": [200.0, 0.0001] * u.deg, "dec": [89.9999, 0.0] * u.deg, "mag": [17.0, 18.0] * u.mag})
    found["time"] = Time([58000.0, 58001.5], format="mjd", scale="tai")
    found["id"] = MaskedColumn([BIG, 5], mask=[False, True], description="theirs", meta={"ucd": "meta.id"})
    found["name"], found["good"] = ["pole", "origin"], [True, False]
    return found


def test_every_row_is_answered_once_by_the_nearest():
    found = crossmatch(stars(), catalog(), 2 * u.arcsec)
    assert isinstance(found, AnswerTable)
    assert found.colnames == [
        "star", "ra_a", "dec_a", "mag_a", "ra_b", "dec_b", "mag_b", "time", "id", "name", "good", "separation",
    ]  # fmt: skip
    assert list(found["star"]) == ["x", "y", "z"]
    assert found["separation"].unit == u.arcsec
    assert found["separation"].tolist() == [pytest.approx(0.72), None, pytest.approx(0.72)]
    assert found["name"].tolist() == ["origin", None, "pole"]
    assert found["mag_a"].tolist() == [1.0, None, 3.0]
    assert found["mag_b"].tolist() == [18.0, None, 17.0]
    assert found["id"].tolist() == [None, None, BIG]
    assert found["good"].tolist() == [False, None, True]
    assert found["time"].mask.tolist() == [False, True, False]
    assert found["time"].scale == "tai"
    assert found["time"].unmasked.mjd[[0, 2]].tolist() == [58001.5, 58000.0]
    assert (found["mag_a"].description, found["id"].description, found["id"].meta) == (
        "ours", "theirs", {"ucd": "meta.id"},
    )  # fmt: skip
    assert found["mag_b"].unit == u.mag
    assert len(found.failures) == 0


def test_inner_keeps_rows_with_a_match():
    found = crossmatch(stars(), catalog(), 2 * u.arcsec, join_type="inner")
    assert list(found["star"]) == ["x", "z"]
    assert not found["separation"].mask.any()
    assert type(found["name"]) is type(Table(catalog())["name"])  # nothing there can be masked
    assert found["time"].mjd.tolist() == [58001.5, 58000.0]


def test_the_inputs_are_left_alone():
    ours, theirs = stars(), catalog()
    found = crossmatch(ours, theirs, 2 * u.arcsec)
    found["ra_a"][0], found["mag_b"][0] = 7, 8
    assert ours.colnames == stars().colnames
    assert theirs.colnames == catalog().colnames
    assert ours["ra"][0] == 359.9999
    assert theirs["mag"][1] == 18 * u.mag


@pytest.mark.parametrize("join_type", ["left", "inner"])
@pytest.mark.parametrize(("left", "right"), [(3, 0), (0, 2), (0, 0)])
def test_empty_tables(left, right, join_type):
    theirs = catalog()
    theirs["place"] = SkyCoord(theirs["ra"], theirs["dec"])
    found = crossmatch(stars()[:left], theirs[:right], "2 arcsec", join_type=join_type)
    assert len(found) == (left if join_type == "left" else 0)
    if join_type == "left":
        assert all(np.all(found[name].mask) for name in ("mag_b", "time", "name", "good", "separation", "place"))
    assert found["name"].dtype.kind == "U"
    assert found["id"].dtype == np.int64
    assert (found["time"].scale, found["mag_b"].unit) == ("tai", u.mag)
    assert found["id"].description == "theirs"


def test_rows_without_a_position_have_no_match():
    ours = stars()
    ours["ra"] = MaskedColumn(ours["ra"], mask=[True, False, False])
    theirs = catalog()
    theirs["dec"][0] = np.nan
    assert np.all(crossmatch(ours, theirs, 20 * u.deg)["separation"].mask == [True, False, True])
    none = ours[:1]
    assert crossmatch(none, catalog(), 2 * u.deg)["separation"].mask.tolist() == [True]


def test_positions_in_other_columns_frames_and_units():
    ours, theirs = stars(), Table(catalog())
    theirs.rename_columns(["ra", "dec"], ["RA", "Dec"])
    theirs["RA"] = (theirs["RA"].data / 15) * u.hourangle
    assert crossmatch(ours, theirs, 2 * u.arcsec)["name"].tolist() == ["origin", None, "pole"]
    theirs["place"] = SkyCoord(theirs["RA"], theirs["Dec"]).galactic
    del theirs["RA"], theirs["Dec"]
    assert crossmatch(ours, theirs, 2 * u.arcsec)["name"].tolist() == ["origin", None, "pole"]
    place = theirs["place"]
    del theirs["place"]
    assert crossmatch(ours, theirs, 2 * u.arcsec, coordinates_b=place)["name"].tolist() == ["origin", None, "pole"]


def test_the_radius_is_included_and_a_row_may_serve_twice():
    ours = Table({"ra": [10.0, 10.0, 10.0] * u.deg, "dec": [0.0, 1.0, 2.0] * u.deg})
    theirs = Table({"ra": [10.0, 10.0] * u.deg, "dec": [0.5, 0.75] * u.deg, "n": [1, 2]})
    found = crossmatch(ours, theirs, 0.5 * u.deg)
    assert found["n"].tolist() == [1, 2, None]


def test_a_separation_of_theirs_gets_a_suffix():
    theirs = catalog()
    theirs["separation"] = [1.0, 2.0] * u.arcsec
    found = crossmatch(stars(), theirs, 2 * u.arcsec, suffixes=("", "_cat"))
    assert found["separation_cat"].tolist() == [2.0, None, 1.0]
    assert "ra" in found.colnames
    assert "ra_cat" in found.colnames


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"radius": 2}, u.UnitsError, "radius"),
        ({"radius": -2 * u.arcsec}, ValueError, "one positive angle"),
        ({"table_a": [1, 2]}, TypeError, "table_a must be an astropy Table, not list"),
        ({"table_b": Table({"ra": [1.0], "dec": [2.0]})}, u.UnitsError, "table_b: the column 'ra' needs a unit"),
        ({"table_b": Table({"x": [1.0]})}, ValueError, "table_b must have the columns ra and dec.*it has x"),
        ({"join_type": "outer"}, ValueError, "'left' or 'inner', not 'outer'"),
        ({"suffixes": ("", "")}, ValueError, "two columns of the same name: dec, mag, ra"),
        ({"coordinates_a": SkyCoord([1] * u.deg, [2] * u.deg)}, ValueError, "coordinates_a.*of 3 positions"),
        ({"table_b": Table({"a": SkyCoord([1] * u.deg, [2] * u.deg), "b": SkyCoord([1] * u.deg, [2] * u.deg)})},
         ValueError, "several columns of coordinates, a, b"),
    ],
)  # fmt: skip
def test_wrong_arguments(change, error, words):
    arguments = {"table_a": stars(), "table_b": catalog(), "radius": 2 * u.arcsec} | change
    with pytest.raises(error, match=words):
        crossmatch(arguments.pop("table_a"), arguments.pop("table_b"), arguments.pop("radius"), **arguments)


angles = st.tuples(st.floats(0, 360, exclude_max=True), st.floats(-90, 90))


@settings(max_examples=60)
@given(ours=st.lists(angles, max_size=6), theirs=st.lists(angles, max_size=6), radius=st.floats(0.1, 179))
def test_as_by_comparing_all_with_all(ours, theirs, radius):
    a, b = (
        Table({"ra": np.array([p[0] for p in places]) * u.deg, "dec": np.array([p[1] for p in places]) * u.deg})
        for places in (ours, theirs)
    )
    b["n"] = np.arange(len(b))
    found = crossmatch(a, b, radius * u.deg)
    assert len(found) == len(a)
    for row, (ra, dec) in enumerate(ours):
        every = SkyCoord(ra * u.deg, dec * u.deg).separation(SkyCoord(b["ra"], b["dec"])).deg
        least = min(every, default=np.inf)
        if abs(least - radius) < 1e-6:
            continue
        assert bool(found["separation"].mask[row]) == (least > radius)
        if least <= radius:
            assert found["separation"][row] / 3600 == pytest.approx(least, abs=1e-6)
            assert every[found["n"][row]] == pytest.approx(least, abs=1e-6)


# ------------------------------------------------------------------------------------------------- match_services


@pytest.fixture
def alerce(sample_server):
    return AlerceClass(url=sample_server)


@pytest.fixture
def zvar(sample_server, monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")
    return ZvarClass(url=sample_server)


@pytest.fixture
def sky(alerce, zvar):
    """All sources of ZVAR, and the objects of ALeRCE, of the sample sky."""
    sources = zvar.query_region(SkyCoord(0.8365 * u.deg, 30.94 * u.deg), radius=10 * u.arcmin)
    objects = alerce.query_objects(ndet=1, row_limit=-1)
    objects = objects[np.unique(objects["oid"], return_index=True)[1]]
    return sources, objects


NOWHERE = SkyCoord(180 * u.deg, -60 * u.deg)


def test_one_row_for_each_position_with_what_each_service_has(sky, alerce, zvar):
    sources, objects = sky
    places = SkyCoord(sources["ra"], sources["dec"])[:40]
    places = SkyCoord([*places, NOWHERE, places[0]])
    found = match_services(places, 1.5 * u.arcsec, alerce=alerce, zvar=zvar)
    assert tuple(found.colnames) == schema.MATCHES.names
    assert found["input_index"].tolist() == list(range(42))
    assert found["psid"].tolist() == [*sources["psid"][:40], None, sources["psid"][0]]
    assert np.ma.max(found["psid_separation"]) < 0.01
    assert found[40]["ra"] == pytest.approx(180)
    assert all(found[name].mask[40] for name in found.colnames[3:])
    expected = crossmatch(sources[:40], objects, 1.5 * u.arcsec)
    assert found["oid"].tolist() == [*expected["oid"].tolist(), None, expected["oid"].tolist()[0]]
    assert 3 < found["oid"].count() < 40
    assert np.ma.max(found["oid_separation"]) < 1.5
    assert len(found.failures) == 0


def test_class_period_and_gaia_are_those_of_the_services(sky, alerce, zvar):
    _, objects = sky
    found = match_services(SkyCoord(objects["ra"], objects["dec"]), "1.5 arcsec", alerce=alerce, zvar=zvar)
    assert found["oid"].tolist() == objects["oid"].tolist()
    assert set(found["classifier"]) == {"lc_classifier"}
    row = found[0]
    classes = alerce.query_probabilities(row["oid"], classifier="lc_classifier")
    best = classes[np.argmax(classes["probability"])]
    assert (row["class_name"], row["probability"]) == (best["class_name"], best["probability"])
    row = found[~found["period"].mask][0]
    periods = zvar.query_objects(row["psid"]).periods
    best = periods[np.argmax(periods["significance"])]
    assert (row["period"], row["significance"], row["n_bins"], row["period_band"]) == (
        best["period"], best["significance"], best["n_bins"], best["band"],
    )  # fmt: skip
    gaia = zvar.query_crossmatch(found["psid"][~found["psid"].mask], "gaia", radius="1.5 arcsec")
    assert found["gaia_id"].compressed().tolist() == gaia["source_id"].tolist()
    assert found["parallax"].compressed().tolist() == gaia["parallax"].compressed().tolist()
    there = ~found["gaia_id"].mask
    positions = SkyCoord(found["ra"], found["dec"])[there]
    separation = positions.separation(SkyCoord(gaia["ra"], gaia["dec"])).arcsec
    np.testing.assert_allclose(found["gaia_separation"].compressed(), separation, atol=1e-9)
    assert (found["period"].unit, found["parallax"].unit, found["psid_separation"].unit) == (u.d, u.mas, u.arcsec)


def test_a_table_of_positions(sky, alerce, zvar):
    _, objects = sky
    by_table = match_services(objects[:3], 1.5 * u.arcsec, alerce=alerce, zvar=zvar, services=["zvar"])
    places = SkyCoord(objects["ra"], objects["dec"])[:3]
    by_places = match_services(places, 1.5 * u.arcsec, alerce=alerce, zvar=zvar, services="zvar")
    assert by_table["psid"].tolist() == by_places["psid"].tolist()
    assert by_table["oid"].mask.all()
    assert by_table["gaia_id"].mask.all()
    assert by_table.meta["services"] == "zvar"


def test_the_first_classifier_that_knows_the_object(sky, alerce, zvar):
    _, objects = sky
    options = {"alerce": alerce, "zvar": zvar, "services": ["alerce"]}
    found = match_services(objects[:2], "1.5 arcsec", classifiers=["nobody", "stamp_classifier"], **options)
    assert set(found["classifier"]) == {"stamp_classifier"}
    found = match_services(objects[:2], "1.5 arcsec", classifiers="nobody", **options)
    assert found["class_name"].mask.all()
    assert not found["oid"].mask.any()
    assert len(found.failures) == 0


def test_no_later_classifier_stands_in_for_one_that_failed(sky, sample_server):
    class Picky(Faulty):
        def respond(self, request, connection):
            if "classifier=lc_classifier" in request:
                connection.sendall(json_reply({"message": "error"}, 500))
            else:
                super().respond(request, connection)

    clock = Clock()
    with Picky(sample_server, {}, clock) as server:
        alerce = patient(AlerceClass, server.url, clock)
        with pytest.warns(PartialResultWarning, match="3 of 3 positions"):
            found = match_services(sky[1][:3], "1.5 arcsec", services="alerce", alerce=alerce)
    assert found["oid"].tolist() == sky[1]["oid"][:3].tolist()
    assert found["class_name"].mask.all()
    assert found.failures["input_index"].tolist() == [0, 1, 2]
    assert not any("classifier=stamp_classifier" in request for request in server.requests)


def test_nothing_anywhere(alerce, zvar):
    with pytest.warns(NoResultsWarning, match="near any of 1 positions"):
        found = match_services(NOWHERE, 1 * u.arcsec, alerce=alerce, zvar=zvar)
    assert len(found) == 1
    assert len(found.failures) == 0


def test_a_service_that_fails_takes_no_other_along(sky, alerce, zvar, monkeypatch):
    _, objects = sky
    monkeypatch.delenv("ZVAR_PASSWORD")
    with pytest.warns(PartialResultWarning, match=r"3 of 3 positions.*of zvar: "):
        found = match_services(objects[:3], "1.5 arcsec", alerce=alerce, zvar=zvar)
    assert found["oid"].tolist() == objects["oid"][:3].tolist()
    assert found["psid"].mask.all()
    failures = found.failures
    assert failures.colnames == ["input_index", "service", "input", "error", "reason", "url"]
    assert failures["input_index"].tolist() == [0, 1, 2]
    assert set(failures["service"]) == {"zvar"}
    assert set(failures["error"]) == {"LoginError"}
    assert failures["input"][0] == f"{objects['ra'][0]:.6f} {objects['dec'][0]:+.6f}"
    with pytest.raises(LoginError):
        match_services(objects[:3], "1.5 arcsec", alerce=alerce, zvar=zvar, services=["zvar", "gaia"])


def test_all_services_fail(monkeypatch, sky, zvar):
    monkeypatch.delenv("ZVAR_PASSWORD")
    nobody = AlerceClass(url="http://127.0.0.1:9")
    with pytest.raises(ServiceError):
        match_services(sky[1][:1], "1 arcsec", alerce=nobody, zvar=zvar, timeout=2)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"radius": 3}, u.UnitsError, "radius"),
        ({"radius": 11 * u.arcmin}, ValueError, "at most 600"),
        ({"services": ["gaia"]}, ValueError, "must hold 'zvar'"),
        ({"services": []}, ValueError, "an empty list was given"),
        ({"services": ["ztf"]}, ValueError, "alerce, zvar, gaia; 'ztf' is not"),
        ({"coordinates": (1.0, 2.0)}, TypeError, "SkyCoord"),
        ({"coordinates": Table({"ra": [np.nan] * u.deg, "dec": [1.0] * u.deg})}, ValueError, "row 0 of the table"),
        ({"coordinates": Table({"ra": [] * u.deg, "dec": [] * u.deg})}, ValueError, "at least one position"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_sent(change, error, words):
    nobody = {"alerce": AlerceClass(url="http://127.0.0.1:9"), "zvar": ZvarClass(url="http://127.0.0.1:9")}
    arguments = {"coordinates": NOWHERE, "radius": 1 * u.arcsec} | change
    with pytest.raises(error, match=words), warnings.catch_warnings():
        match_services(arguments.pop("coordinates"), arguments.pop("radius"), **arguments, **nobody)


def test_best_periods_of_sources(sky):
    sources, _ = sky
    best = sources.best_periods()
    assert best["psid"].tolist() == [psid for psid in sources["psid"] if psid in set(sources.periods["psid"])]
    for row in best[:5]:
        own = sources.periods[sources.periods["psid"] == row["psid"]]
        assert row["significance"] == own["significance"].max()
    assert sources[:0].best_periods().colnames == sources.periods.colnames
    with pytest.raises(ValueError, match="lost its periods"):
        type(sources)(Table(sources)).best_periods()
