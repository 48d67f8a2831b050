"""The methods of period search: against slow twins over their options, against astropy, by name, and users' own."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from astropy.time import Time
from astropy.timeseries import BoxLeastSquares, TimeSeries
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from alerce_zvar import periodogram
from alerce_zvar.errors import MissingExtraError
from alerce_zvar.period import (
    Method,
    Option,
    choice,
    fit_eclipse,
    fpw,
    get_method,
    list_methods,
    methods,
    oracle,
    register_method,
    string_length,
    whole,
)

DAY = 1 * u.day


def _engines():
    try:
        import numba  # noqa: F401 - numba refuses a numpy that is too new for it
    except ImportError:
        return ["numpy"]
    return ["numpy", "numba"]


ENGINES = _engines()
# Method, options, and its twin: (time, value, error, frequencies) -> power.
TWINS = [
    ("fpw", {"n_bins": 2}, lambda *data: oracle.fpw(*data, 2)),
    ("fpw", {"n_bins": 7}, lambda *data: oracle.fpw(*data, 7)),
    ("aov", {"n_bins": 2}, lambda *data: oracle.aov(*data, 2)),
    ("aov", {"n_bins": 5}, lambda *data: oracle.aov(*data, 5)),
    ("pdm", {"n_bins": 2, "n_covers": 1}, lambda *data: oracle.pdm(*data, 2, 1)),
    ("pdm", {"n_bins": 5, "n_covers": 3}, lambda *data: oracle.pdm(*data, 5, 3)),
    ("pdm", {"n_bins": 4, "n_covers": 10}, lambda *data: oracle.pdm(*data, 4, 10)),
    ("conditional_entropy", {}, lambda *data: oracle.conditional_entropy(*data, 10, 5)),
    ("conditional_entropy", {"n_bins": 3, "n_value_bins": 2}, lambda *data: oracle.conditional_entropy(*data, 3, 2)),
    ("string_length", {}, lambda *data: oracle.string_length(*data)),
    ("string_length", {"scaled": False}, lambda *data: oracle.string_length(*data, scaled=False)),
    ("bls", {"durations": (0.1,), "oversample": 2}, lambda *data: oracle.bls(*data, (0.1,), 2)),
    ("bls", {"durations": [0.3, 0.07], "oversample": 1}, lambda *data: oracle.bls(*data, (0.07, 0.3), 1)),
    ("bls", {"durations": 0.5, "oversample": 5}, lambda *data: oracle.bls(*data, (0.5,), 5)),
]


def curve(n=300, seed=0, period=3.7123, width=None, depth=0.3, span=700.0, bands=("g", "r")):
    """A wave, or with `width` an eclipse of that part of the period about phase 0.5 of MJD 58000."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0, span, n))
    phase = days / period % 1.0
    error = rng.uniform(0.01, 0.03, n)
    shape = np.sin(2 * np.pi * phase) if width is None else np.abs(phase - 0.5) < width / 2
    band = np.array(bands)[rng.integers(0, len(bands), n)]
    mag = 17.0 + (band == "r") + depth * shape + error * rng.normal(size=n)
    data = {"band": band, "mag": mag * u.mag, "mag_err": error * u.mag}
    return TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data)


@st.composite
def light_curves(draw):
    """Few points: times that come twice, equal values, one band or none, float32, masked and NaN rows, no errors."""
    seed, n = draw(st.integers(0, 2**32 - 1)), draw(st.integers(8, 40))
    rng = np.random.default_rng(seed)
    days = rng.uniform(0, 60, n)
    if draw(st.booleans()):
        days = np.rint(days)
    value = rng.normal(15, 0.3, n)
    if draw(st.booleans()):
        value = np.round(value, 1)
    kind = draw(st.sampled_from(["f4", "f8"]))
    mag = np.ma.MaskedArray(value.astype(kind), mask=rng.random(n) < draw(st.sampled_from([0.0, 0.2])))
    mag[rng.integers(n)] = draw(st.sampled_from([np.nan, 15.0]))
    table = Table({"mag": mag})
    table["mag"].unit = u.mag
    if draw(st.booleans()):
        table["mag_err"] = rng.uniform(0.01, 0.3, n).astype(kind) * u.mag
    names = draw(st.sampled_from([("g", "r"), ("g",), ()]))
    if names:
        table["band"] = np.array(names)[rng.integers(0, len(names), n)]
    return TimeSeries(table, time=Time(58000 + days, format="mjd", scale="utc"))


