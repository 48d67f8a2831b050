"""A local sky in one DuckDB file: import of light curves, cone search, the tables of both services."""

from alerce_zvar.archive.report import AlerceReport, AlertReport, ImportReport, PeriodReport
from alerce_zvar.archive.store import Archive

__all__ = ["AlerceReport", "AlertReport", "Archive", "ImportReport", "PeriodReport"]
