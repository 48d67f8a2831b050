"""Tables in other formats and back: nothing but the form changes."""

import io
import json
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io.votable import parse
from astropy.io.votable.tree import VOTableFile
from astropy.table import MaskedColumn, Table
from astropy.time import Time, TimeDelta
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerce_zvar import AlerceClass, CatsHTMClass, ZvarClass
from alerce_zvar.alerce import schema as ztf
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.wire.answer import AnswerTable
from alerce_zvar.wire.decode import decode_table
from alerce_zvar.zvar import schema as zvar
from alerce_zvar.zvar.core import SourceTable

pandas = pytest.importorskip("pandas")

SCHEMAS = [table for service in (ztf, lsst, zvar) for table in service.TABLES]
NAMES = [f"{table.name}-{index}" for index, table in enumerate(SCHEMAS)]
BIG = 2**63 - 1  # an id that neither a float64 nor JavaScript holds


def values(column):
    """Strategy for what a service may send in a column."""
    if column.codes:
        found = st.sampled_from(list(column.codes))
    elif column.time:
        found = st.floats(40_000, 70_000).map(lambda day: day + 2_400_000.5 * (column.time[0] == "jd"))
    elif column.wire_dtype == "id":
        found = st.integers(2**53, BIG)
    elif column.wire_dtype == "int" or column.dtype == "int64":
        found = st.integers(-(2**63), BIG)
    elif column.wire_dtype == "float":
        found = st.floats(width=32 if column.dtype == "float32" else 64, allow_nan=False, allow_infinity=False)
        found = found.filter(lambda value: value not in column.sentinels)
    elif column.wire_dtype == "bool":
        found = st.booleans()
    else:
        letters = st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="#")
        found = st.text(letters, min_size=1, max_size=12)  # a line of ECSV that begins with # is a comment
    if column.dtype == "int64" and column.wire_dtype == "str":
        found = found.map(str)
    return st.none() | found if column.nullable else found


def rows(schema, max_size=4):
    return st.lists(st.fixed_dictionaries({c.wire: values(c) for c in schema.columns}), max_size=max_size)


def answer(found, schema):
    table = AnswerTable(decode_table(found, schema), copy=False)
    table.meta.update(service="ALeRCE", url="https://example.org/?a=1&b=<2>", requests=1)
    return table


def plain(column):
    """Values of a column as Python's own, None where masked; of times, MJD."""
    mask = np.broadcast_to(np.ma.getmaskarray(column) if not isinstance(column, Time) else column.mask, len(column))
    data = column.unmasked.mjd if isinstance(column, Time) else np.ma.getdata(column)
    return [None if hidden else value for value, hidden in zip(np.asarray(data).tolist(), mask, strict=True)]


def kind(column):
    return "time" if isinstance(column, Time) else column.dtype.kind


def from_votable(table):
    body = io.BytesIO()
    table.to_votable().to_xml(body)
    body.seek(0)
    return parse(body, verify="exception").get_first_table()


VOTABLE = {"i2": "short", "i4": "int", "i8": "long", "f4": "float", "f8": "double", "b1": "boolean"}


def check_votable(table):
    element = from_votable(table)
    found = element.to_table(use_names_over_ids=True)
    assert found.colnames == table.colnames
    for name in table.colnames:
        column, wanted = found[name], plain(table[name])
        texts = kind(table[name]) == "U"
        assert plain(column) == ([v or "" for v in wanted] if texts else wanted), name
        field = element.get_field_by_id_or_name(name)
        assert field.ucd == ((table[name].info.meta or {}).get("ucd") or None)
        assert " ".join((field.description or "").split()).startswith(table[name].info.description or "")
        unit = u.d if isinstance(table[name], Time) else table[name].unit
        assert field.unit == unit or field.description.endswith(f"[{unit}]")
        assert field.datatype == VOTABLE.get(getattr(column, "dtype", np.dtype(float)).str[1:], field.datatype)
        assert (field.datatype in ("unicodeChar", "char")) == texts
    return element


def check_jsonl(table):
    lines = [json.loads(line, parse_constant=lambda word: pytest.fail(word)) for line in table.to_jsonl().splitlines()]
    assert len(lines) == len(table)
    for place, name in enumerate(table.colnames):
        is_time = isinstance(table[name], Time)
        key = name if not is_time else f"{name}{'' if 'mjd' in name else '_mjd'}_{table[name].scale}"
        assert [list(line)[place] for line in lines] == [key] * len(lines)
        found = [line[key] for line in lines]
        if not is_time and table[name].dtype == np.float32:
            found = [None if value is None else np.float32(value) for value in found]
        assert found == plain(table[name]), name


