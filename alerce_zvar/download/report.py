"""What a download did."""

from dataclasses import dataclass, field

from astropy.table import Table

from alerce_zvar.archive.downloads import DONE, FAILED, Outcome

__all__ = ["DownloadReport", "Tally"]

_COLUMNS = Outcome._fields
_SHOWN = 5  # failures that a report prints


def _failure_table(outcomes=()):
    columns = zip(*outcomes, strict=True) if outcomes else [()] * len(_COLUMNS)
    return Table([list(map(str, column)) for column in columns], names=_COLUMNS, dtype=[str] * len(_COLUMNS))


@dataclass(frozen=True, kw_only=True)
class DownloadReport:
    """What a download did; every input is counted once, as one of the four.

    Attributes
    ----------
    service : str
        Who was asked.
    inputs : int
        Identifiers that were given, or found in the regions.
    stored : int
        Those whose answers were stored in this run.
    known : int
        Those whose answers were in the archive before, or that were given before.
    missing : int
        Those of which the service has nothing; asked now, or in an earlier run.
    failed : int
        Those that failed in this run, wholly or in part; the next run asks them again.
    failures : `~astropy.table.Table`
        ``id``, ``what``, ``state`` (``"missing"`` or ``"failed"``), ``error`` (its class) and ``reason`` of everything
        that is not there.
    """

    service: str
    inputs: int = 0
    stored: int = 0
    known: int = 0
    missing: int = 0
    failed: int = 0
    failures: Table = field(default_factory=_failure_table, compare=False)

    def __str__(self):
        lines = [
            f"{self.service}: {self.stored + self.known} of {self.inputs} are in the archive: {self.stored} new, "
            f"{self.known} known already; {self.missing} the service does not have, {self.failed} failed."
        ]
        bad = self.failures[self.failures["state"] == FAILED]
        lines += [f"failed: {row['id']}, {row['what']}: {row['reason']}" for row in bad[:_SHOWN]]
        lines += [f"... and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else []
        return "\n".join(lines)


class Tally:
    """Counts of a download so far.

    Parameters
    ----------
    service : str
        Who is asked.
    """

    def __init__(self, service):
        self.service = service
        self.counts = dict.fromkeys(("stored", "known", "missing", "failed"), 0)
        self.failures = []

    @property
    def inputs(self):
        """How many are done with."""
        return sum(self.counts.values())

    @property
    def kept(self):
        """How many are in the archive."""
        return self.counts["stored"] + self.counts["known"]

    def add(self, outcomes, *, asked):
        """Count one input by the outcomes of all that was wanted of it."""
        states = {outcome.state for outcome in outcomes}
        self.failures += [outcome for outcome in outcomes if outcome.state != DONE]
        name = "failed" if FAILED in states else None if DONE in states else "missing"
        self.counts[name or ("stored" if asked else "known")] += 1

    def repeated(self):
        """Count an input that was given before."""
        self.counts["known"] += 1

    def report(self):
        """`DownloadReport` of it all."""
        return DownloadReport(
            service=self.service, inputs=self.inputs, **self.counts, failures=_failure_table(self.failures)
        )
