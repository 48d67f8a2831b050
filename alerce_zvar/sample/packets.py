"""Synthetic alert packets: the fields of ZTF's schema 3.3 that the services use, and images as ZTF writes them."""

import gzip
import io

from alerce_zvar.errors import require
from alerce_zvar.packets import CUTOUTS

__all__ = ["fits_file", "packet"]

_VERSION = "3.3"
_SYNC = b"alerce_zvar demo"  # of an Avro file, 16 bytes; usually by chance, here the same for the same sky
_CARD = 80
_BLOCK = 2880
# Name, type, description with unit. Of a previous candidate all may be null but those of the exposure.
_EXPOSURE = (
    ("jd", "double", "Observation Julian date at start of exposure [days]"),
    ("fid", "int", "Filter ID (1=g; 2=R; 3=i)"),
    ("pid", "long", "Processing ID for image"),
    ("programid", "int", "Program ID"),
)
_MEASURED = (
    ("candid", "long", "Candidate ID"),
    ("isdiffpos", "string", "t or 1: brighter than the reference; f or 0: fainter"),
    ("ra", "double", "Right Ascension of candidate; J2000 [deg]"),
    ("dec", "double", "Declination of candidate; J2000 [deg]"),
    ("magpsf", "float", "Magnitude from PSF-fit photometry [mag]"),
    ("sigmapsf", "float", "1-sigma uncertainty in magpsf [mag]"),
)
_MORE = (
    ("diffmaglim", "float", "Expected 5-sigma mag limit in difference image [mag]"),
    ("nid", "int", "Night ID"),
    ("field", "int", "ZTF field ID"),
    ("rcid", "int", "Readout channel ID [00 .. 63]"),
    ("distnr", "float", "Distance to nearest source in reference image [pixels]"),
    ("magnr", "float", "Magnitude of nearest source in reference image [mag]"),
    ("sigmagnr", "float", "1-sigma uncertainty in magnr [mag]"),
    ("chinr", "float", "DAOPhot chi of nearest source in reference image"),
    ("sharpnr", "float", "DAOPhot sharp of nearest source in reference image"),
    ("fwhm", "float", "Full width at half maximum [pixels]"),
    ("rb", "float", "RealBogus quality score"),
    ("magzpsci", "float", "Magnitude zero point for photometry estimates [mag]"),
)
_OF_ALERT = (
    ("ssdistnr", "float", "Distance to nearest known solar system object; -999 if none [arcsec]"),
    ("sgscore1", "float", "Star/Galaxy score of closest source from PS1 catalog"),
    ("distpsnr1", "float", "Distance to closest source from PS1 catalog [arcsec]"),
    ("ndethist", "int", "Number of detections going back to beginning of survey"),
    ("ncovhist", "int", "Number of times the position was covered"),
    ("jdstarthist", "double", "Earliest Julian date of epoch corresponding to ndethist [days]"),
    ("jdendhist", "double", "Latest Julian date of epoch corresponding to ndethist [days]"),
    ("exptime", "float", "Integration time of camera exposure [sec]"),
    ("drb", "float", "RealBogus quality score from deep learning"),
)


def _fields(*groups, nullable):
    return [
        {"name": name, "type": ["null", kind], "default": None, "doc": doc}
        if nullable
        else {"name": name, "type": kind, "doc": doc}
        for group in groups
        for name, kind, doc in group
    ]


def _schema():
    named = {"type": "record", "doc": "avro alert schema", "version": _VERSION}
    candidate = [*_fields(_EXPOSURE, _MEASURED, nullable=False), *_fields(_MORE, _OF_ALERT, nullable=True)]
    previous = [*_fields(_EXPOSURE, nullable=False), *_fields(_MEASURED, _MORE, nullable=True)]
    cutout = [{"name": "fileName", "type": "string"}, {"name": "stampData", "type": "bytes", "doc": "fits.gz"}]
    previous_type = named | {"name": "prv_candidate", "fields": previous}
    first, *others = CUTOUTS.values()
    return named | {
        "name": "alert",
        "namespace": "ztf",
        "fields": [
            {"name": "schemavsn", "type": "string"},
            {"name": "publisher", "type": "string"},
            {"name": "objectId", "type": "string"},
            {"name": "candid", "type": "long"},
            {"name": "candidate", "type": named | {"name": "candidate", "fields": candidate}},
            {
                "name": "prv_candidates",
                "type": ["null", {"type": "array", "items": previous_type}],
                "default": None,
            },
            {"name": first, "type": ["null", named | {"name": "cutout", "fields": cutout}], "default": None},
            *({"name": name, "type": ["null", "ztf.cutout"], "default": None} for name in others),
        ],
    }


def packet(oid, candidate, previous, images):
    """Avro file of one alert.

    Parameters
    ----------
    oid : str
        Object.
    candidate : dict
        Fields of the detection.
    previous : list of dict
        Fields of earlier exposures.
    images : list of ndarray
        Science, template and difference.
    """
    (fastavro,) = require("alerts", "fastavro")
    names = ("scimref", "ref", "scimrefdiffimg")
    cutouts = {
        key: {"fileName": f"candid{candidate['candid']}_{name}.fits.gz", "stampData": fits_file(image)}
        for key, name, image in zip(CUTOUTS.values(), names, images, strict=True)
    }
    record = {
        "schemavsn": _VERSION,
        "publisher": "alerce_zvar sample",
        "objectId": oid,
        "candid": candidate["candid"],
        "candidate": candidate,
        "prv_candidates": previous or None,
    }
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(_schema()), [record | cutouts], sync_marker=_SYNC)
    return file.getvalue()


def fits_file(image):
    """Gzipped FITS file as ZTF writes it: no WCS, and the cards' values where no other program puts them."""
    values = {"SIMPLE": "T", "BITPIX": -32, "NAXIS": 2, "NAXIS1": image.shape[1], "NAXIS2": image.shape[0]}
    cards = [f"{key:<8}=  {value}" if key == "SIMPLE" else f"{key:<8}= {value:>20}" for key, value in values.items()]
    header = "".join(card.ljust(_CARD) for card in (*cards, "BUNIT   = 'DN      '", "END")).ljust(_BLOCK)
    data = image.astype(">f4").tobytes()
    return gzip.compress(header.encode() + data + bytes(-len(data) % _BLOCK), compresslevel=1, mtime=0)
