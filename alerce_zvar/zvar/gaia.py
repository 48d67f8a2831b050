"""What Gaia says of a star: colour and absolute magnitude. On arrays, and on the tables that ZVAR's matches give."""

import numpy as np
from astropy import units as u
from astropy.table import MaskedColumn

from alerce_zvar.errors import shown
from alerce_zvar.folding import numbers

__all__ = ["absolute_magnitude", "add_colour_magnitude", "bp_rp", "is_giant"]

_NEEDED = ("phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "parallax", "parallax_error")


def absolute_magnitude(mag, parallax, *, parallax_error=None, min_parallax_snr=None):
    """Absolute magnitude by the parallax: ``mag + 5 + 5 log10(parallax / 1000)`` with the parallax in mas.

    Parameters
    ----------
    mag : array_like, Column or Quantity
        Apparent magnitude [mag].
    parallax : array_like, Column or Quantity
        Parallax [mas].
    parallax_error : array_like, Column or Quantity, optional
        Its error [mas].
    min_parallax_snr : float, optional
        Least parallax / parallax_error; needs `parallax_error`.

    Returns
    -------
    `~astropy.table.MaskedColumn`
        [mag]; masked where a value is missing, the parallax is not positive, or not significant enough.

    Raises
    ------
    ValueError
        `min_parallax_snr` without errors.
    astropy.units.UnitsError
        A parallax that is no angle.

    Notes
    -----
    Without extinction, and with the distance as the inverse of the parallax, which is biased below some 5 sigma. The 5
    is what the example in ZVAR's notebook forgets: its "giants" reach down to an absolute magnitude of 8
    (reference/zvar.md 7).

    Examples
    --------
    >>> from alerce_zvar.zvar.gaia import absolute_magnitude
    >>> print(f"{absolute_magnitude([16.708706], [0.7995832359862339])[0]:.3f}")
    6.223
    """
    mag, parallax = _plain(mag, u.mag), _plain(parallax, u.mas)
    good = parallax > 0
    if min_parallax_snr is not None:
        if parallax_error is None:
            raise ValueError("min_parallax_snr needs parallax_error")
        error = _plain(parallax_error, u.mas)
        good &= (error > 0) & (parallax >= min_parallax_snr * error)
    with np.errstate(divide="ignore", invalid="ignore"):
        absolute = mag + 5.0 + 5.0 * np.log10(np.where(good, parallax, np.nan) / 1000.0)
    return _column(absolute, "Absolute magnitude, by the parallax")


def bp_rp(table):
    """Colour BP - RP of each row; masked where one of them is missing.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Columns ``phot_bp_mean_mag`` and ``phot_rp_mean_mag``.

    Returns
    -------
    `~astropy.table.MaskedColumn`
        [mag]
    """
    _check(table, _NEEDED[1:3])
    return _column(_plain(table[_NEEDED[1]], u.mag) - _plain(table[_NEEDED[2]], u.mag), "Colour BP - RP")


def add_colour_magnitude(table, *, min_parallax_snr=None):
    """Table of Gaia's sources with the two axes of a colour-magnitude diagram.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Columns of Gaia, as from ``Zvar.query_crossmatch(ids, "gaia", ...)``.
    min_parallax_snr : float, optional
        Least parallax / parallax_error of an absolute magnitude; 5 or more is sound.

    Returns
    -------
    `~astropy.table.Table`
        Copy with the further columns ``absolute_magnitude`` (of G) and ``bp_rp`` [mag], masked where not known.

    Raises
    ------
    ValueError
        A column is missing.
    """
    _check(table, _NEEDED)
    found = table.copy()
    found["absolute_magnitude"] = absolute_magnitude(
        table["phot_g_mean_mag"],
        table["parallax"],
        parallax_error=table["parallax_error"],
        min_parallax_snr=min_parallax_snr,
    )
    found["bp_rp"] = bp_rp(table)
    return found


def is_giant(table, *, min_bp_rp=1.0 * u.mag, max_absolute_magnitude=3.0 * u.mag):
    """Which stars lie on the red and bright side of a colour-magnitude diagram, where giants are.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Columns ``bp_rp`` and ``absolute_magnitude``, as `add_colour_magnitude` gives them.
    min_bp_rp : `~astropy.units.Quantity`, optional
        Least colour [mag], itself excluded; None for any.
    max_absolute_magnitude : `~astropy.units.Quantity`, optional
        Faintest absolute magnitude [mag], itself excluded; None for any.

    Returns
    -------
    ndarray of bool
        False where one of the two is masked, and so not known to be enough.

    Raises
    ------
    ValueError
        A column is missing.
    astropy.units.UnitsError
        A limit without a unit.
    """
    _check(table, ("bp_rp", "absolute_magnitude"))
    colour, absolute = (_plain(table[name], u.mag) for name in ("bp_rp", "absolute_magnitude"))
    found = np.isfinite(colour) & np.isfinite(absolute)
    if min_bp_rp is not None:
        found &= colour > _limit("min_bp_rp", min_bp_rp)
    if max_absolute_magnitude is not None:
        found &= absolute < _limit("max_absolute_magnitude", max_absolute_magnitude)
    return found


def _limit(name, value):
    if not (isinstance(value, u.Quantity) and value.unit == u.mag):
        raise u.UnitsError(f"{name} must be a magnitude with a unit, such as 3 * u.mag, not {shown(value)}")
    return value.value


def _check(table, needed):
    missing = [name for name in needed if name not in table.colnames]
    if missing:
        raise ValueError(f"table must have the columns of Gaia; {', '.join(missing)} are missing")


def _plain(values, unit):
    """Numbers in the unit, where they have one; NaN where masked."""
    return np.where(np.asarray(getattr(values, "mask", False)), np.nan, numbers(values, unit))


def _column(values, description):
    return MaskedColumn(values, mask=~np.isfinite(values), unit=u.mag, description=description)
