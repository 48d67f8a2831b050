"""What ZVAR can be asked: parameters, limits, endpoints (reference/zvar.md 1.3, 1.4)."""

from functools import partial
from types import MappingProxyType

from astropy import units as u

from alerce_zvar.wire.spec import Endpoint, Param
from alerce_zvar.zvar.schema.catalogs import CATALOGS
from alerce_zvar.zvar.schema.tables import BANDS, LOGS, OBJECTS, PHOTOMETRY_MAG
from alerce_zvar.zvar.schema.words import param

__all__ = ["DEFAULTS", "ENDPOINTS", "FILTERS", "MAX_IDS", "MAX_PHOTOMETRY_IDS", "MAX_POSITIONS", "MAX_RADIUS"]

MAX_POSITIONS = 1000
MAX_IDS = 1000
MAX_PHOTOMETRY_IDS = 500
MAX_RADIUS = 600.0  # arcsec
# Of parameters that are left out, by their names on the wire.
DEFAULTS = MappingProxyType({"bands": ("g", "r"), "format": "mag", "closest": True})

FILTERS = (
    param("min_period", "quantity", "Least period of any period of the source.", unit=u.d, minimum=0.0),
    param("max_period", "quantity", "Greatest period of any period of the source.", unit=u.d, minimum=0.0),
    param("min_significance", "float", "Least significance; needs a cut on the period."),
    param("min_amplitude", "quantity", "Least amplitude of any light curve.", unit=u.mag, bare=True, minimum=0.0),
    param("max_amplitude", "quantity", "Greatest amplitude of any light curve.", unit=u.mag, bare=True, minimum=0.0),
    param("min_exposures", "int", "Least number of exposures of any light curve.", minimum=0),
    param("objtype", "int", "DoPHOT type of the source.", minimum=0),
)
_radius = partial(param, "radius", "quantity", unit=u.arcsec, minimum=0.0, maximum=MAX_RADIUS)
_psids = partial(param, "ids", "digits", "Source ids.", wire="psids", required=True)
_MATCHING = (
    param("catalog", "str", "Catalogue.", choices=tuple(CATALOGS), required=True),
    _radius("Largest separation.", required=True),
    param("closest", "bool", "Only the nearest source."),
)
_endpoint = partial(Endpoint, private=True, source="reference/zvar.md 1.3")

ENDPOINTS = (
    _endpoint(
        name="cone_search",
        path="/cone_search",
        method="POST",
        params=(
            param("positions", "position", "Named positions.", many=MAX_POSITIONS, required=True),
            _radius("Radius of the cones."),
            *FILTERS,
        ),
        answer=OBJECTS,
        description="Sources around positions.",
    ),
    _endpoint(
        name="object",
        path="/object/{psid}",
        params=(Param(name="id", wire="psid", kind="digits", where="path", required=True, description="Source id."),),
        answer=OBJECTS,
        description="One source.",
    ),
    _endpoint(
        name="objects",
        path="/objects",
        method="POST",
        params=(_psids(many=MAX_IDS),),
        answer=OBJECTS,
        description="Sources by id.",
    ),
    _endpoint(
        name="photometry",
        path="/photometry",
        method="POST",
        params=(
            _psids(many=MAX_PHOTOMETRY_IDS),
            param("bands", "str", "Bands.", many=len(BANDS), choices=BANDS),
            param("format", "str", "Magnitudes of the total flux, or difference fluxes.", choices=("mag", "flux")),
        ),
        answer=PHOTOMETRY_MAG,
        description="Light curves by id.",
    ),
    _endpoint(
        name="processing_logs",
        path="/processing_logs",
        answer=LOGS,
        description="What has been processed.",
    ),
    _endpoint(
        name="xmatch",
        path="/xmatch",
        method="POST",
        params=(_psids(many=MAX_IDS), *_MATCHING),
        description="Sources of a catalogue near ZVAR's sources, by id; a row is one of the table of its name.",
    ),
    _endpoint(
        name="external_xmatch",
        path="/external_xmatch",
        method="POST",
        params=(param("ids", "id", "Ids in the catalogue.", many=MAX_IDS, required=True), *_MATCHING),
        description="Sources of a catalogue by id, each a row of the table of its name, and ZVAR's sources near them.",
    ),
)
