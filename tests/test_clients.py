"""The public classes against the real local server on loopback, on a small sky made here."""

import base64
import logging
import os
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time
from astropy.timeseries import TimeSeries
from fault_server import FaultServer, json_reply
from test_wire import OBJECT

from alerce_zvar import Alerce, LightCurves, Zvar, conf
from alerce_zvar.alerce import schema as alerce_schema
from alerce_zvar.archive import Archive
from alerce_zvar.errors import (
    InvalidQueryError,
    LoginError,
    MaxResultsWarning,
    NoResultsWarning,
    NotFoundError,
    PartialResultWarning,
    ReplyError,
)
from alerce_zvar.server import serve

PLACES = {
    "<script>alert(1)</script>": (10.0, 20.0),
    "neighbour": (10.001, 20.0),
    "on the meridian": (0.0, 0.0),
    "just west of it": (359.9995, 0.0),
    "north pole": (123.0, 90.0),
    "south": (200.0, -45.0),
}
PERIOD = 0.57
ROW = OBJECT | dict.fromkeys(("class", "classifier", "probability"))
N = 60


def photometry():
    """Photometry of all places: 60 nights, two bands, a few upper limits, brightness by the number of the place."""
    rng = np.random.default_rng(5)
    parts = []
    for number, (name, (ra, dec)) in enumerate(PLACES.items()):
        mjd = np.repeat(58500 + 3.1 * np.arange(N), 2) + np.tile([0.2, 0.21], N)
        mag = 16 + number + 0.3 * np.sin(2 * np.pi * mjd / PERIOD) + rng.normal(0, 0.01, 2 * N)
        part = Table({"time": Time(mjd, format="mjd", scale="utc"), "band": np.tile(["g", "r"], N)})
        part["mag"] = MaskedColumn(mag, unit=u.mag, mask=np.arange(2 * N) % 20 == 19)
        part["mag_err"] = MaskedColumn(np.full(2 * N, 0.01 * (1 + number)), unit=u.mag)
        part["limiting_mag"] = np.full(2 * N, 20.5) * u.mag
        part["name"], part["ra"], part["dec"] = name, ra, dec
        part["field"], part["ccd"], part["quad"], part["objtype"] = 648, 2, 1 + number % 4, 1
        parts.append(part)
    from astropy.table import vstack

    return vstack(parts)


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    with Archive.create(tmp_path_factory.mktemp("sky") / "sky.duckdb") as archive:
        archive.import_table(photometry())
        sources = archive.sources()
        rows = [(s["psid"], 648, 2, 1, "g", PERIOD * k, 40.0 - 10 * k, 9.0, 5 * 2**k) for s in sources for k in (0, 1)]
        names = ("psid", "field", "ccd", "quad", "band", "period", "significance", "string_length", "n_bins")
        periods = Table(rows=rows, names=names)
        periods["period"].unit = u.d
        archive.add_periods(periods)
        rows = [
            (oid, "lc_classifier", version, name, probability, rank)
            for oid in sources["oid"]
            for version in ("hierarchical_rf_1.1.0", "lc_classifier_1.1.13")
            for rank, (name, probability) in enumerate([("RRL", 0.7), ("E", 0.3)], 1)
        ]
        archive.add_probabilities(Table(rows=rows, names=("oid", *alerce_schema.PROBABILITIES.names)))
        yield {"archive": archive, "sources": {str(s["name"]): s for s in sources}}


@pytest.fixture(scope="module")
def server(sky):
    with serve(sky["archive"], users={"alice": "wonderland"}) as running:
        yield running


