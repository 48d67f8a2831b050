"""Fourier models, prewhitening and epochs: against plain least squares, simulations, and published epochs."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from alerce_zvar import epoch_of_extremum, find_period, fit_fourier, fold, phase_of_minimum, prewhiten
from alerce_zvar.folding import phase
from alerce_zvar.period.prepare import prepare

DAY = 1 * u.day
PERIOD = 0.5713 * DAY
EPOCH = Time(58100.2, format="mjd", scale="tdb")
AMPLITUDES, PHASES = (0.4, 0.2, 0.1), (1.0, 4.0, 0.5)
BAD_EPOCH = 32768


def wave(phases, amplitudes=AMPLITUDES, angles=PHASES):
    """Cosines, as in Simon & Lee 1981."""
    terms = zip(range(1, 9), amplitudes, angles, strict=False)
    return sum(a * np.cos(2 * np.pi * k * phases + angle) for k, a, angle in terms)


def eclipses(phases):
    """Two unequal narrow ones, the deeper at phase 0."""
    away = (np.asarray(phases)[..., None] - [0.0, 0.5, 1.0] + 0.5) % 1 - 0.5
    return np.exp(-0.5 * (away / 0.012) ** 2) @ [0.6, 0.4, 0.0]


def make(shape=wave, *, n=400, noise=0.02, seed=0, period=PERIOD, scale="tdb"):
    """Light curve in two bands and fields of different level."""
    rng = np.random.default_rng(seed)
    time = Time(58000, np.sort(rng.uniform(0, 900, n)), format="mjd", scale=scale)
    band = rng.choice(["g", "r"], n)
    epoch = Time(EPOCH.mjd, format="mjd", scale=scale)
    mag = 17 + 0.8 * (band == "r") + shape(phase(time, period, epoch)) + noise * rng.normal(size=n)
    data = {"band": band, "mag": mag * u.mag, "mag_err": np.full(n, noise or 0.01) * u.mag}
    return TimeSeries(time=time, data=data)


@pytest.fixture(scope="module")
def light_curve():
    return make()


@pytest.fixture(scope="module")
def model(light_curve):
    return fit_fourier(light_curve, PERIOD, nterms=3, epoch_time=EPOCH)


def circle(angle):
    """Distance from a full turn."""
    return np.abs((angle + np.pi) % (2 * np.pi) - np.pi)


# --- the model


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.floats(0.05, 1), st.floats(0, 6.28)), min_size=1, max_size=5),
    st.floats(0.1, 30),
    st.integers(0, 1000),
)
def test_what_was_put_in_comes_out(terms, days, seed):
    amplitudes, angles = zip(*terms, strict=True)
    curve = make(lambda p: wave(p, amplitudes, angles), noise=0.0, n=120, seed=seed, period=days * DAY)
    found = fit_fourier(curve, days * DAY, nterms=len(terms), epoch_time=EPOCH)
    assert_allclose(found.harmonics["amplitude"].value, amplitudes, atol=1e-6)
    assert np.max(circle(found.harmonics["phase"].value - angles)) < 1e-5
    assert_allclose(found.levels["level"].value, [17, 17.8], atol=1e-6)
    for row in found.ratios:
        k = row["k"]
        assert row["ratio"] == pytest.approx(amplitudes[k - 1] / amplitudes[0], abs=1e-5)
        assert circle(row["phi"].value - (angles[k - 1] - k * angles[0])) < 1e-4


def test_it_is_plain_least_squares_with_a_column_for_each_level(light_curve, model):
    series = prepare(light_curve)
    phases = phase(light_curve["time"], PERIOD, EPOCH)
    angles = 2 * np.pi * np.outer(phases, [1, 2, 3])
    levels = np.stack([light_curve["band"] == band for band in "gr"], axis=-1)
    matrix = np.column_stack([np.sin(angles), np.cos(angles), levels]) / 0.02
    best, chi2, *_ = np.linalg.lstsq(matrix, light_curve["mag"].value / 0.02)
    covariance = np.linalg.inv(matrix.T @ matrix) * chi2[0] / (len(series.time) - 8)
    errors = np.sqrt(np.diag(covariance))
    assert model.chi2 == pytest.approx(chi2[0])
    assert model.degrees_of_freedom == len(light_curve) - 8
    assert_allclose(model.levels["level"].value, best[6:], rtol=1e-10)
    assert_allclose(model.levels["level_err"].value, errors[6:], rtol=1e-6)
    sines, cosines = best[:3], best[3:6]
    assert_allclose(model.harmonics["amplitude"].value, np.hypot(sines, cosines), rtol=1e-8)
    k = 1  # of the second harmonic, whose two coefficients are k and k + 3
    gradient = np.array([sines[k], cosines[k]]) / np.hypot(sines[k], cosines[k])
    wanted = np.sqrt(gradient @ covariance[np.ix_([k, k + 3], [k, k + 3])] @ gradient)
    assert model.harmonics["amplitude_err"][1].value == pytest.approx(wanted, rel=1e-6)
    assert model.bic == pytest.approx(400 * np.log(chi2[0] / 400) + 8 * np.log(400))


def test_errors_are_those_of_many_noises():
    """Every standard error against the scatter over 150 light curves with the same times."""
    found, base, rng = [], make(noise=0.0), np.random.default_rng(5)
    for _ in range(150):
        curve = base.copy()
        curve["mag"] = base["mag"] + 0.05 * rng.normal(size=len(base)) * u.mag
        found.append(fit_fourier(curve, PERIOD, nterms=3, epoch_time=EPOCH))
    for table, value, error in (
        ("harmonics", "amplitude", "amplitude_err"),
        ("harmonics", "phase", "phase_err"),
        ("ratios", "ratio", "ratio_err"),
        ("ratios", "phi", "phi_err"),
        ("levels", "level", "level_err"),
    ):
        values = np.array([u.Quantity(getattr(m, table)[value]).value for m in found])
        told = np.mean([u.Quantity(getattr(m, table)[error]).value for m in found], axis=0)
        assert_allclose(np.std(values, axis=0) / told, 1.0, atol=0.25, err_msg=value)
    for kind in ("minimum", "maximum"):
        extrema = [m.extremum(kind=kind) for m in found]
        told = np.mean([extremum.phase_err for extremum in extrema])
        assert np.std([extremum.phase for extremum in extrema]) / told == pytest.approx(1, abs=0.25)


def test_evaluate_is_the_shape_on_its_level(light_curve, model):
    time = EPOCH + np.linspace(-3, 3, 50) * DAY
    wanted = 17.8 + wave(phase(time, PERIOD, EPOCH))
    assert_allclose(model.evaluate(time, band="r").value, wanted, atol=0.01)
    assert model.evaluate(time, band="r").unit == u.mag
    assert_allclose(model.evaluate_phase([0.3, 1.3], band="g").value, 17 + wave(0.3), atol=0.01)
    assert model.evaluate(time[0], band="g").shape == ()
    with pytest.raises(ValueError, match=r"band must be one of \['g', 'r'\]"):
        model.evaluate(time)
    with pytest.raises(ValueError, match="band must be"):
        model.evaluate(time, band="i")
    with pytest.raises(TypeError, match="time must be an astropy Time"):
        model.evaluate(0.5)
    one = fit_fourier(light_curve, PERIOD, nterms=3, epoch_time=EPOCH, bands=["r"])
    assert_allclose(one.evaluate(time).value, wanted, atol=0.01)


def test_phases_are_those_of_fold(light_curve):
    """Without an epoch both use J2000.0, here of UTC times."""
    curve = make(scale="utc")
    found, folded = fit_fourier(curve, PERIOD), fold(curve, PERIOD)
    for band in "gr":
        rows = folded["band"] == band
        left = folded["mag"][rows] - found.evaluate_phase(folded["phase"][rows].value, band=band)
        assert np.std(left) < 0.025 * u.mag


def test_residuals_and_prewhitened_light_curves(light_curve, model):
    left, flat = model.residuals(light_curve), model.subtract(light_curve)
    assert isinstance(left, TimeSeries)
    assert left.colnames == light_curve.colnames
    assert np.std(left["mag"].value) == pytest.approx(0.02, rel=0.1)
    assert abs(np.mean(left["mag"])) < 1e-10 * u.mag
    assert model.scatter.value == pytest.approx(np.std(left["mag"].value), rel=1e-6)
    for band, level in zip("gr", model.levels["level"], strict=True):
        rows = flat["band"] == band
        assert_allclose((flat["mag"][rows] - left["mag"][rows]).value, level.value, rtol=1e-10)
    again = prewhiten(light_curve, PERIOD, nterms=3)
    assert_allclose(again["mag"].value, flat["mag"].value, atol=1e-9)
    assert np.array_equal(prewhiten(light_curve, model)["mag"], flat["mag"])
    assert fit_fourier(again, PERIOD, nterms=3).harmonics["amplitude"].max() < 1e-9 * u.mag


def test_masked_rows_stay_masked_and_unknown_groups_go(light_curve, model):
    curve = light_curve.copy()
    hidden = np.arange(len(curve)) % 7 == 0
    curve["mag"] = Masked(np.where(hidden, 99, curve["mag"].value) * u.mag, mask=hidden)
    curve["flux"], curve["flux_err"] = 1 * u.uJy, 1 * u.uJy
    found = fit_fourier(curve, PERIOD, nterms=3, bands=["g"])
    left = found.residuals(curve)
    assert set(left["band"]) == {"g"}
    assert np.array_equal(left["mag"].mask, hidden[curve["band"] == "g"])
    assert left.colnames == ["time", "band", "mag", "mag_err"]
    assert np.max(np.abs(left["mag"])) < 0.1 * u.mag
    with pytest.raises(ValueError, match="none of the model's groups"):
        found.residuals(curve[curve["band"] == "r"])
    with pytest.raises(ValueError, match="the model is of 'mag', which the light curve lacks"):
        found.residuals(curve["time", "band"])
    with pytest.raises(TypeError, match="light_curve must be one light curve"):
        found.residuals(3)


def test_each_band_may_have_a_shape_of_its_own():
    curve = make(lambda p: 0.0 * p, noise=0.01)
    phases, red = phase(curve["time"], PERIOD, EPOCH), curve["band"] == "r"
    curve["mag"] += np.where(red, wave(phases, (0.1, 0.05), (2, 3)), wave(phases)) * u.mag
    shared = fit_fourier(curve, PERIOD, nterms=3, epoch_time=EPOCH)
    found = fit_fourier(curve, PERIOD, nterms=3, epoch_time=EPOCH, per_band=True)
    assert found.bic < shared.bic
    assert list(found.harmonics["band"]) == ["g"] * 3 + ["r"] * 3
    assert_allclose(found.harmonics["amplitude"].value, [*AMPLITUDES, 0.1, 0.05, 0.0], atol=0.005)
    assert_allclose(found.ratios["ratio"][[0, 2]], [0.5, 0.5], atol=0.05)
    for band in "gr":
        alone = fit_fourier(curve, PERIOD, nterms=3, epoch_time=EPOCH, bands=[band])
        rows = found.harmonics["band"] == band
        assert_allclose(found.harmonics["amplitude"][rows], alone.harmonics["amplitude"], rtol=1e-8)
        assert_allclose(found.levels["level"][found.levels["band"] == band], alone.levels["level"], rtol=1e-10)
        assert found.extremum(band=band).phase == pytest.approx(alone.extremum().phase, abs=1e-6)
    assert np.std(found.residuals(curve)["mag"]) < 0.011 * u.mag
    with pytest.raises(ValueError, match="band must be one of"):
        found.extremum()


@pytest.mark.parametrize(("n", "nterms"), [(1, 1), (2, 2), (3, 3), (6, 6)])
def test_the_number_of_harmonics_is_found(n, nterms):
    curve = make(lambda p: wave(p, [0.3] * n, range(n)), noise=0.03)
    assert fit_fourier(curve, PERIOD).nterms == nterms


def test_models_and_their_tables_are_kept(model, light_curve, tmp_path):
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert np.array_equal(twin.residuals(light_curve)["mag"], model.residuals(light_curve)["mag"])
        assert twin.extremum().time == model.extremum().time
    for name in ("harmonics", "ratios", "levels"):
        table = getattr(model, name)
        table.write(tmp_path / f"{name}.ecsv")
        back = QTable.read(tmp_path / f"{name}.ecsv")
        assert back.colnames == table.colnames
        assert all(np.array_equal(back[key], table[key]) for key in table.colnames)
    left = model.residuals(light_curve)
    left.write(tmp_path / "left.ecsv")
    assert u.allclose(TimeSeries.read(tmp_path / "left.ecsv")["mag"], left["mag"])
    assert len(pickle.loads(pickle.dumps(left))) == len(left)
    assert "3 harmonics, mag of 400 points in 2 groups (g, r)" in repr(model)
    assert len(fit_fourier(light_curve, PERIOD, nterms=1).ratios) == 0


def test_fluxes_and_curves_without_bands_or_errors(light_curve, model):
    flux = TimeSeries(time=light_curve["time"])
    flux["flux"] = 100 * u.uJy - (light_curve["mag"].value - 0.8 * (light_curve["band"] == "r")) * u.uJy
    found = fit_fourier(flux, PERIOD, nterms=3, epoch_time=EPOCH)
    assert found.levels["group"][0] == "all"
    assert found.evaluate(EPOCH).unit == u.uJy
    assert_allclose(found.harmonics["amplitude"].value, model.harmonics["amplitude"].value, rtol=0.02)
    assert circle(found.ratios["phi"][0].value - model.ratios["phi"][0].value) == pytest.approx(np.pi, abs=0.05)
    assert circle(found.ratios["phi"][1].value - model.ratios["phi"][1].value) < 0.05
    assert found.extremum().phase == pytest.approx(model.extremum().phase, abs=0.005)
    assert found.extremum(kind="minimum").phase == pytest.approx(model.extremum(kind="minimum").phase, abs=0.005)


def test_a_band_that_does_not_vary_has_no_phase():
    curve = make(n=100)
    curve["mag"][curve["band"] == "r"] = 18 * u.mag
    found = fit_fourier(curve, PERIOD, nterms=2, per_band=True)
    assert np.all(found.harmonics["amplitude"][2:] == 0 * u.mag)
    assert np.all(np.isnan(found.harmonics["phase_err"][2:]))
    assert np.all(np.isfinite(found.harmonics["phase_err"][:2]))
    assert np.isnan(found.ratios["ratio"][1])
    assert not np.isfinite(found.extremum(band="r").phase_err)


# --- prewhitening


def test_the_second_period_comes_out():
    """Two waves of which the weaker is unseen beside the stronger."""
    second = 0.4256 * DAY
    curve = make(wave, noise=0.02, n=500)
    curve["mag"] += wave(phase(curve["time"], second, EPOCH), (0.06, 0.02), (1, 2)) * u.mag
    options = {"method": "lombscargle", "nterms": 2, "minimum_period": 0.2 * DAY, "maximum_period": 2 * DAY}
    first = find_period(curve, **options)
    assert abs(1 / first.period - 1 / PERIOD) < 2 / (900 * DAY)
    found = find_period(prewhiten(curve, first.period), **options)
    assert abs(1 / found.period - 1 / second) < 2 / (900 * DAY)
    both = prewhiten(prewhiten(curve, PERIOD), second)
    assert np.std(fit_fourier(both, PERIOD).residuals(both)["mag"]) < 0.022 * u.mag


# --- epochs


def shifted(found, epoch, period):
    """Cycles from a time, -0.5 to 0.5."""
    return (((found.time - epoch) / period).to_value(u.one) + 0.5) % 1 - 0.5


@pytest.mark.parametrize("scale", ["tdb", "utc"])
def test_extrema_of_a_smooth_star(scale):
    curve = make(scale=scale)
    epoch = Time(EPOCH.mjd, format="mjd", scale=scale)
    grid = np.arange(100000) / 100000
    for kind, best in (("maximum", np.argmin), ("minimum", np.argmax)):
        found = epoch_of_extremum(curve, PERIOD, kind=kind, epoch_time=epoch)
        assert found.kind == kind
        assert found.method == "fourier"
        assert found.time.scale == scale
        wanted = (grid[best(wave(grid))] + 0.5) % 1 - 0.5
        assert abs(shifted(found, epoch, PERIOD) - wanted) < 4 * found.phase_err < 0.02
        assert found.time_err.to_value(DAY) == pytest.approx(found.phase_err * 0.5713)
        assert found.phase == pytest.approx(float(phase(found.time, PERIOD, epoch)), abs=1e-9)
    assert abs(found.time.mjd - np.mean(curve["time"].mjd)) < 1


def test_the_extremum_next_to_a_time(light_curve, model):
    near = Time("2031-05-06T07:08:09", scale="tdb")
    for found in (model.extremum(near=near), epoch_of_extremum(light_curve, PERIOD, near=near)):
        assert abs(found.time - near) <= PERIOD / 2
    cycles = ((found.time - epoch_of_extremum(light_curve, PERIOD).time) / PERIOD).to_value(u.one)
    assert cycles == pytest.approx(np.rint(cycles), abs=1e-6)
    assert phase_of_minimum(light_curve, PERIOD, epoch_time=EPOCH) == pytest.approx(
        model.extremum(kind="minimum").phase, abs=1e-3
    )
    folded = fold(light_curve[light_curve["band"] == "g"], PERIOD, epoch_time=found.time)
    faintest = folded["phase"][np.argmax(folded["mag"])].value
    assert min(faintest, 1 - faintest) < 0.1


@pytest.mark.parametrize("seed", range(4))
def test_the_deeper_eclipse_is_the_minimum(seed):
    curve = make(eclipses, n=600, seed=seed, period=3.7123 * DAY)
    found = epoch_of_extremum(curve, 3.7123 * DAY)
    assert found.method == "eclipse"
    assert abs(shifted(found, EPOCH, 3.7123 * DAY)) < min(5 * found.phase_err, 0.003)
    flux = TimeSeries(time=curve["time"], data={"flux": (30 - curve["mag"].value) * u.uJy, "band": curve["band"]})
    assert epoch_of_extremum(flux, 3.7123 * DAY).phase == pytest.approx(found.phase, abs=1e-3)


def read_irsa(paths):
    """IRSA files of one star; bad epochs left out."""
    rows = pd.concat([pd.read_csv(path) for path in paths])
    rows = rows[(rows["catflags"] & BAD_EPOCH) == 0]
    hjd, mag, error, oid, band = (rows[name].to_numpy() for name in ("hjd", "mag", "magerr", "oid", "filtercode"))
    data = {"band": band.astype(str), "mag": mag * u.mag, "mag_err": error * u.mag, "field": oid}
    return TimeSeries(time=Time(hjd, format="jd", scale="utc"), data=data)


def test_minima_of_real_binaries_against_published_epochs(real_data):
    """VSX gives the period and the time of a primary minimum, up to 570 cycles away."""
    away = {}
    for star in QTable.read(real_data / "ztf_vsx" / "truth.csv"):
        paths = sorted((real_data / "ztf_vsx" / "lightcurves").glob(f"{star['file_prefix']}-z*.csv.gz"))
        published, period = Time(star["epoch_hjd"], format="jd", scale="utc"), star["period_d"] * DAY
        assert star["epoch_kind"] == "min"
        away[star["file_prefix"]] = abs(shifted(epoch_of_extremum(read_irsa(paths), period), published, period))
    assert len(away) == 24
    assert max(away.values()) < 0.02, away
    assert np.median(list(away.values())) < 0.001


def test_two_periods_of_a_real_white_dwarf(real_data):
    """A ZZ Ceti star: each half of the rows shows the same second period, once the first is away."""
    curve = read_irsa([real_data / "ztf_wd" / "lightcurves" / "3446909137068558464.csv.gz"])
    options = {"method": "lombscargle", "minimum_period": 200 * u.s, "maximum_period": 400 * u.s}
    first = find_period(curve, **options)
    left = prewhiten(curve, first.period, nterms=1)
    seconds = [find_period(rows, **options) for rows in (left, left[::2], left[1::2])]
    assert first.period.to_value(u.s) == pytest.approx(271.7144, abs=1e-4)
    for second in seconds:
        assert second.false_alarm_probability < 1e-6
        assert second.period.to_value(u.s) == pytest.approx(302.7655, abs=1e-4)
    apart = abs(first.frequency - seconds[0].frequency).to_value(1 / u.day)
    assert abs(apart - np.rint(apart)) > 0.3  # no daily alias


def test_harmonics_of_real_rr_lyrae(real_data):
    """Fundamental-mode stars rise steeply: R_21 of a third to two thirds, phi_21 (cosines) of 3 to 5."""
    truth = QTable.read(real_data / "rrlyrae_s82" / "truth.csv")
    rows = pd.read_parquet(real_data / "rrlyrae_s82" / "lightcurves.parquet")
    ratios, phis = [], []
    for star in truth[truth["subtype"] == "RRab"][:20]:
        own = rows[(rows["id"].astype(int) == star["id"]) & rows["band"].isin(["g", "r", "i"]) & (rows["magerr"] > 0)]
        own = own[own["mag"].between(10, 25)]
        data = {"band": own["band"].to_numpy(str), "mag": own["mag"].to_numpy() * u.mag}
        curve = TimeSeries(time=Time(own["time"], format="mjd", scale="utc"), data=data)
        curve["mag_err"] = own["magerr"].to_numpy() * u.mag
        found = fit_fourier(curve, star["period_d"] * DAY, nterms=3)
        ratios.append(found.ratios["ratio"][0])
        phis.append(found.ratios["phi"][0].value)
        left = fit_fourier(found.subtract(curve), star["period_d"] * DAY, nterms=3)
        assert found.harmonics["amplitude"][0] > 0.1 * u.mag
        assert left.harmonics["amplitude"].max() < 1e-9 * u.mag
    assert 0.33 < np.median(ratios) < 0.66
    assert 3.5 < np.median(phis) < 4.5


# --- errors


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"period": 0.57}, u.UnitsError, "period must be a Quantity"),
        ({"period": -1 * DAY}, ValueError, "period must be one positive"),
        ({"nterms": 0}, ValueError, "nterms must be 'auto' or a whole number from 1 to 20"),
        ({"nterms": 21}, ValueError, "nterms"),
        ({"nterms": True}, ValueError, "nterms"),
        ({"nterms": "all"}, ValueError, "nterms"),
        ({"epoch_time": 58000.0}, TypeError, "epoch_time must be one astropy Time"),
        ({"column": "flux"}, ValueError, "column must be one of"),
        ({"bands": ["i"]}, ValueError, "bands must be"),
    ],
)
def test_wrong_arguments(light_curve, arguments, error, words):
    with pytest.raises(error, match=words):
        fit_fourier(light_curve, **{"period": PERIOD, **arguments})


def test_too_few_points_and_unknown_kinds(light_curve, model):
    with pytest.raises(ValueError, match="has 12 usable rows, too few for 6 harmonics"):
        fit_fourier(light_curve[:12], PERIOD, nterms=6)
    with pytest.raises(ValueError, match="too few for 5 harmonics in each band"):
        fit_fourier(light_curve[:20], PERIOD, nterms=5, per_band=True)
    assert fit_fourier(light_curve[:12], PERIOD).nterms <= 4
    daily = TimeSeries(time=Time(58000.0 + np.arange(40), format="mjd", scale="tdb"))
    daily["mag"] = np.sin(np.arange(40.0)) * u.mag
    with pytest.raises(ValueError, match="at the period 7 d the observations lie at too few phases for 4 harmonics"):
        fit_fourier(daily, 7 * DAY, nterms=4)
    assert fit_fourier(daily, 7 * DAY).nterms <= 3
    with pytest.raises(ValueError, match="too few phases for 1 harmonic"):
        epoch_of_extremum(daily, DAY)
    with pytest.raises(ValueError, match=r"kind must be one of \['minimum', 'maximum'\]"):
        model.extremum(kind="primary")
    with pytest.raises(ValueError, match="kind must be"):
        epoch_of_extremum(light_curve, PERIOD, kind=1)
    with pytest.raises(TypeError, match="near must be one astropy Time"):
        epoch_of_extremum(light_curve, PERIOD, near=58000)
