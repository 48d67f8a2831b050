"""AlerceService: where ALeRCE's services are, and one client for each; the methods stand on it."""

from functools import partial
from urllib.parse import urlsplit

from astroquery.query import BaseQuery

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.schema import lsst, stamps
from alerce_zvar.config import conf, local_server
from alerce_zvar.wire.address import checked_url
from alerce_zvar.wire.client import Client, Service

__all__ = ["SERVICES", "AlerceService"]

_TIME_ASSUMPTION = "time is UTC at the observatory, at the start of the exposure"
TAP_PREFIX = "/tap"  # on the local server
# Service -> setting that holds its address, and its prefix on the local server.
SERVICES = {
    "ztf": ("alerce_url", ""),
    "lsst": ("alerce_lsst_url", lsst.LOCAL_PREFIX),
    "stamps": ("alerce_stamps_url", stamps.LOCAL_PREFIX),
    "tap": ("alerce_tap_url", TAP_PREFIX),
}


class AlerceService(BaseQuery, Service):
    """What the methods of `AlerceClass` share: addresses and clients.

    Parameters
    ----------
    url : str, optional
        Address of a server that answers for all of ALeRCE's services, as the local server does, each under its own
        prefix. By default the environment variable ``ALERCE_ZVAR_SERVER``; else every service has its own address,
        ``conf.alerce_url`` and the like.
    lsst_url, stamps_url, tap_url : str, optional
        Address of that service alone, whatever `url` is.
    """

    def __init__(self, *, url=None, lsst_url=None, stamps_url=None, tap_url=None):
        super().__init__()
        self._urls = {"ztf": url, "lsst": lsst_url, "stamps": stamps_url, "tap": tap_url}
        self._client = Client("ALeRCE", (*schema.ENDPOINTS, *schema.V2_ENDPOINTS), partial(self._address, "ztf"))
        self._lsst = Client("ALeRCE LSST", lsst.ENDPOINTS, partial(self._address, "lsst"))
        self._stamps = Client("ALeRCE stamps", stamps.ENDPOINTS, partial(self._address, "stamps"))

    def _address(self, service="ztf"):
        """Checked address of a service."""
        setting, prefix = SERVICES[service]
        own = self._urls[service]
        if own and service != "ztf":
            return checked_url(own)
        everything = self._urls["ztf"] or local_server()
        if everything is None or (prefix and _same_host(everything, conf.alerce_url)):
            return checked_url(getattr(conf, setting))
        return checked_url(everything) + prefix

    def __getstate__(self):
        return {("url" if service == "ztf" else f"{service}_url"): url for service, url in self._urls.items()}

    def _meta(self, queries):
        return self._client.meta(queries) | {"time_assumption": _TIME_ASSUMPTION}

    def _request(self, query, *, timeout=None):
        """Answer to a `Query` by our transport; astroquery's own way has neither deadline nor retries."""
        return self._client.fetch(query, timeout=timeout)


def _same_host(url, other):
    return urlsplit(url).netloc == urlsplit(other).netloc
