"""ALeRCE's newer light-curve service, answered from an archive: names and nulls as in reference/alerce.md 3.7.

An unknown object has empty lists, as there.
"""

from alerce_zvar.alerce.schema import FORCED_PHOTOMETRY, V2_EXTRA_FIELDS, V2_NAMES
from alerce_zvar.server import typed
from alerce_zvar.server.alerce import DETECTION_KEYS, all_detections, all_non_detections, observed_by
from alerce_zvar.server.replies import RefusalError, rows

__all__ = ["HANDLERS", "parse"]

_SURVEYS = ("ztf", "atlas", "all")
_DETECTION_KEYS = (
    "candid", "tid", "sid", "aid", "pid", "oid", "mjd", "fid", "ra", "e_ra", "dec", "e_dec", "mag", "e_mag", "mag_corr",
    "e_mag_corr", "e_mag_corr_ext", "isdiffpos", "corrected", "dubious", "parent_candid", "has_stamp",
)  # fmt: skip
# What forced photometry has besides, in the object `extra_fields`, where the magnitudes and pid stand a second time.
_REPEATED = ("e_mag_corr", "e_mag_corr_ext", "pid", "mag", "e_mag", "mag_corr")
_FORCED_EXTRA = tuple(c.wire for c in FORCED_PHOTOMETRY.columns if c.wire not in _DETECTION_KEYS) + _REPEATED
_NAMES = {
    "v2_detections": "detections",
    "v2_non_detections": "non detections",
    "v2_lightcurve": "lightcurve",
    "forced_photometry": "forced photometry",
}


def parse(endpoint, query, path):
    """Checked values of a request, by their names on the wire.

    Raises
    ------
    RefusalError
        400 of a survey that the service does not know.
    """
    values = {"survey_id": "all"} | typed.parse(endpoint, query, path, ("survey_id",))
    survey = values["survey_id"]
    if survey not in _SURVEYS:
        reason = f"Can't retrieve {_NAMES[endpoint.name]} survey id not recognized {survey}"
        raise RefusalError(400, {"detail": reason})
    return values


def detections(archive, args):
    """Detections in the newer form."""
    found = all_detections(archive, args["oid"], (*DETECTION_KEYS, "drbversion"))
    return [_detection(row, args["oid"]) for row in observed_by(args["survey_id"], found)]


def _detection(row, oid):
    told = {"sid": row["tid"], "oid": oid}
    whole = {key: told.get(key, row.get(V2_NAMES.get(key, key))) for key in _DETECTION_KEYS}
    return whole | {"extra_fields": {key: row[key] for key in V2_EXTRA_FIELDS}}


def non_detections(archive, args):
    """Non-detections in the newer form."""
    if args["survey_id"] == "atlas":
        reason = "Can't retrieve non detections: ATLAS does not provide non_detections"
        raise RefusalError(400, {"detail": reason})
    return _non_detections(archive, args)


def _non_detections(archive, args):
    """In the order of bands, then of time, as in the recorded body."""
    found = all_non_detections(archive, args["oid"], "fid, mjd")
    return [
        {"aid": None, "tid": row["tid"], "sid": None, "oid": args["oid"]}
        | {key: row[key] for key in ("mjd", "fid", "diffmaglim")}
        for row in observed_by(args["survey_id"], found)
    ]


def lightcurve(archive, args):
    """Detections, non-detections and forced photometry in one body."""
    return {
        "detections": detections(archive, args),
        "non_detections": _non_detections(archive, args),
        "forced_photometry": forced_photometry(archive, args),
    }


def forced_photometry(archive, args):
    """Forced photometry in the order in which it was recorded, which is none."""
    sql = "SELECT * FROM forced_photometry WHERE oid = ? ORDER BY place NULLS LAST, mjd, candid"
    found = observed_by(args["survey_id"], rows(archive.query(sql, [args["oid"]])))
    return [
        {key: row[key] for key in _DETECTION_KEYS} | {"extra_fields": {key: row[key] for key in _FORCED_EXTRA}}
        for row in found
    ]


HANDLERS = {
    "v2_detections": detections,
    "v2_non_detections": non_detections,
    "v2_lightcurve": lightcurve,
    "forced_photometry": forced_photometry,
}
