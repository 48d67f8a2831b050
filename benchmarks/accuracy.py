"""How many periods of real stars are found, blind: one call with the same options for all, and no use of the truth.

::

    python benchmarks/accuracy.py [--check] [--shuffles 1000] [--peers]

The stars are those of the real-data folder (environment variable ALERCE_ZVAR_REAL_DATA, or ../shared/data): 24 detached
binaries, 121 RR Lyrae, 2 white dwarfs and 5 binaries with published periods, and 5 constant white dwarfs. A period is
right where its frequency is within 2 / (time span) of the published one.
"""

import argparse
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.time import Time
from astropy.timeseries import LombScargle, LombScargleMultiband, TimeSeries

from alerce_zvar.period import find_period, find_periods, fpw, periodogram

AIMS = {"ztf_vsx": 21, "rrlyrae_s82": 118, "ztf_wd": 2, "alerce_lightcurves": 4}
BAD_EPOCH = 32768  # bit of catflags
SHORTEST, LONGEST = 0.05, 100.0  # days, of the peers, which would take hours on the whole range


def main():
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--shuffles", type=int, default=0, help="light curves in random order to search, such as 1000")
    parser.add_argument("--peers", action="store_true", help="the same table for other methods; takes long")
    arguments = parser.parse_args()
    stars = list(all_stars(data_folder()))
    met = accuracy(stars)
    met &= constants(stars)
    if arguments.shuffles:
        met &= shuffled(stars, arguments.shuffles)
    if arguments.peers:
        peers(stars)
    sys.exit(1 if arguments.check and not met else 0)


def accuracy(stars):
    """Search all stars with a published period; whether the aims are met."""
    right, seconds = dict.fromkeys(AIMS, 0), []
    print(f"{'set':20s}{'star':22s}{'published':>12s}{'found':>14s}  verdict")
    for family, name, light_curve, truth in stars:
        if truth is None:
            continue
        began = time.perf_counter()
        result = find_period(light_curve)
        seconds.append(time.perf_counter() - began)
        found, good = result.period.value, is_right(result.period.value, truth, light_curve)
        right[family] += good
        print(
            f"{family:20s}{name:22s}{truth:12.7g}{found:14.8g}  {'right' if good else 'WRONG'}"
            f"{'' if result.believed else ', not believed'}, {result.shape}: {result.reason}"
        )
    numbers = {family: sum(star[0] == family and star[3] is not None for star in stars) for family in AIMS}
    for family, aim in AIMS.items():
        print(f"{family}: {right[family]} of {numbers[family]} (aim: at least {aim})")
    print(f"time per star: {np.median(seconds):.2f} s (aim: none, for information)")
    return all(right[family] >= aim for family, aim in AIMS.items())


def constants(stars):
    """Search the constant stars; whether no period is believed."""
    results = [find_period(light_curve) for _, _, light_curve, truth in stars if truth is None]
    for result in results:
        print(f"constant star: {result}")
    believed = sum(result.believed for result in results)
    print(f"constant stars with a period that is believed: {believed} of {len(results)} (aim: 0)")
    return believed == 0


def shuffled(stars, number):
    """Search light curves whose values are in random order; whether at most 1 % of the periods are believed."""
    rng = np.random.default_rng(20261121)
    drawn = (stars[rng.integers(len(stars))] for _ in range(number))
    mixed = (shuffle(light_curve, rng) for _, _, light_curve, _ in drawn)
    found = find_periods(mixed, progress=lambda done: print(f"  {done} of {number}", end="\r", file=sys.stderr))
    failed, believed = np.sum(found["error"] != ""), np.sum(np.ma.filled(found["believed"], False))
    for row in found[np.ma.filled(found["believed"], False)]:
        print(f"shuffled and believed: {row['period']:.6f}, {row['reason']}")
    print(f"shuffled light curves that could not be searched: {failed} of {number} (aim: 0)")
    print(f"shuffled light curves with a period that is believed: {believed / number:.2%} (aim: at most 1 %)")
    return failed == 0 and believed <= 0.01 * number


def shuffle(light_curve, rng):
    """The light curve with values and errors in random order within each field and band."""
    mixed = light_curve.copy()
    _, group = np.unique(
        [light_curve["field"].astype(str), light_curve["band"].astype(str)], axis=1, return_inverse=True
    )
    for number in range(group.max() + 1):
        rows = np.flatnonzero(group == number)
        order = rng.permutation(rows)
        for name in ("mag", "mag_err"):
            mixed[name][rows] = light_curve[name][order]
    return mixed


def peers(stars):
    """Exact periods by other methods alone, on 0.05 to 100 days."""
    methods = {
        "astropy LombScargle, 1 harmonic": _lombscargle,
        "astropy LombScargleMultiband": _multiband,
        "box least squares": lambda curve: periodogram(curve, method="bls", **_RANGE).best_period.value,
        "FPW, 10 bins": lambda curve: fpw(curve, n_bins=10, **_RANGE).period[0].to_value(u.day),
    }
    for name, method in methods.items():
        right = dict.fromkeys(AIMS, 0)
        for family, _, light_curve, truth in stars:
            if truth is not None:
                right[family] += is_right(method(light_curve), truth, light_curve)
        print(f"{name}: " + ", ".join(f"{family} {count}" for family, count in right.items()), flush=True)


