"""AlerceClass: the ALeRCE broker's services (reference/alerce.md) in the manner of astroquery."""

from astropy.table import QTable
from astropy.timeseries import TimeSeries

from alerce_zvar.alerce.lightcurve import PHOTOMETRY, assemble
from alerce_zvar.alerce.objects import ObjectQueries
from alerce_zvar.alerce.per_object import PerObjectQueries
from alerce_zvar.alerce.service import AlerceService
from alerce_zvar.errors import NoResultsWarning, warn

__all__ = ["Alerce", "AlerceClass"]


class AlerceClass(ObjectQueries, PerObjectQueries):
    """Objects, detections and light curves of the ALeRCE broker."""

    def get_lightcurve(
        self, oid, *, photometry="corrected", include_upper_limits=False, get_query_payload=False, timeout=None
    ):
        """Light curve of one object.

        Parameters
        ----------
        oid : str
            ALeRCE id.
        photometry : {"corrected", "difference"}
            Magnitudes of difference plus reference flux, right for a variable star; or of the difference flux alone,
            right for a transient, whose sign is the column ``isdiffpos``.
        include_upper_limits : bool
            Also exposures without a detection: ``mag`` is masked and ``limiting_mag`` set there.
        get_query_payload : bool
            Send nothing and return what would be sent, a dict.
        timeout : float or Quantity, optional
            Total seconds.

        Returns
        -------
        `~astropy.timeseries.TimeSeries`
            ``time`` (UTC, start of the exposure), ``band, mag, mag_err, isdiffpos, candid`` in order of time.
            Detections without a usable magnitude are left out and counted in ``meta["dropped"]``.

        Raises
        ------
        NotFoundError
            The service does not know the id.
        ValueError
            Another kind of photometry.
        """
        if photometry not in PHOTOMETRY:
            raise ValueError(f"photometry must be one of {', '.join(PHOTOMETRY)}; not {photometry!r}")
        query = self._client.query("lightcurve", oid=oid)
        if get_query_payload:
            return query.payload
        content, reply = self._request(query, timeout=timeout)
        light_curve, dropped = assemble(content, photometry, include_upper_limits, reply.url)
        light_curve.meta = self._meta([query]) | {
            "id": query.payload["oid"],
            "oid": query.payload["oid"],
            "photometry": photometry,
            "dropped": dropped,
        }
        if not len(light_curve):
            hint = f"; {dropped} detections have no usable {photometry} magnitude" if dropped else ""
            warn(f"No light curve of {oid}{hint}", NoResultsWarning)
        return TimeSeries(QTable(light_curve))


AlerceClass.__doc__ += AlerceService.__doc__.partition("\n")[2]

Alerce = AlerceClass()
