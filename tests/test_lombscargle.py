"""Lomb-Scargle of one and of many bands: against slow twins over all options, against astropy, and on hard cadences."""

import importlib.util
from itertools import product

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import LombScargle, LombScargleMultiband, TimeSeries
from astropy.utils.masked import Masked
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from alerce_zvar.period import lombscargle, multiband, nufft, oracle, periodogram, register_astropy_methods
from alerce_zvar.period.fpw_statistic import ENGINES
from alerce_zvar.period.grid import FrequencyGrid
from alerce_zvar.period.prepare import prepare

DAY = 1 * u.day
AVAILABLE = [engine for engine in ENGINES if engine == "numpy" or importlib.util.find_spec("numba")]
NORMALIZATIONS = lombscargle.NORMALIZATIONS
CADENCES = {
    "random": lambda rng, n: rng.uniform(0, 900, n),
    "nightly": lambda rng, n: rng.choice(900, n, replace=False).astype(float),
    "nearly nightly": lambda rng, n: rng.choice(900, n, replace=False) + rng.uniform(0, 0.007, n),
    "twice each": lambda rng, n: np.repeat(rng.uniform(0, 900, n // 2 + 1), 2)[:n],
}


def make(cadence="random", *, n=60, seed=0, period=0.7134, amplitude=0.1, bands="g"):
    """Light curve of a wave in some bands of different levels."""
    rng = np.random.default_rng(seed)
    days = np.sort(CADENCES[cadence](rng, n))
    band = rng.choice(list(bands), n)
    error = rng.uniform(0.02, 0.1, n)
    mag = 17 + 0.5 * (band == "r") + amplitude * np.sin(2 * np.pi * days / period) + error * rng.normal(size=n)
    data = {"band": band, "mag": mag * u.mag, "mag_err": error * u.mag}
    return TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data)


def make_grid(series, *, number=12000, first=0.2, samples_per_peak=5):
    """Three blocks of frequencies."""
    return FrequencyGrid(first, 1 / series.baseline / samples_per_peak, number)


def hard(grid, rng, number=60):
    """Some frequencies of a grid at random, its first and last, and those next to whole and half cycles per day."""
    halves = np.rint((np.arange(0.5, 30, 0.5) - grid.minimum) / grid.step).astype(int)
    near = (halves[:, None] + np.arange(-2, 3)).ravel()
    index = np.concatenate([rng.integers(0, grid.number, number), near, [0, 1, grid.number - 1]])
    return np.unique(index[(index >= 0) & (index < grid.number)])


def twin(series, frequencies, nterms, **options):
    return oracle.power(series.time, series.value, series.error, frequencies, nterms, **options)


def assert_same(powers, wanted, normalization="standard", scale=1.0):
    """Within 1e-6, of what is left of chi2 where the power is a function of that."""
    if normalization in ("model", "log"):
        ours, theirs = (p if normalization == "log" else np.log1p(p) for p in (powers, wanted))
        seen = theirs < 18  # beyond, rounding is all that is left of chi2
        assert_allclose(ours[seen], theirs[seen], rtol=0, atol=1e-6)
        assert np.all(ours[~seen] > 17)
    else:
        assert_allclose(powers, wanted, rtol=0, atol=1e-6 * scale)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    cadence=st.sampled_from(sorted(CADENCES)),
    n=st.integers(5, 80),
    nterms=st.integers(1, 6),
    fit_mean=st.booleans(),
    normalization=st.sampled_from(NORMALIZATIONS),
    engine=st.sampled_from(AVAILABLE),
    first=st.sampled_from([0.002, 0.2, 1.0, 11.3]),
    workers=st.integers(1, 2),
)
def test_powers_equal_the_slow_twin(seed, cadence, n, nterms, fit_mean, normalization, engine, first, workers):
    series = prepare(make(cadence, n=n, seed=seed))
    grid = make_grid(series, first=first, number=9000)
    options = {"fit_mean": fit_mean, "normalization": normalization}
    index = hard(grid, np.random.default_rng(seed))
    powers = lombscargle.power(series, grid, nterms, engine=engine, workers=workers, **options)
    wanted = twin(series, grid.minimum + grid.step * index, nterms, **options)
    assert_same(powers[index], wanted, normalization, scale=max(1, np.sum((series.value / series.error) ** 2)))


