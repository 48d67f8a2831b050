"""What is known of ALeRCE's ZTF services: tables, parameters, endpoints. Data only.

Names of columns are ALeRCE's, except where the field has a standard word (time, band, mag, limiting_mag, ra, dec ...).
"""

from dataclasses import replace
from functools import partial

from astropy import units as u

from alerce_zvar.wire.spec import Column, Endpoint, Param, TableSchema

__all__ = ["BANDS", "DEFAULTS", "DEFAULT_CLASSIFIER", "ENDPOINTS", "TABLES"]

BANDS = {1: "g", 2: "r", 3: "i"}
# The object list joins this classifier when no filter names one (alerts-api, astro_object_service.py).
DEFAULT_CLASSIFIER = ("lc_classifier", "hierarchical_random_forest_1.1.0")
# Of parameters that are left out, by their names on the wire.
DEFAULTS = {"radius": 30.0, "page": 1, "page_size": 10, "count": False, "order_mode": "ASC"}
MAX_TOTAL = 50001  # larger totals are not counted
NOT_USABLE = 100.0  # "no usable error" in corrected magnitudes: 456 of 1999 rows of a recorded light curve
MJD_UTC = ("mjd", "utc")


def _c(name, wire, dtype, unit, ucd, description, **rules):
    return Column(name=name, wire=wire, dtype=dtype, unit=unit, ucd=ucd, description=description, **rules)


_null = partial(_c, nullable=True)
_OID = _c("oid", "oid", "str", None, "meta.id;meta.main", "ALeRCE object identifier")
_TIME = _c("time", "mjd", "float64", None, "time.epoch", "Start of the exposure", time=MJD_UTC)
_BAND = _c("band", "fid", "str", None, "instr.bandpass", "ZTF band", wire_dtype="int", codes=BANDS)
_LIMIT = _null(
    "limiting_mag", "diffmaglim", "float64", u.mag, "phot.mag;stat.max", "5 sigma limit of the difference image (AB)"
)
_STEP = _null(
    "step_id_corr", "step_id_corr", "str", None, "meta.version", "Version of the correction step", required=False
)
_TID = _null("tid", "tid", "str", None, "meta.id;instr.tel", "Survey that observed", required=False)

OBJECT = TableSchema(
    "object",
    "One row per object.",
    (
        _OID,
        _c("ra", "meanra", "float64", u.deg, "pos.eq.ra;meta.main", "Mean right ascension (ICRS)"),
        _c("dec", "meandec", "float64", u.deg, "pos.eq.dec;meta.main", "Mean declination (ICRS)"),
        _null("ra_err", "sigmara", "float64", u.deg, "stat.stdev;pos.eq.ra", "Scatter of the right ascension"),
        _null("dec_err", "sigmadec", "float64", u.deg, "stat.stdev;pos.eq.dec", "Scatter of the declination"),
        _c("ndet", "ndet", "int64", None, "meta.number", "Number of detections"),
        _null("ndethist", "ndethist", "int64", None, "meta.number", "Detections in the history", wire_dtype="str"),
        _null("ncovhist", "ncovhist", "int64", None, "meta.number", "Exposures that covered the position"),
        _c("firstmjd", "firstmjd", "float64", None, "time.epoch;stat.min", "First detection", time=MJD_UTC),
        _c("lastmjd", "lastmjd", "float64", None, "time.epoch;stat.max", "Last detection", time=MJD_UTC),
        _null("deltajd", "deltajd", "float64", u.d, "time.duration", "Time between first and last detection"),
        _null("mjdstarthist", "mjdstarthist", "float64", None, "time.start", "Start of the history", time=MJD_UTC),
        _null("mjdendhist", "mjdendhist", "float64", None, "time.end", "End of the history", time=MJD_UTC),
        _null("corrected", "corrected", "bool", None, "meta.code", "Magnitudes corrected for the reference source"),
        _null("stellar", "stellar", "bool", None, "src.class.starGalaxy", "Looks like a star"),
        _null("g_r_max", "g_r_max", "float64", u.mag, "phot.color", "g-r at maximum, difference magnitudes"),
        _null("g_r_max_corr", "g_r_max_corr", "float64", u.mag, "phot.color", "g-r at maximum, corrected"),
        _null("g_r_mean", "g_r_mean", "float64", u.mag, "phot.color;stat.mean", "Mean g-r, difference magnitudes"),
        _null("g_r_mean_corr", "g_r_mean_corr", "float64", u.mag, "phot.color;stat.mean", "Mean g-r, corrected"),
        _STEP,
    ),
)

