"""Rows of many objects in few requests: their ids are uploaded to the TAP service and joined there.

::

    ids ─ chunks ─► upload of a column object_id ─► JOIN ... ON oid = object_id ─► typed rows, in the order of the ids
                     an answer that is cut, or too large: the same again in two halves
"""

import numpy as np
from astropy.table import Column, vstack

from alerce_zvar.alerce.schema.adql import RESERVED
from alerce_zvar.alerce.schema.tap import BULK
from alerce_zvar.config import conf
from alerce_zvar.errors import NotFoundError, ReplyError, ReplyTooLargeError, ServiceError
from alerce_zvar.votable import Field, VOTable, write_votable
from alerce_zvar.wire.answer import Failures
from alerce_zvar.wire.client import chunks, unique_positions
from alerce_zvar.wire.decode import decode_columns, empty_table

__all__ = ["questions_by_tap", "rows_by_tap", "uses_tap"]

_SMALLEST, _LARGEST = 50, 500  # ids of a request
_MAXREC = 1_000_000  # rows of a request; the service's own default is smaller
_UPLOAD, _ID = "wanted", "object_id"  # never oid: the service refuses that name (reference/alerce.md 9)


def uses_tap(count):
    """True if so many ids are asked for by TAP: ``conf.tap_threshold`` or more, if that is positive."""
    return 0 < conf.tap_threshold <= count


def questions_by_tap(service, schema, oids, *, where=""):
    """The `Question` of each chunk of ids, as `rows_by_tap` asks it at first; its arguments are those there."""
    source, ids = BULK[schema.name], list(dict.fromkeys(oids))
    return [_question(service._tap, source, chunk, where) for chunk in chunks(ids, _size(len(ids)))]


def rows_by_tap(service, schema, oids, *, where="", timeout=None):
    """Rows of a table for many objects, typed as the JSON services' rows are.

    Parameters
    ----------
    service : AlerceService
        Gives the TAP service's address and connections.
    schema : TableSchema
        What the rows are; its name is a key of `alerce_zvar.alerce.schema.tap.BULK`: ``object``, ``detections``,
        ``non_detections``, ``forced_photometry``, ``magstats``, ``probabilities``, ``features``, and of LSST
        ``lsst_object``, ``lsst_detections``, ``lsst_forced_photometry``.
    oids : list of str
        Checked ids, in order; one that stands there twice gets its rows twice.
    where : str
        Further condition in ADQL on the columns of the table, which is called ``t0``, such as
        ``"t0.classifier_name = 'lc_classifier'"``; texts in it are made by `alerce_zvar.alerce.tap.quoted`.
    timeout : float or Quantity, optional
        For each chunk of ids, however often it has to be halved.

    Returns
    -------
    table : `~astropy.table.Table`
        ``oid`` first, then the columns of `schema`, masked where the TAP service lacks them. In the order of the ids;
        the rows of one object in that of the JSON services. TAP gives magnitudes in single precision, the JSON services
        in its shortest decimal writing: they may differ in the eighth digit.
    failures : Failures
        By index in `oids`: those of requests that failed with their error, and those that the service does not know
        as `NotFoundError`. An object without rows is no failure.
    """
    source, failures = BULK[schema.name], Failures(list(oids))
    positions = unique_positions(failures.inputs)
    size = _size(len(positions))

    def ask(chunk, deadline):
        return _rows(service._tap, source, chunk, where, deadline)

    parts = []
    for chunk, found in service._tap.transport.map_calls(ask, chunks(list(positions), size), timeout=timeout):
        if isinstance(found, ServiceError):
            failures.add([index for oid in chunk for index in positions[oid]], found)
            continue
        table, unknown = found
        parts.append(table)
        error = NotFoundError("The service knows no such object.", url=service._tap.url())
        failures.add([index for oid in unknown for index in positions[oid]], error)
    return _in_order(schema, parts, positions), failures


