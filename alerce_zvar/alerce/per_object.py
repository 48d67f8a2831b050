"""What is known of single objects: every method takes one id or any list of them."""

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.service import AlerceService
from alerce_zvar.errors import ReplyError
from alerce_zvar.wire.answer import AnswerTable, announce, decode_each
from alerce_zvar.wire.client import payloads
from alerce_zvar.wire.decode import rows_of
from alerce_zvar.wire.query import as_list, documented

__all__ = ["PerObjectQueries"]

_OID = """oid : str, or any list or Table column of them
    ALeRCE ids."""


class PerObjectQueries(AlerceService):
    """Methods that ask about objects by their ids."""

    @documented(oid=_OID)
    def query_object(self, oid, *, get_query_payload=False, timeout=None):
        """One object, or each of a list.

        Parameters
        ----------
        {oid}
        {common}

        Returns
        -------
        AnswerTable
            One row per object found, in the order of the ids.

        Raises
        ------
        NotFoundError
            A single id that the service does not know; in a list it is noted in ``failures``.
        """
        return self._per_object("object", oid, get_query_payload, timeout)

    @documented(oid=_OID)
    def query_detections(self, oid, *, get_query_payload=False, timeout=None):
        """All detections of one object, or of each of a list; parameters and errors as for `query_object`.

        Parameters
        ----------
        {oid}
        {common}

        Returns
        -------
        AnswerTable
            ``oid``, then the columns of a detection: ``candid, time`` (UTC), ``band``, ``mag`` and ``mag_err`` of the
            difference flux, ``mag_corr`` and ``mag_corr_err`` of difference plus reference, ``isdiffpos`` (the sign),
            ... Unusable values (the service's 100.0) are masked.
        """
        return self._per_object("detections", oid, get_query_payload, timeout)

    @documented(oid=_OID)
    def query_non_detections(self, oid, *, get_query_payload=False, timeout=None):
        """All exposures without a detection of one object, or of each of a list; as `query_detections`.

        Parameters
        ----------
        {oid}
        {common}

        Returns
        -------
        AnswerTable
            ``oid, time`` (UTC), ``band, limiting_mag, tid``.
        """
        return self._per_object("non_detections", oid, get_query_payload, timeout)

    @documented(oid=_OID)
    def query_magstats(self, oid, *, get_query_payload=False, timeout=None):
        """Statistics per band of one object, or of each of a list; as `query_detections`.

        Parameters
        ----------
        {oid}
        {common}

        Returns
        -------
        AnswerTable
            ``oid, band, ndet, mag_mean, mag_median, mag_min, mag_max, ...``, one row per object and band.
        """
        return self._per_object("magstats", oid, get_query_payload, timeout)

    @documented(*schema.CLASSIFICATION_PARAMS, oid=_OID)
    def query_probabilities(
        self, oid, *, classifier=None, classifier_version=None, get_query_payload=False, timeout=None
    ):
        """All classifications of one object, or of each of a list; as `query_detections`.

        Parameters
        ----------
        {oid}
        {params}
        {common}

        Returns
        -------
        AnswerTable
            ``oid, classifier, classifier_version, class_name, probability, ranking``: every class of every version of
            every classifier. Ranking 1 is the most probable class of its version.
        """
        values = {"classifier": classifier, "classifier_version": classifier_version}
        return self._per_object("probabilities", oid, get_query_payload, timeout, **values)

    def _per_object(self, endpoint, oid, get_query_payload, timeout, **values):
        given, single = as_list(oid)
        if not given:
            raise ValueError("oid must hold at least one id; an empty list was given")
        queries = [self._client.query(endpoint, oid=identifier, **values) for identifier in given]
        if get_query_payload:
            return payloads(queries)
        oids = [query.payload["oid"] for query in queries]
        answers, failures = self._client.fetch_chunks([(q, [i]) for i, q in enumerate(queries)], oids, timeout=timeout)
        description = self._client.endpoints[endpoint]
        found = {}
        for (index,), content, reply in answers:
            try:
                found[index] = rows_of(content, description, reply), reply.url
            except ReplyError as error:
                failures.add([index], error)
        table = decode_each(found, oids, schema.OBJECT["oid"], description.answer, failures)
        if single and failures.errors:
            raise failures.errors[0]
        failures.raise_if_nothing_else()
        table = AnswerTable(table, copy=False)
        table.meta.update(self._meta(queries))
        announce(len(table), failures, endpoint.replace("_", " "))
        return table.with_companions(failures=failures.table())
