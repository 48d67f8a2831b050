"""Folding a light curve on a period: pure functions, on arrays and on tables.

::

    time ──────┬─────────┬─────────┬────►        phase = frac((time - epoch_time) / period)
               0   P     1   P     2  cycle      phase 0 is at epoch_time, 0 <= phase < 1

An astropy `~astropy.time.Time` is two numbers, a whole day and a fraction. Both are folded, so that ten years of times
keep twelve digits of phase at periods of minutes; a single float64 of days keeps nine.
"""

from functools import partial
from numbers import Real

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn, QTable, vstack
from astropy.time import Time
from astropy.utils.masked import Masked

from alerce_zvar.errors import shown

__all__ = [
    "assembled",
    "band_names",
    "bare_unit",
    "bin_phase",
    "check_epoch",
    "check_period",
    "check_unfolded",
    "default_epoch",
    "fold",
    "numbers",
    "phase",
    "phase_columns",
    "usable",
    "value_names",
]

_MOVED = ("mag", "flux")  # quantities that are averaged in bins, each with its <name>_err
_SPLITTER = 2.0**27 + 1  # halves the 53 bits of a float64: Dekker 1971, Numerische Mathematik 18, 224
_EXACT_CYCLES = 2.0**26  # so many times the upper half of a period is exact
_BLOCK = 1 << 13  # times in one go: what lies between them and their phases stays in the cache


def phase(time, period, epoch_time=None):
    """Phases in [0, 1).

    Parameters
    ----------
    time : `~astropy.time.Time` or array_like of float
        Times. Numbers may have any unit.
    period : `~astropy.units.Quantity` or array_like of float
        Period, in the same unit where times are numbers; one, or one per time. In days, hours, minutes or seconds it
        is taken as it stands, without a rounded conversion.
    epoch_time : `~astropy.time.Time` or array_like of float, optional
        Time of phase 0; one, or one per time. By default 0, or J2000.0 as in `fold`. Scales are
        honoured as in astropy: a TDB epoch against UTC times is converted first, and UTC times are compared in TAI, so
        that leap seconds count.

    Returns
    -------
    ndarray of float
        Shape of `time`, `period` and `epoch_time` together; what lies under a mask is folded too.

    Raises
    ------
    astropy.units.UnitsError
        `time` is a Time and `period` has no unit of time.
    TypeError
        Times are Time and `epoch_time` is not, or numbers and `period` or `epoch_time` is not.
    ValueError
        `period` is not positive.
    """
    return _turns(time, period, epoch_time)[0]


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


def fold(light_curve, period, *, epoch_time=None, bins=None, cycles=1, copy=True):
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
    copy : bool
        False shares the memory of the light curve's columns, as a slice of a table does, which takes half the time of
        long light curves: then sorting or changing the one changes the other.

    Returns
    -------
    `~astropy.table.QTable`
        Without bins: ``phase`` (0 <= phase < cycles), ``cycle`` (number of the period in which a row was observed) and
        all columns of the light curve, in its order; both are masked where the time is. With bins: ``phase`` (bin
        centres), ``band``, weighted means ``mag`` and ``mag_err`` (or flux), and the number of values ``n``; empty bins
        are left out. ``meta`` holds ``period``, ``epoch_time``, ``bins`` and ``cycles``.

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
    epoch_time = default_epoch(light_curve["time"]) if epoch_time is None else check_epoch(epoch_time)
    if bins is None:
        columns = phase_columns(light_curve["time"], period, epoch_time)
        own = (lambda column: column.copy()) if copy else (lambda column: column[:])
        columns.update((name, own(light_curve[name])) for name in light_curve.colnames)
        folded = assembled(columns) if isinstance(light_curve, QTable) else QTable(columns, copy=False)
    else:
        folded = _binned(light_curve, phase(light_curve["time"], period, epoch_time), _check_bins(bins))
    folded = _repeated(folded, cycles)
    folded.meta = dict(getattr(light_curve, "meta", {}))
    folded.meta.update(period=period, epoch_time=epoch_time, bins=bins, cycles=cycles)
    return folded


