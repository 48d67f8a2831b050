"""Answers of catsHTM as tables. Each names its columns and units; those to many positions make one table."""

import math
import warnings
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn

from alerce_zvar.catshtm import schema
from alerce_zvar.errors import CorruptValueWarning, InvalidQueryError, ReplyError, warn
from alerce_zvar.wire.answer import AnswerTable

__all__ = ["CatalogRows", "columns_by_catalog", "find_unit", "warn_of_units"]

# Keys of a column: cone searches write the former, cross-matches the latter.
_KEYS = (("units", "values"), ("unit", "value"))
# Texts that stand for numbers; null as a text is of older answers.
_WORDS = {"null": None, "infinity": math.inf, "-infinity": -math.inf}
# Types of a column's values -> of the column, and what stands beneath its mask.
_TYPES = {
    frozenset(): (np.float64, math.nan),
    frozenset([float]): (np.float64, math.nan),
    frozenset([int, float]): (np.float64, math.nan),
    frozenset([int]): (np.int64, 0),
    frozenset([bool]): (np.bool_, False),
    frozenset([str]): (str, ""),
}
_INT64, _EXACT = 2**63, 2**53  # whole numbers below fit into a column of integers, of floats
_UCDS = ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")


class _Part(NamedTuple):
    """A column: its unit as the service wrote it, and its values, each a number, a truth, a text or None."""

    unit: str
    values: list


def columns_by_catalog(content, query, reply):
    """What an answer holds: catalogue, by its name in answers, -> column -> unit and values; in the answer's order.

    Raises
    ------
    InvalidQueryError
        The service says, with status 200, that it does not accept the request.
    ReplyError
        The answer is not what the contract says.
    """
    if isinstance(content, str):
        raise InvalidQueryError("The service refused the request.", url=reply.url, status=200, reason=content)
    listed = content
    if query.endpoint.name == "conesearch_all":
        listed = content.get("catalogs") if isinstance(content, dict) else None
    elif query.endpoint.name == "crossmatch":  # no level of catalogues
        listed = [{schema.answer_name(query.payload["catalog"]): content}]
    elif isinstance(content, dict):
        listed = [content]
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ReplyError(f"The answer to {query.endpoint.name} does not hold catalogues.", url=reply.url)
    nearest = query.endpoint.name.startswith("crossmatch")
    found = {name: columns for item in listed for name, columns in item.items() if columns}
    return {name: _parts(name, columns, nearest, reply.url) for name, columns in found.items()}


def _parts(catalog, columns, nearest, url):
    if not isinstance(columns, dict):
        raise ReplyError(f"The answer holds no columns of {catalog}.", url=url)
    parts = {name: _part(name, cell, url) for name, cell in columns.items()}
    if len({len(part.values) for part in parts.values()}) > 1:
        raise ReplyError(f"The columns of {catalog} are not of one length.", url=url)
    if nearest and not ("distance" in parts and all(map(_is_number, parts["distance"].values))):
        raise ReplyError(f"The answer does not say how far the source of {catalog} is.", url=url)
    return parts


def _is_number(value):
    return type(value) in (int, float) and math.isfinite(value)


def _part(name, cell, url):
    for unit, values in _KEYS:
        if isinstance(cell, dict) and unit in cell and values in cell:
            text, found = cell[unit] or "", cell[values] if values == "values" else [cell[values]]
            if isinstance(text, str) and isinstance(found, list):
                return _Part(text, _without_words(found))
    raise ReplyError(f"The answer holds no unit and values of '{name}'.", url=url)


def _without_words(values):
    """Values of a column; where all its texts stand for numbers, these."""
    texts = {value for value in values if isinstance(value, str)}
    return [_WORDS[v] if isinstance(v, str) else v for v in values] if texts and texts <= _WORDS.keys() else values


class _Type(NamedTuple):
    """What is known of a column: its unit as the service wrote it, the types of its values, the largest integer."""

    unit: str
    types: frozenset = frozenset()
    largest: int = 0

    def after(self, name, part, url):
        """Type of this column with a part behind it."""
        integers = (abs(value) for value in part.values if type(value) is int)
        types = self.types | {type(value) for value in part.values if value is not None}
        found = _Type(self.unit, types, max(self.largest, *integers, 0))
        if part.unit != self.unit:
            raise ReplyError(f"'{name}' is in '{part.unit}' here, and in '{self.unit}' elsewhere.", url=url)
        if types not in _TYPES:
            raise ReplyError(f"'{name}' holds values of types that do not go together.", url=url)
        if found.largest >= (_EXACT if float in types else _INT64):
            raise ReplyError(f"'{name}' holds a number that does not fit into its column.", url=url)
        return found


