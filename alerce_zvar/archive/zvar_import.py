"""ZVAR's own answers into the archive, exactly: sources with their light curves and periods, and their photometry.

::

    query_objects, query_region ──► sources, lightcurves, periods ─┐  told again, they are replaced;
    get_lightcurves, both formats ──► epochs, lightcurves          ┘  what was made here of other data is left alone
    query_crossmatch ──► a catalogue of that name, to which is added what it lacks

A source that stands there for an object of ALeRCE only becomes ZVAR's source at the same place.
"""

import numpy as np

from alerce_zvar.archive import catalogs, sky
from alerce_zvar.archive.merge import MATCH_RADIUS
from alerce_zvar.archive.results import wire_columns
from alerce_zvar.archive.search import cone_search
from alerce_zvar.errors import ArchiveError
from alerce_zvar.folding import numbers
from alerce_zvar.zvar import schema

__all__ = ["ORIGIN", "store_matches", "store_photometry", "store_sources"]

ORIGIN = "zvar"  # of the light curves that the service told
_FILE = ("field", "ccd", "quad", "band")
_COLUMNS = ", ".join(_FILE)
_TOLD = {"mag": ("mag", "mag_err", "limiting_mag", "snr_total"), "flux": ("snr_diff", "magzp", "mag_ref")}


def _same(table, other, names=("psid", *_FILE)):
    return " AND ".join(f"{table}.{name} = {other}.{name}" for name in names)


# A free source has no data of its own; the nearest one in reach goes to each new source.
_FREE = """
WITH free AS (
    FROM found f WHERE NOT EXISTS (FROM lightcurves l WHERE l.psid = f.psid)
    AND NOT EXISTS (FROM periods p WHERE p.psid = f.psid)
    AND NOT EXISTS (FROM recorded r WHERE r.name = 'sources' AND r.oid = f.psid::VARCHAR)),
nearest AS (FROM free QUALIFY row_number() OVER (PARTITION BY cone ORDER BY distance, psid) = 1)
SELECT cone, psid FROM nearest QUALIFY row_number() OVER (PARTITION BY psid ORDER BY distance, cone) = 1
"""
_MARK = """
INSERT INTO recorded SELECT DISTINCT 'sources', psid::VARCHAR FROM given g
WHERE NOT EXISTS (FROM recorded r WHERE r.name = 'sources' AND r.oid = g.psid::VARCHAR)
"""
_PLACE_COLUMNS = ("ra", "dec", "x", "y", "z", "hpx", "objtype")
_MOVE = f"""
UPDATE sources SET {", ".join(f"{name} = given.{name}" for name in _PLACE_COLUMNS)} FROM given
WHERE sources.psid = given.psid AND (sources.ra, sources.dec, sources.objtype)
      IS DISTINCT FROM (given.ra, given.dec, given.objtype)
"""
_TYPED = "SELECT * REPLACE (band::VARCHAR AS band) FROM given"
_GIVEN = f"({_TYPED} SEMI JOIN told USING (psid))"
_KEEP_CURVES = f"""
CREATE OR REPLACE TEMP TABLE kept AS
SELECT g.* EXCLUDE again, l.lc, l.magzp, l.mag_ref FROM
    (SELECT *, row_number() OVER (PARTITION BY psid, {_COLUMNS} ORDER BY place) AS again FROM {_GIVEN}) g
LEFT JOIN (SELECT *, row_number() OVER (PARTITION BY psid, {_COLUMNS} ORDER BY place, lc) AS again
           FROM lightcurves SEMI JOIN told USING (psid) WHERE origin = '{ORIGIN}') l
ON {_same("l", "g")} AND l.again = g.again
"""
_DROP_CURVES = f"""
DELETE FROM lightcurves WHERE origin = '{ORIGIN}' AND psid IN (SELECT psid FROM told)
AND (lc IN (SELECT lc FROM kept) OR lc NOT IN (SELECT lc FROM epochs))
"""
# What is listed no longer, but has epochs.
_UNLIST_CURVES = f"""
UPDATE lightcurves SET nb_exposures = NULL, place = NULL
WHERE origin = '{ORIGIN}' AND psid IN (SELECT psid FROM told)
"""
_SAVE_CURVES = f"""
INSERT INTO lightcurves BY NAME
WITH last AS (SELECT coalesce(max(lc), 0) AS lc FROM (SELECT lc FROM lightcurves UNION ALL SELECT lc FROM kept))
SELECT kept.* REPLACE (coalesce(kept.lc, last.lc + row_number() OVER (
           PARTITION BY kept.lc IS NULL ORDER BY psid, {_COLUMNS}, place)) AS lc), '{ORIGIN}' AS origin
FROM kept, last
"""
_DROP_PERIODS = "DELETE FROM periods WHERE place IS NOT NULL AND psid IN (SELECT psid FROM told)"
# Light curves that the source does not list have no number of exposures, and are none of its answers.
_ADD_CURVES = f"""
INSERT INTO lightcurves BY NAME
SELECT (SELECT coalesce(max(lc), 0) FROM lightcurves) + row_number() OVER (ORDER BY psid, {_COLUMNS}) AS lc,
       psid, '{ORIGIN}' AS origin, {_COLUMNS} FROM (SELECT DISTINCT psid, {_COLUMNS} FROM told) t
WHERE NOT EXISTS (FROM lightcurves l WHERE l.origin = '{ORIGIN}' AND {_same("l", "t")})
"""
_OWNERS = f"""
CREATE OR REPLACE TEMP TABLE owners AS
SELECT min(l.lc) AS lc, psid, {_COLUMNS} FROM lightcurves l SEMI JOIN told USING (psid)
WHERE origin = '{ORIGIN}' GROUP BY psid, {_COLUMNS}
"""
_DROP_EPOCHS = """
DELETE FROM epochs WHERE lc IN (SELECT lc FROM owners WHERE (psid, band) IN (SELECT psid, band FROM asked))
"""
_SAVE_EPOCHS = f"""
INSERT INTO epochs BY NAME
SELECT o.lc, t.place AS key, false AS bad, t.* EXCLUDE (psid, {_COLUMNS})
FROM told t JOIN owners o ON {_same("t", "o")} ORDER BY o.lc, t.place
"""
_ZERO_POINTS = """
UPDATE lightcurves SET magzp = found.magzp, mag_ref = found.mag_ref
FROM (SELECT lc, median(told_magzp) AS magzp, median(told_mag_ref) AS mag_ref FROM epochs
      WHERE lc IN (SELECT lc FROM owners) GROUP BY lc) found WHERE lightcurves.lc = found.lc
"""


