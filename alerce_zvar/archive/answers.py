"""ALeRCE's answers as rows of the archive's tables: which table, of which object, in which form.

::

    endpoint word, decoded body  ->  rows of one object  ->  Answer (table, oid, typed columns)

A service gives the same row in several forms, and not each has all columns: what a form lacks is kept as it was known.
"""

from typing import NamedTuple

import numpy as np

from alerce_zvar.alerce import schema as ztf
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.archive.tables import LSST_OBJECT, TABLES
from alerce_zvar.archive.values import checked, needs_value, whole_number
from alerce_zvar.errors import ArchiveError, shown

__all__ = ["CLASSIFIER_TABLES", "KEYS", "WORDS", "Answer", "answers_of", "columns_of", "make_answer", "oid_array"]


class Answer(NamedTuple):
    """Rows of one object.

    Attributes
    ----------
    table : str
        Of the archive.
    oid : str
        The object; empty of a taxonomy.
    columns : dict of ndarray
        Values by their names on the wire; only what rows of this form have. No row is a whole answer, too.
    whole : bool
        False where the object may have more rows than these.
    unknown : frozenset of str
        ``table.key`` of values for which the archive has no column.
    """

    table: str
    oid: str
    columns: dict
    whole: bool
    unknown: frozenset

    @property
    def form(self):
        """What tells it from answers of other forms about the same."""
        return frozenset(self.columns), self.whole


# Table of the archive -> schema of its rows.
SCHEMAS = {
    "objects": ztf.OBJECT,
    "detections": ztf.DETECTIONS,
    "non_detections": ztf.NON_DETECTIONS,
    "magstats": ztf.MAGSTATS,
    "probabilities": ztf.PROBABILITIES,
    "features": ztf.FEATURES,
    "forced_photometry": ztf.FORCED_PHOTOMETRY,
    "lsst_objects": LSST_OBJECT,
    "lsst_detections": lsst.DETECTIONS,
    "lsst_forced_photometry": lsst.FORCED_PHOTOMETRY,
    "lsst_probabilities": lsst.PROBABILITIES,
    "classifiers": ztf.CLASSIFIERS,
    "lsst_classifiers": lsst.CLASSIFIERS,
}
CLASSIFIER_TABLES = ("classifiers", "lsst_classifiers")
# What tells an object's rows apart, where answers of different forms are put together.
KEYS = {
    "objects": (),
    "detections": ("candid",),
    "lsst_objects": (),
    "lsst_detections": ("measurement_id",),
    "lsst_forced_photometry": ("measurement_id",),
    "lsst_probabilities": ("classifier_name", "classifier_version", "class_name"),
}
_PLACED = {name for name, columns in TABLES.items() if any(column.startswith("place ") for column in columns)}
# Keys that say what another place says already; others that the archive lacks are reported, unless they are null.
_REPEATED = frozenset(
    (
        "oid", "tid", "sid", "survey_id", "band_map", "band_name", "class", "classifier", "probability", "extra_fields",
        "classes", "class_name",
    )
)  # fmt: skip
_CLASSIFICATION = {column.wire for column in lsst.PROBABILITIES.columns}


def answers_of(word, body, oid=""):
    """What an answer holds.

    Parameters
    ----------
    word : str
        Endpoint: one of the schemas' names, with ``lsst_`` before those of LSST.
    body : list or dict
        Decoded JSON.
    oid : str
        Object that was asked for; several of LSST are separated by commas.

    Returns
    -------
    list of Answer

    Raises
    ------
    ArchiveError
        The body is not what the endpoint answers, or the word is none.
    """
    if word not in _READERS:
        raise ArchiveError(f"{shown(word)} is no answer that an archive keeps; it keeps {', '.join(_READERS)}.")
    return _READERS[word](body, oid)


def _items(body, oid):
    """Page of objects: of each object its row; which classifier version it stands for, it does not say."""
    return [answer for row in _rows(_part(body, "items"), "items") for answer in _READERS["object"](row, "")]


def _one(table):
    return lambda body, oid: [make_answer(table, _name(body, oid), [body])]


def _list_of(table):
    def read(body, oid):
        rows = _rows(body, table)
        named = {_name(row, oid) for row in rows} | ({_needed(oid)} if oid or not rows else set())
        if len(named) > 1:
            raise ArchiveError(f"{table}: rows of several objects: {', '.join(sorted(named)[:5])}.")
        return [make_answer(table, named.pop(), [_older(table, row) for row in rows])]

    return read


def _lightcurve(prefix=""):
    def read(body, oid):
        parts = [name for name in ("detections", "non_detections", "forced_photometry") if name in _mapping(body)]
        if not parts:
            raise ArchiveError("a light curve has 'detections', 'non_detections' or 'forced_photometry', this none.")
        return [answer for name in parts for answer in _READERS[f"{prefix}{name}"](body[name], oid)]

    return read


def _older(table, row):
    """A row of the newer light-curve service in the words of the older one."""
    if "extra_fields" not in row:
        return row
    row = _mapping(row["extra_fields"]) | row
    return {ztf.V2_NAMES.get(key, key): value for key, value in row.items()} if table == "detections" else row


def _classifiers(table):
    def read(body, oid):
        rows = [
            row | {"class_name": name}
            for row in _rows(body, table)
            for name in _texts(row.get("classes"), "classes") or [None]
        ]
        return [make_answer(table, "", rows)]

    return read


