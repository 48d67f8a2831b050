"""Objects recorded from ALeRCE and the archive's sources: each object stands at one.

An object takes the nearest source in reach that has no recorded object yet, and with it what was made here for that
source under a name of our own; where there is none, it gets a new source. A source that has only this object moves
with it.
"""

import numpy as np

from alerce_zvar.archive import ids, sky
from alerce_zvar.archive.alerts import STEP
from alerce_zvar.archive.answers import oid_array
from alerce_zvar.archive.search import cone_search

__all__ = ["place"]

# Column of `sources` that names the object -> table of the objects.
_SURVEYS = {"oid": "objects", "lsst_oid": "lsst_objects"}
_ZTF_TABLES = (
    "detections", "non_detections", "magstats", "probabilities", "features", "forced_photometry", "alerts",
)  # fmt: skip
_OF_ALERTS = ("detections", "non_detections")  # what follows from an object's alert packets, where it has some
# Of a light curve without its object: what follows from the rows, summed in one order, so that it is always the same.
# What only the service knows is null.
_OBJECTS_OF_LIGHT_CURVES = """
CREATE OR REPLACE TEMP TABLE made AS
SELECT d.oid, avg(d.ra - ra0 ORDER BY mjd, candid) + any_value(ra0) AS ra, avg(d.dec ORDER BY mjd, candid) AS meandec,
       stddev_samp(d.ra - ra0 ORDER BY mjd, candid) AS sigmara, stddev_samp(d.dec ORDER BY mjd, candid) AS sigmadec,
       count(*) AS ndet, min(mjd) AS firstmjd, max(mjd) AS lastmjd, lastmjd - firstmjd AS deltajd,
       bool_and(corrected) FILTER (opens) AS corrected
FROM (SELECT oid, (ra - first(ra) OVER one + 540) % 360 - 180 + first(ra) OVER one AS ra, first(ra) OVER one AS ra0,
             dec, mjd, candid, corrected, row_number() OVER (PARTITION BY oid, fid ORDER BY mjd, candid) = 1 AS opens
      FROM detections SEMI JOIN touched USING (oid) WINDOW one AS (PARTITION BY oid ORDER BY mjd, candid)) d
WHERE EXISTS (FROM recorded r WHERE r.name = 'detections' AND r.oid = d.oid)
  AND NOT EXISTS (FROM recorded r WHERE r.name = 'objects' AND r.oid = d.oid)
GROUP BY d.oid
"""
_SAVE_OBJECTS = f"""
INSERT INTO objects BY NAME
SELECT * EXCLUDE ra, CASE WHEN ra < 0 THEN ra + 360 ELSE ra END % 360 AS meanra, '{STEP}' AS step_id_corr
FROM made ORDER BY oid
"""
_HOMELESS = """
SELECT o.oid, o.meanra AS ra, o.meandec AS dec FROM {objects} o SEMI JOIN touched USING (oid)
WHERE NOT EXISTS (FROM sources s WHERE s.{column} = o.oid) ORDER BY o.oid
"""
# Every object takes the nearest free source, a source the nearest object. Names of ZTF's objects may be ours.
_CHOSEN = """
WITH free AS (
    SELECT found.*, s.{column} AS name FROM found JOIN sources s USING (psid)
    WHERE s.{column} IS NULL
       OR ('{column}' = 'oid' AND NOT EXISTS (FROM recorded r WHERE r.oid = s.oid))),
nearest AS (FROM free QUALIFY row_number() OVER (PARTITION BY cone ORDER BY distance, psid) = 1)
SELECT cone, psid, name FROM nearest QUALIFY row_number() OVER (PARTITION BY psid ORDER BY distance, cone) = 1
"""
_MOVED = """
SELECT s.psid, o.meanra AS ra, o.meandec AS dec FROM sources s JOIN {objects} o ON o.oid = s.{column}
SEMI JOIN touched t ON t.oid = o.oid
WHERE (s.ra, s.dec) IS DISTINCT FROM (o.meanra, o.meandec) AND s.{other} IS NULL
  AND NOT EXISTS (FROM lightcurves l WHERE l.psid = s.psid)
  AND NOT EXISTS (FROM recorded r WHERE r.name = 'sources' AND r.oid = s.psid::VARCHAR)
"""


