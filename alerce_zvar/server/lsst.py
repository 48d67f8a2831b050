"""ALeRCE's LSST services, answered from an archive: contract and traps as in reference/alerce.md 7."""

import numpy as np

from alerce_zvar.alerce.schema import lsst as schema
from alerce_zvar.archive.search import position_filter
from alerce_zvar.server import typed
from alerce_zvar.server.alerce import with_classes
from alerce_zvar.server.replies import RefusalError, one_row, rows
from alerce_zvar.server.stamps import lsst_stamp

__all__ = ["HANDLERS", "parse"]

_SURVEYS = ("ztf", "lsst")  # of the service; an archive's LSST side has only the second
_OWN_WORDS = ("survey", "survey_id", "order_mode")  # refused by words of the service itself
# In the order of the service's answers; what it cannot leave out has a value where the archive has none.
_OBJECT = """
o.oid, coalesce(o.tid, 1) AS tid, coalesce(o.sid, 1) AS sid, o.meanra, o.meandec, o.sigmara, o.sigmadec,
o.firstmjd, o.lastmjd, coalesce(o.deltamjd, o.lastmjd - o.firstmjd) AS deltamjd, o.n_det,
coalesce(o.n_forced, 0) AS n_forced, coalesce(o.n_non_det, 0) AS n_non_det
"""
_DATES = "o.created_date, o.updated_date"
_EXTRA = [column.wire for column in schema.OBJECT_EXTRA.columns[len(schema.OBJECT.columns) :]]
_DETECTION_KEYS = (
    "band", "mjd", "survey_id", "ra", "dec", "oid", "measurement_id", "parentDiaSourceId", "diaObjectId", "psfFlux",
    "psfFluxErr", "psfFlux_flag", "psfFlux_flag_edge", "psfFlux_flag_noGoodPixels", "scienceFlux", "scienceFluxErr",
    "has_stamp", "visit", "detector",
)  # fmt: skip
_FORCED_KEYS = (
    "band", "mjd", "survey_id", "oid", "measurement_id", "ra", "dec", "visit", "detector", "psfFlux", "psfFluxErr",
    "scienceFlux", "scienceFluxErr",
)  # fmt: skip
# Nulls that the service replaces: 0.0 may mean that there is no flux.
_FILL = dict.fromkeys(("parentDiaSourceId", "diaObjectId"), -1)
_FILL |= dict.fromkeys(("psfFlux", "psfFluxErr", "scienceFlux", "scienceFluxErr", "mjd", "ra", "dec"), 0.0)
_FILL |= dict.fromkeys(("band", "psfFlux_flag", "psfFlux_flag_edge", "psfFlux_flag_noGoodPixels"), 0)
_FILL |= {"has_stamp": False}
_BAND_MAP = {str(code): schema.BANDS[code] for code in (6, 1, 2, 3, 4, 5)}
# What a page can be sorted by: columns of the classification go before those of the object.
_SORTABLE = {"classifier_version": "p", "probability": "p", "ranking": "p"} | dict.fromkeys(
    (
        "oid", "tid", "sid", "meanra", "meandec", "sigmara", "sigmadec", "firstmjd", "lastmjd", "deltamjd", "n_det",
        "n_forced", "n_non_det", "created_date", "updated_date",
    ),
    "o",
)  # fmt: skip


def parse(endpoint, query, path):
    """Checked values of a request, by their names on the wire; only what was given.

    Raises
    ------
    RefusalError
        422 of a value of the wrong type or missing, 400 of a survey that the service does not know.
    """
    values = typed.parse(endpoint, query, path, _OWN_WORDS)
    for name in ("survey", "survey_id"):
        if values.get(name, schema.SURVEY) not in _SURVEYS:
            known = ", ".join(_SURVEYS)
            raise RefusalError(400, {"detail": f"Invalid survey ID '{values[name]}'. Allowed surveys are: {known}"})
    return values


