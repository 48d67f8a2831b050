"""The automatic period search by its front door: stars of many kinds, what is believed, and what is refused."""

import copy
import pickle
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from test_period import read_irsa

from alerce_zvar import find_period
from alerce_zvar.period import PeriodResult, belief, bls, candidates, dips, shapes, verdict
from alerce_zvar.period.prepare import prepare
from alerce_zvar.period.shapes import Shapes
from alerce_zvar.sample.shapes import eclipses, pulsation

DAY = 1 * u.day
SPAN = 300.0
NOISE = 0.02
RANGE = {"minimum_period": 0.15 * DAY, "maximum_period": 5 * DAY, "workers": 1}
NARROW = {"minimum_period": 0.5 * DAY, "maximum_period": 0.7 * DAY, "workers": 1}  # where multiples do not matter


def sine(phase):
    return 0.5 * np.sin(2 * np.pi * phase)


rrab, rrc = partial(pulsation, "RRab"), partial(pulsation, "RRc")
detached = partial(eclipses, width=0.03, secondary=0.6, ellipticity=0.05)
contact = partial(eclipses, width=0.08, secondary=0.98, ellipticity=0.3)


def make(shape, period, *, n=200, size=0.5, ratio=1.0, seed=0, uniform=True):
    """Light curve in g and r, at any hour or by night; the star changes `ratio` times as much in g as in r."""
    rng = np.random.default_rng(seed)
    night = rng.choice(int(SPAN), n) + 0.3 + 0.1 * rng.normal(size=n)
    days = np.sort(rng.uniform(0, SPAN, n) if uniform else night)
    band = rng.choice(["g", "r"], n)
    mag = 17 + 0.6 * (band == "r") + size * np.where(band == "g", ratio, 1.0) * shape(days / period)
    mag = mag + NOISE * rng.normal(size=n)
    data = {"band": band, "mag": mag * u.mag, "mag_err": np.full(n, NOISE) * u.mag}
    return TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data)


def constant(phase):
    return np.zeros_like(phase)


STARS = {
    "sine": partial(make, sine, 0.5713),
    "by night": partial(make, sine, 0.5713, uniform=False),
    "RRab": partial(make, rrab, 0.5546, size=0.8, ratio=1.35),
    "RRc": partial(make, rrc, 0.3127, ratio=1.35),
    "detached": partial(make, detached, 1.2345, n=300),
    "contact": partial(make, contact, 0.3456),
    "noise": partial(make, constant, 1.0),
    "weak day": partial(make, sine, 1.0, n=400, size=0.03),
    "strong day": partial(make, sine, 1.0),
}


@cache
def found(name):
    return find_period(STARS[name](), **RANGE)


def is_exact(result, period):
    return abs(result.frequency.value - 1 / period) < 0.1 / result.baseline.value


@pytest.mark.parametrize(
    ("star", "period", "shape"),
    [
        ("sine", 0.5713, "1 harmonic"),
        ("by night", 0.5713, "1 harmonic"),
        ("RRab", 0.5546, "harmonics"),
        ("RRc", 0.3127, "harmonics"),
        ("detached", 1.2345, ""),
        ("contact", 0.3456, "harmonics"),
    ],
)
def test_periods_of_many_kinds_of_star(star, period, shape):
    result = found(star)
    assert isinstance(result, PeriodResult)
    assert is_exact(result, period)
    assert shape in result.shape
    assert result.believed
    assert result.noise_probability < 1e-10
    assert result.false_alarm_probability < 1e-6
    assert result.terrestrial == ""
    assert not result.at_edge
    assert_allclose(result.period.value, period, atol=5 * result.period_err.value)


def test_period_err_is_that_of_a_sine():
    result = found("sine")
    expected = np.sqrt(6 / 200) * NOISE / (np.pi * SPAN * 0.25) * 0.5713**2  # Montgomery & O'Donoghue 1999, eq. 4
    assert result.period_err.to_value(u.day) == pytest.approx(expected, rel=0.2)


