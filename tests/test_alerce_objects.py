"""What ALeRCE knows of single objects of both surveys, and light curves. Traps are those of reference/alerce.md."""

import json
import random

import numpy as np
import pytest
from answers import Answers
from astropy import units as u
from astropy.coordinates import EarthLocation, SkyCoord
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils import iers
from fault_server import FaultServer, http, json_reply
from hypothesis import given
from hypothesis import strategies as st
from test_alerce import NOWHERE
from test_wire import OBJECT

from alerce_zvar import Alerce, LightCurves, Zvar, conf, find_period, fold
from alerce_zvar.alerce import schema
from alerce_zvar.alerce.barycentre import OBSERVATORIES, at_barycentre
from alerce_zvar.alerce.features import latest_version
from alerce_zvar.errors import (
    NoResultsWarning,
    PartialResultWarning,
    ReplyError,
)
from alerce_zvar.folding import value_names
from alerce_zvar.plot import plot_lightcurve

RRL = "ZTF17aabopdz"
RANGE = {"minimum_period": 0.1 * u.day, "maximum_period": 0.5 * u.day}


def detection(candid, mjd, **values):
    return {
        "candid": candid,
        "mjd": mjd,
        "fid": 1,
        "magpsf": 18.0,
        "sigmapsf": 0.1,
        "isdiffpos": 1,
        "ra": 10.0,
        "dec": 20.0,
        "pid": 1,
        "has_stamp": True,
        "corrected": True,
        "dubious": False,
        "magpsf_corr": 17.0,
        "sigmapsf_corr": 0.05,
    } | values


@pytest.fixture(scope="module")
def recorded(real_data):
    """Server of the recorded bodies of one star."""
    folder = real_data / "recorded" / "alerce"
    newer = json.loads((folder / f"v2_lightcurve_{RRL}.json").read_bytes())
    bodies = {name: (folder / f"ztf_v1_{name}_{RRL}.json").read_bytes() for name in ("features", "probabilities")}
    light_curve = (folder / f"ztf_v1_lightcurve_{RRL}.json").read_bytes()
    parts = json.loads(light_curve)
    start = f"/ztf/v1/objects/{RRL}"
    routes = {f"{start}/{name}": body for name, body in bodies.items()} | {
        f"{start}/lightcurve": light_curve,
        f"{start}/detections": ragged(parts["detections"]),
        f"{start}/non_detections": ragged(parts["non_detections"]),
        f"/v2/lightcurve/forced-photometry/{RRL}": newer["forced_photometry"],
        "/v2/lightcurve/forced-photometry/nobody": [],
    }
    with Answers(routes) as server:
        yield server


def ragged(rows):
    """As the service writes some lists: keys that are null are left out row by row."""
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


@pytest.fixture
def alerce(recorded):
    return Alerce(url=recorded.url)


# ZTF, recorded


def test_recorded_light_curves(alerce):
    curve = alerce.get_lightcurve(RRL)
    assert (len(curve), curve.meta["dropped"]) == (1541, 458)  # of 1999, 456 have 100.0 for an error, 2 have null
    assert np.all(np.diff(curve["time"].mjd) >= 0)
    assert curve["mag_err"].max() < 1 * u.mag
    assert not np.any(curve["dubious"])
    difference = alerce.get_lightcurve(RRL, photometry="difference")
    assert (len(difference), difference.meta["dropped"]) == (1999, 0)
    assert np.all(np.sign(difference["flux"].value) == difference["isdiffpos"])
    assert (np.sum(difference["flux"] < 0), np.sum(difference["dubious"])) == (1087, 2)
    assert len(alerce.get_lightcurve(RRL, photometry="difference", include_dubious=False)) == 1997
    places = {(row["time"].mjd, row["band"]) for row in difference}
    assert len(difference) - len(places) == 65  # two rows of one exposure and band are both kept
    limits = alerce.get_lightcurve(RRL, include_upper_limits=True)
    assert (len(limits), limits["mag"].mask.sum(), np.sum(~limits["limiting_mag"].mask)) == (1541 + 2917, 2917, 2917)


