"""A user's own table of photometry, as the arrays that an import stages."""

import numpy as np
from astropy import units as u
from astropy.time import Time

from alerce_zvar.archive import sky
from alerce_zvar.archive.tables import BRIGHTEST, FAINTEST, FIRST_MJD, LAST_MJD
from alerce_zvar.archive.times import geocentric

__all__ = ["PREFIX", "floats", "staged_columns"]

PREFIX = "table:"  # of the origin of light curves that came by a table
_MAGNITUDES = ("mag", "mag_err", "limiting_mag", "magzp", "mag_ref")
_FLUXES = ("flux", "flux_err")
_FILE = ("origin", "band", "field", "ccd", "quad")
_WIDEST_NAME = 60  # arcsec
_MILLISECONDS = 86_400_000
_DIGEST_BITS = 20  # with the milliseconds of 1900 to 2100 before them they fit into 63 bits
_MEASURED = ("mag", "mag_err", "flux", "flux_err", "limiting_mag")


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
    columns["objtype"] = _whole(table, "objtype")
    columns["band"] = _texts(table, "band")
    if any(not band or any(map(str.isspace, band)) for band in set(columns["band"])):
        raise ValueError("table: every 'band' must be text without spaces, and not empty.")
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
        names, ra, dec = _texts(table, "name"), floats(table, "ra", u.deg), floats(table, "dec", u.deg)
    else:
        if not coordinates.isscalar:
            raise ValueError(
                "coordinates: one position is needed; a table of many sources has name, ra and dec columns."
            )
        where = coordinates.icrs
        names = np.full(len(table), name or where.to_string("hmsdms", sep="", precision=3), dtype=object)
        ra, dec = np.full(len(table), where.ra.deg), np.full(len(table), where.dec.deg)
    if not np.all((ra >= 0) & (ra <= 360) & (np.abs(dec) <= 90)):
        raise ValueError("table: every ra must lie within 0 to 360 deg and every dec within -90 to 90 deg.")
    _refuse_scattered(names, sky.unit_vectors(ra, dec))
    return {"name": names, "origin": PREFIX + names, "ra": ra, "dec": dec}


def _refuse_scattered(names, vectors):
    """A name stands for one source: a name given to several stars is a mistake."""
    _, first, which = np.unique(names.astype(str), return_index=True, return_inverse=True)
    far = np.sum((vectors - vectors[first][which]) ** 2, axis=1) > sky.chord_squared(_WIDEST_NAME)
    if far.any():
        shown = ", ".join(map(repr, sorted(set(names[far]))[:5]))
        raise ValueError(f"table: the rows of one 'name' must lie within {_WIDEST_NAME} arcsec; not so: {shown}.")


def floats(table, key, unit):
    """Numbers of a column in the unit, NaN where masked or absent."""
    if key not in table.colnames:
        return np.full(len(table), np.nan)
    column = table[key]
    given = getattr(column, "unit", None)
    if given is not None and not (unit == u.mag and given == u.ABmag):
        column = u.Quantity(np.ma.filled(_value(column), np.nan), given).to_value(unit)
    elif given is not None:
        column = _value(column)
    return np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)


def _value(column):
    """Numbers of a column, a Quantity or a masked Quantity, as a masked array."""
    mask = getattr(column, "mask", False)
    bare = getattr(column, "unmasked", column)
    return np.ma.array(getattr(bare, "value", bare), mask=mask, dtype=float)


def _whole(table, key):
    """Whole numbers of a column as floats, NaN where masked or absent."""
    values = floats(table, key, u.one)
    if np.any(values % 1 > 0) or np.any(np.abs(values) > 2**53):
        raise ValueError(f"table: every {key!r} must be a whole number.")
    return values


def _integers(table, key):
    """Whole numbers of a column without gaps, 0 where it is absent."""
    if key not in table.colnames:
        return np.zeros(len(table), dtype=np.int64)
    values = _whole(table, key)
    if np.isnan(values).any():
        raise ValueError(f"table: {key!r} must have no masked values.")
    return values.astype(np.int64)


def _texts(table, key):
    column = np.ma.asarray(table[key])
    if np.ma.is_masked(column) or (column.dtype == object and any(value is None for value in column)):
        raise ValueError(f"table: {key!r} must have no masked values.")
    return np.ma.getdata(column).astype(str).astype(object)


def _times(time, ra, dec):
    if np.any(time.mask):
        raise ValueError("table: 'time' must have no masked values.")
    if time.scale in ("local", "ut1"):
        raise ValueError(
            f"table: 'time' must not be in the scale {time.scale!r}, which other scales do not follow from."
        )
    _check_within("time", time.mjd, FIRST_MJD, LAST_MJD, " (MJD)")
    if time.scale in ("tdb", "tcb"):
        bjd = time.tdb.jd
        return {"bjd": bjd, "mjd": geocentric(bjd, ra, dec)}
    return {"bjd": np.full(len(time), np.nan), "mjd": time.utc.mjd}


def _check_within(key, values, low, high, what):
    if np.any((values < low) | (values > high)):
        raise ValueError(f"table: every {key!r} must lie within {low} to {high}{what}.")


def _check_measurements(columns):
    """A magnitude or flux is one only with a positive error; fluxes go before magnitudes."""
    for key in ("mag", "limiting_mag"):
        _check_within(key, columns[key], BRIGHTEST, FAINTEST, " mag")
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
    """What tells one epoch of a light curve from another: its millisecond and a digest of its measurement.

    Rows that agree in both are counted.
    """
    moment = np.round(columns["mjd"] * _MILLISECONDS).astype(np.int64)
    digest = _digest([columns[key] for key in _MEASURED])
    files = [columns[key].astype(str) if columns[key].dtype == object else columns[key] for key in _FILE]
    return (moment << _DIGEST_BITS) + (digest + _count_repeats([*files, moment, digest])) % 2**_DIGEST_BITS


def _digest(columns):
    """Numbers below 2**20 that depend on the values of each row alone (multiplicative hashing, golden ratio)."""
    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    for values in columns:
        bits = np.where(np.isnan(values), np.nan, values + 0.0).view(np.uint64)  # one NaN, and one zero
        mixed = (mixed ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(32)
    return (mixed >> np.uint64(64 - _DIGEST_BITS)).astype(np.int64)


def _count_repeats(parts):
    """How many equal rows went before each row."""
    order = np.lexsort(parts[::-1])
    new = np.ones(len(order), dtype=bool)
    new[1:] = np.any([part[order][1:] != part[order][:-1] for part in parts], axis=0)
    start = np.flatnonzero(new)
    count = np.empty(len(order), dtype=np.int64)
    count[order] = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
    return count
