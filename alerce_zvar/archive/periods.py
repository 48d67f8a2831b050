"""FPW periods of the light curves of an archive, as ZVAR's table of periods has them (reference/zvar.md 4).

::

    lightcurves ──► what is to be done ──► threads: FPW, string length ──► periods, period_searches
    period_searches    ▲                                                   one transaction a second
    periods            └── by psid, field, ccd, quad and band: several files of one star are searched together

``period_searches`` has a row for each light curve and number of bins that was searched here, with a period or without.
So a run that was cut off goes on where it was, new epochs make a light curve due again, and periods that came by
`Archive.add_periods` are left alone.
"""

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from numbers import Integral
from time import monotonic
from typing import NamedTuple

import numpy as np
from astropy import units as u

from alerce_zvar.archive.report import PeriodReport, curve_table
from alerce_zvar.archive.results import put_rows
from alerce_zvar.folding import check_period
from alerce_zvar.period import fpw_search, fpw_statistic, stringlength
from alerce_zvar.period.fourier import centre
from alerce_zvar.period.grid import make_grid
from alerce_zvar.zvar import photometry, schema

__all__ = ["add_periods", "compute_periods"]

_FILE = ("field", "ccd", "quad", "band")
_KEY = ("psid", *_FILE)
_COMMIT_SECONDS = 1.0  # work that a cut-off run may lose, besides what is under way
_CHUNK = 100  # light curves read at a time
_ROUNDING = 1e-12  # relative scatter of a constant about its own mean
_RESULTS = ("period", "significance", "string_length")

_COLUMNS = ", ".join(_KEY)
_USABLE = "NOT e.bad AND isfinite(e.flux) AND isfinite(e.flux_err) AND e.flux_err > 0"


def _same(table, other):
    """SQL condition: rows of the same light curve."""
    return " AND ".join(f"{table}.{name} = {other}.{name}" for name in _KEY)


_CURVES = f"""
SELECT {_COLUMNS}, count(*) FILTER ({_USABLE}) AS n_points, min(lc) AS first
FROM lightcurves JOIN epochs e USING (lc) WHERE $everything OR psid IN (SELECT psid FROM asked) GROUP BY {_COLUMNS}
"""
_COUNT = f"WITH curves AS ({_CURVES}) SELECT count(*) AS n FROM curves"
# Due is what was never searched here and has no period from elsewhere, and what was searched otherwise than now.
_DUE = f"""
WITH curves AS ({_CURVES}), wanted AS (SELECT curves.*, bins.bin FROM curves CROSS JOIN bins), judged AS (
    SELECT *, EXISTS (FROM periods p WHERE {_same("p", "w")} AND p.bin = w.bin) AS found,
           EXISTS (FROM period_searches s WHERE {_same("s", "w")} AND s.bin = w.bin) AS ours,
           EXISTS (FROM period_searches s WHERE {_same("s", "w")} AND s.bin = w.bin AND s.n_points = w.n_points
                   AND s.minimum_period = $minimum AND s.maximum_period = $maximum) AS same
    FROM wanted w)
SELECT {_COLUMNS}, list(bin ORDER BY bin) AS bins FROM judged
WHERE $recompute OR NOT CASE WHEN ours THEN same ELSE found END GROUP BY {_COLUMNS}, first ORDER BY first
"""
_READ = f"""
SELECT d.n, e.bjd, e.flux, e.flux_err, l.lc, l.magzp, l.mag_ref
FROM due d JOIN lightcurves l ON {_same("l", "d")} JOIN epochs e USING (lc)
WHERE {_USABLE} ORDER BY d.n, e.bjd, e.lc, e.key
"""
_INSERT_PERIODS = f"""
INSERT INTO periods BY NAME SELECT {_COLUMNS}, bin, {", ".join(_RESULTS)} FROM found WHERE period IS NOT NULL
"""
_INSERT_SEARCHES = f"""
INSERT INTO period_searches BY NAME
SELECT {_COLUMNS}, bin, n_points, minimum_period, maximum_period, reason::VARCHAR AS reason FROM found
"""


def _delete(table):
    """SQL that takes the rows of the same light curves and numbers of bins out of a table."""
    return f"DELETE FROM {table} USING found WHERE {_same(table, 'found')} AND {table}.bin = found.bin"


class _Range(NamedTuple):
    """Periods to search [day]."""

    minimum: float
    maximum: float


class _Curve(NamedTuple):
    """A light curve that is due: psid, field, ccd, quad and band; numbers of bins; usable epochs by time."""

    key: tuple
    n_bins: tuple
    epochs: dict


