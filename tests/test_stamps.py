"""Image stamps and alert packets of single detections: server and client; on ZTF's real alerts and on made ones.

Sections are those of reference/alerce.md: 6.1 ZTF's stamps, 6.2 LSST's, 6.3 the packets, 11.4 what a server must do,
11.5 what the official client gets wrong.
"""

import copy
import gzip
import importlib
import io
import pickle

import numpy as np
import pytest
import requests
from alert_packets import (
    CANDID,
    EDGE,
    NAMES,
    OID,
    bomb,
    images_of,
    made,
    previous_row,
    real_alerts,
    served,
    without_template,
)
from answers import Answers
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import Table
from astropy.time import Time
from fault_server import FaultServer, http, json_reply
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from alerce_zvar import Alerce, conf
from alerce_zvar import packets as packets_module
from alerce_zvar.archive import Archive
from alerce_zvar.errors import (
    DeadlineError,
    InvalidQueryError,
    MissingExtraError,
    NotFoundError,
    ReplyError,
    ReplyTooLargeError,
)
from alerce_zvar.packets import CUTOUTS, read_packet
from alerce_zvar.sample.packets import fits_file
from alerce_zvar.server import serve

LSST_OID, LSST_ID = 170028510777180307, 170028510777180399
LIMIT = 2**20  # bytes


@pytest.fixture(scope="module")
def packets(real_data):
    return real_alerts(real_data)


@pytest.fixture(scope="module")
def archive(real_data, tmp_path_factory):
    with Archive.create(tmp_path_factory.mktemp("alerts") / "sky.duckdb") as archive:
        archive.import_alerts(real_data / "alerts")
        yield archive


@pytest.fixture(scope="module")
def server(archive):
    with serve(archive) as running:
        yield running


@pytest.fixture(scope="module")
def alerce(server):
    return Alerce(url=server.url)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(conf, "backoff", 0.0)


# --- server: 6.1, 11.4 -----------------------------------------------------------------------------------------------


def ask(url, path, **params):
    return requests.get(f"{url}/avro/{path}", params=params, headers={"Accept-Encoding": "gzip"}, timeout=30)


@pytest.mark.parametrize("name", NAMES)
def test_a_gzipped_stamp_is_the_body_and_not_its_encoding(server, packets, name):
    answer = ask(server.url, "get_stamp", oid=OID, candid=CANDID, type=name, format="fits")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/fits+gzip"
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Content-Disposition"] == f"attachment; filename={OID}_{CANDID}_{name}.fits.gz"
    assert answer.content == packets[CANDID].record[f"cutout{name.capitalize()}"]["stampData"]
    assert gzip.decompress(answer.content).startswith(b"SIMPLE")


def test_a_picture_of_a_stamp(server, packets):
    answer = ask(server.url, "get_stamp", oid="any", candid=EDGE, type="template", format="png")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Disposition"].endswith("ZTF19aanyzri_820128985115015000_template.png")
    picture = Image.open(io.BytesIO(answer.content))
    grey = np.array(picture.convert("LA"))
    data = images_of(packets[EDGE].record)[1]
    assert (picture.mode, picture.size) == ("L", (63, 63))
    assert_array_equal(grey[..., 1] == 0, np.isnan(data))
    seen = ~np.isnan(data)
    order = np.argsort(data[seen])
    assert np.all(np.diff(grey[..., 0][seen][order].astype(int)) >= 0)
    assert grey[..., 0][seen].min() == 1
    assert grey[..., 0][seen].max() == 255


def test_pictures_of_odd_images(tmp_path):
    images = [np.full((5, 4), np.nan), np.full((5, 3), -1e-7), np.zeros((1, 1)), np.eye(2)]
    alerts = [made(candid=number, images=[image] * 3) for number, image in enumerate(images)]
    with served(tmp_path, *alerts) as (_, url):
        for number, image in enumerate(images):
            answer = ask(url, "get_stamp", candid=number, type="science", format="png")
            picture = Image.open(io.BytesIO(answer.content))
            assert picture.size == image.shape[::-1]
            assert_array_equal(np.array(picture.convert("LA"))[..., 1] == 0, np.isnan(image))


