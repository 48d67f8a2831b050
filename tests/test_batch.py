"""Periods of many light curves: one row each, whatever happens to them, on any number of processes."""

import io
from functools import cache

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import TimeSeries

from alerce_zvar import LightCurves, find_period, find_periods

RANGE = {"minimum_period": 0.3 * u.day, "maximum_period": 2 * u.day}
PERIODS = (0.5713, 0.7219, 1.3127, 0.4471, 1.7333, 0.9127)


@cache
def star(period, seed=0):
    """A sawtooth in one band, 150 points in 400 days."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0, 400, 150))
    mag = 17 + 0.6 * (days / period % 1) + 0.02 * rng.normal(size=150)
    data = {"band": np.full(150, "r"), "mag": mag * u.mag, "mag_err": np.full(150, 0.02) * u.mag}
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
    assert np.abs(table["period"].to_value(u.day) / PERIODS - 1).max() < 1e-4
    assert table["period"].unit == table["period_err"].unit == u.day
    assert table["believed"].all()
    assert set(table["error"]) == {""}
    assert table["n_points"].tolist() == [150] * len(PERIODS)


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
    for words, told in zip(("4 usable rows", "does not vary", "one light curve"), found["error"][1:], strict=True):
        assert words in told
    assert not found["believed"][1:].any()


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