def test_amplitudes_of_the_bands():
    pulsating, eclipsing, wave = found("RRab").band_amplitudes, found("contact").band_amplitudes, found("sine")
    assert list(pulsating) == ["g", "r"]
    assert pulsating["r"].to_value(u.mag) == pytest.approx(0.4, rel=0.05)
    assert (pulsating["g"] / pulsating["r"]).to_value(u.one) == pytest.approx(1.35, rel=0.03)
    assert (eclipsing["g"] / eclipsing["r"]).to_value(u.one) == pytest.approx(1.0, rel=0.03)
    assert_allclose([value.to_value(u.mag) for value in wave.band_amplitudes.values()], 0.25, rtol=0.02)


def test_alternatives_say_what_they_are_and_why_not():
    result = found("detached")
    table = result.alternatives
    assert isinstance(table, QTable)
    assert table.colnames == ["period", "frequency", "shape", "worse_by", "relation", "reason"]
    assert (table["period"].unit, table["frequency"].unit) == (u.day, 1 / u.day)
    assert_allclose((table["period"] * table["frequency"]).to_value(u.one), 1)
    half = table[table["relation"] == "P/2"]
    assert_allclose(half["period"].value, result.period.value / 2, rtol=1e-4)
    assert half["worse_by"][0] > 20
    assert half["reason"][0] == f"{half['shape'][0]} fit worse by {half['worse_by'][0]:.0f}"
    double = table[table["relation"] == "2 P"]
    assert_allclose(double["period"].value, result.period.value * 2, rtol=1e-3)
    assert list(table["worse_by"]) == sorted(table["worse_by"])
    assert result.peaks["power"].max() == result.power


def test_aliases_of_a_star_seen_by_night_are_named():
    table = found("by night").alternatives
    daily = table[table["relation"] == "alias by one day"]
    beats = np.abs(daily["frequency"].value - np.array([[1 / 0.5713 + 1], [1 / 0.5713 - 1]]))
    assert len(daily) >= 1
    assert np.all(beats.min(axis=0) < 2 / SPAN)
    assert np.all(daily["worse_by"] > 20)


def test_a_contact_binary_is_found_at_twice_the_period_of_the_wave():
    result = found("contact")
    assert result.reason == "half the period has the colours and minima of a contact binary"
    half = result.alternatives[result.alternatives["relation"] == "P/2"]
    assert half["period"][0].value == pytest.approx(0.3456 / 2, rel=1e-4)
    assert "better by" in half["reason"][0]
    assert "the period taken is simpler or likelier" in half["reason"][0]
    lomb_scargle = find_period(STARS["contact"](), method="lombscargle", **RANGE)
    assert is_exact(lomb_scargle, 0.3456 / 2)


def test_unequal_minima_double_a_period():
    """The wave of half the period is the simplest that fits at all; alternate cycles tell."""
    result = find_period(make(partial(contact, secondary=0.85), 0.3456), **RANGE)
    assert is_exact(result, 0.3456)


MINUTES = {"minimum_period": 5 * u.min, "maximum_period": 12 * u.min, "workers": 1}


def test_a_binary_whose_wave_is_shorter_than_the_range():
    """Of such a compact binary little but the wave of half its period is seen, here of 3.46 minutes."""

    def two_humps(phase):
        return 0.5 * np.cos(4 * np.pi * phase) + 0.15 * np.cos(2 * np.pi * phase)

    period = (6.91 * u.min).to_value(u.day)
    result = find_period(make(two_humps, period, n=150, size=0.1), **MINUTES)
    assert is_exact(result, period)
    assert result.believed
    assert find_period(make(two_humps, period, n=150, size=0.1), method="lombscargle", **MINUTES).power < 0.2


def test_a_star_faster_than_the_range_is_not_believed_at_twice_its_period():
    period = (4 * u.min).to_value(u.day)
    result = find_period(make(sine, period), **MINUTES)
    assert is_exact(result, 2 * period)
    assert not result.believed
    assert "half of it, shorter than the range reaches, fits as well; try a shorter minimum_period" in result.doubt
    assert find_period(make(sine, period), **MINUTES | {"minimum_period": 3 * u.min}).believed


