"""What ALeRCE's ZTF services can be asked. Data only."""

from astropy import units as u

from alerce_zvar.alerce.schema import ztf
from alerce_zvar.alerce.schema.words import param
from alerce_zvar.wire.spec import Endpoint, Param

__all__ = [
    "CLASSIFICATION_PARAMS",
    "DEFAULTS",
    "DEFAULT_CLASSIFIER",
    "ENDPOINTS",
    "MAX_TOTAL",
    "OBJECTS_PARAMS",
    "V2_ENDPOINTS",
    "V2_EXTRA_FIELDS",
    "V2_NAMES",
]

# The object list joins this classifier when no filter names one (alerts-api, astro_object_service.py).
DEFAULT_CLASSIFIER = ("lc_classifier", "hierarchical_random_forest_1.1.0")
# Of parameters that are left out, by their names on the wire.
DEFAULTS = {"radius": 30.0, "page": 1, "page_size": 10, "count": False, "order_mode": "ASC"}
MAX_TOTAL = 50001  # larger totals are not counted

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


# In the order of the service's own parsers: of several bad parameters it reports the first.
OBJECTS_PARAMS = (
    param("oid", "id", "Object ids. One may hold the wildcard ``*``; several are matched exactly.", many=10_000),
    param("classifier", "str", "Only classifications by this classifier."),
    param("classifier_version", "str", "Only this version of the classifier."),
    param("class_name", "str", "Only this class.", wire="class"),
    param("ranking", "int", "Only classifications of this rank; 1, the best, is implied by a classifier or class."),
    param("probability", "float", "Least probability of the class.", minimum=0.0, maximum=1.0),
    param("ndet", "int", "Least, or (least, most), number of detections.", many=2, minimum=0),
    param("firstmjd", "mjd", "Earliest, or (earliest, latest), first detection.", many=2),
    param("lastmjd", "mjd", "Earliest, or (earliest, latest), last detection.", many=2),
    param("ra", "float", "Right ascension of the cone's centre (ICRS).", unit=u.deg, minimum=0.0, maximum=360.0),
    param("dec", "float", "Declination of the cone's centre (ICRS).", unit=u.deg, minimum=-90.0, maximum=90.0),
    param("radius", "quantity", "Radius of the cone.", unit=u.arcsec, minimum=0.0),
    param("page", "int", "Page, from 1.", minimum=1),
    param("page_size", "int", "Rows per page.", minimum=1),
    param("count", "bool", f"Also count all rows (at most {MAX_TOTAL})."),
    param("order_by", "str", "Column to sort by.", choices=ORDER_BY),
    param("order_mode", "str", "Direction of the sort.", choices=("ASC", "DESC")),
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
    param("classifier", "str", "Only this classifier."),
    param("classifier_version", "str", "Only this version."),
)
_SURVEY = param("survey", "str", "Survey that observed.", wire="survey_id", choices=("ztf", "atlas"))
_FEATURE_PARAMS = (
    param("fid", "int", "Only this band code.", choices=(0, 1, 2, 12)),
    param("version", "str", "Only this version."),
)
_NAME = param("name", "str", "Feature.", where="path", required=True)
_CLASSIFIER_PATH = (
    param("classifier", "str", "Classifier.", wire="classifier_name", where="path", required=True),
    param("classifier_version", "str", "Its version.", where="path", required=True),
)

ENDPOINTS = (
    Endpoint(
        name="objects",
        path="/ztf/v1/objects/",
        params=OBJECTS_PARAMS,
        answer=ztf.OBJECTS,
        items="items",
        description="Objects that match filters.",
        source=f"{_SOURCE} 2",
    ),
    Endpoint(
        name="limits",
        path="/ztf/v1/objects/limit_values",
        answer=ztf.LIMITS,
        description="Ranges of what objects can be selected by.",
        source=f"{_SOURCE} 1.2",
    ),
    _object_endpoint("object", "", "One object.", ztf.OBJECT, "3.1"),
    _object_endpoint("detections", "/detections", "All detections of one object.", ztf.DETECTIONS, "3.2", _SURVEY),
    _object_endpoint(
        "non_detections", "/non_detections", "All non-detections of one object.", ztf.NON_DETECTIONS, "3.2", _SURVEY
    ),
    _object_endpoint(
        "lightcurve", "/lightcurve", "Detections and non-detections in one body.", ztf.LIGHTCURVE, "3.2", _SURVEY
    ),
    _object_endpoint("magstats", "/magstats", "Statistics of one object per band.", ztf.MAGSTATS, "3.3"),
    _object_endpoint(
        "probabilities",
        "/probabilities",
        "All classifications of one object.",
        ztf.PROBABILITIES,
        "3.4",
        *CLASSIFICATION_PARAMS,
    ),
    _object_endpoint("features", "/features", "All features of one object.", ztf.FEATURES, "3.5", *_FEATURE_PARAMS),
    _object_endpoint(
        "feature", "/features/{name}", "One feature of one object.", ztf.FEATURES, "3.5", _NAME, *_FEATURE_PARAMS
    ),
    Endpoint(
        name="classifiers",
        path="/ztf/v1/classifiers/",
        answer=ztf.CLASSIFIERS,
        description="Classifiers, their versions and classes.",
        source=f"{_SOURCE} 3.6",
    ),
    Endpoint(
        name="classes",
        path="/ztf/v1/classifiers/{classifier_name}/{classifier_version}/classes",
        params=_CLASSIFIER_PATH,
        answer=ztf.CLASSES,
        description="Classes of one version of a classifier.",
        source=f"{_SOURCE} 3.6",
    ),
)

# The newer light-curve service, at the same host, and its names of what the older one calls otherwise.
V2_NAMES = {
    "mag": "magpsf",
    "e_mag": "sigmapsf",
    "mag_corr": "magpsf_corr",
    "e_mag_corr": "sigmapsf_corr",
    "e_mag_corr_ext": "sigmapsf_corr_ext",
}
# What its detections carry in the object `extra_fields`.
V2_EXTRA_FIELDS = (
    "drbversion", "magapbig", "magap", "sigmagapbig", "diffmaglim", "sigmagap", "rfid", "distnr", "nid", "rb",
    "step_id_corr", "rbversion", "drb",
)  # fmt: skip
_V2_SURVEY = param("survey", "str", "Survey that observed.", wire="survey_id", choices=("ztf", "atlas", "all"))


def _v2_endpoint(name, path, description, answer):
    return Endpoint(
        name=name,
        path=f"/v2/lightcurve/{path}/{{oid}}",
        params=(_OID_PATH, _V2_SURVEY),
        answer=answer,
        description=description,
        source=f"{_SOURCE} 3.7",
    )


V2_ENDPOINTS = (
    _v2_endpoint("forced_photometry", "forced-photometry", "Forced photometry of one object.", ztf.FORCED_PHOTOMETRY),
    _v2_endpoint("v2_detections", "detections", "All detections of one object, in the newer form.", None),
    _v2_endpoint("v2_non_detections", "non_detections", "All non-detections of one object, in the newer form.", None),
    _v2_endpoint("v2_lightcurve", "lightcurve", "Detections, non-detections and forced photometry in one body.", None),
)
