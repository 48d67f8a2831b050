"""Folding: ours against astropy's ``TimeSeries.fold``, in turn, in one run.

``python benchmarks/fold.py`` prints; with ``--check`` it exits with 1 where an aim is missed.

What is compared. `TimeSeries.fold` gives all columns of a light curve with the phase in place of the time. `fold` gives
the same as a QTable that also keeps the time and the number of the cycle. It cannot be 50 times as fast. Of 1,000
points astropy's takes 1.35 ms and ours 0.15 ms, of which 0.045 ms are astropy's own copies of the Time and of three
columns, 0.035 ms the phases, and 0.02 ms the table and its two new columns. Of 100,000 points astropy's takes 37 ms and
ours 1.3 ms, most of it for 5 MB of new memory, whose pages the system clears first. What folds many short light curves
is `LightCurves.fold`, in one call; what needs phases alone is `phase`. All run on the same observations, with the same
period and epoch.
"""

import argparse
import sys
import timeit
from decimal import Decimal, getcontext

import numpy as np
from astropy import units as u
from astropy.time import Time
from astropy.timeseries import TimeSeries

from alerce_zvar import LightCurves, fold
from alerce_zvar.folding import phase

FASTER = 50  # times astropy
PERIOD = 0.57 * u.day
EPOCH = Time(58123.25, format="mjd", scale="tdb")
SHORT, LONG = 1_000, 100_000  # points
MANY, EACH = 500, 200  # light curves, points of one
YEARS = 10
SHORTEST = 2 * u.min


def make(number, seed=0):
    """Light curve of some points over ten years."""
    rng = np.random.default_rng(seed)
    time = Time(58000, np.sort(rng.uniform(0, YEARS * 365.25, number)), format="mjd", scale="tdb")
    columns = {"band": rng.choice(["g", "r"], number), "mag": rng.normal(17, 0.3, number) * u.mag}
    return TimeSeries(time=time, data={**columns, "mag_err": np.full(number, 0.02) * u.mag})


def seconds(functions, repeats):
    """Least time of one call of each function, measured in turn."""
    loops = [max(1, int(0.03 / timeit.timeit(function, number=1))) for function in functions]
    rounds = [
        [timeit.timeit(function, number=number) / number for function, number in zip(functions, loops, strict=True)]
        for _ in range(repeats)
    ]
    return np.min(rounds, axis=0)


def one_light_curve(number, repeats):
    """Times as fast: `fold`, `fold` without copies, `phase` of a Time, and `phase` of days."""
    light_curve = make(number)
    time, days, epoch = light_curve["time"], light_curve["time"].mjd, float(EPOCH.mjd)
    theirs, *ours = seconds(
        [
            lambda: light_curve.fold(PERIOD, epoch_time=EPOCH, normalize_phase=True, wrap_phase=1),
            lambda: fold(light_curve, PERIOD, epoch_time=EPOCH),
            lambda: fold(light_curve, PERIOD, epoch_time=EPOCH, copy=False),
            lambda: phase(time, PERIOD, EPOCH),
            lambda: phase(days, PERIOD.value, epoch),
        ],
        repeats,
    )
    return theirs / ours


def many_light_curves(repeats):
    """Times as fast: `LightCurves.fold`, each on its own period."""
    curves = [make(EACH, seed) for seed in range(MANY)]
    periods = np.random.default_rng(1).uniform(0.1, 5, MANY) * u.day
    together = LightCurves.from_tables(curves, [str(number) for number in range(MANY)])

    def one_by_one():
        for light_curve, period in zip(curves, periods, strict=True):
            light_curve.fold(period, epoch_time=EPOCH, normalize_phase=True, wrap_phase=1)

    theirs, ours = seconds([one_by_one, lambda: together.fold(periods, epoch_time=EPOCH)], repeats)
    return theirs / ours


def differences():
    """Largest differences of the phase: from astropy's at a period of half a day; from exact ones at minutes."""
    light_curve = make(SHORT)
    theirs = light_curve.fold(PERIOD, epoch_time=EPOCH, normalize_phase=True, wrap_phase=1)["time"]
    ours = fold(light_curve, PERIOD, epoch_time=EPOCH)["phase"]
    time = light_curve["time"]
    return apart(ours.value, np.asarray(theirs)), apart(phase(time, SHORTEST, EPOCH), exact(time, 2, EPOCH))


def exact(time, minutes, epoch):
    """Phases by decimal arithmetic."""
    getcontext().prec = 50
    start = Decimal(epoch.jd1) + Decimal(epoch.jd2)
    days = [Decimal(whole) + Decimal(rest) - start for whole, rest in zip(time.jd1, time.jd2, strict=True)]
    return np.array([float(1440 * day / minutes % 1) for day in days])  # negative before the epoch


def apart(one, other):
    """Largest distance on the circle."""
    distance = np.abs(one - other) % 1
    return np.max(np.minimum(distance, 1 - distance))


def main():
    """Exit code: 1 if an aim is missed and the aims are to be checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    short, long = (one_light_curve(number, options.repeats) for number in (SHORT, LONG))
    many = many_light_curves(max(3, options.repeats // 3))
    from_astropy, from_exact = differences()
    figures = {
        f"phase of {LONG:,} Time, times as fast": ratio(long[2], FASTER),
        f"phase of {LONG:,} days, times as fast": ratio(long[3], FASTER),
        f"phase of {SHORT:,} Time, times as fast": ratio(short[2], FASTER),
        f"phase of {SHORT:,} days, times as fast": ratio(short[3], FASTER),
        f"{MANY} light curves of {EACH} points, LightCurves.fold, times as fast": ratio(many, FASTER),
        f"one light curve of {LONG:,} points, fold(copy=False), times as fast": ratio(long[1], FASTER),
        f"one light curve of {SHORT:,} points, fold(copy=False), times as fast": ratio(short[1], FASTER),
        f"one light curve of {LONG:,} points, fold, times as fast": ratio(long[0], FASTER),
        f"one light curve of {SHORT:,} points, fold, times as fast": ratio(short[0], FASTER),
        f"largest difference from astropy, {YEARS} years, {PERIOD}": limit(from_astropy, 1e-12),
        f"largest error, {YEARS} years, {SHORTEST}": limit(from_exact, 1e-12),
    }
    for name, (value, aim, _) in figures.items():
        print(f"{name}: {value} (aim: {aim})")
    missed = [name for name, (_, _, met) in figures.items() if not met]
    if missed:
        print(f"aims missed: {', '.join(missed)}")
    return 1 if missed and options.check else 0


def ratio(value, least):
    """Value, aim and whether it is met."""
    return f"{value:.1f}", f"at least {least}", value >= least


def limit(value, most):
    """Value, aim and whether it is met."""
    return f"{value:.1e}", f"at most {most}", value <= most


if __name__ == "__main__":
    sys.exit(main())
