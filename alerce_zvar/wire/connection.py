"""Connections that keep a deadline, and bodies that keep a size.

The time-outs of requests and of the sockets below it start anew with every byte, so a server that dribbles holds a
call for as long as it likes. Here every read of a socket gets only the time that is left.
"""

import contextlib
import functools
import http.client
import io
import os
import socket
import threading
import time
import zlib
from http.cookiejar import DefaultCookiePolicy

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

__all__ = ["BodyError", "BodyTooLargeError", "Deadline", "new_session", "read_body", "reads_until"]

_CHUNK = 2**18
_SLICE = 0.25  # seconds after which a waiting read looks whether its call was given up
_GZIP_OR_ZLIB = 47  # zlib's window size for "find out by the header"
_current = threading.local()


class Deadline:
    """A moment by which a call must have ended; it has passed at once when the call is given up.

    Parameters
    ----------
    seconds : float
        From now.
    clock : callable
        Monotonic seconds.
    given_up : `threading.Event`, optional
        Set when nobody waits for the answer any more.
    """

    def __init__(self, seconds, clock=time.monotonic, given_up=None):
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds
        self._given_up = given_up or threading.Event()

    @property
    def left(self):
        """Seconds left; not positive when it has passed."""
        return 0.0 if self._given_up.is_set() else self._end - self._clock()

    def part(self, seconds):
        """Deadline of a part of the call, which has at most so many seconds."""
        return Deadline(max(0.0, min(seconds, self.left)), self._clock, self._given_up)

    def pause(self, seconds):
        """Wait, but not for a call that is given up."""
        self._given_up.wait(seconds)


@contextlib.contextmanager
def reads_until(deadline):
    """Responses that arrive in this thread meanwhile are read under this deadline, headers and all."""
    _current.deadline = deadline
    try:
        yield
    finally:
        _current.deadline = None


class _DeadlineReader(io.RawIOBase):
    def __init__(self, raw, sock, deadline):
        self._raw, self._sock, self._deadline = raw, sock, deadline

    def readable(self):
        return True

    def readinto(self, buffer):
        while (left := self._deadline.left) > 0:
            self._sock.settimeout(min(left, _SLICE))
            try:
                return self._sock.recv_into(buffer)
            except TimeoutError:
                continue
        raise TimeoutError("deadline passed")

    def close(self):
        self._raw.close()  # lets go of the socket, which counts its files
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock, *args, deadline, **kwargs):
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, deadline))


class _KeepsDeadline:
    """Connects and reads under the deadline of the thread. Looking up a name is the system's, and is not."""

    def _new_conn(self):
        # Each address of a host is tried for the whole time-out, so that is shared out among them.
        addresses = 1
        with contextlib.suppress(socket.gaierror):  # which urllib3 meets again, and words better
            addresses = len(socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM))
        self.timeout = min(self.timeout, _current.deadline.left) / addresses
        if self.timeout <= 0:
            raise urllib3.exceptions.ConnectTimeoutError(self, "deadline passed")
        return super()._new_conn()

    def _tunnel(self):
        self._keep_deadline()
        super()._tunnel()

    def getresponse(self):
        self._keep_deadline()
        return super().getresponse()

    def _keep_deadline(self):
        self.response_class = functools.partial(_DeadlineResponse, deadline=_current.deadline)


class _Connection(_KeepsDeadline, HTTPConnection):
    pass


class _SecureConnection(_KeepsDeadline, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args, **kwargs):
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


def new_session(user_agent):
    """`requests.Session` that reads no netrc, keeps no cookies, and retries nothing by itself."""
    session = requests.Session()
    session.trust_env = False  # netrc would override an explicit login; proxies are passed by the transport
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(max_retries=0))
    return session


class BodyError(Exception):
    """A body that is cut or damaged."""


class BodyTooLargeError(Exception):
    """A body larger than its cap."""


def read_body(response, max_size):
    """Whole decompressed body as bytes.

    Parameters
    ----------
    response : `requests.Response`
        Opened with ``stream=True``.
    max_size : int
        Cap on the decompressed size in bytes; reading stops there, so a compressed bomb costs no memory.

    Raises
    ------
    BodyError
        Truncated or damaged compression, or an encoding that was not asked for.
    BodyTooLargeError
        Larger than the cap.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    chunks = response.raw.stream(_CHUNK, decode_content=False)
    if encoding in ("gzip", "x-gzip", "deflate"):
        chunks = _decompressed(chunks)
    elif encoding not in ("", "identity"):
        raise BodyError(f"it is encoded as {encoding!r}, which was not asked for")
    body = io.BytesIO()  # gives away what it has collected without a copy
    for part in chunks:
        if body.tell() + len(part) > max_size:
            raise BodyTooLargeError
        body.write(part)
    return body.getvalue()


def _decompressed(chunks):
    decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
    for chunk in chunks:
        # gzip files may follow each other, or be padded with zeros
        while chunk := chunk.lstrip(b"\0") if decoder.eof else chunk:
            if decoder.eof:
                decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
            try:
                yield decoder.decompress(chunk, _CHUNK)
            except zlib.error as exc:
                raise BodyError(f"its compression is damaged ({exc})") from None
            chunk = decoder.unconsumed_tail or decoder.unused_data
    if not decoder.eof:
        raise BodyError("its compression is cut short")