def test_recorded_forced_photometry(alerce):
    table = alerce.query_forced_photometry(RRL)
    assert table.colnames == ["oid", *schema.FORCED_PHOTOMETRY.names]
    assert (len(table), table["mag"].mask.sum(), table["mag_corr_err"].mask.sum()) == (510, 102, 444)
    assert table["distnr"].mask.sum() == table["sharpnr"].mask.sum() == 90
    assert set(table["procstatus"][table["mag"].mask]) == {"55", "61"}
    assert np.all(table["corrected"])
    assert np.all(np.diff(table["time"].mjd) >= 0)
    assert table["exptime"].unit == u.s
    forced = alerce.get_lightcurve(RRL, photometry="forced")
    assert (len(forced), forced.meta["dropped"]) == (408, 102)
    assert np.sum(forced["flux"] < 0) == 219
    assert len(alerce.get_lightcurve(RRL, photometry="forced_corrected")) == 66
    extended = alerce.get_lightcurve(RRL, photometry="forced_corrected", extended_errors=True)
    assert (len(extended), len(alerce.get_lightcurve(RRL, extended_errors=True))) == (408, 1997)
    assert extended["mag_err"].max() < 1 * u.mag
    with pytest.warns(NoResultsWarning, match="no forced photometry of it"):
        none = alerce.query_forced_photometry("nobody")
    assert none.colnames == table.colnames
    with pytest.warns(NoResultsWarning):
        assert len(alerce.get_lightcurve("nobody", photometry="forced")) == 0


def test_the_top_level_counts_where_extra_fields_say_otherwise():
    row = detection("x1", 60000.5, tid="ztf", mag=18.5, e_mag=0.2, extra_fields={"mag": 1.0, "exptime": 30.0})
    with Answers({"/v2/lightcurve/forced-photometry/x": [row]}) as server:
        table = Alerce(url=server.url).query_forced_photometry("x")
        assert server.asked("/v2/lightcurve/forced-photometry/x") == [
            {"survey_id": ["ztf"]}
        ]  # its default mixes surveys
    assert (table["mag"][0], table["exptime"][0]) == (18.5, 30.0)


def test_a_light_curve_goes_straight_into_period_fold_and_figure(alerce):
    curve = alerce.get_lightcurve(RRL)
    result = find_period(curve, **RANGE)
    assert result.period.to_value(u.d) == pytest.approx(0.2256, rel=1e-4)  # the service's own Multiband_period
    assert len(fold(curve, result.period)) == 1541
    axes = plot_lightcurve(curve)
    assert axes.yaxis_inverted()


@pytest.mark.parametrize("photometry", ["corrected", "difference", "forced"])
def test_every_kind_of_photometry_has_the_true_period(alerce, photometry):
    """Magnitudes of a difference have lost its sign, and with them half of the period is found."""
    curve = alerce.get_lightcurve(RRL, photometry=photometry)
    assert value_names(curve)[0] == ("mag" if photometry == "corrected" else "flux")
    assert find_period(curve, **RANGE).period.to_value("d") == pytest.approx(0.2256, abs=1e-4)
    if photometry == "difference":
        half = find_period(curve, column="mag", method="lombscargle", **RANGE)
        assert half.period.to_value("d") == pytest.approx(0.1128, abs=1e-4)
        curves = alerce.get_lightcurves([RRL], photometry=photometry)
        assert len(curves.clean(min_snr=3).data) == np.sum(2.5 / np.log(10) / curve["mag_err"].value >= 3)


