"""FPW and string length: against a slow twin, against fpwperiodic, on real stars, and for a whole archive."""

import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table, vstack
from astropy.time import Time
from astropy.timeseries import TimeSeries
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from alerce_zvar import __main__ as cli
from alerce_zvar.archive import Archive, periods
from alerce_zvar.errors import ArchiveError, MissingExtraError
from alerce_zvar.period import fpw, fpw_search, fpw_statistic, oracle, string_length, stringlength
from alerce_zvar.period.fpw_statistic import statistic
from alerce_zvar.period.grid import make_grid
from alerce_zvar.server import serve
from alerce_zvar.zvar.core import ZvarClass

DAY = 1 * u.day
N_BINS = (5, 10, 20)
RANGE = {"minimum_period": 0.25 * DAY, "maximum_period": 2 * DAY}
BAD_EPOCH = 32768


def _engines():
    try:
        import numba  # noqa: F401 - numba refuses a numpy that is too new for it
    except ImportError:
        return ["numpy"]
    return ["numpy", "numba"]


ENGINES = _engines()
needs_numba = pytest.mark.skipif("numba" not in ENGINES, reason="needs the extra fast")


def observations(n=300, span=700.0, seed=0, period=0.5713):
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0, span, n))
    error = rng.uniform(0.01, 0.05, n)
    value = 0.1 * np.sin(2 * np.pi * days / period) + error * rng.normal(size=n)
    return days - days[0], value - np.average(value, weights=error**-2.0), error


def curve(n=300, seed=0, band="g", mag=17.0, **options):
    days, value, error = observations(n, seed=seed, **options)
    data = {"band": np.full(n, band), "mag": (mag + value) * u.mag, "mag_err": error * u.mag}
    return TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data)


def star(folder, name):
    """Usable rows of one real file, as a light curve."""
    table = Table.read(folder / "ztf_vsx" / "lightcurves" / f"{name}.csv.gz", format="csv")
    table = table[(table["catflags"] & BAD_EPOCH) == 0]
    data = {"mag": np.array(table["mag"]) * u.mag, "mag_err": np.array(table["magerr"]) * u.mag}
    return TimeSeries(time=Time(table["hjd"], format="jd", scale="utc"), data=data)


# --- the statistic --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("n_bins", [(5, 10, 20), (20, 5), (3, 7, 12, 6), (2,), (1000, 5)])
@pytest.mark.parametrize("n", [1, 2, 37, 300])
def test_the_statistic_is_that_of_the_slow_twin(engine, n_bins, n):
    days, value, error = observations(n)
    frequencies = np.linspace(0.0, 40.0, 61)  # 8 at a time in numba: the last 5 are a group of their own
    found = statistic(days, value, error, frequencies, n_bins, engine=engine)
    assert found.shape == (len(n_bins), 61)
    for row, m in zip(found, n_bins, strict=True):
        assert_allclose(row, oracle.fpw(days, value, error, frequencies, m), rtol=1e-9, atol=1e-9)