def search(light_curve, method, first, **options):
    """Some twenty frequencies from `first` on; light curves that leave too little are none of ours."""
    try:
        whole_range = periodogram(light_curve, method="string_length", samples_per_peak=1, maximum_period=5 * DAY)
        baseline = whole_range.baseline.value
        last = 1 / (first + 6 / baseline) * DAY
        return periodogram(
            light_curve, method=method, minimum_period=last, maximum_period=DAY / first, samples_per_peak=3, **options
        )
    except ValueError as exc:
        assume(not any(words in str(exc) for words in ("usable", "does not vary", "same time", "shorter than")))
        raise


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("method", "options", "twin"), TWINS)
@settings(max_examples=25, deadline=None)
@given(light_curve=light_curves(), first=st.sampled_from([0.21, 0.9, 1.0, 11.3]))
def test_methods_are_their_slow_twins(engine, method, options, twin, light_curve, first):
    found = search(light_curve, method, first, engine=engine, **options)
    series = found.series
    value = -series.value if method == "bls" and found.column == "flux" else series.value
    wanted = twin(series.time, value, series.error, found.frequency.value)
    assert found.power.shape == wanted.shape == (found.n_frequencies,)
    if method == "aov":  # bins that explain nearly all make it large, and rounding large with it
        assert_allclose(1 / (1 + found.power), 1 / (1 + wanted), atol=1e-9)
    else:
        assert_allclose(found.power, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", ["aov", "pdm", "conditional_entropy", "string_length", "bls", "fpw"])
def test_engines_agree_on_many_points(method):
    """Crowded phases too: at whole cycles per day a nightly cadence falls into one of them."""
    rng = np.random.default_rng(1)
    days = np.repeat(np.arange(300.0), 2) + np.tile([0.3, 0.30001], 300)
    mag = 15 + np.round(rng.normal(size=600), 1)
    light_curve = TimeSeries(time=Time(58000 + days, format="mjd"), data={"mag": mag * u.mag})
    options = {"minimum_period": 0.98 * DAY, "maximum_period": 1.02 * DAY, "samples_per_peak": 2.5}
    found = [periodogram(light_curve, method=method, engine=engine, workers=1, **options) for engine in ENGINES]
    assert found[0].n_frequencies > 20
    for other in found[1:]:
        assert_allclose(other.power, found[0].power, rtol=1e-9)
        assert other.options["engine"] == "numba"


@pytest.mark.parametrize("method", list(list_methods()["name"]))
def test_every_method_finds_a_wave(method):
    found = periodogram(curve(600), method=method, minimum_period=2 * DAY, maximum_period=6 * DAY)
    assert abs(found.best_frequency.value - 1 / 3.7123) < 1 / found.baseline.value
    assert found.method == method
    assert found.statistic == get_method(method).statistic
    assert found.meaning


@pytest.mark.parametrize("method", ["fpw", "aov", "pdm", "bls", "conditional_entropy"])
def test_threads_change_no_number(method):
    options = {"minimum_period": 0.05 * DAY, "samples_per_peak": 8}
    one, many = (periodogram(curve(40), method=method, workers=workers, **options) for workers in (1, 3))
    assert one.n_frequencies > 1 << 16  # several blocks
    assert_array_equal(one.power, many.power)


def test_noise_is_as_the_literature_says():
    """Fisher's F with r - 1 and N - r degrees of freedom for analysis of variance; theta about 1 for dispersion."""
    light_curve = curve(400, depth=0.0)
    light_curve.remove_column("mag_err")
    powers = {
        name: periodogram(light_curve, method=name, n_bins=10, minimum_period=0.1 * DAY).power
        for name in ("aov", "pdm")
    }
    assert_allclose(powers["aov"].mean(), 390 / 388, rtol=0.02)
    assert_allclose(powers["aov"].std(), np.sqrt(2 / 9 * (1 + 9 / 390)), rtol=0.05)
    assert abs(powers["pdm"].mean()) < 0.001


def test_fpw_is_that_of_the_search():
    options = {"minimum_period": 2 * DAY, "maximum_period": 6 * DAY, "n_bins": 12}
    found = periodogram(curve(), method="fpw", samples_per_peak=3, **options)
    wanted = fpw(curve(), samples_per_peak=3, **options)
    assert_array_equal(found.power, wanted.statistic_grid[0])
    assert found.best_period == wanted.period[0]


def test_string_length_is_that_of_one_period():
    found = periodogram(curve(80), method="string_length", scaled=False, minimum_period=3 * DAY, maximum_period=4 * DAY)
    for index in (0, 17, found.n_frequencies - 1):
        assert_allclose(1 / found.power[index], string_length(curve(80), 1 / found.frequency[index]), rtol=1e-9)


def test_scaling_takes_the_amplitude_out_of_the_string():
    large = curve(80)
    small = large.copy()
    small["mag"], small["mag_err"] = 0.01 * large["mag"], 0.01 * large["mag_err"]
    options = {"method": "string_length", "minimum_period": 3 * DAY, "maximum_period": 4 * DAY}
    assert_allclose(periodogram(large, **options).power, periodogram(small, **options).power, rtol=1e-9)
    raw = [periodogram(each, scaled=False, **options).power for each in (large, small)]
    assert raw[1].min() > raw[0].max()


# --- eclipses -------------------------------------------------------------------------------------------------------

NARROW = {"minimum_period": 2 * DAY, "maximum_period": 6 * DAY}


@pytest.mark.parametrize("engine", ENGINES)
def test_boxes_are_those_of_astropy(engine):
    durations, oversample = (0.02, 0.05, 0.1), 4
    found = periodogram(
        curve(500, width=0.04),
        method="bls",
        durations=durations,
        oversample=oversample,
        engine=engine,
        samples_per_peak=1,
        **NARROW,
    )
    series = found.series
    model = BoxLeastSquares(series.time, -series.value, series.error)
    chi2 = np.sum((series.value / series.error) ** 2)
    wanted = []
    for frequency in found.frequency.value:
        wide = (1 + 1e-12) * np.array(durations) / frequency  # so that rounding up makes 200 bins, and not 201
        wanted.append(model.power([1 / frequency], wide, objective="snr", oversample=oversample).depth_snr[0] ** 2)
    # Where the best box runs past the end of the cycle, astropy 8.0.2 has the first bin in place of the last one.
    assert np.mean(np.isclose(found.power, np.array(wanted) / chi2, rtol=1e-6)) > 0.9


@pytest.mark.parametrize("width", [0.012, 0.05, 0.15])
def test_eclipses_are_found_and_measured(width):
    light_curve = curve(1500, width=width)
    found = periodogram(light_curve, method="bls", **NARROW)
    eclipse = fit_eclipse(light_curve, found.best_period)
    assert abs(eclipse.period.value - 3.7123) < 0.4 * width * 3.7123**2 / 700  # the ends of the light curve meet
    assert_allclose(eclipse.duration.value, width * 3.7123, rtol=0.25)
    assert_allclose(eclipse.depth.to_value(u.mag), 0.3, atol=0.03)
    assert 0 < eclipse.depth_err.value < 0.02
    assert found.power.max() < eclipse.power < 1
    cycles = (eclipse.epoch_time.mjd - 58000) / 3.7123 - 0.5
    assert abs(cycles - np.rint(cycles)) < 0.3 * width
    assert abs(eclipse.epoch_time.mjd - 58350) < 30
    assert eclipse.epoch_time.scale == "tdb"


def test_an_eclipse_is_a_rise_in_magnitude_and_a_fall_in_flux():
    light_curve = curve(500, width=0.05)
    flux = light_curve.copy()
    flux["flux"], flux["flux_err"] = -light_curve["mag"].value * u.uJy, light_curve["mag_err"].value * u.uJy
    flux.remove_columns(["mag", "mag_err"])
    fainter = periodogram(light_curve, method="bls", **NARROW)
    assert_allclose(periodogram(flux, method="bls", **NARROW).power, fainter.power, rtol=1e-9)
    flux["flux"] = -flux["flux"]
    flare = periodogram(flux, method="bls", **NARROW)
    assert flare.power.max() < 0.5 * fainter.power.max()
    assert fit_eclipse(light_curve, 3.7123 * DAY, bands=["g"]).depth.unit == u.mag


def test_real_eclipsing_binaries(real_data):
    """Three narrow ones; a box of one eclipse finds P, or half of it where both eclipses are much alike."""
    folder = real_data / "ztf_vsx"
    truth = {row["file_prefix"]: float(row["period_d"]) for row in Table.read(folder / "truth.csv", format="csv")}
    for name, multiple in {"u222": 0.5, "minkovskiy8": 1, "navl02": 1}.items():
        rows = [Table.read(path, format="csv") for path in sorted((folder / "lightcurves").glob(f"{name}-zr1.csv.gz"))]
        table = rows[0][(rows[0]["catflags"] & 32768) == 0]
        data = {"mag": np.array(table["mag"]) * u.mag, "mag_err": np.array(table["magerr"]) * u.mag}
        star = TimeSeries(time=Time(table["hjd"], format="jd", scale="utc"), data=data)
        found = periodogram(star, method="bls", minimum_period=0.3 * DAY, maximum_period=5 * DAY)
        period = fit_eclipse(star, found.best_period).period.value
        assert_allclose(period, multiple * truth[name], rtol=2e-4)


@pytest.mark.parametrize(
    ("period", "durations", "error", "words"),
    [
        (3.7, (0.1,), u.UnitsError, "period must be a Quantity"),
        (-1 * DAY, (0.1,), ValueError, "period must be one positive"),
        (3.7 * DAY, (0.7,), ValueError, "durations of method 'bls' must be different fractions"),
        (3.7 * DAY, (), ValueError, "durations"),
    ],
)
def test_unusable_eclipses_are_refused(period, durations, error, words):
    with pytest.raises(error, match=words):
        fit_eclipse(curve(), period, durations=durations)


# --- the registry ---------------------------------------------------------------------------------------------------


@pytest.fixture
def registry(monkeypatch):
    """What is registered is forgotten after the test."""
    monkeypatch.setattr(methods, "_METHODS", dict(methods._METHODS))


def spread(series, grid, *, power=1, sign="+"):
    """A user's own method: length of the resultant of the phases, weighted by the values."""
    for start, block in grid.blocks(100):
        turns = np.exp(2j * np.pi * block.frequencies()[:, None] * series.time)
        yield start, np.abs(turns @ series.value) ** power * (1 if sign == "+" else -1)


SPREAD = Method("spread", spread, statistic="|R|", options=(whole("power", 1, 1, 3), choice("sign", "+", ("+", "-"))))


@pytest.mark.usefixtures("registry")
def test_a_method_of_ones_own():
    register_method(SPREAD)
    assert "spread" in list_methods()["name"]
    found = periodogram(curve(), method="spread", minimum_period=2 * DAY, maximum_period=6 * DAY, power=2)
    assert_allclose(1 / found.best_frequency.value, 3.7123, rtol=1e-2)
    assert found.options == {"power": 2, "sign": "+"}
    assert found.statistic == "|R|"
    wanted = np.abs(np.exp(2j * np.pi * found.frequency.value[7] * found.series.time) @ found.series.value) ** 2
    assert_allclose(found.power[7], wanted)
    register_method(Method("spread", lambda series, grid: iter([(0, np.ones(grid.number))])))  # in place of the first
    assert_array_equal(periodogram(curve(), method="spread", minimum_period=90 * DAY).power, 1.0)


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        (lambda grid: [(0, np.zeros(grid.number - 1))], "gave 28 powers for a grid of 29"),
        (lambda grid: [(0, np.zeros(grid.number + 1))], "gave powers 0 to 30 after 0 of 29"),
        (lambda grid: [(1, np.zeros(5))], "gave powers 1 to 6 after 0 of 29"),
        (lambda grid: [(0, np.full(grid.number, np.nan))], "NaN"),
    ],
)
def test_a_method_that_gives_something_else_is_told(blocks, words):
    register_method(Method("broken", lambda series, grid: iter(blocks(grid))))
    with pytest.raises(ValueError, match=f"method 'broken' .*{words}"):
        periodogram(curve(), method="broken", minimum_period=40 * DAY, samples_per_peak=2.63)


