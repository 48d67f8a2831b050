"""What ALeRCE knows of single objects of LSST, with the errors, cuts and zeros of reference/alerce.md 7."""

import numpy as np
import pytest
from answers import Answers, RefusalError
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from test_alerce import LSST_ROW

from alerce_zvar import Alerce, conf
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.archive import Archive
from alerce_zvar.errors import (
    InvalidQueryError,
    MaxResultsWarning,
    NoResultsWarning,
    NotFoundError,
    PartialResultWarning,
    ReplyError,
    UnavailableError,
)
from alerce_zvar.server import serve

KNOWN, OTHER, UNKNOWN = "170028510777180307", "170028510777180308", "9223372036854775807"


def lsst_row(k, oid=KNOWN, **values):
    return {
        "oid": int(oid),
        "measurement_id": 170028510777180000 + k,
        "mjd": 61000.0 + k,
        "band": 1 + k % 6,
        "survey_id": "lsst",
        "ra": 10.0,
        "dec": -20.0,
        "psfFlux": -500.0 + k,
        "psfFluxErr": 20.0,
        "scienceFlux": 9000.0 + k,
        "scienceFluxErr": 25.0,
    } | values


class Lsst(Answers):
    """As ALeRCE's LSST services: errors and cuts as in reference/alerce.md 7."""

    forced = 30
    broken = 0  # answers of `object` that fail though the object is known

    def __init__(self):
        start = "/lsst/lightcurve_api"
        routes = {
            "/lsst/object_api/object": self.object,
            "/lsst/probability_api/probability": self.probability,
            f"{start}/detections": lambda query: [lsst_row(k, oid) for oid in self.known(query) for k in (2, 0, 1)],
            f"{start}/forced-photometry": self.forced_photometry,
            f"{start}/non_detections": [],
        }
        super().__init__(routes)

    @staticmethod
    def known(query):
        return [oid for oid in dict.fromkeys(query["oid"]) if oid != UNKNOWN]

    def object(self, query):
        assert query["survey_id"] == ["lsst"]
        self.broken -= 1
        if not self.known(query) or self.broken >= 0:
            raise RefusalError(500, {"detail": "An error occurred"})
        row = {key: LSST_ROW[key] for key in ("tid", "sid", "meanra", "meandec", "firstmjd", "lastmjd", "deltamjd")}
        return row | {"oid": int(query["oid"][0]), "n_det": 3, "n_forced": self.forced, "n_non_det": 0} | {
            "sigmara": None, "sigmadec": None, "created_date": "2026-03-01T10:00:00", "updated_date": None,
        }  # fmt: skip

    def probability(self, query):
        if query.get("classifier", ["a"])[0] not in ("a", "b"):
            raise RefusalError(404, {"detail": "Classifier not found"})
        if query["oid"][0] != KNOWN:
            raise RefusalError(404, {"detail": "Probability not found for the given OID"})
        row = {"class_name": "SN", "probability": 1.0, "ranking": 1}
        wanted, versions = query.get("classifier", ["a", "b"]), {"a": 201, "b": 202}
        return [row | {"classifier_name": name, "classifier_version": versions[name]} for name in wanted]

    def forced_photometry(self, query):
        rows = [lsst_row(k, oid) for oid in self.known(query) for k in range(self.forced)]
        return rows[:10] if len(query["oid"]) == 1 else rows


@pytest.fixture
def rubin():
    with Lsst() as server:
        yield server


def test_lsst_objects_and_those_that_it_does_not_know(rubin):
    alerce = Alerce(url=rubin.url)
    table = alerce.query_object(int(KNOWN), survey="lsst")
    assert table.colnames == list(lsst.OBJECT.names)
    assert list(table["oid"]) == [KNOWN]
    with pytest.raises(NotFoundError, match=r"no detection of it is known.*An error occurred"):
        alerce.query_object(UNKNOWN, survey="lsst")  # at once: its 500 is not waited for
    assert len(rubin.asked("/lsst/object_api/object")) == 2
    with pytest.warns(PartialResultWarning, match="1 of 3 inputs"):
        many = alerce.query_object([OTHER, UNKNOWN, KNOWN], survey="lsst")
    assert list(many["oid"]) == [OTHER, KNOWN]
    assert list(many.failures["error"]) == ["NotFoundError"]