def phase_columns(time, period, epoch_time):
    """Columns ``phase`` and ``cycle`` of some times, as a dict; masked where a time is.

    Parameters
    ----------
    time : `~astropy.time.Time`
        Times.
    period : `~astropy.units.Quantity`
        Period; one, or one per time.
    epoch_time : `~astropy.time.Time`
        Time of phase 0.

    Returns
    -------
    dict of str to column
    """
    missing = np.array(time.mask) if time.masked and np.any(time.mask) else None
    phases, cycle = _turns(time, period, epoch_time, counted=True)
    if missing is None:
        return {"phase": phases << u.one, "cycle": Column(cycle, copy=False)}
    cycle[missing] = 0
    return {"phase": Masked(phases, missing) << u.one, "cycle": MaskedColumn(cycle, mask=missing)}


def assembled(columns):
    """Table of columns that are such as a `~astropy.table.QTable` holds, and that no other table has.

    The same as ``QTable(columns, copy=False)``, which looks at each column for 20 us to find that out.

    Parameters
    ----------
    columns : dict of str to column
        Columns, Quantities and Times of one length.

    Returns
    -------
    `~astropy.table.QTable`
    """
    table = QTable()
    for name, column in columns.items():
        info = column.info
        info.name, info.parent_table = name, table
        if info.indices:  # a copied column still has those of the table that it was copied from
            info.indices = []
        table.columns[name] = column
    return table


def check_period(period, name="period", *, one=True):
    """Period as a positive Quantity, a scalar unless `one` is False, or an error that names the argument."""
    if not isinstance(period, u.Quantity):
        raise u.UnitsError(f"{name} must be a Quantity with a unit of time, such as 0.57 * u.day, not {shown(period)}")
    if not period.unit.is_equivalent(u.day):
        raise u.UnitsError(f"{name} must have a unit of time, not '{period.unit}'")
    hidden = isinstance(period, Masked) and period.mask.any()
    value = period.value
    if hidden or (one and np.ndim(value)) or not ((value > 0) & (value < np.inf)).all():
        raise ValueError(f"{name} must be {'one ' * one}positive, finite time, not {shown(period)}")
    return period.unmasked if isinstance(period, Masked) else period


def check_unfolded(names):
    """An error where the columns that folding makes are there."""
    for name in ("phase", "cycle"):
        if name in names:
            raise ValueError(f"the light curve has a column '{name}' already; fold the unfolded one")


def check_epoch(epoch_time, name="epoch_time"):
    """One Time, or an error that names the argument."""
    if not isinstance(epoch_time, Time) or epoch_time.shape:
        raise TypeError(f"{name} must be one astropy Time, not {shown(epoch_time)}")
    return epoch_time


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


def _turns(time, period, epoch_time, *, counted=False):
    """Phases, and numbers of whole periods since the epoch where they are `counted`, in the shape of the times."""
    if isinstance(time, Time):
        epoch_time = default_epoch(time) if epoch_time is None else epoch_time
        subtract, operands = _elapsed(time, check_period(period, one=False), epoch_time)
    else:
        subtract, operands = _differences, _numbers(time, period, 0.0 if epoch_time is None else epoch_time)
    shape = np.broadcast_shapes(*(np.shape(operand) for operand in operands))
    phases, turns = np.empty(shape), np.empty(shape, np.int64) if counted else None
    for part in _parts(shape):
        some = [operand[part] if part is not ... and np.ndim(operand) else operand for operand in operands]
        turns_of_some, phases[part] = _divide(*subtract(*some))
        if counted:
            turns[part] = turns_of_some
    return phases if shape else phases[()], turns


def _parts(shape):
    """Indices of an array, block by block where it has one dimension."""
    if len(shape) != 1 or shape[0] <= _BLOCK:
        return (...,)
    return (slice(start, start + _BLOCK) for start in range(0, shape[0], _BLOCK))


