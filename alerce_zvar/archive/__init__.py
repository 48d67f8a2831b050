"""A local sky in one DuckDB file: import of light curves, cone search, the tables of both services."""

from alerce_zvar.archive.report import ImportReport
from alerce_zvar.archive.store import Archive

__all__ = ["Archive", "ImportReport"]
