"""Matches of ZVAR's sources with those of other catalogues, made by the service; both ways round."""

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn, vstack

from alerce_zvar.errors import ReplyError
from alerce_zvar.wire.answer import AnswerTable, announce, decode_each
from alerce_zvar.wire.client import payloads
from alerce_zvar.wire.decode import decode_table
from alerce_zvar.wire.query import documented, to_radius
from alerce_zvar.wire.spec import TableSchema
from alerce_zvar.zvar import schema
from alerce_zvar.zvar.schema.words import null
from alerce_zvar.zvar.service import IDS, LEFT_OUT, ZvarService
from alerce_zvar.zvar.sources import SourceTable, source_tables, tables_of_each

__all__ = ["CrossmatchQueries", "MatchTable", "collect_matches"]

_MATCHES = ("xmatches", "xmatch")  # as the service answers, and as its notebook says
# Types of the values of a column that the schema does not know -> its type here, and what its integers stay below.
_TYPES = (({bool}, "bool", 1), ({int}, "int64", 2**63), ({int, float}, "float64", 2**53), ({str}, "str", 1))
_OURS = (*_MATCHES, "psid", "input_index", "separation")
_documented = documented(
    ids=IDS,
    options="""catalog : {"gaia", "ps1", "galex", "2mass", "allwise"}
    Catalogue, see `list_catalogs`.
radius : Quantity, Angle or str
    Largest separation, at most 10 arcmin. Bare numbers are refused.
closest : bool
    Only the nearest source; otherwise all.""",
    raises="""astropy.units.UnitsError
    A radius without a unit.
ValueError
    A catalogue that there is not, or a radius outside its limits.
ServiceError
    The service failed for every id.""",
)


class MatchTable(SourceTable):
    """Table of ZVAR sources that match sources of another catalogue, which are linked by the column ``source_id``.

    Attributes
    ----------
    external : `~astropy.table.Table`
        One row per source of the catalogue that was found, whether or not it has a match.
    lightcurves, periods, failures : `~astropy.table.Table`
        As of a `SourceTable`.
    """

    companions = (*SourceTable.companions, "external")


class CrossmatchQueries(ZvarService):
    """Methods that match sources with other catalogues."""

    @_documented
    def query_crossmatch(self, ids, catalog, *, radius, closest=True, get_query_payload=False, timeout=None):
        """Sources of another catalogue near ZVAR's sources.

        Parameters
        ----------
        {ids}
        {options}
        {common}

        Returns
        -------
        AnswerTable
            ``input_index``, ``psid``, ``source_id`` (text, exact), ``ra``, ``dec`` [deg], and the columns of the
            catalogue with their units; in the order of the ids, all matches of one together. Columns that the schema
            does not know keep their names, and have no unit. An id without a match stands in ``failures``, without a
            warning: every id is in one of the two.

        Raises
        ------
        {raises}
        """
        values = {"catalog": catalog, "radius": _radius(radius), "closest": closest}
        ids, jobs = self._id_jobs("xmatch", ids, schema.MAX_IDS, **values)
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        answers, failures = self._client.fetch_chunks(jobs, ids, timeout=timeout)
        found = {}
        for indices, content, reply in answers:
            collect_matches(content, indices, found, failures, reply.url)
        without = [index for index, (rows, _) in found.items() if not rows]
        found = {index: found[index] for index in sorted(found) if found[index][0]}
        answer = _widened(schema.CATALOGS[catalog], [row for rows, _ in found.values() for row in rows])
        table = AnswerTable(decode_each(found, ids, schema.OBJECTS["psid"], answer, failures), copy=False)
        failures.raise_if_nothing_else()
        owners = [index for index, (rows, _) in found.items() for _ in rows]
        table.add_column(_input_index(owners), name="input_index", index=0)
        table.meta.update(self._client.meta([query for query, _ in jobs]) | {"catalog": catalog})
        announce(len(table), failures, f"matches in {catalog}")
        failures.add(without, f"no source of {catalog} within {_arcsec(values['radius'])}")
        return table.with_companions(failures=failures.table())

    @_documented
    def query_external(self, ids, catalog, *, radius, closest=True, get_query_payload=False, timeout=None):
        """ZVAR's sources near sources of another catalogue.

        Parameters
        ----------
        ids : str, int, or any list or Table column of them
            Identifiers in the catalogue; the service's limit of 1000 a request is kept for you.
        {options}
        {common}

        Returns
        -------
        MatchTable
            ``input_index``, ``source_id`` (in the catalogue), ``separation`` [arcsec], then the columns of a ZVAR
            source: ``psid, ra, dec, objtype``; in the order of the ids. Its attribute ``external`` is the table of the
            catalogue's own sources, linked by ``source_id``; ``lightcurves`` and ``periods`` are linked by ``psid``. An
            id without a match stands in ``failures``, without a warning: every id is in one of the two.

        Raises
        ------
        {raises}

        Notes
        -----
        The separation is computed here, from the position in ZVAR, which is in single precision and up to 0.06 arcsec
        off, and that in the catalogue at its own epoch.
        """
        values = {"catalog": catalog, "radius": _radius(radius), "closest": closest}
        ids, jobs = self._id_jobs("external_xmatch", ids, schema.MAX_IDS, **values)
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        answers, failures = self._client.fetch_chunks(jobs, ids, timeout=timeout)
        found = {}
        for indices, content, reply in answers:
            collect_matches(content, indices, found, failures, reply.url)
        external = _external(found, ids, schema.CATALOGS[catalog], failures)
        matches, lightcurves, periods, without = _matches(found, ids, external, failures)
        failures.raise_if_nothing_else()
        table = MatchTable(matches, copy=False)
        table.meta.update(self._client.meta([query for query, _ in jobs]) | {"catalog": catalog})
        announce(len(table), failures, f"sources of ZVAR near those of {catalog}")
        failures.add(without, f"no source of ZVAR within {_arcsec(values['radius'])}")
        tables = {"lightcurves": lightcurves, "periods": periods, "external": external}
        return table.with_companions(failures=failures.table(), **tables)

    def list_catalogs(self):
        """Catalogues that the service matches its sources with; nothing is asked.

        Returns
        -------
        `~astropy.table.Table`
            ``name``, ``description``, ``columns`` (those that are expected, behind ``source_id, ra, dec``), ``seen``
            (False where they are guessed: no answer was ever seen).
        """
        rows = [
            {
                "name": name,
                "description": answer.description.partition(":")[0],
                "columns": ", ".join(answer.names[3:]),
                "seen": name in schema.SEEN,
            }
            for name, answer in schema.CATALOGS.items()
        ]
        return decode_table(rows, schema.CATALOG_LIST)


