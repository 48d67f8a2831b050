"""CatsHTMClass: ALeRCE's cross-match service (reference/alerce.md 8) in the manner of astroquery."""

import difflib
import math
from urllib.parse import urlsplit

import numpy as np
from astropy import units as u
from astropy.table import Column
from astroquery.query import BaseQuery

from alerce_zvar.catshtm import schema
from alerce_zvar.catshtm.decode import CatalogRows, columns_by_catalog, find_unit, warn_of_units
from alerce_zvar.catshtm.tables import CatalogTables
from alerce_zvar.config import conf, local_server
from alerce_zvar.errors import ServiceError, shown
from alerce_zvar.wire.address import checked_url, origin
from alerce_zvar.wire.answer import AnswerTable, Failures, announce
from alerce_zvar.wire.client import Client, Service, payloads
from alerce_zvar.wire.decode import decode_table
from alerce_zvar.wire.query import as_list, documented, to_icrs, to_radius

__all__ = ["CatsHTM", "CatsHTMClass"]

_documented = documented(
    where="""coordinates : `~astropy.coordinates.SkyCoord`
    One position, or any number of them; each is a request of its own, and a few run at a time.""",
    catalog="""catalog : str or list of str, optional
    Catalogues, by either of their names, such as ``"GAIADR2"`` or ``"GAIA/DR2"``, see `list_catalogs`; by default all
    that the service has.""",
    raises="""astropy.units.UnitsError
    A radius without a unit.
ValueError
    A catalogue that is not known; the nearest names are given.
InvalidQueryError
    The service refuses the request, or has no such catalogue.
ServiceError
    The service failed for every position.""",
)


