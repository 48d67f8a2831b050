"""Checked values of a request as FastAPI's services take and refuse them (reference/alerce.md 4)."""

import math
import re

from alerce_zvar.server.replies import RefusalError

__all__ = ["parse"]

_WHOLE = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_BOOLEANS = dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True)
_BOOLEANS |= dict.fromkeys(("0", "false", "f", "no", "n", "off"), False)
_NUMBERS = ("float", "quantity", "mjd")


class _WrongError(ValueError):
    """Type and message of one bad value, as the service's library words them."""


def parse(endpoint, query, path, unchecked=()):
    """Values by their names on the wire; only what was given. Of a value given twice the last counts.

    Parameters
    ----------
    endpoint : Endpoint
        What is asked.
    query : `~starlette.datastructures.QueryParams`
        Query string.
    path : dict
        Parts of the path.
    unchecked : tuple of str
        Parameters whose choices the caller checks.

    Raises
    ------
    RefusalError
        422 with all bad parameters, or 400 where an identifier is no number.
    """
    values, errors = dict(path), []
    for param in endpoint.params:
        given = query.getlist(param.wire) if param.where == "query" else []
        if param.required and param.where == "query" and not given:
            errors.append({"type": "missing", "loc": ["query", param.wire], "msg": "Field required", "input": None})
        found = []
        for place, text in enumerate(given if param.many > 1 else given[-1:]):
            try:
                found.append(_convert(param, text, param.wire in unchecked))
            except _WrongError as exc:
                where = ["query", param.wire, *([place] if param.many > 1 else [])]
                errors.append({"type": exc.args[0], "loc": where, "msg": exc.args[1], "input": text})
        if found:
            values[param.wire] = found if param.many > 1 else found[0]
    if errors:
        raise RefusalError(422, {"detail": errors})
    _check_ids(endpoint, values)
    return values


def _convert(param, text, unchecked):
    if param.kind == "int":
        if not _WHOLE.fullmatch(text.strip()):
            raise _WrongError("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
        return int(text)
    if param.kind in _NUMBERS:
        return _number(text)
    if param.kind == "bool":
        if text.lower() not in _BOOLEANS:
            raise _WrongError("bool_parsing", "Input should be a valid boolean, unable to interpret input")
        return _BOOLEANS[text.lower()]
    if param.choices and text not in param.choices and not unchecked:
        words = [f"'{choice}'" for choice in param.choices]
        accepted = " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
        raise _WrongError("literal_error", f"Input should be {accepted}")
    return text


def _number(text):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _WrongError("float_parsing", "Input should be a valid number, unable to parse string as a number")
    return value


def _check_ids(endpoint, values):
    """The service turns them into numbers, and tells Python's own words where it cannot."""
    for param in endpoint.params:
        if param.kind == "digits" and param.wire in values:
            given = values[param.wire]
            for text in given if isinstance(given, list) else [given]:
                if not (text.isascii() and text.isdigit()):
                    raise RefusalError(400, {"detail": f"invalid literal for int() with base 10: {text!r}"})
