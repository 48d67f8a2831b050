"""Bulk download of ZVAR's sources and light curves into an archive."""

from typing import NamedTuple

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import vstack

from alerce_zvar.config import conf
from alerce_zvar.errors import DeadlineError, ReplyError, ServiceError, UnavailableError, shown
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.wire.answer import Failures, decode_each
from alerce_zvar.wire.decode import empty_table
from alerce_zvar.wire.query import as_list, checked, documented, to_icrs, to_radius
from alerce_zvar.zvar import schema
from alerce_zvar.zvar.crossmatch import collect_matches
from alerce_zvar.zvar.lightcurve import ANSWERS, reader_of, tables_of_answer
from alerce_zvar.zvar.service import ZvarService
from alerce_zvar.zvar.sources import SourceTable, rows_by_id, source_tables, tables_of_each

__all__ = ["DownloadQueries"]

# What is wanted of an id; behind the second stands the band, between the others catalogue and radius [arcsec].
_SOURCE, _CURVE, _MATCHES, _WITHIN = "source", "light curve ", "matches in ", " within "
_SHORTEST = 1e-3  # seconds of patience
_SIZE = 25  # ids of a chunk: some 5 MB in each format


class DownloadQueries(ZvarService):
    """The method that keeps what the service has."""

    @documented()
    def download(
        self,
        ids_or_regions,
        archive,
        *,
        radius=None,
        bands=None,
        catalogs=(),
        match_radius=None,
        progress=None,
        retry_failed=False,
        timeout=None,
    ):
        """Sources and light curves into an archive, whose server then gives the same answers offline.

        An interrupted download, even by ``kill -9``, goes on where it was when it is called again: what is stored is
        not asked for again, nothing is stored twice, and the content is the same in the end.

        Parameters
        ----------
        ids_or_regions : str, int, any list, Table column or iterator of them, or SkyCoord
            PanSTARRS ids; an iterator is read only as far as the download is, so it may give millions. Or positions,
            around which all sources are taken.
        {archive}
        radius : Quantity, Angle or str, optional
            Of the regions; at most 10 arcmin.
        bands : list of {"g", "r", "i"}, optional
            Bands of the light curves; by default all.
        catalogs : list of {"gaia", "ps1", "galex", "2mass", "allwise"}
            Of these also all sources near those of ZVAR.
        match_radius : Quantity, Angle or str, optional
            How near; at most 10 arcmin. Needed with catalogues.
        {download}

        Returns
        -------
        DownloadReport
            How many of how many; its ``failures`` is a table of what is not there, with the reasons.

        Raises
        ------
        ArchiveError
            The archive cannot be opened or written, as when the disk is full; what was stored before is kept.
        LoginError
            The service refused the login.
        UnavailableError
            Nobody was answered for ``conf.download_patience`` seconds. Shorter outages are waited out.
        TypeError, ValueError, astropy.units.UnitsError
            Ids, bands, catalogues or a radius that cannot be used.

        Notes
        -----
        Each light curve is asked for in both formats, so that the service's own magnitudes, limits and ratios are kept
        beside fluxes and zero points. Each chunk is stored in one transaction, with a note of its ids in the table
        ``downloads``. Sources of a catalogue stand in one of the archive under its name, from which its server answers
        `query_crossmatch` up to the same radius, to within the 0.06 arcsec of ZVAR's positions; columns that
        `list_catalogs` does not list are not kept.
        """
        from alerce_zvar.download.run import download

        job = _Job(self, schema.BANDS if bands is None else bands, _matched(catalogs, match_radius), timeout)
        if isinstance(ids_or_regions, SkyCoord):
            ids = self._ids_around(ids_or_regions, radius, timeout)
        elif radius is not None:
            raise ValueError("radius is of regions; give it with a SkyCoord of positions")
        else:
            ids = ids_or_regions
        return download(job, ids, archive, progress=progress, retry_failed=retry_failed)

    def _ids_around(self, coordinates, radius, timeout):
        """Ids of the sources in regions, one cone after the other."""
        if radius is None:
            raise ValueError("radius must be given with regions, such as radius=5 * u.arcmin")
        centres = np.atleast_1d(to_icrs(coordinates))
        radius = to_radius(radius, maximum=schema.MAX_RADIUS * u.arcsec)
        places = list(zip(map(str, range(len(centres))), centres.ra.deg, centres.dec.deg, strict=True))
        queries = [self._client.query("cone_search", positions=[place], radius=radius) for place in places]
        return self._ids_of(queries, timeout)

    def _ids_of(self, queries, timeout):
        for number, query in enumerate(queries):
            content, reply = self._patiently(query, timeout)
            rows = content.get(str(number)) if isinstance(content, dict) else None
            if not isinstance(rows, list):
                raise ReplyError("The answer to a cone search holds no list of sources.", url=reply.url)
            yield from (str(psid) for psid in source_tables([0] * len(rows), rows, set(), reply.url)[0]["psid"])

    def _patiently(self, query, timeout):
        """Answer to a query; an outage is waited out."""
        transport = self._client.transport
        deadline = transport.deadline(max(conf.download_patience, _SHORTEST))
        while True:
            try:
                return self._client.fetch(query, timeout=timeout)
            except (UnavailableError, DeadlineError):
                if deadline.left <= 0:
                    raise
                transport.pause(conf.max_backoff, deadline)


