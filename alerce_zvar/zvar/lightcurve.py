"""Light curves of ZVAR, by id."""

from itertools import groupby

import numpy as np
from astropy import units as u
from astropy.table import vstack

from alerce_zvar.config import conf
from alerce_zvar.errors import CorruptValueWarning, ReplyError, shown, warn
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.wire.answer import announce
from alerce_zvar.wire.client import payloads
from alerce_zvar.wire.decode import decode_columns, decode_table, empty_table, parse_json
from alerce_zvar.wire.query import documented
from alerce_zvar.wire.scan import Scan, scan
from alerce_zvar.zvar import schema
from alerce_zvar.zvar.service import LEFT_OUT, ZvarService

__all__ = ["ANSWERS", "LightCurveQueries", "mask_fillings", "reader_of", "tables_of_answer"]

_MEASURED = ("mag", "mag_err", "flux", "flux_err", "snr_total", "snr_diff")
ANSWERS = {"mag": schema.PHOTOMETRY_MAG, "flux": schema.PHOTOMETRY_FLUX}


class LightCurveQueries(ZvarService):
    """Methods that give light curves."""

    @documented()
    def get_lightcurves(
        self, ids, *, bands=("g", "r"), format="mag", midpoint=False, get_query_payload=False, timeout=None
    ):
        """Light curves by id.

        Parameters
        ----------
        ids : str, int, or any list or Table column of them
            PanSTARRS ids; they are asked for in batches of ``conf.photometry_batch``.
        bands : list of {"g", "r", "i"}, or None
            Bands; None for all.
        format : {"mag", "flux"}
            Magnitudes of the total flux, or fluxes of the difference image with zero points.
        midpoint : bool or Quantity
            Move the times from the start to the middle of the exposures, by half their length: True for the 30 s of
            ZTF's public survey, or the length. The service does not tell how long an exposure was.
        {common}

        Returns
        -------
        LightCurves
            One light curve per id that has photometry, in the order of the ids; the others are in ``failures``. Columns
            ``time, band``, then ``mag, mag_err, limiting_mag, flux, flux_err, snr_total`` or ``flux, flux_err,
            snr_diff, magzp, mag_ref``, then ``field, ccd, quad``; in order of time, all bands and fields together.
            Upper limits, that is exposures without a detection, have a masked magnitude and a ``limiting_mag``.

        Raises
        ------
        TypeError
            An id that is neither text nor whole number.
        ValueError
            A band or format that there is not.
        ServiceError
            The service failed for every id.

        Notes
        -----
        Times are barycentric Julian dates. The service states neither their scale nor what they mark: TDB and the start
        of the exposure are inferred (UTC would be 69 s off, always the same), and noted in ``meta["time_assumption"]``.
        The barycentric correction seems to be one for each exposure, some seconds off for sources far from its centre.

        The service's ``snr`` changes its meaning with the format, so it has two names here. Rows whose flux has no
        positive error are fillings of the service's files: their values are masked, with a `CorruptValueWarning`.
        """
        bands = list(schema.BANDS) if bands is None else bands
        size = min(max(1, conf.photometry_batch), schema.MAX_PHOTOMETRY_IDS)
        ids, jobs = self._id_jobs("photometry", ids, size, bands=bands, format=format)
        shift = _half_exposure(midpoint)
        if get_query_payload:
            return payloads(query for query, _ in jobs)
        answers, failures = self._client.fetch_chunks(jobs, ids, timeout=timeout, read=reader_of(format))
        parts, lengths = [], {}
        for indices, content, reply in answers:
            try:
                parts += _parts_of_answer(content, indices, ids, ANSWERS[format], lengths, failures, reply.url)
            except ReplyError as error:
                failures.add(indices, error)
        failures.raise_if_nothing_else()
        kept = [psid for index, psid in enumerate(ids) if index not in failures.errors]
        announce(len(kept), failures, "light curves")
        data = _joined(parts, ANSWERS[format])
        fillings = mask_fillings(data)
        if fillings:
            warn(f"{fillings} rows without a positive error of the flux are masked", CorruptValueWarning)
        if shift:
            data["time"] = _moved(data["time"], shift)
        offsets = np.concatenate([[0], np.cumsum(list(lengths.values()), dtype=int)])
        data = _in_order(data, offsets)
        found = LightCurves(data, offsets, list(lengths), id_name="psid", failures=failures.table())
        if kept != found.ids:
            found = found[np.array(kept, dtype=str)]
        found.data.meta = self._client.meta([query for query, _ in jobs])
        found.data.meta["time_assumption"] = _assumption(shift)
        return found