def pandas_type(column):
    """What pandas makes of a column, by its name there; None where that is left to pandas."""
    name = column.dtype.name
    if isinstance(column, MaskedColumn):
        words = {"i": name.replace("int", "Int"), "b": "boolean", "U": "string"}
    else:
        words = {"i": name, "b": "bool"}
    return words.get(kind(column), name if kind(column) == "f" else None)


def check_pandas(table):
    frame = table.to_pandas()
    assert list(frame.columns) == table.colnames
    for name in table.colnames:
        column, found = table[name], frame[name]
        wanted = plain(column)
        assert [bool(v) for v in found.isna()] == [value is None for value in wanted]
        if isinstance(column, Time):
            assert found.dtype == "datetime64[ns]"
            assert frame.attrs["time_scales"][name] == column.scale
            mjd = [None if pandas.isna(v) else (v.value / 86400e9 + 40587) for v in found]
            for value, true in zip(mjd, wanted, strict=True):
                assert value is None or abs(value - true) < 1e-9 / 86400 + 1e-11
            continue
        assert pandas_type(column) is None or found.dtype == pandas_type(column), name
        assert [None if pandas.isna(value) else value for value in found] == wanted
        assert frame.attrs["units"].get(name) == (None if column.unit is None else str(column.unit))
    json.dumps(frame.attrs)


def check_file(table, tmp_path, form):
    path = tmp_path / f"table.{form.rpartition('.')[2]}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table.write(path, format=form, overwrite=True)
        again = AnswerTable.read(path, format=form)
    assert again.colnames == table.colnames
    for name in table.colnames:
        assert plain(again[name]) == plain(table[name]), name
        assert getattr(again[name], "scale", None) == getattr(table[name], "scale", None)
        assert getattr(again[name], "unit", None) == getattr(table[name], "unit", None)
        assert again[name].info.description == table[name].info.description
        assert again[name].info.meta == table[name].info.meta
    assert again.meta == table.meta


def extremes(schema):
    """Rows with everything set, with every null, and mixed."""
    some = {"str": "α b", "int64": BIG, "float64": 0.1 + 0.2, "float32": 17.41657, "bool": True}

    def value(column, null):
        if column.nullable and null:
            return None
        if column.codes:
            return next(iter(column.codes))
        if column.time:
            return 58_123.456_789_012 + 2_400_000.5 * (column.time[0] == "jd")
        found = BIG if column.wire_dtype == "id" else some[column.dtype]
        return str(found) if column.wire_dtype == "str" else found

    full = {column.wire: value(column, False) for column in schema.columns}
    null = {column.wire: value(column, True) for column in schema.columns}
    mixed = {column.wire: value(column, place % 2) for place, column in enumerate(schema.columns)}
    return [full, null, mixed]


@pytest.mark.parametrize("number", [0, 3], ids=["empty", "three rows"])
@pytest.mark.parametrize("schema", SCHEMAS, ids=NAMES)
def test_every_table_in_every_format(schema, number, tmp_path):
    table = answer(extremes(schema)[:number], schema)
    check_votable(table)
    check_jsonl(table)
    check_pandas(table)
    check_file(table, tmp_path, "ascii.ecsv")


@pytest.mark.parametrize("schema", SCHEMAS, ids=NAMES)
def test_every_table_as_parquet(schema, tmp_path):
    pytest.importorskip("pyarrow")
    check_file(answer(extremes(schema), schema), tmp_path, "parquet")


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_service_sends(data, tmp_path):
    schema = data.draw(st.sampled_from(SCHEMAS))
    table = answer(data.draw(rows(schema)), schema)
    check_votable(table)
    check_jsonl(table)
    check_pandas(table)
    check_file(table, tmp_path, "ascii.ecsv")


