"""A folded light curve as a plain record: the figures draw it, and the explorer's page computes the same numbers.

::

    light curve ──► rows that can be drawn ──► a trace per band and field ──► phase, value, error, repeated per cycle
                                                                         └──► means in bins of phase

``explorer/static/fold.js`` is this module in JavaScript; a test compares the two to 1e-12.
"""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.time import Time

from alerce_zvar.errors import shown
from alerce_zvar.folding import (
    band_names,
    bare_unit,
    bin_phase,
    check_epoch,
    check_period,
    default_epoch,
    numbers,
    phase,
)
from alerce_zvar.period.record import Searched
from alerce_zvar.plot.axes import drawable, pick_column, usable_rows

__all__ = ["BINS", "CYCLES", "FoldModel", "FoldTrace", "PhaseBins", "build_fold_model", "field_names"]

CYCLES = (1, 1.5, 2)
BINS = 1000  # most
_FINEST, _COARSEST, _PER_BIN = 100, 10, 8  # bins in which the minimum is looked for, and points for each
_TOP = 0.25  # of the depth: what counts as the faintest part


@dataclass(frozen=True, eq=False)
class PhaseBins:
    """Weighted means in equal bins of phase; arrays of the same length, empty bins left out.

    Attributes
    ----------
    phase : ndarray of float
        Centres of the bins, repeated as the points are.
    value, error : ndarray of float
        Inverse-variance weighted means and their standard errors; see `alerce_zvar.folding.bin_phase`.
    count : ndarray of int
        Points in each bin.
    """

    phase: np.ndarray
    value: np.ndarray
    error: np.ndarray
    count: np.ndarray


@dataclass(frozen=True, eq=False)
class FoldTrace:
    """Points of one band and field; arrays of the same length, in order of the rows, one cycle after the other.

    Attributes
    ----------
    band, field : str
        Empty where the light curve does not say.
    row : ndarray of int
        Row of the light curve.
    phase : ndarray of float
        0 <= phase < cycles.
    value, error : ndarray of float
        In the unit of the model; errors are NaN where there are none.
    bins : PhaseBins or None
    """

    band: str
    field: str
    row: np.ndarray
    phase: np.ndarray
    value: np.ndarray
    error: np.ndarray
    bins: PhaseBins | None