def _lsst_items(body, oid):
    """Page of objects, each with one of its classifications."""
    found = []
    for row in _rows(_part(body, "items"), "items"):
        own = {key: value for key, value in row.items() if key not in _CLASSIFICATION}
        found += _READERS["lsst_object"](own, "")
        if row.get("classifier_name") is not None:
            version = str(row.get("classifier_version")).replace(".", "")  # 2.0.1 here, 201 in the object's own list
            known = {key: row[key] for key in _CLASSIFICATION & row.keys()} | {"classifier_version": version}
            found.append(make_answer("lsst_probabilities", _name(row, ""), [known], whole=False))
    return found


def _lsst_list_of(table):
    def read(body, oid):
        """Rows of one object or of several, each of which the answer covers."""
        rows = _rows(body, table)
        asked = [one for one in str(oid).split(",") if one] or ([] if rows else [_needed("")])
        groups = {one: [] for one in asked}
        for row in rows:
            groups.setdefault(_name(row, asked[0] if len(asked) == 1 else ""), []).append(row)
        cut = table == "lsst_forced_photometry" and len(asked) < 2 and len(rows) >= lsst.FORCED_LIMIT
        return [make_answer(table, one, found, whole=not cut) for one, found in groups.items()]

    return read


def _lsst_probabilities(body, oid):
    return [make_answer("lsst_probabilities", _needed(oid), _rows(body, "probabilities"))]


def _lsst_non_detections(body, oid):
    if _rows(body, "non_detections"):
        raise ArchiveError("LSST has no non-detections; these are rows of another survey.")
    return []


_READERS = {
    "objects": _items,
    "object": _one("objects"),
    **{name: _list_of(name) for name in ("detections", "non_detections", "magstats", "probabilities", "features")},
    "lightcurve": _lightcurve(),
    "forced_photometry": _list_of("forced_photometry"),
    "classifiers": _classifiers("classifiers"),
    "lsst_objects": _lsst_items,
    "lsst_object": _one("lsst_objects"),
    "lsst_detections": _lsst_list_of("lsst_detections"),
    "lsst_forced_photometry": _lsst_list_of("lsst_forced_photometry"),
    "lsst_non_detections": _lsst_non_detections,
    "lsst_lightcurve": _lightcurve("lsst_"),
    "lsst_probabilities": _lsst_probabilities,
    "lsst_classifiers": _classifiers("lsst_classifiers"),
}
WORDS = tuple(_READERS)


def _mapping(value):
    if not isinstance(value, dict):
        raise ArchiveError(f"a JSON object was expected, not {type(value).__name__}.")
    return value


def _part(body, key):
    if key not in _mapping(body):
        raise ArchiveError(f"the key {key!r} is missing.")
    return body[key]


def _rows(body, what):
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise ArchiveError(f"{what}: a list of JSON objects was expected.")
    return body


def _texts(values, what):
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ArchiveError(f"{what}: a list of text was expected.")
    return values


def _name(row, oid):
    """Object that a row names, or the one that was asked for."""
    return _needed(_mapping(row).get("oid", oid))


def _needed(oid):
    if not isinstance(oid, (str, int)) or isinstance(oid, bool) or not str(oid):
        raise ArchiveError(f"the object's 'oid' must be text or a number; it is {oid!r}.")
    return str(oid)


def make_answer(table, oid, rows, *, whole=True):
    """Answer of rows of one object, with every value checked.

    Parameters
    ----------
    table, oid, whole
        As of `Answer`.
    rows : list of dict
        Values by their names on the wire.

    Returns
    -------
    Answer

    Raises
    ------
    ArchiveError
        A value of the wrong type or out of range, or a null where none may be.
    """
    known = {column.wire: column for column in SCHEMAS[table].columns}
    named = set().union(*rows)
    # The older service's detections may leave out what is null, row by row.
    given = known.keys() - {"drbversion"} if table == "detections" and "extra_fields" not in named else named
    lacking = [wire for wire, column in known.items() if wire not in given | {"oid"} and needs_value(column)]
    if rows and lacking:
        raise ArchiveError(f"{table}: {', '.join(map(repr, lacking))} is missing in every row.")
    columns = _own_columns(table, oid, rows)
    try:
        for wire in known.keys() & given - columns.keys():
            bare_nan = (table, wire) == ("features", "value")
            columns[wire] = checked(known[wire], [row.get(wire) for row in rows], wire, bare_nan=bare_nan)
    except ValueError as exc:
        raise ArchiveError(f"{table}: {exc}") from exc
    foreign = named - known.keys() - _REPEATED
    unknown = {f"{table}.{key}" for key in foreign for row in rows if row.get(key) is not None}
    return Answer(table, oid, columns, whole, frozenset(unknown))


def _own_columns(table, oid, rows):
    """What the schema does not have: whose rows these are, or of which class, and in which order they came."""
    if table in CLASSIFIER_TABLES:
        columns = {"class_name": np.array([row["class_name"] for row in rows], dtype=object)}
    else:
        columns = oid_array(table, [oid] * len(rows))
    return columns | ({"place": np.arange(len(rows))} if table in _PLACED else {})


def oid_array(table, oids):
    """Identifiers as the table has them, as a column.

    Raises
    ------
    ArchiveError
        An object of LSST whose identifier is not a whole number.
    """
    if not table.startswith("lsst_"):
        return {"oid": np.array(oids, dtype=object)}
    try:
        return {"oid": np.array([whole_number(oid, "oid") for oid in oids], dtype=np.int64)}
    except ValueError as exc:
        raise ArchiveError(f"{table}: {exc}") from exc


def columns_of(answers):
    """Columns of the rows of answers of one table and form."""
    return {
        wire: np.ma.concatenate(parts) if isinstance(parts[0], np.ma.MaskedArray) else np.concatenate(parts)
        for wire in answers[0].columns
        if (parts := [answer.columns[wire] for answer in answers])
    }
