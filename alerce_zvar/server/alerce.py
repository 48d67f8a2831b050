"""ALeRCE's ZTF services, answered from an archive: contract and traps as in reference/alerce.md 2 to 4."""

import math

import numpy as np

from alerce_zvar.alerce import schema
from alerce_zvar.archive.search import position_filter
from alerce_zvar.server.replies import FLASK_REASONS, RefusalError, one_row, rows, with_bare_nan
from alerce_zvar.server.statistics import MAGSTATS

__all__ = [
    "DETECTION_KEYS",
    "HANDLERS",
    "MAGSTATS_KEYS",
    "NON_DETECTION_KEYS",
    "OBJECT_KEYS",
    "all_detections",
    "all_non_detections",
    "observed_by",
    "parse",
    "with_classes",
]

# Keys in the order of the recorded bodies.
OBJECT_KEYS = (
    "oid", "ndethist", "ncovhist", "mjdstarthist", "mjdendhist", "corrected", "stellar", "ndet", "g_r_max",
    "g_r_max_corr", "g_r_mean", "g_r_mean_corr", "firstmjd", "lastmjd", "deltajd", "meanra", "meandec", "sigmara",
    "sigmadec",
)  # fmt: skip
DETECTION_KEYS = (
    "tid", "mjd", "candid", "fid", "pid", "diffmaglim", "isdiffpos", "nid", "distnr", "magpsf", "magpsf_corr",
    "magpsf_corr_ext", "magap", "magap_corr", "sigmapsf", "sigmapsf_corr", "sigmapsf_corr_ext", "sigmagap",
    "sigmagap_corr", "ra", "dec", "rb", "rbversion", "drb", "magapbig", "sigmagapbig", "rfid", "has_stamp",
    "corrected", "dubious", "candid_alert", "step_id_corr", "phase", "parent_candid",
)  # fmt: skip
NON_DETECTION_KEYS = ("tid", "mjd", "fid", "diffmaglim")
MAGSTATS_KEYS = (
    "fid", "stellar", "corrected", "ndet", "ndubious", "magmean", "magmedian", "magmax", "magmin", "magsigma",
    "maglast", "magfirst", "firstmjd", "lastmjd", "step_id_corr",
)  # fmt: skip
_AS_TEXT = ("ndethist", "candid")  # integers in the archive, text on the wire
# Help texts that the service puts before the reason (reference/alerce.md 4); elsewhere our own description stands.
_HELP = {
    "order_by": "Column used for ordering",
    "ndet": "Range of detections.",
    "count": "Whether to count total objects or not.",
}
_BOOLEANS = dict.fromkeys(("yes", "true", "t", "y", "1"), True) | dict.fromkeys(("no", "false", "f", "n", "0"), False)
_PROBABILITY_FILTERS = {
    "classifier": "classifier_name",
    "classifier_version": "classifier_version",
    "class": "class_name",
}
_CLASSIFIED = {column.wire for column in schema.PROBABILITIES.columns}


def parse(endpoint, query, path):
    """Checked values of a request, by their names on the wire; only what was given.

    Raises
    ------
    RefusalError
        400, about the first bad parameter in the order of the schema.
    """
    values = dict(path)
    for param in endpoint.params:
        given = query.getlist(param.wire) if param.where == "query" else []
        if given:
            try:
                converted = [_convert(param, text) for text in given]
            except ValueError as exc:
                errors = {param.wire: f"{_HELP.get(param.wire, param.description)} {exc}"}
                raise RefusalError(400, {"errors": errors, "message": "Input payload validation failed"}) from exc
            values[param.wire] = converted if param.many > 1 else converted[0]
    return values


def _convert(param, text):
    if param.choices and param.kind == "str" and text not in param.choices:
        raise ValueError(f"The value '{text}' is not a valid choice for '{param.wire}'.")
    if param.kind == "int":
        return _int64(text)
    if param.kind == "bool":
        if text.lower() not in _BOOLEANS:
            raise ValueError("Boolean value expected.")
        return _BOOLEANS[text.lower()]
    return text if param.kind in ("str", "id") else _finite(text)


def _int64(text):
    value = int(text)
    if abs(value) >= 2**63:
        raise ValueError(f"out of range: '{text}'")
    return value


def _finite(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"could not convert string to float: '{text}'")
    return value


def objects(archive, args):
    """One page of objects, with the service's joins, defaults and traps."""
    arrays = {}
    conditions = [*_join(args), *_object_filters(args), *_cone(args), *_oids(args, arrays)]
    joined, wheres = conditions[0], conditions[1:]
    source = f"FROM objects o LEFT JOIN probabilities p ON {joined[0]}"
    if "wanted" in arrays:
        source += " JOIN wanted w ON w.oid = o.oid"
    where = " WHERE " + " AND ".join(sql for sql, _ in wheres) if wheres else ""
    parameters = [value for _, values in (joined, *wheres) for value in values]
    page, size = _page(args)
    keys = _select(OBJECT_KEYS, "o.")
    found = archive.query(
        f"SELECT {keys}, p.class_name AS class, p.classifier_name AS classifier, p.probability, o.step_id_corr "
        f"{source}{where} ORDER BY {_order(args, arrays)} LIMIT {size} OFFSET {(page - 1) * size}",
        parameters,
        **arrays,
    )
    total = None
    if args.get("count"):
        count = f"SELECT count(*) AS n FROM (SELECT 1 {source}{where} LIMIT {schema.MAX_TOTAL})"
        total = int(archive.query(count, parameters, **arrays)["n"][0])
    return _paged(rows(found), page, size, total)


