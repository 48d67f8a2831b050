"""Figures: what is drawn, not how it looks."""

import builtins

import matplotlib.pyplot as plt
import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from matplotlib.colors import to_rgb
from matplotlib.container import ErrorbarContainer
from numpy.testing import assert_allclose

from alerce_zvar.errors import MissingExtraError
from alerce_zvar.period import find_period
from alerce_zvar.plot import plot_folded, plot_lightcurve, plot_periodogram, style

PERIOD = 0.5713
HIDDEN = slice(0, 30, 3)


@pytest.fixture
def light_curve():
    """90 points in g and r; ten of them non-detections with 99 under the mask."""
    rng = np.random.default_rng(0)
    days = np.sort(rng.uniform(0, 300, 90))
    mask = np.zeros(90, dtype=bool)
    mask[HIDDEN] = True
    mag = np.where(mask, 99.0, 17 + 0.3 * np.sin(2 * np.pi * days / PERIOD)) * u.mag
    error = np.where(mask, np.nan, 0.02) * u.mag
    curve = TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"))
    curve["band"] = np.where(np.arange(90) % 2, "g", "r")
    curve["mag"], curve["mag_err"] = Masked(mag, mask=mask), error
    curve["limiting_mag"] = np.where(mask, 20.5, np.nan) * u.mag
    curve["flux"], curve["flux_err"] = np.arange(90.0) * u.DN, np.ones(90) * u.DN
    curve.meta["id"] = "145120008365555264"
    return curve


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def drawn(ax):
    """(x, y) of all points with error bars, by colour."""
    points = {}
    for container in ax.containers:
        assert isinstance(container, ErrorbarContainer)
        line = container[0]
        points.setdefault(to_rgb(line.get_color()), []).append(line.get_xydata())
    return {color: np.concatenate(parts) for color, parts in points.items()}


def colour(band):
    return to_rgb(style.BANDS[band].color)


def test_folded_shows_two_cycles_of_every_usable_point(light_curve):
    epoch = Time(58010.0, format="mjd", scale="tdb")
    ax = plot_folded(light_curve, PERIOD * u.day, epoch_time=epoch)
    points = drawn(ax)
    assert set(points) == {colour("g"), colour("r")}
    seen = ~light_curve["mag"].mask
    for band in "gr":
        rows = seen & (light_curve["band"] == band)
        assert len(points[colour(band)]) == 2 * rows.sum()
        phase = ((light_curve["time"].mjd - 58010.0) / PERIOD % 1)[rows]
        expected = np.sort(np.concatenate([phase, phase + 1]))
        assert_allclose(np.sort(points[colour(band)][:, 0]), expected, atol=1e-7)
    assert max(xy[:, 1].max() for xy in points.values()) < 18  # the 99 under the mask is not drawn
    assert ax.get_xlim() == (0, 2)


def test_folded_says_period_epoch_units_and_bands(light_curve):
    ax = plot_folded(light_curve, PERIOD * u.day, epoch_time=Time(58010.0, format="mjd", scale="tdb"))
    assert ax.yaxis_inverted()
    assert ax.get_title() == "145120008365555264\nP = 0.5713 d, epoch 58010.00000 MJD (TDB)"
    assert ax.get_xlabel() == "Phase [cycles]"
    assert ax.get_ylabel() == "Magnitude [mag]"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["g", "r"]


def test_folded_on_a_result(light_curve):
    result = find_period(light_curve, minimum_period=0.3 * u.day, maximum_period=2 * u.day)
    ax = plot_folded(light_curve, result, title="star")
    name, rest = ax.get_title().split("\n")
    assert name == "star"
    assert rest.startswith("P = 0.571")
    assert "±" in rest
    assert f"epoch {result.epoch_time.mjd:.5f} MJD (TDB)" in rest
    brightest = min(np.concatenate(list(drawn(ax).values())), key=lambda xy: xy[1])
    assert min(brightest[0] % 1, 1 - brightest[0] % 1) < 0.06


def test_folded_flux_is_not_turned_over(light_curve):
    ax = plot_folded(light_curve, PERIOD * u.day, column="flux")
    assert not ax.yaxis_inverted()
    assert ax.get_ylabel() == "Flux [DN]"
    assert sum(map(len, drawn(ax).values())) == 180


def test_folded_with_bins_adds_their_means(light_curve):
    ax = plot_folded(light_curve, PERIOD * u.day, bins=5, cycles=1)
    assert sum(map(len, drawn(ax).values())) == 80 + 10  # points, and five bins in two bands
    assert ax.get_xlim() == (0, 1)


@pytest.mark.parametrize(
    "plot", [lambda c, ax: plot_folded(c, PERIOD * u.day, ax=ax), lambda c, ax: plot_lightcurve(c, ax=ax)]
)
def test_given_axes_are_used_and_stay_inverted(light_curve, plot):
    given = plt.subplots()[1]
    assert plot(light_curve, given) is given
    assert plot(light_curve, given).yaxis_inverted()
    assert len(plt.get_fignums()) == 1


def test_light_curve_shows_limits_as_triangles(light_curve):
    ax = plot_lightcurve(light_curve)
    assert sum(map(len, drawn(ax).values())) == 80
    limits = [line for line in ax.lines if line.get_marker() == style.LIMIT_MARKER]
    assert sum(len(line.get_xdata()) for line in limits) == 10
    assert {value for line in limits for value in line.get_ydata()} == {20.5}
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "MJD (TDB)"
    assert ax.get_title() == "145120008365555264"
    without = plot_lightcurve(light_curve, upper_limits=False)
    assert not [line for line in without.lines if line.get_marker() == style.LIMIT_MARKER]


def test_light_curve_without_bands_or_errors():
    curve = TimeSeries(time=Time(58000 + np.arange(5.0), format="mjd", scale="utc"), data={"mag": np.ones(5) * u.mag})
    ax = plot_lightcurve(curve)
    assert list(drawn(ax)) == [to_rgb(style.OTHER_BAND.color)]
    assert ax.get_legend() is None
    assert ax.get_xlabel() == "MJD (UTC)"


def test_periodogram_loses_no_peak(light_curve):
    result = find_period(light_curve, minimum_period=0.01 * u.day)
    ax = plot_periodogram(result)
    period, power = ax.lines[0].get_data()
    assert result.n_frequencies > 10 * len(period)
    assert power.max() == result.power_grid.max()
    assert period[np.argmax(power)] == pytest.approx(PERIOD, rel=1e-3)
    assert np.all(np.diff(period) > 0)
    assert ax.get_xscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Period [d]", "Power")
    assert "false-alarm probability" in ax.get_title()


def test_bands_differ_in_colour_and_marker():
    styles = [style.band_style(band) for band in ("g", "r", "i", "z")]
    assert len({s.color for s in styles}) == len({s.marker for s in styles}) == 4


def test_wrong_arguments(light_curve):
    with pytest.raises(u.UnitsError, match="period must be a Quantity"):
        plot_folded(light_curve, 0.5)
    with pytest.raises(ValueError, match="column must be one of"):
        plot_lightcurve(light_curve, column="counts")


def test_missing_matplotlib_is_named(light_curve, monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return real(name, *args, **kwargs)

    monkeypatch.setattr("importlib.import_module", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'alerce_zvar\[plot\]'"):
        plot_lightcurve(light_curve)
