"""ALeRCE lists: objects of both surveys, order, pages, classes, limits. The traps are those of reference/alerce.md."""

import random

import numpy as np
import pytest
from answers import Answers, RefusalError
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from test_wire import OBJECT

from alerce_zvar import Alerce, conf
from alerce_zvar.alerce import schema
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.errors import (
    InvalidQueryError,
    MaxResultsWarning,
    NoResultsWarning,
    PartialResultWarning,
    ReplyError,
)

ROW = OBJECT | {"class": "RRL", "classifier": "lc_classifier", "probability": 0.7}
LSST_ROW = {
    "oid": 170028510777180307,
    "tid": 1,
    "sid": 1,
    "meanra": 10.0,
    "meandec": -20.0,
    "sigmara": None,
    "sigmadec": None,
    "firstmjd": 61000.1,
    "lastmjd": 61010.1,
    "deltamjd": 10.0,
    "n_det": 5,
    "n_forced": 20,
    "n_non_det": 0,
    "stellar": None,
    "class_name": "SN",
    "classifier_name": "stamp_classifier_rubin_beta",
    "classifier_version": "2.0.1",
    "probability": 0.9,
    "ranking": 1,
}
ZTF_PATH, LSST_PATH = "/ztf/v1/objects/", "/lsst/object_api/list_objects"
SPOT = SkyCoord(10 * u.deg, 20 * u.deg)
NOWHERE = "http://127.0.0.1:9"


def ztf_rows(n, versions=1, **values):
    """Rows of n objects, each several times."""
    return [
        ROW
        | {"oid": f"ZTF18{k:07d}", "probability": round(0.1 + 0.01 * k + 0.001 * v, 6), "classifier": f"c{v}"}
        | values
        for k in range(n)
        for v in range(versions)
    ]


class Pages:
    """A service that cuts a list into pages; rows that tie in the order come as chance will have it, anew each time."""

    def __init__(self, rows, seed=0):
        self.rows, self.random = rows, random.Random(seed)

    def __call__(self, query):
        (size,), (page,) = query["page_size"], query.get("page", ["1"])
        rows = [row for row in self.rows if self.wanted(row, query)]
        self.random.shuffle(rows)
        if "order_by" in query:
            key = {"class_name": "class", "classifier_name": "classifier"}.get(
                query["order_by"][0], query["order_by"][0]
            )
            key = key if rows and key in rows[0] else query["order_by"][0]
            rows.sort(key=lambda row: row[key], reverse=query["order_mode"] == ["DESC"])
        start = (int(page) - 1) * int(size)
        items = rows[start : start + int(size)]
        return {"total": None, "page": None, "next": None, "has_next": False, "prev": None, "items": items}

    @staticmethod
    def wanted(row, query):
        limits = [(name, [float(text) for text in query[name]]) for name in ("lastmjd",) if name in query]
        inside = all(least <= row[name] <= (most or [np.inf])[0] for name, (least, *most) in limits)
        return inside and ("oid" not in query or str(row["oid"]) in query["oid"] or "*" in query["oid"][0])


def both(rows):
    return Answers({ZTF_PATH: Pages(rows), LSST_PATH: Pages(rows)})


def counted(table):
    return sorted(zip(table["oid"].tolist(), table["classifier"].tolist(), strict=True))


# pages that tear


@pytest.mark.parametrize("page_size", [2, 3, 5, 7, 500])
def test_no_row_is_lost_or_repeated_though_ties_fall_anew_at_every_page(page_size):
    rows = ztf_rows(11, versions=4)
    with both(rows) as server, conf.set_temp("page_size", page_size):
        table = Alerce(url=server.url).query_objects(ranking=1, row_limit=-1)
    assert counted(table) == [(row["oid"], row["classifier"]) for row in rows]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.integers(1, 9), st.integers(0, 99))
