"""ALeRCE's LSST services: tables, parameters, endpoints. Data only (reference/alerce.md 7).

Fluxes are in nJy; times are MJD in TAI. Names of columns are ALeRCE's, except where the field has a standard word.
"""

from dataclasses import replace

from astropy import units as u

from alerce_zvar.alerce.schema.lsst_details import DETECTION_DETAILS, DIA_OBJECT_COLUMNS
from alerce_zvar.alerce.schema.words import column, null, param
from alerce_zvar.wire.spec import Endpoint, TableSchema

__all__ = [
    "BANDS",
    "CLASSIFIERS",
    "DEFAULTS",
    "DETECTIONS",
    "ENDPOINTS",
    "FORCED_LIMIT",
    "FORCED_PHOTOMETRY",
    "LIGHTCURVE",
    "LOCAL_PREFIX",
    "NON_DETECTIONS",
    "OBJECT",
    "OBJECTS",
    "OBJECTS_PARAMS",
    "OBJECT_EXTRA",
    "PROBABILITIES",
    "STAMPS",
    "SURVEY",
    "TABLES",
]

LOCAL_PREFIX = "/lsst"  # of this host on the local server
SURVEY = "lsst"
BANDS = {1: "g", 2: "r", 3: "i", 4: "z", 5: "y", 6: "u"}
MJD_TAI = ("mjd", "tai")
# Of parameters that are left out, by their names on the wire.
DEFAULTS = {
    "radius": 30.0,
    "page": 1,
    "page_size": 10,
    "ranking": 1,
    "probability": 0.0,
    "order_by": "probability",
    "order_mode": "DESC",
}
FORCED_LIMIT = 10  # rows of forced photometry that the service gives where one object is asked for
STAMPS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")
_SOURCE = "reference/alerce.md"

_OID = column("oid", "oid", "str", None, "meta.id;meta.main", "Object identifier, a 64-bit number", wire_dtype="id")
_POSITION = (
    column("ra", "meanra", "float64", u.deg, "pos.eq.ra;meta.main", "Mean right ascension (ICRS)"),
    column("dec", "meandec", "float64", u.deg, "pos.eq.dec;meta.main", "Mean declination (ICRS)"),
    null("ra_err", "sigmara", "float64", u.deg, "stat.stdev;pos.eq.ra", "Scatter of the right ascension"),
    null("dec_err", "sigmadec", "float64", u.deg, "stat.stdev;pos.eq.dec", "Scatter of the declination"),
)
_HISTORY = (
    column("ndet", "n_det", "int64", None, "meta.number", "Number of detections"),
    null("nforced", "n_forced", "int64", None, "meta.number", "Number of forced measurements"),
    null("nnondet", "n_non_det", "int64", None, "meta.number", "Number of non-detections"),
    column("firstmjd", "firstmjd", "float64", None, "time.epoch;stat.min", "First detection", time=MJD_TAI),
    column("lastmjd", "lastmjd", "float64", None, "time.epoch;stat.max", "Last detection", time=MJD_TAI),
    null("deltamjd", "deltamjd", "float64", u.d, "time.duration", "Time between first and last detection"),
    null("tid", "tid", "int64", None, "meta.id;instr.tel", "Telescope: 1 LSST", required=False),
    null("sid", "sid", "int64", None, "meta.id", "Kind: 1 fixed on the sky, 2 in the solar system", required=False),
)

OBJECT = TableSchema(
    "lsst_object",
    "One row per object.",
    (
        _OID,
        *_POSITION,
        *_HISTORY,
        null("created_date", "created_date", "str", None, "time.creation", "Entered into the database", required=False),
        null("updated_date", "updated_date", "str", None, "time.processing", "Last changed", required=False),
    ),
)

# LSST's own columns come only with return_survey_extra, which leaves out when ALeRCE last changed the object.
# Its ra and dec, and their errors, have names that ours have already.
_RENAMED = {"ra": "dia_ra", "dec": "dia_dec"}
OBJECT_EXTRA = TableSchema(
    "lsst_object_extra",
    "One row per object, with what LSST's own catalogue of difference-image objects has.",
    (
        *OBJECT.columns,
        *(replace(column, name=_RENAMED.get(column.name, column.name)) for column in DIA_OBJECT_COLUMNS),
    ),
)

