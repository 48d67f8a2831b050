"""Figure of a light curve folded on a period."""

import numpy as np
from astropy import units as u

from alerce_zvar.folding import check_period, default_epoch, fold, numbers
from alerce_zvar.period import PeriodResult
from alerce_zvar.plot.axes import draw_points, drawable, finish, make_axes, pick_column, time_label, usable_rows
from alerce_zvar.plot.style import band_styles

__all__ = ["period_text", "plot_folded"]


def plot_folded(light_curve, period, *, epoch_time=None, cycles=2, bins=None, column=None, title=None, ax=None):
    """Axes with a light curve against phase: error bars, two cycles, each band in its colour, bright side up.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        Columns ``time`` and ``mag, mag_err`` or ``flux, flux_err``, and ``band``. Rows with a masked time, or a
        masked or missing value or error, are not drawn; a masked band is drawn as one without name.
    period : `~astropy.units.Quantity` or `~alerce_zvar.period.PeriodResult`
        Period, a time. A result also gives the epoch.
    epoch_time : `~astropy.time.Time`, optional
        Time of phase 0. By default that of the result, or else J2000.0 as in `alerce_zvar.fold`.
    cycles : float
        How many cycles to show.
    bins : int, optional
        Also draw weighted means in this many bins per cycle and band.
    column : {"mag", "flux"}, optional
        What to draw; by default the first of them that the light curve has.
    title : str, optional
        Begins the title, before period and epoch; by default the light curve's id.
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.

    Returns
    -------
    `~matplotlib.axes.Axes`

    Raises
    ------
    astropy.units.UnitsError
        `period` has no unit of time.
    TypeError
        `light_curve` is no table with times, or `epoch_time` is not one.
    ValueError
        `period`, `bins` or `cycles` is not positive, or there is no such column.
    MissingExtraError
        matplotlib is not installed.
    """
    light_curve = drawable(light_curve)
    column = pick_column(light_curve, column)
    light_curve = light_curve[usable_rows(light_curve, column)]
    shown = period_text(period)
    if isinstance(period, PeriodResult):
        epoch_time = period.epoch_time if epoch_time is None else epoch_time
        period = period.period
    epoch_time = default_epoch(light_curve["time"]) if epoch_time is None else epoch_time
    how = {"epoch_time": epoch_time, "cycles": cycles}
    folded = fold(light_curve, period, **how)
    means = None if bins is None else fold(light_curve, period, bins=bins, **how)
    ax, styles = make_axes(ax), band_styles(light_curve["band"])
    faint = {} if means is None else {"alpha": 0.3, "label": False}
    draw_points(ax, numbers(folded["phase"]), folded, column, styles=styles, **faint)
    if means is not None:
        draw_points(ax, numbers(means["phase"]), means, column, styles=styles, ms=6, mec="black", mew=0.6, zorder=3)
    ax.set_xlabel("Phase [cycles]")
    ax.set_xlim(0, cycles)
    begin = str(light_curve.meta.get("id", "")) if title is None else title
    epoch = f"epoch {epoch_time.mjd:.5f} {time_label(epoch_time)}"
    return finish(ax, folded, column, f"{begin}\n{shown}, {epoch}".strip())


def period_text(period):
    """Period with as many digits as its error allows, or with eight."""
    if not isinstance(period, PeriodResult):
        return f"P = {check_period(period):.8g}"
    days, error = period.period.to_value(u.day), period.period_err.to_value(u.day)
    if not error > 0:
        return f"P = {days:.8g} d"
    digits = max(0, 1 - int(np.floor(np.log10(error))))
    return f"P = {days:.{digits}f} ± {error:.{digits}f} d"