@needs_numba
@given(
    times=st.lists(st.floats(0, 4000), min_size=1, max_size=60),
    frequencies=st.lists(st.floats(0, 288), min_size=1, max_size=20),
    n_bins=st.lists(st.integers(2, 64), min_size=1, max_size=4, unique=True),
    seed=st.integers(0, 2**32 - 1),
)
def test_both_engines_are_equal(times, frequencies, n_bins, seed):
    rng = np.random.default_rng(seed)
    value, error = rng.normal(size=len(times)), 10.0 ** rng.uniform(-3, 3, len(times))
    slow = statistic(times, value, error, frequencies, n_bins, engine="numpy")
    fast = statistic(times, value, error, frequencies, n_bins, engine="numba")
    assert_allclose(fast, slow, rtol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_points_on_the_edges_of_bins_go_where_fpwperiodic_puts_them(engine):
    peer = pytest.importorskip("fpw")
    rng = np.random.default_rng(1)
    days = np.arange(400.0)
    value, error = rng.normal(size=400), rng.uniform(0.5, 2, 400)
    frequencies = np.concatenate([np.arange(1, 40) / m for m in (20, 40, 60, 100, 140)])  # phases that are whole bins
    found = statistic(days, value, error, frequencies, N_BINS, engine=engine)
    for row, m in zip(found, N_BINS, strict=True):
        wanted = peer.run_fpw(days, value, error, frequencies, m)
        there = np.isfinite(wanted)
        assert there.sum() > 100
        assert_allclose(row[there], wanted[there], rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["u222-zg1", "u222-zg2", "minkovskiy24-zr1", "c257-37-zr1"])
def test_real_light_curves_give_what_fpwperiodic_gives(real_data, engine, name):
    """Where fpwperiodic finds an empty bin it gives NaN, and ours skips it."""
    peer = pytest.importorskip("fpw")
    light_curve = star(real_data, name)
    result = fpw(light_curve, minimum_period=5 * u.min, maximum_period=5.01 * u.min, engine=engine)
    slow_end = make_grid(result.series.baseline, minimum_period=4.9 * DAY, maximum_period=10 * DAY, samples_per_peak=3)
    frequencies = np.concatenate([slow_end.frequencies(), result.grid.frequencies()])[:3000]
    series = result.series
    found = statistic(series.time, series.value, series.error, frequencies, N_BINS, engine=engine)
    for row, m in zip(found, N_BINS, strict=True):
        wanted = peer.run_fpw(series.time, series.value, series.error, frequencies, m)
        there = np.isfinite(wanted)
        assert there.any()
        assert_allclose(row[there], wanted[there], rtol=1e-9)
    assert np.isfinite(found).all()


def test_an_empty_bin_adds_nothing():
    found = statistic([0.0, 0.1], [1.0, -1.0], [1.0, 1.0], [1.0], (10,))
    assert_allclose(found, [[1.0]])  # two bins of Y^2 / (2 W) = 1/2 each, eight empty ones


def test_not_centring_adds_a_constant():
    """Reference/zvar.md 4.1: (sum w x)^2 / (2 sum w)."""
    days, value, error = observations()
    frequencies = np.linspace(0.1, 2, 50)
    shifted = statistic(days, value + 3, error, frequencies, N_BINS)
    whole = shifted - statistic(days, value, error, frequencies, N_BINS)
    weight = error**-2.0
    constant = np.sum(weight * (value + 3)) ** 2 / (2 * np.sum(weight))
    assert np.all(whole < constant * (1 + 1e-9))  # no level can explain more than all
    assert_allclose(whole.mean(), constant, rtol=0.2)
    assert_array_equal(statistic(days + 1e5, value, error, frequencies, (2,)).shape, (1, 50))


def test_noise_follows_chi_squared():
    """Reference/zvar.md 4.1: mean of S (M - 1) / 2, standard deviation sqrt((M - 1) / 2)."""
    rng = np.random.default_rng(3)
    days, error = np.sort(rng.uniform(0, 1000, 500)), rng.uniform(0.5, 2, 500)
    value = error * rng.normal(size=500)
    value -= np.average(value, weights=error**-2.0)
    found = statistic(days, value, error, np.linspace(0.1, 50, 20000), N_BINS)
    freedom = np.array(N_BINS) - 1
    assert_allclose(found.mean(axis=1), freedom / 2, rtol=0.06)
    assert_allclose(found.std(axis=1), np.sqrt(freedom / 2), rtol=0.08)


GOOD = ([0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [0.1, 0.2], (5,))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (0, [0.0, np.nan, 2.0], "must be finite"),
        (0, [0.0, 1.0], "one length"),
        (0, [[0.0, 1.0, 2.0]], "one dimension"),
        (1, [0.0, np.inf, 2.0], "must be finite"),
        (2, [1.0, 0.0, 1.0], "every error positive"),
        (2, [1.0, -1.0, 1.0], "every error positive"),
        (3, [-1e-20], "not negative"),
        (3, [np.nan], "must be finite"),
        (3, [1e308], "must be finite"),
        (4, (), "n_bins"),
        (4, (1,), "2 to 1000"),
        (4, (1001,), "2 to 1000"),
        (4, (5, 5), "different"),
        (4, (5.0,), "whole"),
        (4, (True,), "whole"),
    ],
)
def test_what_would_write_beside_the_bins_is_refused(place, value, words):
    arguments = list(GOOD)
    assert statistic(*arguments).shape == (1, 2)
    arguments[place] = value
    with pytest.raises(ValueError, match=words):
        statistic(*arguments)