def test_alternate_cycles_that_differ_double_a_period():
    """With 24 points no shape of the whole cycle has room, and half the period fits; its cycles tell."""
    curve = make(partial(eclipses, width=0.08, secondary=0.6, ellipticity=0.3), 0.7456, n=24, seed=2, size=1.0)
    result = find_period(curve, **RANGE | {"minimum_period": 0.3 * DAY})
    assert is_exact(result, 0.7456)
    assert result.reason.startswith("alternate cycles of half the period differ (by ")


@pytest.mark.parametrize(("seed", "multiple"), [(11, 2), (12, 3)])
def test_a_multiple_that_fits_hardly_better_is_not_taken(seed, multiple):
    """Few points leave gaps in the longer cycle, in which its wave is free: it has the best score, and is wrong."""
    result = find_period(make(sine, 0.5713, n=30, seed=seed), **RANGE | {"minimum_period": 0.5 * DAY})
    first = result.alternatives[0]
    assert is_exact(result, 0.5713)
    assert result.reason == f"{multiple} P fits hardly better"
    assert (first["relation"], bool(first["worse_by"] < 0)) == (f"{multiple} P", True)
    assert first["period"].value == pytest.approx(multiple * 0.5713, rel=3e-3)
    assert "the period taken is simpler or likelier" in first["reason"]


def test_odd_harmonics_tell_alternate_cycles():
    unequal, alike = (Shapes(prepare(make(partial(contact, secondary=depth), 0.3456))) for depth in (0.85, 1.0))
    assert unequal.odd_harmonics(1 / 0.3456, 1) > 20
    assert alike.odd_harmonics(1 / 0.3456, 1) < 0
    few = Shapes(prepare(make(contact, 0.3456, n=12)))
    assert few.odd_harmonics(1 / 0.3456, 3) == -np.inf


@pytest.mark.parametrize("column", ["flux", "mag"])
def test_flux_and_one_band(column):
    """Minima are where there is less light: in one band their sharpness alone tells a contact binary."""
    curve = STARS["contact"]()
    curve["flux"] = 10 ** (-0.4 * (curve["mag"].value - 23.9)) * u.uJy
    curve["flux_err"] = curve["flux"] * NOISE
    result = find_period(curve, column=column, bands=["r"], **RANGE)
    assert (result.column, result.bands) == (column, ("r",))
    assert list(result.band_amplitudes) == ["r"]
    assert result.band_amplitudes["r"].unit == curve[column].unit
    assert is_exact(result, 0.3456)
    assert "contact binary" in result.reason
    brightest = ((result.epoch_time.mjd - 58000) / 0.3456) % 0.5
    assert brightest == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("star", ["noise", "shuffled"])
def test_what_has_no_period_is_not_believed(star):
    result = found("noise") if star == "noise" else find_period(shuffled("RRab"), **RANGE)
    assert not result.believed
    assert result.noise_probability > 0.001
    assert "(no period believed)" in repr(result)


@pytest.mark.parametrize("seed", range(3))
def test_levels_that_outliers_have_moved_make_no_belief(seed):
    """Fields seen at different times, with deep points anywhere: a mean level is that of no point."""
    rng = np.random.default_rng(seed)
    days = np.sort(np.concatenate([rng.uniform(0, 300, 300), 100 + rng.uniform(0, 8, 60)]))
    field = np.where(rng.random(360) < 60 / 360, "2", "1")
    field[(days > 100) & (days < 108)] = "2"
    mag = 17 + 0.01 * rng.normal(size=360)
    mag[rng.random(360) < np.where(field == "2", 0.1, 0.01)] += 0.5
    data = {"field": field, "mag": mag * u.mag, "mag_err": np.full(360, 0.01) * u.mag}
    curve = TimeSeries(time=Time(58000 + days, format="mjd", scale="tdb"), data=data)
    assert not find_period(curve, **RANGE | {"maximum_period": 60 * DAY}).believed


def shuffled(name):
    """The star with its values in random order in each band."""
    rng, curve = np.random.default_rng(5), STARS[name]()
    for band in ("g", "r"):
        rows = np.flatnonzero(curve["band"] == band)
        curve["mag"][rows] = curve["mag"][rng.permutation(rows)]
    return curve


