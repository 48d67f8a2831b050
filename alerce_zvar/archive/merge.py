"""From staged rows to sources, light curves and epochs.

::

    raw (rows of files or of a table) -> staged (light curves) -> sources, lightcurves -> fresh (new rows) -> epochs
"""

import numpy as np
from astropy import units as u
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from alerce_zvar.archive import ids, sky
from alerce_zvar.archive.search import cone_search
from alerce_zvar.archive.times import barycentric
from alerce_zvar.archive.usertable import PREFIX
from alerce_zvar.config import MATCH_RADIUS
from alerce_zvar.errors import ArchiveError
from alerce_zvar.zvar import photometry

__all__ = ["CREATE_RAW", "MATCH_RADIUS", "merge", "radius_in_arcsec"]

USER_ZERO_POINT = 26.0  # of light curves given in magnitudes: near ZTF's own, so that fluxes look alike
_FLUX_INPUTS = ("mag", "mag_err", "flux", "flux_err", "limiting_mag", "magzp", "mag_ref")
_FILE = "origin, field, ccd, quad, band"


def _qualified(table):
    return ", ".join(f"{table}.{column}" for column in _FILE.split(", "))


_NOBODY = -1  # no source has this psid; 0 is that of the south pole
_LARGEST_RADIUS = 60  # arcsec, of an import

CREATE_RAW = """
CREATE OR REPLACE TEMP TABLE raw (
    origin VARCHAR, name VARCHAR, key BIGINT, mjd DOUBLE, bjd DOUBLE, band VARCHAR,
    field BIGINT, ccd BIGINT, quad BIGINT,
    mag DOUBLE, mag_err DOUBLE, flux DOUBLE, flux_err DOUBLE, limiting_mag DOUBLE, magzp DOUBLE, mag_ref DOUBLE,
    ra DOUBLE, dec DOUBLE, catflags INTEGER, bad BOOLEAN, objtype BIGINT)
"""
# The median right ascension is taken around one of the rows, so that it is right across RA = 0.
_STAGED = f"""
CREATE OR REPLACE TEMP TABLE staged AS
WITH anchored AS (SELECT *, min(ra) OVER (PARTITION BY {_FILE}) AS ra0 FROM raw),
grouped AS (
    SELECT {_FILE}, any_value(name) AS name, max(objtype) AS objtype, median(dec) AS dec,
           any_value(ra0) + median((ra - ra0 + 540) % 360 - 180) AS ra,
           coalesce(median(magzp) FILTER (NOT bad), median(magzp), {USER_ZERO_POINT}) AS magzp,
           coalesce(median(mag) FILTER (NOT bad), median(mag), median(limiting_mag), 0) AS mag_median,
           median(mag_ref) AS mag_ref
    FROM anchored GROUP BY {_FILE})
SELECT * EXCLUDE (mag_median, mag_ref, ra), CASE WHEN ra < 0 THEN ra + 360 ELSE ra END % 360 AS ra,
       coalesce(mag_ref, mag_median - magzp) AS mag_ref, row_number() OVER (ORDER BY {_FILE}) - 1 AS n
FROM grouped
"""
# Of several sources in reach a name takes the one that holds it already, or else the nearest. What another name of the
# same table is nearer to is not taken; files have no name ('').
_CHOSEN = """
WITH chosen AS (
    SELECT *, EXISTS (FROM lightcurves l WHERE (l.psid, l.origin) = (found.psid, found.origin)) AS held FROM found
    QUALIFY row_number() OVER (PARTITION BY cone ORDER BY held DESC, distance, psid) = 1)
SELECT cone, psid FROM chosen
QUALIFY origin = '' OR held OR row_number() OVER (PARTITION BY psid ORDER BY held DESC, distance, cone) = 1
"""
_LIGHTCURVES = f"""
INSERT INTO lightcurves BY NAME
WITH numbered AS (
    SELECT s.*, t.psid, (SELECT coalesce(max(lc), 0) FROM lightcurves)
           + row_number() OVER (ORDER BY t.psid, s.field, s.ccd, s.quad, s.band, s.origin) AS lc
    FROM staged s JOIN target t USING (n)
    WHERE NOT EXISTS (FROM lightcurves l WHERE l.psid = t.psid AND ({_qualified("l")}) = ({_qualified("s")})))
SELECT lc, psid, {_FILE}, magzp, mag_ref, 0 AS nb_exposures,
       CASE WHEN starts_with(origin, '{PREFIX}') THEN lc ELSE right(origin, 8)::BIGINT END AS idx
FROM numbered ORDER BY lc
"""
_FRESH = f"""
CREATE OR REPLACE TEMP TABLE fresh AS
WITH placed AS (
    SELECT r.* EXCLUDE (magzp, mag_ref), l.lc, l.psid, l.magzp, l.mag_ref, o.ra AS source_ra, o.dec AS source_dec
    FROM raw r JOIN staged s USING ({_FILE}) JOIN target t USING (n)
    JOIN lightcurves l ON l.psid = t.psid AND ({_qualified("l")}) = ({_qualified("s")})
    JOIN sources o ON o.psid = t.psid)
SELECT *, row_number() OVER (ORDER BY lc, key) - 1 AS i
FROM (SELECT * FROM placed QUALIFY row_number() OVER (PARTITION BY lc, key ORDER BY mag, flux) = 1) once
WHERE NOT EXISTS (FROM epochs e WHERE e.lc = once.lc AND e.key = once.key)
"""
# As ZTF makes them: night, millionths of the day, readout channel, then a count within the image
# (508 443856 11 5 010005; reference/alerce.md 3.2). Nights outside ZTF's are folded into its range of numbers.
_EPOCHS = """
INSERT INTO epochs BY NAME
WITH imaged AS (
    SELECT f.* EXCLUDE (mjd, bjd, flux, flux_err), c.mjd, c.bjd, c.flux, c.flux_err,
           floor(c.mjd)::BIGINT - 57754 AS nid,
           CASE WHEN nid BETWEEN 1 AND 9000 THEN nid ELSE (nid % 9000 + 9000) % 9000 END * 1000000000
           + floor((c.mjd - floor(c.mjd)) * 1e6)::BIGINT * 1000
           + greatest(0, 4 * (f.ccd - 1) + f.quad - 1) % 100 * 10 + 5 AS pid
    FROM fresh f JOIN computed c USING (i)),
used AS (
    SELECT candid // 1000000 AS pid, max(candid % 1000000) + 1 AS next FROM epochs
    WHERE candid // 1000000 IN (SELECT pid FROM imaged) GROUP BY 1)
SELECT lc, key, mjd, bjd, flux, flux_err, limiting_mag, ra, dec, catflags, bad,
       imaged.pid * 1000000 + coalesce(used.next, 10000)
       + row_number() OVER (PARTITION BY imaged.pid ORDER BY lc, key) - 1 AS candid
FROM imaged LEFT JOIN used USING (pid) ORDER BY lc, key
"""
_FILL_SOURCES = """
UPDATE sources SET name = coalesce(sources.name, given.name), objtype = coalesce(sources.objtype, given.objtype)
FROM (SELECT t.psid, min(s.name) AS name, max(s.objtype) AS objtype
      FROM staged s JOIN target t USING (n) GROUP BY 1) given
WHERE sources.psid = given.psid
"""