def test_signed_flux_is_that_of_the_ab_system():
    rows = [
        detection(str(10**17 + k), 60000.0 + k, magpsf=mag, isdiffpos=sign)
        for k, (mag, sign) in enumerate([(31.4, 1), (23.9, -1), (18.9, 1)])
    ]
    with Answers({"/ztf/v1/objects/x/detections": rows}) as server:
        curve = Alerce(url=server.url).get_lightcurve("x", photometry="difference")
    np.testing.assert_allclose(curve["flux"].to_value(u.nJy), [1, -1000, 1e5], rtol=1e-9)
    np.testing.assert_allclose(curve["flux_err"] / abs(curve["flux"]), 0.1 * np.log(10) / 2.5, rtol=1e-9)
    np.testing.assert_allclose(abs(curve["flux"]).to_value(u.ABmag), curve["mag"].value, atol=3e-4)


def test_brightness_and_dates_beyond_all_measure_are_no_light_curve():
    odd = [{"isdiffpos": 0}, {"magpsf": -1000.0}, {"sigmapsf": 0.0}]
    routes = {
        "/ztf/v1/objects/x/detections": [
            detection(str(k), 60000.0 + k, **values) for k, values in enumerate([{}, *odd])
        ],
        "/ztf/v1/objects/y/detections": [detection("5", 2460000.5)],
    }
    with (
        Answers(routes) as server,
        pytest.warns(PartialResultWarning, match="'mjd' holds a number that is no MJD"),
    ):
        curves = Alerce(url=server.url).get_lightcurves(["x", "y"], photometry="difference", barycentric=True)
    assert (curves.ids, len(curves.data)) == (["x"], 1)


def test_candids_sort_as_numbers():
    candids = ["999999999999999999", "1000000000000000000", "1000000000000000001"]
    with Answers({"/ztf/v1/objects/x/detections": [detection(c, 60000.0) for c in reversed(candids)]}) as server:
        table = Alerce(url=server.url).query_detections("x")
    assert list(table["candid"]) == candids


def test_candids_sort_as_numbers_among_upper_limits():
    candids = ["999999999999999999", "1000000000000000000"]
    limits = [{"tid": "ztf", "mjd": 60000.0, "fid": 2, "diffmaglim": 20.5}]
    body = {"detections": [detection(c, 60000.0) for c in reversed(candids)], "non_detections": limits}
    with Answers({"/ztf/v1/objects/x/lightcurve": body}) as server:
        curve = Alerce(url=server.url).get_lightcurve("x", include_upper_limits=True)
    assert np.ma.filled(curve["candid"], "none").tolist() == ["none", *candids]


def test_a_light_curve_needs_no_more_than_its_own_columns():
    rows = [detection("1", 60000.0, rb="odd", pid=None)]
    with Answers({"/ztf/v1/objects/x/detections": rows}) as server:
        alerce = Alerce(url=server.url)
        with pytest.raises(ReplyError, match="'rb' holds 'odd'"):
            alerce.query_detections("x")
        assert list(alerce.get_lightcurve("x")["mag"].value) == [17.0]
        del rows[0]["magpsf_corr"], rows[0]["candid"]
        with pytest.raises(ReplyError, match="candid"):
            alerce.get_lightcurve("x")


def test_rows_come_in_order_of_time_whatever_the_service_does():
    rows = [detection(str(k), 60000.0 - k) for k in range(5)]
    with Answers({"/ztf/v1/objects/*": rows}) as server:
        table = Alerce(url=server.url).query_detections(["a", "b"])
    assert list(table["oid"]) == ["a"] * 5 + ["b"] * 5
    assert list(table["candid"]) == ["4", "3", "2", "1", "0"] * 2


def test_upper_limits_are_never_taken_for_magnitudes():
    body = {
        "detections": [detection("1", 60000.0)],
        "non_detections": [{"tid": "ztf", "mjd": 59999.0, "fid": 1, "diffmaglim": 20.5}],
    }
    with Answers({"/ztf/v1/objects/x/lightcurve": body}) as server:
        curve = Alerce(url=server.url).get_lightcurve("x", include_upper_limits=True)
    assert curve["mag"].mask.tolist() == [True, False]
    assert curve["limiting_mag"].mask.tolist() == [False, True]
    assert (curve["mag"][1].unmasked.value, curve["limiting_mag"][0].unmasked.value) == (17.0, 20.5)