def test_a_picture_of_what_is_no_image(tmp_path, monkeypatch):
    monkeypatch.setattr("alerce_zvar.sample.packets.fits_file", lambda image: b"damaged")
    with served(tmp_path, made(candid=7)) as (alerce, url):
        answer = ask(url, "get_stamp", candid=7, type="science", format="png")
        assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/json")
        assert answer.json() == {"message": "The image cannot be drawn: it is no FITS file."}
        assert ask(url, "get_stamp", candid=7, type="science", format="fits").content == b"damaged"
        with pytest.raises(ReplyError, match="no image stamp: it is no FITS file"):
            alerce.get_stamps("ZTF24aaaaaaa", 7)


def test_a_whole_packet_comes_back(server, packets):
    for candid, real in packets.items():
        answer = ask(server.url, "get_avro", oid=real.oid, candid=candid)
        assert answer.content == real.raw
        assert answer.headers["Content-Type"] == "app/avro+binary"
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Content-Disposition"] == f"attachment; filename={candid}.avro"


def test_the_packet_in_words(server, packets):
    answer = ask(server.url, "get_avro_info", candid=CANDID).json()
    record = packets[CANDID].record
    assert answer["candidate"]["candid"] == CANDID
    assert answer["candid"] == int(CANDID)
    assert not set(CUTOUTS.values()) & answer.keys()
    assert answer["prv_candidates"] == record["prv_candidates"]
    assert answer["candidate"] | {"candid": 0} == record["candidate"] | {"candid": 0}


@pytest.mark.parametrize("path", ["get_stamp", "get_avro", "get_avro_info"])
@pytest.mark.parametrize("candid", ["1", "abc", "1e18", "-5", "9" * 19, "9" * 40, "²"])
def test_an_unknown_alert_is_404_in_json(server, path, candid):
    answer = ask(server.url, path, oid=OID, candid=candid, type="science", format="fits")
    assert answer.status_code == 404
    assert answer.json()["message"].startswith("AVRO not found")


def test_alerts_are_of_ztf(server):
    assert ask(server.url, "get_avro", candid=CANDID, survey_id="ztf").status_code == 200
    assert ask(server.url, "get_avro", candid=CANDID, survey_id="atlas").status_code == 404
    assert ask(server.url, "get_avro", candid=CANDID, survey_id="des").status_code == 400


@pytest.mark.parametrize(
    ("path", "params", "name", "reason"),
    [
        ("get_avro", {"oid": OID}, "candid", "Missing required parameter in the query string"),
        ("get_stamp", {"type": "science", "format": "fits"}, "candid", "Missing required parameter"),
        ("get_stamp", {"candid": "1", "format": "fits"}, "type", "Missing required parameter"),
        ("get_stamp", {"candid": "1", "type": "x"}, "type", "The value 'x' is not a valid choice for 'type'."),
        ("get_stamp", {"candid": "1", "type": "science", "format": "gif"}, "format", "not a valid choice"),
    ],
)
def test_bad_parameters_are_400_in_the_service_s_form(server, path, params, name, reason):
    answer = ask(server.url, path, **params)
    assert answer.status_code == 400
    body = answer.json()
    assert body["message"] == "Input payload validation failed"
    assert list(body["errors"]) == [name]
    assert reason in body["errors"][name]


def test_a_packet_without_one_image(tmp_path):
    with served(tmp_path, without_template()) as (alerce, _):
        with pytest.raises(NotFoundError, match="AVRO not found"):
            alerce.get_stamps("ZTF24aaaaaaa")
        alert = alerce.get_alert("ZTF24aaaaaaa")
        with pytest.raises(ReplyError, match="lacks an image"):
            alert.stamps()


# --- client: stamps of ZTF -------------------------------------------------------------------------------------------


def test_every_real_stamp_comes_back_pixel_by_pixel(alerce, packets):
    for candid, real in packets.items():
        wanted = images_of(real.record)
        hdus = alerce.get_stamps(real.oid, candid)
        arrays = alerce.get_stamps(real.oid, candid, format="numpy")
        ccds = alerce.get_stamps(real.oid, int(candid), format="ccddata")
        for name, data, hdu, array, ccd in zip(NAMES, wanted, hdus, arrays, ccds, strict=True):
            assert data.shape == (63, 63)
            assert_array_equal(hdu.data, data)
            assert_array_equal(array, data)
            assert_array_equal(ccd.data, data)
            assert_array_equal(hdus[name.upper()].data, data)
            assert array.dtype == np.float32
            assert array.dtype.isnative
            assert_array_equal(ccd.mask, np.isnan(data))