def test_without_numba_numpy_computes(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert fpw_statistic.choose_engine() == "numpy"
    with pytest.raises(MissingExtraError, match=r"alerce_zvar\[fast\]"):
        fpw(curve(), engine="numba", **RANGE)
    with pytest.raises(ValueError, match="one of numba, numpy"):
        fpw(curve(), engine="fortran", **RANGE)
    assert fpw(curve(), **RANGE).engine == "numpy"


@needs_numba
def test_a_folder_that_cannot_be_written_costs_compiling_only(monkeypatch):
    from alerce_zvar import compiled

    def refuse(*args, cache=False, **kwargs):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")  # numba's words
        return njit(*args, **kwargs)

    njit = compiled.njit
    monkeypatch.setattr(compiled, "njit", refuse)
    assert compiled.compiled(lambda x: x + 1)(1) == 2


# --- one light curve ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wave_is_found_with_every_number_of_bins(engine):
    result = fpw(curve(), engine=engine, **RANGE)
    assert result.n_bins == N_BINS
    assert result.engine == engine
    assert result.period.unit == u.day
    width = 1 / result.series.baseline
    assert np.all(np.abs(result.frequency.value - 1 / 0.5713) < width)
    assert not result.at_edge.any()


def test_the_record_says_what_its_grid_says(monkeypatch):
    monkeypatch.setattr(fpw_search, "_BLOCK", 1000)
    result = fpw(curve(), n_bins=(20, 5), **RANGE)
    found, frequencies = result.statistic_grid, result.frequency_grid
    assert found.shape == (2, len(frequencies))
    assert len(frequencies) > 7000
    top = found.argmax(axis=1)
    assert_array_equal(result.frequency.value, frequencies.value[top])
    assert_array_equal(result.statistic, found.max(axis=1))
    assert_allclose(result.significance, (found.max(axis=1) - found.mean(axis=1)) / found.std(axis=1), rtol=1e-10)
    assert_allclose(np.diff(frequencies.value), 1 / (3 * result.series.baseline), rtol=1e-3)
    table = result.table
    assert table.colnames == ["n_bins", "period", "frequency", "statistic", "significance"]
    assert list(table["n_bins"]) == [20, 5]
    assert repr(result).startswith("<FpwResult of {bins: period (significance)} {20: 0.57")
    assert_array_equal(pickle.loads(pickle.dumps(result)).period.value, result.period.value)


def test_threads_change_no_number(monkeypatch):
    monkeypatch.setattr(fpw_search, "_BLOCK", 500)
    one, many = (fpw(curve(), workers=workers, **RANGE) for workers in (1, 5))
    for ours, theirs in zip(one.peaks, many.peaks, strict=True):
        assert_array_equal(ours, theirs)


def test_of_equal_peaks_the_first_is_taken_and_none_stands_out(monkeypatch):
    monkeypatch.setattr(fpw_search, "_BLOCK", 500)
    monkeypatch.setattr(
        fpw_statistic, "statistic", lambda t, x, e, f, n_bins, engine=None: np.ones((len(n_bins), len(f)))
    )
    peaks = fpw(curve(), workers=1, **RANGE).peaks
    assert_array_equal(peaks.index, [0, 0, 0])
    assert np.isnan(peaks.significance).all()


def test_the_range_is_five_minutes_to_ten_days_by_default():
    result = fpw(curve(40, span=60.0), n_bins=5)
    assert_allclose([1 / result.grid.maximum, 1 / result.grid.minimum], [5 / 1440, 10])
    assert_allclose(1 / fpw(curve(40, span=8.0), n_bins=5).grid.minimum, 4.0, rtol=0.1)


def test_fluxes_bands_and_bad_rows():
    table = Table(vstack([Table(curve(200, band="g")), Table(curve(200, seed=1, band="r", mag=15.0))]))
    table["mag"][3] = np.nan
    light_curve = TimeSeries(table)
    whole = fpw(light_curve, **RANGE)
    assert_allclose(whole.period.value, 0.5713, rtol=1e-3)
    assert len(whole.series.time) == 399
    assert fpw(light_curve, bands=["r"], **RANGE).series.groups == {"band=r": 200}
    light_curve["flux"], light_curve["flux_err"] = -light_curve["mag"].value * u.DN, light_curve["mag_err"].value * u.DN
    mirrored = fpw(light_curve, column="flux", **RANGE)
    assert_allclose(mirrored.significance, whole.significance, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_bins": 1}, "n_bins"),
        ({"workers": 0}, "workers must be"),
        ({"workers": 1.5}, "workers must be"),
        ({"minimum_period": 3 * DAY}, "must be shorter"),
        ({"samples_per_peak": 0.5}, "samples_per_peak"),
        ({"bands": ["i"]}, "bands"),
        ({"column": "flux"}, "column"),
    ],
)
def test_unusable_options_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        fpw(curve(), **RANGE | options)


