"""ALeRCE's LSST services on the local server: forms, errors and traps of reference/alerce.md 7."""

import json

import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.table import MaskedColumn, Table
from astropy.time import Time

from alerce_zvar.alerce.schema import lsst as schema
from alerce_zvar.archive import Archive
from alerce_zvar.server import lsst, serve

pytest.importorskip("fastapi")

FIRST = 170028510777180307  # above 2**53, as all their ids
OIDS = [FIRST + n for n in range(5)]  # the last one has no classification
BETA, NEWER = "stamp_classifier_rubin_beta", "stamp_classifier_rubin_beta_20260421"
BAND_MAP = {"6": "u", "1": "g", "2": "r", "3": "i", "4": "z", "5": "y"}


def object_table():
    table = Table({"oid": OIDS, "ra": [0.0, 0.001, 150.0, 150.0, 200.0], "dec": [0.0, 0.0, 2.0, 2.001, -60.0]})
    table["ndet"], table["nforced"] = [5, 4, 3, 2, 1], [12, 3, 0, 0, 0]
    table["firstmjd"] = Time(61000.0 + np.arange(5), format="mjd", scale="tai")
    table["lastmjd"] = Time(61050.0 - np.arange(5), format="mjd", scale="tai")
    table["ra_err"] = MaskedColumn([1e-5, 2e-5, 0, 0, 0], mask=[False, False, True, True, True])
    table["stellar"] = MaskedColumn([True] * 5, mask=[False, True, True, True, True])
    table["g_psfFluxMean"] = [1.5, 2.5, 3.5, 4.5, 5.5] * u.nJy
    table["created_date"] = "2026-01-01T00:00:00"
    return table


def measured_table(oid, count, **columns):
    table = Table({"oid": [oid] * count, "measurement_id": oid + 1000 + np.arange(count)})
    table["time"] = Time(61050.0 - np.arange(count), format="mjd", scale="utc")  # other scales are turned into TAI
    table["band"] = ["g", "r", "i", "z", "y", "u", "g", "r", "i", "z", "y", "u"][:count]
    table["ra"], table["dec"], table["visit"], table["detector"] = 0.0, 0.0, 2026010100000 + np.arange(count), 7
    for name, value in columns.items():
        table[name] = value
    return table


def class_table():
    rows = [
        (FIRST, BETA, "201", "SN", 0.9, 1),
        (FIRST, BETA, "201", "AGN", 0.1, 2),
        (FIRST, NEWER, "202", "AGN", 0.6, 1),
    ]
    rows += [
        (OIDS[1], BETA, "201", "AGN", 0.7, 1),
        (OIDS[2], BETA, "201", "SN", 0.3, 1),
        (OIDS[3], "x", "beta", "VS", 0.2, 1),
    ]
    names = ("oid", "classifier", "classifier_version", "class_name", "probability", "ranking")
    return Table(rows=rows, names=names)


def taxonomy():
    names = ["SN", "AGN", "VS", "asteroid", "bogus"]
    table = Table({"classifier": [BETA] * 5 + [NEWER] * 5, "class_name": names * 2})
    table["classifier_version"], table["classifier_id"] = ["2.0.1"] * 5 + ["2.0.2"] * 5, [1] * 5 + [3] * 5
    return table


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.create(tmp_path_factory.mktemp("lsst") / "sky.duckdb") as archive:
        flux = MaskedColumn([-120.5, 0], mask=[False, True]) * u.nJy
        detections = measured_table(FIRST, 2, flux=flux, flux_err=[10.0, np.nan] * u.nJy, has_stamp=[True, False])
        detections["diaObjectId"] = [str(FIRST), str(FIRST)]
        forced = measured_table(FIRST, 12, flux=np.arange(12.0) * u.uJy)
        archive.add_lsst(
            objects=object_table(), detections=detections, forced_photometry=forced, probabilities=class_table(),
            classifiers=taxonomy(),
        )  # fmt: skip
        archive.add_lsst(forced_photometry=measured_table(OIDS[1], 3))
        yield archive


@pytest.fixture(scope="module")
def get(archive):
    with serve(archive) as server, requests.Session() as session:
        yield lambda path, **params: session.get(f"{server.url}/lsst{path}", params=params, timeout=30)


