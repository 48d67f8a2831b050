"""Two tables joined by position."""

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, match_coordinates_sky
from astropy.table import Column, MaskedColumn, Table

from alerce_zvar.errors import shown
from alerce_zvar.match.places import positions_of
from alerce_zvar.wire.answer import AnswerTable, Failures
from alerce_zvar.wire.query import to_radius

__all__ = ["crossmatch"]

_SEPARATION = "separation"


def crossmatch(
    table_a, table_b, radius, *, join_type="left", suffixes=("_a", "_b"), coordinates_a=None, coordinates_b=None
):
    """Rows of one table, each with the nearest row of another.

    Parameters
    ----------
    table_a, table_b : `~astropy.table.Table`
        Each with a column that is a `~astropy.coordinates.SkyCoord`, or columns ``ra`` and ``dec`` with units (in any
        case: ``RA`` and ``Dec`` will do).
    radius : Quantity, Angle or str
        Largest separation, included. Bare numbers are refused.
    join_type : {"left", "inner"}
        ``"left"``: every row of `table_a` is a row of the result, once, in its order; what `table_b` has nothing for is
        masked. ``"inner"``: only rows with a match.
    suffixes : tuple of str
        What tells columns apart that have the same name in both tables; a column of theirs that is called
        ``separation`` gets one, too.
    coordinates_a, coordinates_b : `~astropy.coordinates.SkyCoord`, optional
        Positions of the rows, where they are not in the table.

    Returns
    -------
    AnswerTable
        Columns of `table_a`, those of `table_b`, and ``separation`` [arcsec]; quantities are columns with units. Masks
        are kept. A row without a position has no match. A row of `table_b` may be the nearest of several.

    Raises
    ------
    TypeError
        Not tables.
    ValueError
        No positions in a table, or suffixes that do not tell its columns apart.
    astropy.units.UnitsError
        Positions or a radius without a unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> from astropy.table import Table
    >>> from alerce_zvar import crossmatch
    >>> ours = Table({"star": ["x", "y"], "ra": [359.9999, 10.0] * u.deg, "dec": [0.0, 0.0] * u.deg})
    >>> theirs = Table({"mag": [17.2] * u.mag, "ra": [0.0001] * u.deg, "dec": [0.0] * u.deg})
    >>> found = crossmatch(ours, theirs, 2 * u.arcsec)
    >>> print(found["star", "mag", "separation"])
    star mag  separation
         mag    arcsec
    ---- ---- ----------
       x 17.2       0.72
       y   --         --
    """
    radius = to_radius(radius)
    if join_type not in ("left", "inner"):
        raise ValueError(f"join_type must be 'left' or 'inner', not {shown(join_type)}")
    places_a = _places(table_a, coordinates_a, "table_a", "coordinates_a")
    places_b = _places(table_b, coordinates_b, "table_b", "coordinates_b")
    nearest, separation = _nearest(places_a, places_b)
    matched = separation <= radius.to_value(u.arcsec)
    left, right = _renamed(table_a, table_b, suffixes)
    if join_type == "inner":
        left, nearest, separation = left[matched], nearest[matched], separation[matched]
        matched = matched[matched]
    found = AnswerTable(left, copy=False)
    for name in right.colnames:
        found[name] = _taken(right[name], nearest, matched, join_type == "left")
    found[_SEPARATION] = MaskedColumn(np.where(matched, separation, 0.0), mask=~matched, unit=u.arcsec)
    found[_SEPARATION].info.description = "Angle between the two positions"
    found.meta = {key: value for key, value in left.meta.items() if key in right.meta and right.meta[key] == value}
    return found.with_companions(failures=Failures([]).table())


def _places(table, coordinates, what, name):
    """Positions of a table's rows, and which rows have one."""
    if coordinates is None:
        return positions_of(table, what)
    if not isinstance(coordinates, SkyCoord) or coordinates.shape != (len(table),):
        raise ValueError(f"{name} must be a SkyCoord of {len(table)} positions, one for each row of {what}")
    return positions_of(Table({"coordinates": coordinates}), name)


def _nearest(places_a, places_b):
    """Of each row of A the nearest row of B, and how far that is [arcsec]; infinite where there is none."""
    (coordinates_a, known_a), (coordinates_b, known_b) = places_a, places_b
    nearest, separation = np.zeros(len(known_a), dtype=int), np.full(len(known_a), np.inf)
    if known_a.any() and known_b.any():
        places, angles, _ = match_coordinates_sky(coordinates_a[known_a], coordinates_b[known_b])
        nearest[known_a] = np.flatnonzero(known_b)[places]
        separation[known_a] = angles.to_value(u.arcsec)
    return nearest, separation


def _renamed(left, right, suffixes):
    """Copies whose columns have different names."""
    clash = {name for name in left.colnames if name in right.colnames}
    found = []
    for table, suffix in zip((left, right), suffixes, strict=True):
        mine = clash | ({_SEPARATION} & set(table.colnames))
        names = [f"{name}{suffix}" if name in mine else name for name in table.colnames]
        table = Table(table)  # a copy, in which quantities are columns with units
        table.rename_columns(table.colnames, names)
        found.append(table)
    names = [*found[0].colnames, *found[1].colnames, _SEPARATION]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"suffixes {shown(suffixes)} leave two columns of the same name: {', '.join(twice)}")
    return found


def _taken(column, rows, there, may_lack):
    """Column of other rows, masked where they are not there."""
    if not len(column) and len(rows):
        column = type(column).info.new_like([column], 1)  # a row of no meaning, where there is none to take
    taken = column[rows]
    if may_lack and isinstance(taken, Column):
        taken = MaskedColumn(taken)
        taken.mask = taken.mask | ~there
    elif not np.all(there):
        taken[~there] = np.ma.masked
    return taken
