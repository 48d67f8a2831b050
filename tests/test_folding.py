"""Folding: against astropy's own, its properties, and results that can be kept."""

import pickle

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from hypothesis import given
from hypothesis import strategies as st

from alerce_zvar import fold
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
        (lambda c: c["time"], TypeError, "column 'time'"),
        (lambda c: c.fold(1 * u.day), TypeError, "column 'time' of astropy Time"),
    ],
)
def test_what_cannot_be_folded(change, error, words):
    with pytest.raises(error, match=words):
        fold(change(light_curve()), 0.57 * u.day, bins=3)