def store_sources(run, sources, radius=MATCH_RADIUS.value):
    """Keep sources with all that is told of them; inside the caller's transaction.

    Parameters
    ----------
    run : callable
        `Archive.write`.
    sources : `~alerce_zvar.zvar.core.SourceTable`
        As `query_objects` gives it: with the tables ``lightcurves`` and ``periods``.
    radius : float
        A source for an object of ALeRCE only becomes ZVAR's within this distance [arcsec].

    Returns
    -------
    int
        Number of different sources.
    """
    psid, first = np.unique(_ids(sources), return_index=True)
    if not len(psid):
        return 0
    given = {"psid": psid, "objtype": wire_columns(schema.OBJECTS, sources)["objtype"][first]}
    given |= _position(*(numbers(sources[name])[first] for name in ("ra", "dec")))
    run("CREATE OR REPLACE TEMP TABLE told AS SELECT psid FROM given", given=given)
    _settle(run, given, radius)
    run(_MARK, given=given)
    run(_KEEP_CURVES, given=_rows(schema.LIGHTCURVES, sources.lightcurves))
    for statement in (_DROP_CURVES, _UNLIST_CURVES, _SAVE_CURVES):
        run(statement)
    _store_periods(run, _rows(schema.PERIODS, sources.periods))
    return len(psid)


def _ids(table):
    """Whole numbers, exactly as they were told."""
    try:
        return np.array([int(str(psid)) for psid in table["psid"]], dtype=np.int64)
    except (ValueError, OverflowError) as exc:
        raise ArchiveError(f"psid: every id must be a whole number of at most 64 bits: {exc}") from exc


def _position(ra, dec):
    vectors = dict(zip("xyz", sky.unit_vectors(ra, dec).T.copy(), strict=True))
    return {"ra": ra, "dec": dec, "hpx": sky.pixel(ra, dec)} | vectors


def _settle(run, given, radius):
    """Each source has a row of its number, and stands where it is told to."""
    known = run("SELECT psid FROM sources SEMI JOIN given USING (psid)", given=given)["psid"]
    new = np.flatnonzero(~np.isin(given["psid"], known))
    near = cone_search(run, given["ra"][new], given["dec"][new], np.full(len(new), radius))
    if len(near["cone"]):
        taken = run(_FREE, found=near)
        renamed = {"psid": taken["psid"], "told": given["psid"][new][taken["cone"]]}
        run("UPDATE sources SET psid = given.told FROM given WHERE sources.psid = given.psid", given=renamed)
        new = np.delete(new, taken["cone"])
    added = {name: values[new] for name, values in given.items()}
    run("INSERT INTO sources BY NAME SELECT * FROM given ORDER BY psid", given=added)
    run(_MOVE, given=given)


