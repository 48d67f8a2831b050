"""The archive's tables. What the services serve is defined by their schemas; only what they do not say stands here."""

from astropy import units as u

from alerce_zvar.alerce import schema as alerce
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.zvar import schema as zvar

__all__ = ["BRIGHTEST", "FAINTEST", "FIRST_MJD", "LAST_MJD", "TABLES", "VERSION", "create_statements"]

VERSION = 3
FIRST_MJD, LAST_MJD = 15020, 88069  # 1900 to 2100: other times are mistakes
BRIGHTEST, FAINTEST = -5, 40  # mag, likewise
_SQL_TYPES = {"str": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "float32": "FLOAT", "bool": "BOOLEAN"}
_OID = ("oid VARCHAR NOT NULL",)
_LSST_OID = ("oid BIGINT NOT NULL",)


def _sql_type(column):
    if column.codes:
        return "SMALLINT"
    if column.wire_dtype == "id" and column.name != "classifier_version":
        return "BIGINT"  # integers above 2^53, which our tables show as text
    if column.unit == u.mag and column.dtype == "float64":
        return "FLOAT"  # ALeRCE keeps magnitudes in single precision: its bodies print 17.634726
    return _SQL_TYPES[column.dtype]


def _served(schema, exactly=False):
    """Columns of a table of the schema; exactly: its numbers in double precision, whatever their unit."""
    types = {column.wire: _sql_type(column) for column in schema.columns}
    return tuple(f'"{wire}" {"DOUBLE" if exactly and kind == "FLOAT" else kind}' for wire, kind in types.items())


TABLES = {
    "meta": ("key VARCHAR", "value VARCHAR"),
    # ra, dec are exact here; ZVAR serves them in single precision. x, y, z and hpx follow from them (sky.py).
    "sources": (
        "psid BIGINT NOT NULL",
        "oid VARCHAR",
        "name VARCHAR",
        "objtype BIGINT",
        *(f"{name} DOUBLE NOT NULL" for name in ("ra", "dec", "x", "y", "z")),
        "hpx BIGINT NOT NULL",
        "alert_snr DOUBLE NOT NULL DEFAULT 0",  # see alerts.py
    ),
    # One per field, ccd, quad, band and origin (ZTF data-release id, or the user's name of the source).
    "lightcurves": (
        "lc INTEGER NOT NULL",
        "psid BIGINT NOT NULL",
        "origin VARCHAR NOT NULL",
        *_served(zvar.LIGHTCURVES),
        "magzp DOUBLE NOT NULL",
        "mag_ref DOUBLE NOT NULL",
    ),
    # Magnitudes are not stored: they follow from flux, flux_err, magzp and mag_ref by zvar.photometry.
    "epochs": (
        "lc INTEGER NOT NULL",
        "key BIGINT NOT NULL",
        "candid BIGINT NOT NULL",
        "mjd DOUBLE NOT NULL",
        "bjd DOUBLE NOT NULL",
        *(f"{name} DOUBLE" for name in ("flux", "flux_err", "limiting_mag", "ra", "dec")),
        "catflags INTEGER",
        "bad BOOLEAN NOT NULL",
    ),
    "periods": ("psid BIGINT NOT NULL", *_served(zvar.PERIODS)),
    "objects": _served(alerce.OBJECT),
    "detections": (*_OID, *_served(alerce.DETECTIONS)),
    "non_detections": (*_OID, *_served(alerce.NON_DETECTIONS)),
    "probabilities": (*_OID, *_served(alerce.PROBABILITIES)),
    "features": (*_OID, *_served(alerce.FEATURES)),
    "forced_photometry": (*_OID, *_served(alerce.FORCED_PHOTOMETRY, exactly=True)),
    # Whole alert packets, as Avro; stamps are cut from them when they are asked for.
    "alerts": ("candid BIGINT NOT NULL", *_OID, "mjd DOUBLE NOT NULL", "packet BLOB NOT NULL"),
    # One row per class; place is its rank in the service's list.
    "classifiers": (*_served(alerce.CLASSIFIERS), "class_name VARCHAR NOT NULL", "place INTEGER NOT NULL"),
    "lsst_objects": _served(lsst.OBJECT),
    "lsst_detections": _served(lsst.DETECTIONS),
    "lsst_forced_photometry": _served(lsst.FORCED_PHOTOMETRY),
    "lsst_probabilities": (*_LSST_OID, *_served(lsst.PROBABILITIES)),
    "lsst_classifiers": (*_served(lsst.CLASSIFIERS), "class_name VARCHAR NOT NULL", "place INTEGER NOT NULL"),
    # Gzipped FITS files as the service gives them; stamp is one of lsst.STAMPS.
    "lsst_stamps": ("measurement_id BIGINT NOT NULL", *_LSST_OID, "stamp VARCHAR NOT NULL", "fits BLOB NOT NULL"),
}


def create_statements():
    """SQL that makes an empty archive."""
    yield from (f"CREATE TABLE {name} ({', '.join(columns)})" for name, columns in TABLES.items())
    yield f"INSERT INTO meta VALUES ('format', 'alerce_zvar'), ('version', '{VERSION}')"