def test_hdus_say_whose_they_are_and_are_good_fits(alerce, tmp_path):
    hdus = alerce.get_stamps(OID, CANDID)
    assert [hdu.name for hdu in hdus] == ["SCIENCE", "TEMPLATE", "DIFFERENCE"]
    for hdu in hdus:
        header = hdu.header
        assert (header["OID"], header["CANDID"], header["SURVEY"], header["BUNIT"]) == (OID, CANDID, "ZTF", "DN")
        assert "STAMP_TYPE" not in header
    hdus.writeto(tmp_path / "stamps.fits", output_verify="exception")
    with fits.open(tmp_path / "stamps.fits") as again:
        assert_array_equal(again["DIFFERENCE"].data, hdus["DIFFERENCE"].data)
        assert again[0].header["CANDID"] == CANDID


def test_arrays_remember_where_they_come_from(alerce):
    stamps = alerce.get_stamps(OID, CANDID, format="numpy")
    science, template, difference = stamps
    assert science is stamps.science is stamps[0]
    assert_allclose(difference.mean(), (science - template).mean(), atol=30)
    assert stamps.meta["candid"] == CANDID
    assert (stamps.meta["service"], stamps.meta["requests"]) == ("ALeRCE stamps", 3)
    assert repr(stamps) == f"<Stamps of {OID}, candid {CANDID}: science 63x63, template 63x63, difference 63x63>"
    for other in (copy.copy(stamps), copy.deepcopy(stamps), pickle.loads(pickle.dumps(stamps))):
        assert other.meta == stamps.meta
        assert_array_equal(other.science, science)
    assert "None" in repr(type(stamps)(*stamps))


def test_ccddata_has_unit_and_mask_and_no_wcs(alerce):
    stamps = alerce.get_stamps("ZTF19aanyzri", EDGE, format="ccddata")
    for image in stamps:
        assert isinstance(image, CCDData)
        assert image.unit == u.DN
        assert image.mask.sum() == 1288
        assert image.wcs is None
        assert image.uncertainty is None
        assert image.meta["OID"] == "ZTF19aanyzri"


def test_without_candid_it_is_the_earliest_with_a_stamp_and_said(alerce, packets):
    first = min((real.record["candidate"]["jd"], candid) for candid, real in packets.items() if real.oid == OID)[1]
    hdus = alerce.get_stamps(OID)
    assert hdus[0].header["CANDID"] == first
    assert hdus[0].header.comments["CANDID"] == "earliest detection with a stamp"
    stamps = alerce.get_stamps(OID, format="numpy")
    assert (stamps.meta["candid"], stamps.meta["selection"]) == (first, "earliest detection with a stamp")
    assert alerce.get_stamps(OID, first, format="numpy").meta["selection"] == "the detection asked for"
    assert alerce.get_alert(OID).candid == first


def test_earliest_is_in_time_and_not_in_text(tmp_path):
    """Candids of 18 digits are earlier than those of 19, and sort after them as text."""
    early, late = 999343438045010007, 1000343438045010007
    assert str(early) > str(late)
    packets = (
        made(candid=early, mjd=58753.25),
        made(candid=late, mjd=58754.25, previous=[before := previous_row(58750.0)]),
    )
    with served(tmp_path, *packets) as (alerce, _):
        detections = alerce.query_detections("ZTF24aaaaaaa")
        assert len(detections) == 3  # the earliest of which has no stamp
        assert before["candid"] in map(int, detections["candid"])
        assert alerce.get_stamps("ZTF24aaaaaaa", format="numpy").meta["candid"] == str(early)


