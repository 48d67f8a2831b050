"""Box least squares: the periodogram of eclipses, which are short and all in one direction.

Kovacs, Zucker & Mazeh 2002 (A&A 391, 369), with weights. Two levels, one in a box of phase and one outside, are fitted
for boxes of several widths at many places, and the best box counts in which the star is fainter::

    mag                                power = max over boxes of  s^2 W / (W_in W_out) / A
      │        ┌──┐
      │        │  │                    s       sum of w x in the box, x about its weighted mean
      │ ───────┘  └──────────          W, W_in, W_out   sums of w: all, in the box, outside
      └────────────────────► phase     A       chi2 about the weighted mean

That is the share of chi2 that the box explains, 0 to 1 like the power of Lomb-Scargle. A times power is the square of
astropy's ``depth_snr`` and of SR in Kovacs et al. but for its norm.

The scan is coarse: phases fall into ``oversample / min(durations)`` bins, and boxes are whole numbers of them.
`alerce_zvar.period.fit_eclipse` then has astropy's BoxLeastSquares refine a period.
"""

import math
from functools import partial

import numpy as np

from alerce_zvar.period import binned
from alerce_zvar.period.blocks import walk
from alerce_zvar.period.fpw_statistic import choose_engine, chunks, histogram, phase_bins
from alerce_zvar.period.method import ENGINE, Method, Option, whole

__all__ = ["DURATIONS", "METHOD", "power_blocks"]

DURATIONS = (0.01, 0.016, 0.025, 0.04, 0.065, 0.1, 0.15)  # in cycles; each some 1.6 times the one before
OVERSAMPLE = 3
_LEAST = 1e-9  # share of the weight that must be inside a box, and outside: less is lost in rounding


def power_blocks(series, grid, *, durations=DURATIONS, oversample=OVERSAMPLE, engine=None, workers=1):
    """Share of chi2 that the best box explains, on a grid, block by block; 0 to 1.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Trial frequencies.
    durations : sequence of float
        Widths of the box in cycles.
    oversample : int
        Phase bins in the narrowest box.
    engine : {"numba", "numpy"}, optional
        By default numba where the extra ``fast`` is installed.
    workers : int
        Threads.

    Yields
    ------
    start : int
        Index in the grid of the block's first frequency.
    power : ndarray of float
        The share.
    """
    compute = {"numba": _by_numba, "numpy": _by_numpy}[choose_engine(engine)]
    powers = partial(_power, compute, series, durations=durations, oversample=oversample)
    return walk(grid, powers, workers=workers)


def boxes(durations, oversample):
    """Number of phase bins, and widths of the boxes in bins."""
    n_bins = math.ceil(oversample / min(durations) - 1e-9)
    return n_bins, np.array([round(duration * n_bins) for duration in durations])


def fainter(series):
    """Values about their weighted mean, turned so that an eclipse is a rise, and weights."""
    value, weight = binned.centred(series)
    return (value if series.column == "mag" else -value), weight


def _power(compute, series, frequencies, *, durations, oversample):
    value, weight = fainter(series)
    total = weight.sum()
    best = compute(series.time, weight * value, weight, frequencies, *boxes(durations, oversample), _LEAST * total)
    return np.minimum(best * total / np.sum(weight * value**2), 1.0)


def _by_numba(time, weighted, weight, frequencies, n_bins, widths, least):
    from alerce_zvar.period import binned_numba

    result = np.empty(len(frequencies))
    binned_numba.boxes(time, weighted, weight, frequencies, n_bins, widths, least, result)
    return result


def _by_numpy(time, weighted, weight, frequencies, n_bins, widths, least):
    """The twin of `binned_numba.boxes`."""
    parts = []
    for chunk in chunks(frequencies, max(len(time), 2 * n_bins)):
        bins = phase_bins(time, chunk, n_bins)
        upto = [_upto(histogram(bins, terms, n_bins), widths.max()) for terms in (weighted, weight)]
        parts.append(_best_box(*upto, weight.sum(), n_bins, widths, least))
    return np.concatenate(parts)


def _upto(sums, further):
    """Sums before each bin, going on past the end of the cycle."""
    return np.cumsum(np.concatenate([np.zeros((len(sums), 1)), sums, sums[:, :further]], axis=1), axis=1)


def _best_box(upto_wx, upto_w, total, n_bins, widths, least):
    best = np.zeros(len(upto_w))
    for width in widths:
        s, w = (upto[:, width : width + n_bins] - upto[:, :n_bins] for upto in (upto_wx, upto_w))
        counts = (s > 0) & (w > least) & (total - w > least)
        ratio = np.divide(s * s, w * (total - w), out=np.zeros_like(s), where=counts)
        best = np.maximum(best, ratio.max(axis=1))
    return best


def _check_durations(durations):
    given = [float(duration) for duration in np.atleast_1d(durations)]
    if not given or not all(0.001 <= duration <= 0.5 for duration in given) or len(set(given)) < len(given):
        raise ValueError
    return tuple(sorted(given))


METHOD = Method(
    name="bls",
    power_blocks=power_blocks,
    suits="eclipses of any width, detached binaries, transits",
    statistic="share of chi2 in a box",
    meaning="share of the scatter that two levels explain, one in a box of phase where the star is fainter; 0 to 1",
    citations=("2002A&A...391..369K",),
    options=(
        Option("durations", DURATIONS, "different fractions of the period from 0.001 to 0.5", _check_durations),
        whole("oversample", OVERSAMPLE, 1, 50),
        ENGINE,
    ),
    extra="fast",
    samples_per_peak=25,
)
