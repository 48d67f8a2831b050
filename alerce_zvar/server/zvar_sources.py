"""ZVAR's sources, whole: as every answer of that service gives them (reference/zvar.md 1.5)."""

import numpy as np

from alerce_zvar.server.replies import RefusalError, rows

__all__ = ["FILE", "number_of", "refuse", "whole_sources"]

FILE = "field, ccd, quad, band"  # columns that tell light curves of a source apart
_LARGEST = 2**63  # beyond the archive's integers
# A source that stands there only for an object of ALeRCE is none of ZVAR's.
_OF_ZVAR = """
(s.psid IN (SELECT psid FROM lightcurves) OR s.psid IN (SELECT psid FROM periods)
 OR s.psid::VARCHAR IN (SELECT oid FROM recorded WHERE name = 'sources'))
"""
# Of light curves that ZVAR gave, but does not list, the number of exposures is not known.
_LISTED = "WITH listed AS (FROM lightcurves WHERE nb_exposures IS NOT NULL)"


def refuse(status, name, reason):
    """Error for a request, with a body as FastAPI's."""
    return RefusalError(status, {"detail": f"{name}: {reason}"})


def number_of(text):
    """Number of a source, or one that no source has."""
    number = int(text)
    return number if 0 <= number < _LARGEST else -1


def whole_sources(archive, psid):
    """Objects with all their light curves and periods, by number."""
    given = {"psid": np.unique(np.asarray(psid, dtype=np.int64))}
    found = rows(
        archive.query(
            # Positions are single precision at the service (reference/zvar.md 1.5).
            "SELECT psid, ra::FLOAT::DOUBLE AS ra, dec::FLOAT::DOUBLE AS dec, objtype "
            f"FROM sources s JOIN given USING (psid) WHERE {_OF_ZVAR}",
            given=given,
        )
    )
    whole = {row["psid"]: row | {"psid": str(row["psid"]), "matchfiles": [], "periods": []} for row in found}
    curves = f"{_LISTED} SELECT psid, {FILE}, nb_exposures, idx, amplitude, min_mag, max_mag FROM listed"
    periods = f"SELECT psid, {FILE}, period, significance, string_length, bin FROM periods"
    _attach(archive, whole, given, "matchfiles", curves, f"place, {FILE}, lc")
    _attach(archive, whole, given, "periods", periods, f"place, {FILE}, bin")
    return whole


def _attach(archive, whole, given, key, select, order):
    for row in rows(archive.query(f"{select} JOIN given USING (psid) ORDER BY psid, {order}", given=given)):
        whole[row.pop("psid")][key].append(row)