def test_small_stamps(tmp_path):
    image = np.arange(40.0).reshape(8, 5)
    with served(tmp_path, made(images=[image, image[:3], image])) as (alerce, _):
        stamps = alerce.get_stamps("ZTF24aaaaaaa", format="numpy")
    assert [image.shape for image in stamps] == [(8, 5), (3, 5), (8, 5)]
    assert_array_equal(stamps.science, image)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda a: a.get_stamps(OID, 5), NotFoundError, "AVRO not found"),
        (lambda a: a.get_alert(OID, "5"), NotFoundError, "AVRO not found"),
        (lambda a: a.download_alert(OID, "5"), NotFoundError, "AVRO not found"),
        (lambda a: a.get_stamps("ZTF99zzzzzzz"), NotFoundError, "requested URL was not found"),
        (lambda a: a.get_alert("ZTF99zzzzzzz"), NotFoundError, "requested URL was not found"),
        (lambda a: a.get_stamps([OID, OID]), TypeError, "oid must be one id, not list"),
        (lambda a: a.get_alert([OID]), TypeError, "oid must be one id, not list"),
        (lambda a: a.get_stamps(OID, survey="des"), ValueError, "survey must be 'ztf' or 'lsst', not 'des'"),
        (lambda a: a.get_stamps(OID, format="png"), ValueError, "format must be one of hdulist, numpy, ccddata"),
        (lambda a: a.get_stamps(OID, include_variance_and_psf=True), ValueError, "include_variance_and_psf needs"),
        (
            lambda a: a.get_stamps(LSST_OID, survey="lsst", format="numpy", include_variance_and_psf=True),
            ValueError,
            "format='numpy'",
        ),
        (lambda a: a.get_stamps(OID, 1.5), TypeError, "candid must be an id"),
        (lambda a: a.get_stamps(LSST_OID, "x", survey="lsst"), ValueError, "measurement_id must be an id of digits"),
        (lambda a: a.get_stamps(1.0e18), TypeError, "oid must be an id"),
        (lambda a: a.get_stamps(None, CANDID), TypeError, "oid must be one id, not NoneType"),
        (lambda a: a.get_alert(None, CANDID), TypeError, "oid must be one id, not NoneType"),
    ],
)
def test_errors_say_what(alerce, call, error, words):
    with pytest.raises(error, match=words):
        call(alerce)


def test_no_stamp_at_all_is_said(tmp_path):
    times = Time(58300.0 + np.arange(3), format="mjd", scale="utc")
    table = Table({"time": times, "band": ["g"] * 3, "mag": [15.0, 15.1, 15.3], "mag_err": [0.1] * 3})
    table["name"], table["ra"], table["dec"] = "mine", 10.0, 20.0
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_table(table)
        oid = archive.sources()["oid"][0]
        with serve(archive) as server:
            for get in (Alerce(url=server.url).get_stamps, Alerce(url=server.url).get_alert):
                with pytest.raises(NotFoundError, match=f"No detection of {oid} has a stamp"):
                    get(oid)


def test_payloads_are_shown_and_nothing_is_sent():
    alerce = Alerce(url="http://127.0.0.1:9")
    stamp = {"oid": OID, "candid": CANDID, "format": "fits"}
    assert alerce.get_stamps(OID, CANDID, get_query_payload=True) == [stamp | {"type": name} for name in NAMES]
    assert alerce.get_stamps(OID, get_query_payload=True) == {"oid": OID}
    assert alerce.get_alert(OID, int(CANDID), get_query_payload=True) == {"oid": OID, "candid": CANDID}
    assert alerce.download_alert(OID, get_query_payload=True) == {"oid": OID}
    payloads = alerce.get_stamps(LSST_OID, LSST_ID, survey="lsst", get_query_payload=True)
    assert [payload["stamp_type"] for payload in payloads] == ["cutoutScience", "cutoutTemplate", "cutoutDifference"]
    assert payloads[0] | {"stamp_type": ""} == {
        "oid": str(LSST_OID),
        "measurement_id": str(LSST_ID),
        "stamp_type": "",
        "file_format": "fits",
        "survey_id": "lsst",
    }


# --- client: answers that are not what they should be ----------------------------------------------------------------

STAMP = fits_file(np.ones((4, 4)))
PLAIN = gzip.decompress(STAMP)


