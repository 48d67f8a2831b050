"""Rows of many objects by TAP: the same answers as one by one, on the sample sky."""

import numpy as np
import pytest
from astropy.table import Table
from astropy.time import Time

from alerce_zvar import Alerce, conf
from alerce_zvar.errors import NoResultsWarning, PartialResultWarning

# What the service never fills, or tells only of its own survey; TAP has no such columns.
UNFILLED = {"phase", "tid"} | {f"psfFlux_flag{part}" for part in ("", "_edge", "_noGoodPixels")}

VERSION = "hierarchical_rf_1.1.0"


@pytest.fixture(scope="module")
def alerce(sample_server):
    return Alerce(url=sample_server)


@pytest.fixture(scope="module")
def oids(alerce):
    lists = {survey: alerce.query_objects(survey=survey, ndet=1, row_limit=-1)["oid"] for survey in ("ztf", "lsst")}
    return {survey: list(dict.fromkeys(found)) for survey, found in lists.items()}


def each_way(ask):
    """One by one, and by TAP."""
    answers = []
    for threshold in (0, 1):
        with conf.set_temp("tap_threshold", threshold):
            answers.append(ask())
    return answers


def _numbers(column):
    return np.ma.asarray(column.mjd if isinstance(column, Time) else column)


def assert_same(one, other):
    """Equal, numbers to the single precision in which TAP gives some of them."""
    assert one.colnames == other.colnames
    assert len(one) == len(other) > 0
    for name in set(one.colnames) - UNFILLED:
        plain, tap = (_numbers(table[name]) for table in (one, other))
        np.testing.assert_array_equal(np.ma.getmaskarray(plain), np.ma.getmaskarray(tap), err_msg=name)
        plain, tap = plain[~plain.mask], tap[~tap.mask]
        assert plain.dtype.kind == tap.dtype.kind
        assert getattr(one[name], "unit", None) == getattr(other[name], "unit", None)
        if plain.dtype.kind == "f":
            rtol = 0 if isinstance(one[name], Time) or name in ("ra", "dec", "value") else 2e-6
            np.testing.assert_allclose(plain, tap, rtol=rtol, err_msg=name)
        else:
            np.testing.assert_array_equal(plain, tap, err_msg=name)


@pytest.mark.parametrize(
    ("survey", "name", "values"),
    [
        ("ztf", "query_object", {}),
        ("ztf", "query_detections", {}),
        ("ztf", "query_non_detections", {}),
        ("ztf", "query_forced_photometry", {}),
        ("ztf", "query_magstats", {}),
        ("ztf", "query_probabilities", {}),
        (
            "ztf",
            "query_probabilities",
            {"classifier": "lc_classifier_top", "classifier_version": VERSION},
        ),
        ("ztf", "query_features", {"version": "all"}),
        ("ztf", "query_features", {"band": "gr"}),
        ("ztf", "query_features", {"wide": True}),
        ("lsst", "query_object", {}),
        ("lsst", "query_detections", {}),
        ("lsst", "query_forced_photometry", {}),
        ("lsst", "query_probabilities", {}),
        ("lsst", "query_object", {"survey_extra": True}),
    ],
)
def test_tables(alerce, oids, survey, name, values):
    ids = oids[survey][:15]
    wanted = [ids[3], *ids, ids[3]]  # every input is answered, in order
    one, other = each_way(lambda: getattr(alerce, name)(wanted, survey=survey, **values))
    assert_same(one, other)
    by_tap = name != "query_probabilities" or survey == "ztf"
    assert (other.meta["service"] == "ALeRCE TAP") == (by_tap and "survey_extra" not in values)


@pytest.mark.parametrize(
    ("survey", "options"),
    [
        ("ztf", {}),
        ("ztf", {"include_upper_limits": True, "barycentric": True}),
        ("ztf", {"photometry": "difference"}),
        ("ztf", {"photometry": "forced"}),
        ("ztf", {"photometry": "forced_corrected", "extended_errors": True}),
        ("lsst", {}),
        ("lsst", {"photometry": "forced", "barycentric": True}),
    ],
)
def test_light_curves(alerce, oids, survey, options):
    ids = oids[survey][:5][::-1]
    one, other = each_way(lambda: alerce.get_lightcurves(ids, survey=survey, **options))
    assert one.ids == other.ids == ids
    assert np.array_equal(one.offsets, other.offsets)
    assert_same(Table(one.to_table()), Table(other.to_table()))


def test_one_feature_with_a_slash(alerce, oids):
    for name in ("Power_rate_1/2", "Multiband_period"):
        one, other = each_way(lambda name=name: alerce.query_feature(oids["ztf"][:15], name))
        assert_same(one, other)


def test_unknown_ids_are_told(alerce, oids):
    wanted = [oids["ztf"][0], "ZTF00nobody", oids["ztf"][1]]
    with pytest.warns(PartialResultWarning, match="1 of 3 inputs"):
        answers = each_way(lambda: alerce.query_detections(wanted))
    for answer in answers:
        assert list(answer.failures["input"]) == ["ZTF00nobody"]
        assert list(answer.failures["error"]) == ["NotFoundError"]
    with pytest.warns(PartialResultWarning, match="1 of 3 inputs"):
        curves = each_way(lambda: alerce.get_lightcurves(wanted, include_upper_limits=True))
    for found in curves:
        assert (found.ids, list(found.failures["error"])) == ([wanted[0], wanted[2]], ["NotFoundError"])
    with pytest.warns(NoResultsWarning):
        answers = each_way(lambda: alerce.query_probabilities(wanted[:1], classifier="o'brien"))
    assert [len(answer) for answer in answers] == [0, 0]


def test_without_tap_the_survey_s_own_service_is_asked(sample_server, alerce, oids):
    other = Alerce(url=sample_server, tap_url="http://127.0.0.1:9")
    wanted = [oids["ztf"][0], "ZTF00nobody", oids["ztf"][1]]
    with conf.set_temp("backoff", 0.0):
        with pytest.warns(PartialResultWarning, match="1 of 3 inputs"):
            tables = each_way(lambda: other.query_detections(wanted))
        with pytest.warns(PartialResultWarning, match="1 of 3 inputs"):
            curves = each_way(lambda: other.get_lightcurves(wanted, include_upper_limits=True))
    assert_same(*tables)
    assert_same(*(Table(found.to_table()) for found in curves))
    assert list(tables[1].failures["error"]) == ["NotFoundError"]


def test_what_would_be_sent(alerce, oids):
    with conf.set_temp("tap_threshold", 40):
        assert len(alerce.get_lightcurves(oids["ztf"][:39], get_query_payload=True)) == 39
        sent = alerce.get_lightcurves(oids["ztf"][:40], include_upper_limits=True, get_query_payload=True)
        one = alerce.query_probabilities(oids["ztf"][:40], classifier="o'brien", get_query_payload=True)
    assert [payload["REQUEST"] for payload in sent] == ["doQuery"] * 2
    assert "ztf.detection" in sent[0]["QUERY"]
    assert "ztf.non_detection" in sent[1]["QUERY"]
    assert "WHERE t0.classifier_name = 'o''brien'" in one["QUERY"]


def test_meta_says_which_way(alerce, oids):
    with conf.set_temp("tap_threshold", 2):
        curves = alerce.get_lightcurves(oids["lsst"][:2], survey="lsst")
    assert curves.data.meta["service"] == "ALeRCE TAP"
    assert curves.data.meta["url"].endswith("/tap")
    assert (curves.data.meta["survey"], curves.data.meta["requests"]) == ("lsst", 1)
    assert "TAI" in curves.data.meta["time_assumption"]
