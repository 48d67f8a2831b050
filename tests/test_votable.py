"""VOTables as they are read and written here, compared with astropy's reader and writer."""

import base64
import io
import struct
import time

import numpy as np
import pytest
from astropy import units as u
from astropy.io.votable import from_table as astropy_from_table
from astropy.io.votable import parse_single_table
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from alerce_zvar.votable import (
    ArrayColumnError,
    Field,
    VOTable,
    VOTableError,
    error_votable,
    from_table,
    read_csv,
    read_votable,
    to_table,
    write_votable,
)

_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
_PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn"]), max_size=12)
_VALUES = {
    "short": st.integers(-(2**15), 2**15 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "unicodeChar": _TEXTS,
}
_DTYPES = {"short": "i2", "int": "i4", "long": "i8", "float": "f4", "double": "f8", "boolean": "?", "unicodeChar": "O"}


@st.composite
def tables(draw, values=_VALUES):
    rows = draw(st.integers(0, 6))
    table = VOTable([])
    for number, kind in enumerate(draw(st.lists(st.sampled_from(list(values)), min_size=1, max_size=10))):
        column = draw(st.lists(values[kind], min_size=rows, max_size=rows))
        mask = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
        size = "*" if kind == "unicodeChar" else ""
        table.fields.append(
            Field(name=f"c{number}", datatype=kind, arraysize=size, description=draw(_PRINTABLE).strip())
        )
        table.columns.append(np.ma.array(np.array(column, dtype=_DTYPES[kind]), mask=mask, dtype=_DTYPES[kind]))
    return table


def same(one, other):
    assert [field.name for field in one.fields] == [field.name for field in other.fields]
    for ours, theirs in zip(one.columns, other.columns, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.tolist() == theirs.tolist()


@settings(max_examples=80)
@given(tables())
def test_what_is_written_as_binary2_is_read_again(table):
    found = read_votable(write_votable(table))
    same(found, table)
    assert [field.description for field in found.fields] == [" ".join(f.description.split()) for f in table.fields]


@settings(max_examples=40)
@given(tables(_VALUES | {"unicodeChar": _PRINTABLE.filter(bool)}))
def test_what_is_written_as_tabledata_is_read_again(table):
    same(read_votable(write_votable(table, "TABLEDATA")), table)


# astropy loses a text of nothing but spaces in TABLEDATA.
@settings(max_examples=30)
@given(tables(_VALUES | {"unicodeChar": _PRINTABLE.filter(str.strip)}), st.sampled_from(["BINARY2", "TABLEDATA"]))
def test_astropy_reads_the_same(table, serialization):
    theirs = parse_single_table(io.BytesIO(write_votable(table, serialization))).to_table()
    for field, column in zip(table.fields, table.columns, strict=True):
        known = ~np.ma.getmaskarray(column)
        found = theirs[field.name]
        assert np.asarray(found)[known].tolist() == column.data[known].tolist()
        if field.datatype != "unicodeChar":  # whose nulls astropy forgets
            assert (np.ma.getmaskarray(found) == ~known).all()


@pytest.mark.parametrize("serialization", ["tabledata", "binary", "binary2"])
def test_what_astropy_writes_is_read(serialization):
    table = Table(
        {"i": np.array([1, -2, 3], "i4"), "f": np.array([1.5, np.nan, -np.inf], "f4"), "t": ["ab", "c", "äö"]}
    )
    table["b"], table["l"] = [True, False, True], [2**62 + 1, -1, 0]
    table["f"].unit, table["f"].description = u.mag, "A\n  magnitude"
    document = astropy_from_table(table)
    body = io.BytesIO()
    document.to_xml(body, tabledata_format=serialization)
    found = read_votable(body.getvalue())
    by_name = dict(zip(table.colnames, found.columns, strict=True))
    for name in ("i", "l", "b", "t"):
        assert by_name[name].tolist() == table[name].tolist(), name
    assert by_name["f"].tolist()[::2] == [1.5, -np.inf]
    assert (found.fields[1].unit, found.fields[1].description) == ("mag", "A magnitude")


def test_nulls_without_flags():
    """BINARY marks null by a number of the field's own, in texts by nothing, in floats by NaN."""
    fields = '<FIELD name="n" datatype="int"><VALUES null="-9"/></FIELD><FIELD name="t" datatype="char" arraysize="*"/>'
    fields += '<FIELD name="s" datatype="char" arraysize="4"/><FIELD name="u" datatype="unsignedByte"/>'
    data = struct.pack(">iI2s4sB", 7, 2, b"ab", b"xy\0\0", 255) + struct.pack(">iI4sB", -9, 0, b"pqrs", 0)
    body = (
        f"<VOTABLE><RESOURCE><TABLE>{fields}<DATA><BINARY><STREAM encoding='base64'>{base64.b64encode(data).decode()}"
    )
    found = read_votable(f"{body}</STREAM></BINARY></DATA></TABLE></RESOURCE></VOTABLE>".encode())
    assert [column.tolist() for column in found.columns] == [[7, None], ["ab", None], ["xy", "pqrs"], [255, 0]]
    assert to_table(found)["u"].dtype == np.uint8


def test_null_texts_survive():
    values = np.ma.array(np.array(["a", "", "b"], dtype=object), mask=[False, False, True])
    table = VOTable([Field(name="t", datatype="char", arraysize="*")], [values])
    assert read_votable(write_votable(table)).columns[0].tolist() == ["a", "", None]
    assert to_table(read_votable(write_votable(table)))["t"].mask.tolist() == [False, False, True]


def _document(inside, fields='<FIELD name="a" datatype="int"/>'):
    return f"<VOTABLE><RESOURCE><TABLE>{fields}<DATA>{inside}</DATA></TABLE></RESOURCE></VOTABLE>".encode()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not well-formed"),
        (b"<a/>", "not a VOTable"),
        (b"<VOTABLE>", "not well-formed"),
        (b"<!DOCTYPE VOTABLE SYSTEM 'file:///etc/passwd'><VOTABLE/>", "DOCTYPE"),
        (b"<!DOCTYPE a [<!ENTITY b '1'><!ENTITY c '&b;&b;&b;&b;'>]><VOTABLE>&c;</VOTABLE>", "DOCTYPE"),
        (_document('<BINARY><STREAM href="http://127.0.0.1/"/></BINARY>'), "are not fetched"),
        (_document('<FITS><STREAM href="file:///etc/passwd"/></FITS>'), "are not fetched"),
        (_document('<FITS><STREAM encoding="base64">AAAA</STREAM></FITS>'), "are not fetched"),
        (_document("<BINARY><STREAM>AAAA</STREAM></BINARY>"), "encoded as 'nothing'"),
        (_document('<BINARY><STREAM encoding="base64">AAA</STREAM></BINARY>'), "base64 is damaged"),
        (_document('<BINARY><STREAM encoding="base64">AAAA</STREAM></BINARY>'), "end within a row"),
        (_document("<TABLEDATA><TR><TD>x</TD></TR></TABLEDATA>"), "holds something else than int"),
        (_document("<TABLEDATA><TR><TD>99999999999</TD></TR></TABLEDATA>"), "holds something else than int"),
        (_document("<TABLEDATA><TR><TD>1</TD><TD>2</TD></TR></TABLEDATA>"), "row 0 has 2 values for 1 columns"),
        (_document("", '<FIELD name="a" datatype="char" arraysize="99999999999"/>'), "arrays of 99999999999 values"),
        (_document("", '<FIELD name="a" datatype="int" arraysize="9999x9999"/>'), "arrays of 9999x9999 values"),
        (
            _document(
                '<BINARY><STREAM encoding="base64">/////wAA</STREAM></BINARY>',
                '<FIELD name="a" datatype="char" arraysize="*"/>',
            ),
            "end within a row",
        ),
        (_document("", '<FIELD name="a" datatype="char" arraysize="-4"/>'), "has the arraysize '-4'"),
        (_document("", '<FIELD name="a" datatype="char" arraysize="many"/>'), "has the arraysize 'many'"),
        (_document("", '<FIELD name="a" datatype="int"><VALUES null="none"/></FIELD>'), "'none' for null"),
        (b"<VOTABLE>" + 200 * b"<a>", "more than 100 elements"),
    ],
)
def test_what_is_refused(body, words):
    with pytest.raises(VOTableError, match=words):
        read_votable(body)