@pytest.mark.parametrize("options", list(product(range(1, 7), (True, False), NORMALIZATIONS, AVAILABLE)), ids=str)
def test_every_option_equals_the_slow_twin(options):
    nterms, fit_mean, normalization, engine = options
    series = prepare(make("nearly nightly", n=40))
    grid = make_grid(series, number=5000)
    options = {"fit_mean": fit_mean, "normalization": normalization}
    index = np.arange(0, grid.number, 61)
    powers = lombscargle.power(series, grid, nterms, engine=engine, **options)
    wanted = twin(series, grid.minimum + grid.step * index, nterms, **options)
    assert_same(powers[index], wanted, normalization, scale=max(1, np.sum((series.value / series.error) ** 2)))


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("cadence", CADENCES)
@pytest.mark.parametrize("n", [30, 400])
def test_hard_cadences_at_high_frequencies(engine, cadence, n):
    series = prepare(make(cadence, n=n))
    grid = make_grid(series, first=250.2, number=60000)
    rng = np.random.default_rng(2)
    wholes = np.rint((np.arange(250.5, 264, 0.5) - grid.minimum) / grid.step).astype(int)
    index = np.unique(np.concatenate([rng.integers(0, grid.number, 200), (wholes[:, None] + np.arange(-3, 4)).ravel()]))
    index = index[index < grid.number]
    powers = lombscargle.power(series, grid, engine=engine)
    wanted = twin(series, grid.minimum + grid.step * index, 1)
    assert_allclose(powers[index], wanted, rtol=0, atol=1e-6)
    assert powers.min() >= 0
    assert powers.max() <= 1 + 1e-9


@pytest.mark.parametrize("engine", AVAILABLE)
def test_frequencies_that_the_observations_do_not_see(engine):
    series = prepare(make("nightly", n=50))
    grid = FrequencyGrid(1.0, 0.5, 80)  # whole cycles: no wave at all; half: only one of the two waves
    powers = lombscargle.power(series, grid, engine=engine)
    assert_allclose(powers[::2], 0, atol=1e-12)
    assert_allclose(powers[1::2], twin(series, [0.5], 1)[0], atol=1e-9)


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("precision", nufft.PRECISIONS)
@pytest.mark.parametrize("number", [100, 20001])
def test_sums(engine, precision, number):
    rng = np.random.default_rng(3)
    time, weights = np.sort(rng.uniform(0, 2000, 300)), rng.dirichlet(np.ones(300))
    few = np.where(np.arange(300) < 40, weights, 0)
    terms = [(1, np.array([weights, weights * rng.normal(size=300)])), (2, few), (5, weights)]
    grid = FrequencyGrid(11.3, 1 / 10000, number)
    transform = nufft.Transform(time, grid, terms, precision=precision, engine=engine)
    real, imag = np.concatenate([transform.sums(block, 1) for block in range(transform.blocks)], axis=-1)[..., :number]
    sums = real + 1j * imag
    index = np.arange(0, number, 7)
    strengths = np.concatenate([np.atleast_2d(s) for _, s in terms])
    waves = np.repeat([1, 2, 5], [2, 1, 1])[:, None, None] * (grid.minimum + grid.step * index)[:, None] * time
    slow = np.einsum("kfj,kj->kf", np.exp(2j * np.pi * waves), strengths)
    largest = nufft.PRECISIONS[precision].error * np.abs(strengths).sum(axis=1)
    assert np.all(np.abs(sums[:, index] - slow) < 1.2 * largest[:, None])
    assert_allclose(nufft.direct_sums(time, grid.minimum + grid.step * index, terms), slow, atol=1e-8)
    with pytest.raises(ValueError, match="precision must be one of double, single, not 'half'"):
        nufft.Transform(time, grid, terms, precision="half")


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("precision", nufft.PRECISIONS)
def test_the_error_of_one_observation_stays_below_what_is_said(engine, precision):
    """Those of many partly cancel; it is highest at the ends of a block."""
    grid = FrequencyGrid(11.3, 1 / 10000, 20001)
    for time in np.random.default_rng(4).uniform(0, 2000, (20, 1)):
        transform = nufft.Transform(time, grid, [(1, np.ones(1))], precision=precision, engine=engine)
        real, imag = transform.sums(0, transform.blocks)[:, 0, : grid.number]
        wanted = np.exp(2j * np.pi * np.mod(grid.frequencies() * time, 1))
        assert np.abs(real + 1j * imag - wanted).max() < nufft.PRECISIONS[precision].error


