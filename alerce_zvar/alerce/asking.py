"""Asking about objects by their ids: one or any list, each input answered once, by the survey's own rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from astropy.table import vstack

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.bulk import questions_by_tap, rows_by_tap, uses_tap
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.alerce.schema.tap import BULK
from alerce_zvar.alerce.service import SURVEYS, AlerceService, check_survey
from alerce_zvar.alerce.tap import quoted
from alerce_zvar.errors import (
    InvalidQueryError,
    MaxResultsWarning,
    NotFoundError,
    ReplyError,
    ServiceError,
    warn,
)
from alerce_zvar.wire.answer import AnswerTable, Failures, announce, decode_each
from alerce_zvar.wire.client import chunks, payloads, unique_positions
from alerce_zvar.wire.decode import rows_of
from alerce_zvar.wire.query import as_list, checked
from alerce_zvar.wire.spec import TableSchema

__all__ = ["Asked", "ObjectAnswers", "decoded", "expanded", "row_order"]

_LSST_AT_ONCE = 25  # ids per request: a detection weighs some 3 kB, and an object may have hundreds
_OWN_IDS = {"ztf": schema.OBJECT["oid"], "lsst": lsst.OBJECT["oid"]}
_ENDPOINTS = {
    "ztf": {endpoint.name: endpoint for endpoint in (*schema.ENDPOINTS, *schema.V2_ENDPOINTS)},
    "lsst": {endpoint.name: endpoint for endpoint in lsst.ENDPOINTS},
}
_CUT = lsst.FORCED_LIMIT
_WORKAROUND = f"a single id is asked for as if it were two, because the service cuts the answer for one to {_CUT} rows"
# Columns by which rows are sorted that have no time, those of the first line that a table has.
_SORTED_BY = (("classifier", "classifier_version", "ranking", "class_name"), ("version", "name", "band"), ("band",), ())


@dataclass(frozen=True)
class Asked:
    """The ids of a call, checked, and what the service is asked for each of the different ones.

    Parameters
    ----------
    endpoint, survey : str
        What is asked, of which survey.
    ids : list of str
        All inputs.
    is_one : bool
        One id was given, not a list.
    values : dict
        Further values of the request.
    never_tap : bool
        However many they are, they are not asked for by TAP.
    columns : tuple of str
        Columns that are needed of detections and forced photometry; all where none is named.
    """

    endpoint: str
    survey: str
    ids: list
    is_one: bool
    values: Mapping = field(default_factory=dict)
    never_tap: bool = False
    columns: tuple = ()

    @cached_property
    def unique(self):
        """The different ids, in order of first appearance."""
        return list(dict.fromkeys(self.ids))

    @property
    def id_column(self):
        """How ids of this survey are called and described."""
        return _OWN_IDS[self.survey]

    @property
    def description(self):
        """The `Endpoint`."""
        return _ENDPOINTS[self.survey][self.endpoint]

    @property
    def tables(self):
        """Schemas of the rows that are wanted."""
        if self.endpoint == "lightcurve":
            return self._needed(schema.DETECTIONS), schema.NON_DETECTIONS
        return (lsst.OBJECT_EXTRA if "survey_extra" in self.values else self._needed(self.description.answer),)

    def _needed(self, table):
        """A table without the columns that nobody needs: reading all of them takes most of a light curve's time."""
        if not self.columns:
            return table
        return TableSchema(table.name, table.description, tuple(c for c in table.columns if c.name in self.columns))

    @property
    def lone(self):
        """Place of the id that a request for several objects would name alone, where the service cuts the answer."""
        cut = self.survey == "lsst" and self.endpoint == "forced_photometry" and not self.by_tap
        return len(self.unique) - 1 if cut and len(self.unique) % _LSST_AT_ONCE == 1 else None

    @property
    def by_tap(self):
        """True if so many ids are asked for by TAP, where it has all these rows."""
        many = uses_tap(len(self.unique)) and not self.never_tap
        return many and all(table.name in BULK for table in self.tables)

    @property
    def condition(self):
        """The further values, in ADQL; they are parameters that have the name of a column."""
        columns = self.tables[0]
        wires = {name: columns[name].wire if name in columns.names else name for name in self.values}
        words = {name: quoted(word) if isinstance(word, str) else word for name, word in self.values.items()}
        return " AND ".join(f"t0.{wires[name]} = {words[name]}" for name in words)