def _matched(catalogs, radius):
    """What is wanted of catalogues, in words."""
    names = as_list(catalogs)[0]
    wrong = [name for name in names if name not in schema.CATALOGS]
    if wrong:
        raise ValueError(f"catalogs must be of {', '.join(schema.CATALOGS)}; {shown(wrong[0])} is not")
    if (radius is None) != (not names):
        raise ValueError("catalogs and match_radius go together, such as catalogs='gaia', match_radius=2 * u.arcsec")
    if not names:
        return []
    arcsec = to_radius(radius, maximum=schema.MAX_RADIUS * u.arcsec).to_value(u.arcsec)
    text = np.format_float_positional(arcsec, trim="-")
    return [f"{_MATCHES}{name}{_WITHIN}{text} arcsec" for name in schema.CATALOGS if name in names]


def _catalog_and_radius(word):
    name, _, radius = word.removeprefix(_MATCHES).partition(_WITHIN)
    return name, to_radius(radius)


class _Content(NamedTuple):
    """What one round of questions brought.

    Attributes
    ----------
    sources : SourceTable or None
    curves : list of (LightCurves, LightCurves, list of str, tuple of str)
        In magnitudes and in fluxes; which ids, and which bands.
    matches : list of (str, Table)
        Catalogue, and its sources by the ids that they are near to.
    """

    sources: SourceTable | None
    curves: list
    matches: list