@pytest.mark.parametrize("engine", AVAILABLE)
@pytest.mark.parametrize("cadence", CADENCES)
@pytest.mark.parametrize("nterms", [1, 3])
def test_single_precision_has_the_same_peak(engine, cadence, nterms):
    for seed, n in ((1, 30), (2, 300)):
        series = prepare(make(cadence, n=n, seed=seed))
        grid = make_grid(series, number=30000)
        double, single = (
            lombscargle.power(series, grid, nterms, precision=precision, engine=engine)
            for precision in ("double", "single")
        )
        assert np.max(np.abs(single - double)) < 1e-3
        assert double[single.argmax()] > double.max() - 1e-5


def test_threads_change_no_number():
    series = prepare(make("nearly nightly", n=200, bands="gr"))
    grid = make_grid(series, number=400_000)
    before = series.value.copy()
    for power_blocks in (lombscargle.power_blocks, multiband.power_blocks):
        one, three = (list(power_blocks(series, grid, workers=workers)) for workers in (1, 3))
        assert len(one) > 2
        assert [start for start, _ in one] == [start for start, _ in three]
        assert_array_equal(np.concatenate([p for _, p in one]), np.concatenate([p for _, p in three]))
    assert_array_equal(series.value, before)


@pytest.mark.parametrize("engine", AVAILABLE)
def test_the_best_frequencies_are_the_highest(engine):
    for seed, cadence in product(range(10), CADENCES):
        series = prepare(make(cadence, n=40, seed=seed, amplitude=0.05 * (seed % 3)))
        grid = make_grid(series, number=20000)
        powers = lombscargle.power(series, grid)
        frequency, power = lombscargle.best_frequencies(series, grid, 3, engine=engine)
        assert_allclose(power[0], powers.max(), rtol=0, atol=1e-6)
        assert_allclose(power, twin(series, frequency, 1), atol=1e-9)
        assert np.all(np.diff(power) <= 0)
        apart = np.abs(frequency[:, None] - frequency)[np.triu_indices(3, 1)]
        assert np.all(apart > 1 / series.baseline)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    cadence=st.sampled_from(sorted(CADENCES)),
    n=st.integers(24, 120),
    bands=st.sampled_from(["g", "gr", "gri"]),
    nterms=st.integers(1, 4),
    model=st.sampled_from(multiband.MODELS),
    engine=st.sampled_from(AVAILABLE),
)
def test_many_bands_equal_the_slow_twin(seed, cadence, n, bands, nterms, model, engine):
    series = prepare(make(cadence, n=n, seed=seed, bands=bands))
    if max(np.bincount(series.band)) <= 2 * nterms + 1:
        with pytest.raises(
            ValueError, match=f"no band has more points than the unknowns of a curve of nterms={nterms}"
        ):
            list(multiband.power_blocks(series, make_grid(series), nterms=nterms, model="per_band"))
        return
    grid = make_grid(series, number=9000)
    index = hard(grid, np.random.default_rng(seed))
    powers = np.concatenate(
        [p for _, p in multiband.power_blocks(series, grid, nterms=nterms, model=model, engine=engine)]
    )
    observations = series.time, series.value, series.error, series.band, grid.minimum + grid.step * index
    wanted = oracle.multiband(*observations, nterms, model=model, group=series.group)
    assert_allclose(powers[index], wanted, rtol=0, atol=1e-6)


def test_levels_of_fields_float():
    curve = make(n=120, bands="gr", amplitude=0.3)
    curve["field"] = np.random.default_rng(1).integers(600, 603, 120)
    curve["mag"] = curve["mag"] + 0.4 * (curve["field"] == 601) * u.mag
    series = prepare(curve)
    assert len(series.groups) == 6
    grid = make_grid(series)
    index = np.arange(0, grid.number, 97)
    observations = series.time, series.value, series.error, series.band, grid.minimum + grid.step * index
    for model in multiband.MODELS:
        powers = np.concatenate([p for _, p in multiband.power_blocks(series, grid, nterms=2, model=model)])
        wanted = oracle.multiband(*observations, 2, model=model, group=series.group)
        assert_allclose(powers[index], wanted, rtol=0, atol=1e-6)
        assert abs(grid.frequencies()[powers.argmax()] - 1 / 0.7134) < 1 / series.baseline


