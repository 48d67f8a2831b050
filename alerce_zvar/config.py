"""Settings that a user may change; everything reads them at call time."""

import os

from astropy import config as astropy_config
from astropy import units as u

__all__ = ["MATCH_RADIUS", "SERVER_VARIABLE", "Conf", "conf", "local_server"]

MATCH_RADIUS = 1.5 * u.arcsec  # within which two things are of one source, unless said otherwise

SERVER_VARIABLE = "ALERCE_ZVAR_SERVER"


class Conf(astropy_config.ConfigNamespace):
    """Configuration parameters for `alerce_zvar`."""

    alerce_url = astropy_config.ConfigItem("https://api.alerce.online", "Address of ALeRCE's ZTF services.")
    alerce_lsst_url = astropy_config.ConfigItem("https://api-lsst.alerce.online", "Address of ALeRCE's LSST services.")
    alerce_stamps_url = astropy_config.ConfigItem(
        "https://avro.alerce.online", "Address of ALeRCE's image stamps and alerts of ZTF."
    )
    alerce_tap_url = astropy_config.ConfigItem("https://tap.alerce.online/tap", "Address of ALeRCE's TAP service.")
    catshtm_url = astropy_config.ConfigItem("https://catshtm.alerce.online", "Address of ALeRCE's catsHTM service.")
    zvar_url = astropy_config.ConfigItem("https://hypernova.caltech.edu/api", "Address of the ZVAR service.")
    zvar_username = astropy_config.ConfigItem(
        "", "User name for ZVAR where neither login() nor the environment variable ZVAR_USERNAME gives one."
    )
    timeout = astropy_config.ConfigItem(
        120.0, "Total seconds that one request may take, with all its retries, waits and redirects."
    )
    connect_timeout = astropy_config.ConfigItem(10.0, "Seconds to wait for a connection.")
    max_retries = astropy_config.ConfigItem(4, "How often one request is sent again after a passing failure.")
    backoff = astropy_config.ConfigItem(
        0.5, "Seconds before the first retry; doubled at each one, then shortened by a random part of up to a half."
    )
    max_backoff = astropy_config.ConfigItem(20.0, "Longest wait in seconds between two tries of our own choice.")
    max_retry_after = astropy_config.ConfigItem(
        60.0, "Longest wait in seconds that a service may ask for; a longer one raises RateLimitError."
    )
    max_connections = astropy_config.ConfigItem(
        8, "How many connections to one service are open at once; a browser opens six for each page."
    )
    max_reply_size = astropy_config.ConfigItem(
        512 * 2**20, "Largest answer in bytes, once decompressed. Protects the memory from broken or hostile servers."
    )
    row_limit = astropy_config.ConfigItem(
        1000, "Most rows that a listing without a natural end returns; -1 means all. A cut is announced by a warning."
    )
    page_size = astropy_config.ConfigItem(500, "Rows per request when a listing is read page by page.")
    photometry_batch = astropy_config.ConfigItem(
        100, "Light curves per request to ZVAR. The service takes 500, but an answer for 100 already weighs some 20 MB."
    )
    tap_threshold = astropy_config.ConfigItem(
        200, "Ids from which rows of many objects are asked for by TAP, a few hundred at once; 0 is never."
    )
    download_patience = astropy_config.ConfigItem(
        300.0, "Seconds without any answer after which a download stops; until then an outage is waited out."
    )
    allow_insecure_http = astropy_config.ConfigItem(
        False, "Send a login by plain http to machines other than this one. Only for networks that you trust."
    )


conf = Conf()


def local_server():
    """Address that the environment variable ``ALERCE_ZVAR_SERVER`` gives for all services, or None."""
    return os.environ.get(SERVER_VARIABLE, "").strip().rstrip("/") or None
