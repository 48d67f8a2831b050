"""Folding a light curve on a period: pure functions, on arrays and on tables.

::

    time ──────┬─────────┬─────────┬────►        phase = frac((time - epoch_time) / period)
               0   P     1   P     2  cycle      phase 0 is at epoch_time, 0 <= phase < 1
"""

import numpy as np
from astropy import units as u
from astropy.table import QTable, vstack
from astropy.time import Time

__all__ = ["bin_phase", "check_period", "default_epoch", "fold", "phase", "usable", "value_names"]

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
    ValueError
        `period`, `bins` or `cycles` is not positive.
    """
    period = check_period(period)
    if not (np.isscalar(cycles) and np.isfinite(cycles) and cycles > 0):
        raise ValueError(f"cycles must be a positive number, not {cycles!r}")
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
        raise u.UnitsError(f"{name} must be a Quantity with a unit of time, such as 0.57 * u.day, not {period!r}")
    if not period.unit.is_equivalent(u.day):
        raise u.UnitsError(f"{name} must have a unit of time, not '{period.unit}'")
    if period.shape or not np.isfinite(period) or period <= 0:
        raise ValueError(f"{name} must be one positive, finite time, not {period!r}")
    return period


def default_epoch(time):
    """J2000.0 in the format and scale of `time`: fixed, so that cuts do not move the phase."""
    epoch = Time(2451545.0, format="jd", scale=time.scale)
    epoch.format = time.format
    return epoch


def value_names(light_curve):
    """Names of the measured columns that a light curve has: ``mag``, ``flux`` or both."""
    return [name for name in _MOVED if name in light_curve.colnames]


def usable(column, error=None):
    """Rows where a column (and its error) is neither masked nor NaN, and the error is positive; a bool array."""
    good = ~np.asarray(getattr(column, "mask", False)) & np.isfinite(_plain(column))
    if error is not None:
        good &= usable(error) & (_plain(error) > 0)
    return good


def _plain(column):
    """Numbers of a column without unit; those under a mask are whatever lies there."""
    column = getattr(column, "unmasked", column)
    column = getattr(column, "value", column)
    return np.asarray(getattr(column, "data", column) if isinstance(column, np.ma.MaskedArray) else column, dtype=float)


def _check_epoch(epoch_time):
    if not isinstance(epoch_time, Time) or epoch_time.shape:
        raise TypeError(f"epoch_time must be one astropy Time, not {epoch_time!r}")
    return epoch_time


def _check_bins(bins):
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < 1:
        raise ValueError(f"bins must be a positive whole number, not {bins!r}")
    return int(bins)


def _binned(light_curve, phases, bins):
    bands = np.asarray(light_curve["band"]) if "band" in light_curve.colnames else np.zeros(len(phases), dtype="U1")
    tables = [_binned_band(light_curve, phases, bins, bands == band, band) for band in np.unique(bands)]
    if not tables:
        raise ValueError("the light curve has no rows to put into bins")
    return vstack(tables)


def _binned_band(light_curve, phases, bins, rows, band):
    """Bins of one band. Where mag and flux are both there, a row counts when both are usable."""
    names = value_names(light_curve)
    errors = {name: light_curve[f"{name}_err"] if f"{name}_err" in light_curve.colnames else None for name in names}
    for name in names:
        rows = rows & usable(light_curve[name], errors[name])
    table = QTable()
    for name in names:
        error = None if errors[name] is None else _plain(errors[name])[rows]
        centres, means, mean_errors, counts = bin_phase(phases[rows], _plain(light_curve[name])[rows], error, bins=bins)
        unit = getattr(light_curve[name], "unit", None) or u.one
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
