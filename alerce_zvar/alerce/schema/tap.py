"""ALeRCE's TAP service: its tables, their columns, and how rows of many objects are asked for. Data only.

Names and datatypes are those of its TAP_SCHEMA (reference/alerce.md 9 and Appendix A); units, UCDs and descriptions
are those of our own tables. Of the service's tables those stand here that an archive can hold.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from alerce_zvar.alerce.schema import lsst, ztf
from alerce_zvar.alerce.schema import tap_columns as spelled
from alerce_zvar.alerce.schema.words import param
from alerce_zvar.wire.spec import Endpoint, TableSchema

__all__ = [
    "BULK",
    "ENDPOINTS",
    "KEYS",
    "LOCAL_PREFIX",
    "SCHEMAS",
    "TABLES",
    "UPLOAD_SCHEMA",
    "BulkSource",
    "TapColumn",
    "TapTable",
]

LOCAL_PREFIX = "/tap"  # of this service on the local server
UPLOAD_SCHEMA = "tap_upload"
SCHEMAS = {
    "ztf": "ZTF: objects, detections, non-detections, forced photometry, classifications and features.",
    "alerce_tap": "LSST: objects, detections, forced photometry and classifications.",
}


@dataclass(frozen=True, kw_only=True)
class TapColumn:
    """One column as TAP_SCHEMA describes it.

    Parameters
    ----------
    name : str
        In lower case.
    datatype : {"boolean", "short", "int", "long", "float", "double", "char"}
        VOTable's word; ``char`` is text of any length.
    unit, ucd, description : str
        Empty where there is none. Units are spelled as `str` spells them.
    source : str
        Column of the archive's table that holds the values; empty where an archive has none, which is null then.
    indexed, principal : bool
        TAP_SCHEMA's hints.
    """

    name: str
    datatype: str
    unit: str = ""
    ucd: str = ""
    description: str = ""
    source: str = ""
    indexed: bool = False
    principal: bool = False


@dataclass(frozen=True)
class TapTable:
    """One table: full name, description, the archive's table that holds its rows, columns."""

    name: str
    description: str
    source: str
    columns: tuple[TapColumn, ...]


_SPELLING = re.compile(r"(\w+):(\w+)(?:\[(.+?)\])?(\*?)")
# What our own tables do not describe.
_DESCRIPTIONS = {
    "oid": "ALeRCE object identifier",
    "diffpos": "All differences are positive",
    "reference_change": "The reference image changed",
    "dmdt_first": "Slope from the last non-detection to the first detection",
    "dm_first": "Rise from the last non-detection to the first detection",
    "sigmadm_first": "Error of dm_first",
    "dt_first": "Time from the last non-detection to the first detection",
    "saturation_rate": "Fraction of saturated detections",
    "magmean_corr": "Mean corrected magnitude",
    "magmedian_corr": "Median corrected magnitude",
    "magmax_corr": "Faintest corrected magnitude",
    "magmin_corr": "Brightest corrected magnitude",
    "magsigma_corr": "Scatter of the corrected magnitudes",
    "maglast_corr": "Last corrected magnitude",
    "magfirst_corr": "First corrected magnitude",
    "classes": "Classes, separated by commas; the service gives an array, which breaks readers of VOTables",
    "class_id": "Number of the class in alerce_tap.taxonomy",
    "classifier_id": "Number of the classifier in alerce_tap.classifier",
    "sid": "Kind: 1 fixed on the sky, 2 in the solar system",
    "order": "Place of the class in its classifier's list",
    "created_date": "Entered into the database",
    "timeprocessedmjdtai": "When the measurement was made (TAI)",
    "timewithdrawnmjdtai": "When the measurement was withdrawn (TAI)",
}
_DAYS = {"dt_first", "timeprocessedmjdtai", "timewithdrawnmjdtai", "lastmjd"}
_MAGNITUDES = re.compile(r"mag.+_corr|.*dm_first")
_PRINCIPAL = {"oid", "meanra", "meandec", "ndet", "n_det", "mjd", "fid", "band", "class_name", "probability"}


def _columns(spelling, *schemas, sources=None):
    """Columns spelled as in Appendix A, ``name:datatype[unit]*``, described as in our own tables.

    `sources` names the archive's columns where they are not those of our tables.
    """
    ours = {column.wire.lower(): column for schema in schemas for column in schema.columns}
    return tuple(
        _column(*match.groups(), ours.get(match[1]), (sources or {}).get(match[1]))
        for match in _SPELLING.finditer(spelling)
    )


