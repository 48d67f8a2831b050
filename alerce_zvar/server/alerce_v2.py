"""ALeRCE's newer light-curve service, answered from an archive: names and nulls as in reference/alerce.md 3.7.

An unknown object has empty lists, as there.
"""

from alerce_zvar.server.alerce import all_detections, all_non_detections

__all__ = ["HANDLERS"]

# Its name -> the first service's; what follows in extra_fields keeps its name.
_KEYS = {
    "candid": "candid",
    "tid": "tid",
    "sid": "tid",
    "aid": None,
    "pid": "pid",
    "oid": None,
    "mjd": "mjd",
    "fid": "fid",
    "ra": "ra",
    "e_ra": None,
    "dec": "dec",
    "e_dec": None,
    "mag": "magpsf",
    "e_mag": "sigmapsf",
    "mag_corr": "magpsf_corr",
    "e_mag_corr": "sigmapsf_corr",
    "e_mag_corr_ext": "sigmapsf_corr_ext",
    "isdiffpos": "isdiffpos",
    "corrected": "corrected",
    "dubious": "dubious",
    "parent_candid": "parent_candid",
    "has_stamp": "has_stamp",
}
_EXTRA = (
    "drbversion", "magapbig", "magap", "sigmagapbig", "diffmaglim", "sigmagap", "rfid", "distnr", "nid", "rb",
    "step_id_corr", "rbversion", "drb",
)  # fmt: skip


def detections(archive, args):
    """Detections in the newer form."""
    oid = args["oid"]
    return [
        {key: row.get(old) for key, old in _KEYS.items()}
        | {"oid": oid, "extra_fields": {key: row.get(key) for key in _EXTRA}}
        for row in all_detections(archive, oid)
    ]


def non_detections(archive, args):
    """Non-detections in the newer form."""
    oid = args["oid"]
    return [
        {"aid": None, "tid": row["tid"], "sid": None, "oid": oid}
        | {key: row[key] for key in ("mjd", "fid", "diffmaglim")}
        for row in all_non_detections(archive, oid)
    ]


def lightcurve(archive, args):
    """Detections, non-detections and forced photometry in one body."""
    return {
        "detections": detections(archive, args),
        "non_detections": non_detections(archive, args),
        "forced_photometry": forced_photometry(archive, args),
    }


def forced_photometry(archive, args):
    """Forced photometry: none, for an archive holds none, and the service answers so for an object without any."""
    return []


HANDLERS = {
    "detections": detections,
    "non_detections": non_detections,
    "lightcurve": lightcurve,
    "forced-photometry": forced_photometry,
}