def test_a_weak_day_is_the_earths_and_a_strong_one_may_be_a_stars():
    weak, strong = found("weak day"), found("strong day")
    assert_allclose([weak.period.value, strong.period.value], 1, atol=0.002)
    assert weak.terrestrial == strong.terrestrial == "day"
    assert "(terrestrial: day)" in repr(weak)
    assert weak.noise_probability < 1e-6
    assert (weak.believed, strong.believed) == (False, True)


def test_any_float_type():
    curve = STARS["sine"]()
    for name, dtype in (("mag", ">f4"), ("mag_err", ">f8")):
        curve[name] = u.Quantity(curve[name].value.astype(dtype), u.mag, dtype=dtype)
        assert curve[name].dtype == np.dtype(dtype)
    result = find_period(curve, **RANGE)
    assert_allclose(result.period.value, found("sine").period.value, rtol=1e-7)
    assert result.shape == found("sine").shape


def test_masked_rows_are_dropped():
    curve = STARS["sine"]()
    mask = np.arange(200) % 9 == 4
    mag = np.where(mask, 99.0, curve["mag"].value) * u.mag
    curve["mag"] = Masked(mag, mask=mask)
    result = find_period(curve, **NARROW)
    assert (result.n_points, result.n_dropped) == (200 - mask.sum(), mask.sum())
    assert is_exact(result, 0.5713)
    assert result.believed


def test_few_points_are_not_overfitted():
    """A wave through 16 points leaves nothing for alternate cycles to explain."""
    result = find_period(make(sine, 0.5713, n=16, size=1.0), **RANGE | {"minimum_period": 0.5 * DAY})
    assert is_exact(result, 0.5713)


@pytest.mark.parametrize(("shape", "period"), [(detached, 1.2345), (sine, 0.5713)])
def test_of_very_many_points_some_screen_for_eclipses(shape, period, monkeypatch):
    """They are drawn once for all octaves; the fits have all points, and the period has the digits of all of them."""
    curve, screened = make(shape, period, n=600), []
    near = {"minimum_period": period / 1.5 * DAY, "maximum_period": period * 1.5 * DAY, "workers": 1}

    def power_blocks(series, *arguments, **options):
        screened.append(series.time)
        return blocks(series, *arguments, **options)

    blocks = bls.power_blocks
    monkeypatch.setattr(candidates, "MANY", 400)
    monkeypatch.setattr(bls, "power_blocks", power_blocks)
    result = find_period(curve, **near)
    assert [len(times) for times in screened] == [400, 400]
    assert np.all(np.diff(screened[0]) >= 0)
    assert (screened[0][0], screened[0][-1]) == (0.0, result.baseline.value)
    assert result.n_points == 600
    assert_allclose(result.period.value, period, atol=5 * result.period_err.value)
    assert all(np.array_equal(times, screened[0]) for times in screened)


@pytest.mark.parametrize("groups", [1, 3])
def test_waves_of_many_points_are_those_of_their_blocks(groups, monkeypatch):
    """Sums about the level of a group do not depend on how many of its points are taken at a time."""
    series = prepare(make(rrab, 0.5546, n=600))
    series = replace(series, group=np.arange(600) % groups, band=np.zeros(600, int))
    whole = Shapes(series).wave(1.7, 4).solve(4)
    monkeypatch.setattr(shapes, "_BLOCK", 70)
    parts = Shapes(series).wave(1.7, 4).solve(4)
    for one, other in zip(whole, parts, strict=True):
        assert_allclose(one, other, rtol=1e-11, atol=1e-12)