def test_few_points_and_no_unit():
    with pytest.raises(ValueError, match="29 usable points; 20 bins need at least 30"):
        fpw(curve(29), **RANGE)
    assert fpw(curve(29), n_bins=(5, 10), **RANGE).n_bins == (5, 10)
    with pytest.raises(u.UnitsError, match="minimum_period"):
        fpw(curve(), minimum_period=0.1)
    with pytest.raises(TypeError, match="light curve"):
        fpw([1, 2, 3])


def test_known_stars(real_data):
    """Reference/zvar.md 4.1: eclipsing binaries come at their period, half or twice of it."""
    known = {
        "minkovskiy24-zr1": (1.364058, [1, 1, 1]),
        "u222-zg1": (0.664525, [0.5, 0.5, 1]),
        "u222-zr1": (0.664525, [0.5, 1, 1]),
        "navl02-zr1": (1.853704, [0.5, 0.5, 0.5]),
    }
    for name, (period, multiples) in known.items():
        found = fpw(star(real_data, name), minimum_period=0.3 * DAY, maximum_period=3 * DAY).period.value
        assert_allclose(found / period, multiples, rtol=1e-4)


def test_noise_is_not_significant(real_data):
    rng = np.random.default_rng(5)
    light_curve = star(real_data, "u222-zg1")
    light_curve["mag"] = (17 + 0.02 * rng.normal(size=len(light_curve))) * u.mag
    light_curve["mag_err"] = np.full(len(light_curve), 0.02) * u.mag
    noise = fpw(light_curve, minimum_period=0.05 * DAY).significance
    assert np.all((noise > 4) & (noise < 13))
    assert np.all(fpw(star(real_data, "u222-zg1"), minimum_period=0.05 * DAY).significance > 25)


# --- string length --------------------------------------------------------------------------------------------------


def test_string_length_is_the_sum_of_all_segments():
    days, value, period = np.array([0.0, 1.2, 2.5, 3.9]), np.array([0.0, 3.0, 0.0, 4.0]), 1.0
    # phases 0, 0.2, 0.5, 0.9 in that order; the last segment leads to phase 1
    wanted = np.hypot(0.2, 3) + np.hypot(0.3, 3) + np.hypot(0.4, 4) + np.hypot(0.1, 4)
    assert_allclose(stringlength.length(days, value, period), wanted)
    assert stringlength.length(days[:1], value[:1], period) == 1.0


@given(shift=st.floats(0, 1000), seed=st.integers(0, 1000))
def test_string_length_knows_no_phase_zero(shift, seed):
    days, value, _ = observations(40, seed=seed)
    assert_allclose(stringlength.length(days + shift, value, 0.7), stringlength.length(days, value, 0.7), rtol=1e-6)


