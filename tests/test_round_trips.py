"""From JSON to a table, into every format, and back: ids above 2^53, every mask, units and times."""

import json
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerce_zvar.alerce import schema as ztf
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.catshtm import schema as catshtm
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.match import schema as match
from alerce_zvar.wire.answer import AnswerTable
from alerce_zvar.wire.decode import decode_table, parse_json
from alerce_zvar.zvar import schema as zvar

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

SCHEMAS = [table for service in (ztf, lsst, catshtm, zvar, match) for table in getattr(service, "TABLES", ())]
NAMES = [f"{table.name}-{index}" for index, table in enumerate(SCHEMAS)]
BIG = 2**63 - 1  # neither a float64 nor JavaScript holds it
SMALL = -(2**63)  # what FITS would take first for null


class Body:
    """What parse_json reads."""

    url = ""

    def __init__(self, rows):
        self.body = json.dumps(rows).encode()


def answer(rows, schema):
    """As an answer that came as JSON."""
    table = AnswerTable(decode_table(parse_json(Body(rows)), schema), copy=False)
    table.meta.update(service="ALeRCE", url=f"https://example.org/?oid={'x' * 100}", requests=3)
    return table


def value(column):
    """A value that is hard to keep, as it stands in JSON."""
    if column.codes:
        return next(iter(column.codes))
    if column.time:
        return 58_123.456_789_012 + 2_400_000.5 * (column.time[0] == "jd")
    hard = {"str": "ab c", "int64": BIG, "float64": 0.1 + 0.2, "float32": 17.41657, "bool": True}[column.dtype]
    hard = BIG if column.wire_dtype == "id" else hard
    return str(hard) if column.wire_dtype == "str" else hard


def rows(schema):
    """Everything set, everything null that may be, and two that are mixed."""
    patterns = (lambda place: False, lambda place: True, lambda place: place % 2, lambda place: not place % 2)
    return [
        {c.wire: None if c.nullable and null(place) else value(c) for place, c in enumerate(schema.columns)}
        for null in patterns
    ]


def plain(column):
    """Values as Python's own, None where masked; of times, both halves of the Julian date."""
    if isinstance(column, Time):
        mask, days = np.broadcast_to(column.mask, len(column)), column.unmasked
        return [None if m else float(day) for m, day in zip(mask, days.mjd, strict=True)]
    mask = np.ma.getmaskarray(column)
    return [None if hidden else item for item, hidden in zip(np.ma.getdata(column).tolist(), mask, strict=True)]


def by_file(form):
    def through(table, tmp_path):
        path = tmp_path / "table"
        table.write(path, format=form, overwrite=True)
        return AnswerTable.read(path, format=form)

    return through


def by_votable(table, tmp_path):
    table.to_votable(tmp_path / "table.vot", overwrite=True)
    return AnswerTable.from_votable(tmp_path / "table.vot")


def by_fits(table, tmp_path):
    table.to_fits(tmp_path / "table.fits", overwrite=True)
    return AnswerTable.from_fits(tmp_path / "table.fits")


def by_pandas(table, tmp_path):
    return AnswerTable.from_pandas(table.to_pandas())


def by_parquet_of_pandas(table, tmp_path):
    """By pandas' own writer; it keeps the attrs."""
    frame = table.to_pandas()
    frame.to_parquet(tmp_path / "frame.parquet")
    again = pandas.read_parquet(tmp_path / "frame.parquet")
    again.attrs = again.attrs or frame.attrs
    return AnswerTable.from_pandas(again)


WAYS = {
    "ecsv": by_file("ascii.ecsv"),
    "parquet": by_file("parquet"),
    "votable": by_votable,
    "fits": by_fits,
    "pandas": by_pandas,
    "pandas-parquet": by_parquet_of_pandas,
}
ALL_INFO = ("ecsv", "parquet", "votable", "fits")  # the others know of no descriptions