OBJECTS = TableSchema(
    "lsst_objects",
    "One row per object and classifier; an object repeats when several classifiers know it.",
    (
        _OID,
        *_POSITION,
        *_HISTORY,
        null("stellar", "stellar", "bool", None, "src.class.starGalaxy", "Looks like a star", required=False),
        null("class_name", "class_name", "str", None, "src.class", "Class of the joined classification"),
        null("classifier", "classifier_name", "str", None, "meta.id", "Classifier that gave the class"),
        null(
            "classifier_version",
            "classifier_version",
            "str",
            None,
            "meta.version",
            "Its version",
            wire_dtype="id",
            required=False,
        ),
        null("probability", "probability", "float64", None, "stat.probability", "Probability of the class"),
        null("ranking", "ranking", "int64", None, "meta.code", "1 is the most probable class", required=False),
    ),
)


# The service writes 0.0 where its database has no value. A measured flux, error or time is never exactly that.
_NO_VALUE = (0.0,)


def _flux(name, wire, description, ucd="phot.flux", **rules):
    return null(name, wire, "float64", u.nJy, ucd, description, sentinels=_NO_VALUE, **rules)


def _more(name, unit, ucd, description, dtype="float64", **rules):
    """A column under the service's own name, which not every answer has."""
    return null(name, name, dtype, unit, ucd, description, required=False, **rules)


_MEASURED = (
    null("time", "mjd", "float64", None, "time.epoch", "Middle of the exposure", time=MJD_TAI, sentinels=_NO_VALUE),
    column("band", "band", "str", None, "instr.bandpass", "LSST band", wire_dtype="int", codes=BANDS),
    _flux("flux", "psfFlux", "PSF flux of the difference image"),
    _flux("flux_err", "psfFluxErr", "Error of flux", "stat.error;phot.flux"),
    _flux("total_flux", "scienceFlux", "PSF flux of the science image"),
    _flux("total_flux_err", "scienceFluxErr", "Error of total_flux", "stat.error;phot.flux"),
    column("ra", "ra", "float64", u.deg, "pos.eq.ra", "Right ascension (ICRS)"),
    column("dec", "dec", "float64", u.deg, "pos.eq.dec", "Declination (ICRS)"),
    column(
        "measurement_id",
        "measurement_id",
        "str",
        None,
        "meta.id;meta.main",
        "Identifier of the measurement",
        wire_dtype="id",
    ),
    _more("visit", None, "meta.id", "Visit", "str", wire_dtype="id"),
    _more("detector", None, "meta.id;instr.det", "Detector", "int64"),
)
_OWNER = column("oid", "oid", "str", None, "meta.id", "Object identifier, a 64-bit number", wire_dtype="id")

DETECTIONS = TableSchema(
    "lsst_detections",
    "One row per detection (diaSource). A flux, error or time of exactly 0.0 is none; so may be a ra and dec of 0.0.",
    (
        _OWNER,
        *_MEASURED,
        *DETECTION_DETAILS,
    ),
)

FORCED_PHOTOMETRY = TableSchema(
    "lsst_forced_photometry",
    "One row per exposure, measured at the object's place.",
    (_OWNER, *_MEASURED),
)

NON_DETECTIONS = TableSchema(
    "lsst_non_detections",
    "Always empty: LSST has forced photometry instead.",
    (
        _OWNER,
        column("time", "mjd", "float64", None, "time.epoch", "Middle of the exposure", time=MJD_TAI),
        column("band", "band", "str", None, "instr.bandpass", "LSST band", wire_dtype="int", codes=BANDS),
    ),
)

PROBABILITIES = TableSchema(
    "lsst_probabilities",
    "One row per classifier and class.",
    (
        column("classifier", "classifier_name", "str", None, "meta.id", "Classifier"),
        column(
            "classifier_version",
            "classifier_version",
            "str",
            None,
            "meta.version",
            "Its version; 201 is 2.0.1",
            wire_dtype="id",
        ),
        column("class_name", "class_name", "str", None, "src.class", "Class"),
        column("probability", "probability", "float64", None, "stat.probability", "Probability of the class"),
        column("ranking", "ranking", "int64", None, "meta.code", "1 is the most probable class"),
    ),
)

CLASSIFIERS = TableSchema(
    "lsst_classifiers",
    "One row per classifier and version.",
    (
        column("classifier", "classifier_name", "str", None, "meta.id", "Classifier"),
        column("classifier_version", "classifier_version", "str", None, "meta.version", "Its version"),
        null("classifier_id", "classifier_id", "int64", None, "meta.id", "Number in the database", required=False),
    ),
)

LIGHTCURVE = TableSchema("lsst_lightcurve", "Detections, non-detections and forced photometry in one body.", ())

TABLES = (OBJECTS, OBJECT, OBJECT_EXTRA, DETECTIONS, FORCED_PHOTOMETRY, NON_DETECTIONS, PROBABILITIES, CLASSIFIERS)

