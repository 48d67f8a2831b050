"""Any column of astropy as values that SQL takes, and back."""

from typing import NamedTuple

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn
from astropy.time import Time

__all__ = ["Stored", "from_sql", "to_sql"]

_DTYPES = {"str": str, "int64": np.int64, "float64": np.float64, "float32": np.float32, "bool": np.bool_}
_PYTHON_TYPES = (({str}, "str"), ({bool}, "bool"), ({int}, "int64"), ({int, float}, "float64"))
_FILLINGS = {"str": "", "int64": 0, "float64": np.nan, "float32": np.nan, "bool": False}


class Stored(NamedTuple):
    """A column as it is stored.

    Parameters
    ----------
    values : ndarray
        Numbers, NaN or masked where there is none; texts as objects, None where there is none.
    dtype : {"str", "int64", "float64", "float32", "bool"}
        What they are.
    unit : `~astropy.units.UnitBase` or None
        Of the numbers.
    time_scale : str or None
        They are MJD in this scale.
    """

    values: np.ndarray
    dtype: str
    unit: u.UnitBase | None
    time_scale: str | None = None


def to_sql(name, column):
    """A column as it is stored.

    Raises
    ------
    ValueError, TypeError
        It has more than one value in a row, or values that no table of SQL takes.
    """
    if len(getattr(column, "shape", ())) != 1:
        raise ValueError(f"table: column {name!r} has more than one value in each row; one is accepted.")
    mask = np.broadcast_to(np.asarray(getattr(column, "mask", False)), len(column))
    if isinstance(column, Time):
        return Stored(np.where(mask, np.nan, getattr(column, "unmasked", column).mjd), "float64", u.d, column.scale)
    if not isinstance(column, Column | u.Quantity):
        raise TypeError(f"table: column {name!r} is a {type(column).__name__}; numbers, texts and Time are accepted.")
    bare = getattr(column, "unmasked", column)
    data = np.ma.getdata(getattr(bare, "value", bare))
    dtype, values = _converted(name, data, mask)
    return Stored(values, dtype, column.unit)


def _converted(name, data, mask):
    """Word for the type, and values in it."""
    kind = data.dtype.kind
    if kind == "f":
        dtype = "float32" if data.dtype.itemsize <= 4 else "float64"
        return dtype, np.where(mask, np.nan, data).astype(_DTYPES[dtype])
    if kind == "O":
        return _converted_objects(name, [None if m else value for value, m in zip(data.tolist(), mask, strict=True)])
    if kind == "b":
        return "bool", np.ma.array(data, mask=mask)
    if kind in "iu":
        _check_int64(name, data[~mask])
        return "int64", np.ma.array(data.astype(np.int64), mask=mask)
    if kind in "US":
        return "str", np.where(mask, None, (_decoded(name, data) if kind == "S" else data).astype(object))
    raise TypeError(f"table: column {name!r} holds {data.dtype}; numbers, texts, truth values and Time are accepted.")


def _decoded(name, data):
    try:
        return np.char.decode(data, "utf-8")
    except UnicodeDecodeError as exc:
        raise ValueError(f"table: column {name!r} holds bytes that are no text in UTF-8 ({exc}).") from exc


def _converted_objects(name, values):
    """Python's own objects: of one type, or None."""
    kinds = {type(value) for value in values if value is not None}
    mask = np.array([value is None for value in values], dtype=bool)
    dtype = next((word for types, word in _PYTHON_TYPES if kinds <= types), None)
    if dtype is None:
        shown = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise TypeError(f"table: column {name!r} holds {shown}; texts, truth values or numbers alone are accepted.")
    if int in kinds:
        _check_int64(name, [value for value in values if type(value) is int], 2**63 if dtype == "int64" else 2**53)
    filled = [_FILLINGS[dtype] if value is None else value for value in values]
    if dtype == "str":
        return dtype, np.where(mask, None, np.array(filled, dtype=object))
    return dtype, np.ma.array(np.array(filled, dtype=_DTYPES[dtype]), mask=mask)


def _check_int64(name, values, bound=2**63):
    """Refuse whole numbers that are not exact in 64 bits; the bound of those among floats is lower."""
    if len(values) and not -bound <= int(min(values)) <= int(max(values)) < bound:
        raise ValueError(f"table: column {name!r} holds a number that does not fit into 64 bits.")


def from_sql(found, record):
    """Column of a table from what SQL gives; masked where NULL.

    Parameters
    ----------
    found : ndarray
        Values.
    record : `alerce_zvar.wire.spec.Column`
        What they are.
    """
    missing = np.ma.getmaskarray(found)
    values = np.where(missing, _FILLINGS[record.dtype], np.ma.getdata(found)).astype(_DTYPES[record.dtype])
    if record.time:
        column = Time(np.where(missing, 0.0, values), format=record.time[0], scale=record.time[1])
        if missing.any():
            column[missing] = np.ma.masked
    elif missing.any():
        column = MaskedColumn(values, mask=missing, unit=record.unit)
    else:
        column = Column(values, unit=record.unit)
    column.info.description = record.description or None
    return column
