"""The record that every folded view draws."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn
from astropy.time import Time
from astropy.timeseries import TimeSeries
from hypothesis import given
from hypothesis import strategies as st

from alerce_zvar import find_period, fold
from alerce_zvar.plot.model import build_fold_model

PERIOD = 1.364058 * u.day
EPOCH = Time(59047.263, format="mjd", scale="tdb")


def make_star(number=400, *, depth=1.0, seed=0, column="mag", shape=None):
    """Two bands and two fields with their own levels; an eclipse of a twentieth of the period at EPOCH."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(58200, 60000, number))
    phases = (days - EPOCH.mjd) / PERIOD.value % 1
    band, field = rng.choice(["r", "g"], number), rng.choice([683, 1721], number)
    apart = np.minimum(phases, 1 - phases)
    dip = np.clip(1 - apart / 0.05, 0, None) if shape is None else shape(phases)
    level = 17 + 0.4 * (band == "g") + 0.03 * (field == 683)
    sign = 1 if column == "mag" else -1
    value = level + sign * depth * dip + rng.normal(0, 0.01, number)
    unit = u.mag if column == "mag" else u.mJy
    data = {"band": band, column: value * unit, f"{column}_err": np.full(number, 0.01) * unit, "field": field}
    star = TimeSeries(time=Time(days, format="mjd", scale="tdb"), data=data)
    star.meta["id"] = "145120008365555264"
    return star


def every(model, name):
    return np.concatenate([getattr(trace, name) for trace in model.traces])


def test_traces_hold_each_row_once_by_band_and_field():
    star = make_star()
    model = build_fold_model(star, PERIOD, epoch_time=EPOCH, cycles=1)
    groups = [("g", "1721"), ("g", "683"), ("r", "1721"), ("r", "683")]
    assert [(trace.band, trace.field) for trace in model.traces] == groups
    assert (model.id, model.bands, model.column, model.unit) == ("145120008365555264", ["g", "r"], "mag", u.mag)
    assert sorted(every(model, "row")) == list(range(len(star)))
    theirs = star.fold(PERIOD, epoch_time=EPOCH, normalize_phase=True, wrap_phase=1 * u.one)
    order = np.argsort(every(model, "row"))
    ours = dict(zip(every(model, "row")[order], every(model, "phase")[order], strict=True))
    turns = (star["time"] - EPOCH).to_value(u.day) / PERIOD.value % 1
    assert np.allclose([ours[row] for row in range(len(star))], turns, rtol=0, atol=1e-9)
    assert np.allclose(np.sort(np.asarray(theirs["time"].value)), np.sort(every(model, "phase")), rtol=0, atol=1e-11)
    assert every(model, "value")[order].tolist() == star["mag"].value.tolist()
    assert every(model, "error")[order].tolist() == star["mag_err"].value.tolist()


@pytest.mark.parametrize("cycles", [1, 1.5, 2])
def test_cycles_repeat_points_and_bins(cycles):
    star = make_star()
    one = build_fold_model(star, PERIOD, epoch_time=EPOCH, cycles=1, bins=20)
    many = build_fold_model(star, PERIOD, epoch_time=EPOCH, cycles=cycles, bins=20)
    for first, repeated in zip(one.traces, many.traces, strict=True):
        for short, long in ((first, repeated), (first.bins, repeated.bins)):
            again = np.flatnonzero(short.phase + 1 < cycles)
            assert long.phase.tolist() == [*short.phase, *(short.phase[again] + 1)]
            assert long.value.tolist() == [*short.value, *short.value[again]]
    assert many.scatter == one.scatter
    assert many.faintest_phase == one.faintest_phase


