"""Cones on the sky: HEALPix pixels say what may be inside, the chord between unit vectors says what is.

::

    cone  ->  pixels of about its own size  ->  ranges of fine pixel numbers  ->  join with sources.hpx  ->  exact cut
"""

import numpy as np
from astropy import units as u
from astropy_healpix import HEALPix, level_to_nside

__all__ = ["ORDER", "chord_squared", "cone_ranges", "pixel", "unit_vectors"]

ORDER = 29  # of the stored pixel numbers, nested: 0.4 mas
_FINEST = 14  # of the pixels that cover a cone: 13 arcsec
_SMALL = 3  # order from which a cone is covered by a pixel and its neighbours
_NONE = np.empty(0, dtype=np.int64)
_WIDEST = 30.0  # deg; a wider cone is compared with every source
_PIXEL_SIZE = 58.6323  # deg, square root of a base pixel's area
_ELONGATION = 2.0  # centre to corner of the most elongated pixel, in sizes, with room to spare


def unit_vectors(ra, dec):
    """Unit vectors, shape (..., 3), of positions [deg]."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec) * np.ones_like(ra)], axis=-1)


def chord_squared(radius):
    """Square of the chord that an angle [arcsec] spans on the unit sphere; a half turn or more includes everything."""
    angle = np.radians(np.asarray(radius, dtype=float) / 3600.0)
    return np.where(angle < np.pi, 4.0 * np.sin(np.minimum(angle, np.pi) / 2.0) ** 2, 5.0)


def pixel(ra, dec):
    """Nested HEALPix pixel numbers of positions [deg], at order `ORDER`."""
    grid = HEALPix(level_to_nside(ORDER), order="nested")
    return np.atleast_1d(grid.lonlat_to_healpix(np.mod(ra, 360.0) * u.deg, np.asarray(dec) * u.deg)).astype(np.int64)


def cone_ranges(ra, dec, radius):
    """Ranges of pixel numbers that cover cones.

    Parameters
    ----------
    ra, dec : array_like of float
        Centres (ICRS) [deg].
    radius : array_like of float
        Radii [arcsec], one for each centre.

    Returns
    -------
    dict of ndarray
        ``cone`` (which one), ``low`` and ``high`` (pixels ``low <= hpx < high`` at order `ORDER`); a cone has one row
        or several, without overlap.
    """
    ra, dec, radius = (np.asarray(values, dtype=float) for values in (ra, dec, radius))
    radius = radius / 3600.0
    order = np.clip(np.log2(_PIXEL_SIZE / (2.0 * np.maximum(radius, 1e-9))), 0, _FINEST).astype(int)
    parts = [(_NONE, _NONE, _NONE)]
    for level in np.unique(order[order >= _SMALL]):
        cones = np.flatnonzero(order == level)
        which, low, high = _ranges_of_small(ra[cones], dec[cones], level)
        parts.append((cones[which], low, high))
    for cone in np.flatnonzero(order < _SMALL):
        low, high = _ranges_of_one(ra[cone], dec[cone], radius[cone])
        parts.append((np.full(len(low), cone), low, high))
    cone, low, high = (np.concatenate(column) for column in zip(*parts, strict=True))
    by_cone = np.lexsort((low, cone))
    return {"cone": cone[by_cone], "low": low[by_cone], "high": high[by_cone]}


def _ranges_of_small(ra, dec, order):
    """Ranges of all cones at once: their centre's pixel, at least twice as large as their radius, and its neighbours.

    ::

        +---+---+---+
        |   |   |   |     a cone that reaches out of the pixel of its centre ends in the next
        +---+---+---+
        |   | o |   |
        +---+---+---+
        |   |   |   |
        +---+---+---+
    """
    grid = HEALPix(level_to_nside(order), order="nested")
    centre = grid.lonlat_to_healpix(np.mod(ra, 360.0) * u.deg, dec * u.deg)
    with np.errstate(invalid="ignore"):  # at the corners of base pixels a neighbour is missing, and said to be -1
        pixels = np.sort(np.vstack([centre, grid.neighbours(centre)]).astype(np.int64), axis=0)
    cone, pixels = np.repeat(np.arange(len(ra)), len(pixels)), pixels.T.ravel()
    cone, pixels = cone[pixels >= 0], pixels[pixels >= 0]
    new = np.ones(len(cone), dtype=bool)
    new[1:] = (np.diff(pixels) != 1) | (np.diff(cone) != 0)
    last = np.append(new[1:], True)
    shift = 2 * (ORDER - order)
    return cone[new], pixels[new] << shift, (pixels[last] + 1) << shift


def _ranges_of_one(ra, dec, radius):
    if radius > _WIDEST:
        return np.array([0]), np.array([12 << (2 * ORDER)])
    order = int(np.clip(np.log2(_PIXEL_SIZE / max(radius, 1e-9)), 0, _FINEST))
    # The search of astropy-healpix is approximate at the rim: it is asked for a cone wider by more than a pixel.
    margin = _ELONGATION * _PIXEL_SIZE / 2**order
    grid = HEALPix(level_to_nside(order), order="nested")
    pixels = np.sort(grid.cone_search_lonlat(np.mod(ra, 360.0) * u.deg, dec * u.deg, radius=(radius + margin) * u.deg))
    return _merge_neighbours(pixels.astype(np.int64), 2 * (ORDER - order))


def _merge_neighbours(pixels, shift):
    """Runs of successive pixels as ranges ``[low, high)`` of the fine numbering."""
    new = np.flatnonzero(np.diff(pixels) != 1) + 1
    first = pixels[np.concatenate([[0], new])]
    last = pixels[np.concatenate([new - 1, [len(pixels) - 1]])]
    return first << shift, (last + 1) << shift
