"""Answers into typed tables, by the schema: exact ids, masks, units, times.

A body is read by orjson, which is strict and fast. What it refuses or cannot see (bare NaN, duplicate keys, a byte
order mark) is settled by a second, slower reading with Python's own reader and hooks.
"""

import json

import numpy as np
import orjson
from astropy.table import Column, MaskedColumn
from astropy.time import Time

from alerce_zvar.errors import CorruptValueWarning, ReplyError, warn
from alerce_zvar.wire.formats import DecodedTable

__all__ = ["decode_columns", "decode_table", "empty_table", "parse_json", "rows_of"]

_NUMPY = {"str": str, "int64": np.int64, "float64": np.float64, "float32": np.float32, "bool": np.bool_}
_INT64 = (-(2**63), 2**63 - 1)
SHOWN = 200  # bytes of a body that an error repeats
LATEST = {"mjd": 1e6, "jd": 3.4e6}  # in the year 4596; a JD that is called MJD lies beyond it


def parse_json(reply):
    """Content of a JSON answer.

    Parameters
    ----------
    reply : Reply
        Whole answer.

    Returns
    -------
    object
        Lists, dicts, str, int, float, bool and None. A bare ``NaN`` becomes a float NaN.

    Raises
    ------
    ReplyError
        Not JSON, cut short, empty, a page of HTML, an object with a key twice, numbers or nesting beyond all measure.
        Its attribute ``passing`` says whether asking again may help.
    """
    body = reply.body
    if not body.strip():
        raise _reply_error("The answer is empty.", reply, passing=True)
    if body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        raise _reply_error("The answer is a page of HTML or XML, not data.", reply)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_slowly(reply)
    # In JSON a quote inside a text is escaped, so '":' ends a key, except after a backslash. Fewer keys than that, or
    # keys with white space before the colon: look closer.
    plain = not any(body.count(b'"' + space + b":") for space in (b" ", b"\n", b"\t", b"\r"))
    return content if plain and _count_keys(content) == body.count(b'":') else _parse_slowly(reply)


def rows_of(content, endpoint, reply):
    """Rows of an answer as a list of dicts.

    Raises
    ------
    ReplyError
        The rows are not where the schema says.
    """
    rows = content
    if endpoint.items:
        rows = content.get(endpoint.items) if isinstance(content, dict) else None
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _reply_error(f"The answer to {endpoint.name} does not hold the rows that the contract promises.", reply)
    return rows


def decode_table(rows, schema, *, url="", nested=()):
    """Rows as a table with the schema's types, units, masks and times.

    Parameters
    ----------
    rows : list of dict
        Decoded JSON. A missing key is a null; columns that the schema does not know are named in
        ``meta["unknown_columns"]``.
    schema : TableSchema
        What the rows are.
    url : str
        For error messages.
    nested : tuple of str
        Keys that hold further tables and are decoded elsewhere.

    Returns
    -------
    `~astropy.table.Table`
        One row per row. Nullable columns are masked columns; times are `~astropy.time.Time` columns.

    Raises
    ------
    ReplyError
        A value of the wrong type, a null where none may be, or a column that is missing altogether.
    """
    if not isinstance(rows, list) or not all(type(row) is dict for row in rows):
        raise ReplyError(f"The rows of '{schema.name}' are not a list of objects.", url=url)
    if not rows:
        return empty_table(schema)
    table = DecodedTable()
    for column in schema.columns:
        table[column.name] = _column(column, [row.get(column.wire) for row in rows], rows, url)
    unknown = set().union(*rows).difference(nested, (column.wire for column in schema.columns))
    return _described(table, schema, sorted(unknown))


