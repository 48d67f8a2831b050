"""Rows of the BINARY and BINARY2 serializations, all of a column at once (IVOA, VOTable 1.5, section 6).

::

    row of BINARY2    nulls  | 8.25 as double | 5 | h e l l o | T |
                      1 bit      8 bytes        4   as many     1
                      each
"""

import math
import struct

import numpy as np

from alerce_zvar.votable.fields import NUMPY, VOTableError

__all__ = ["decode", "encode"]

_LENGTH = struct.Struct(">I")
_ROWS_AT_ONCE = 20_000


def decode(data, fields, flags, most_rows=math.inf):
    """Columns of a stream.

    Parameters
    ----------
    data : bytes
        Whole stream.
    fields : list of Field
        Columns, all of them scalars.
    flags : bool
        BINARY2: each row begins with one bit for each column, set where it is null. Without them an empty text is null.
    most_rows : int, optional
        More are refused.

    Returns
    -------
    list of `numpy.ma.MaskedArray`
        One for each field.

    Raises
    ------
    VOTableError
        The stream is cut or damaged, or too long.
    """
    sizes = [(len(fields) + 7) // 8 if flags else 0, *map(_fixed_size, fields)]
    begins, ends = _texts(data, sizes, [1, *map(_unit, fields)], most_rows)
    places = [begins]
    for size in sizes:
        places.append(places[-1] + size if size is not None else ends.pop(0))
    buffer = np.frombuffer(data, dtype=np.uint8)
    nulls = [None] * len(fields)
    if flags:
        nulls = np.unpackbits(_gather(buffer, begins, sizes[0]), axis=1).astype(bool).T
    return [
        _column(data, buffer, field, size, (places[number], places[number + 1]), nulls[number - 1])
        for number, (field, size) in enumerate(zip(fields, sizes[1:], strict=True), start=1)
    ]


def _unit(field):
    """Bytes of one character."""
    return 2 if field.datatype == "unicodeChar" else 1


def _fixed_size(field):
    """Bytes of a value; None where its length stands before it."""
    if field.is_text:
        return None if "*" in field.arraysize else int(field.arraysize or 1) * _unit(field)
    return 1 if field.datatype in ("boolean", "bit") else NUMPY[field.datatype].itemsize


def _texts(data, sizes, units, most_rows):
    """Where each row begins, and where each text of any length ends: those alone have to be looked for one by one."""
    if None not in sizes:
        row = sum(sizes)
        rows, rest = divmod(len(data), row) if row else (0, len(data))
        if rest:
            raise VOTableError("its data end within a row")
        _check_count(rows, most_rows)
        return np.arange(rows, dtype=np.int64) * row, []
    steps, gap = [], 0
    for size, unit in zip(sizes, units, strict=True):
        if size is None:
            steps.append((gap, unit, []))
            gap = 0
        else:
            gap += size
    begins = _walk(data, steps, gap, most_rows)
    return begins, [np.array(ends, dtype=np.int64) for _, _, ends in steps]


def _check_count(rows, most_rows):
    if rows > most_rows:
        raise VOTableError(f"it has more than {most_rows} rows")


def _walk(data, steps, last, most_rows):
    read, size, place, begins = _LENGTH.unpack_from, len(data), 0, []
    try:
        while place < size:
            begins.append(place)
            _check_count(len(begins), most_rows)
            for gap, unit, ends in steps:
                place += gap
                place += 4 + unit * read(data, place)[0]
                ends.append(place)
            place += last
    except struct.error:
        place = size + 1
    if place != size:
        raise VOTableError("its data end within a row")
    return np.array(begins, dtype=np.int64)


def _gather(buffer, places, size):
    """Bytes at places, one row for each."""
    return buffer[places[:, np.newaxis] + np.arange(size)]


def _column(data, buffer, field, size, places, nulls):
    if field.is_text:
        begins, ends = (part.tolist() for part in places)
        skipped = 4 if size is None else 0
        encoding = "utf-16-be" if field.datatype == "unicodeChar" else "utf-8"
        texts = [str(data[a + skipped : b], encoding, "replace") for a, b in zip(begins, ends, strict=True)]
        if size is not None:
            texts = [text.partition("\0")[0] for text in texts]
        nulls = [not text for text in texts] if nulls is None else nulls
        return np.ma.array(np.array(texts, dtype=object), mask=nulls, dtype=object)
    nulls = np.zeros(len(places[0]), dtype=bool) if nulls is None else nulls
    raw = _gather(buffer, places[0], size)
    if field.datatype == "boolean":
        return _booleans(raw[:, 0], nulls)
    if field.datatype == "bit":
        return np.ma.array(raw[:, 0] != 0, mask=nulls)  # the first bit counts; astropy sets the fifth
    values = raw.view(NUMPY[field.datatype])[:, 0]
    values = values.astype(values.dtype.newbyteorder("="))
    if field.null and values.dtype.kind in "iu":
        nulls = nulls | (values == int(field.null))
    return np.ma.array(values, mask=nulls)


def _booleans(codes, nulls):
    true, false = (np.isin(codes, np.frombuffer(letters, dtype=np.uint8)) for letters in (b"Tt1", b"Ff0"))
    return np.ma.array(true, mask=nulls | ~(true | false))


def encode(columns, fields):
    """Stream of BINARY2, in parts.

    Parameters
    ----------
    columns : list of `numpy.ma.MaskedArray`
        Numbers of the fields' types, truth values, or objects that are texts.
    fields : list of Field
        Columns.

    Yields
    ------
    bytes
    """
    for first in range(0, len(columns[0]), _ROWS_AT_ONCE):
        yield _encode([column[first : first + _ROWS_AT_ONCE] for column in columns], fields)


def _encode(columns, fields):
    nulls = np.column_stack([np.ma.getmaskarray(column) for column in columns])
    parts = [_fixed(np.packbits(nulls, axis=1))]
    for column, field in zip(columns, fields, strict=True):
        parts += _encoded(column, field)
    rows = len(nulls)
    place = np.concatenate([[0], np.cumsum(sum((lengths for _, lengths in parts), np.zeros(rows, dtype=np.int64)))])
    out, place = np.empty(place[-1], dtype=np.uint8), place[:-1]
    for content, lengths in parts:
        # Byte k of a row's part goes to where the part begins plus k; the parts of all rows stand in `content` in turn.
        begins = np.cumsum(lengths) - lengths
        out[np.repeat(place - begins, lengths) + np.arange(len(content))] = content
        place = place + lengths
    return out.tobytes()


def _fixed(content):
    """Bytes of all rows in turn, and how many each has."""
    return content.ravel(), np.full(len(content), content.shape[1], dtype=np.int64)


def _encoded(column, field):
    values = np.ma.filled(column, _NOTHING.get(column.dtype.kind, 0))
    if field.is_text:
        encoding = "utf-16-be" if field.datatype == "unicodeChar" else "ascii"
        texts = [text.encode(encoding, "replace") for text in values.tolist()]
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        counts = (lengths // _unit(field)).astype(">u4").view(np.uint8).reshape(-1, 4)
        return [_fixed(counts), (np.frombuffer(b"".join(texts), dtype=np.uint8), lengths)]
    if field.datatype == "boolean":
        codes = np.where(np.ma.getmaskarray(column), ord("?"), np.where(values, ord("T"), ord("F"))).astype(np.uint8)
        return [_fixed(codes[:, np.newaxis])]
    raw = np.ascontiguousarray(values.astype(NUMPY[field.datatype]))
    return [_fixed(raw.view(np.uint8).reshape(len(raw), -1))]


_NOTHING = {"O": "", "f": np.nan}  # what stands where there is a null, by kind of number
