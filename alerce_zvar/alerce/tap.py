"""Queries in ADQL to ALeRCE's TAP service (reference/alerce.md 9)."""

import numbers
import re

from astropy.table import Table

from alerce_zvar.alerce.service import AlerceService
from alerce_zvar.errors import MaxResultsWarning, NoResultsWarning, NotFoundError, shown, warn
from alerce_zvar.votable import from_table, to_table, write_votable
from alerce_zvar.wire.answer import AnswerTable
from alerce_zvar.wire.query import documented

__all__ = ["TapQueries", "quoted"]

_TABLES = "SELECT schema_name, table_name, table_type, description FROM TAP_SCHEMA.tables ORDER BY table_name"
_COLUMNS = "SELECT column_name, datatype, unit, ucd, description, indexed FROM TAP_SCHEMA.columns WHERE table_name = {}"
_NAMES = {"table_name": "name", "schema_name": "schema", "table_type": "type", "column_name": "name"}
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)


class TapQueries(AlerceService):
    """Methods that ask in ADQL."""

    @documented()
    def query_tap(self, adql, *, async_job=False, uploads=None, maxrec=None, get_query_payload=False, timeout=None):
        """Answer to a query in ADQL.

        Parameters
        ----------
        adql : str
            The query. A column called ``value`` must stand between double quotes; there is no WITH.
        async_job : bool
            Let the service answer in its own time, which may be longer than the two minutes of a plain query. The job
            is deleted at the end, whatever happens.
        uploads : dict, optional
            Name -> `~astropy.table.Table`, known to the query as ``TAP_UPLOAD.name``. No column may be called ``oid``.
        maxrec : int, optional
            Most rows; by default as many as the service gives.
        {common}

        Returns
        -------
        AnswerTable
            Columns as the service describes them: units, descriptions, and UCDs in ``info.meta``. Those with nulls are
            masked columns; ids are exact. If it was cut, a `MaxResultsWarning` says so.

        Raises
        ------
        InvalidQueryError
            The service refuses the query; its own words are given.
        TypeError, ValueError
            Something given cannot be sent.
        """
        question = self._tap.question(
            _checked_adql(adql), is_job=bool(async_job), uploads=_checked_uploads(uploads), maxrec=_checked_rows(maxrec)
        )
        return question.payload if get_query_payload else self._tap_answer(question, timeout, "rows")

    @documented()
    def list_tables(self, *, get_query_payload=False, timeout=None):
        """Tables that `query_tap` can ask.

        Parameters
        ----------
        {common}

        Returns
        -------
        AnswerTable
            ``schema, name, type`` (table or view) and ``description``.
        """
        question = self._tap.question(_TABLES)
        return question.payload if get_query_payload else _renamed(self._tap_answer(question, timeout, "tables"))

    @documented()
    def list_columns(self, table, *, get_query_payload=False, timeout=None):
        """Columns of a table that `query_tap` can ask.

        Parameters
        ----------
        table : str
            Its full name, such as ``"ztf.object"``.
        {common}

        Returns
        -------
        AnswerTable
            ``name, datatype, unit, ucd, description`` and ``indexed``, which tells where a condition is fast.

        Raises
        ------
        NotFoundError
            The service has no such table.
        """
        if not isinstance(table, str) or not table.strip():
            raise TypeError(f"table must be the name of a table, such as 'ztf.object', not {shown(table)}")
        question = self._tap.question(_COLUMNS.format(quoted(table.strip())))
        if get_query_payload:
            return question.payload
        columns = _renamed(self._tap_answer(question, timeout, ""))
        if not len(columns):
            advice = "list_tables() gives those that it has."
            raise NotFoundError(f"The service has no table {shown(table)}; {advice}", url=question.url)
        columns["indexed"] = columns["indexed"] == 1
        return columns

    def _tap_answer(self, question, timeout, what):
        """Table that a question gives; `what` it is of, for the warning where there is none."""
        found = self._tap.answer(question, self._tap.transport.deadline(timeout))
        table = AnswerTable(to_table(found), copy=False)
        table.meta.update(self._tap.meta(question))
        if found.status[0] == "OVERFLOW":
            warn(f"The answer was cut at {len(table)} rows; ask for more by maxrec, or for less", MaxResultsWarning)
        elif what and not len(table):
            warn(f"No {what} found", NoResultsWarning)
        return table


def quoted(text):
    """Text as it stands in a query in ADQL, between single quotes."""
    return "'" + text.replace("'", "''") + "'"


def _renamed(table):
    for name in table.colnames:
        table.rename_column(name, _NAMES.get(name, name))
    return table


def _checked_adql(adql):
    if not isinstance(adql, str):
        raise TypeError(f"adql must be a text, such as 'SELECT TOP 5 * FROM ztf.object', not {shown(adql)}")
    if not adql.strip():
        raise ValueError("adql must be a query, such as 'SELECT TOP 5 * FROM ztf.object'; an empty text was given")
    return adql


def _checked_rows(maxrec):
    if maxrec is None:
        return None
    if isinstance(maxrec, bool) or not isinstance(maxrec, numbers.Integral) or maxrec < 0:
        raise ValueError(f"maxrec must be a whole number of at least 0, not {shown(maxrec)}")
    return int(maxrec)


def _checked_uploads(uploads):
    """Name -> bytes of a VOTable."""
    if uploads is None:
        return {}
    if not isinstance(uploads, dict) or not all(isinstance(table, Table) for table in uploads.values()):
        raise TypeError("uploads must be a dict of astropy Tables by name, such as {'mine': table}")
    for name, table in uploads.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f"uploads: a table's name must be of letters, digits and underscores, not {shown(name)}")
        if "oid" in map(str.lower, table.colnames):
            # The service's database has hidden columns of that name, and refuses the table.
            raise ValueError(
                f"uploads: a column of {shown(name)} is called 'oid', which the service refuses; rename it"
            )
        if not table.colnames:
            raise ValueError(f"uploads: {shown(name)} has no columns")
    try:
        return {name: write_votable(from_table(table)) for name, table in uploads.items()}
    except TypeError as exc:
        raise TypeError(f"uploads: {exc}") from None
