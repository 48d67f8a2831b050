"""What follows from the epochs: statistics of light curves, and the ALeRCE side of a source.

An epoch counts as detection where the total flux is above 1 sigma, as in ZVAR. It becomes an ALeRCE detection where
the difference flux, whatever its sign, also reaches ``sources.alert_snr`` times its error; every other valid epoch
becomes a non-detection, and bands that ALeRCE lacks are left out. What only a real alert has (scores, stamps,
apertures) is null. What was recorded of an object (table ``recorded``) is left as it is.

The default, 0, makes every detection an alert. Then most difference fluxes are noise around the reference, which for
light curves in magnitudes is their median: magpsf, the magstats and the g_r colours without "corr" mean little, and
the corrected magnitudes are the ones to use. ZTF itself makes alerts from 5 sigma.

Epochs that ZVAR told (they have a place) are left aside: their statistics were told too, and no alerts are made of
them.
"""

import numpy as np

from alerce_zvar.alerce.schema import BANDS
from alerce_zvar.archive import ids
from alerce_zvar.archive.times import year
from alerce_zvar.zvar.photometry import POGSON, flux_to_mag, limiting_mag

__all__ = ["name_objects", "refresh", "set_alert_snr"]

STEP = "alerce_zvar_1"  # step_id_corr of everything made here


def _not_recorded(table):
    """SQL condition: rows of this object in the table are ours to make; those of its alerts and answers are not."""
    names = "('objects', 'detections', 'alerts')" if table == "objects" else f"('{table}', 'alerts')"
    return f"oid NOT IN (SELECT oid FROM recorded WHERE name IN {names})"


def _short(value):
    """SQL of a magnitude as ALeRCE prints it: the shortest decimal number that single precision tells from others."""
    return f"({value})::FLOAT::VARCHAR::DOUBLE"


def _colour(average):
    """SQL of the alerts' g - r."""
    return _short(f"{average} FILTER (alert AND fid = 1) - {average} FILTER (alert AND fid = 2)")


_FIDS = " ".join(f"WHEN '{band}' THEN {fid}" for fid, band in BANDS.items())
_MEASURED = f"""
CREATE OR REPLACE TEMP TABLE measured AS
SELECT e.*, l.psid, l.band, s.oid, s.ra AS source_ra, s.dec AS source_dec, s.objtype,
       CASE l.band {_FIDS} END AS fid, coalesce(e.limiting_mag, m.limiting_mag) AS diffmaglim,
       m.mag, m.mag_err, m.diff_mag, m.diff_mag_err,
       m.mag IS NOT NULL AND abs(e.flux) >= s.alert_snr * e.flux_err AS alert
FROM epochs e JOIN lightcurves l USING (lc) JOIN touched USING (psid) JOIN sources s USING (psid)
JOIN magnitudes m ON m.lc = e.lc AND m.key = e.key WHERE NOT e.bad AND e.place IS NULL
"""
_STATISTICS = """
UPDATE lightcurves SET nb_exposures = n, amplitude = spread, min_mag = brightest, max_mag = faintest
FROM (SELECT lc, count(*) AS n, quantile_cont(mag, 0.95) - quantile_cont(mag, 0.05) AS spread,
             min(mag) AS brightest, max(mag) AS faintest FROM measured GROUP BY lc) found
WHERE lightcurves.lc = found.lc
"""
_DETECTIONS = f"""
INSERT INTO detections BY NAME
SELECT oid, candid, mjd, fid, {_short("diff_mag")} AS magpsf, {_short("diff_mag_err")} AS sigmapsf,
       {_short("mag")} AS magpsf_corr, {_short("mag_err")} AS sigmapsf_corr,
       CASE WHEN flux < 0 THEN -1 ELSE 1 END AS isdiffpos, {_short("diffmaglim")} AS diffmaglim,
       coalesce(ra, source_ra) AS ra, coalesce(dec, source_dec) AS dec, candid // 1000000 AS pid,
       floor(mjd)::BIGINT - 57754 AS nid, false AS has_stamp, true AS corrected, false AS dubious, 0.0 AS phase,
       '{STEP}' AS step_id_corr, 'ztf' AS tid
FROM measured WHERE oid IS NOT NULL AND fid IS NOT NULL AND alert
AND {_not_recorded("detections")} ORDER BY oid, mjd, candid
"""
_NON_DETECTIONS = f"""
INSERT INTO non_detections BY NAME
SELECT oid, mjd, fid, {_short("diffmaglim")} AS diffmaglim, 'ztf' AS tid
FROM measured WHERE oid IS NOT NULL AND fid IS NOT NULL AND NOT alert
AND {_not_recorded("non_detections")} ORDER BY oid, mjd, fid
"""
_OBJECTS = f"""
INSERT INTO objects BY NAME
SELECT m.oid, any_value(source_ra) AS meanra, any_value(source_dec) AS meandec,
       stddev_samp((m.ra - source_ra + 540) % 360 - 180 ORDER BY mjd, candid) FILTER (alert) AS sigmara,
       stddev_samp(m.dec ORDER BY mjd, candid) FILTER (alert) AS sigmadec,
       count(*) FILTER (alert) AS ndet, ndet AS ndethist, count(*) AS ncovhist,
       min(mjd) FILTER (alert) AS firstmjd, max(mjd) FILTER (alert) AS lastmjd,
       lastmjd - firstmjd AS deltajd, min(mjd) AS mjdstarthist, max(mjd) AS mjdendhist, true AS corrected,
       CASE any_value(objtype) WHEN 1 THEN true WHEN 2 THEN false END AS stellar,
       {_colour("min(diff_mag)")} AS g_r_max, {_colour("min(mag)")} AS g_r_max_corr,
       {_colour("avg(diff_mag)")} AS g_r_mean, {_colour("avg(mag)")} AS g_r_mean_corr,
       '{STEP}' AS step_id_corr
FROM measured m WHERE m.oid IS NOT NULL AND fid IS NOT NULL AND {_not_recorded("objects")}
GROUP BY m.oid HAVING ndet > 0 ORDER BY m.oid
"""


