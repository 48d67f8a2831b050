"""Catalogues of others in the archive: any table with positions, given back as it was, searched by position.

::

    Table  ->  values, NULL where masked  ->  table cat_<name>, with unit vectors and pixels  ->  cones, columns
           ->  names, units, descriptions ->  catalogs, catalog_columns

Names in SQL are made here, of letters, digits and underscores; those that users give are values, never parts of it.
"""

import re
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import Table

from alerce_zvar.archive import sky
from alerce_zvar.archive.columns import from_sql, to_sql
from alerce_zvar.archive.search import cone_search
from alerce_zvar.errors import ArchiveError, shown
from alerce_zvar.wire.spec import Column, TableSchema

__all__ = [
    "StoredCatalog",
    "add_rows",
    "catalog_list",
    "import_catalog",
    "match",
    "read",
    "search",
    "stored_catalog",
    "stored_catalogs",
    "values",
]

_TABLE = "cat_"  # before the names of the tables
ROW, PREFIX = "_row", "_"  # of the place of a row as it came, and before x, y, z, hpx
_RESERVED = [ROW, *(PREFIX + name for name in ("x", "y", "z", "hpx"))]
_SQL_TYPES = {"str": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "float32": "FLOAT", "bool": "BOOLEAN"}
_LONGEST_NAME = 100
_LONGEST_SQL_NAME = 60


@dataclass(frozen=True)
class StoredCatalog:
    """A catalogue of the archive.

    Parameters
    ----------
    name : str
        As it was given.
    table : str
        Its table in SQL.
    schema : TableSchema
        Its columns in order; ``wire`` is the name of each in SQL.
    ra, dec : str
        Columns of position, by the names that they were given with.
    wire_units : dict
        Column -> unit as the service spelled it that it came from.
    """

    name: str
    table: str
    schema: TableSchema
    ra: str
    dec: str
    wire_units: dict


def import_catalog(archive, name, table, *, ra="ra", dec="dec", description=""):
    """Store a table as a catalogue, in the place of one of the same name.

    Parameters
    ----------
    archive : Database
        Open for writing.
    name, table, ra, dec, description
        As in `alerce_zvar.archive.Archive.import_catalog`.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    ValueError, TypeError
        A name or a table that cannot be used.
    """
    _check_name(name)
    table = _checked_table(table, ra, dec)
    with archive.transaction():
        _create(archive.write, name, table, ra, dec, description or "")
    return len(table)


def add_rows(run, name, table, key, description):
    """Add those rows whose key a catalogue lacks, which is made where it is missing; inside the caller's transaction.

    Parameters
    ----------
    run : callable
        `Database.write`.
    name : str
        Name of the catalogue.
    table : `~astropy.table.Table`
        Of the same columns each time, with ``ra`` and ``dec``; no key is repeated in it.
    key : str
        Column of identifiers.
    description : str
        By which such a catalogue is known.

    Raises
    ------
    ArchiveError
        There is another one of that name.
    """
    held = next((catalog for catalog in stored_catalogs(run) if catalog.name.lower() == name.lower()), None)
    if held is None:
        _create(run, name, table, "ra", "dec", description)
    elif held.schema.description != description:
        raise ArchiveError(f"The archive has another catalogue {held.name!r}, which was imported; it is left as it is.")
    else:
        values, _, sql_names = _values(table, "ra", "dec")
        column = sql_names[key]
        run(
            f'INSERT INTO "{held.table}" BY NAME SELECT given.* REPLACE (_row + first AS _row) '
            f'FROM given, (SELECT coalesce(max(_row) + 1, 0) AS first FROM "{held.table}") '
            f'WHERE NOT EXISTS (FROM "{held.table}" c WHERE c."{column}" = given."{column}")',
            given=values,
        )


def _values(table, ra, dec):
    """Columns as they stand in SQL; how they are stored, and called there, by their own names."""
    stored = {column: to_sql(column, table[column]) for column in table.colnames}
    sql_names = _sql_names(table.colnames, taken=_RESERVED)
    values = {sql_names[column]: stored[column].values for column in stored} | _position(table, ra, dec)
    return values | {ROW: np.arange(len(table))}, stored, sql_names


def _create(run, name, table, ra, dec, description):
    """Make a catalogue, in the place of one of the same name."""
    values, stored, sql_names = _values(table, ra, dec)
    types = {sql_names[column]: _SQL_TYPES[stored[column].dtype] for column in stored}
    types |= dict.fromkeys(_RESERVED, "DOUBLE") | dict.fromkeys((ROW, PREFIX + "hpx"), "BIGINT")
    sql_table, place = _make_room(run, name)
    columns = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
    run(f'CREATE TABLE "{sql_table}" ({columns})')
    run(f'INSERT INTO "{sql_table}" BY NAME SELECT * FROM given ORDER BY _hpx, _row', given=values)
    run("INSERT INTO catalogs VALUES (?, ?, ?, ?, ?, ?)", [name, place, sql_table, ra, dec, description])
    records = _records(sql_table, sql_names, table, stored)
    run("INSERT INTO catalog_columns BY NAME SELECT * FROM given", given=records)


