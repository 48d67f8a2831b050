"""Queries that are answered later: jobs as IVOA's UWS 1.1 has them, in threads of this server.

::

    PENDING ── RUN ──► QUEUED ──► EXECUTING ──► COMPLETED, ERROR
       └───────────────── ABORT ─────┴────────► ABORTED
"""

import secrets
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from alerce_zvar.server.tap.answer import answer, format_of, written
from alerce_zvar.server.tap.words import QueryError

__all__ = ["ENDED", "LONGEST", "MOST_JOBS", "BusyError", "Job", "Jobs"]

MOST_JOBS = 100  # that are kept
AT_ONCE = 2  # that run at the same time
LONGEST = 600.0  # seconds that one may run
KEPT = timedelta(hours=1)
_LONGEST_KEPT = timedelta(days=7)
_MOST_BYTES = 2**31  # of all results
_MOST_UPLOADED = 2**29  # bytes of the tables that came with jobs which have not ended
ENDED = ("COMPLETED", "ERROR", "ABORTED")


class BusyError(QueryError):
    """No room for another job."""

    status = 503


@dataclass
class Job:
    """One query and what became of it.

    Parameters
    ----------
    parameters : dict
        What was said, by names in capitals; until it is run, more may be said.
    uploads : dict
        From `read_uploads`.
    query : dict
        The parameters once they are checked.
    """

    parameters: dict
    uploads: dict
    uploaded: int = 0  # bytes that they took
    query: dict = field(default_factory=dict)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(12).replace("-", "_"))
    phase: str = "PENDING"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    ended: datetime | None = None
    destruction: datetime | None = None
    duration: float = LONGEST
    error: str = ""
    media_type: str = ""
    size: int = 0
    given_up: threading.Event = field(default_factory=threading.Event)
    _result: object = None

    def __post_init__(self):
        self.destruction = self.created + KEPT

    def keep_until(self, moment):
        """Set when it is deleted, as far as is allowed."""
        self.destruction = min(moment, self.created + _LONGEST_KEPT)

    def result(self):
        """Bytes of the answer."""
        self._result.seek(0)
        return self._result.read()

    def store(self, content, media_type):
        """Keep the answer in a file that disappears with the job."""
        self._result = tempfile.TemporaryFile()  # noqa: SIM115 - closed by drop
        self._result.write(content)
        self.size, self.media_type = len(content), media_type

    def drop(self):
        """Let go of the answer."""
        if self._result is not None:
            self._result.close()
            self.size = 0


class Jobs:
    """All jobs of one server.

    Parameters
    ----------
    archive : Archive
        What is asked.
    """

    def __init__(self, archive):
        self._archive = archive
        self._jobs = {}
        self._lock = threading.RLock()
        self._turn = threading.BoundedSemaphore(AT_ONCE)

    def create(self):
        """New job, which waits for its query and to be run.

        Raises
        ------
        BusyError
            Too many are kept already.
        """
        with self._lock:
            self._clean()
            if len(self._jobs) >= MOST_JOBS:
                raise BusyError(f"{MOST_JOBS} jobs are kept already; delete some, or come again later")
            job = Job({}, {})
            self._jobs[job.key] = job
            return job

    def add(self, job, parameters, uploads, uploaded):
        """Say more of a job that waits; `uploaded` are the bytes of the tables.

        Raises
        ------
        BusyError
            The tables of all jobs take too much room.
        """
        with self._lock:
            if sum(other.uploaded for other in self._jobs.values()) + uploaded > _MOST_UPLOADED:
                raise BusyError("the tables of other jobs leave no room; come again later")
            job.parameters |= parameters
            job.uploads |= uploads
            job.uploaded += uploaded

    def get(self, key):
        """Job of that name, or None."""
        with self._lock:
            self._clean()
            return self._jobs.get(key)

    def delete(self, job):
        """Forget a job; if it runs, it ends soon."""
        with self._lock:
            self.abort(job)
            self._jobs.pop(job.key, None)
            job.drop()

    def run(self, job, query):
        """Start a job that waits; `query` are its parameters, checked.

        Raises
        ------
        QueryError
            It does not wait any more.
        """
        with self._lock:
            if job.phase != "PENDING":
                raise QueryError(f"the job is {job.phase} and cannot be started")
            job.phase, job.query = "QUEUED", query
        threading.Thread(target=self._work, args=(job,), daemon=True).start()

    def abort(self, job):
        """End a job that has not ended."""
        with self._lock:
            if job.phase not in ENDED:
                job.given_up.set()
                self._end(job, "ABORTED")

    def _work(self, job):
        with self._turn:
            with self._lock:
                if job.phase != "QUEUED":
                    return
                job.phase, job.started = "EXECUTING", datetime.now(UTC)
            try:
                content, media_type = self._answer(job)
            except QueryError as exc:
                outcome, error = "ERROR", str(exc)
            except Exception as exc:
                outcome, error = "ERROR", f"the server failed ({type(exc).__name__})"
            else:
                outcome, error = "COMPLETED", ""
            with self._lock:
                if job.phase != "EXECUTING":  # aborted meanwhile
                    return
                if not error and self._full(len(content)):
                    outcome, error = "ERROR", "there is no room for the answer; delete other jobs, or ask for less"
                if not error:
                    job.store(content, media_type)
                job.error = error
                self._end(job, outcome)

    def _answer(self, job):
        way, media_type = format_of(job.query["FORMAT"])
        limits = {"seconds": job.duration, "given_up": job.given_up}
        table = answer(self._archive, job.query["QUERY"], job.query["MAXREC"], uploads=job.uploads, **limits)
        return written(table, way), media_type

    def _end(self, job, phase):
        job.phase, job.ended = phase, datetime.now(UTC)
        job.uploads, job.uploaded = {}, 0

    def _full(self, size):
        return sum(job.size for job in self._jobs.values()) + size > _MOST_BYTES

    def _clean(self):
        now = datetime.now(UTC)
        for job in [job for job in self._jobs.values() if job.destruction <= now]:
            self.delete(job)
