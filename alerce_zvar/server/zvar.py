"""ZVAR's API v0.2.1, answered from an archive: contract as in reference/zvar.md 1, 2 and 8."""

import numpy as np

from alerce_zvar.server.replies import RefusalError, fragment, rows
from alerce_zvar.server.zvar_crossmatch import external_xmatch, xmatch
from alerce_zvar.server.zvar_sources import FILE, number_of, refuse, whole_sources
from alerce_zvar.zvar import photometry, schema

__all__ = ["HANDLERS", "LARGE", "parse"]

_LARGEST = 2**63  # beyond the archive's integers
_LONGEST = 100  # characters of an id
_NUMBERS = ("quantity", "float", "int")
_ONE_POSITION = "target"  # its name where a request has one position without name
_RADIUS = next(endpoint for endpoint in schema.ENDPOINTS if endpoint.name == "cone_search").param("radius")


def parse(endpoint, body, path):
    """Checked values of a request, by their names on the wire; only what was given, ids as text.

    Raises
    ------
    RefusalError
        422 where a value has the wrong type or is missing, 400 where it is beyond a limit.
    """
    given = dict(path) | {p.wire: body[p.wire] for p in endpoint.params if body.get(p.wire) is not None}
    for param in endpoint.params:
        if param.required and param.wire not in given:
            raise refuse(422, param.wire, "is required")
    return {p.wire: _convert(p, given[p.wire]) for p in endpoint.params if p.wire in given}


def _convert(param, value):
    if param.many == 1:
        return _one(param, value)
    if not isinstance(value, list):
        raise refuse(422, param.wire, "must be a list")
    if len(value) > param.many:
        raise refuse(400, param.wire, f"at most {param.many} are accepted, {len(value)} were given")
    return [_one(param, item) for item in value]


def _one(param, value):
    if param.kind == "position":
        return value
    if param.kind == "digits":
        return _identifier(param.wire, value)
    if param.kind in _NUMBERS:
        return _number(param, value)
    if param.kind == "id":
        return _text_or_number(param.wire, value)
    if param.kind == "bool":
        return _truth(param.wire, value)
    if not isinstance(value, str):
        raise refuse(422, param.wire, "must be text")
    if param.choices and value not in param.choices:
        raise refuse(400, param.wire, f"must be one of {', '.join(param.choices)}")
    return value


def _identifier(name, value):
    """Ids come as text or as integers."""
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _LONGEST
    if not digits and (isinstance(value, bool) or not isinstance(value, int)):
        raise refuse(422, name, "ids must be integers, or text of digits")
    return str(value)


def _text_or_number(name, value):
    """Ids of other catalogues come as text or as integers too, but are not always digits."""
    is_text = isinstance(value, str) and 0 < len(value) < _LONGEST and _is_unicode(value)
    if not is_text and (isinstance(value, bool) or not isinstance(value, int)):
        raise refuse(422, name, "ids must be text or integers")
    return str(value)


def _truth(name, value):
    if not isinstance(value, bool):
        raise refuse(422, name, "must be true or false")
    return value


def _number(param, value):
    kinds = int if param.kind == "int" else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not -_LARGEST < value < _LARGEST:
        raise refuse(422, param.wire, "must be an integer" if kinds is int else "must be a number")
    low, high = param.minimum, param.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise refuse(
            400, param.wire, f"must lie within {low} and {high}" if high is not None else f"must be at least {low}"
        )
    return value


def cone_search(archive, args):
    """Sources around each named position, nearest first; every name is answered."""
    if "min_significance" in args and not {"min_period", "max_period"} & args.keys():
        raise refuse(400, "min_significance", "a cut on period is required when specifying significance")
    names, cones = _positions(args)
    found = archive.cone_search(*cones)
    kept = _filtered(archive, found["psid"], args)
    whole = whole_sources(archive, kept)
    answer = {name: [] for name in names}
    for cone, psid in zip(found["cone"], found["psid"].tolist(), strict=True):
        if psid in whole:
            answer[names[cone]].append(whole[psid])
    return answer


def _positions(args):
    """Names, and (ra, dec, radius) as arrays; a position's own radius goes before the common one."""
    positions, common = args["positions"], args.get("radius")
    names = [_name(position, len(positions)) for position in positions]
    if len(set(names)) < len(names):
        raise refuse(422, "positions", "every name must be given once only")
    cones = [
        (
            _coordinate(position, "ra", 0.0, 360.0),
            _coordinate(position, "dec", -90.0, 90.0),
            _radius(position.get("radius", common)),
        )
        for position in positions
    ]
    return names, np.array(cones, dtype=float).reshape(-1, 3).T


def _name(position, count):
    if not isinstance(position, dict):
        raise refuse(422, "positions", "each must be an object with name, ra and dec")
    name = position.get("name", _ONE_POSITION if count == 1 else None)
    if not isinstance(name, str) or not _is_unicode(name):
        raise refuse(422, "positions.name", "is required and must be text")
    return name


