"""What ZVAR has processed: files of light curves, fields."""

import numpy as np

from alerce_zvar.errors import NoResultsWarning, warn
from alerce_zvar.wire.answer import AnswerTable, Failures
from alerce_zvar.wire.decode import decode_table, rows_of
from alerce_zvar.wire.query import documented
from alerce_zvar.zvar import schema
from alerce_zvar.zvar.service import ZvarService

__all__ = ["ProcessingQueries"]


class ProcessingQueries(ZvarService):
    """Methods that say what the service has."""

    @documented()
    def query_processing_logs(self, *, get_query_payload=False, timeout=None):
        """All that has been processed, and so can be asked for.

        Parameters
        ----------
        {common}

        Returns
        -------
        AnswerTable
            ``field, ccd, quad, band``: one row per processed file of light curves. Only ``field`` is known to be
            served; the others are masked where they are not. What else a log says is named in
            ``meta["unknown_columns"]``.
        """
        query = self._client.query("processing_logs")
        if get_query_payload:
            return query.payload
        content, reply = self._client.fetch(query, timeout=timeout)
        table = decode_table(rows_of(content, query.endpoint, reply), schema.LOGS, url=reply.url)
        return self._announced(AnswerTable(table, copy=False), query)

    @documented()
    def list_fields(self, *, get_query_payload=False, timeout=None):
        """Fields that have been processed, at least in part.

        Parameters
        ----------
        {common}

        Returns
        -------
        AnswerTable
            ``field`` (ZTF's number, rising) and ``n_logs`` (how many of its CCDs, quadrants and bands are done; a whole
            field has 64 quadrants in each band).
        """
        logs = self.query_processing_logs(get_query_payload=get_query_payload, timeout=timeout)
        if get_query_payload:
            return logs
        fields, counts = np.unique(np.asarray(logs["field"]), return_counts=True)
        rows = [
            dict(zip(schema.FIELDS.names, pair, strict=True))
            for pair in zip(fields.tolist(), counts.tolist(), strict=True)
        ]
        table = AnswerTable(decode_table(rows, schema.FIELDS), copy=False)
        table.meta = logs.meta | {"table": schema.FIELDS.name}
        return table.with_companions(failures=logs.failures)

    def _announced(self, table, query):
        table.meta.update(self._client.meta([query]))
        if not len(table):
            warn("Nothing has been processed", NoResultsWarning)
        return table.with_companions(failures=Failures([]).table())