def test_string_length_of_noise_is_that_of_the_notebooks_constant_star():
    """Reference/zvar.md 4.2: 8.42 for 474 points of 0.0154 mag."""
    rng = np.random.default_rng(6)
    lengths = [stringlength.length(rng.uniform(0, 2000, 474), 0.0154 * rng.normal(size=474), 0.7) for _ in range(200)]
    assert_allclose(np.mean(lengths), 8.42, atol=0.05)


def test_string_length_is_short_on_the_right_period(real_data):
    light_curve = star(real_data, "minkovskiy24-zr1")
    right, wrong = (string_length(light_curve, period * DAY) for period in (1.364058, 1.2))
    assert right < 0.7 * wrong
    assert string_length(light_curve, 1.364058 * 24 * u.hour) == pytest.approx(right)
    with pytest.raises(u.UnitsError):
        string_length(light_curve, 1.3)


# --- an archive -----------------------------------------------------------------------------------------------------


def make_stars(number=4, n=120):
    """Stars of two bands, one with too few points, one that does not vary; the first has a second field in g."""
    tables = []
    for k in range(number):
        for band in "gr":
            table = Table(curve(n, seed=10 * k + (band == "r"), band=band, period=0.4 + 0.1 * k))
            table["field"], table["ccd"], table["quad"] = 700 + k, 3, 1
            table["name"], table["ra"], table["dec"] = f"star-{k}", 10.0 + 0.1 * k, 20.0
            tables.append(table)
    for name, shape, dec in (("few", slice(0, 12), 21.0), ("flat", slice(None), 22.0)):
        table = Table(tables[0])[shape]
        table["name"], table["dec"] = name, dec
        if name == "flat":
            table["mag"] = 15.0 * u.mag
        tables.append(table)
    tables.append(Table(tables[0]))
    tables[-1]["field"] = 999
    return vstack(tables, metadata_conflicts="silent")


@pytest.fixture(scope="module")
def stars(tmp_path_factory):
    """File of an archive without periods."""
    path = tmp_path_factory.mktemp("stars") / "stars.duckdb"
    with Archive.create(path) as archive:
        archive.import_table(make_stars())
    return path


@pytest.fixture
def archive(stars, tmp_path):
    path = tmp_path / "sky.duckdb"
    path.write_bytes(stars.read_bytes())
    with Archive.open(path) as archive:
        yield archive


def content(archive):
    """All that a computation leaves, in a fixed order."""
    tables = {name: archive.query(f"SELECT * FROM {name} ORDER BY ALL") for name in ("periods", "period_searches")}
    return {name: {key: values.tolist() for key, values in columns.items()} for name, columns in tables.items()}


def psid_of(archive, name):
    sources = archive.sources()
    return str(sources["psid"][list(sources["name"]).index(name)])


def test_periods_are_found_stored_and_served(archive):
    told = []
    report = archive.compute_periods(**RANGE, progress=lambda *what: told.append(what))
    assert (report.lightcurves, report.searched, report.known, len(report.failures)) == (11, 11, 0, 2)
    assert str(report) == "11 light curves: 0 known already, 9 with new periods, 2 in which none can be found."
    assert told == [(i, 11, "light curves searched") for i in range(1, 12)]
    reasons = dict(zip(report.failures["psid"], report.failures["reason"], strict=True))
    assert reasons[psid_of(archive, "few")] == "the light curve has 12 usable points; 20 bins need at least 30"
    assert reasons[psid_of(archive, "flat")] == "the light curve does not vary"
    with serve(archive) as server:
        found = ZvarClass(url=server.url).query_objects([psid_of(archive, "star-2")])
    rows = found.periods
    assert [tuple(row) for row in rows["field", "band", "n_bins"]] == [(702, b, m) for b in "gr" for m in N_BINS]
    assert_allclose(rows["period"].quantity.to_value(u.day), 0.6, rtol=2e-3)
    assert np.all(rows["significance"] > 9)
    assert np.all((rows["string_length"] > 1) & (rows["string_length"] < 10))