def _size(count):
    """Ids of a request: all connections have work, but not too much of it."""
    return int(np.clip(-(-count // max(1, conf.max_connections)), _SMALLEST, _LARGEST))


def _question(tap, source, oids, where):
    return tap.question(_adql(source, where), uploads={_UPLOAD: _upload(source, oids)}, maxrec=_MAXREC)


def _rows(tap, source, oids, where, deadline):
    """Rows of some objects, and those of them that the service does not know."""
    question = _question(tap, source, oids, where)
    try:
        found = tap.answer(question, deadline)
        cut = found.status[0] == "OVERFLOW"
    except ReplyTooLargeError:
        if len(oids) == 1:
            raise
        cut = True
    if cut and len(oids) == 1:
        raise ReplyError(f"The answer was cut at {_MAXREC} rows.", url=question.url)
    if cut:
        half = len(oids) // 2
        halves = [_rows(tap, source, part, where, deadline) for part in (oids[:half], oids[half:])]
        tables = [table for table, _ in halves]
        return vstack(tables, metadata_conflicts="silent"), [oid for _, unknown in halves for oid in unknown]
    table = _decoded(source, found, question.url)
    found_oids = set(table["oid"].tolist())
    return table, _unknown(tap, source, [oid for oid in oids if oid not in found_oids], deadline)


def _adql(source, where):
    tables = [f"{source.tables[0]} AS t0 ON t0.oid = u.{_ID}"]
    for number, name in enumerate(source.tables[1:], start=1):
        on = " AND ".join(f"t0.{column} = t{number}.{column}" for column in source.on)
        tables.append(f"{name} AS t{number} ON {on}")
    columns = {"oid": (0, "oid")} | source.columns
    listed = ", ".join(f"t{number}.{_identifier(name)}" for number, name in columns.values())
    rest = f" WHERE {where}" if where else ""
    rest += f" ORDER BY {', '.join(f't0.{_identifier(name)}' for name in source.order)}" if source.order else ""
    return f"SELECT {listed} FROM TAP_UPLOAD.{_UPLOAD} AS u JOIN {' JOIN '.join(tables)}{rest}"


def _identifier(name):
    """Name of a column as it stands in a query."""
    return f'"{name}"' if name.upper() in RESERVED else name


def _upload(source, oids):
    """VOTable of ids, as bytes."""
    if source.id_datatype == "char":
        field, values = Field(name=_ID, datatype="char", arraysize="*"), np.array(oids, dtype=object)
    else:
        field, values = Field(name=_ID, datatype=source.id_datatype), np.array([int(oid) for oid in oids], np.int64)
    return write_votable(VOTable([field], [np.ma.asarray(values)]))


def _decoded(source, found, url):
    names = ["oid", *(wire for wire in source.columns if wire != "oid")]
    if len(names) != len(found.columns):
        raise ReplyError(f"The answer has {len(found.columns)} columns where {len(names)} were asked for.", url=url)
    columns = dict(zip(names, found.columns, strict=True))
    for wire, parts in source.joined.items():
        texts = zip(*(columns[name].tolist() for name in parts), strict=True)
        columns[wire] = np.ma.array(np.array(["".join(map(str, row)) for row in texts], dtype=object))
    table = decode_columns(columns, source.schema, url=url)
    if "oid" not in table.colnames:
        table.add_column(_owners(columns["oid"]), name="oid", index=0)
    return table


def _owners(values):
    return Column(np.array(list(map(str, values.tolist())), dtype=str), description="ALeRCE object identifier")


def _unknown(tap, source, oids, deadline):
    """Those of some objects that the service does not know."""
    objects = source.tables[0].partition(".")[0] + ".object"
    if source.tables[0] == objects or not oids:
        return oids
    adql = f"SELECT t0.oid FROM TAP_UPLOAD.{_UPLOAD} AS u JOIN {objects} AS t0 ON t0.oid = u.{_ID}"
    question = tap.question(adql, uploads={_UPLOAD: _upload(source, oids)}, maxrec=_MAXREC)
    found = tap.answer(question, deadline)
    known = set(map(str, found.columns[0].tolist()))
    return [oid for oid in oids if oid not in known]


def _in_order(schema, parts, positions):
    """Rows in the order of the ids, and those of one object as they came."""
    table = vstack(parts, metadata_conflicts="silent") if parts else _empty(schema)
    oids, owners = np.unique(np.asarray(table["oid"]), return_inverse=True)
    by_owner = np.argsort(owners, kind="stable")
    ends = np.searchsorted(owners[by_owner], np.arange(len(oids) + 1))
    owner_of = {oid: number for number, oid in enumerate(oids.tolist())}
    wanted = sorted(
        (index, owner_of[oid]) for oid, indices in positions.items() if oid in owner_of for index in indices
    )
    rows = [by_owner[ends[owner] : ends[owner + 1]] for _, owner in wanted]
    return table[np.concatenate(rows)] if rows else table[:0]


def _empty(schema):
    table = empty_table(schema)
    if "oid" not in table.colnames:
        table.add_column(_owners(np.array([], dtype=object)), name="oid", index=0)
    return table
