"""Folding: against astropy's own, its properties, and results that can be kept."""

import pickle
from decimal import Decimal, getcontext

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table, vstack
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from hypothesis import given
from hypothesis import strategies as st

from alerce_zvar import LightCurves, fold
from alerce_zvar.folding import bin_phase, phase

times = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=50).map(np.array)
periods = st.floats(1e-3, 100)


def light_curve(n=200, seed=1):
    rng = np.random.default_rng(seed)
    time = Time(2458000 + np.sort(rng.uniform(0, 1500, n)), format="jd", scale="tdb")
    mag = 17 + 0.3 * np.sin(2 * np.pi * (time.jd - 2458000) / 0.57) + rng.normal(0, 0.02, n)
    columns = {"band": rng.choice(["g", "r"], n), "mag": mag * u.mag, "mag_err": np.full(n, 0.02) * u.mag}
    return TimeSeries(time=time, data=columns)


@given(times, periods, st.floats(-1e3, 1e3))
def test_phases_lie_in_the_unit_interval_and_repeat(time, period, epoch):
    found = phase(time, period, epoch)
    assert np.all((found >= 0) & (found < 1))
    again = phase(time + period, period, epoch)
    apart = np.abs(found - again)
    assert np.all(np.minimum(apart, 1 - apart) < 1e-6)


@given(times, periods)
def test_half_the_period_doubles_the_phase(time, period):
    double = np.mod(2 * phase(time, period), 1)
    apart = np.abs(double - phase(time, period / 2))
    assert np.all(np.minimum(apart, 1 - apart) < 1e-6)


@given(
    st.lists(st.tuples(st.floats(0, 0.9999999), st.floats(-50, 50), st.floats(0.01, 2)), min_size=1, max_size=80),
    st.integers(1, 40),
)
def test_bins_keep_counts_and_weighted_means(rows, bins):
    phases, values, errors = map(np.array, zip(*rows, strict=True))
    centres, means, mean_errors, counts = bin_phase(phases, values, errors, bins=bins)
    assert counts.sum() == len(rows)
    assert np.all(np.diff(centres) > 0)
    weights = errors**-2
    assert np.sum(means * mean_errors**-2) == pytest.approx(np.sum(weights * values), rel=1e-9, abs=1e-6)
    for centre, mean, error, count in zip(centres, means, mean_errors, counts, strict=True):
        inside = np.minimum((phases * bins).astype(int), bins - 1) == int(centre * bins)
        assert count == inside.sum()
        assert mean == pytest.approx(np.average(values[inside], weights=weights[inside]), abs=1e-9)
        assert error == pytest.approx(1 / np.sqrt(weights[inside].sum()))


def test_bins_without_errors_use_the_scatter():
    _, means, errors, counts = bin_phase([0.1, 0.2, 0.9], [1.0, 3.0, 5.0], bins=2)
    assert list(means) == [2.0, 5.0]
    assert list(counts) == [2, 1]
    assert errors[0] == pytest.approx(1.0)
    assert np.isnan(errors[1])


def test_same_phase_as_astropy():
    curve, period, epoch = light_curve(), 0.57 * u.day, Time(2458100.25, format="jd", scale="tdb")
    ours = fold(curve, period, epoch_time=epoch)
    theirs = curve.fold(period, epoch_time=epoch, normalize_phase=True, wrap_phase=1)
    np.testing.assert_allclose(ours["phase"].value, np.asarray(theirs["time"]), atol=1e-12)
    assert ours.colnames[:2] == ["phase", "cycle"]
    elapsed = (curve["time"] - epoch).to_value(u.day)
    np.testing.assert_allclose((ours["phase"].value + ours["cycle"]) * 0.57, elapsed, atol=1e-9)


def exact(time, period, epoch_time):
    """Cycles since the epoch by decimal arithmetic; the period as it stands in its own unit."""
    getcontext().prec = 60
    per_day = {u.day: 1, u.hour: 24, u.min: 1440, u.s: 86400}[period.unit]
    start = Decimal(epoch_time.jd1) + Decimal(epoch_time.jd2)
    days = [Decimal(whole) + Decimal(rest) - start for whole, rest in zip(time.jd1, time.jd2, strict=True)]
    return [day * per_day / Decimal(float(period.value)) for day in days]