def place(run, changed, radius):
    """Give the objects of an import their sources.

    Parameters
    ----------
    run : callable
        `Archive.write`, within a transaction.
    changed : dict of set of str
        Table -> objects of which it has new rows.
    radius : float
        Reach [arcsec].

    Returns
    -------
    int
        How many sources are new.
    """
    _make_objects(run, changed.get("detections"))
    added = 0
    for column, objects in _SURVEYS.items():
        tables = (objects,) if column == "lsst_oid" else (objects, "detections")
        oids = set().union(*(changed.get(table, ()) for table in tables))
        if oids:
            _touch(run, objects, oids)
            _move_sources(run, objects, column)
            added += _find_sources(run, objects, column, radius)
    return added


def _touch(run, table, oids):
    run("CREATE OR REPLACE TEMP TABLE touched AS SELECT oid FROM given", given=oid_array(table, sorted(oids)))


def _make_objects(run, oids):
    """Objects of recorded light curves of which no object was recorded."""
    if oids:
        _touch(run, "objects", oids)
        run(_OBJECTS_OF_LIGHT_CURVES)
        run("DELETE FROM objects WHERE oid IN (SELECT oid FROM made)")
        run(_SAVE_OBJECTS)


def _find_sources(run, objects, column, radius):
    found = run(_HOMELESS.format(objects=objects, column=column))
    oid, ra, dec = (np.ma.getdata(found[key]) for key in ("oid", "ra", "dec"))
    if not len(oid):
        return 0
    near = cone_search(run, ra, dec, np.full(len(ra), radius))
    chosen = run(_CHOSEN.format(column=column), found=near)
    for cone, name in zip(chosen["cone"], chosen["name"], strict=True):
        if column == "oid" and isinstance(name, str):
            _rename(run, name, oid[cone])
    given = {"psid": chosen["psid"], "object": oid[chosen["cone"]]}
    run(f"UPDATE sources SET {column} = given.object FROM given WHERE sources.psid = given.psid", given=given)
    new = np.setdiff1d(np.arange(len(oid)), chosen["cone"])
    _add_sources(run, column, oid[new], ra[new], dec[new])
    return len(new)


def _rename(run, old, new):
    """What was made here for a source goes to its recorded object, except what is recorded of that."""
    run("DELETE FROM objects WHERE oid = ?", [old])
    for table in _ZTF_TABLES:
        told = [table, "alerts" if table in _OF_ALERTS else table]
        if len(run("SELECT oid FROM recorded WHERE name IN (?, ?) AND oid = ?", [*told, new])["oid"]):
            run(f"DELETE FROM {table} WHERE oid = ?", [old])
        run(f"UPDATE {table} SET oid = ? WHERE oid = ?", [new, old])


def _add_sources(run, column, oid, ra, dec):
    if not len(oid):
        return
    psid = _free(run, ids.psid_from_position(ra, dec))
    given = {"psid": psid, column: oid, "ra": ra, "dec": dec} | _derived(ra, dec)
    run("INSERT INTO sources BY NAME SELECT * FROM given ORDER BY psid", given=given)


def _free(run, psid):
    """Identifiers that nobody has: two objects may stand at the same place to 4 mas."""
    psid = psid.copy()
    while True:
        taken = np.isin(
            psid, run("SELECT psid FROM sources SEMI JOIN given USING (psid)", given={"psid": psid})["psid"]
        )
        repeated = np.ones(len(psid), dtype=bool)
        repeated[np.unique(psid, return_index=True)[1]] = False
        if not (taken | repeated).any():
            return psid
        psid[taken | repeated] += 1


def _derived(ra, dec):
    vectors = dict(zip("xyz", sky.unit_vectors(ra, dec).T.copy(), strict=True))
    return vectors | {"hpx": sky.pixel(ra, dec)}


def _move_sources(run, objects, column):
    """A source that is there for one object only stands where that is; it keeps its psid."""
    other = next(name for name in _SURVEYS if name != column)
    moved = run(_MOVED.format(objects=objects, column=column, other=other))
    if len(moved["psid"]):
        given = {key: np.ma.getdata(values) for key, values in moved.items()}
        given |= _derived(given["ra"], given["dec"])
        values = ", ".join(f"{name} = given.{name}" for name in ("ra", "dec", "x", "y", "z", "hpx"))
        run(f"UPDATE sources SET {values} FROM given WHERE sources.psid = given.psid", given=given)
