"""What has been asked of the services for keeps, and with what outcome: a row per service, thing and identifier.

The rows are written together with what they tell of, in one transaction. They are no part of the content.
"""

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

__all__ = ["DONE", "FAILED", "MISSING", "Outcome", "keep", "outcomes_of"]

DONE, MISSING, FAILED = "done", "missing", "failed"  # missing: the service answered that it has no such thing

_READ = "SELECT id, what, state, error, reason FROM downloads SEMI JOIN given USING (id) WHERE service = ?"
_DROP = "DELETE FROM downloads d USING given g WHERE d.service = ? AND d.what = g.what AND d.id = g.id"
_SAVE = "INSERT INTO downloads BY NAME SELECT ? AS service, ?::TIMESTAMP AS time, given.* FROM given"


class Outcome(NamedTuple):
    """How a question about one thing ended.

    Attributes
    ----------
    id, what : str
        Of which source or object, and what of it.
    state : {"done", "missing", "failed"}
        The answer is stored; the service has none; it failed.
    error : str
        Class of the error, if there was one.
    reason : str
        Why there is no answer.
    """

    id: str
    what: str
    state: str = DONE
    error: str = ""
    reason: str = ""


def outcomes_of(query, service, ids):
    """Outcomes that are known of some identifiers: ``{id: {what: Outcome}}``.

    Parameters
    ----------
    query : callable
        `Archive.query`.
    service : str
        Whose.
    ids : list of str
        Identifiers.
    """
    found = query(_READ, [service], given={"id": np.array(ids, dtype=object)})
    known = {}
    for row in zip(*(np.ma.filled(found[name], "").tolist() for name in Outcome._fields), strict=True):
        outcome = Outcome(*(text or "" for text in row))
        known.setdefault(outcome.id, {})[outcome.what] = outcome
    return known


def keep(archive, service, store, outcomes):
    """Store something and write down the outcomes, in the place of earlier ones; all of it or nothing.

    Parameters
    ----------
    archive : Archive
        Open for writing.
    service : str
        Who was asked.
    store : callable
        Called with `Archive.write`.
    outcomes : list of Outcome
        What it is that is stored, or is not there.

    Raises
    ------
    ArchiveError
        It cannot be stored.
    """
    with archive._importing(), archive.transaction():
        store(archive.write)
        if outcomes:
            columns = (np.array(values, dtype=object) for values in zip(*outcomes, strict=True))
            given = dict(zip(Outcome._fields, columns, strict=True))
            archive.write(_DROP, [service], given=given)
            archive.write(_SAVE, [service, datetime.now(UTC).replace(tzinfo=None)], given=given)
