"""Tables of a user that go into an archive as they are: what is stored, replaced, and refused."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from alerce_zvar.archive import Archive

OID, LSST = "ZTF17aabopdz", 170028510777180307
OBJECT = {
    "oid": OID, "meanra": 10.0, "meandec": 20.0, "ndet": 1, "firstmjd": 58000.0, "lastmjd": 58000.0,
    "ndethist": "1", "ncovhist": 1, "mjdstarthist": 58000.0, "mjdendhist": 58000.0, "corrected": True, "stellar": True,
    "deltajd": 0.0, "g_r_max": None, "g_r_max_corr": None, "g_r_mean": None, "g_r_mean_corr": None, "sigmara": None,
    "sigmadec": None, "step_id_corr": "x",
}  # fmt: skip


def table(kind, **columns):
    """One good row, with other values in some columns; None leaves one out."""
    found = dict(ROWS[kind]) | columns
    return QTable({name: value for name, value in found.items() if value is not None})


def masked(value):
    return MaskedColumn([value], mask=[True])


ROWS = {
    "probabilities": {
        "oid": [OID], "classifier": ["a"], "classifier_version": ["1"], "class_name": ["x"], "probability": [0.5],
        "ranking": [1],
    },
    "features": {"oid": [OID], "name": ["a"], "band": ["g"], "version": ["x"], "value": [0.5]},
    "forced_photometry": {
        "oid": [OID], "candid": ["a"], "band": ["g"], "pid": [1], "mag": [17.0] * u.mag, "isdiffpos": [1],
        "ra": [1.0] * u.deg, "dec": [2.0] * u.deg, "corrected": [True], "dubious": [False], "has_stamp": [False],
        "time": Time([60000.0], format="mjd", scale="utc"),
    },
    "classifiers": {"classifier": ["a"], "classifier_version": ["1"], "class_name": ["x"]},
    "lsst": {
        "oid": [LSST], "ra": [1.0], "dec": [2.0], "ndet": [3], "firstmjd": Time([60000.0], format="mjd", scale="tai"),
        "lastmjd": Time([60001.0], format="mjd", scale="tai"),
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with Archive.create(tmp_path_factory.mktemp("put") / "sky.duckdb") as archive:
        archive.import_alerce({"object": OBJECT})
        yield archive


def put(archive, kind, rows):
    if kind == "lsst":
        archive.add_lsst(objects=rows)
    else:
        getattr(archive, f"add_{kind}")(rows)


def stored(archive, name, columns, where="true"):
    found = archive.query(f"SELECT {columns} FROM {name} WHERE {where}")
    return [None if np.ma.is_masked(values[0]) else values[0] for values in found.values()]


@pytest.mark.parametrize("kind", ROWS)
def test_the_same_rows_again_change_nothing(archive, kind):
    put(archive, kind, table(kind))
    before = archive.summary()
    put(archive, kind, table(kind))
    assert archive.summary() == before


def test_values_are_stored_in_the_units_and_words_of_the_wire(archive):
    rows = table(
        "forced_photometry", candid=["b"], ra=[1.0] * u.hourangle, band=["r"], parent_candid=["529430206115010015"],
        time=Time([60000.0 + 37 / 86400], format="mjd", scale="tai"), mag=masked(1.0), procstatus=[b"0"], field=[600],
    )  # fmt: skip
    archive.add_forced_photometry(rows)
    columns = "ra, fid, parent_candid, mjd, mag, procstatus, field, exptime"
    found = stored(archive, "forced_photometry", columns, "candid = 'b'")
    assert found == [pytest.approx(15.0), 2, 529430206115010015, pytest.approx(60000.0, abs=1e-9), None, "0", 600, None]


def test_of_rows_with_the_same_key_the_last_counts(archive):
    """In one table, too: it would else hold a thing twice."""
    rows = table("features", oid=[OID] * 3, name=["n"] * 3, band=["g", "g", "r"], version=["x"] * 3, value=[1.0, 2, 3])
    for _ in range(2):
        archive.add_features(rows)
        found = archive.query("SELECT value FROM features WHERE name = 'n' ORDER BY fid")["value"]
        assert list(found) == [2.0, 3.0]
    times = {"firstmjd": [6e4, 6e4], "lastmjd": [6e4, 6e4]}
    objects = table("lsst", oid=[7, 7], ra=[1.0, 2.0], dec=[2.0, 2.0], ndet=[1, 2], **times)
    sources = archive.summary()["sources"]
    archive.add_lsst(objects=objects)
    assert archive.summary()["sources"] == sources + 1
    assert stored(archive, "lsst_objects", "meanra, n_det", "oid = 7") == [2.0, 2]


def test_classifiers_are_listed_in_the_order_in_which_they_came(tmp_path):
    """One that comes again comes last."""
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        for name in "bcab":
            rows = {"classifier": [name] * 2, "classifier_version": ["1"] * 2, "class_name": ["y", "x"]}
            archive.add_classifiers(Table(rows))
        found = archive.query("SELECT classifier_name || class_name AS name FROM classifiers ORDER BY place")["name"]
    assert list(found) == ["cy", "cx", "ay", "ax", "by", "bx"]


def test_a_classifier_without_classes(archive):
    archive.add_classifiers(table("classifiers", classifier=["none"], class_name=masked("x")))
    assert stored(archive, "classifiers", "class_name", "classifier_name = 'none'") == [None]


NOT_WHOLE = "must be a whole number of at most 64 bits, not"


@pytest.mark.parametrize(
    ("kind", "columns", "reason"),
    [
        ("probabilities", {"oid": masked(OID)}, "table: 'oid' is missing in row 0."),
        ("probabilities", {"oid": ["ZTF18aaaaaaa"]}, "oid: the archive does not know ZTF18aaaaaaa."),
        ("probabilities", {"oid": None}, "table: the column(s) oid are missing"),
        ("probabilities", {"ranking": None}, "table: the column(s) ranking are missing"),
        ("probabilities", {"ranking": [1.5]}, f"table: 'ranking' {NOT_WHOLE} 1.5."),
        ("probabilities", {"ranking": masked(1)}, "table: 'ranking' is missing in row 0."),
        ("probabilities", {"ranking": ["first"]}, f"table: 'ranking' {NOT_WHOLE} 'first'."),
        ("probabilities", {"probability": [np.nan]}, "table: 'probability' is missing in row 0."),
        ("probabilities", {"probability": [np.inf]}, "table: 'probability' must be finite, not inf."),
        ("probabilities", {"probability": ["high"]}, "table: 'probability': could not convert"),
        ("probabilities", {"probability": [[0.1, 0.2]]}, "table: column 'probability' has more than one value"),
        ("probabilities", {"class_name": masked("x")}, "table: 'class_name' is missing in row 0."),
        ("features", {"band": ["u"]}, "table: 'band' must be one of none, g, r, gr; u was given."),
        ("features", {"value": [1.0] * u.mag}, "table: 'value': 'mag'"),
        ("forced_photometry", {"pid": [1.5]}, f"table: 'pid' {NOT_WHOLE} 1.5."),
        ("forced_photometry", {"parent_candid": ["0012"]}, f"table: 'parent_candid' {NOT_WHOLE} '0012'."),
        ("forced_photometry", {"parent_candid": [str(2**63)]}, f"table: 'parent_candid' {NOT_WHOLE}"),
        ("forced_photometry", {"time": [np.nan]}, "table: 'time' is missing in row 0."),
        ("forced_photometry", {"corrected": [1]}, "table: 'corrected' must be true or false, not 1."),
        ("forced_photometry", {"corrected": masked(True)}, "table: 'corrected' is missing in row 0."),
        ("forced_photometry", {"ra": [360.5] * u.deg}, "table: 'ra' must lie within 0 and 360, not 360.5."),
        ("lsst", {"dec": [100.0]}, "table: 'dec' must lie within -90 and 90, not 100.0."),
        ("lsst", {"ra": [np.nan]}, "table: 'ra' is missing in row 0."),
        ("lsst", {"oid": [5.0]}, f"table: 'oid' {NOT_WHOLE} '5.0'."),
        ("lsst", {"oid": masked(5)}, "table: 'oid' is missing in row 0."),
        ("classifiers", {"class_name": None}, "table: the column(s) class_name are missing"),
    ],
)
def test_what_cannot_be_used_is_named(archive, kind, columns, reason):
    before = archive.summary()
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the reason is looked at
        put(archive, kind, table(kind, **columns))
    assert str(caught.value).startswith(reason)
    assert archive.summary() == before


@pytest.mark.parametrize("kind", ["probabilities", "classifiers"])
@pytest.mark.parametrize("rows", [None, {"oid": [OID]}, [1]])
def test_only_tables_are_taken(archive, kind, rows):
    with pytest.raises(TypeError, match=r"^table: an astropy Table is accepted, not "):
        put(archive, kind, rows)


# --- LSST ------------------------------------------------------------------------------------------------------------


def measured(oid, count, **columns):
    rows = Table({"oid": [oid] * count, "measurement_id": oid + 1000 + np.arange(count)})
    rows["time"] = Time(61050.0 - np.arange(count), format="mjd", scale="utc")
    rows["band"], rows["ra"], rows["dec"] = "g", 0.0, 0.0
    for name, value in columns.items():
        rows[name] = value
    return rows


def test_rows_of_lsst_are_replaced_by_their_key(tmp_path):
    """Newer rows change only their like."""
    classes = table("probabilities", oid=[LSST], classifier_version=["201"])
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        for _ in range(2):
            archive.add_lsst(
                objects=table("lsst"), detections=measured(LSST, 3, flux=[1.0, 2.0, 3.0] * u.nJy),
                probabilities=classes, classifiers=table("classifiers"),
            )  # fmt: skip
        counts = archive.summary()
        archive.add_lsst(detections=measured(LSST, 1, flux=[7.0] * u.nJy))
        assert archive.summary() == counts
        found = archive.query('SELECT "psfFlux" AS flux FROM lsst_detections ORDER BY measurement_id')["flux"]
        assert list(found) == [7.0, 2.0, 3.0]
    assert {name: n for name, n in counts.items() if n} == {
        "sources": 1, "lsst_objects": 1, "lsst_detections": 3, "lsst_probabilities": 1, "lsst_classifiers": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"detections": measured(42, 1)}, "oid: the archive does not know 42"),
        ({"detections": Table({"oid": [LSST]})}, "the column(s) band, ra, dec, measurement_id are missing"),
        ({"forced_photometry": measured(LSST, 1, band=["q"])}, "'band' must be one of g, r, i, z, y, u; q was given"),
        ({"probabilities": table("probabilities", oid=["x"])}, f"'oid' {NOT_WHOLE} 'x'"),
        ({"detections": measured(LSST, 1, visit=[str(2**63)])}, f"'visit' {NOT_WHOLE}"),
        ({"detections": measured(LSST, 1, flux=[1.0] * u.mag)}, "'mag' and 'nJy'"),
        ({"classifiers": Table({"classifier": ["a"], "class_name": ["b"]})}, "classifier_version are missing"),
    ],
)
def test_nothing_of_what_was_given_with_a_bad_table_is_kept(archive, tables, reason):
    archive.add_lsst(objects=table("lsst"))
    before = archive.summary()
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the reason is looked at
        archive.add_lsst(**({"objects": table("lsst", oid=[11])} | tables))
    assert reason in str(caught.value)
    assert archive.summary() == before
