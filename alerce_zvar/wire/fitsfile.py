"""Tables as FITS files and back, with every mask.

FITS has no null of its own for truth values, takes NaN for the null of numbers, and an empty text for that of texts.
Where that would not tell null from a value, astropy's second column of the mask is written.
"""

import json

import numpy as np
from astropy.table import MaskedColumn, Table
from astropy.time import Time

__all__ = ["NOTES", "read_fits", "to_fits_table"]

# Keyword of the table's meta, and of units that FITS has no word for, as JSON: names of keywords have no case.
NOTES = "AZ_NOTES"
_NATIVE = {"astropy_native": True, "character_as_bytes": False}


def to_fits_table(table):
    """Table that astropy writes to FITS without losing a mask.

    Raises
    ------
    ValueError
        A text with letters beyond ASCII, which FITS cannot hold.
    """
    found, units = Table(table), {}
    for name, column in found.columns.items():
        if isinstance(column, Time):
            continue
        if column.dtype.kind == "U" and not all(text.isascii() for text in np.ma.getdata(column).tolist()):
            raise ValueError(f"'{name}' holds letters beyond ASCII, which FITS cannot hold; VOTable and ECSV can")
        if isinstance(column, MaskedColumn) or _looks_null(column):
            found[name] = _with_mask(MaskedColumn(column))
        if column.unit is not None and not _has_word(column.unit):
            units[name], found[name].unit = str(column.unit), None
    meta = {key: _word(value) for key, value in table.meta.items()}
    found.meta = {NOTES: json.dumps({"meta": meta, "units": units})}
    return found


def _has_word(unit):
    """True if the standard has a word for a unit; it has none for DN and percent."""
    try:
        unit.to_string(format="fits")
    except ValueError:
        return False
    return True


def _looks_null(column):
    """True where a reader would take values for null."""
    data = np.ma.getdata(column)[~np.ma.getmaskarray(column)]
    if data.dtype.kind == "f":
        return bool(np.isnan(data).any())
    return data.dtype.kind == "U" and bool((data == "").any())


def _with_mask(column):
    """Column that says how its mask is written."""
    kind = column.dtype.kind
    if kind == "i":
        column.fill_value = _free(np.ma.compressed(column), column.dtype)
    elif kind != "f" or _looks_null(column):
        column.info.serialize_method["fits"] = "data_mask"
    return column


def _free(values, dtype):
    """Number that does not occur: there are more of them than rows."""
    limits = np.iinfo(dtype)
    for candidate in (limits.min, limits.max):
        if not np.any(values == candidate):
            return candidate
    taken = set(values.tolist())
    return next(number for number in range(limits.min, limits.max) if number not in taken)


def read_fits(path):
    """Table from a file that was made of `to_fits_table`, or of another one in its first extension.

    Returns
    -------
    `~astropy.table.Table`
    """
    table = Table.read(path, format="fits", **_NATIVE)
    notes = table.meta.pop(NOTES, None)
    if notes is not None:
        notes = json.loads(notes)
        table.meta.update(notes["meta"])
        for name, unit in notes["units"].items():
            table[name].unit = unit
    return table


def _word(value):
    return value if isinstance(value, str | int | float) or value is None else str(value)