def stamps_from(*script, **options):
    with FaultServer(*script) as server:
        stamps = Alerce(stamps_url=server.url).get_stamps(OID, 5, format="numpy", **options)
        return stamps, len(server.requests)


@pytest.mark.parametrize(
    "answer",
    [
        http(STAMP, Content_Type="application/fits+gzip"),
        http(PLAIN, Content_Type="application/fits"),
        http(gzip.compress(STAMP), Content_Encoding="gzip"),
        http(gzip.compress(PLAIN), Content_Encoding="gzip"),  # a server that calls the file its encoding
        http(STAMP, Content_Encoding="identity"),
    ],
)
def test_gzip_as_body_or_as_encoding_or_not_at_all(answer):
    stamps, count = stamps_from(answer)
    assert_array_equal(stamps.template, np.ones((4, 4)))
    assert count == 3


def with_card(card):
    """A stamp with another card in the place of its unit."""
    return gzip.compress(PLAIN.replace(b"BUNIT   = 'DN      '".ljust(80), card.ljust(80)))


def hdus_from(*script):
    with FaultServer(*script) as server:
        client = Alerce(stamps_url=server.url)
        return client.get_stamps(OID, 5), client.get_stamps(OID, 5, format="ccddata").science


def test_a_stamp_without_unit_is_in_dn():
    hdus, science = hdus_from(http(with_card(b"COMMENT no unit")))
    assert (hdus[0].header["BUNIT"], science.unit) == ("DN", u.DN)


def test_an_unknown_unit_is_kept_as_text_alone():
    hdus, science = hdus_from(http(with_card(b"BUNIT   = 'furlong '")))
    assert hdus[0].header["BUNIT"] == science.meta["BUNIT"] == "furlong"
    assert science.unit == u.dimensionless_unscaled


@pytest.mark.parametrize("card", [b"FOO     = 'without an end", b"foo bar = 3", b"FOO     = \x01", b"FOO     = 1.2.3"])
def test_a_card_that_is_no_good_fits_is_mended_or_dropped(card):
    hdus, science = hdus_from(http(with_card(card)))
    assert "FOO BAR" not in hdus[0].header
    assert "FOO BAR" not in science.meta
    hdus.writeto(io.BytesIO(), output_verify="exception")


def test_a_service_that_never_answers(monkeypatch):
    monkeypatch.setattr(conf, "max_retries", 0)
    with FaultServer(lambda connection: connection.recv(1)) as server:
        client = Alerce(stamps_url=server.url)
        for get in (client.get_stamps, client.get_alert, client.download_alert):
            with pytest.raises(DeadlineError, match=r"within 0\.1 s"):
                get(OID, 5, timeout=0.1)


def test_earliest_of_detections_in_any_order(alerce):
    rows = requests.get(alerce.query_detections(OID).meta["url"], timeout=30).json()
    rows.sort(key=lambda row: -row["mjd"])
    with Answers({f"/ztf/v1/objects/{OID}/detections": rows, "/avro/get_stamp": STAMP}) as server:
        stamps = Alerce(url=server.url).get_stamps(OID, format="numpy")
        assert stamps.meta["candid"] == min((row["mjd"], row["candid"]) for row in rows if row["has_stamp"])[1]
        assert [query["candid"] for query in server.asked("/avro/get_stamp")] == [[stamps.meta["candid"]]] * 3


def test_a_stamp_that_is_cut_short_is_asked_for_again():
    stamps, count = stamps_from(http(STAMP[:-20]), http(b""), http(STAMP))
    assert_array_equal(stamps.science, np.ones((4, 4)))
    assert count == 5


@pytest.fixture
def small_limit(monkeypatch):
    """A limit above which bombs are quickly made."""
    monkeypatch.setattr(packets_module, "LARGEST", LIMIT)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (http(b"<html>maintenance</html>", Content_Type="text/html"), ReplyError, "no image stamp: it is no FITS"),
        (http(gzip.compress(b"{}")), ReplyError, "no FITS file"),
        (http(STAMP[:30] + bytes(40) + STAMP[70:]), ReplyError, "not what was asked for"),
        (http(PLAIN[:2885]), ReplyError, "truncated|cannot be read|buffer"),
        (http(gzip.compress(bytes(LIMIT + 1), 1)), ReplyError, "unpacks to more than"),
        (json_reply({"message": "AVRO not found"}, 404), NotFoundError, "AVRO not found"),
        (json_reply({"errors": {"candid": "bad"}, "message": "Input"}, 400), InvalidQueryError, "Input"),
        (http(b"<html>no such page</html>", 404, Content_Type="text/html"), InvalidQueryError, "status 404"),
    ],
)
def test_other_answers_are_errors_of_ours(small_limit, answer, error, words):
    with pytest.raises(error, match=words) as caught:
        stamps_from(answer)
    assert "/get_stamp?" in caught.value.url


