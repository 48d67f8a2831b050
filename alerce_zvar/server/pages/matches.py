"""Catalogues of others at the place of a source, as the services answer them."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u

from alerce_zvar.server import catshtm, zvar
from alerce_zvar.server.replies import RefusalError
from alerce_zvar.zvar import schema

__all__ = ["RADIUS", "Match", "cone", "matches", "xmatch_request"]

RADIUS = 3.0  # arcsec
TITLES = {"gaia": "Gaia", "ps1": "Pan-STARRS1", "galex": "GALEX", "2mass": "2MASS", "allwise": "AllWISE"}


@dataclass(frozen=True)
class Match:
    """Sources of a catalogue: (name, unit, meaning) of its columns, and the cells of each row as text."""

    catalog: str
    columns: list
    rows: list


def xmatch_request(psid, catalog):
    """Body of the request for the sources of a catalogue near one of ZVAR's."""
    return {"psids": [psid], "catalog": catalog, "radius": RADIUS, "closest": False}


def matches(archive, source):
    """Sources of each of ZVAR's catalogues; None in the place of one that the archive does not hold."""
    found = {}
    for name, title in TITLES.items():
        try:
            answer = zvar.HANDLERS["xmatch"](archive, xmatch_request(source.psid, name))
        except RefusalError:
            found[name] = title, None
        else:
            found[name] = title, _match(title, schema.CATALOGS[name], answer.get(source.psid, []))
    return found


def _match(title, table, listed):
    """Columns that have a value in some row."""
    kept = [column for column in table.columns if any(row[column.wire] is not None for row in listed)]
    columns = [(column.name, _unit(column.unit), column.description) for column in kept]
    return Match(title, columns, [[_cell(row[column.wire], column.unit) for column in kept] for row in listed])


def cone(archive, source):
    """Sources of all catalogues that catsHTM's interface gives."""
    args = {"ra": source.ra, "dec": source.dec, "radius": RADIUS}
    for sources in catshtm.HANDLERS["conesearch_all"](archive, args)["catalogs"]:
        for name, columns in sources.items():
            kept = {key: cells for key, cells in columns.items() if any(value is not None for value in cells["values"])}
            heads = [(key, cells["units"].strip(), "") for key, cells in kept.items()]
            values = zip(*(cells["values"] for cells in kept.values()), strict=True)
            units = [cells["units"] for cells in kept.values()]
            rows = [[_cell(*pair) for pair in zip(row, units, strict=True)] for row in values]
            yield Match(name, heads, rows)


def _unit(unit):
    return "" if unit in (None, u.one) else "deg" if unit == u.deg else f"{unit:unicode}"


def _cell(value, unit):
    """A value as text: angles to a microarcsecond, other numbers to seven digits."""
    if value is None:
        return "–"
    if isinstance(value, bool | str | int | np.integer):
        return str(value)
    text = f"{value:.8f}" if str(unit) == "deg" else f"{value:.7g}"
    return text.replace("-", "−")
