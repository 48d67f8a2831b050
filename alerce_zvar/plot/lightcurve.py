"""Figure of a light curve against time."""

import numpy as np

from alerce_zvar.folding import bare_unit, numbers, usable
from alerce_zvar.plot.axes import (
    FORCED,
    LIMITS,
    bands_of,
    check_ordinate,
    draw_points,
    drawable,
    explain_marker,
    finish,
    is_narrow,
    legend_text,
    make_axes,
    marker_size,
    pick_column,
    time_label,
    usable_rows,
)
from alerce_zvar.plot.style import LIMIT_MARKER, band_styles

__all__ = ["plot_lightcurve"]


def plot_lightcurve(light_curve, *, column=None, upper_limits=True, title=None, ax=None):
    """Axes with a light curve against time: error bars, bands in colours, upper limits as triangles, bright side up.

    Forced photometry, which is measured whether or not there was an alert, has hollow markers. To see both, draw two
    light curves on the same Axes.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        Columns ``time`` and ``mag, mag_err`` or ``flux, flux_err``, and ``band``. Rows with a masked or missing value
        are drawn as upper limits where they have a ``limiting_mag``, and otherwise not at all; those with a masked
        time are not drawn either. A masked band is drawn as one without name. Rows are forced photometry where a
        column ``forced`` of bool says so; without such a column all are, or none, by ``meta["photometry"]``, as
        ``Alerce.get_lightcurve`` sets it.
    column : {"mag", "flux"}, optional
        What to draw; by default the first of them that the light curve has.
    upper_limits : bool
        Draw them; only magnitudes have any.
    title : str, optional
        Drawn letter by letter; by default the light curve's id.
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.

    Returns
    -------
    `~matplotlib.axes.Axes`

    Raises
    ------
    TypeError
        `light_curve` is no table with times.
    ValueError
        There is no such column, or `ax` shows another quantity or unit already.
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> from alerce_zvar import Alerce
    >>> from alerce_zvar.plot import plot_lightcurve
    >>> axes = plot_lightcurve(Alerce.get_lightcurve(oid, include_upper_limits=True))  # doctest: +SKIP
    >>> axes = plot_lightcurve(Alerce.get_lightcurve(oid, photometry="forced_corrected"), ax=axes)  # doctest: +SKIP
    >>> axes.figure.savefig("star.png")  # doctest: +SKIP
    """
    light_curve = drawable(light_curve)
    column = pick_column(light_curve, column)
    unit = bare_unit(light_curve[column])
    ax, styles = make_axes(ax), band_styles(light_curve["band"])
    check_ordinate(ax, column, unit)
    seen, forced = usable_rows(light_curve, column), _forced_rows(light_curve)
    _draw_values(ax, light_curve[seen & ~forced], column, styles)
    _draw_values(ax, light_curve[seen & forced], column, styles, forced=True)
    if upper_limits and column == "mag" and "limiting_mag" in light_curve.colnames:
        _draw_limits(ax, light_curve[~seen & usable(light_curve["limiting_mag"])], styles)
    ax.xaxis.set_major_formatter("{x:.12g}")
    ax.locator_params(axis="x", nbins=5 if is_narrow(ax) else 9)
    ax.set_xlabel(time_label(light_curve["time"]))
    identifier = str(light_curve.meta.get("id", "")).replace("\n", " ")
    return finish(ax, column, unit, identifier if title is None else title)


def _forced_rows(light_curve):
    """Rows of forced photometry, a bool array; a masked word says no."""
    if "forced" in light_curve.colnames:
        forced = light_curve["forced"]
        return np.asarray(forced, dtype=bool) & ~np.asarray(getattr(forced, "mask", False))
    every = str(light_curve.meta.get("photometry", "")).startswith("forced")
    return np.full(len(light_curve), every)


def _draw_values(ax, table, column, styles, *, forced=False):
    error = f"{column}_err"
    errors = np.full(len(table), np.nan)
    if error in table.colnames:
        errors = numbers(table[error], bare_unit(table[column]))
    times, values = numbers(table["time"].mjd), numbers(table[column])
    for band, rows in bands_of(table):
        label = "" if _is_explained(ax, band) else band
        look = {"fill": "none" if forced else "full", "label": label}
        draw_points(ax, times[rows], values[rows], errors[rows], styles[band], **look)
    if forced and len(table):
        explain_marker(ax, FORCED, marker="o", mfc="white")


def _draw_limits(ax, limits, styles):
    """Triangles; a band that has nothing else still gets its line in the legend."""
    times, values = numbers(limits["time"].mjd), numbers(limits["limiting_mag"], bare_unit(limits["mag"]))
    for band, rows in bands_of(limits):
        style = styles[band]
        if not _is_explained(ax, band):
            ax.plot([], [], style.marker, color=style.color, ms=marker_size(), label=legend_text(band))
        look = {"color": style.color, "mfc": "none", "ms": marker_size(), "mew": 0.6, "alpha": 0.5, "zorder": 1}
        ax.plot(times[rows], values[rows], LIMIT_MARKER, **look)
    if len(limits):
        explain_marker(ax, LIMITS, marker=LIMIT_MARKER, mfc="none")


def _is_explained(ax, band):
    return not band or legend_text(band) in ax.get_legend_handles_labels()[1]
