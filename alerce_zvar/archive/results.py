"""What was found about sources and objects elsewhere, as tables of a user: classifications, forced photometry, LSST."""

import numpy as np
from astropy import units as u
from astropy.table import Table
from astropy.time import Time

from alerce_zvar.archive.columns import to_sql
from alerce_zvar.archive.usertable import floats
from alerce_zvar.archive.values import allowed, checked, kind_of, needs_value
from alerce_zvar.wire.spec import Column

__all__ = ["put_classes", "put_rows", "wire_columns"]

_PARENTS = {"psid": ("sources", "psid"), "oid": ("objects", "oid"), "lsst_oid": ("lsst_objects", "oid")}
_DTYPES = {"int": np.int64, "bool": np.bool_}
_NEWEST = """
INSERT INTO {name} BY NAME
SELECT * EXCLUDE nth FROM given QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY nth DESC) = 1 ORDER BY nth
"""


def put_rows(run, name, schema, table, identifier, key):
    """Store the rows of a table, and replace those that agree with them in the key; inside the caller's transaction.

    Parameters
    ----------
    run : callable
        `Archive.write`.
    name : str
        Table of the archive.
    schema : TableSchema
        Its columns, besides the identifier.
    table : `~astropy.table.Table`
        Rows, with the columns of the schema and the identifier; of rows that agree in the key the last counts.
    identifier : {"psid", "oid", "lsst_oid", ""}
        What says of which source or object a row is; none for a table of objects.
    key : tuple of str
        Columns that tell rows apart, by their names on the wire.

    Returns
    -------
    dict of ndarray
        The rows as they were given, by their names on the wire.

    Raises
    ------
    ValueError, TypeError
        A column is missing or cannot be used, or the archive does not hold a source or object.
    """
    given = wire_columns(schema, table)
    parent, column = _PARENTS.get(identifier, ("", ""))
    if column:
        given[column] = _identifiers(table, column, identifier)
        _check_known(run, given[column], parent, column)
    same = " AND ".join(f'{name}."{wire}" = given."{wire}"' for wire in key)
    run(f"DELETE FROM {name} USING given WHERE {same}", given=given)
    newest = _NEWEST.format(name=name, key=", ".join(f'"{wire}"' for wire in key))
    run(newest, given=given | {"nth": np.arange(len(table))})
    return given


def put_classes(run, name, schema, table):
    """Store a taxonomy: one row per class, in the order of the table; versions known already are replaced."""
    given = wire_columns(schema, table, "class_name")
    given["class_name"] = np.array(_texts(table, "class_name"), dtype=object)
    same = f"({name}.classifier_name, {name}.classifier_version) = (given.classifier_name, given.classifier_version)"
    run(f"DELETE FROM {name} USING given WHERE {same}", given=given)
    last = run(f"SELECT coalesce(max(place), -1) AS n FROM {name}")["n"][0]
    run(f"INSERT INTO {name} BY NAME SELECT * FROM given", given=given | {"place": last + 1 + np.arange(len(table))})


def wire_columns(schema, table, *more):
    """Columns of a user's table as the archive holds them, by their names on the wire.

    Parameters
    ----------
    schema : TableSchema
        What they are.
    table : `~astropy.table.Table`
        By our names.
    *more : str
        Other columns that it must have.

    Returns
    -------
    dict of ndarray

    Raises
    ------
    ValueError, TypeError
        A column is missing, or cannot be used.
    """
    if not isinstance(table, Table):
        raise TypeError(f"table: an astropy Table is accepted, not {type(table).__name__}.")
    needed = [*(column.name for column in schema.columns if needs_value(column)), *more]
    missing = [name for name in needed if name not in table.colnames]
    if missing:
        raise ValueError(f"table: the column(s) {', '.join(missing)} are missing; it has {', '.join(table.colnames)}.")
    return {column.wire: _checked(table, column) for column in schema.columns}


def _checked(table, column):
    """One column without unit, scale or words; null where it is masked or absent."""
    if column.name not in table.colnames:
        return np.full(len(table), None, dtype=object)
    kind = kind_of(column)
    try:
        if kind == "float":
            return allowed(column, _numbers(table, column), column.name)
        if column.codes:
            return checked(column, _codes(table, column), column.name)
        if column.dtype == "str":
            return checked(column, _texts(table, column.name), column.name)
        values = to_sql(column.name, table[column.name]).values
        if values.dtype == _DTYPES[kind]:
            return allowed(column, values, column.name)
        return checked(column, values.tolist(), column.name)
    except ValueError as exc:
        raise ValueError(f"table: {str(exc).removeprefix('table: ')}") from exc


def _numbers(table, column):
    given = table[column.name]
    if column.time and isinstance(given, Time):
        return to_sql(column.name, getattr(given, column.time[1])).values
    to_sql(column.name, given)  # for its words on what is no column of numbers
    try:
        return floats(table, column.name, u.day if column.time else column.unit or u.one)
    except ValueError as exc:  # a unit that does not fit is one, too
        raise ValueError(f"{column.name!r}: {exc}") from exc


def _texts(table, name):
    """Texts, None where masked; what is no text is written out."""
    values = to_sql(name, table[name]).values
    return [None if value is None else str(value) for value in values.tolist()]


def _codes(table, column):
    codes = {word: code for code, word in column.codes.items()}
    words = _texts(table, column.name)
    unknown = sorted({str(word) for word in words if word not in codes})
    if unknown:
        raise ValueError(f"{column.name!r} must be one of {', '.join(codes)}; {', '.join(unknown)} was given.")
    return [codes[word] for word in words]


def _identifiers(table, name, identifier):
    """Identifiers of sources or objects, none missing: text, or 64-bit numbers."""
    if name not in table.colnames:
        raise ValueError(f"table: the column(s) {name} are missing; it has {', '.join(table.colnames)}.")
    kind = "str" if identifier == "oid" else "int64"
    column = Column(name=name, wire=name, dtype=kind, ucd="", description="")
    try:
        return checked(column, _texts(table, name), name)
    except ValueError as exc:
        raise ValueError(f"table: {exc}") from exc


def _check_known(run, values, parent, column):
    unknown = run(
        f"SELECT DISTINCT v FROM given WHERE v NOT IN (SELECT {column} FROM {parent}) ORDER BY v LIMIT 5",
        given={"v": values},
    )["v"]
    if len(unknown):
        raise ValueError(f"{column}: the archive does not know {', '.join(map(str, unknown))}.")
