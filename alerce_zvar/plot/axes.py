"""What all figures share: an Axes to draw on, the points of a band, labels."""

import numpy as np
from astropy import units as u
from astropy.time import Time, TimeDelta

from alerce_zvar.errors import require, shown
from alerce_zvar.folding import band_names, bare_unit, numbers, usable, value_names

__all__ = ["bands_of", "draw_points", "drawable", "finish", "make_axes", "pick_column", "time_label", "usable_rows"]

LIMITS = "upper limit"  # in the legend
_NAMES = {"mag": "Magnitude", "flux": "Flux"}


def make_axes(ax):
    """The given Axes, or those of a new figure."""
    if ax is not None:
        return ax
    (pyplot,) = require("plot", "matplotlib.pyplot")
    return pyplot.subplots(figsize=(7.0, 4.2), layout="constrained")[1]


def drawable(light_curve):
    """Copy of a light curve: the rows that have a time, in bands of plain text, which is empty where masked."""
    time = light_curve["time"] if "time" in getattr(light_curve, "colnames", ()) else None
    if not isinstance(time, Time) or isinstance(time, TimeDelta):
        raise TypeError(
            "light_curve must be a table with a column 'time' of astropy Time, such as a TimeSeries, "
            f"not {type(light_curve).__name__}"
        )
    rows = light_curve[~np.asarray(time.mask)]
    nameless = np.asarray(getattr(rows["band"], "mask", False)) if "band" in rows.colnames else False
    rows["band"] = np.where(nameless, "", band_names(rows))
    return rows


def pick_column(light_curve, column):
    """``"mag"`` or ``"flux"``: the one asked for, or the first that is there."""
    have = value_names(light_curve)
    if not have:
        raise ValueError(f"the light curve has neither a column 'mag' nor 'flux', only {light_curve.colnames}")
    if column is not None and column not in have:
        raise ValueError(f"column must be one of {have}, not {shown(column)}")
    return column or have[0]


def usable_rows(light_curve, column):
    """Rows whose value, and error where there is one, can be drawn; a bool array."""
    return usable(light_curve[column], _error(light_curve, column))


def _error(light_curve, column):
    name = f"{column}_err"
    return light_curve[name] if name in light_curve.colnames else None


def bands_of(table):
    """Each band of a `drawable` table with its rows (a bool array), by name."""
    bands = np.asarray(table["band"])
    return [(str(band), bands == band) for band in np.unique(bands)]


def draw_points(ax, x, table, column, *, styles, label=True, **options):
    """Values with error bars, each band in its style.

    Parameters
    ----------
    ax : `~matplotlib.axes.Axes`
        Where to draw.
    x : ndarray of float
        Abscissa of each row.
    table : `~astropy.table.Table`
        Rows without masked values.
    column : str
        What to draw.
    styles : dict
        Style of each band.
    label : bool
        Give each band a line in the legend.
    **options
        To `~matplotlib.axes.Axes.errorbar`.
    """
    error = _error(table, column)
    for band, rows in bands_of(table):
        style = styles[band]
        settings = {"ms": 3.5, "elinewidth": 0.8, "color": style.color, "mec": "white", "mew": 0.3, **options}
        ax.errorbar(
            x[rows],
            numbers(table[column])[rows],
            yerr=None if error is None else numbers(error, bare_unit(table[column]))[rows],
            fmt=style.marker,
            label=band if label and band else None,
            **settings,
        )


def finish(ax, table, column, title):
    """Label the ordinate with its unit, turn it over for magnitudes, set the title, and show the bands."""
    unit = bare_unit(table[column])
    ax.set_ylabel(_NAMES[column] + (f" [{unit:unicode}]" if unit not in (None, u.one) else ""))
    if column == "mag" and not ax.yaxis_inverted():
        ax.invert_yaxis()
    ax.set_title(title, fontsize="medium")
    _add_legend(ax)
    return ax


def _add_legend(ax):
    """Beside the axes, because folded light curves fill them from side to side; points before limits."""
    entries = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    labels = sorted(entries, key=lambda label: (label.endswith(LIMITS), label))
    if labels:
        place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "frameon": False}
        ax.legend([entries[label] for label in labels], labels, fontsize="small", handletextpad=0.3, **place)


def time_label(time, format="MJD"):
    """Such as ``MJD (TDB)``."""
    return f"{format} ({time.scale.upper()})"