def _join(args):
    """Condition of the join with the classifications, and filters on them.

    Without a filter on them the service joins a version that stored classifications do not carry, so that class,
    classifier and probability are usually null; with any filter it joins all, one row for each classifier and version,
    even if the filter is 0 or empty, and so filters nothing.
    """
    given = [name for name in (*_PROBABILITY_FILTERS, "ranking", "probability") if name in args]
    used = {name: args[name] for name in given if args[name]}
    if not given:
        default = "p.oid = o.oid AND p.classifier_name = ? AND p.classifier_version = ? AND p.ranking = 1"
        return [(default, schema.DEFAULT_CLASSIFIER)]
    if not used.keys() <= {"ranking", "probability"}:
        used.setdefault("ranking", 1)
    filters = [(f"p.{column} = ?", [used[name]]) for name, column in _PROBABILITY_FILTERS.items() if name in used]
    filters += [("p.ranking = ?", [used["ranking"]])] if "ranking" in used else []
    filters += [("p.probability >= ?", [used["probability"]])] if "probability" in used else []
    return [("p.oid = o.oid", []), *filters]


def _object_filters(args):
    filters = []
    for name in ("ndet", "firstmjd", "lastmjd"):
        limits = args.get(name, [])[:2]
        filters += [(f"o.{name} {sign} ?", [limit]) for sign, limit in zip((">=", "<="), limits, strict=False)]
    return filters


def _cone(args):
    """The service tests ``if ra and dec and radius``: a zero in any of them switches the cone off."""
    ra, dec, radius = args.get("ra"), args.get("dec"), args.get("radius", schema.DEFAULTS["radius"])
    return [position_filter("o.meanra", "o.meandec", ra, dec, radius)] if ra and dec and radius else []


def _oids(args, arrays):
    """One id may hold wildcards; several are matched exactly."""
    given = args.get("oid", [])
    if len(given) == 1:
        return [("o.oid LIKE ?", [given[0].replace("*", "%")])]
    if given:
        oids = list(dict.fromkeys(given))
        arrays["wanted"] = {"oid": np.array(oids, dtype=object), "place": np.arange(len(oids))}
    return []


def _order(args, arrays):
    """As in PostgreSQL, null comes last, in descending order first; then whatever makes the order a definite one."""
    rest = "o.oid, p.classifier_name, p.classifier_version, p.ranking, p.class_name"
    column = args.get("order_by")
    if not column:
        return f"w.place, {rest}" if "wanted" in arrays else rest
    table = "p" if column in _CLASSIFIED else "o"
    mode = "DESC NULLS FIRST" if args.get("order_mode") == "DESC" else "ASC NULLS LAST"
    return f"{table}.{column} {mode}, {rest}"


def _page(args):
    args = schema.DEFAULTS | args
    page, size = max(args["page"], 1), args["page_size"]
    size = schema.DEFAULTS["page_size"] if size < 0 else min(size, 2**31)
    return min(page, 2**31), size


def _paged(items, page, size, total):
    has_next = total is not None and 0 < page * size < total
    return {
        "total": total,
        "page": None,
        "next": page + 1 if has_next else None,
        "has_next": has_next,
        "prev": page - 1 if page > 1 else None,
        "has_prev": page > 1,
        "items": items,
    }


def one_object(archive, args):
    """One object, or 404."""
    found = archive.query(f"SELECT {_select(OBJECT_KEYS)}, step_id_corr FROM objects WHERE oid = ?", [args["oid"]])
    row = one_row(found)
    if row is None:
        raise _not_found(args, "", "Object not found.")
    return row


def detections(archive, args):
    """All detections; keys that are null are left out row by row."""
    _check_known(archive, args, "/detections", "detections")
    return _ragged(observed_by("ztf", all_detections(archive, args["oid"])))


def non_detections(archive, args):
    """All non-detections; keys that are null are left out row by row."""
    _check_known(archive, args, "/non_detections", "non_detections")
    return _ragged(observed_by("ztf", all_non_detections(archive, args["oid"])))


def lightcurve(archive, args):
    """Both in one body, with explicit nulls."""
    _check_known(archive, args, "/lightcurve", "detections", "non_detections")
    return {
        "detections": observed_by("ztf", all_detections(archive, args["oid"])),
        "non_detections": observed_by("ztf", all_non_detections(archive, args["oid"])),
    }