def _elapsed(time, period, epoch_time):
    """How to tell the time since the epoch in two parts, the first of few digits, in a unit that rounds no period."""
    if not isinstance(epoch_time, Time):
        raise TypeError(f"epoch_time must be an astropy Time, as the times are, not {shown(epoch_time)}")
    if epoch_time.scale not in time.SCALES:
        raise TypeError(f"epoch_time has scale '{epoch_time.scale}', which cannot be turned into that of the times")
    scale = "tai" if time.scale == "utc" else time.scale  # the days of UTC are not all of one length
    if scale != time.scale:
        time = getattr(time, scale)
    if scale != epoch_time.scale:
        epoch_time = getattr(epoch_time, scale)
    if epoch_time.masked:
        if np.any(epoch_time.mask):
            raise ValueError(f"epoch_time is masked: {shown(epoch_time)}")
        epoch_time = epoch_time.unmasked
    if time.masked:
        time = time.unmasked
    per_day = u.day.to(period.unit)
    period = period.value if per_day > 1 else period.to_value(u.day)
    return partial(_days, max(per_day, 1.0)), (time.jd1, time.jd2, epoch_time.jd1, epoch_time.jd2, period)


def _days(per_day, whole, rest, epoch_whole, epoch_rest, period):
    """Differences of both parts of a time, in a unit of which a day has so many, and the period."""
    whole, rest = whole - epoch_whole, rest - epoch_rest
    return (whole * per_day, rest * per_day, period) if per_day > 1 else (whole, rest, period)


def _numbers(time, period, epoch_time):
    """Times, epochs and periods that are numbers, as arrays."""
    for name, value in (("period", period), ("epoch_time", epoch_time)):
        if isinstance(value, u.Quantity | Time):
            raise TypeError(f"{name} must be a number, as the times are, not {shown(value)}")
    time, epoch_time, period = (np.asarray(value, dtype=float) for value in (time, epoch_time, period))
    if not np.all(period > 0):
        raise ValueError(f"period must be positive, not {shown(period)}")
    return time, epoch_time, period


def _differences(time, epoch, period):
    """Numbers less the epoch, and what rounding that took away: the exact sum of Knuth (TAOCP 2, 4.2.2)."""
    whole = time - epoch
    back = whole - time
    return whole, (time - (whole - back)) - (epoch + back), period


def _divide(whole, rest, period):
    """Quotient ``(whole + rest) / period`` rounded down, and what is left, over the period.

    The period is split into two halves (Dekker), whose products with the quotient are exact, so that nothing is lost
    in the difference. For more cycles than that holds, the slower exact remainder takes its place.
    """
    whole, per_period = np.atleast_1d(whole), 1.0 / period
    turns = (whole + rest) * per_period
    np.floor(turns, out=turns)
    if np.abs(turns).max(initial=0.0) < _EXACT_CYCLES:
        large = period * _SPLITTER
        upper = large - (large - period)
        phases = turns * upper
        np.subtract(whole, phases, out=phases)
        phases -= turns * (period - upper)
    else:
        phases = np.mod(whole, period)
        turns = np.rint((whole - phases) * per_period)
    phases += rest
    phases *= per_period
    beyond = np.floor(phases)
    phases -= beyond
    turns += beyond
    if not phases.max(initial=0.0) < 1.0:  # a tiny negative number rounds up to 1
        full = phases >= 1.0
        phases[full] = 0.0
        turns[full] += 1.0
    return turns, phases


def _check_foldable(light_curve, bins):
    names = getattr(light_curve, "colnames", ())
    if "time" not in names or not isinstance(light_curve["time"], Time):
        raise TypeError("light_curve must be a table with a column 'time' of astropy Time, such as a TimeSeries")
    check_unfolded(names)
    if bins is not None and not value_names(light_curve):
        raise ValueError(f"bins need a column 'mag' or 'flux'; there are only {', '.join(names)}")


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
    if cycles == 1:
        return table
    phases, turns = numbers(table["phase"]), range(int(np.ceil(cycles)))
    rows = [np.flatnonzero(phases + turn < cycles) for turn in turns]
    repeated = table[np.concatenate(rows)]
    repeated["phase"] = repeated["phase"] + np.repeat(turns, [len(part) for part in rows])
    return repeated
