"""The archive's tables. What the services serve is defined by their schemas; only what they do not say stands here."""

from dataclasses import replace

from astropy import units as u

from alerce_zvar.alerce import schema as alerce
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.zvar import schema as zvar

__all__ = ["BRIGHTEST", "FAINTEST", "FIRST_MJD", "LAST_MJD", "LSST_OBJECT", "TABLES", "VERSION", "create_statements"]

VERSION = 5
FIRST_MJD, LAST_MJD = 15020, 88069  # 1900 to 2100: other times are mistakes
BRIGHTEST, FAINTEST = -5, 40  # mag, likewise
# All that is known of an object of LSST: its own answer lacks what only the list of objects has.
LSST_OBJECT = replace(lsst.OBJECT_EXTRA, columns=(*lsst.OBJECT_EXTRA.columns, lsst.OBJECTS["stellar"]))
_SQL_TYPES = {"str": "VARCHAR", "int64": "BIGINT", "float64": "DOUBLE", "float32": "FLOAT", "bool": "BOOLEAN"}
_OID = ("oid VARCHAR NOT NULL",)
_LSST_OID = ("oid BIGINT NOT NULL",)
_PLACE = ("place INTEGER",)  # rank of the row in the answer that it came from
_CLASS = ("class_name VARCHAR", "place INTEGER NOT NULL")  # one row per class; one without it where there are none


def _sql_type(column):
    if column.codes:
        return "SMALLINT"
    if column.wire_dtype == "id" and column.name != "classifier_version":
        return "BIGINT"  # integers above 2^53, which our tables show as text
    if column.unit == u.mag and column.dtype == "float64":
        return "FLOAT"
    return _SQL_TYPES[column.dtype]


def _served(schema):
    """Columns of a table of the schema."""
    return tuple(f'"{column.wire}" {_sql_type(column)}' for column in schema.columns)


def _recorded(schema):
    """Columns of a table that may hold what a service answered: every number as it was written."""
    return tuple(column.replace(" FLOAT", " DOUBLE") for column in _served(schema))


