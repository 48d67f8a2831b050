"""The explorer's page of 100 light curves in a headless Chromium: its size, when it is ready, how fast it changes.

``python benchmarks/explorer.py`` prints; with ``--check`` it exits with 1 where an aim is missed. Needs the extras
``plot`` and ``test``, and Debian's packages ``chromium`` and ``chromium-driver``. The peer is plotly.py's own page of
one such light curve, which neither folds nor changes.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.time import Time
from astropy.timeseries import TimeSeries
from plotly import graph_objects
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from alerce_zvar import periodogram
from alerce_zvar.plot import write_html

OBJECTS, EPOCHS, TIMES = 100, 1000, 21
SIZE, READY, CHANGE = 15.0, 2.0, 50.0  # MB, s, ms: aims
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1000")
# From the start of the navigation until the page says that it is ready.
WHEN_READY = """const done = arguments[0], there = "[data-ready], .js-plotly-plot .main-svg";
const look = () => (document.querySelector(there) ? done(performance.now()) : setTimeout(look, 5));
look();"""
# Milliseconds from a changed period until the page is laid out anew.
CHANGES = """return Array.from({ length: arguments[0] }, (_, i) => {
  const start = performance.now();
  explorer.set({ period: 0.3 + 0.01 * i });
  document.body.getBoundingClientRect();
  return performance.now() - start;
});"""


def light_curve(number):
    """1,000 epochs in two bands, as ZVAR gives them: float32."""
    rng = np.random.default_rng(number)
    days = np.sort(rng.uniform(58200, 59900, EPOCHS))
    curve = TimeSeries(time=Time(days, format="mjd", scale="tdb"))
    curve["band"] = rng.choice(["g", "r"], EPOCHS)
    wave = 0.3 * np.cos(2 * np.pi * days / (0.2 + 0.01 * number))
    curve["mag"] = (17 + wave + rng.normal(0, 0.02, EPOCHS)).astype("f4") * u.mag
    curve["mag_err"] = np.full(EPOCHS, 0.02, "f4") * u.mag
    curve.meta["id"] = f"{145120008365555200 + number}"
    return curve


def write_peer(path, curve):
    """plotly.py's page of one light curve."""
    figure = graph_objects.Figure()
    for band in ("g", "r"):
        own = curve[curve["band"] == band]
        error = {"array": own["mag_err"].value}
        figure.add_scatter(x=own["time"].mjd, y=own["mag"].value, error_y=error, mode="markers", name=band)
    figure.write_html(path, include_plotlyjs=True)


def measure(folder):
    """Seconds until our page and the peer's are ready, in turn; milliseconds for a change; size in MB."""
    curves = [light_curve(number) for number in range(OBJECTS)]
    scans = [periodogram(curve, minimum_period=0.1 * u.day, maximum_period=10 * u.day) for curve in curves]
    ours, theirs = folder / "ours.html", folder / "theirs.html"
    write_html(ours, curves, 0.5 * u.day, periodogram=scans)
    write_peer(theirs, curves[0])
    options = webdriver.ChromeOptions()
    for option in (*OPTIONS, f"--user-data-dir={folder / 'chromium'}"):
        options.add_argument(option)
    ready, changes = {ours: [], theirs: []}, []
    with webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver")) as driver:
        for _ in range(3):
            for page, times in ready.items():
                driver.get(page.as_uri())
                times.append(driver.execute_async_script(WHEN_READY) / 1000)
        driver.get(ours.as_uri())
        WebDriverWait(driver, 30).until(lambda one: one.execute_script("return globalThis.explorer !== undefined"))
        changes = driver.execute_script(CHANGES, TIMES)
    return ours.stat().st_size / 1e6, min(ready[ours]), min(ready[theirs]), statistics.median(changes)


def main():
    """Measure, print, and with ``--check`` judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 where an aim is missed")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        size, ready, peer, change = measure(Path(folder))
    print(f"size of {OBJECTS} light curves of {EPOCHS} epochs with periodograms: {size:.1f} MB (aim: < {SIZE:g})")
    print(f"ready: {ready:.2f} s (aim: < {READY:g}); plotly.py's page of one light curve: {peer:.2f} s")
    print(f"change of the period: {change:.0f} ms (aim: < {CHANGE:g})")
    return int(check and not (size < SIZE and ready < READY and change < CHANGE))


if __name__ == "__main__":
    sys.exit(main())
