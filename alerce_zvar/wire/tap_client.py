"""TapClient: one TAP service, asked by pyvo's requests through our transport (IVOA, TAP 1.1 and UWS 1.1)."""

import io
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from alerce_zvar.errors import InvalidQueryError, ReplyError, ServiceError
from alerce_zvar.votable import ArrayColumnError, VOTableError, read_csv, read_votable
from alerce_zvar.wire.tap_session import TapSession
from alerce_zvar.wire.transport import Transport

__all__ = ["Question", "TapClient"]

_LAST_WORD = 0.8  # seconds that the deletion of a job may take, also beyond the deadline of its call
_WAIT = 20  # seconds that the service is asked to hold back its answer on a job that has not ended
# Seconds between two questions where it does not: the first, the longest, and how they grow.
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.1, 5.0, 1.5
_FAILED = ("ERROR", "ABORTED")


@dataclass(frozen=True)
class Question:
    """A query that has not been sent.

    Parameters
    ----------
    url : str
        Address of the service.
    adql : str
        Query.
    is_job : bool
        It is asked as a job, and not at once.
    uploads : dict
        Name -> bytes of a VOTable.
    maxrec : int, optional
        Most rows.
    """

    url: str
    adql: str
    is_job: bool = False
    uploads: dict = field(default_factory=dict, hash=False)
    maxrec: int | None = None

    def for_pyvo(self, session, **more):
        """The `pyvo.dal.TAPQuery` of it, whose items are the request's parameters."""
        from pyvo.dal.tap import TAPQuery

        files = {name: io.BytesIO(body) for name, body in self.uploads.items()}
        mode = "async" if self.is_job else "sync"
        query = TAPQuery(self.url, self.adql, mode=mode, uploads=files, session=session, **more)
        if self.maxrec is not None:
            query["MAXREC"] = self.maxrec
        return query

    @property
    def payload(self):
        """What would be sent, as a dict, without the uploaded tables."""
        return dict(self.for_pyvo(_NOBODY))


_NOBODY = object()  # in the place of a session; for None pyvo would open one of its own


class TapClient:
    """Asks one TAP service.

    Parameters
    ----------
    service : str
        Name for ``meta``.
    url : callable
        Gives the address at call time.
    """

    def __init__(self, service, url):
        self.service = service
        self.url = url
        self.transport = Transport()

    def question(self, adql, **rules):
        """A `Question` to this service; further arguments as there."""
        return Question(self.url(), adql, **rules)

    def answer(self, question, deadline):
        """Table that a query gives.

        Parameters
        ----------
        question : Question
            What is asked.
        deadline : Deadline
            Of everything that is asked for it.

        Returns
        -------
        VOTable

        Raises
        ------
        InvalidQueryError
            The service refuses it; its words are in ``reason``.
        ServiceError
            No answer came.
        """
        return (self._of_job if question.is_job else self._at_once)(question, deadline)

    def meta(self, question):
        """What is noted with an answer."""
        return {
            "service": self.service,
            "endpoint": "async" if question.is_job else "sync",
            "url": question.url,
            "query": question.adql,
            "requests": 1,
            "retrieved": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _at_once(self, question, deadline):
        session = TapSession(self.transport, deadline)
        reply = question.for_pyvo(session).submit()
        try:
            return _table(reply)
        except ArrayColumnError as exc:
            # Arrays of texts, as in ztf.taxonomy, can only be had as comma-separated values (reference/alerce.md 9).
            reply = question.for_pyvo(session, responseformat="csv").submit()
            return _understood(reply, read_csv, exc.fields)

    def _of_job(self, question, deadline):
        session = TapSession(self.transport, deadline, repeats_posts=False)
        job = question.for_pyvo(session).submit().url
        try:
            session.post(f"{job}/phase", {"PHASE": "RUN"})
            self._wait(job, session)
            return _table(session.get(f"{job}/results/result"))
        except ArrayColumnError as exc:
            raise ReplyError(f"The answer cannot be read: {exc}; ask for it at once, not as a job.", url=job) from None
        finally:
            # The deadline may have passed, and Ctrl-C may be why. A job that is left is deleted by the service later.
            with suppress(ServiceError):
                TapSession(self.transport, self.transport.deadline(_LAST_WORD)).delete(job)

    def _wait(self, job, session):
        """Come back when a job is completed."""
        from pyvo.io import uws

        pause = _FIRST_PAUSE
        while True:
            reply = session.get(job, params={"WAIT": int(min(_WAIT, max(1, session.deadline.left)))})
            try:
                found = uws.parse_job(io.BytesIO(reply.content).read)
            except Exception as exc:  # of many kinds, those of the reader of XML among them
                raise ReplyError(f"The answer does not describe a job ({exc}).", url=job) from None
            if found.phase in _FAILED:
                said = found.errorsummary.message.content if found.errorsummary else ""
                raise InvalidQueryError(f"The service ended the job ({found.phase}).", url=job, reason=said or "")
            if found.phase == "COMPLETED":
                return
            session.pause(pause)
            pause = min(_LONGEST_PAUSE, pause * _GROWTH)


def _understood(reply, read, *args):
    """What a reader of VOTables makes of an answer, or our error."""
    try:
        return read(reply.content, *args)
    except ArrayColumnError:
        raise
    except VOTableError as exc:
        start = reply.content[:200].decode("utf-8", "replace")
        raise ReplyError(f"The answer cannot be read: {exc}.", url=reply.url, status=200, reason=start) from None


def _table(reply):
    found = _understood(reply, read_votable)
    status, said = found.status
    if status not in ("OK", "OVERFLOW"):
        raise InvalidQueryError("The service refused the query.", url=reply.url, status=200, reason=said)
    if not found.fields:
        raise ReplyError("The answer holds no table.", url=reply.url, status=200)
    return found
