"""FPW periods of an archive of real light curves: ours against the package fpwperiodic, both on two cores.

``ALERCE_ZVAR_REAL_DATA=... python benchmarks/fpw_periods.py`` prints; with ``--check`` it exits with 1 where an aim is
missed. Needs the extra ``benchmark``, and a platform for which fpwperiodic has a wheel. (Not called fpw.py: that is
what fpwperiodic's module is called.)
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import fpw as peer
import numpy as np
from astropy import units as u

from alerce_zvar.archive import Archive
from alerce_zvar.period import fpw_statistic
from alerce_zvar.period.fpw_search import LONGEST_PERIOD, N_BINS, SAMPLES_PER_PEAK
from alerce_zvar.period.grid import make_grid

CORES = 2
FASTER = 3.5  # times the peer
FEWEST = 30  # points of a light curve in which periods are searched
LIGHT_CURVES = """
SELECT lc, bjd, flux, flux_err FROM epochs
WHERE NOT bad AND flux_err > 0 AND isfinite(flux) ORDER BY lc, bjd
"""
CONTENT = "SELECT * FROM {} ORDER BY ALL"
CHILD = """
import sys
from astropy import units as u
from alerce_zvar.archive import Archive
with Archive.open(sys.argv[1]) as archive:
    archive.compute_periods(minimum_period=float(sys.argv[2]) * u.day, workers=int(sys.argv[3]))
"""


def build(path, data):
    """Archive of the two sets of real light curves."""
    with Archive.create(path) as archive:
        print(archive.import_irsa([data / "ztf_vsx" / "lightcurves", data / "ztf_wd" / "lightcurves"]))


def light_curves(path, minimum_period):
    """(time, value, error, grid) of each light curve, as the archive searches it."""
    with Archive.open(path, read_only=True) as archive:
        found = archive.query(LIGHT_CURVES)
    edges = np.flatnonzero(np.diff(found["lc"])) + 1
    for time_, flux, error in zip(*(np.split(found[name], edges) for name in ("bjd", "flux", "flux_err")), strict=True):
        if len(time_) >= FEWEST:
            days = np.ascontiguousarray(time_ - time_[0])
            longest = min(LONGEST_PERIOD, days[-1] / 2 * u.day)
            grid = make_grid(
                days[-1], minimum_period=minimum_period, maximum_period=longest, samples_per_peak=SAMPLES_PER_PEAK
            )
            yield days, flux - np.average(flux, weights=error**-2.0), np.ascontiguousarray(error), grid


def stretches(curves, number):
    """The first, the middle and the last frequencies of each grid."""
    for *observations, grid in curves:
        size = min(number // 3, grid.number // 3)
        starts = (0, (grid.number - size) // 2, grid.number - size)
        yield *observations, np.concatenate([grid.frequencies(start, start + size) for start in starts])


def ours(job):
    """Statistic of all numbers of bins."""
    return fpw_statistic.statistic(*job, N_BINS)


def theirs(job):
    """The same by fpwperiodic; NaN where a bin is empty."""
    return np.array([peer.run_fpw(*job, n_bins) for n_bins in N_BINS])


def largest_difference(jobs):
    """Relative, and how many of the peer's numbers are there to compare."""
    largest, compared, total = 0.0, 0, 0
    for job in jobs:
        mine, wanted = ours(job), theirs(job)
        there = np.isfinite(wanted)
        largest = max(largest, np.max(np.abs(mine[there] / wanted[there] - 1), initial=0.0))
        compared, total = compared + there.sum(), total + there.size
    return largest, compared / total


def compute_theirs(job):
    """As `theirs`, but the numbers stay in their process."""
    theirs(job)


def compute(path, minimum_period):
    """Wall time of a whole computation."""
    with Archive.open(path) as archive:
        begin = time.perf_counter()
        print(archive.compute_periods(minimum_period=minimum_period, workers=CORES))
        return time.perf_counter() - begin


def content(path):
    """All that a computation leaves."""
    with Archive.open(path, read_only=True) as archive:
        tables = {name: archive.query(CONTENT.format(name)) for name in ("periods", "period_searches")}
    return {(name, key): values.tolist() for name, columns in tables.items() for key, values in columns.items()}


