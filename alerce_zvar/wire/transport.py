"""The only way out: sends a Query and returns the whole answer, or one of our errors.

Here live retries, the deadline, the size cap, the rule for redirects, the limit on connections, and the login. Foreign
exceptions end here: they are turned into ours without their frames, because those hold the request with its secrets.
"""

import contextlib
import email.utils
import itertools
import json
import logging
import random
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.auth import HTTPBasicAuth
from requests.utils import get_environ_proxies

from alerce_zvar.config import conf
from alerce_zvar.errors import (
    DeadlineError,
    InsecureURLError,
    InvalidQueryError,
    LoginError,
    NotFoundError,
    RateLimitError,
    RedirectError,
    ReplyError,
    ReplyTooLargeError,
    ServiceError,
    UnavailableError,
)
from alerce_zvar.wire.connection import BodyError, BodyTooLargeError, Deadline, new_session, read_body, reads_until

__all__ = ["Credentials", "Reply", "Transport", "credentials_from_keyring", "is_loopback", "origin"]

log = logging.getLogger("alerce_zvar")

_MAX_REDIRECTS = 3
_RETRY_TOKENS = 50  # retries that one transport may spend before its answers have earned new ones
_PASSING = {429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Reply:
    """A whole answer: where it came from, its type and its decompressed bytes."""

    url: str
    content_type: str
    body: bytes


class Credentials:
    """A user name and a password that show themselves to nobody: not in repr, not in a pickle."""

    __slots__ = ("_password", "username")

    def __init__(self, username, password):
        self.username = username
        self._password = password

    def __repr__(self):
        return f"<Credentials of {self.username!r}>"

    def __reduce__(self):
        raise TypeError("credentials are not pickled or copied; log in again where they are needed")

    def basic(self):
        """HTTP Basic authentication for requests."""
        return HTTPBasicAuth(self.username.encode(), self._password.encode())

    def store(self, name):
        """Keep them in the system's keyring; a warning in the log where there is none."""
        import keyring

        try:
            keyring.set_password(name, self.username, self._password)
        except keyring.errors.KeyringError as exc:
            log.warning("The password was not stored, the keyring failed: %s", type(exc).__name__)


def credentials_from_keyring(name, username):
    """`Credentials` that the system's keyring holds for a user, or None."""
    import keyring

    try:
        password = keyring.get_password(name, username)
    except keyring.errors.KeyringError as exc:
        log.debug("no keyring: %s", type(exc).__name__)
        return None
    return None if password is None else Credentials(username, password)


class _PassingError(Exception):
    """A failure that may pass: what to raise if it does not, and how long the service asks to wait."""

    def __init__(self, error, retry_after=None):
        super().__init__(str(error))
        self.error, self.retry_after = error, retry_after
        error.__context__ = None  # as in Transport.fetch


class Transport:
    """Sends queries to one service.

    Parameters
    ----------
    credentials : callable, optional
        Gives the `Credentials` for private endpoints, or None, each time one is needed.
    clock, now, sleep, jitter : callable, optional
        Monotonic seconds, wall-clock seconds, waiting, and a random number in [0, 1); the tests put in their own.
    """

    def __init__(
        self, credentials=None, *, clock=time.monotonic, now=time.time, sleep=time.sleep, jitter=random.random
    ):
        self._credentials = credentials or (lambda: None)
        self._clock, self._now, self._sleep, self._jitter = clock, now, sleep, jitter
        self._sessions = deque()  # idle ones; a session is never used by two threads at once
        self._tokens, self._lock = _RETRY_TOKENS, threading.Lock()

    def fetch(self, query, *, parse=None, timeout=None):
        """Answer to one query.

        Parameters
        ----------
        query : Query
            What to ask. Every endpoint reads only, so a POST is repeated like a GET.
        parse : callable, optional
            Turns the `Reply` into something better. A `ReplyError` of it whose ``passing`` is true (an empty or cut
            body) counts as a passing failure.
        timeout : float or Quantity, optional
            Total seconds, retries and waits included; by default ``conf.timeout``.

        Raises
        ------
        ServiceError
            One of its subclasses, with the address and the service's own words.
        """
        deadline = Deadline(_seconds(timeout), self._clock)
        for attempt in itertools.count():
            try:
                reply = self._exchange(query, deadline)
                answer = reply if parse is None else _parsed(parse, reply)
            except _PassingError as exc:
                failure = exc
            except ServiceError as error:
                error.__context__ = None  # foreign frames hold the request, and that holds the login
                raise
            else:
                self._earn()
                return answer
            pause = self._pause(failure, attempt, deadline)
            log.info("%s; trying again in %.1f s", failure.error, pause)
            self._sleep(pause)

    def map(self, queries, *, parse=None, timeout=None):
        """Answers to many queries, several at once, in the order of the queries.

        Parameters
        ----------
        queries : iterable of Query
            What to ask; read only a little ahead of the answers.
        parse, timeout
            As in `fetch`; the timeout holds for each query.

        Yields
        ------
        query, answer : Query and what `fetch` returns, or the `ServiceError` that it raised
        """

        def outcome(query):
            try:
                return self.fetch(query, parse=parse, timeout=timeout)
            except ServiceError as error:
                return error

        workers = max(1, conf.max_connections)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="alerce_zvar")
        running = deque()
        try:
            for query in queries:
                running.append((query, pool.submit(outcome, query)))
                if len(running) >= 2 * workers:
                    query, future = running.popleft()
                    yield query, future.result()
            while running:
                query, future = running.popleft()
                yield query, future.result()
        finally:
            pool.shutdown(wait=not running, cancel_futures=True)

    def __getstate__(self):
        return {"_clock": self._clock, "_now": self._now, "_sleep": self._sleep, "_jitter": self._jitter}

    def __setstate__(self, state):
        self.__init__(**{name.removeprefix("_"): value for name, value in state.items()})

    # one exchange: redirects around a single request

    def _exchange(self, query, deadline):
        url = query.url
        for _ in range(_MAX_REDIRECTS + 1):
            with _translated(url, deadline), self._session(url, deadline) as session, reads_until(deadline):
                response = self._send(session, query, url, deadline)
                with contextlib.closing(response):
                    if response.status_code not in _REDIRECTS:
                        return self._reply(response, url)
                    url = _redirected(query, url, response)
        raise RedirectError(f"More than {_MAX_REDIRECTS} redirects.", url=query.url)

    def _send(self, session, query, url, deadline):
        if deadline.left <= 0:
            raise TimeoutError
        headers = {"Content-Type": "application/json"} if query.body else {}
        request = session.prepare_request(requests.Request(query.method, url, data=query.body, headers=headers))
        if query.endpoint.private:
            self._authorise(request, url)
        started = self._clock()
        response = session.send(
            request,
            stream=True,
            allow_redirects=False,
            verify=session.verify,
            timeout=(min(conf.connect_timeout, deadline.left), deadline.left),
            proxies={} if is_loopback(url) else get_environ_proxies(url),
        )
        log.debug("%s %s -> %d in %.2f s", query.method, url, response.status_code, self._clock() - started)
        return response

    def _authorise(self, request, url):
        credentials = self._credentials()
        if credentials is None:
            return
        if urlsplit(url).scheme != "https" and not is_loopback(url) and not conf.allow_insecure_http:
            raise InsecureURLError(
                f"The login is not sent by plain http to {origin(url)}; use https, "
                "or set alerce_zvar.conf.allow_insecure_http if you trust the network."
            )
        request.prepare_auth(credentials.basic())

    def _reply(self, response, url):
        body = read_body(response, conf.max_reply_size)
        if response.status_code == 200:
            return Reply(url, response.headers.get("Content-Type", ""), body)
        error = _status_error(response, url, body)
        if response.status_code in _PASSING:
            raise _PassingError(error, _retry_after(response.headers.get("Retry-After"), self._now()))
        raise error

    @contextlib.contextmanager
    def _session(self, url, deadline):
        """A session of this thread's own while it holds one of the connections that are allowed."""
        places = _connections(origin(url), max(1, conf.max_connections))
        if not places.acquire(timeout=max(0.0, deadline.left)):
            raise TimeoutError("no free connection")
        try:
            session = self._sessions.pop() if self._sessions else new_session(_user_agent())
            yield session
            self._sessions.append(session)
        finally:
            places.release()

    # patience

    def _pause(self, failure, attempt, deadline):
        """Seconds to wait before the next try, or the error when there is to be none."""
        asked = failure.retry_after
        longest = min(conf.max_retry_after, deadline.left)
        if asked is not None and asked > longest:
            raise RateLimitError(
                f"The service asks to wait {asked:.0f} s, longer than the {max(longest, 0):.0f} s that are allowed.",
                retry_after=asked,
                url=failure.error.url,
                status=failure.error.status,
                reason=failure.error.reason,
            )
        backoff = min(conf.max_backoff, conf.backoff * 2**attempt) * (1 - 0.5 * self._jitter())
        pause = backoff if asked is None else max(asked, 0.0)
        if attempt >= conf.max_retries or pause >= deadline.left or not self._spend():
            raise failure.error
        return pause

    def _spend(self):
        with self._lock:
            self._tokens -= 1 if self._tokens > 0 else 0
            return self._tokens > 0

    def _earn(self):
        with self._lock:
            self._tokens = min(_RETRY_TOKENS, self._tokens + 1)


