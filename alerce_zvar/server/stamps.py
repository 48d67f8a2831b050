"""ALeRCE's image stamps and alert packets, answered from an archive: contract as in reference/alerce.md 6.

A stamp of ZTF is cut from its packet when it is asked for. A gzipped file is the body itself and never its encoding:
else a client would unpack it on the way, and then once more (reference/alerce.md 11.4).
"""

import gzip
import io
from dataclasses import replace

import numpy as np
from starlette.responses import Response

from alerce_zvar.alerce.schema import lsst as lsst_schema
from alerce_zvar.alerce.schema import stamps as schema
from alerce_zvar.errors import require
from alerce_zvar.packets import CUTOUTS, PacketError, grey_limits, open_fits, pixels, read_packet
from alerce_zvar.server import alerce
from alerce_zvar.server.replies import RefusalError

__all__ = ["FILE_PATHS", "HANDLERS", "lsst_stamp", "parse"]

# Where answers are files, which no middleware may encode.
FILE_PATHS = (schema.LOCAL_PREFIX + "/", lsst_schema.LOCAL_PREFIX + "/stamps_api/")
_FITS_GZ, _FITS, _GZIP, _PNG, _AVRO = (
    "application/fits+gzip", "application/fits", "application/gzip", "image/png", "app/avro+binary",
)  # fmt: skip


def parse(endpoint, query, path):
    """Checked values of a request, by their names on the wire.

    Raises
    ------
    RefusalError
        400, about the first parameter that is missing or bad.
    """
    for place, param in enumerate(endpoint.params):
        if param.required and param.wire not in query:
            alerce.parse(replace(endpoint, params=endpoint.params[:place]), query, path)
            errors = {param.wire: f"{param.description} Missing required parameter in the query string"}
            raise RefusalError(400, {"errors": errors, "message": "Input payload validation failed"})
    return alerce.parse(endpoint, query, path)


def stamp(archive, args):
    """One image of an alert: the gzipped FITS file as the packet holds it, or a picture of it."""
    found = _alert(archive, args)
    cutout = read_packet(found["packet"])[0].get(CUTOUTS[args["type"]])
    if cutout is None:
        raise _no_alert()
    name = f"{found['oid']}_{found['candid']}_{args['type']}"
    if args["format"] == "png":
        return _file(_picture(cutout["stampData"]), _PNG, f"{name}.png")
    return _file(cutout["stampData"], _FITS_GZ, f"{name}.fits.gz")


def avro(archive, args):
    """Whole packet, byte by byte as it was imported."""
    found = _alert(archive, args)
    return _file(found["packet"], _AVRO, f"{found['candid']}.avro")


def avro_info(archive, args):
    """Packet without its images; the candid of its candidate is text, all others are numbers, as at the service."""
    record = read_packet(_alert(archive, args)["packet"])[0]
    told = {key: value for key, value in record.items() if key not in CUTOUTS.values()}
    return told | {"candidate": told["candidate"] | {"candid": str(told["candidate"]["candid"])}}


def lsst_stamp(archive, args):
    """One image of a detection of LSST, with its variance and PSF; or a picture of the image alone."""
    oid, measurement = int(args["oid"]), int(args["measurement_id"])
    wanted = [measurement, oid, args["stamp_type"]]
    found = archive.query("SELECT fits FROM lsst_stamps WHERE measurement_id = ? AND oid = ? AND stamp = ?", wanted)
    if not len(found["fits"]):
        raise RefusalError(404, {"detail": "Stamp not found"})
    packed = bytes(found["fits"][0])
    name = f"{oid}_{measurement}_{args['stamp_type']}"
    if args["file_format"] == "png":
        return _file(_picture(packed), _PNG, f"{name}.png")
    if args.get("is_compressed", True):
        return _file(packed, _GZIP, f"{name}.fits.gz")
    return _file(gzip.decompress(packed), _FITS, f"{name}.fits")


def _alert(archive, args):
    """Oid, candid and packet of the alert of that number; the service does not look at its object."""
    candid = args["candid"] if (schema.DEFAULTS | args)["survey_id"] == "ztf" else ""
    number = int(candid) if candid.isascii() and candid.isdigit() and len(candid) < 20 else -1
    found = archive.query("SELECT oid, candid, packet FROM alerts WHERE candid = ?", [number])
    if not len(found["candid"]):
        raise _no_alert()
    return {"oid": found["oid"][0], "candid": int(found["candid"][0]), "packet": bytes(found["packet"][0])}


def _no_alert():
    return RefusalError(404, {"message": "AVRO not found"})


def _file(content, media_type, name):
    return Response(content, media_type=media_type, headers={"Content-Disposition": f"attachment; filename={name}"})


def _picture(data):
    """PNG of an image in 255 greys, from the zscale limits; what has no value is transparent.

    The first row is at the top, as at the service (matplotlib's matshow in stamp_service, fits2png.py).
    """
    (image,) = require("server", "PIL.Image")
    try:
        values = pixels(open_fits(data)[0])
    except PacketError as exc:
        raise RefusalError(500, {"message": f"The image cannot be drawn: {exc}."}) from exc
    seen = np.isfinite(values)
    low, high = grey_limits(values)
    share = (np.where(seen, values, low) - low) / ((high - low) or 1.0)
    grey = np.where(seen, 1 + np.round(254 * np.clip(share, 0, 1)), 0).astype(np.uint8)
    file = io.BytesIO()
    image.fromarray(grey).save(file, "PNG", transparency=0)
    return file.getvalue()


HANDLERS = {"stamp": stamp, "avro": avro, "avro_info": avro_info}