def objects(archive, args):
    """One page of objects, one row for each classifier that knows them; unclassified ones come last."""
    _check_ranges(args)
    args = schema.DEFAULTS | args
    page, size = _page(args)
    arrays = {}
    joined, filters = _classified(args)
    filters += _object_filters(args, arrays)
    where = " AND ".join(["true", *(sql for sql, _ in filters)])
    found = archive.query(
        f"SELECT {_OBJECT}, o.stellar, p.class_name, p.classifier_name, p.classifier_version, p.probability, p.ranking "
        f"FROM lsst_objects o {joined} lsst_probabilities p ON p.oid = o.oid AND p.ranking = ? "
        f"WHERE {where} ORDER BY {_order(args)} LIMIT {size + 1} OFFSET {(page - 1) * size}",
        [args["ranking"], *(value for _, values in filters for value in values)],
        **arrays,
    )
    return _paged(_with_versions(archive, rows(found)), page, size)


def _check_ranges(args):
    limits = args.get("n_det", [])
    if len(limits) == 2 and limits[0] > limits[1]:
        raise RefusalError(422, {"detail": {"detections_container": "Min value can't be greater than max."}})
    if args.get("order_mode", "ASC") not in ("ASC", "DESC"):
        raise RefusalError(422, {"detail": {"search_filters": "Order can be only DESC or ASC."}})


def _classified(args):
    """Kind of join and filters on classifications; without such a filter an object needs none."""
    filters = [
        (f"p.{column} = ?", [args[name]])
        for name, column in (("classifier", "classifier_name"), ("class_name", "class_name"))
        if name in args
    ]
    if args["probability"] > 0:
        filters.append(("p.probability >= ?", [args["probability"]]))
    return ("JOIN" if filters or args["ranking"] != 1 else "LEFT JOIN"), filters


def _object_filters(args, arrays):
    filters = [("false", [])] if args.get("survey") != schema.SURVEY else []
    for name in ("n_det", "firstmjd", "lastmjd"):
        limits = args.get(name, [])[:2]
        filters += [(f"o.{name} {sign} ?", [limit]) for sign, limit in zip((">=", "<="), limits, strict=False)]
    if "oid" in args:
        arrays["wanted"] = {"oid": _numbers(args["oid"])}
        filters.append(("o.oid IN (SELECT oid FROM wanted)", []))
    if "ra" in args and "dec" in args:  # unlike ZTF's service it takes a zero as one
        filters.append(position_filter("o.meanra", "o.meandec", args["ra"], args["dec"], args["radius"]))
    return filters


def _numbers(oids):
    """Identifiers as 64-bit numbers; one that is none is nobody's."""
    return np.array([int(oid) if len(oid) < 20 and int(oid) < 2**63 else -1 for oid in oids], dtype=np.int64)


def _order(args):
    """As in PostgreSQL, null comes last, in descending order first; but who has no class is always last."""
    column = args["order_by"]
    if column not in _SORTABLE:
        raise _failure()
    table, mode = _SORTABLE[column], args["order_mode"]
    nulls = "FIRST" if mode == "DESC" and table == "o" else "LAST"
    return (
        f"{table}.{column} {mode} NULLS {nulls}, o.oid, p.place, p.classifier_name, p.classifier_version, p.class_name"
    )


def _failure():
    return RefusalError(500, {"detail": "An error occurred"})


def _page(args):
    size = args["page_size"] if args["page_size"] >= 0 else schema.DEFAULTS["page_size"]
    return min(max(args["page"], 1), 2**31), min(size, 2**31)


def _with_versions(archive, items):
    """Versions as in the list of classifiers: 2.0.1, which the classifications themselves write 201."""
    known = archive.query(
        "SELECT DISTINCT classifier_name AS name, classifier_version AS version FROM lsst_classifiers"
    )
    listed = {
        (name, version.replace(".", "")): version for name, version in zip(known["name"], known["version"], strict=True)
    }
    for item in items:
        version = item["classifier_version"]
        if version is not None:
            dotted = ".".join(version) if version.isdigit() else version
            item["classifier_version"] = listed.get((item["classifier_name"], version), dotted)
    return items


def _paged(items, page, size):
    """`total` is what was fetched for this page, with the row that shows whether there is a next one."""
    has_next = len(items) > size
    return {
        "total": len(items),
        "next": page + 1 if has_next else None,
        "has_next": has_next,
        "prev": page - 1 if page > 1 else None,
        "has_prev": page > 1,
        "current_page": page,
        "items": items[:size],
        "info_message": None if items else "Empty query",
    }


