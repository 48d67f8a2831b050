"""Lists of objects: filters, cones, pages."""

import numpy as np
import orjson
from astropy.table import vstack

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.service import AlerceService
from alerce_zvar.config import conf
from alerce_zvar.errors import MaxResultsWarning, ReplyError, ServiceError, warn
from alerce_zvar.wire.answer import AnswerTable, Failures, announce
from alerce_zvar.wire.client import chunks, payloads
from alerce_zvar.wire.decode import decode_table, empty_table, rows_of
from alerce_zvar.wire.query import as_list, checked, documented, to_icrs, to_radius

__all__ = ["ObjectQueries"]

_OIDS_PER_REQUEST = 100  # they travel in the address, and servers cut addresses at some 8 kB
_UNREPEATABLE = 50  # rows of a page that cannot all be the same as those of another; small pages may, by chance
_NOT_ZERO = 1e-9  # degrees, 4 microarcseconds: see _cone
_OWN_FILTERS = ("ra", "dec", "radius", "page", "page_size", "count")  # set by our own arguments
_FILTERS = tuple(param for param in schema.OBJECTS_PARAMS if param.name not in _OWN_FILTERS)


class ObjectQueries(AlerceService):
    """Methods that list objects."""

    @documented(*_FILTERS)
    def query_objects(
        self, *, coordinates=None, radius=None, row_limit=None, get_query_payload=False, timeout=None, **filters
    ):
        """Objects that match filters.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`, optional
            One position, or any number of them; needs a radius.
        radius : Quantity, Angle or str, optional
            Radius of the cones. Bare numbers are refused.
        row_limit : int, optional
            Most rows to return, for each position or list of ids; by default ``conf.row_limit``, -1 for all. A cut is
            announced by a `MaxResultsWarning`.
        {common}
        **filters
            Any of those below. Several oids are matched exactly, and those not found are listed in ``failures``.

        Returns
        -------
        AnswerTable
            One row per object and classification, with ``input_index`` first if there are coordinates. When a filter on
            classifications is given without a classifier and its version, an object repeats once for each version that
            matches. Without such a filter the service joins a classifier version that few objects have, so class_name,
            classifier and probability are usually masked.

        Raises
        ------
        TypeError
            An unknown filter; the nearest known one is named.
        astropy.units.UnitsError
            A radius without a unit.
        ValueError
            A value outside its limits or choices.
        ServiceError
            The service failed for every input.

        Other Parameters
        ----------------
        {params}
        """
        filters = {name: value for name, value in filters.items() if value is not None}
        if not filters and coordinates is None:
            names = ", ".join(param.name for param in _FILTERS)
            raise TypeError(f"query_objects needs at least one filter: coordinates with radius, {names}")
        if (coordinates is None) != (radius is None):
            raise TypeError("coordinates and radius go together; only one of them was given")
        for name in set(filters) & set(_OWN_FILTERS):
            raise TypeError(f"query_objects takes no '{name}'; use coordinates, radius and row_limit")
        row_limit = _row_limit(row_limit)
        inputs, starts = self._starts(coordinates, radius, filters)
        page_size = conf.page_size if row_limit < 0 else min(conf.page_size, row_limit + 1)
        jobs = [(self._page(values, 1, page_size), [i]) for i, values in enumerate(starts)]
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        return self._objects(jobs, inputs, starts, row_limit, page_size, coordinates is not None, timeout)

    def query_region(self, coordinates, *, radius, **filters):
        """Objects around one or many positions.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`
            One position, or any number of them.
        radius : Quantity, Angle or str
            Radius of the cones. Bare numbers are refused.
        **filters
            Everything else that `query_objects` takes.

        Returns
        -------
        AnswerTable
            As from `query_objects`, with ``input_index`` (which position) first.
        """
        return self.query_objects(coordinates=coordinates, radius=radius, **filters)

    def _starts(self, coordinates, radius, filters):
        """Inputs for messages, and the values of the first request for each."""
        oids = self._oids(filters.pop("oid", None))
        if len(oids) < 2:  # a list comes in its own order; anything else needs one, or pages would overlap
            filters = {"order_by": "oid"} | filters
        if coordinates is not None:
            filters |= {"oid": oids} if oids else {}
            angle = to_radius(radius)
            cones = [_cone(position, angle) for position in np.atleast_1d(to_icrs(coordinates))]
            return [f"{cone['ra']:.6f} {cone['dec']:+.6f}" for cone in cones], [filters | cone for cone in cones]
        if oids:
            lists = chunks(oids, _OIDS_PER_REQUEST)
            return [", ".join(oids) for oids in lists], [filters | {"oid": oids} for oids in lists]
        return ["these filters"], [filters]

    def _oids(self, given):
        """Checked ids, each once; none where none were given."""
        if given is None:
            return []
        param = self._client.endpoints["objects"].param("oid")
        oids = list(dict.fromkeys(checked(param, [oid])[0] for oid in as_list(given)[0]))
        if not oids:
            raise ValueError("oid must hold at least one id; an empty list was given")
        if len(oids) > 1 and any("*" in oid for oid in oids):
            raise ValueError("oid may hold the wildcard * in a single id only; several are matched exactly")
        return oids

    def _page(self, values, page, page_size):
        return self._client.query("objects", **values, page=page, page_size=page_size)

    def _objects(self, jobs, inputs, starts, row_limit, page_size, by_position, timeout):
        answers, failures = self._client.fetch_chunks(jobs, inputs, timeout=timeout)
        parts, cut = [empty_table(schema.OBJECTS)], []
        for (index,), content, reply in answers:
            try:
                rows = self._all_rows(content, reply, starts[index], row_limit, page_size, timeout)
                if 0 <= row_limit < len(rows):
                    cut.append(index)
                    rows = rows[:row_limit]
                part = decode_table(rows, schema.OBJECTS, url=reply.url)
            except ServiceError as error:
                failures.add([index], error)
                continue
            if by_position:
                part.add_column(np.full(len(part), index), name="input_index", index=0)
            parts.append(part)
        failures.raise_if_nothing_else()
        table = AnswerTable(vstack(parts[1:] or parts, metadata_conflicts="silent"), copy=False)
        table.meta.update(self._meta([query for query, _ in jobs]))
        if cut:
            warn(f"The answer was cut at {row_limit} rows for {inputs[cut[0]]:.80}", MaxResultsWarning)
        failures = _with_missing_oids(failures, starts, table, cut)
        announce(len(table), failures, "objects")
        return table.with_companions(failures=failures.table())

    def _all_rows(self, content, reply, values, row_limit, page_size, timeout):
        """Rows of all pages, as far as the limit; a page that comes again is an error."""
        endpoint = self._client.endpoints["objects"]
        rows, seen, page = [], set(), 1
        while True:
            page_rows = rows_of(content, endpoint, reply)
            rows += page_rows
            fingerprint = hash(orjson.dumps(page_rows))
            if len(page_rows) >= _UNREPEATABLE and fingerprint in seen:
                raise ReplyError(f"Page {page} repeats an earlier one.", url=reply.url)
            seen.add(fingerprint)
            if (row_limit >= 0 and len(rows) > row_limit) or not _goes_on(content, page_rows, page_size):
                return rows
            page += 1
            content, reply = self._request(self._page(values, page, page_size), timeout=timeout)


