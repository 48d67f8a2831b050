"""Recorded answers of ALeRCE into the archive: what is known is left, what is newer replaces it, object by object.

::

    Recordings -> batches of Answers -> (table, form) at a time: staged -> compared -> replaced -> marked as recorded
                                                                        -> objects of light curves, sources
"""

from collections import defaultdict
from itertools import islice

import numpy as np

from alerce_zvar.archive import placing
from alerce_zvar.archive.answers import CLASSIFIER_TABLES, KEYS, columns_of, oid_array
from alerce_zvar.archive.merge import MATCH_RADIUS
from alerce_zvar.archive.recordings import Recording, SkippedError, find_recordings, read
from alerce_zvar.archive.report import AlerceReport, failure_table
from alerce_zvar.archive.tables import TABLES
from alerce_zvar.errors import ArchiveError

__all__ = ["import_alerce", "store_answers_of"]

_BATCH = 100  # files or mappings of one transaction

_REST = "INSERT INTO staged SELECT old.* FROM {table} old SEMI JOIN answered USING (oid) ANTI JOIN staged USING ({key})"
_CHANGED = """
CREATE OR REPLACE TEMP TABLE changed AS
WITH old AS (FROM {table} SEMI JOIN answered USING (oid))
SELECT oid FROM ((FROM staged EXCEPT ALL FROM old) UNION ALL (FROM old EXCEPT ALL FROM staged))
UNION SELECT oid FROM answered a WHERE mark
AND NOT EXISTS (FROM recorded r WHERE r.name = '{table}' AND r.oid = a.oid::VARCHAR)
"""
_MARK = """
INSERT INTO recorded SELECT '{table}', oid::VARCHAR FROM answered a
WHERE mark AND NOT EXISTS (FROM recorded r WHERE r.name = '{table}' AND r.oid = a.oid::VARCHAR)
"""


def import_alerce(archive, source, radius, tell):
    """Store recorded answers; see `Archive.import_alerce`."""
    recordings = find_recordings(source)
    with archive.transaction():
        archive.write("DELETE FROM recorded WHERE false")  # an archive that cannot be written fails no file, but here
    tally = _Tally(files=len(recordings))
    remaining = iter(recordings)
    done = 0
    while batch := list(islice(remaining, _BATCH)):
        tell(done, len(recordings), batch[0].label)
        _import_batch(archive, tally.read(batch), radius, tally)
        done += len(batch)
    tell(done, len(recordings), "stored")
    return tally.report()


def store_answers_of(run, mappings, radius=MATCH_RADIUS.value):
    """Store answers in memory, each a mapping as for `Archive.import_alerce`; inside the caller's transaction.

    Raises
    ------
    ArchiveError
        One of them is not what its endpoint answers; then nothing is to be kept.
    """
    answers = [answer for mapping in mappings for answer in read(Recording(str(mapping["oid"]), mapping))]
    _store(run, answers, radius)


class _Tally:
    """What happened so far."""

    def __init__(self, files):
        self.counts = {"files": files, "answers": 0, "changed": 0, "rows": 0, "sources_added": 0}
        self.unknown, self.skipped, self.failures = set(), [], []

    def read(self, batch):
        """(recording, answers) of those that can be read."""
        found = []
        for recording in batch:
            try:
                found.append((recording, read(recording)))
            except ArchiveError as exc:
                self.failures.append((recording.label, str(exc)))
            except SkippedError as exc:
                self.skipped.append((recording.label, str(exc)))
        return found

    def add(self, answers, **counts):
        self.counts["answers"] += len(answers)
        for name, count in counts.items():
            self.counts[name] += count
        self.unknown.update(*(answer.unknown for answer in answers))

    def report(self):
        tables = {"skipped": failure_table(self.skipped), "failures": failure_table(self.failures)}
        return AlerceReport(**self.counts, unknown_keys=tuple(sorted(self.unknown)), **tables)