@pytest.fixture(scope="module")
def fetched(sample_server):
    """Answers whose columns no schema fixes: catalogues, and what TAP gives."""
    alerce, catalogs = AlerceClass(url=sample_server), CatsHTMClass(url=sample_server)
    centre = SkyCoord(0.8365 * u.deg, 30.94 * u.deg)
    return {
        "Gaia": catalogs.query_region(centre, radius=3 * u.arcmin, catalog="GAIA/DR2"),
        "redshifts": catalogs.query_region(centre, radius=8 * u.arcmin, catalog="NEDz"),
        "TAP": alerce.query_tap("SELECT * FROM ztf.detection WHERE fid = 3"),
        "TAP of LSST": alerce.query_tap("SELECT TOP 50 * FROM alerce_tap.lsst_detection"),
        "features": alerce.query_features(alerce.query_objects(ndet=1, row_limit=-1)["oid"][:3], wide=True),
    }


@pytest.mark.parametrize("what", ["Gaia", "redshifts", "TAP", "TAP of LSST", "features"])
def test_answers_without_a_schema(fetched, what, tmp_path):
    table = fetched[what]
    assert isinstance(table, AnswerTable)
    assert len(table) >= 3
    check_votable(table)
    check_jsonl(table)
    check_pandas(table)
    check_file(table, tmp_path, "ascii.ecsv")
    check_file(table, tmp_path, "parquet")


def two_light_curves():
    data = Table({"time": Time([58000.25, 58001.5, 58002.75], format="mjd", scale="tdb")})
    data["mag"] = MaskedColumn([17.5, 18.25, 0.0], mask=[False, False, True], unit=u.mag)
    data["band"] = ["g", "r", "r"]
    return LightCurves(data, [0, 1, 3], ["145120008365555264", "145120008365555265"], id_name="psid")


def test_light_curves_have_the_same_formats(tmp_path):
    light_curves = two_light_curves()
    frame = light_curves.to_pandas(index="psid")
    assert list(frame.index) == ["145120008365555264", "145120008365555265", "145120008365555265"]
    assert frame["time"].iloc[0] == pandas.Timestamp("2017-09-04 06:00")
    assert frame["mag"].isna().tolist() == [False, False, True]
    assert frame.attrs["units"] == {"mag": "mag"}
    assert frame.attrs["time_scales"] == {"time": "tdb"}
    lines = [json.loads(line) for line in light_curves.to_jsonl().splitlines()]
    assert lines[2] == {"psid": "145120008365555265", "time_mjd_tdb": 58002.75, "mag": None, "band": "r"}
    votable = parse_file(light_curves.to_votable(tmp_path / "curves.vot"), tmp_path / "curves.vot")
    (clock,) = votable.resources[0].time_systems
    assert (clock.timescale, clock.refposition, float(clock.timeorigin)) == ("TDB", "BARYCENTER", 2400000.5)
    table = votable.get_first_table().to_table()
    assert list(table["psid"]) == list(frame.index)
    assert plain(table["mag"]) == [17.5, 18.25, None]


def parse_file(written, path):
    assert isinstance(written, VOTableFile)
    return parse(path, verify="exception")


def test_systems_of_time_and_coordinates_are_named():
    for schema, scale in ((ztf.OBJECTS, "UTC"), (lsst.OBJECTS, "TAI")):
        votable = answer(extremes(schema), schema).to_votable()
        (resource,) = votable.resources
        (clock,), (frame,) = resource.time_systems, resource.coordinate_systems
        assert (clock.timescale, clock.refposition, frame.system) == (scale, "TOPOCENTER", "ICRS")
        fields = {field.name: field for field in votable.get_first_table().fields}
        assert fields["firstmjd"].ref == fields["lastmjd"].ref == clock.ID
        assert fields["ra"].ref == fields["dec"].ref == frame.ID
        assert fields["ra_err"].ref is None
        notes = {info.name: info.value for info in resource.infos}
        assert notes["url"] == "https://example.org/?a=1&b=<2>"


def test_pyvo_reads_the_file(tmp_path):
    from pyvo.dal import DALResults

    table = answer(extremes(ztf.DETECTIONS), ztf.DETECTIONS)
    table.to_votable(tmp_path / "found.vot")
    results = DALResults(parse(tmp_path / "found.vot"))
    assert [row["candid"] for row in results] == [str(BIG)] * 3
    assert results.fieldname_with_ucd("meta.id;meta.main") == "candid"
    assert results.getdesc("mag").unit == u.mag


def test_names_that_xml_does_not_allow_as_ids(tmp_path):
    names = ["Power_rate_1/2", "Power_rate_1_2", "2MASS", "g-r", "Δ", "Power_rate_1_2_"]
    table = AnswerTable([[float(i)] for i in range(len(names))], names=names)
    element = from_votable(table)
    assert element.to_table(use_names_over_ids=True).colnames == names
    assert [field.ID for field in element.fields] == [
        "Power_rate_1_2__", "Power_rate_1_2", "_2MASS", "g-r", "_", "Power_rate_1_2_",
    ]  # fmt: skip