def test_stamps_keep_the_cap_on_size():
    with conf.set_temp("max_reply_size", 1000), pytest.raises(ReplyTooLargeError):
        stamps_from(http(bytes(5000)))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(b"<html>"), "no Avro file"),
        (http(gzip.compress(made())), "no Avro file"),
        (http(made()[:-2000]), "ends too early"),
        (http(bomb(LIMIT)), "unpacks to more than"),
        (http(bomb(5)), "no alert"),
    ],
)
def test_hostile_alerts_are_reply_errors(small_limit, answer, words):
    with FaultServer(answer) as server, pytest.raises(ReplyError, match=words):
        Alerce(stamps_url=server.url).get_alert(OID, 5)


def test_an_alert_that_is_cut_short_is_asked_for_again():
    raw = made()
    with FaultServer(http(raw[:-2000]), http(b""), http(raw)) as server:
        assert Alerce(stamps_url=server.url).get_alert("ZTF24aaaaaaa", 1000343438045010007).raw == raw
        assert len(server.requests) == 3


def test_an_alert_of_another_object_is_refused():
    with (
        FaultServer(http(made())) as server,
        pytest.raises(ReplyError, match="of ZTF24aaaaaaa, candid 1000343438045010007"),
    ):
        Alerce(stamps_url=server.url).get_alert(OID, 1000343438045010007)


# --- client: alerts --------------------------------------------------------------------------------------------------


def test_every_real_alert_comes_back(alerce, packets):
    for candid, real in packets.items():
        alert = alerce.get_alert(real.oid, candid)
        record = real.record
        previous = record["prv_candidates"] or []
        assert alert.raw == real.raw
        assert (alert.oid, alert.candid, alert.schema_version) == (real.oid, candid, record["schemavsn"])
        assert alert.candidate["candid"] == candid
        assert alert.candidate["mag"] == record["candidate"]["magpsf"]
        assert alert.candidate["time"].scale == "utc"
        assert alert.candidate["time"].mjd == pytest.approx(record["candidate"]["jd"] - 2400000.5, abs=1e-9)
        assert list(alert.previous_detections["candid"]) == [str(row["candid"]) for row in previous if row["candid"]]
        assert len(alert.non_detections) == len([row for row in previous if not row["candid"]])
        assert len(alert.forced_photometry) == len(record.get("fp_hists") or [])
        for image, wanted in zip(alert.stamps(format="numpy"), images_of(record), strict=True):
            assert_array_equal(image, wanted)


def test_an_alert_has_units_masks_and_signs(alerce):
    alert = alerce.get_alert("ZTF20acunklg", "2454460970015010006")
    table = alert.candidate.table
    units = {"mag": u.mag, "ra": u.deg, "distnr": u.pix, "ssdistnr": u.arcsec, "sky": u.DN, "exptime": u.s}
    units |= {"zpclrcov": u.mag**2, "fid": None, "limiting_mag": u.mag}
    assert {name: table[name].unit for name in units if name in table.colnames} == {
        name: unit for name, unit in units.items() if name != "fid"
    }
    assert table.colnames[:6] == ["candid", "time", "band", "mag", "mag_err", "isdiffpos"]
    assert (alert.candidate["band"], alert.candidate["isdiffpos"]) == ("g", -1)
    assert alert.candidate["ssdistnr"] is np.ma.masked  # -999
    assert alert.candidate["ssnamenr"] is np.ma.masked  # "null"
    assert alert.candidate["objectidps3"] is np.ma.masked
    assert alert.candidate["objectidps1"] == 76240560855312329  # above 2^53
    assert alert.candidate["jdstartref"].jd == pytest.approx(2458364.001643, abs=1e-8)
    assert "Full Width Half Max" in table["fwhm"].description
    forced = alert.forced_photometry
    assert forced.colnames[:4] == ["time", "band", "flux", "flux_err"]
    assert forced["flux"].unit == u.DN
    assert forced["distnr"].unit == u.arcsec
    assert (forced["flux"].mask.sum(), forced["flux"][0]) == (2, np.float32(-1170.7025))
    assert set(alert.previous_detections["isdiffpos"]) == {-1}
    assert alert.non_detections.colnames[:3] == ["time", "band", "limiting_mag"]
    assert repr(alert).startswith("<Alert 2454460970015010006 of ZTF20acunklg, MJD 60208.46097, 2 previous detections")
    assert alert.meta["service"] == "ALeRCE stamps"