class _Found(NamedTuple):
    """One value for each number of bins, NaN where there is none; why, where there is no period."""

    period: np.ndarray
    significance: np.ndarray
    string_length: np.ndarray
    reason: str | None = None


class _StoppedError(Exception):
    """Nobody waits for the search any more."""


def compute_periods(archive, psids, n_bins, periods, workers, recompute, tell):
    """Search what is due, and store what is found; see `Archive.compute_periods`.

    Parameters
    ----------
    archive : Archive
        Where.
    psids, n_bins, workers, recompute
        As there.
    periods : tuple of `~astropy.units.Quantity`
        Shortest and longest.
    tell : callable
        Called as ``tell(done, total, what)``.
    """
    n_bins, workers = fpw_statistic.check_n_bins(n_bins), fpw_search.check_workers(workers)
    span = _checked_range(*periods)
    asked = _known_sources(archive, psids)
    archive.write("DELETE FROM period_searches WHERE false")  # where nothing can be written, that is said at once
    total, due = _due(archive, asked, n_bins, span, recompute)
    failures, batch, stored = [], [], monotonic()
    with closing(_results(_read(archive, due), span, workers)) as results:
        for done, (curve, found) in enumerate(results, start=1):
            batch.append((curve, found))
            failures += [(*curve.key, found.reason)] if found.reason else []
            if monotonic() - stored > _COMMIT_SECONDS:
                _store(archive, span, batch)
                batch, stored = [], monotonic()
            tell(done, len(due["bins"]), "light curves searched")
    _store(archive, span, batch)
    return PeriodReport(
        lightcurves=total,
        searched=len(due["bins"]),
        known=total - len(due["bins"]),
        failures=curve_table(failures),
    )


def add_periods(archive, table):
    """Store periods from elsewhere; a search here does not count for them any more. See `Archive.add_periods`."""
    with archive.transaction():
        found = put_rows(archive.write, "periods", schema.PERIODS, table, "psid", (*_KEY, "bin"))
        archive.write(_delete("period_searches"), found=found)


def _checked_range(minimum_period, maximum_period):
    span = _Range(
        check_period(minimum_period, "minimum_period").to_value(u.day),
        check_period(maximum_period, "maximum_period").to_value(u.day),
    )
    if not span.minimum < span.maximum:
        raise ValueError(f"minimum_period ({minimum_period}) must be shorter than maximum_period ({maximum_period})")
    return span


def _known_sources(archive, psids):
    """Numbers of the sources asked for, or None for all.

    Raises
    ------
    ValueError
        One is no id, or the archive does not hold it.
    """
    if psids is None:
        return None
    numbers = _numbers([psids] if isinstance(psids, str | Integral) else psids)
    known = archive.query("SELECT psid FROM sources JOIN asked USING (psid)", asked={"psid": numbers})["psid"]
    unknown = np.setdiff1d(numbers, known)
    if len(unknown):
        raise ValueError(f"psids: the archive does not know {', '.join(map(str, unknown[:5]))}.")
    return numbers


def _numbers(psids):
    try:
        return np.unique(np.array([int(str(psid)) for psid in psids], dtype=np.int64))
    except (ValueError, OverflowError) as exc:
        raise ValueError(f"psids: every id must be a whole number of at most 64 bits: {exc}") from exc


def _due(archive, asked, n_bins, span, recompute):
    """Number of light curves, and columns of those that are due."""
    arrays = {"asked": {"psid": np.zeros(0, dtype=np.int64) if asked is None else asked}}
    everything = {"everything": asked is None}
    total = int(archive.query(_COUNT, everything, **arrays)["n"][0])
    judged = everything | {"minimum": span.minimum, "maximum": span.maximum, "recompute": recompute}
    return total, archive.query(_DUE, judged, bins={"bin": np.array(n_bins)}, **arrays)


def _read(archive, due):
    """Light curves that are due, some at a time."""
    for start in range(0, len(due["bins"]), _CHUNK):
        rows = range(start, min(start + _CHUNK, len(due["bins"])))
        keys = {name: due[name][rows.start : rows.stop] for name in _KEY}
        found = archive.query(_READ, due=keys | {"n": np.array(rows)})
        edges = np.searchsorted(found["n"], [*rows, rows.stop])
        for row, first, last in zip(rows, edges[:-1], edges[1:], strict=True):
            epochs = {name: np.ma.getdata(values[first:last]) for name, values in found.items()}
            key = tuple(due[name][row].item() if name != "band" else due[name][row] for name in _KEY)
            yield _Curve(key, tuple(int(m) for m in due["bins"][row]), epochs)


