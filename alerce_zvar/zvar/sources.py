"""Sources of ZVAR: around positions, and by id."""

import numpy as np
from astropy import units as u
from astropy.table import Column, vstack

from alerce_zvar.errors import ReplyError
from alerce_zvar.wire.answer import AnswerTable, announce
from alerce_zvar.wire.client import chunks, payloads
from alerce_zvar.wire.decode import decode_table
from alerce_zvar.wire.query import as_list, documented, to_icrs, to_radius
from alerce_zvar.zvar import schema
from alerce_zvar.zvar.service import IDS, LEFT_OUT, ZvarService

__all__ = ["SourceQueries", "SourceTable", "rows_by_id", "source_tables", "tables_of_each"]

_NESTED = ("matchfiles", "periods", "photometry")
_RANGES = ("period", "amplitude")


class SourceTable(AnswerTable):
    """Table of ZVAR sources with the tables that belong to it, all linked by the column ``psid``.

    Attributes
    ----------
    lightcurves : `~astropy.table.Table`
        One row per light curve: field, CCD, quadrant, band, number of exposures, amplitude, extreme magnitudes.
    periods : `~astropy.table.Table`
        One row per light curve and number of phase bins: period, significance, string length.
    failures : `~astropy.table.Table`
        Inputs without an answer.
    """

    companions = ("failures", "lightcurves", "periods")

    def best_periods(self):
        """Most significant period of each source, of all its light curves and numbers of bins.

        Returns
        -------
        `~astropy.table.Table`
            Rows of ``periods``, one for each source that has any, in the order of the sources. Of equal significance
            the first is kept, and one that is not known counts least.

        Raises
        ------
        ValueError
            ``periods`` was lost, as by a join.
        """
        if self.periods is None:
            raise ValueError("this table has lost its periods; take them from the answer of the service")
        significance = np.ma.filled(np.ma.asarray(self.periods["significance"], dtype=float), -np.inf)
        best = {}
        for row, psid in enumerate(self.periods["psid"].tolist()):
            if psid not in best or significance[row] > significance[best[psid]]:
                best[psid] = row
        psids = dict.fromkeys(self["psid"].tolist())
        return self.periods[np.array([best[psid] for psid in psids if psid in best], dtype=int)]


