"""The sources inside cones."""

import numpy as np

from alerce_zvar.archive.sky import chord_squared, cone_ranges, unit_vectors

__all__ = ["cone_search"]

_SEARCH = """
SELECT cone, psid, 2 * degrees(asin(least(1, sqrt(distance_squared) / 2))) * 3600 AS distance
FROM (SELECT r.cone, s.psid,
             (s.x - c.x) ** 2 + (s.y - c.y) ** 2 + (s.z - c.z) ** 2 AS distance_squared, c.chord
      FROM ranges r JOIN sources s ON s.hpx >= r.low AND s.hpx < r.high JOIN cones c ON c.cone = r.cone)
WHERE distance_squared <= chord
ORDER BY cone, distance, psid
"""


def cone_search(query, ra, dec, radius):
    """Sources inside each cone, nearest first.

    Parameters
    ----------
    query : callable
        `Archive.query`, or the like of it.
    ra, dec, radius : ndarray of float
        Centres (ICRS) [deg] and radii [arcsec] of the cones.

    Returns
    -------
    dict of ndarray
        ``cone`` (index of the cone), ``psid`` (int64), ``distance`` [arcsec].
    """
    ranges = cone_ranges(ra, dec, radius)
    x, y, z = unit_vectors(ra, dec).T.copy()
    cones = {"cone": np.arange(len(x)), "x": x, "y": y, "z": z, "chord": chord_squared(radius)}
    return query(_SEARCH, ranges=ranges, cones=cones)