def _results(curves, span, workers):
    """Each light curve with what was found, in order; threads work ahead, but only a little."""
    stopped = threading.Event()
    pool, waiting = ThreadPoolExecutor(workers), deque()
    try:
        for curve in curves:
            waiting.append((curve, pool.submit(_search, curve, span, stopped)))
            if len(waiting) > 2 * workers:
                yield _oldest(waiting)
        while waiting:
            yield _oldest(waiting)
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)


def _oldest(waiting):
    curve, future = waiting.popleft()
    return curve, future.result()


def _search(curve, span, stopped):
    """What FPW finds in a light curve."""

    def check():
        if stopped.is_set():
            raise _StoppedError

    try:
        time, flux, error, grid = _prepared(curve, span)
    except ValueError as exc:
        nothing = np.full(len(curve.n_bins), np.nan)
        return _Found(nothing, nothing, nothing, str(exc))
    peaks = fpw_search.search(time, flux, error, grid, curve.n_bins, check=check)
    period = 1 / (grid.minimum + grid.step * peaks.index)
    return _Found(period, peaks.significance, _string_lengths(curve.epochs, time, period))


def _prepared(curve, span):
    """Times from 0 on, levelled fluxes and their errors, and the grid.

    Raises
    ------
    ValueError
        No period can be found in the light curve.
    """
    epochs = curve.epochs
    fpw_search.check_points(len(epochs["bjd"]), curve.n_bins)
    time = epochs["bjd"] - epochs["bjd"][0]
    longest = min(span.maximum, time[-1] / 2)
    if longest <= span.minimum:
        raise ValueError(f"the light curve spans {time[-1]:.6g} d, not twice the shortest period")
    scale = 10 ** (-0.4 * (epochs["magzp"] - epochs["magzp"][0]))  # DN of the first file
    flux, error = epochs["flux"] * scale, epochs["flux_err"] * scale
    levelled = _levelled(flux, error, epochs["lc"])
    if np.max(np.abs(levelled)) <= _ROUNDING * np.max(np.abs(flux)):
        raise ValueError("the light curve does not vary")
    grid = make_grid(
        float(time[-1]),
        minimum_period=span.minimum * u.day,
        maximum_period=longest * u.day,
        samples_per_peak=fpw_search.SAMPLES_PER_PEAK,
    )
    return time, levelled, error, grid


def _levelled(values, errors, files):
    """Values less the weighted mean of their file."""
    return centre(values[:, None], errors, np.unique(files, return_inverse=True)[1])[:, 0]


def _string_lengths(epochs, time, periods):
    """String length of the magnitudes of the detections, on each period; NaN where there are none."""
    mag, mag_err, _ = photometry.flux_to_mag(*(epochs[name] for name in ("flux", "flux_err", "magzp", "mag_ref")))
    seen = np.isfinite(mag)
    if not seen.any():
        return np.full(len(periods), np.nan)
    levelled = _levelled(mag[seen], mag_err[seen], epochs["lc"][seen])
    return np.array([stringlength.length(time[seen], levelled, period) for period in periods])


def _store(archive, span, batch):
    """Rows of both tables for some light curves, in one transaction; older ones are replaced."""
    if not batch:
        return
    rows = [len(curve.n_bins) for curve, _ in batch]
    keys = zip(*(curve.key for curve, _ in batch), strict=True)
    found = {name: np.repeat(_column(values), rows) for name, values in zip(_KEY, keys, strict=True)}
    found["bin"] = np.concatenate([curve.n_bins for curve, _ in batch])
    for name in _RESULTS:
        found[name] = np.concatenate([getattr(result, name) for _, result in batch])
    found["n_points"] = np.repeat([len(curve.epochs["bjd"]) for curve, _ in batch], rows)
    found["reason"] = np.repeat(np.array([result.reason for _, result in batch], dtype=object), rows)
    found["minimum_period"] = np.full(len(found["bin"]), span.minimum)
    found["maximum_period"] = np.full(len(found["bin"]), span.maximum)
    with archive.transaction():
        for statement in (_delete("periods"), _delete("period_searches"), _INSERT_PERIODS, _INSERT_SEARCHES):
            archive.write(statement, found=found)


def _column(values):
    return np.array(values, dtype=object if isinstance(values[0], str) else np.int64)
