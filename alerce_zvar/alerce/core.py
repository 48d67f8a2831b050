"""AlerceClass: the ALeRCE broker's ZTF services (reference/alerce.md) in the manner of astroquery."""

import numpy as np
import orjson
from astropy.table import QTable, vstack
from astropy.timeseries import TimeSeries
from astroquery.query import BaseQuery

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.lightcurve import PHOTOMETRY, assemble
from alerce_zvar.config import conf, local_server
from alerce_zvar.errors import MaxResultsWarning, NoResultsWarning, ReplyError, ServiceError, warn
from alerce_zvar.wire.address import checked_url
from alerce_zvar.wire.answer import AnswerTable, Failures, announce, decode_each
from alerce_zvar.wire.client import Client, Service, chunks, payloads
from alerce_zvar.wire.decode import decode_table, empty_table, rows_of
from alerce_zvar.wire.query import as_list, checked, documented, to_icrs, to_radius

__all__ = ["Alerce", "AlerceClass"]

_OIDS_PER_REQUEST = 100  # they travel in the address, and servers cut addresses at some 8 kB
_UNREPEATABLE = 50  # rows of a page that cannot all be the same as those of another; small pages may, by chance
_NOT_ZERO = 1e-9  # degrees, 4 microarcseconds: see _cone
_OWN_FILTERS = ("ra", "dec", "radius", "page", "page_size", "count")  # set by our own arguments
_FILTERS = tuple(param for param in schema.OBJECTS_PARAMS if param.name not in _OWN_FILTERS)
_OID = """oid : str, or any list or Table column of them
    ALeRCE ids."""
_TIME_ASSUMPTION = "time is UTC at the observatory, at the start of the exposure"


class AlerceClass(BaseQuery, Service):
    """Objects, detections and light curves of the ALeRCE broker (ZTF).

    Parameters
    ----------
    url : str, optional
        Address of the service. By default the environment variable ``ALERCE_ZVAR_SERVER``, else ``conf.alerce_url``.
    """

    def __init__(self, *, url=None):
        super().__init__()
        self._url = url
        self._client = Client("ALeRCE", schema.ENDPOINTS, self._address)

    def _address(self):
        return checked_url(self._url or local_server() or conf.alerce_url)

    def _request(self, query, *, timeout=None):
        """Answer to a `Query` by our transport; astroquery's own way has neither deadline nor retries."""
        return self._client.fetch(query, timeout=timeout)

    # objects

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

    def _meta(self, queries):
        return self._client.meta(queries) | {"time_assumption": _TIME_ASSUMPTION}

    # one object, or a list of them

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

    # light curve

    def get_lightcurve(
        self, oid, *, photometry="corrected", include_upper_limits=False, get_query_payload=False, timeout=None
    ):
        """Light curve of one object.

        Parameters
        ----------
        oid : str
            ALeRCE id.
        photometry : {"corrected", "difference"}
            Magnitudes of difference plus reference flux, right for a variable star; or of the difference flux alone,
            right for a transient, whose sign is the column ``isdiffpos``.
        include_upper_limits : bool
            Also exposures without a detection: ``mag`` is masked and ``limiting_mag`` set there.
        get_query_payload : bool
            Send nothing and return what would be sent, a dict.
        timeout : float or Quantity, optional
            Total seconds.

        Returns
        -------
        `~astropy.timeseries.TimeSeries`
            ``time`` (UTC, start of the exposure), ``band, mag, mag_err, isdiffpos, candid`` in order of time.
            Detections without a usable magnitude are left out and counted in ``meta["dropped"]``.

        Raises
        ------
        NotFoundError
            The service does not know the id.
        ValueError
            Another kind of photometry.
        """
        if photometry not in PHOTOMETRY:
            raise ValueError(f"photometry must be one of {', '.join(PHOTOMETRY)}; not {photometry!r}")
        query = self._client.query("lightcurve", oid=oid)
        if get_query_payload:
            return query.payload
        content, reply = self._request(query, timeout=timeout)
        light_curve, dropped = assemble(content, photometry, include_upper_limits, reply.url)
        light_curve.meta = self._meta([query]) | {
            "id": query.payload["oid"],
            "oid": query.payload["oid"],
            "photometry": photometry,
            "dropped": dropped,
        }
        if not len(light_curve):
            hint = f"; {dropped} detections have no usable {photometry} magnitude" if dropped else ""
            warn(f"No light curve of {oid}{hint}", NoResultsWarning)
        return TimeSeries(QTable(light_curve))


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


Alerce = AlerceClass()