class SourceQueries(ZvarService):
    """Methods that find sources."""

    @documented(*schema.FILTERS)
    def query_region(
        self,
        coordinates,
        *,
        radius,
        names=None,
        min_period=None,
        max_period=None,
        min_significance=None,
        min_amplitude=None,
        max_amplitude=None,
        min_exposures=None,
        objtype=None,
        get_query_payload=False,
        timeout=None,
    ):
        """Sources around one or many positions.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`
            One position, or any number of them; the service's limit of 1000 a request is kept for you.
        radius : Quantity, Angle or str
            Radius of the cones, or one for each position; at most 10 arcmin. Bare numbers are refused.
        names : str or list of str, optional
            What the positions are called, one for each; they come back in the column ``name``, and may repeat.
        {params}
        {common}

        Returns
        -------
        SourceTable
            ``input_index`` (which position), ``name`` if names were given, ``psid``, ``ra``, ``dec`` [deg],
            ``objtype``; in the order of the positions. A source near two positions is a row of each. Its attributes
            ``periods`` and ``lightcurves`` are tables linked by ``psid``, with each source once; ``failures`` lists
            positions that could not be asked.

        Raises
        ------
        astropy.units.UnitsError
            A radius or period without a unit.
        ValueError
            A value outside its limits, or min_significance without a cut on the period, which the service refuses.
        ServiceError
            The service failed for every position.

        Notes
        -----
        The service's cuts mean "any", not "all". A source is returned if at least one of its periods lies in the range
        of periods with at least that significance, and if at least one of its light curves passes the cuts on
        amplitude and exposures; the two need not be of the same band. It is returned whole, also with the periods and
        light curves that do not pass: to have only those that do, select rows of ``periods`` and ``lightcurves``.

        Positions and ids are indexed at the service, nothing else: a cone without cuts is the fastest. Positions of
        sources are in single precision, up to 0.06 arcsec off.
        """
        centres = np.atleast_1d(to_icrs(coordinates))
        labels, names = _labels(names, centres)
        radius, own = _radii(radius, len(centres))
        if min_significance is not None and min_period is None and max_period is None:
            raise ValueError("min_significance needs a cut on the period: give min_period, max_period or both")
        filters = {
            "min_period": min_period,
            "max_period": max_period,
            "min_significance": min_significance,
            "min_amplitude": min_amplitude,
            "max_amplitude": max_amplitude,
            "min_exposures": min_exposures,
            "objtype": objtype,
        }
        # Their numbers are sent as names, which must differ: as keys of the answer they would hide each other.
        numbers = [str(index) for index in range(len(centres))]
        named = list(zip(numbers, centres.ra.deg, centres.dec.deg, *own, strict=True))
        jobs = [
            (self._client.query("cone_search", positions=chunk, radius=radius, **filters), [int(p[0]) for p in chunk])
            for chunk in chunks(named, schema.MAX_POSITIONS)
        ]
        _check_ranges(jobs[0][0].payload)
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        return self._sources(jobs, labels, _rows_by_name, timeout, names)

    @documented(ids=IDS)
    def query_objects(self, ids, *, get_query_payload=False, timeout=None):
        """Sources by id.

        Parameters
        ----------
        {ids}
        {common}

        Returns
        -------
        SourceTable
            As from `query_region`: one row per id found, in the order of the ids; unknown ids are in ``failures``.

        Raises
        ------
        TypeError
            An id that is neither text nor whole number. A float is refused: it cannot hold such an id.
        ServiceError
            The service failed for every id.
        """
        ids, jobs = self._id_jobs("objects", ids, schema.MAX_IDS)
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        return self._sources(jobs, ids, rows_by_id, timeout)

    @documented(ids=IDS.partition("\n")[0])
    def query_object(self, ids, *, get_query_payload=False, timeout=None):
        """One source by its id, or each of a list; for long lists `query_objects` takes far fewer requests.

        Parameters
        ----------
        {ids}
            PanSTARRS ids, each a request of its own.
        {common}

        Returns
        -------
        SourceTable
            As from `query_objects`. Photometry that may come along is left aside: `get_lightcurves` has it.

        Raises
        ------
        NotFoundError
            A single id that the service does not know; in a list it is noted in ``failures``.
        TypeError
            An id that is neither text nor whole number.
        ServiceError
            The service failed for every id.
        """
        _, is_one = as_list(ids)
        ids, jobs = self._jobs_one_by_one("object", ids)
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        return self._sources(jobs, ids, _rows_of_one, timeout, is_one=is_one)

    def _sources(self, jobs, inputs, rows_of, timeout, names=None, *, is_one=False):
        answers, failures = self._client.fetch_chunks(jobs, inputs, timeout=timeout)
        parts, seen = [source_tables([], [], set(), "")], set()
        for indices, content, reply in answers:
            try:
                places, rows = rows_of(content, indices, failures, reply.url)
                parts += tables_of_each(places, rows, seen, failures, reply.url)
            except ReplyError as error:
                failures.add(indices, error)
        if is_one and 0 in failures.errors:
            raise failures.errors[0]
        failures.raise_if_nothing_else()
        sources, lightcurves, periods = (
            vstack(tables, metadata_conflicts="silent") for tables in zip(*parts, strict=True)
        )
        sources = SourceTable(sources[np.argsort(sources["input_index"], kind="stable")], copy=False)
        if names is not None:
            called = Column(np.array(names)[sources["input_index"]], description="Name of the position")
            sources.add_column(called, name="name", index=1)
        sources.meta.update(self._client.meta([query for query, _ in jobs]))
        announce(len(sources), failures, "sources")
        return sources.with_companions(failures=failures.table(), lightcurves=lightcurves, periods=periods)


def _labels(names, centres):
    """What failures call the positions; and the names that were given, if any."""
    if names is None:
        return [f"{ra:.6f} {dec:+.6f}" for ra, dec in zip(centres.ra.deg, centres.dec.deg, strict=True)], None
    names = [str(name) for name in as_list(names)[0]]
    if len(names) != len(centres):
        raise ValueError(f"names must be one for each of the {len(centres)} positions; {len(names)} were given")
    return names, names


