"""`periodogram`: the power of any method over a grid of frequencies, and the record of it."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np
from astropy import units as u
from astropy.table import QTable

from alerce_zvar.errors import require, shown
from alerce_zvar.period.blocks import BLOCK
from alerce_zvar.period.fpw_search import check_workers
from alerce_zvar.period.grid import FrequencyGrid, make_grid
from alerce_zvar.period.methods import get_method
from alerce_zvar.period.prepare import Series, prepare
from alerce_zvar.period.record import Searched

__all__ = ["Periodogram", "periodogram"]


@dataclass(frozen=True, eq=False, repr=False)
class Periodogram(Searched):
    """Power over a grid of frequencies, and every choice that led to it.

    Returned by `alerce_zvar.periodogram`. It can be copied and pickled, and keeps the prepared observations.

    Attributes
    ----------
    method : str
        Name of the method.
    options : dict
        All options of the method, with their values.
    statistic, meaning : str
        What `power` is called, and what it says.
    power : ndarray of float
        Power at each frequency, higher where the period is better.
    samples_per_peak : float
        Trial frequencies per ``1 / baseline``.
    series, grid
        The prepared observations, and the grid: plain numbers.
    """

    method: str
    options: dict
    statistic: str
    meaning: str
    power: np.ndarray
    samples_per_peak: float
    series: Series
    grid: FrequencyGrid

    @classmethod
    def of(cls, method, options, series, grid, *, workers=1, samples_per_peak=np.nan):
        """The periodogram by a method of a prepared light curve.

        Parameters
        ----------
        method : `~alerce_zvar.period.method.Method`
            Method.
        options : dict
            All its options.
        series, grid
            Prepared observations, and the grid.
        workers : int
            Threads.
        samples_per_peak : float
            What the grid was made with.

        Returns
        -------
        Periodogram
        """
        return cls(
            method=method.name,
            options=options,
            statistic=method.statistic,
            meaning=method.meaning,
            power=_collected(method, series, grid, options, workers),
            samples_per_peak=float(samples_per_peak),
            series=series,
            grid=grid,
        )

    @property
    def frequency(self):
        """All trial frequencies, a Quantity [1/d]; made anew at each access, 8 bytes each."""
        return self.grid.frequencies() / u.day

    @property
    def best_frequency(self):
        """Frequency of the highest power, a Quantity [1/d]; a point of the grid."""
        return (self.grid.minimum + self.grid.step * int(np.argmax(self.power))) / u.day

    @property
    def best_period(self):
        """1 / `best_frequency`, a Quantity [d]."""
        return 1 / self.best_frequency

    def peaks(self, n=10):
        """The highest peaks that are at least ``1 / baseline`` apart, by falling power; points of the grid.

        Parameters
        ----------
        n : int
            How many; there are fewer where the grid has not so many.

        Returns
        -------
        `~astropy.table.QTable`
            Columns ``period``, ``frequency`` and ``power``.

        Raises
        ------
        ValueError
            `n` is not a positive whole number.
        """
        if isinstance(n, bool) or not isinstance(n, Integral) or n < 1:
            raise ValueError(f"n must be a positive whole number, not {shown(n)}")
        index = _separate_maxima(self.power, 1 / (self.series.baseline * self.grid.step), n)
        frequency = (self.grid.minimum + self.grid.step * index) / u.day
        return QTable({"period": 1 / frequency, "frequency": frequency, "power": self.power[index]})

    def to_table(self):
        """The whole periodogram as a `~astropy.table.QTable` of ``period``, ``frequency`` and ``power``.

        ``meta`` holds the method, its options and what power means. Three numbers per frequency: it may be large.
        """
        frequency = self.frequency
        meta = {name: getattr(self, name) for name in ("method", "statistic", "meaning", "samples_per_peak")}
        meta |= {"options": dict(self.options), "column": self.column, "bands": list(self.bands)}
        return QTable({"period": 1 / frequency, "frequency": frequency, "power": self.power}, meta=meta)

    def blocks(self):
        """The periodogram piece by piece.

        Yields
        ------
        frequency : `~astropy.units.Quantity`
            Frequencies [1/d].
        power : ndarray of float
            Their powers.
        """
        for start in range(0, self.grid.number, BLOCK):
            power = self.power[start : start + BLOCK]
            yield self.grid.frequencies(start, start + len(power)) / u.day, power

    def plot(self, *, title=None, ax=None):
        """Draw it, as `alerce_zvar.plot.plot_periodogram` does.

        Parameters
        ----------
        title : str, optional
            By default the method and its options.
        ax : `~matplotlib.axes.Axes`, optional
            Where to draw; by default a new figure.

        Returns
        -------
        `~matplotlib.axes.Axes`

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        (plot,) = require("plot", "alerce_zvar.plot")
        return plot.plot_periodogram(self, title=title, ax=ax)

    def __repr__(self):
        return (
            f"<Periodogram by {self.method}, {self.statistic}: highest {self.power.max():.4g} at "
            f"{self.best_period.value:.8g} d; {self._observed()}>"
        )


