"""Values of a column of a schema as the archive holds them: of one kind, exact, null only where that is allowed."""

import numpy as np

from alerce_zvar.errors import shown

__all__ = ["allowed", "checked", "kind_of", "needs_value", "whole_number"]

_LARGEST, _LARGEST_FLOAT = 2**63 - 1, np.finfo(float).max
_TYPES = {"int": {int, str}, "float": {int, float}, "bool": {bool}, "str": {str}, "id": {int, str}}
_WORDS = {
    "int": "a whole number of at most 64 bits",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "id": "text or a whole number",
}
_POSITIONS = {"pos.eq.ra": (0.0, 360.0), "pos.eq.dec": (-90.0, 90.0)}  # first word of the UCD: limits [deg]


def needs_value(column):
    """True of a column in which no row may be null."""
    return column.required and not column.nullable


def kind_of(column):
    """What its values are: ids are whole numbers, except versions and those that are text on the wire."""
    is_version = column.name == "classifier_version"
    if column.codes or column.dtype == "int64" or (column.wire_dtype == "id" and not is_version):
        return "int"
    if column.dtype.startswith("float"):
        return "float"
    return "id" if is_version else column.dtype


def checked(column, values, name, *, bare_nan=False):
    """Typed array of Python's own values.

    Parameters
    ----------
    column : `~alerce_zvar.wire.spec.Column`
        What they are.
    values : list
        Numbers, texts or truth values; None where there is none.
    name : str
        What errors call the column.
    bare_nan : bool
        NaN and infinity are values of their own. Otherwise NaN is null, and infinity is refused.

    Returns
    -------
    ndarray
        As of `allowed`.

    Raises
    ------
    ValueError
        A value of a wrong type, out of range, or missing.
    """
    kind = kind_of(column)
    wrong = {*map(type, values)} - _TYPES[kind] - {type(None)}
    if wrong:
        first = next(value for value in values if type(value) in wrong)
        raise ValueError(f"{name!r} must be {_WORDS[kind]}, not {shown(first)}.")
    if kind == "float":
        return _floats(values, name, as_text=True) if bare_nan else allowed(column, _floats(values, name), name)
    if kind in ("str", "id"):
        texts = [None if value is None else str(value) for value in values]
        return allowed(column, np.array(texts, dtype=object), name)
    if kind == "int":
        values = [None if value is None else whole_number(value, name) for value in values]
    filled = np.array([value or 0 for value in values], dtype=np.int64 if kind == "int" else np.bool_)
    return allowed(column, np.ma.array(filled, mask=[value is None for value in values]), name)


def _floats(values, name, *, as_text=False):
    """Numbers, NaN where there is none; or as text, which the database casts, where NaN is not to become null."""
    try:
        numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    except OverflowError as exc:
        raise ValueError(f"{name!r} must be a number of double precision: {exc}.") from exc
    if not as_text:
        return numbers
    pairs = zip(values, numbers.tolist(), strict=True)
    return np.array([None if value is None else repr(number) for value, number in pairs], dtype=object)


def whole_number(value, name):
    """Number that a value is; text must be as it is usually written, so that it can be given back.

    Raises
    ------
    ValueError
        It is none, or has more than 64 bits.
    """
    try:
        number = int(value)
    except ValueError:  # it is no number, or has more digits than Python reads
        number = _LARGEST + 1
    if abs(number) > _LARGEST or str(number) != str(value):
        raise ValueError(f"{name!r} must be {_WORDS['int']}, not {shown(value)}.")
    return number


def allowed(column, values, name):
    """An array, if each of its values may stand in the column.

    Parameters
    ----------
    column : `~alerce_zvar.wire.spec.Column`
        What they are.
    values : ndarray
        Whole numbers and truth values masked where there is none; others NaN or None there.
    name : str
        What errors call the column.

    Returns
    -------
    ndarray
        The same.

    Raises
    ------
    ValueError
        A value is missing or infinite, or a position is none.
    """
    if needs_value(column):
        nulls = _missing(values)
        if nulls.any():
            raise ValueError(f"{name!r} is missing in row {np.argmax(nulls)}.")
    if values.dtype.kind == "f":
        low, high = _POSITIONS.get(column.ucd.partition(";")[0], (-_LARGEST_FLOAT, _LARGEST_FLOAT))
        outside = ((values < low) | (values > high)) & ~np.isin(values, column.sentinels)
        if outside.any():
            reason = "be finite" if high == _LARGEST_FLOAT else f"lie within {low:g} and {high:g}"
            raise ValueError(f"{name!r} must {reason}, not {values[np.argmax(outside)]}.")
    return values


def _missing(values):
    if values.dtype == object:
        return np.array([value is None for value in values], dtype=bool)
    data = np.ma.getdata(values)
    return np.ma.getmaskarray(values) | (data != data)
