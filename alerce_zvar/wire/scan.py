"""Answers of many equal rows, from bytes straight to columns: no Python object for each value.

::

    {"145120008365555264": [{"time": 2458263.98, "mag": 17.4, "band": "g"}, {...}, ...], "145...": [...]}
                            ----- block of rows ---------------------------------------

The first row says how rows look, byte for byte but for the values; all others must look the same. One of two engines
reads a block at a time: `scan_numba` where the extra ``fast`` is installed, otherwise `scan_numpy`. A value that is not
a plain number of moderate length is read by the library decoder, one by one. At anything else that is not expected the
whole answer is left to that decoder, so nothing is read here that it would read otherwise.
"""

import contextlib
import functools
import re
import threading
from dataclasses import dataclass

import numpy as np
import orjson

from alerce_zvar.wire import scan_numpy
from alerce_zvar.wire.decode import LATEST

__all__ = ["Scan", "scan"]

_READABLE = {("float64", "float"), ("float32", "float"), ("int64", "int"), ("str", "str")}
_WORTH = 1 << 20  # bytes from which the compiled engine is used; loading it takes as long as many small answers
_TURN = threading.Lock()  # numpy's many short calls cost twice as much where threads fight for Python's lock
_FEW = 32  # different texts or whole numbers of a column
_NULL = int.from_bytes(b"null", "little")
_LARGEST = {"float32": float(np.finfo(np.float32).max), "float64": float(np.finfo(np.float64).max)}

# Keys are plain ASCII, spaces are those of JSON.
_SPACE = re.compile(rb"[ \t\n\r]*")
_BLOCK = re.compile(rb'[ \t\n\r]*"([ !#-\[\]-~]+)"[ \t\n\r]*:[ \t\n\r]*\[[ \t\n\r]*')
_OPEN, _CLOSE = re.compile(rb"\{[ \t\n\r]*"), re.compile(rb"[ \t\n\r]*\}")
_COMMA = re.compile(rb"[ \t\n\r]*,[ \t\n\r]*")
_PAIR = re.compile(rb'"([ !#-\[\]-~]+)"[ \t\n\r]*:[ \t\n\r]*("[ !#-\[\]-~]*"|[-+.\w]+)')


@dataclass
class Scan:
    """What an answer holds.

    Attributes
    ----------
    lengths : dict of str to int
        Key -> number of rows, in the order of the answer.
    columns : dict of `numpy.ma.MaskedArray`
        Values of all rows by their names on the wire, as `decode.decode_columns` takes them.
    """

    lengths: dict
    columns: dict

    def rows_of(self, keys):
        """Columns of the rows of some keys, in the order of these."""
        if list(keys) == [key for key, length in self.lengths.items() if length]:
            return self.columns
        ends = dict(zip(self.lengths, np.cumsum(list(self.lengths.values())), strict=True))
        rows = np.concatenate([np.arange(ends[key] - self.lengths[key], ends[key]) for key in keys])
        return {name: values[rows] for name, values in self.columns.items()}


@dataclass
class Layout:
    """How rows look: ``literals[i]`` stands before value i, `tail` behind the last one, `comma` between rows."""

    columns: list
    literals: list
    tail: bytes
    comma: bytes

    def __post_init__(self):
        self.is_float = np.array([column.wire_dtype == "float" for column in self.columns])
        self.shortest = sum(map(len, self.literals)) + len(self.columns) + len(self.tail)


class Values:
    """Room for the values of some rows, in arrays of shape (columns, rows); each column uses one of them."""

    def __init__(self, width, rows):
        self.floats = np.empty((width, rows))  # NaN for null
        self.tokens = np.empty((width, rows), dtype=np.uint64)  # bytes of whole numbers, texts and nulls, up to 8
        self.odd = []  # (column, row, start, end) of what the engine leaves to the library decoder


class _UnexpectedError(Exception):
    """The answer is one for the library decoder."""