def test_a_known_object_that_fails_is_asked_again(rubin):
    rubin.broken = 3
    with conf.set_temp("backoff", 0.0):
        table = Alerce(url=rubin.url).query_object([KNOWN, OTHER], survey="lsst")
    assert list(table["oid"]) == [KNOWN, OTHER]
    rubin.broken = 99
    with conf.set_temp("backoff", 0.0), pytest.raises(UnavailableError, match="status 500"):
        Alerce(url=rubin.url).query_object(KNOWN, survey="lsst")
    del rubin.routes["/lsst/lightcurve_api/detections"]  # nobody can say whether it is known
    with conf.set_temp("backoff", 0.0), pytest.raises(UnavailableError, match="status 500"):
        Alerce(url=rubin.url).query_object(UNKNOWN, survey="lsst")


def test_lsst_probabilities(rubin):
    alerce = Alerce(url=rubin.url)
    table = alerce.query_probabilities(KNOWN, survey="lsst")
    assert list(table["classifier_version"]) == ["201", "202"]
    for version in ("202", "2.0.2"):
        one = alerce.query_probabilities(KNOWN, survey="lsst", classifier_version=version)
        assert list(one["classifier"]) == ["b"]
    assert list(alerce.query_probabilities(KNOWN, survey="lsst", classifier="a")["classifier"]) == ["a"]
    with pytest.warns(NoResultsWarning, match="no probabilities of it"):
        alerce.query_probabilities(OTHER, survey="lsst")
    with pytest.raises(NotFoundError, match="Probability not found"):
        alerce.query_probabilities(UNKNOWN, survey="lsst")
    with pytest.raises(InvalidQueryError, match=r"no such classifier.*Classifier not found"):
        alerce.query_probabilities([KNOWN, OTHER], survey="lsst", classifier="nobody")


def test_lsst_detections_travel_together(rubin):
    ids = [str(int(KNOWN) + k) for k in range(60)]
    table = Alerce(url=rubin.url).query_detections([*ids, ids[0]], survey="lsst")
    assert len(rubin.requests) == 3
    assert list(dict.fromkeys(table["oid"])) == ids
    assert len(table) == 3 * 61
    assert list(table["band"][:3]) == ["g", "r", "i"]
    assert (table["time"].scale, table["flux"].unit, table["total_flux"].unit) == ("tai", u.nJy, u.nJy)
    assert all(identifier.isdigit() for identifier in table["measurement_id"])
    with pytest.warns(NoResultsWarning):
        assert len(Alerce(url=rubin.url).query_non_detections(KNOWN, survey="lsst")) == 0


def test_lsst_forced_photometry_is_not_cut(rubin):
    alerce = Alerce(url=rubin.url)
    table = alerce.query_forced_photometry(KNOWN, survey="lsst")
    assert len(table) == 30
    assert "cuts the answer" in table.meta["workaround"]
    two = alerce.query_forced_photometry([KNOWN, OTHER], survey="lsst")
    assert (len(two), "workaround" in two.meta) == (60, False)
    curve = alerce.get_lightcurve(KNOWN, survey="lsst", photometry="forced")
    assert (len(curve), curve.meta["workaround"]) == (30, table.meta["workaround"])
    many = alerce.query_forced_photometry([int(KNOWN) + k for k in range(26)], survey="lsst")
    assert (len(many), many.meta["workaround"]) == (26 * 30, table.meta["workaround"])
    assert alerce.query_forced_photometry(KNOWN, survey="lsst", get_query_payload=True)["oid"] == [KNOWN] * 2


def test_a_cut_that_cannot_be_worked_around_is_announced(rubin):
    rubin.routes["/lsst/lightcurve_api/forced-photometry"] = lambda query: [lsst_row(k) for k in range(10)]
    alerce = Alerce(url=rubin.url)
    with pytest.warns(MaxResultsWarning, match="10 of 30 rows"):
        assert len(alerce.query_forced_photometry(KNOWN, survey="lsst")) == 10
    with pytest.warns(MaxResultsWarning, match="10 of 30 rows"):
        assert len(alerce.get_lightcurve(KNOWN, survey="lsst", photometry="forced_corrected")) == 10
    rubin.forced = 10
    assert len(alerce.query_forced_photometry([KNOWN, KNOWN], survey="lsst")) == 20
    rubin.routes["/lsst/object_api/object"] = lambda query: "?"
    with pytest.warns(MaxResultsWarning, match="an unknown number of"):
        alerce.query_forced_photometry(KNOWN, survey="lsst")