class CatsHTMClass(BaseQuery, Service):
    """Catalogues around positions, by ALeRCE's catsHTM service.

    Parameters
    ----------
    url : str, optional
        Address of the service. By default the environment variable ``ALERCE_ZVAR_SERVER``, else ``conf.catshtm_url``.
        Another address without a path is taken for a local server, which keeps this service under ``/catshtm``.
    catalogs : str or list of str, optional
        Further catalogues that the service has, such as those put into the archive of a local server.

    Notes
    -----
    A table has the columns that the service gives, by its names and in its order, behind ``input_index`` (which
    position a row answers, from 0), the separation, if any, and the position. Null is masked; an infinite value stays
    one. Spellings of units that astropy rejects are understood; a unit that nobody knows is left out, with a
    `CorruptValueWarning`. How the service spells it stands in ``info.meta["wire_unit"]`` of each column, which also
    tells AB magnitudes (``magAB``) and kinds of dates (``JD``, ``MJD``, ``JYear``) apart.
    """

    def __init__(self, *, url=None, catalogs=()):
        super().__init__()
        self._url, self._more = url, tuple(as_list(catalogs)[0])
        if not all(isinstance(name, str) for name in self._more):
            raise TypeError(f"catalogs must be a name, or a list of names, not {shown(catalogs)}")
        self._client = Client("catsHTM", schema.ENDPOINTS, self._address)

    def __getstate__(self):
        return {"url": self._url, "catalogs": self._more}

    def _address(self):
        if not self._url:
            local = local_server()
            return checked_url(local) + schema.LOCAL_PREFIX if local else checked_url(conf.catshtm_url)
        url = checked_url(self._url)
        alone = urlsplit(url).path or origin(url) == origin(conf.catshtm_url)
        return url if alone else url + schema.LOCAL_PREFIX

    def _request(self, query, *, timeout=None):
        """Answer to a `Query` by our transport; astroquery's own way has neither deadline nor retries."""
        return self._client.fetch(query, timeout=timeout)

    @_documented
    def query_region(self, coordinates, *, radius, catalog=None, get_query_payload=False, timeout=None):
        """Sources around one or many positions.

        Parameters
        ----------
        {where}
        radius : Quantity, Angle or str
            Radius of the cones. Bare numbers are refused.
        {catalog}
        {common}

        Returns
        -------
        AnswerTable or CatalogTables
            Of one catalogue, a table with one row per position and source, in the order of the positions and of the
            service. Otherwise such a table for each of the catalogues asked for; if none was named, of those that have
            sources there.

        Raises
        ------
        {raises}
        """
        return self._ask("conesearch", coordinates, radius, catalog, get_query_payload, timeout)

    @_documented
    def query_crossmatch(self, coordinates, *, radius, catalog=None, get_query_payload=False, timeout=None):
        """Source nearest to each of one or many positions.

        Parameters
        ----------
        {where}
        radius : Quantity, Angle or str
            Largest separation. Bare numbers are refused.
        {catalog}
        {common}

        Returns
        -------
        AnswerTable or CatalogTables
            Of one catalogue, a table with one row per position that has a source, in the order of the positions;
            ``separation`` [arcsec] says how far it is. A position without one is no row, but stands in ``failures``,
            without a warning: every position is in one of the two. Otherwise such a table for each of the catalogues
            asked for; if none was named, of those that have a source at any of the positions.

        Raises
        ------
        {raises}
        """
        return self._ask("crossmatch", coordinates, radius, catalog, get_query_payload, timeout)

    @_documented
    def query_redshift(self, coordinates, *, radius, get_query_payload=False, timeout=None):
        """Redshift of the source nearest to each of one or many positions, from any catalogue.

        Of the nearest sources of all catalogues, the first that has a column ``z`` gives it, in the order of the
        service; if none has, the first with ``zphot`` or ``z_phot``. A null is passed over, and so is a column with a
        unit: that is a magnitude in the band z.

        Parameters
        ----------
        {where}
        radius : Quantity, Angle or str
            Largest separation. Bare numbers are refused.
        {common}

        Returns
        -------
        AnswerTable
            ``input_index, z, catalog, column, separation``, one row per position that has a redshift. The other
            positions stand in ``failures``.

        Raises
        ------
        astropy.units.UnitsError
            A radius without a unit.
        ServiceError
            The service failed for every position.
        """
        positions, radius = _positions(coordinates), to_radius(radius)
        jobs = self._jobs("crossmatch", None, positions, radius)
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        answers, failures = self._client.fetch_chunks(jobs, [label for label, *_ in positions], timeout=timeout)
        rows, without = [], []
        for (index,), content, reply in answers:
            try:
                found = _redshift(columns_by_catalog(content, jobs[index][0], reply))
            except ServiceError as error:
                failures.add([index], error)
                continue
            if found:
                rows.append({"input_index": index} | found)
            else:
                without.append(index)
        failures.raise_if_nothing_else()
        announce(len(rows), failures, "redshifts")
        failures.add(without, f"no redshift within {_arcsec(radius)}")
        table = AnswerTable(decode_table(rows, schema.REDSHIFTS), copy=False)
        table.meta.update(self._client.meta([query for query, _ in jobs]))
        return table.with_companions(failures=failures.table())

    def list_catalogs(self):
        """Catalogues that are known to be, or to have been, behind the service; it has no list of its own.

        Returns
        -------
        `~astropy.table.Table`
            ``name`` and ``answer`` (names in requests and in answers), ``radius`` [arcsec] (the service's own for a
            cross-match, which `query_crossmatch` does not use), ``ra`` and ``dec`` (columns of position),
            ``documented`` (False for those that were only seen in use).
        """
        more = [schema.Catalog(name, name, documented=False) for name in self._more]
        table = decode_table([catalog._asdict() for catalog in (*schema.CATALOGS, *more)], schema.CATALOG_LIST)
        table.meta["note"] = "the service has no list; which of these it has is up to its operators"
        return table

    def _ask(self, endpoint, coordinates, radius, catalog, get_query_payload, timeout):
        """Tables of the catalogues asked for, or of all, by one request for each catalogue and position."""
        positions, radius, names = _positions(coordinates), to_radius(radius), self._names(catalog)
        jobs = self._jobs(endpoint, names, positions, radius)
        queries = [query for query, _ in jobs]
        if get_query_payload:
            return payloads(queries)
        labels = [label for label, *_ in positions]
        answers, failures = self._client.fetch_chunks(jobs, labels * len(names or [None]), timeout=timeout)
        asked = [schema.answer_name(name) for name in names or ()]
        found = _gathered(answers, failures, queries, asked, len(labels))
        failures.raise_if_nothing_else()
        meta, nearest = self._client.meta(queries), endpoint == "crossmatch"
        tables = {name: rows.table(meta, separation=nearest) for name, rows in found.items()}
        what = f"sources of {', '.join(asked)}" if asked else "sources"
        announce(sum(map(len, tables.values())), failures, what)
        warn_of_units(tables.values())
        for place, (name, table) in enumerate(tables.items()):
            own = _of_catalog(failures, labels, place if asked else 0)
            if nearest:
                without = set(range(len(labels))) - found[name].inputs - set(own.errors)
                own.add(without, f"no source within {_arcsec(radius)}")
            table.with_companions(failures=own.table())
        if isinstance(catalog, str) and names:
            return tables[asked[0]]
        return CatalogTables(tables, _with_catalogs(failures, asked, len(labels)), meta)

    def _names(self, catalog):
        """Checked names in requests, each once; None for all catalogues."""
        if catalog is None or (isinstance(catalog, str) and catalog == "all"):
            return None
        names = list(dict.fromkeys(self._name(name) for name in as_list(catalog)[0]))
        if not names:
            raise ValueError("catalog must hold at least one name; an empty list was given")
        return names

    def _name(self, name):
        if not isinstance(name, str):
            raise TypeError(f"catalog must be a name, or a list of names, not {shown(name)} ({type(name).__name__})")
        own = {word.lower(): word for word in self._more}
        if name.lower() in own or schema.find_catalog(name):
            return own.get(name.lower()) or schema.request_name(name)
        known = {word.lower(): word for c in schema.CATALOGS for word in (c.answer, c.name)} | own
        near = [known[word] for word in difflib.get_close_matches(name.lower(), known)]
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(
            f"catalog must be one of those that list_catalogs() shows, not {shown(name)}.{hint} "
            "A server with others is told by CatsHTMClass(url=..., catalogs=[...])."
        )

    def _jobs(self, endpoint, names, positions, radius):
        """Requests with their places, catalogue by catalogue."""
        if names is None:
            common, endpoint = [{}], f"{endpoint}_all"
        else:
            common = [{"catalog": name} for name in names]
        words = [one | {"ra": ra, "dec": dec, "radius": radius} for one in common for _, ra, dec in positions]
        return [(self._client.query(endpoint, **values), [place]) for place, values in enumerate(words)]


