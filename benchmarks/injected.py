"""How many periods are found of made-up stars of many kinds, seen when real stars were.

::

    python benchmarks/injected.py [--check] [--stars 20] [--only EA,EW]

Each star has the times, bands and fields of one of the real light curves of benchmarks/accuracy.py (200 to 900 of its
epochs, drawn at random), a period and a shape drawn at random, errors of 0.015 to 0.05 mag, and fields that differ by
0.01 mag. So there are kinds here that the real sets lack, such as binaries of minutes. One call with the same options
for all; a period is right where its frequency is within 2 / (time span) of the true one.
"""

import argparse
import sys
import warnings
from functools import partial

import numpy as np
from accuracy import all_stars, data_folder, is_right
from astropy import units as u
from astropy.timeseries import TimeSeries

from alerce_zvar.period import find_periods
from alerce_zvar.sample.shapes import eclipses, pulsation

SETS, FEWEST = ("ztf_vsx", "ztf_wd"), 300  # whose times are taken, of light curves with so many epochs
EPOCHS, ERRORS, FIELDS = (200, 900), (0.015, 0.03, 0.05), 0.01
MINUTES = (5.2 / 1440, 0.02)  # days
BLUER = 1.3  # times as much do pulsating stars change in g
RIGHT, WRONG = 0.9, 0.1  # aims: share of right periods, and of wrong ones that are believed


def sine(phase):
    """From 0 to 1."""
    return 0.5 + 0.5 * np.sin(2 * np.pi * phase)


def binary(rng, width, secondary, ellipticity):
    """Shape of an eclipsing binary with parameters drawn from ranges."""
    drawn = (rng.uniform(*limits) for limits in (width, secondary, ellipticity))
    return partial(eclipses, **dict(zip(("width", "secondary", "ellipticity"), drawn, strict=True)))


# name: shape, shortest and longest period [d], least and largest amplitude [mag], times as much in g
KINDS = {
    "detached binary": (lambda rng: binary(rng, (0.01, 0.03), (0.2, 0.9), (0, 0.05)), (0.3, 15), (0.3, 0.8), 1),
    "contact binary": (lambda rng: binary(rng, (0.06, 0.09), (0.8, 0.95), (0.2, 0.4)), (0.22, 0.6), (0.2, 0.7), 1),
    "binary of minutes": (lambda rng: binary(rng, (0.02, 0.05), (0.3, 0.9), (0, 0.2)), MINUTES, (0.3, 0.8), 1),
    "ellipsoidal of minutes": (lambda rng: binary(rng, (0.05, 0.1), (0.3, 0.6), (0.4, 0.6)), MINUTES, (0.15, 0.3), 1),
    "eclipsed white dwarf": (lambda rng: binary(rng, (0.01, 0.02), (0, 0.02), (0, 0.05)), (0.06, 0.3), (0.4, 1.5), 1),
    "RRab": (lambda rng: partial(pulsation, "RRab"), (0.42, 0.8), (0.4, 1.0), BLUER),
    "RRc": (lambda rng: partial(pulsation, "RRc"), (0.22, 0.45), (0.3, 0.55), BLUER),
    "delta Scuti": (lambda rng: partial(pulsation, "DSCT"), (0.03, 0.2), (0.06, 0.4), BLUER),
    "rotation": (lambda rng: sine, (1, 60), (0.06, 0.2), 1),
}


def make(kind, times, rng):
    """Light curve of a star of some kind, and its period [d]."""
    shape_of, periods, amplitudes, ratio = KINDS[kind]
    rows = np.sort(rng.permutation(len(times))[: rng.integers(*EPOCHS)])
    seen = times["time", "band", "field"][rows]
    period = np.exp(rng.uniform(*np.log(periods)))
    change = shape_of(rng)((seen["time"].mjd / period + rng.random()) % 1)
    change *= rng.uniform(*amplitudes) * np.where(seen["band"] == "g", ratio, 1)
    error = rng.choice(ERRORS) * rng.uniform(0.8, 1.4, len(seen))
    _, field = np.unique(seen["field"], return_inverse=True)
    level = 17 + 0.4 * (seen["band"] == "g") + FIELDS * rng.normal(size=field.max() + 1)[field]
    mag = level + change + error * rng.normal(size=len(seen))
    data = {"band": seen["band"], "field": seen["field"], "mag": mag * u.mag, "mag_err": error * u.mag}
    return TimeSeries(time=seen["time"], data=data), period


def main():
    """Exit code: 1 if an aim is missed and the aims are to be checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--stars", type=int, default=20, help="of each kind [%(default)s]")
    parser.add_argument("--only", default=",".join(KINDS), help="kinds, with commas between them")
    options = parser.parse_args()
    times = [curve for family, _, curve, _ in all_stars(data_folder()) if family in SETS and len(curve) > FEWEST]
    right, wrong, number = 0, 0, 0
    for kind in options.only.split(","):
        found, believed = search(kind, times, options.stars)
        print(f"{kind}: {sum(found)} of {options.stars} right, {sum(believed & ~found)} wrong but believed", flush=True)
        right, wrong, number = right + sum(found), wrong + sum(believed & ~found), number + options.stars
    print(f"right: {right / number:.1%} (aim: at least {RIGHT:.0%})")
    print(f"wrong but believed: {wrong / number:.1%} (aim: at most {WRONG:.0%})")
    return 1 if options.check and (right < RIGHT * number or wrong > WRONG * number) else 0


def search(kind, times, number):
    """Whether the periods of some stars are right, and whether they are believed."""
    generator = np.random.default_rng(list(KINDS).index(kind))
    stars = [make(kind, times[generator.integers(len(times))], generator) for _ in range(number)]
    table = find_periods([curve for curve, _ in stars])
    found = []
    for row, (curve, true) in zip(table, stars, strict=True):
        period = row["period"].to_value(u.day)
        found.append(is_right(period, true, curve))
        if not found[-1]:
            print(f"  {true:.7f} d: found {period / true:.5f} times that, {row['shape']}, {row['reason']}")
    return np.array(found), np.array(table["believed"])


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.exit(main())