OBJECTS = TableSchema(
    "objects",
    "One row per object and classification; an object repeats when several classifier versions match.",
    (
        *OBJECT.columns,
        _null("class_name", "class", "str", None, "src.class", "Class of the joined classification"),
        _null("classifier", "classifier", "str", None, "meta.id", "Classifier that gave the class"),
        _null("probability", "probability", "float64", None, "stat.probability", "Probability of the class"),
    ),
)

DETECTIONS = TableSchema(
    "detections",
    "One row per detection (alert or its history), identified by candid.",
    (
        _c("candid", "candid", "str", None, "meta.id;meta.main", "Identifier of the detection", wire_dtype="id"),
        _TIME,
        _BAND,
        _c("mag", "magpsf", "float64", u.mag, "phot.mag", "PSF magnitude of the difference flux (AB)", nullable=True),
        _null("mag_err", "sigmapsf", "float64", u.mag, "stat.error;phot.mag", "Error of mag"),
        _null(
            "mag_corr",
            "magpsf_corr",
            "float64",
            u.mag,
            "phot.mag",
            "PSF magnitude of difference plus reference (AB)",
            required=False,
            sentinels=(NOT_USABLE,),
        ),
        _null(
            "mag_corr_err",
            "sigmapsf_corr",
            "float64",
            u.mag,
            "stat.error;phot.mag",
            "Error of mag_corr if the source is a point",
            required=False,
            sentinels=(NOT_USABLE,),
        ),
        _null(
            "mag_corr_err_ext",
            "sigmapsf_corr_ext",
            "float64",
            u.mag,
            "stat.error;phot.mag",
            "Error of mag_corr if the source is extended",
            required=False,
            sentinels=(NOT_USABLE,),
        ),
        _c("isdiffpos", "isdiffpos", "int64", None, "meta.code", "+1 brighter, -1 fainter than the reference"),
        replace(_LIMIT, required=False),
        _c("ra", "ra", "float64", u.deg, "pos.eq.ra", "Right ascension (ICRS)"),
        _c("dec", "dec", "float64", u.deg, "pos.eq.dec", "Declination (ICRS)"),
        _null("rb", "rb", "float64", None, "stat.probability", "Real-bogus score", required=False),
        _null("rbversion", "rbversion", "str", None, "meta.version", "Version of rb", required=False),
        _null("drb", "drb", "float64", None, "stat.probability", "Deep-learning real-bogus score", required=False),
        _null("mag_ap", "magap", "float64", u.mag, "phot.mag", "8 pixel aperture magnitude", required=False),
        _null("mag_ap_err", "sigmagap", "float64", u.mag, "stat.error;phot.mag", "Error of mag_ap", required=False),
        _null("mag_ap_corr", "magap_corr", "float64", u.mag, "phot.mag", "mag_ap plus reference", required=False),
        _null(
            "mag_ap_corr_err",
            "sigmagap_corr",
            "float64",
            u.mag,
            "stat.error;phot.mag",
            "Error of mag_ap_corr",
            required=False,
        ),
        _null("mag_apbig", "magapbig", "float64", u.mag, "phot.mag", "18 pixel aperture magnitude", required=False),
        _null(
            "mag_apbig_err",
            "sigmagapbig",
            "float64",
            u.mag,
            "stat.error;phot.mag",
            "Error of mag_apbig",
            required=False,
        ),
        _null(
            "mag_corr_ext", "magpsf_corr_ext", "float64", u.mag, "phot.mag", "Not filled by the service", required=False
        ),
        _null(
            "distnr",
            "distnr",
            "float64",
            u.pix,
            "pos.angDistance",
            "Distance to the reference source",
            required=False,
            sentinels=(-99999.0,),
        ),
        _null("rfid", "rfid", "int64", None, "meta.id", "Reference image", required=False),
        _c("pid", "pid", "int64", None, "meta.id", "Processing identifier of the image"),
        _c("nid", "nid", "int64", None, "meta.id;time.epoch", "Night", nullable=True, required=False),
        _c("has_stamp", "has_stamp", "bool", None, "meta.code", "Image stamps exist"),
        _c("corrected", "corrected", "bool", None, "meta.code", "mag_corr can be computed"),
        _c("dubious", "dubious", "bool", None, "meta.code.qual", "The correction is doubtful"),
        _null(
            "parent_candid",
            "parent_candid",
            "str",
            None,
            "meta.id.parent",
            "Alert whose history holds this detection",
            wire_dtype="id",
            required=False,
        ),
        _null("candid_alert", "candid_alert", "str", None, "meta.id", "Not filled", wire_dtype="id", required=False),
        _null("phase", "phase", "float64", None, "meta.note", "Not filled; not a phase", required=False),
        _STEP,
        _TID,
    ),
)