def test_pages_of_any_shape_are_put_together(versions, page_size, seed):
    from alerce_zvar.alerce.listing import Lister

    rows = [ROW | {"oid": f"o{k:02d}", "classifier": f"c{v}"} for k, n in enumerate(versions) for v in range(n)]
    lister = Lister(_Direct(Pages(rows, seed)))
    values = {"order_by": "oid", "order_mode": "ASC"}
    first = lister.client.fetch(lister.query(values, page_size))
    found = lister.paged(first, values, page_size, lambda rows: False)
    assert sorted((row["oid"], row["classifier"]) for row in found) == [(row["oid"], row["classifier"]) for row in rows]
    assert [row["oid"] for row in found] == sorted(row["oid"] for row in rows)


class _Direct:
    """A client whose service is a function in this process."""

    def __init__(self, pages):
        self.pages = pages
        self.endpoints = {"objects": schema.ENDPOINTS[0]}

    def query(self, _name, **values):
        return {
            name: [str(v) for v in value] if isinstance(value, list) else [str(value)] for name, value in values.items()
        }

    def fetch(self, query, **_):
        return self.pages(query), None


def test_lsst_pages_by_last_detection_are_mended_too():
    rows = [LSST_ROW | {"oid": 170028510777180000 + k, "lastmjd": 61000.0 + k // 5} for k in range(23)]
    with both(rows) as server, conf.set_temp("page_size", 3):
        table = Alerce(url=server.url).query_objects(survey="lsst", lastmjd=[61001, 61003], row_limit=-1)
        asked = server.asked(LSST_PATH)
    assert sorted(table["oid"]) == [str(170028510777180000 + k) for k in range(5, 20)]
    assert asked[0]["order_by"] == ["lastmjd"]
    assert any(query["lastmjd"] == ["61002.0", "61002.0"] for query in asked)


@pytest.mark.parametrize("has_next", [True, None, "yes"])
def test_an_empty_page_ends_the_list_whatever_else_it_says(has_next):
    pages = Answers({ZTF_PATH: lambda query: {"has_next": has_next, "total": 99, "page": 1, "next": 2, "items": []}})
    with pages as server, pytest.warns(NoResultsWarning):
        assert len(Alerce(url=server.url).query_objects(ndet=5)) == 0
    assert len(server.requests) == 1


def test_a_service_with_a_hidden_page_limit_is_not_asked_for_ever():
    page = {"has_next": True, "items": ztf_rows(10)}
    with Answers({ZTF_PATH: page}) as server, pytest.raises(ReplyError, match="no more than 10 rows at once"):
        Alerce(url=server.url).query_objects(ndet=5, order_by="ndet", row_limit=100)


def test_rows_without_an_id_are_no_list():
    with Answers({ZTF_PATH: {"items": [{"oid": None}]}}) as server, pytest.raises(ReplyError, match="no oid"):
        Alerce(url=server.url).query_objects(ndet=5)


# order


@pytest.mark.parametrize(
    ("survey", "name", "word"),
    [
        ("ztf", "ra", "meanra"),
        ("ztf", "meanra", "meanra"),
        ("ztf", "classifier", "classifier_name"),
        ("ztf", "class_name", "class_name"),
        ("ztf", "ranking", "ranking"),
        ("lsst", "ra", "meanra"),
        ("lsst", "ndet", "n_det"),
        ("lsst", "classifier_version", "classifier_version"),
    ],
)
def test_order_is_told_by_our_names_and_the_service_s(survey, name, word):
    sent = Alerce(url=NOWHERE).query_objects(survey=survey, ndet=5, order_by=name, row_limit=7, get_query_payload=True)
    assert (sent["order_by"], sent["order_mode"], sent["page_size"]) == (word, "ASC", 8)


@pytest.mark.parametrize("name", ["ndethist", "deltamjd", "stellar", "probabilities", "object", ""])
def test_orders_that_the_documentation_promises_and_the_service_refuses(name):
    with pytest.raises(ValueError, match=r"order_by must be one of oid, ndet, .*, ra, dec"):
        Alerce(url=NOWHERE).query_objects(ndet=5, order_by=name)


def test_an_order_of_one_s_own_is_asked_for_at_once_or_sorted_here():
    rows = [row | {"ndet": k % 3, "g_r_max": None if k % 4 else k / 10} for k, row in enumerate(ztf_rows(20))]
    with both(rows) as server, conf.set_temp("page_size", 6):
        alerce = Alerce(url=server.url)
        with pytest.warns(MaxResultsWarning, match="cut at 9 rows"):
            some = alerce.query_objects(ranking=1, order_by="ndet", order_mode="DESC", row_limit=9)
        assert len(server.requests) == 1
        every = alerce.query_objects(ranking=1, order_by="g_r_max", order_mode="DESC", row_limit=-1)
        up = alerce.query_objects(ranking=1, order_by="g_r_max", row_limit=-1)
        assert all(query["order_by"] == ["oid"] for query in server.asked(ZTF_PATH)[1:])
    assert list(some["ndet"]) == [2] * 6 + [1] * 3
    assert every["g_r_max"].mask.tolist() == [True] * 15 + [False] * 5  # null is first in descending order
    assert list(every["g_r_max"][15:]) == [1.6, 1.2, 0.8, 0.4, 0.0]
    assert up["g_r_max"].mask.tolist() == [False] * 5 + [True] * 15
    assert len(set(every["oid"])) == len(set(up["oid"])) == 20


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: a.query_objects(ndet=5, order_mode="DESC"), "order_mode needs order_by"),
        (lambda a: a.query_objects(ndet=5, order_by="ndet", order_mode="down"), "one of ASC, DESC; not 'down'"),
        (lambda a: a.query_objects(ndet=5, order_by="ranking", row_limit=-1), "needs a row_limit"),
        (lambda a: a.query_objects(oid=["a", "b"], order_by="classifier_version"), "needs a row_limit, and no list"),
        (
            lambda a: a.query_objects(survey="lsst", lastmjd=61000, order_by="probability"),
            "would ignore the filter",
        ),
    ],
)
def test_orders_that_cannot_be_had(call, words):
    with pytest.raises(ValueError, match=words):
        call(Alerce(url=NOWHERE))