def test_what_is_stored_is_what_fpw_gives_on_the_served_fluxes(archive):
    archive.compute_periods(**RANGE)
    psid = psid_of(archive, "star-1")
    with serve(archive) as server:
        client = ZvarClass(url=server.url)
        served = client.query_objects([psid]).periods
        fluxes = client.get_lightcurves([psid], bands=["g"], format="flux")[0]
        magnitudes = client.get_lightcurves([psid], bands=["g"])[0]
    result = fpw(fluxes, column="flux", **RANGE)
    ours = served[served["band"] == "g"]
    assert_allclose(ours["period"].quantity.to_value(u.day), result.period.value, rtol=1e-9)
    assert_allclose(ours["significance"], result.significance, rtol=1e-4)  # fluxes are served in single precision
    assert_allclose(ours["string_length"], [string_length(magnitudes, p) for p in result.period], rtol=1e-4)


def test_only_what_is_new_is_searched_again(archive):
    archive.compute_periods(**RANGE)
    before = content(archive)
    again = archive.compute_periods(**RANGE)
    assert (again.searched, again.known, len(again.failures)) == (0, 11, 0)
    assert content(archive) == before
    more = Table(curve(30, seed=77))
    more["time"] = more["time"] + 800 * DAY
    more["field"], more["ccd"], more["quad"] = 701, 3, 1
    more["name"], more["ra"], more["dec"] = "star-1", 10.1, 20.0
    archive.import_table(more)
    assert archive.compute_periods(**RANGE).searched == 1
    assert (
        sum(a != b for a, b in zip(content(archive)["periods"]["period"], before["periods"]["period"], strict=True))
        == 3
    )
    assert archive.compute_periods(**RANGE, n_bins=(5, 40)).searched == 11  # 40 bins are new, 5 are known
    assert archive.summary()["periods"] == 9 * 4
    assert archive.compute_periods(**RANGE | {"maximum_period": 3 * DAY}).searched == 11
    assert archive.compute_periods(**RANGE | {"maximum_period": 3 * DAY}, recompute=True).searched == 11
    assert archive.summary()["period_searches"] == 11 * 4


def given_period(archive, **changes):
    row = {"psid": psid_of(archive, "star-0"), "field": 700, "ccd": 3, "quad": 1, "band": "g"}
    row |= {"period": 1.25, "significance": 99.0, "string_length": 7.0, "n_bins": 10} | changes
    return Table(rows=[row])


def stored_period(archive, n_bins=10):
    found = archive.query(
        "SELECT period FROM periods WHERE psid = ? AND field = 700 AND band = 'g' AND bin = ?",
        [int(psid_of(archive, "star-0")), n_bins],
    )
    return found["period"].tolist()


def test_periods_from_elsewhere_are_left_alone(archive):
    archive.add_periods(given_period(archive))
    assert archive.compute_periods(**RANGE).searched == 11
    assert stored_period(archive) == [1.25]
    assert stored_period(archive, 5) == pytest.approx([0.4], rel=1e-2)
    assert archive.compute_periods(**RANGE, psids=psid_of(archive, "star-0"), recompute=True).searched == 3
    assert stored_period(archive) == pytest.approx([0.4], rel=1e-2)
    archive.add_periods(given_period(archive))  # now over a search of ours
    assert archive.compute_periods(minimum_period=0.3 * DAY).known == 0
    assert stored_period(archive) == [1.25]