NON_DETECTIONS = TableSchema(
    "non_detections",
    "One row per exposure without a detection.",
    (_TIME, _BAND, _LIMIT, _TID),
)

MAGSTATS = TableSchema(
    "magstats",
    "One row per band.",
    (
        _BAND,
        _null("stellar", "stellar", "bool", None, "src.class.starGalaxy", "Looks like a star"),
        _null("corrected", "corrected", "bool", None, "meta.code", "Magnitudes corrected for the reference source"),
        _c("ndet", "ndet", "int64", None, "meta.number", "Number of detections"),
        _null("ndubious", "ndubious", "int64", None, "meta.number", "Number of doubtful corrections"),
        _null("mag_mean", "magmean", "float64", u.mag, "phot.mag;stat.mean", "Mean difference magnitude"),
        _null("mag_median", "magmedian", "float64", u.mag, "phot.mag;stat.median", "Median difference magnitude"),
        _null("mag_max", "magmax", "float64", u.mag, "phot.mag;stat.max", "Faintest difference magnitude"),
        _null("mag_min", "magmin", "float64", u.mag, "phot.mag;stat.min", "Brightest difference magnitude"),
        _null("mag_sigma", "magsigma", "float64", u.mag, "stat.stdev;phot.mag", "Scatter; not filled by the service"),
        _null("mag_last", "maglast", "float64", u.mag, "phot.mag", "Last difference magnitude"),
        _null("mag_first", "magfirst", "float64", u.mag, "phot.mag", "First difference magnitude"),
        _c("firstmjd", "firstmjd", "float64", None, "time.epoch;stat.min", "First detection", time=MJD_UTC),
        _c("lastmjd", "lastmjd", "float64", None, "time.epoch;stat.max", "Last detection", time=MJD_UTC),
        _STEP,
    ),
)

PROBABILITIES = TableSchema(
    "probabilities",
    "One row per classifier, version and class.",
    (
        _c("classifier", "classifier_name", "str", None, "meta.id", "Classifier"),
        _c("classifier_version", "classifier_version", "str", None, "meta.version", "Its version", wire_dtype="id"),
        _c("class_name", "class_name", "str", None, "src.class", "Class"),
        _c("probability", "probability", "float64", None, "stat.probability", "Probability of the class"),
        _c("ranking", "ranking", "int64", None, "meta.code", "1 is the most probable class of this version"),
    ),
)

FEATURES = TableSchema(
    "features",
    "One row per feature, band and version.",
    (
        _c("name", "name", "str", None, "meta.id", "Feature"),
        _null("value", "value", "float64", None, "stat.value", "Value, in the unit that the feature implies"),
        _c("fid", "fid", "int64", None, "instr.bandpass", "1 g, 2 r, 12 both bands, 0 no band"),
        _c("version", "version", "str", None, "meta.version", "Version of the feature step"),
    ),
)

LIGHTCURVE = TableSchema(
    "lightcurve",
    "Detections and non-detections in one body, all keys present; see those tables.",
    (),
)

TABLES = (OBJECTS, OBJECT, DETECTIONS, NON_DETECTIONS, MAGSTATS, PROBABILITIES, FEATURES)

