"""The only way out: sends a Query and returns the whole answer, or one of our errors.

Here live retries, the deadline, redirects, the limit on connections, and the login. `connection` reads under the
deadline and the size cap, `translate` turns what others say and raise into our errors.
"""

import contextlib
import itertools
import logging
import math
import numbers
import os
import random
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies

from alerce_zvar.config import conf
from alerce_zvar.errors import InsecureURLError, RateLimitError, RedirectError, ReplyError, ServiceError, shown
from alerce_zvar.wire.address import is_loopback, origin
from alerce_zvar.wire.connection import Deadline, new_session, read_body, reads_until
from alerce_zvar.wire.translate import PassingError, redirected, retry_after, status_error, translated

__all__ = ["Reply", "Transport"]

log = logging.getLogger("alerce_zvar")

_MAX_REDIRECTS = 3
_RETRY_TOKENS = 50.0  # retries that one transport may make in a row; an answer earns one, and so does a second
_PASSING = {408, 429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}
_LONGEST_TIMEOUT = 1e6  # seconds; sockets and locks take no infinity


@dataclass(frozen=True)
class Reply:
    """A whole answer: where it came from, its type and its decompressed bytes."""

    url: str
    content_type: str
    body: bytes


class Transport:
    """Sends queries to one service.

    Parameters
    ----------
    credentials : callable, optional
        Gives the `Credentials` for private endpoints, or None, each time one is needed.
    clock, now, sleep, jitter : callable, optional
        Monotonic seconds, wall-clock seconds, waiting, and a random number in [0, 1); the tests put in their own.
    """

    def __init__(self, credentials=None, *, clock=time.monotonic, now=time.time, sleep=None, jitter=random.random):
        self._settings = {"credentials": credentials, "clock": clock, "now": now, "sleep": sleep, "jitter": jitter}
        self._credentials = credentials or _nobody
        self._clock, self._now, self._sleep, self._jitter = clock, now, sleep, jitter
        self._budget = _Budget(clock)
        self._begin()

    def _begin(self):
        self._process = os.getpid()
        self._sessions = deque()  # idle ones; a session is never used by two threads at once

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
        return self._fetch(query, parse, Deadline(_seconds(timeout), self._clock))

    def _fetch(self, query, parse, deadline):
        for attempt in itertools.count():
            try:
                reply = self._exchange(query, deadline)
                answer = reply if parse is None else _parsed(parse, reply)
            except PassingError as exc:
                failure = exc
                self._discreet(failure.error, query)
            except (ServiceError, KeyboardInterrupt) as error:
                self._discreet(error, query)
                raise
            else:
                self._budget.earn()
                return answer
            if not query.repeatable:
                raise failure.error
            pause = self._pause(failure, attempt, deadline)
            log.info("%s; trying again in %.1f s", failure.error, pause)
            wait = deadline.pause if self._sleep is None else self._sleep
            wait(pause)

    def _discreet(self, error, query):
        """Take out of an error what could hold the login: foreign frames, which hold the request, and echoes of it."""
        error.__context__ = None
        credentials = self._credentials() if query.endpoint.private else None
        if credentials is not None and isinstance(error, ServiceError):
            error.hide(credentials.hide)

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

        def call(query, deadline):
            return self._fetch(query, parse, deadline)

        return self.map_calls(call, queries, timeout=timeout)

    def map_calls(self, call, items, *, timeout=None):
        """Outcomes of a function for many items, several at once, in the order of the items.

        Parameters
        ----------
        call : callable
            Called as ``call(item, deadline)`` in a thread; the deadline passes at once when nobody waits any more.
        items : iterable
            What to call it with; read only a little ahead of the answers.
        timeout : float or Quantity, optional
            Total seconds of each call.

        Yields
        ------
        item, outcome : what it returned, or the `ServiceError` that it raised
        """
        seconds, given_up = _seconds(timeout), threading.Event()

        def outcome(item):
            try:
                return call(item, Deadline(seconds, self._clock, given_up))
            except ServiceError as error:
                return error

        workers = max(1, conf.max_connections)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="alerce_zvar")
        running = deque()
        try:
            for item in items:
                running.append((item, pool.submit(outcome, item)))
                if len(running) >= 2 * workers:
                    item, future = running.popleft()
                    yield item, future.result()
            while running:
                item, future = running.popleft()
                yield item, future.result()
        finally:
            given_up.set()
            pool.shutdown(wait=not running, cancel_futures=True)

    def clock(self):
        """Monotonic seconds."""
        return self._clock()

    def deadline(self, timeout=None):
        """Deadline for several requests together; `timeout` as in `fetch`."""
        return Deadline(_seconds(timeout), self._clock)

    def fetch_until(self, query, deadline, *, parse=None, timeout=None):
        """As `fetch`, under a deadline that began earlier; with a timeout at most so long."""
        return self._fetch(query, parse, deadline if timeout is None else deadline.part(_seconds(timeout)))

    def pause(self, seconds, deadline):
        """Wait, but no longer than the deadline allows."""
        wait = deadline.pause if self._sleep is None else self._sleep
        wait(max(0.0, min(seconds, deadline.left)))

    def __reduce__(self):
        return _rebuilt, (self._settings,)

    # one exchange: redirects around a single request

    def _exchange(self, query, deadline):
        first = url = query.url
        for _ in range(_MAX_REDIRECTS + 1):
            with translated(url, deadline), self._session(url, deadline) as session, reads_until(deadline):
                response = self._send(session, query, url, deadline)
                with contextlib.closing(response):
                    if response.status_code not in _REDIRECTS or response.status_code in query.accepted:
                        return self._reply(query, response, url)
                    url = redirected(query, url, response)
                    query = query.redirected(response.status_code)
        raise RedirectError(f"More than {_MAX_REDIRECTS} redirects.", url=first)

    def _send(self, session, query, url, deadline):
        left = deadline.left
        if left <= 0:
            raise TimeoutError
        request = session.prepare_request(requests.Request(query.method, url, data=query.body, headers=query.headers))
        if query.endpoint.private:
            self._authorise(request, url)
        started = self._clock()
        response = session.get_adapter(url).send(  # the session itself would look at redirects and cookies
            request,
            stream=True,
            verify=session.verify,
            timeout=(min(conf.connect_timeout, left), left),
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
        credentials.sign(request)

    def _reply(self, query, response, url):
        if response.status_code in query.accepted:
            return Reply(url, response.headers.get("Content-Type", ""), read_body(response, conf.max_reply_size))
        error = status_error(query, response, url)
        if response.status_code in _PASSING - {query.endpoint.unknown}:
            raise PassingError(error, retry_after(response.headers.get("Retry-After"), self._now()))
        raise error

    @contextlib.contextmanager
    def _session(self, url, deadline):
        """A session of this thread's own while it holds one of the connections that are allowed."""
        if self._process != os.getpid():  # a forked process must not write into its parent's connections
            self._begin()
        places = _connections(origin(url), max(1, conf.max_connections), self._process)
        if not places.acquire(timeout=max(0.0, deadline.left)):
            raise TimeoutError("no free connection")
        try:
            try:
                session = self._sessions.pop()
            except IndexError:
                session = new_session(_user_agent())
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
        if attempt >= conf.max_retries or pause >= deadline.left or not self._budget.spend():
            raise failure.error
        return pause


class _Budget:
    """How many retries are left; they come back with answers and with time. Threads share it, roughly counted."""

    def __init__(self, clock):
        self._clock, self._tokens, self._seen = clock, _RETRY_TOKENS, clock()

    def earn(self, count=1.0):
        """Have some more."""
        self._tokens = min(_RETRY_TOKENS, self._tokens + count)

    def spend(self):
        """Take one; False if there is none."""
        seen, self._seen = self._seen, self._clock()
        self.earn(max(0.0, self._seen - seen))
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _nobody():
    return None


def _rebuilt(settings):
    return Transport(**settings)


@cache
def _connections(_origin, count, _process):
    """The connections to one service that may be open at once, whoever asks in this process."""
    return threading.BoundedSemaphore(count)


@cache
def _user_agent():
    try:
        ours = version("alerce_zvar")
    except PackageNotFoundError:
        ours = "0"
    return f"alerce_zvar/{ours} python-requests/{requests.__version__}"


def _seconds(timeout):
    seconds = conf.timeout if timeout is None else timeout
    if hasattr(seconds, "to_value"):
        try:
            seconds = float(seconds.to_value("s"))
        except (TypeError, ValueError):  # an array, or a unit that is not one of time
            seconds = math.nan
    if isinstance(seconds, bool) or not isinstance(seconds, numbers.Real) or not seconds > 0:
        raise ValueError(f"timeout must be a positive number of seconds or a Quantity of time, not {shown(timeout)}")
    return min(float(seconds), _LONGEST_TIMEOUT)


def _parsed(parse, reply):
    try:
        return parse(reply)
    except ReplyError as error:
        if error.passing:
            raise PassingError(error) from None
        raise
