"""Connections that keep a deadline, and bodies that keep a size.

The time-outs of requests and of the sockets below it start anew with every byte, so a server that dribbles holds a
call for as long as it likes. Here every read of a socket gets only the time that is left.
"""

import functools
import http.client
import io
import os
import threading
import time
import zlib
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

__all__ = ["BodyError", "BodyTooLargeError", "Deadline", "new_session", "read_body", "reads_until"]

_CHUNK = 2**16
_GZIP_OR_ZLIB = 47  # zlib's window size for "find out by the header"
_current = threading.local()


class Deadline:
    """A moment by which a call must have ended."""

    def __init__(self, seconds, clock=time.monotonic):
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    @property
    def left(self):
        """Seconds left; negative when it has passed."""
        return self._end - self._clock()


@contextmanager
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
        left = self._deadline.left
        if left <= 0:
            raise TimeoutError("deadline passed")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self):
        self._raw.close()  # lets go of the socket, which counts its files
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock, *args, deadline, **kwargs):
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, deadline))


class _KeepsDeadline:
    def getresponse(self):
        deadline = getattr(_current, "deadline", None)
        self.response_class = (
            http.client.HTTPResponse if deadline is None else functools.partial(_DeadlineResponse, deadline=deadline)
        )
        return super().getresponse()


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
    parts, size = [], 0
    for part in chunks:
        size += len(part)
        if size > max_size:
            raise BodyTooLargeError
        parts.append(part)
    return b"".join(parts)


def _decompressed(chunks):
    decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
    for chunk in chunks:
        while chunk:
            if decoder.eof:  # gzip files may follow each other
                decoder = zlib.decompressobj(_GZIP_OR_ZLIB)
            try:
                yield decoder.decompress(chunk, _CHUNK)
            except zlib.error as exc:
                raise BodyError(f"its compression is damaged ({exc})") from None
            chunk = decoder.unconsumed_tail or decoder.unused_data
    if not decoder.eof:
        raise BodyError("its compression is cut short")
