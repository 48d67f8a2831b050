"""Figure of a periodogram, its peaks, and the other periods under which a star may hide."""

from numbers import Integral
from weakref import WeakKeyDictionary

import numpy as np
from astropy import units as u
from scipy.optimize import isotonic_regression

from alerce_zvar.errors import shown
from alerce_zvar.period import Periodogram, PeriodResult
from alerce_zvar.period.candidates import ALIASES
from alerce_zvar.plot.axes import (
    add_legend,
    make_axes,
    marker_size,
    plain_text,
    points_of,
    set_title,
    text_width,
    unit_label,
    width_of,
)
from alerce_zvar.plot.style import FAINT_COLOR, LINE_COLOR, MARK_COLOR

__all__ = ["chance_text", "envelope", "plot_periodogram"]

_COLUMNS = 3000  # highest power in each: more than a figure has pixels, so that no peak is lost
_WIDE = 10.0  # longest period over shortest, from which the axis is logarithmic
_SHIFTS = {"1/d": "day", "1/sidereal d": "sidereal day", "2/d": "half day", "1/yr": "year"}  # names in `ALIASES`
_APART = 1.5  # points: marks closer than this are one
_ENVELOPES = WeakKeyDictionary()  # result -> its envelope, which is a search; small, and gone with the result


def plot_periodogram(result, *, n_peaks=3, aliases=True, title=None, ax=None):
    """Axes with power against period; the best period, further peaks and aliases of the best period are marked.

    The marks stand at the curve's height; the ``power`` of a `~alerce_zvar.period.PeriodResult` is that of the refined
    fit, somewhat higher. Long periodograms are drawn by their `envelope`.

    Parameters
    ----------
    result : `~alerce_zvar.period.Periodogram` or `~alerce_zvar.period.PeriodResult`
        From `alerce_zvar.periodogram`, or from `alerce_zvar.find_period`, which is searched once more, and only once.
    n_peaks : int
        Mark so many of the highest separate peaks besides the best period.
    aliases : bool
        Mark half and double of the best period P, and where the frequency f = 1 / P would be seen with one or two
        observations per day, sidereal day or year: f + 1/d, f - 1/d and so on. A mark that the figure cannot tell from
        the best period, or from one before it in this list, is left out.
    title : str, optional
        Drawn letter by letter; by default one line on the search.
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.

    Returns
    -------
    `~matplotlib.axes.Axes`

    Raises
    ------
    TypeError
        `result` is neither.
    ValueError
        `n_peaks` is no whole number, or less than 0.
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> from alerce_zvar.plot import plot_periodogram
    >>> result = find_period(light_curve)  # doctest: +SKIP
    >>> plot_periodogram(result).figure.savefig("periodogram.png")  # doctest: +SKIP
    """
    if isinstance(n_peaks, bool) or not isinstance(n_peaks, Integral) or n_peaks < 0:
        raise ValueError(f"n_peaks must be a whole number, 0 or more, not {shown(n_peaks)}")
    frequency, power = envelope(result)
    periods, power = 1 / frequency.value[::-1], power[::-1]
    ax = make_axes(ax)
    ax.plot(periods, power, lw=0.7, color=LINE_COLOR)
    scanned = isinstance(result, Periodogram)
    best = (result.best_period if scanned else result.period).to_value(u.day)
    ax.axvline(best, ls=":", lw=1, color=MARK_COLOR, zorder=0)
    ax.plot(best, _height(periods, power, best), "v", ms=marker_size(1.7), color=MARK_COLOR, label=f"{best:.7g} d")
    _mark_peaks(ax, periods, power, _further_peaks(result, best, n_peaks))
    _set_scale(ax, periods[-1] / periods[0])
    ax.set_xlabel(unit_label("Period", u.day))
    ax.set_ylabel(plain_text(f"{result.statistic[:1].upper()}{result.statistic[1:]}") if scanned else "Power")
    set_title(ax, (_method_text if scanned else _chance_title)(result) if title is None else title)
    _mark_relatives(ax, _relatives(ax, best) if aliases else [], (min(power.min(), 0.0), power.max()))
    add_legend(ax)
    return ax


def envelope(result):
    """Highest power in at most 3000 equal columns of the logarithm of frequency, and where it stands.

    A `~alerce_zvar.period.PeriodResult` does not keep its periodogram, so that this searches once more; what was found
    is kept as long as the result is, and no further call searches.

    Parameters
    ----------
    result : `~alerce_zvar.period.Periodogram` or `~alerce_zvar.period.PeriodResult`
        From `alerce_zvar.periodogram` or `alerce_zvar.find_period`.

    Returns
    -------
    frequency : `~astropy.units.Quantity`
        Growing frequencies [1/d], points of the grid.
    power : ndarray of float
        Their powers.

    Raises
    ------
    TypeError
        `result` is neither.
    """
    if not isinstance(result, PeriodResult | Periodogram):
        raise TypeError(
            "result must be a PeriodResult, as find_period gives it, or a Periodogram, as periodogram gives it, not "
            f"{type(result).__name__}"
        )
    if result not in _ENVELOPES:
        _ENVELOPES[result] = _highest(result)
    frequency, power = _ENVELOPES[result]
    return frequency / u.day, power.copy()


