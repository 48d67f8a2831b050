"""Stars for the page on periods, of known kind and period, and what the period search says of them."""

from functools import cache, partial

import numpy as np
from astropy import units as u
from astropy.time import Time
from astropy.timeseries import TimeSeries
from matplotlib import pyplot as plt

from alerce_zvar import find_period
from alerce_zvar.plot import plot_folded
from alerce_zvar.sample.shapes import eclipses, pulsation

_SPAN, _NOISE = 300, 0.02  # days; magnitudes
_SIZE = (7.2, 5.0)


def _sine(phase):
    return 0.5 * np.sin(2 * np.pi * phase)


_STARS = {  # shape, period [d], full amplitude in r [mag], and that in g over that in r
    "detached": (partial(eclipses, width=0.03, secondary=0.75, ellipticity=0.05), 1.2345, 0.5, 1.0),
    "contact": (partial(eclipses, width=0.08, secondary=0.98, ellipticity=0.3), 0.3456, 0.5, 1.0),
    "RRc": (partial(pulsation, "RRc"), 0.3127, 0.4, 1.35),
    "pulsating": (_sine, 0.5713, 0.3, 1.3),
    "constant": (np.zeros_like, 1.0, 0.0, 1.0),
}


@cache
def star(name):
    """Light curve in g and r of a few hundred nights, some hours each, and its true period."""
    shape, period, size, ratio = _STARS[name]
    rng = np.random.default_rng(1)
    days = np.sort(rng.choice(_SPAN, 300) + 0.3 + 0.1 * rng.normal(size=300))
    band = rng.choice(["g", "r"], 300)
    mag = 17 + 0.3 * (band == "g") + size * np.where(band == "g", ratio, 1) * shape(days / period)
    mag += _NOISE * rng.normal(size=300)
    data = {"band": band, "mag": mag * u.mag, "mag_err": np.full(300, _NOISE) * u.mag}
    return TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data), period * u.day


@cache
def search(name, **how):
    """What `find_period` says of a star between 0.14 and 5 days."""
    return find_period(star(name)[0], minimum_period=0.14 * u.day, maximum_period=5 * u.day, **how)


def half_period():
    """An eclipsing binary: its Lomb-Scargle periodogram, and folded at half of the period and at the period."""
    curve, period = star("detached")
    fig, (top, below) = _grid()
    _periodogram(top, search("detached", method="lombscargle"), {"P/2": 2 / period, "P": 1 / period})
    _folded(below[0], curve, period / 2, "P/2: two eclipses of unlike depth on one another")
    _folded(below[1], curve, search("detached").period, "P, as found: each has its place")
    return fig


def contact():
    """A contact binary at half of its period beside an RR Lyrae star of type c, and at the period found."""
    fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.2), layout="constrained", sharey=True)
    curve, period = star("contact")
    _folded(axes[0], curve, period / 2, "contact binary, P/2")
    _folded(axes[1], curve, search("contact").period, "contact binary, P as found")
    _folded(axes[2], star("RRc")[0], search("RRc").period, "RR Lyrae of type c, P as found")
    return fig


def alias():
    """A star seen by night: its periodogram with the daily aliases, and folded at one of them and at the period."""
    curve, period = star("pulsating")
    true = 1 / period
    marks = {"f": true, "f + 1/d": true + 1 / u.day, "f - 1/d": true - 1 / u.day, "2/d - f": 2 / u.day - true}
    fig, (top, below) = _grid()
    _periodogram(top, search("pulsating", method="lombscargle"), marks)
    _folded(below[0], curve, 1 / marks["f - 1/d"], "alias: f - 1/d")
    _folded(below[1], curve, search("pulsating").period, "f, as found")
    return fig


def noise():
    """A constant star: the highest of many chance peaks, and the light curve folded there."""
    result = search("constant")
    fig, (top, below) = _grid()
    _periodogram(top, result, {"best": result.frequency})
    _folded(below[0], star("constant")[0], result.period, f"the best period: {result.shape}")
    below[1].set_axis_off()
    words = f"believed: {result.believed}\nnoise_probability: {result.noise_probability:.2g}"
    below[1].text(0.1, 0.5, words, transform=below[1].transAxes, fontsize=11)
    return fig


def _grid():
    fig = plt.figure(figsize=_SIZE, layout="constrained")
    cells = fig.add_gridspec(2, 2)
    return fig, (fig.add_subplot(cells[0, :]), [fig.add_subplot(cells[1, 0]), fig.add_subplot(cells[1, 1])])


def _periodogram(ax, result, marks):
    ax.plot(result.frequency_grid.value, result.power_grid, lw=0.6)
    top = result.power_grid.max()
    for name, frequency in marks.items():
        ax.annotate(name, (frequency.to_value(1 / u.day), 1.04 * top), ha="center", fontsize=9)
        ax.axvline(frequency.to_value(1 / u.day), ymax=0.86, color="grey", lw=0.8, ls=":", zorder=0)
    ax.set(xlim=(0, 5), ylim=(0, 1.2 * top), xlabel="Frequency [1/d]", ylabel="Power (Lomb-Scargle)")


def _folded(ax, curve, period, title):
    levelled = curve.copy()
    for band in ("g", "r"):
        inside = curve["band"] == band
        levelled["mag"][inside] -= np.median(curve["mag"][inside]) - 17 * u.mag
    plot_folded(levelled, period, ax=ax)
    if not ax.get_subplotspec().is_last_col():
        ax.get_legend().remove()
    ax.set_title(title, fontsize=9)