def _check_name(name):
    if not isinstance(name, str):
        raise TypeError(f"name: a text is needed, {shown(name)} was given.")
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise ValueError(
            f"name: 1 to {_LONGEST_NAME} characters that can be printed are accepted, without spaces at the ends; "
            f"{shown(name, 120)} was given."
        )


def _checked_table(table, ra, dec):
    if not isinstance(table, Table):
        raise TypeError(f"table: an astropy Table is needed, {type(table).__name__} was given.")
    missing = [f"{word}={shown(name)}" for word, name in (("ra", ra), ("dec", dec)) if name not in table.colnames]
    if missing:
        raise ValueError(f"{', '.join(missing)}: the table has no such column, but {', '.join(table.colnames)}.")
    return table


def _sql_names(names, taken):
    """Name -> one that is different from all others, whatever their case, and needs no quotes."""
    taken, found = {name.lower() for name in taken}, {}
    for name in names:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)[:_LONGEST_SQL_NAME]
        plain = plain if plain[:1].isalpha() else f"c_{plain}"
        candidates = (plain if n == 1 else f"{plain}_{n}" for n in range(1, len(taken) + 2))
        found[name] = next(candidate for candidate in candidates if candidate.lower() not in taken)
        taken.add(found[name].lower())
    return found


def _position(table, ra, dec):
    """Unit vectors and pixels of the rows; NaN and masked where the position is not whole."""
    ra, dec = (_degrees(name, to_sql(name, table[name])) for name in (ra, dec))
    there = ~np.isnan(ra + dec)
    if np.any(np.abs(dec[there]) > 90):
        raise ValueError("dec: every declination must lie within -90 to 90 deg.")
    hpx = np.ma.masked_all(len(table), dtype=np.int64)
    if there.any():
        hpx[there] = sky.pixel(ra[there], dec[there])
    vectors = sky.unit_vectors(ra, dec).T.copy()
    return dict(zip((PREFIX + name for name in "xyz"), vectors, strict=True)) | {PREFIX + "hpx": hpx}


def _degrees(name, stored):
    if stored.dtype not in ("float64", "float32", "int64") or stored.time_scale:
        raise TypeError(f"{name}: an angle is a number, in degrees or with a unit; {stored.dtype} was given.")
    values = np.ma.filled(np.ma.asarray(stored.values, dtype=float), np.nan)
    if np.isinf(values).any():
        raise ValueError(f"{name}: every angle must be finite.")
    try:
        return values if stored.unit is None else u.Quantity(values, stored.unit).to_value(u.deg)
    except u.UnitConversionError as exc:
        raise u.UnitsError(f"{name}: an angle is needed, in degrees or with a unit; {stored.unit} is none.") from exc


def _make_room(run, name):
    """Name of the table in SQL, and place in the list; a catalogue of that name, in any case, is dropped."""
    known = run("SELECT name, place, table_name FROM catalogs")
    for old, place, sql_table in zip(known["name"], known["place"], known["table_name"], strict=True):
        if old.lower() == name.lower():
            run(f'DROP TABLE "{sql_table}"')
            for registry in ("catalogs", "catalog_columns"):
                run(f"DELETE FROM {registry} WHERE table_name = ?", [sql_table])
            return sql_table, int(place)
    wanted = _TABLE + name
    return _sql_names([wanted], known["table_name"])[wanted], int(max(known["place"], default=-1)) + 1


def _records(sql_table, sql_names, table, stored):
    """Rows of the table ``catalog_columns``."""
    infos = [table[name].info for name in stored]
    metas = [info.meta or {} for info in infos]
    texts = {
        "table_name": [sql_table] * len(stored),
        "sql_name": list(sql_names.values()),
        "name": list(stored),
        "dtype": [column.dtype for column in stored.values()],
        "unit": [None if column.unit is None else column.unit.to_string() for column in stored.values()],
        "wire_unit": [meta.get("wire_unit") for meta in metas],
        "ucd": [meta.get("ucd") for meta in metas],
        "description": [info.description for info in infos],
        "time_scale": [column.time_scale for column in stored.values()],
    }
    return {"place": np.arange(len(stored))} | {key: np.array(values, dtype=object) for key, values in texts.items()}


def stored_catalogs(query):
    """All catalogues, in the order in which they came; a list of `StoredCatalog`.

    Parameters
    ----------
    query : callable
        `Database.query`, or the like of it.
    """
    by_table = {}
    for row in _rows(query("SELECT * FROM catalog_columns ORDER BY place")):
        by_table.setdefault(row["table_name"], []).append(row)
    return [_catalog(row, by_table[row["table_name"]]) for row in _rows(query("SELECT * FROM catalogs ORDER BY place"))]


