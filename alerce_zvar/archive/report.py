"""What an import did."""

from dataclasses import dataclass, field

from astropy.table import Table

__all__ = ["ImportReport", "failure_table"]


def failure_table(failures=()):
    """Table of (file, reason) pairs."""
    files, reasons = zip(*failures, strict=True) if failures else ((), ())
    return Table({"file": list(files), "reason": list(reasons)}, dtype=(str, str))


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    files : int
        Files read, with those that failed. A table counts as one.
    sources_added, lightcurves_added : int
        New rows of these tables.
    epochs_added : int
        New epochs that can be used.
    epochs_known : int
        Rows that the archive, or another file of the same import, already held.
    bad_epochs : int
        New epochs that are flagged as bad: kept, never served, never counted.
    failures : `~astropy.table.Table`
        ``file`` and ``reason`` of each file of which nothing was imported.
    """

    files: int
    sources_added: int = 0
    lightcurves_added: int = 0
    epochs_added: int = 0
    epochs_known: int = 0
    bad_epochs: int = 0
    failures: Table = field(default_factory=failure_table, compare=False)

    def __str__(self):
        lines = [
            f"{self.files} files read: {self.sources_added} sources, {self.lightcurves_added} light curves, "
            f"{self.epochs_added} epochs added; {self.epochs_known} already known, {self.bad_epochs} flagged bad."
        ]
        lines += [f"failed: {row['file']}: {row['reason']}" for row in self.failures]
        return "\n".join(lines)
