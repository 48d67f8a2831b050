"""The sources inside cones."""

import numpy as np

from alerce_zvar.archive.sky import chord_squared, cone_ranges, unit_vectors

__all__ = ["cone_search", "position_filter"]

_SEARCH = """
SELECT cone, key AS "{key}", 2 * degrees(asin(least(1, sqrt(distance_squared) / 2))) * 3600 AS distance
FROM (SELECT p.cone, s."{key}" AS key,
             (s.{prefix}x - c.x) ** 2 + (s.{prefix}y - c.y) ** 2 + (s.{prefix}z - c.z) ** 2 AS distance_squared, c.chord
      FROM pixels p JOIN "{table}" s ON s.{prefix}hpx >> {shift} = p.pixel
      JOIN cones c ON c.cone = p.cone)
WHERE distance_squared <= chord {only}
ORDER BY cone, distance, key
"""
_NEAREST = "QUALIFY row_number() OVER (PARTITION BY cone ORDER BY distance_squared, key) = 1"


def cone_search(query, ra, dec, radius, *, table="sources", key="psid", prefix="", nearest=False):
    """Sources inside each cone, nearest first.

    Parameters
    ----------
    query : callable
        `Archive.query`, or the like of it.
    ra, dec, radius : ndarray of float
        Centres (ICRS) [deg] and radii [arcsec] of the cones.
    table, key, prefix : str
        Table of the archive, its column that tells sources apart, and what stands before x, y, z and hpx there.
    nearest : bool
        Only the nearest source of each cone.

    Returns
    -------
    dict of ndarray
        ``cone`` (index of the cone), the key, ``distance`` [arcsec].
    """
    pixels, shift = _pixels(**cone_ranges(ra, dec, radius))
    x, y, z = unit_vectors(ra, dec).T.copy()
    cones = {"cone": np.arange(len(x)), "x": x, "y": y, "z": z, "chord": chord_squared(radius)}
    sql = _SEARCH.format(table=table, key=key, prefix=prefix, shift=shift, only=_NEAREST if nearest else "")
    return query(sql, pixels=pixels, cones=cones)


def _pixels(cone, low, high):
    """Ranges as pixels of one size, a few to each, and by how many bits these are coarser.

    DuckDB joins by equality with a hash table of the pixels; by ranges, it sorts all sources for every search.
    """
    widest = max((high - low).tolist(), default=1)
    shift = max(0, (widest.bit_length() - 3) // 2 * 2)
    first, last = low >> shift, (high - 1) >> shift
    counts = last - first + 1
    cone = np.repeat(cone, counts)
    pixel = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(len(cone))
    new = np.append(True, (np.diff(cone) != 0) | (np.diff(pixel) != 0))[: len(cone)]  # ranges may share a pixel
    return {"cone": cone[new], "pixel": pixel[new]}, shift


def position_filter(ra_column, dec_column, ra, dec, radius):
    """SQL condition, with its parameters, that a position [deg] lies in a cone; exact at any separation.

    Rows far off in declination are left out at once, so that a table without an index is searched fast.

    Parameters
    ----------
    ra_column, dec_column : str
        SQL of the position.
    ra, dec, radius : float
        Centre [deg] and radius [arcsec].
    """
    if radius < 0 or abs(dec) > 90:
        return "false", []
    reach = min(radius / 3600.0, 180.0)
    haversine = (
        f"sin(radians({dec_column} - ?) / 2) ** 2 "
        f"+ cos(radians({dec_column})) * cos(radians(?)) * sin(radians({ra_column} - ?) / 2) ** 2"
    )
    sql = f"{dec_column} BETWEEN ? AND ? AND degrees(2 * asin(sqrt(least(1, {haversine})))) <= ?"
    margin = reach * 1e-9 + 1e-9  # rounding, here and below
    return sql, [dec - reach - margin, dec + reach + margin, dec, dec, ra, reach + margin * 1e-3]
