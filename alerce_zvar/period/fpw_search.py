"""`fpw`: the best period of a light curve for each of several numbers of phase bins, and how far it stands out."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce
from numbers import Integral
from typing import NamedTuple

import numpy as np
from astropy import units as u
from astropy.table import QTable

from alerce_zvar.errors import shown
from alerce_zvar.period import fpw_statistic
from alerce_zvar.period.grid import FrequencyGrid, make_grid
from alerce_zvar.period.prepare import Series, prepare

__all__ = [
    "LONGEST_PERIOD",
    "N_BINS",
    "SAMPLES_PER_PEAK",
    "FpwResult",
    "Peaks",
    "check_points",
    "check_workers",
    "fpw",
    "search",
]

N_BINS = (5, 10, 20)  # ZVAR's; few suit smooth waves, many suit narrow eclipses
SAMPLES_PER_PEAK = 3  # frequency step 1 / (3 T), as in zvartools' freq_grid (reference/zvar.md 4.1)
LONGEST_PERIOD = 10 * u.day  # ZVAR's own search ends here
POINTS_PER_BIN = 1.5  # with fewer, noise fills the bins as well as any signal
_BLOCK = 1 << 15  # frequencies in one go: even for 20 numbers of bins it stays in the cache


class Peaks(NamedTuple):
    """What is left of a stretch of the grid: arrays with one number for each number of bins.

    Parameters
    ----------
    number : int
        Frequencies.
    mean, squares : ndarray of float
        Mean of the statistic, and sum of its squared deviations from that.
    index : ndarray of int
        Where in the grid the statistic is highest; the first place if there are several.
    top : ndarray of float
        Its value there.
    """

    number: int
    mean: np.ndarray
    squares: np.ndarray
    index: np.ndarray
    top: np.ndarray

    @property
    def significance(self):
        """(top - mean) / standard deviation, NaN where all are alike; our own choice (reference/zvar.md 4.1)."""
        spread = np.sqrt(self.squares / self.number)
        return np.divide(self.top - self.mean, spread, out=np.full_like(spread, np.nan), where=spread > 0)


@dataclass(frozen=True, eq=False, repr=False)
class FpwResult:
    """The best period for each number of phase bins, and every choice that led to them.

    Returned by `alerce_zvar.period.fpw`. It pickles, and keeps the prepared observations but not the periodogram.

    Attributes
    ----------
    n_bins : tuple of int
        Numbers of phase bins, in the order asked.
    samples_per_peak : float
        Trial frequencies per ``1 / baseline``.
    engine : str
        What computed: ``"numba"`` or ``"numpy"``.
    series, grid, peaks
        The prepared observations, the grid, and what was found on it: plain numbers.
    """

    series: Series
    grid: FrequencyGrid
    n_bins: tuple
    samples_per_peak: float
    engine: str
    peaks: Peaks

    @property
    def frequency(self):
        """Frequency of the highest statistic for each number of bins, a Quantity [1/d]; a point of the grid."""
        return (self.grid.minimum + self.grid.step * self.peaks.index) / u.day

    @property
    def period(self):
        """1 / frequency, a Quantity [d]."""
        return 1 / self.frequency

    @property
    def statistic(self):
        """The highest statistic for each number of bins; an ndarray."""
        return self.peaks.top

    @property
    def significance(self):
        """(highest - mean) / standard deviation of the statistic over the grid, for each number of bins; an ndarray."""
        return self.peaks.significance

    @property
    def at_edge(self):
        """True where the best period is the shortest or longest of the range; an ndarray of bool."""
        return np.isin(self.peaks.index, (0, self.grid.number - 1))

    @property
    def table(self):
        """One row per number of bins: ``n_bins``, ``period``, ``frequency``, ``statistic``, ``significance``."""
        names = ("period", "frequency", "statistic", "significance")
        return QTable({"n_bins": np.array(self.n_bins)} | {name: getattr(self, name) for name in names})

    @property
    def frequency_grid(self):
        """All trial frequencies, a Quantity [1/d]; made anew at each access, 8 bytes each."""
        return self.grid.frequencies() / u.day

    @property
    def statistic_grid(self):
        """The statistic on `frequency_grid`, an ndarray with one row per number of bins; computed at each access."""
        series = self.series
        blocks = (self.grid.frequencies(start, stop) for start, stop in _blocks(self.grid))
        parts = [
            fpw_statistic.statistic(
                series.time, series.value, series.error, frequencies, self.n_bins, engine=self.engine
            )
            for frequencies in blocks
        ]
        return np.concatenate(parts, axis=1)

    def __repr__(self):
        found = ", ".join(
            f"{m}: {period:.8g} d ({significance:.3g})"
            for m, period, significance in zip(self.n_bins, self.period.value, self.significance, strict=True)
        )
        return (
            f"<FpwResult of {{bins: period (significance)}} {{{found}}}; {self.series.column} of "
            f"{len(self.series.time)} points in {len(self.series.groups)} groups, {self.grid.number} frequencies "
            f"{self.grid.minimum:.6g} to {self.grid.maximum:.6g} 1/d>"
        )


def fpw(
    light_curve,
    *,
    n_bins=N_BINS,
    minimum_period=None,
    maximum_period=None,
    samples_per_peak=SAMPLES_PER_PEAK,
    column=None,
    bands=None,
    engine=None,
    workers=None,
):
    """Best periods of a light curve by FPW (Fast Periodicity Weighting), which assumes no shape of the wave.

    Values are sorted into phase bins of free level at each frequency. Rows are dropped and centred as for
    `alerce_zvar.find_period`. What comes out may be half or twice the period, the more so for eclipsing binaries.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        As for `alerce_zvar.find_period`. ZVAR searches fluxes, each band and field by itself.
    n_bins : int or sequence of int
        Numbers of phase bins, 2 to 1000: few for smooth waves, many for narrow eclipses. Numbers that are halves of
        each other cost little more than the largest alone.
    minimum_period, maximum_period : `~astropy.units.Quantity`, optional
        Range of the search. By default 5 minutes, and 10 days or half of the time span, whichever is shorter.
    samples_per_peak : float
        Trial frequencies per ``1 / time span``. The periods found are points of this grid.
    column : {"mag", "flux"}, optional
        What to use; by default the first of them that the light curve has.
    bands : sequence of str, optional
        Bands to use; by default all.
    engine : {"numba", "numpy"}, optional
        By default numba where the extra ``fast`` is installed, and numpy, some fifteen times slower, elsewhere.
    workers : int, optional
        Threads; by default one for each core.

    Returns
    -------
    FpwResult

    Raises
    ------
    MissingExtraError
        ``engine="numba"`` and the extra ``fast`` is not installed.
    astropy.units.UnitsError
        A period has no unit of time.
    TypeError
        `light_curve` is not one light curve.
    ValueError
        A parameter is out of its range, or the light curve is too short or does not vary.

    Notes
    -----
    The statistic is that of Finkbeiner, Prince & Whitebook 2025 (arXiv:2502.00243); see
    `alerce_zvar.period.fpw_statistic`. The grid and the significance are our reading of what ZVAR does
    (reference/zvar.md 4.1): step ``1 / (3 T)``, and (highest - mean) / standard deviation of the statistic over the
    grid. White noise reaches about 10, 9 and 7 for 5, 10 and 20 bins on the full grid.
    """
    n_bins, engine = fpw_statistic.check_n_bins(n_bins), fpw_statistic.choose_engine(engine)
    workers = check_workers(workers)
    series = prepare(light_curve, column=column, bands=bands)
    check_points(len(series.time), n_bins)
    if maximum_period is None:
        maximum_period = min(LONGEST_PERIOD, series.baseline / 2 * u.day)
    grid = make_grid(
        series.baseline,
        minimum_period=minimum_period,
        maximum_period=maximum_period,
        samples_per_peak=samples_per_peak,
    )
    peaks = search(series.time, series.value, series.error, grid, n_bins, engine=engine, workers=workers)
    return FpwResult(series, grid, n_bins, float(samples_per_peak), engine, peaks)


def search(time, value, error, grid, n_bins, *, engine=None, workers=1, check=None):
    """Peaks of the statistic on a grid; the memory does not grow with the grid, nor do the numbers depend on `workers`.

    Parameters
    ----------
    time, value, error
        As for `alerce_zvar.period.fpw_statistic.statistic`; times in days.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Trial frequencies.
    n_bins : sequence of int
        Numbers of phase bins.
    engine : {"numba", "numpy"}, optional
        What computes.
    workers : int
        Threads.
    check : callable, optional
        Called before each block of frequencies; it may raise to end the search.

    Returns
    -------
    Peaks
    """
    look = partial(_peaks_of_block, (time, value, error), grid, n_bins, engine, check or (lambda: None))
    blocks = list(_blocks(grid))
    if workers == 1 or len(blocks) == 1:
        return reduce(_joined, map(look, blocks))
    with ThreadPoolExecutor(workers) as pool:
        return reduce(_joined, pool.map(look, blocks))


def _blocks(grid):
    return ((start, min(start + _BLOCK, grid.number)) for start in range(0, grid.number, _BLOCK))


def _peaks_of_block(observations, grid, n_bins, engine, check, span):
    check()
    found = fpw_statistic.statistic(*observations, grid.frequencies(*span), n_bins, engine=engine)
    mean, index = found.mean(axis=1), found.argmax(axis=1)
    squares = np.sum((found - mean[:, None]) ** 2, axis=1)
    return Peaks(found.shape[1], mean, squares, span[0] + index, found[np.arange(len(n_bins)), index])


def _joined(a, b):
    """Peaks of two neighbouring stretches together (Chan, Golub & LeVeque 1983, Amer. Stat. 37, 242)."""
    number = a.number + b.number
    step = b.mean - a.mean
    later = b.top > a.top
    return Peaks(
        number,
        a.mean + step * b.number / number,
        a.squares + b.squares + step**2 * a.number * b.number / number,
        np.where(later, b.index, a.index),
        np.where(later, b.top, a.top),
    )


def check_points(number, n_bins):
    """Refuse light curves with fewer points than 1.5 for each bin.

    Raises
    ------
    ValueError
        There are too few.
    """
    needed = int(np.ceil(POINTS_PER_BIN * max(n_bins)))
    if number < needed:
        raise ValueError(f"the light curve has {number} usable points; {max(n_bins)} bins need at least {needed}")


def check_workers(workers):
    """Number of threads; None is one for each core that this process may use.

    Raises
    ------
    ValueError
        It is not a positive whole number.
    """
    if workers is None:
        return getattr(os, "process_cpu_count", os.cpu_count)() or 1
    if isinstance(workers, bool) or not isinstance(workers, Integral) or workers < 1:
        raise ValueError(f"workers must be a positive whole number, not {shown(workers)}")
    return int(workers)