@given(st.integers(1, 1000), st.integers(0, 5))
def test_bins_are_those_of_fold(bins, seed):
    star = make_star(120, seed=seed)
    one_field = star[star["field"] == 683]
    model = build_fold_model(one_field, PERIOD, epoch_time=EPOCH, cycles=1, bins=bins)
    expected = fold(one_field, PERIOD, epoch_time=EPOCH, bins=bins)
    for trace in model.traces:
        rows = expected[expected["band"] == trace.band]
        assert trace.bins.phase.tolist() == rows["phase"].value.tolist()
        assert np.allclose(trace.bins.value, rows["mag"].value, rtol=1e-14)
        assert np.allclose(trace.bins.error, rows["mag_err"].value, rtol=1e-14)
        assert trace.bins.count.tolist() == rows["n"].tolist()
        assert trace.bins.count.sum() == len(trace.row)


def test_what_is_masked_or_missing_takes_no_part():
    star = make_star(60)
    star["mag"] = MaskedColumn(star["mag"].value, mask=np.arange(60) < 10, unit=u.mag)
    star["mag_err"][10:15] = np.nan
    star["mag_err"][15:20] = 0
    star["field"] = MaskedColumn(star["field"], mask=np.arange(60) >= 50)
    time = star["time"].copy()
    time[20:25] = np.ma.masked
    star["time"] = time
    model = build_fold_model(star, PERIOD, bins=10, cycles=1)
    assert sorted(every(model, "row")) == list(range(25, 60))
    assert {trace.field for trace in model.traces} == {"", "683", "1721"}
    assert sum(trace.bins.count.sum() for trace in model.traces) == 35


def test_scatter_is_that_of_the_noise_at_the_period_and_larger_elsewhere():
    star = make_star(2000, depth=0.5)
    right = build_fold_model(star, PERIOD).scatter
    assert 0.009 < right < 0.02
    assert build_fold_model(star, PERIOD * 1.01).scatter > 5 * right
    assert np.isnan(build_fold_model(star[:1], PERIOD).scatter)


@pytest.mark.parametrize("column", ["mag", "flux"])
def test_faintest_phase_is_the_middle_of_the_eclipse(column):
    star = make_star(1500, column=column)
    shifted = EPOCH + 0.3 * PERIOD
    assert build_fold_model(star, PERIOD, epoch_time=shifted).faintest_phase == pytest.approx(0.7, abs=0.004)
    wave = make_star(500, column=column, shape=lambda phase: 0.3 * np.cos(2 * np.pi * phase))
    at_zero = build_fold_model(wave, PERIOD, epoch_time=EPOCH).faintest_phase
    assert min(at_zero, 1 - at_zero) < 0.01
    assert np.isnan(build_fold_model(star[:0], PERIOD).faintest_phase)


def test_a_result_gives_period_and_epoch():
    star = make_star(300, shape=lambda phase: 0.3 * np.cos(2 * np.pi * phase))
    result = find_period(star, method="lombscargle", minimum_period=0.5 * u.day, maximum_period=5 * u.day)
    model = build_fold_model(star, result)
    assert (model.period, model.epoch_time.mjd) == (result.period, result.epoch_time.mjd)
    assert build_fold_model(star, result, epoch_time=EPOCH).epoch_time is EPOCH


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"period": 1.0}, u.UnitsError, "period must be a Quantity"),
        ({"period": -1 * u.day}, ValueError, "period must be one positive"),
        ({"cycles": 3}, ValueError, "cycles must be one of 1, 1.5, 2, not 3"),
        ({"cycles": True}, ValueError, "cycles must be one of 1, 1.5, 2, not True"),
        ({"bins": 1001}, ValueError, "bins must be a whole number from 0 to 1000, not 1001"),
        ({"bins": 2.5}, ValueError, "bins must be a whole number"),
        ({"column": "flux"}, ValueError, "column must be one of"),
        ({"epoch_time": 58000.0}, TypeError, "epoch_time must be one astropy Time"),
        ({"light_curve": [1, 2]}, TypeError, "light_curve must be a table with a column 'time'"),
    ],
)
def test_bad_input_is_named(changes, error, words):
    arguments = {"light_curve": make_star(10), "period": PERIOD} | changes
    with pytest.raises(error, match=words):
        build_fold_model(arguments.pop("light_curve"), arguments.pop("period"), **arguments)
