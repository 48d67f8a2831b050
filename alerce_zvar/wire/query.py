"""Query: an endpoint and checked values. It can be looked at, compared and hashed; nothing is sent here."""

import difflib
import json
import numbers
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple
from urllib.parse import quote, urlencode

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, SkyCoord
from astropy.time import Time, TimeDelta
from astroquery.exceptions import InputWarning

from alerce_zvar.errors import shown, warn
from alerce_zvar.wire.spec import Endpoint

__all__ = ["Query", "as_list", "build_query", "checked", "documented", "to_icrs", "to_radius"]


@dataclass(frozen=True)
class Query:
    """One request that has not been sent.

    Parameters
    ----------
    endpoint : Endpoint
        What is asked.
    base_url : str
        Address of the service.
    values : tuple
        ``(wire name, value)`` pairs, checked and in wire words.
    """

    accepted: ClassVar = (200,)  # statuses of an answer
    repeatable: ClassVar = True  # every endpoint reads only
    endpoint: Endpoint
    base_url: str
    values: tuple

    @property
    def method(self):
        """``"GET"`` or ``"POST"``."""
        return self.endpoint.method

    @property
    def url(self):
        """Whole address, with the query string."""
        path = self.endpoint.path.format(**{wire: quote(str(value), safe="") for wire, value in self._at("path")})
        pairs = [(wire, item) for wire, value in self._at("query") for item in _as_list(value)]
        return self.base_url + path + (f"?{urlencode(pairs)}" if pairs else "")

    @property
    def body(self):
        """JSON body as bytes, or None."""
        return json.dumps(self._thawed("body")).encode() if self.method == "POST" else None

    @property
    def headers(self):
        """Headers of its own."""
        return {"Content-Type": "application/json"} if self.body else {}

    def redirected(self, status):
        """What is asked at the address that an answer of this status led to: the same."""
        return self

    @property
    def payload(self):
        """What would be sent, as a dict in wire words; what ``get_query_payload=True`` gives."""
        return {wire: _thaw(value) for wire, value in self.values}

    def _at(self, where):
        places = {param.wire: param.where for param in self.endpoint.params}
        return [(wire, value) for wire, value in self.values if places[wire] == where]

    def _thawed(self, where):
        return {wire: _thaw(value) for wire, value in self._at(where)}


class _Position(NamedTuple):
    """A named position in degrees, with a radius [arcsec] if it has its own; frozen, so that a query can be hashed."""

    name: str
    ra: float
    dec: float
    radius: float | None = None


def build_query(endpoint, base_url, **values):
    """Query for an endpoint, its values checked and turned into wire words.

    Parameters
    ----------
    endpoint : Endpoint
        What is asked.
    base_url : str
        Address of the service.
    **values
        By our names of the parameters; None is left out.

    Returns
    -------
    Query

    Raises
    ------
    TypeError
        A name that the endpoint does not know (the nearest ones are named), a missing value, or one of the wrong type.
    astropy.units.UnitsError
        A quantity without its unit.
    ValueError
        A value outside its limits or choices.
    """
    names = [param.name for param in endpoint.params]
    for name in values:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise TypeError(f"{endpoint.name} takes no parameter '{name}'.{hint} It takes: {', '.join(names)}.")
    pairs = []
    for param in endpoint.params:
        value = values.get(param.name)
        if value is not None:
            pairs.append((param.wire, checked(param, value)))
        elif param.required:
            raise TypeError(f"{endpoint.name} needs the parameter '{param.name}': {param.description}")
    return Query(endpoint, base_url, tuple(pairs))


def checked(param, value):
    """A value in wire words, or an error that names the parameter, what was given and what is accepted."""
    if param.many == 1:
        return _checked_one(param, value)
    many, _ = as_list(value)
    if not many:
        raise ValueError(f"{param.name} must hold at least one value; an empty list was given")
    if len(many) > param.many:
        raise ValueError(f"{param.name} takes at most {param.many} values; {len(many)} were given")
    frozen = tuple(_checked_one(param, item) for item in many)
    if param.many == 2 and len(frozen) == 2 and frozen[0] > frozen[1]:
        raise ValueError(f"{param.name} must be (least, most); {shown(value)} is the wrong way round")
    return frozen


