"""The record that a period search returns."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from astropy import units as u
from astropy.table import QTable

from alerce_zvar.period import lombscargle, statistics
from alerce_zvar.period.fourier import FourierFit
from alerce_zvar.period.grid import FrequencyGrid
from alerce_zvar.period.prepare import Series

__all__ = ["PeriodResult"]

_PHASES = 4096  # resolution of the model's brightest phase


@dataclass(frozen=True, eq=False, repr=False)
class PeriodResult:
    """A period, how sure it is, and every choice that led to it.

    Returned by `alerce_zvar.find_period`. It pickles, and keeps the prepared observations (32 bytes each) but not the
    periodogram.

    Attributes
    ----------
    nterms : int
        Harmonics fitted.
    samples_per_peak : float
        Trial frequencies per ``1 / baseline``.
    normalization : str
        Always ``"standard"``: power is the share of the scatter that the model explains.
    engine : str
        What computed: ``"numba"`` or ``"numpy"``.
    centring : str
        How the level of each group was taken away: always ``"weighted mean"``.
    series, grid, fit, other_fits
        The prepared observations, the grid, and the exact fits at the period and at the highest peaks: plain numbers.
    """

    series: Series
    grid: FrequencyGrid
    nterms: int
    samples_per_peak: float
    fit: FourierFit
    other_fits: tuple
    normalization: str = field(default=lombscargle.NORMALIZATION, init=False)
    engine: str = field(default_factory=lombscargle.engine, init=False)
    centring: str = field(default="weighted mean", init=False)

    @property
    def frequency(self):
        """1 / period, a Quantity [1/d]."""
        return self.fit.frequency / u.day

    @property
    def period(self):
        """Best period, a Quantity [d]."""
        return (1.0 / self.fit.frequency) * u.day

    @property
    def period_err(self):
        """Standard error of the period, a Quantity [d]; NaN where there are no more points than parameters.

        ``period^2 sigma_f`` from the least-squares fit of frequency, harmonics and levels of the groups together (see
        `alerce_zvar.period.statistics.frequency_error`). It does not cover the choice of a wrong peak.
        """
        return statistics.frequency_error(self.series, self.fit) / self.fit.frequency**2 * u.day

    @property
    def power(self):
        """Power of the refined peak, 0 to 1; with a constant per group, so somewhat above that of the grid."""
        return self.fit.power

    @cached_property
    def false_alarm_probability(self):
        """Chance that white noise shows such a peak anywhere in the range; an upper limit.

        Baluev 2008 and 2009; see `alerce_zvar.period.statistics.false_alarm_probability`.
        """
        return statistics.false_alarm_probability(
            self.power,
            bandwidth=self.grid.maximum - self.grid.minimum,
            time=self.series.time,
            error=self.series.error,
            n_parameters=len(self.series.groups),
            nterms=self.nterms,
        )

    @property
    def at_edge(self):
        """True if the best period is the shortest or longest of the range: a slope rather than a peak."""
        ends = np.array([self.grid.minimum, self.grid.maximum])
        return bool(np.any(np.abs(self.fit.frequency - ends) < 0.01 * self.grid.step))

    @cached_property
    def epoch_time(self):
        """Time at which the model is brightest, a `~astropy.time.Time` in the format and scale of the light curve.

        Least magnitude or largest flux; the one next to the weighted mean time of the observations, where it is best
        known.
        """
        phases = np.arange(_PHASES) / _PHASES
        values = self.fit(phases)
        brightest = phases[np.argmin(values) if self.column == "mag" else np.argmax(values)]
        middle = np.average(self.series.time, weights=self.series.error**-2.0)
        cycle = np.rint(middle * self.fit.frequency - brightest)
        return self.series.start + (cycle + brightest) * self.period

    @property
    def peaks(self):
        """The highest separate peaks, refined, by falling power: a QTable of ``period``, ``frequency``, ``power``.

        With several harmonics `period` may be a fraction of the first one (see `alerce_zvar.period.peaks.fundamental`).
        """
        frequency = np.array([fit.frequency for fit in self.other_fits]) / u.day
        return QTable(
            {"period": 1 / frequency, "frequency": frequency, "power": [fit.power for fit in self.other_fits]}
        )

    @property
    def minimum_frequency(self):
        """First frequency of the grid, a Quantity [1/d]."""
        return self.grid.minimum / u.day

    @property
    def maximum_frequency(self):
        """Last frequency of the grid, a Quantity [1/d]."""
        return self.grid.maximum / u.day

    @property
    def frequency_step(self):
        """Step of the grid, a Quantity [1/d]."""
        return self.grid.step / u.day

    @property
    def n_frequencies(self):
        """Length of the grid."""
        return self.grid.number

    @property
    def column(self):
        """What was searched: ``"mag"`` or ``"flux"``."""
        return self.series.column

    @property
    def bands(self):
        """Bands that took part, a tuple of str."""
        return self.series.bands

    @property
    def groups(self):
        """Number of points per group, such as ``{"field=683 ccd=8 quad=2 band=g": 211}``."""
        return dict(self.series.groups)

    @property
    def n_points(self):
        """Number of rows used."""
        return len(self.series.time)

    @property
    def n_dropped(self):
        """Number of rows left out: unusable ones, and those of bands that were not asked for."""
        return self.series.n_dropped

    @property
    def baseline(self):
        """Time between the first and the last observation, a Quantity [d]."""
        return self.series.baseline * u.day

    @property
    def amplitudes(self):
        """Semi-amplitude of each harmonic, a Quantity in the unit of the light curve."""
        return self.fit.amplitudes << self.series.unit

    @property
    def frequency_grid(self):
        """All trial frequencies, a Quantity [1/d]; made anew at each access, 8 bytes each."""
        return self.grid.frequencies() / u.day

    @property
    def power_grid(self):
        """The periodogram on `frequency_grid`, an ndarray; computed anew at each access, 8 bytes each."""
        return lombscargle.power(self.series, self.grid, self.nterms)

    def blocks(self):
        """The periodogram piece by piece, for grids too long to hold.

        Yields
        ------
        frequency : `~astropy.units.Quantity`
            Frequencies [1/d].
        power : ndarray of float
            Their powers.
        """
        for start, power in lombscargle.power_blocks(self.series, self.grid, self.nterms):
            yield self.grid.frequencies(start, start + len(power)) / u.day, power

    def __repr__(self):
        return (
            f"<PeriodResult period={self.period.value:.8g} +- {self.period_err.value:.2g} d"
            f"{' (edge of the range)' if self.at_edge else ''}, power={self.power:.4f}, "
            f"false_alarm_probability={self.false_alarm_probability:.2g}; nterms={self.nterms}, {self.column} of "
            f"{self.n_points} points in {len(self.groups)} groups ({', '.join(self.bands) or 'no bands'}), "
            f"{self.n_frequencies} frequencies {self.grid.minimum:.6g} to {self.grid.maximum:.6g} 1/d>"
        )
