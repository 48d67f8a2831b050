"""Bulk download: what many sources or objects have, from a service into an archive, in as many runs as it takes."""

from alerce_zvar.download.report import DownloadReport

__all__ = ["DownloadReport"]