def _rows(answer, table):
    """Rows of a table that is linked to the sources, in their order there."""
    psid = _ids(table)
    order = np.argsort(psid, kind="stable")
    edges = np.flatnonzero(np.diff(psid[order], prepend=-1))
    place = np.empty(len(psid), dtype=np.int64)
    place[order] = np.arange(len(psid)) - np.repeat(edges, np.diff(np.append(edges, len(psid))))
    return wire_columns(answer, table) | {"psid": psid, "place": place}


def _store_periods(run, given):
    run(_DROP_PERIODS)
    for table in ("periods", "period_searches"):
        key = _same(table, "given", ("psid", *_FILE, "bin"))
        run(f"DELETE FROM {table} USING given WHERE {key}", given=given)
    run(f"INSERT INTO periods BY NAME SELECT * FROM {_GIVEN} ORDER BY psid, place", given=given)


def store_photometry(run, mag, flux, psids, bands):
    """Keep light curves in both formats; inside the caller's transaction.

    Parameters
    ----------
    run : callable
        `Archive.write`.
    mag, flux : LightCurves
        Of the same sources, as `get_lightcurves` gives them in the formats ``"mag"`` and ``"flux"``.
    psids : iterable of str
        The sources that were asked for; the rows that they had in these bands go.
    bands : iterable of str
        Bands that were asked for.

    Raises
    ------
    ArchiveError
        The two differ in more than the format, or a source is not there.
    """
    told = _told(*(curves[np.unique(curves.ids, return_index=True)[1]] for curves in (mag, flux)))
    pairs = [(int(psid), band) for psid in psids for band in bands]
    asked = {"psid": np.array([psid for psid, _ in pairs], np.int64), "band": np.array([band for _, band in pairs])}
    for name, given in (("asked", asked), ("told", told)):
        run(f"CREATE OR REPLACE TEMP TABLE {name} AS {_TYPED}", given=_plain(given))
    unknown = run("SELECT psid FROM told ANTI JOIN sources USING (psid) LIMIT 1")["psid"]
    if len(unknown):
        raise ArchiveError(f"The archive does not know the source {unknown[0]}; store it first.")
    run(_ADD_CURVES)
    run(_OWNERS)
    run(_DROP_EPOCHS)
    run(_SAVE_EPOCHS)
    run(_ZERO_POINTS)


def store_matches(run, catalog, matches):
    """Keep sources of another catalogue that ZVAR's sources were matched with; inside the caller's transaction.

    Parameters
    ----------
    run : callable
        `Archive.write`.
    catalog : str
        One of `alerce_zvar.zvar.schema.CATALOGS`.
    matches : `~astropy.table.Table`
        Columns of its schema, and any others, which are left out.

    Raises
    ------
    ArchiveError
        A catalogue of that name was imported before.
    """
    _, first = np.unique(np.asarray(matches["source_id"], dtype=str), return_index=True)
    own = matches[list(schema.CATALOGS[catalog].names)][np.sort(first)]
    catalogs.add_rows(run, catalog, own, "source_id", f"Sources of {catalog} near those of ZVAR, as ZVAR gave them")


def _plain(columns):
    """The same with texts as objects, which SQL takes."""
    return {name: values.astype(object) if values.dtype.kind == "U" else values for name, values in columns.items()}


def _told(mag, flux):
    """Rows of both formats as one table."""
    for curves, name in ((mag, "mag"), (flux, "flux")):
        if curves.data.meta.get("time_assumption", schema.TIME_ASSUMPTION) != schema.TIME_ASSUMPTION:
            raise ArchiveError(f"{name}: light curves with the service's own times are accepted, without midpoint.")
    columns = [_common(curves) for curves in (mag, flux)]
    if any(not np.array_equal(columns[0][name], columns[1][name]) for name in columns[0]):
        raise ArchiveError("The rows of the formats 'mag' and 'flux' are not of the same exposures.")
    starts = np.repeat(flux.offsets[:-1], np.diff(flux.offsets))
    place = {"place": np.arange(len(flux.data)) - starts}
    values = {name: _floats(flux.data[name]) for name in ("flux", "flux_err")}
    values |= {f"told_{name}": _floats(mag.data[name]) for name in _TOLD["mag"]}
    values |= {f"told_{name}": _floats(flux.data[name]) for name in _TOLD["flux"]}
    return columns[1] | place | values


def _common(curves):
    """What the formats have in common."""
    psid = np.repeat(np.array([int(psid) for psid in curves.ids], dtype=np.int64), np.diff(curves.offsets))
    data = curves.data
    files = {name: np.asarray(data[name], dtype=np.int64) for name in _FILE[:3]}
    return {"psid": psid, "bjd": np.asarray(data["time"].jd)} | files | {"band": np.asarray(data["band"], dtype=str)}


def _floats(column):
    """Numbers as they are, NaN where masked."""
    return np.where(np.asarray(getattr(column, "mask", False)), np.nan, numbers(column))
