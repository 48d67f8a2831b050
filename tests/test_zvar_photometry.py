"""ZVAR's photometry: times, fluxes, magnitudes, their signal to noise, upper limits; and what Gaia adds to a star."""

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, Table
from fault_server import FaultServer, json_reply
from hypothesis import given
from hypothesis import strategies as st

from alerce_zvar import LightCurves, Zvar
from alerce_zvar.errors import CorruptValueWarning
from alerce_zvar.sample.stars import CENTRE
from alerce_zvar.zvar import photometry
from alerce_zvar.zvar.convert import add_magnitudes, to_microjansky
from alerce_zvar.zvar.gaia import absolute_magnitude, add_colour_magnitude, bp_rp, is_giant

STAR = "145120008365555264"  # of the notebook


@pytest.fixture(scope="module")
def notebook(real_data):
    return json.loads((real_data / "recorded" / "zvar" / "zvar_api_examples.json").read_text())


@pytest.fixture
def zvar(sample_server, monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")
    return Zvar(url=sample_server)


@pytest.fixture
def psids(zvar):
    """Two bright variable stars, and two that come and go."""
    sources = zvar.query_region(CENTRE, radius=3 * u.arcmin, min_amplitude=0.4)
    faint = sources.lightcurves["max_mag"].filled(0) > 20.5
    often = sources.lightcurves["n_exposures"] > 200
    return [*dict.fromkeys(sources.lightcurves["psid"][~faint & often])][:2] + [
        *dict.fromkeys(sources.lightcurves["psid"][faint & often])
    ][:2]


def answering(content):
    return FaultServer(json_reply(content))


def plain(column):
    """Numbers of a column, NaN where masked."""
    values = getattr(column, "value", column)
    return np.where(np.asarray(getattr(column, "mask", False)), np.nan, np.asarray(getattr(values, "unmasked", values)))


def test_times_and_their_middle(zvar, psids):
    psid = psids[0]
    start, middle, long = (
        zvar.get_lightcurves(psid, midpoint=midpoint) for midpoint in (False, True, np.float64(300) * u.s)
    )
    assert (start[0]["time"].format, start[0]["time"].scale) == ("jd", "tdb")
    for moved, seconds in ((middle, 15), (long, 150)):
        shift = (moved[0]["time"] - start[0]["time"]).to_value(u.s)
        np.testing.assert_allclose(shift, seconds, atol=1e-6)
        assert f"{seconds} s were added" in moved.data.meta["time_assumption"]
        assert moved.data["time"].info.description == start.data["time"].info.description
    assert "taken as TDB" in start.data.meta["time_assumption"]
    assert "added" not in start.data.meta["time_assumption"]


def test_rows_out_of_order_are_put_in_order(notebook):
    first = notebook[f"photometry_mag_{STAR}_first"]
    rows = [first | {"time": 2458000.5 + day, "mag": 15.0 + day} for day in (3, 1, 2)]
    with answering({"1": rows, "2": rows[::-1]}) as server:
        curves = Zvar(url=server.url).get_lightcurves(["2", "1"])
    for curve in curves:
        np.testing.assert_array_equal(curve["time"].jd - 2458000.5, [1, 2, 3])
        np.testing.assert_array_equal(curve["mag"].value, [16, 17, 18])


@pytest.mark.parametrize("format", ["mag", "flux"])
def test_fillings_of_merged_files_are_no_measurements(notebook, format):
    """Their flux and its error are 0, and would pass for the reference's brightness."""
    first = notebook[f"photometry_{format}_{STAR}_first"]
    filled = first | {"time": first["time"] + 1, "flux": 0.0, "fluxerr": 0.0, "snr": None}
    with answering({STAR: [first, filled]}) as server, pytest.warns(CorruptValueWarning, match="1 rows without"):
        curves = Zvar(url=server.url).get_lightcurves(STAR, format=format)
    for name in {"flux", "flux_err", "mag", "mag_err"} & set(curves.data.colnames):
        assert list(curves.data[name].mask) == [False, True]
    assert len(curves.clean().data) == 1


@pytest.fixture
def in_flux(zvar, psids):
    return zvar.get_lightcurves(psids, format="flux")


def test_magnitudes_of_fluxes_are_those_of_the_service(zvar, in_flux):
    served, ours = zvar.get_lightcurves(in_flux.ids), add_magnitudes(in_flux)
    assert isinstance(ours, LightCurves)
    assert ours.ids == served.ids
    for name in ("mag", "mag_err", "limiting_mag", "snr_total"):
        theirs, found = plain(served.data[name]), plain(ours.data[name])
        np.testing.assert_array_equal(np.isnan(found), np.isnan(theirs))
        tolerance = {"atol": 0.5} if name == "limiting_mag" else {"rtol": 3e-6}  # the sample has limits of its own
        np.testing.assert_allclose(found, theirs, **tolerance)
        assert getattr(ours.data[name], "unit", None) == getattr(served.data[name], "unit", None)
    assert not np.any(~ours.data["mag"].mask & ~ours.data["limiting_mag"].mask), "a limit is no magnitude"
    assert "mag" not in in_flux.data.colnames
    assert type(add_magnitudes(in_flux[0])) is type(in_flux[0])
    with pytest.raises(ValueError, match=r"magzp, mag_ref are missing.*format='flux'"):
        add_magnitudes(served)


def test_microjansky(in_flux, notebook):
    first = notebook[f"photometry_flux_{STAR}_first"]
    with answering({STAR: [first]}) as server:
        curve = Zvar(url=server.url).get_lightcurves(STAR, format="flux")[0]
    difference, total = to_microjansky(curve), to_microjansky(curve, total=True)
    assert difference["flux"].unit == total["flux"].unit == u.uJy
    assert plain(difference["flux"]) == pytest.approx(47.57, abs=0.005)
    assert plain(total["flux"]) == pytest.approx(392.08, abs=0.005)
    assert (plain(total["flux"]) * u.uJy).to_value(u.ABmag) == pytest.approx(17.41657, abs=5e-6)
    assert plain(total["flux_err"]) == plain(difference["flux_err"])
    assert curve["flux"].unit == u.DN
    assert photometry.microjansky(1.0, 26.052) == pytest.approx(0.13778, abs=5e-6)
    assert photometry.microjansky(1.0, 26.026) == pytest.approx(0.14112, abs=5e-6)
    assert pytest.approx(9.83, abs=0.01) == 47.57 / 4.84  # what zvartools gives for it
    ours = to_microjansky(in_flux, total=True)
    assert "magzp" not in ours.data.colnames
    mag, flux = plain(add_magnitudes(in_flux).data["mag"]), plain(ours.data["flux"])
    seen = ~np.isnan(mag)
    np.testing.assert_allclose((flux[seen] * u.uJy).to_value(u.ABmag), mag[seen], atol=1e-6)


@given(
    flux=st.floats(-1e4, 1e6),
    flux_err=st.floats(0.1, 1e3),
    magzp=st.floats(20, 30),
    mag_ref=st.floats(-12, -2),
)
def test_relations_of_fluxes_and_magnitudes(flux, flux_err, magzp, mag_ref):
    total = photometry.snr_total(flux, flux_err, mag_ref)
    assert total - photometry.snr_diff(flux, flux_err) == pytest.approx(
        photometry.reference_flux(mag_ref) / flux_err, rel=1e-6, abs=1e-6 * abs(total)
    )
    mag, mag_err, snr = photometry.flux_to_mag(flux, flux_err, magzp, mag_ref)
    assert snr == total
    assert np.isnan(mag) == (total < 1)
    if total >= 1:
        assert mag_err == pytest.approx(2.5 / np.log(10) / total)
        scale = photometry.reference_flux(mag_ref) + abs(flux)
        back, back_err = photometry.mag_to_flux(mag, mag_err, magzp, mag_ref)
        assert back == pytest.approx(flux, abs=1e-9 * scale)
        assert back_err == pytest.approx(flux_err, rel=1e-9)
        micro = photometry.microjansky(flux + photometry.reference_flux(mag_ref), magzp)
        assert 23.9 - 2.5 * np.log10(micro) == pytest.approx(mag, abs=1e-9)


def test_from_one_sigma_on_there_is_a_magnitude_and_limits_are_of_five():
    mag, mag_err, snr = photometry.flux_to_mag([0.99, 1.0, 1.3], 1.0, 25.0, 99.0)
    np.testing.assert_allclose(mag, [np.nan, 25.0, 25.0 - 2.5 * np.log10(1.3)], atol=1e-12)
    np.testing.assert_allclose(mag_err, [np.nan, 1.0857362, 0.8351817], atol=1e-7)
    np.testing.assert_allclose(snr, [0.99, 1.0, 1.3])
    assert photometry.limiting_mag(10.0, 26.0) == pytest.approx(21.752575, abs=1e-6)
    assert np.isnan(photometry.limiting_mag(0.0, 26.0))


def test_errors_that_are_not_positive_give_no_signal_to_noise():
    for value in (0.0, -1.0, np.nan):
        assert np.isnan(photometry.snr_total(5.0, value, -8.5))
        assert np.isnan(photometry.snr_diff(5.0, value))


# --- Gaia -------------------------------------------------------------------------------------------------------------


def test_colour_and_absolute_magnitude_of_a_table(notebook):
    with answering({STAR: notebook[f"xmatch_gaia_{STAR}"]}) as server:
        table = Zvar(url=server.url).query_crossmatch(STAR, "gaia", radius=3 * u.arcsec)
    found = add_colour_magnitude(table, min_parallax_snr=12)
    assert found["bp_rp"][0] == pytest.approx(17.312077 - 15.944344)
    assert found["absolute_magnitude"][0] == pytest.approx(6.22302, abs=1e-5)
    assert found["bp_rp"].unit == found["absolute_magnitude"].unit == u.mag
    assert "bp_rp" not in table.colnames
    assert add_colour_magnitude(table, min_parallax_snr=12.2)["absolute_magnitude"].mask[0], "0.79958 / 0.06608 is 12.1"
    with pytest.raises(ValueError, match="parallax_error are missing"):
        add_colour_magnitude(Table(found["phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "parallax"]))


def test_parallaxes_that_say_nothing_give_nothing():
    mag = MaskedColumn([15.0] * 6, mask=[False] * 5 + [True])
    parallax = MaskedColumn([1.0, -1.0, 0.0, np.nan, 1.0, 1.0], mask=[False] * 4 + [True, False], unit=u.mas)
    assert list(absolute_magnitude(mag, parallax).mask) == [False, True, True, True, True, True]
    errors = [0.1, 0.2, 0.25, 0.0, np.nan]
    found = absolute_magnitude([15.0] * 5, [1.0] * 5, parallax_error=errors, min_parallax_snr=5)
    assert list(found.mask) == [False, False, True, True, True]
    assert absolute_magnitude([15.0], [0.001] * u.arcsec)[0] == absolute_magnitude([15.0], [1.0])[0] == 5.0
    with pytest.raises(ValueError, match="needs parallax_error"):
        absolute_magnitude([15.0], [1.0], min_parallax_snr=5)
    with pytest.raises(u.UnitsError):
        absolute_magnitude([15.0], [1.0] * u.s)
    colours = bp_rp(Table({"phot_bp_mean_mag": [16.0, np.nan], "phot_rp_mean_mag": [15.0, 15.0]}))
    assert list(colours.mask) == [False, True]


def test_giants_are_redder_and_brighter_than_the_limits():
    colour = MaskedColumn([1.5, 1.0, 1.5, 1.5, 0.5], mask=[False, False, False, True, False])
    stars = Table({"bp_rp": colour, "absolute_magnitude": MaskedColumn([2.0, 2.0, 3.0, 2.0, 4.0])})
    assert is_giant(stars).tolist() == [True, False, False, False, False]
    assert is_giant(stars, min_bp_rp=None).tolist() == [True, True, False, False, False]
    assert is_giant(stars, max_absolute_magnitude=None).tolist() == [True, False, True, False, False]
    assert is_giant(stars, min_bp_rp=0.4 * u.mag, max_absolute_magnitude=5 * u.mag).tolist() == [1, 1, 1, 0, 1]
    with pytest.raises(u.UnitsError, match="min_bp_rp must be a magnitude"):
        is_giant(stars, min_bp_rp=1.0)
    with pytest.raises(ValueError, match="absolute_magnitude are missing"):
        is_giant(stars["bp_rp",])
