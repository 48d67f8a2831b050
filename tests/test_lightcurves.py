"""LightCurves: many light curves in flat columns."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from astropy.timeseries import LombScargle, TimeSeries
from hypothesis import given
from hypothesis import strategies as st

from alerce_zvar import LightCurves


def lightcurves(lengths=(5, 0, 8, 3)):
    n = sum(lengths)
    mag = MaskedColumn(np.linspace(15, 20, n), unit=u.mag, mask=np.arange(n) % 4 == 3)
    data = Table(
        {
            "time": Time(2458000 + np.arange(n), format="jd", scale="tdb"),
            "band": np.array(["g", "r", "i"])[np.arange(n) % 3],
            "mag": mag,
            "mag_err": MaskedColumn(np.linspace(0.01, 0.3, n), unit=u.mag, mask=mag.mask),
            "limiting_mag": MaskedColumn(np.full(n, 20.5), unit=u.mag, mask=~mag.mask),
            "field": np.full(n, 648),
        }
    )
    ids = [f"14512000836555526{i}" for i in range(len(lengths))]
    return LightCurves(data, np.concatenate([[0], np.cumsum(lengths)]), ids, id_name="psid")


def test_one_is_a_plain_timeseries():
    lcs = lightcurves()
    curve = lcs["145120008365555262"]
    assert type(curve) is TimeSeries
    assert len(curve) == 8
    assert curve["time"][0].jd == 2458005
    assert curve["mag"].unit == u.mag
    assert curve.meta["psid"] == "145120008365555262"
    assert len(lcs[-1]) == 3
    assert len(lcs[1]) == 0


def test_looks_like_a_sequence():
    lcs = lightcurves()
    assert len(lcs) == 4
    assert [len(curve) for curve in lcs] == [5, 0, 8, 3]
    assert "145120008365555260" in lcs
    assert "x" not in lcs
    assert "4 light curves, 16 rows" in repr(lcs)
    with pytest.raises(KeyError, match="no light curve with psid 'x'"):
        lcs["x"]
    with pytest.raises(IndexError):
        lcs[4]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.data())
def test_subsets_keep_their_rows(lengths, data):
    lcs = lightcurves((*lengths, 1))
    places = data.draw(st.lists(st.integers(0, len(lengths)), max_size=5))
    subset = lcs[np.array(places, dtype=int)]
    assert subset.ids == [lcs.ids[place] for place in places]
    for curve, place in zip(subset, places, strict=True):
        assert np.array_equal(curve["time"].jd, lcs[place]["time"].jd)
    assert lcs[1:].ids == lcs.ids[1:]


def test_clean_leaves_finite_numbers_only():
    lcs = lightcurves().clean()
    assert lcs.ids == lightcurves().ids
    assert len(lcs.data) == 12
    assert "limiting_mag" not in lcs.data.colnames
    for name in ("mag", "mag_err"):
        assert type(lcs.data[name]) is u.Quantity
    curve = lcs[2]
    LombScargle(curve["time"], curve["mag"], curve["mag_err"])


def test_cuts():
    lcs = lightcurves()
    assert set(lcs.clean(bands=["g", "i"]).data["band"]) == {"g", "i"}
    assert set(lcs.clean(bands="r").data["band"]) == {"r"}
    bright = lcs.clean(min_snr=10)
    assert np.all(bright.data["mag_err"] <= 2.5 / np.log(10) / 10 * u.mag)
    assert 0 < len(bright.data) < 12
    populous = lcs.clean(min_points=2)
    for curve in populous:
        counts = np.unique(np.asarray(curve["band"]), return_counts=True)[1]
        assert np.all(counts >= 2)
    assert [len(curve) for curve in populous] == [2, 0, 5, 0]
    limits = lcs.clean(keep_upper_limits=True)
    assert len(limits.data) == 16
    assert limits.data["mag"].mask.sum() == 4


def test_to_table_and_back():
    lcs = lightcurves()
    table = lcs.to_table()
    assert table.colnames[0] == "psid"
    assert list(table["psid"]) == [lcs.ids[k] for k in lcs.owners]
    assert len(table) == 16


@pytest.mark.parametrize(
    ("offsets", "ids", "words"),
    [
        ([0, 16], ["a", "b"], "one more"),
        ([0, 9, 5], ["a", "b"], "rise"),
        ([0, 3], ["a"], "16 rows"),
        ([1, 16], ["a"], "begin"),
    ],
)
def test_offsets_must_fit(offsets, ids, words):
    with pytest.raises(ValueError, match=words):
        LightCurves(lightcurves().data, offsets, ids)


def test_what_is_not_a_light_curve_of_these():
    lcs = lightcurves()
    assert 145120008365555260 not in lcs
    for item in (145120008365555260, -5):
        with pytest.raises(IndexError, match="an id is a text"):
            lcs[item]
    for item in (None, True, 1.5, [[1]], [1.5]):
        with pytest.raises(TypeError, match="light curves are taken by"):
            lcs[item]
    with pytest.raises(KeyError, match="'nobody'"):
        lcs[["145120008365555260", "nobody"]]
    assert lcs[["145120008365555262", "145120008365555260"]].ids == ["145120008365555262", "145120008365555260"]
    assert lcs[np.array([True, False, False, True])].ids == [lcs.ids[0], lcs.ids[3]]
    assert len(lcs[[]]) == 0


def test_without_failures_there_is_an_empty_table_of_them():
    assert lightcurves().failures.colnames == ["input_index", "input", "error", "reason", "url"]


def test_clean_says_what_it_lacks():
    lcs = lightcurves()
    bare = LightCurves(lcs.data["time", "band"], lcs.offsets, lcs.ids)
    with pytest.raises(ValueError, match="clean needs the columns"):
        bare.clean()
    with pytest.raises(ValueError, match="bands must be one band or a list"):
        lcs.clean(bands="gr")


@pytest.mark.parametrize("name", ["min_snr", "min_points", "max_deviation"])
@pytest.mark.parametrize("value", ["3", np.nan, True, [3]])
def test_a_cut_that_is_no_number_empties_nothing(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a number, not "):
        lightcurves().clean(**{name: value})


def test_errors_in_another_unit_and_bands_in_bytes():
    lcs = lightcurves()
    data = lcs.data.copy()
    data["mag_err"] = data["mag_err"].to(u.mmag)
    data["band"] = np.asarray(data["band"]).astype("S1")
    other = LightCurves(data, lcs.offsets, lcs.ids)
    assert len(other.clean(min_snr=10, bands=["g", "i"]).data) == len(lcs.clean(min_snr=10, bands=["g", "i"]).data) > 0