def one_object(archive, args):
    """One object, if wanted with LSST's own columns; of an unknown one the service fails."""
    extra = "".join(f', o."{wire}"' for wire in _EXTRA) if args.get("return_survey_extra") else ""
    oid = _numbers([args["oid"]] if args["survey_id"] == schema.SURVEY else ["0"])[0]
    found = one_row(archive.query(f"SELECT {_OBJECT}, {_DATES}{extra} FROM lsst_objects o WHERE oid = ?", [int(oid)]))
    if found is None:
        raise _failure()
    return found


def detections(archive, args):
    """Detections of one object or of several."""
    return _measured(archive, args, schema.DETECTIONS, "lsst_detections", _DETECTION_KEYS)


def forced_photometry(archive, args):
    """Forced photometry: of a single object the service gives only the first rows, of several all."""
    found = _measured(archive, args, schema.FORCED_PHOTOMETRY, "lsst_forced_photometry", _FORCED_KEYS)
    return found[: schema.FORCED_LIMIT] if len(args.get("oid", [])) < 2 else found


def _measured(archive, args, table, stored, first):
    """Rows of a table of the schema in the service's form: with the survey and the names of the bands in each."""
    wires = [column.wire for column in table.columns]
    keys = [*first, *(wire for wire in wires if wire not in first)]
    oids = _numbers(args.get("oid", [])) if args["survey_id"] == schema.SURVEY else np.empty(0, np.int64)
    wanted = {"oid": oids, "nth": np.arange(len(oids))}
    columns = ", ".join("'lsst' AS survey_id" if key == "survey_id" else f'm."{key}"' for key in keys)
    found = archive.query(
        f"SELECT {columns} FROM {stored} m JOIN (SELECT oid, min(nth) AS nth FROM wanted GROUP BY oid) w USING (oid) "
        "ORDER BY w.nth, m.place NULLS LAST, m.mjd, m.measurement_id",
        wanted=wanted,
    )
    return [_filled(row) | {"band_map": _BAND_MAP} for row in rows(found)]


def _filled(row):
    return {key: _FILL.get(key) if value is None else value for key, value in row.items()}


def non_detections(archive, args):
    """None: LSST has forced photometry instead."""
    return []


def lightcurve(archive, args):
    """All three in one body; forced photometry is cut there as well."""
    return {
        "detections": detections(archive, args),
        "non_detections": non_detections(archive, args),
        "forced_photometry": forced_photometry(archive, args),
    }


def probabilities(archive, args):
    """All classifications of one object; 404 where there are none, or no such classifier."""
    wanted = args.get("classifier")
    if wanted is not None:
        known = "SELECT classifier_name FROM lsst_classifiers UNION SELECT classifier_name FROM lsst_probabilities"
        if not len(archive.query(f"SELECT * FROM ({known}) WHERE classifier_name = ?", [wanted])["classifier_name"]):
            raise RefusalError(404, {"detail": "Classifier not found"})
    found = archive.query(
        "SELECT classifier_name, classifier_version, class_name, probability, ranking FROM lsst_probabilities "
        "WHERE oid = ? AND classifier_name = coalesce(?, classifier_name) "
        "ORDER BY place NULLS LAST, classifier_name, classifier_version, ranking",
        [int(_numbers([args["oid"]])[0]), wanted],
    )
    if not len(found["ranking"]):
        raise RefusalError(404, {"detail": "Probability not found for the given OID"})
    return [row | {"classifier_version": _as_number(row["classifier_version"])} for row in rows(found)]


def _as_number(version):
    bare = version.replace(".", "")
    return int(bare) if bare.isdigit() else version


def classifiers(archive, args):
    """Classifiers, their versions and classes."""
    wanted = args.get("classifier_name")
    found = archive.query(
        "SELECT classifier_name, classifier_version, class_name, classifier_id FROM lsst_classifiers "
        "WHERE classifier_name = coalesce(?, classifier_name) ORDER BY place",
        [wanted],
    )
    return with_classes(rows(found))


HANDLERS = {
    "objects": objects,
    "object": one_object,
    "detections": detections,
    "forced_photometry": forced_photometry,
    "non_detections": non_detections,
    "lightcurve": lightcurve,
    "probabilities": probabilities,
    "classifiers": classifiers,
    "stamp": lsst_stamp,
}