def periodogram(
    light_curve,
    *,
    method="lombscargle",
    minimum_period=None,
    maximum_period=None,
    samples_per_peak=None,
    column=None,
    bands=None,
    workers=None,
    **options,
):
    """Power of a light curve over a grid of trial periods, by any of the methods that `list_methods` tells of.

    Rows are dropped and centred as for `alerce_zvar.find_period`.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        As for `alerce_zvar.find_period`.
    method : str
        Name of the method.
    minimum_period, maximum_period : `~astropy.units.Quantity`, optional
        Range of the search. By default 5 minutes, and 100 days or half of the time span, whichever is shorter.
    samples_per_peak : float, optional
        Trial frequencies per ``1 / time span``. By default 5, and 25 for box least squares, since the peaks of narrow
        eclipses are narrow.
    column : {"mag", "flux"}, optional
        What to use; by default the first of them that the light curve has.
    bands : sequence of str, optional
        Bands to use; by default all.
    workers : int, optional
        Threads; by default one for each core.
    **options
        Options of the method, such as ``nterms`` or ``n_bins``.

    Returns
    -------
    Periodogram

    Raises
    ------
    MissingExtraError
        ``engine="numba"`` and the extra ``fast`` is not installed.
    astropy.units.UnitsError
        A period has no unit of time.
    TypeError
        `light_curve` is not one light curve.
    ValueError
        There is no such method, a parameter is out of its range, the light curve is too short or does not vary, or the
        grid would have more than 100 million frequencies.
    """
    chosen = get_method(method)
    options, workers = chosen.check_options(options), check_workers(workers)
    series = prepare(light_curve, column=column, bands=bands)
    chosen.check_series(series, options)
    samples_per_peak = chosen.samples_per_peak if samples_per_peak is None else samples_per_peak
    grid = make_grid(
        series.baseline,
        minimum_period=minimum_period,
        maximum_period=maximum_period,
        samples_per_peak=samples_per_peak,
    )
    return Periodogram.of(chosen, options, series, grid, workers=workers, samples_per_peak=samples_per_peak)


def _collected(method, series, grid, options, workers):
    """Powers of all blocks, in one array; what a user's method leaves out or gives twice is noticed."""
    power, filled = np.empty(grid.number), 0
    for start, block in method.blocks(series, grid, options, workers=workers):
        stop = start + len(block)
        if start != filled or stop > grid.number:
            raise ValueError(f"method '{method.name}' gave powers {start} to {stop} after {filled} of {grid.number}")
        power[start:stop], filled = block, stop
    if filled < grid.number:
        raise ValueError(f"method '{method.name}' gave {filled} powers for a grid of {grid.number} frequencies")
    if np.isnan(power).any():
        raise ValueError(f"method '{method.name}' gave powers that are NaN")
    return power


def _separate_maxima(power, distance, number):
    """Indices of the highest local maxima at least `distance` apart, by falling power; the ends of the grid count."""
    index = np.flatnonzero((power >= np.append(-np.inf, power[:-1])) & (power >= np.append(power[1:], -np.inf)))
    height, taken = power[index].copy(), []
    while len(taken) < number and np.max(height, initial=-np.inf) > -np.inf:
        top = index[np.argmax(height)]
        taken.append(top)
        height[slice(*np.searchsorted(index, (top - distance, top + distance)))] = -np.inf
    return np.array(taken, dtype=int)