ORDER_BY = (
    "oid",
    "ndet",
    "g_r_max",
    "g_r_max_corr",
    "g_r_mean",
    "g_r_mean_corr",
    "meanra",
    "meandec",
    "sigmara",
    "sigmadec",
    "deltajd",
    "firstmjd",
    "lastmjd",
    "class_name",
    "classifier_name",
    "classifier_version",
    "probability",
    "ranking",
)


def _p(name, kind, description, **rules):
    rules.setdefault("wire", name)
    return Param(name=name, kind=kind, description=description, **rules)


# In the order of the service's own parsers: of several bad parameters it reports the first.
OBJECTS_PARAMS = (
    _p("oid", "id", "Object ids. One may hold the wildcard ``*``; several are matched exactly.", many=10_000),
    _p("classifier", "str", "Only classifications by this classifier."),
    _p("classifier_version", "str", "Only this version of the classifier."),
    _p("class_name", "str", "Only this class.", wire="class"),
    _p("ranking", "int", "Only classifications of this rank; 1, the best, is implied by a classifier or class."),
    _p("probability", "float", "Least probability of the class.", minimum=0.0, maximum=1.0),
    _p("ndet", "int", "Least, or (least, most), number of detections.", many=2, minimum=0),
    _p("firstmjd", "mjd", "Earliest, or (earliest, latest), first detection.", many=2),
    _p("lastmjd", "mjd", "Earliest, or (earliest, latest), last detection.", many=2),
    _p("ra", "float", "Right ascension of the cone's centre (ICRS).", unit=u.deg, minimum=0.0, maximum=360.0),
    _p("dec", "float", "Declination of the cone's centre (ICRS).", unit=u.deg, minimum=-90.0, maximum=90.0),
    _p("radius", "quantity", "Radius of the cone.", unit=u.arcsec, minimum=0.0),
    _p("page", "int", "Page, from 1.", minimum=1),
    _p("page_size", "int", "Rows per page.", minimum=1),
    _p("count", "bool", f"Also count all rows (at most {MAX_TOTAL})."),
    _p("order_by", "str", "Column to sort by.", choices=ORDER_BY),
    _p("order_mode", "str", "Direction of the sort.", choices=("ASC", "DESC")),
)
_OID_PATH = Param(name="oid", wire="oid", kind="id", where="path", required=True, description="Object id.")
_SOURCE = "reference/alerce.md"


def _object_endpoint(name, path, description, answer, source, *params):
    return Endpoint(
        name=name,
        path=f"/ztf/v1/objects/{{oid}}{path}",
        params=(_OID_PATH, *params),
        answer=answer,
        description=description,
        source=f"{_SOURCE} {source}",
    )


CLASSIFICATION_PARAMS = (
    _p("classifier", "str", "Only this classifier."),
    _p("classifier_version", "str", "Only this version."),
)
_FEATURE_PARAMS = (
    _p("fid", "int", "Only this band code.", choices=(0, 1, 2, 12)),
    _p("version", "str", "Only this version."),
)

ENDPOINTS = (
    Endpoint(
        name="objects",
        path="/ztf/v1/objects/",
        params=OBJECTS_PARAMS,
        answer=OBJECTS,
        items="items",
        description="Objects that match filters.",
        source=f"{_SOURCE} 2",
    ),
    _object_endpoint("object", "", "One object.", OBJECT, "3.1"),
    _object_endpoint("detections", "/detections", "All detections of one object.", DETECTIONS, "3.2"),
    _object_endpoint("non_detections", "/non_detections", "All non-detections of one object.", NON_DETECTIONS, "3.2"),
    _object_endpoint("lightcurve", "/lightcurve", "Detections and non-detections in one body.", LIGHTCURVE, "3.2"),
    _object_endpoint("magstats", "/magstats", "Statistics of one object per band.", MAGSTATS, "3.3"),
    _object_endpoint(
        "probabilities",
        "/probabilities",
        "All classifications of one object.",
        PROBABILITIES,
        "3.4",
        *CLASSIFICATION_PARAMS,
    ),
    _object_endpoint("features", "/features", "All features of one object.", FEATURES, "3.5", *_FEATURE_PARAMS),
)
