"""Phase dispersion minimization: on the right period the values inside a phase bin scatter little.

Stellingwerf 1978 (ApJ 224, 953), with weights. Bins of several covers overlap, each cover displaced by a fraction of a
bin, so that no edge falls always in the same place::

            (C A - B) / (C N - M)        A, N   chi2 about the weighted mean, and number of points
    theta = ---------------------        C      number of covers
                A / (N - 1)              B, M   by how much the levels of the bins of all covers lower chi2, and
                                                how many are not empty (`binned`)

His theta falls from 1 towards 0 at the period; power is 1 - theta, so that higher is better.
"""

from functools import partial

import numpy as np

from alerce_zvar.period import binned
from alerce_zvar.period.blocks import walk
from alerce_zvar.period.fpw_statistic import MAX_BINS, choose_engine
from alerce_zvar.period.method import ENGINE, Method, whole

__all__ = ["METHOD", "power_blocks"]

MAX_COVERS = 10


def power_blocks(series, grid, *, n_bins=10, n_covers=3, engine=None, workers=1):
    """1 - theta on a grid, block by block; 0 on average for noise, 1 at most.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations, more than `n_bins`.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Trial frequencies.
    n_bins, n_covers : int
        Number of phase bins, and of covers.
    engine : {"numba", "numpy"}, optional
        By default numba where the extra ``fast`` is installed.
    workers : int
        Threads.

    Yields
    ------
    start : int
        Index in the grid of the block's first frequency.
    power : ndarray of float
        1 - theta.
    """
    compute = partial(_power, series, n_bins=n_bins, n_covers=n_covers, engine=choose_engine(engine))
    return walk(grid, compute, workers=workers)


def _power(series, frequencies, *, n_bins, n_covers, engine):
    value, weight = binned.centred(series)
    total, number = np.sum(weight * value**2), len(value)
    levels, filled = binned.between(series, frequencies, n_bins * n_covers, n_covers, engine)
    inside = (n_covers * total - levels) / (n_covers * number - filled)
    return 1.0 - inside / (total / (number - 1))


METHOD = Method(
    name="pdm",
    power_blocks=power_blocks,
    suits="any shape that bins resolve, few points: the covers smooth what the edges of bins do",
    statistic="1 - theta",
    meaning="1 - (variance inside phase bins / variance of all values); 0 on average for noise, 1 at most",
    citations=("1978ApJ...224..953S",),
    options=(whole("n_bins", 10, 2, MAX_BINS), whole("n_covers", 3, 1, MAX_COVERS), ENGINE),
    extra="fast",
    fewest=lambda series, options: options["n_bins"] + 1,
)