def killed_and_resumed(path, minimum_period, wait):
    """How many rows a child had stored when it was killed; then another one does the rest."""
    arguments = [sys.executable, "-c", CHILD, str(path), str(minimum_period.to_value(u.day)), str(CORES)]
    with subprocess.Popen(arguments) as child:
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
    survived = len(content(path)["periods", "psid"])
    subprocess.run(arguments, check=True)
    return survived


def main():
    """Exit code: 1 if an aim is missed and the aims are to be checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--frequencies", type=int, default=6000, help="of each light curve that both compute")
    parser.add_argument("--minimum-period", type=float, default=60.0, help="minutes; 5 is ZVAR's own [%(default)s]")
    options = parser.parse_args()
    data = Path(os.environ.get("ALERCE_ZVAR_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (data / "ztf_vsx").is_dir():
        print(f"no light curves in {data}; set ALERCE_ZVAR_REAL_DATA")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        missed = report(Path(folder), data, options)
    if missed:
        print(f"aims missed: {', '.join(missed)}")
    return 1 if missed and options.check else 0


def report(folder, data, options):
    """Print the figures; names of those that miss their aims."""
    shortest = options.minimum_period * u.min
    whole, cut = folder / "whole.duckdb", folder / "cut.duckdb"
    build(whole, data)
    cut.write_bytes(whole.read_bytes())
    curves = list(light_curves(whole, shortest))
    steps = sum(len(time_) * grid.number for time_, _, _, grid in curves)
    jobs = list(stretches(curves, options.frequencies))
    print(f"{len(curves)} light curves, {steps / 1e9:.1f} billion points times frequencies")
    difference, share = largest_difference(jobs)
    mine, peers = speeds(jobs, options.repeats)
    duration = compute(whole, shortest)
    survived = killed_and_resumed(cut, shortest, 2 + duration / 2)
    figures = {
        "numbers of fpwperiodic that are not NaN": (f"{share:.1%}", "", True),
        "largest relative difference of the statistic": (f"{difference:.1e}", "at most 1e-9", difference <= 1e-9),
        "ns per point and frequency, 5, 10 and 20 bins, two threads": (f"{1e9 * mine:.3f}", "", True),
        "the same by fpwperiodic, two processes": (f"{1e9 * peers:.3f}", "", True),
        "statistic, times as fast": ratio(peers / mine),
        "compute_periods": (f"{duration:.1f} s, {1e9 * duration / steps:.3f} ns", "", True),
        "compute_periods, times as fast": ratio(peers * steps / duration),
        "rows stored when it was killed": (f"{survived}", "some", survived > 0),
        "after a second run as if not interrupted": agreement(content(cut) == content(whole)),
    }
    for name, (value, aim, _) in figures.items():
        print(f"{name}: {value}" + (f" (aim: {aim})" if aim else ""))
    return [name for name, (_, _, met) in figures.items() if not met]


def speeds(jobs, repeats):
    """Seconds per point and frequency on two cores: ours in threads; theirs holds Python's lock, so in processes."""
    steps = sum(len(job[0]) * len(job[3]) for job in jobs)
    with ThreadPoolExecutor(CORES) as threads, ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as processes:
        rounds = [(seconds(threads, ours, jobs), seconds(processes, compute_theirs, jobs)) for _ in range(repeats + 1)]
    mine, peers = zip(*rounds[1:], strict=True)  # in the first one processes start
    return min(mine) / steps, min(peers) / steps


def seconds(pool, function, jobs):
    """Wall time of all jobs."""
    begin = time.perf_counter()
    list(pool.map(function, jobs, chunksize=4))
    return time.perf_counter() - begin


def ratio(value):
    """Value, aim and whether it is met."""
    return f"{value:.1f}", f"at least {FASTER}", value >= FASTER


def agreement(value):
    """Value, aim and whether it is met."""
    return f"{value}", "True", value


if __name__ == "__main__":
    sys.exit(main())
