"""From columns to JSON, and how a request is refused."""

import json
from http import HTTPStatus

import numpy as np
import orjson
from starlette.responses import HTMLResponse, Response

__all__ = [
    "FLASK_REASONS",
    "RefusalError",
    "dumps",
    "flask_page",
    "fragment",
    "one_row",
    "plain_values",
    "rows",
    "with_bare_nan",
]

# What services made with Flask say of a refusal, in the words of werkzeug.
FLASK_REASONS = {
    403: "You don't have the permission to access the requested resource. "
    "It is either read-protected or not readable by the server.",
    404: "The requested URL was not found on the server. "
    "If you entered the URL manually please check your spelling and try again.",
    405: "The method is not allowed for the requested URL.",
    500: "The server encountered an internal error and was unable to complete your request. "
    "Either the server is overloaded or there is an error in the application.",
}


class RefusalError(Exception):
    """A request that is answered by an error.

    Parameters
    ----------
    status : int
        HTTP status.
    content : dict
        JSON body.
    headers : dict, optional
        More headers.
    """

    def __init__(self, status, content, headers=None):
        super().__init__(status)
        self.status = status
        self.content = content
        self.headers = headers


def dumps(content):
    """JSON bytes; single-precision numbers print short (17.41657), NaN is null."""
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def flask_page(status, headers=None):
    """Page that Flask gives where a request has no answer."""
    title = HTTPStatus(status).phrase
    page = (
        f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n"
        f"<p>{FLASK_REASONS[status]}</p>\n"
    )
    return HTMLResponse(page, status_code=status, headers=headers)


def fragment(content):
    """Part of an answer that is JSON already."""
    return orjson.Fragment(dumps(content))


def with_bare_nan(content):
    """Answer in which NaN is a bare ``NaN``, which JSON does not allow and ALeRCE's features hold."""
    return Response(json.dumps(content, separators=(",", ":")), media_type="application/json")


def rows(columns):
    """List of dicts, one for each row of a dict of arrays; None where masked."""
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*map(plain_values, columns.values()), strict=True)]


def one_row(columns):
    """The only row, or None where there is none."""
    found = rows(columns)
    return found[0] if found else None


def plain_values(column):
    """Values of an array for JSON, None where masked."""
    data = np.ma.getdata(column)
    values = list(data) if data.dtype == np.float32 else data.tolist()  # tolist would widen single precision
    if isinstance(column, np.ma.MaskedArray):
        for index in np.flatnonzero(np.ma.getmaskarray(column)):
            values[index] = None
    return values
