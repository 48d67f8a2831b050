"""`periodogram` and its record, by the front door."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, vstack
from astropy.time import Time
from astropy.timeseries import TimeSeries
from numpy.testing import assert_allclose, assert_array_equal

import alerce_zvar
from alerce_zvar import find_period, periodogram
from alerce_zvar.errors import MissingExtraError
from alerce_zvar.period import Method, Periodogram, methods, register_method

DAY = 1 * u.day
RANGE = {"minimum_period": 0.4 * DAY, "maximum_period": 4 * DAY}


def curve(n=200, period=0.5713, second=None, seed=0, kind="f8", span=300.0):
    """A wave, and a smaller second one."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0, span, n))
    mag = 17 + 0.3 * np.sin(2 * np.pi * days / period) + 0.02 * rng.normal(size=n)
    if second is not None:
        mag += 0.15 * np.sin(2 * np.pi * days / second)
    data = {"mag": mag.astype(kind) * u.mag, "mag_err": np.full(n, 0.02, kind) * u.mag, "band": np.full(n, "g")}
    return TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data)


@pytest.fixture(scope="module")
def found():
    return periodogram(curve(second=1.7321), **RANGE)


def test_the_record_holds_every_choice(found):
    assert isinstance(found, Periodogram)
    assert found.method == "lombscargle"
    assert found.options["nterms"] == 1
    assert found.samples_per_peak == 5.0
    assert (found.column, found.bands, found.n_points, found.n_dropped) == ("mag", ("g",), 200, 0)
    assert found.groups == {"band=g": 200}
    assert_allclose(found.minimum_frequency.to_value(1 / u.day), 1 / 4)
    assert_allclose(found.maximum_frequency.to_value(1 / u.day), 1 / 0.4)
    assert_allclose(found.frequency_step.value, 1 / (5 * found.baseline.to_value(u.day)), rtol=1e-2)
    assert found.power.shape == (found.n_frequencies,)
    assert found.power.dtype == float


def test_frequencies_are_made_on_demand(found):
    assert found.frequency.unit == 1 / u.day
    assert_allclose(
        found.frequency.value,
        found.minimum_frequency.value + found.frequency_step.value * np.arange(found.n_frequencies),
    )
    assert found.frequency is not found.frequency
    assert len(pickle.dumps(found)) < 8 * found.n_frequencies + 20_000  # power, and the observations


def test_the_best_period_is_the_highest_power(found):
    top = np.argmax(found.power)
    assert found.best_frequency == found.frequency[top]
    assert found.best_period == 1 / found.frequency[top]
    assert_allclose(found.best_period.to_value(u.day), 0.5713, rtol=1e-3)


def test_powers_are_those_of_the_search(found):
    assert_allclose(find_period(curve(second=1.7321), **RANGE).power_grid, found.power, atol=1e-6)


def test_peaks_are_local_maxima_apart(found):
    peaks = found.peaks()
    assert isinstance(peaks, QTable)
    assert peaks.colnames == ["period", "frequency", "power"]
    assert len(peaks) == 10
    assert (peaks["period"].unit, peaks["frequency"].unit) == (u.day, 1 / u.day)
    assert_allclose(peaks["period"][0].value, 0.5713, rtol=1e-3)
    assert np.any(np.abs(peaks["frequency"].value - 1 / 1.7321) < 1 / found.baseline.value)
    assert np.all(np.diff(peaks["power"]) <= 0)
    assert np.min(np.diff(np.sort(peaks["frequency"].value))) >= 1 / found.baseline.value
    index = np.rint((peaks["frequency"] - found.minimum_frequency) / found.frequency_step).astype(int)
    inner = index[(index > 0) & (index < found.n_frequencies - 1)]
    assert np.all((found.power[inner] >= found.power[inner - 1]) & (found.power[inner] >= found.power[inner + 1]))


def test_peaks_are_all_there_are_by_the_slow_way(found):
    """Local maxima by falling power; each one too near to a higher one is left out."""
    power, frequency = found.power, found.frequency.value
    maxima = [i for i in range(1, len(power) - 1) if power[i] >= max(power[i - 1], power[i + 1])]
    maxima += [0] * int(power[0] >= power[1]) + [len(power) - 1] * int(power[-1] >= power[-2])
    taken = []
    for i in sorted(maxima, key=lambda i: -power[i]):
        if all(abs(frequency[i] - frequency[j]) >= 1 / found.baseline.value for j in taken):
            taken.append(i)
    every = found.peaks(10_000)
    assert_array_equal(every["power"], power[taken])
    assert len(found.peaks(3)) == 3


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "all"])
def test_the_number_of_peaks_is_checked(found, n):
    with pytest.raises(ValueError, match=f"n must be a positive whole number, not {n!r}"):
        found.peaks(n)


def test_the_table_is_the_whole(found, tmp_path):
    table = found.to_table()
    assert table.colnames == ["period", "frequency", "power"]
    assert_array_equal(table["power"], found.power)
    assert_allclose((table["period"] * table["frequency"]).value, 1.0)
    assert table.meta["method"] == "lombscargle"
    assert table.meta["options"]["nterms"] == 1
    table.write(tmp_path / "power.ecsv")
    again = QTable.read(tmp_path / "power.ecsv")
    assert_array_equal(again["power"], found.power)
    assert again.meta["options"] == table.meta["options"]