class _Job:
    """What a download wants of ZVAR; see `alerce_zvar.download.run.download`."""

    service, general, batched = "ZVAR", (), True

    def __init__(self, service, bands, matched, timeout):
        self._client, self._timeout = service._client, timeout
        self.transport = service._client.transport
        photometry = self._client.endpoints["photometry"]
        bands = checked(photometry.param("bands"), bands)
        self.words = (_SOURCE, *(_CURVE + band for band in schema.BANDS if band in bands), *matched)
        empty = [(name, empty_table(schema.CATALOGS[name])) for name, _ in map(_catalog_and_radius, matched)]
        self.opening = [_Content(None, [], empty)]  # a catalogue is there, though nothing may be near
        self.size = max(1, min(_SIZE, conf.photometry_batch, schema.MAX_PHOTOMETRY_IDS))

    def checked(self, identifier):
        """An id as text."""
        return checked(self._client.endpoints["objects"].param("ids"), [identifier])[0]

    def ask(self, lacking, deadline):
        """`Answered`: first the sources, then light curves and matches of those that are there."""
        from alerce_zvar.download.patience import Answered

        answered = Answered()
        wanted = [identifier for identifier, words in lacking.items() if _SOURCE in words]
        sources = self._sources(wanted, lacking, answered, deadline) if wanted else None
        groups, near = {}, {}
        for identifier, words in lacking.items():
            if (identifier, words[0]) in answered.errors:
                continue
            bands = tuple(word.removeprefix(_CURVE) for word in words if word.startswith(_CURVE))
            if bands:
                groups.setdefault(bands, []).append(identifier)
            for word in words:
                if word.startswith(_MATCHES):
                    near.setdefault(word, []).append(identifier)
        curves = [self._curves(ids, bands, answered, deadline) for bands, ids in groups.items()]
        matches = [self._matches(ids, word, answered, deadline) for word, ids in near.items()]
        curves, matches = ([found for found in each if found is not None] for each in (curves, matches))
        answered.contents.append(_Content(sources, curves, matches))
        return answered

    def _sources(self, ids, lacking, answered, deadline):
        failures, parts = Failures(ids), []
        query = self._client.query("objects", ids=ids)
        indices = list(range(len(ids)))
        try:
            content, reply = self._client.fetch_part(query, deadline, timeout=self._timeout)
            places, rows = rows_by_id(content, indices, failures, reply.url)
            parts = tables_of_each(places, rows, set(), failures, reply.url)
        except ServiceError as error:
            failures.add(indices, error)
        for index, error in failures.errors.items():
            answered.fail(ids[index], lacking[ids[index]], error)
        answered.done |= {(one, _SOURCE) for index, one in enumerate(ids) if index not in failures.errors}
        return _joined(parts) if parts else None

    def _curves(self, ids, bands, answered, deadline):
        """Light curves in both formats, of those that have some in both."""
        found = {}
        failures = Failures(ids)
        for form in ANSWERS:
            try:
                found[form] = self._in_format(form, ids, bands, failures, deadline)
            except ServiceError as error:
                failures.add([index for index in range(len(ids)) if index not in failures.errors], error)
                break
        words = [_CURVE + band for band in bands]
        for index, error in failures.errors.items():
            answered.fail(ids[index], words, error)
        kept = [one for index, one in enumerate(ids) if index not in failures.errors]
        answered.done |= {(one, word) for one in kept for word in words}
        if not kept:
            return None
        chosen = np.array(kept, dtype=str)
        return found["mag"][chosen], found["flux"][chosen], kept, bands

    def _in_format(self, form, ids, bands, failures, deadline):
        query = self._client.query("photometry", ids=ids, bands=list(bands), format=form)
        content, reply = self._client.fetch_part(query, deadline, timeout=self._timeout, read=reader_of(form))
        lengths = {}
        parts = tables_of_answer(content, range(len(ids)), ids, ANSWERS[form], lengths, failures, reply.url)
        data = vstack([empty_table(ANSWERS[form]), *parts], metadata_conflicts="silent")
        offsets = np.concatenate([[0], np.cumsum(list(lengths.values()), dtype=int)])
        return LightCurves(data, offsets, list(lengths), id_name="psid")

    def _matches(self, ids, word, answered, deadline):
        """Catalogue, and all its sources near some of ZVAR's; a source without any is done, too."""
        catalog, radius = _catalog_and_radius(word)
        failures, found = Failures(ids), {}
        try:
            query = self._client.query("xmatch", ids=ids, catalog=catalog, radius=radius, closest=False)
            content, reply = self._client.fetch_part(query, deadline, timeout=self._timeout)
            collect_matches(content, range(len(ids)), found, failures, reply.url)
        except ServiceError as error:
            failures.add(range(len(ids)), error)
        table = decode_each(found, ids, schema.OBJECTS["psid"], schema.CATALOGS[catalog], failures)
        failed = {index for index, error in failures.errors.items() if isinstance(error, ServiceError)}
        for index in failed:
            answered.fail(ids[index], [word], failures.errors[index])
        answered.done |= {(one, word) for index, one in enumerate(ids) if index not in failed}
        return (catalog, table) if len(failed) < len(ids) else None

    @staticmethod
    def store(run, contents):
        """Put contents into the archive, inside the caller's transaction."""
        from alerce_zvar.archive.zvar_import import store_matches, store_photometry, store_sources

        for content in contents:
            if content.sources is not None:
                store_sources(run, content.sources)
            for curves in content.curves:
                store_photometry(run, *curves)
            for catalog, matches in content.matches:
                store_matches(run, catalog, matches)

    @staticmethod
    def parts(content, identifier):
        """What of a content is of one id."""
        sources = content.sources
        mine = None if sources is None else sources[np.asarray(sources["psid"]) == identifier]
        one = np.array([identifier])
        curves = [(m[one], f[one], [identifier], bands) for m, f, ids, bands in content.curves if identifier in ids]
        matches = [(name, table[np.asarray(table["psid"]) == identifier]) for name, table in content.matches]
        return [_Content(mine, curves, matches)]


def _joined(parts):
    sources, lightcurves, periods = (vstack(tables, metadata_conflicts="silent") for tables in zip(*parts, strict=True))
    return SourceTable(sources, copy=False).with_companions(lightcurves=lightcurves, periods=periods)
