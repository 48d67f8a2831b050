"""A user's own table of photometry, as the arrays that an import stages."""

import numpy as np
from astropy import units as u
from astropy.time import Time

from alerce_zvar.archive.times import geocentric

__all__ = ["PREFIX", "floats", "staged_columns"]

PREFIX = "table:"  # of the origin of light curves that came by a table
_MAGNITUDES = ("mag", "mag_err", "limiting_mag", "magzp", "mag_ref")
_FLUXES = ("flux", "flux_err")
_FILE = ("origin", "band", "field", "ccd", "quad")
_MILLISECONDS = 86_400_000
_SAME_MOMENT = 16  # rows of one light curve that one millisecond may hold


def staged_columns(table, coordinates=None, name=None):
    """Columns to stage of a table of one source (with its coordinates) or of many (name, ra, dec).

    Returns
    -------
    dict of ndarray
        Missing numbers are NaN.

    Raises
    ------
    ValueError, TypeError
        The table lacks a column, or a column cannot be used.
    """
    _check_columns(table, coordinates)
    columns = _identity(table, coordinates, name)
    columns |= {key: floats(table, key, u.mag) for key in _MAGNITUDES}
    columns |= {key: floats(table, key, u.DN) for key in _FLUXES}
    columns |= {key: _integers(table, key) for key in ("field", "ccd", "quad")}
    if "objtype" in table.colnames:
        columns["objtype"] = _integers(table, "objtype")
    columns["band"] = np.asarray(table["band"], dtype=str).astype(object)
    columns |= _times(table["time"], columns["ra"], columns["dec"])
    _check_measurements(columns)
    columns["bad"] = ~(
        np.isfinite(columns["mag"]) | np.isfinite(columns["flux"]) | np.isfinite(columns["limiting_mag"])
    )
    columns["key"] = _keys(columns)
    return columns


def _check_columns(table, coordinates):
    wanted = {"time", "band"} | ({"name", "ra", "dec"} if coordinates is None else set())
    missing = sorted(wanted - set(table.colnames))
    if missing:
        raise ValueError(f"table: the column(s) {', '.join(missing)} are missing; it has {', '.join(table.colnames)}.")
    if not isinstance(table["time"], Time):
        raise TypeError(f"table: 'time' must be an astropy Time, not {type(table['time']).__name__}.")
    magnitudes = {"mag", "mag_err"} <= set(table.colnames)
    if not magnitudes and not {"flux", "flux_err", "magzp", "mag_ref"} <= set(table.colnames):
        raise ValueError("table: 'mag' and 'mag_err', or 'flux', 'flux_err', 'magzp' and 'mag_ref', are needed.")


def _identity(table, coordinates, name):
    """Name, position and origin of each row's source."""
    if coordinates is None:
        names, ra, dec = (np.asarray(table["name"], dtype=str), floats(table, "ra", u.deg), floats(table, "dec", u.deg))
    else:
        if not coordinates.isscalar:
            raise ValueError(
                "coordinates: one position is needed; a table of many sources has name, ra and dec columns."
            )
        where = coordinates.icrs
        names = np.full(len(table), name or where.to_string("hmsdms", sep="", precision=3))
        ra, dec = np.full(len(table), where.ra.deg), np.full(len(table), where.dec.deg)
    if not np.all((ra >= 0) & (ra <= 360) & (np.abs(dec) <= 90)):
        raise ValueError("table: every ra must lie within 0 to 360 deg and every dec within -90 to 90 deg.")
    names = names.astype(object)
    return {"name": names, "origin": PREFIX + names, "ra": ra, "dec": dec}


def floats(table, key, unit):
    """Numbers of a column in the unit, NaN where masked or absent."""
    if key not in table.colnames:
        return np.full(len(table), np.nan)
    column = table[key]
    if getattr(column, "unit", None) is not None:
        column = u.Quantity(np.ma.filled(np.ma.asarray(_value(column), float), np.nan), column.unit).to_value(unit)
    return np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)


def _value(column):
    """Numbers of a column, a Quantity or a masked Quantity, as a masked array."""
    mask = getattr(column, "mask", False)
    bare = getattr(column, "unmasked", column)
    return np.ma.array(getattr(bare, "value", bare), mask=mask)


def _integers(table, key):
    if key not in table.colnames:
        return np.zeros(len(table), dtype=np.int64)
    return np.asarray(np.ma.filled(np.ma.asarray(table[key]), 0), dtype=np.int64)


def _times(time, ra, dec):
    if np.any(time.mask):
        raise ValueError("table: 'time' must have no masked values.")
    if time.scale in ("tdb", "tcb"):
        bjd = time.tdb.jd
        return {"bjd": bjd, "mjd": geocentric(bjd, ra, dec)}
    return {"bjd": np.full(len(time), np.nan), "mjd": time.utc.mjd}


def _check_measurements(columns):
    """A magnitude or flux is one only with a positive error; fluxes go before magnitudes."""
    for value, error in (("mag", "mag_err"), ("flux", "flux_err")):
        wrong = np.isfinite(columns[value]) & ~(columns[error] > 0)
        if wrong.any():
            raise ValueError(f"table: {wrong.sum()} rows have {value!r} but no positive {error!r}.")
    given = np.isfinite(columns["flux"])
    if given.any():
        _check_references(columns)
        columns["mag"][given] = np.nan


def _check_references(columns):
    """Fluxes are differences from one reference for each light curve."""
    per_file = columns["magzp"], columns["mag_ref"]
    if not np.isfinite(per_file).all():
        raise ValueError("table: with 'flux', every row needs 'magzp' and 'mag_ref'.")
    files = set(zip(*(columns[key] for key in _FILE), strict=True))
    if len(set(zip(*(columns[key] for key in _FILE), *per_file, strict=True))) > len(files):
        raise ValueError("table: 'magzp' and 'mag_ref' must not change within a light curve.")


def _keys(columns):
    """What tells one epoch of a light curve from another: its millisecond, and a count for rows that share it."""
    moment = np.round(columns["mjd"] * _MILLISECONDS).astype(np.int64)
    value = np.where(np.isfinite(columns["flux"]), columns["flux"], columns["mag"])
    parts = [columns[key].astype(str) if columns[key].dtype == object else columns[key] for key in _FILE]
    order = np.lexsort((value, moment, *parts))
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for part in (*parts, moment):
        same &= part[order][1:] == part[order][:-1]
    start = np.flatnonzero(np.concatenate([[True], ~same])) if len(order) else np.empty(0, int)
    count = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
    if count.size and count.max() >= _SAME_MOMENT:
        raise ValueError(f"table: more than {_SAME_MOMENT} rows of one light curve share one millisecond.")
    keys = np.empty(len(order), dtype=np.int64)
    keys[order] = moment[order] * _SAME_MOMENT + count
    return keys
