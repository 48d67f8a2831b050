"""Figures of image stamps: all forms that they come in, the sky's directions, and odd images."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from alert_packets import EDGE, NAMES, images_of, real_alerts
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.visualization import ZScaleInterval
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from alerce_zvar.alerce.alert import parse_alert
from alerce_zvar.alerce.cutouts import assemble
from alerce_zvar.plot import plot_stamps
from alerce_zvar.sample.stamps import lsst_stamp_rows

FORMATS = ["hdulist", "numpy", "ccddata"]
PLACE = SkyCoord(10 * u.deg, -30 * u.deg)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def edge(real_data):
    """The real alert at the edge of a detector, as our own and as fastavro reads it."""
    real = real_alerts(real_data)[EDGE]
    return parse_alert(real.raw), images_of(real.record)


def lsst(format="hdulist", **options):
    """Stamps of the sample's kind, as the client makes them."""
    row = {"oid": 5, "measurement_id": 7, "ra": PLACE.ra.deg, "dec": PLACE.dec.deg, "psfFlux": 2e4, "scienceFlux": 3e4}
    files = lsst_stamp_rows(np.random.default_rng(7), [row])["fits"]
    told = {"oid": "5", "candid": "7", "survey": "lsst", "selection": "the detection asked for"}
    return assemble(list(files), format, told, **options)


def shown(figure):
    return [ax.images[0] for ax in figure.axes]


def width(figure):
    low, high = figure.axes[0].get_xlim()
    assert low == pytest.approx(-high)
    return high - low


def drawn(stamps, **options):
    """A figure that was drawn indeed."""
    figure = plot_stamps(stamps, **options)
    figure.canvas.draw()
    return figure


@pytest.mark.parametrize("form", FORMATS)
def test_figure_of_every_format(edge, form):
    alert, wanted = edge
    figure = drawn(alert.stamps(format=form))
    assert [ax.get_title().strip().split("\n")[-1] for ax in figure.axes] == ["Science", "Template", "Difference"]
    for ax, image, data in zip(figure.axes, shown(figure), wanted, strict=True):
        values = image.get_array()
        assert_array_equal(values.mask, np.isnan(data))
        assert_array_equal(values.compressed(), data[~np.isnan(data)].astype(float))
        assert "pixel axes, no WCS" in ax.get_xlabel()
        assert "1288 pixels without a value" in ax.get_xlabel()
        assert ("DN" in ax.get_xlabel()) is (form != "numpy")
        assert ax.get_xlim() == pytest.approx((-31.5 * 1.012, 31.5 * 1.012))
        assert ax.get_ylim() == ax.get_xlim()
        assert image.cmap.get_bad()[:3] == pytest.approx((86 / 255, 180 / 255, 233 / 255), abs=0.01)
        assert np.ptp(ax.lines[0].get_xdata()) == 20
        assert [text.get_text() for text in ax.texts] == ["20″"]
    assert "ZTF19aanyzri, 820128985115015000" in figure.axes[1].get_title()


def test_every_image_has_its_own_stretch(edge):
    alert, wanted = edge
    limits = [image.get_clim() for image in shown(plot_stamps(alert.stamps(format="numpy")))]
    assert limits == [
        pytest.approx(ZScaleInterval().get_limits(data[~np.isnan(data)].astype(float))) for data in wanted
    ]


def test_stamps_from_a_file(edge, tmp_path):
    alert, wanted = edge
    alert.stamps().writeto(tmp_path / "stamps.fits")
    with fits.open(tmp_path / "stamps.fits") as again:
        figure = drawn(again)
    assert "ZTF19aanyzri, 820128985115015000" in figure.axes[1].get_title()
    assert_array_equal(shown(figure)[1].get_array().mask, np.isnan(wanted[1]))


# --- the sky --------------------------------------------------------------------------------------------------------