@pytest.fixture
def zvar(server, monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")
    return Zvar(url=server.url)


@pytest.fixture
def alerce(server):
    return Alerce(url=server.url)


@pytest.fixture
def psid(sky):
    return {name: str(source["psid"]) for name, source in sky["sources"].items()}


@pytest.fixture
def oid(sky):
    return {name: str(source["oid"]) for name, source in sky["sources"].items()}


def centre(*names):
    ra, dec = zip(*(PLACES[name] for name in names), strict=True)
    return SkyCoord(ra * u.deg, dec * u.deg) if len(names) > 1 else SkyCoord(ra[0] * u.deg, dec[0] * u.deg)


# ZVAR


def test_one_position(zvar, psid):
    table = zvar.query_region(centre("south"), radius=2 * u.arcsec)
    assert table.colnames == ["input_index", "psid", "ra", "dec", "objtype"]
    assert list(table["psid"]) == [psid["south"]]
    assert table["ra"].unit == u.deg
    assert len(table.failures) == 0
    assert set(table.lightcurves["psid"]) == set(table.periods["psid"]) == {psid["south"]}
    assert list(table.lightcurves["n_exposures"]) == [N, N]
    assert table.meta["service"] == "ZVAR"
    assert table.meta["endpoint"] == "cone_search"


@pytest.mark.parametrize("frame", ["icrs", "galactic", "fk5"])
def test_any_frame(zvar, psid, frame):
    table = zvar.query_region(centre("south").transform_to(frame), radius="2 arcsec")
    assert list(table["psid"]) == [psid["south"]]


def test_many_positions_and_their_index(zvar, psid):
    names = ["south", "north pole", "on the meridian", "<script>alert(1)</script>"]
    positions = centre(*names)
    table = zvar.query_region(positions, radius=5 * u.arcsec)
    assert list(table["input_index"]) == [0, 1, 2, 2, 3, 3]
    assert table["psid"][0] == psid["south"]
    assert set(table["psid"][table["input_index"] == 2]) == {psid["on the meridian"], psid["just west of it"]}
    assert set(table["psid"][table["input_index"] == 3]) == {psid["<script>alert(1)</script>"], psid["neighbour"]}


def test_more_positions_than_a_request_takes(zvar, psid, monkeypatch):
    names = list(PLACES) * 5
    monkeypatch.setattr("alerce_zvar.zvar.schema.MAX_POSITIONS", 7)
    table = zvar.query_region(centre(*names), radius=0.5 * u.arcsec)
    found = dict(zip(table["input_index"], table["psid"], strict=True))
    assert found == {i: psid[name] for i, name in enumerate(names)}
    assert len(table.lightcurves) == 2 * len(PLACES)  # once for each source, however often it was found


def test_the_service_s_own_limit_is_respected(zvar):
    payload = zvar.query_region(
        SkyCoord(np.zeros(2500) * u.deg, np.zeros(2500) * u.deg), radius="1 arcsec", get_query_payload=True
    )
    assert [len(part["positions"]) for part in payload] == [1000, 1000, 500]


@pytest.mark.parametrize(
    ("cuts", "found"),
    [
        ({"min_period": 13 * u.hour, "max_period": 14 * u.hour}, True),
        ({"min_period": 2 * u.day}, False),
        ({"max_period": 1 * u.day, "min_significance": 35}, True),
        ({"min_period": 1 * u.day, "min_significance": 35}, False),  # not by two different periods together
        ({"min_amplitude": 0.5 * u.mag}, True),
        ({"min_amplitude": 0.7}, False),
        ({"max_amplitude": 0.1}, False),
        ({"min_exposures": N}, True),
        ({"min_exposures": N + 1}, False),
        ({"objtype": 1}, True),
        ({"objtype": 6}, False),
    ],
)
def test_filters(zvar, cuts, found):
    if found:
        assert len(zvar.query_region(centre("south"), radius="2 arcsec", **cuts)) == 1
    else:
        with pytest.warns(NoResultsWarning):
            table = zvar.query_region(centre("south"), radius="2 arcsec", **cuts)
        assert table.colnames == ["input_index", "psid", "ra", "dec", "objtype"]
        assert table["psid"].dtype.kind == "U"
        assert len(table.periods) == len(table.lightcurves) == 0


def test_by_id_in_any_guise(zvar, psid):
    wanted = [psid["south"], psid["neighbour"], psid["south"]]
    for ids in (wanted, [int(i) for i in wanted], np.array(wanted, dtype=np.int64), Column(wanted), tuple(wanted)):
        table = zvar.query_objects(ids)
        assert list(table["psid"]) == wanted
        assert list(table["input_index"]) == [0, 1, 2]
    assert list(zvar.query_objects(np.int64(wanted[0]))["psid"]) == wanted[:1]


def test_unknown_ids_are_told(zvar, psid):
    with pytest.warns(PartialResultWarning, match=r"2 of 3 inputs .* knows no such id"):
        table = zvar.query_objects(["1", psid["south"], 2])
    assert list(table["input_index"]) == [1]
    assert list(table.failures["input"]) == ["1", "2"]
    with pytest.warns(NoResultsWarning, match="2 of 2 inputs"):
        assert len(zvar.query_objects(["1", 2]).failures) == 2


def test_masked_ids_are_refused(zvar):
    with pytest.raises(ValueError, match="masked"):
        zvar.query_objects(MaskedColumn(["1", "2"], mask=[True, False]))


@pytest.mark.parametrize("batch", [1, 4, 50])
def test_lightcurves(zvar, psid, batch):
    names = ["south", "neighbour", "on the meridian"]
    with conf.set_temp("photometry_batch", batch), pytest.warns(PartialResultWarning, match="no photometry"):
        lcs = zvar.get_lightcurves([psid["south"], "7", *(psid[name] for name in names[1:])])
    assert isinstance(lcs, LightCurves)
    assert lcs.ids == [psid[name] for name in names]
    assert list(lcs.failures["input"]) == ["7"]
    curve = lcs[psid["neighbour"]]
    assert type(curve) is TimeSeries
    assert len(curve) == 2 * N
    assert (curve["time"].format, curve["time"].scale) == ("jd", "tdb")
    assert np.all(np.diff(curve["time"].jd) > 0)
    assert curve["mag"].mask.sum() == 6
    clean = lcs.clean()
    assert [len(c) for c in clean] == [114, 114, 114]
    given = photometry()
    given = given[given["name"] == "neighbour"]
    np.testing.assert_array_equal(
        np.float32(clean[psid["neighbour"]]["mag"].value), np.float32(given["mag"].compressed())
    )
    assert np.max(np.abs(curve["time"].jd - given["time"].tdb.jd)) < 500 / 86400  # light time to the barycentre
    assert np.max(np.abs(curve["time"].jd - given["time"].tdb.jd)) > 100 / 86400


def test_bands_and_fluxes(zvar, psid):
    curve = zvar.get_lightcurves(psid["south"], bands="r", format="flux")[0]
    assert set(curve["band"]) == {"r"}
    assert curve.colnames[:6] == ["time", "band", "flux", "flux_err", "snr_diff", "magzp"]
    assert curve["flux"].unit == u.DN
    both = zvar.get_lightcurves(psid["south"])[0]
    assert set(both["band"]) == {"g", "r"}
    red = both["band"] == "r"
    np.testing.assert_allclose(both["flux"][red].value, curve["flux"].value)
    with pytest.warns(NoResultsWarning, match="no photometry"):
        assert len(zvar.get_lightcurves(psid["south"], bands=["i"])) == 0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda z: z.query_region(SkyCoord(1 * u.deg, 2 * u.deg), radius=5), u.UnitsError, "radius must be an angle"),
        (lambda z: z.query_region(SkyCoord(1 * u.deg, 2 * u.deg), radius=5 * u.m), u.UnitsError, "radius"),
        (lambda z: z.query_region(SkyCoord(1 * u.deg, 2 * u.deg), radius=-5 * u.deg), ValueError, "positive"),
        (lambda z: z.query_region(SkyCoord(1 * u.deg, 2 * u.deg), radius=11 * u.arcmin), ValueError, r"at most 600"),
        (lambda z: z.query_region((1, 2), radius="1 arcsec"), TypeError, "coordinates must be a SkyCoord"),
        (lambda z: z.query_region(SkyCoord([] * u.deg, [] * u.deg), radius="1 arcsec"), ValueError, "at least one"),
        (lambda z: z.query_region(SkyCoord(np.nan * u.deg, 2 * u.deg), radius="1 arcsec"), ValueError, "finite"),
        (lambda z: z.query_region(centre("south"), radius='1"', min_significance=5), ValueError, "cut on the period"),
        (
            lambda z: z.query_region(centre("south"), radius="1 arcsec", min_period=2 * u.d, max_period=1 * u.d),
            ValueError,
            "larger than max_period",
        ),
        (lambda z: z.query_region(centre("south"), radius="5d99m"), ValueError, "radius must be an angle"),
        (lambda z: z.query_objects(["145120008365555264", "abc"]), ValueError, "ids must be an id of digits"),
        (lambda z: z.query_objects(b"\xff"), ValueError, "ids must be an id of digits"),
        (lambda z: z.query_region(centre("south"), radius="1 arcsec", min_period=0.5), u.UnitsError, "min_period"),
        (lambda z: z.query_region(centre("south"), radius="1 arcsec", min_exposures=1.5), TypeError, "whole number"),
        (lambda z: z.query_objects(1.45e17), TypeError, "ids must be an id"),
        (lambda z: z.query_objects([]), ValueError, "at least one id"),
        (lambda z: z.query_objects([True]), TypeError, "ids must be an id"),
        (lambda z: z.get_lightcurves("1", bands=["g", "x"]), ValueError, "bands must be one of g, r, i"),
        (lambda z: z.get_lightcurves("1", format="magnitudes"), ValueError, "format must be one of mag, flux"),
        (lambda z: z.get_lightcurves("1", timeout=-1), ValueError, "timeout"),
    ],
)
def test_wrong_arguments_are_refused_before_any_request(call, error, words):
    with pytest.raises(error, match=words):
        call(Zvar(url="http://127.0.0.1:9"))


