"""Tables as the bytes of a file, by the name of its format."""

import csv
import functools
import io
import json
import tempfile
from pathlib import Path

from astropy.table import Table

from alerce_zvar.wire.formats import plain_name

__all__ = ["rendered"]


def rendered(table, form):
    """Bytes of a table in a format.

    Parameters
    ----------
    table : AnswerTable or DecodedTable
        What to write.
    form : {"ecsv", "votable", "parquet", "fits", "csv", "json", "jsonl"}
        In CSV and JSON times are modified Julian dates in columns that name their scale, and null is empty or null.
    """
    return _RENDER[form](table)


def _ecsv(table):
    text = io.StringIO()
    Table(table).write(text, format="ascii.ecsv")
    return text.getvalue().encode()


def _votable(table):
    body = io.BytesIO()
    table.to_votable().to_xml(body)
    return body.getvalue()


def _file(table, write):
    """Bytes of a format that is only written to files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table")
        write(path)
        return path.read_bytes()


def _parquet(table):
    return _file(table, functools.partial(Table(table).write, format="parquet"))


def _fits(table):
    return _file(table, table.to_fits)


def _csv(table):
    """As in JSON, null being empty."""
    text = io.StringIO()
    names = [plain_name(column) for column in table.columns.values()]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(json.loads(line) for line in _lines(table))
    return text.getvalue().encode()


def _json(table):
    return ("[" + ",\n ".join(_lines(table)) + "]\n").encode()


def _lines(table):
    return table.to_jsonl().split("\n")[:-1]  # splitlines would also cut at separators inside of texts


def _jsonl(table):
    return table.to_jsonl().encode()


_RENDER = {
    "ecsv": _ecsv,
    "votable": _votable,
    "parquet": _parquet,
    "fits": _fits,
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
}