def test_names_of_methods_are_not_taken_over():
    with pytest.raises(ValueError, match="must not be empty or one of aov, bls"):
        register_method(Method("bls", spread))
    with pytest.raises(ValueError, match="must not be empty"):
        register_method(Method("", spread))
    with pytest.raises(TypeError, match="method must be a Method, not function"):
        register_method(spread)


@pytest.mark.usefixtures("registry")
def test_bands_are_asked_for_where_they_are_needed():
    register_method(Method("banded", spread, needs_bands=True))
    light_curve = curve()
    light_curve.remove_column("band")
    with pytest.raises(ValueError, match="method 'banded' needs a light curve with a column 'band'"):
        periodogram(light_curve, method="banded")


def test_the_list_tells_all():
    table = list_methods()
    names = ["aov", "bls", "conditional_entropy", "fpw", "lombscargle", "pdm", "string_length"]
    assert set(table["name"]) >= set(names)
    assert table.colnames == list(methods.COLUMNS)
    for row in table:
        assert all(row[name] for name in ("suits", "statistic", "meaning", "options", "reference")), row["name"]
    assert table["options"][list(table["name"]).index("pdm")] == "n_bins=10, n_covers=3, engine=None"


@pytest.mark.parametrize("name", [None, 3, "LombScargle", ["aov"]])
def test_an_unknown_method_is_answered_with_the_known_ones(name):
    with pytest.raises(ValueError, match=r"method must be one of lombscargle, multiband, aov, bls"):
        periodogram(curve(), method=name)


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("aov", {"n_bins": 1}, "n_bins of method 'aov' must be a whole number from 2 to 1000, not 1"),
        ("aov", {"n_bins": 5.0}, "n_bins of method 'aov' must be a whole number .* not 5.0"),
        ("aov", {"n_bins": True}, "not True"),
        ("aov", {"nterms": 2}, "method 'aov' has no option 'nterms'; it has n_bins, engine"),
        ("pdm", {"n_covers": 0}, "n_covers of method 'pdm' must be a whole number from 1 to 10, not 0"),
        ("fpw", {"n_bins": (5, 10)}, "n_bins of method 'fpw' must be a whole number"),
        ("conditional_entropy", {"n_value_bins": "5"}, "n_value_bins of .* must be a whole number from 2 to 200"),
        ("string_length", {"scaled": 1}, "scaled of method 'string_length' must be one of True, False, not 1"),
        ("bls", {"durations": "long"}, "durations of method 'bls' must be different fractions of the period"),
        ("bls", {"durations": (0.1, 0.1)}, "from 0.001 to 0.5, not"),
        ("bls", {"durations": [np.nan]}, "durations"),
        ("bls", {"oversample": 51}, "oversample of method 'bls' must be a whole number from 1 to 50, not 51"),
        ("bls", {"engine": "fortran"}, "engine of method 'bls' must be one of numba, numpy"),
        ("lombscargle", {"nterms": 0}, "nterms of method 'lombscargle' must be a whole number from 1 to 10, not 0"),
    ],
)
def test_unusable_options_are_named_before_anything_runs(method, options, words):
    with pytest.raises(ValueError, match=words):
        periodogram(None, method=method, **options)


