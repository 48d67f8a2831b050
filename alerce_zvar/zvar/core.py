"""ZvarClass: Caltech's ZVAR service (reference/zvar.md) in the manner of astroquery."""

import os
from urllib.parse import urlsplit

import numpy as np
from astropy import units as u
from astropy.table import vstack
from astroquery.query import QueryWithLogin

from alerce_zvar.config import conf, local_server
from alerce_zvar.errors import LoginError, ReplyError
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.wire.address import checked_url, origin
from alerce_zvar.wire.answer import AnswerTable, announce
from alerce_zvar.wire.client import Client, Service, chunks, payloads, unique_positions
from alerce_zvar.wire.credentials import Credentials
from alerce_zvar.wire.decode import decode_table, empty_table
from alerce_zvar.wire.query import as_list, checked, documented, to_icrs, to_radius
from alerce_zvar.zvar import schema

__all__ = ["SourceTable", "Zvar", "ZvarClass"]

_LEFT_OUT = "the service left it out of its answer"
_NESTED = ("matchfiles", "periods", "photometry")


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


class ZvarClass(QueryWithLogin, Service):
    """Sources, periods and light curves of the ZVAR service.

    Parameters
    ----------
    url : str, optional
        Address of the service. By default the environment variable ``ALERCE_ZVAR_SERVER``, else ``conf.zvar_url``. An
        address without a path is taken for a local server, which keeps this service under ``/zvar/api``.

    Notes
    -----
    The login is taken, at each request, from `login`, else from the environment variables ``ZVAR_USERNAME`` and
    ``ZVAR_PASSWORD``, else from the keyring for ``conf.zvar_username``. It is sent only to this address, and by plain
    http only to this machine.
    """

    def __init__(self, *, url=None):
        super().__init__()
        self._url = url
        self._login_given = None
        self._client = Client("ZVAR", schema.ENDPOINTS, self._address, self._credentials)

    def _address(self):
        url = checked_url(self._url or local_server() or conf.zvar_url)
        return url if urlsplit(url).path else url + schema.LOCAL_PREFIX

    def _request(self, query, *, timeout=None):
        """Answer to a `Query` by our transport; astroquery's own way caches and logs the login."""
        return self._client.fetch(query, timeout=timeout)

    # login

    def _login(self, *, username=None, store_password=False, reenter_password=False):
        """Log in to ZVAR; access is given by its operators.

        Parameters
        ----------
        username : str, optional
            By default the environment variable ``ZVAR_USERNAME``, else ``conf.zvar_username``.
        store_password : bool
            Keep the password in the system's keyring once the service has accepted it.
        reenter_password : bool
            Ask for the password even if the environment or the keyring has one.

        Raises
        ------
        LoginError
            No user name, or the service refused the login.
        """
        username = username or os.environ.get("ZVAR_USERNAME") or conf.zvar_username
        if not username:
            raise LoginError("Say who you are: pass username=, or set ZVAR_USERNAME or conf.zvar_username.")
        known, stored = None if reenter_password else _from_environment(username), None
        if known is None:
            known, stored = self._ask_password(username, reenter_password)
        previous, self._login_given = self._login_given, known
        try:
            self._request(self._client.query("objects", ids=["0"]))
        except Exception:
            self._login_given = previous
            raise
        if store_password and not stored:
            known.store(self._keyring_name())
        return True

    def _ask_password(self, username, reenter):
        """Credentials from the keyring or the prompt, and whether they came from the keyring."""
        password, from_keyring = self._get_password(self._keyring_name(), username, reenter=reenter)
        return Credentials(username, password), from_keyring is not None

    def logout(self):
        """Forget the login of this session; the environment and the keyring are left alone."""
        self._login_given = None
        self._authenticated = False

    def authenticated(self):
        """True if there is a login to send: from `login`, the environment or the keyring."""
        return self._credentials() is not None

    def _credentials(self):
        return self._login_given or _from_environment() or self._from_keyring()

    def _from_keyring(self):
        return Credentials.from_keyring(self._keyring_name(), conf.zvar_username) if conf.zvar_username else None

    def _keyring_name(self):
        return f"alerce_zvar:{origin(self._address())}"

    # sources

    @documented(*schema.FILTERS)
    def query_region(
        self,
        coordinates,
        *,
        radius,
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

        A source is returned if any of its periods passes the period cuts and any of its light curves passes the other
        cuts; it comes whole, with all periods and light curves.

        Parameters
        ----------
        coordinates : `~astropy.coordinates.SkyCoord`
            One position, or any number of them; the service's limit of 1000 a request is kept for you.
        radius : Quantity, Angle or str
            Radius of the cones, at most 10 arcmin. Bare numbers are refused.
        {params}
        {common}

        Returns
        -------
        SourceTable
            ``input_index`` (which position), ``psid``, ``ra``, ``dec`` [deg], ``objtype``; in the order of the
            positions. Its attributes ``periods`` and ``lightcurves`` are tables linked by ``psid``, ``failures`` lists
            positions that could not be asked.

        Raises
        ------
        astropy.units.UnitsError
            A radius or period without a unit.
        ValueError
            A value outside its limits, or min_significance without a cut on the period, which the service refuses.
        ServiceError
            The service failed for every position.
        """
        centres = np.atleast_1d(to_icrs(coordinates))
        radius = to_radius(radius, maximum=schema.MAX_RADIUS * u.arcsec)
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
        named = [(str(i), ra, dec) for i, (ra, dec) in enumerate(zip(centres.ra.deg, centres.dec.deg, strict=True))]
        jobs = [
            (self._client.query("cone_search", positions=chunk, radius=radius, **filters), [int(p[0]) for p in chunk])
            for chunk in chunks(named, schema.MAX_POSITIONS)
        ]
        _check_ranges(jobs[0][0].payload)
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        inputs = [f"{ra:.6f} {dec:+.6f}" for _, ra, dec in named]
        return self._sources(jobs, inputs, _rows_by_name, timeout)

    @documented()
    def query_objects(self, ids, *, get_query_payload=False, timeout=None):
        """Sources by id.

        Parameters
        ----------
        ids : str, int, or any list or Table column of them
            PanSTARRS ids; the service's limit of 1000 a request is kept for you.
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
        return self._sources(jobs, ids, _rows_by_id, timeout)

    def _id_jobs(self, endpoint, ids, size, **values):
        """All ids as text, and queries for the different ones with the indices of the inputs that they answer."""
        param = self._client.endpoints[endpoint].param("ids")
        given, _ = as_list(ids)
        if not given:
            raise ValueError("ids must hold at least one id; an empty list was given")
        ids = [checked(param, [identifier])[0] for identifier in given]
        places = unique_positions(ids)
        jobs = []
        for chunk in chunks(list(places), size):
            indices = [index for identifier in chunk for index in places[identifier]]
            jobs.append((self._client.query(endpoint, ids=chunk, **values), indices))
        return ids, jobs

    def _sources(self, jobs, inputs, rows_of, timeout):
        answers, failures = self._client.fetch_chunks(jobs, inputs, timeout=timeout)
        parts, seen = [_source_tables([], [], set(), "")], set()
        for indices, content, reply in answers:
            try:
                places, rows = rows_of(content, indices, failures, reply.url)
                parts.append(_source_tables(places, rows, seen, reply.url))
            except ReplyError as error:
                failures.add(indices, error)
        failures.raise_if_nothing_else()
        sources, lightcurves, periods = (
            vstack(tables, metadata_conflicts="silent") for tables in zip(*parts, strict=True)
        )
        sources = SourceTable(sources[np.argsort(sources["input_index"], kind="stable")], copy=False)
        sources.meta.update(self._client.meta([query for query, _ in jobs]))
        announce(len(sources), failures, "sources")
        return sources.with_companions(failures=failures.table(), lightcurves=lightcurves, periods=periods)

    # light curves

    @documented()
    def get_lightcurves(self, ids, *, bands=("g", "r"), format="mag", get_query_payload=False, timeout=None):
        """Light curves by id.

        Parameters
        ----------
        ids : str, int, or any list or Table column of them
            PanSTARRS ids; they are asked for in batches of ``conf.photometry_batch``.
        bands : list of {"g", "r", "i"}, or None
            Bands; None for all.
        format : {"mag", "flux"}
            Magnitudes of the total flux, or fluxes of the difference image with zero points.
        {common}

        Returns
        -------
        LightCurves
            One light curve per id that has photometry, in the order of the ids; the others are in ``failures``. Columns
            ``time, band``, then ``mag, mag_err, limiting_mag, flux, flux_err, snr_total`` or ``flux, flux_err,
            snr_diff, magzp, mag_ref``, then ``field, ccd, quad``. Exposures without a detection have a masked
            magnitude.

        Notes
        -----
        Times are barycentric Julian dates of the start of the exposure. The service does not state their scale; TDB is
        assumed and noted in ``meta``. The service's ``snr`` changes its meaning with the format, so it has two names
        here.
        """
        bands = list(schema.BANDS) if bands is None else bands
        size = min(max(1, conf.photometry_batch), schema.MAX_PHOTOMETRY_IDS)
        ids, jobs = self._id_jobs("photometry", ids, size, bands=bands, format=format)
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        rows_schema = schema.PHOTOMETRY_FLUX if format == "flux" else schema.PHOTOMETRY_MAG
        answers, failures = self._client.fetch_chunks(jobs, ids, timeout=timeout)
        found = {}
        for indices, content, reply in answers:
            try:
                found.update(_lightcurve_tables(content, indices, ids, rows_schema, failures, reply.url))
            except ReplyError as error:
                failures.add(indices, error)
        failures.raise_if_nothing_else()
        places = [index for index in range(len(ids)) if index not in failures.errors]
        announce(len(places), failures, "light curves")
        kept = [ids[index] for index in places]
        lightcurves = LightCurves.from_tables(
            [found[psid] for psid in kept] or [empty_table(rows_schema)],
            kept,
            id_name="psid",
            failures=failures.table(),
        )
        meta = self._client.meta([query for query, _ in jobs])
        lightcurves.data.meta = meta | {"time_assumption": schema.TIME_ASSUMPTION}
        return lightcurves


def _check_ranges(payload):
    for name in ("period", "amplitude"):
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
            failures.add([index], _LEFT_OUT)
            continue
        places += [index] * len(found)
        rows += found
    return places, rows


def _rows_by_id(content, indices, failures, url):
    """Sources by id: a list in any order, without the unknown ones."""
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise ReplyError("The answer to a query by id is not a list of sources.", url=url)
    found = {str(row.get("psid")): row for row in content}
    known = [index for index in indices if failures.inputs[index] in found]
    failures.add(set(indices) - set(known), "the service knows no such id")
    return known, [found[failures.inputs[index]] for index in known]


def _source_tables(places, rows, seen, url):
    """Sources, their light curves and their periods as three tables; the latter two once per source."""
    sources = decode_table(rows, schema.OBJECTS, url=url, nested=_NESTED)
    sources.add_column(np.array(places, dtype=np.int64), name="input_index", index=0)
    sources["input_index"].info.description = "Which input this row answers, from 0"
    new = {psid: row for psid, row in zip(sources["psid"], rows, strict=True) if psid not in seen}
    lightcurves = _linked_table(new, "matchfiles", schema.LIGHTCURVES, url)
    periods = _linked_table(new, "periods", schema.PERIODS, url)
    seen.update(new)
    return sources, lightcurves, periods


def _linked_table(rows, key, rows_schema, url):
    parts = [(psid, _list_at(row, key, url)) for psid, row in rows.items()]
    table = decode_table([item for _, items in parts for item in items], rows_schema, url=url)
    owners = np.array([psid for psid, items in parts for _ in items], dtype=str)
    table.add_column(owners, name="psid", index=0)
    table["psid"].info.description = schema.OBJECTS["psid"].description
    return table


def _lightcurve_tables(content, indices, ids, rows_schema, failures, url):
    """``{id: table}`` of the ids that have rows, decoded together."""
    if not isinstance(content, dict):
        raise ReplyError("The answer to a photometry query is not an object keyed by id.", url=url)
    rows = {ids[index]: _list_at(content, ids[index], url) for index in indices}
    for index in indices:
        if not rows[ids[index]]:
            failures.add([index], "no photometry in these bands" if ids[index] in content else _LEFT_OUT)
    rows = {psid: items for psid, items in rows.items() if items}
    table = decode_table([row for items in rows.values() for row in items], rows_schema, url=url)
    ends = np.cumsum([len(items) for items in rows.values()], dtype=int)
    return {psid: table[end - len(items) : end] for (psid, items), end in zip(rows.items(), ends, strict=True)}


def _list_at(holder, key, url):
    """The list that an object holds under a key; none and null are an empty one."""
    found = holder.get(key)
    if found is not None and not isinstance(found, list):
        raise ReplyError(f"The answer holds no list under '{key}'.", url=url)
    return found or []


def _from_environment(username=None):
    """Login in the environment, if it is there and is that user's."""
    name, password = os.environ.get("ZVAR_USERNAME"), os.environ.get("ZVAR_PASSWORD")
    return Credentials(name, password) if name and password and username in (None, name) else None


Zvar = ZvarClass()