def apart(phases, wanted):
    """Largest distance on the circle."""
    distance = np.abs(phases - np.array([float(cycles % 1) for cycles in wanted])) % 1
    return np.max(np.minimum(distance, 1 - distance))


@given(
    st.lists(st.floats(0, 3652.5), min_size=1, max_size=30).map(np.array),
    st.floats(1, 1e4),
    st.sampled_from([u.min, u.hour, u.day]),
    st.floats(-3000, 3000),
)
def test_phases_are_exact_over_ten_years(days, period, unit, start):
    """Periods from a minute: five million cycles, and a phase to 1e-12 where float64 days would leave 1e-9."""
    time, epoch = Time(58000, days, format="mjd", scale="tdb"), Time(58000 + start, format="mjd", scale="tdb")
    found = phase(time, period * unit, epoch)
    wanted = exact(time, period * unit, epoch)
    assert np.all((found >= 0) & (found < 1))
    assert apart(found, wanted) < 1e-12
    folded = fold(TimeSeries(time=time, data={"mag": days * u.mag}), period * unit, epoch_time=epoch)
    cycles = np.array([float(value) for value in wanted])
    np.testing.assert_allclose(folded["cycle"] + folded["phase"].value, cycles, rtol=1e-15, atol=1e-12)


@given(times, st.floats(1e-7, 1e3), st.floats(-1e3, 1e3))
def test_phases_of_numbers_are_exact(time, period, epoch):
    """Also where there are more cycles than half a float64 counts."""
    wanted = [(Decimal(float(value)) - Decimal(epoch)) / Decimal(period) for value in time]
    assert apart(phase(time, period, epoch), wanted) < 1e-12


@pytest.mark.parametrize("scale", ["utc", "tai", "tt", "tdb", "tcb"])
@pytest.mark.parametrize("epoch_scale", ["utc", "tdb"])
@pytest.mark.parametrize("period", [0.57 * u.day, 7.3 * u.hour, 0.9 * u.year, 42 * u.day])
def test_scales_and_units_as_astropy(scale, epoch_scale, period):
    curve = light_curve()
    days = Time(57700 + np.linspace(0, 900, 200), format="mjd", scale=scale)  # over a leap second
    curve = TimeSeries(time=days, data={"mag": curve["mag"]})
    epoch = Time(57650.125, format="mjd", scale=epoch_scale)
    ours = fold(curve, period, epoch_time=epoch)["phase"].value
    theirs = np.asarray(curve.fold(period, epoch_time=epoch, normalize_phase=True, wrap_phase=1)["time"])
    distance = np.abs(ours - theirs)
    assert np.max(np.minimum(distance, 1 - distance)) < 1e-12


def test_phase_takes_scalars_and_a_period_for_each_time():
    time = Time([58000.25, 58001.5], format="mjd", scale="tdb")
    epoch = Time(58000, format="mjd", scale="tdb")
    assert phase(time[1], 1 * u.day, epoch).shape == ()
    assert phase(time[1], 1 * u.day, epoch) == 0.5
    assert phase(7.25, 2.0) == 0.625
    np.testing.assert_allclose(phase(time, [1, 2] * u.day, epoch), [0.25, 0.75], atol=1e-15)
    np.testing.assert_allclose(phase(time.reshape(2, 1), [1, 2] * u.day, epoch), [[0.25, 0.125], [0.5, 0.75]])
    np.testing.assert_allclose(phase([0.5, 3.0], [1.0, 4.0], [0.0, 1.0]), [0.5, 0.5])
    assert phase(time, 0.57 * u.day) == pytest.approx(fold(TimeSeries(time=time), 0.57 * u.day)["phase"].value)
    assert phase([], 1.0).shape == (0,)
    day, tiny = 7.25, 1e-9
    assert phase(day, tiny) == pytest.approx(float(Decimal(day) / Decimal(tiny) % 1), abs=1e-12)


