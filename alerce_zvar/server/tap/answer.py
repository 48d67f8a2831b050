"""From a query to a table, and from that to the bytes of a format."""

import csv
import io
import re

import numpy as np

from alerce_zvar.errors import ArchiveError
from alerce_zvar.server.replies import dumps
from alerce_zvar.server.tap.relations import Relations
from alerce_zvar.server.tap.select import allowed_rows, translated
from alerce_zvar.server.tap.words import QueryError
from alerce_zvar.votable import DATATYPES, Field, VOTable, write_votable

__all__ = ["DEFAULT_ROWS", "FORMATS", "MOST_ROWS", "answer", "format_of", "written"]

DEFAULT_ROWS = 100_000  # where MAXREC is not given
MOST_ROWS = 1_000_000
_OF_OUR_SQL = re.compile(" (?:LINE|Use|You might need|In order to|Candidate functions:) ")  # what follows is
_VOTABLE = "application/x-votable+xml"
# What FORMAT may say -> how rows are written, and the type of the answer.
FORMATS = {
    "votable": ("BINARY2", _VOTABLE),
    _VOTABLE: ("BINARY2", _VOTABLE),
    "text/xml": ("BINARY2", "text/xml"),
    "votable/b2": ("BINARY2", _VOTABLE),
    f"{_VOTABLE};serialization=binary2": ("BINARY2", f"{_VOTABLE};serialization=BINARY2"),
    "votable/td": ("TABLEDATA", _VOTABLE),
    f"{_VOTABLE};serialization=tabledata": ("TABLEDATA", f"{_VOTABLE};serialization=TABLEDATA"),
    "csv": ("csv", "text/csv; header=present; charset=utf-8"),
    "text/csv": ("csv", "text/csv; header=present; charset=utf-8"),
    "tsv": ("tsv", "text/tab-separated-values; charset=utf-8"),
    "text/tab-separated-values": ("tsv", "text/tab-separated-values; charset=utf-8"),
    "json": ("json", "application/json"),
    "application/json": ("json", "application/json"),
}


def format_of(text):
    """Way of writing and type for what FORMAT or RESPONSEFORMAT says.

    Raises
    ------
    QueryError
        One that is not written here.
    """
    known = FORMATS.get("".join((text or "votable").lower().split()))
    if known is None:
        raise QueryError(f"FORMAT {text[:80]!r} is not written here; there are {', '.join(FORMATS)}")
    return known


def answer(archive, query, rows, *, uploads=None, seconds, given_up=None):
    """Table that a query gives.

    Parameters
    ----------
    archive : Archive
        What is asked.
    query : str
        ADQL.
    rows : int
        Most rows; where there are more, the table's status is OVERFLOW.
    uploads : dict, optional
        From `read_uploads`.
    seconds : float
        Most time.
    given_up : `threading.Event`, optional
        Set when nobody waits any more.

    Returns
    -------
    VOTable

    Raises
    ------
    QueryError
        It is not answered; why is said.
    """
    relations = Relations(archive, uploads)
    sql, parameters, columns = translated(query, relations, rows)
    rows = allowed_rows(rows, columns)
    limits = {"seconds": seconds, "given_up": given_up}
    try:
        found = archive.query_safely(sql, parameters, relations.arrays, **limits)
    except TimeoutError:
        raise QueryError(f"the query took longer than {seconds:g} s and was ended") from None
    except ArchiveError as exc:
        said = _OF_OUR_SQL.split(str(exc))[0]
        raise QueryError(f"the database refuses: {said}") from None
    values = [np.ma.asarray(found[column.sql.strip('"')]) for column in columns]
    overflow = bool(values) and len(values[0]) > rows
    values = [_held(value[:rows]) for value in values]
    fields = [_field(column, value) for column, value in zip(columns, values, strict=True)]
    said = f"only the first {rows} rows are given (MAXREC)"
    status = ("QUERY_STATUS", "OVERFLOW", said) if overflow else ("QUERY_STATUS", "OK", "")
    return VOTable(fields, values, [("QUERY", query, ""), status])


def _held(values):
    """Texts as objects, whatever else they were."""
    if values.dtype.kind == "O" or values.dtype.str[1:] in DATATYPES:
        return values
    missing = np.ma.getmaskarray(values)
    texts = np.array([None if gone else str(v) for v, gone in zip(values.data.tolist(), missing, strict=True)], object)
    return np.ma.array(texts, mask=missing)


def _field(column, values):
    known = {"unit": column.about.unit, "ucd": column.about.ucd} if column.about else {}
    known |= {"description": column.about.description} if column.about else {}
    if values.dtype.kind != "O":
        return Field(name=column.name, datatype=DATATYPES[values.dtype.str[1:]], **known)
    plain = all(text.isascii() for text in values.compressed().tolist())
    return Field(name=column.name, datatype="char" if plain else "unicodeChar", arraysize="*", **known)


def written(table, way):
    """Bytes of a table in one of the ways of `FORMATS`."""
    if way in ("csv", "tsv"):
        return _csv(table, "," if way == "csv" else "\t")
    return _json(table) if way == "json" else write_votable(table, way)


def _csv(table, delimiter):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([field.name for field in table.fields])
    writer.writerows(zip(*(_plain(column, "") for column in table.columns), strict=True))
    return text.getvalue().encode()


def _json(table):
    known = ("name", "datatype", "unit", "ucd", "description")
    columns = [{key: getattr(field, key) for key in known} for field in table.fields]
    rows = [list(row) for row in zip(*(_plain(column, None) for column in table.columns), strict=True)]
    return dumps({"contains": "table", "columns": columns, "data": rows, "status": table.status[0]})


def _plain(column, nothing):
    """Values for a text file: numbers in single precision print short."""
    values = column.data.astype(str).tolist() if column.dtype == np.float32 and nothing == "" else column.data.tolist()
    for index in np.flatnonzero(np.ma.getmaskarray(column)):
        values[index] = nothing
    return values