def scan(body, schema):
    """Columns of an answer that is an object of lists of rows.

    Parameters
    ----------
    body : bytes
        JSON.
    schema : TableSchema
        What the rows are.

    Returns
    -------
    Scan or None
        None where the library decoder has to read the answer.
    """
    try:
        _demand(b"\0" not in body)
        layout = _layout(body, schema)
        values = Values(len(layout.columns), len(body) // layout.shortest + 1)
        lengths = _read(body, layout, values)
        columns = _columns(body, layout, values, sum(lengths.values()))
    except (_UnexpectedError, orjson.JSONDecodeError):
        return None
    return Scan(lengths, columns)


def _demand(condition):
    if not condition:
        raise _UnexpectedError


def _match(pattern, body, position):
    found = pattern.match(body, position)
    _demand(found)
    return found


def _layout(body, schema):
    """`Layout` by the first row of all."""
    position = body.find(b"{", body.find(b"{") + 1)
    _demand(position > 0)
    unused = {column.wire: column for column in schema.columns}
    columns, literals, separators = [], [], [_match(_OPEN, body, position)]
    while separators[-1]:
        pair = _match(_PAIR, body, separators[-1].end())
        column = unused.pop(pair[1].decode(), None)
        _demand(column and (column.dtype, column.wire_dtype) in _READABLE and not column.sentinels and not column.codes)
        columns.append(column)
        literals.append(body[position : pair.start(2)])
        position = pair.end(2)
        separators.append(_COMMA.match(body, position))
    _demand(not any(column.required or not column.nullable for column in unused.values()))
    comma = separators[1][0] if separators[1] else b","
    return Layout(columns, literals, _match(_CLOSE, body, position)[0], comma)


@functools.cache
def _compiled():
    """The compiled engine, or None."""
    try:
        from alerce_zvar.wire import scan_numba
    except ImportError:  # also where numba refuses a numpy that is too new for it
        return None
    return scan_numba


def _engine(size):
    return (_compiled() if size >= _WORTH else None) or scan_numpy


def _read(body, layout, values):
    """Fill in the values; numbers of rows by key."""
    engine = _engine(len(body))
    with _TURN if engine is scan_numpy else contextlib.nullcontext():
        return _read_by(engine.reader(body, layout, values), body)


def _read_by(read, body):
    lengths, row = {}, 0
    position = _SPACE.match(body).end()
    _demand(body[position : position + 1] == b"{")
    while True:
        block = _match(_BLOCK, body, position + 1)
        key, start, close = block[1].decode(), block.end(), body.find(b"]", block.end())
        _demand(close >= 0 and key not in lengths)
        end = close
        while body[end - 1] in b" \t\n\r":
            end -= 1
        lengths[key] = read(start, end, row) if end > start else 0
        _demand(lengths[key] >= 0)
        row += lengths[key]
        position = _SPACE.match(body, close + 1).end()
        if body[position : position + 1] != b",":
            break
    _demand(body[position : position + 1] == b"}" and _SPACE.fullmatch(body, position + 1))
    return lengths


def _columns(body, layout, values, rows):
    """Masked arrays of all columns, by their names on the wire."""
    odd = [{} for _ in layout.columns]
    for place, row, start, end in values.odd:
        odd[place][row] = orjson.loads(body[start:end])
    columns = {}
    for place, column in enumerate(layout.columns):
        if layout.is_float[place]:
            found, missing = _floats(column, values.floats[place, :rows], odd[place])
        else:
            found, missing = _words(column, values.tokens[place, :rows], odd[place])
        _demand(column.nullable or not missing.any())
        columns[column.wire] = np.ma.MaskedArray(found, missing)
    return columns


def _floats(column, numbers, odd):
    _demand({type(value) for value in odd.values()} <= {type(None), *column.wire_types})
    for row, value in odd.items():
        numbers[row] = np.nan if value is None else value
    missing = np.isnan(numbers)
    largest = LATEST[column.time[0]] if column.time else _LARGEST[column.dtype]
    _demand(np.fmax.reduce(np.abs(numbers), initial=0.0) <= largest)
    return numbers.astype(column.dtype, copy=False), missing


def _words(column, tokens, odd):
    """Whole numbers or texts; each different token is read only once."""
    tokens[list(odd)] = _NULL
    different, which = _distinct(tokens)
    values = [orjson.loads(token.tobytes().rstrip(b"\0")) for token in different.astype("<u8")]
    which[list(odd)] = len(values) + np.arange(len(odd))
    values += odd.values()
    _demand({type(value) for value in values} <= {type(None), *column.wire_types})
    empty = 0 if column.wire_dtype == "int" else ""
    found = [empty if value is None else value for value in values]
    _demand(column.wire_dtype != "int" or -(2**63) <= min(found) <= max(found) < 2**63)
    missing = np.array([value is None for value in values])
    return np.array(found, dtype=np.int64 if column.wire_dtype == "int" else str)[which], missing[which]


def _distinct(tokens):
    """Different tokens, and which of them stands where; without sorting where they are few."""
    different, which, left = [], np.full(len(tokens), -1), np.ones(len(tokens), dtype=bool)
    while left.any():
        if len(different) == _FEW:
            return np.unique(tokens, return_inverse=True)
        token = tokens[np.argmax(left)]
        here = tokens == token
        which[here] = len(different)
        left &= ~here
        different.append(token)
    return np.array(different), which
