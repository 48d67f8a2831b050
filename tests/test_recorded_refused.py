"""Recorded answers that cannot be imported, or not all of them: what is refused, skipped and told."""

import json
import math
import shutil

import pytest
from test_recorded import DETECTION, OID, YOUNG

from alerce_zvar.archive import Archive
from alerce_zvar.errors import ArchiveError


@pytest.fixture(scope="module")
def folder(real_data):
    return real_data / "recorded" / "alerce"


@pytest.fixture
def archive(tmp_path):
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        yield archive


def test_broken_files_keep_nothing_back(archive, folder, tmp_path):
    there = tmp_path / "answers"
    there.mkdir()
    for name in ("INDEX.json", "ztf_v1_object_ZTF17aabopdz.json", "ztf_v1_features_ZTF17aabopdz.json"):
        shutil.copyfile(folder / name, there / name)
    index = json.loads((there / "INDEX.json").read_text())
    (there / "INDEX.json").write_text(json.dumps([one for one in index if "ZTF17aabopdz" in one["file"]]))
    (there / "ztf_v1_features_ZTF17aabopdz.json").write_text('[{"name": "Mean", "value": 17.4')
    (there / "ztf_v1_probabilities_ZTF17aabopdz.json").write_text('{"message": "oops"}')
    (there / "ZTF18aaaaaaa_notes.json").write_text('{"notes": 3}')
    (there / "unnamed.json").write_text('{"probabilities": []}')
    report = archive.import_alerce(there)
    reasons = {str(row["file"]).rpartition("/")[2]: str(row["reason"]) for row in report.failures}
    assert set(reasons) == {
        "v2_lightcurve_ZTF17aabopdz.json", "ztf_v1_features_ZTF17aabopdz.json", "ztf_v1_lightcurve_ZTF17aabopdz.json",
        "ztf_v1_probabilities_ZTF17aabopdz.json", "ZTF18aaaaaaa_notes.json", "unnamed.json",
    }  # fmt: skip
    assert "cannot be read as JSON" in reasons["ztf_v1_features_ZTF17aabopdz.json"]
    assert "No such file" in reasons["v2_lightcurve_ZTF17aabopdz.json"]
    assert "a list of JSON objects was expected" in reasons["ztf_v1_probabilities_ZTF17aabopdz.json"]
    assert "'notes' is no answer that an archive keeps" in reasons["ZTF18aaaaaaa_notes.json"]
    assert "'oid' must be text" in reasons["unnamed.json"]
    assert (report.files, report.answers) == (7, 1)
    assert {name: n for name, n in archive.summary().items() if n} == {"objects": 1, "recorded": 1, "sources": 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"candid": "9223372036854775808"}, "'candid' must be a whole number of at most 64 bits"),
        ({"candid": "01a5"}, "'candid' must be a whole number"),
        ({"candid": "007"}, "'candid' must be a whole number of at most 64 bits, not '007'"),  # else given back as 7
        ({"candid": "1_0"}, "'candid' must be a whole number"),
        ({"candid": "٣"}, "'candid' must be a whole number"),
        ({"candid": "9" * 5000}, "'candid' must be a whole number"),
        ({"ra": math.nan}, "'ra' is missing in row 1"),
        ({"ra": math.inf}, "'ra' must lie within 0 and 360, not inf"),
        ({"dec": 90.5}, "'dec' must lie within -90 and 90, not 90.5"),
        ({"magpsf": math.inf}, "'magpsf' must be finite, not inf"),
        ({"magpsf": 10**400}, "'magpsf' must be a number of double precision"),
        ({"mjd": "58000"}, "'mjd' must be a number"),
        ({"mjd": None}, "'mjd' is missing in row 1"),
        ({"mjd": True}, "'mjd' must be a number"),
        ({"fid": 1.5}, "'fid' must be a whole number"),
        ({"has_stamp": 1}, "'has_stamp' must be true or false"),
        ({"rbversion": 1.5}, "'rbversion' must be text"),
        ({"rbversion": {"a": 1}}, "'rbversion' must be text, not {'a': 1}"),
        ({"fid": 10**6}, "out of range"),
        ({"oid": "ZTF18other"}, "rows of several objects"),
    ],
)
def test_values_of_a_wrong_type(archive, change, reason):
    """The whole mapping is refused, also where only the database sees the mistake; others of the list are kept."""
    bad = {"oid": YOUNG, "features": [], "detections": [DETECTION, DETECTION | change]}
    report = archive.import_alerce([{"oid": OID, "detections": [DETECTION]}, bad])
    assert list(report.failures["file"]) == [YOUNG]
    assert reason in report.failures["reason"][0]
    assert list(archive.query("SELECT oid FROM recorded")["oid"]) == [OID]
    assert archive.summary()["detections"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"oid": OID, "lightcurve": {}},
        {"oid": OID, "lightcurve": []},
        {"oid": OID, "features": {"name": "x"}},
        {"oid": OID, "features": [3]},
        {"oid": True, "features": []},
        {"objects": [{"oid": OID}]},
        {"object": {"oid": OID}},
        {"classifiers": [{"classifier_name": "a", "classifier_version": "1", "classes": "SN"}]},
        {"oid": 170028510777180307, "non_detections": [{"mjd": 1.0}]},
        {"oid": 170028510777180307, "lightcurve": {"detections": [], "non_detections": [{"mjd": 1.0}]}},
        {"oid": OID, "survey": "lsst", "probabilities": []},
        {"oid": "007", "survey": "lsst", "detections": []},
        {"oid": ",", "survey": "lsst", "detections": []},
        {"oid": OID, "survey": "LSST", "features": []},
        {"oid": OID, "survey": 3, "features": []},
        {"oid": OID, 3: []},
        {"oid": OID},
        {},
    ],
)
def test_bodies_of_a_wrong_shape(archive, body):
    report = archive.import_alerce(body)
    assert (len(report.failures), report.answers) == (1, 0)
    assert not any(archive.summary().values())


