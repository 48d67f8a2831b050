"""Bytes straight to columns: the same as the library decoder gives, or left to it; by both engines."""

import contextlib
import importlib.util
import json
import struct
import sys
import warnings

import numpy as np
import pytest
from astropy.table import Column, Table
from astropy.time import Time
from fault_server import FaultServer, http, json_reply
from hypothesis import given, settings
from hypothesis import strategies as st

from alerce_zvar import Zvar, conf
from alerce_zvar.errors import AlerceZvarWarning, ReplyError
from alerce_zvar.wire import scan as scanning
from alerce_zvar.wire.decode import decode_columns, decode_table, parse_json
from alerce_zvar.wire.scan import scan
from alerce_zvar.wire.transport import Reply
from alerce_zvar.zvar import schema

MAG, FLUX = schema.PHOTOMETRY_MAG, schema.PHOTOMETRY_FLUX
FORMATS = {"mag": MAG, "flux": FLUX}
STAR = "145120008365555264"
FEWER = settings(max_examples=40)  # each makes two whole tables
ENGINES = ("numpy", "numba") if importlib.util.find_spec("numba") else ("numpy",)


@contextlib.contextmanager
def engine(name):
    """Answers of any size are read by this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning, "_WORTH", 0 if name == "numba" else sys.maxsize)
        yield


@pytest.fixture(params=ENGINES)
def each_engine(request):
    with engine(request.param):
        yield request.param


@pytest.fixture(scope="module")
def notebook(real_data):
    return json.loads((real_data / "recorded" / "zvar" / "zvar_api_examples.json").read_text())


def by_library(body, table):
    """Lengths by key and the table, or None where the answer is refused."""
    try:
        content = parse_json(Reply("made", "application/json", body))
        lengths = {key: len(rows) for key, rows in content.items()}
        return lengths, decode_table([row for rows in content.values() for row in rows], table)
    except (ReplyError, AttributeError, TypeError):
        return None


def same_column(mine, wanted):
    if isinstance(wanted, Time):
        return mine.scale == wanted.scale and same_column(mine.jd1, wanted.jd1) and same_column(mine.jd2, wanted.jd2)
    if type(mine) is not type(wanted) or mine.dtype != wanted.dtype:
        return False
    hidden = np.ma.getmaskarray(wanted)
    if isinstance(wanted, Column) and (mine.unit, mine.description) != (wanted.unit, wanted.description):
        return False
    return np.array_equal(np.ma.getmaskarray(mine), hidden) and (
        np.asarray(mine)[~hidden].tobytes() == np.asarray(wanted)[~hidden].tobytes()
    )


def check_same(body, table=MAG):
    """`Scan` of a body, or None; it must be what the library decoder gives, bit for bit."""
    found = scan(body, table)
    if found is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AlerceZvarWarning)
            wanted = by_library(body, table)
        assert wanted is not None, "the library decoder refuses it"
        lengths, rows = wanted
        assert list(found.lengths.items()) == list(lengths.items())
        mine = decode_columns(found.columns, table)
        assert mine.colnames == rows.colnames
        assert mine.meta == rows.meta
        for name in mine.colnames:
            assert same_column(mine[name], rows[name]), name
    return found


# bodies out of parts


def row_text(values, separators=(",", ":")):
    pairs = (json.dumps(key) + separators[1] + value for key, value in values.items())
    return "{" + separators[0].join(pairs) + "}"


def body_of(objects, separators=(",", ":")):
    """Bytes of an answer; `objects` is a dict of lists of dicts of texts."""
    lists = (
        json.dumps(key) + separators[1] + "[" + separators[0].join(row_text(row, separators) for row in rows) + "]"
        for key, rows in objects.items()
    )
    return ("{" + separators[0].join(lists) + "}").encode()


PLAIN = {
    "time": "2458263.981924",
    "mag": "17.41657",
    "magerr": "0.036399588",
    "limmag": "null",
    "flux": "345.24374",
    "fluxerr": "95.39911",
    "snr": "29.828255",
    "band": '"g"',
    "field": "648",
    "ccd": "2",
    "quad": "2",
}
FLUX_ROW = {name: PLAIN[name] for name in ("time", "flux", "fluxerr", "snr", "band", "field", "ccd", "quad")} | {
    "magzp": "26.052000762939453",
    "mag_ref": "-8.494999885559082",
}


def single(number):
    """A number of single precision as it is printed."""
    return str(np.float32(number))


plain_numbers = st.one_of(
    st.decimals(-(10**7), 10**7, places=6).map(str),
    st.floats(2.0**-10, 2.0**17, width=32).map(single),
    st.integers(-(10**7), 10**7).map(str),
    st.integers(0, 9).map(str),
).filter(lambda text: "e" not in text and "E" not in text)
odd_numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(single),
    st.integers(-(2**70), 2**70).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["-0", "-0.0", "0.0", "1e5", "1E+5", "5e-324", "2.2250738585072014e-308", "1e999", "-1e400"]),
    st.sampled_from(["01", "1.", ".5", "+1", "--1", "1-2", "1 2", "0x10", "NaN", "Infinity", "true", '"1"', "[]", "-"]),
)
nulls = st.just("null")
texts = st.one_of(st.sampled_from(['"g"', '"r"', '"i"']), st.text(max_size=9).map(json.dumps))
raw_texts = st.one_of(texts, st.text(max_size=4).map(lambda text: json.dumps(text, ensure_ascii=False)), odd_numbers)
whole = st.one_of(st.integers(0, 2000).map(str), st.integers(-(2**63), 2**63 - 1).map(str))
separators = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " :\t"), (",\n   ", ":"), ("\r\n,", ": ")])


def rows_of(numbers, optional, whole_numbers, words):
    """Strategy of rows of the format 'mag'."""
    columns = {"time": st.integers(2458000, 2461000).map(lambda day: f"{day}.25"), "band": words}
    columns |= dict.fromkeys(("mag", "magerr", "limmag", "flux", "fluxerr", "snr"), st.one_of(numbers, optional))
    columns |= dict.fromkeys(("field", "ccd", "quad"), whole_numbers)
    return st.fixed_dictionaries(columns)


@st.composite
def objects_of(draw, rows):
    """Up to three sources; the keys of all rows are in the same order."""
    ids = st.integers(10**16, 10**18).map(str)
    objects = st.dictionaries(ids, st.lists(rows, max_size=3), min_size=1, max_size=3).filter(lambda o: any(o.values()))
    names = draw(st.permutations(list(PLAIN)))
    return {key: [{name: row[name] for name in names} for row in rows] for key, rows in draw(objects).items()}


plain_objects = objects_of(rows_of(plain_numbers, nulls, whole, st.sampled_from(['"g"', '"r"', '"i"'])))
odd_objects = objects_of(
    rows_of(st.one_of(plain_numbers, odd_numbers), nulls, st.one_of(whole, odd_numbers, nulls), raw_texts)
)


@pytest.mark.parametrize("name", ENGINES)
@FEWER
@given(objects=plain_objects, separators=separators)
def test_plain_answers_are_read_without_the_library(name, objects, separators):
    with engine(name):
        assert check_same(body_of(objects, separators)) is not None


@pytest.mark.parametrize("name", ENGINES)
@FEWER
@given(objects=odd_objects, separators=separators)
def test_odd_answers_are_read_alike_or_not_at_all(name, objects, separators):
    with engine(name):
        check_same(body_of(objects, separators))


@pytest.mark.parametrize("name", ENGINES)
@FEWER
@given(data=st.data(), objects=plain_objects)
def test_damaged_answers_are_read_alike_or_not_at_all(name, data, objects):
    body = bytearray(body_of(objects))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        piece = data.draw(st.one_of(st.sampled_from(list(b'{}[],:".-+0e n\x00\\\t')), st.integers(0, 255)))
        how = data.draw(st.sampled_from(["replace", "insert", "delete"]))
        body[place : place + (how != "insert")] = b"" if how == "delete" else bytes([piece])
    with engine(name):
        check_same(bytes(body))


@pytest.mark.parametrize("name", ENGINES)
@FEWER
@given(numbers=st.lists(odd_numbers, min_size=1, max_size=8))
def test_numbers_are_those_of_python(name, numbers):
    """Those that JSON allows, that are finite, and that fit."""
    body = body_of({STAR: [FLUX_ROW | {"magzp": number} for number in numbers]})
    with engine(name):
        found = check_same(body, FLUX)
    if found is not None:
        values = [float(json.loads(number)) for number in numbers]
        assert found.columns["magzp"].data.tobytes() == np.array(values).tobytes()


@pytest.mark.parametrize("form", FORMATS)
def test_recorded_rows(each_engine, notebook, form):
    first = notebook[f"photometry_{form}_{STAR}_first"]
    rows = [first | {"time": first["time"] + day} for day in range(40)]
    for indent in (None, 1):
        found = check_same(json.dumps({STAR: rows, "9": [], "7": rows[::-1]}, indent=indent).encode(), FORMATS[form])
        assert (found is None) == bool(indent)
    assert check_same(json.dumps({STAR: [notebook["photometry_doc_row"]]}).encode()).lengths == {STAR: 1}


def test_numbers_of_single_precision_and_long_ones(each_engine):
    """Random bits: every exponent, up to 17 digits."""
    rng = np.random.default_rng(5)
    doubles = [struct.unpack("<d", rng.bytes(8))[0] for _ in range(2000)]
    numbers = [repr(x) for x in doubles if np.isfinite(x)]
    numbers += [f"{x:.{k}f}" for k in range(1, 18) for x in rng.normal(0, 10.0 ** rng.integers(-3, 7, 100))]
    found = check_same(body_of({STAR: [FLUX_ROW | {"magzp": number} for number in numbers]}), FLUX)
    assert found.columns["magzp"].tolist() == [float(number) for number in numbers]


def test_whole_numbers_are_exact(each_engine):
    values = [0, 2**53 + 1, -(2**63), 2**63 - 1, 648, 12345678, 123456789]
    found = check_same(body_of({STAR: [PLAIN | {"field": str(value)} for value in values]}))
    assert found.columns["field"].tolist() == values
    many = range(-50, 150)
    found = check_same(body_of({STAR: [PLAIN | {"field": str(value), "band": f'"{value}"'} for value in many]}))
    assert found.columns["field"].tolist() == list(many)
    assert found.columns["band"].tolist() == [str(value) for value in many]


ROW = row_text(PLAIN)
LEFT = {
    "a byte order mark": f'\ufeff{{"1": [{ROW}]}}',
    "a bare NaN": f'{{"1": [{ROW.replace("17.41657", "NaN")}]}}',
    "a key twice": f'{{"1": [{ROW[:-1]},"ccd":3}}]}}',
    "an id twice": f'{{"1": [{ROW}], "1": [{ROW}]}}',
    "an escape in a key": f'{{"1": [{ROW.replace("snr", chr(92) + "u0073nr")}]}}',
    "an escape in an id": f'{{"{chr(92)}u0031": [{ROW}]}}',
    "keys in another order": f'{{"1": [{ROW},{row_text(dict(reversed(PLAIN.items())))}]}}',
    "a key that is not known": f'{{"1": [{ROW[:-1]},"seeing":2.0}}]}}',
    "a key that is not there": f'{{"1": [{ROW},{row_text({k: v for k, v in PLAIN.items() if k != "flux"})}]}}',
    "a required key that is nowhere": f'{{"1": [{row_text({k: v for k, v in PLAIN.items() if k != "quad"})}]}}',
    "a null where none may be": f'{{"1": [{ROW.replace("648", "null")}]}}',
    "a time that is none": f'{{"1": [{ROW.replace("2458263.981924", "58263981924")}]}}',
    "a number beyond single precision": f'{{"1": [{ROW.replace("17.41657", "1e39")}]}}',
    "an end too early": f'{{"1": [{ROW},{ROW[:50]}',
    "something behind the end": f'{{"1": [{ROW}]}} x',
    "other rows": '{"1": [1, 2]}',
    "no rows": '{"1": []}',
    "no object": f"[{ROW}]",
    "nothing": "",
}


@pytest.mark.parametrize("what", LEFT)
def test_left_to_the_library(each_engine, what):
    assert scan(LEFT[what].encode(), MAG) is None
    assert scan(f'{{"1": [{ROW}]}}'.encode(), MAG) is not None


# by the front door


def test_light_curves_are_the_same_without_scanning(each_engine, notebook, monkeypatch):
    first = notebook[f"photometry_mag_{STAR}_first"]
    upper = first | {"mag": None, "magerr": None, "limmag": 20.5, "snr": 0.3}
    rows = [(first, upper)[day % 3 == 2] | {"time": first["time"] + day, "field": 648 + day} for day in range(60)]
    reply = json_reply({"3": rows[:30], "8": rows, "1": rows[30:], "2": []})
    curves = []
    with FaultServer(reply, reply) as server:
        for read in (scan, lambda body, table: None):
            monkeypatch.setattr("alerce_zvar.zvar.lightcurve.scan", read)
            with pytest.warns(AlerceZvarWarning, match="2 of 4 inputs"):
                curves.append(Zvar(url=server.url).get_lightcurves(["1", "2", "3", "4"]))
    mine, wanted = curves
    assert mine.ids == wanted.ids == ["1", "3"]
    assert mine.failures["reason"].tolist() == wanted.failures["reason"].tolist()
    assert mine.offsets.tolist() == wanted.offsets.tolist() == [0, 30, 60]
    for name in wanted.data.colnames:
        assert same_column(*(Table(found.data)[name] for found in curves)), name


@pytest.mark.parametrize("what", ["an id twice", "an end too early", "a null where none may be"])
def test_errors_are_those_of_the_library(each_engine, what):
    with FaultServer(http(LEFT[what].encode())) as server, conf.set_temp("max_retries", 0), pytest.raises(ReplyError):
        Zvar(url=server.url).get_lightcurves("1")


def test_without_numba_numpy_reads(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    for name in ("compiled", "wire.scan_numba"):
        monkeypatch.delitem(sys.modules, f"alerce_zvar.{name}", raising=False)
    monkeypatch.delattr("alerce_zvar.wire.scan_numba", raising=False)
    monkeypatch.setattr(scanning, "_WORTH", 0)
    scanning._compiled.cache_clear()
    try:
        assert scanning._engine(10) is scanning.scan_numpy
        assert check_same(body_of({STAR: [PLAIN] * 3})).lengths == {STAR: 3}
    finally:
        scanning._compiled.cache_clear()
