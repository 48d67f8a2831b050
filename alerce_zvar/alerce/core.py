"""AlerceClass: the ALeRCE broker's services (reference/alerce.md) in the manner of astroquery."""

from alerce_zvar.alerce.classes import ClassQueries
from alerce_zvar.alerce.curves import LightCurveQueries
from alerce_zvar.alerce.download import DownloadQueries
from alerce_zvar.alerce.features import FeatureQueries
from alerce_zvar.alerce.objects import ObjectQueries
from alerce_zvar.alerce.per_object import PerObjectQueries
from alerce_zvar.alerce.settings import ConfigLoading
from alerce_zvar.alerce.stamps import StampQueries
from alerce_zvar.alerce.tap import TapQueries

__all__ = ["Alerce", "AlerceClass"]


class AlerceClass(
    ObjectQueries,
    PerObjectQueries,
    ClassQueries,
    FeatureQueries,
    LightCurveQueries,
    StampQueries,
    TapQueries,
    DownloadQueries,
    ConfigLoading,
):
    """Objects, detections, classes, features, light curves and images of the ALeRCE broker, of ZTF and LSST.

    Parameters
    ----------
    url : str, optional
        Address of a server that answers for all of ALeRCE's services, as the local server does, each under its own
        prefix. By default the environment variable ``ALERCE_ZVAR_SERVER``; else every service has its own address,
        ``conf.alerce_url`` and the like.
    lsst_url, stamps_url, tap_url : str, optional
        Address of that service alone, whatever `url` is.
    """


Alerce = AlerceClass()
