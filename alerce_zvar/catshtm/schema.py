"""What is known of ALeRCE's catsHTM service: requests, catalogues, units. Data only (reference/alerce.md 8).

The columns of a catalogue are not known beforehand: each answer names them, with their units.
"""

from types import MappingProxyType
from typing import NamedTuple

from astropy import units as u

from alerce_zvar.wire.spec import Column, Endpoint, Param, TableSchema

__all__ = [
    "CATALOGS",
    "CATALOG_LIST",
    "DEFAULTS",
    "DEFAULT_RADIUS",
    "ENDPOINTS",
    "INPUT_INDEX",
    "INVALID",
    "LOCAL_PREFIX",
    "REDSHIFTS",
    "REDSHIFT_COLUMNS",
    "SEPARATION",
    "TABLES",
    "UNITS",
    "Catalog",
    "answer_name",
    "find_catalog",
    "request_name",
    "unit_on_wire",
]

LOCAL_PREFIX = "/catshtm"  # of this service on the local server
DEFAULT_RADIUS = 50.0  # arcsec; of the catalogues that have none of their own
DEFAULTS = MappingProxyType({})  # what is left out has a default of its own in each catalogue
INVALID = "Request contains one or more invalid arguments."  # the whole answer, with status 200
# Columns that the client takes for a redshift: any of the first group goes before all of the second.
REDSHIFT_COLUMNS = (("z",), ("zphot", "z_phot"))


class Catalog(NamedTuple):
    """A catalogue of the service.

    Parameters
    ----------
    name : str
        In requests.
    answer : str
        In answers.
    radius : float
        Of a cross-match that says none [arcsec].
    ra, dec : str
        Its columns of position.
    documented : bool
        False for those that were only seen in use.
    """

    name: str
    answer: str
    radius: float = DEFAULT_RADIUS
    ra: str = "RA"
    dec: str = "Dec"
    documented: bool = True


def _catalog(name, answer=None, **known):
    return Catalog(name, answer or name, **known)


# Names and radii as the service's own page lists them; names of positions as its source does (cats_service 1.2.0).
CATALOGS = (
    _catalog("AAVSO_VSX"),
    _catalog("AKARI"),
    _catalog("APASS", radius=2.0),
    _catalog("CRTS_per_var", "CRTS"),
    _catalog("Cosmos"),
    _catalog("DECaLS", radius=0.1),
    _catalog("FIRST"),
    _catalog("GAIADR1", "GAIA/DR1", radius=0.1),
    _catalog("GAIADR2", "GAIA/DR2", radius=0.1),
    _catalog("GALEX"),
    _catalog("HSCv2", ra="MatchRA", dec="MatchDec"),
    _catalog("IPHAS"),
    _catalog("IRACgc"),
    _catalog("NEDz"),
    _catalog("NVSS", radius=10.8),
    _catalog("PTFpc"),
    _catalog("ROSATfsc", radius=50.0),
    _catalog("SAGE"),
    _catalog("SDSSDR10", "SDSS/DR10"),
    _catalog("SDSSoffset", radius=0.1, ra="ra", dec="dec"),
    _catalog("SWIREz"),
    _catalog("SkyMapper", radius=0.4),
    _catalog("SpecSDSS"),
    _catalog("TMASS", "2MASS"),
    _catalog("TMASSxsc", "2MASSxsc"),
    _catalog("UCAC4"),
    _catalog("UKIDSS"),
    _catalog("VISTAviking"),
    _catalog("VSTatlas"),
    _catalog("VSTkids"),
    _catalog("WISE"),
    _catalog("XMM", radius=8.0, dec="DEC"),
    _catalog("unWISE"),
    # Seen in a notebook of 2025, on no page of the service.
    _catalog("GAIAEDR3", documented=False),
    _catalog("PGC", documented=False),
    _catalog("PS1", documented=False),
    _catalog("ztfSrcLCDR1", documented=False),
)
_BY_NAME = {known.lower(): catalog for catalog in CATALOGS for known in (catalog.answer, catalog.name)}