class ObjectAnswers(AlerceService):
    """What the methods share that ask about objects by their ids."""

    def _asked(self, endpoint, oid, survey, accepted=SURVEYS, **values):
        """Checked inputs of a method."""
        check_survey(survey, f"query_{endpoint}", accepted)
        given, is_one = as_list(oid)
        if not given:
            raise ValueError("oid must hold at least one id; an empty list was given")
        param = self._of(survey).endpoints["object"].param("oid")
        values = {name: value for name, value in values.items() if value is not None}
        return Asked(endpoint, survey, [checked(param, identifier) for identifier in given], is_one, values)

    def _answer(self, asked, get_query_payload, timeout, select=None):
        """Table of a method: `oid` first, in the order of the inputs, then of time.

        Parameters
        ----------
        asked : Asked
            What is asked.
        get_query_payload, timeout
            As for every method.
        select : callable, optional
            Takes the table of the different ids, and says which of its rows are wanted.
        """
        sent = self._sent(asked)
        if get_query_payload:
            return payloads(sent)
        table, owners, failures = self._rows(asked, timeout)
        if select is not None:
            wanted = select(table)
            table, owners = table[wanted], owners[wanted]
        which = " with these filters" if asked.values or select is not None else ""
        return self._finished(asked, table, owners, failures, sent, which)

    def _finished(self, asked, table, owners, failures, sent, which):
        """The table of all inputs, with what is noted beside it."""
        what = asked.endpoint.replace("_", " ")
        self._note_empty(asked, failures, owners, f"the service has no {what} of it{which}")
        failures = expanded(failures, asked)
        if asked.is_one and isinstance(failures.errors.get(0), Exception):
            raise failures.errors[0]
        failures.raise_if_nothing_else()
        table = AnswerTable(table[_rows_for(asked, owners)], copy=False)
        table.meta.update(self._noted(asked, sent))
        announce(len(table), failures, what)
        return table.with_companions(failures=failures.table())

    def _sent(self, asked):
        """What is sent: queries to the survey's own service, or questions to TAP."""
        if not asked.by_tap:
            return [query for query, _ in self._jobs(asked)]
        where = asked.condition
        return [q for table in asked.tables for q in questions_by_tap(self, table, asked.unique, where=where)]

    def _noted(self, asked, sent):
        """What is noted with an answer."""
        if not asked.by_tap:
            note = {} if asked.lone is None else {"workaround": _WORKAROUND}
            return self._meta(sent, asked.survey) | note
        return self._tap.meta(sent[0]) | {"requests": len(sent)} | self._survey_meta(asked.survey)

    @staticmethod
    def _note_empty(asked, failures, owners, reason):
        """Every input is answered, by rows or by a reason."""
        empty = np.bincount(owners, minlength=len(asked.unique)) == 0
        failures.add([index for index in np.flatnonzero(empty).tolist() if index not in failures.errors], reason)

    def _rows(self, asked, timeout):
        """Rows of the different ids as one table, in their order and then of time; whose they are; and failures."""
        (answer,) = asked.tables
        if asked.by_tap:
            return self._rows_by_tap(asked, answer, timeout)
        found, failures = self._found(asked, timeout)
        return *decoded(asked, found, answer, failures), failures

    def _rows_by_tap(self, asked, answer, timeout):
        """The same by TAP; where that fails, by the survey's own service."""
        table, failures = rows_by_tap(self, answer, asked.unique, where=asked.condition, timeout=timeout)
        owners = _owners_of(table["oid"], asked.unique)
        failed = [place for place, error in failures.errors.items() if not isinstance(error, NotFoundError)]
        if failed:
            rest = replace(asked, ids=[asked.unique[place] for place in failed], never_tap=True)
            more, whose, still = self._rows(rest, timeout)
            table = vstack([table, more], metadata_conflicts="silent")
            owners = np.concatenate([owners, np.array(failed)[whose]])
            failures.errors = {place: error for place, error in failures.errors.items() if place not in failed}
            failures.errors |= {failed[place]: error for place, error in still.errors.items()}
        order = row_order(table, owners)
        return table[order], owners[order], failures

    def _jobs(self, asked):
        """Requests, each with the places of the ids that it asks for among the different ones."""
        client, ids = self._of(asked.survey), asked.unique
        endpoint, values = asked.description, dict(asked.values)
        if endpoint.param("oid").many == 1:
            values |= self._survey_value(asked)
            return [(client.query(asked.endpoint, oid=oid, **values), [i]) for i, oid in enumerate(ids)]
        places = chunks(range(len(ids)), _LSST_AT_ONCE)
        return [(self._lsst_query(asked.endpoint, [ids[i] for i in part]), list(part)) for part in places]

    def _survey_value(self, asked):
        """The survey, where the service needs to be told: ZTF's newer one would mix in what ATLAS observed."""
        endpoint = asked.description
        told = asked.survey == "lsst" or asked.endpoint == "forced_photometry"
        return {"survey": asked.survey} if told and endpoint.param("survey") else {}

    def _lsst_query(self, endpoint, oids):
        """A request for several objects. The service cuts forced photometry of a single one: it is named twice."""
        twice = endpoint == "forced_photometry" and len(oids) == 1
        return self._lsst.query(endpoint, survey="lsst", oid=oids * 2 if twice else oids)

    def _found(self, asked, timeout):
        """Rows and address by place of the id, and the failures."""
        jobs = self._jobs(asked)
        answers, failures = self._of(asked.survey).fetch_chunks(jobs, asked.unique, timeout=timeout)
        found = {}
        for places, content, reply in answers:
            try:
                found.update(_rows_by_place(asked, places, content, reply))
            except ReplyError as error:
                failures.add(places, error)
        if asked.survey == "lsst":
            self._settle(asked, jobs, found, failures, timeout)
            self._announce_cut(asked, found, timeout)
        return dict(sorted(found.items())), failures

    def _announce_cut(self, asked, found, timeout):
        """Warn if the service seems to have more forced photometry of an object than it gave."""
        rows, _ = found.get(asked.lone, ((), ""))
        if len(rows) != _CUT:
            return
        oid = asked.unique[asked.lone]
        query = self._lsst.query("object", survey="lsst", oid=oid)
        try:
            content, reply = self._lsst.fetch(query, timeout=timeout)
            there = [row.get("n_forced") for row in rows_of(content, query.endpoint, reply)]
        except ServiceError:
            there = [None]
        if there != [_CUT]:
            known = there[0] if isinstance(there[0], int) else "an unknown number of"
            warn(f"The service gave {_CUT} of {known} rows of forced photometry for {oid}", MaxResultsWarning)

    def _settle(self, asked, jobs, found, failures, timeout):
        """What LSST's services mean by failing for one object: that they do not know it, have nothing on it, or failed.

        `object` answers 500 for an id that it does not know, `probabilities` 404 for an object without any. An object
        that is known has detections, so these are asked for.
        """
        endpoint = asked.description
        for place, error in failures.errors.items():
            if isinstance(error, NotFoundError) and "classifier" in error.reason.lower():
                failures.errors[place] = _reworded(InvalidQueryError, "The service knows no such classifier.", error)
        doubtful = [p for p, e in failures.errors.items() if isinstance(e, NotFoundError) or _may_mean(endpoint, e)]
        if not doubtful:
            return
        known, unsure = self._known([asked.unique[place] for place in doubtful], timeout)
        again = []
        for place in doubtful:
            oid, error = asked.unique[place], failures.errors[place]
            if oid in known and isinstance(error, NotFoundError):
                found[place] = [], error.url
                del failures.errors[place]
            elif oid in known:
                again.append(place)
            elif oid not in unsure:
                failures.errors[place] = _reworded(NotFoundError, "Not found: no detection of it is known.", error)
        self._ask_again(asked, [jobs[place] for place in again], found, failures, timeout)

    def _known(self, oids, timeout):
        """Which objects have detections, and of which it could not be found out."""
        asked = Asked("detections", "lsst", oids, False)
        found, failures = self._found(asked, timeout)
        return {oids[p] for p, (rows, _) in found.items() if rows}, {oids[p] for p in failures.errors}

    def _ask_again(self, asked, jobs, found, failures, timeout):
        """Patiently, what failed though the object is known."""
        jobs = [(replace(query, endpoint=replace(query.endpoint, unknown=0)), places) for query, places in jobs]
        answers, still = self._lsst.fetch_chunks(jobs, asked.unique, timeout=timeout)
        for places, content, reply in answers:
            try:
                found.update(_rows_by_place(asked, places, content, reply))
                del failures.errors[places[0]]
            except ReplyError as error:
                still.add(places, error)
        failures.errors.update(still.errors)


