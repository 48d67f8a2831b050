"""AlerceService: where ALeRCE's services are, and one client for each; the methods stand on it."""

from functools import partial
from urllib.parse import urlsplit

from astroquery.query import BaseQuery

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.schema import lsst, stamps, tap
from alerce_zvar.config import conf, local_server
from alerce_zvar.errors import shown
from alerce_zvar.wire.address import checked_url
from alerce_zvar.wire.client import Client, Service
from alerce_zvar.wire.tap_client import TapClient

__all__ = ["SERVICES", "SURVEYS", "AlerceService", "check_survey"]

SURVEYS = ("ztf", "lsst")
# What is assumed of the times of a survey; noted with every answer.
_TIME_ASSUMPTIONS = {
    "ztf": "time is UTC at the observatory, at the start of the exposure",
    "lsst": "time is TAI at the observatory, at the middle of the exposure",
}
# Service -> setting that holds its address, and its prefix on the local server.
SERVICES = {
    "ztf": ("alerce_url", ""),
    "lsst": ("alerce_lsst_url", lsst.LOCAL_PREFIX),
    "stamps": ("alerce_stamps_url", stamps.LOCAL_PREFIX),
    "tap": ("alerce_tap_url", tap.LOCAL_PREFIX),
}


class AlerceService(BaseQuery, Service):
    """What the methods of `AlerceClass` share: addresses and clients."""

    def __init__(self, *, url=None, lsst_url=None, stamps_url=None, tap_url=None):
        super().__init__()
        self._urls = {"ztf": url, "lsst": lsst_url, "stamps": stamps_url, "tap": tap_url}
        self._client = Client("ALeRCE", (*schema.ENDPOINTS, *schema.V2_ENDPOINTS), partial(self._address, "ztf"))
        self._lsst = Client("ALeRCE LSST", lsst.ENDPOINTS, partial(self._address, "lsst"))
        self._stamps = Client("ALeRCE stamps", stamps.ENDPOINTS, partial(self._address, "stamps"))
        self._tap = TapClient("ALeRCE TAP", partial(self._address, "tap"))

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

    def _of(self, survey):
        """The client of a survey."""
        return self._lsst if survey == "lsst" else self._client

    def _meta(self, queries, survey="ztf"):
        return self._of(survey).meta(queries) | self._survey_meta(survey)

    @staticmethod
    def _survey_meta(survey):
        return {"survey": survey, "time_assumption": _TIME_ASSUMPTIONS[survey]}

    def _request(self, query, *, timeout=None):
        """Answer to a `Query` by our transport; astroquery's own way has neither deadline nor retries."""
        return self._client.fetch(query, timeout=timeout)


def check_survey(survey, method, accepted=SURVEYS):
    """Refuse a survey that a method does not know, naming those that it does."""
    if survey not in accepted:
        raise ValueError(f"{method}: survey must be {' or '.join(map(repr, accepted))}, not {shown(survey)}")


def _same_host(url, other):
    return urlsplit(url).netloc == urlsplit(other).netloc