@pytest.mark.parametrize("nterms", [1, 2])
def test_many_bands_equal_astropy(nterms):
    curve = make(n=150, bands="gri")
    series = prepare(curve)
    grid = make_grid(series, number=300)
    frequencies = grid.frequencies()
    ours = {
        model: np.concatenate([p for _, p in multiband.power_blocks(series, grid, nterms=nterms, model=model)])
        for model in multiband.MODELS
    }
    for model, (base, band) in {"shared": (nterms, 0), "per_band": (0, nterms)}.items():
        peer = LombScargleMultiband(
            *(series.time, series.value, series.band, series.error), nterms_base=base, nterms_band=band, reg_band=1e-12
        )
        assert_allclose(ours[model], peer.power(frequencies, method="flexible"), rtol=0, atol=1e-6)
    each = [
        LombScargle(*(a[series.band == b] for a in (series.time, series.value, series.error)), nterms=nterms)
        for b in range(3)
    ]
    lowered = sum(model.power(frequencies, method="chi2", normalization="psd") for model in each)
    chi2 = np.sum((series.value / series.error) ** 2)
    assert_allclose(ours["per_band"], 2 * lowered / chi2, rtol=0, atol=1e-6)
    # astropy's fast one takes the harmonics from nterms_base, and weighs the bands by their own powers
    powers = [model.power(frequencies, method="chi2") for model in each]
    weights = np.array([np.sum(p**2) for p in powers])
    peer = LombScargleMultiband(series.time, series.value, series.band, series.error, nterms_base=nterms)
    theirs = peer.power(frequencies, method="fast", sb_method="chi2")
    assert_allclose(theirs, weights @ powers / weights.sum(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("regular", [True, False])
@pytest.mark.parametrize("options", list(product(NORMALIZATIONS, *[(True, False)] * 3)), ids=str)
def test_as_a_method_of_astropy(options, regular):
    normalization, fit_mean, center_data, with_errors = options
    assert register_astropy_methods() == ("fastzvar", "fastzvar_chi2")
    curve = make(n=70)
    frequency = np.arange(0.3, 4, 0.004) / u.day
    error = curve["mag_err"] if with_errors else None
    for method, nterms, slow in (("fastzvar", 1, "cython"), ("fastzvar_chi2", 1, "chi2"), ("fastzvar_chi2", 3, "chi2")):
        options = {"fit_mean": fit_mean, "center_data": center_data, "normalization": normalization, "nterms": nterms}
        model = LombScargle(curve.time, curve["mag"], error, **options)
        ours = model.power(frequency, method=method, assume_regular_frequency=regular)
        wanted = model.power(frequency, method=slow)
        assert ours.unit == wanted.unit
        assert_allclose(u.Quantity(ours).value, u.Quantity(wanted).value, rtol=1e-6, atol=1e-6)


def test_as_a_method_of_astropy_with_its_own_options():
    register_astropy_methods()
    curve = make(n=70, bands="gr")
    model = LombScargle(curve.time, curve["mag"])
    frequency = np.arange(0.3, 4, 0.001) / u.day
    options = {"engine": "numpy", "precision": "single", "workers": 2}
    assert_allclose(
        model.power(frequency, method="fastzvar", method_kwds=options), model.power(frequency), rtol=0, atol=1e-3
    )
    assert_allclose(model.power(frequency[:1], method="fastzvar"), model.power(frequency[:1]), atol=1e-6)
    with pytest.raises(ValueError, match="precision of method 'lombscargle' must be one of 'double', 'single', not"):
        model.power(frequency, method="fastzvar", method_kwds={"precision": "x"})
    with pytest.raises(ValueError, match="frequency must be a regular grid"):
        model.power(np.geomspace(1, 2, 300) / u.day, method="fastzvar")
    many = LombScargleMultiband(curve.time, curve["mag"], curve["band"], curve["mag_err"])
    wanted = many.power(frequency, method="fast", sb_method="cython")
    assert_allclose(many.power(frequency, method="fast", sb_method="fastzvar"), wanted, rtol=0, atol=1e-6)


RANGE = {"minimum_period": 0.3 * DAY, "maximum_period": 5 * DAY}


@pytest.mark.parametrize("method", ["lombscargle", "multiband"])
@pytest.mark.parametrize("engine", AVAILABLE)
def test_kinds_of_columns_make_no_difference(method, engine):
    curve = make(n=80, bands="gr")
    options = {"method": method, "engine": engine, **RANGE}
    wanted = periodogram(curve, **options)
    doubled = curve[np.repeat(np.arange(80), 2)]
    doubled["mag_err"] = doubled["mag_err"] * np.sqrt(2)
    masked = curve[np.concatenate([np.arange(80), [3, 9]])]
    masked["mag"] = Masked(masked["mag"], mask=np.arange(82) >= 80)
    masked["mag"].unmasked[80:] = 99 * u.mag
    swapped, short = curve.copy(), curve.copy()
    for name in ("mag", "mag_err"):
        swapped[name] = swapped[name].value.astype(">f8") * u.mag
        short[name] = short[name].value.astype("f4") * u.mag
    for other, tolerance in ((doubled, 1e-6), (masked, 1e-9), (swapped, 1e-9), (short, 1e-4)):
        assert_allclose(periodogram(other, **options).power, wanted.power, rtol=0, atol=tolerance)


def test_a_band_that_is_not_there():
    curve = make(n=80, bands="gr")
    only = curve[np.asarray(curve["band"]) == "g"]
    options = {"minimum_period": 0.3 * DAY, "maximum_period": 5 * DAY}
    alone = periodogram(only, **options)
    for model in multiband.MODELS:
        found = periodogram(only, method="multiband", model=model, **options)
        assert_allclose(found.power, alone.power, rtol=0, atol=1e-9)
    with pytest.raises(ValueError, match=r"bands must be a list of bands of this light curve .*, not \['i'\]"):
        periodogram(curve, method="multiband", bands=["i"])


@pytest.mark.parametrize("method", ["lombscargle", "multiband"])
def test_light_curves_without_an_answer(method):
    few = make(n=4)
    with pytest.raises(ValueError, match=r"has 4 usable points; method '\w+' .* needs at least 5"):
        periodogram(few, method=method, **RANGE)
    flat = make(n=30)
    flat["mag"] = np.full(30, 17.0) * u.mag
    with pytest.raises(ValueError, match="does not vary"):
        periodogram(flat, method=method, **RANGE)


@pytest.mark.parametrize(
    ("method", "option", "value", "accepted"),
    [
        ("lombscargle", "nterms", 0, "a whole number from 1 to 10"),
        ("lombscargle", "nterms", True, "a whole number from 1 to 10"),
        ("lombscargle", "fit_mean", "yes", "one of True, False"),
        ("lombscargle", "normalization", "unit", "one of 'standard', 'model', 'log', 'psd'"),
        ("lombscargle", "precision", "half", "one of 'double', 'single'"),
        ("lombscargle", "engine", "cuda", "one of numba, numpy, or None"),
        ("multiband", "nterms", 11, "a whole number from 1 to 10"),
        ("multiband", "model", "flexible", "one of 'shared', 'per_band'"),
        ("multiband", "precision", None, "one of 'double', 'single'"),
    ],
)
def test_options_out_of_range(method, option, value, accepted):
    message = f"{option} of method '{method}' must be {accepted}.*, not {value!r}"
    with pytest.raises(ValueError, match=message):
        periodogram(make(), method=method, **{option: value})
    with pytest.raises(ValueError, match=message):
        {"lombscargle": lombscargle, "multiband": multiband}[method].power_blocks(
            prepare(make()), None, **{option: value}
        )


def test_a_real_star(real_data):
    paths = sorted((real_data / "ztf_vsx" / "lightcurves").glob("18aaaawyw-z*.csv.gz"))
    tables = [QTable.read(path, format="ascii.csv") for path in paths]
    parts = {
        name: np.concatenate([np.asarray(table[source])[np.asarray(table["catflags"]) < 32768] for table in tables])
        for name, source in (("time", "hjd"), ("mag", "mag"), ("mag_err", "magerr"), ("band", "filtercode"))
    }
    data = {"mag": parts["mag"] * u.mag, "mag_err": parts["mag_err"] * u.mag, "band": parts["band"]}
    series = prepare(TimeSeries(time=Time(parts["time"], format="jd", scale="utc"), data=data))
    assert len(series.time) > 800
    grid = FrequencyGrid(0.02, 1 / series.baseline / 5, 200_000)
    index = hard(grid, np.random.default_rng(0), 100)
    frequencies = grid.minimum + grid.step * index
    for engine, nterms in product(AVAILABLE, (1, 4)):
        powers = lombscargle.power(series, grid, nterms, engine=engine)
        assert_allclose(powers[index], twin(series, frequencies, nterms), rtol=0, atol=1e-6)
    for model in multiband.MODELS:
        powers = np.concatenate([p for _, p in multiband.power_blocks(series, grid, nterms=2, model=model)])
        observations = series.time, series.value, series.error, series.band, frequencies
        wanted = oracle.multiband(*observations, 2, model=model, group=series.group)
        assert_allclose(powers[index], wanted, rtol=0, atol=1e-6)
