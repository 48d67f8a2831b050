"""Figure of all the periods that a star may have, each with its folded light curve."""

from numbers import Integral

import numpy as np

from alerce_zvar.errors import shown
from alerce_zvar.plot.axes import legend_columns, make_grid_axes, plain_text, width_of, wrapped
from alerce_zvar.plot.folded import plot_folded

__all__ = ["plot_period_candidates"]


def plot_period_candidates(light_curve, result_or_candidates, *, n=6, column=None, axes=None):
    """A panel for each of several periods, the best first, with the light curve folded on it.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        As for `plot_folded`.
    result_or_candidates : PeriodResult, Periodogram, FpwResult, Quantity, PeriodCandidate, or a list of them
        Periods, the best first. A result of `alerce_zvar.find_period` gives the period found, with its epoch, and the
        alternatives with the reasons against them.
    n : int
        Most panels.
    column : {"mag", "flux"}, optional
        What to draw; by default the first of them that the light curve has.
    axes : sequence of `~matplotlib.axes.Axes`, optional
        Where to draw, one for each period; by default a new figure.

    Returns
    -------
    ndarray of `~matplotlib.axes.Axes`
        One dimension; as many as there are periods, at most `n`.

    Raises
    ------
    TypeError
        There are no such periods, or `light_curve` is no table with times.
    ValueError
        `n` is not a positive whole number, there are no periods, or fewer `axes` than periods.
    MissingExtraError
        matplotlib is not installed.
    """
    from alerce_zvar.plot.explorer import as_candidates

    if isinstance(n, bool) or not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n must be a positive whole number, not {shown(n)}")
    candidates = as_candidates(result_or_candidates)[:n]
    if not candidates:
        raise ValueError("result_or_candidates holds no period")
    mine = axes is None
    axes = make_grid_axes(len(candidates)) if mine else _given(axes, len(candidates))
    epoch_time = candidates[0].epoch_time
    for ax, candidate in zip(axes, candidates, strict=True):
        _draw(ax, light_curve, candidate, epoch_time, column)
    for ax in axes if mine else axes[:-1]:
        if ax.get_legend() is not None:
            ax.get_legend().remove()
    if mine:
        _join(axes)
    return axes


def _given(axes, number):
    axes = np.ravel(np.asarray(axes, dtype=object))
    if len(axes) < number:
        raise ValueError(f"axes must be {number}, one for each period, not {len(axes)}")
    return axes[:number]


def _draw(ax, light_curve, candidate, epoch_time, column):
    """One panel; periods without an epoch share that of the best one."""
    epoch_time = epoch_time if candidate.epoch_time is None else candidate.epoch_time
    plot_folded(light_curve, candidate.period, epoch_time=epoch_time, column=column, ax=ax)
    period = f"P = {candidate.period:.7g}"
    words = wrapped(plain_text(candidate.detail or candidate.origin), 72 * width_of(ax), "small", lines=2)
    ax.set_title(f"{period}\n{words}", fontsize="small")
    ax.set_xticks([0, 0.5, 1, 1.5])  # and no 2.0, which the next panel's 0.0 would touch


def _join(axes):
    """One legend for all panels; labels of axes only on the left, and where there is no panel below."""
    columns = axes[0].get_gridspec().ncols
    for place, ax in enumerate(axes):
        if place % columns:
            ax.set_ylabel("")
        if place + columns < len(axes):
            ax.set_xlabel("")
    handles, labels = axes[0].get_legend_handles_labels()
    if labels:
        figure = axes[0].figure
        look = {"loc": "outside lower center", "fontsize": "small", "frameon": False, "handletextpad": 0.3}
        figure.legend(handles, labels, ncols=legend_columns(labels, figure.get_figwidth()), **look)
