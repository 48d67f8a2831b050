"""Period search: against a slow twin, against astropy, against known periods, and at its edges."""

import importlib.util
import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import LombScargle, TimeSeries
from astropy.utils.masked import Masked
from numpy.testing import assert_allclose

from alerce_zvar import period as period_room
from alerce_zvar.period import (
    PeriodResult,
    find_period,
    fpw_statistic,
    grid,
    lombscargle,
    normal,
    nufft,
    oracle,
    peaks,
    statistics,
)
from alerce_zvar.period.fourier import fit
from alerce_zvar.period.prepare import prepare

find_period = partial(find_period, method="lombscargle")  # the automatic search has a file of its own
PERIOD = 0.5713
DAY = 1 * u.day
RANGE = {"minimum_period": 0.2 * DAY, "maximum_period": 5 * DAY}
BAD_EPOCH = 32768


def wave(phase):
    return 0.3 * np.sin(2 * np.pi * phase)


def binary(phase):
    """Two unequal eclipses."""
    return 0.5 * np.exp(-0.5 * (((phase % 1) - 0.5) / 0.05) ** 2) + 0.3 * np.exp(-0.5 * ((phase % 1) / 0.05) ** 2)


def make(shape=wave, *, n=300, period=PERIOD, span=700.0, noise=0.03, seed=0, **columns):
    """Light curve in two bands of different level."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0, span, n))
    band = rng.choice(["g", "r"], n)
    mag = 17 + 0.8 * (band == "r") + shape(days / period) + noise * rng.normal(size=n)
    data = {"band": band, "mag": mag * u.mag, "mag_err": np.full(n, noise) * u.mag, **columns}
    return TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data)


@pytest.fixture(scope="module")
def light_curve():
    return make()


@pytest.fixture(scope="module")
def result(light_curve):
    return find_period(light_curve, **RANGE)


def related(result, period):
    """The found frequency is that of the period, twice or half of it, within twice the width of a peak."""
    wanted = np.array([1, 2, 0.5]) / period
    return np.min(np.abs(result.frequency.value - wanted)) < 2 / result.baseline.value


@pytest.mark.parametrize("nterms", [1, 2, 3, 4])
@pytest.mark.parametrize("with_errors", [True, False])
@pytest.mark.parametrize("n", [25, 100, 700])
def test_fast_powers_equal_the_slow_twin(nterms, with_errors, n):
    curve = make(binary, n=n, span=40.0)
    curve["mag_err"] = np.random.default_rng(1).uniform(0.01, 0.1, n) * u.mag
    if not with_errors:
        curve.remove_column("mag_err")
    result = find_period(curve, nterms=nterms, **RANGE)
    series = result.series
    slow = oracle.power(series.time, series.value, series.error, result.frequency_grid.value, nterms)
    assert len(slow) == result.n_frequencies > 850
    assert_allclose(result.power_grid, slow, atol=2e-7)
    # the refined peak is at least as high as any on the grid, unless a multiple of its frequency does as well
    assert max(fit.power for fit in result.other_fits) > slow.max() - 1e-9


@pytest.mark.parametrize("nterms", [1, 3])
def test_slow_twin_equals_astropy(nterms):
    series = prepare(make(n=60))
    frequencies = np.linspace(0.1, 3, 50)
    peer = LombScargle(series.time, series.value, series.error, nterms=nterms)
    ours = oracle.power(series.time, series.value, series.error, frequencies, nterms)
    assert_allclose(ours, peer.power(frequencies, method="chi2"), atol=1e-10)
    exact = [fit(series, f, nterms, one_group=True).power for f in frequencies]
    assert_allclose(exact, ours, atol=1e-10)


@pytest.mark.parametrize("nterms", [1, 2])
def test_without_numba_the_period_is_the_same(monkeypatch, light_curve, nterms):
    fast = find_period(light_curve, **RANGE, nterms=nterms)
    assert fast.engine == ("numba" if importlib.util.find_spec("numba") else "numpy")
    monkeypatch.setattr(fpw_statistic, "_has_numba", lambda: False)
    slow = find_period(light_curve, **RANGE, nterms=nterms)
    assert slow.engine == "numpy"
    assert_allclose(slow.period.value, fast.period.value, rtol=1e-8)
    assert_allclose(slow.power_grid, fast.power_grid, atol=1e-6)


def test_blocks_join_without_a_seam(monkeypatch, result):
    whole = result.power_grid
    smaller = replace(nufft.PRECISIONS["double"], length=640)
    monkeypatch.setitem(nufft.PRECISIONS, "double", smaller)
    monkeypatch.setattr(normal, "_STRETCH", 1)
    assert_allclose(result.power_grid, whole, atol=1e-8)
    pieces = list(result.blocks())
    assert {len(power) for _, power in pieces[:-1]} == {512}
    assert_allclose(np.concatenate([f.value for f, _ in pieces]), result.frequency_grid.value, rtol=1e-12)


@pytest.mark.parametrize("nterms", [1, 2, 4])
def test_a_wave_keeps_its_period_with_any_number_of_harmonics(nterms):
    for seed in range(8):
        result = find_period(make(seed=seed), nterms=nterms, minimum_period=0.1 * DAY, maximum_period=10 * DAY)
        assert_allclose(result.period.to_value(u.day), PERIOD, rtol=5e-5)


def test_unequal_eclipses_give_the_full_period():
    result = find_period(make(binary, n=500), nterms=4, **RANGE)
    assert_allclose(result.period.value, PERIOD, rtol=1e-5)
    assert find_period(make(binary, n=500), nterms=1, **RANGE).period.value == pytest.approx(PERIOD / 2, rel=1e-4)


def test_periods_scatter_as_much_as_their_error_says():
    results = [
        find_period(make(n=120, seed=seed), minimum_period=0.4 * DAY, maximum_period=1 * DAY) for seed in range(60)
    ]
    pulls = [(r.period.value - PERIOD) / r.period_err.value for r in results]
    assert 0.75 < np.std(pulls) < 1.3
    assert abs(np.mean(pulls)) < 0.4
    expected = np.sqrt(6 / 120) * 0.03 / (np.pi * 700 * 0.3) * PERIOD**2  # Montgomery & O'Donoghue 1999, eq. 4
    assert np.median([r.period_err.value for r in results]) == pytest.approx(expected, rel=0.1)


def test_error_of_the_period_knows_of_levels_that_change_with_time():
    """Each season in a field of its own: the levels of the fields follow the wave, and leave the period unsure."""

    def seasonal(seed):
        rng = np.random.default_rng(seed)
        days = np.concatenate([rng.uniform(0, 150, 60), rng.uniform(365, 515, 60)])
        mag = 15 + 0.5 * np.sin(2 * np.pi * days / 300) + 0.05 * rng.normal(size=120)
        data = {"mag": mag * u.mag, "mag_err": np.full(120, 0.05) * u.mag, "field": np.repeat([1, 2], 60)}
        curve = TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data)
        return find_period(curve, minimum_period=200 * DAY, maximum_period=500 * DAY)

    results = [seasonal(seed) for seed in range(80)]
    pulls = [(r.period.value - 300) / r.period_err.value for r in results if not r.at_edge]
    assert len(pulls) > 70
    assert 0.7 < np.std(pulls) < 1.4


@pytest.mark.parametrize("longest", [300, 2000, 1e4])
def test_a_slope_ends_at_the_edge_of_the_range(longest):
    days = np.linspace(0, 800, 200)
    mag = (15 + np.sin(2 * np.pi * days / 400) * (longest == 300) + days / 400 + 0.01 * np.sin(17 * days)) * u.mag
    data = {"mag": mag, "mag_err": np.full(200, 0.01) * u.mag}
    curve = TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data)
    result = find_period(curve, minimum_period=10 * DAY, maximum_period=longest * DAY)
    assert 10 * DAY <= result.period <= longest * DAY * (1 + 1e-9)
    if longest < 2000:
        assert result.at_edge
        assert "edge of the range" in repr(result)


def test_a_period_just_outside_the_range_is_not_found():
    result = find_period(make(), minimum_period=PERIOD * 1.0005 * DAY, maximum_period=5 * DAY)
    assert result.period >= PERIOD * 1.0005 * DAY * (1 - 1e-12)


@pytest.mark.parametrize("nterms", [1, 3])
def test_false_alarm_probability_is_the_share_of_noise_that_looks_so(nterms):
    options = {"minimum_period": 1 * DAY, "maximum_period": 50 * DAY, "samples_per_peak": 10, "nterms": nterms}
    found = [find_period(make(np.zeros_like, n=60, seed=s, span=200.0), **options) for s in range(120)]
    chances = np.array([result.false_alarm_probability for result in found])
    for level in (0.05, 0.2):
        sigma = np.sqrt(level * (1 - level) / len(chances))
        assert 0.3 * level < np.mean(chances < level) < level + 3 * sigma  # an upper limit, and not a lazy one


def test_false_alarm_probability_equals_astropys_for_one_harmonic(result):
    series, rng = result.series, np.random.default_rng(5)
    noise = rng.normal(size=len(series.time))
    peer = LombScargle(series.time, noise, series.error)
    for power in (0.02, 0.05, 0.1):
        ours = statistics.false_alarm_probability(
            power, bandwidth=5.0, time=series.time, error=series.error, n_parameters=1, nterms=1
        )
        assert ours == pytest.approx(
            peer.false_alarm_probability(power, method="baluev", maximum_frequency=5.0), rel=1e-4
        )
    assert result.false_alarm_probability < 1e-100


def test_record_says_every_choice(result):
    assert isinstance(result, PeriodResult)
    assert result.period.unit == result.period_err.unit == u.day
    assert_allclose(result.period.value, PERIOD, atol=3 * result.period_err.value)
    assert_allclose((result.frequency * result.period).to_value(u.one), 1)
    assert (result.nterms, result.samples_per_peak, result.normalization) == (1, 5.0, "standard")
    assert (result.column, result.bands, result.n_points, result.n_dropped) == ("mag", ("g", "r"), 300, 0)
    assert result.centring == "weighted mean"
    assert set(result.groups) == {"band=g", "band=r"}
    assert sum(result.groups.values()) == 300
    assert_allclose(result.minimum_frequency.value, 0.2)
    assert_allclose(result.maximum_frequency.value, 5)
    assert_allclose(result.minimum_frequency.value, 0.2)
    assert_allclose(result.frequency_step.value, 1 / (5 * result.baseline.value), rtol=1e-3)
    assert not result.at_edge
    assert len(result.frequency_grid) == len(result.power_grid) == result.n_frequencies
    assert_allclose(result.amplitudes.to_value(u.mag), [0.3], rtol=0.03)
    assert 0.9 < result.power <= 1
    assert list(result.peaks["power"]) == sorted(result.peaks["power"], reverse=True)
    assert result.peaks["period"][0] == result.period
    assert repr(result).startswith("<PeriodResult period=0.5713")
    assert "300 points in 2 groups (g, r)" in repr(result)


def test_record_pickles_and_recomputes(result):
    again = pickle.loads(pickle.dumps(result))
    assert again.period == result.period
    assert np.array_equal(again.power_grid, result.power_grid)


def test_epoch_is_the_brightest_moment(light_curve, result):
    epoch = result.epoch_time
    assert (epoch.scale, epoch.format) == ("tdb", "mjd")
    phase = ((epoch.mjd - 58000) / PERIOD) % 1
    assert phase == pytest.approx(0.75, abs=0.01)  # the sine is least, so brightest in magnitudes, at 3/4
    assert abs(epoch - light_curve["time"].mean()) < 30 * DAY
    flux = make()
    flux["flux"], flux["flux_err"] = flux["mag"].value * u.DN, flux["mag_err"].value * u.DN
    brightest = find_period(flux, column="flux", **RANGE).epoch_time
    assert ((brightest.mjd - 58000) / PERIOD) % 1 == pytest.approx(0.25, abs=0.01)


def test_levels_of_groups_do_not_matter(light_curve, result):
    n = len(light_curve)
    fields = np.where(np.arange(n) % 3 == 0, 683, 1720)
    shifted = make(field=fields, ccd=np.full(n, 8), quad=np.full(n, 2))
    shifted["mag"] = shifted["mag"] + 5 * (fields == 683) * u.mag
    found = find_period(shifted, **RANGE)
    assert_allclose(found.period.value, result.period.value, rtol=1e-5)
    assert found.power > 0.9
    assert "field=683 ccd=8 quad=2 band=g" in found.groups
    assert len(found.groups) == 4


def test_small_groups_are_left_out(result):
    fields = np.array([683] * 298 + [684, 685])
    found = find_period(make(field=fields), **RANGE)
    assert (found.n_points, found.n_dropped) == (298, 2)
    assert all("683" in name for name in found.groups)


def test_unusable_rows_are_dropped():
    clean, dirty = make(), make()
    mask = np.zeros(300, dtype=bool)
    mask[10:20] = True
    mag = dirty["mag"].copy()
    mag[mask] = 99 * u.mag  # what often lies under a mask
    mag[20] = np.nan * u.mag
    error = dirty["mag_err"].copy()
    error[30], error[31] = 0 * u.mag, -1 * u.mag
    dirty["mag"], dirty["mag_err"] = Masked(mag, mask=mask), error
    found = find_period(dirty, **RANGE)
    keep = ~mask
    keep[[20, 30, 31]] = False
    expected = find_period(clean[keep], **RANGE)
    assert found.n_dropped == 13
    assert found.period == expected.period
    assert found.power == expected.power


@pytest.mark.parametrize("dtype", ["<f4", ">f8", ">f4"])
def test_any_float_type(result, dtype):
    curve = make()
    for name in ("mag", "mag_err"):
        curve[name] = u.Quantity(curve[name].value.astype(dtype), u.mag, dtype=dtype)
    assert curve["mag"].dtype == np.dtype(dtype)
    assert_allclose(find_period(curve, **RANGE).period.value, result.period.value, rtol=1e-7)


def test_order_of_rows_does_not_matter(result):
    curve = make()[np.random.default_rng(3).permutation(300)]
    assert_allclose(find_period(curve, **RANGE).period.value, result.period.value, rtol=1e-12)


def test_units_of_columns(result):
    curve = make()
    magnitudes = QTable({"time": curve["time"], "band": curve["band"]})
    magnitudes["mag"], magnitudes["mag_err"] = curve["mag"].value * u.ABmag, curve["mag_err"].to(u.mmag)
    assert_allclose(find_period(magnitudes, **RANGE).period.value, result.period.value, rtol=1e-12)
    plain = QTable({"time": curve["time"], "mag": curve["mag"].value, "band": curve["band"]})
    assert find_period(plain, **RANGE).period.value == pytest.approx(PERIOD, rel=1e-4)


def test_choice_of_bands_and_column():
    curve = make()
    one = find_period(curve, bands=["g"], **RANGE)
    assert one.bands == ("g",)
    assert one.n_points == np.sum(curve["band"] == "g")
    assert one.period.value == pytest.approx(PERIOD, rel=1e-4)
    with pytest.raises(ValueError, match="bands must be"):
        find_period(curve, bands=["z"])
    with pytest.raises(ValueError, match="bands must be"):
        find_period(curve, bands="g")
    with pytest.raises(ValueError, match="column must be one of"):
        find_period(curve, column="flux")


def test_default_range():
    curve = make(span=60.0)
    result = find_period(curve)
    assert_allclose((1 / result.minimum_frequency).to_value(u.day), result.baseline.value / 2)
    assert result.maximum_frequency.to_value(1 / u.min) == pytest.approx(1 / 5, rel=1e-4)
    assert_allclose(result.period.value, PERIOD, rtol=1e-3)
    assert_allclose(grid.make_grid(1000.0).minimum, 0.01)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"minimum_period": 0.1}, u.UnitsError, "minimum_period must be a Quantity"),
        ({"maximum_period": 3 * u.m}, u.UnitsError, "maximum_period must have a unit of time"),
        ({"minimum_period": 0 * u.day}, ValueError, "minimum_period must be one positive"),
        ({"minimum_period": 3 * u.day, "maximum_period": 2 * u.day}, ValueError, "must be shorter"),
        ({"minimum_period": 1e-5 * u.s}, ValueError, "the grid would have"),
        ({"nterms": 0}, ValueError, "nterms .*must be"),
        ({"nterms": 2.0}, ValueError, "nterms .*must be"),
        ({"nterms": True}, ValueError, "nterms .*must be"),
        ({"samples_per_peak": 0.9}, ValueError, "samples_per_peak must be"),
        ({"samples_per_peak": np.nan}, ValueError, "samples_per_peak must be"),
    ],
)
def test_wrong_options_are_refused(light_curve, options, error, words):
    with pytest.raises(error, match=words):
        find_period(light_curve, **options)


def test_hopeless_light_curves_are_refused(light_curve):
    with pytest.raises(ValueError, match=r"usable points; method .lombscargle. with nterms=4.* needs at least 12"):
        find_period(light_curve[:11], nterms=4)
    with pytest.raises(ValueError, match="no group"):
        find_period(light_curve[:0])
    constant = make()
    constant["mag"] = np.full(300, 17.0) * u.mag
    with pytest.raises(ValueError, match="does not vary"):
        find_period(constant)
    at_once = make()
    at_once["time"] = Time(np.full(300, 58000.0), format="mjd", scale="tdb")
    with pytest.raises(ValueError, match="the same time"):
        find_period(at_once)
    with pytest.raises(TypeError, match="must be one light curve"):
        find_period([light_curve])
    with pytest.raises(ValueError, match="neither a column"):
        find_period(TimeSeries(time=light_curve["time"]))


def test_strictly_nightly_cadence_gives_no_false_number():
    days = np.arange(200.0)
    mag = 15 + 0.3 * np.sin(2 * np.pi * days / 7.3) + 0.01 * np.random.default_rng(2).normal(size=200)
    curve = TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data={"mag": mag * u.mag})
    result = find_period(curve, minimum_period=0.4 * DAY, maximum_period=60 * DAY)
    power = result.power_grid
    assert np.all((power >= 0) & (power <= 1))
    assert result.power <= 1
    aliases = np.abs((result.frequency.value + np.arange(-3, 4)[:, None]) * [1, -1] - 1 / 7.3)
    assert aliases.min() < 1e-4  # all aliases f + n are equal here


def test_peaks_are_separate(result):
    frequencies = np.sort(result.peaks["frequency"].value)
    assert len(frequencies) == 5
    assert np.min(np.diff(frequencies)) > 0.3 / result.baseline.value
    found = peaks.highest(result.series, result.grid, 1, 3)
    assert abs(found[0] - 1 / PERIOD) < result.grid.step


def test_fit_beats_the_grid(result):
    assert result.power > result.power_grid.max()
    finer = grid.FrequencyGrid(result.frequency.value - 0.01, 1e-6, 20001)
    assert result.power >= lombscargle.power(result.series, finer, 1).max() - 1e-9


def test_public_names():
    assert period_room.__all__ == sorted(period_room.__all__)
    assert {"find_period", "fpw", "periodogram", "string_length"} <= set(period_room.__all__)
    assert all(getattr(period_room, name).__doc__ for name in period_room.__all__)


def read_irsa(paths):
    """Times, magnitudes, errors, and the object ids as fields, of IRSA files; bad epochs left out."""
    rows = pd.concat([pd.read_csv(path) for path in paths])
    rows = rows[(rows["catflags"] & BAD_EPOCH) == 0]
    hjd, mag, error, oid, band = (rows[name].to_numpy() for name in ("hjd", "mag", "magerr", "oid", "filtercode"))
    data = {"band": band.astype(str), "mag": mag * u.mag, "mag_err": error * u.mag, "field": oid}
    return TimeSeries(time=Time(hjd, format="jd", scale="utc"), data=data)


def test_periods_of_real_stars(real_data):
    """One set of options for all; reference/zvar.md 4.1 and SOURCES.md say why some stars must fail."""
    options = {"minimum_period": 0.1 * DAY, "maximum_period": 60 * DAY, "nterms": 4}
    found = {"vsx": 0, "wd": 0}
    for star in QTable.read(real_data / "ztf_vsx" / "truth.csv")[::2]:
        paths = sorted((real_data / "ztf_vsx" / "lightcurves").glob(f"{star['file_prefix']}-z*.csv.gz"))
        found["vsx"] += related(find_period(read_irsa(paths), **options), star["period_d"])
    for star in QTable.read(real_data / "ztf_wd" / "truth.csv"):
        if not np.ma.is_masked(star["period_d"]):
            path = real_data / "ztf_wd" / "lightcurves" / f"{star['source_id']}.csv.gz"
            found["wd"] += related(find_period(read_irsa([path]), **options), star["period_d"])
    assert found["vsx"] >= 6  # of 12
    assert found["wd"] == 2
