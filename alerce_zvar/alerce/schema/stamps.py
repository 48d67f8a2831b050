"""What ALeRCE's service of image stamps and alerts can be asked. Data only (reference/alerce.md 6.1)."""

from alerce_zvar.alerce.schema.words import param
from alerce_zvar.wire.spec import Endpoint

__all__ = ["DEFAULTS", "ENDPOINTS", "LOCAL_PREFIX", "STAMPS"]

LOCAL_PREFIX = "/avro"  # of this service on the local server
STAMPS = ("science", "template", "difference")
DEFAULTS = {"survey_id": "ztf"}  # of parameters that are left out

_ALERT = (
    param("oid", "id", "Object id."),
    param("candid", "id", "Id of the detection.", required=True),
    param("survey_id", "str", "Whose alert.", choices=("ztf", "atlas")),
)
_SOURCE = "reference/alerce.md 6.1"

ENDPOINTS = (
    Endpoint(
        name="stamp",
        path="/get_stamp",
        params=(
            *_ALERT,
            param("type", "str", "Which image.", choices=STAMPS, required=True),
            param("format", "str", "Gzipped FITS, or a picture.", choices=("fits", "png"), required=True),
        ),
        single=True,
        description="One image stamp of a detection.",
        source=_SOURCE,
    ),
    Endpoint(
        name="avro",
        path="/get_avro",
        params=_ALERT,
        single=True,
        description="Whole alert packet, as Avro.",
        source=_SOURCE,
    ),
    Endpoint(
        name="avro_info",
        path="/get_avro_info",
        params=_ALERT,
        single=True,
        description="Alert packet without images, as JSON.",
        source=_SOURCE,
    ),
)
