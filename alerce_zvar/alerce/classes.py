"""Classifications of objects, and the words in which they are given: classifiers, versions, classes."""

import difflib

import numpy as np
from astropy.table import Column, Table

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.asking import ObjectAnswers
from alerce_zvar.alerce.per_object import OID, SURVEY
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.alerce.service import check_survey
from alerce_zvar.errors import NoResultsWarning, ReplyError, shown, warn
from alerce_zvar.wire.answer import AnswerTable, Failures
from alerce_zvar.wire.decode import decode_table, rows_of
from alerce_zvar.wire.query import checked, documented

__all__ = ["ClassQueries"]

_ANSWERS = {"ztf": schema.CLASSIFIERS, "lsst": lsst.CLASSIFIERS}
_CLASSES = {"name": "classes", "description": "Its classes, separated by commas; see list_classes"}


class ClassQueries(ObjectAnswers):
    """Methods about classes."""

    @documented(*schema.CLASSIFICATION_PARAMS, oid=OID, survey=SURVEY)
    def query_probabilities(
        self, oid, *, survey="ztf", classifier=None, classifier_version=None, get_query_payload=False, timeout=None
    ):
        """All classifications of one object, or of each of a list; parameters and errors as for `query_object`.

        Parameters
        ----------
        {oid}
        {survey}
        {params}
        {common}

        Returns
        -------
        AnswerTable
            ``oid, classifier, classifier_version, class_name, probability, ranking``: every class of every version of
            every classifier, by rank. Ranking 1 is the most probable class of its version. An object that is known but
            not classified is noted in ``failures``.

        Notes
        -----
        Versions are names, such as ``hierarchical_rf_1.1.0`` or ``2.1.1_beta``, and have no order. The versions that
        `list_classifiers` tells are those of the taxonomy, and often others. LSST's service writes version 2.0.1 as 201
        here; classifier_version takes either, and is applied to the answer.
        """
        of_answer = classifier_version if survey == "lsst" else None
        of_request = None if survey == "lsst" else classifier_version
        asked = self._asked("probabilities", oid, survey, classifier=classifier, classifier_version=of_request)
        return self._answer(
            asked, get_query_payload, timeout, of_answer and (lambda rows: _of_version(rows, of_answer))
        )

    @documented(survey=SURVEY)
    def list_classifiers(self, *, survey="ztf", get_query_payload=False, timeout=None):
        """Classifiers and the versions of their taxonomy.

        Parameters
        ----------
        {survey}
        {common}

        Returns
        -------
        AnswerTable
            ``classifier, classifier_version, classes``, of LSST also ``classifier_id``: one row per version. Of ZTF
            these are versions of the taxonomy; probabilities are stored under others, which `query_probabilities`
            tells.
        """
        query = self._classifiers_query(survey, "list_classifiers")
        if get_query_payload:
            return query.payload
        table, _ = self._classifiers(query, survey, timeout)
        if not len(table):
            warn("No classifiers found", NoResultsWarning)
        return table

    @documented(survey=SURVEY)
    def list_classes(self, classifier, *, classifier_version=None, survey="ztf", get_query_payload=False, timeout=None):
        """Classes of a classifier.

        Parameters
        ----------
        classifier : str
            Its name, as `list_classifiers` tells it.
        classifier_version : str, optional
            One version of its taxonomy; by default all.
        {survey}
        {common}

        Returns
        -------
        AnswerTable
            ``classifier, classifier_version, class_name``: one row per version and class, in the service's order.
        """
        query = self._classifiers_query(survey, "list_classes")
        for param, word in zip(schema.CLASSIFICATION_PARAMS, (classifier, classifier_version), strict=True):
            if word is not None or param.name == "classifier":
                checked(param, word)
        if get_query_payload:
            return query.payload
        table, lists = self._classifiers(query, survey, timeout)
        rows = [
            (name, version, word)
            for name, version, words in zip(table["classifier"], table["classifier_version"], lists, strict=True)
            for word in words
            if name == classifier and classifier_version in (None, version)
        ]
        names = ("classifier", "classifier_version", "class_name")
        classes = AnswerTable(Table(rows=rows or None, names=names, dtype=("str",) * 3), copy=False)
        for name in names:
            classes[name].info.description = schema.PROBABILITIES[name].description
        classes.meta.update(table.meta | {"table": "classes"})
        if not rows:
            near = difflib.get_close_matches(classifier, sorted(set(table["classifier"])), n=3, cutoff=0.4)
            hint = f"; there are {', '.join(near)}" if near else ""
            warn(
                f"No classes of {shown(classifier)}, version {classifier_version or 'any'}, found{hint}",
                NoResultsWarning,
            )
        return classes.with_companions(failures=Failures([]).table())

    @documented()
    def query_limits(self, *, survey="ztf", get_query_payload=False, timeout=None):
        """Ranges of what objects of ZTF can be selected by.

        Parameters
        ----------
        survey : {"ztf"}
            Whose objects; the service has this of ZTF only.
        {common}

        Returns
        -------
        AnswerTable
            One row: ``min_ndet, max_ndet``, and ``min_firstmjd, max_firstmjd`` as times (UTC).
        """
        check_survey(survey, "query_limits", ("ztf",))
        query = self._client.query("limits")
        if get_query_payload:
            return query.payload
        content, reply = self._client.fetch(query, timeout=timeout)
        rows = rows_of(content, query.endpoint, reply)
        table = AnswerTable(decode_table(rows, query.endpoint.answer, url=reply.url), copy=False)
        table.meta.update(self._meta([query]))
        return table.with_companions(failures=Failures([]).table())

    def _classifiers_query(self, survey, method):
        check_survey(survey, method)
        return self._of(survey).query("classifiers")

    def _classifiers(self, query, survey, timeout):
        """Table of classifiers, and the list of classes of each."""
        content, reply = self._of(survey).fetch(query, timeout=timeout)
        rows = rows_of(content, query.endpoint, reply)
        table = AnswerTable(decode_table(rows, _ANSWERS[survey], url=reply.url, nested=("classes",)), copy=False)
        lists = [row.get("classes") for row in rows]
        if not all(isinstance(words, list) and all(isinstance(word, str) for word in words) for words in lists):
            raise ReplyError("A classifier comes without a list of its classes.", url=reply.url)
        table["classes"] = Column([", ".join(words) for words in lists], dtype=str, **_CLASSES)
        table.meta.update(self._meta([query], survey))
        return table.with_companions(failures=Failures([]).table()), lists


def _of_version(table, version):
    """Rows of a version; LSST's 2.0.1 is written 201."""
    return np.isin(table["classifier_version"], [version, version.replace(".", "")])
