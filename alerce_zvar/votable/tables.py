"""Between a `VOTable` and astropy's tables."""

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time

from alerce_zvar.votable.fields import DATATYPES, Field, VOTable

__all__ = ["from_table", "to_table"]

_LARGEST_TEXTS = 2**28  # bytes that a column of texts of equal width may take; a larger one is of objects


def to_table(votable):
    """Table of astropy: exact ids, units, descriptions and, in ``info.meta``, UCDs; masked columns where there is null.

    Parameters
    ----------
    votable : VOTable
        What was read.

    Returns
    -------
    `~astropy.table.Table`
        A name that comes twice gets a number.
    """
    table = Table()
    for field, values in zip(votable.fields, votable.columns, strict=True):
        values = _equal_widths(values) if values.dtype == object else values
        mask = np.ma.getmaskarray(values)
        if values.dtype.kind == "f":
            mask = mask | np.isnan(values.data)  # what null is in the serializations without flags
        column = MaskedColumn(values.data, mask=mask) if mask.any() else Column(values.data)
        column.unit = u.Unit(field.unit, parse_strict="silent") if field.unit else None
        column.description = field.description or None
        column.meta = {"ucd": field.ucd} if field.ucd else {}
        table[_free(field.name, table.colnames)] = column
    return table


def _free(name, taken):
    names = (name if number == 1 else f"{name}_{number}" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in names if candidate not in taken)


def _equal_widths(values):
    texts, mask = np.ma.filled(values, ""), np.ma.getmaskarray(values)
    longest = max(map(len, texts.tolist()), default=0)
    kind = object if longest * 4 * len(texts) > _LARGEST_TEXTS else str
    return np.ma.array(texts.astype(kind), mask=mask)


def from_table(table):
    """VOTable of a table of astropy, for sending.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Columns of numbers, truth values and texts, one value in each row. Times become MJDs in their own scale.

    Raises
    ------
    TypeError
        A column of something else.
    """
    found = VOTable([])
    for name in table.colnames:
        values, unit = _plain(table[name])
        field, values = _typed(name, values, unit, table[name].info)
        found.fields.append(field)
        found.columns.append(values)
    return found


def _plain(column):
    if isinstance(column, Time):
        return np.ma.array(column.mjd), "d"
    values = np.ma.asarray(getattr(column, "value", column))
    return values, str(getattr(column, "unit", None) or "")


def _typed(name, values, unit, info):
    known = {"name": name, "unit": unit, "description": info.description or "", "ucd": (info.meta or {}).get("ucd", "")}
    kind = values.dtype.str[1:]
    if values.ndim != 1:
        raise TypeError(f"column {name!r}: one value in each row is needed, not {values.shape[1:]}")
    if kind == "u8":
        if values.count() and values.max() > np.iinfo(np.int64).max:
            raise TypeError(f"column {name!r}: numbers above 2**63 cannot be sent; make them texts")
        values, kind = values.astype(np.int64), "i8"
    if kind in DATATYPES:
        return Field(datatype=DATATYPES[kind], **known), values
    if values.dtype.kind in "USO":
        rows = zip(np.ma.getdata(values).tolist(), np.ma.getmaskarray(values), strict=True)
        texts = [None if gone or text is None else _text(name, text) for text, gone in rows]
        plain = all(text is None or text.isascii() for text in texts)
        field = Field(datatype="char" if plain else "unicodeChar", arraysize="*", **known)
        return field, np.ma.array(np.array(texts, dtype=object), mask=[text is None for text in texts], dtype=object)
    raise TypeError(f"column {name!r}: numbers, truth values and texts can be sent, not {values.dtype}")


def _text(name, value):
    text = value.decode() if isinstance(value, bytes) else value
    if not isinstance(text, str):
        raise TypeError(f"column {name!r}: a text is needed, not {value!r:.40}")
    return str(text)