@pytest.mark.parametrize(
    "inside",
    [
        "<TABLEDATA>" + 4 * "<TR><TD>1</TD></TR>" + "</TABLEDATA>",
        f'<BINARY><STREAM encoding="base64">{base64.b64encode(bytes(16)).decode()}</STREAM></BINARY>',
        f'<BINARY2><STREAM encoding="base64">{base64.b64encode(bytes(20)).decode()}</STREAM></BINARY2>',
    ],
)
@pytest.mark.parametrize("datatype", ['"int"', '"char" arraysize="*"'])
def test_rows_and_columns_are_counted(inside, datatype):
    body = _document(inside, f'<FIELD name="a" datatype={datatype}/>')
    assert len(read_votable(body, most_rows=4, most_columns=1).columns[0]) == 4
    with pytest.raises(VOTableError, match="more than 3 rows"):
        read_votable(body, most_rows=3)
    with pytest.raises(VOTableError, match="more than 0 columns"):
        read_votable(body, most_columns=0)


def test_null_is_a_number_however_it_is_written():
    fields = '<FIELD name="a" datatype="short"><VALUES null="0x7F"/></FIELD>'
    cells = "".join(f"<TR><TD>{text}</TD></TR>" for text in ("127", "0x7f", "+127", "126", ""))
    assert read_votable(_document(f"<TABLEDATA>{cells}</TABLEDATA>", fields)).columns[0].tolist() == [
        *3 * [None],
        126,
        None,
    ]


