"""The run of a download: ids in, chunks asked for in threads, each stored with its bookkeeping in one transaction.

::

    ids ─ lazily ─► chunks without what is known ─► Asker, in threads ─► store + note outcomes ─► Tally ─► report
                         ▲                                                  one transaction
                         └────────────── table downloads ◄───────────────────────┘
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from os import PathLike
from pathlib import Path

from alerce_zvar.archive import Archive
from alerce_zvar.archive.connection import is_failure_of_storage
from alerce_zvar.archive.downloads import DONE, FAILED, MISSING, Outcome, keep, outcomes_of
from alerce_zvar.download.patience import Asker
from alerce_zvar.download.progress import told
from alerce_zvar.download.report import Tally
from alerce_zvar.errors import ArchiveError, ServiceError, UnavailableError, shown
from alerce_zvar.wire.query import as_list

__all__ = ["GENERAL", "download"]

GENERAL = ""  # id of what is not of one object, such as a list of classes
_LOOK_AHEAD = 500  # ids that are looked up at a time
_FOREVER = 1e6  # seconds: single requests have their deadlines, outages end the patience


def download(job, ids, archive, *, progress=None, retry_failed=False):
    """Store what is wanted of many sources or objects; see `Zvar.download` and `Alerce.download`.

    Parameters
    ----------
    job : object
        ``service`` (name), ``words`` (what is wanted of each id), ``general`` (what is wanted once), ``size`` (ids of
        a chunk), ``batched`` (one request asks for many ids), ``transport``, ``checked(id)`` that gives an id as text,
        ``ask(lacking, deadline)`` that gives an `Answered` from any thread, ``store(run, contents)`` that stores some
        of its contents by `Archive.write`, ``opening`` (contents that are stored before anybody is asked), and
        ``parts(content, id)`` that gives what of a content is of one id.
    ids : str, int, list or iterator
        An iterator is read only a little ahead of the answers; anything else is checked before anybody is asked.
    archive : Archive, str or path-like
        Where to.
    progress, retry_failed
        As there.

    Returns
    -------
    DownloadReport
    """
    ids, total = _checked(job, ids)
    with _opened(archive) as opened, told(progress, total, job.service) as tell:
        run = _Run(job, opened, retry_failed)
        try:
            return run.finish(ids, tell)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{run.tally.kept} are kept. Run it again to go on.") from None


def _checked(job, ids):
    """Ids as text, and how many there are if that is known."""
    if isinstance(ids, Iterator):
        return map(job.checked, ids), None
    given, _ = as_list(ids)
    return [job.checked(one) for one in given], len(given)


@contextmanager
def _opened(archive):
    if isinstance(archive, Archive):
        yield archive
        return
    if not isinstance(archive, str | PathLike):
        raise TypeError(f"archive must be an open Archive or the name of its file, not {shown(archive)}")
    path = Path(archive)
    with Archive.open(path) if path.exists() else Archive.create(path) as opened:
        yield opened


class _Run:
    def __init__(self, job, archive, retry_failed):
        self.job, self.archive = job, archive
        self.tally = Tally(job.service)
        self._settled = {DONE} if retry_failed else {DONE, MISSING}
        self._known = {}  # id under way -> what is known of it from before
        archive.write("DELETE FROM downloads WHERE false")  # an archive that cannot be written says so at once
        self._store(job.opening, [])

    def finish(self, ids, tell):
        """Report, when all is done."""
        outcomes = self.job.transport.map_calls(Asker(self.job), self._chunks(iter(ids)), timeout=_FOREVER)
        for _, answered in outcomes:
            if isinstance(answered, ServiceError):
                raise answered
            self._keep(answered)
            tell(self.tally)
            if answered.outage is not None:
                raise self._gone(answered.outage)
        tell(self.tally)
        return self.tally.report()

    def _chunks(self, ids):
        """What is to be asked: ``{id: [what, ...]}``, a chunk at a time."""
        pending = {}
        for identifier, lacking in chain(self._general(), self._lacking(ids)):
            pending[identifier] = lacking
            if len(pending) >= self.job.size:
                yield pending
                pending = {}
        if pending:
            yield pending

    def _general(self):
        known = outcomes_of(self.archive.query, self.job.service, [GENERAL]).get(GENERAL, {})
        lacking = [what for what in self.job.general if what not in known or known[what].state == FAILED]
        return [(GENERAL, lacking)] if lacking else []

    def _lacking(self, ids):
        """Ids with what has to be asked of them; what is settled is counted at once."""
        while block := list(islice(ids, _LOOK_AHEAD)):
            found = outcomes_of(self.archive.query, self.job.service, list(dict.fromkeys(block)))
            seen = set()
            for identifier in block:
                if identifier in seen or identifier in self._known:
                    self.tally.repeated()
                    continue
                seen.add(identifier)
                known = {what: one for what, one in found.get(identifier, {}).items() if what in self.job.words}
                settled = {what: one for what, one in known.items() if one.state in self._settled}
                lacking = [what for what in self.job.words if what not in settled]
                if lacking:
                    self._known[identifier] = settled
                    yield identifier, lacking
                else:
                    self.tally.add(list(settled.values()), asked=False)

    def _keep(self, answered):
        """Store a chunk: all of it, or, where the archive refuses some of it, what it takes."""
        outcomes = answered.outcomes()
        if answered.outage is not None:  # what nobody answered is not known to fail
            outcomes = [outcome for outcome in outcomes if outcome.state != FAILED]
        try:
            self._store(answered.contents, outcomes)
        except ArchiveError as exc:
            if is_failure_of_storage(exc):
                raise self._full(exc) from exc
            outcomes = self._store_apart(answered, outcomes)
        by_id = {}
        for outcome in outcomes:
            by_id.setdefault(outcome.id, []).append(outcome)
        for identifier, own in by_id.items():
            every = [*self._known.pop(identifier, {}).values(), *own]
            if identifier != GENERAL and len(every) == len(self.job.words):
                self.tally.add(every, asked=True)

    def _store(self, contents, outcomes):
        keep(self.archive, self.job.service, partial(self.job.store, contents=contents), outcomes)

    def _store_apart(self, answered, outcomes):
        """Each id by itself; outcomes as they are then."""
        kept = []
        for identifier in dict.fromkeys(outcome.id for outcome in outcomes):
            own = [outcome for outcome in outcomes if outcome.id == identifier]
            parts = [part for content in answered.contents for part in self.job.parts(content, identifier)]
            try:
                self._store(parts, own)
            except ArchiveError as exc:
                if is_failure_of_storage(exc):
                    raise self._full(exc) from exc
                own = [_refused(outcome, exc) for outcome in own]
                self._store([], own)
            kept += own
        return kept

    def _full(self, exc):
        kept = f"{self.tally.kept} of the download are kept; make room and run it again to go on."
        return ArchiveError(f"The archive cannot be written: {str(exc).rstrip('.')}. {kept}")

    def _gone(self, error):
        return UnavailableError(
            f"The service {self.job.service} answers no more; {self.tally.kept} are kept. Run it again to go on.",
            url=error.url,
            status=error.status,
            reason=str(error),
        )


def _refused(outcome, exc):
    if outcome.state != DONE:
        return outcome
    return Outcome(outcome.id, outcome.what, FAILED, type(exc).__name__, str(exc))