def test_what_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "numba", None)
    with pytest.raises(MissingExtraError, match=r"alerce_zvar\[fast\]"):
        periodogram(curve(), method="aov", engine="numba")
    assert periodogram(curve(30), method="aov", minimum_period=50 * DAY).options["engine"] == "numpy"


@pytest.mark.parametrize("method", ["aov", "bls", "conditional_entropy", "fpw", "lombscargle", "pdm", "string_length"])
def test_too_few_points_and_constant_stars(method):
    few = curve(4, bands=("g",))
    with pytest.raises(ValueError, match=f"has 4 usable points; method '{method}'.* needs at least [5-9]|1[0-9]"):
        periodogram(few, method=method)
    constant = curve(30)
    constant["mag"] = np.full(30, 15.0) * u.mag
    with pytest.raises(ValueError, match="does not vary"):
        periodogram(constant, method=method)


def test_bins_need_more_points_than_there_are_bins():
    with pytest.raises(ValueError, match="30 usable points; method 'pdm' with n_bins=30, n_covers=3 needs at least 31"):
        periodogram(curve(30, bands=("g",)), method="pdm", n_bins=30)


def test_options_of_ones_own_are_checked_by_their_words():
    option = Option("width", 0.1, "a positive number", float)
    assert Method("mine", spread, options=(option,)).check_options({"width": "0.5"}) == {"width": 0.5}
    with pytest.raises(ValueError, match="width of method 'mine' must be a positive number, not 'wide'"):
        Method("mine", spread, options=(option,)).check_options({"width": "wide"})