def decode_columns(columns, schema, *, url=""):
    """Typed columns as a table with the schema's units, masks and times; the same as `decode_table` makes of rows.

    Parameters
    ----------
    columns : dict of `numpy.ma.MaskedArray`
        Values by their names on the wire, masked where null; texts as objects. A column that is not there is null.
    schema : TableSchema
        What the rows are.
    url : str
        For error messages.

    Raises
    ------
    ReplyError
        A null where none may be, or values that cannot be of the column's type.
    """
    rows = len(next(iter(columns.values())))
    table = DecodedTable()
    for column in schema.columns:
        values = columns.get(column.wire)
        if values is None:
            values = np.ma.masked_all(rows, dtype=_NUMPY[column.dtype] if column.dtype != "str" else object)
        table.add_column(_retyped(column, np.ma.asarray(values), url), name=column.name, copy=False)
    return _described(table, schema, [])


def _retyped(column, values, url):
    missing = np.ma.getmaskarray(values).copy()
    try:
        found = _RETYPE[column.dtype](column, np.ma.getdata(values), missing)
    except (ValueError, TypeError, OverflowError) as exc:
        raise ReplyError(f"'{column.wire}' does not hold values of type {column.dtype} ({exc}).", url=url) from None
    if missing.any() and not column.nullable:
        raise ReplyError(f"'{column.wire}' is missing in row {int(np.argmax(missing))}.", url=url)
    return _finished(column, found, missing)


def _retype_texts(column, values, missing):
    """Texts; each different value is turned into one only once."""
    if values.dtype.kind == "U" and not column.codes and not column.sentinels:
        return np.where(missing, "", values) if missing.any() else values
    known = {None: ""}
    codes = column.codes or {}
    if column.sentinels:
        missing |= np.isin(values.astype(str), column.sentinels)
    texts = [None if gone else value for value, gone in zip(values.tolist(), missing, strict=True)]
    for value in set(texts) - {None}:
        known[value] = str(codes.get(value, value))
    return np.array([known[value] for value in texts], dtype=str)


def _retype_floats(column, values, missing):
    kept = values.dtype == column.dtype and not column.sentinels
    numbers = values if kept else values.astype(np.float64)
    numbers = np.where(missing, np.nan, numbers) if missing.any() else numbers
    missing |= ~np.isfinite(numbers)
    if column.sentinels:
        missing |= np.isin(numbers, column.sentinels)
    return numbers.astype(_NUMPY[column.dtype], copy=False)


def _retype_ints(column, values, missing):
    """Whole numbers, also those that came as texts or in double precision."""
    if values.dtype.kind == "f":
        whole = np.where(missing, 0.0, values)
        if np.any(whole != np.round(whole)) or np.any(np.abs(whole) > _EXACT):
            raise ValueError("a number is not whole, or too large for its type")
        return whole.astype(np.int64)
    return (np.where(missing, 0, values) if missing.any() else values).astype(np.int64, copy=False)


def _retype_bools(_column, values, missing):
    return np.where(missing, False, values).astype(bool)


_EXACT = 2.0**53  # whole numbers beyond which those in double precision may be others
_RETYPE = {
    "str": _retype_texts,
    "int64": _retype_ints,
    "float64": _retype_floats,
    "float32": _retype_floats,
    "bool": _retype_bools,
}


def empty_table(schema):
    """Table without rows that has all the typed columns of the schema."""
    table = DecodedTable()
    for column in schema.columns:
        table[column.name] = _finished(column, np.array([], dtype=_NUMPY[column.dtype]), np.array([], dtype=bool))
    return _described(table, schema, [])


def _described(table, schema, unknown):
    table.meta["table"] = schema.name
    if unknown:
        table.meta["unknown_columns"] = unknown
    return table


def _column(column, values, rows, url):
    """One astropy column from JSON values."""
    missing = np.array([value is None for value in values])
    if missing.any() and not column.nullable:
        where = int(np.argmax(missing))
        raise ReplyError(f"'{column.wire}' is missing in row {where}; the contract promises it.", url=url)
    if missing.all() and column.required and not any(column.wire in row for row in rows):
        raise ReplyError(f"No row has '{column.wire}'; the contract promises it.", url=url)
    strange = {type(value) for value in values} - {type(None)} - set(column.wire_types)
    if strange:
        bad = next(value for value in values if type(value) in strange)
        raise ReplyError(f"'{column.wire}' holds {bad!r:.60}, which is not of type {column.wire_dtype}.", url=url)
    converted, missing = _CONVERTERS[column.dtype](column, values, missing, url)
    if column.time and np.any(np.abs(converted[~missing]) > LATEST[column.time[0]]):
        raise ReplyError(f"'{column.wire}' holds a number that is no {column.time[0].upper()}.", url=url)
    return _finished(column, converted, missing)