def test_lsst_light_curves_have_fluxes(rubin):
    alerce = Alerce(url=rubin.url)
    total = alerce.get_lightcurve(KNOWN, survey="lsst")
    assert total.colnames == ["time", "band", "flux", "flux_err", "measurement_id"]
    assert (total["time"].scale, total["flux"].unit) == ("tai", u.nJy)
    assert list(total["flux"].value) == [9000, 9001, 9002]
    assert list(alerce.get_lightcurve(KNOWN, survey="lsst", photometry="difference")["flux"].value) == [
        -500,
        -499,
        -498,
    ]
    curves = alerce.get_lightcurves([KNOWN, OTHER], survey="lsst", photometry="forced_corrected", barycentric=True)
    assert (curves.ids, curves.data["time"].scale) == ([KNOWN, OTHER], "tdb")
    assert set(curves.data["band"]) == set("ugrizy")
    with pytest.warns(NoResultsWarning, match="no detections of it"):
        assert len(alerce.get_lightcurve(UNKNOWN, survey="lsst")) == 0


def test_zeros_of_lsst_mean_missing(rubin):
    odd = [
        {"psfFlux": 0.0, "psfFluxErr": 0.0},
        {"scienceFlux": 0.0, "scienceFluxErr": 0.0},
        {"mjd": 0.0},
        {"band": 0},
        {"psfFluxErr": 0.0},
    ]
    rows = [lsst_row(k, **values) for k, values in enumerate(odd)] + [lsst_row(9)]
    rubin.routes["/lsst/lightcurve_api/detections"] = rows
    alerce = Alerce(url=rubin.url)
    table = alerce.query_detections(KNOWN, survey="lsst")
    assert table["flux"].mask.sum() == table["total_flux"].mask.sum() == table["time"].mask.sum() == 1
    assert table["flux_err"].mask.sum() == 2
    difference = alerce.get_lightcurve(KNOWN, survey="lsst", photometry="difference")
    assert (list(difference["time"].mjd), difference.meta["dropped"]) == ([61001.0, 61009.0], 4)
    total = alerce.get_lightcurve(KNOWN, survey="lsst")
    assert (list(total["time"].mjd), total.meta["dropped"]) == ([61000.0, 61004.0, 61009.0], 3)


@pytest.mark.parametrize(
    "body", [{"detail": "odd"}, [5], "text", [{"oid": int(KNOWN)}], [lsst_row(0), lsst_row(1, OTHER)], [lsst_row(0, 0)]]
)
def test_odd_answers_of_lsst_are_told(rubin, body):
    rubin.routes["/lsst/lightcurve_api/detections"] = body
    with pytest.raises(ReplyError):
        Alerce(url=rubin.url).query_detections(KNOWN, survey="lsst")


def test_ids_that_mean_none_are_masked(rubin):
    names = ("parentDiaSourceId", "diaObjectId", "ssObjectId")
    odd = [dict.fromkeys(names, value) for value in (-1, 0, None, int(KNOWN), "-1")]
    rubin.routes["/lsst/lightcurve_api/detections"] = [lsst_row(k, **values) for k, values in enumerate(odd)]
    table = Alerce(url=rubin.url).query_detections(KNOWN, survey="lsst")
    for name in names:
        assert table[name].tolist() == [None, None, None, KNOWN, None]
        assert set(table[name].data.data) == {"", KNOWN}


def test_all_times_of_lsst_are_times(rubin):
    processed = [61000.5, 0.0, None]
    rows = [lsst_row(k, timeProcessedMjdTai=value) for k, value in enumerate(processed)]
    rubin.routes["/lsst/lightcurve_api/detections"] = rows
    time = Alerce(url=rubin.url).query_detections(KNOWN, survey="lsst")["timeProcessedMjdTai"]
    assert (time.scale, time.mask.tolist(), time[0].mjd) == ("tai", [False, True, True], 61000.5)
    bare = {
        column.name
        for table in lsst.TABLES
        for column in table.columns
        if "mjd" in column.name.lower() and not column.time
    }
    assert bare == {"deltamjd"}


def test_what_only_ztf_has_is_refused(rubin):
    for name, value in (("include_dubious", False), ("include_upper_limits", True), ("extended_errors", True)):
        with pytest.raises(ValueError, match=name):
            Alerce(url=rubin.url).get_lightcurve(KNOWN, survey="lsst", **{name: value})
    assert not rubin.requests