def merge(archive, radius):
    """Move the rows of the temporary table ``raw`` into the archive; within the caller's transaction.

    Parameters
    ----------
    archive : Archive
        Its connection holds ``raw``.
    radius : float
        Light curves closer than this belong to one source [arcsec].

    Returns
    -------
    dict
        The counts of `ImportReport`.
    """
    run = archive.write
    before = archive.summary()
    run(_STAGED)
    _assign_sources(run, radius)
    run(_LIGHTCURVES)
    run(_FILL_SOURCES)
    run(_FRESH)
    _insert_epochs(run)
    rows = run("SELECT count(*) AS n FROM raw")["n"][0]
    new = run("SELECT count(*) AS n, count(*) FILTER (bad) AS bad FROM fresh")
    after = archive.summary()
    return {
        "sources_added": after["sources"] - before["sources"],
        "lightcurves_added": after["lightcurves"] - before["lightcurves"],
        "epochs_added": int(new["n"][0] - new["bad"][0]),
        "bad_epochs": int(new["bad"][0]),
        "epochs_known": int(rows - new["n"][0]),
    }


def _assign_sources(run, radius):
    """Make the temporary table ``target``: light curve n -> psid; sources that are new are inserted."""
    staged = run(f"""
        SELECT s.*, l.psid FROM staged s LEFT JOIN lightcurves l
        ON ({_qualified("l")}) = ({_qualified("s")}) AND NOT starts_with(l.origin, '{PREFIX}') ORDER BY n""")
    psid = np.ma.filled(staged["psid"].astype(np.int64), _NOBODY)
    unknown = np.flatnonzero(psid == _NOBODY)
    if len(unknown):
        psid[unknown] = _place(run, *(np.ma.getdata(staged[key])[unknown] for key in ("origin", "ra", "dec")), radius)
    run("CREATE OR REPLACE TEMP TABLE target AS SELECT * FROM given", given={"n": staged["n"], "psid": psid})