def test_a_long_namespace_is_not_read_for_each_element():
    body = _document("<TABLEDATA/>" + 20_000 * "<a/>").replace(b"<VOTABLE", b'<VOTABLE xmlns="' + 10**6 * b"n" + b'"')
    began = time.perf_counter()
    assert read_votable(body).columns[0].tolist() == []
    assert time.perf_counter() - began < 5.0  # and half a minute if it were


def test_prefixes_of_names_do_not_matter():
    body = _document("<v:TABLEDATA/>", '<v:FIELD name="a" datatype="int"/>').replace(
        b"<VOTABLE", b'<VOTABLE xmlns:v="x"'
    )
    assert read_votable(body).fields[0].name == "a"


@pytest.mark.parametrize("size", ["2", "*", "3x*"])
def test_arrays_are_refused_by_name(size):
    fields = (
        f'<FIELD name="classes" datatype="int" arraysize="{size}"/><FIELD name="t" datatype="char" arraysize="3x*"/>'
    )
    with pytest.raises(ArrayColumnError, match="classes, t") as caught:
        read_votable(_document("", fields))
    assert len(caught.value.fields) == 2


def test_no_more_is_allocated_than_was_sent():
    body = _document("<TABLEDATA><TR><TD>1</TD></TR></TABLEDATA>").replace(b"<TABLE>", b'<TABLE nrows="999999999999">')
    assert read_votable(body).columns[0].tolist() == [1]


