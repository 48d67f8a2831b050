"""ZvarClass: Caltech's ZVAR service (reference/zvar.md) in the manner of astroquery."""

from alerce_zvar.zvar.crossmatch import CrossmatchQueries, MatchTable
from alerce_zvar.zvar.download import DownloadQueries
from alerce_zvar.zvar.lightcurve import LightCurveQueries
from alerce_zvar.zvar.processing import ProcessingQueries
from alerce_zvar.zvar.sources import SourceQueries, SourceTable

__all__ = ["MatchTable", "SourceTable", "Zvar", "ZvarClass"]


class ZvarClass(SourceQueries, LightCurveQueries, CrossmatchQueries, ProcessingQueries, DownloadQueries):
    """Sources, periods, light curves and matches of the ZVAR service.

    Parameters
    ----------
    url : str, optional
        Address of the service. By default the environment variable ``ALERCE_ZVAR_SERVER``, else ``conf.zvar_url``. An
        address without a path is taken for a local server, which keeps this service under ``/zvar/api``.

    Notes
    -----
    The login is taken, at each request, from `login`, else from the environment variables ``ZVAR_USERNAME`` and
    ``ZVAR_PASSWORD``, else from the keyring for ``conf.zvar_username``. It is sent only to this address, and by plain
    http only to this machine. Two instances may have different logins and addresses.
    """


Zvar = ZvarClass()