@pytest.mark.parametrize("tiny", [1e-17, 1e-300])
def test_just_before_the_epoch_is_phase_zero(tiny):
    assert phase(-tiny, 1.0) == 0.0
    time = Time(58000, -tiny, format="mjd", scale="tdb")
    assert phase(time, 1 * u.day, Time(58000, format="mjd", scale="tdb")) == 0.0


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((58000.0, 1 * u.day), TypeError, "period must be a number"),
        ((58000.0, 0.0), ValueError, "period must be positive"),
        ((58000.0, 1.0, Time(58000, format="mjd")), TypeError, "epoch_time must be a number"),
        ((Time(58000, format="mjd"), 1 * u.day, 58000.0), TypeError, "epoch_time must be an astropy Time"),
        ((Time(58000, format="mjd"), 1.0), u.UnitsError, "period must be a Quantity"),
        ((Time(58000, format="mjd"), [1, -1] * u.day), ValueError, "period must be positive"),
        ((Time(58000, format="mjd", scale="local"), 1 * u.day, Time(58000, format="mjd")), TypeError, "scale 'utc'"),
    ],
)
def test_phases_of_what_has_none(arguments, error, words):
    with pytest.raises(error, match=words):
        phase(*arguments)


def test_many_light_curves_fold_as_each_alone(tmp_path):
    curves = [light_curve(n, seed) for seed, n in enumerate([5, 60, 1, 200])]
    together = LightCurves.from_tables(curves, ["a", "b", "c", "d"], id_name="oid")
    periods, epoch = [0.57, 0.1, 33, 2.5] * u.day, Time(58100.25, format="jd", scale="tdb")
    folded = together.fold(periods, epoch_time=epoch)
    assert folded.colnames == ["oid", "phase", "cycle", *curves[0].colnames]
    for name, curve, period in zip("abcd", curves, periods, strict=True):
        alone, rows = fold(curve, period, epoch_time=epoch), folded[folded["oid"] == name]
        for column in ("phase", "cycle", "mag", "band"):
            assert np.array_equal(rows[column], alone[column]), column
    assert np.array_equal(together.fold(1 * u.day)["phase"], fold(together.data, 1 * u.day)["phase"])
    each = Time([58100.25, 58100.5, 58000, 58000], format="jd", scale="tdb")
    assert np.array_equal(together.fold(periods, epoch_time=each)["phase"][:5], folded["phase"][:5])
    folded["mag"][0] = 99 * u.mag
    assert together.data["mag"][0] < 20 * u.mag
    folded.write(tmp_path / "folded.ecsv")
    back = QTable.read(tmp_path / "folded.ecsv")
    assert np.array_equal(back["phase"], folded["phase"])
    assert u.allclose(back.meta["period"], periods)
    with pytest.raises(ValueError, match="period must be one, or one for each of 4 light curves"):
        together.fold([1, 2] * u.day)
    with pytest.raises(ValueError, match="period must be positive"):
        together.fold([1, 2, 0, 1] * u.day)
    with pytest.raises(TypeError, match="epoch_time must be an astropy Time"):
        together.fold(1 * u.day, epoch_time=58000.0)


def test_the_fold_is_a_copy_that_keeps_descriptions():
    curve = light_curve()
    curve["mag"].info.description = "brightness"
    folded = fold(curve, 0.57 * u.day)
    assert folded["mag"].info.description == "brightness"
    folded["mag"][0], folded["time"][0] = 99 * u.mag, folded["time"][1]
    assert curve["mag"][0] < 20 * u.mag
    assert curve["time"][0] < curve["time"][1]
    assert not folded.indices


@pytest.mark.parametrize("kind", [TimeSeries, QTable, Table])
def test_a_fold_may_share_the_memory(kind):
    curve = kind(light_curve())
    curve.add_index("band")
    indices = len(curve.indices)
    folded = fold(curve, 0.57 * u.day, copy=False)
    assert np.array_equal(folded["phase"], fold(curve, 0.57 * u.day)["phase"])
    assert not folded.indices
    assert folded["mag"].info.parent_table is folded
    assert curve["mag"].info.parent_table is curve
    assert len(curve.indices) == indices
    curve["time"][0] = curve["time"][1]
    assert folded["time"][0] == folded["time"][1]
    assert np.shares_memory(np.asarray(folded["mag"].value), np.asarray(curve["mag"]))