TABLES = {
    "meta": ("key VARCHAR", "value VARCHAR"),
    # ra, dec are exact here; ZVAR serves them in single precision. x, y, z and hpx follow from them (sky.py).
    "sources": (
        "psid BIGINT NOT NULL",
        "oid VARCHAR",
        "lsst_oid BIGINT",
        "name VARCHAR",
        "objtype BIGINT",
        *(f"{name} DOUBLE NOT NULL" for name in ("ra", "dec", "x", "y", "z")),
        "hpx BIGINT NOT NULL",
        "alert_snr DOUBLE NOT NULL DEFAULT 0",  # see alerts.py
    ),
    # One per field, ccd, quad, band and origin (ZTF data-release id, the user's name of the source, or ZVAR). ZVAR
    # tells magzp and mag_ref with the epochs; without these they are null.
    "lightcurves": (
        "lc INTEGER NOT NULL",
        "psid BIGINT NOT NULL",
        "origin VARCHAR NOT NULL",
        *_served(zvar.LIGHTCURVES),
        "magzp DOUBLE",
        "mag_ref DOUBLE",
        *_PLACE,
    ),
    # Magnitudes are not stored: they follow from flux, flux_err, magzp and mag_ref by zvar.photometry. But what came
    # from ZVAR itself has a place, and all its numbers as they were told; it has neither candid nor mjd.
    "epochs": (
        "lc INTEGER NOT NULL",
        "key BIGINT NOT NULL",
        "candid BIGINT",
        "mjd DOUBLE",
        "bjd DOUBLE NOT NULL",
        *(f"{name} DOUBLE" for name in ("flux", "flux_err", "limiting_mag", "ra", "dec")),
        "catflags INTEGER",
        "bad BOOLEAN NOT NULL",
        *_PLACE,
        *(f"told_{name} FLOAT" for name in ("mag", "mag_err", "limiting_mag", "snr_total", "snr_diff")),
        *(f"told_{name} DOUBLE" for name in ("magzp", "mag_ref")),
    ),
    "periods": ("psid BIGINT NOT NULL", *_served(zvar.PERIODS), *_PLACE),
    # What Archive.compute_periods has searched, per light curve and number of bins; why, where there is no period.
    "period_searches": (
        "psid BIGINT NOT NULL",
        *(f"{name} BIGINT NOT NULL" for name in ("field", "ccd", "quad")),
        "band VARCHAR NOT NULL",
        *(f"{name} BIGINT NOT NULL" for name in ("bin", "n_points")),
        *(f"{name} DOUBLE NOT NULL" for name in ("minimum_period", "maximum_period")),
        "reason VARCHAR",
    ),
    "objects": _recorded(alerce.OBJECT),
    "detections": (*_OID, *_recorded(alerce.DETECTIONS)),
    "non_detections": (*_OID, *_recorded(alerce.NON_DETECTIONS)),
    "magstats": (*_OID, *_recorded(alerce.MAGSTATS), *_PLACE),
    "probabilities": (*_OID, *_recorded(alerce.PROBABILITIES), *_PLACE),
    "features": (*_OID, *_recorded(alerce.FEATURES), *_PLACE),
    "forced_photometry": (*_OID, *_recorded(alerce.FORCED_PHOTOMETRY), *_PLACE),
    # What came from the service itself, by table and object: nothing made here replaces it. A list may be empty.
    "recorded": ("name VARCHAR NOT NULL", "oid VARCHAR NOT NULL"),
    # Whole alert packets, as Avro; stamps are cut from them when they are asked for.
    "alerts": ("candid BIGINT NOT NULL", *_OID, "mjd DOUBLE NOT NULL", "packet BLOB NOT NULL"),
    "classifiers": (*_recorded(alerce.CLASSIFIERS), *_CLASS),
    "lsst_objects": _recorded(LSST_OBJECT),
    "lsst_detections": (*_recorded(lsst.DETECTIONS), *_PLACE),
    "lsst_forced_photometry": (*_recorded(lsst.FORCED_PHOTOMETRY), *_PLACE),
    "lsst_probabilities": (*_LSST_OID, *_recorded(lsst.PROBABILITIES), *_PLACE),
    "lsst_classifiers": (*_recorded(lsst.CLASSIFIERS), *_CLASS),
    # Gzipped FITS files as the service gives them; stamp is one of lsst.STAMPS.
    "lsst_stamps": ("measurement_id BIGINT NOT NULL", *_LSST_OID, "stamp VARCHAR NOT NULL", "fits BLOB NOT NULL"),
    # What has been asked of the services for keeps (downloads.py): done, missing or failed, and why.
    "downloads": (
        *(f"{name} VARCHAR NOT NULL" for name in ("service", "what", "id", "state")),
        "error VARCHAR",
        "reason VARCHAR",
        "time TIMESTAMP NOT NULL",
    ),
    # Catalogues of others, each in a table of its own (catalogs.py), in the order in which they came.
    "catalogs": (
        "name VARCHAR NOT NULL",
        "place INTEGER NOT NULL",
        "table_name VARCHAR NOT NULL",
        "ra VARCHAR NOT NULL",
        "dec VARCHAR NOT NULL",
        "description VARCHAR NOT NULL",
    ),
    # What a table of SQL does not say of its columns; sql_name is their name there.
    "catalog_columns": (
        "table_name VARCHAR NOT NULL",
        "place INTEGER NOT NULL",
        "sql_name VARCHAR NOT NULL",
        "name VARCHAR NOT NULL",
        "dtype VARCHAR NOT NULL",
        *(f"{name} VARCHAR" for name in ("unit", "wire_unit", "ucd", "description", "time_scale")),
    ),
}


def create_statements():
    """SQL that makes an empty archive."""
    yield from (f"CREATE TABLE {name} ({', '.join(columns)})" for name, columns in TABLES.items())
    yield f"INSERT INTO meta VALUES ('format', 'alerce_zvar'), ('version', '{VERSION}')"