@pytest.mark.parametrize("kind", [str, int, np.int64, lambda psid: [psid], lambda psid: np.array([psid, psid])])
def test_one_source_or_many(archive, kind):
    psid = psid_of(archive, "star-3")
    assert archive.compute_periods(**RANGE, psids=kind(psid)).lightcurves == 2
    assert set(archive.query("SELECT psid FROM periods")["psid"]) == {int(psid)}


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"psids": ["12345"]}, ValueError, "psids: the archive does not know 12345"),
        ({"psids": ["x"]}, ValueError, "psids: every id"),
        ({"psids": [2**70]}, ValueError, "psids: every id"),
        ({"n_bins": (5, 1)}, ValueError, "n_bins"),
        ({"workers": -1}, ValueError, "workers"),
        ({"minimum_period": 3 * DAY}, ValueError, "must be shorter"),
        ({"minimum_period": 0.1}, u.UnitsError, "minimum_period"),
        ({"maximum_period": -1 * DAY}, ValueError, "maximum_period"),
    ],
)
def test_unusable_requests_are_refused_before_any_work(archive, options, error, words):
    with pytest.raises(error, match=words):
        archive.compute_periods(**RANGE | options, progress=pytest.fail)
    assert archive.summary()["period_searches"] == 0


def test_an_archive_for_reading_says_so_at_once(stars):
    with Archive.open(stars, read_only=True) as archive, pytest.raises(ArchiveError, match="reading only"):
        archive.compute_periods(progress=pytest.fail)


def test_nothing_asked_and_nothing_there(archive, tmp_path):
    assert archive.compute_periods(psids=[]).lightcurves == 0
    with Archive.create(tmp_path / "empty.duckdb") as empty:
        assert str(empty.compute_periods()).startswith("0 light curves: 0 known")


def test_two_files_of_one_light_curve_are_searched_together(tmp_path):
    """One star under two names, with other zero points: each keeps its own level and scale."""
    table = Table(curve(200))
    flux = 10 ** (-0.4 * (table["mag"].value - 26.0))
    table["flux"], table["flux_err"] = flux, flux * table["mag_err"].value / 1.0857
    table["magzp"], table["mag_ref"] = 26.0, 90.0
    table.remove_columns(["mag", "mag_err"])
    scaled = Table(table)
    scaled["flux"] = 100 * (flux + np.mean(flux))
    scaled["flux_err"], scaled["magzp"] = table["flux_err"] * 100, 31.0
    parts = (table, 50.0, "whole"), (table[0::2].copy(), 10.0, "one"), (scaled[1::2].copy(), 10.0, "other")
    for part, ra, name in parts:
        part["name"], part["ra"], part["dec"] = name, ra, 20.0
    with Archive.create(tmp_path / "two.duckdb") as archive:
        for part, *_ in parts:
            archive.import_table(part, alerts=False)
        report = archive.compute_periods(**RANGE)
        assert (report.lightcurves, len(report.failures)) == (2, 0)
        found = archive.query("SELECT psid, period, significance FROM periods ORDER BY bin, psid")
    assert len(set(found["psid"])) == 2
    assert_allclose(found["period"][0::2], found["period"][1::2], rtol=2e-3)
    assert_allclose(found["significance"][0::2], found["significance"][1::2], rtol=0.1)


def test_real_stars_equal_fpwperiodic(real_data, tmp_path):
    """Period, and significance from all of its numbers, of the archive's own fluxes."""
    peer = pytest.importorskip("fpw")
    files = [real_data / "ztf_vsx" / "lightcurves" / f"{name}.csv.gz" for name in ("minkovskiy24-zr1", "u222-zr1")]
    with Archive.create(tmp_path / "real.duckdb") as archive:
        archive.import_irsa(files)
        archive.compute_periods(minimum_period=0.3 * DAY, maximum_period=3 * DAY)
        keys = archive.query("SELECT lc, psid FROM lightcurves")
        for lc, psid in zip(keys["lc"], keys["psid"], strict=True):
            epochs = archive.query(f"SELECT bjd, flux, flux_err FROM epochs WHERE lc = {lc} AND NOT bad ORDER BY bjd")
            days, error = epochs["bjd"] - epochs["bjd"][0], epochs["flux_err"]
            flux = epochs["flux"] - np.average(epochs["flux"], weights=error**-2.0)
            grid = make_grid(days[-1], minimum_period=0.3 * DAY, maximum_period=3 * DAY, samples_per_peak=3)
            stored = archive.query(f"SELECT period, significance FROM periods WHERE psid = {psid} ORDER BY bin")
            for k, m in enumerate(N_BINS):
                wanted = peer.run_fpw(days, flux, error, grid.frequencies(), m)
                empty = np.flatnonzero(np.isnan(wanted))  # near whole frequencies: all nights have the same phases
                assert len(empty) < 300
                wanted[empty] = oracle.fpw(days, flux, error, grid.frequencies()[empty], m)
                assert stored["period"][k] == pytest.approx(1 / grid.frequencies()[wanted.argmax()], rel=1e-12)
                significance = (wanted.max() - wanted.mean()) / wanted.std()
                assert stored["significance"][k] == pytest.approx(significance, rel=1e-9)