@pytest.mark.parametrize("kind", [TimeSeries, QTable, Table])
def test_the_fold_is_a_table_like_any_other(kind):
    """Whatever table was folded: units make Quantities, indices stay behind, and rows and columns can be changed."""
    curve = kind(light_curve())
    curve["mag"].info.format = ".3f"
    curve.meta["notes"] = ["first"]
    curve["flag"] = np.ma.array(np.zeros(200, int), mask=np.arange(200) == 7)
    curve.add_index("band")
    indices = len(curve.indices)
    folded = fold(curve, 0.57 * u.day)
    assert type(folded) is QTable
    assert folded.colnames == ["phase", "cycle", *curve.colnames]
    assert isinstance(folded["mag"], u.Quantity)
    assert folded["flag"].mask.tolist() == curve["flag"].mask.tolist()
    assert (folded["mag"].info.name, folded["mag"].info.format) == ("mag", ".3f")
    assert all(folded[name].info.parent_table is folded for name in folded.colnames)
    assert all(curve[name].info.parent_table is curve for name in curve.colnames)
    assert not folded.indices
    assert len(curve.indices) == indices > 0
    folded["band"][0], folded.meta["period"] = "g" if curve["band"][0] == "r" else "r", 0
    assert folded["band"][0] != curve["band"][0]
    assert list(curve.meta) == ["notes"]
    folded.sort("phase")
    assert np.all(np.diff(folded["phase"]) >= 0)
    folded.remove_rows(slice(10, None))
    folded.rename_column("mag", "magnitude")
    assert [len(folded), len(curve)] == [10, 200]
    assert vstack([folded, folded]).colnames[-4:] == ["band", "magnitude", "mag_err", "flag"]


@pytest.mark.parametrize("number", [1, 8191, 8193, 20000])
def test_many_times_are_folded_as_few(number):
    """Times are taken block by block, with one period or one for each; none is left out or mixed up."""
    rng = np.random.default_rng(number)
    days, each = rng.uniform(0, 3000, number), rng.uniform(0.1, 5, number)
    time, epoch = Time(58000, days, format="mjd", scale="tdb"), Time(59000.25, format="mjd", scale="tdb")
    for period in (0.57, each):
        wanted = (days - 1000.25) / period
        for phases in (phase(time, period * u.day, epoch), phase(days, period, 1000.25)):
            assert phases.shape == (number,)
            np.testing.assert_allclose(phases, wanted - np.floor(wanted), atol=1e-8)
    folded = fold(TimeSeries(time=time, data={"n": days}), 0.57 * u.day, epoch_time=epoch)
    assert np.array_equal(folded["phase"].value, phase(time, 0.57 * u.day, epoch))
    assert folded["cycle"].dtype == np.int64
    assert np.array_equal(folded["cycle"], np.floor((days - 1000.25) / 0.57))


def test_epoch_and_unit_of_the_period_are_honoured():
    curve = light_curve()
    hours = fold(curve, 0.57 * 24 * u.hour)
    days = fold(curve, 0.57 * u.day)
    np.testing.assert_allclose(hours["phase"], days["phase"], atol=1e-9)
    shifted = fold(curve, 0.57 * u.day, epoch_time=days.meta["epoch_time"] + 0.25 * 0.57 * u.day)
    np.testing.assert_allclose(np.mod(days["phase"] - shifted["phase"], 1), 0.25, atol=1e-9)


def test_the_default_epoch_does_not_move_with_cuts():
    curve = light_curve()
    whole, part = fold(curve, 0.57 * u.day), fold(curve[17:], 0.57 * u.day)
    assert np.array_equal(whole["phase"][17:], part["phase"])


def test_cycles_repeat_rows():
    curve = light_curve()
    for cycles in (1, 1.5, 2, 3):
        folded = fold(curve, 0.57 * u.day, cycles=cycles)
        assert folded["phase"].max() < cycles
        once = fold(curve, 0.57 * u.day)["phase"]
        assert len(folded) == sum(np.sum(once + k < cycles) for k in range(3))


def test_bins_keep_bands_apart_and_masked_rows_out():
    curve = light_curve()
    hidden = np.arange(len(curve)) % 5 == 0
    curve["mag"] = Masked(np.where(hidden, 99, curve["mag"].value) * u.mag, mask=hidden)
    folded = fold(curve, 0.57 * u.day, bins=10, cycles=2)
    assert folded["mag"].max() < 18 * u.mag
    assert folded["n"].sum() == 2 * np.sum(~hidden)
    assert set(folded["band"]) == {"g", "r"}
    assert folded["mag_err"].unit == u.mag
    one_cycle = folded["phase"] < 1
    np.testing.assert_allclose(np.unique(folded["phase"][one_cycle]), np.arange(0.05, 1, 0.1))