def check(table, again, way):
    assert isinstance(again, AnswerTable)
    assert again.colnames == table.colnames
    assert len(again) == len(table)
    for name in table.colnames:
        before, after = table[name], again[name]
        assert isinstance(after, Time) == isinstance(before, Time), name
        if isinstance(before, Time):
            assert after.scale == before.scale
            check_times(before, after, exact=way in ("ecsv", "parquet", "fits"))
        else:
            assert after.dtype.kind == before.dtype.kind, name
            assert after.dtype.itemsize == before.dtype.itemsize or after.dtype.kind == "U", name
            assert plain(after) == plain(before), name
            assert after.unit == before.unit, name
        if way in ALL_INFO:
            assert after.info.description == before.info.description
            assert (after.info.meta or {}) == (before.info.meta or {})
    wanted = {key: str(item) for key, item in table.meta.items()} if way == "votable" else table.meta
    assert again.meta == {key: item for key, item in wanted.items() if key != "comments"}


def check_times(before, after, *, exact):
    hidden = np.broadcast_to(before.mask, len(before))
    assert np.array_equal(np.broadcast_to(after.mask, len(after)), hidden)
    seconds = (after - before).unmasked.to_value(u.s)[~hidden]
    assert np.all(np.abs(seconds) <= (0 if exact else 1e-6))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("schema", SCHEMAS, ids=NAMES)
def test_every_table_comes_back(schema, way, tmp_path):
    table = answer(rows(schema), schema)
    check(table, WAYS[way](table, tmp_path), way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("schema", [ztf.DETECTIONS, lsst.DETECTIONS, zvar.PHOTOMETRY_MAG, match.MATCHES])
def test_empty_tables_come_back(schema, way, tmp_path):
    table = answer([], schema)
    again = WAYS[way](table, tmp_path)
    assert again.colnames == table.colnames
    assert len(again) == 0
    assert [getattr(again[name], "scale", None) for name in table.colnames] == [
        getattr(table[name], "scale", None) for name in table.colnames
    ]


numbers = st.none() | st.sampled_from([SMALL, BIG, 0, 2**53 + 1]) | st.integers(SMALL, BIG)
texts = st.none() | st.sampled_from(["", "a", "a b"]) | st.text(st.characters(min_codepoint=33, max_codepoint=126))
floats = st.none() | st.floats(allow_nan=False)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.lists(st.tuples(numbers, texts, floats, st.none() | st.booleans()), min_size=1, max_size=6))
def test_any_values_under_any_masks(data, tmp_path):
    table = AnswerTable()
    fill = {"number": 0, "text": "", "float": 0.0, "truth": False}
    for place, (name, nothing) in enumerate(fill.items()):
        values = [row[place] for row in data]
        column = [nothing if item is None else item for item in values]
        mask = [item is None for item in values]
        table[name] = MaskedColumn(column, mask=mask, dtype={"number": np.int64, "text": str}.get(name))
    for way in ("votable", "fits", "pandas", "parquet"):
        again = WAYS[way](table, tmp_path)
        assert {name: plain(again[name]) for name in fill} == {name: plain(table[name]) for name in fill}, way


def test_fits_finds_a_number_for_null_that_is_free(tmp_path):
    table = AnswerTable({"n": MaskedColumn([SMALL, BIG, 7, SMALL + 1], mask=[False, False, True, False])})
    assert plain(by_fits(table, tmp_path)["n"]) == [SMALL, BIG, None, SMALL + 1]
    assert fits.getheader(tmp_path / "table.fits", 1)["TNULL1"] == SMALL + 2


def test_fits_keeps_nan_and_empty_apart_from_null(tmp_path):
    table = AnswerTable({"x": MaskedColumn([np.nan, 1.0, np.inf], mask=[False, True, False]), "t": ["", "a", "b"]})
    again = by_fits(table, tmp_path)
    assert np.ma.getmaskarray(again["x"]).tolist() == [False, True, False]
    assert np.isnan(again["x"][0])
    assert again["t"].tolist() == ["", "a", "b"]


