"""Folding a light curve on a period: pure functions, on arrays and on tables.

::

    time ──────┬─────────┬─────────┬────►        phase = frac((time - epoch_time) / period)
               0   P     1   P     2  cycle      phase 0 is at epoch_time, 0 <= phase < 1
"""

from numbers import Real

import numpy as np
from astropy import units as u
from astropy.table import QTable, vstack
from astropy.time import Time, TimeDelta

from alerce_zvar.errors import shown

__all__ = [
    "band_names",
    "bare_unit",
    "bin_phase",
    "check_period",
    "default_epoch",
    "fold",
    "numbers",
    "phase",
    "usable",
    "value_names",
]

_MOVED = ("mag", "flux")  # quantities that are averaged in bins, each with its <name>_err


def phase(time, period, epoch=0.0):
    """Phases in [0, 1).

    Parameters
    ----------
    time : array_like of float
        Times, in any unit.
    period, epoch : float
        Period, and time of phase 0, in the same unit.

    Returns
    -------
    ndarray of float
        Same shape as `time`.
    """
    folded = np.mod(np.asarray(time, dtype=float) - epoch, period) / period  # the remainder is exact, a quotient is not
    return np.where(folded >= 1.0, 0.0, folded)  # a tiny negative number rounds up to 1


def bin_phase(phases, values, errors=None, *, bins):
    """Weighted means in equal phase bins; empty bins are left out.

    Parameters
    ----------
    phases : array_like of float
        Phases in [0, 1).
    values : array_like of float
        One value per phase, all finite.
    errors : array_like of float, optional
        Standard errors, all positive. Without them every value weighs the same.
    bins : int
        Number of bins.

    Returns
    -------
    centres, means, mean_errors : ndarray of float
        Bin centres, inverse-variance weighted means, and their errors: from `errors`, or without them from the scatter
        inside the bin (NaN for a single value).
    counts : ndarray of int
        Values per bin.
    """
    bins = _check_bins(bins)
    index = np.minimum((np.asarray(phases, dtype=float) * bins).astype(int), bins - 1)
    values = np.asarray(values, dtype=float)
    weights = np.ones_like(values) if errors is None else np.asarray(errors, dtype=float) ** -2.0
    counts = np.bincount(index, minlength=bins)
    kept = np.flatnonzero(counts)
    norm = np.bincount(index, weights, bins)
    means = np.divide(np.bincount(index, weights * values, bins), norm, out=np.zeros(bins), where=norm > 0)
    if errors is None:
        squares = np.bincount(index, (values - means[index]) ** 2, bins)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean_errors = np.sqrt(squares / (counts - 1) / counts)
    else:
        mean_errors = np.divide(1.0, np.sqrt(norm), out=np.zeros(bins), where=norm > 0)
    return (kept + 0.5) / bins, means[kept], mean_errors[kept], counts[kept]


def fold(light_curve, period, *, epoch_time=None, bins=None, cycles=1):
    """Light curve against phase, as a `~astropy.table.QTable` that can be copied, pickled and written.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        Columns ``time`` and ``mag, mag_err`` or ``flux, flux_err``; ``band`` keeps the bands apart in bins.
    period : `~astropy.units.Quantity`
        Period, a time.
    epoch_time : `~astropy.time.Time`, optional
        Time of phase 0. By default a fixed one (J2000.0 in the light curve's own scale), so that dropping rows does
        not move the phase. Scales are honoured as in astropy: a TDB epoch against UTC times is converted first.
    bins : int, optional
        Average in this many bins per cycle and band. Rows with missing values take no part.
    cycles : float
        How many cycles to show; rows repeat beyond the first one.

    Returns
    -------
    `~astropy.table.QTable`
        Without bins: ``phase`` (0 <= phase < cycles), ``cycle`` (number of the period in which a row was observed) and
        all columns of the light curve, in its order. With bins: ``phase`` (bin centres), ``band``, weighted means
        ``mag`` and ``mag_err`` (or flux), and the number of values ``n``; empty bins are left out. ``meta`` holds
        ``period``, ``epoch_time``, ``bins`` and ``cycles``.

    Raises
    ------
    astropy.units.UnitsError
        `period` has no unit of time.
    TypeError
        `light_curve` has no times, or `epoch_time` is not one.
    ValueError
        `period`, `bins` or `cycles` is not positive, or there is nothing to put into bins.
    """
    period = check_period(period)
    _check_foldable(light_curve, bins)
    if isinstance(cycles, bool) or not isinstance(cycles, Real) or not 0 < cycles < np.inf:
        raise ValueError(f"cycles must be a positive number, not {shown(cycles)}")
    epoch_time = default_epoch(light_curve["time"]) if epoch_time is None else _check_epoch(epoch_time)
    days, period_days = np.atleast_1d((light_curve["time"] - epoch_time).to_value(u.day)), period.to_value(u.day)
    phases = phase(days, period_days)
    if bins is None:
        folded = QTable(light_curve, copy=True)
        folded.add_column(phases << u.one, name="phase", index=0)
        folded.add_column(np.rint(days / period_days - phases).astype(np.int64), name="cycle", index=1)
    else:
        folded = _binned(light_curve, phases, _check_bins(bins))
    folded = _repeated(folded, cycles)
    folded.meta = dict(getattr(light_curve, "meta", {}))
    folded.meta.update(period=period, epoch_time=epoch_time, bins=bins, cycles=cycles)
    return folded


