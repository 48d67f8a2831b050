"""Client: one service's endpoints at one address, asked through one transport. Knows no service by name."""

from dataclasses import replace
from datetime import UTC, datetime

from alerce_zvar.config import conf
from alerce_zvar.errors import LoginError
from alerce_zvar.wire.answer import Failures
from alerce_zvar.wire.decode import SHOWN, parse_json
from alerce_zvar.wire.query import build_query
from alerce_zvar.wire.transport import Transport

__all__ = ["Client", "Service", "chunks", "payloads", "unique_positions"]


class Client:
    """Asks one service.

    Parameters
    ----------
    service : str
        Name for messages and ``meta``.
    endpoints : tuple of Endpoint
        What it answers.
    url : callable
        Gives the address at call time.
    credentials : callable, optional
        Gives the `Credentials` for private endpoints, or None.
    """

    def __init__(self, service, endpoints, url, credentials=None):
        self.service = service
        self.endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self.url = url
        self.transport = Transport(credentials)

    def query(self, endpoint, **values):
        """Checked `Query` for an endpoint by name."""
        return build_query(self.endpoints[endpoint], self.url(), **values)

    def fetch(self, query, *, timeout=None):
        """JSON content of the answer to one query, and the `Reply` with the beginning of its body."""
        return self.transport.fetch(query, parse=_reader(parse_json), timeout=timeout)

    def fetch_part(self, query, deadline, *, timeout=None, read=parse_json):
        """As `fetch`, as a part of what a deadline holds for; `read` as in `fetch_chunks`."""
        timeout = conf.timeout if timeout is None else timeout
        return self.transport.fetch_until(query, deadline, parse=_reader(read), timeout=timeout)

    def fetch_chunks(self, jobs, inputs, *, timeout=None, read=parse_json):
        """Answers to many queries in order, and a `Failures` that fills up meanwhile.

        Parameters
        ----------
        jobs : list of (Query, list of int)
            Queries, each with the indices of the inputs that it asks for.
        inputs : list
            All inputs.
        timeout : float or Quantity, optional
            For each query.
        read : callable
            Gives the content of a `Reply`; called in the thread that fetched it.

        Returns
        -------
        answers : generator of (list of int, content, Reply)
            Only of queries that succeeded.
        failures : Failures
            Complete once the generator is exhausted.

        Raises
        ------
        LoginError
            At the first refused login of a private endpoint, so that no account gets locked by the rest.
        """
        failures = Failures(inputs)
        return self._answers(jobs, failures, timeout, read), failures

    def _answers(self, jobs, failures, timeout, read):
        outcomes = self.transport.map([query for query, _ in jobs], parse=_reader(read), timeout=timeout)
        for (query, indices), (_, outcome) in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, LoginError) and query.endpoint.private:
                raise outcome
            if isinstance(outcome, Exception):
                failures.add(indices, outcome)
            else:
                yield indices, *outcome

    def meta(self, queries):
        """What is noted with every answer: service, endpoint, first request's address, number of requests, time."""
        return {
            "service": self.service,
            "endpoint": queries[0].endpoint.name,
            "url": queries[0].url,
            "requests": len(queries),
            "retrieved": datetime.now(UTC).isoformat(timespec="seconds"),
        }


class Service:
    """What the public classes share beside their base in astroquery, which stands first: it brings ``login``.

    A copy or pickle is a new instance at the same address. A login stays behind, and so does the base's own session,
    which is not used.
    """

    def __repr__(self):
        return f"<{type(self).__name__} at {self._address()}>"

    def __getstate__(self):
        return {"url": self._url}

    def __setstate__(self, state):
        self.__init__(**state)


def _reader(read):
    """Function that gives the content of a reply, and the reply with no more of its body than errors repeat."""

    def content_and_reply(reply):
        return read(reply), replace(reply, body=reply.body[:SHOWN])

    return content_and_reply


def chunks(items, size):
    """Cut a list into lists of at most `size`, in order."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def unique_positions(items):
    """Each different item with the indices where it stands, in order of first appearance."""
    found = {}
    for index, item in enumerate(items):
        found.setdefault(item, []).append(index)
    return found


def payloads(queries):
    """What queries would send: a dict, or a list of dicts if there are several."""
    found = [query.payload for query in queries]
    return found[0] if len(found) == 1 else found