def to_radius(radius, *, maximum=None):
    """Radius as a positive `~astropy.coordinates.Angle`.

    Parameters
    ----------
    radius : Quantity, Angle or str
        An angle with its unit, such as ``5 * u.arcsec`` or ``"5 arcsec"``. Bare numbers are refused.
    maximum : Quantity, optional
        Largest angle accepted.

    Raises
    ------
    astropy.units.UnitsError
        No unit, or not one of angle.
    ValueError
        Not one positive angle, or larger than `maximum`.
    """
    try:
        angle = Angle(radius)
    except u.UnitsError as exc:
        raise u.UnitsError(
            f"radius must be an angle with a unit, such as 5 * u.arcsec or '5 arcsec', not {shown(radius)}"
        ) from exc
    except (TypeError, ValueError) as exc:
        error = TypeError if isinstance(exc, TypeError) else ValueError
        raise error(f"radius must be an angle, such as 5 * u.arcsec or '5 arcsec', not {shown(radius)}") from exc
    if angle.shape or not np.isfinite(angle) or angle <= 0 * u.deg:
        raise ValueError(f"radius must be one positive angle, not {shown(radius)}")
    if maximum is not None and angle > maximum:
        raise ValueError(f"radius must be at most {maximum}, not {shown(radius)}")
    return angle


def to_icrs(coordinates):
    """Coordinates as ICRS `~astropy.coordinates.SkyCoord`.

    Parameters
    ----------
    coordinates : SkyCoord, list of SkyCoord, or str
        One position or an array of them, in any frame. A text is read as ICRS, with a warning; names are not looked up.

    Raises
    ------
    TypeError
        Something else, such as a pair of numbers.
    ValueError
        A text that is no position, an empty array, or positions that are not finite.
    """
    if isinstance(coordinates, str):
        warn("Coordinate string is being interpreted as an ICRS coordinate.", InputWarning)
        coordinates = SkyCoord(coordinates, frame="icrs")
    elif isinstance(coordinates, list | tuple) and coordinates and all(isinstance(c, SkyCoord) for c in coordinates):
        coordinates = SkyCoord([position.icrs for position in coordinates])
    if not isinstance(coordinates, SkyCoord):
        raise TypeError(
            f"coordinates must be a SkyCoord, such as SkyCoord(83.6 * u.deg, 22.0 * u.deg), "
            f"not {shown(coordinates, 200)}"
        )
    icrs = coordinates.icrs
    if icrs.size == 0:
        raise ValueError("coordinates must hold at least one position; an empty array was given")
    for angle in (icrs.ra, icrs.dec):
        if np.any(getattr(angle, "mask", False)) or not np.all(np.isfinite(np.asarray(angle))):
            raise ValueError("coordinates must be finite; some are NaN, infinite or masked")
    return icrs if icrs.isscalar else icrs.ravel()


def documented(*params, **texts):
    """Decorator that completes a docstring, so that what many methods share is written once.

    ``{params}`` gives way to the schema's descriptions of parameters, ``{common}`` to those of the options that every
    remote method has, ``{archive}`` and ``{download}`` to those of downloads, and any other ``{name}`` to
    the text of that name.
    """
    entries = [f"{param.name} : {_accepts(param)}, optional\n    {param.description}" for param in params]
    texts = _TEXTS | {"params": "\n".join(entries)} | texts

    def write(function):
        # The indentation is that of the placeholder: Python 3.13 takes it out of docstrings.
        for name, text in texts.items():
            place = re.compile(rf"^( *)\{{{name}\}}", re.MULTILINE)
            function.__doc__ = place.sub(lambda at, t=text: textwrap.indent(t, at[1]), function.__doc__ or "")
        return function

    return write


_TIMEOUT = """timeout : float or Quantity, optional
    Total seconds for each request, retries and waits included; by default ``conf.timeout``."""
# What many methods share, by the name of the placeholder.
_TEXTS = {
    "common": f"""get_query_payload : bool
    Send nothing and return what would be sent: a dict, or a list of them if it takes several requests.
{_TIMEOUT}""",
    "archive": """archive : Archive, str or path-like
    Open archive, or its file, which is made where it is missing.""",
    "download": f"""progress : bool or callable, optional
    True for a bar with rate and time left, False for none; by default there is one where stderr is a terminal. Or a
    function, called as ``progress(done, total, what)``.
retry_failed : bool
    Ask again also for what the service did not have in an earlier run. What failed for another reason is asked for
    again anyway.
{_TIMEOUT}""",
}


def _accepts(param):
    words = {"id": "str or int", "digits": "str or int", "mjd": "Time or float"}
    words["quantity"] = f"Quantity [{param.unit}]" + (" or float" if param.bare else "")
    kind = words.get(param.kind, param.kind)
    return f"{kind}, or {'a pair' if param.many == 2 else 'a list'} of them" if param.many > 1 else kind


