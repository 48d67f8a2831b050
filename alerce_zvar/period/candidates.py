"""Where to look closer: frequencies that a screen for waves and a screen for eclipses propose, and their relatives."""

import math
from dataclasses import replace

import numpy as np

from alerce_zvar.period import bls, lombscargle
from alerce_zvar.period.grid import FrequencyGrid
from alerce_zvar.period.shapes import scatter

__all__ = ["ALIASES", "MANY", "MULTIPLES", "SAME", "propose"]

MULTIPLES = (1, 2, 1 / 2, 3, 1 / 3, 3 / 2, 2 / 3)
MANY = 10_000  # points that the screen for eclipses has at most: of 50,000 it took 150 s
SAME = 2.0  # of 1 / baseline: frequencies closer than this are one period
ALIASES = {"day": 1.0, "sidereal day": 1.00273791, "half day": 2.0, "month": 1 / 29.530589, "year": 1 / 365.25}  # 1/day
_WAVES, _ECLIPSES, _HALVES = 60, 60, 20  # peaks taken from each screen, and from that of half periods beyond the range
_CLOSEST = 8  # best peaks of each screen whose aliases are tried too
_MISFIT = 0.3  # share of the scatter added to the errors in a screen, where one sine has to do for any wave
_FEWEST = 10  # points of a band whose amplitude is worth measuring
_SHORTEST_ECLIPSE = 0.06  # days
_NARROWEST, _NARROW, _WIDEST = 0.005, 0.04, 0.25  # eclipses in cycles: of all, at short periods
_HIGHEST = 10.0  # 1/day: shorter periods have eclipses so wide that the screen for waves finds them
_OVERSAMPLE, _PER_ECLIPSE = 2, 3  # phase bins in the narrowest eclipse, frequencies in which it moves by its length
_SEPARATE = 0.01  # of 1 / baseline: frequencies closer than this are one


def propose(series, grid, workers=1):
    """Frequencies in the range of a grid that may be right, in order.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Range of the search, and the steps of the screen for waves.
    workers : int
        Threads.

    Returns
    -------
    ndarray of float
        Frequencies [1/day]: the highest peaks of both screens, and half of those of waves beyond the range; their
        simple fractions and multiples, and aliases of the highest ones.
    """
    smooth = _widened(series)
    even = _of_one_amplitude(smooth)
    waves = lombscargle.best_frequencies(even, grid, _WAVES, workers=workers)[0]
    halves = lombscargle.best_frequencies(even, _beyond(grid), _HALVES, workers=workers)[0]
    dips = _eclipses(_thinned(smooth), grid, workers)
    peaks = np.concatenate([waves, dips, halves / 2])
    shifts = np.array([0.0, *(sign * shift for shift in ALIASES.values() for sign in (1, -1))])
    first = np.concatenate([waves[:_CLOSEST], dips[:_CLOSEST]])
    aliases = np.append(np.abs(np.add.outer(first, shifts)), np.abs(np.add.outer(halves[:_CLOSEST], shifts)) / 2)
    found = np.append(np.outer(peaks, MULTIPLES), aliases)
    found = np.sort(found[(found >= grid.minimum) & (found <= grid.maximum)])
    return found[np.diff(found, prepend=-np.inf) > _SEPARATE / series.baseline]


def _beyond(grid):
    """Frequencies above the range whose halves are in it: binaries of minutes vary most at half their period."""
    first = max(grid.maximum, 2 * grid.minimum)
    return FrequencyGrid(first, grid.step, math.ceil((2 * grid.maximum - first) / grid.step) + 1)


def _widened(series):
    return replace(series, error=np.hypot(series.error, _MISFIT * scatter(series.value)))


def _thinned(series):
    """Some of very many observations, drawn at random and kept in order; the first and the last are among them.

    An eclipse that explains a share R of the scatter stands out of noise as N R does: of so many points some
    thousandths are enough. Weaker ones come in by the screen for waves, which has all points, if at all.
    """
    number = len(series.time)
    if number <= MANY:
        return series
    drawn = np.random.default_rng(0).choice(np.arange(1, number - 1), MANY - 2, replace=False)
    rows = np.concatenate([[0], np.sort(drawn), [number - 1]])
    columns = ("time", "value", "error", "group", "band")
    return replace(series, **{name: getattr(series, name)[rows] for name in columns})


def _of_one_amplitude(series):
    """Values and errors over the typical amplitude of their band, which differs for pulsating stars."""
    spread = np.ones(series.band.max() + 1)
    for band in range(len(spread)):
        inside = series.band == band
        if inside.sum() >= _FEWEST:
            variance = scatter(series.value[inside]) ** 2
            spread[band] = math.sqrt(max(variance - np.median(series.error[inside]) ** 2, 0.1 * variance) or 1.0)
    amplitude = np.clip(spread / np.median(spread), 0.3, 3.0)[series.band]
    return replace(series, value=series.value / amplitude, error=series.error / amplitude)


def _eclipses(series, grid, workers):
    """The best frequencies of box least squares, on one grid per octave: eclipses are shorter at longer periods."""
    low, high = grid.minimum, min(grid.maximum, _HIGHEST)
    found, power = [np.empty(0)], [np.empty(0)]
    while low < high:
        upper = min(2 * low, high)
        narrowest = min(max(_SHORTEST_ECLIPSE * low, _NARROWEST), _NARROW)
        number = max(math.ceil((upper - low) * series.baseline * _PER_ECLIPSE / narrowest), 2)
        octave = FrequencyGrid(low, (upper - low) / number, number)
        durations = tuple(np.geomspace(narrowest, _WIDEST, math.ceil(math.log(_WIDEST / narrowest) / math.log(1.5))))
        blocks = bls.power_blocks(series, octave, durations=durations, oversample=_OVERSAMPLE, workers=workers)
        frequencies, powers = _highest(blocks, octave, 1 / series.baseline)
        found.append(frequencies)
        power.append(powers)
        low = upper
    order = np.argsort(-np.concatenate(power), kind="stable")[:_ECLIPSES]
    return np.concatenate(found)[order]


def _highest(blocks, grid, distance):
    """Frequencies and powers of the highest peaks, one in each `distance`."""
    best = {}
    for start, power in blocks:
        frequencies = grid.frequencies(start, start + len(power))
        cell = np.floor(frequencies / distance).astype(int)
        first = np.flatnonzero(np.diff(cell, prepend=-1))
        for begin, end in zip(first, np.append(first[1:], len(cell)), strict=True):
            top = begin + int(np.argmax(power[begin:end]))
            if power[top] > best.get(cell[begin], (-np.inf,))[0]:
                best[cell[begin]] = (power[top], frequencies[top])
        if len(best) > 50 * _ECLIPSES:
            best = dict(sorted(best.items(), key=lambda item: -item[1][0])[: 10 * _ECLIPSES])
    kept = np.array(sorted(best.values(), reverse=True)[:_ECLIPSES]).reshape(-1, 2)
    return kept[:, 1], kept[:, 0]
