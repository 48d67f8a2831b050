"""Figure of a light curve against time."""

from alerce_zvar.folding import bare_unit, numbers, usable
from alerce_zvar.plot.axes import (
    LIMITS,
    bands_of,
    draw_points,
    drawable,
    finish,
    make_axes,
    pick_column,
    time_label,
    usable_rows,
)
from alerce_zvar.plot.style import LIMIT_MARKER, band_styles

__all__ = ["plot_lightcurve"]


def plot_lightcurve(light_curve, *, column=None, upper_limits=True, title=None, ax=None):
    """Axes with a light curve against time: error bars, bands in colours, upper limits as triangles, bright side up.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        Columns ``time`` and ``mag, mag_err`` or ``flux, flux_err``, and ``band``. Rows with a masked or missing value
        are drawn as upper limits where they have a ``limiting_mag``, and otherwise not at all; those with a masked
        time are not drawn either. A masked band is drawn as one without name.
    column : {"mag", "flux"}, optional
        What to draw; by default the first of them that the light curve has.
    upper_limits : bool
        Draw them.
    title : str, optional
        By default the light curve's id.
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
        There is no such column.
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> from alerce_zvar.plot import plot_lightcurve
    >>> axes = plot_lightcurve(light_curve, upper_limits=False)  # doctest: +SKIP
    >>> axes.figure.savefig("star.png")  # doctest: +SKIP
    """
    light_curve = drawable(light_curve)
    column = pick_column(light_curve, column)
    ax, styles = make_axes(ax), band_styles(light_curve["band"])
    seen = usable_rows(light_curve, column)
    drawn = light_curve[seen]
    draw_points(ax, numbers(drawn["time"].mjd), drawn, column, styles=styles)
    if upper_limits and column == "mag" and "limiting_mag" in light_curve.colnames:
        _draw_limits(ax, light_curve[~seen & usable(light_curve["limiting_mag"])], styles)
    ax.xaxis.set_major_formatter("{x:.12g}")
    ax.set_xlabel(time_label(light_curve["time"]))
    return finish(ax, light_curve, column, str(light_curve.meta.get("id", "")) if title is None else title)


def _draw_limits(ax, limits, styles):
    for band, rows in bands_of(limits):
        ax.plot(
            numbers(limits["time"].mjd)[rows],
            numbers(limits["limiting_mag"], bare_unit(limits["mag"]))[rows],
            LIMIT_MARKER,
            color=styles[band].color,
            mfc="none",
            ms=3.5,
            mew=0.6,
            alpha=0.5,
            zorder=1,
            label=f"{band} {LIMITS}".strip(),
        )