def _column(name, datatype, unit, indexed, ours, source):
    if ours is None:
        unit = unit or ("d" if name in _DAYS else "mag" if _MAGNITUDES.fullmatch(name) else "")
        ucd, description = "", _DESCRIPTIONS.get(name, "")
    else:
        unit = unit or ("d" if ours.time else str(ours.unit or ""))
        ucd, description = ours.ucd, ours.description
    source = source if source is not None else ours.wire if ours is not None else ""
    hints = {"indexed": bool(indexed) or name == "oid", "principal": name in _PRINCIPAL}
    return TapColumn(name=name, datatype=datatype, unit=unit, ucd=ucd, description=description, source=source, **hints)


_OID = {"oid": "oid"}
_SID = {"sid": "sid"}
_NUMBERS = {name: name for name in ("class_id", "classifier_id", "lastmjd")}
TABLES = (
    TapTable("ztf.object", ztf.OBJECT.description, "objects", _columns(spelled.ZTF_OBJECT, ztf.OBJECT)),
    TapTable(
        "ztf.detection",
        ztf.DETECTIONS.description,
        "detections",
        _columns(spelled.ZTF_DETECTION, ztf.DETECTIONS, sources=_OID),
    ),
    TapTable(
        "ztf.non_detection",
        ztf.NON_DETECTIONS.description,
        "non_detections",
        _columns(spelled.ZTF_NON_DETECTION, ztf.NON_DETECTIONS, sources=_OID),
    ),
    TapTable(
        "ztf.forced_photometry",
        ztf.FORCED_PHOTOMETRY.description,
        "forced_photometry",
        _columns(spelled.ZTF_FORCED, ztf.FORCED_PHOTOMETRY, sources=_OID),
    ),
    TapTable(
        "ztf.magstat",
        "One row per object and band.",
        "magstats",
        _columns(spelled.ZTF_MAGSTAT, ztf.MAGSTATS, sources=_OID),
    ),
    TapTable(
        "ztf.probability",
        "One row per object, classifier, version and class.",
        "probabilities",
        _columns(spelled.ZTF_PROBABILITY, ztf.PROBABILITIES, sources=_OID),
    ),
    TapTable(
        "ztf.feature",
        "One row per object, feature, band and version.",
        "features",
        _columns(spelled.ZTF_FEATURE, ztf.FEATURES, sources=_OID),
    ),
    TapTable(
        "ztf.taxonomy",
        ztf.CLASSIFIERS.description,
        "taxonomy",
        _columns(spelled.ZTF_TAXONOMY, ztf.CLASSIFIERS, sources={"classes": "classes"}),
    ),
    TapTable("alerce_tap.object", lsst.OBJECT.description, "lsst_objects", _columns(spelled.LSST_OBJECT, lsst.OBJECT)),
    TapTable(
        "alerce_tap.detection",
        "One row per detection: what every survey has.",
        "lsst_detection",
        _columns(spelled.LSST_MEASUREMENT, lsst.DETECTIONS, sources=_SID),
    ),
    TapTable(
        "alerce_tap.lsst_detection",
        "One row per detection: what LSST has (diaSource). Join on oid, sid and measurement_id.",
        "lsst_detection",
        _columns(spelled.LSST_DETECTION, lsst.DETECTIONS, sources=_SID),
    ),
    TapTable(
        "alerce_tap.forced_photometry",
        "One row per exposure: what every survey has.",
        "lsst_forced",
        _columns(spelled.LSST_MEASUREMENT, lsst.FORCED_PHOTOMETRY, sources=_SID),
    ),
    TapTable(
        "alerce_tap.lsst_forced_photometry",
        "One row per exposure: what LSST has. Join on oid, sid and measurement_id.",
        "lsst_forced",
        _columns(spelled.LSST_FORCED, lsst.FORCED_PHOTOMETRY, sources=_SID),
    ),
    TapTable(
        "alerce_tap.lsst_dia_object",
        "One row per object of the difference images: what LSST has.",
        "lsst_objects",
        _columns(spelled.LSST_DIA_OBJECT, lsst.OBJECT_EXTRA),
    ),
    TapTable(
        "alerce_tap.probability",
        "One row per object, classifier and class; the names of both are in other tables.",
        "lsst_probability",
        _columns(spelled.LSST_PROBABILITY, lsst.PROBABILITIES, sources=_OID | _SID | _NUMBERS),
    ),
    TapTable(
        "alerce_tap.classifier",
        lsst.CLASSIFIERS.description,
        "lsst_classifier",
        _columns(spelled.LSST_CLASSIFIER, lsst.CLASSIFIERS),
    ),
    TapTable(
        "alerce_tap.taxonomy",
        "One row per class of a classifier.",
        "lsst_taxonomy",
        _columns(
            spelled.LSST_TAXONOMY,
            lsst.PROBABILITIES,
            sources={name: name for name in ("class_id", "order", "classifier_id")},
        ),
    ),
)

