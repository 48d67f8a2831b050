"""Alert packets and image stamps as bytes: what is hostile or damaged is refused, in our words and at little cost."""

import gzip
import io
import json
import tracemalloc
import zlib

import fastavro
import numpy as np
import pytest
from alert_packets import CANDID, as_avro, bomb, made, previous_row, real_alerts
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning
from astropy.nddata import CCDData
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from alerce_zvar import packets as packets_module
from alerce_zvar.packets import CutShortError, PacketError, grey_limits, open_fits, read_packet, sky_wcs
from alerce_zvar.sample.packets import fits_file

LIMIT = 2**20  # bytes
MADE = made()


@pytest.fixture(autouse=True)
def small_limit(monkeypatch):
    """A limit above which bombs are quickly made."""
    monkeypatch.setattr(packets_module, "LARGEST", LIMIT)


@pytest.fixture(scope="module")
def packets(real_data):
    return real_alerts(real_data)


def test_every_real_packet_is_read(packets):
    for real in packets.values():
        assert read_packet(real.raw)[0] == real.record


def test_a_deflated_packet_is_read(packets):
    record = packets[CANDID].record
    schema = fastavro.reader(io.BytesIO(packets[CANDID].raw)).writer_schema
    assert read_packet(as_avro(schema, record, "deflate"))[0] == record


# --- hostile packets ------------------------------------------------------------------------------------------------


def one_field(kind):
    return {"type": "record", "name": "a", "fields": [{"name": "b", "type": kind}]}


def number(n):
    """Whole number as Avro writes it."""
    n, parts = n << 1, []
    while n > 0x7F:
        parts.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes([*parts, n])


def deflated(body):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def by_hand(schema, *blocks, codec=b"null"):
    """An Avro file around a schema and blocks that no library would write."""

    def text(value):
        return number(len(value)) + value

    head = b"Obj\x01" + number(2) + text(b"avro.schema") + text(schema.encode())
    head += text(b"avro.codec") + text(codec) + number(0) + b"0" * 16
    return head + b"".join(number(1) + text(block) + b"0" * 16 for block in blocks)


def many(kind, count):
    """A small file of a list of many things of one byte each."""
    body = number(count) + bytes(count) + number(0)
    return by_hand(json.dumps(one_field({"type": "array", "items": kind})), deflated(body), codec=b"deflate")


def nested(depth):
    """A record in a record, and so on; all of it takes one byte."""
    kind = "int"
    for level in range(depth):
        kind = {"type": "record", "name": f"r{level}", "fields": [{"name": "x", "type": kind}]}
    return kind


def two_records():
    file = io.BytesIO()
    reader = fastavro.reader(io.BytesIO(MADE))
    schema, record = reader.writer_schema, next(reader)
    fastavro.writer(file, fastavro.parse_schema(schema), [record, record])
    return file.getvalue()