def test_fits_of_units_that_it_has_no_word_for(tmp_path):
    table = AnswerTable({"counts": [1.0], "share": [0.5], "mag": [17.0]})
    table["counts"].unit, table["share"].unit, table["mag"].unit = u.DN, u.percent, u.mag
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = by_fits(table, tmp_path)
    assert [again[name].unit for name in again.colnames] == [u.DN, u.percent, u.mag]
    assert fits.getheader(tmp_path / "table.fits", 1)["TUNIT3"] == "mag"


def test_fits_refuses_what_it_cannot_hold(tmp_path):
    with pytest.raises(ValueError, match=r"'name' holds letters beyond ASCII.*VOTable and ECSV can"):
        AnswerTable({"name": ["α"]}).to_fits(tmp_path / "table.fits")
    assert not (tmp_path / "table.fits").exists()
    AnswerTable({"name": ["a"]}).to_fits(tmp_path / "table.fits")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        AnswerTable({"name": ["b"]}).to_fits(tmp_path / "table.fits")


def test_what_astropy_and_others_see_of_our_fits(tmp_path):
    table = answer(rows(zvar.PHOTOMETRY_MAG), zvar.PHOTOMETRY_MAG)
    table.to_fits(tmp_path / "table.fits")
    with fits.open(tmp_path / "table.fits") as hdus:
        data = hdus[1].data
        assert np.isnan(data["mag"]).tolist() == [False, True, False, True]
        assert data["field"].tolist() == [BIG] * 4
    again = Table.read(tmp_path / "table.fits", astropy_native=True)
    assert again["time"].scale == "tdb"
    assert again["mag"].mask.tolist() == [False, True, False, True]


def test_votable_of_somebody_else(tmp_path):
    path = tmp_path / "other.vot"
    Table({"x": [1.5, 2.5] * u.m, "name": ["a", "b"]}).write(path, format="votable")
    found = AnswerTable.from_votable(path)
    assert found["x"].tolist() == [1.5, 2.5]
    assert found["x"].unit == u.m
    path.write_text("no table", encoding="ascii")
    with pytest.raises(ValueError, match=r"other\.vot: it is not well-formed XML"):
        AnswerTable.from_votable(path)


def test_votable_units_that_stand_in_the_description(tmp_path):
    path = tmp_path / "other.vot"
    table = Table({"x": [1.5], "y": [2.5]})
    table["x"].description, table["y"].description = "Brightness [mag]", "Counts [DN]"
    table.write(path, format="votable")
    found = AnswerTable.from_votable(path)
    assert (found["x"].unit, found["x"].description) == (None, "Brightness [mag]")  # it would have been written
    assert (found["y"].unit, found["y"].description) == (u.DN, "Counts")


def test_pandas_index_and_units():
    table = AnswerTable({"oid": ["a", "b"], "mag": [1.0, 2.0]})
    frame = table.to_pandas(index="oid")
    again = AnswerTable.from_pandas(frame, index=True, units={"mag": "mag"})
    assert again.colnames == ["oid", "mag"]
    assert again["mag"].unit == u.mag
    assert AnswerTable.from_pandas(frame).colnames == ["mag"]


def test_a_leap_second_comes_back_from_pandas():
    table = AnswerTable({"time": Time([57753.5, 57753.999995], format="mjd", scale="utc")})
    again = AnswerTable.from_pandas(table.to_pandas())
    check_times(table["time"], again["time"], exact=False)


def test_light_curves_too(tmp_path):
    data = Table({"time": Time([58000.25, 58001.5], format="mjd", scale="tdb")})
    data["mag"] = MaskedColumn([17.5, 0.0], mask=[False, True], unit=u.mag)
    light_curves = LightCurves(data, [0, 1, 2], [str(BIG), "7"], id_name="psid")
    light_curves.to_fits(tmp_path / "curves.fits")
    again = AnswerTable.from_fits(tmp_path / "curves.fits")
    assert again["psid"].tolist() == [str(BIG), "7"]
    assert again["mag"].tolist() == [17.5, None]
    assert again["time"].mjd.tolist() == [58000.25, 58001.5]
