"""Alert packets: an Avro file of one record, and in it gzipped FITS images. Read with care, for bytes may be hostile.

Avro lets a file describe itself, so a small one may ask for endless memory: by compression, by things that take little
room in the file and much in memory, or by types inside themselves. Such files are refused before any record is read.
"""

import io
import re
import warnings
import zlib
from contextlib import contextmanager
from itertools import islice

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from alerce_zvar.errors import require

__all__ = [
    "CUTOUTS",
    "LARGEST",
    "SIGNS",
    "CutShortError",
    "PacketError",
    "check_is_packet",
    "grey_limits",
    "mjd_of",
    "open_fits",
    "pixels",
    "read_packet",
    "sky_wcs",
    "unzipped",
]

CUTOUTS = {"science": "cutoutScience", "template": "cutoutTemplate", "difference": "cutoutDifference"}
SIGNS = {"t": 1, "1": 1, "f": -1, "0": -1}  # of isdiffpos: brighter or fainter than the reference
LARGEST = 64 * 2**20  # bytes, of a packet or of what is unpacked from it; ZTF's have some 70 kB
_OF_EXPOSURE = {"jd": float, "fid": int, "pid": int}
_OF_DETECTION = {"candid": int, "isdiffpos": str, "ra": float, "dec": float}
_OF_CANDIDATE = _OF_EXPOSURE | _OF_DETECTION | {"magpsf": float}
_MAGIC = b"Obj\x01"
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW, _BARE_WINDOW = 31, -15  # zlib's words for a gzip file, and for a stream without header
_MOST_MEMORY = 2**29  # bytes that a packet may become; ZTF's come to 30 MB at the very most
# Bytes in the file of values that take more than one or none, and of memory: of a value in its place, and of a record.
_SIZES = {"null": 0, "float": 4, "double": 8}
_VALUE, _RECORD = 128, 256


class PacketError(ValueError):
    """Bytes that are no alert packet, or no image; the message says what is wrong with ``it``."""


class CutShortError(PacketError):
    """The bytes end too early."""


def check_is_packet(raw):
    """Refuse what is no Avro file by its first bytes, or is too large; needs no extra.

    Raises
    ------
    PacketError
    """
    if not raw.startswith(_MAGIC):
        raise CutShortError("it is empty") if not raw else PacketError("it is no Avro file")
    if len(raw) > LARGEST:
        raise PacketError(f"it is larger than {LARGEST} bytes")


def read_packet(raw):
    """The one record of an alert packet, and the schema that it was written by.

    Parameters
    ----------
    raw : bytes
        Avro file.

    Returns
    -------
    record : dict
        With ``objectId``, ``candid``, ``candidate``, ``prv_candidates`` and cutouts, as in ZTF's schemas 3 and 4.
    schema : dict

    Raises
    ------
    PacketError
        It is no alert packet, or one that asks for endless memory.
    CutShortError
        It ends too early.
    MissingExtraError
        The extra ``alerts`` is not installed.
    """
    check_is_packet(raw)
    (fastavro,) = require("alerts", "fastavro")
    file = io.BytesIO(raw)
    with _in_our_words():
        reader = fastavro.reader(file)
        _, cost = _weigh(reader.writer_schema, frozenset(), {})
        if cost * _unpacked_size(reader.codec, raw[file.tell() :]) > _MOST_MEMORY:
            raise PacketError(f"it may need more than {_MOST_MEMORY} bytes of memory")
        records = list(islice(reader, 2))
    if len(records) != 1:
        raise CutShortError("it holds no record") if not records else PacketError("it holds more than one record")
    _check_record(records[0], reader.writer_schema)
    return records[0], reader.writer_schema


@contextmanager
def _in_our_words():
    """Whatever a reader of damaged bytes comes upon is a `PacketError`."""
    try:
        yield
    except PacketError:
        raise
    except Exception as exc:
        if EOFError in (type(exc), type(exc.__context__)):
            raise CutShortError("it ends too early") from exc
        raise PacketError(f"it cannot be read ({type(exc).__name__}: {exc})") from exc


def _weigh(kind, enclosing, named):
    """Least bytes that a value takes in the file, and how many bytes of memory one of them may become.

    Types that take no room, or that hold themselves, are refused.
    """
    if isinstance(kind, list):  # a byte tells the branch; null takes no other
        return 1, max([_VALUE, *(_weigh(branch, enclosing, named)[1] for branch in kind if branch != "null")])
    if isinstance(kind, str):
        if kind in enclosing:
            raise PacketError("its schema is refused: it is endless")
        return named[kind] if kind in named else _weighed(_SIZES.get(kind, 1), _VALUE)
    if not isinstance(kind["type"], str):
        return _weigh(kind["type"], enclosing, named)
    enclosing = enclosing | {kind.get("name")}
    if "fields" in kind:
        inner = [_weigh(field["type"], enclosing, named) for field in kind["fields"]]
        found = _weighed(sum(size for size, _ in inner), _RECORD, max((cost for _, cost in inner), default=0))
    elif kind["type"] in ("array", "map"):
        found = 1, _VALUE + _weigh(kind.get("items") or kind["values"], enclosing, named)[1]
    else:
        found = _weighed(kind.get("size", _SIZES.get(kind["type"], 1)), _VALUE)
    if "name" in kind:
        named[kind["name"]] = found
    return found


