"""The tables that can be asked: ALeRCE's, over those of the archive; its catalogues; TAP_SCHEMA; uploads."""

from alerce_zvar.alerce.schema.tap import SCHEMAS, TABLES, UPLOAD_SCHEMA, TapColumn, TapTable
from alerce_zvar.archive.catalogs import stored_catalogs
from alerce_zvar.server.statistics import MAGSTATS
from alerce_zvar.server.tap.described import TAP_SCHEMA, TAP_TABLES, describe
from alerce_zvar.server.tap.scope import quoted
from alerce_zvar.server.tap.words import QueryError

__all__ = ["DESCRIPTIONS", "Relations", "known_tables"]

CATALOG_SCHEMA = "catalogs"
DESCRIPTIONS = SCHEMAS | {
    CATALOG_SCHEMA: "Catalogues of others that this archive holds.",
    TAP_SCHEMA: "What tables and columns there are.",
}
_SQL_TYPES = {
    "boolean": "BOOLEAN",
    "short": "SMALLINT",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "char": "VARCHAR",
}
_DATATYPES = {"str": "char", "int64": "long", "float64": "double", "float32": "float", "bool": "boolean"}
# Kinds of object are known of objects only; what has none is fixed on the sky.
_KIND = "LEFT JOIN (SELECT oid AS object, sid FROM lsst_objects) ON oid = object"
_CLASSIFIER = """
SELECT coalesce(classifier_id, dense_rank() OVER (ORDER BY classifier_name, classifier_version)) AS classifier_id,
       classifier_name, classifier_version, class_name, place FROM lsst_classifiers"""
_TAXONOMY = f"""
SELECT row_number() OVER (ORDER BY place) AS class_id, class_name, classifier_id, classifier_name,
       replace(classifier_version, '.', '') AS number,
       row_number() OVER (PARTITION BY classifier_id ORDER BY place) - 1 AS "order"
FROM ({_CLASSIFIER}) WHERE class_name IS NOT NULL"""
# What a table of the archive has to be turned into before its columns are those of the schema.
_VIEWS = {
    "magstats": MAGSTATS,
    "taxonomy": "SELECT classifier_name, classifier_version, string_agg(class_name, ',' ORDER BY place) AS classes "
    "FROM classifiers GROUP BY classifier_name, classifier_version",
    "lsst_detection": f"SELECT * REPLACE (coalesce(sid, 1) AS sid) FROM lsst_detections {_KIND}",
    "lsst_forced": f"SELECT * REPLACE (coalesce(sid, 1) AS sid) FROM lsst_forced_photometry {_KIND}",
    "lsst_classifier": f"SELECT DISTINCT classifier_id, classifier_name, classifier_version FROM ({_CLASSIFIER})",
    "lsst_taxonomy": _TAXONOMY,
    "lsst_probability": f"""
SELECT p.oid, coalesce(o.sid, 1) AS sid, t.class_id, t.classifier_id, p.probability, p.ranking, o.lastmjd,
       replace(p.classifier_version, '.', '') AS classifier_version
FROM lsst_probabilities p LEFT JOIN lsst_objects o ON o.oid = p.oid LEFT JOIN ({_TAXONOMY}) t
     ON t.classifier_name = p.classifier_name AND t.number = replace(p.classifier_version, '.', '')
        AND t.class_name = p.class_name""",
}


def known_tables(archive):
    """All tables but uploads, as a list of `TapTable`: TAP_SCHEMA, ALeRCE's, the archive's catalogues."""
    return [*TAP_TABLES, *TABLES, *map(_catalog_table, stored_catalogs(archive.query))]


def _catalog_table(catalog):
    columns = tuple(
        TapColumn(
            name=column.wire.lower(),
            datatype=_DATATYPES[column.dtype],
            unit="d" if column.time else str(column.unit or ""),
            ucd=column.ucd,
            description=column.description,
            source=column.wire,
            indexed=column.name in (catalog.ra, catalog.dec),
            principal=column.name in (catalog.ra, catalog.dec),
        )
        for column in catalog.schema.columns
    )
    name = catalog.table.removeprefix("cat_").lower()
    return TapTable(f"{CATALOG_SCHEMA}.{name}", catalog.schema.description, catalog.table, columns)


class Relations:
    """What the names in one query stand for.

    Parameters
    ----------
    archive : Archive
        Holds the rows.
    uploads : dict, optional
        Name -> (columns as tuple of TapColumn, dict of arrays).

    Attributes
    ----------
    arrays : dict
        Name -> dict of arrays: the tables outside the archive that were named so far.
    """

    def __init__(self, archive, uploads=None):
        self._archive = archive
        self._uploads = uploads or {}
        self._tables = {table.name: table for table in known_tables(archive)}
        self.arrays = {}

    def __call__(self, names):
        """SQL of a relation, and its columns.

        Raises
        ------
        QueryError
            No such table.
        """
        name = ".".join(names).lower()
        if name.startswith(f"{UPLOAD_SCHEMA}."):
            return self._upload(name)
        if name not in self._tables:
            raise QueryError(self._unknown(name))
        table = self._tables[name]
        if name.startswith(f"{TAP_SCHEMA}."):
            self.arrays[table.source] = describe(table, list(self._tables.values()), DESCRIPTIONS)
        return self._select(table), table.columns

    def _upload(self, name):
        if name not in self._uploads:
            raise QueryError(f"no table was uploaded as {name:.80}; uploaded are: {', '.join(self._uploads) or 'none'}")
        columns, arrays = self._uploads[name]
        source = "upload_" + str(list(self._uploads).index(name))
        self.arrays[source] = arrays
        return f"SELECT {', '.join(_cast(column, arrays) for column in columns)} FROM {source} AS source", columns

    def _unknown(self, name):
        bare = name.rpartition(".")[2]
        near = [known for known in self._tables if known.endswith(f".{bare}")]
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(self._tables)}"
        return f"there is no table {name:.80}; {hint}"

    def _select(self, table):
        """The columns as the schema says; null where the archive has none."""
        source = _VIEWS.get(table.source)
        relation = f"({source})" if source else quoted(table.source)
        if table.source in self.arrays:
            held = self.arrays[table.source]
        else:
            held = self._archive.query(f"SELECT * FROM {relation} LIMIT 0")
        columns = ", ".join(_cast(column, held) for column in table.columns)
        return f"SELECT {columns} FROM {relation} AS source"


def _cast(column, held):
    value = f"source.{quoted(column.source)}" if column.source in held else "NULL"
    return f"CAST({value} AS {_SQL_TYPES[column.datatype]}) AS {quoted(column.name)}"