def _may_mean(endpoint, error):
    """True if a failure may mean that the thing is not known."""
    return bool(endpoint.unknown) and getattr(error, "status", None) == endpoint.unknown


def _reworded(kind, message, error):
    """Another error about the same answer."""
    return kind(message, url=error.url, status=error.status, reason=error.reason)


def _rows_by_place(asked, places, content, reply):
    """(rows, address) by place of the ids that one answer is about."""
    endpoint = asked.description
    rows = rows_of(content, endpoint, reply)
    if asked.endpoint == "forced_photometry" and asked.survey == "ztf":
        rows = [_flat(row) for row in rows]
    if endpoint.param("oid").many == 1:
        return {places[0]: (rows, reply.url)}
    found = {asked.unique[place]: [] for place in places}
    for row in rows:
        if str(row.get("oid")) not in found:
            raise ReplyError(f"A row is of the object {row.get('oid')!r:.60}, which was not asked for.", url=reply.url)
        found[str(row["oid"])].append(row)
    return {place: (found[asked.unique[place]], reply.url) for place in places}


def _flat(row):
    """Forced photometry with its extra fields beside the others, which count where both have a key."""
    extra = row.get("extra_fields")
    own = {key: value for key, value in row.items() if key != "extra_fields"}
    return (extra if isinstance(extra, dict) else {}) | own


