"""Cuts on light curves, against slow twins and on real data."""

from itertools import pairwise

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from alerce_zvar import LightCurves, cuts

GROUPED = st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 3)), max_size=40)


def split(pairs):
    values, groups = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(values, dtype=float), np.array(groups, dtype=np.int64)


@given(st.lists(st.tuples(st.sampled_from("gri"), st.integers(640, 643), st.booleans()), max_size=30))
def test_groups_are_rows_that_agree(rows):
    columns = [np.array(column) for column in zip(*rows, strict=True)] if rows else [np.zeros(0)] * 3
    numbers = cuts.group_numbers(*columns)
    assert set(numbers) == set(range(len(set(rows))))
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            assert (numbers[i] == numbers[j]) == (one == other)


@given(GROUPED, st.floats(0.5, 10))
def test_outliers_as_one_would_by_hand(pairs, max_deviation):
    values, groups = split(pairs)
    expected = np.zeros(len(values), dtype=bool)
    for group in np.unique(groups):
        rows = groups == group
        distance = np.abs(values[rows] - np.median(values[rows]))
        spread = 1.4826 * np.median(distance)
        expected[rows] = (spread > 0) & (distance > max_deviation * spread)
    np.testing.assert_array_equal(cuts.outliers(values, groups, max_deviation), expected)


def test_outliers_of_noise_and_of_one_group_only():
    """Centred, and in standard deviations: five of them leave normal noise alone, and one leaves two thirds."""
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(15, 0.02, 5000), rng.normal(19, 0.3, 5000)])
    groups = np.repeat([0, 1], 5000)
    assert cuts.outliers(values, groups, 5).sum() < 3
    assert cuts.outliers(values, groups, 1).mean() == pytest.approx(0.317, abs=0.02)
    values[10], values[6000] = 15.5, 19.5  # 25 sigma of its group, and less than 2
    assert list(np.flatnonzero(cuts.outliers(values, groups, 5))) == [10]
    for bad in (0, -3, np.nan):
        with pytest.raises(ValueError, match="max_deviation must be a positive number"):
            cuts.outliers(values, groups, bad)


def slow_deep_drilling(days, groups, gap, per_night):
    """A night ends with a quarter of a day without an exposure of the group."""
    piled = np.zeros(len(days), dtype=bool)
    for group in np.unique(groups):
        rows = [i for i in np.argsort(days, kind="stable") if groups[i] == group]
        nights, night = [], []
        for row in rows:
            if night and days[row] - days[night[-1]] > 0.25:
                nights.append(night)
                night = []
            night.append(row)
        for rows_of_night in [*nights, night]:
            if len(rows_of_night) > per_night:
                for before, row in pairwise(rows_of_night):
                    piled[row] = (days[row] - days[before]) * 86400 < gap
    return piled


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 300), st.integers(0, 1)), max_size=60),
    st.integers(0, 12),
    st.sampled_from([45.0, 100.0]),
)
def test_deep_drilling_as_one_would_by_hand(rows, per_night, gap):
    days = np.array([58300.2 + night + 38.5 * step / 86400 for night, step, _ in rows])
    groups = np.array([group for *_, group in rows], dtype=np.int64)
    found = cuts.deep_drilling(days, groups, gap=gap, per_night=per_night)
    np.testing.assert_array_equal(found, slow_deep_drilling(days, groups, gap, per_night))


def test_ordinary_nights_are_left_alone():
    pairs = np.sort(np.concatenate([58300.2 + 3.0 * np.arange(200), 58300.2 + 3.0 * np.arange(200) + 35 / 86400]))
    assert not cuts.deep_drilling(pairs, np.zeros(400, dtype=int)).any()
    night = 58300.2 + np.arange(11) * 40 / 86400
    assert cuts.deep_drilling(night, np.zeros(11, dtype=int)).sum() == 10
    assert not cuts.deep_drilling(night[:10], np.zeros(10, dtype=int)).any()
    visits = np.concatenate([night[:8], night[:8] + 0.3])
    assert not cuts.deep_drilling(visits, np.zeros(16, dtype=int)).any(), "seven hours apart: two nights"


def test_real_deep_drilling(real_data):
    """A star of which most of the exposures in r are of a few nights (VSX file 18aaaawyw)."""
    table = Table.read(real_data / "ztf_vsx" / "lightcurves" / "18aaaawyw-zr1.csv.gz", format="ascii.csv")
    days = np.asarray(table["mjd"], dtype=float)
    piled = cuts.deep_drilling(days, np.zeros(len(days), dtype=int))
    nights, before = np.unique(np.floor(days), return_counts=True)
    after = np.array([np.sum(np.floor(days[~piled]) == night) for night in nights])
    assert before.max() == 273
    assert after[before.argmax()] < 30
    np.testing.assert_array_equal(after[before <= 10], before[before <= 10])
    assert len(nights) == np.count_nonzero(after)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=30), st.integers(0, 6))