def test_an_alert_of_an_older_schema_has_an_empty_typed_table(alerce):
    forced = alerce.get_alert(OID, CANDID).forced_photometry
    assert len(forced) == 0
    assert forced["flux"].unit == u.DN
    assert forced["time"].scale == "utc"


def test_an_alert_is_written_whole_or_not_at_all(alerce, packets, tmp_path):
    alert = alerce.get_alert(OID, CANDID)
    path = alert.write(tmp_path)
    assert path == tmp_path / f"{CANDID}.avro"
    assert path.read_bytes() == packets[CANDID].raw
    with pytest.raises(FileExistsError, match="overwrite=True"):
        alert.write(path)
    path.write_bytes(b"old")
    assert alert.write(path, overwrite=True).read_bytes() == packets[CANDID].raw
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    with pytest.raises(FileNotFoundError, match="path: there is no folder "):
        alert.write(tmp_path / "nowhere" / "a.avro")
    (tmp_path / "new" / path.name).mkdir(parents=True)
    with pytest.raises(OSError, match=path.name):
        alert.write(tmp_path / "new", overwrite=True)
    assert [each.name for each in (tmp_path / "new").iterdir()] == [path.name], "nothing is left of it"
    with pytest.raises(ValueError, match="format must be one of"):
        alert.stamps(format="png")


def test_download(alerce, packets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = alerce.download_alert(OID, CANDID)
    assert path.read_bytes() == packets[CANDID].raw
    assert (tmp_path / f"{CANDID}.avro").is_file()
    with pytest.raises(FileExistsError):
        alerce.download_alert(OID, CANDID)
    named = alerce.download_alert(OID, path=tmp_path / "first.avro")
    assert named.read_bytes() == packets["1101542291015015004"].raw
    assert sorted(each.name for each in tmp_path.iterdir()) == [f"{CANDID}.avro", "first.avro"]


def test_a_download_that_fails_leaves_no_file(tmp_path):
    with FaultServer(http(b"<html>")) as server, pytest.raises(ReplyError, match="no Avro file"):
        Alerce(stamps_url=server.url).download_alert(OID, 5, path=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_refused_before_anything_is_asked(tmp_path):
    (tmp_path / "5.avro").write_bytes(b"mine")
    with FaultServer(http(made())) as server, pytest.raises(FileExistsError):
        Alerce(stamps_url=server.url).download_alert(OID, 5, path=tmp_path)
    assert server.requests == []
    with FaultServer(http(made())) as server, pytest.raises(FileNotFoundError):
        Alerce(stamps_url=server.url).download_alert(OID, 5, path=tmp_path / "nowhere" / "5.avro")
    assert server.requests == []


def test_missing_fastavro_is_named(monkeypatch):
    raw, real = made(), importlib.import_module

    def refuse(name, *args):
        if name == "fastavro":
            raise ModuleNotFoundError("No module named 'fastavro'", name="fastavro")
        return real(name, *args)

    monkeypatch.setattr("importlib.import_module", refuse)
    with FaultServer(http(raw)) as server:
        for read in (lambda: read_packet(raw), lambda: Alerce(stamps_url=server.url).get_alert(OID, 5)):
            with pytest.raises(MissingExtraError, match=r"pip install 'alerce_zvar\[alerts\]'"):
                read()
        assert server.requests == []
