"""Statistics of the difference magnitudes by object and band, in SQL, for all services that give them."""

__all__ = ["MAGSTATS"]

_MADE = """
SELECT d.oid, d.fid, any_value(o.stellar) AS stellar, any_value(o.corrected) AS corrected, count(*) AS ndet,
       count(*) FILTER (d.dubious) AS ndubious, avg(magpsf)::FLOAT AS magmean, median(magpsf)::FLOAT AS magmedian,
       max(magpsf) AS magmax, min(magpsf) AS magmin, NULL::FLOAT AS magsigma,
       arg_max(magpsf, mjd) AS maglast, arg_min(magpsf, mjd) AS magfirst, min(mjd) AS firstmjd, max(mjd) AS lastmjd,
       any_value(d.step_id_corr) AS step_id_corr, d.fid AS place
FROM detections d LEFT JOIN objects o USING (oid) GROUP BY d.oid, d.fid
"""
# As recorded, or made from the detections; `place` gives the order in an answer.
MAGSTATS = f"""
SELECT * FROM magstats
UNION ALL BY NAME SELECT * FROM ({_MADE}) WHERE oid NOT IN (SELECT oid FROM magstats)
"""