def _cone(position, radius):
    """Cone in the service's words. It ignores a cone whose ra or dec is exactly 0, so 0 is moved a little."""
    return {"ra": float(position.ra.deg) or _NOT_ZERO, "dec": float(position.dec.deg) or _NOT_ZERO, "radius": radius}


def _row_limit(row_limit):
    limit = conf.row_limit if row_limit is None else row_limit
    if isinstance(limit, bool) or not isinstance(limit, int | np.integer) or limit < -1 or limit == 0:
        raise ValueError(f"row_limit must be a positive whole number, or -1 for all rows, not {row_limit!r}")
    return int(limit)


def _goes_on(content, page_rows, page_size):
    """True if there may be another page. The service says has_next only when it counts, so a full page decides too."""
    return bool(page_rows) and (len(page_rows) >= page_size or content.get("has_next") is True)


def _with_missing_oids(failures, starts, table, cut):
    """Failures by oid where a list of exact oids was asked for: those of failed requests, and those not found."""
    if "oid" not in starts[0] or "ra" in starts[0] or any("*" in oid for oid in starts[0]["oid"]):
        return failures
    found = set(table["oid"])
    oids = [oid for values in starts for oid in values["oid"]]
    by_oid = Failures(oids)
    for index, oid in enumerate(oids):
        if oid not in found:
            part = index // _OIDS_PER_REQUEST
            missing = "beyond the row_limit" if part in cut else "no such object was found with these filters"
            by_oid.add([index], failures.errors.get(part, missing))
    return by_oid
