"""A session as pyvo wants one, which asks through our transport: deadline, size cap, redirects and errors are ours."""

import io
from dataclasses import dataclass, field, replace

import requests
import urllib3

from alerce_zvar.wire.spec import Endpoint

__all__ = ["Request", "TapSession"]

_DONE = (200, 202, 204, 303)  # of a deletion


@dataclass(frozen=True)
class Request:
    """One request in plain terms, for `Transport` as a `Query` is.

    Parameters
    ----------
    method, url : str
        What is asked.
    body : bytes, optional
        What is sent along.
    headers : dict
        More headers.
    repeatable : bool
        It changes nothing, or nothing more when it is sent again.
    """

    method: str
    url: str
    body: bytes | None = None
    headers: dict = field(default_factory=dict, hash=False)
    repeatable: bool = True
    endpoint = Endpoint(name="tap", path="", description="", source="reference/alerce.md 9")

    @property
    def accepted(self):
        """Statuses of an answer."""
        return _DONE if self.method == "DELETE" else (200,)

    def redirected(self, status):
        """What is asked at the address that an answer of this status led to: what 303 leads to is read."""
        return replace(self, method="GET", body=None, headers={}) if status == 303 else self


class TapSession:
    """What pyvo uses of a `requests.Session`, for one call of ours.

    Parameters
    ----------
    transport : Transport
        Sends.
    deadline : Deadline
        Of everything that is asked through this session.
    repeats_posts : bool
        What is posted is a query, which may be sent again after a passing failure.
    """

    def __init__(self, transport, deadline, *, repeats_posts=True):
        self._transport = transport
        self._repeats_posts = repeats_posts
        self.deadline = deadline

    def get(self, url, params=None, **_):
        """Answer to a GET."""
        return self._ask("GET", url, params=params)

    def post(self, url, data=None, files=None, **_):
        """Answer to a POST of a form, with files if there are any."""
        return self._ask("POST", url, self._repeats_posts, data=dict(data or {}), files=files or None)

    def delete(self, url, **_):
        """Answer to a DELETE."""
        return self._ask("DELETE", url)

    def pause(self, seconds):
        """Wait, within the deadline."""
        self._transport.pause(seconds, self.deadline)

    def _ask(self, method, url, repeatable=True, **content):
        prepared = requests.Request(method, url, **content).prepare()
        headers = {"Accept": "*/*"} | ({"Content-Type": prepared.headers["Content-Type"]} if prepared.body else {})
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        reply = self._transport.fetch_until(
            Request(method, prepared.url, body, headers, repeatable=repeatable), self.deadline
        )
        return _response(reply)


def _response(reply):
    """The whole answer, as requests would have it."""
    response = requests.Response()
    response.status_code, response.url = 200, reply.url
    response.headers["Content-Type"] = reply.content_type
    response.raw = urllib3.HTTPResponse(io.BytesIO(reply.body), preload_content=False)
    return response