EMPTY_RECORD = {"type": "record", "name": "e", "fields": []}
HOSTILE = {
    "a compressed bomb": (lambda: bomb(LIMIT), f"unpacks to more than {LIMIT}"),
    "a bomb behind as much as is allowed": (
        lambda: by_hand(json.dumps(one_field("bytes")), deflated(bytes(LIMIT)), deflated(bytes(9)), codec=b"deflate"),
        f"unpacks to more than {LIMIT}"),
    "many small records": (lambda: many(nested(5), LIMIT // 2), "more than 536870912 bytes of memory"),
    "deep records": (lambda: many(nested(100), LIMIT // 20), "more than 536870912 bytes of memory"),
    "another compression": (lambda: as_avro(one_field("bytes"), {"b": b"1"}, "bzip2"), "compression 'bzip2'"),
    "endless nulls": (lambda: as_avro(one_field({"type": "array", "items": "null"}), {"b": [None]}), "without size"),
    "named nulls": (lambda: as_avro(one_field({"type": "array", "items": {"type": "null"}}), {"b": []}), "out size"),
    "empty bytes": (lambda: as_avro(one_field({"type": "fixed", "name": "f", "size": 0}), {"b": b""}), "without size"),
    "empty records": (lambda: as_avro(one_field({"type": "array", "items": EMPTY_RECORD}), {"b": [{}]}), "out size"),
    "a map of empty records": (lambda: as_avro(one_field({"type": "map", "values": EMPTY_RECORD}), {"b": {}}), "size"),
    "a record in itself": (lambda: as_avro(one_field(["null", "a"]), {"b": {"b": None}}), "endless"),
    "a deep schema": (lambda: by_hand('{"type":"array","items":' * 5000 + '"int"' + "}" * 5000), "RecursionError"),
    "a block that is cut": (lambda: MADE[:-2000], "ends too early"),
    "a block of no length": (
        lambda: by_hand(json.dumps(one_field("int")), codec=b"deflate") + number(1) + b"\xff" * 20, "too early"),
    "another record": (lambda: as_avro(one_field("int"), {"b": 1}), "no alert"),
    "no record": (lambda: as_avro({"type": "map", "values": "int"}, {"b": 1}), "no record"),
    "two records": (two_records, "more than one record"),
    "none at all": (lambda: by_hand(json.dumps(one_field("int"))), "holds no record"),
    "text": (lambda: b'{"message": "sorry"}', "no Avro file"),
    "nothing": (lambda: b"", "empty"),
    "too large a file": (lambda: MADE + bytes(LIMIT), "larger than"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_packets_are_refused_at_little_cost(name):
    make, reason = HOSTILE[name]
    raw = make()
    tracemalloc.start()
    try:
        with pytest.raises(PacketError, match=reason):
            read_packet(raw)
        assert tracemalloc.get_traced_memory()[1] < 8 * LIMIT
    finally:
        tracemalloc.stop()


def changed(**changes):
    reader = fastavro.reader(io.BytesIO(MADE))
    schema, record = reader.writer_schema, next(reader)
    return as_avro(schema, record | changes)


def reshaped(name, kind, value):
    """A packet in which a field is something else."""
    record, schema = read_packet(MADE)
    fields = [field for field in schema["fields"] if field["name"] != name]
    if name == "cutoutScience":  # which the other two are like
        fields = [field for field in fields if not field["name"].startswith("cutout")]
    return as_avro(schema | {"fields": [*fields, {"name": name, "type": kind}]}, record | {name: value})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (lambda: made(isdiffpos="x"), "isdiffpos is 'x'"),
        (lambda: made(oid="a/../b"), "objectId"),
        (lambda: made(oid=""), "objectId"),
        (lambda: changed(candid=5), "its candid is not that of its candidate"),
        (lambda: as_avro(one_field("int") | {"fields": [{"name": "objectId", "type": "string"}]}, {"objectId": "a"}),
         "objectId or candidate is missing"),
        (lambda: made(previous=[{"jd": 2458700.5, "fid": 1, "pid": 1, "programid": 1, "candid": 5}]),
         "prv_candidates without isdiffpos, ra, dec"),
        (lambda: made(previous=[previous_row(58750.0) | {"isdiffpos": "x"}]), "isdiffpos is 'x'"),
        (lambda: reshaped("cutoutScience", ["null", "string"], "text"), "cutouts without stampData"),
        (lambda: reshaped("fp_hists", {"type": "array", "items": "int"}, [5]), "fp_hists without jd, fid, pid"),
    ],
)  # fmt: skip
def test_what_is_no_alert_of_ztf_is_said(raw, reason):
    with pytest.raises(PacketError, match=reason):
        read_packet(raw())


@given(cut=st.integers(0, 2**20), data=st.data())
def test_damage_is_a_packet_error(cut, data):
    raw = bytearray(MADE)
    if data.draw(st.booleans()):
        with pytest.raises(PacketError, match=r"^it|^its"):
            read_packet(bytes(raw[: cut % len(raw)]))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        record, _ = read_packet(bytes(raw))
    except PacketError:
        return
    assert isinstance(record["candid"], int)


# --- images ---------------------------------------------------------------------------------------------------------


def fits_bytes(*hdus):
    file = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "error", "reason"),
    [
        (b"", CutShortError, "empty"),
        (b"<html>", PacketError, "no FITS file"),
        (gzip.compress(b"no image"), PacketError, "no FITS file"),
        (gzip.compress(bytes(3000))[:-9], CutShortError, "cut short"),
        (gzip.compress(bytes(LIMIT + 1)), PacketError, f"unpacks to more than {LIMIT}"),
        (fits_file(np.ones((3, 4)))[:60] + b"damaged", PacketError, "damaged|cut short"),
        (b"SIMPLE  =                    T" + b" " * 2850, PacketError, "cannot be read"),
        (fits_bytes(fits.PrimaryHDU()), PacketError, "no image of two dimensions"),
        (fits_bytes(fits.PrimaryHDU(np.ones((2, 2, 2)))), PacketError, "no image of two dimensions"),
        (fits_bytes(fits.PrimaryHDU(np.ones((0, 5)))), PacketError, "no image of two dimensions"),
    ],
)
def test_what_is_no_stamp_is_refused(data, error, reason):
    with pytest.raises(error, match=reason):
        open_fits(data)


def test_only_the_images_asked_for_must_be_images():
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])])
    for second in (table, fits.ImageHDU(), fits.ImageHDU(np.ones(4))):
        data = fits_bytes(fits.PrimaryHDU(np.eye(3)), second)
        assert_array_equal(open_fits(data)[0].data, np.eye(3))
        with pytest.raises(PacketError, match="no image of two dimensions"):
            open_fits(data, 2)