def origin(url):
    """Scheme, host and port of an address, as one text that can be compared."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or _PORTS.get(parts.scheme)}"


def is_loopback(url):
    """True if an address is on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdigit())


@cache
def _connections(_origin, count):
    """The connections to one service that may be open at once, whoever asks."""
    return threading.BoundedSemaphore(count)


@cache
def _user_agent():
    try:
        ours = version("alerce_zvar")
    except PackageNotFoundError:
        ours = "0"
    return f"alerce_zvar/{ours} python-requests/{requests.__version__}"


def _seconds(timeout):
    if timeout is None:
        return conf.timeout
    seconds = timeout.to_value("s") if hasattr(timeout, "to_value") else timeout
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise ValueError(f"timeout must be a positive number of seconds or a Quantity of time, not {timeout!r}")
    return float(seconds)


def _parsed(parse, reply):
    try:
        return parse(reply)
    except ReplyError as error:
        if error.passing:
            raise _PassingError(error) from None
        raise


@contextlib.contextmanager
def _translated(url, deadline):
    """Turns the exceptions of requests, urllib3 and sockets into ours, without their frames."""
    try:
        yield
    except BodyTooLargeError:
        message = f"The answer is larger than {conf.max_reply_size} bytes (conf.max_reply_size). Ask for less at once."
        raise ReplyTooLargeError(message, url=url) from None
    except BodyError as exc:
        raise _PassingError(ReplyError(f"The answer is unusable: {exc}.", url=url)) from None
    except requests.exceptions.SSLError as exc:
        raise UnavailableError(f"No trusted connection: {exc}.", url=url) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
        if deadline.left <= 0:
            message = f"No whole answer within {deadline.seconds:g} s. Pass a longer timeout, or ask for less at once."
            raise DeadlineError(message, url=url) from None
        if isinstance(exc, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            raise InvalidQueryError(f"Not an address that can be asked: {exc}.", url=url) from None
        message = f"The connection failed ({type(exc).__name__}: {exc})."
        raise _PassingError(UnavailableError(message, url=url)) from None


def _redirected(query, url, response):
    """Address to go on with: the same origin only; a POST only where the redirect keeps it a POST."""
    target = urljoin(url, response.headers.get("Location", ""))
    if origin(target) != origin(url) or "Location" not in response.headers:
        raise RedirectError(f"Redirected to {origin(target)}, which is not followed.", url=url)
    if query.method != "GET" and response.status_code not in (307, 308):
        raise RedirectError(f"A {query.method} was redirected by {response.status_code}.", url=url)
    return target


def _status_error(response, url, body):
    status = response.status_code
    known = {"url": url, "status": status, "reason": _reason(body)}
    if status in (401, 403):
        return LoginError(
            f"The service wants a login, or refused the one it got (status {status}); see login().", **known
        )
    if status == 404 and "json" in response.headers.get("Content-Type", ""):
        return NotFoundError("Not found.", **known)
    if status == 429:
        return RateLimitError("Too many requests.", retry_after=0.0, **known)
    if 400 <= status < 500:
        return InvalidQueryError(f"The service refused the request (status {status}).", **known)
    if status >= 500:
        return UnavailableError(f"The service failed (status {status}).", **known)
    return ReplyError(f"Status {status} where 200 was expected.", **known)


def _reason(body):
    """The service's own words: the usual keys of a JSON body, else the beginning of the text."""
    text = body[:4000].decode("utf-8", "replace")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return text
    if not isinstance(said, dict):
        return text
    parts = [said[key] for key in ("message", "detail", "errors", "error") if said.get(key)]
    return "; ".join(part if isinstance(part, str) else json.dumps(part) for part in parts) or text


def _retry_after(header, now):
    """Seconds that a Retry-After header asks for; None where it is missing or makes no sense."""
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - datetime.fromtimestamp(now, UTC).timestamp())