def _weighed(size, own, inner=0):
    """Weight of something that takes so many bytes, and makes so many of its own."""
    if not size:
        raise PacketError("its schema is refused: a type without size")
    return size, own / size + inner


def _unpacked_size(codec, blocks):
    """Bytes that the blocks of records unpack to, one after the other; compressions that do not tell are refused."""
    if codec == "null":
        return len(blocks)
    if codec != "deflate":
        raise PacketError(f"its compression {codec!r:.20} is not known")
    file, size = io.BytesIO(blocks), 0
    while file.tell() < len(blocks):
        _read_long(file)  # number of records
        size += len(_inflated(file.read(max(0, _read_long(file))), _BARE_WINDOW, LARGEST - size))
        file.seek(16, io.SEEK_CUR)  # the marker between blocks
    return size


def _read_long(file):
    """Whole number as Avro writes it: seven bits a byte, the least first, the sign in the lowest bit."""
    number = shift = 0
    while True:
        byte = file.read(1)
        if not byte or shift > 63:
            raise CutShortError("it ends too early")
        number |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            return (number >> 1) ^ -(number & 1)


def _check_record(record, schema):
    """Refuse what lacks anything that is relied upon elsewhere."""
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise PacketError("it is no alert: it holds no record")
    oid, candidate = record.get("objectId"), record.get("candidate")
    if not isinstance(oid, str) or not re.fullmatch(r"\w+", oid, re.ASCII) or not isinstance(candidate, dict):
        raise PacketError("it is no alert: objectId or candidate is missing")
    _check_fields("candidate", [candidate], _OF_CANDIDATE)
    if record.get("candid") != candidate["candid"]:
        raise PacketError("its candid is not that of its candidate")
    for name in ("prv_candidates", "fp_hists"):
        _check_fields(name, record.get(name) or [], _OF_EXPOSURE)
    repeated = [row for row in record.get("prv_candidates") or [] if row.get("candid") is not None]
    _check_fields("prv_candidates", repeated, _OF_DETECTION)
    strange = {row["isdiffpos"] for row in (candidate, *repeated)} - SIGNS.keys()
    if strange:
        raise PacketError(f"its isdiffpos is {min(strange)!r:.20}")
    _check_fields("cutouts", [record[key] for key in CUTOUTS.values() if record.get(key)], {"stampData": bytes})


def _check_fields(name, rows, wanted):
    for row in rows if isinstance(rows, list) else [rows]:
        wrong = [key for key, kind in wanted.items() if not isinstance(row, dict) or not isinstance(row.get(key), kind)]
        if wrong:
            raise PacketError(f"it is no alert of ZTF: {name} without {', '.join(wrong)}")


def mjd_of(jd):
    """Modified Julian date as ALeRCE computes it, to the last digit."""
    return jd - 2400000.5


def unzipped(data):
    """Bytes of a file that may be gzipped.

    Raises
    ------
    CutShortError
        It is empty, or the gzip file ends too early.
    PacketError
        It is damaged, or unpacks to too much.
    """
    if not data:
        raise CutShortError("it is empty")
    return _inflated(data, _GZIP_WINDOW, LARGEST) if data.startswith(_GZIP) else data


def _inflated(data, window, limit):
    decoder = zlib.decompressobj(window)
    try:
        plain = decoder.decompress(data, limit + 1)  # for 0 would mean all
    except zlib.error as exc:
        raise PacketError(f"its compression is damaged ({exc})") from None
    if len(plain) > limit:
        raise PacketError(f"it unpacks to more than {LARGEST} bytes")
    if not decoder.eof:
        raise CutShortError("its compression is cut short")
    return plain


def open_fits(data, most=1):
    """The first HDUs of a FITS file that may be gzipped, all of them images in memory.

    ZTF writes the card SIMPLE in another place than the standard says, so that astropy has to be told to read on.

    Raises
    ------
    PacketError
        It is no FITS file, or one of these HDUs holds no image of two dimensions.
    """
    with _in_our_words(), warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        plain = unzipped(data)
        if not plain.startswith(b"SIMPLE"):
            raise PacketError("it is no FITS file")
        options = {"ignore_missing_simple": True, "disable_image_compression": True, "memmap": False}
        hdus = fits.open(io.BytesIO(plain), **options)[:most]
        if not all(hdu.is_image and hdu.data is not None and hdu.data.ndim == 2 and hdu.data.size for hdu in hdus):
            raise PacketError("it holds no image of two dimensions")
        return hdus


def pixels(hdu):
    """Values of an image HDU in the machine's own order of bytes."""
    return np.array(hdu.data, dtype=hdu.data.dtype.newbyteorder("="))


def sky_wcs(given):
    """WCS of a header, or one that is given, if it turns pixels into places on the sky; else None."""
    from astropy.wcs import WCS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        try:
            wcs = WCS(given) if isinstance(given, fits.Header) else given
            return wcs if wcs is not None and isinstance(wcs.pixel_to_world(0, 0), SkyCoord) else None
        except (ValueError, MemoryError):  # wcslib's errors are kinds of the one, and it has no room for odd tables
            return None


def grey_limits(values):
    """Values of black and white by zscale, the lower first; those that are not finite do not count."""
    from astropy.visualization import ZScaleInterval

    seen = values[np.isfinite(values)]
    return sorted(ZScaleInterval().get_limits(seen)) if seen.size else [0.0, 1.0]