def _is_unicode(text):
    """False of a lone surrogate, which JSON may name and no answer can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _coordinate(position, key, low, high):
    value = position.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise refuse(422, f"positions.{key}", f"must be a number of degrees within {low:g} and {high:g}")
    return value


def _radius(value):
    if value is None:
        raise refuse(422, "radius", "is required, for all positions or in each of them")
    return _number(_RADIUS, value)


def _filtered(archive, psid, args):
    """Distinct ids of those that pass: any period row, and any light curve, must satisfy all its cuts at once."""
    periods = _cuts(args, min_period="period >=", max_period="period <=", min_significance="significance >=")
    curves = _cuts(args, min_amplitude="amplitude >=", max_amplitude="amplitude <=", min_exposures="nb_exposures >=")
    source = _cuts(args, objtype="s.objtype =")
    conditions = list(source)
    conditions += [f"EXISTS (FROM periods x WHERE x.psid = s.psid AND {' AND '.join(periods)})"] if periods else []
    conditions += [f"EXISTS (FROM lightcurves x WHERE x.psid = s.psid AND {' AND '.join(curves)})"] if curves else []
    where = " WHERE " + " AND ".join(conditions) if conditions else ""
    values = [value for cuts in (source, periods, curves) for value in cuts.values()]
    given = {"psid": np.unique(psid)}
    return archive.query(f"SELECT s.psid FROM given JOIN sources s USING (psid){where}", values, given=given)["psid"]


def _cuts(args, **comparisons):
    return {f"{comparison} ?": args[name] for name, comparison in comparisons.items() if name in args}


def one_object(archive, args):
    """One source, or 404."""
    whole = objects(archive, {"psids": [args["psid"]]})
    if not whole:
        raise RefusalError(404, {"detail": f"Object {args['psid']} not found"})
    return whole[0]


def objects(archive, args):
    """Sources in the order asked; ids that are not known are left out."""
    psids = dict.fromkeys(map(number_of, args["psids"]))
    whole = whole_sources(archive, list(psids))
    return [whole[psid] for psid in psids if psid in whole]


def light_curves(archive, args):
    """Rows of all files of each source in the order of time, under the id as it was asked; [] for an unknown one."""
    asked = {text: number_of(text) for text in args["psids"]}
    found = archive.query(
        f"""
        SELECT l.psid, e.bjd AS time, e.flux, e.flux_err, e.limiting_mag, {FILE}, e.place IS NOT NULL AS told,
               coalesce(e.told_magzp, l.magzp) AS magzp, coalesce(e.told_mag_ref, l.mag_ref) AS mag_ref,
               e.told_mag, e.told_mag_err, e.told_limiting_mag, e.told_snr_total, e.told_snr_diff
        FROM epochs e JOIN lightcurves l USING (lc)
        WHERE NOT e.bad AND l.psid IN (SELECT psid FROM given) AND l.band IN (SELECT band FROM bands)
        ORDER BY l.psid, e.bjd, e.place, e.lc, e.key""",
        given={"psid": np.array(list(asked.values()), dtype=np.int64)},
        bands={"band": np.array(args.get("bands", schema.DEFAULTS["bands"]), dtype=object)},
    )
    form = _in_fluxes if args.get("format", schema.DEFAULTS["format"]) == "flux" else _in_magnitudes
    columns, psid = form(found), found["psid"]
    spans = {
        text: [np.searchsorted(psid, number, side) for side in ("left", "right")] for text, number in asked.items()
    }
    return {text: _of_one(columns, *span) for text, span in spans.items()}


def _of_one(columns, start, end):
    """JSON of one source's rows, made at once: as Python objects the rows of 500 sources would take gigabytes."""
    return fragment(rows({name: values[start:end] for name, values in columns.items()}))


def _in_magnitudes(found):
    flux, flux_err = _filled(found["flux"]), _filled(found["flux_err"])
    mag, mag_err, snr = photometry.flux_to_mag(flux, flux_err, found["magzp"], found["mag_ref"])
    known = _filled(found["limiting_mag"])
    limit = np.where(np.isnan(known), photometry.limiting_mag(flux_err, found["magzp"]), known)
    limit = np.where(np.isnan(mag), limit, np.nan)
    made = {"mag": mag, "mag_err": mag_err, "limiting_mag": limit, "snr_total": snr}
    mag, mag_err, limit, snr = (_told_or_made(found, name, values) for name, values in made.items())
    single = {"mag": mag, "magerr": mag_err, "limmag": limit, "flux": flux, "fluxerr": flux_err, "snr": snr}
    return {"time": found["time"]} | _single(single) | _files(found)


def _in_fluxes(found):
    flux, flux_err = _filled(found["flux"]), _filled(found["flux_err"])
    snr = _told_or_made(found, "snr_diff", photometry.snr_diff(flux, flux_err))
    single = {"flux": flux, "fluxerr": flux_err, "snr": snr}
    zero = {"magzp": found["magzp"], "mag_ref": found["mag_ref"]}
    return {"time": found["time"]} | _single(single) | _files(found) | zero


def _told_or_made(found, name, made):
    """What ZVAR itself said of the rows that came from it, null or not; of others what follows from the fluxes."""
    return np.where(found["told"], _filled(found[f"told_{name}"]), made)


def _filled(column):
    return np.ma.filled(column.astype(float), np.nan)


def _single(columns):
    """In single precision, null where there is no number."""
    return {name: np.ma.masked_invalid(values.astype(np.float32)) for name, values in columns.items()}


def _files(found):
    return {key: found[key] for key in ("band", "field", "ccd", "quad")}


def processing_logs(archive, args):
    """Fields, CCDs, quadrants and bands that have light curves."""
    return rows(archive.query(f"SELECT DISTINCT {FILE} FROM lightcurves ORDER BY {FILE}"))


HANDLERS = {
    "cone_search": cone_search,
    "object": one_object,
    "objects": objects,
    "photometry": light_curves,
    "processing_logs": processing_logs,
    "xmatch": xmatch,
    "external_xmatch": external_xmatch,
}
LARGE = ("photometry", "xmatch", "external_xmatch")  # of which only a few are made at a time