def test_login_is_asked_for(server, psid, monkeypatch):
    with pytest.raises(LoginError, match="401"):
        Zvar(url=server.url).query_objects(psid["south"])
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "looking-glass")
    with pytest.raises(LoginError):
        Zvar(url=server.url).query_objects(psid["south"])


def test_login_with_prompt_against_the_server(server, psid, monkeypatch):
    import getpass

    zvar = Zvar(url=server.url)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "wonderland")
    zvar.login(username="alice")
    monkeypatch.setenv("ZVAR_USERNAME", "carol")
    monkeypatch.setenv("ZVAR_PASSWORD", "looking-glass")
    assert len(zvar.query_objects(psid["south"])) == 1, "a login goes before the environment"
    with pytest.raises(LoginError):
        zvar.login()
    assert len(zvar.query_objects(psid["south"])) == 1, "one that is refused leaves the earlier one"


def test_a_password_is_stored_once_the_service_has_accepted_it(server, psid, monkeypatch):
    import getpass

    import keyring

    kept, words = {}, iter(["looking-glass", "wonderland"])
    monkeypatch.setattr(keyring, "get_password", lambda *who: kept.get(who))
    monkeypatch.setattr(keyring, "set_password", lambda name, user, word: kept.update({(name, user): word}))
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(words))
    with pytest.raises(LoginError):
        Zvar(url=server.url).login(username="alice", store_password=True)
    assert kept == {}
    Zvar(url=server.url).login(username="alice", store_password=True)
    assert kept == {(f"alerce_zvar:{server.url}", "alice"): "wonderland"}
    monkeypatch.setattr(keyring, "set_password", lambda *what: pytest.fail("it is stored already"))
    zvar = Zvar(url=server.url)
    zvar.login(username="alice", store_password=True)
    zvar.logout()
    assert not zvar.authenticated()
    with conf.set_temp("zvar_username", "alice"):
        assert len(zvar.query_objects(psid["south"])) == 1