# --- interrupted ----------------------------------------------------------------------------------------------------

CHILD = """
import sys
from astropy import units as u
from alerce_zvar.archive import Archive, periods
periods._COMMIT_SECONDS = 0.0
with Archive.open(sys.argv[1]) as archive:
    archive.compute_periods(
        minimum_period=0.25 * u.day, maximum_period=2 * u.day, workers=2,
        progress=lambda done, total, what: print(done, flush=True) or (done == int(sys.argv[2]) and sys.stdin.read()),
    )
"""


def test_a_run_that_is_killed_twice_goes_on(archive):
    path = archive.path
    archive.compute_periods(**RANGE)
    whole = content(archive)
    archive.write("DELETE FROM periods")
    archive.write("DELETE FROM period_searches")
    archive.close()
    for stop, stored in ((1, 1), (5, 6)):
        arguments = [sys.executable, "-c", CHILD, str(path), str(stop)]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            assert [child.stdout.readline() for _ in range(stop)][-1] == f"{stop}\n"
            with pytest.raises(ArchiveError, match="another process has it open"):
                Archive.open(path)
            child.kill()  # while it waits, with all that it has done stored
        with Archive.open(path) as reopened:
            left = reopened.query(f"SELECT DISTINCT {', '.join(periods._KEY)} FROM period_searches")
            assert len(left["psid"]) == stored
    with Archive.open(path) as reopened:
        report = reopened.compute_periods(**RANGE)
        assert (report.known, report.searched) == (6, 5)
        assert content(reopened) == whole


def test_a_search_ends_at_the_next_block(monkeypatch):
    monkeypatch.setattr(fpw_search, "_BLOCK", 500)
    blocks = []

    def check():
        blocks.append(len(blocks))
        if len(blocks) == 3:
            raise StopAsyncIteration

    grid = make_grid(700.0, minimum_period=0.25 * DAY, maximum_period=2 * DAY, samples_per_peak=3)
    with pytest.raises(StopAsyncIteration):
        fpw_search.search(*observations(), grid, N_BINS, check=check)
    assert blocks == [0, 1, 2]


def test_an_interrupt_ends_the_search_soon(archive, monkeypatch):
    monkeypatch.setattr(periods, "_COMMIT_SECONDS", 0.0)

    def interrupt(done, total, what):
        if done == 3:
            raise KeyboardInterrupt

    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        archive.compute_periods(**RANGE, progress=interrupt, workers=2)
    assert threading.active_count() == threads
    assert archive.summary()["period_searches"] == 3 * len(N_BINS)


def test_the_command_line_searches(archive, capsys):
    path = str(archive.path)
    archive.compute_periods(psids=[], **RANGE)
    archive.write("DELETE FROM epochs WHERE lc NOT IN (SELECT lc FROM lightcurves WHERE field = 999)")
    archive.close()
    assert cli.main(["archive", "periods", path, "--workers", "2"]) == cli.OK
    first = capsys.readouterr()
    assert first.out == "1 light curves: 0 known already, 1 with new periods, 0 in which none can be found.\n"
    assert "[1/1] light curves searched" in first.err
    assert cli.main(["archive", "periods", path]) == cli.OK
    assert "1 known already" in capsys.readouterr().out
    assert cli.main(["archive", "periods", path, "--workers", "0"]) == cli.ERROR
    assert "workers must be" in capsys.readouterr().err
