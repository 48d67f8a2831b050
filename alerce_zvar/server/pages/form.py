"""The form of the search: its fields, checked, and the address that stands for it."""

import math
from dataclasses import dataclass, field
from urllib.parse import urlencode

from astropy import units as u

from alerce_zvar.errors import printable
from alerce_zvar.positions import parse_position

__all__ = ["PAGE_SIZE", "UNITS", "Search", "parse_search"]

UNITS = {"arcsec": u.arcsec, "arcmin": u.arcmin, "deg": u.deg}
PAGE_SIZE = 50
_DEFAULTS = {"radius": "10", "unit": "arcsec", "order": "asc", "page": "1"}
_FIELDS = ("position", "radius", "unit", "id", "class", "probability", "sort", "order", "page")
_LONGEST = 200  # characters of a field
_HALF_TURN = 180 * 3600.0  # arcsec


@dataclass(frozen=True, eq=False)
class Search:
    """What is looked for.

    Attributes
    ----------
    given : dict of str
        Texts of the form, without those that say nothing.
    errors : dict of str
        Field -> what is wrong with it.
    centre : `~astropy.coordinates.SkyCoord` or None
    radius : float
        [arcsec]
    identifier : str or None
    chosen : tuple or None
        Survey, classifier and class.
    probability : float
        Least probability of the class.
    sort : str
        Column.
    descending : bool
    page : int
        From 1.
    """

    given: dict
    errors: dict = field(default_factory=dict)
    centre: object = None
    radius: float = 0.0
    identifier: str | None = None
    chosen: tuple | None = None
    probability: float = 0.0
    sort: str = ""
    descending: bool = False
    page: int = 1

    @property
    def is_search(self):
        """False where everything is shown."""
        return any(name in self.given for name in ("position", "id", "class", "probability"))

    def value(self, name):
        """Text of a field, as it was given or by default."""
        return self.given.get(name, _DEFAULTS.get(name, ""))

    def query(self, **changes):
        """Query string of the same search with other values."""
        values = {name: str(changes.get(name, self.given.get(name, ""))) for name in _FIELDS}
        return urlencode({name: text for name, text in values.items() if text and text != _DEFAULTS.get(name)})


def parse_search(given, classes, columns):
    """Fields of a query string, checked; what is wrong is told field by field.

    Parameters
    ----------
    given : mapping of str
        Query string; of a field given twice the last counts.
    classes : dict
        Choices of the field ``class`` -> survey, classifier, class.
    columns : collection of str
        What the results can be sorted by, without a position and with one; the first is the default.

    Returns
    -------
    Search
    """
    texts = {name: given[name].strip() for name in _FIELDS if given.get(name, "").strip()}
    read, errors = {}, {}
    for name, reader in _READERS.items():
        try:
            read[name] = reader(texts.get(name, _DEFAULTS.get(name, "")), name)
        except ValueError as exc:
            errors[name] = printable(str(exc))
    arcsec = read.get("radius", 0.0) * UNITS[read.get("unit", "arcsec")].to(u.arcsec)
    if arcsec > _HALF_TURN:
        errors["radius"] = "at most 180 degrees are accepted"
    read["class"] = classes.get(texts.get("class", ""))
    if "class" in texts and read["class"] is None:
        errors["class"] = "this archive has no such class; choose one of the list"
    if "probability" in texts and "class" not in texts:
        errors.setdefault("probability", "a class is needed for it")
    sort = texts.get("sort") or ("separation" if "position" in texts else columns[0])
    there = [name for name in columns if name != "separation" or "position" in texts]
    if sort not in there:
        errors["sort"] = f"one of {', '.join(there)} is accepted"
    if errors:
        return Search(texts, errors)
    return Search(
        texts,
        centre=read["position"],
        radius=arcsec,
        identifier=read["id"] or None,
        chosen=read["class"],
        probability=read["probability"],
        sort=sort,
        descending=read["order"] == "desc",
        page=read["page"],
    )


def _text(text, name):
    if len(text) > _LONGEST:
        raise ValueError(f"at most {_LONGEST} characters are accepted")
    return text


def _position(text, name):
    if not _text(text, name):
        return None
    try:
        return parse_position(text)
    except ValueError as exc:
        raise ValueError(str(exc).removesuffix("; in quotes, as one argument")) from None


def _number(accepted, what):
    def read(text, name):
        try:
            value = float(text or 0)
        except ValueError:
            value = math.nan
        if not accepted(value):
            raise ValueError(f"{what} is accepted, {text!r:.80} was given")
        return value

    return read


def _word(*words):
    def read(text, name):
        if text not in words:
            raise ValueError(f"one of {', '.join(words)} is accepted, {text!r:.80} was given")
        return text

    return read


def _page(text, name):
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise ValueError(f"a whole number from 1 is accepted, {text!r:.80} was given")
    return int(text)


_READERS = {
    "position": _position,
    "radius": _number(lambda value: 0 < value < math.inf, "a number above 0"),
    "unit": _word(*UNITS),
    "id": _text,
    "probability": _number(lambda value: 0 <= value <= 1, "a number from 0 to 1"),
    "order": _word("asc", "desc"),
    "page": _page,
}
