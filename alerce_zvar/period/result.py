"""The record that a period search returns."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from astropy import units as u
from astropy.table import QTable

from alerce_zvar.period import belief, lombscargle, statistics
from alerce_zvar.period.fourier import FourierFit
from alerce_zvar.period.grid import FrequencyGrid
from alerce_zvar.period.methods import get_method
from alerce_zvar.period.prepare import Series
from alerce_zvar.period.record import Searched
from alerce_zvar.period.shapes import Shapes

__all__ = ["PeriodResult"]

_PHASES = 4096  # resolution of the model's brightest phase


@dataclass(frozen=True, eq=False, repr=False)
class PeriodResult(Searched):
    """A period, how sure it is, and every choice that led to it.

    Returned by `alerce_zvar.find_period`. It pickles, and keeps the prepared observations (32 bytes each) but not the
    periodogram.

    Attributes
    ----------
    method : str
        How it was searched: ``"auto"``, or the name of a method.
    options : dict
        Options of the method, with their values.
    shape : str
        What describes the folded light curve best, such as ``"4 harmonics"`` or ``"2 eclipses"``.
    reason : str
        Why this period and not another; at the end `doubt`.
    doubt : str
        Why it is not believed however well it fits, or empty: fewer than two cycles were observed, or it may be the
        alias of a slower variation, or the double of a faster one, outside the range.
    nterms : int
        Harmonics of the fit that gives `power`, `period_err`, `epoch_time` and the amplitudes.
    samples_per_peak : float
        Trial frequencies per ``1 / baseline``.
    normalization : str
        Always ``"standard"``: power is the share of the scatter that the model explains.
    engine : str
        What computed: ``"numba"`` or ``"numpy"``.
    centring : str
        How the level of each group was taken away: always ``"weighted mean"``.
    series, grid, fit, other_fits, others
        The prepared observations, the grid, the exact fits at the period and at the highest peaks, and what
        `alternatives` tells: plain numbers.
    """

    series: Series
    grid: FrequencyGrid
    nterms: int
    samples_per_peak: float
    fit: FourierFit
    other_fits: tuple
    method: str
    options: dict
    shape: str
    reason: str
    doubt: str
    others: tuple
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

    @property
    def believed(self):
        """True if the observations speak for the period; False means that no period is believed.

        `noise_probability` must be below 0.001, a `terrestrial` period must explain a good part of the scatter, and
        there must be no `doubt`.
        """
        chance, share = self._chance
        return not self.doubt and belief.believed(chance, share, self.terrestrial)

    @property
    def noise_probability(self):
        """How likely values in random order fit as well somewhere in the range, from the order of the values only.

        Unlike `false_alarm_probability` it holds for noise of any distribution and counts eclipses and other shapes;
        see `alerce_zvar.period.belief.chance`.
        """
        return self._chance[0]

    @cached_property
    def _chance(self):
        return belief.chance(self.series, self.fit.frequency, self.grid.maximum - self.grid.minimum)

    @property
    def terrestrial(self):
        """Name of the terrestrial period that this is, such as ``"day"``, ``"1/2 day"``, ``"month"``, or empty."""
        return belief.terrestrial(self.fit.frequency, self.series.baseline)

    @property
    def alternatives(self):
        """Other periods that were weighed, the best first: a QTable with the reason for each not to be taken.

        Columns ``period``, ``frequency``, ``shape``, ``worse_by`` (difference of scores, see
        `alerce_zvar.period.shapes`; of a named method the loss of power), ``relation`` to the period P (``"2 P"``,
        ``"alias by one day"``), and ``reason``.
        """
        frequency = np.array([other.frequency for other in self.others]) / u.day
        texts = {
            name: np.array([getattr(other, name) for other in self.others], dtype=str)
            for name in ("shape", "relation", "reason")
        }
        worse = np.array([other.worse_by for other in self.others], dtype=float)
        return QTable(
            {
                "period": 1 / frequency,
                "frequency": frequency,
                "shape": texts["shape"],
                "worse_by": worse,
                "relation": texts["relation"],
                "reason": texts["reason"],
            }
        )

    @cached_property
    def band_amplitudes(self):
        """Half of the distance from minimum to maximum in each band: a dict of Quantities by band.

        All bands share one wave of `nterms` harmonics here, each with an amplitude of its own.
        """
        wave, amplitude = Shapes(self.series).wave(self.fit.frequency, self.nterms).solve(self.nterms)[:2]
        values = FourierFit(self.fit.frequency, wave, 0.0, 1.0)(np.arange(_PHASES) / _PHASES)
        half = (values.max() - values.min()) / 2
        return {band: half * amplitude[i] << self.series.unit for i, band in enumerate(self.bands or ("",))}

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
        Power is that of the fit with `nterms` harmonics.
        """
        frequency = np.array([fit.frequency for fit in self.other_fits]) / u.day
        return QTable(
            {"period": 1 / frequency, "frequency": frequency, "power": [fit.power for fit in self.other_fits]}
        )

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
        """The periodogram on `frequency_grid`, an ndarray; computed anew at each access, 8 bytes each.

        Of method ``"auto"`` it is that of Lomb-Scargle with `nterms` harmonics.
        """
        return np.concatenate([power for _, power in self._blocks()])

    def blocks(self):
        """The periodogram piece by piece, for grids too long to hold.

        Yields
        ------
        frequency : `~astropy.units.Quantity`
            Frequencies [1/d].
        power : ndarray of float
            Their powers.
        """
        for start, power in self._blocks():
            yield self.grid.frequencies(start, start + len(power)) / u.day, power

    def _blocks(self):
        if self.method == "auto":
            return lombscargle.power_blocks(self.series, self.grid, self.nterms)
        return get_method(self.method).blocks(self.series, self.grid, self.options)

    def __repr__(self):
        doubt = "" if self.believed else " (no period believed)"
        doubt += f" (terrestrial: {self.terrestrial})" if self.terrestrial else ""
        return (
            f"<PeriodResult period={self.period.value:.8g} +- {self.period_err.value:.2g} d"
            f"{' (edge of the range)' if self.at_edge else ''}{doubt} by {self.method}, {self.shape}, "
            f"power={self.power:.4f}, false_alarm_probability={self.false_alarm_probability:.2g}; "
            f"nterms={self.nterms}, {self._observed()}>"
        )
