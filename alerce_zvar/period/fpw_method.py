"""FPW as a method of search: its statistic, of any number of phase bins, on a grid (`fpw_statistic`)."""

from alerce_zvar.period import fpw_statistic
from alerce_zvar.period.blocks import walk
from alerce_zvar.period.method import ENGINE, Method, whole

__all__ = ["METHOD", "power_blocks"]


def power_blocks(series, grid, *, n_bins=10, engine=None, workers=1):
    """The statistic S of FPW on a grid, block by block; (n_bins - 1) / 2 on average for noise.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
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
        S.
    """
    engine = fpw_statistic.choose_engine(engine)

    def compute(frequencies):
        found = fpw_statistic.statistic(series.time, series.value, series.error, frequencies, n_bins, engine=engine)
        return found[0]

    return walk(grid, compute, workers=workers)


METHOD = Method(
    name="fpw",
    power_blocks=power_blocks,
    suits="any shape that bins resolve; what ZVAR searches with",
    statistic="S",
    meaning="half of what chi2 falls by from one level to one per phase bin; (n_bins - 1) / 2 on average for noise",
    citations=("2025arXiv250200243F",),
    options=(whole("n_bins", 10, 2, fpw_statistic.MAX_BINS), ENGINE),
    extra="fast",
    fewest=lambda series, options: options["n_bins"] + 1,
)