def test_what_cannot_be_a_source(archive, tmp_path):
    with pytest.raises(ArchiveError, match="No such file or folder"):
        archive.import_alerce(tmp_path / "none")
    with pytest.raises(TypeError, match=r"^source: "):
        archive.import_alerce(3)
    with pytest.raises(TypeError, match=r"^source: "):
        archive.import_alerce([3])
    (tmp_path / "INDEX.json").write_text('[{"file": "INDEX.json", "url": "http://["}]')
    assert "is no address" in archive.import_alerce(tmp_path).failures["reason"][0]
    for index in ('{"file": 1}', '[{"file": "a.json"}]', "[3]", '[{"file": "../a.json", "url": "u"}]', "["):
        (tmp_path / "INDEX.json").write_text(index)
        with pytest.raises(ArchiveError, match="INDEX"):
            archive.import_alerce(tmp_path)


def test_an_archive_that_cannot_be_written(tmp_path):
    Archive.create(tmp_path / "sky.duckdb").close()
    with (
        Archive.open(tmp_path / "sky.duckdb", read_only=True) as archive,
        pytest.raises(ArchiveError, match="reading only"),
    ):
        archive.import_alerce({"oid": OID, "features": []})


def test_one_file_of_a_folder(archive, folder):
    """Its address stands in the folder's index."""
    report = archive.import_alerce(folder / "ztf_v1_probabilities_ZTF17aabopdz.json")
    assert (report.files, report.answers, report.rows) == (1, 1, 344)
    assert archive.import_alerce(folder / f"{YOUNG}_lc.json").rows == 46


def test_nan_is_null_where_no_feature_has_it(archive):
    """As the service gives it; a database would sort it among the numbers."""
    archive.import_alerce({"oid": OID, "detections": [DETECTION | {"magpsf": math.nan}]})
    assert archive.query("SELECT magpsf IS NULL AS n FROM detections")["n"].tolist() == [True]


def test_an_address_may_be_escaped(archive, tmp_path):
    (tmp_path / "a.json").write_text("[]")
    url = f"https://api.alerce.online//ztf/v1/objects/%5A{OID[1:]}/probabilities/"
    (tmp_path / "INDEX.json").write_text(json.dumps([{"file": "a.json", "url": url}]))
    assert archive.import_alerce(tmp_path).changed == 1
    assert list(archive.query("SELECT oid FROM recorded")["oid"]) == [OID]


def test_keys_without_a_column_are_told(archive):
    rows = [{"name": "x", "value": 1.0, "fid": 0, "version": "1", "unit": "d", "note": None}]
    report = archive.import_alerce({"oid": OID, "features": rows})
    assert report.unknown_keys == ("features.unit",)
    assert "no column for: features.unit" in str(report)


@pytest.mark.parametrize(
    "url",
    [
        f"https://api.alerce.online/ztf/v1/objects/{OID}/features?fid=1",
        f"https://api.alerce.online/ztf/v1/objects/{OID}/features/Mean",
        f"https://api.alerce.online/ztf/v1/objects/{OID}/probabilities?classifier=stamp_classifier",
        f"https://api.alerce.online/v2/lightcurve/lightcurve/{OID}?survey_id=atlas",
        "https://api.alerce.online/ztf/v1/objects/limit_values",
        "https://api.alerce.online/ztf/v1/classifiers/a/1/classes",
        "https://api-lsst.alerce.online/classifier_api/classifiers?classifier_name=a",
        "https://example.org/ztf/v2/objects/",
    ],
)
def test_parts_of_answers_are_skipped(archive, tmp_path, url):
    """Taken for the whole, they would hide the rest."""
    (tmp_path / "a.json").write_text("[]")
    (tmp_path / "INDEX.json").write_text(json.dumps([{"file": "a.json", "url": url}]))
    report = archive.import_alerce(tmp_path)
    assert (len(report.skipped), len(report.failures), report.answers) == (1, 0, 0)