def test_one_variable_points_all_services_to_the_server(server, zvar, psid, oid, monkeypatch):
    monkeypatch.setenv("ALERCE_ZVAR_SERVER", server.url + "/")
    assert len(Zvar.query_objects(psid["south"])) == 1
    assert len(Alerce.query_object(oid["south"])) == 1


def test_the_whole_address_may_be_given(server, zvar, psid):
    assert len(Zvar(url=server.url + "/zvar/api").query_objects(psid["south"])) == 1


# ALeRCE


def test_region(alerce, oid):
    table = alerce.query_region(centre("south"), radius=2 * u.arcsec)
    assert table.colnames == ["input_index", *alerce_schema.OBJECTS.names]
    assert list(table["oid"]) == [oid["south"]]
    assert (table["ndet"][0], table["ncovhist"][0]) == (114, 120)
    assert table["class_name"].mask.all()  # the service joins a version that nothing has
    assert table["firstmjd"].scale == "utc"


@pytest.mark.parametrize("name", list(PLACES))
def test_a_cone_at_zero_works(alerce, oid, name):
    table = alerce.query_region(centre(name), radius=0.5 * u.arcsec)
    assert list(table["oid"]) == [oid[name]]


def test_regions_by_array(alerce, oid):
    table = alerce.query_region(centre("south", "neighbour", "south"), radius=0.5 * u.arcsec)
    assert list(table["oid"]) == [oid["south"], oid["neighbour"], oid["south"]]
    assert list(table["input_index"]) == [0, 1, 2]


def test_classes_and_versions(alerce, oid):
    table = alerce.query_objects(class_name="RRL", classifier="lc_classifier")
    assert len(table) == 2 * len(PLACES)  # a row for each version of the classifier
    one = alerce.query_objects(class_name="RRL", classifier_version="lc_classifier_1.1.13", probability=0.6)
    assert len(one) == len(PLACES)
    assert set(one["oid"]) == set(oid.values())
    with pytest.warns(NoResultsWarning):
        alerce.query_objects(class_name="Nova")