def _checked_one(param, value):
    value = _KINDS[param.kind](param, value)
    if param.choices and value not in param.choices:
        raise ValueError(f"{param.name} must be one of {', '.join(map(str, param.choices))}; not {shown(value)}")
    too_small = param.minimum is not None and value < param.minimum
    too_large = param.maximum is not None and value > param.maximum
    if too_small or too_large:
        unit = f" {param.unit}" if param.unit else ""
        low = "" if param.minimum is None else f" from {param.minimum:g}{unit}"
        high = "" if param.maximum is None else f" up to {param.maximum:g}{unit}"
        raise ValueError(f"{param.name} must be{low}{high}; {shown(value)}{unit} was given")
    return value


def _wrong(param, value, wanted, kind=TypeError):
    return kind(f"{param.name} must be {wanted}, not {shown(value)} ({type(value).__name__})")


def _to_str(param, value):
    if not isinstance(value, str) or not value:
        raise _wrong(param, value, "a text that is not empty")
    return str(value)


def _to_id(param, value):
    """Ids are text. A float is refused: above 2^53 it no longer holds the id it was made from."""
    value = _scalar(value)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= 0:
        return str(int(value))
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if isinstance(text, str) and text.strip() and text.strip() not in (".", ".."):  # those would climb in a path
        return str(text).strip()
    raise _wrong(param, value, "an id, as text or whole number")


def _to_digits(param, value):
    text = _to_id(param, value)
    if not (text.isascii() and text.isdigit()):
        raise _wrong(param, value, "an id of digits, as text or whole number", ValueError)
    return str(int(text))


def _scalar(value):
    """The value in an array of no dimensions, or the value itself."""
    plain = isinstance(value, np.ndarray) and not isinstance(value, u.Quantity)
    return value.item() if plain and value.shape == () else value


def _to_int(param, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise _wrong(param, value, "a whole number")
    return int(value)


def _to_float(param, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise _wrong(param, value, "a number")
    return _finite(param, float(value), value)


def _to_bool(param, value):
    if not isinstance(value, bool | np.bool_):
        raise _wrong(param, value, "True or False")
    return bool(value)


def _to_quantity(param, value):
    wanted = f"a quantity with a unit, such as 5 * u.Unit('{param.unit}')"
    value = _scalar(value)
    if param.bare and isinstance(value, numbers.Real) and not isinstance(value, bool | u.Quantity):
        return _finite(param, float(value), value)
    try:
        quantity = value if isinstance(value, TimeDelta) else u.Quantity(Angle(value) if _is_angle(param) else value)
        number = quantity.to_value(param.unit)
    except (u.UnitsError, TypeError, ValueError) as exc:
        raise _wrong(param, value, wanted, u.UnitsError) from exc
    if np.shape(number):
        raise _wrong(param, value, f"one single value: {wanted}", ValueError)
    return _finite(param, float(number), value)


def _is_angle(param):
    return param.unit.is_equivalent(u.deg)


def _to_mjd(param, value):
    if isinstance(value, Time) and not value.shape:
        return _finite(param, float(getattr(value, param.scale).mjd), value)
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return _finite(param, float(value), value)
    raise _wrong(param, value, f"an astropy Time, or an MJD ({param.scale.upper()}) as a number")


def _to_position(param, value):
    name, *numbers_given = value
    return _Position(str(name), *(_finite(param, float(number), value) for number in numbers_given))


def _finite(param, number, given):
    if not np.isfinite(number):
        raise _wrong(param, given, "finite", ValueError)
    return number


_KINDS = {
    "str": _to_str,
    "id": _to_id,
    "digits": _to_digits,
    "int": _to_int,
    "float": _to_float,
    "bool": _to_bool,
    "quantity": _to_quantity,
    "mjd": _to_mjd,
    "position": _to_position,
}


def as_list(values):
    """Values as a list, and whether a single one was given.

    Accepts one value, or any list, tuple, set, iterator, array, Time or Table column of them.
    """
    if isinstance(values, Iterator):
        return list(values), False
    if isinstance(values, str | bytes) or getattr(values, "shape", None) == () or not hasattr(values, "__len__"):
        return [values], True
    mask = getattr(values, "mask", False)
    if not callable(mask) and np.any(mask):  # pandas has a method of that name
        raise ValueError("masked values cannot be asked for; drop them from the list first")
    return list(values), False


def _as_list(value):
    values = value if isinstance(value, tuple) else (value,)
    return [str(item).lower() if isinstance(item, bool) else item for item in values]


def _thaw(value):
    if isinstance(value, _Position):
        return {key: item for key, item in value._asdict().items() if item is not None}
    return [_thaw(item) for item in value] if isinstance(value, tuple) else value