@settings(max_examples=8)  # 2,800 boxes each
@given(seed=st.integers(0, 1 << 30), filled=st.integers(3, dips.BINS))
def test_eclipses_are_the_boxes_that_explain_most(seed, filled):
    """Against all boxes one by one; some bins are empty, several frequencies are done at once."""
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.5, 2, (2, dips.BINS)) * (rng.permutation(dips.BINS) < filled)
    weighted = weight * rng.normal(size=weight.shape)
    weighted -= weight * (weighted.sum(-1) / weight.sum(-1))[:, None]
    found = dips.Dips(weighted, weight, 1e4)
    for number, (own, own_weight) in enumerate(zip(weighted, weight, strict=True)):
        free, parts = np.ones(dips.BINS, bool), 0.0
        for count, (first, width) in enumerate(found.found(number), 1):
            level = own[free].sum() / own_weight[free].sum()
            gains = {}
            for start in range(dips.BINS):
                for bins in (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38, 50):
                    box = free & ((np.arange(dips.BINS) - start) % dips.BINS < bins)
                    rest, inside = free & ~box, own_weight[box].sum()
                    fainter = own[box].sum() - level * inside
                    if fainter > 0 and inside and rest.any() and own_weight[rest].sum():
                        gains[start, bins] = fainter**2 * (1 / inside + 1 / own_weight[rest].sum())
            assert_allclose(gains[first, width], max(gains.values()), rtol=1e-9)
            box = free & ((np.arange(dips.BINS) - first) % dips.BINS < width)
            parts += own[box].sum() ** 2 / own_weight[box].sum()
            free &= ~box
            explained = parts + own[free].sum() ** 2 / own_weight[free].sum()
            assert_allclose(found.chi2(count)[number], 1e4 - explained, rtol=1e-12)


def test_workers_do_not_change_the_result():
    one, two = found("sine"), find_period(STARS["sine"](), **RANGE | {"workers": 2})
    assert (one.period, one.power, one.reason, one.shape) == (two.period, two.power, two.reason, two.shape)
    assert one.others == two.others


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda result: pickle.loads(pickle.dumps(result))])
def test_result_copies_and_pickles(again):
    result, other = found("detached"), again(found("detached"))
    assert other is not result
    assert repr(other) == repr(result)
    assert (other.period, other.period_err, other.believed) == (result.period, result.period_err, True)
    assert list(other.alternatives["reason"]) == list(result.alternatives["reason"])
    assert other.epoch_time == result.epoch_time


def test_repr_says_how_and_what():
    text = repr(found("sine"))
    assert text.startswith("<PeriodResult period=0.5713")
    assert " d by auto, 1 harmonic, power=0.9" in text
    assert "no period believed" not in text
    assert "terrestrial" not in text
    assert "200 points in 2 groups (g, r)" in text