def _height(periods, power, period):
    """Height of the curve at a period."""
    return power[np.argmin(np.abs(np.log(periods / period)))]


def _further_peaks(result, best, number):
    """Periods [d] of the highest peaks that are not the best one."""
    if not number:
        return []
    peaks = result.peaks(number + 1) if isinstance(result, Periodogram) else result.peaks
    periods = peaks["period"].to_value(u.day)
    apart = np.abs(1 / periods - 1 / best) * result.baseline.to_value(u.day) >= 1
    inside = (1 / periods >= result.grid.minimum) & (1 / periods <= result.grid.maximum)
    return periods[apart & inside][:number]


def _mark_peaks(ax, periods, power, peaks):
    heights = [_height(periods, power, peak) for peak in peaks]
    look = {
        "marker": "o",
        "s": marker_size(1.2) ** 2,
        "facecolor": "white",
        "edgecolor": MARK_COLOR,
        "linewidth": 0.8,
        "zorder": 3,
    }
    if heights:
        ax.scatter(peaks, heights, label="further peaks" if len(peaks) > 1 else "further peak", **look)


def _relatives(ax, best):
    """Names and periods [d] of what the figure can show apart from the best period and from one another."""
    frequency, found = 1 / best, [("P/2", best / 2), ("2P", best * 2)]
    for name, word in _SHIFTS.items():
        found.append((f"f+{name}", 1 / (frequency + ALIASES[word])))
        less = frequency - ALIASES[word]
        if less:
            found.append((f"f\N{MINUS SIGN}{name}" if less > 0 else f"{name}\N{MINUS SIGN}f", 1 / abs(less)))
    shortest, longest = sorted(ax.get_xlim())
    kept, taken = [], [_place(ax, best)]
    for name, period in found:
        if shortest <= period <= longest and min(abs(_place(ax, period) - place) for place in taken) >= _APART:
            kept.append((name, period))
            taken.append(_place(ax, period))
    return kept


def _place(ax, period):
    """Where a period stands on the axis [point]."""
    x = ax.transAxes.inverted().transform(ax.transData.transform((period, 0)))[0]
    return x * width_of(ax) * 72


def _mark_relatives(ax, marks, powers):
    """Room above the curve, a line for each mark, and its name above, moved aside where names would overlap."""
    marks = sorted(marks, key=lambda mark: mark[1])
    height = 0.75 * ax.get_window_extent().height / ax.figure.dpi * 72  # points; titles and legend will take the rest
    longest = max((text_width(name, "small") for name, _ in marks), default=-8.0)
    ends = 1 - min(0.6, (longest + 12) / height)  # of the lines, as a share of the axes
    low, high = powers
    ax.set_ylim(low, low + ((high - low) or 1.0) / (ends - 0.04))
    if not marks:
        return
    width = width_of(ax) * 72
    spread = _apart(np.array([_place(ax, period) for _, period in marks]), 1.25 * points_of("small"), width)
    across = ax.get_xaxis_transform()
    ax.vlines([period for _, period in marks], 0, ends, FAINT_COLOR, ":", lw=0.7, zorder=0).set_transform(across)
    line = {"arrowstyle": "-", "color": FAINT_COLOR, "lw": 0.5, "shrinkA": 0, "shrinkB": 0}
    upright = {"rotation": 90, "ha": "center", "va": "top", "fontsize": "small", "color": FAINT_COLOR}
    for (name, period), place in zip(marks, spread, strict=True):
        where = {"xycoords": across, "xytext": (place / width, 0.985), "textcoords": "axes fraction"}
        ax.annotate(name, (period, ends), arrowprops=line, **where, **upright)


def _apart(places, distance, width):
    """Growing places moved as little as can be so that they are `distance` apart and inside: least squares."""
    steps = distance * np.arange(len(places))
    moved = isotonic_regression(places - steps).x
    return np.clip(moved, distance / 2, max(width - distance / 2 - steps[-1], distance / 2)) + steps


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
        ax.xaxis.set_minor_formatter("")
    else:
        ax.ticklabel_format(axis="x", style="plain", useOffset=False)


def _highest(result):
    """Envelope of a result: frequencies [1/d] and powers, of columns that hold any."""
    edges = np.geomspace(result.grid.minimum, result.grid.maximum, _COLUMNS + 1)
    best_power = np.full(_COLUMNS, np.nan)
    best_frequency = np.full(_COLUMNS, np.nan)
    for frequency, power in result.blocks():
        column = np.clip(np.searchsorted(edges, frequency.value, side="right") - 1, 0, _COLUMNS - 1)
        starts = np.flatnonzero(np.diff(column, prepend=-1))
        for part, place in zip(np.split(np.arange(len(power)), starts[1:]), column[starts], strict=True):
            top = part[np.argmax(power[part])]
            if not best_power[place] >= power[top]:
                best_power[place], best_frequency[place] = power[top], frequency.value[top]
    filled = np.isfinite(best_power)
    return best_frequency[filled], best_power[filled]