def check_period(period, name="period"):
    """Period as a positive scalar Quantity, or an error that names the argument."""
    if not isinstance(period, u.Quantity):
        raise u.UnitsError(f"{name} must be a Quantity with a unit of time, such as 0.57 * u.day, not {shown(period)}")
    if not period.unit.is_equivalent(u.day):
        raise u.UnitsError(f"{name} must have a unit of time, not '{period.unit}'")
    if period.shape or not np.isfinite(period) or period <= 0:
        raise ValueError(f"{name} must be one positive, finite time, not {shown(period)}")
    return period


def default_epoch(time):
    """J2000.0 in the format and scale of `time`: fixed, so that cuts do not move the phase."""
    epoch = Time(2451545.0, format="jd", scale=time.scale)
    epoch.format = time.format
    return epoch


def value_names(light_curve):
    """Names of the measured columns that a light curve has, in its order: ``mag``, ``flux`` or both."""
    return [name for name in light_curve.colnames if name in _MOVED]


def band_names(light_curve):
    """Band of each row as text; empty texts where there is no such column. FITS gives bytes, which are decoded."""
    if "band" not in light_curve.colnames:
        return np.full(len(light_curve), "")
    bands = np.asarray(light_curve["band"])
    return np.char.decode(bands, "ascii") if bands.dtype.kind == "S" else bands.astype(str)


def usable(column, error=None):
    """Rows where a column (and its error) is neither masked nor NaN, and the error is positive; a bool array."""
    good = ~np.asarray(getattr(column, "mask", False)) & np.isfinite(numbers(column))
    if error is not None:
        good &= usable(error) & (numbers(error) > 0)
    return good


def bare_unit(column):
    """Unit of a column, that of its numbers for a logarithmic one such as ``mag(AB)``; None without unit."""
    unit = getattr(column, "unit", None)
    return getattr(unit, "function_unit", unit)


def numbers(column, unit=None):
    """Numbers of a column as float64, in the unit if both have one; those under a mask are whatever lies there."""
    own = bare_unit(column)
    bare = getattr(column, "unmasked", column)
    bare = getattr(bare, "value", bare)
    plain = np.array(bare.data if isinstance(bare, np.ma.MaskedArray) else bare, dtype=float)
    return plain if own in (None, u.one, unit) or unit in (None, u.one) else plain * own.to(unit)


def _check_foldable(light_curve, bins):
    names = getattr(light_curve, "colnames", ())
    if "time" not in names or not isinstance(light_curve["time"], Time) or isinstance(light_curve["time"], TimeDelta):
        raise TypeError("light_curve must be a table with a column 'time' of astropy Time, such as a TimeSeries")
    if "phase" in names:
        raise ValueError("the light curve has a column 'phase' already; fold the unfolded one")
    if bins is not None and not value_names(light_curve):
        raise ValueError(f"bins need a column 'mag' or 'flux'; there are only {', '.join(names)}")


def _check_epoch(epoch_time):
    if not isinstance(epoch_time, Time) or epoch_time.shape:
        raise TypeError(f"epoch_time must be one astropy Time, not {shown(epoch_time)}")
    return epoch_time


def _check_bins(bins):
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < 1:
        raise ValueError(f"bins must be a positive whole number, not {shown(bins)}")
    return int(bins)


def _binned(light_curve, phases, bins):
    bands, rows = band_names(light_curve), ~np.asarray(light_curve["time"].mask)
    names = np.unique(bands) if len(bands) else [""]
    return vstack([_binned_band(light_curve, phases, bins, rows & (bands == band), band) for band in names])


def _binned_band(light_curve, phases, bins, rows, band):
    """Bins of one band. Where mag and flux are both there, a row counts when both are usable."""
    names = value_names(light_curve)
    errors = {name: light_curve[f"{name}_err"] if f"{name}_err" in light_curve.colnames else None for name in names}
    for name in names:
        rows = rows & usable(light_curve[name], errors[name])
    table = QTable()
    for name in names:
        unit = bare_unit(light_curve[name]) or u.one
        error = None if errors[name] is None else numbers(errors[name], unit)[rows]
        centres, means, mean_errors, counts = bin_phase(
            phases[rows], numbers(light_curve[name])[rows], error, bins=bins
        )
        if "phase" not in table.colnames:
            table["phase"] = centres << u.one
            table["band"] = np.full(len(centres), str(band))
        table[name], table[f"{name}_err"] = means << unit, mean_errors << unit
        table["n"] = counts
    return table


def _repeated(table, cycles):
    """Rows again and again, each time one cycle on, as far as `cycles` reaches."""
    copies = []
    for turn in range(int(np.ceil(cycles))):
        copy = table[np.asarray(table["phase"]) + turn < cycles]
        copy["phase"] = copy["phase"] + turn
        copies.append(copy)
    return copies[0] if len(copies) == 1 else vstack(copies)