def _import_batch(archive, batch, radius, tally):
    """All in one transaction; where the archive refuses one of them, each in its own."""
    answers = [answer for _, found in batch for answer in found]
    if not answers:
        return
    try:
        with archive._importing(), archive.transaction():
            counts = _store(archive.write, answers, radius)
    except ArchiveError as exc:
        if len(batch) == 1:
            tally.failures.append((batch[0][0].label, str(exc)))
        for one in batch if len(batch) > 1 else ():
            _import_batch(archive, [one], radius, tally)
    else:
        tally.add(answers, **counts)


def _store(run, answers, radius):
    changed, rows = defaultdict(set), 0
    for found in _groups(answers):
        replace = _replace_classes if found[0].table in CLASSIFIER_TABLES else _replace
        oids, stored = replace(run, found)
        changed[found[0].table] |= oids
        rows += stored
    added = placing.place(run, changed, radius)
    return {"changed": sum(map(len, changed.values())), "rows": rows, "sources_added": added}


def _groups(answers):
    """Answers of one table and form, each about another object: of several about one the last counts.

    An answer of another form about the same object has its turn later, so that the newest has the last word.
    """
    turns, groups = {}, defaultdict(dict)
    for answer in answers:
        turn, form = turns.get((answer.table, answer.oid), (0, answer.form))
        turn += form != answer.form
        turns[answer.table, answer.oid] = turn, answer.form
        groups[turn, answer.table, answer.form][answer.oid] = answer
    return [list(group.values()) for _, group in sorted(groups.items(), key=lambda item: item[0][0])]


def _replace(run, answers):
    """Rows of one table and form for those objects for which they differ; these objects, and how many rows."""
    table, columns, whole = answers[0].table, answers[0].columns.keys(), answers[0].whole
    run(f"CREATE OR REPLACE TEMP TABLE staged AS FROM {table} LIMIT 0")
    run("INSERT INTO staged BY NAME SELECT * FROM given", given=columns_of(answers))
    run(
        "CREATE OR REPLACE TEMP TABLE answered AS SELECT oid, mark FROM given",
        given=oid_array(table, [answer.oid for answer in answers]) | {"mark": np.full(len(answers), whole)},
    )
    _keep_columns(run, table, columns)
    if not whole:
        run(_REST.format(table=table, key=", ".join(("oid", *KEYS[table]))))
    run(_CHANGED.format(table=table))
    run(f"DELETE FROM {table} WHERE oid IN (FROM changed)")
    run(f"INSERT INTO {table} SELECT staged.* FROM staged SEMI JOIN changed USING (oid)")
    run(_MARK.format(table=table))
    rows = run("SELECT count(*) AS n FROM staged SEMI JOIN changed USING (oid)")["n"][0]
    return set(run("SELECT oid::VARCHAR AS oid FROM changed")["oid"]), int(rows)


def _keep_columns(run, table, columns):
    """What this form of answer lacks is taken from the row known before."""
    if table not in KEYS:
        return
    names = [text.split()[0].strip('"') for text in TABLES[table]]
    kept = [name for name in names if name not in columns]
    if kept:
        values = ", ".join(f'"{name}" = old."{name}"' for name in kept)
        same = " AND ".join(f'staged."{key}" = old."{key}"' for key in ("oid", *KEYS[table]))
        run(f"UPDATE staged SET {values} FROM {table} old WHERE {same}")


def _replace_classes(run, answers):
    """The whole taxonomy, if it differs."""
    answer = answers[-1]
    run(f"CREATE OR REPLACE TEMP TABLE staged AS FROM {answer.table} LIMIT 0")
    run("INSERT INTO staged BY NAME SELECT * FROM given", given=columns_of([answer]))
    both = f"(FROM staged EXCEPT ALL FROM {answer.table}) UNION ALL (FROM {answer.table} EXCEPT ALL FROM staged)"
    if not run(f"SELECT count(*) AS n FROM ({both})")["n"][0]:
        return set(), 0
    run(f"DELETE FROM {answer.table}")
    run(f"INSERT INTO {answer.table} FROM staged")
    return {""}, len(answer.columns["place"])