@pytest.fixture(scope="module")
def listed(get):
    """Answer of the list of objects."""

    def ask(**params):
        reply = get("/object_api/list_objects", survey="lsst", **params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    return ask


@pytest.fixture(scope="module")
def found(listed):
    return lambda **params: [item["oid"] for item in listed(**params)["items"]]


@pytest.fixture(scope="module")
def curve(get):
    def ask(path, *oids, survey_id="lsst"):
        reply = get(f"/lightcurve_api/{path}", survey_id=survey_id, oid=oids)
        assert reply.status_code == 200, reply.text
        return reply.json()

    return ask


# --- objects ---------------------------------------------------------------------------------------------------------


def test_objects_are_sources(archive):
    sources = archive.sources()
    assert set(sources["lsst_oid"]) == {str(oid) for oid in OIDS}
    assert sources["oid"].mask.all()


def test_a_page_of_objects(listed):
    """The first row is looked at whole; the total is what was fetched for the page, with the one behind it."""
    page = listed(page_size=2)
    assert {key: value for key, value in page.items() if key != "items"} == {
        "total": 3, "next": 2, "has_next": True, "prev": None, "has_prev": False, "current_page": 1,
        "info_message": None,
    }  # fmt: skip
    assert list(page) == [
        "total", "next", "has_next", "prev", "has_prev", "current_page", "items", "info_message",
    ]  # fmt: skip
    assert list(page["items"][0].items()) == [
        ("oid", FIRST), ("tid", 1), ("sid", 1), ("meanra", 0.0), ("meandec", 0.0), ("sigmara", 1e-5),
        ("sigmadec", None), ("firstmjd", 61000.0), ("lastmjd", 61050.0), ("deltamjd", 50.0), ("n_det", 5),
        ("n_forced", 12), ("n_non_det", 0), ("stellar", True), ("class_name", "SN"), ("classifier_name", BETA),
        ("classifier_version", "2.0.1"), ("probability", 0.9), ("ranking", 1),
    ]  # fmt: skip


def test_the_last_page_and_none(listed, real_data):
    last = listed(page_size=2, page=3)
    assert [last[key] for key in ("total", "next", "has_next", "prev", "has_prev", "current_page")] == [
        2, None, False, 2, True, 3,
    ]  # fmt: skip
    empty = json.loads((real_data / "recorded" / "alerce" / "lsst_list_objects_empty.json").read_text())
    assert listed(page_size=1, ra=90, dec=90) == empty
    assert list(listed(ra=90, dec=90)) == list(empty)


def test_one_row_for_each_classifier(listed, found):
    """The best of each classifier is implied; who has no class comes last, and not at all where one is asked for."""
    assert found() == [FIRST, OIDS[1], FIRST, OIDS[2], OIDS[3], OIDS[4]]
    assert [item["probability"] for item in listed()["items"]] == [0.9, 0.7, 0.6, 0.3, 0.2, None]
    assert found(classifier=NEWER) == [FIRST]
    assert found(classifier=BETA, class_name="AGN") == [OIDS[1]]
    assert found(classifier=BETA, class_name="AGN", ranking=2) == [FIRST]
    assert found(probability=0.5) == [FIRST, OIDS[1], FIRST]
    assert found(ranking=2) == [FIRST]
    assert found(classifier="nothing") == found(class_name="nothing") == []
    assert [item["classifier_version"] for item in listed()["items"]] == [
        "2.0.1",
        "2.0.1",
        "2.0.2",
        "2.0.1",
        "beta",
        None,
    ]


def test_versions_are_written_as_in_the_list_of_classifiers(tmp_path):
    """Where it has them: from 2101 alone nobody could tell that it is 2.10.1."""
    classes, known = class_table()[:1], taxonomy()[:1]
    classes["classifier_version"], known["classifier_version"] = ["2101"], ["2.10.1"]
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.add_lsst(objects=object_table()[:1], probabilities=classes)
        assert [item["classifier_version"] for item in listed_by(archive)] == ["2.1.0.1"]
        archive.add_lsst(classifiers=known)
        assert [item["classifier_version"] for item in listed_by(archive)] == ["2.10.1"]


def listed_by(archive):
    return lsst.objects(archive, {"survey": "lsst"})["items"]


def test_cones_know_zero(found):
    """Unlike ZTF's service; the default radius is 30 arcsec."""
    assert set(found(ra=0, dec=0)) == {FIRST, OIDS[1]}
    assert set(found(ra=0, dec=0, radius=1)) == {FIRST}
    assert set(found(ra=0, dec=0, radius=0)) == {FIRST}
    assert set(found(ra=359.9999, dec=0, radius=1)) == {FIRST}
    assert found(ra=150, dec=2, radius=3.7) == [OIDS[2], OIDS[3]]
    assert found(ra=150, dec=2, radius=3.5) == [OIDS[2]]
    assert len(found(ra=20, dec=80, radius=180 * 3600)) == 6
    assert len(found(ra=10)) == 6  # half a position is none


def test_filters(found):
    assert found(n_det=[2, 3]) == [OIDS[2], OIDS[3]]
    assert found(n_det=2, order_by="n_det", order_mode="ASC")[0] == OIDS[3]
    assert found(firstmjd=[61003.0]) == [OIDS[3], OIDS[4]]
    assert found(lastmjd=[0, 61046.0]) == [OIDS[4]]
    assert found(oid=[OIDS[3], OIDS[1]]) == [OIDS[1], OIDS[3]]
    assert found(oid=OIDS[2]) == [OIDS[2]]
    assert found(oid="9" * 30) == []


def test_sorting(get, found):
    """A name that is no column, and those of words, fail at the service."""
    assert found(order_by="lastmjd", order_mode="ASC")[0] == OIDS[4]
    assert found(order_by="meanra")[0] == OIDS[4]
    assert found(order_by="sigmara")[:3] == OIDS[2:]  # null first, as in PostgreSQL
    assert found(order_by="sigmara", order_mode="ASC")[-3:] == OIDS[2:]
    for name in ("class_name", "classifier_name", "x; DROP TABLE lsst_objects", ""):
        reply = get("/object_api/list_objects", survey="lsst", order_by=name)
        assert (reply.status_code, reply.json()) == (500, {"detail": "An error occurred"})


def test_odd_pages(listed, found):
    pages = [found(page=n, page_size=1) for n in range(1, 8)]
    assert [oid for page in pages for oid in page] == found()
    assert listed(page=-3)["current_page"] == 1
    assert len(found(page_size=-1)) == 6  # ten
    assert found(page=10**15) == []
    assert listed(count="true")["total"] == 6


def test_one_object(get):
    reply = get("/object_api/object", survey_id="lsst", oid=OIDS[1])
    assert list(reply.json().items()) == [
        ("oid", OIDS[1]), ("tid", 1), ("sid", 1), ("meanra", 0.001), ("meandec", 0.0), ("sigmara", 2e-5),
        ("sigmadec", None), ("firstmjd", 61001.0), ("lastmjd", 61049.0), ("deltamjd", 48.0), ("n_det", 4),
        ("n_forced", 3), ("n_non_det", 0), ("created_date", "2026-01-01T00:00:00"), ("updated_date", None),
    ]  # fmt: skip
    more = get("/object_api/object", survey_id="lsst", oid=OIDS[1], return_survey_extra="true").json()
    assert {key: more[key] for key in reply.json()} == reply.json()
    assert (more["g_psfFluxMean"], more["u_psfFluxMean"], more["nDiaSources"]) == (2.5, None, None)
    assert len(more) == len(schema.OBJECT_EXTRA.columns)
    for oid in (42, "9" * 30):
        reply = get("/object_api/object", survey_id="lsst", oid=oid)
        assert (reply.status_code, reply.json()) == (500, {"detail": "An error occurred"})


# --- light curves ----------------------------------------------------------------------------------------------------


def test_detections(curve):
    """Band map in every row, with text as keys; what the service cannot leave out is 0, 0.0 or -1."""
    rows = curve("detections", FIRST)
    assert [row["measurement_id"] for row in rows] == [FIRST + 1001, FIRST + 1000]  # in the order of time
    later = rows[1]
    assert list(later)[:10] == [
        "band", "mjd", "survey_id", "ra", "dec", "oid", "measurement_id", "parentDiaSourceId", "diaObjectId", "psfFlux",
    ]  # fmt: skip
    assert {column.wire for column in schema.DETECTIONS.columns} | {"survey_id", "band_map"} == set(later)
    assert len(later) == 102  # 101 columns and the map
    assert [row["band_map"] for row in rows] == [BAND_MAP] * 2
    assert (later["band"], later["survey_id"], later["oid"]) == (1, "lsst", FIRST)
    assert later["mjd"] == pytest.approx(61050.0 + 37 / 86400, abs=1e-9)  # TAI
    assert (later["psfFlux"], later["psfFluxErr"], later["has_stamp"]) == (-120.5, 10.0, True)
    assert (rows[0]["psfFlux"], rows[0]["psfFluxErr"], rows[0]["scienceFlux"]) == (0.0, 0.0, 0.0)
    assert (later["parentDiaSourceId"], later["diaObjectId"], later["psfFlux_flag"]) == (-1, FIRST, 0)
    assert (later["snr"], later["ssObjectId"], later["pixelFlags_cr"]) == (None, None, None)
    assert curve("detections", OIDS[4]) == curve("detections", 42) == curve("detections", "9" * 30) == []


def test_forced_photometry_of_a_single_object_is_cut(curve):
    """To ten rows; not that of several, be it the same one twice."""
    whole = curve("forced-photometry", FIRST, OIDS[1])
    assert [row["oid"] for row in whole] == [FIRST] * 12 + [OIDS[1]] * 3
    assert curve("forced-photometry", FIRST) == whole[:10]
    assert curve("forced-photometry", FIRST, FIRST) == whole[:12]
    assert curve("forced-photometry", OIDS[1]) == whole[12:]
    assert list(whole[0]) == [
        "band", "mjd", "survey_id", "oid", "measurement_id", "ra", "dec", "visit", "detector", "psfFlux", "psfFluxErr",
        "scienceFlux", "scienceFluxErr", "band_map",
    ]  # fmt: skip
    assert [row["psfFlux"] for row in whole[11::-1]] == pytest.approx([1000.0 * n for n in range(12)])  # in nJy
    assert {row["band"] for row in whole[:12]} == {1, 2, 3, 4, 5, 6}


def test_whole_light_curves(curve):
    assert curve("non_detections", FIRST) == []
    body = curve("lightcurve", FIRST)
    assert {name: len(rows) for name, rows in body.items()} == {
        "detections": 2, "non_detections": 0, "forced_photometry": 10,
    }  # fmt: skip
    assert body["forced_photometry"] == curve("forced-photometry", FIRST)
    assert len(curve("lightcurve", OIDS[1], FIRST)["forced_photometry"]) == 15


def test_the_other_survey_is_not_here(curve, get):
    """It is known to the service; an archive has ZTF under the older services."""
    for path in ("detections", "forced-photometry", "non_detections"):
        assert curve(path, FIRST, survey_id="ztf") == []
    assert get("/object_api/list_objects", survey="ztf").json()["items"] == []
    assert get("/object_api/object", survey_id="ztf", oid=FIRST).status_code == 500


# --- classifications -------------------------------------------------------------------------------------------------


def test_probabilities(get):
    """The version is a number here; survey_id, which the official client sends, is ignored."""
    path = "/probability_api/probability"
    rows = get(path, oid=FIRST, survey_id="lsst").json()
    assert rows == [
        {"classifier_name": BETA, "classifier_version": 201, "class_name": "SN", "probability": 0.9, "ranking": 1},
        {"classifier_name": BETA, "classifier_version": 201, "class_name": "AGN", "probability": 0.1, "ranking": 2},
        {"classifier_name": NEWER, "classifier_version": 202, "class_name": "AGN", "probability": 0.6, "ranking": 1},
    ]
    assert get(path, oid=FIRST, classifier=NEWER).json() == rows[2:]
    assert get(path, oid=OIDS[3]).json()[0]["classifier_version"] == "beta"
    for params, reason in (
        ({"oid": OIDS[4]}, "Probability not found for the given OID"),
        ({"oid": OIDS[1], "classifier": NEWER}, "Probability not found for the given OID"),
        ({"oid": FIRST, "classifier": "nothing"}, "Classifier not found"),
    ):
        reply = get(path, **params)
        assert (reply.status_code, reply.json()) == (404, {"detail": reason})


def test_classifiers_are_as_recorded(get, real_data):
    theirs = json.loads((real_data / "recorded" / "alerce" / "lsst_classifiers.json").read_text())
    ours = get("/classifier_api/classifiers").json()
    assert ours == theirs
    assert list(ours[0]) == list(theirs[0])
    assert get("/classifier_api/classifiers", classifier_name=NEWER).json() == theirs[1:]
    assert get("/classifier_api/classifiers", classifier_name="nothing").json() == []


# --- errors ----------------------------------------------------------------------------------------------------------

LIST, OBJECT, CURVE = "/object_api/list_objects", "/object_api/object", "/lightcurve_api/detections"


@pytest.mark.parametrize(
    ("path", "query", "kind", "where", "given"),
    [
        (LIST, "survey=lsst&page=x", "int_parsing", ["query", "page"], "x"),
        (LIST, "survey=lsst&page=1.5", "int_parsing", ["query", "page"], "1.5"),
        (LIST, "survey=lsst&n_det=1&n_det=many", "int_parsing", ["query", "n_det", 1], "many"),
        (LIST, "survey=lsst&ra=east", "float_parsing", ["query", "ra"], "east"),
        (LIST, "survey=lsst&dec=nan", "float_parsing", ["query", "dec"], "nan"),
        (LIST, "survey=lsst&firstmjd=soon", "float_parsing", ["query", "firstmjd", 0], "soon"),
        (LIST, "survey=lsst&count=maybe", "bool_parsing", ["query", "count"], "maybe"),
        (LIST, "", "missing", ["query", "survey"], None),
        (OBJECT, "oid=1", "missing", ["query", "survey_id"], None),
        (OBJECT, "survey_id=lsst", "missing", ["query", "oid"], None),
        ("/probability_api/probability", "", "missing", ["query", "oid"], None),
    ],
)
def test_values_of_a_wrong_type(get, path, query, kind, where, given):
    reply = get(f"{path}?{query}")
    assert reply.status_code == 422
    (error,) = reply.json()["detail"]
    assert set(error) == {"type", "loc", "msg", "input"}
    assert (error["type"], error["loc"], error["input"]) == (kind, where, given)
    assert error["msg"].startswith("Field required" if kind == "missing" else "Input should be a valid ")


def test_all_wrong_values_are_told(get):
    detail = get(f"{LIST}?page=x&page_size=y").json()["detail"]
    assert [error["loc"][-1] for error in detail] == ["survey", "page", "page_size"]


def test_errors_in_words_of_the_service(get):
    for query, status, detail in (
        ("survey=lsst&n_det=5&n_det=4", 422, {"detections_container": "Min value can't be greater than max."}),
        ("survey=lsst&order_mode=UP", 422, {"search_filters": "Order can be only DESC or ASC."}),
        ("survey=x", 400, "Invalid survey ID 'x'. Allowed surveys are: ztf, lsst"),
        ("survey=lsst&oid=ZTF17aabopdz", 400, "invalid literal for int() with base 10: 'ZTF17aabopdz'"),
    ):
        reply = get(f"{LIST}?{query}")
        assert (reply.status_code, reply.json()) == (status, {"detail": detail})
    reply = get(CURVE, survey_id="x", oid=FIRST)
    assert (reply.status_code, reply.json()) == (
        400,
        {"detail": "Invalid survey ID 'x'. Allowed surveys are: ztf, lsst"},
    )
    for path in ("/nothing", "/object_api/", "/lightcurve_api/nothing"):
        reply = get(path)
        assert (reply.status_code, reply.json()) == (404, {"detail": "Not Found"})


def test_of_a_value_given_twice_the_last_counts(found):
    assert found(classifier=["nothing", NEWER]) == [FIRST]
