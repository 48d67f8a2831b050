"""What is known of ALeRCE's services: tables, parameters, endpoints. Data only.

``ztf`` and ``requests`` are of ZTF and stand here by their own names; ``lsst`` and ``stamps`` are of the other hosts.
"""

from alerce_zvar.alerce.schema.requests import (
    CLASSIFICATION_PARAMS,
    DEFAULT_CLASSIFIER,
    DEFAULTS,
    ENDPOINTS,
    MAX_TOTAL,
    OBJECTS_PARAMS,
    V2_ENDPOINTS,
    V2_EXTRA_FIELDS,
    V2_NAMES,
)
from alerce_zvar.alerce.schema.ztf import (
    BANDS,
    CLASSES,
    CLASSIFIERS,
    DETECTIONS,
    FEATURE_BANDS,
    FEATURES,
    FORCED_PHOTOMETRY,
    LIGHTCURVE,
    LIMITS,
    MAGSTATS,
    NON_DETECTIONS,
    OBJECT,
    OBJECTS,
    PROBABILITIES,
    TABLES,
)

__all__ = [
    "BANDS",
    "CLASSES",
    "CLASSIFICATION_PARAMS",
    "CLASSIFIERS",
    "DEFAULTS",
    "DEFAULT_CLASSIFIER",
    "DETECTIONS",
    "ENDPOINTS",
    "FEATURES",
    "FEATURE_BANDS",
    "FORCED_PHOTOMETRY",
    "LIGHTCURVE",
    "LIMITS",
    "MAGSTATS",
    "MAX_TOTAL",
    "NON_DETECTIONS",
    "OBJECT",
    "OBJECTS",
    "OBJECTS_PARAMS",
    "PROBABILITIES",
    "TABLES",
    "V2_ENDPOINTS",
    "V2_EXTRA_FIELDS",
    "V2_NAMES",
]
