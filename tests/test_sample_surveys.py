"""What the sample sky has beside its light curves: alerts with their stamps, Gaia, and galaxies with redshifts."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy_healpix import HEALPix

from alerce_zvar import Alerce, CatsHTMClass
from alerce_zvar.sample.stars import draw_stars

# --- alerts and stamps ----------------------------------------------------------------------------------------------


def test_the_sample_sky_has_stamps(sample_server):
    alerce = Alerce(url=sample_server)
    objects = alerce.query_objects(ndet=1, row_limit=-1)
    shapes = set()
    for oid in [*objects["oid"][:3], *objects["oid"][-3:]]:
        detections = alerce.query_detections(str(oid))
        stamped = detections[detections["has_stamp"]]
        assert 1 <= len(stamped) <= 2
        stamps = alerce.get_stamps(str(oid), format="numpy")
        assert stamps.meta["candid"] == stamped["candid"][0]
        shapes |= {stamps.science.shape}
        alert = alerce.get_alert(str(oid), stamped["candid"][-1])
        assert alert.candidate["mag"] == pytest.approx(stamped["mag"][-1], abs=1e-5)
        assert alert.candidate["isdiffpos"] == stamped["isdiffpos"][-1]
        centre = alert.stamps(format="numpy").difference[30:33, 30:33].sum()
        assert np.sign(centre) == alert.candidate["isdiffpos"]
        days = (alert.candidate["time"] - alert.previous_detections["time"]).to_value("d")
        assert np.all((days > 0) & (days <= 30.01))
    assert (63, 63) in shapes


def test_the_sample_sky_has_the_edges_of_detectors(sample_server):
    alerce = Alerce(url=sample_server)
    oid = min(alerce.query_objects(ndet=1, row_limit=-1)["oid"])
    candids = [row["candid"] for row in alerce.query_detections(str(oid)) if row["has_stamp"]]
    masked, narrow = (alerce.get_stamps(str(oid), candid, format="numpy") for candid in candids)
    assert np.isnan(masked.science).sum() == 9 * 63
    assert narrow.science.shape == (63, 41)


# --- catalogues -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stars():
    """The sources of the sample sky, which are drawn first of all."""
    return draw_stars(np.random.default_rng(0))


def asked(sample_server, stars, catalog, radius=1 * u.arcsec):
    positions = SkyCoord([star.ra for star in stars], [star.dec for star in stars], unit="deg")
    return CatsHTMClass(url=sample_server).query_crossmatch(positions, radius=radius, catalog=catalog)


@pytest.mark.parametrize(("kind", "absolute"), [("RRab", 0.6), ("RRc", 0.5), ("LPV", -1.5)])
def test_gaia_knows_how_far_giants_are(sample_server, stars, kind, absolute):
    giants = [star for star in stars if star.kind == kind]
    found = asked(sample_server, giants, "GAIADR2")
    assert list(found["input_index"]) == list(range(len(giants)))
    assert np.all(found["separation"] < 0.01)
    expected = 10 ** (2 - 0.2 * (found["Mag_G"] - absolute))
    assert np.all(np.abs(found["Plx"] - expected) < 5 * np.hypot(found["ErrPlx"], 0.4 * expected))
    assert np.all(found["VarFlag"] == 1)
    assert np.all(found["Mag_BP"] > found["Mag_RP"])
    mags = np.array([star.mags["r"] for star in giants])
    assert np.all(np.abs(found["Mag_G"] - mags) < 0.6)
    assert found["Epoch"].info.meta["wire_unit"] == "JYear"


def test_gaia_says_the_same_twice(sample_server, stars):
    bright = [star for star in stars if star.mags["r"] < 18 and star.kind != "SN"][:30]
    second, third = (asked(sample_server, bright, name) for name in ("GAIADR2", "GAIAEDR3"))
    error = np.hypot(second["ErrPlx"], third["parallax_error"])
    assert np.all(np.abs(second["Plx"] - third["parallax"]) < 5 * error)
    assert np.all(third["parallax_error"] < second["ErrPlx"])
    assert third["source_id"].dtype == np.int64
    pixels = HEALPix(2**12, order="nested").lonlat_to_healpix(third["ra"].quantity, third["dec"].quantity)
    np.testing.assert_array_equal(third["source_id"] >> 35, pixels)
    np.testing.assert_allclose(third["pm"], np.hypot(third["pmra"], third["pmdec"]))


def test_gaia_has_more_and_fewer(sample_server):
    everything = CatsHTMClass(url=sample_server).query_region(
        SkyCoord(0.8365, 30.94, unit="deg"), radius=9 * u.arcmin, catalog=["GAIADR2", "GAIAEDR3"]
    )
    gaia = everything["GAIADR2"]
    assert 280 < len(gaia) < 360
    assert len(gaia) == len(everything["GAIAEDR3"])
    assert gaia["Mag_G"].max() < 20.8
    assert 0 < gaia["Mag_BP"].mask.sum() < 150
    assert gaia["RV"].mask.all()


def test_hosts_of_supernovae(sample_server, stars):
    supernovae = [star for star in stars if star.kind == "SN"]
    positions = SkyCoord([star.ra for star in supernovae], [star.dec for star in supernovae], unit="deg")
    found = CatsHTMClass(url=sample_server).query_redshift(positions, radius=5 * u.arcsec)
    assert len(found) == len(supernovae) == 4
    assert sorted(found["column"]) == ["z", "z", "z", "zphot"], "one host has no spectrum"
    assert np.all((found["separation"] > 1.4) & (found["separation"] < 4.1))
    spectra = found[found["column"] == "z"]
    distance = 299792.458 / 70 * (spectra["z"] + 0.775 * spectra["z"] ** 2) * u.Mpc
    peaks = np.array([supernovae[index].mags["g"] for index in spectra["input_index"]])
    np.testing.assert_allclose(peaks - 5 * np.log10(distance.to_value(u.pc) / 10), -19.3, atol=1e-6)