def _radii(radius, count):
    """The common radius, and no column of radii; or none, and a column of radii [arcsec], one for each position."""
    maximum = schema.MAX_RADIUS * u.arcsec
    given, is_one = as_list(radius)
    if is_one:
        return to_radius(radius, maximum=maximum), []
    if len(given) != count:
        raise ValueError(f"radius must be one angle, or one for each of the {count} positions; {len(given)} were given")
    return None, [[to_radius(one, maximum=maximum).to_value(u.arcsec) for one in given]]


def _check_ranges(payload):
    for name in _RANGES:
        least, most = payload.get(f"min_{name}", 0.0), payload.get(f"max_{name}", np.inf)
        if least > most:
            raise ValueError(f"min_{name} ({least:g}) is larger than max_{name} ({most:g})")


def _rows_by_name(content, indices, failures, url):
    """Sources of a cone search: ``{name: [source, ...]}``, names being input indices."""
    if not isinstance(content, dict):
        raise ReplyError("The answer to a cone search is not an object keyed by position.", url=url)
    places, rows = [], []
    for index in indices:
        found = content.get(str(index))
        if not isinstance(found, list):
            failures.add([index], LEFT_OUT)
            continue
        places += [index] * len(found)
        rows += found
    return places, rows


def rows_by_id(content, indices, failures, url):
    """Sources by id: a list in any order, without the unknown ones."""
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ReplyError("The answer to a query by id is not a list of sources.", url=url)
    found = {str(row.get("psid")): row for row in content}
    known = [index for index in indices if failures.inputs[index] in found]
    failures.add(set(indices) - set(known), "the service knows no such id")
    return known, [found[failures.inputs[index]] for index in known]


def _rows_of_one(content, indices, failures, url):
    """A single source, for every place where it was asked for."""
    if not isinstance(content, dict) or str(content.get("psid")) != failures.inputs[indices[0]]:
        raise ReplyError("The answer is not the source that was asked for.", url=url)
    return indices, [content] * len(indices)


def source_tables(places, rows, seen, url):
    """Sources, their light curves and their periods as three tables.

    Parameters
    ----------
    places : list of int
        Input that each row answers.
    rows : list of dict
        Sources as the service gives them.
    seen : set of str
        Sources whose light curves and periods are in a table already; those of the rows are added.
    url : str
        For error messages.

    Raises
    ------
    ReplyError
        A source that is not what the contract says.
    """
    sources = decode_table(rows, schema.OBJECTS, url=url, nested=_NESTED)
    sources.add_column(np.array(places, dtype=np.int64), name="input_index", index=0)
    sources["input_index"].info.description = "Which input this row answers, from 0"
    new = {psid: row for psid, row in zip(sources["psid"], rows, strict=True) if psid not in seen}
    lightcurves = _linked_table(new, "matchfiles", schema.LIGHTCURVES, url)
    periods = _linked_table(new, "periods", schema.PERIODS, url)
    seen.update(new)
    return sources, lightcurves, periods


def tables_of_each(places, rows, seen, failures, url):
    """Tables of an answer: one triple if it is sound, otherwise one for each input whose rows are; others are noted."""
    try:
        return [source_tables(places, rows, seen, url)]
    except ReplyError:
        by_place, parts = {}, []
        for place, row in zip(places, rows, strict=True):
            by_place.setdefault(place, []).append(row)
        for place, own in by_place.items():
            try:
                parts.append(source_tables([place] * len(own), own, seen, url))
            except ReplyError as error:
                failures.add([place], error)
        return parts


def _linked_table(rows, key, rows_schema, url):
    parts = [(psid, _list_at(row, key, url)) for psid, row in rows.items()]
    table = decode_table([item for _, items in parts for item in items], rows_schema, url=url)
    owners = np.array([psid for psid, items in parts for _ in items], dtype=str)
    table.add_column(owners, name="psid", index=0)
    table["psid"].info.description = schema.OBJECTS["psid"].description
    return table


def _list_at(holder, key, url):
    """The list that an object holds under a key; none and null are an empty one."""
    found = holder.get(key)
    if found is not None and not isinstance(found, list):
        raise ReplyError(f"The answer holds no list under '{key}'.", url=url)
    return found or []
