"""Searching an archive's sources for the front page."""

from dataclasses import dataclass

import numpy as np

from alerce_zvar.alerce import schema as alerce_schema
from alerce_zvar.server.pages.form import PAGE_SIZE
from alerce_zvar.server.replies import rows

__all__ = ["COLUMNS", "Found", "classes", "find", "neighbours", "number_of"]

MOST_PLACES = 20_000  # positions that a plot is made of
# Sources with all that the table of results shows. Of each object the class of the highest probability, of the usual
# classifier where that knows it: two versions of a classifier may disagree.
_FROM = """
FROM sources s {joined}
LEFT JOIN objects o ON o.oid = s.oid
LEFT JOIN lsst_objects n ON n.oid = s.lsst_oid
LEFT JOIN ({ztf}) z ON z.oid = s.oid
LEFT JOIN ({lsst}) l ON l.oid = s.lsst_oid
LEFT JOIN (SELECT psid, arg_max(period, significance) AS period, max(significance) AS significance
           FROM periods GROUP BY psid) p ON p.psid = s.psid
"""
_BEST = """
SELECT oid, arg_max(class_name, {rank}) AS class_name, arg_max(probability, {rank}) AS probability,
       arg_max(classifier_name, {rank}) AS classifier
FROM {table} WHERE ranking = 1 AND {condition} GROUP BY oid
"""
_RANK = f"2 * (classifier_name = '{alerce_schema.DEFAULT_CLASSIFIER[0]}')::INTEGER + probability"
_SQL = {
    "psid": "s.psid",
    "oid": "s.oid",
    "name": "s.name",
    "separation": "given.distance",
    "ra": "s.ra",
    "dec": "s.dec",
    "class": "coalesce(z.class_name, l.class_name)",
    "probability": "coalesce(z.probability, l.probability)",
    "period": "p.period",
    "significance": "p.significance",
    "ndet": "coalesce(o.ndet, n.n_det)",
    "classifier": "coalesce(z.classifier, l.classifier)",
    "lsst_oid": "s.lsst_oid",
}
COLUMNS = tuple(_SQL)
_TEXTS = ("psid", "lsst_oid")  # numbers above 2^53


@dataclass(frozen=True, eq=False)
class Found:
    """Results of a search.

    Attributes
    ----------
    total : int
        How many there are.
    rows : list of dict
        Those of one page, by `COLUMNS`.
    first : int
        Number of the first row, from 1.
    pages : int
    places : dict of ndarray
        ``psid, ra, dec`` [deg] of all results, or of one in so many.
    every : int
        In how many.
    """

    total: int
    rows: list
    first: int
    pages: int
    places: dict
    every: int


def classes(archive):
    """Choices of the form -> survey, classifier, class: of both surveys, of all versions, as taxonomies list them.

    Classes that objects have and no taxonomy lists come last.
    """
    parts = [
        f"SELECT '{survey}' AS survey, classifier_name, class_name, {place} FROM {prefix}{table}"
        for survey, prefix in (("ztf", ""), ("lsst", "lsst_"))
        for table, place in (("classifiers", "place"), ("probabilities WHERE ranking = 1", "NULL AS place"))
    ]
    found = archive.query(
        f"SELECT survey, classifier_name, class_name, min(place) AS nth FROM ({' UNION ALL '.join(parts)}) "
        "WHERE class_name IS NOT NULL GROUP BY ALL ORDER BY survey DESC, classifier_name, nth NULLS LAST, class_name"
    )
    triples = zip(*(found[name].tolist() for name in ("survey", "classifier_name", "class_name")), strict=True)
    return {"/".join(triple): triple for triple in triples}


def find(archive, search):
    """One page of the results of a search, and where all of them are.

    Parameters
    ----------
    archive : Archive
        To search.
    search : Search
        Without errors.

    Returns
    -------
    Found
    """
    selected = _Selection(archive, search)
    total = selected.count()
    first = (search.page - 1) * PAGE_SIZE
    every = max(-(-total // MOST_PLACES), 1)
    rows_of_page = selected.rows(first, PAGE_SIZE)
    return Found(total, rows_of_page, first + 1, -(-total // PAGE_SIZE), selected.places(every), every)


def neighbours(archive, search, number):
    """Rows before and after one of a search, by number from 1: number -> psid; and how many there are."""
    selected = _Selection(archive, search)
    first = max(number - 2, 0)
    found = selected.rows(first, 3)
    return {first + 1 + place: row["psid"] for place, row in enumerate(found)}, selected.count()


class _Selection:
    """The sources that satisfy a search, as SQL."""

    def __init__(self, archive, search):
        self._query = archive.query
        self._arrays, self._values, wheres = {}, [], ["true"]
        conditions = {"ztf": "true", "lsst": "true"}
        if search.chosen is not None:
            survey, *named = search.chosen
            conditions = dict.fromkeys(conditions, "false")
            conditions[survey] = "classifier_name = ? AND class_name = ?"
            self._values += named
            wheres.append(f"{_SQL['probability']} >= {search.probability:.17g}")
        joined = ""
        if search.centre is not None:
            joined = "JOIN given ON given.psid = s.psid"
            self._arrays["given"] = _cone(archive, search)
        if search.identifier is not None:
            number = number_of(search.identifier)
            wheres.append("(s.psid = ? OR s.lsst_oid = ? OR s.oid = ? OR s.name = ?)")
            self._values += [number, number, search.identifier, search.identifier]
        tables = {"ztf": "probabilities", "lsst": "lsst_probabilities"}
        best = {
            name: _BEST.format(table=table, condition=conditions[name], rank=_RANK) for name, table in tables.items()
        }
        self._source = f"{_FROM.format(joined=joined, **best)} WHERE {' AND '.join(wheres)}"
        shown = {name: sql for name, sql in _SQL.items() if name != "separation" or joined}
        self._select = ", ".join(f'{sql}{"::VARCHAR" * (key in _TEXTS)} AS "{key}"' for key, sql in shown.items())
        direction = "DESC" if search.descending else "ASC"
        self._order = f"{_SQL[search.sort]} {direction} NULLS LAST, s.psid"

    def count(self):
        return int(self._query(f"SELECT count(*) AS n {self._source}", self._values, **self._arrays)["n"][0])

    def rows(self, first, count):
        sql = f"SELECT {self._select} {self._source} ORDER BY {self._order} LIMIT {count} OFFSET {first}"
        return rows(self._query(sql, self._values, **self._arrays))

    def places(self, every):
        sampled = f" AND hash(s.psid) % {every} = 0" if every > 1 else ""
        found = self._query(f"SELECT s.psid, s.ra, s.dec {self._source}{sampled}", self._values, **self._arrays)
        return {name: np.ma.getdata(values) for name, values in found.items()}


def _cone(archive, search):
    centre = search.centre
    found = archive.cone_search(*(np.array([value]) for value in (centre.ra.deg, centre.dec.deg, search.radius)))
    return {"psid": found["psid"], "distance": found["distance"]}


def number_of(text):
    """The number that a text is, exactly as it is written, or one that nothing has."""
    plain = text.isascii() and text.isdigit() and len(text) < 20 and str(int(text)) == text
    return int(text) if plain and int(text) < 2**63 else -1
