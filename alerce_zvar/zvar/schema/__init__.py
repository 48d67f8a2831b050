"""What is known of ZVAR's API v0.2.1: tables, catalogues, parameters, endpoints. Data only."""

from alerce_zvar.zvar.schema.catalogs import CATALOG_LIST, CATALOGS, MATCHES, SEEN
from alerce_zvar.zvar.schema.requests import (
    DEFAULTS,
    ENDPOINTS,
    FILTERS,
    MAX_IDS,
    MAX_PHOTOMETRY_IDS,
    MAX_POSITIONS,
    MAX_RADIUS,
)
from alerce_zvar.zvar.schema.tables import (
    BANDS,
    FIELDS,
    LIGHTCURVES,
    LOGS,
    N_BINS,
    OBJECTS,
    PERIODS,
    PHOTOMETRY_FLUX,
    PHOTOMETRY_MAG,
)

__all__ = [
    "BANDS",
    "CATALOGS",
    "CATALOG_LIST",
    "DEFAULTS",
    "ENDPOINTS",
    "EXPOSURE_TIME",
    "FIELDS",
    "FILTERS",
    "LIGHTCURVES",
    "LOCAL_PREFIX",
    "LOGS",
    "MATCHES",
    "MAX_IDS",
    "MAX_PHOTOMETRY_IDS",
    "MAX_POSITIONS",
    "MAX_RADIUS",
    "N_BINS",
    "OBJECTS",
    "PERIODS",
    "PHOTOMETRY_FLUX",
    "PHOTOMETRY_MAG",
    "SEEN",
    "TABLES",
    "TIME_ASSUMPTION",
]

LOCAL_PREFIX = "/zvar/api"  # where the local server keeps this service
EXPOSURE_TIME = 30.0  # seconds, of ZTF's public survey; the service does not tell it (reference/zvar.md 3)
TIME_ASSUMPTION = (
    "time is barycentric (the service says 'bjd'); its scale is not stated by the service and is taken as TDB, "
    "and it marks the start of the exposure"
)
TABLES = (
    OBJECTS,
    LIGHTCURVES,
    PERIODS,
    PHOTOMETRY_MAG,
    PHOTOMETRY_FLUX,
    *CATALOGS.values(),
    MATCHES,
    LOGS,
    FIELDS,
    CATALOG_LIST,
)