def test_power_grid_is_that_of_the_waves():
    result = found("sine")
    assert result.method == "auto"
    assert len(result.power_grid) == result.n_frequencies
    top = result.frequency_grid[np.argmax(result.power_grid)]
    assert abs(top - result.frequency) < 1 / result.baseline


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "auto", "n_bins": 9}, "no option 'n_bins'"),
        ({"nterms": 0}, "nterms of method 'lombscargle' must be"),
        ({"method": "autp"}, "method must be one of auto, lombscargle, .*, not 'autp'"),
        ({"method": None}, "method must be one of auto, "),
        ({"workers": 0}, "workers must be"),
        ({"bands": ["i"]}, "bands must be"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        find_period(STARS["sine"](), **options)


def test_too_few_points_are_refused():
    curve = STARS["sine"]()
    with pytest.raises(ValueError, match="has 9 usable rows; method 'auto' and 1 groups need at least 10"):
        find_period(curve[curve["band"] == "g"][:9], **RANGE)


@pytest.mark.parametrize(("star", "period"), [("u222", 0.664525), ("minkovskiy24", 1.364058)])
def test_real_binaries(real_data, star, period):
    """Published periods (VSX): by Lomb-Scargle both are found at half of them."""
    curve = read_irsa(sorted((real_data / "ztf_vsx" / "lightcurves").glob(f"{star}-z*.csv.gz")))[::2]
    result = find_period(curve, minimum_period=0.3 * DAY, maximum_period=3 * DAY)
    assert is_exact(result, period)
    assert result.believed
    assert "P/2" in result.alternatives["relation"]


@pytest.mark.parametrize(
    ("frequency", "name"),
    [
        (1.0, "day"),
        (1.00273791, "day"),
        (1 - 0.005, "day"),
        (1 + 0.0075, ""),
        (2.002, "1/2 day"),
        (8.0, "1/8 day"),
        (9.0, ""),
        (1 / 29.530589, "month"),
        (1 / 365.25, "year"),
        (1 / 0.5713, ""),
        (0.5, ""),
    ],
)
def test_terrestrial_periods(frequency, name):
    assert belief.terrestrial(frequency, baseline=2000.0) == name


def test_a_short_light_curve_knows_the_day_less_well():
    assert belief.terrestrial(1.05, baseline=2000.0) == ""
    assert belief.terrestrial(1.05, baseline=30.0) == "day"


@pytest.mark.parametrize(
    ("chance", "share", "terrestrial", "believed"),
    [
        (9e-4, 0.1, "", True),
        (2e-3, 0.9, "", False),
        (1e-9, 0.29, "day", False),
        (1e-9, 0.31, "day", True),
    ],
)
def test_belief(chance, share, terrestrial, believed):
    assert belief.believed(chance, share, terrestrial) is believed


def test_chance_rests_on_the_order_of_the_values_only():
    """Any change of scale that keeps the order in a band changes nothing."""
    curve = STARS["RRab"]()
    other = curve.copy()
    other["mag"] = np.exp(2 * (curve["mag"].value - 17)) * u.mag
    one, two = (belief.chance(prepare(star), 1 / 0.5546, 6.0) for star in (curve, other))
    assert_allclose(one, two, rtol=1e-9)
    assert one[0] < 1e-60
    assert 0.9 < one[1] < 1


def test_a_wider_range_makes_chance_likelier():
    series = prepare(make(sine, 0.5713, n=40, size=0.05))
    narrow, wide = (belief.chance(series, 1 / 0.5713, bandwidth)[0] for bandwidth in (1.0, 10.0))
    assert 0 < narrow < wide < 1
    assert wide == pytest.approx(10 * narrow)
    assert belief.chance(series, 1.0, 10.0)[0] == 1


@pytest.mark.parametrize(
    ("frequency", "words"),
    [
        (3.5, "P/2"),
        (0.875, "2 P"),
        (5.25, "P/3"),
        (1.75 / 3, "3 P"),
        (2.625, "2 P/3"),
        (1.75 / 1.5, "3 P/2"),
        (2.75, "alias by one day"),
        (0.75, "alias by one day"),
        (2.7527, "alias by one sidereal day"),
        (0.25, "alias by one half day"),
        (1.75 + 1 / 29.530589, "alias by one month"),
        (1.75 - 1 / 365.25, "alias by one year"),
        (1.9, "another period"),
    ],
)
def test_relation_of_a_period_to_the_one_taken(frequency, words):
    assert verdict.relation(frequency, 1.75, 0.001) == words


def test_a_period_within_the_width_of_its_multiple_is_that_multiple():
    assert verdict.relation(3.5 + 0.0019, 1.75, 0.001) == "P/2"
    assert verdict.relation(3.5 + 0.0021, 1.75, 0.001) == "another period"
    assert verdict.relation(0.4, 0.6, 0.001) == "3 P/2"
    assert verdict.relation(0.3, 0.7, 0.001) == "alias by one day"


def test_two_minima():
    shapes = Shapes(prepare(STARS["detached"]()))
    assert shapes.two_minima(1 / 1.2345)
    assert not shapes.two_minima(2 / 1.2345)
    assert not Shapes(prepare(STARS["RRab"]())).two_minima(1 / 0.5546)


@pytest.mark.parametrize(("shortest", "longest"), [(0.57, 0.5701), (0.8, 0.801), (0.5, np.nextafter(0.5, 1))])
def test_a_range_narrower_than_a_peak_is_kept_to(shortest, longest):
    result = find_period(STARS["sine"](), minimum_period=shortest * DAY, maximum_period=longest * DAY)
    assert shortest * (1 - 1e-12) <= result.period.value <= longest * (1 + 1e-12)
    assert len(result.alternatives) == 0
    assert list(result.alternatives["reason"]) == []


@pytest.mark.parametrize(("span", "period"), [(SPAN, 100.0), (0.9 * SPAN, SPAN)])
def test_periods_of_few_cycles(span, period):
    """Multiples of a frequency near 1 / baseline are not told from it."""
    curve = make(sine, period)
    curve = curve[curve["time"].mjd < 58000 + span]
    result = find_period(curve, minimum_period=period / 2 * DAY, maximum_period=2 * period * DAY)
    assert_allclose(result.period.value, period, rtol=0.02)
    assert result.noise_probability < 1e-10
    cycles = result.baseline.value / result.period.value
    assert result.believed is bool(cycles > 2)
    doubt = f"; not believed: the observations cover {cycles:.3g} cycles, fewer than 2"
    assert result.reason.endswith(doubt) is not result.believed


@pytest.mark.parametrize("method", ["auto", "lombscargle", "fpw"])
def test_a_slow_change_has_no_period(method):
    """A parabola is the half of any long wave; by default no such period is tried."""
    curve = make(constant, 1.0)
    elapsed = (curve["time"].mjd - 58000) / SPAN
    curve["mag"] += (elapsed - 0.5) ** 2 * u.mag
    span = {"minimum_period": 50 * DAY, "workers": 1, "method": method}
    slow = find_period(curve, maximum_period=2 * SPAN * DAY, **span)
    assert slow.period > SPAN / 2 * DAY
    assert slow.noise_probability < 1e-10
    assert not slow.believed
    assert "; not believed: the observations cover " in slow.reason
    assert "(no period believed)" in repr(slow)
    assert find_period(curve, **span).period <= slow.baseline / 2 * (1 + 1e-12)


@pytest.mark.parametrize("period", [105.0, 134.0])
def test_a_giant_slower_than_the_range_is_not_believed_at_its_alias(period):
    """By night, a wave of 130 days is one of a day too, nearly."""
    giant = make(sine, period, uniform=False, size=1.0)
    alias = find_period(giant, minimum_period=0.9 * DAY, maximum_period=50 * DAY, workers=1)
    assert abs(alias.frequency.value - 1) == pytest.approx(1 / period, rel=0.5)
    assert alias.noise_probability < 1e-10
    assert not alias.believed
    assert alias.reason.endswith(alias.doubt)
    assert "of a variation slower than the range reaches, which fits better; try a longer maximum_period" in alias.doubt
    found = find_period(giant, minimum_period=0.9 * DAY, maximum_period=150 * DAY, workers=1)
    assert_allclose(found.period.value, period, rtol=0.02)
    assert found.believed
    assert found.doubt == ""


def test_multiples_beyond_a_short_range_raise_no_doubt():
    star = make(sine, 0.2713)
    result = find_period(star, minimum_period=0.15 * DAY, maximum_period=0.3 * DAY, workers=1)
    assert_allclose(result.period.value, 0.2713, rtol=1e-3)
    assert (result.believed, result.doubt) == (True, "")


def test_a_star_of_nearly_a_day_is_not_taken_for_a_giant():
    star = make(rrab, 0.9937, uniform=False, ratio=1.35)
    result = find_period(star, minimum_period=0.5 * DAY, maximum_period=50 * DAY, workers=1)
    assert_allclose(result.period.value, 0.9937, rtol=1e-3)
    assert result.believed


def test_equal_values_and_a_single_outlier_are_not_believed():
    """Equal values have no rank among themselves: an eclipse would fit the outlier perfectly."""
    curve = make(constant, 1.0)
    curve["mag"] = np.where(np.arange(200) == 77, 18.0, 17.0) * u.mag
    result = find_period(curve, **NARROW)
    assert result.noise_probability == 1
    assert not result.believed


def test_values_of_few_levels_are_believed():
    curve = STARS["sine"]()
    curve["mag"] = np.round(curve["mag"] / (0.2 * u.mag)) * 0.2 * u.mag
    assert len(np.unique(curve["mag"].value.round(3))) < 10
    result = find_period(curve, **NARROW)
    assert is_exact(result, 0.5713)
    assert result.noise_probability < 1e-10


@pytest.mark.parametrize(("name", "number"), [("mag", 1e200), ("mag_err", 1e-200), ("mag_err", 1e200)])
def test_numbers_beyond_those_of_floats_are_refused(name, number):
    curve = STARS["sine"]()
    curve[name][5] = number * u.mag
    with pytest.raises(ValueError, match=r"values of 'mag' must be at most 1e\+40 in size, and errors from 1e-40 to"):
        find_period(curve, **RANGE)