# features


def test_recorded_features(alerce):
    every = alerce.query_features(RRL, version="all")
    assert (len(every), len(set(every["version"]))) == (3444, 18)
    nulls = 110 + 870  # bare NaN, and null
    assert every["value"].mask.sum() == nulls + 2  # and two periods of exactly 1.0 that are none
    latest = alerce.query_features(RRL)
    assert (len(latest), set(latest["version"]), set(latest["band"])) == (209, {"27.5.6"}, {"g", "r", "gr", "none"})
    named = alerce.query_features(RRL, version="23.12.25")
    assert len(named) == 178  # though this server answers with all, whatever is asked
    assert set(alerce.query_features(RRL, band="gr")["band"]) == {"gr"}
    period = every[(every["name"] == "Multiband_period") & ~every["value"].mask]
    np.testing.assert_allclose(period["value"], 0.2256, atol=1e-4)


def test_recorded_features_in_wide_form(alerce):
    wide = alerce.query_features(RRL, wide=True)
    assert (len(wide), wide.colnames[:2]) == (1, ["oid", "version"])
    assert len(wide.colnames) == 2 + 209
    assert wide["Multiband_period_gr"][0] == pytest.approx(0.2256025, rel=1e-6)
    assert wide["Amplitude_g"][0] != wide["Amplitude_r"][0]
    assert "W1-W2" in wide.colnames  # of no band
    many = alerce.query_features([RRL, RRL], version="all", wide=True)
    assert len(many) == 36
    assert list(many["version"][:18]) == list(many["version"][18:])
    assert many["Multiband_period_gr"].mask.sum() == 2 * (8 + 2)


def test_two_features_for_one_column_are_told():
    row = {"name": "a_g", "fid": 0, "version": "1.0.0", "value": 1.0}
    rows = [row, row | {"name": "a", "fid": 1}]
    with Answers({"/ztf/v1/objects/x/features": rows}) as server:
        alerce = Alerce(url=server.url)
        assert len(alerce.query_features("x")) == 2
        assert alerce.query_features("x", wide=True)["a_g"].tolist() == [1.0]  # the same
        for value in (2.0, None):
            rows[1]["value"] = value
            with pytest.raises(ReplyError, match=r"x has two values of 'a_g' in version 1\.0\.0"):
                alerce.query_features("x", wide=True)


def test_one_feature_and_one_with_a_slash(recorded, alerce):
    body = [{"name": "Amplitude", "value": 0.5, "fid": f, "version": v} for f in (1, 2) for v in ("1.0.0", "1.0.1")]
    with Answers({"/ztf/v1/objects/x/features/Amplitude": body}) as server:
        table = Alerce(url=server.url).query_feature("x", "Amplitude")
        Alerce(url=server.url).query_feature("x", "Amplitude", version="1.0.0", band="r")
        assert server.asked("/ztf/v1/objects/x/features/Amplitude")[1] == {"fid": ["2"], "version": ["1.0.0"]}
    assert list(table["version"]) == ["1.0.1", "1.0.1"]
    slash = alerce.query_feature(RRL, "Power_rate_1/2")
    assert (list(slash["name"]), list(slash["version"])) == (["Power_rate_1/2"], ["27.5.6"])
    assert recorded.requests[-1].startswith(f"GET /ztf/v1/objects/{RRL}/features HTTP")
    for name in ("..", "a b", "?", "Power_rate_1/9"):
        with pytest.warns(NoResultsWarning):
            assert len(alerce.query_feature(RRL, name)) == 0


