"""Figure of a colour-magnitude diagram with Gaia's colours and parallaxes."""

from numbers import Real

import numpy as np
from astropy import units as u
from astropy.table import Table

from alerce_zvar.errors import shown
from alerce_zvar.plot.axes import BESIDE, add_legend, explain_marker, make_axes, marker_size, set_title, unit_label
from alerce_zvar.plot.style import FAINT_COLOR, MARK_COLOR

__all__ = ["plot_cmd"]

_CELLS = 60  # of the background, from side to side
_FEW = 200  # stars of a background that are drawn one by one


def plot_cmd(table, *, background=None, min_parallax_snr=5, title=None, ax=None):
    """Axes with absolute magnitude in G against BP - RP, bright side up; the density of other stars behind.

    Extinction is not corrected, neither in colour nor in magnitude. Distances are inverse parallaxes, so stars whose
    parallax is not significant are left out; the legend says how many of each table.

    Parameters
    ----------
    table : `~astropy.table.Table`
        Stars, with the columns of Gaia that ``Zvar.query_crossmatch(ids, "gaia", ...)`` gives: ``phot_g_mean_mag,
        phot_bp_mean_mag, phot_rp_mean_mag, parallax, parallax_error``.
    background : `~astropy.table.Table`, optional
        Other stars with the same columns, such as all in a cone. More than 200 are drawn as a density, on a scale of
        logarithms, fewer as points.
    min_parallax_snr : float
        Least parallax / parallax_error.
    title : str, optional
        Drawn letter by letter.
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.

    Returns
    -------
    `~matplotlib.axes.Axes`

    Raises
    ------
    TypeError
        `table` or `background` is no table.
    ValueError
        A column is missing, or `min_parallax_snr` is negative.
    astropy.units.UnitsError
        A magnitude or parallax has another unit.
    MissingExtraError
        matplotlib is not installed.
    """
    if isinstance(min_parallax_snr, bool) or not isinstance(min_parallax_snr, Real) or not min_parallax_snr >= 0:
        raise ValueError(f"min_parallax_snr must be a number, 0 or more, not {shown(min_parallax_snr)}")
    stars, told = _stars("table", table, min_parallax_snr)
    behind = None if background is None else _stars("background", background, min_parallax_snr)
    ax = make_axes(ax, scale=(0.85, 1.2))
    if behind is not None:
        _draw_background(ax, *behind[0], f"background: {behind[1]}")
    ax.plot(*stars, "o", ms=marker_size(1.3), color=MARK_COLOR, mec="white", mew=0.4, label=f"stars: {told}", zorder=3)
    ax.set_xlabel(unit_label("BP \N{MINUS SIGN} RP", u.mag))
    ax.set_ylabel(unit_label("Absolute magnitude in G", u.mag))
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    set_title(ax, "" if title is None else title)
    add_legend(ax, below=True)
    return ax


def _stars(name, table, least):
    """Colours and absolute magnitudes [mag] that are known, and words on how many there are and are not."""
    from alerce_zvar.zvar.gaia import add_colour_magnitude

    if not isinstance(table, Table):
        raise TypeError(f"{name} must be an astropy Table with the columns of Gaia, not {type(table).__name__}")
    try:
        found = add_colour_magnitude(table, min_parallax_snr=least)
    except ValueError as exc:
        kind = u.UnitsError if isinstance(exc, u.UnitsError) else ValueError
        raise kind(f"{name}: {exc}") from exc
    columns = [found[key] for key in ("bp_rp", "absolute_magnitude")]
    known = ~np.logical_or(*(np.asarray(getattr(column, "mask", np.zeros(len(table), bool))) for column in columns))
    values = [np.asarray(getattr(column, "unmasked", column), dtype=float)[known] for column in columns]
    return values, _words(int(known.sum()), len(table))


def _words(known, number):
    return f"{known:,}" + (f" ({number - known:,} left out)" if known < number else "")


def _draw_background(ax, colour, absolute, label):
    if len(colour) <= _FEW:
        ax.plot(colour, absolute, ".", ms=marker_size(), color=FAINT_COLOR, mew=0, label=label, zorder=1)
        return
    look = {"bins": "log", "mincnt": 1, "cmap": "Greys", "linewidths": 0.1, "zorder": 1}
    cells = ax.hexbin(colour, absolute, gridsize=_CELLS, **look)
    ax.figure.colorbar(cells, cax=ax.inset_axes(BESIDE), label="Background stars per cell")
    explain_marker(ax, label, marker="h")
