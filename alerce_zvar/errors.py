"""Every error and warning of the package, in one tree.

::

    AlerceZvarError
    ├── ServiceError            astroquery RemoteServiceError   the service did not give what was asked
    │   ├── InvalidQueryError   astroquery InvalidQueryError    it refused the request (400, 404 of a route, 422 ...)
    │   ├── NotFoundError                                       it knows no such object (404)
    │   ├── LoginError          astroquery LoginError           it wants a login, or refused ours (401, 403)
    │   ├── RateLimitError                                      it asks to wait longer than we may (429, 503)
    │   ├── UnavailableError                                    it is down, or cannot be reached (5xx, connection)
    │   ├── DeadlineError       astroquery TimeoutError         no whole answer within the deadline
    │   ├── RedirectError                                       it sent us somewhere we do not follow
    │   └── ReplyError          astroquery TableParseError      the answer is not what the contract says
    │       └── ReplyTooLargeError                              the answer is larger than the cap
    ├── InsecureURLError        ValueError                      a secret would travel in clear
    ├── ArchiveError                                            a local archive cannot be read or written
    └── MissingExtraError       ImportError                     an optional package is not installed

    AlerceZvarWarning           astropy AstropyWarning
    ├── PartialResultWarning                                    some inputs failed; they are listed
    ├── NoResultsWarning        astroquery NoResultsWarning     the answer is an empty table
    ├── MaxResultsWarning       astroquery MaxResultsWarning    the answer was cut short
    └── CorruptValueWarning     astroquery CorruptDataWarning   single values were unusable and are masked

Wrong arguments raise Python's own `ValueError`, `TypeError` or `astropy.units.UnitsError`, before any request.
"""

import re
import sys
import warnings

import numpy as np
from astropy.utils.exceptions import AstropyWarning
from astroquery import exceptions as astroquery_exceptions

__all__ = [
    "AlerceZvarError",
    "AlerceZvarWarning",
    "ArchiveError",
    "CorruptValueWarning",
    "DeadlineError",
    "InsecureURLError",
    "InvalidQueryError",
    "LoginError",
    "MaxResultsWarning",
    "MissingExtraError",
    "NoResultsWarning",
    "NotFoundError",
    "PartialResultWarning",
    "RateLimitError",
    "RedirectError",
    "ReplyError",
    "ReplyTooLargeError",
    "ServiceError",
    "UnavailableError",
    "printable",
    "require",
    "shown",
    "warn",
]

# Columns of a table of inputs without an answer.
FAILURE_COLUMNS = {"input_index": "int64", "input": "str", "error": "str", "reason": "str", "url": "str"}

_SHOWN = 500  # characters of a server's text that an error repeats
# Of terminals, and of the direction of writing, which would show a text in another order than it has.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class AlerceZvarError(Exception):
    """Root of the package's errors."""


class ServiceError(AlerceZvarError, astroquery_exceptions.RemoteServiceError):
    """A service did not give what was asked.

    Attributes
    ----------
    url : str
        What was asked, without any secret.
    status : int or None
        HTTP status, when there was an answer.
    reason : str
        The service's own words, at most 500 characters, control characters removed.
    """

    def __init__(self, message, *, url="", status=None, reason=""):
        self.url = url
        self.status = status
        self.reason = printable(reason.strip())[:_SHOWN]
        parts = [printable(message)]
        if self.reason:
            parts.append(f"The service said: {self.reason}")
        if url:
            parts.append(f"[{url}]")
        super().__init__(" ".join(parts))

    def hide(self, hidden):
        """Pass the texts of this error through a function that takes secrets out of them."""
        self.args = tuple(hidden(str(text)) for text in self.args)
        self.reason = hidden(self.reason)


class InvalidQueryError(ServiceError, astroquery_exceptions.InvalidQueryError):
    """The service refused the request as it was put."""


class NotFoundError(ServiceError):
    """The service knows no such object."""


class LoginError(ServiceError, astroquery_exceptions.LoginError):
    """The service wants a login, or refused the one it got."""


class RateLimitError(ServiceError):
    """The service asks to wait longer than the deadline or `Conf.max_retry_after` allows.

    Attributes
    ----------
    retry_after : float
        Seconds that the service asked for.
    """

    def __init__(self, message, *, retry_after=0.0, **kwargs):
        super().__init__(message, **kwargs)
        self.retry_after = retry_after


class UnavailableError(ServiceError):
    """The service is down or cannot be reached."""


class DeadlineError(ServiceError, astroquery_exceptions.TimeoutError):
    """No whole answer came within the deadline."""


class RedirectError(ServiceError):
    """The service sent us to a place that is not followed."""


class ReplyError(ServiceError, astroquery_exceptions.TableParseError):
    """The answer is not what the contract says.

    Attributes
    ----------
    passing : bool
        True when asking again may help: the answer was empty or cut.
    """

    def __init__(self, message, *, passing=False, **kwargs):
        super().__init__(message, **kwargs)
        self.passing = passing


class ReplyTooLargeError(ReplyError):
    """The answer is larger, once decompressed, than `Conf.max_reply_size`."""


class InsecureURLError(AlerceZvarError, ValueError):
    """A secret would travel in clear to another machine."""


class ArchiveError(AlerceZvarError):
    """A local archive, or a file to import, cannot be read or written."""


class MissingExtraError(AlerceZvarError, ImportError):
    """An optional package is not installed; the message holds the line that installs it."""


class AlerceZvarWarning(AstropyWarning):
    """Root of the package's warnings."""


class PartialResultWarning(AlerceZvarWarning):
    """Some inputs failed; the result lists them in ``.failures``."""


class NoResultsWarning(AlerceZvarWarning, astroquery_exceptions.NoResultsWarning):
    """The answer is an empty table."""


class MaxResultsWarning(AlerceZvarWarning, astroquery_exceptions.MaxResultsWarning):
    """The answer was cut short."""


class CorruptValueWarning(AlerceZvarWarning, astroquery_exceptions.CorruptDataWarning):
    """Single values of an answer were unusable and are masked."""


def printable(text):
    """Text without control characters, which could drive the terminal, or turn the direction of writing."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def shown(value, width=80):
    """A value as messages show it: short, and numpy's texts and numbers as Python's own, without ``np.str_(...)``."""
    if hasattr(value, "unit") and getattr(value, "shape", None) == ():
        return str(value)
    with np.printoptions(legacy="1.25"):
        return f"{value!r:.{width}}"


def warn(message, category):
    """Warn of something at the line of the caller's own code, however deep inside the package it was noticed."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "alerce_zvar":
        level, frame = level + 1, frame.f_back
    warnings.warn(printable(message), category, stacklevel=level)


def require(extra, *modules):
    """Import the modules that an extra brings, or say which line installs them.

    Parameters
    ----------
    extra : str
        Name of the extra, as in ``pip install 'alerce_zvar[extra]'``.
    *modules : str
        Modules to import.

    Returns
    -------
    tuple of module
        In the order asked.

    Raises
    ------
    MissingExtraError
        A module, or something that it needs, is not installed.
    """
    import importlib

    try:
        return tuple(importlib.import_module(name) for name in modules)
    except ModuleNotFoundError as exc:
        raise MissingExtraError(
            f"This needs the package '{exc.name}', which is not installed. "
            f"Install it with: python -m pip install 'alerce_zvar[{extra}]'",
            name=exc.name,
        ) from exc