@pytest.mark.parametrize(
    ("versions", "latest"),
    [
        (["23.12.25", "27.5.4", "27.5.6", "27.5.7a32.dev1", "lc_classifier_1.2.1-P"], "27.5.6"),
        (["9.0.0", "10.0.0", "10.0.0.1"], "10.0.0"),
        (["25.0.1a14", "25.0.1a5", "23.12.26a85"], "25.0.1a14"),
        (["lc_classifier_1.2.1-P", "lc_classifier_1.2.1-P-transitional"], "lc_classifier_1.2.1-P-transitional"),
        (["beta"], "beta"),
    ],
)
def test_the_latest_version_has_a_rule(versions, latest):
    assert latest_version(versions) == latest_version(versions[::-1]) == latest


@given(st.lists(st.text(min_size=1), min_size=1))
def test_every_list_of_versions_has_a_latest(versions):
    assert latest_version(versions) in versions


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda a: a.query_features("x", band="i"), ValueError, "band must be one of none, g, r, gr; not 'i'"),
        (lambda a: a.query_features("x", version=27), ValueError, "version must be 'latest', 'all' or the name"),
        (lambda a: a.query_feature("x", ""), TypeError, "name must be a text"),
        (lambda a: a.query_feature("x", None), TypeError, "name must be a text"),
        (lambda a: a.get_lightcurve(["x"]), TypeError, "get_lightcurves takes a list"),
        (lambda a: a.get_lightcurves([]), ValueError, "at least one id"),
        (lambda a: a.get_lightcurve("x", photometry="forced", extended_errors=True), ValueError, "extended_errors"),
        (lambda a: a.get_lightcurve("1", survey="lsst", extended_errors=True), ValueError, "extended_errors goes"),
        (lambda a: a.get_lightcurve("x", photometry="psf"), ValueError, "must be one of corrected, difference, forced"),
        (
            lambda a: a.get_lightcurve("1", survey="lsst", include_upper_limits=True),
            ValueError,
            "LSST has nothing else",
        ),
        (lambda a: a.get_lightcurve("x", photometry="forced", include_upper_limits=True), ValueError, "every exposure"),
    ],
)
def test_wrong_questions_are_refused_before_any_request(call, error, words):
    with pytest.raises(error, match=words):
        call(Alerce(url=NOWHERE))


# probabilities


def test_recorded_probabilities(alerce):
    table = alerce.query_probabilities(RRL)
    assert len(table) == 344
    pairs = set(zip(table["classifier"], table["classifier_version"], strict=True))
    assert len(pairs) == 27
    assert ("stamp_classifier_2025_beta", "2.1.1_beta") in pairs  # no version that PEP 440 would know
    assert np.sum(table["ranking"] == 1) == 27


def test_an_object_without_probabilities_is_told():
    with Answers({"/ztf/v1/objects/x/probabilities": [], "/ztf/v1/objects/y/probabilities": []}) as server:
        with pytest.warns(NoResultsWarning, match="the service has no probabilities of it"):
            table = Alerce(url=server.url).query_probabilities("x", classifier="stamp_classifier")
        assert server.asked("/ztf/v1/objects/x/probabilities") == [{"classifier": ["stamp_classifier"]}]
        with pytest.warns(NoResultsWarning, match="2 of 2 inputs"):
            many = Alerce(url=server.url).query_probabilities(["x", "y"])
    assert table.colnames == ["oid", *schema.PROBABILITIES.names]
    assert list(many.failures["input"]) == ["x", "y"]


# every input once


def test_an_id_that_stands_there_twice_is_asked_once_and_answered_twice():
    rows = {name: [detection(str(k), 60000.0 + k) for k in range(3)] for name in "ab"}
    routes = {f"/ztf/v1/objects/{name}/detections": found for name, found in rows.items()}
    with Answers(routes) as server, pytest.warns(PartialResultWarning, match="2 of 5 inputs"):
        table = Alerce(url=server.url).query_detections(["a", "z", "b", "a", "z"])
    assert len(server.requests) == 3
    assert list(table["oid"]) == ["a"] * 3 + ["b"] * 3 + ["a"] * 3
    assert list(table.failures["input_index"]) == [1, 4]
    with Answers(routes) as server, pytest.warns(PartialResultWarning):
        curves = Alerce(url=server.url).get_lightcurves(["a", "z", "b", "a", "z"])
    assert (curves.ids, [len(curve) for curve in curves]) == (["a", "b", "a"], [3, 3, 3])
    assert list(curves.failures["input"]) == ["z", "z"]


