"""Figure of a periodogram."""

import numpy as np
from astropy import units as u

from alerce_zvar.period import Periodogram, PeriodResult
from alerce_zvar.plot.axes import make_axes
from alerce_zvar.plot.style import LINE_COLOR, MARK_COLOR

__all__ = ["chance_text", "plot_periodogram"]

_COLUMNS = 3000  # highest power in each: more than a figure has pixels, so that no peak is lost
_WIDE = 10.0  # longest period over shortest, from which the axis is logarithmic


def plot_periodogram(result, *, title=None, ax=None):
    """Axes with power against period; the best period is marked on the curve.

    The mark stands at the curve's height; the ``power`` of a `~alerce_zvar.period.PeriodResult` is that of the refined
    fit, somewhat higher. Long periodograms are drawn by the highest power in each of 3000 narrow columns.

    Parameters
    ----------
    result : `~alerce_zvar.period.Periodogram` or `~alerce_zvar.period.PeriodResult`
        From `alerce_zvar.periodogram`, or from `alerce_zvar.find_period`, which is searched once more.
    title : str, optional
        By default one line on the search.
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.

    Returns
    -------
    `~matplotlib.axes.Axes`

    Raises
    ------
    TypeError
        `result` is neither.
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> from alerce_zvar.plot import plot_periodogram
    >>> result = find_period(light_curve)  # doctest: +SKIP
    >>> plot_periodogram(result).figure.savefig("periodogram.png")  # doctest: +SKIP
    """
    if not isinstance(result, PeriodResult | Periodogram):
        raise TypeError(
            "result must be a PeriodResult, as find_period gives it, or a Periodogram, as periodogram gives it, not "
            f"{type(result).__name__}"
        )
    ax = make_axes(ax)
    periods, power = _envelope(result)
    ax.plot(periods, power, lw=0.7, color=LINE_COLOR)
    scanned = isinstance(result, Periodogram)
    best = (result.best_period if scanned else result.period).to_value(u.day)
    ax.axvline(best, ls=":", lw=1, color=MARK_COLOR, zorder=0)
    ax.plot(best, power[np.argmin(np.abs(np.log(periods / best)))], "v", color=MARK_COLOR, label=f"{best:.7g} d")
    _set_scale(ax, periods[-1] / periods[0])
    ax.set_xlabel("Period [d]")
    ax.set_ylabel(f"{result.statistic[:1].upper()}{result.statistic[1:]}" if scanned else "Power")
    ax.set_ylim(bottom=0)
    ax.set_title((_method_text if scanned else _chance_title)(result) if title is None else title, fontsize="medium")
    ax.legend(fontsize="small", loc="best")
    return ax


def _method_text(result):
    options = (f"{name}={value}" for name, value in result.options.items() if name != "engine")
    return ", ".join([result.method, *options])


def _chance_title(result):
    return f"{result.nterms} harmonic{'s' * (result.nterms > 1)}, false-alarm probability {chance_text(result)}"


def chance_text(result):
    """False-alarm probability of a result in two digits; floating point ends near 1e-308."""
    chance = result.false_alarm_probability
    return f"{chance:.2g}" if chance > 1e-300 else "below 1e-300"


def _set_scale(ax, ratio):
    """A logarithmic axis where the range is wide, else a linear one; plain numbers on both."""
    ax.set_xscale("log" if ratio > _WIDE else "linear")
    if ratio > _WIDE:
        ax.xaxis.get_major_locator().set_params(subs=(1, 2, 5) if ratio < _WIDE**3 else (1,))
        ax.xaxis.set_major_formatter("{x:g}")
    else:
        ax.ticklabel_format(axis="x", style="plain", useOffset=False)


def _envelope(result):
    """Highest power in equal columns of log frequency, and the period where it stands, by growing period."""
    edges = np.geomspace(result.minimum_frequency.value, result.maximum_frequency.value, _COLUMNS + 1)
    best_power = np.full(_COLUMNS, np.nan)
    best_frequency = np.full(_COLUMNS, np.nan)
    for frequency, power in result.blocks():
        column = np.clip(np.searchsorted(edges, frequency.value, side="right") - 1, 0, _COLUMNS - 1)
        starts = np.flatnonzero(np.diff(column, prepend=-1))
        for part, place in zip(np.split(np.arange(len(power)), starts[1:]), column[starts], strict=True):
            top = part[np.argmax(power[part])]
            if not best_power[place] >= power[top]:
                best_power[place], best_frequency[place] = power[top], frequency.value[top]
    filled = np.flatnonzero(np.isfinite(best_power))[::-1]
    return 1 / best_frequency[filled], best_power[filled]
