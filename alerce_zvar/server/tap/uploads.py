"""Tables that come with a query: VOTables in the request's own body, known as TAP_UPLOAD.name meanwhile."""

import re

import numpy as np

from alerce_zvar.alerce.schema.tap import UPLOAD_SCHEMA, TapColumn
from alerce_zvar.server.tap.words import LONGEST_TEXT, QueryError
from alerce_zvar.votable import VOTableError, read_votable

__all__ = ["MOST_ROWS", "parse_upload", "read_uploads"]

MOST_ROWS = 200_000
_MOST_COLUMNS = 200
_MOST_TABLES = 10
_NAME = re.compile(r"[A-Za-z]\w{0,59}", re.ASCII)
_DATATYPES = {"bit": "boolean", "unsignedByte": "short", "unicodeChar": "char"}


def parse_upload(texts):
    """What the parameter UPLOAD says: name -> part of the request that holds the table.

    Raises
    ------
    QueryError
        It cannot be read, or names a table elsewhere, which is not fetched.
    """
    found = {}
    for item in ";".join(texts).split(";"):
        name, comma, place = item.strip().partition(",")
        if not comma or not _NAME.fullmatch(name):
            raise QueryError(f"UPLOAD: {item[:80]!r} is not of the form name,param:part with a plain name")
        if not place.startswith("param:"):
            raise QueryError(f"UPLOAD: {place[:80]!r} is not fetched; send the table itself, as name,param:part")
        if name.lower() in found:
            raise QueryError(f"UPLOAD: {name} is given twice")
        found[name.lower()] = place.removeprefix("param:")
    if len(found) > _MOST_TABLES:
        raise QueryError(f"UPLOAD: at most {_MOST_TABLES} tables are taken")
    return found


def read_uploads(bodies):
    """Tables as `Relations` takes them.

    Parameters
    ----------
    bodies : dict
        Name -> bytes of a VOTable.

    Returns
    -------
    dict
        ``tap_upload.name`` -> (tuple of TapColumn, dict of arrays).

    Raises
    ------
    QueryError
        One of them cannot be used.
    """
    return {f"{UPLOAD_SCHEMA}.{name}": _table(name, body) for name, body in bodies.items()}


def _table(name, body):
    try:
        table = read_votable(body, most_rows=MOST_ROWS, most_columns=_MOST_COLUMNS)
    except VOTableError as exc:
        raise QueryError(f"the table {name} cannot be read: {exc}") from None
    if not table.fields:
        raise QueryError(f"the table {name} has no columns")
    seen = set()
    for field, column in zip(table.fields, table.columns, strict=True):
        _check(name, field, seen)
        if field.is_text and max(map(len, column.data), default=0) > LONGEST_TEXT:
            raise QueryError(f"the column {field.name:.80} of the table {name} holds a text that is too long")
        seen.add(field.name.lower())
    columns = tuple(
        TapColumn(
            name=field.name,
            datatype=_DATATYPES.get(field.datatype, field.datatype),
            unit=field.unit,
            ucd=field.ucd,
            description=field.description,
            source=field.name,
        )
        for field in table.fields
    )
    values = map(_array, table.columns)
    return columns, {column.name: array for column, array in zip(columns, values, strict=True)}


def _check(name, field, seen):
    if not field.name.isprintable() or not field.name.strip():
        raise QueryError(f"a column of the table {name} has no proper name")
    if field.name.lower() == "oid":  # the service's database has hidden columns of that name
        raise QueryError(f"a column of an uploaded table must not be called oid; rename it in the table {name}")
    if field.name.lower() in seen:
        raise QueryError(f"the table {name} has the column {field.name:.80} twice")


def _array(column):
    """Values as the database takes them: texts as objects, None where null."""
    if column.dtype != object:
        return column
    return np.where(np.ma.getmaskarray(column), None, np.ma.getdata(column))  # filled(None) would write "?"
