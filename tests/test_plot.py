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
    assert list(drawn(ax)) == [to_rgb(style.band_styles([""])[""].color)]
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


def test_periodogram_marks_its_own_curve(light_curve):
    result = find_period(light_curve, minimum_period=0.3 * u.day, maximum_period=2 * u.day)
    curve, _, mark = plot_periodogram(result).lines
    (period,), (power,) = mark.get_data()
    assert period == pytest.approx(result.period.value)
    periods, powers = curve.get_data()
    assert power == powers[np.argmin(np.abs(periods - period))] == result.power_grid.max()


@pytest.mark.parametrize(
    ("shortest", "longest"), [(0.56, 0.58), (0.569, 0.575), (0.3, 2.0), (0.05, 1.0), (0.05, 200.0)]
)
def test_periodogram_has_plain_ticks(light_curve, shortest, longest):
    ax = plot_periodogram(find_period(light_curve, minimum_period=shortest * u.day, maximum_period=longest * u.day))
    ax.figure.canvas.draw()
    ticks = [text.get_text() for text in ax.get_xticklabels(which="both") if text.get_text()]
    assert len([float(tick) for tick in ticks if shortest <= float(tick) <= longest]) >= 3
    assert ax.xaxis.get_offset_text().get_text() == ""


def test_light_curve_ticks_are_whole_dates(light_curve):
    ax = plot_lightcurve(light_curve[:5])
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    assert all(low - 10 < float(text.get_text()) < high + 10 for text in ax.get_xticklabels())
    assert ax.xaxis.get_offset_text().get_text() == ""


def test_bands_differ_in_colour_and_marker():
    assert list(style.BANDS) == list("ugrizy")
    assert len({s.color for s in style.BANDS.values()}) == len({s.marker for s in style.BANDS.values()}) == 6
    names = ["w", "o", "c", "V", "", "g"]
    styles = style.band_styles(names)
    assert len({styles[name] for name in names}) == 6
    assert styles == style.band_styles(reversed(names))


def test_masked_times_are_not_drawn(light_curve):
    light_curve["time"][[0, 1, 2]] = np.ma.masked  # of which the first is a limit
    assert sum(map(len, drawn(plot_folded(light_curve, PERIOD * u.day, cycles=1)).values())) == 78
    assert sum(map(len, drawn(plot_folded(light_curve, PERIOD * u.day, cycles=1, bins=3)).values())) == 78 + 6
    ax = plot_lightcurve(light_curve)
    assert sum(map(len, drawn(ax).values())) == 78
    assert sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() == style.LIMIT_MARKER) == 9


def test_masked_band_is_drawn_without_name(light_curve):
    names = np.where(np.arange(90) == 1, "hidden", light_curve["band"])
    light_curve["band"] = Masked(names, mask=names == "hidden")
    nameless = to_rgb(style.band_styles([""])[""].color)
    for ax in (plot_lightcurve(light_curve), plot_folded(light_curve, PERIOD * u.day, cycles=1)):
        assert len(drawn(ax)[nameless]) == 1
        assert "hidden" not in [text.get_text() for text in ax.get_legend().get_texts()]
    assert plot_folded(light_curve, PERIOD * u.day, bins=3).get_legend() is not None


@pytest.mark.parametrize("bins", [None, 4])
def test_an_empty_light_curve_is_an_empty_figure(light_curve, bins):
    assert sum(map(len, drawn(plot_folded(light_curve[:0], PERIOD * u.day, bins=bins)).values())) == 0
    assert sum(map(len, drawn(plot_lightcurve(light_curve[:0])).values())) == 0


def test_errors_and_limits_are_in_the_unit_of_the_values(light_curve):
    light_curve["mag_err"] = light_curve["mag_err"].to(u.mmag)
    light_curve["limiting_mag"] = light_curve["limiting_mag"].to(u.mmag)
    ax = plot_lightcurve(light_curve)
    for container in ax.containers:
        (bars,) = container[2]
        assert_allclose([np.ptp(segment[:, 1]) for segment in bars.get_segments()], 0.04)
    limits = [line for line in ax.lines if line.get_marker() == style.LIMIT_MARKER]
    assert_allclose(np.concatenate([line.get_ydata() for line in limits]), 20.5)


@pytest.mark.parametrize("bins", [-3, 1001, 2.5, True])
def test_bins_are_checked(light_curve, bins):
    with pytest.raises(ValueError, match="bins must be a whole number from 0 to 1000"):
        plot_folded(light_curve, PERIOD * u.day, bins=bins)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("plot", [plot_lightcurve, lambda c: plot_folded(c, PERIOD * u.day)])
def test_what_is_no_light_curve_is_named(plot):
    with pytest.raises(TypeError, match=r"light_curve must be a table with a column 'time'.*not NoneType"):
        plot(None)


def test_what_is_no_result_is_named():
    with pytest.raises(TypeError, match=r"result must be a PeriodResult.*not NoneType"):
        plot_periodogram(None)


def test_wrong_arguments(light_curve):
    with pytest.raises(u.UnitsError, match="period must be a Quantity"):
        plot_folded(light_curve, 0.5)
    with pytest.raises(u.UnitsError, match="period must be a Quantity"):
        plot_folded(light_curve, None)
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