def name_objects(run):
    """Give an ALeRCE-style oid to the sources of this import (temporary table ``target``) that have none."""
    new = run("""
        SELECT l.psid, min(e.mjd) AS first FROM epochs e JOIN lightcurves l USING (lc) JOIN sources s USING (psid)
        WHERE s.oid IS NULL AND s.psid IN (SELECT psid FROM target) AND NOT e.bad GROUP BY l.psid ORDER BY l.psid""")
    if not len(new["psid"]):
        return
    taken = set(run("SELECT oid FROM sources WHERE oid IS NOT NULL UNION SELECT oid FROM recorded")["oid"])
    oids = []
    for psid, first_year in zip(new["psid"], year(new["first"]), strict=True):
        oids.append(ids.mint_oid(psid, first_year, taken))
        taken.add(oids[-1])
    run(
        "UPDATE sources SET oid = given.oid FROM given WHERE sources.psid = given.psid",
        given={"psid": new["psid"], "oid": np.array(oids, dtype=object)},
    )


def set_alert_snr(run, alert_snr):
    """Let the sources of this import (temporary table ``target``) have alerts from that signal to noise on."""
    run("UPDATE sources SET alert_snr = ? WHERE psid IN (SELECT psid FROM target)", [alert_snr])


def refresh(run):
    """Compute statistics, objects, detections and non-detections of the sources of this import anew."""
    run("CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT psid FROM target")
    epochs = run("""
        SELECT e.lc, e.key, e.flux, e.flux_err, l.magzp, l.mag_ref FROM epochs e JOIN lightcurves l USING (lc)
        WHERE l.psid IN (FROM touched) AND NOT e.bad ORDER BY e.lc, e.key""")
    run(_MEASURED, magnitudes={"lc": epochs["lc"], "key": epochs["key"], **_magnitudes(epochs)})
    run(_STATISTICS)
    for table in ("objects", "detections", "non_detections"):
        touched = "SELECT oid FROM sources JOIN touched USING (psid)"
        run(f"DELETE FROM {table} WHERE oid IN ({touched}) AND {_not_recorded(table)}")
    for statement in (_DETECTIONS, _NON_DETECTIONS, _OBJECTS):
        run(statement)


def _magnitudes(epochs):
    """Total magnitudes and limits as ZVAR has them, and magnitudes of the absolute difference flux as in ALeRCE."""
    flux, flux_err, magzp, mag_ref = (
        np.ma.filled(np.ma.asarray(epochs[key], float), np.nan) for key in ("flux", "flux_err", "magzp", "mag_ref")
    )
    mag, mag_err, _ = flux_to_mag(flux, flux_err, magzp, mag_ref)
    size = np.where(flux == 0, np.nan, np.abs(flux))
    return {
        "mag": mag,
        "mag_err": mag_err,
        "diff_mag": magzp - 2.5 * np.log10(size),
        "diff_mag_err": POGSON * flux_err / size,
        "limiting_mag": limiting_mag(flux_err, magzp),
    }
