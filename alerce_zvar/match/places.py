"""Positions of the rows of a table."""

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, SkyCoord
from astropy.table import Table

__all__ = ["positions_of"]


def positions_of(table, what="table"):
    """Positions of all rows, and which of them have one.

    Parameters
    ----------
    table : `~astropy.table.Table`
        A column that is a `~astropy.coordinates.SkyCoord`, else columns ``ra`` and ``dec`` with units, in any case.
    what : str
        What an error calls the table.

    Returns
    -------
    `~astropy.coordinates.SkyCoord`
        ICRS; some place where a row has none.
    ndarray of bool
        False where a coordinate is masked or not finite.

    Raises
    ------
    TypeError
        Not a table.
    ValueError
        There are no such columns, or more than one that is a SkyCoord.
    astropy.units.UnitsError
        ``ra`` or ``dec`` without a unit of angle.
    """
    if not isinstance(table, Table):
        raise TypeError(f"{what} must be an astropy Table, not {type(table).__name__}")
    frames = [name for name in table.colnames if isinstance(table[name], SkyCoord)]
    if len(frames) > 1:
        raise ValueError(f"{what} has several columns of coordinates, {', '.join(frames)}; leave one of them")
    if frames:
        icrs = table[frames[0]].icrs
        angles = [icrs.ra, icrs.dec]
    else:
        angles = [_angle(table, name, what) for name in ("ra", "dec")]
    known = np.logical_and(*(_known(angle) for angle in angles))
    ra, dec = (np.where(known, np.asarray(getattr(angle, "unmasked", angle).to_value(u.deg)), 0.0) for angle in angles)
    return SkyCoord(ra, dec, unit="deg"), known


def _angle(table, wanted, what):
    """Column of angles, NaN where it is masked."""
    names = [name for name in table.colnames if name.lower() == wanted]
    if not names:
        raise ValueError(
            f"{what} must have the columns ra and dec, or one that is a SkyCoord; it has {', '.join(table.colnames)}"
        )
    column = table[wanted if wanted in names else names[0]]
    unit = getattr(column, "unit", None)
    if unit is None or not unit.is_equivalent(u.deg):
        raise u.UnitsError(f"{what}: the column '{names[0]}' needs a unit of angle, not {unit or 'none'}")
    mask = np.asarray(getattr(column, "mask", False))
    plain = np.asarray(getattr(column, "unmasked", np.ma.getdata(column)), dtype=float)
    return Angle(np.where(mask, np.nan, plain), unit)


def _known(angle):
    plain = np.asarray(getattr(angle, "unmasked", angle).to_value(u.deg))
    return np.isfinite(plain) & ~np.broadcast_to(getattr(angle, "mask", False), plain.shape)
