"""ZVAR's matches with other catalogues, from those that the archive holds (reference/zvar.md 1.3, 1.5).

::

    xmatch            psid -> its position -> sources of the catalogue near it
    external_xmatch   id in the catalogue -> its position -> sources of ZVAR near it

A catalogue takes part under any of its usual names if it has identifiers; columns of the schema that it lacks are null.
"""

import numpy as np

from alerce_zvar.archive import catalogs
from alerce_zvar.server.replies import rows
from alerce_zvar.server.zvar_sources import number_of, refuse, whole_sources
from alerce_zvar.zvar import schema

__all__ = ["external_xmatch", "xmatch"]

# Names that an archive may have a catalogue under, best first; and names that its identifiers may have.
_STORED_AS = {
    "gaia": ("gaia", "gaiadr3", "gaiaedr3", "gaiadr2"),
    "ps1": ("ps1",),
    "galex": ("galex",),
    "2mass": ("2mass", "tmass"),
    "allwise": ("allwise",),
}
MOST_MATCHES = 200_000  # of an answer: some 60 MB of JSON
_IDS = ("source_id", "id", "designation", "objid", "name")


class _Catalog:
    """A catalogue of the archive, in the words of the service.

    Parameters
    ----------
    archive : Archive
        That holds it.
    stored : StoredCatalog
        What it is there.
    answer : TableSchema
        What it is to the service.
    """

    def __init__(self, archive, stored, answer):
        self.query, self.stored, self.answer = archive.query, stored, answer
        self._own = {column.name.lower(): column for column in stored.schema.columns}
        self._names = {"id": _IDS, "ra": (stored.ra,), "dec": (stored.dec,)}

    def column(self, wire):
        """Column of the archive that holds what the service calls by this key, or None."""
        names = (name.lower() for name in self._names.get(wire, (wire,)))
        return next((self._own[name] for name in names if name in self._own), None)

    def near(self, ra, dec, radius, closest):
        """Index of the position, and row, of every source near positions [deg], nearest first."""
        found = catalogs.search(self.query, self.stored, ra, dec, np.full(len(ra), radius), nearest=closest)
        _check_size(found["cone"])
        pairs = zip(found["cone"].tolist(), self.rows(found[catalogs.ROW]), strict=True)
        return [(place, row) for place, row in pairs if row["id"] is not None]

    def by_id(self, ids):
        """Row of each id that is known."""
        column = self.column("id")
        key = "TRY_CAST(given.id AS BIGINT)" if column.dtype == "int64" else "given.id"
        found = self.query(
            f'SELECT given.id, min(c.{catalogs.ROW}) AS place FROM given JOIN "{self.stored.table}" c '
            f'ON c."{column.wire}" = {key} GROUP BY given.id',
            given={"id": np.array(list(dict.fromkeys(ids)), dtype=object)},
        )
        return dict(zip(found["id"].tolist(), self.rows(found["place"]), strict=True))

    def rows(self, places):
        """Rows at these places, as the service gives them."""
        found = catalogs.values(self.query, self.stored, places)
        answer = {}
        for column in self.answer.columns:
            own = self.column(column.wire)
            if own is None:
                answer[column.wire] = np.full(len(places), None)
            elif column.wire == "id":
                answer["id"] = _texts(found[own.name])
            else:
                answer[column.wire] = _in_unit(found[own.name], own.unit, column.unit)
        return rows(answer)


def _texts(ids):
    """Identifiers as text, None where there is none."""
    pairs = zip(np.ma.getdata(ids).tolist(), np.ma.getmaskarray(ids), strict=True)
    return np.array([None if missing else str(value) for value, missing in pairs], dtype=object)


def _in_unit(values, unit, wanted):
    unit = getattr(unit, "function_unit", unit)
    return values if unit in (None, wanted) or not unit.is_equivalent(wanted) else values * unit.to(wanted)


def _catalog(archive, name):
    """The catalogue that a request names, if the archive holds it."""
    held = {catalog.name.lower(): catalog for catalog in catalogs.stored_catalogs(archive.query)}
    for word in _STORED_AS[name]:
        if word in held:
            catalog = _Catalog(archive, held[word], schema.CATALOGS[name])
            if catalog.column("id") is not None:
                return catalog
    raise refuse(400, "catalog", f"this server holds no catalogue '{name}'")


def _check_size(pairs):
    if len(pairs) > MOST_MATCHES:
        raise refuse(400, "radius", f"{len(pairs)} matches are too many for one answer, of at most {MOST_MATCHES}")


def xmatch(archive, args):
    """Rows of a catalogue near each source, nearest first; ids that are not known are left out."""
    catalog = _catalog(archive, args["catalog"])
    asked = {text: number_of(text) for text in args["psids"]}
    found = archive.query(
        "SELECT psid, ra, dec FROM sources JOIN given USING (psid)",
        given={"psid": np.unique(np.array(list(asked.values()), dtype=np.int64))},
    )
    matches = {number: [] for number in found["psid"].tolist()}
    known = list(matches)
    for place, row in catalog.near(found["ra"], found["dec"], args["radius"], _closest(args)):
        matches[known[place]].append(row)
    return {text: matches[number] for text, number in asked.items() if number in matches}


def external_xmatch(archive, args):
    """Rows of a catalogue by id, each with ZVAR's sources near it; ids that are not known are left out."""
    catalog = _catalog(archive, args["catalog"])
    found = catalog.by_id(args["ids"])
    placed = [row for row in found.values() if None not in (row["ra"], row["dec"])]
    centres = np.array([(row["ra"], row["dec"]) for row in placed], dtype=float).reshape(-1, 2).T
    near = archive.cone_search(*centres, np.full(len(placed), args["radius"]))
    _check_size(near["cone"])
    whole = whole_sources(archive, near["psid"])
    for row in found.values():
        row["xmatches"] = []
    for place, psid in zip(near["cone"].tolist(), near["psid"].tolist(), strict=True):
        matches = placed[place]["xmatches"]
        if psid in whole and not (matches and _closest(args)):
            matches.append(whole[psid])
    return {identifier: found[identifier] for identifier in dict.fromkeys(args["ids"]) if identifier in found}


def _closest(args):
    return args.get("closest", schema.DEFAULTS["closest"])
