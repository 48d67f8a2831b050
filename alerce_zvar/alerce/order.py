"""How a list of objects is ordered: which words a service takes for it, and which of its keys a row shows."""

from dataclasses import dataclass

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.errors import shown

__all__ = ["Order", "order_of"]

_MODES = ("ASC", "DESC")
# ZTF's words for what its rows hold under other keys; rows hold nothing of a classifier's version and rank.
_ZTF_KEYS = {"class_name": "class", "classifier_name": "classifier", "classifier_version": "", "ranking": ""}

# Columns of LSST's rows that its database knows by numbers, or not at all.
_LSST_UNSORTED = ("class_name", "classifier_name", "stellar")


@dataclass(frozen=True)
class Order:
    """An order of rows.

    Parameters
    ----------
    word : str
        What the service is told to order by.
    key : str
        Key of the rows that shows it; empty where none does.
    mode : {"ASC", "DESC"}
        Direction.
    safe : bool
        Pages can be read in it: rows that tie can be asked for by themselves.
    given : bool
        It is the user's choice.
    """

    word: str
    key: str
    mode: str
    safe: bool
    given: bool

    @property
    def asked(self):
        """What a request says of it."""
        return {"order_by": self.word, "order_mode": self.mode}


def _ztf_words():
    choices = next(param.choices for param in schema.OBJECTS_PARAMS if param.name == "order_by")
    words = {word: (word, _ZTF_KEYS.get(word, word)) for word in choices}
    by_key = {key: (word, key) for word, key in words.values() if key}
    return words | {column.name: by_key[column.wire] for column in schema.OBJECTS.columns if column.wire in by_key}


def _lsst_words():
    columns = [column for column in lsst.OBJECTS.columns if column.wire not in _LSST_UNSORTED]
    return {name: (column.wire, column.wire) for column in columns for name in (column.wire, column.name)}


_WORDS = {"ztf": _ztf_words(), "lsst": _lsst_words()}


def order_of(survey, order_by, order_mode, filters):
    """The order to ask for.

    By default it is that of the ids, in which pages can be read safely; of LSST with a filter on ``lastmjd``, that of
    ``lastmjd``, because the service ignores the filter in its own order, by probability (reference/alerce.md 7.1).

    Raises
    ------
    ValueError
        A name that the service does not sort by, a direction of no order, or an order in which a filter is ignored.
    """
    if order_mode is not None and order_by is None:
        raise ValueError("order_mode needs order_by: which column to sort by")
    mode = "ASC" if order_mode is None else order_mode
    if mode not in _MODES:
        raise ValueError(f"order_mode must be one of {', '.join(_MODES)}; not {shown(order_mode)}")
    if order_by is None or order_by == "oid":
        word = "lastmjd" if order_by is None and survey == "lsst" and "lastmjd" in filters else "oid"
        return Order(word, word, mode, safe=True, given=order_by is not None)
    words = _WORDS[survey]
    if order_by not in words:
        raise ValueError(f"order_by must be one of {', '.join(words)}; not {shown(order_by)}")
    word, key = words[order_by]
    if survey == "lsst" and word == "probability" and "lastmjd" in filters:
        raise ValueError("order_by='probability' cannot be used with lastmjd: the LSST service would ignore the filter")
    return Order(word, key, mode, safe=False, given=True)