@settings(max_examples=60)
@given(st.binary(max_size=80))
def test_damaged_streams_are_refused_or_read(data):
    fields = [("a", "char", "*"), ("b", "int", ""), ("c", "unicodeChar", "*"), ("d", "boolean", "")]
    listed = "".join(f'<FIELD name="{n}" datatype="{d}" arraysize="{s}"/>' for n, d, s in fields)
    stream = f'<STREAM encoding="base64">{base64.b64encode(data).decode()}</STREAM>'
    for serialization in ("BINARY", "BINARY2"):
        try:
            found = read_votable(_document(f"<{serialization}>{stream}</{serialization}>", listed))
        except VOTableError:
            continue
        assert {len(column) for column in found.columns} == {len(found.columns[0])}
        assert len(found.columns[0]) * 10 <= len(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(body):
    with pytest.raises(VOTableError):
        read_votable(body)


def test_only_the_first_table_is_read_and_the_last_status():
    body = write_votable(VOTable([Field(name="a", datatype="int")], [np.ma.array([1, 2], dtype="i4")]))
    twice = body.replace(b"</TABLE>", b"</TABLE><TABLE><FIELD name='b' datatype='int'/></TABLE>")
    overflow = twice.replace(b"</RESOURCE>", b'<INFO name="QUERY_STATUS" value="OVERFLOW"/></RESOURCE>')
    found = read_votable(overflow)
    assert ([field.name for field in found.fields], found.status) == (["a"], ("OVERFLOW", ""))


def test_errors_are_written_whatever_they_say():
    said = read_votable(error_votable('a <b> & "c" \x00 ]]> \ud800 é')).status
    assert said == ("ERROR", 'a <b> & "c" \N{REPLACEMENT CHARACTER} ]]> \N{REPLACEMENT CHARACTER} é')


def test_tables_of_astropy_there_and_back():
    table = QTable({"x": [1.5, 2.5] * u.deg, "id": [2**62 + 1, 2], "ok": [True, False], "t": ["a", "bé"]})
    table["n"] = MaskedColumn([1, 2], mask=[True, False], description="A number")
    table["when"], table["raw"] = Time([58000.5, 58001.5], format="mjd"), np.array([b"p", b"q"])
    found = to_table(read_votable(write_votable(from_table(table))))
    assert found["x"].unit == u.deg
    assert list(found["id"]) == [2**62 + 1, 2]
    assert (list(found["ok"]), list(found["t"])) == ([True, False], ["a", "bé"])
    assert (found["n"].mask.tolist(), found["n"].description) == ([True, False], "A number")
    assert list(found["when"]) == [58000.5, 58001.5]
    assert list(found["raw"]) == ["p", "q"]
    assert not isinstance(found["id"], MaskedColumn)


@pytest.mark.parametrize("fill", [None, "none"])
@pytest.mark.parametrize("kind", [str, bytes, object])
def test_null_texts_of_astropy_stay_null(kind, fill):
    """Not what would stand there in print, such as N/A."""
    values = [b"ab", b"c", b"def"] if kind is bytes else ["ab", "c", "def"]
    column = MaskedColumn(values, mask=[False, True, False], dtype=kind, fill_value=fill)
    (found,) = read_votable(write_votable(from_table(Table({"x": column})))).columns
    assert found.tolist() == ["ab", None, "def"]


def test_unsigned_numbers_of_astropy_stay_exact():
    (found,) = from_table(Table({"x": np.array([1, 2**63 - 1], dtype="u8")})).columns
    assert (found.dtype, found.tolist()) == (np.int64, [1, 2**63 - 1])


def test_names_that_come_twice_and_units_that_nobody_knows():
    fields = [Field(name="a", datatype="int", unit="furlong"), Field(name="a", datatype="int", unit="DN")]
    table = to_table(VOTable(fields, [np.ma.array([1], dtype="i4"), np.ma.array([2], dtype="i4")]))
    assert table.colnames == ["a", "a_2"]
    assert str(table["a"].unit) == "furlong"
    assert table["a_2"].unit == u.DN


def test_a_single_long_text_does_not_widen_a_column():
    texts = np.array(["x" * 2**20] + ["y"] * 100, dtype=object)
    table = to_table(VOTable([Field(name="t", datatype="char", arraysize="*")], [np.ma.array(texts)]))
    assert table["t"].dtype == object
    assert table["t"][1] == "y"


def test_comma_separated_values_of_known_columns():
    fields = [Field(name="n", datatype="long"), Field(name="c", datatype="char", arraysize="2x*")]
    fields.append(Field(name="b", datatype="boolean"))
    found = read_csv(b'n,c,b\n4,"SN,AGN",True\n,,\n', fields)
    assert [column.tolist() for column in found.columns] == [[4, None], ["SN,AGN", None], [True, None]]
    for body in (b"", b"n,c\n1,a\n", b"n,c,b\n1,2\n", b"n,c,b\nx,a,T\n"):
        with pytest.raises(VOTableError):
            read_csv(body, fields)