_SOURCE = "reference/alerce.md 9"
ENDPOINTS = (
    Endpoint(
        name="sync",
        path="/sync",
        params=(
            param("query", "str", "Query in ADQL.", wire="QUERY", required=True),
            param("language", "str", "Language of the query.", wire="LANG", choices=("ADQL", "ADQL-2.0", "ADQL-2.1")),
            param("format", "str", "Format of the answer: votable, csv, tsv or json.", wire="RESPONSEFORMAT"),
            param("maxrec", "int", "Most rows.", wire="MAXREC", minimum=0),
        ),
        description="Answer to a query in ADQL, as a VOTable; a form that is posted may hold tables.",
        source=_SOURCE,
    ),
    Endpoint(name="tables", path="/tables", description="All tables and their columns, in XML.", source=_SOURCE),
    Endpoint(name="capabilities", path="/capabilities", description="What the service can do, in XML.", source=_SOURCE),
)

# From, to, columns that join them.
KEYS = (
    *((f"ztf.{name}", "ztf.object", ("oid",)) for name in ("detection", "non_detection", "forced_photometry")),
    *((f"ztf.{name}", "ztf.object", ("oid",)) for name in ("magstat", "probability", "feature")),
    *((f"alerce_tap.{name}", "alerce_tap.object", ("oid", "sid")) for name in ("detection", "forced_photometry")),
    ("alerce_tap.probability", "alerce_tap.object", ("oid", "sid")),
    ("alerce_tap.lsst_dia_object", "alerce_tap.object", ("oid",)),
    *(
        (f"alerce_tap.lsst_{name}", f"alerce_tap.{name}", ("oid", "sid", "measurement_id"))
        for name in ("detection", "forced_photometry")
    ),
    ("alerce_tap.probability", "alerce_tap.classifier", ("classifier_id",)),
    ("alerce_tap.probability", "alerce_tap.taxonomy", ("class_id", "classifier_id")),
    ("alerce_tap.taxonomy", "alerce_tap.classifier", ("classifier_id",)),
)


@dataclass(frozen=True)
class BulkSource:
    """Where the rows of one of our tables stand at the TAP service.

    Parameters
    ----------
    schema : TableSchema
        Our table.
    tables : tuple of str
        Its tables there; several are joined. The first is called ``t0``, and so on.
    on : tuple of str
        Columns that join them.
    order : tuple of str
        Columns of the first that the rows of one object are sorted by.
    id_datatype : {"char", "long"}
        Of the objects' ids.
    joined : dict
        Our column -> columns there whose texts make it up when put together.
    """

    schema: TableSchema
    tables: tuple[str, ...]
    on: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    id_datatype: str = "char"
    joined: Mapping = field(default_factory=dict, hash=False)

    @property
    def columns(self):
        """Name on the wire of each column that is there -> table's number and name there."""
        held = [[column.name for column in _BY_NAME[table].columns] for table in self.tables]
        found = {}
        for column in self.schema.columns:
            places = [
                (number, column.wire.lower()) for number, names in enumerate(held) if column.wire.lower() in names
            ]
            found |= {column.wire: places[0]} if places else {}
        return found


_BY_NAME = {table.name: table for table in TABLES}
_MEASUREMENT = {"on": ("oid", "sid", "measurement_id"), "order": ("mjd", "measurement_id"), "id_datatype": "long"}
BULK = {
    source.schema.name: source
    for source in (
        BulkSource(ztf.OBJECT, ("ztf.object",)),
        BulkSource(ztf.DETECTIONS, ("ztf.detection",), order=("mjd", "candid")),
        BulkSource(ztf.NON_DETECTIONS, ("ztf.non_detection",), order=("mjd", "fid")),
        BulkSource(
            ztf.FORCED_PHOTOMETRY,
            ("ztf.forced_photometry",),
            order=("mjd", "pid"),
            joined={"candid": ("oid", "pid")},
        ),
        BulkSource(ztf.MAGSTATS, ("ztf.magstat",), order=("fid",)),
        BulkSource(
            ztf.PROBABILITIES,
            ("ztf.probability",),
            order=("class_name", "classifier_name", "classifier_version"),
        ),
        BulkSource(ztf.FEATURES, ("ztf.feature",), order=("version", "fid", "name")),
        BulkSource(lsst.OBJECT, ("alerce_tap.object",), id_datatype="long"),
        BulkSource(lsst.DETECTIONS, ("alerce_tap.detection", "alerce_tap.lsst_detection"), **_MEASUREMENT),
        BulkSource(
            lsst.FORCED_PHOTOMETRY,
            ("alerce_tap.forced_photometry", "alerce_tap.lsst_forced_photometry"),
            **_MEASUREMENT,
        ),
    )
}
