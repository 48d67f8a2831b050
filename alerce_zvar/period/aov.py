"""Analysis of variance: do the levels of phase bins differ by more than the values inside them?

Schwarzenberg-Czerny 1989 (MNRAS 241, 153), with weights::

                B / (r - 1)
    theta = -----------------        B, r    by how much the levels of the bins lower chi2, and how many
            (A - B) / (N - r)                bins are not empty (`binned`)
                                     A, N    chi2 about the weighted mean, and number of points

For noise theta follows Fisher's F with r - 1 and N - r degrees of freedom, so it does not hang on the size of the
errors. A - B is at least 1e-12 A, or values without any noise would give an infinite theta.
"""

from functools import partial

import numpy as np

from alerce_zvar.period import binned
from alerce_zvar.period.blocks import walk
from alerce_zvar.period.fpw_statistic import MAX_BINS, choose_engine
from alerce_zvar.period.method import ENGINE, Method, whole

__all__ = ["METHOD", "power_blocks"]

_ROUNDING = 1e-12


def power_blocks(series, grid, *, n_bins=10, engine=None, workers=1):
    """Theta on a grid, block by block; 1 on average for noise, without limit.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations, more than `n_bins`.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Trial frequencies.
    n_bins : int
        Number of phase bins.
    engine : {"numba", "numpy"}, optional
        By default numba where the extra ``fast`` is installed.
    workers : int
        Threads.

    Yields
    ------
    start : int
        Index in the grid of the block's first frequency.
    power : ndarray of float
        Theta.
    """
    compute = partial(_theta, series, n_bins=n_bins, engine=choose_engine(engine))
    return walk(grid, compute, workers=workers)


def _theta(series, frequencies, *, n_bins, engine):
    value, weight = binned.centred(series)
    total = np.sum(weight * value**2)
    levels, filled = binned.between(series, frequencies, n_bins, 1, engine)
    inside = np.maximum(total - levels, _ROUNDING * total) / (len(value) - filled)
    return np.divide(levels, filled - 1, out=np.zeros_like(levels), where=filled > 1) / inside


METHOD = Method(
    name="aov",
    power_blocks=power_blocks,
    suits="any shape that bins resolve: pulsators with steep rises, eclipses that are not narrow",
    statistic="theta",
    meaning="variance between phase bins over that inside them; 1 on average for noise",
    citations=("1989MNRAS.241..153S",),
    options=(whole("n_bins", 10, 2, MAX_BINS), ENGINE),
    extra="fast",
    fewest=lambda series, options: options["n_bins"] + 1,
)