# the local server


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Server of an archive with LSST objects: the first with two classifiers, the last with none."""
    rng = np.random.default_rng(8)
    oids = [str(170028510777180000 + 7 * k) for k in range(9)]
    days = 61000 + 100 * rng.uniform(size=(9, 40))
    objects = Table({"oid": oids, "ra": (np.arange(9) * 0.001) * u.deg, "dec": np.zeros(9) * u.deg})
    objects["ndet"] = 3
    objects["nforced"] = 40
    objects["firstmjd"] = Time(days.min(axis=1), format="mjd", scale="tai")
    objects["lastmjd"] = Time(days.max(axis=1), format="mjd", scale="tai")
    forced = Table({"oid": np.repeat(oids, 40), "time": Time(days.ravel(), format="mjd", scale="tai")})
    forced["band"] = rng.choice(list("ugrizy"), 360)
    for name in ("flux", "total_flux"):
        forced[name], forced[f"{name}_err"] = rng.normal(1000, 100, 360) * u.nJy, np.full(360, 10.0) * u.nJy
    forced["ra"], forced["dec"] = np.repeat(objects["ra"], 40), np.zeros(360) * u.deg
    forced["measurement_id"] = [str(4 * 10**17 + k) for k in range(360)]
    detections = forced[np.arange(360) % 40 < 3]
    classes = [("a", "201", "SN", 0.7, 1), ("a", "201", "VS", 0.3, 2)]
    rows = [(oid, *row) for oid in oids[:8] for row in classes] + [(oids[0], "b", "202", "AGN", 0.9, 1)]
    probabilities = Table(rows=rows, names=("oid", *lsst.PROBABILITIES.names))
    with Archive.create(tmp_path_factory.mktemp("lsst") / "lsst.duckdb") as archive:
        archive.add_lsst(objects=objects, detections=detections, forced_photometry=forced, probabilities=probabilities)
        with serve(archive) as running:
            yield Alerce(url=running.url), oids, objects, forced


def test_local_lsst_objects(local):
    alerce, oids, objects, _ = local
    table = alerce.query_objects(survey="lsst", ndet=1, row_limit=-1)
    assert list(dict.fromkeys(table["oid"])) == oids
    assert sorted(table["oid"]).count(oids[0]) == 2
    one = alerce.query_objects(survey="lsst", ndet=1, one_row_per_object=True)
    assert (list(one["oid"]), one["class_name"][0]) == (oids, "AGN")
    assert one["class_name"].mask.tolist() == [False] * 8 + [True]
    last = objects["lastmjd"]
    late = alerce.query_objects(survey="lsst", lastmjd=[last[3], last.max()], row_limit=-1)
    assert set(late["oid"]) == set(objects["oid"][last >= last[3]])
    assert np.all(np.diff(late["lastmjd"].mjd) >= 0)
    zero = SkyCoord(0 * u.deg, 0 * u.deg)
    near = alerce.query_region(zero, radius=5 * u.arcsec, survey="lsst", one_row_per_object=True)
    assert list(near["oid"]) == oids[:2]
    with conf.set_temp("page_size", 2):
        paged = alerce.query_objects(survey="lsst", ndet=1, row_limit=-1)
    assert list(paged["oid"]) == list(table["oid"])
    for order in ("ra", "probability", "n_forced", "classifier_version"):
        assert len(alerce.query_objects(survey="lsst", ndet=1, order_by=order, order_mode="DESC")) == 10


def test_local_lsst_object_by_object(local):
    alerce, oids, _, forced = local
    with pytest.warns(PartialResultWarning, match="1 of 3 inputs"):
        table = alerce.query_object([oids[4], UNKNOWN, int(oids[2])], survey="lsst")
    assert list(table["oid"]) == [oids[4], oids[2]]
    with pytest.raises(NotFoundError):
        alerce.query_object(UNKNOWN, survey="lsst")
    assert "u_psfFluxMean" in alerce.query_object(oids[0], survey="lsst", survey_extra=True).colnames
    with pytest.warns(NoResultsWarning, match="no probabilities"):
        alerce.query_probabilities(oids[8], survey="lsst")
    with pytest.warns(PartialResultWarning, match="8 of 9 inputs"):
        assert len(alerce.query_probabilities(oids, survey="lsst", classifier_version="2.0.2")) == 1
    assert len(alerce.query_forced_photometry(oids[5], survey="lsst")) == 40
    curves = alerce.get_lightcurves(oids, survey="lsst", photometry="forced")
    assert [len(curve) for curve in curves] == [40] * 9
    given = forced[forced["oid"] == oids[5]]
    given.sort("time")
    np.testing.assert_allclose(curves[oids[5]]["flux"].value, given["flux"])
    np.testing.assert_allclose(curves[oids[5]]["time"].mjd, given["time"].mjd, rtol=0, atol=1e-9)