def test_populous_counts_what_is_kept(rows, least):
    groups = np.array([group for group, _ in rows], dtype=np.int64)
    keep = np.array([kept for _, kept in rows], dtype=bool)
    expected = [np.sum(keep[groups == group]) >= least for group in groups]
    assert list(cuts.populous(groups, keep, least)) == expected


# --- the cuts in LightCurves.clean ----------------------------------------------------------------------------------


def lightcurves():
    """Two stars in two fields of different zero points: 300 rows each, a night of deep drilling, a mistake, a limit."""
    rng = np.random.default_rng(8)
    days = np.concatenate([58300.2 + 2.1 * np.arange(260), 58900.2 + np.arange(40) * 40 / 86400])
    field = np.where(np.arange(300) % 2, 648, 1645)
    mag = rng.normal(16.0, 0.02, 600) + np.tile(np.where(field == 648, 0.0, 0.5), 2)
    mag[7], mag[400] = 13.0, 16.3
    mask = np.arange(600) % 50 == 49
    data = Table({"time": Time(np.tile(days, 2), format="mjd", scale="tdb"), "band": np.tile(["g", "r", "r"], 200)})
    data["mag"], data["mag_err"] = (MaskedColumn(values, mask=mask, unit=u.mag) for values in (mag, np.full(600, 0.02)))
    data["limiting_mag"] = MaskedColumn(np.full(600, 20.5), mask=~mask, unit=u.mag)
    data["field"] = np.tile(field, 2)
    return LightCurves(data, [0, 300, 600], ["1", "2"], id_name="psid")


def test_outliers_are_judged_in_their_own_field():
    curves, plain = lightcurves(), lightcurves().clean()
    clean = curves.clean(max_deviation=6)
    assert len(plain.data) - len(clean.data) == 2
    assert clean.data["mag"].value.min() > 15.8
    assert 16.3 not in clean.data["mag"].value
    bare = LightCurves(curves.data["time", "band", "mag", "mag_err"], curves.offsets, curves.ids)
    assert len(plain.data) - len(bare.clean(max_deviation=6).data) == 1, "without fields 16.3 is between the two levels"
    with pytest.raises(ValueError, match="max_deviation"):
        curves.clean(max_deviation=0)


def test_deep_drilling_is_thinned_in_each_band():
    curves = lightcurves()
    thin = curves.clean(drop_deep_drilling=True)
    for star in thin:
        night = np.floor(star["time"].mjd) == 58900
        bands, counts = np.unique(np.asarray(star["band"])[night], return_counts=True)
        assert list(bands) == ["g", "r"]
        assert counts[1] == 1
        assert counts[0] == 13, "every 120 s: that is no pile"
    untouched = curves.data["time"].mjd < 58850
    assert np.sum(thin.data["time"].mjd < 58850) == np.sum(untouched & ~np.asarray(curves.data["mag"].mask))


def test_limits_are_no_points_and_no_outliers():
    curves = lightcurves()
    limits = curves.clean(keep_upper_limits=True, max_deviation=6)
    masked = np.asarray(limits.data["mag"].mask)
    assert masked.sum() == 12
    assert not np.any(limits.data["limiting_mag"].mask[masked])
    counts = [
        np.sum((np.asarray(star["band"]) == "g") & ~np.asarray(star["mag"].mask))
        for star in curves.clean(keep_upper_limits=True)
    ]
    kept = curves.clean(keep_upper_limits=True, min_points=max(counts))
    assert "g" in kept.data["band"]
    faint = lightcurves()
    faint.data["limiting_mag"].mask[:20] = False  # as ALeRCE gives it, beside a magnitude
    assert len(faint.clean(keep_upper_limits=True, min_snr=1e9).data) == 12, "a faint detection is no limit"
    none = curves.clean(keep_upper_limits=True, min_points=max(counts) + 1)
    assert "g" not in none.data["band"]
    assert "r" in none.data["band"]


def test_cuts_work_together_on_nothing():
    empty = lightcurves()[[]]
    clean = empty.clean(min_snr=3, min_points=5, drop_deep_drilling=True, max_deviation=5)
    assert len(clean) == len(clean.data) == 0
    hollow = lightcurves().clean(min_snr=1e9)
    assert len(hollow.clean(drop_deep_drilling=True, max_deviation=5, min_points=1)) == 2
