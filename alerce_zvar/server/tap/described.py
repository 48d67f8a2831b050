"""TAP_SCHEMA: the tables and columns of the service, as tables themselves (IVOA, TAP 1.1, section 4)."""

import numpy as np

from alerce_zvar.alerce.schema.tap import KEYS, TapColumn, TapTable

__all__ = ["TAP_SCHEMA", "TAP_TABLES", "describe"]

TAP_SCHEMA = "tap_schema"
_NONE = -1  # of whole numbers
_TABLE_COLUMNS = {
    "schemas": (("schema_name", "char"), ("utype", "char"), ("description", "char"), ("schema_index", "int")),
    "tables": (
        ("schema_name", "char"),
        ("table_name", "char"),
        ("table_type", "char"),
        ("utype", "char"),
        ("description", "char"),
        ("table_index", "int"),
    ),
    "columns": (
        *((name, "char") for name in ("table_name", "column_name", "datatype", "arraysize", "xtype")),
        ("size", "int"),
        *((name, "char") for name in ("description", "utype", "unit", "ucd")),
        *((name, "int") for name in ("indexed", "principal", "std", "column_index")),
    ),
    "keys": tuple((name, "char") for name in ("key_id", "from_table", "target_table", "utype", "description")),
    "key_columns": tuple((name, "char") for name in ("key_id", "from_column", "target_column")),
}
TAP_TABLES = tuple(
    TapTable(
        f"{TAP_SCHEMA}.{name}",
        f"All {name.replace('_', ' ')} of this service.",
        f"tap_{name}",
        tuple(TapColumn(name=column, datatype=datatype, source=column) for column, datatype in columns),
    )
    for name, columns in _TABLE_COLUMNS.items()
)


def describe(table, tables, descriptions):
    """Rows of one table of TAP_SCHEMA.

    Parameters
    ----------
    table : TapTable
        One of `TAP_TABLES`.
    tables : list of TapTable
        All that there are.
    descriptions : dict
        Schema -> what it holds.

    Returns
    -------
    dict of ndarray
        Texts as objects, None where null; whole numbers masked where null.
    """
    rows = _ROWS[table.source](tables, descriptions)
    names = [column.name for column in table.columns]
    texts = [column.datatype == "char" for column in table.columns]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return {
        name: np.array(values, dtype=object) if text else np.ma.masked_values(np.array(values, dtype=np.int32), _NONE)
        for name, text, values in zip(names, texts, columns, strict=True)
    }


def _schema_rows(tables, descriptions):
    names = dict.fromkeys(table.name.partition(".")[0] for table in tables)
    return [(name, None, descriptions[name], index) for index, name in enumerate(names)]


def _table_rows(tables, _descriptions):
    return [
        (table.name.partition(".")[0], table.name, "table", None, table.description, index)
        for index, table in enumerate(tables)
    ]


def _column_rows(tables, _descriptions):
    return [
        (
            table.name,
            column.name,
            column.datatype,
            "*" if column.datatype == "char" else None,
            None,
            _NONE,
            column.description or None,
            None,
            column.unit or None,
            column.ucd or None,
            int(column.indexed),
            int(column.principal),
            int(table.name.startswith(f"{TAP_SCHEMA}.")),
            index,
        )
        for table in tables
        for index, column in enumerate(table.columns)
    ]


def _key_rows(tables, _descriptions):
    return [(f"k{index}", source, target, None, None) for index, (source, target, _) in enumerate(KEYS)]


def _key_column_rows(tables, _descriptions):
    return [(f"k{index}", name, name) for index, (_, _, names) in enumerate(KEYS) for name in names]


_ROWS = {
    "tap_schemas": _schema_rows,
    "tap_tables": _table_rows,
    "tap_columns": _column_rows,
    "tap_keys": _key_rows,
    "tap_key_columns": _key_column_rows,
}