def test_ranges_take_times(alerce):
    first = Time(58500.19, format="mjd", scale="utc")
    assert len(alerce.query_objects(firstmjd=(first, first + 1 * u.day))) == len(PLACES)
    assert len(alerce.query_objects(lastmjd=[58000, 59000], ndet=[1, 200])) == len(PLACES)
    with pytest.warns(NoResultsWarning):
        alerce.query_objects(firstmjd=Time("2026-01-01"))
    with pytest.raises(ValueError, match="wrong way round"):
        alerce.query_objects(ndet=(10, 5))


@pytest.mark.parametrize("page_size", [1, 2, 3, 6, 7])
def test_pages_lose_and_repeat_nothing(alerce, oid, page_size):
    with conf.set_temp("page_size", page_size):
        table = alerce.query_objects(ndet=1)
    assert sorted(table["oid"]) == sorted(oid.values())


@pytest.mark.parametrize(("row_limit", "page_size"), [(1, 500), (4, 2), (5, 5), (6, 500), (6, 2), (7, 3)])
def test_a_cut_is_announced(alerce, row_limit, page_size):
    with conf.set_temp("page_size", page_size):
        if row_limit < len(PLACES):
            with pytest.warns(MaxResultsWarning, match=f"cut at {row_limit} rows"):
                table = alerce.query_objects(ndet=1, row_limit=row_limit)
        else:
            table = alerce.query_objects(ndet=1, row_limit=row_limit)
    assert len(table) == min(row_limit, len(PLACES))


def test_lists_of_oids_keep_order_and_tell_the_missing(alerce, oid):
    wanted = [oid["south"], "ZTF00missing", oid["neighbour"]]
    with pytest.warns(PartialResultWarning, match="1 of 3 inputs"):
        table = alerce.query_objects(oid=wanted)
    assert list(table["oid"]) == [wanted[0], wanted[2]]
    assert list(table.failures["input"]) == ["ZTF00missing"]
    assert len(alerce.query_objects(oid="ZTF*")) == len(PLACES)


def test_one_object_and_lists(alerce, oid):
    one = alerce.query_object(oid["south"])
    assert one.colnames == list(alerce_schema.OBJECT.names)
    assert len(one) == 1
    with pytest.raises(NotFoundError, match="Not found"):
        alerce.query_object("ZTF00missing")
    with pytest.warns(PartialResultWarning):
        many = alerce.query_object([oid["neighbour"], "ZTF00missing", oid["south"]])
    assert list(many["oid"]) == [oid["neighbour"], oid["south"]]
    assert many.failures["error"][0] == "NotFoundError"


def test_detections(alerce, oid):
    table = alerce.query_detections(oid["south"])
    assert table.colnames == ["oid", *alerce_schema.DETECTIONS.names]
    assert len(table) == 114
    assert len(set(table["candid"])) == 114
    assert all(int(candid) > 2**53 for candid in table["candid"])
    given = photometry()
    given = given[given["name"] == "south"]
    np.testing.assert_allclose(table["mag_corr"], given["mag"].compressed(), rtol=1e-7)
    both = alerce.query_detections([oid["south"], oid["neighbour"]])
    assert list(np.unique(both["oid"], return_counts=True)[1]) == [114, 114]
    assert both["oid"][0] == oid["south"]


def test_non_detections_and_statistics(alerce, oid):
    limits = alerce.query_non_detections(oid["south"])
    assert len(limits) == 6
    np.testing.assert_allclose(limits["limiting_mag"], 20.5)
    stats = alerce.query_magstats(oid["south"])
    assert sorted(stats["band"]) == ["g", "r"]
    assert stats["ndet"].sum() == 114
    probabilities = alerce.query_probabilities(oid["south"], classifier_version="lc_classifier_1.1.13")
    assert list(probabilities["class_name"][np.argsort(probabilities["ranking"])]) == ["RRL", "E"]