def _place(run, origin, ra, dec, radius):
    """Source of each light curve: those of one name, or of one chain of neighbours, go to the same one."""
    named = origin[0].startswith(PREFIX)
    group = np.unique(origin.astype(str), return_inverse=True)[1] if named else _friends(ra, dec, radius)
    first = np.unique(group, return_index=True)[1]
    centres = _centres(ra, dec, group)
    psid = _match_existing(run, *centres[:2], radius, origin[first] if named else np.full(len(first), "", dtype=object))
    new = psid == _NOBODY
    psid[new] = _make_sources(run, *(values[new] for values in centres))
    return psid[group]


def _match_existing(run, ra, dec, radius, origin):
    """Source of the archive that each centre belongs to, if one is close enough; two names never share a new match."""
    found = cone_search(run, ra, dec, np.full(len(ra), radius))
    chosen = run(_CHOSEN, found=found | {"origin": origin[found["cone"]]})
    psid = np.full(len(ra), _NOBODY)
    psid[chosen["cone"]] = chosen["psid"]
    return psid


def _make_sources(run, ra, dec, vectors):
    """Ids of new sources, which are inserted."""
    psid = ids.psid_from_position(ra, dec)
    if len(psid):
        _refuse_clashes(run, psid)
        columns = {"psid": psid, "ra": ra, "dec": dec, "hpx": sky.pixel(ra, dec)}
        columns |= dict(zip("xyz", vectors.T.copy(), strict=True))
        run("INSERT INTO sources BY NAME SELECT * FROM given ORDER BY psid", given=columns)
    return psid


def _friends(ra, dec, radius):
    """Number of the group of each position: chains of neighbours closer than the radius are one group."""
    pairs = cKDTree(sky.unit_vectors(ra, dec)).query_pairs(np.sqrt(sky.chord_squared(radius)), output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(ra), len(ra)))
    return connected_components(links, directed=False)[1]


def _centres(ra, dec, group):
    """Mean position of each group, and its unit vector; exactly the given position where all members agree."""
    vectors = sky.unit_vectors(ra, dec)
    first = np.unique(group, return_index=True)[1]
    offset = np.zeros((len(first), 3))
    np.add.at(offset, group, vectors - vectors[first][group])
    x, y, z = (vectors[first] + offset / np.bincount(group)[:, None]).T
    moved = np.any(offset != 0, axis=1)
    mean_ra = np.where(moved, np.degrees(np.arctan2(y, x)) % 360.0 % 360.0, ra[first])
    mean_dec = np.where(moved, np.degrees(np.arctan2(z, np.hypot(x, y))), dec[first])
    return mean_ra, mean_dec, sky.unit_vectors(mean_ra, mean_dec)


def _refuse_clashes(run, psid):
    taken = run("SELECT psid FROM sources JOIN given USING (psid)", given={"psid": psid})["psid"]
    same = np.concatenate([taken, psid[np.setdiff1d(np.arange(len(psid)), np.unique(psid, return_index=True)[1])]])
    if len(same):
        raise ArchiveError(f"Several sources stand at one position to 4 mas and would share the psid(s) {same[:5]}.")


def _insert_epochs(run):
    """Fluxes and both times of the new rows, then the rows."""
    found = run(f"SELECT {', '.join(_FLUX_INPUTS)}, i, mjd, bjd, source_ra, source_dec FROM fresh ORDER BY i")
    fresh = {key: np.ma.filled(values.astype(float), np.nan) for key, values in found.items()}
    if not len(fresh["i"]):
        return
    flux, flux_err = _fluxes(**{key: fresh[key] for key in _FLUX_INPUTS})
    bjd = np.where(
        np.isnan(fresh["bjd"]), barycentric(fresh["mjd"], fresh["source_ra"], fresh["source_dec"]), fresh["bjd"]
    )
    computed = {"i": fresh["i"].astype(np.int64), "mjd": fresh["mjd"], "bjd": bjd, "flux": flux, "flux_err": flux_err}
    run(_EPOCHS, computed=computed)


def _fluxes(mag, mag_err, flux, flux_err, limiting_mag, magzp, mag_ref):
    """Given fluxes, or those of the magnitudes; of a limit only the error, such that it is the limit at 5 sigma."""
    from_mag = photometry.mag_to_flux(mag, mag_err, magzp, mag_ref)
    limit_err = photometry.mag_to_flux(limiting_mag, photometry.POGSON / photometry.LIMIT_SNR, magzp, mag_ref)[1]
    use_mag = np.isnan(flux) & np.isfinite(mag)
    flux = np.where(use_mag, from_mag[0], flux)
    flux_err = np.where(use_mag, from_mag[1], flux_err)
    return flux, np.where(np.isnan(flux_err), limit_err, flux_err)


def radius_in_arcsec(radius):
    """Checked radius of an import [arcsec]."""
    value = u.Quantity(radius).to_value(u.arcsec)
    if not 0 <= value <= _LARGEST_RADIUS:
        raise ValueError(f"radius: 0 to {_LARGEST_RADIUS} arcsec is accepted, {value} arcsec was given.")
    return value