def test_light_curves_that_cannot_be_had_are_told_with_reasons():
    bad = [detection("1", 60000.0, sigmapsf_corr=100.0), detection("2", 60001.0, magpsf_corr=None)]
    routes = {
        "/ztf/v1/objects/bad/detections": bad,
        "/ztf/v1/objects/none/detections": [],
        "/ztf/v1/objects/odd/detections": [detection("1", "yesterday")],
        "/ztf/v1/objects/good/detections": [detection("1", 60000.0)],
    }
    with Answers(routes) as server, pytest.warns(PartialResultWarning, match="4 of 5 inputs"):
        curves = Alerce(url=server.url).get_lightcurves(["bad", "none", "odd", "good", "unknown"])
    assert isinstance(curves, LightCurves)
    assert curves.ids == ["good"]
    assert list(curves.failures["input"]) == ["bad", "none", "odd", "unknown"]
    assert list(curves.failures["error"]) == ["", "", "ReplyError", "NotFoundError"]
    assert curves.failures["reason"][0] == "none of its 2 rows of detections has a usable corrected value"
    with Answers(routes) as server, pytest.warns(NoResultsWarning, match="none of its 2 rows"):
        curve = Alerce(url=server.url).get_lightcurve("bad")
    assert (type(curve), len(curve), curve.meta["dropped"], curve["mag"].unit) == (TimeSeries, 0, 2, u.mag)


def test_odd_non_detections_fail_their_own_object_only():
    good = {"detections": [detection("1", 60000.0)], "non_detections": None}
    odd = good | {"non_detections": [{"mjd": 59999.0, "fid": "g", "diffmaglim": 20.5}]}
    routes = {"/ztf/v1/objects/good/lightcurve": good, "/ztf/v1/objects/odd/lightcurve": odd}
    with Answers(routes) as server, pytest.warns(PartialResultWarning, match="1 of 2 inputs"):
        curves = Alerce(url=server.url).get_lightcurves(["odd", "good"], include_upper_limits=True)
    assert (curves.ids, len(curves["good"])) == (["good"], 1)


def test_many_light_curves_through_a_service_that_fails_at_random():
    """One request in ten fails: in the result or in the failures, every id once."""

    class Moody(FaultServer):
        luck = random.Random(7)

        def respond(self, request, connection):
            name = request.split("/objects/")[1].split("/")[0]
            body = [detection(f"{int(name[1:])}{k}", 60000.0 + k) for k in range(2)]
            faults = [http(b"busy", 503), json_reply({"message": "oops"}, 500), http(b'[{"cand'), b""]
            answer = self.luck.choice(faults) if self.luck.random() < 0.1 else json_reply(body)
            connection.sendall(answer)

    ids = [f"Z{k:04d}" for k in range(300)]
    with Moody(b"") as server, conf.set_temp("tap_threshold", 0):
        alerce = Alerce(url=server.url)
        with conf.set_temp("max_retries", 0), pytest.warns(PartialResultWarning):
            once = alerce.get_lightcurves(ids)
        with conf.set_temp("backoff", 0.0):
            patient = alerce.get_lightcurves(ids)
    assert 10 < len(once.failures) < 60
    assert sorted([*once.ids, *once.failures["input"]]) == ids
    assert once.ids == [identifier for identifier in ids if identifier in set(once.ids)]
    assert (patient.ids, len(patient.failures)) == (ids, 0)
    for identifier in (ids[0], ids[-1]):
        assert list(patient[identifier]["candid"]) == [f"{int(identifier[1:])}{k}" for k in range(2)]