def test_lightcurve(alerce, oid):
    curve = alerce.get_lightcurve(oid["south"])
    assert type(curve) is TimeSeries
    assert curve.colnames == ["time", "band", "mag", "mag_err", "isdiffpos", "dubious", "candid"]
    assert (len(curve), curve["time"].scale, curve["mag"].unit) == (114, "utc", u.mag)
    assert type(curve["mag"]) is u.Quantity
    assert curve.meta["oid"] == oid["south"]
    limits = alerce.get_lightcurve(oid["south"], include_upper_limits=True)
    assert len(limits) == 120
    assert limits["mag"].mask.sum() == 6
    with pytest.raises(NotFoundError):
        alerce.get_lightcurve("ZTF00missing")
    with pytest.raises(ValueError, match="photometry must be one of corrected, difference"):
        alerce.get_lightcurve(oid["south"], photometry="psf")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda a: a.query_objects(), TypeError, "at least one filter"),
        (lambda a: a.query_objects(clasifier="x"), TypeError, "Did you mean 'classifier'"),
        (lambda a: a.query_objects(ra=1.0), TypeError, "use coordinates"),
        (lambda a: a.query_objects(coordinates=SkyCoord(1 * u.deg, 1 * u.deg)), TypeError, "go together"),
        (lambda a: a.query_objects(order_by="ndethist"), ValueError, "order_by must be one of oid"),
        (lambda a: a.query_objects(probability=2.0), ValueError, "probability must be"),
        (lambda a: a.query_objects(ndet=[1, 2, 3]), ValueError, "at most 2 values"),
        (lambda a: a.query_objects(ndet=1, row_limit=0), ValueError, "row_limit"),
        (lambda a: a.query_region(SkyCoord(1 * u.deg, 1 * u.deg), radius=3), u.UnitsError, "radius"),
        (lambda a: a.query_object([]), ValueError, "at least one id"),
        (lambda a: a.query_objects(oid=[]), ValueError, "at least one id"),
        (lambda a: a.query_objects(oid=["ZTF*", "ZTF18"]), ValueError, "wildcard"),
        (lambda a: a.query_objects(class_name=None), TypeError, "at least one filter"),
        (lambda a: a.query_object(".."), TypeError, "oid must be an id"),
        (lambda a: a.query_object(None), TypeError, "oid must be an id"),
        (lambda a: a.query_object(""), TypeError, "oid must be an id"),
    ],
)
def test_wrong_alerce_arguments_are_refused_before_any_request(call, error, words):
    with pytest.raises(error, match=words):
        call(Alerce(url="http://127.0.0.1:9"))


def test_text_coordinates_warn(alerce, oid):
    from astroquery.exceptions import InputWarning

    with pytest.warns(InputWarning, match="ICRS"):
        table = alerce.query_region("200d -45d", radius="2 arcsec")
    assert list(table["oid"]) == [oid["south"]]


def test_an_address_that_is_no_service(server):
    with pytest.raises(InvalidQueryError, match="/elsewhere/objects"):
        Zvar(url=server.url + "/elsewhere").query_objects("1")


def test_answers_keep_their_companions_and_can_be_written(zvar, psid, tmp_path):
    table = zvar.query_objects([psid["south"], psid["neighbour"]])
    assert table[:1].periods is table.periods
    assert table[table["psid"] == psid["south"]].lightcurves is table.lightcurves
    assert table.copy().failures is table.failures
    for form in ("ascii.ecsv", "votable"):
        table.write(tmp_path / "t", format=form, overwrite=True)
        assert [str(i) for i in Table.read(tmp_path / "t", format=form)["psid"]] == list(table["psid"])


# partial failures and odd answers


def test_a_later_page_that_fails_loses_no_other_position():
    class Pages(FaultServer):
        """Every position has two pages; the second one of the second position fails."""

        def respond(self, request, connection):
            if "page=2" in request and "ra=2.0" in request:
                connection.sendall(json_reply({"message": "no"}, 400))
            else:
                rows = 2 if "page=1" in request else 1
                name = request.split("ra=")[1][0]
                connection.sendall(json_reply({"items": [ROW | {"oid": f"{name}-{i}"} for i in range(rows)]}))

    positions = SkyCoord([1.0, 2.0, 3.0] * u.deg, [5.0] * 3 * u.deg)
    told = pytest.warns(PartialResultWarning, match="1 of 3 inputs")
    with Pages(b"") as server, conf.set_temp("page_size", 2), told:
        table = Alerce(url=server.url).query_region(positions, radius="1 arcsec")
    assert list(table["input_index"]) == [0, 0, 0, 2, 2, 2]
    assert list(table.failures["input_index"]) == [1]


def test_pages_that_come_again_and_again_end():
    pages = [json_reply({"items": [ROW | {"oid": f"{k}-{i}"} for i in range(60)]}) for k in range(2)]
    refused = pytest.raises(ReplyError, match="Page 3 repeats")
    with FaultServer(*pages * 50) as server, conf.set_temp("page_size", 60), refused:
        Alerce(url=server.url).query_objects(ndet=1, row_limit=-1)


