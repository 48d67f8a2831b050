"""What an import did."""

from dataclasses import dataclass, field

from astropy.table import Table

__all__ = ["AlerceReport", "AlertReport", "ImportReport", "PeriodReport", "curve_table", "failure_table"]


def failure_table(failures=()):
    """Table of (file, reason) pairs."""
    files, reasons = zip(*failures, strict=True) if failures else ((), ())
    return Table({"file": list(files), "reason": list(reasons)}, dtype=(str, str))


def curve_table(rows=()):
    """Table of light curves, each (psid, field, ccd, quad, band, reason); ids are text."""
    columns = zip(*rows, strict=True) if rows else [()] * 6
    psid, field_, ccd, quad, band, reason = map(list, columns)
    return Table(
        {"psid": [str(p) for p in psid], "field": field_, "ccd": ccd, "quad": quad, "band": band, "reason": reason},
        dtype=(str, "i8", "i8", "i8", str, str),
    )


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


@dataclass(frozen=True, kw_only=True)
class AlerceReport:
    """What an import of ALeRCE's answers did.

    Attributes
    ----------
    files : int
        Files and mappings read, with those that failed or were skipped.
    answers : int
        Answers about one object, or taxonomies, that they held.
    changed : int
        How many of these told the archive something new.
    rows : int
        Rows that the changed ones have in the archive now.
    sources_added : int
        New sources: objects at places where the archive had none.
    unknown_keys : tuple of str
        ``table.key`` of values for which the archive has no column.
    skipped : `~astropy.table.Table`
        ``file`` and ``reason`` of what is no answer that an archive keeps.
    failures : `~astropy.table.Table`
        ``file`` and ``reason`` of each file of which nothing was imported.
    """

    files: int
    answers: int = 0
    changed: int = 0
    rows: int = 0
    sources_added: int = 0
    unknown_keys: tuple = ()
    skipped: Table = field(default_factory=failure_table, compare=False)
    failures: Table = field(default_factory=failure_table, compare=False)

    def __str__(self):
        lines = [
            f"{self.files} files read: {self.answers} answers, {self.changed} of them new; "
            f"{self.rows} rows stored, {self.sources_added} sources added."
        ]
        lines += [f"no column for: {', '.join(self.unknown_keys)}"] if self.unknown_keys else []
        for what, table in (("skipped", self.skipped), ("failed", self.failures)):
            lines += [f"{what}: {row['file']}: {row['reason']}" for row in table]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class AlertReport:
    """What an import of alert packets did.

    Attributes
    ----------
    files : int
        Files read, with those that failed.
    alerts_added : int
        New packets.
    alerts_known : int
        Packets that the archive, or another file of the same import, already held.
    sources_added : int
        New sources: objects at places where the archive had none.
    failures : `~astropy.table.Table`
        ``file`` and ``reason`` of each file of which nothing was imported.
    """

    files: int
    alerts_added: int = 0
    alerts_known: int = 0
    sources_added: int = 0
    failures: Table = field(default_factory=failure_table, compare=False)

    def __str__(self):
        lines = [
            f"{self.files} files read: {self.alerts_added} alerts, {self.sources_added} sources added; "
            f"{self.alerts_known} already known."
        ]
        lines += [f"failed: {row['file']}: {row['reason']}" for row in self.failures]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class PeriodReport:
    """What a computation of periods did.

    Attributes
    ----------
    lightcurves : int
        Light curves asked for: each field, CCD, quadrant and band of a source is one.
    searched : int
        Those searched in this run.
    known : int
        Those left alone: searched before in the same way, or with periods from elsewhere.
    failures : `~astropy.table.Table`
        ``psid``, ``field``, ``ccd``, ``quad``, ``band`` and ``reason`` of those searched in this run in which no period
        can be found.
    """

    lightcurves: int
    searched: int = 0
    known: int = 0
    failures: Table = field(default_factory=curve_table, compare=False)

    def __str__(self):
        return (
            f"{self.lightcurves} light curves: {self.known} known already, {self.searched - len(self.failures)} with "
            f"new periods, {len(self.failures)} in which none can be found."
        )