_MANY_OIDS = param("oid", "digits", "Object ids.", many=10_000)
_ONE_OID = param("oid", "digits", "Object id.", required=True)
_SURVEY_ID = param("survey", "str", "Survey.", wire="survey_id", choices=(SURVEY,), required=True)

OBJECTS_PARAMS = (
    _MANY_OIDS,
    param("survey", "str", "Survey.", choices=(SURVEY,), required=True),
    param("classifier", "str", "Only classifications by this classifier."),
    param("class_name", "str", "Only this class."),
    param("ranking", "int", "Only classifications of this rank; 1, the best, is implied."),
    param("ndet", "int", "Least, or (least, most), number of detections.", wire="n_det", many=2, minimum=0),
    param("probability", "float", "Least probability of the class.", minimum=0.0, maximum=1.0),
    param("firstmjd", "mjd", "Earliest, or (earliest, latest), first detection.", many=2, scale="tai"),
    param("lastmjd", "mjd", "Earliest, or (earliest, latest), last detection.", many=2, scale="tai"),
    param("ra", "float", "Right ascension of the cone's centre (ICRS).", unit=u.deg, minimum=0.0, maximum=360.0),
    param("dec", "float", "Declination of the cone's centre (ICRS).", unit=u.deg, minimum=-90.0, maximum=90.0),
    param("radius", "quantity", "Radius of the cone.", unit=u.arcsec, minimum=0.0),
    param("page", "int", "Page, from 1.", minimum=1),
    param("page_size", "int", "Rows per page.", minimum=1),
    param("count", "bool", "Accepted and ignored."),
    param("order_by", "str", "Column to sort by; the default, probability, is slow at the service."),
    param("order_mode", "str", "Direction of the sort.", choices=("ASC", "DESC")),
)


def _lightcurve_endpoint(name, path, description, answer):
    return Endpoint(
        name=name,
        path=f"/lightcurve_api/{path}",
        params=(_SURVEY_ID, _MANY_OIDS),
        answer=answer,
        description=description,
        source=f"{_SOURCE} 7.3",
    )


ENDPOINTS = (
    Endpoint(
        name="objects",
        path="/object_api/list_objects",
        params=OBJECTS_PARAMS,
        answer=OBJECTS,
        items="items",
        description="Objects that match filters.",
        source=f"{_SOURCE} 7.1",
    ),
    Endpoint(
        name="object",
        path="/object_api/object",
        params=(
            _SURVEY_ID,
            _ONE_OID,
            param("survey_extra", "bool", "Also give LSST's own columns.", wire="return_survey_extra"),
        ),
        answer=OBJECT,
        description="One object.",
        single=True,
        unknown=500,
        source=f"{_SOURCE} 7.2",
    ),
    _lightcurve_endpoint("detections", "detections", "Detections of objects.", DETECTIONS),
    _lightcurve_endpoint(
        "forced_photometry",
        "forced-photometry",
        "Forced photometry of objects; cut to 10 rows where a single one is asked for.",
        FORCED_PHOTOMETRY,
    ),
    _lightcurve_endpoint("non_detections", "non_detections", "Always empty.", NON_DETECTIONS),
    _lightcurve_endpoint("lightcurve", "lightcurve", "Detections and forced photometry in one body.", LIGHTCURVE),
    Endpoint(
        name="probabilities",
        path="/probability_api/probability",
        params=(_ONE_OID, param("classifier", "str", "Only this classifier.")),
        answer=PROBABILITIES,
        description="All classifications of one object.",
        single=True,
        source=f"{_SOURCE} 7.4",
    ),
    Endpoint(
        name="classifiers",
        path="/classifier_api/classifiers",
        params=(param("classifier", "str", "Only this classifier.", wire="classifier_name"),),
        answer=CLASSIFIERS,
        description="Classifiers, their versions and classes.",
        source=f"{_SOURCE} 1.2",
    ),
    Endpoint(
        name="stamp",
        path="/stamps_api/stamp",
        params=(
            _ONE_OID,
            param("measurement_id", "digits", "Id of the detection.", required=True),
            param("type", "str", "Which image.", wire="stamp_type", choices=STAMPS, required=True),
            param("format", "str", "FITS, or a picture.", wire="file_format", choices=("fits", "png"), required=True),
            _SURVEY_ID,
            param("is_compressed", "bool", "Gzip the FITS file."),
        ),
        description="One image stamp of a detection.",
        single=True,
        source=f"{_SOURCE} 6.2",
    ),
)