def turned(angle, parity=1):
    """A WCS at an angle to the north, as it is seen on the sky or in a mirror."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [10, -30], [14, 11]
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.cd = np.array([[-parity * c, s], [parity * s, c]]) / 3600
    return wcs


def assert_north_is_up(figure, wcs):
    image = shown(figure)[0]
    rows, columns = image.get_array().shape
    centre = wcs.pixel_to_world((columns - 1) / 2, (rows - 1) / 2)
    to_axes = image.get_transform() - figure.axes[0].transData
    for angle, wanted in ((0, (0, 5)), (90, (-5, 0)), (45, (-5 / np.sqrt(2), 5 / np.sqrt(2)))):
        place = wcs.world_to_pixel(centre.directional_offset_by(angle * u.deg, 5 * u.arcsec))
        assert_allclose(to_axes.transform(place), wanted, atol=0.01)
    for ax in figure.axes:
        assert "WCS" not in ax.get_xlabel()
        assert [text.get_text() for text in ax.texts][1:] == ["N", "E"]


def test_lsst_with_north_up_and_east_left():
    hdus = lsst(include_variance_and_psf=True)
    assert len(hdus) == 9
    figure = drawn(hdus)
    assert_north_is_up(figure, WCS(hdus[0].header))
    assert figure.axes[0].texts[0].get_text() == "5″"
    assert figure.axes[0].get_xlabel().endswith(" nJy")
    assert [image.get_array().shape for image in shown(figure)] == [(75, 75)] * 3
    ccds = lsst("ccddata", include_variance_and_psf=True)
    assert_north_is_up(drawn(ccds), ccds.science.wcs)


@pytest.mark.parametrize("parity", [1, -1])
@pytest.mark.parametrize("angle", [0, 30, 200])
def test_any_wcs(angle, parity):
    wcs = turned(angle, parity)
    image = np.arange(21.0 * 27).reshape(21, 27)
    assert_north_is_up(drawn([CCDData(image, unit="nJy", wcs=wcs)] * 3), wcs)
    assert_north_is_up(drawn([fits.ImageHDU(image, wcs.to_header())] * 3), wcs)
    cut = CCDData(image, unit="nJy", wcs=wcs)[3:15, 5:20]
    assert_north_is_up(drawn([cut] * 3), cut.wcs)


def test_a_header_that_makes_no_wcs_has_none():
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--XXX"})
    figure = drawn([fits.ImageHDU(np.eye(5), header)] * 3)
    assert "no WCS" in figure.axes[0].get_xlabel()


def test_pixel_scales():
    assert width(plot_stamps(lsst("numpy"))) == pytest.approx(75 * 0.2)
    hdus = lsst()
    for hdu in hdus:
        hdu.header.remove("CTYPE1")
    assert width(plot_stamps(hdus)) == pytest.approx(75 * 0.2)
    assert width(plot_stamps([np.eye(10)] * 3, pixel_scale=0.5 * u.arcsec)) == pytest.approx(5)
    assert width(plot_stamps([np.eye(10)] * 3, pixel_scale="0.1 arcmin")) == pytest.approx(60)
    assert width(plot_stamps(dict.fromkeys(NAMES, np.eye(4)))) == pytest.approx(4 * 1.012)


@pytest.mark.parametrize(
    ("scale", "bar", "text"),
    [(5e-3, 0.05, "0.05″"), (0.3, 2, "2″"), (1.0, 10, "10″"), (2.0, 20, "20″"), (1800.0, 10000, "10000″")],
)
def test_the_bar_is_round_and_fits(scale, bar, text):
    (ax, *_) = plot_stamps([np.eye(30)] * 3, pixel_scale=scale * u.arcsec).axes
    start, end = ax.lines[0].get_xdata()
    assert end - start == pytest.approx(bar)
    assert end - start <= 10 * scale * 1.001
    assert ax.texts[0].get_text() == text


# --- odd images -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "image",
    [
        np.full((4, 4), np.nan),
        np.zeros((4, 4)),
        np.ones((5, 5), dtype=np.float32),
        np.full((5, 5), -1e-7),
        np.ones((1, 1)),
        np.where(np.eye(3) > 0, np.inf, 1.0),
        np.arange(12).reshape(3, 4),
        np.eye(3) > 0,
        np.arange(9.0).reshape(3, 3) * u.nJy,
        np.ma.masked_less(np.arange(9.0).reshape(3, 3), 4),
        [[1, 2], [3, 4]],
    ],
)
def test_odd_images_are_drawn(image):
    figure = drawn([image] * 3)
    data = np.ma.masked_invalid(getattr(image, "value", image))
    missing = np.ma.getmaskarray(data).sum()
    assert shown(figure)[0].get_array().mask.sum() == missing
    assert (f"{missing} pixels without a value" in figure.axes[0].get_xlabel()) is bool(missing)
    assert ("nJy" in figure.axes[0].get_xlabel()) is isinstance(image, u.Quantity)


def test_the_first_row_is_at_the_bottom_and_the_first_column_at_the_left():
    image = np.zeros((9, 9))
    image[:3, 5:] = 1.0
    figure = drawn([image] * 3)
    (left, bottom), (right, top) = np.round(figure.axes[0].get_window_extent().get_points()).astype(int)
    shown = np.asarray(figure.canvas.buffer_rgba())[::-1][bottom:top, left:right, 0]
    height, width = shown.shape
    assert shown[height // 4, width * 3 // 4] == 255  # below, right
    corners = shown[height * 3 // 4, width // 4], shown[height // 4, width // 3], shown[height * 3 // 4, width * 3 // 4]
    assert corners == (0, 0, 0)


def test_images_of_different_shapes():
    images = np.arange(40.0).reshape(8, 5)
    figure = drawn([images, images[:3], images.T])
    assert [image.get_array().shape for image in shown(figure)] == [(8, 5), (3, 5), (5, 8)]
    assert [np.ptp(ax.get_xlim()) / np.ptp(ax.get_ylim()) for ax in figure.axes] == pytest.approx([5 / 8, 5 / 3, 8 / 5])


def test_figure_into_given_axes_with_a_title():
    given = plt.subplots(1, 3)[1]
    figure = plot_stamps([np.eye(5)] * 3, axes=given, title="mine")
    assert figure is given[0].figure
    assert figure.axes[1].get_title() == "mine\nTemplate"
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize(
    ("stamps", "options", "error", "words"),
    [
        (None, {}, TypeError, "stamps must be three images.*not 0 in NoneType"),
        ([np.eye(3)] * 2, {}, TypeError, "three images.*not 2 in list"),
        ({"science": np.eye(3)}, {}, TypeError, "three images.*not 1 in dict"),
        ("abc", {}, TypeError, "stamps: an image must be an array of numbers, not 'a'"),
        (fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.eye(3))]), {}, TypeError, "not 2 in HDUList"),
        ([np.ones(5)] * 3, {}, ValueError, "stamps: an image must have pixels in two dimensions"),
        ([np.ones((0, 5))] * 3, {}, ValueError, "stamps: an image must have pixels in two dimensions"),
        ([np.eye(3)] * 3, {"axes": [None]}, ValueError, "axes must be three"),
        ([np.eye(3)] * 3, {"pixel_scale": 2 * u.s}, u.UnitsError, "pixel_scale must be an angle with a unit"),
        ([np.eye(3)] * 3, {"pixel_scale": 2}, u.UnitsError, "pixel_scale must be an angle with a unit"),
        ([np.eye(3)] * 3, {"pixel_scale": -2 * u.deg}, ValueError, "pixel_scale must be one positive angle"),
        ([np.eye(3)] * 3, {"pixel_scale": np.nan * u.deg}, ValueError, "pixel_scale must be one positive angle"),
        ([np.eye(3)] * 3, {"pixel_scale": [1, 1] * u.deg}, ValueError, "pixel_scale must be one positive angle"),
    ],
)
def test_what_is_no_triplet_is_said(stamps, options, error, words):
    with pytest.raises(error, match=words):
        plot_stamps(stamps, **options)
    assert plt.get_fignums() == []