@pytest.mark.parametrize("width", range(208, 224))
def test_rows_of_any_length_are_written(width):
    """Among them one of 256 bytes, at which astropy's TABLEDATA writer oversteps its memory."""
    table = AnswerTable({"text": ["x" * width] * 50})
    assert list(from_votable(table).to_table()["text"]) == ["x" * width] * 50


def test_companions_stay_behind():
    sources = SourceTable(decode_table([], zvar.OBJECTS)).with_companions(periods=Table({"period": [1.0]}))
    assert list(sources.to_pandas().columns) == sources.colnames
    assert "period" not in sources.to_votable().get_first_table().to_table().colnames


def test_a_leap_second_is_no_reason_to_fail():
    """astropy's datetime64 raises ValueError for these times."""
    table = AnswerTable({"time": Time([57753.5, 57753.999995], format="mjd", scale="utc")})
    seconds = table.to_pandas()["time"] - pandas.Timestamp("2016-12-31")
    assert abs(seconds[0].total_seconds() - 43200) <= 1
    assert abs(seconds[1].total_seconds() - 86400) <= 1


def test_times_that_pandas_cannot_hold_are_refused():
    table = AnswerTable({"time": Time([58000.0, 200000.0], format="mjd", scale="tai")})
    with pytest.raises(ValueError, match="'time' holds times outside the years 1678 to 2261"):
        table.to_pandas()
    assert json.loads(table.to_jsonl().splitlines()[1]) == {"time_mjd_tai": 200000.0}


def of_another_file():
    """Columns as other readers make them: bytes, short and unsigned numbers, another byte order, objects."""
    mask = [False, True, False]
    return {
        "bytes": (MaskedColumn([b"ab", b"c", "α".encode()], mask=mask), ["ab", None, "α"], "string"),
        "u1": (MaskedColumn(np.array([1, 2, 255], "u1"), mask=mask), [1, None, 255], "UInt8"),
        "i1": (np.array([1, 2, -3], "i1"), [1, 2, -3], "int8"),
        "u8": (np.array([1, 2, 2**63 - 1], "u8"), [1, 2, 2**63 - 1], "uint64"),
        "swapped": (MaskedColumn(np.array([1, 2, BIG], ">i8"), mask=mask), [1, None, BIG], "Int64"),
        "double": (np.array([1.5, 2, 3], ">f8"), [1.5, 2, 3], "float64"),
        "texts": (MaskedColumn(["a", "", "α"], mask=mask, dtype=object), ["a", None, "α"], "object"),
    }


def test_columns_of_other_readers():
    """A table read from FITS, or one that a user added to: the values are the same in each form."""
    columns = of_another_file()
    table = AnswerTable({name: column for name, (column, _, _) in columns.items()})
    frame, lines = table.to_pandas(), [json.loads(line) for line in table.to_jsonl().splitlines()]
    found = from_votable(table).to_table()
    for name, (_, wanted, kind_there) in columns.items():
        assert frame[name].dtype == kind_there
        assert [None if pandas.isna(value) else value for value in frame[name]] == wanted
        assert [line[name] for line in lines] == wanted
        texts = isinstance(wanted[0], str)
        assert plain(found[name]) == ([value or "" for value in wanted] if texts else wanted), name


@pytest.mark.parametrize("method", ["to_pandas", "to_votable", "to_jsonl"])
@pytest.mark.parametrize(
    ("column", "words"),
    [
        (SkyCoord([1, 2] * u.deg, [3, 4] * u.deg), r"SkyCoord of shape \(2,\)"),
        (TimeDelta([1, 2] * u.day), r"TimeDelta of shape \(2,\)"),
        (np.ones((2, 3)), r"float64 of shape \(2, 3\)"),
        (MaskedColumn(np.ones((2, 3)), mask=True), r"float64 of shape \(2, 3\)"),
        (np.array([1j, 2]), r"complex128 of shape \(2,\)"),
    ],
    ids=["SkyCoord", "TimeDelta", "arrays", "masked arrays", "complex"],
)
def test_columns_that_have_no_form_are_named(method, column, words):
    table = AnswerTable({"x": [1, 2]})
    table["mine"] = column
    with pytest.raises(TypeError, match=rf"'mine' must hold one number, truth value, text or time .*, not {words}"):
        getattr(table, method)()