_RANGE = {"minimum_period": SHORTEST * u.day, "maximum_period": LONGEST * u.day}


def _frequencies(light_curve):
    span = np.ptp(light_curve["time"].mjd)
    return np.arange(1 / min(LONGEST, span / 2), 1 / SHORTEST, 1 / (5 * span))


def _lombscargle(light_curve):
    frequency = _frequencies(light_curve)
    values = light_curve["mag"].value.copy()
    for band in np.unique(light_curve["band"]):
        values[light_curve["band"] == band] -= np.median(values[light_curve["band"] == band])
    power = LombScargle(light_curve["time"].mjd, values, light_curve["mag_err"].value).power(
        frequency, assume_regular_frequency=True
    )
    return 1 / frequency[np.argmax(power)]


def _multiband(light_curve):
    frequency = _frequencies(light_curve)
    model = LombScargleMultiband(
        light_curve["time"].mjd, light_curve["mag"].value, np.asarray(light_curve["band"]), light_curve["mag_err"].value
    )
    return 1 / frequency[np.argmax(model.power(frequency, method="fast"))]


def is_right(period, truth, light_curve):
    """Whether the frequency is within 2 / (time span) of the published one."""
    return abs(1 / period - 1 / truth) < 2 / np.ptp(light_curve["time"].mjd)


def data_folder():
    """Folder of the real data; ends the script where there is none."""
    folder = Path(os.environ.get("ALERCE_ZVAR_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        sys.exit(f"{folder} is no folder: set ALERCE_ZVAR_REAL_DATA to that of the real data")
    return folder


def all_stars(folder):
    """Set, name, light curve and published period of each star; None for a constant one."""
    truth = pd.read_csv(folder / "ztf_vsx" / "truth.csv")
    for row in truth.itertuples():
        paths = sorted((folder / "ztf_vsx" / "lightcurves").glob(f"{row.file_prefix}-z*.csv.gz"))
        yield "ztf_vsx", row.file_prefix, irsa(paths), float(row.period_d)
    for row in pd.read_csv(folder / "ztf_wd" / "truth.csv").itertuples():
        published = None if np.isnan(row.period_d) else float(row.period_d)
        constant = str(row.paper_variable) == "False"
        light_curve = irsa([folder / "ztf_wd" / "lightcurves" / f"{row.source_id}.csv.gz"])
        if (published or constant) and len(light_curve):
            yield "ztf_wd", str(row.source_id), light_curve, published
    epochs = pd.read_parquet(folder / "rrlyrae_s82" / "lightcurves.parquet")
    for row in pd.read_csv(folder / "rrlyrae_s82" / "truth.csv").itertuples():
        star = epochs[epochs["id"] == row.id]
        columns = (star[name].to_numpy() for name in ("time", "mag", "magerr", "band"))
        yield "rrlyrae_s82", str(row.id), curve(*columns, field=1), float(row.period_d)
    detections = pd.read_parquet(folder / "alerce_lightcurves" / "detections.parquet")
    for row in pd.read_csv(folder / "alerce_lightcurves" / "truth_crts.csv").itertuples():
        star = detections.loc[row.object]
        star = star[star["corrected"].astype(bool) & (star["magpsf_corr"] < 90)]
        error = np.where(star["sigmapsf_corr"] < 99, star["sigmapsf_corr"], star["sigmapsf_corr_ext"])
        band = star["fid"].map({1: "g", 2: "r", 3: "i"}).to_numpy(dtype=str)
        light_curve = curve(star["mjd"], star["magpsf_corr"], error, band, field=star["field"].to_numpy())
        yield "alerce_lightcurves", row.object, light_curve, float(row.P_pub)


def irsa(paths):
    """Good epochs of IRSA files; the object ids stand as fields."""
    rows = pd.concat([pd.read_csv(path) for path in paths])
    rows = rows[(rows["catflags"].astype(int) & BAD_EPOCH) == 0]
    band = rows["filtercode"].astype(str).str[1].to_numpy(dtype=str)
    return curve(rows["hjd"] - 2400000.5, rows["mag"], rows["magerr"], band, field=rows["oid"].to_numpy())


def curve(mjd, mag, error, band, *, field):
    """TimeSeries of columns; `field` one number or one per row."""
    data = {
        "mag": np.asarray(mag, dtype=float) * u.mag,
        "mag_err": np.asarray(error, dtype=float) * u.mag,
        "band": np.asarray(band, dtype=str),
        "field": np.broadcast_to(field, len(mag)).astype(str),
    }
    return TimeSeries(time=Time(np.asarray(mjd, dtype=float), format="mjd", scale="utc"), data=data)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