# Units as the service writes them -> ours; None is a number without unit. What stands here not is left to astropy.
_PROPER_UNITS = {
    " ": None,
    "deg": u.deg,
    "arcsec": u.arcsec,
    "mas": u.mas,
    "mag": u.mag,
    "mas/yr": u.mas / u.yr,
    "km/s": u.km / u.s,
    "K": u.K,
    "d": u.d,
    "year": u.yr,
    "deg/day": u.deg / u.d,
    "DN": u.DN,
    "erg/cm^2/s": u.erg / u.cm**2 / u.s,
    "nanomaggies": u.nmgy,
}
_ODD_UNITS = {
    "": None,
    "null": None,
    "arcse": u.arcsec,  # cut short
    "magAB": u.mag,
    "JD": u.d,
    "MJD": u.d,
    "JYear": u.yr,
    "logg": u.dex,  # of cm/s2
    "FeH": u.dex,  # of the Sun's
}
UNITS = MappingProxyType(_PROPER_UNITS | _ODD_UNITS)
_ON_WIRE = {unit: text for text, unit in _PROPER_UNITS.items()}


def find_catalog(name):
    """`Catalog` of that name, by either of its names and in any case, or None."""
    return _BY_NAME.get(name.lower())


def request_name(name):
    """Name in requests; another than those of `CATALOGS` stays as it is."""
    known = find_catalog(name)
    return known.name if known else name


def answer_name(name):
    """Name in answers; another than those of `CATALOGS` stays as it is."""
    known = find_catalog(name)
    return known.answer if known else name


def unit_on_wire(unit):
    """A unit in the service's spelling, else in astropy's."""
    return _ON_WIRE.get(unit) or unit.to_string() or " "


def _param(name, kind, description, **rules):
    return Param(name=name, wire=name, kind=kind, description=description, **rules)


_NAME = _param("catalog", "str", "Catalogue, by its name in requests.", required=True)
_IGNORED = _param("catalog", "str", "Ignored: all catalogues are searched.")
_CENTRE = (
    _param("ra", "float", "Right ascension (ICRS).", unit=u.deg, minimum=0.0, maximum=360.0, required=True),
    _param("dec", "float", "Declination (ICRS).", unit=u.deg, minimum=-90.0, maximum=90.0, required=True),
)
_RADIUS = _param("radius", "quantity", "Radius of the cone.", unit=u.arcsec, minimum=0.0, required=True)
_OWN_RADIUS = _param(
    "radius", "quantity", "Largest separation; by default the catalogue's own.", unit=u.arcsec, minimum=0.0
)
_SOURCE = "reference/alerce.md 8"

ENDPOINTS = (
    Endpoint(
        name="conesearch",
        path="/conesearch",
        params=(_NAME, *_CENTRE, _RADIUS),
        description="Sources of one catalogue around a position.",
        source=_SOURCE,
    ),
    Endpoint(
        name="conesearch_all",
        path="/conesearch_all",
        params=(_IGNORED, *_CENTRE, _RADIUS),
        description="Sources of every catalogue around a position.",
        source=_SOURCE,
    ),
    Endpoint(
        name="crossmatch",
        path="/crossmatch",
        params=(_NAME, *_CENTRE, _OWN_RADIUS),
        description="Source of one catalogue that is nearest to a position.",
        source=_SOURCE,
    ),
    Endpoint(
        name="crossmatch_all",
        path="/crossmatch_all",
        params=(_IGNORED, *_CENTRE, _RADIUS),
        description="Source of every catalogue that is nearest to a position.",
        source=_SOURCE,
    ),
)


def _column(name, dtype, unit, ucd, description, wire=None, **rules):
    return Column(name=name, wire=wire or name, dtype=dtype, unit=unit, ucd=ucd, description=description, **rules)


INPUT_INDEX = _column("input_index", "int64", None, "meta.number", "Which position this row answers, from 0")
SEPARATION = _column(
    "separation", "float64", u.arcsec, "pos.angDistance", "Angle between the source and the position", wire="distance"
)

REDSHIFTS = TableSchema(
    "redshifts",
    "One row per position that has a redshift.",
    (
        INPUT_INDEX,
        _column("z", "float64", None, "src.redshift", "Redshift"),
        _column("catalog", "str", None, "meta.id", "Catalogue that it is from, by its name in answers"),
        _column("column", "str", None, "meta.id", "Its column there; zphot and z_phot are photometric"),
        SEPARATION,
    ),
)
CATALOG_LIST = TableSchema(
    "catalogs",
    "One row per catalogue.",
    (
        _column("name", "str", None, "meta.id;meta.main", "Name in requests"),
        _column("answer", "str", None, "meta.id", "Name in answers"),
        _column("radius", "float64", u.arcsec, "pos.angDistance;stat.max", "The service's own radius of a cross-match"),
        _column("ra", "str", None, "meta.id", "Column of right ascension"),
        _column("dec", "str", None, "meta.id", "Column of declination"),
        _column("documented", "bool", None, "meta.code", "False for those that were only seen in use"),
    ),
)
TABLES = (REDSHIFTS, CATALOG_LIST)