def _to_str(column, values, missing, _url):
    codes = column.codes
    texts = ["" if value is None else str(codes.get(value, value) if codes else value) for value in values]
    found = np.array(texts, dtype=str)
    if column.sentinels:
        missing = missing | np.isin(found, column.sentinels)
        found[missing] = ""
    return found, missing


def _to_int(column, values, missing, url):
    try:
        numbers = [0 if value is None else int(value) for value in values]
    except ValueError as exc:
        raise ReplyError(f"'{column.wire}' holds a text that is no whole number ({exc}).", url=url) from None
    if not (min(numbers) >= _INT64[0] and max(numbers) <= _INT64[1]):
        raise ReplyError(f"'{column.wire}' holds a number that does not fit into 64 bits.", url=url)
    return np.array(numbers, dtype=np.int64), missing


def _to_float(column, values, missing, url):
    try:
        numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    except OverflowError:
        raise ReplyError(f"'{column.wire}' holds a number beyond all measure.", url=url) from None
    with np.errstate(over="ignore"):
        finished = numbers.astype(_NUMPY[column.dtype])
    infinite = np.isinf(finished)
    if infinite.any():
        warn(f"{infinite.sum()} infinite values of '{column.wire}' are masked", CorruptValueWarning)
    missing = ~np.isfinite(finished) | np.isin(numbers, column.sentinels)
    if missing.any() and not column.nullable:
        raise ReplyError(f"'{column.wire}' holds a value that is not a finite number.", url=url)
    return finished, missing


def _to_bool(_column, values, missing, _url):
    return np.array([bool(value) for value in values]), missing


_CONVERTERS = {"str": _to_str, "int64": _to_int, "float64": _to_float, "float32": _to_float, "bool": _to_bool}


def _finished(column, values, missing):
    if column.time:
        time_format, scale = column.time
        finished = Time(np.where(missing, 0.0, values) if missing.any() else values, format=time_format, scale=scale)
        if missing.any():
            finished[missing] = np.ma.masked
    elif column.nullable:
        finished = MaskedColumn(values, mask=missing, unit=column.unit)
    else:
        finished = Column(values, unit=column.unit)
    finished.info.name = column.name
    finished.info.description = column.description
    finished.info.meta = {"ucd": column.ucd}
    return finished


def _count_keys(content):
    """Keys of all objects in decoded JSON, however deep."""
    count, stack = 0, [content]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            count += len(item)
            stack.extend(value for value in item.values() if type(value) in (dict, list))
        elif isinstance(item, list):
            stack.extend(value for value in item if type(value) in (dict, list))
    return count


def _parse_slowly(reply):
    try:
        return json.loads(
            reply.body.decode("utf-8-sig"), object_pairs_hook=_object_without_duplicates, parse_constant=_constant
        )
    except RecursionError:
        raise _reply_error("The answer is nested too deeply.", reply) from None
    except UnicodeDecodeError as exc:
        raise _reply_error(f"The answer is not UTF-8 text ({exc.reason}).", reply) from None
    except json.JSONDecodeError as exc:
        raise _reply_error(f"The answer is not JSON ({exc}); it may be cut short.", reply, passing=True) from None
    except ValueError as exc:
        raise _reply_error(f"The answer cannot be read: {exc}.", reply) from None


def _object_without_duplicates(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"an object holds the key '{twice:.60}' twice")
    return found


def _constant(word):
    return {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}[word]


def _reply_error(message, reply, *, passing=False):
    reason = reply.body[:SHOWN].decode("utf-8", "replace")
    return ReplyError(message, passing=passing, url=reply.url, status=200, reason=reason)