def decoded(asked, found, answer, failures):
    """Rows of several objects as one table, in the order of the ids and then of time, and whose they are.

    Objects with an unusable row are noted as failures, and taken out of `found`.
    """
    table = decode_each(found, asked.unique, asked.id_column, answer, failures)
    owners = np.repeat(np.array(list(found), dtype=np.int64), [len(rows) for rows, _ in found.values()])
    order = row_order(table, owners)
    return table[order], owners[order]


def _owners_of(oids, unique):
    """Place of each row's object among the different ids; an int array."""
    places = {oid: place for place, oid in enumerate(unique)}
    return np.array([places[str(oid)] for oid in oids], dtype=np.int64)


def row_order(table, owners):
    """Places of the rows by object, then by time and the measurement's number, or by what tells them apart."""
    if "time" not in table.colnames:
        names = next(names for names in _SORTED_BY if set(names) <= set(table.colnames))
        return np.lexsort((*(np.ma.getdata(table[name]) for name in reversed(names)), owners))
    days = np.ma.filled(np.ma.asarray(table["time"].mjd), np.inf)
    return np.lexsort((_numbers(table), days, owners))


def _numbers(table):
    """What tells rows of the same time apart. Ids of detections have 18 or 19 digits: as text they do not sort."""
    name = next((name for name in ("candid", "measurement_id") if name in table.colnames), "band")
    texts = np.ma.filled(table[name], "0")  # exposures without a detection have none
    try:
        return texts.astype(np.int64)
    except ValueError:
        return texts


def expanded(failures, asked):
    """Failures of all inputs, from those of the different ids."""
    every = Failures(asked.ids)
    inputs = unique_positions(asked.ids)
    for place, error in failures.errors.items():
        every.add(inputs[asked.unique[place]], error)
    return every


def _rows_for(asked, owners):
    """Places of the rows of all inputs in order; rows are in the order of the different ids."""
    if len(asked.unique) == len(asked.ids):
        return slice(None)
    ends = np.cumsum(np.bincount(owners, minlength=len(asked.unique)))
    starts = np.concatenate([[0], ends[:-1]])
    parts = [np.arange(starts[i], ends[i]) for i in _owners_of(asked.ids, asked.unique)]
    return np.concatenate(parts)
