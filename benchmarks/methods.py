"""Methods of period search that fold: points times periods per second, against fpwperiodic and astropy's box.

``python benchmarks/methods.py`` prints; with ``--check`` it exits with 1 where an aim is missed. Needs the extra
``benchmark``, and a platform for which fpwperiodic has a wheel. 1000 points over 2500 days, in turn with the peers.
"""

import argparse
import sys
import time

import fpw as peer
import numpy as np
from astropy import units as u
from astropy.time import Time
from astropy.timeseries import BoxLeastSquares, TimeSeries

from alerce_zvar.period import bls, fpw_statistic, get_method
from alerce_zvar.period.grid import FrequencyGrid, make_grid
from alerce_zvar.period.prepare import prepare

POINTS, SPAN = 1000, 2500.0
MIDDLE = 1.0  # 1/day, where the stretch of frequencies begins
CORES = 2
FASTER_FPW, FASTER_BLS = 3.5, 5.0  # times the peers
N_BINS = (5, 10, 20)
FOLDING = ("fpw", "aov", "pdm", "conditional_entropy", "string_length", "bls")


def observations():
    """An eclipsing binary among unequal errors, as the search sees it."""
    rng = np.random.default_rng(0)
    days, error = np.sort(rng.uniform(0, SPAN, POINTS)), rng.uniform(0.01, 0.03, POINTS)
    mag = 17 + 0.3 * (np.abs(days / 3.7123 % 1.0 - 0.5) < 0.02) + error * rng.normal(size=POINTS)
    data = {"mag": mag * u.mag, "mag_err": error * u.mag}
    return prepare(TimeSeries(time=Time(58000 + days, format="mjd"), data=data))


def stretch(number):
    """Some frequencies of the grid."""
    return FrequencyGrid(MIDDLE, 1 / (5 * SPAN), number)


def scan(series, name, number, workers=1, **options):
    """A job: powers of one method."""
    method, grid = get_method(name), stretch(number)
    checked = method.check_options(options)
    return lambda: np.concatenate([power for _, power in method.blocks(series, grid, checked, workers=workers)])


def fpw_job(series, number, n_bins):
    """Statistic of several numbers of bins, on one thread."""
    frequencies = stretch(number).frequencies()
    return lambda: fpw_statistic.statistic(series.time, series.value, series.error, frequencies, n_bins)


def fpw_peer(series, number, n_bins):
    """The same by fpwperiodic, one number of bins after the other."""
    frequencies = stretch(number).frequencies()
    return lambda: np.array([peer.run_fpw(series.time, series.value, series.error, frequencies, m) for m in n_bins])


def astropy_box(series, frequencies):
    """A job: squares of ``depth_snr`` over chi2 by astropy, of the same durations and as many bins."""
    model = BoxLeastSquares(series.time, -series.value, series.error)
    chi2 = np.sum((series.value / series.error) ** 2)
    # Durations are times there, of the first frequency; a little more than they are, or rounding up adds a bin.
    durations = (1 + 1e-12) * np.array(bls.DURATIONS) / frequencies[0]

    def job():
        found = model.power(1 / frequencies, durations, objective="snr", oversample=bls.OVERSAMPLE)
        return found.depth_snr**2 / chi2

    return job


def shortest(repeats, **jobs):
    """Least wall time of each job; they take turns."""
    for job in jobs.values():
        job()  # what is compiled is compiled
    times = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, job in jobs.items():
            begin = time.perf_counter()
            job()
            times[name].append(time.perf_counter() - begin)
    return {name: min(values) for name, values in times.items()}


def ratio(value, aim):
    """Value, aim and whether it is met."""
    return f"{value:.1f}", f"at least {aim}", value >= aim


def speeds(series, number, repeats):
    """Millions of points times periods per second on one thread, with numba and with numpy."""
    for name in FOLDING:
        few = max(number // 20, 1)
        found = shortest(repeats, numba=scan(series, name, number), numpy=scan(series, name, few, engine="numpy"))
        fast, slow = (POINTS * n / found[key] / 1e6 for key, n in (("numba", number), ("numpy", few)))
        yield f"{name}, million points times periods per second", (f"{fast:.0f}; without numba {slow:.0f}", "", True)


def against_fpw(series, number, repeats):
    """FPW and fpwperiodic, which holds Python's lock and so has one core."""
    jobs = {
        "one": scan(series, "fpw", number, n_bins=10),
        "two": scan(series, "fpw", 8 * number, workers=CORES, n_bins=10),
        "three": fpw_job(series, number, N_BINS),
        "peer": fpw_peer(series, number, (10,)),
        "peer_three": fpw_peer(series, number // 2, N_BINS),
    }
    difference = np.nanmax(np.abs(jobs["one"]() / jobs["peer"]()[0] - 1))
    found = shortest(repeats, **jobs)
    yield "fpw, largest relative difference from fpwperiodic", (f"{difference:.1e}", "at most 1e-9", difference < 1e-9)
    yield "fpw of 10 bins, times fpwperiodic, one thread", (f"{found['peer'] / found['one']:.1f}", "", True)
    yield "fpw of 10 bins, times fpwperiodic, two cores", ratio(8 * found["peer"] / found["two"], FASTER_FPW)
    both = 2 * found["peer_three"] / found["three"]
    yield "fpw of 5, 10 and 20 bins, times fpwperiodic, one thread", ratio(both, FASTER_FPW)


def against_astropy(series, number, repeats):
    """Boxes of the same durations in as many bins, both on one thread."""
    few = number // 10
    ours, theirs = scan(series, "bls", number), astropy_box(series, stretch(few).frequencies())
    powers = scan(series, "bls", few)()
    wanted = np.concatenate([astropy_box(series, np.array([each]))() for each in stretch(few).frequencies()])
    share = np.mean(np.isclose(powers, wanted, rtol=1e-6))
    found = shortest(repeats, ours=ours, theirs=theirs)
    # Where the best box runs past the end of the cycle, astropy 8.0.2 has the first bin in place of the last one.
    yield "bls, share of powers as astropy's to 1e-6", (f"{share:.0%}", "at least 80%", share >= 0.8)
    yield "bls, times astropy's, one thread", ratio(10 * found["theirs"] / found["ours"], FASTER_BLS)


def whole_search(series):
    """A search for eclipses with all defaults from 0.2 days on."""
    grid = make_grid(series.baseline, minimum_period=0.2 * u.day, samples_per_peak=bls.METHOD.samples_per_peak)
    begin = time.perf_counter()
    best, top = 0.0, 0
    for start, power in bls.power_blocks(series, grid, workers=CORES):
        if power.max() > best:
            best, top = power.max(), start + int(power.argmax())
    taken = time.perf_counter() - begin
    period = 1 / grid.frequencies(top, top + 1)[0]
    found = abs(period - 3.7123) < 1e-3
    yield f"bls, {grid.number} periods on two cores", (f"{taken:.1f} s", "", True)
    yield "bls, best period", (f"{period:.5f} d", "3.7123", found)


def main():
    """Exit code: 1 if an aim is missed and the aims are to be checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--frequencies", type=int, default=10_000)
    options = parser.parse_args()
    series, missed = observations(), []
    arguments = (series, options.frequencies, options.repeats)
    for figures in (speeds(*arguments), against_fpw(*arguments), against_astropy(*arguments), whole_search(series)):
        for name, (value, aim, met) in figures:
            print(f"{name}: {value}" + (f" (aim: {aim})" if aim else ""), flush=True)
            missed += [] if met else [name]
    if missed:
        print(f"aims missed: {', '.join(missed)}")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