def magstats(archive, args):
    """Statistics of the difference magnitudes by band: as recorded, or made from the detections."""
    _check_known(archive, args, "/magstats", "magstats")
    columns = ", ".join(MAGSTATS_KEYS)
    return rows(archive.query(f"SELECT {columns} FROM ({MAGSTATS}) WHERE oid = ? ORDER BY place", [args["oid"]]))


def probabilities(archive, args):
    """All classifications, of all classifiers and versions."""
    wanted = {"classifier_name": args.get("classifier"), "classifier_version": args.get("classifier_version")}
    columns = ("classifier_name", "classifier_version", "class_name", "probability", "ranking")
    return _listed(archive, args, "probabilities", columns, wanted, "class_name, classifier_name, classifier_version")


def features(archive, args):
    """All features, of all versions; what is NaN in the archive is a bare NaN, as at the service."""
    wanted = {"name": args.get("name"), "fid": args.get("fid"), "version": args.get("version")}
    columns = ("name", "value", "fid", "version")
    return with_bare_nan(_listed(archive, args, "features", columns, wanted, "version, fid, name"))


def limits(archive, args):
    """Ranges of what objects can be selected by."""
    columns = ", ".join(f"{end}({key}) AS {end}_{key}" for key in ("ndet", "firstmjd") for end in ("min", "max"))
    return one_row(archive.query(f"SELECT {columns} FROM objects"))


def classifiers(archive, args):
    """Classifiers, their versions and classes."""
    found = archive.query("SELECT classifier_name, classifier_version, class_name FROM classifiers ORDER BY place")
    return with_classes(rows(found))


def with_classes(found):
    """Of rows with a class each, one for each version of a classifier with all its classes."""
    keys, versions = ("classifier_name", "classifier_version"), {}
    for row in found:
        class_name = row.pop("class_name")
        named = {key: row.pop(key) for key in keys}
        one = versions.setdefault(tuple(named.values()), named | {"classes": []} | row)
        one["classes"] += [] if class_name is None else [class_name]
    return list(versions.values())


def classes(archive, args):
    """Classes of one version of a classifier; none where the archive does not know it."""
    wanted = [args["classifier_name"], args["classifier_version"]]
    where = "classifier_name = ? AND classifier_version = ? AND class_name IS NOT NULL"
    return rows(archive.query(f"SELECT class_name AS name FROM classifiers WHERE {where} ORDER BY place", wanted))


def _listed(archive, args, table, columns, wanted, order):
    """Rows of an object in the order in which they were recorded, and then of those that were made here."""
    _check_known(archive, args, f"/{table}", table)
    given = {column: value for column, value in wanted.items() if value is not None}
    where = "".join(f" AND {column} = ?" for column in given)
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE oid = ?{where} ORDER BY place NULLS LAST, {order}"
    return rows(archive.query(sql, [args["oid"], *given.values()]))


def _select(keys, prefix=""):
    return ", ".join(f"{prefix}{key}::VARCHAR AS {key}" if key in _AS_TEXT else prefix + key for key in keys)


def all_detections(archive, oid, keys=DETECTION_KEYS):
    """Rows of an object in the order of time, with explicit nulls; [] for an unknown object."""
    sql = f"SELECT {_select(keys)} FROM detections WHERE oid = ? ORDER BY mjd, detections.candid"
    return rows(archive.query(sql, [oid]))


def all_non_detections(archive, oid, order="mjd, fid"):
    """Rows of an object in the order of time, with explicit nulls; [] for an unknown object."""
    keys = ", ".join(NON_DETECTION_KEYS)
    return rows(archive.query(f"SELECT {keys} FROM non_detections WHERE oid = ? ORDER BY {order}", [oid]))


def observed_by(survey, found):
    """Rows of one survey, or of all; a row that names none is ZTF's."""
    return [row for row in found if survey in ("all", row["tid"] or "ztf")]


def _ragged(found):
    return [{key: value for key, value in row.items() if value is not None} for row in found]


def _check_known(archive, args, path, *tables):
    """A known object has everything, if only empty lists; of another one there may be recorded lists."""
    if args.get("survey_id") == "atlas":
        raise RefusalError(403, {"message": FLASK_REASONS[403]})
    names = ", ".join("?" for _ in tables)
    known = f"SELECT oid FROM objects UNION ALL SELECT oid FROM recorded WHERE name IN ({names})"
    if not len(archive.query(f"SELECT oid FROM ({known}) WHERE oid = ?", [*tables, args["oid"]])["oid"]):
        raise _not_found(args, path, FLASK_REASONS[404])


def _not_found(args, path, reason):
    uri = f"/ztf/v1/objects/{args['oid']}{path}"
    guess = f"/ztf/v1/objects/<id>{path}"
    return RefusalError(404, {"message": f"{reason} You have requested this URI [{uri}] but did you mean {guess} ?"})


HANDLERS = {
    "objects": objects,
    "object": one_object,
    "detections": detections,
    "non_detections": non_detections,
    "lightcurve": lightcurve,
    "magstats": magstats,
    "probabilities": probabilities,
    "features": features,
    "feature": features,
    "limits": limits,
    "classifiers": classifiers,
    "classes": classes,
}