@dataclass(frozen=True, eq=False)
class FoldModel:
    """Everything that a folded view shows.

    Attributes
    ----------
    id : str
    period : `~astropy.units.Quantity`
    epoch_time : `~astropy.time.Time`
        Time of phase 0, one for all bands.
    cycles : float
    n_bins : int
        0 for none.
    column : str
        ``"mag"`` or ``"flux"``.
    unit : `~astropy.units.UnitBase` or None
    traces : tuple of FoldTrace
        By band, then field.
    """

    id: str
    period: u.Quantity
    epoch_time: Time
    cycles: float
    n_bins: int
    column: str
    unit: u.UnitBase | None
    traces: tuple

    @property
    def bands(self):
        """Bands that have points, in order."""
        return list(dict.fromkeys(trace.band for trace in self.traces))

    @property
    def scatter(self):
        """Root mean square of the steps from point to point in phase, over the square root of 2; NaN for single points.

        Each trace is a circle. Of noise alone it is the standard deviation; it grows where the period is wrong.
        """
        squares, number = 0.0, 0
        for trace in self._first_cycle():
            if len(trace.value) > 1:
                value = trace.value[np.argsort(trace.phase, kind="stable")]
                squares += np.sum((np.roll(value, -1) - value) ** 2)
                number += len(value)
        return float(np.sqrt(squares / (2 * number))) if number else np.nan

    @property
    def faintest_phase(self):
        """Phase at which the star is faintest in all bands together, from smoothed bins; NaN without points.

        The traces are centred on their weighted means, averaged in 10 to 100 bins, smoothed by 1, 2, 1, and the
        middle of the faintest part is taken.
        """
        parts = [(trace.phase, _centred(trace), _weights(trace)) for trace in self._first_cycle() if len(trace.value)]
        if not parts:
            return np.nan
        phases, values, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
        n_bins = int(np.clip(len(values) // _PER_BIN, _COARSEST, _FINEST))
        place = np.minimum((phases * n_bins).astype(int), n_bins - 1)
        weight = np.bincount(place, weights, n_bins)
        total = np.bincount(place, weights * values, n_bins)
        means = np.divide(total, weight, out=np.zeros(n_bins), where=weight > 0)
        smooth = (np.roll(means, 1) + 2 * means + np.roll(means, -1)) / 4
        smooth = smooth if self.column == "mag" else -smooth
        return _middle(smooth, np.flatnonzero(weight > 0))

    def _first_cycle(self):
        for trace in self.traces:
            number = np.count_nonzero(trace.phase < 1)
            parts = (part[:number] for part in (trace.row, trace.phase, trace.value, trace.error))
            yield FoldTrace(trace.band, trace.field, *parts, None)


def build_fold_model(light_curve, period, *, epoch_time=None, cycles=2, bins=0, column=None):
    """Fold a light curve into traces, one per band and field.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        Columns ``time`` and ``mag, mag_err`` or ``flux, flux_err``; ``band`` and ``field`` where there are any. Rows
        with a masked time, or a masked or missing value or error, take no part.
    period : `~astropy.units.Quantity` or a result of a search
        Period, a time. A result also gives the epoch, if it has one.
    epoch_time : `~astropy.time.Time`, optional
        Time of phase 0. By default that of the result, or else J2000.0 as in `alerce_zvar.fold`.
    cycles : {1, 1.5, 2}
        How many cycles to show; points repeat beyond the first one.
    bins : int
        Average in this many bins per cycle, 0 to 1000; 0 for none.
    column : {"mag", "flux"}, optional
        What to fold; by default the first of them that the light curve has.

    Returns
    -------
    FoldModel

    Raises
    ------
    astropy.units.UnitsError
        `period` has no unit of time.
    TypeError
        `light_curve` is no table with times, or `epoch_time` is not one.
    ValueError
        `period` is not positive, or `cycles`, `bins` or `column` is none of those accepted.
    """
    table = drawable(light_curve)
    rows = np.flatnonzero(~np.asarray(light_curve["time"].mask))
    column = pick_column(table, column)
    good = usable_rows(table, column)
    table, rows = table[good], rows[good]
    if isinstance(period, Searched):
        epoch_time = getattr(period, "epoch_time", None) if epoch_time is None else epoch_time
        period = period.period
    period = check_period(period)
    _check_choices(cycles, bins)
    epoch_time = default_epoch(table["time"]) if epoch_time is None else check_epoch(epoch_time)
    phases = phase(table["time"], period, epoch_time)
    unit = bare_unit(table[column])
    error = f"{column}_err"
    values = numbers(table[column])
    errors = numbers(table[error], unit) if error in table.colnames else np.full(len(table), np.nan)
    traces = tuple(
        _trace(*name, rows[part], phases[part], values[part], errors[part], cycles, bins)
        for name, part in _groups(band_names(table), field_names(table))
    )
    identifier = str(light_curve.meta.get("id", ""))
    return FoldModel(identifier, period, epoch_time, cycles, int(bins), column, unit, traces)


def field_names(table):
    """Survey field of each row as text; empty where masked, and where there is no such column."""
    if "field" not in table.colnames:
        return np.full(len(table), "")
    fields = table["field"]
    masked = np.asarray(getattr(fields, "mask", False))
    return np.where(masked, "", np.asarray(getattr(fields, "unmasked", fields)).astype(str))


def _check_choices(cycles, bins):
    if isinstance(cycles, bool) or cycles not in CYCLES:
        raise ValueError(f"cycles must be one of {', '.join(map(str, CYCLES))}, not {shown(cycles)}")
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or not 0 <= bins <= BINS:
        raise ValueError(f"bins must be a whole number from 0 to {BINS}, not {shown(bins)}")


def _groups(bands, fields):
    """Each band and field that has rows, sorted, with its rows."""
    for band, field in sorted(set(zip(bands.tolist(), fields.tolist(), strict=True))):
        yield (band, field), np.flatnonzero((bands == band) & (fields == field))


def _trace(band, field, row, phases, values, errors, cycles, bins):
    means = None
    if bins:
        known = None if np.isnan(errors).any() else errors
        centres, *averages = bin_phase(phases, values, known, bins=int(bins))
        means = PhaseBins(*_repeated(centres, averages, cycles))
    phases, row, values, errors = _repeated(phases, (row, values, errors), cycles)
    return FoldTrace(band, field, row, phases, values, errors, means)


def _repeated(phases, columns, cycles):
    """Phases and columns again, one cycle on, as far as `cycles` reaches."""
    again = np.flatnonzero(phases + 1 < cycles)
    repeated = np.concatenate([phases, phases[again] + 1])
    return repeated, *(np.concatenate([column, column[again]]) for column in columns)


def _weights(trace):
    return np.ones(len(trace.value)) if np.isnan(trace.error).any() else trace.error**-2.0


def _centred(trace):
    weights = _weights(trace)
    return trace.value - np.sum(weights * trace.value) / np.sum(weights)


def _middle(heights, filled):
    """Phase of the middle of the highest part: the bins around the highest filled one, weighted by height over a level.

    The level lies a quarter of the way from the top to the median. The middle of many bins is known better than the
    place of the highest, and is that of the eclipse.
    """
    best, n_bins = filled[np.argmax(heights[filled])], len(heights)
    level = heights[best] - _TOP * (heights[best] - np.median(heights[filled]))
    above, shift = max(heights[best] - level, 0.0), 0.0
    for side in (-1, 1):
        for step in range(1, n_bins // 2):
            height = heights[(best + side * step) % n_bins] - level
            if height <= 0:
                break
            above += height
            shift += side * step * height
    return float(((best + 0.5 + (shift / above if above > 0 else 0.0)) / n_bins) % 1.0)