def test_none_is_never_sent():
    sent = Alerce(url=NOWHERE).query_objects(ndet=5, order_by=None, class_name=None, get_query_payload=True)
    assert sent == {"ndet": [5], "order_by": "oid", "order_mode": "ASC", "page": 1, "page_size": 500}


# one row per object


def test_one_row_per_object_is_the_most_probable():
    rows = ztf_rows(12, versions=5)
    for row in rows[::5]:
        row["probability"] = None
    with both(rows) as server, conf.set_temp("page_size", 4):
        alerce = Alerce(url=server.url)
        table = alerce.query_objects(ranking=1, one_row_per_object=True, row_limit=-1)
        with pytest.warns(MaxResultsWarning, match="cut at 7 objects"):
            some = alerce.query_objects(ranking=1, one_row_per_object=True, row_limit=7)
        exactly = alerce.query_objects(ranking=1, one_row_per_object=True, row_limit=12)
    assert list(table["oid"]) == list(exactly["oid"]) == [f"ZTF18{k:07d}" for k in range(12)]
    assert set(table["classifier"]) == set(some["classifier"]) == {"c4"}
    assert list(some["oid"]) == list(table["oid"][:7])


def test_one_row_per_object_in_an_order_of_one_s_own():
    rows = [row | {"ndet": 100 - int(row["oid"][-2:]) // 3} for row in ztf_rows(30, versions=6)]
    with both(rows) as server, conf.set_temp("page_size", 50):
        alerce = Alerce(url=server.url)
        with pytest.warns(MaxResultsWarning, match="cut at 6 objects"):
            table = alerce.query_objects(
                ranking=1, one_row_per_object=True, order_by="ndet", order_mode="DESC", row_limit=6
            )
        every = alerce.query_objects(ranking=1, one_row_per_object=True, order_by="ndet", row_limit=-1)
    assert list(table["ndet"]) == [100] * 3 + [99] * 3
    assert len(set(table["oid"])) == 6
    assert set(table["classifier"]) == set(every["classifier"]) == {"c5"}
    assert list(every["ndet"]) == sorted(100 - k // 3 for k in range(30))


def test_equal_probabilities_are_settled_by_name():
    rows = [ROW | {"classifier": name, "class": label} for name, label in [("b", "x"), ("a", "y"), ("a", "x")]]
    with both(rows) as server:
        table = Alerce(url=server.url).query_objects(oid=OBJECT["oid"], ranking=1, one_row_per_object=True)
    assert (table["classifier"][0], table["class_name"][0]) == ("a", "x")


@pytest.mark.parametrize(("survey", "single"), [("ztf", True), ("ztf", False), ("lsst", True), ("lsst", False)])
def test_lists_of_ids_keep_their_order_and_limit(survey, single):
    many = [LSST_ROW | {"oid": 170028510777180000 + k} for k in range(230)]
    rows = ztf_rows(230) if survey == "ztf" else many
    rows = rows + [row | {"probability": 0.0} for row in rows]
    wanted = [str(row["oid"]) for row in rows[:230]][::-1]
    with both(rows) as server, conf.set_temp("page_size", 30):
        alerce = Alerce(url=server.url)
        with pytest.warns(PartialResultWarning, match="1 of 231 inputs"):
            table = alerce.query_objects(survey=survey, oid=[*wanted, "5"], one_row_per_object=single, row_limit=-1)
        with pytest.warns(MaxResultsWarning, match="cut at 8"), pytest.warns(PartialResultWarning):
            some = alerce.query_objects(survey=survey, oid=wanted, one_row_per_object=single, row_limit=8)
    assert list(dict.fromkeys(table["oid"])) == wanted
    assert len(table) == (230 if single else 460)
    assert list(table.failures["input"]) == ["5"]
    assert list(dict.fromkeys(some["oid"])) == wanted[: 8 if single else 4]
    assert set(some.failures["reason"]) == {"beyond the row_limit"}


def test_the_recorded_list_is_one_object(real_data):
    body = (real_data / "recorded" / "alerce" / "ztf_v1_objects_oid_ranking1_p1_ps200.json").read_bytes()
    with Answers({ZTF_PATH: body}) as server:
        alerce = Alerce(url=server.url)
        table = alerce.query_objects(oid="ZTF17aabopdz", ranking=1)
        one = alerce.query_objects(oid="ZTF17aabopdz", ranking=1, one_row_per_object=True)
    assert len(table) == 27
    assert (len(one), one["class_name"][0], one["classifier"][0]) == (1, "Periodic", "lc_classifier_top")
    assert one["probability"][0] == max(table["probability"]) == 0.992


# what is sent


def test_times_are_sent_in_the_scale_of_the_survey():
    moment = Time("2026-03-01T00:00:00", scale="tdb")
    for survey, scale in (("ztf", "utc"), ("lsst", "tai")):
        sent = Alerce(url=NOWHERE).query_objects(
            survey=survey, firstmjd=Time([moment, moment + 1 * u.d]), lastmjd=moment, get_query_payload=True
        )
        assert sent["firstmjd"] == [getattr(moment, scale).mjd, getattr(moment + 1 * u.d, scale).mjd]
        assert sent["lastmjd"] == [getattr(moment, scale).mjd]
    assert (moment.tai.mjd - moment.utc.mjd) * 86400 == pytest.approx(37, abs=1e-4)


def test_names_of_lsst_s_filters():
    sent = Alerce(url=NOWHERE).query_objects(
        survey="lsst",
        ndet=[2, 9],
        class_name="SN",
        classifier="stamp_classifier_rubin_beta",
        ranking=1,
        probability=0.5,
        oid=170028510777180307,
        get_query_payload=True,
    )
    assert sent == {
        "oid": ["170028510777180307"],
        "survey": "lsst",
        "classifier": "stamp_classifier_rubin_beta",
        "class_name": "SN",
        "ranking": 1,
        "n_det": [2, 9],
        "probability": 0.5,
        "page": 1,
        "page_size": 500,
        "order_by": "oid",
        "order_mode": "ASC",
    }


def test_a_cone_at_zero_is_moved_for_ztf_only():
    zero = SkyCoord(0 * u.deg, 0 * u.deg)
    ztf, other = (
        Alerce(url=NOWHERE).query_region(zero, radius="3 arcsec", survey=survey, get_query_payload=True)
        for survey in ("ztf", "lsst")
    )
    assert 0 < ztf["ra"] < 2e-9 > ztf["dec"] > 0
    assert (other["ra"], other["dec"], other["radius"]) == (0.0, 0.0, 3.0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda a: a.query_objects(survey="atlas", ndet=5),
            ValueError,
            "query_objects: survey must be 'ztf' or",
        ),
        (lambda a: a.query_region(SPOT, radius="1 arcsec", survey="ZTF"), ValueError, "survey must be 'ztf' or 'lsst'"),
        (
            lambda a: a.query_magstats("x", survey="lsst"),
            ValueError,
            "query_magstats: survey must be 'ztf', not",
        ),
        (lambda a: a.query_features("x", survey="lsst"), ValueError, "survey must be 'ztf'"),
        (lambda a: a.query_feature("x", "Amplitude", survey="lsst"), ValueError, "survey must be 'ztf'"),
        (lambda a: a.query_limits(survey="lsst"), ValueError, "query_limits: survey must be 'ztf'"),
        (lambda a: a.list_classifiers(survey=None), ValueError, "list_classifiers: survey"),
        (lambda a: a.list_classes("x", survey="sdss"), ValueError, "list_classes: survey"),
        (lambda a: a.get_lightcurves(["x"], survey="sdss"), ValueError, "get_lightcurves: survey"),
        (lambda a: a.query_objects(survey="lsst", oid="ZTF18abc"), ValueError, "oid must be an id of digits"),
        (lambda a: a.query_object(1.7e17, survey="lsst"), TypeError, "oid must be an id"),
        (lambda a: a.query_objects(survey="lsst", classifier_version="2.0.1"), TypeError, "It takes: oid, classifier,"),
        (lambda a: a.query_objects(survey="lsst", n_det=5), TypeError, "Did you mean 'ndet'"),
        (lambda a: a.query_objects(**{"class": "SN"}), TypeError, "Did you mean 'class_name'"),
        (
            lambda a: a.query_objects(format="pandas"),
            TypeError,
            r"no 'format' of survey 'ztf'\. It takes: [\w, ]*mjd\.$",
        ),
        (lambda a: a.query_objects(ndet=[5, None]), TypeError, "ndet must be a whole number, not None"),
        (lambda a: a.query_objects(ndet=[9, 5]), ValueError, "wrong way round"),
        (lambda a: a.query_objects(ndet="5"), TypeError, "ndet must be a whole number"),
        (lambda a: a.query_objects(count=True), TypeError, "takes no 'count'"),
        (
            lambda a: a.query_region(SPOT, radius="1 arcsec", oid=[f"z{k}" for k in range(101)]),
            ValueError,
            "at most 100 ids together",
        ),
        (lambda a: a.list_classes(None), TypeError, "classifier must be a text"),
        (lambda a: a.list_classes("x", classifier_version=1.1), TypeError, "classifier_version must be a text"),
    ],
)
def test_wrong_questions_are_refused_before_any_request(call, error, words):
    with pytest.raises(error, match=words):
        call(Alerce(url=NOWHERE))


# odd services


def test_a_filter_that_the_service_ignores_is_noticed():
    rows = [LSST_ROW | {"lastmjd": 60000.0 + 100 * k} for k in range(5)]
    with (
        Answers({LSST_PATH: lambda query: {"items": rows, "has_next": False}}) as server,
        pytest.raises(ReplyError, match="ignored the filter on lastmjd"),
    ):
        Alerce(url=server.url).query_objects(survey="lsst", lastmjd=[60100, 60200])


def test_the_service_s_own_words_are_told():
    errors = {"order_by": "Column used for ordering The value 'None' is not a valid choice for 'order_by'."}

    def refuse(query):
        raise RefusalError(400, {"errors": errors, "message": "Input payload validation failed"})

    with Answers({ZTF_PATH: refuse}) as server, pytest.raises(InvalidQueryError, match="not a valid choice") as caught:
        Alerce(url=server.url).query_objects(ndet=5)
    assert "Input payload validation failed" in caught.value.reason

    def refuse_range(query):
        detail = {"detections_container": "Min value can't be greater than max."}
        raise RefusalError(422, {"detail": detail})

    with Answers({LSST_PATH: refuse_range}) as server, pytest.raises(InvalidQueryError, match="Min value can't"):
        Alerce(url=server.url).query_objects(survey="lsst", ndet=5)


def test_an_empty_list_of_lsst(real_data):
    body = (real_data / "recorded" / "alerce" / "lsst_list_objects_empty.json").read_bytes()
    with Answers({LSST_PATH: body}) as server, pytest.warns(NoResultsWarning):
        table = Alerce(url=server.url).query_region(SPOT, radius="3 arcsec", survey="lsst")
    assert table.colnames == ["input_index", *lsst.OBJECTS.names]
    assert table["oid"].dtype.kind == "U"
    assert (table["firstmjd"].scale, table["lastmjd"].format) == ("tai", "mjd")


def test_lsst_ids_are_exact_text():
    big = 2**63 - 1
    with both([LSST_ROW | {"oid": big}]) as server:
        alerce = Alerce(url=server.url)
        for given_id in (big, str(big), np.int64(big)):
            table = alerce.query_objects(survey="lsst", oid=given_id)
            assert list(table["oid"]) == ["9223372036854775807"]
    assert table["classifier_version"][0] == "2.0.1"
    assert table.meta["survey"] == "lsst"
    assert "TAI" in table.meta["time_assumption"]


# classes


def test_classifiers_of_both_surveys(real_data):
    folder = real_data / "recorded" / "alerce"
    routes = {
        "/ztf/v1/classifiers/": (folder / "ztf_v1_classifiers.json").read_bytes(),
        "/lsst/classifier_api/classifiers": (folder / "lsst_classifiers.json").read_bytes(),
    }
    with Answers(routes) as server:
        alerce = Alerce(url=server.url)
        ztf, other = alerce.list_classifiers(), alerce.list_classifiers(survey="lsst")
        forced = alerce.list_classes("LC_classifier_ATAT_forced_phot(beta)")
        stamps = alerce.list_classes("stamp_classifier", classifier_version="stamp_classifier_1.0.4")
        rubin = alerce.list_classes("stamp_classifier_rubin_beta", survey="lsst")
        with pytest.warns(NoResultsWarning, match="there are stamp_classifier"):
            none = alerce.list_classes("stamp_clasifier")
    assert len(ztf) == 15
    assert ztf["classes"][0] == "SNIa, SNIbc, SNII, SLSN"
    assert list(other["classifier_id"]) == [1, 3]
    assert (len(forced), forced["class_name"][11]) == (22, "YSO")
    assert list(stamps["class_name"]) == ["SN", "AGN", "VS", "asteroid", "bogus"] == list(rubin["class_name"])
    assert (len(none), none.colnames) == (0, ["classifier", "classifier_version", "class_name"])
    assert len(none.failures) == 0


@pytest.mark.parametrize("classes", [None, "SN", [1]])
def test_classifiers_without_classes_are_no_classifiers(classes):
    row = {"classifier_name": "a", "classifier_version": "1", "classes": classes}
    with Answers({"/ztf/v1/classifiers/": [row]}) as server, pytest.raises(ReplyError, match="without a list"):
        Alerce(url=server.url).list_classes("a")


def test_limits_are_times_and_numbers(sample_server):
    table = Alerce(url=sample_server).query_limits()
    assert len(table) == 1
    assert table["min_ndet"][0] >= 1
    assert table["max_firstmjd"].scale == "utc"
    assert table["min_firstmjd"][0] < table["max_firstmjd"][0]