def test_has_next_is_followed_where_it_is_true():
    pages = [json_reply({"has_next": k < 2, "items": [ROW | {"oid": f"{k}"}]}) for k in range(3)]
    with FaultServer(*pages) as server:
        table = Alerce(url=server.url).query_objects(ndet=1)
    assert list(table["oid"]) == ["0", "1", "2"]


@pytest.mark.parametrize("cap", [1, 3])
def test_ids_beyond_the_row_limit_are_not_called_unknown(alerce, oid, cap):
    with pytest.warns(MaxResultsWarning), pytest.warns(PartialResultWarning):
        table = alerce.query_objects(oid=list(oid.values()), row_limit=cap)
    assert len(table) == cap
    assert set(table.failures["reason"]) == {"beyond the row_limit"}


def test_unknown_oids_only_give_an_empty_table(alerce):
    with pytest.warns(NoResultsWarning, match="2 of 2 inputs"):
        table = alerce.query_object(["ZTF00missing", "ZTF00neither"])
    assert list(table.failures["error"]) == ["NotFoundError"] * 2


def test_a_refused_object_does_not_stop_the_others():
    with FaultServer(b"") as server:
        server.respond = lambda request, connection: connection.sendall(
            json_reply({"message": "no"}, 403) if "bad" in request else json_reply(OBJECT)
        )
        with pytest.warns(PartialResultWarning):
            table = Alerce(url=server.url).query_object(["a", "bad", "c"])
    assert len(table) == 2
    assert list(table.failures["error"]) == ["LoginError"]


ODD_SOURCES = [
    {"0": [None]},
    {"0": ["abc"]},
    {"0": 5},
    {"0": [{"psid": "1", "ra": 1.0, "dec": 1.0, "matchfiles": 5}]},
    [],
]


@pytest.mark.parametrize("content", ODD_SOURCES)
def test_odd_sources_fail_their_chunk_only(content, monkeypatch):
    monkeypatch.setattr("alerce_zvar.zvar.schema.MAX_POSITIONS", 1)
    good = {"1": [{"psid": "145120008365555264", "ra": 1.0, "dec": 1.0, "objtype": 1}]}
    with FaultServer(b"") as server:
        server.respond = lambda request, connection: connection.sendall(
            json_reply(content if '"name": "0"' in request else good)
        )
        with pytest.warns(PartialResultWarning, match="1 of 2 inputs"):
            table = Zvar(url=server.url).query_region(SkyCoord([1, 2] * u.deg, [1, 2] * u.deg), radius="1 arcsec")
    assert list(table["input_index"]) == [1]


@pytest.mark.parametrize("content", [{"1": "abc"}, {"1": 5}, {"1": [5]}, [], {"errors": "database down"}])
def test_odd_photometry_is_told(content):
    with FaultServer(json_reply(content)) as server:
        if content == {"errors": "database down"}:
            with pytest.warns(NoResultsWarning, match="left it out"):
                assert len(Zvar(url=server.url).get_lightcurves("1")) == 0
        else:
            with pytest.raises(ReplyError):
                Zvar(url=server.url).get_lightcurves("1")


@pytest.mark.parametrize("content", [{}, {"errors": "database down"}, {"detections": "abc"}, [], {"detections": [5]}])
def test_an_odd_light_curve_is_told(content):
    with FaultServer(json_reply(content)) as server, pytest.raises(ReplyError):
        Alerce(url=server.url).get_lightcurve("x", include_upper_limits=True)


# whatever astronomers hand in


def test_lists_of_all_kinds(zvar, alerce, psid, oid):
    import pandas as pd

    ids = [psid["south"], psid["neighbour"]]
    for given in (
        iter(ids),
        pd.Series(ids),
        {ids[0]: 1}.keys(),
        np.array(ids),
        [i.encode() for i in ids],
        map(int, ids),
    ):
        assert set(zvar.query_objects(given)["psid"]) <= set(ids)
    assert list(zvar.query_objects(f"0{ids[0]}")["psid"]) == ids[:1]
    assert list(alerce.query_object(pd.Series([oid["south"]]))["oid"]) == [oid["south"]]


def test_positions_in_several_frames(zvar, psid):
    positions = [centre("south"), centre("neighbour").galactic]
    table = zvar.query_region(positions, radius="0.5 arcsec")
    assert list(table["psid"]) == [psid["south"], psid["neighbour"]]