@pytest.mark.parametrize("bins", [None, 12])
def test_results_can_be_copied_pickled_and_written(bins, tmp_path):
    folded = fold(light_curve(), 0.57 * u.day, bins=bins, cycles=2)
    assert np.array_equal(pickle.loads(pickle.dumps(folded))["phase"], folded["phase"])
    assert np.array_equal(folded.copy()["phase"], folded["phase"])
    folded.write(tmp_path / "folded.ecsv")
    back = QTable.read(tmp_path / "folded.ecsv")
    assert u.allclose(back["mag"], folded["mag"])
    assert back.meta["period"] == 0.57 * u.day


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"period": 0.57}, u.UnitsError, "period must be a Quantity"),
        ({"period": 0.57 * u.m}, u.UnitsError, "unit of time"),
        ({"period": -1 * u.day}, ValueError, "positive"),
        ({"period": [1, 2] * u.day}, ValueError, "one positive"),
        ({"period": np.nan * u.day}, ValueError, "finite"),
        ({"period": 1 * u.day, "bins": 0}, ValueError, "bins"),
        ({"period": 1 * u.day, "bins": 2.5}, ValueError, "bins"),
        ({"period": 1 * u.day, "cycles": 0}, ValueError, "cycles"),
        ({"period": 1 * u.day, "epoch_time": 2458000.0}, TypeError, "epoch_time must be one astropy Time"),
    ],
)
def test_wrong_arguments(arguments, error, words):
    with pytest.raises(error, match=words):
        fold(light_curve(), **arguments)


# odd light curves


def test_errors_may_have_another_unit():
    curve = light_curve()
    small = curve.copy()
    small["mag_err"] = curve["mag_err"].to(u.mmag)
    ours, theirs = (fold(c, 0.57 * u.day, bins=5) for c in (curve, small))
    assert u.allclose(ours["mag_err"], theirs["mag_err"])
    flux = TimeSeries(time=curve["time"], data={"flux": np.ones(200) * u.uJy, "flux_err": np.full(200, 0.01) * u.mJy})
    assert u.allclose(fold(flux, 0.57 * u.day, bins=1)["flux_err"], 10 / np.sqrt(200) * u.uJy)


def test_bands_from_fits_are_text(tmp_path):
    QTable(light_curve()).write(tmp_path / "curve.fits")
    back = QTable.read(tmp_path / "curve.fits", astropy_native=True)
    assert set(fold(back, 0.57 * u.day, bins=3)["band"]) == {"g", "r"}


def test_masked_times_and_empty_light_curves():
    curve = light_curve()
    curve["time"][3] = np.ma.masked
    folded = fold(curve, 0.57 * u.day, cycles=2)
    assert np.flatnonzero(folded["phase"].mask[:200]).tolist() == [3]
    assert np.flatnonzero(folded["cycle"].mask[:200]).tolist() == [3]
    assert fold(curve, 0.57 * u.day, bins=4)["n"].sum() == 199
    empty = light_curve()[:0]
    assert len(fold(empty, 0.57 * u.day)) == 0
    assert fold(empty, 0.57 * u.day, bins=4).colnames == ["phase", "band", "mag", "mag_err", "n"]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda c: c["time", "band"], ValueError, "bins need a column 'mag' or 'flux'"),
        (lambda c: QTable({"time": [1.0, 2.0], "mag": [1.0, 2.0]}), TypeError, "column 'time' of astropy Time"),
        (lambda c: fold(c, 1 * u.day), ValueError, "column 'phase' already"),
        (lambda c: QTable({"time": c["time"], "cycle": c["mag"], "mag": c["mag"]}), ValueError, "column 'cycle'"),
        (lambda c: c["time"], TypeError, "column 'time'"),
        (lambda c: c.fold(1 * u.day), TypeError, "column 'time' of astropy Time"),
    ],
)
def test_what_cannot_be_folded(change, error, words):
    with pytest.raises(error, match=words):
        fold(change(light_curve()), 0.57 * u.day, bins=3)
