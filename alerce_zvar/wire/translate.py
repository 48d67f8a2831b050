"""From what others say to what we say: foreign exceptions, statuses and headers become our errors, and end here.

They lose their frames on the way, because those hold the request with its login.
"""

import contextlib
import email.utils
import html
import http.client
import json
import re
from datetime import UTC
from urllib.parse import urljoin

import requests
import urllib3

from alerce_zvar.config import conf
from alerce_zvar.errors import (
    AlerceZvarError,
    DeadlineError,
    InvalidQueryError,
    LoginError,
    NotFoundError,
    RateLimitError,
    RedirectError,
    ReplyError,
    ReplyTooLargeError,
    UnavailableError,
)
from alerce_zvar.wire.address import checked_url, origin
from alerce_zvar.wire.connection import BodyError, BodyTooLargeError, read_body

__all__ = ["PassingError", "redirected", "retry_after", "status_error", "translated"]

_LONGEST_WORDS = 2**16  # bytes of an error's body that are looked at
_QUERY_STATUS = re.compile(r"""<INFO\s[^>]*name=["']QUERY_STATUS["'][^>]*>([^<]+)</""")
_BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)


class PassingError(Exception):
    """A failure that may pass: what to raise if it does not, and how long the service asks to wait."""

    def __init__(self, error, retry_after=None):
        super().__init__(str(error))
        self.error, self.retry_after = error, retry_after


@contextlib.contextmanager
def translated(url, deadline):
    """Turns the exceptions of requests, urllib3 and sockets into ours, without their frames."""
    try:
        yield
    except AlerceZvarError:
        raise
    except KeyboardInterrupt:
        raise KeyboardInterrupt from None
    except BodyTooLargeError:
        message = f"The answer is larger than {conf.max_reply_size} bytes (conf.max_reply_size). Ask for less at once."
        raise ReplyTooLargeError(message, url=url) from None
    except BodyError as exc:
        raise PassingError(ReplyError(f"The answer is unusable: {exc}.", url=url)) from None
    except _BROKEN as exc:
        if deadline.left <= 0:
            message = f"No whole answer within {deadline.seconds:g} s. Pass a longer timeout, or ask for less at once."
            raise DeadlineError(message, url=url) from None
        if isinstance(exc, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(exc):
            raise UnavailableError(f"The server does not prove who it is ({exc}).", url=url) from None
        if isinstance(exc, ValueError):
            raise InvalidQueryError(f"Not an address that can be asked ({exc}).", url=url) from None
        message = f"The connection failed ({type(exc).__name__}: {exc})."
        raise PassingError(UnavailableError(message, url=url)) from None


def redirected(query, url, response):
    """Address to go on with: the same origin only; a POST only where the redirect keeps it a POST."""
    location = response.headers.get("Location", "")
    try:
        target = urljoin(url, location)
        checked_url(target)
    except ValueError:
        raise RedirectError("Redirected to something that is no address to follow.", url=url) from None
    if origin(target) != origin(url) or not location:
        raise RedirectError(f"Redirected to {origin(target) if location else 'nowhere'}, not followed.", url=url)
    kept = response.status_code in (307, 308) or query.redirected(response.status_code) is not query
    if query.method != "GET" and not kept:
        raise RedirectError(f"A {query.method} was redirected by {response.status_code}.", url=url)
    return target


def status_error(query, response, url):
    """Our error for a status other than 200."""
    status = response.status_code
    known = {"url": url, "status": status, "reason": _reason(_words(response))}
    if status in (401, 403):
        advice = " Log in, or check the login: see login()." if query.endpoint.private else ""
        return LoginError(f"The service refused access (status {status}).{advice}", **known)
    if status == 404 and query.endpoint.single and "json" in response.headers.get("Content-Type", ""):
        return NotFoundError("Not found.", **known)
    if status == 429:
        return RateLimitError("Too many requests.", retry_after=0.0, **known)
    if 400 <= status < 500:
        return InvalidQueryError(f"The service refused the request (status {status}).", **known)
    if status >= 500:
        return UnavailableError(f"The service failed (status {status}).", **known)
    return ReplyError(f"Status {status} where 200 was expected.", **known)


def _words(response):
    """Body of an error as far as it can be read: the status matters more."""
    with contextlib.suppress(BodyError, BodyTooLargeError, *_BROKEN):
        return read_body(response, _LONGEST_WORDS)
    return b""


def _reason(body):
    """The service's own words: of a VOTable's status, or the usual keys of a JSON body, else the text's beginning."""
    text = body[:4000].decode("utf-8", "replace")
    status = _QUERY_STATUS.search(body.decode("utf-8", "replace"))
    if status:
        return html.unescape(status[1])
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return text
    if not isinstance(said, dict):
        return text
    parts = [said[key] for key in ("message", "detail", "errors", "error") if said.get(key)]
    return "; ".join(part if isinstance(part, str) else json.dumps(part) for part in parts) or text


def retry_after(header, now):
    """Seconds that a Retry-After header asks for; None where it is missing or makes no sense."""
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now)
    except (ValueError, OverflowError):
        return None
