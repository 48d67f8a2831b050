"""The table of `match_services`: which columns of the services it has, and what they are called there. Data only."""

from dataclasses import replace

from astropy import units as u

from alerce_zvar.alerce import schema as alerce
from alerce_zvar.wire.spec import Column, TableSchema
from alerce_zvar.zvar import schema as zvar

__all__ = ["ALERCE", "FAILURES", "GAIA", "MATCHES", "TABLES", "ZVAR"]

_GAIA = zvar.CATALOGS["gaia"]
_PLACES = {"ra": "Right ascension (ICRS) that was asked for", "dec": "Declination (ICRS) that was asked for"}


def _kept(column, name=None, wire=None):
    """Column of a service, which may lack it; `wire` is its name in the service's table."""
    name = name or column.name
    wanted = {"name": name, "wire": name, "required": False, "nullable": True, "sentinels": ()}
    return wire or column.name, replace(column, **wanted, wire_dtype="id" if column.wire_dtype == "id" else "")


def _separation(name, what):
    return name, Column(
        name=name,
        wire=name,
        dtype="float64",
        unit=u.arcsec,
        ucd="pos.angDistance",
        description=f"Angle from the position asked for to {what}",
        required=False,
        nullable=True,
    )


# Name in the service's table -> column here.
ALERCE = dict(
    (
        _kept(alerce.OBJECTS["oid"]),
        _separation("oid_separation", "ALeRCE's object"),
        *(_kept(alerce.OBJECTS[name]) for name in ("class_name", "classifier", "probability")),
    )
)
ZVAR = dict(
    (
        _kept(zvar.OBJECTS["psid"]),
        _separation("psid_separation", "ZVAR's source"),
        *(_kept(zvar.PERIODS[name]) for name in ("period", "significance", "n_bins")),
        _kept(zvar.PERIODS["band"], "period_band"),
    )
)
GAIA = dict(
    (
        _kept(_GAIA["source_id"], "gaia_id"),
        _separation("gaia_separation", "Gaia's source"),
        *(_kept(_GAIA[name]) for name in _GAIA.names if name not in ("source_id", "ra", "dec")),
    )
)

MATCHES = TableSchema(
    "matches",
    "One row per position: what each service has nearest to it.",
    (
        Column(
            name="input_index",
            wire="input_index",
            dtype="int64",
            ucd="meta.record",
            description="Which position, from 0",
        ),
        *(replace(zvar.OBJECTS[name], description=text) for name, text in _PLACES.items()),
        *ALERCE.values(),
        *ZVAR.values(),
        *GAIA.values(),
    ),
)
TABLES = (MATCHES,)

# Of the table of failures, that of a batch with the service.
FAILURES = {"input_index": "int64", "service": "str", "input": "str", "error": "str", "reason": "str", "url": "str"}