class CatalogRows:
    """Rows of one catalogue, from the answers to many positions.

    Parameters
    ----------
    name : str
        Catalogue, by its name in answers.
    """

    def __init__(self, name):
        self.name = name
        self._types = {}
        self._answers = []  # (input index, number of rows, columns)

    def checked(self, parts, url):
        """What to `add` with the parts of an answer.

        Raises
        ------
        ReplyError
            A column of values that cannot be used, or that do not go with those of earlier answers.
        """
        known = {name: self._types.get(name) or _Type(part.unit) for name, part in parts.items()}
        return {name: known[name].after(name, part, url) for name, part in parts.items()}

    def add(self, index, parts, types):
        """Append the rows that answer one input, once they are checked."""
        self._types |= types
        self._answers.append((index, len(next(iter(parts.values())).values), parts))

    @property
    def inputs(self):
        """Indices of the inputs that have rows."""
        return {index for index, count, _ in self._answers if count}

    def table(self, meta, *, separation=False):
        """All rows: ``input_index``, ``separation`` if it is asked for, the position, then the other columns.

        Parameters
        ----------
        meta : dict
            Of the table.
        separation : bool
            The column ``distance`` is the separation from the input.

        Returns
        -------
        AnswerTable
        """
        table = AnswerTable(meta=meta | {"catalog": self.name})
        indices = [index for index, count, _ in self._answers for _ in range(count)]
        table["input_index"] = _ours(schema.INPUT_INDEX, np.array(indices, dtype=np.int64))
        position = self._position()
        names = dict.fromkeys((*(name for name in position if name in self._types), *self._types) or position)
        if separation:
            names.pop("distance", None)
            table["separation"] = _ours(schema.SEPARATION, self._values("distance")[0])
        for name in names:
            ours = f"{name}_2" if name in table.colnames else name
            table[ours] = self._column(name)
        return table

    def _position(self):
        """Names of right ascension and declination."""
        known = schema.find_catalog(self.name) or schema.Catalog(self.name, self.name)
        by_lower = {name.lower(): name for name in self._types}
        return [by_lower.get(name.lower(), name) for name in (known.ra, known.dec)]

    def _values(self, name):
        """Values of a column, and where there are none."""
        dtype, filling = _TYPES[self._types.get(name, _Type("")).types]
        parts = ((parts[name].values if name in parts else [None] * n) for _, n, parts in self._answers)
        values = [value for part in parts for value in part]
        data = np.array([filling if value is None else value for value in values], dtype=dtype)
        missing = np.array([value is None for value in values], dtype=bool)
        return data, missing | np.isnan(data) if data.dtype.kind == "f" else missing

    def _column(self, name):
        data, missing = self._values(name)
        position = self._position()
        text = self._types[name].unit if name in self._types else ""
        unit = None if _is_unknown(text) else find_unit(text)
        unit = u.deg if unit is None and name in position else unit
        plain = name in position and not missing.any()
        column = Column(data, unit=unit) if plain else MaskedColumn(data, mask=missing, unit=unit)
        column.info.meta = {"wire_unit": text}
        if name in position:
            column.info.meta["ucd"] = _UCDS[position.index(name)]
        return column


def _ours(column, values):
    """Column that every catalogue has."""
    found = Column(values, unit=column.unit, description=column.description)
    found.info.meta = {"ucd": column.ucd}
    return found


@lru_cache(1000)
def find_unit(text):
    """Unit for the service's spelling of it, None where there is none; an `UnrecognizedUnit` that nobody knows."""
    if text in schema.UNITS:
        return schema.UNITS[text]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", u.UnitsWarning)  # of spellings that are discouraged
        unit = u.Unit(text, parse_strict="silent")
    return None if unit == u.dimensionless_unscaled else unit


def warn_of_units(tables):
    """Name the columns whose unit nobody knows; they have none, and keep its text in ``info.meta["wire_unit"]``."""
    unknown = [
        f"{name} of {table.meta['catalog']} ('{column.info.meta['wire_unit']}')"
        for table in tables
        for name, column in table.columns.items()
        if _is_unknown(column.info.meta.get("wire_unit", ""))
    ]
    if unknown:
        warn(f"Columns without unit, for it is not known: {', '.join(unknown):.300}", CorruptValueWarning)


def _is_unknown(text):
    return isinstance(find_unit(text), u.UnrecognizedUnit)
