"""ALeRCE's catsHTM service, answered from an archive's catalogues: contract and traps as in reference/alerce.md 8."""

import math

import numpy as np
from astropy import units as u

from alerce_zvar.archive import catalogs
from alerce_zvar.catshtm import schema
from alerce_zvar.server.replies import RefusalError, flask_page, plain_values

__all__ = ["HANDLERS", "parse"]

_CONE, _NEAREST = ("units", "values"), ("unit", "value")  # keys of a column


def parse(endpoint, query, path):
    """Checked values of a request, by their names on the wire; only what was given.

    Raises
    ------
    RefusalError
        With status 200, as the service does it.
    """
    values = {}
    for param in endpoint.params:
        given = query.getlist(param.wire)
        if given:
            values[param.wire] = given[0] if param.kind == "str" else _number(param, given[0])
        elif param.required and (endpoint.name, param.name) != ("crossmatch_all", "radius"):
            raise _invalid()
    return values


def _number(param, text):
    """Finite number; a right ascension may be any, for it is an angle."""
    try:
        value = float(text)
    except ValueError:
        raise _invalid() from None
    low, high = (-math.inf, math.inf) if param.name == "ra" else (param.minimum, param.maximum)
    if not math.isfinite(value) or not low <= value <= (math.inf if high is None else high):
        raise _invalid()
    return value


def _invalid():
    return RefusalError(200, schema.INVALID)


def conesearch(archive, args):
    """Sources of one catalogue, nearest first."""
    return _sources(archive, _catalog(archive, args["catalog"]), args)


def conesearch_all(archive, args):
    """Sources of every catalogue that has any there."""
    found = (_sources(archive, catalog, args) for catalog in catalogs.stored_catalogs(archive.query))
    return {"catalogs": [sources for sources in found if sources]}


def crossmatch(archive, args):
    """Nearest source of one catalogue, with no level of catalogues around it."""
    return _nearest(archive, _catalog(archive, args["catalog"]), args)


def crossmatch_all(archive, args):
    """Nearest source of every catalogue that has one there; without a radius the service fails."""
    if "radius" not in args:
        return flask_page(500)
    stored = catalogs.stored_catalogs(archive.query)
    found = ((schema.answer_name(catalog.name), _nearest(archive, catalog, args)) for catalog in stored)
    return [{name: source} for name, source in found if source]


def _catalog(archive, name):
    """Catalogue by either of its names at the service, or its own."""
    wanted = schema.request_name(name).lower()
    for catalog in catalogs.stored_catalogs(archive.query):
        if schema.request_name(catalog.name).lower() == wanted:
            return catalog
    raise _invalid()


def _sources(archive, catalog, args):
    distances, columns = _search(archive, catalog, args)
    return {schema.answer_name(catalog.name): _cells(columns, _CONE)} if distances else {}


def _nearest(archive, catalog, args):
    known = schema.find_catalog(catalog.name)
    radius = args.get("radius", known.radius if known else schema.DEFAULT_RADIUS)
    distances, columns = _search(archive, catalog, args | {"radius": radius}, nearest=True)
    if not distances:
        return {}
    if "distance" in columns:  # a name that is there twice gets the unit behind it
        unit, _ = own = columns.pop("distance")
        columns[f"distance_{unit}"] = own
    columns["distance"] = (schema.unit_on_wire(u.arcsec), distances)
    return _cells({name: (unit, values[0]) for name, (unit, values) in columns.items()}, _NEAREST)


def _search(archive, catalog, args, nearest=False):
    """Distances of the sources in a cone, and their columns: name -> unit and values."""
    cone = (np.array([args[name]]) for name in ("ra", "dec", "radius"))
    found = catalogs.search(archive.query, catalog, *cone, nearest=nearest)
    if not len(found[catalogs.ROW]):
        return [], {}
    values = catalogs.values(archive.query, catalog, found[catalogs.ROW])
    columns = {
        column.name: _column(column, catalog.wire_units.get(column.name), values[column.name])
        for column in catalog.schema.columns
    }
    return found["distance"].tolist(), columns


def _column(column, wire_unit, found):
    """Unit in the service's spelling, and values; radians become degrees."""
    if column.unit == u.rad:
        return schema.unit_on_wire(u.deg), _words(np.degrees(found))
    if column.time:
        return column.time[0].upper(), _words(found)
    return schema.unit_on_wire(column.unit) if wire_unit is None else wire_unit, _words(found)


def _words(found):
    """Values for JSON: null where there is none, and a word for the infinite."""
    values = plain_values(found)
    if found.dtype.kind == "f":
        for index in np.flatnonzero(np.ma.filled(np.isinf(found), False)):
            values[index] = "infinity" if found[index] > 0 else "-infinity"
    return values


def _cells(columns, keys):
    return {name: dict(zip(keys, columns[name], strict=True)) for name in sorted(columns)}


HANDLERS = {
    "conesearch": conesearch,
    "conesearch_all": conesearch_all,
    "crossmatch": crossmatch,
    "crossmatch_all": crossmatch_all,
}
