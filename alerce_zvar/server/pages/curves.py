"""Light curves of a source from the services' own answers, made by the same code as those of the public classes."""

import numpy as np
import orjson

from alerce_zvar.alerce import schema as ztf_schema
from alerce_zvar.alerce.lightcurve import Choice, assemble
from alerce_zvar.alerce.schema import lsst as lsst_schema
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.server import alerce, lsst, zvar
from alerce_zvar.server.replies import RefusalError, dumps
from alerce_zvar.wire.decode import decode_table
from alerce_zvar.wire.formats import DecodedTable
from alerce_zvar.wire.rendered import rendered
from alerce_zvar.zvar import schema as zvar_schema
from alerce_zvar.zvar.lightcurve import mask_fillings

__all__ = ["FORMATS", "SERVICES", "curves_of", "download", "names_of", "zvar_request"]

# Ending of a file -> format, what it is called, type of the content.
FORMATS = {
    "ecsv": ("ecsv", "ECSV", "text/plain; charset=utf-8"),
    "vot": ("votable", "VOTable", "application/x-votable+xml"),
    "csv": ("csv", "CSV", "text/csv; charset=utf-8"),
}
_EXIST = {
    "psid": "EXISTS (FROM epochs JOIN lightcurves USING (lc) WHERE NOT bad AND psid = ?)",
    "oid": """EXISTS (FROM (SELECT oid FROM detections UNION ALL SELECT oid FROM non_detections)
                      SEMI JOIN (SELECT oid FROM objects UNION ALL SELECT oid FROM recorded) USING (oid)
                      WHERE oid = ?)""",
    "lsst_oid": "EXISTS (FROM lsst_detections WHERE oid = ?)",
}
SERVICES = {"psid": "ZVAR", "oid": "ALeRCE ZTF", "lsst_oid": "ALeRCE LSST"}


def curves_of(archive, source):
    """Light curves of a source by the name of its identifier, as `LightCurves` of one; only those that have rows."""
    found = {}
    for name, read in _READERS.items():
        identifier = getattr(source, name)
        data = None if identifier is None else read(archive, identifier)
        if data is not None and len(data):
            found[name] = LightCurves(data, [0, len(data)], [identifier], id_name="psid" if name == "psid" else "oid")
    return found


def names_of(archive, source):
    """Names of the identifiers under which a source has observations."""
    given = {name: getattr(source, name) for name in _EXIST}
    exist = [f"({sql}) AS {name}" for name, sql in _EXIST.items() if given[name] is not None]
    values = [identifier for identifier in given.values() if identifier is not None]
    found = archive.query(f"SELECT {', '.join(exist)}", values)
    return [name for name, there in found.items() if there[0]]


def download(curves, form):
    """Bytes of a file with a light curve, its identifier in the first column.

    Parameters
    ----------
    curves : LightCurves
        Of one source.
    form : str
        One of `FORMATS`.
    """
    return rendered(DecodedTable(curves.to_table()), FORMATS[form][0])


def zvar_request(psid):
    """Body of the request for a light curve in all bands."""
    return {"psids": [psid], "bands": list(zvar_schema.BANDS), "format": "mag"}


def _of_zvar(archive, psid):
    answer = orjson.loads(dumps(zvar.HANDLERS["photometry"](archive, zvar_request(psid))))
    data = decode_table(answer[psid], zvar_schema.PHOTOMETRY_MAG)
    mask_fillings(data)
    return data


def _of_ztf(archive, oid):
    try:
        answer = alerce.HANDLERS["lightcurve"](archive, {"oid": oid})
    except RefusalError:  # it does not know the object
        return None
    rows = decode_table(answer["detections"], ztf_schema.DETECTIONS)
    limits = decode_table(answer["non_detections"], ztf_schema.NON_DETECTIONS)
    return _assembled(Choice("ztf", "corrected", upper_limits=True), rows, limits)


def _of_lsst(archive, oid):
    answer = lsst.HANDLERS["detections"](archive, {"survey_id": lsst_schema.SURVEY, "oid": [oid]})
    return _assembled(Choice("lsst", "corrected"), decode_table(answer, lsst_schema.DETECTIONS, nested=("band_map",)))


def _assembled(choice, rows, limits=None):
    nobody = limits is None
    of_one = [np.zeros(len(table), dtype=np.int64) for table in (rows, () if nobody else limits)]
    return assemble(choice, rows, of_one[0], 1, None if nobody else (limits, of_one[1]))[0]


_READERS = {"psid": _of_zvar, "oid": _of_ztf, "lsst_oid": _of_lsst}