def test_masked_positions_are_refused(zvar):
    from astropy.utils.masked import Masked

    hidden = Masked([200.0, 10.0], mask=[False, True]) * u.deg
    with pytest.raises(ValueError, match="masked"):
        zvar.query_region(SkyCoord(hidden, [-45.0, 20.0] * u.deg), radius="1 arcsec")
    with pytest.raises(ValueError, match="masked"):
        zvar.query_objects(Masked(np.array([1, 2]), mask=[False, True]))


def test_warnings_point_to_the_user_s_line(alerce, zvar):
    for ask in (
        lambda: alerce.query_region(SkyCoord(50 * u.deg, 50 * u.deg), radius="1 arcsec"),
        lambda: zvar.query_region(SkyCoord(50 * u.deg, 50 * u.deg), radius="1 arcsec"),
        lambda: zvar.get_lightcurves("1"),
    ):
        with pytest.warns(NoResultsWarning) as caught:
            ask()
        assert caught[0].filename == __file__


def test_meta_tells_what_was_asked(alerce, zvar, oid, psid):
    one = alerce.query_detections(oid["south"])
    assert one.meta["url"].endswith(f"/ztf/v1/objects/{oid['south']}/detections")
    assert "UTC" in one.meta["time_assumption"]
    assert alerce.get_lightcurve(oid["south"], get_query_payload=True) == {"oid": oid["south"]}
    assert zvar.query_objects([psid["south"]]).meta["requests"] == 1
    assert zvar.get_lightcurves(psid["south"], bands=None)[0].meta["psid"] == psid["south"]


def test_a_whole_journey_leaves_no_password_anywhere(sky, psid, tmp_path, monkeypatch, caplog, capfd):
    canary = "looking-glass-canary-5182"
    caplog.set_level(logging.DEBUG)
    for name in ("alerce_zvar", "urllib3", "uvicorn", "asyncio", "astroquery"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", canary)
    with serve(sky["archive"], users={"alice": canary}) as running:
        zvar = Zvar(url=running.url)
        table = zvar.query_region(centre("south"), radius="2 arcsec")
        curves = zvar.get_lightcurves(psid["south"])
        monkeypatch.setenv("ZVAR_PASSWORD", canary + "wrong")
        with pytest.raises(LoginError) as caught:
            zvar.query_objects(psid["south"])
        told = [repr(item) for item in (running, zvar, vars(zvar), table.meta, curves.data.meta, curves)]
    table.write(tmp_path / "table.ecsv")
    curves.to_table().write(tmp_path / "curves.ecsv")
    told += [caplog.text, str(caught.value), *capfd.readouterr()]
    folders = [tmp_path, sky["archive"].path.parent, os.environ["ASTROPY_CONFIG_DIR"], os.environ["ASTROPY_CACHE_DIR"]]
    files = [path for folder in folders for path in Path(folder).rglob("*") if path.is_file()]
    assert sky["archive"].path in files
    told += [path.read_text(encoding="latin-1") for path in files]
    for form in (canary, *(base64.b64encode(text.encode()).decode() for text in (f"alice:{canary}", canary))):
        assert not any(form in text for text in told)


def test_an_unusable_row_fails_its_own_object_only():
    with FaultServer(b"") as server:
        server.respond = lambda request, connection: connection.sendall(
            json_reply(OBJECT | {"oid": "x", "ndet": "many" if "/bad" in request else 5})
        )
        with pytest.warns(PartialResultWarning, match="1 of 3 inputs"):
            table = Alerce(url=server.url).query_object(["a", "bad", "c"])
    assert list(table["ndet"]) == [5, 5]
    assert list(table.failures["input"]) == ["bad"]
    assert "/bad" in table.failures["url"][0]


def test_a_constant_star_of_one_s_own(tmp_path):
    """All its magnitudes are the reference's: no difference flux is a magnitude, and no row has the key."""
    table = Table({"time": Time(58000 + np.arange(5.0), format="mjd", scale="utc"), "band": ["g"] * 5})
    table["mag"], table["mag_err"] = [17.0] * 5 * u.mag, [0.02] * 5 * u.mag
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_table(table, coordinates=SkyCoord(10 * u.deg, 20 * u.deg), name="constant")
        with serve(archive) as server:
            oid = archive.sources()["oid"][0]
            found = type(Alerce)(url=server.url).query_detections(oid)
    assert len(found) == 5
    assert found["mag"].mask.all()
    assert found["mag_corr"].tolist() == pytest.approx([17.0] * 5, abs=1e-5)