# barycentre


@pytest.mark.parametrize(("survey", "scale"), [("ztf", "utc"), ("lsst", "tai")])
def test_light_travel_times_are_those_of_the_earth_s_centre_but_for_its_radius(survey, scale):
    from alerce_zvar.archive.times import barycentric

    times = Time(np.linspace(58000.3, 62000.7, 50), format="mjd", scale=scale)
    places = SkyCoord(np.linspace(0, 359, 50) * u.deg, np.linspace(-89, 89, 50) * u.deg)
    found = at_barycentre(times, places, survey)
    centre = barycentric(times.utc.mjd, places.ra.deg, places.dec.deg)
    assert (found.scale, found.format) == ("tdb", "mjd")
    apart = np.abs(found.jd - centre) * 86400
    assert apart.max() < 0.0225  # the Earth's radius
    assert apart.max() > 0.01
    assert np.ptp((found - times).to_value("s")) > 800  # twice the light time from the Sun
    longitude, latitude, height = OBSERVATORIES[survey]
    place = EarthLocation.from_geodetic(longitude * u.deg, latitude * u.deg, height * u.m)
    here = Time(times, location=place)[:20]
    astropy_s = here.tdb + here.light_travel_time(places[:20], ephemeris="builtin")
    assert np.max(np.abs((found[:20] - astropy_s).to_value("us"))) < 10


def test_old_data_on_the_earth_s_rotation_do_no_harm(monkeypatch):
    """An installation that has not been renewed for a year: astropy refuses, see `at_barycentre` why we need not."""
    times, place = Time([59000.0, 62000.0], format="mjd"), SkyCoord([10, 20] * u.deg, [30, 40] * u.deg)
    expected = at_barycentre(times, place, "ztf")
    old = iers.IERS_Auto.open()
    monkeypatch.setattr(old, "_time_now", Time(old.meta["predictive_mjd"] + 400, format="mjd"), raising=False)
    with iers.earth_orientation_table.set(old):
        with pytest.raises(ValueError, match="predictive values"):
            _ = times.copy().ut1
        assert np.all(at_barycentre(times.copy(), place, "ztf") == expected)


def test_observatories_stand_where_they_are():
    """Against geocentric coordinates in km: of the Hale telescope, and of Cerro Pachon."""
    known = {"ztf": (-2410.3, -4758.7, 3487.9), "lsst": (1820.2, -5208.3, -3194.8)}
    for survey, (longitude, latitude, height) in OBSERVATORIES.items():
        place = EarthLocation.from_geodetic(longitude * u.deg, latitude * u.deg, height * u.m)
        np.testing.assert_allclose([axis.to_value("km") for axis in place.geocentric], known[survey], atol=3)


def test_barycentric_light_curves_across_the_meridian(alerce):
    rows = [detection(str(k), 60000.0 + k, ra=(359.99999, 0.00001)[k % 2]) for k in range(4)]
    routes = {"/ztf/v1/objects/x/detections": rows, "/ztf/v1/objects/y/detections": rows[:1]}
    with Answers(routes) as server:
        curves = Alerce(url=server.url).get_lightcurves(["x", "y"], barycentric=True)
        plain = Alerce(url=server.url).get_lightcurves(["x", "y"])
    assert curves.data["time"].scale == "tdb"
    assert "barycentre" in curves.data.meta["time_assumption"]
    expected = at_barycentre(plain[0]["time"], SkyCoord(np.zeros(4) * u.deg, 20 * u.deg), "ztf")
    np.testing.assert_allclose((curves[0]["time"] - expected).to_value("s"), 0, atol=1e-4)
    assert alerce.get_lightcurve(RRL, barycentric=True, include_upper_limits=True)["time"].scale == "tdb"


