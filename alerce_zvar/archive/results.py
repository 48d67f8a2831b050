"""What was found about sources and objects elsewhere: periods, classifications, features."""

import numpy as np

from alerce_zvar.archive.usertable import floats

__all__ = ["add_rows"]

_PARENTS = {"psid": "sources", "oid": "objects"}


def add_rows(archive, name, schema, table, identifier, key):
    """Store the rows of a table, and replace those that agree with them in the key.

    Parameters
    ----------
    archive : Archive
        Open for writing.
    name : str
        Table of the archive.
    schema : TableSchema
        Its columns, besides the identifier.
    table : `~astropy.table.Table`
        Rows, with the columns of the schema and the identifier.
    identifier : {"psid", "oid"}
        What says of which source or object a row is.
    key : tuple of str
        Columns that tell rows apart, by their names on the wire.

    Raises
    ------
    ValueError
        A source or object that the archive does not hold.
    """
    given = {column.wire: _plain(table, column.name, column.unit) for column in schema.columns}
    given[identifier] = np.asarray(table[identifier]).astype(object)
    if identifier == "psid":
        given["psid"] = given["psid"].astype(np.int64)
    with archive.transaction():
        _check_known(archive, given[identifier], identifier)
        same = " AND ".join(f'{name}."{column}" = given."{column}"' for column in key)
        archive.write(f"DELETE FROM {name} USING given WHERE {same}", given=given)
        archive.write(f"INSERT INTO {name} BY NAME SELECT * FROM given", given=given)


def _check_known(archive, values, identifier):
    unknown = archive.write(
        f"SELECT DISTINCT v FROM given WHERE v NOT IN (SELECT {identifier} FROM {_PARENTS[identifier]}) "
        "ORDER BY v LIMIT 5",
        given={"v": values},
    )["v"]
    if len(unknown):
        raise ValueError(f"{identifier}: the archive does not know {', '.join(map(str, unknown))}.")


def _plain(table, name, unit):
    """A column of a user's table without unit, strings as objects; masked where it has no value."""
    if unit is not None:
        return floats(table, name, unit)
    column = np.ma.asarray(table[name])
    return column.astype(object).filled(None) if column.dtype.kind in "US" else column