def _half_exposure(midpoint):
    """Seconds by which the middle of an exposure follows its start."""
    if isinstance(midpoint, bool | np.bool_):
        return schema.EXPOSURE_TIME / 2 if midpoint else 0.0
    if not (isinstance(midpoint, u.Quantity) and midpoint.unit.is_equivalent(u.s)):
        raise u.UnitsError(f"midpoint must be True, False, or the length of an exposure in time, not {shown(midpoint)}")
    if midpoint.shape or not 0 * u.s <= midpoint < np.inf * u.s:
        raise ValueError(f"midpoint must be one length of an exposure, not {shown(midpoint)}")
    return float(midpoint.to_value(u.s)) / 2


def _assumption(shift):
    if not shift:
        return schema.TIME_ASSUMPTION
    return f"{schema.TIME_ASSUMPTION}; {shift:g} s were added, so that it marks the middle"


def reader_of(form):
    """Function that gives the content of a `Reply` as a `Scan`, or as JSON where it does not look as usual."""

    def read(reply):
        found = scan(reply.body, ANSWERS[form])
        return parse_json(reply) if found is None else found

    return read


def tables_of_answer(content, indices, ids, answer, lengths, failures, url):
    """Rows of the ids that have some, one after the other; their numbers of rows are added to `lengths`."""
    parts = _parts_of_answer(content, indices, ids, answer, lengths, failures, url)
    return [_joined(parts, answer)] if parts else []


def _parts_of_answer(content, indices, ids, answer, lengths, failures, url):
    """As `tables_of_answer`; what was scanned is still a dict of columns, for these are joined faster."""
    scanned = isinstance(content, Scan)
    by_id = content.lengths if scanned else content
    if not isinstance(by_id, dict):
        raise ReplyError("The answer to a photometry query is not an object keyed by id.", url=url)
    places, found = {}, {}
    for index in indices:
        places.setdefault(ids[index], []).append(index)
    for psid, where in places.items():
        rows = by_id.get(psid)
        if not rows:
            failures.add(where, "no photometry in these bands" if psid in by_id else LEFT_OUT)
        elif scanned or isinstance(rows, list):
            found[psid] = rows
        else:
            failures.add(where, ReplyError(f"The answer holds no list under '{psid}'.", url=url))
    if scanned:
        lengths.update(found)
        return [content.rows_of(found)] if found else []
    try:
        table = decode_table([row for rows in found.values() for row in rows], answer, url=url)
    except ReplyError:
        return list(_table_of_each(found, places, answer, lengths, failures, url))
    lengths.update((psid, len(rows)) for psid, rows in found.items())
    return [table]


def _joined(parts, answer):
    """One table of parts that are tables or dicts of columns."""
    tables = [empty_table(answer)]
    for names, group in groupby(parts, lambda part: sorted(part) if isinstance(part, dict) else None):
        alike = list(group)
        tables += alike if names is None else [decode_columns(_concatenated(alike), answer)]
    return tables[1] if len(tables) == 2 else vstack(tables, metadata_conflicts="silent")


def _concatenated(parts):
    """Columns of masked arrays, one part after the other."""
    return {
        name: np.ma.MaskedArray(
            np.concatenate([part[name].data for part in parts]), np.concatenate([part[name].mask for part in parts])
        )
        for name in parts[0]
    }


def _table_of_each(found, places, answer, lengths, failures, url):
    """Tables of the ids whose rows are sound; the others are noted."""
    for psid, rows in found.items():
        try:
            table = decode_table(rows, answer, url=url)
        except ReplyError as error:
            failures.add(places[psid], error)
        else:
            lengths[psid] = len(rows)
            yield table


def _in_order(data, offsets):
    """Rows of each light curve in order of time, as the service gives them, but does not promise."""
    days, owners = data["time"].jd, np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    rising = (np.diff(days) >= 0) | (np.diff(owners) > 0)
    return data if rising.all() else data[np.lexsort((days, owners))]


def _moved(time, shift):
    """Times some seconds later."""
    moved = time + shift * u.s
    moved.info = time.info
    return moved


def mask_fillings(data):
    """Mask the values of rows that no measurement stands behind (reference/zvar.md 2); how many rows these are."""
    fillings = np.ma.filled(data["flux_err"] <= 0, False)
    if fillings.any():
        for name in _MEASURED:
            if name in data.colnames:
                data[name].mask |= fillings
    return int(fillings.sum())