def _radius(radius):
    return to_radius(radius, maximum=schema.MAX_RADIUS * u.arcsec)


def _arcsec(radius):
    return f"{radius.to_value(u.arcsec):g} arcsec"


def _input_index(places):
    return Column(np.array(places, dtype=np.int64), description="Which input this row answers, from 0")


def collect_matches(content, indices, found, failures, url):
    """Add (rows, address) by input; ids that were left out, or hold no rows, are noted."""
    if not isinstance(content, dict):
        failures.add(indices, ReplyError("The answer to a cross-match is not an object keyed by id.", url=url))
        return
    for index in indices:
        key = failures.inputs[index]
        if key not in content:
            failures.add([index], f"{LEFT_OUT}: an unknown id, or one without a match")
            continue
        rows = _listed(content[key])
        if all(isinstance(row, dict) for row in rows):
            found[index] = rows, url
        else:
            failures.add([index], ReplyError(f"The answer holds no sources under '{key}'.", url=url))


def _listed(value):
    """A list, what is not one as a list of it, and null as an empty one."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _widened(answer, rows):
    """Schema with what the rows hold besides: single values of one type, under their own names and without unit."""
    known = {*answer.names, *(column.wire for column in answer.columns), *_OURS}
    more = []
    for key in dict.fromkeys(key for row in rows for key in row if key not in known):
        dtype = _dtype([row[key] for row in rows if row.get(key) is not None])
        if dtype is not None:
            more.append(null(key, key, dtype, None, "", "As the service gives it; unit not known", required=False))
    return TableSchema(answer.name, answer.description, (*answer.columns, *more))


def _dtype(values):
    """Type of a column that holds these values exactly, or None."""
    types = {type(value) for value in values}
    largest = max((abs(value) for value in values if type(value) is int), default=0)
    for accepted, dtype, limit in _TYPES:
        if types and types <= accepted:
            return dtype if largest < limit else None
    return None


def _external(found, ids, answer, failures):
    """Table of the catalogue's sources, each once; inputs without a sound one are taken out of `found` and noted."""
    first = {}
    for index, (rows, url) in list(found.items()):
        key = ids[index]
        if len(rows) != 1 or str(rows[0].get("id", key)) != key:
            failures.add([index], ReplyError(f"The answer holds no single source under '{key}'.", url=url))
            del found[index]
        first.setdefault(key, index)
    own = {index: _without_matches(key, *found[index]) for key, index in first.items() if index in found}
    wide = _widened(answer, [rows[0] for rows, _ in own.values()])
    external = decode_each(own, ids, answer["source_id"], wide, failures)
    for index in [index for index in found if first[ids[index]] in failures.errors]:
        failures.add([index], failures.errors[first[ids[index]]])
        del found[index]
    return external


def _without_matches(identifier, rows, url):
    return [{"id": identifier} | {key: value for key, value in rows[0].items() if key not in _MATCHES}], url


def _matches(found, ids, external, failures):
    """ZVAR's sources that match, with their light curves and periods; and the inputs without any."""
    places, rows, url = [], [], ""
    for index in sorted(found):
        (row,), url = found[index]
        sources = _listed(next((row[key] for key in _MATCHES if key in row), None))
        places += [index] * len(sources)
        rows += sources
    without = set(found) - set(places) - set(failures.errors)
    parts = [source_tables([], [], set(), ""), *tables_of_each(places, rows, set(), failures, url)]
    sources, lightcurves, periods = (vstack(tables, metadata_conflicts="silent") for tables in zip(*parts, strict=True))
    sources = sources[np.argsort(sources["input_index"], kind="stable")]
    source_ids = np.array(ids)[sources["input_index"]]
    columns = {"source_id": source_ids, "separation": _separations(sources, source_ids, external)}
    for place, (name, values) in enumerate(columns.items(), start=1):
        spec = schema.MATCHES[name]
        column = MaskedColumn(values, unit=spec.unit) if spec.nullable else Column(values)
        column.info.description, column.info.meta = spec.description, {"ucd": spec.ucd}
        sources.add_column(column, name=name, index=place)
    return sources, lightcurves, periods, without


def _separations(sources, source_ids, external):
    """Angles [arcsec] between ZVAR's sources and the catalogue's, masked where that has no position."""
    rows = {identifier: row for row, identifier in enumerate(external["source_id"])}
    theirs = external[[rows[identifier] for identifier in source_ids]] if len(sources) else external[:0]
    ra, dec = (np.ma.filled(theirs[name], np.nan) for name in ("ra", "dec"))
    angle = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(sources["ra"], sources["dec"])).arcsec
    return np.ma.masked_invalid(angle)
