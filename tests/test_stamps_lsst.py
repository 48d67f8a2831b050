"""Image stamps of LSST: server and client (reference/alerce.md 6.2)."""

import gzip
import io

import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from alerce_zvar import Alerce
from alerce_zvar.archive import Archive
from alerce_zvar.errors import NotFoundError
from alerce_zvar.sample.stamps import lsst_stamp_rows
from alerce_zvar.server import serve

LSST_OID, LSST_FIRST, LSST_ID = 170028510777180307, 170028510777180400, 170028510777180399


def add_lsst(archive):
    """One object of LSST with three detections; the first has no stamp, and the second a larger id than the third."""
    place = {"ra": [10.0] * 3 * u.deg, "dec": [-30.0] * 3 * u.deg}
    mjd = [61000.0, 61001.0, 61002.0]
    ids = [LSST_FIRST - 9, LSST_FIRST, LSST_ID]
    objects = Table({"oid": [LSST_OID], "ra": [10.0] * u.deg, "dec": [-30.0] * u.deg, "ndet": [3]})
    objects["firstmjd"], objects["lastmjd"] = (Time([m], format="mjd", scale="tai") for m in (mjd[0], mjd[-1]))
    detections = Table({"oid": [LSST_OID] * 3, "time": Time(mjd, format="mjd", scale="tai"), "band": ["g", "r", "r"]})
    detections["measurement_id"] = np.array([str(i) for i in ids])
    detections["has_stamp"] = [False, True, True]
    for name, value in (("flux", 2e4), ("flux_err", 300.0), ("total_flux", 3e4), ("total_flux_err", 300.0)):
        detections[name] = [value] * 3 * u.nJy
    for name, values in place.items():
        detections[name] = values
    archive.add_lsst(objects=objects, detections=detections)
    given = [
        {"oid": LSST_OID, "measurement_id": i, "ra": 10.0, "dec": -30.0, "psfFlux": 2e4, "scienceFlux": 3e4}
        for i in ids[1:]
    ]
    rows = lsst_stamp_rows(np.random.default_rng(7), given)
    archive.write("INSERT INTO lsst_stamps BY NAME SELECT * FROM given", given=rows)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Archive.create(tmp_path_factory.mktemp("lsst") / "sky.duckdb") as archive:
        add_lsst(archive)
        with serve(archive) as running:
            yield running


@pytest.fixture(scope="module")
def alerce(server):
    return Alerce(url=server.url)


def test_stamps_of_lsst_keep_unit_and_wcs(alerce):
    hdus = alerce.get_stamps(LSST_OID, LSST_ID, survey="lsst")
    assert [hdu.name for hdu in hdus] == ["SCIENCE", "TEMPLATE", "DIFFERENCE"]
    for hdu in hdus:
        assert hdu.data.shape == (75, 75)
        assert (hdu.header["BUNIT"], hdu.header["OID"], hdu.header["CANDID"]) == ("nJy", str(LSST_OID), str(LSST_ID))
        assert "ROTPA" in hdu.header
        centre = WCS(hdu.header).pixel_to_world(37, 37)
        assert centre.separation(SkyCoord(10 * u.deg, -30 * u.deg)) < 0.01 * u.arcsec
    assert_allclose(hdus["SCIENCE"].data.sum(), 3e4, rtol=0.6)


def test_variance_and_psf_of_lsst(alerce):
    hdus = alerce.get_stamps(LSST_OID, LSST_ID, survey="lsst", include_variance_and_psf=True)
    assert [hdu.name for hdu in hdus[:4]] == ["SCIENCE", "SCIENCE_VARIANCE", "SCIENCE_PSF", "TEMPLATE"]
    assert len(hdus) == 9
    assert hdus["DIFFERENCE_PSF"].data.shape == (41, 41)
    assert_allclose(hdus["DIFFERENCE_PSF"].data.sum(), 1, rtol=1e-5)
    science = alerce.get_stamps(
        LSST_OID, LSST_ID, survey="lsst", format="ccddata", include_variance_and_psf=True
    ).science
    assert science.unit == u.nJy
    assert science.uncertainty.uncertainty_type == "var"
    assert_array_equal(science.uncertainty.array, hdus["SCIENCE_VARIANCE"].data)
    assert science.psf.shape == (41, 41)
    assert science.wcs.has_celestial
    assert alerce.get_stamps(LSST_OID, LSST_ID, survey="lsst", format="ccddata").science.uncertainty is None


def test_lsst_s_earliest_is_that_of_the_least_time(alerce):
    stamps = alerce.get_stamps(LSST_OID, survey="lsst", format="numpy")
    assert stamps.meta["candid"] == str(LSST_FIRST)
    assert (stamps.meta["survey"], stamps.meta["service"]) == ("lsst", "ALeRCE LSST")
    with pytest.raises(NotFoundError, match="No detection of 99 has a stamp"):
        alerce.get_stamps(99, survey="lsst")


def test_lsst_s_server_gives_files_gzipped_plain_and_as_pictures(server):
    asked = {"oid": LSST_OID, "measurement_id": LSST_ID, "stamp_type": "cutoutScience", "survey_id": "lsst"}
    url = f"{server.url}/lsst/stamps_api/stamp"
    packed, plain, picture = (
        requests.get(url, params=asked | more, timeout=30)
        for more in (
            {"file_format": "fits"},
            {"file_format": "fits", "is_compressed": "false"},
            {"file_format": "png"},
        )
    )
    kinds = [answer.headers["Content-Type"] for answer in (packed, plain, picture)]
    assert kinds == ["application/gzip", "application/fits", "image/png"]
    assert not any("Content-Encoding" in answer.headers for answer in (packed, plain, picture))
    assert gzip.decompress(packed.content) == plain.content
    assert [hdu.shape for hdu in fits.open(io.BytesIO(plain.content))] == [(75, 75), (75, 75), (41, 41)]
    assert Image.open(io.BytesIO(picture.content)).size == (75, 75)
    missing = requests.get(url, params=asked | {"file_format": "fits", "measurement_id": 1}, timeout=30)
    assert (missing.status_code, missing.json()) == (404, {"detail": "Stamp not found"})