def test_stamps_of_the_sample_are_as_odd_as_ztf_s():
    header = zlib.decompress(fits_file(np.ones((2, 3))), 31)[:80]
    assert header.startswith(b"SIMPLE  =  T")
    with pytest.raises(VerifyWarning, match="SIMPLE"):
        fits.open(io.BytesIO(gzip.decompress(fits_file(np.ones((2, 3))))))


@pytest.mark.parametrize("value", [0.0, 3.3, -1e-7, 1e12])
def test_greys_of_an_image_without_contrast(value):
    """Zscale's own limits are the wrong way round for some of them, by rounding."""
    low, high = grey_limits(np.full((63, 63), value))
    assert low <= high
    assert low == pytest.approx(value) == high


def test_greys_of_an_image_without_values():
    assert list(grey_limits(np.full((3, 3), np.nan))) == [0, 1]
    assert list(grey_limits(np.array([np.inf, 1.0, 2.0, np.nan]))) == [1, 2]


PLACE = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": -30.0}


def test_a_wcs_on_the_sky():
    wcs = sky_wcs(fits.Header(PLACE))
    assert wcs.pixel_to_world(-1, -1).separation(SkyCoord(10, -30, unit="deg")).arcsec < 1e-9
    assert sky_wcs(wcs) is wcs
    cut = CCDData(np.eye(9), unit="DN", wcs=wcs)[2:7, 1:8]  # whose WCS is of another class
    assert sky_wcs(cut.wcs) is cut.wcs


@pytest.mark.parametrize(
    "changes",
    [
        {"CTYPE1": "", "CTYPE2": ""},
        {"CTYPE1": "WAVE"},
        {"CTYPE2": "DEC--XXX"},
        {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2},
        {"CTYPE1": "RA---TAB", "CTYPE2": "DEC--TAB", "PS1_0": "x"},
        {"CRVAL2": 95.0},
    ],
)
def test_a_header_without_a_place_on_the_sky(changes):
    assert sky_wcs(fits.Header(PLACE | changes)) is None
    assert sky_wcs(None) is sky_wcs(WCS(naxis=2)) is None