def test_index_of_pandas():
    table = AnswerTable({"oid": ["a", "b"], "band": ["g", "r"], "mag": [1.0, 2.0]})
    assert list(table.to_pandas(index=["oid", "band"]).index) == [("a", "g"), ("b", "r")]
    for wrong in ("oids", 5, ["oid", "bands"], [["oid"]]):
        with pytest.raises(ValueError, match=r"index must be a column or a list of .*; columns are oid, band, mag"):
            table.to_pandas(index=wrong)


def test_what_is_not_finite_is_null():
    table = AnswerTable({"a": [1.5, np.nan, np.inf], "b": np.array([17.41657, np.nan, 1], dtype=np.float32)})
    assert table.to_jsonl().splitlines()[:2] == ['{"a":1.5,"b":17.41657}', '{"a":null,"b":null}']
    assert json.loads(table.to_jsonl().splitlines()[2]) == {"a": None, "b": 1.0}


def test_units_without_a_standard_word_stand_in_the_description():
    table = AnswerTable({"share": [1.0]})
    table["share"].unit, table["share"].info.description = u.percent, "Share of it"
    field = from_votable(table).fields[0]
    assert (field.unit, field.description) == (None, "Share of it [%]")


@pytest.mark.parametrize("method", ["to_votable", "to_jsonl"])
def test_files_are_replaced_only_on_request(method, tmp_path):
    path = tmp_path / "file"
    table = AnswerTable({"x": [1]})
    getattr(table, method)(path)
    first = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True replaces it"):
        getattr(AnswerTable({"x": [2, 3]}), method)(str(path))
    assert path.read_bytes() == first
    getattr(AnswerTable({"x": [2, 3]}), method)(str(path), overwrite=True)
    assert path.read_bytes() != first


def test_jsonl_file_holds_the_returned_text(tmp_path):
    text = two_light_curves().to_jsonl(tmp_path / "rows.jsonl")
    assert (tmp_path / "rows.jsonl").read_text(encoding="utf-8") == text
    assert text.count("\n") == 3
    assert pandas.read_json(io.StringIO(text), lines=True, dtype={"psid": str})["psid"][0] == "145120008365555264"


def test_pandas_is_named_where_it_is_missing(monkeypatch):
    from alerce_zvar.errors import MissingExtraError

    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'alerce_zvar\[formats\]'"):
        AnswerTable({"x": [1]}).to_pandas()


def test_tables_that_come_with_answers_have_the_formats_too(sample_server, monkeypatch, tmp_path):
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")
    zvar_service, alerce = ZvarClass(url=sample_server), AlerceClass(url=sample_server)
    sources = zvar_service.query_region(SkyCoord(0.8365 * u.deg, 30.94 * u.deg), radius=2 * u.arcmin)
    detections = alerce.query_detections(alerce.query_objects(order_by="ndet", order_mode="DESC", ndet=20)["oid"][0])
    last = detections[detections["has_stamp"]][-1]
    alert = alerce.get_alert(last["oid"], last["candid"])
    assert min(len(table) for table in (sources.periods, sources.lightcurves, alert.previous_detections)) > 0
    for table in (sources.periods, sources.lightcurves, alert.previous_detections, alert.non_detections):
        check_votable(table)
        check_jsonl(table)
        check_pandas(table)
    assert sources.failures.to_jsonl() == ""
    assert list(sources.failures.to_pandas().columns) == sources.failures.colnames


@pytest.mark.parametrize("schema", [ztf.DETECTIONS, lsst.DETECTIONS, zvar.OBJECTS], ids=lambda schema: schema.name)
def test_our_writer_of_votables_says_what_astropys_says(schema, monkeypatch):
    votable = answer(extremes(schema), schema).to_votable()
    element = votable.get_first_table()
    ours, theirs = io.BytesIO(), io.BytesIO()
    votable.to_xml(ours)
    monkeypatch.delattr(type(element), "_write_binary")
    votable.to_xml(theirs)
    bodies = (io.BytesIO(body.getvalue()) for body in (ours, theirs))
    found = [parse(body, verify="exception").get_first_table().to_table() for body in bodies]
    assert found[0].colnames == found[1].colnames
    assert all(plain(found[0][name]) == plain(found[1][name]) for name in found[0].colnames)
