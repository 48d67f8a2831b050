"""Alert packets for tests: ZTF's real ones, read by fastavro and astropy alone, and others of our own making."""

import gzip
import io
from contextlib import contextmanager
from types import SimpleNamespace

import fastavro
import numpy as np
from astropy.io import fits

from alerce_zvar import Alerce
from alerce_zvar.archive import Archive
from alerce_zvar.packets import read_packet
from alerce_zvar.sample.packets import packet
from alerce_zvar.server import serve

__all__ = [
    "CANDID",
    "EDGE",
    "NAMES",
    "OID",
    "as_avro",
    "bomb",
    "images_of",
    "made",
    "previous_row",
    "real_alerts",
    "served",
    "without_template",
]

NAMES = ("science", "template", "difference")
OID, CANDID = "ZTF20aaelulu", "1113440331015015001"  # a supernova with six alerts, and its second
EDGE = "820128985115015000"  # of ZTF19aanyzri, at the edge of a detector: 1288 pixels have no value


def real_alerts(real_data):
    """Candid -> file, bytes, record and object of each of the 23 real alerts."""
    found = {}
    for path in sorted((real_data / "alerts").glob("*.avro")):
        raw = path.read_bytes()
        record = next(fastavro.reader(io.BytesIO(raw)))
        found[str(record["candid"])] = SimpleNamespace(path=path, raw=raw, record=record, oid=record["objectId"])
    assert len(found) == 23
    return found


def images_of(record):
    """Science, template and difference image of a packet."""
    files = [gzip.decompress(record[f"cutout{name.capitalize()}"]["stampData"]) for name in NAMES]
    return [fits.open(io.BytesIO(file), ignore_missing_simple=True)[0].data for file in files]


def made(oid="ZTF24aaaaaaa", candid=1000343438045010007, mjd=58754.25, previous=(), images=None, **changes):
    """A packet of our own making."""
    candidate = {"jd": mjd + 2400000.5, "fid": 1, "pid": candid // 10**6, "programid": 1, "candid": candid}
    candidate |= {"isdiffpos": "t", "ra": 10.0, "dec": 20.0, "magpsf": 18.5, "sigmapsf": 0.1, "nid": 1000}
    images = [np.full((63, 63), 1.5)] * 3 if images is None else images
    return packet(oid, candidate | changes, list(previous), images)


def previous_row(mjd, candid=3):
    """A detection that a packet repeats."""
    row = {"jd": mjd + 2400000.5, "fid": 1, "pid": 1, "programid": 1, "candid": candid, "isdiffpos": "t"}
    return row | {"ra": 10.0, "dec": 20.0, "magpsf": 19.0, "sigmapsf": 0.2}


def as_avro(schema, record, codec="null"):
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(schema), [record], codec=codec)
    return file.getvalue()


def bomb(size):
    """A small packet that unpacks to more than so many bytes."""
    schema = {"type": "record", "name": "a", "fields": [{"name": "b", "type": "bytes"}]}
    return as_avro(schema, {"b": bytes(size + 1)}, "deflate")


def without_template(**changes):
    """A packet that lacks an image."""
    raw = made(**changes)
    return as_avro(fastavro.reader(io.BytesIO(raw)).writer_schema, read_packet(raw)[0] | {"cutoutTemplate": None})


@contextmanager
def served(folder, *packets):
    """A client of the local server, and its address, with just these packets."""
    for number, raw in enumerate(packets):
        (folder / f"{number}.avro").write_bytes(raw)
    with Archive.create(folder / "sky.duckdb") as archive:
        assert len(archive.import_alerts(folder).failures) == 0
        with serve(archive) as server:
            yield Alerce(url=server.url), server.url
