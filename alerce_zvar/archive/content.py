"""One number for all that an archive holds, whatever the order in which it came.

::

    row -> text of its values -> md5, half of it as a number -> sum over the table -> sha256 over the tables
"""

import hashlib

from alerce_zvar.archive.tables import TABLES

__all__ = ["content_hash"]

_BOOKKEEPING = ("meta", "downloads", "period_searches")  # how the content came to be there
_CURVE = ("psid", "origin", "field", "ccd", "quad", "band")
_NUMBERS = ('t."lc"', 't."_row"')  # of our own, which depend on the order
_NULL, _NEXT = "\\N", "chr(31)"
_SUM = "SELECT count(*) AS n, coalesce(sum(md5_number_lower({text})::HUGEINT), 0)::VARCHAR AS total FROM {source}"


def content_hash(query):
    """Hexadecimal digest; see `Archive.content_hash`.

    Parameters
    ----------
    query : callable
        `Archive.query`.
    """
    digest = hashlib.sha256()
    for name, source, columns in _sources(query):
        texts = [f"coalesce({_text(column, kind)}, '{_NULL}')" for column, kind in columns]
        found = query(_SUM.format(text=f"concat_ws({_NEXT}, {', '.join(texts)})", source=source))
        digest.update(f"{name} {found['n'][0]} {found['total'][0]}\n".encode())
    return digest.hexdigest()


def _sources(query):
    """Name, SQL and columns of every table of content."""
    listed = query(
        "SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY table_name, column_name"
    )
    columns = {}
    for table, column, kind in zip(*listed.values(), strict=True):
        columns.setdefault(table, []).append((f't."{column}"', kind))
    catalogs = query("SELECT table_name FROM catalogs")["table_name"].tolist()
    for name in sorted({*TABLES, *catalogs} - {*_BOOKKEEPING}):
        own = [pair for pair in columns[name] if pair[0] not in _NUMBERS]
        if name == "epochs":
            joined = [(f"l.{column}", "VARCHAR") for column in _CURVE]
            yield name, "epochs t JOIN lightcurves l USING (lc)", own + joined
        else:
            yield name, f'"{name}" t', own


def _text(column, kind):
    return f"md5({column})" if kind == "BLOB" else f"{column}::VARCHAR"