def test_blocks_are_the_whole_in_pieces():
    found = periodogram(curve(), method="aov", minimum_period=0.02 * DAY)
    pieces = list(found.blocks())
    assert len(pieces) > 1
    assert_array_equal(np.concatenate([power for _, power in pieces]), found.power)
    assert_allclose(np.concatenate([frequency.value for frequency, _ in pieces]), found.frequency.value)


def test_it_copies_and_pickles_and_is_frozen(found):
    for again in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found)):
        assert_array_equal(again.power, found.power)
        assert again.best_period == found.best_period
        assert again.series.start == found.series.start
        assert repr(again) == repr(found)
    with pytest.raises(AttributeError):
        found.method = "aov"


def test_repr_is_short(found):
    assert repr(found).startswith("<Periodogram by lombscargle, power: highest 0.")
    assert " d; mag of 200 points in 1 groups (g), " in repr(found)
    assert len(repr(found)) < 250


def test_fluxes_float32_bands_and_bad_rows():
    table = vstack([QTable(curve(kind="f4")), QTable(curve(seed=1))])
    table["band"][200:] = "r"
    table["mag"][200:] += 2 * u.mag
    table["mag"][5] = np.nan
    light_curve = TimeSeries(table)
    both = periodogram(light_curve, **RANGE)
    assert (both.n_points, both.n_dropped, both.bands) == (399, 1, ("g", "r"))
    assert_allclose(both.best_period.value, 0.5713, rtol=1e-3)
    one = periodogram(light_curve, bands=["r"], **RANGE)
    assert (one.n_points, one.bands) == (200, ("r",))
    light_curve["flux"] = 1e3 * 10 ** (-0.4 * (light_curve["mag"].value - 17)) * u.uJy
    light_curve["flux_err"] = np.full(400, 20.0) * u.uJy
    assert periodogram(light_curve, column="flux", **RANGE).column == "flux"
    exact = periodogram(curve(), **RANGE).power
    assert_allclose(periodogram(curve(kind="f4"), **RANGE).power, exact, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"minimum_period": 0.4}, u.UnitsError, "minimum_period must be a Quantity"),
        ({"maximum_period": 4 * u.m}, u.UnitsError, "maximum_period must have a unit of time"),
        ({"minimum_period": 5 * DAY}, ValueError, "must be shorter"),
        ({"samples_per_peak": 0.5}, ValueError, "samples_per_peak must be"),
        ({"column": "flux"}, ValueError, "column must be one of"),
        ({"bands": "g"}, ValueError, "bands must be a list"),
        ({"bands": ["u"]}, ValueError, "bands must be a list"),
        ({"workers": 0}, ValueError, "workers must be a positive whole number, not 0"),
        ({"method": "fourier"}, ValueError, "method must be one of lombscargle, multiband"),
        ({"n_bins": 5}, ValueError, "method 'lombscargle' has no option 'n_bins'; it has nterms"),
        (
            {"minimum_period": 1 * u.s, "samples_per_peak": 10},
            ValueError,
            "would have 2577[0-9]* frequencies, more than 1000",
        ),
    ],
)
def test_unusable_parameters_are_named(options, error, words):
    with pytest.raises(error, match=words):
        periodogram(curve(span=300.0), **RANGE | options)


def test_what_is_no_light_curve():
    with pytest.raises(TypeError, match="light_curve must be one light curve"):
        periodogram([1, 2, 3])


def test_memory_is_the_power_and_some_blocks():
    light_curve = curve()
    periodogram(light_curve, method="conditional_entropy", **RANGE)
    tracemalloc.start()
    found = periodogram(light_curve, method="conditional_entropy", minimum_period=0.004 * DAY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.n_frequencies > 370_000
    assert peak < 8 * found.n_frequencies + 30_000_000


def test_the_door_is_at_the_top():
    assert alerce_zvar.periodogram is periodogram
    assert "periodogram" in alerce_zvar.__all__


# --- figures --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_it_draws_itself(found, pyplot):
    from alerce_zvar.plot import plot_periodogram

    ax = found.plot()
    drawn, _, mark = ax.lines
    assert_allclose(mark.get_xydata()[0], [found.best_period.value, found.power.max()])
    assert_allclose(drawn.get_ydata().max(), found.power.max())
    assert ax.get_title() == ", ".join(
        ["lombscargle", *(f"{name}={value}" for name, value in found.options.items() if name != "engine")]
    )
    assert ax.get_ylabel() == "Power"
    mine = pyplot.figure().add_subplot()
    assert found.plot(ax=mine, title="a star") is mine
    assert mine.get_title() == "a star"
    assert_array_equal(plot_periodogram(found).lines[0].get_xydata(), drawn.get_xydata())
    bins = periodogram(curve(), method="pdm", **RANGE).plot()
    assert bins.get_ylabel() == "1 - theta"
    assert bins.get_title() == "pdm, n_bins=10, n_covers=3"


@pytest.mark.usefixtures("pyplot")
def test_drawing_searches_no_second_time(monkeypatch):
    calls = []

    def count(series, grid):
        calls.append(grid.number)
        yield 0, np.sin(np.arange(grid.number)) + 1

    monkeypatch.setattr(methods, "_METHODS", dict(methods._METHODS))
    register_method(Method("counted", count, statistic="sine"))
    found = periodogram(curve(), method="counted", **RANGE)
    found.plot()
    found.peaks()
    assert calls == [found.n_frequencies]


def test_without_matplotlib(found, monkeypatch):
    for name in ("matplotlib", "alerce_zvar.plot"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(MissingExtraError, match=r"alerce_zvar\[plot\]"):
        found.plot()