def _positions(coordinates):
    """Label, right ascension and declination [deg] of each position."""
    icrs = np.atleast_1d(to_icrs(coordinates))
    return [(f"{ra:.6f} {dec:+.6f}", float(ra), float(dec)) for ra, dec in zip(icrs.ra.deg, icrs.dec.deg, strict=True)]


def _arcsec(radius):
    return f"{radius.to_value(u.arcsec):g} arcsec"


def _gathered(answers, failures, queries, asked, count):
    """Rows by catalogue: of those asked for, or of all that are found. An answer is used as a whole, or not at all."""
    found = {name: CatalogRows(name) for name in asked}
    for (place,), content, reply in answers:
        try:
            parts = columns_by_catalog(content, queries[place], reply)
            if asked and parts:  # whatever the service calls it
                parts = {asked[place // count]: next(iter(parts.values()))}
            rows = {name: found.get(name) or CatalogRows(name) for name in parts}
            types = {name: rows[name].checked(parts[name], reply.url) for name in parts}
        except ServiceError as error:
            failures.add([place], error)
            continue
        found |= rows
        for name in parts:
            rows[name].add(place % count, parts[name], types[name])
    return found


def _of_catalog(failures, labels, place):
    """Failures of the requests for one catalogue."""
    start, own = place * len(labels), Failures(labels)
    own.errors = {i: failures.errors[start + i] for i in range(len(labels)) if start + i in failures.errors}
    return own


def _with_catalogs(failures, asked, count):
    """Table of the failures of all requests, with the catalogue; it is empty where all were asked for."""
    table = failures.table()
    names = [asked[place // count] if asked else "" for place in table["input_index"]]
    table["input_index"] %= count
    table.add_column(Column(names, dtype=str), name="catalog", index=1)
    return table


def _redshift(found):
    """First redshift among the nearest sources of all catalogues, and where it is from; or None."""
    for names in schema.REDSHIFT_COLUMNS:
        for catalog, columns in found.items():
            for name, (unit, (value, *_)) in columns.items():
                if name in names and _is_redshift(unit, value):
                    return {"z": value, "catalog": catalog, "column": name, "distance": columns["distance"].values[0]}
    return None


def _is_redshift(unit, value):
    """True for a number without a unit."""
    bare = find_unit(unit) is None or isinstance(find_unit(unit), u.UnrecognizedUnit)
    return bare and type(value) in (int, float) and math.isfinite(value)


CatsHTM = CatsHTMClass()
