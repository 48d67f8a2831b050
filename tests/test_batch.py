"""Periods of many light curves: one row each, whatever happens to them, on any number of processes."""

import io
import re
import signal
import subprocess
import sys
import threading
from functools import cache

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import TimeSeries

from alerce_zvar import LightCurves, find_period, find_periods
from alerce_zvar.period import batch

RANGE = {"minimum_period": 0.4 * u.day, "maximum_period": 2 * u.day}
PERIODS = (0.5713, 0.7219, 1.3127, 0.4471, 1.7333, 0.9127)


@cache
def star(period, seed=0):
    """A sawtooth in one band, 100 points in 150 days."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0, 150, 100))
    mag = 17 + 0.6 * (days / period % 1) + 0.02 * rng.normal(size=100)
    data = {"band": np.full(100, "r"), "mag": mag * u.mag, "mag_err": np.full(100, 0.02) * u.mag}
    return TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data)


def stars():
    return {f"star {period}": star(period) for period in PERIODS}


def same(first, second):
    """Whether two tables say the same, bit by bit."""
    assert first.colnames == second.colnames
    return all(np.array_equal(np.asarray(first[name]), np.asarray(second[name])) for name in first.colnames)


@pytest.fixture(scope="module")
def table():
    return find_periods(stars(), workers=1, **RANGE)


def test_one_row_per_light_curve_in_their_order(table):
    assert isinstance(table, QTable)
    assert table["id"].tolist() == list(stars())
    assert np.abs(table["period"].to_value(u.day) / PERIODS - 1).max() < 2e-4
    assert table["period"].unit == table["period_err"].unit == u.day
    assert table["believed"].all()
    assert set(table["error"]) == {""}
    assert table["n_points"].tolist() == [100] * len(PERIODS)


def test_a_row_is_what_find_period_says(table):
    result = find_period(star(PERIODS[2]), **RANGE)
    row = table[2]
    assert row["period"] == result.period
    assert row["noise_probability"] == result.noise_probability
    assert row["shape"] == result.shape
    assert row["epoch_time"].scale == "tdb"
    assert abs((row["epoch_time"] - result.epoch_time).to_value(u.s)) < 1e-3


def test_processes_give_the_same_table(table):
    told = []
    assert same(find_periods(stars(), workers=2, progress=told.append, **RANGE), table)
    assert told == [1, 2, 3, 4, 5, 6]


def test_one_worker_is_one_core(monkeypatch):
    """Who asks for one on a shared machine is not to take the others by threads."""
    started = []
    begin = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda thread: [started.append(thread.name), begin(thread)])
    find_periods([star(PERIODS[0])], workers=1, minimum_period=0.001 * u.day)
    assert started == []
    find_periods([star(PERIODS[0])], workers=2, minimum_period=0.001 * u.day)  # too few for processes
    assert started


def test_failures_are_rows_with_the_reason(table):
    short = star(PERIODS[0])[:4]
    flat = star(PERIODS[0]).copy()
    flat["mag"] = 17 * u.mag
    found = find_periods([star(PERIODS[0]), short, flat, "no light curve"], workers=1, **RANGE)
    assert found["id"].tolist() == ["0", "1", "2", "3"]
    assert found["period"].mask.tolist() == [False, True, True, True]
    assert found["epoch_time"].mask.tolist() == [False, True, True, True]
    assert found["n_points"].mask.tolist() == [False, True, True, True]
    assert found["period"][0].unmasked == table["period"][0]
    wanted = ("ValueError: .* 4 usable rows", "ValueError: .* does not vary", "TypeError: .* one light curve")
    for words, told in zip(wanted, found["error"][1:], strict=True):
        assert re.match(words, told)
    assert not found["believed"][1:].any()


@pytest.mark.parametrize(
    "error",
    [np.linalg.LinAlgError("Singular matrix"), ZeroDivisionError(), MemoryError("no room"), RecursionError("deep")],
)
def test_whatever_one_light_curve_raises_is_its_row(error, monkeypatch):
    search = batch.find_period

    def fails_on_the_second(light_curve, **options):
        if light_curve is star(PERIODS[1]):
            raise error
        return search(light_curve, **options)

    monkeypatch.setattr(batch, "find_period", fails_on_the_second)
    found = find_periods([star(period) for period in PERIODS[:3]], workers=1, method="lombscargle", **RANGE)
    assert found["error"].tolist() == ["", f"{type(error).__name__}: {error}", ""]
    assert found["period"].mask.tolist() == [False, True, False]
    np.testing.assert_allclose(found["period"].value.unmasked[[0, 2]], np.array(PERIODS)[[0, 2]], rtol=2e-3)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_failure(error, monkeypatch):
    def interrupted(light_curve, **options):
        raise error

    monkeypatch.setattr(batch, "find_period", interrupted)
    with pytest.raises(error):
        find_periods([star(PERIODS[0])], workers=1)


class Deadly:
    """Kills the process that unpickles it, as the system does where memory runs out."""

    def __reduce__(self):
        return signal.raise_signal, (signal.SIGTERM,)


class Unreadable:
    """Cannot be handed to another process."""

    def __reduce__(self):
        raise ZeroDivisionError("no way out")


def test_a_process_that_dies_loses_no_other_light_curve():
    """Its light curve is told, all others are searched."""
    curves = [*stars().values(), star(PERIODS[0])]
    curves[1], curves[4] = Deadly(), Unreadable()
    found = find_periods(curves, workers=2, method="lombscargle", **RANGE)
    whole = find_periods(curves, workers=1, method="lombscargle", **RANGE)
    kinds = [told.partition(":")[0] for told in found["error"]]
    assert kinds == ["", "BrokenProcessPool", "", "", "ZeroDivisionError", "", ""]
    assert found["error"][1].endswith("was killed from outside, as where memory runs out")
    well = found["error"] == ""
    assert np.array_equal(found["period"][well].unmasked, whole["period"][well].unmasked)


def test_a_script_without_a_guard_is_told_of_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from alerce_zvar import find_periods\nfind_periods(['no light curve'] * 9, workers=2)\n")
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "RuntimeError: find_periods cannot start processes" in ended.stderr


def test_light_curves_bring_their_ids():
    curves = LightCurves.from_tables([star(PERIODS[0]), star(PERIODS[1])], ["145120008365555264", "2"], id_name="psid")
    found = find_periods(curves, workers=1, **RANGE)
    assert found["id"].tolist() == ["145120008365555264", "2"]


def test_an_iterator_is_read_as_far_as_the_search_is():
    read = []

    def forever():
        for number in range(10**9):
            read.append(number)
            if number == 3:
                raise KeyboardInterrupt
            yield star(PERIODS[0])

    with pytest.raises(KeyboardInterrupt):
        find_periods(forever(), workers=1, method="lombscargle", **RANGE)
    assert read == [0, 1, 2, 3]


def test_nothing_gives_an_empty_table(table):
    assert find_periods([], workers=1).colnames == table.colnames


def test_the_table_is_written_and_read(table):
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    again = QTable.read(text.getvalue(), format="ascii.ecsv")
    assert np.array_equal(again["period"].value, table["period"].value)
    assert again["id"].tolist() == table["id"].tolist()


@pytest.mark.parametrize(
    ("light_curves", "options", "error", "words"),
    [
        (5, {}, TypeError, "light_curves must be LightCurves"),
        (star(PERIODS[0]), {}, TypeError, "light_curves must be LightCurves"),
        ([], {"method": "guess"}, ValueError, "method must be one of auto"),
        ([], {"nterms": 0}, ValueError, "nterms of method 'lombscargle' must be"),
        ([], {"workers": 0}, ValueError, "workers must be a positive whole number"),
    ],
)
def test_bad_input_is_refused_before_any_search(light_curves, options, error, words):
    with pytest.raises(error, match=words):
        find_periods(light_curves, **options)