def _rows(columns):
    """List of dicts, None where NULL."""
    values = [np.where(np.ma.getmaskarray(v), None, np.ma.getdata(v)).tolist() for v in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def _catalog(row, columns):
    schema = TableSchema(row["name"], row["description"], tuple(_column(column) for column in columns))
    wire_units = {column["name"]: column["wire_unit"] for column in columns if column["wire_unit"] is not None}
    return StoredCatalog(row["name"], row["table_name"], schema, row["ra"], row["dec"], wire_units)


def _column(row):
    return Column(
        name=row["name"],
        wire=row["sql_name"],
        dtype=row["dtype"],
        unit=None if row["unit"] is None else u.Unit(row["unit"], parse_strict="silent"),
        ucd=row["ucd"] or "",
        description=row["description"] or "",
        nullable=True,
        time=("mjd", row["time_scale"]) if row["time_scale"] else None,
    )


def stored_catalog(query, name):
    """`StoredCatalog` of that name, in any case.

    Raises
    ------
    ArchiveError
        There is none; the names that there are are given.
    TypeError
        A name that is no text.
    """
    if not isinstance(name, str):
        raise TypeError(f"name: a text is needed, {shown(name)} was given.")
    catalogs = stored_catalogs(query)
    for catalog in catalogs:
        if catalog.name.lower() == name.lower():
            return catalog
    names = ", ".join(catalog.name for catalog in catalogs) or "none"
    raise ArchiveError(f"There is no catalogue {shown(name)} in the archive, but {names}.")


def catalog_list(query):
    """Table of all catalogues: ``name, rows, columns, ra, dec, table`` (its name in SQL) ``, description``."""
    found = stored_catalogs(query)
    counts = [query(f'SELECT count(*) AS n FROM "{catalog.table}"')["n"][0] for catalog in found]
    columns = {
        "name": [catalog.name for catalog in found],
        "rows": np.array(counts, dtype=np.int64),
        "columns": np.array([len(catalog.schema.columns) for catalog in found], dtype=np.int64),
        "ra": [catalog.ra for catalog in found],
        "dec": [catalog.dec for catalog in found],
        "table": [catalog.table for catalog in found],
        "description": [catalog.schema.description for catalog in found],
    }
    return Table({name: np.array(values) if len(values) else np.empty(0, str) for name, values in columns.items()})


def read(query, catalog, rows=None):
    """Table of a catalogue as it came, or of some of its rows.

    Parameters
    ----------
    query : callable
        `Database.query`, or the like of it.
    catalog : StoredCatalog
        Which.
    rows : ndarray of int, optional
        Places of the rows wanted, in any order, also repeated.
    """
    found = values(query, catalog, rows)
    table = Table(meta={"catalog": catalog.name, "description": catalog.schema.description})
    for column in catalog.schema.columns:
        table[column.name] = from_sql(found[column.name], column)
        meta = {"ucd": column.ucd, "wire_unit": catalog.wire_units.get(column.name)}
        table[column.name].info.meta = {key: value for key, value in meta.items() if value}
    return table


def values(query, catalog, rows=None):
    """Columns of a catalogue, by its own names, as arrays that are masked where NULL; rows as in `read`."""
    columns = ", ".join(f'c."{column.wire}"' for column in catalog.schema.columns)
    if rows is None:
        found = query(f'SELECT {columns} FROM "{catalog.table}" c ORDER BY c.{ROW}')
    else:
        wanted = {"row": np.asarray(rows, dtype=np.int64), "place": np.arange(len(rows))}
        join = f'JOIN "{catalog.table}" c ON c.{ROW} = wanted.row ORDER BY wanted.place'
        found = query(f"SELECT {columns} FROM wanted {join}", wanted=wanted)
    return {column.name: found[column.wire] for column in catalog.schema.columns}


def search(query, catalog, ra, dec, radius, *, nearest=False):
    """Places of the sources of a catalogue inside cones, nearest first; arguments as in `cone_search`.

    Returns
    -------
    dict of ndarray
        ``cone`` (index of the cone), ``_row`` (place of the row, for `read` and `values`), ``distance`` [arcsec].
    """
    return cone_search(query, ra, dec, radius, table=catalog.table, key=ROW, prefix=PREFIX, nearest=nearest)


def match(query, catalog, coordinates, radius, *, nearest=False):
    """Table of the sources around positions; as `alerce_zvar.archive.Archive.search_catalog` gives it."""
    centres = np.atleast_1d(coordinates.icrs)
    cones = centres.ra.deg.ravel(), centres.dec.deg.ravel(), np.full(centres.size, radius)
    found = search(query, catalog, *cones, nearest=nearest)
    table = read(query, catalog, found[ROW])
    ours = {"input_index": Table.Column(found["cone"].astype(np.int64), description="Which position, from 0")}
    ours["separation"] = Table.Column(found["distance"], unit=u.arcsec, description="Angle from the position")
    for place, (name, column) in enumerate(ours.items()):
        if name in table.colnames:
            table.rename_column(name, f"{name}_2")
        table.add_column(column, name=name, index=place)
    return table
