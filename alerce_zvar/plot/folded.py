"""Figure of a light curve folded on a period."""

from numbers import Real

import numpy as np
from astropy import units as u

from alerce_zvar.errors import shown
from alerce_zvar.folding import check_period
from alerce_zvar.period import PeriodResult
from alerce_zvar.plot.axes import check_ordinate, draw_points, finish, make_axes, marker_size, time_label
from alerce_zvar.plot.model import build_fold_model
from alerce_zvar.plot.style import FILLS, band_styles

__all__ = ["period_text", "plot_folded"]

_MANY = 500  # points of one cycle, from which they are smaller


def plot_folded(light_curve, period, *, epoch_time=None, cycles=2, bins=None, column=None, title=None, ax=None):
    """Axes with a light curve against phase: error bars, two cycles, each band in its colour, bright side up.

    What is drawn is what `alerce_zvar.plot.build_fold_model` gives. Survey fields of one band share its colour and
    differ by how their markers are filled.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        Columns ``time`` and ``mag, mag_err`` or ``flux, flux_err``, and ``band`` and ``field`` where there are such.
        Rows with a masked time, or a masked or missing value or error, are not drawn; a masked band is drawn as one
        without name.
    period : `~astropy.units.Quantity` or `~alerce_zvar.period.PeriodResult`
        Period, a time. A result also gives the epoch.
    epoch_time : `~astropy.time.Time`, optional
        Time of phase 0. By default that of the result, or else J2000.0 as in `alerce_zvar.fold`.
    cycles : float
        How many cycles to show.
    bins : int, optional
        Also draw weighted means in this many bins per cycle, at most 1000, of each band and field.
    column : {"mag", "flux"}, optional
        What to draw; by default the first of them that the light curve has.
    title : str, optional
        Begins the title, before period and epoch, and is drawn letter by letter; by default the light curve's id.
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
        `period` or `cycles` is not positive, `bins` is no whole number from 0 to 1000, there is no such column, or
        `ax` shows another quantity or unit already.
    MissingExtraError
        matplotlib is not installed.
    """
    if isinstance(cycles, bool) or not isinstance(cycles, Real) or not 0 < cycles < np.inf:
        raise ValueError(f"cycles must be a positive number, not {shown(cycles)}")
    shown_period = period_text(period)
    bins = 0 if bins is None else bins
    model = build_fold_model(light_curve, period, epoch_time=epoch_time, cycles=1, bins=bins, column=column)
    ax = make_axes(ax)
    check_ordinate(ax, model.column, model.unit)
    _draw(ax, model, cycles)
    ax.set_xlabel("Phase [cycles]")
    ax.set_xlim(0, cycles)
    begin = model.id.replace("\n", " ") if title is None else title
    epoch = f"epoch {model.epoch_time.mjd:.5f} {time_label(model.epoch_time)}"
    return finish(ax, model.column, model.unit, f"{begin}\n{shown_period}, {epoch}")


def _draw(ax, model, cycles):
    """Points and means of all traces; the points are faint, and not in the legend, where there are means."""
    styles, places = band_styles(model.bands), _places(model)
    many = sum(len(trace.row) for trace in model.traces) > _MANY
    bold = {"ms": marker_size(1.7), "mew": 0.8, "zorder": 3}
    for trace in model.traces:
        style, fill = styles[trace.band], FILLS[places[trace.band].index(trace.field) % len(FILLS)]
        label = _label(trace, places[trace.band])
        faint = {"label": label} if trace.bins is None else {"alpha": 0.3}
        faint["ms"] = marker_size(0.75 if many else 1.0)
        draw_points(ax, *_cycled(cycles, trace.phase, trace.value, trace.error), style, fill=fill, **faint)
        if trace.bins is not None:
            means = _cycled(cycles, trace.bins.phase, trace.bins.value, trace.bins.error)
            edge = {"mec": "black"} if fill == "full" else {}
            draw_points(ax, *means, style, fill=fill, label=label, **bold, **edge)


def _places(model):
    """Fields of each band, in order."""
    places = {}
    for trace in model.traces:
        places.setdefault(trace.band, []).append(trace.field)
    return places


def _label(trace, fields):
    """The band, and its field where there are several."""
    several = f"field {trace.field or 'unknown'}" if len(fields) > 1 else ""
    return ", ".join(filter(None, (trace.band, several)))


def _cycled(cycles, phase, *columns):
    """Phases of one cycle and what belongs to them, again and again as far as `cycles` reaches."""
    rows = [np.flatnonzero(phase + turn < cycles) for turn in range(int(np.ceil(cycles)))]
    repeated = np.concatenate([phase[part] + turn for turn, part in enumerate(rows)])
    return repeated, *(column[np.concatenate(rows)] for column in columns)


def period_text(period):
    """Period with as many digits as its error allows, or with eight."""
    if not isinstance(period, PeriodResult):
        return f"P = {check_period(period):.8g}"
    days, error = period.period.to_value(u.day), period.period_err.to_value(u.day)
    if not error > 0:
        return f"P = {days:.8g} d"
    digits = max(0, 1 - int(np.floor(np.log10(error))))
    return f"P = {days:.{digits}f} ± {error:.{digits}f} d"