def test_a_position_of_zero_zero_is_none():
    from alerce_zvar.alerce.barycentre import mean_positions

    found = mean_positions(np.array([0.0, 10.0, 0.0]), np.array([0.0, 20.0, 0.0]), np.array([0, 0, 1]), 2)
    assert (found[0].ra.deg, found[0].dec.deg) == (pytest.approx(10), pytest.approx(20))
    assert np.isnan(found[1].ra.deg)


def test_an_object_without_a_place_has_no_time_at_the_barycentre():
    limits = [{"tid": "ztf", "mjd": 59999.0, "fid": 1, "diffmaglim": 20.5}]
    nowhere = [detection("1", 60000.0, ra=0.0, dec=0.0)]
    routes = {
        "/ztf/v1/objects/x/lightcurve": {"detections": nowhere, "non_detections": limits},
        "/ztf/v1/objects/y/lightcurve": {"detections": [detection("2", 60000.0)], "non_detections": limits},
    }
    with Answers(routes) as server:
        alerce = Alerce(url=server.url)
        assert len(alerce.get_lightcurves(["x", "y"], include_upper_limits=True).data) == 4
        with pytest.warns(PartialResultWarning, match="x: none of its 1 rows of detections"):
            curves = alerce.get_lightcurves(["x", "y"], include_upper_limits=True, barycentric=True)
    assert (curves.ids, len(curves.data)) == (["y"], 2)
    assert np.all(np.isfinite(curves.data["time"].mjd))


# both surveys


def test_object_of_ztf_has_its_own_schema():
    with Answers({"/ztf/v1/objects/x": OBJECT}) as server:
        table = Alerce(url=server.url).query_object("x", survey="ztf")
    assert table.colnames == list(schema.OBJECT.names)


def test_the_two_services_of_the_sample_sky_agree_on_the_barycentre(sample_server, monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")
    alerce, zvar = Alerce(url=sample_server), Zvar(url=sample_server)
    star = alerce.query_objects(ndet=300, order_by="ndet", row_limit=-1)[-1]
    curve = alerce.get_lightcurve(star["oid"], barycentric=True)
    source = zvar.query_region(SkyCoord(star["ra"], star["dec"], unit=u.deg), radius="1 arcsec")
    other = zvar.get_lightcurves(source["psid"], bands=None)[0]
    place = np.clip(np.searchsorted(other["time"].jd, curve["time"].jd), 1, len(other) - 1)
    apart = np.minimum(*(np.abs(curve["time"].jd - other["time"].jd[place - k]) for k in (0, 1))) * 86400
    assert apart.max() < 0.0225  # the archive puts the observatory at the Earth's centre


def test_the_sample_sky_is_consistent(sample_server):
    alerce = Alerce(url=sample_server)
    for survey, count, name in (("ztf", 57, "ZTF"), ("lsst", 12, "1")):
        listed = alerce.query_objects(survey=survey, ndet=1, one_row_per_object=True, row_limit=-1)
        assert len(listed) == count
        assert all(identifier.startswith(name) for identifier in listed["oid"])
        known = alerce.query_object(listed["oid"], survey=survey)
        assert list(known["oid"]) == list(listed["oid"])
        detections = alerce.query_detections(listed["oid"], survey=survey)
        assert list(np.unique(detections["oid"], return_counts=True)[1]) == list(known["ndet"])
        assert len(alerce.query_probabilities(listed["oid"], survey=survey).failures) == 0
        for photometry in ("corrected", "forced_corrected"):
            extended = survey == "ztf" and photometry == "forced_corrected"
            options = {"photometry": photometry, "extended_errors": extended}
            curves = alerce.get_lightcurves(listed["oid"], survey=survey, **options)
            assert (curves.ids, len(curves.failures)) == (list(listed["oid"]), 0)
            assert all(np.all(np.diff(curve["time"].mjd) >= 0) for curve in curves)
    forced = alerce.query_forced_photometry(listed["oid"], survey="lsst")
    assert list(np.unique(forced["oid"], return_counts=True)[1]) == list(known["nforced"])
