"""Image stamps and alert packets of single detections."""

from functools import partial

import numpy as np

from alerce_zvar.alerce.alert import check_format, parse_alert, target_file
from alerce_zvar.alerce.cutouts import assemble
from alerce_zvar.alerce.schema import lsst, stamps
from alerce_zvar.alerce.service import AlerceService, check_survey
from alerce_zvar.errors import NotFoundError, ReplyError, require, shown
from alerce_zvar.files import write_file
from alerce_zvar.packets import CutShortError, PacketError, check_is_packet, unzipped
from alerce_zvar.wire.client import payloads
from alerce_zvar.wire.decode import decode_table, rows_of
from alerce_zvar.wire.query import as_list, documented

__all__ = ["StampQueries"]

_CHOSEN, _ASKED = "earliest detection with a stamp", "the detection asked for"
_OID = """oid : str
    One ALeRCE id; of LSST also as int.
candid : str or int, optional
    Which detection; of LSST its ``measurement_id``. By default the earliest that has a stamp, which takes one request
    more and is said in the result. ZTF's service looks at the candid alone; only `get_alert` can tell whether it is a
    detection of this object."""
_ERRORS = """NotFoundError
    The service does not know the object or the detection, or no detection has a stamp.
ReplyError
    The answer is something else."""


class StampQueries(AlerceService):
    """Methods that get images and whole alerts."""

    @documented(oid=_OID, errors=_ERRORS)
    def get_stamps(
        self,
        oid,
        candid=None,
        *,
        survey="ztf",
        format="hdulist",
        include_variance_and_psf=False,
        get_query_payload=False,
        timeout=None,
    ):
        """Science, template and difference image of one detection.

        Parameters
        ----------
        {oid}
        survey : {"ztf", "lsst"}
            Whose object it is.
        format : {"hdulist", "numpy", "ccddata"}
            What to make of the three images; see below.
        include_variance_and_psf : bool
            Also LSST's image of the variance and of the PSF, where the format can hold them.
        {common}

        Returns
        -------
        `~astropy.io.fits.HDUList` or Stamps
            ``"hdulist"``: HDUs named SCIENCE, TEMPLATE and DIFFERENCE, with the cards OID and CANDID, and if included
            SCIENCE_VARIANCE, SCIENCE_PSF and so on. ``"numpy"``: three arrays, and where they come from as ``meta``.
            ``"ccddata"``: three `~astropy.nddata.CCDData` with unit, mask, and WCS where there is one; variance and PSF
            are their ``uncertainty`` and ``psf``. Images of ZTF are in DN, 63 x 63 pixels of 1.012 arcsec, smaller at
            the edge of a detector, and have no WCS; those of LSST are in nJy and have one. Pixels without a value are
            NaN.

        Raises
        ------
        {errors}
        TypeError
            Several ids.
        ValueError
            Another survey or format, or variances of a survey or in a format that has none.
        """
        _check(oid, survey, format, include_variance_and_psf)
        if candid is None and get_query_payload:
            return self._detections_query(oid, survey).payload
        selection = _ASKED
        if candid is None:
            candid, selection = self._earliest(oid, survey, timeout), _CHOSEN
        queries = self._stamp_queries(oid, candid, survey)
        if get_query_payload:
            return payloads(queries)
        client = self._lsst if survey == "lsst" else self._stamps
        outcomes = [outcome for _, outcome in client.transport.map(queries, parse=_unzipped, timeout=timeout)]
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        asked = queries[0].payload
        told = {"oid": asked["oid"], "candid": asked["measurement_id" if survey == "lsst" else "candid"]}
        meta = client.meta(queries) | told | {"survey": survey, "selection": selection}
        return assemble(outcomes, format, meta, include_variance_and_psf=include_variance_and_psf, url=queries[0].url)

    @documented(oid=_OID, errors=_ERRORS)
    def get_alert(self, oid, candid=None, *, get_query_payload=False, timeout=None):
        """Alert of ZTF: all that its packet says, and the packet itself.

        Needs the extra ``alerts``. LSST's alerts are not stored by the service.

        Parameters
        ----------
        {oid}
        {common}

        Returns
        -------
        Alert
            ``candidate``, ``previous_detections``, ``non_detections``, ``forced_photometry``, ``stamps()`` and ``raw``.

        Raises
        ------
        {errors}
        MissingExtraError
            The extra ``alerts`` is not installed.
        """
        if not get_query_payload:
            require("alerts", "fastavro")
        query, selection = self._alert_query(oid, candid, get_query_payload, timeout)
        if get_query_payload:
            return query.payload
        meta = self._stamps.meta([query]) | {"selection": selection}
        read = partial(_alert, asked=query.payload, meta=meta)
        return self._stamps.transport.fetch(query, parse=read, timeout=timeout)

    @documented(oid=_OID, errors=_ERRORS)
    def download_alert(self, oid, candid=None, *, path=".", overwrite=False, get_query_payload=False, timeout=None):
        """File with the packet of an alert of ZTF, byte by byte as the service has it.

        Parameters
        ----------
        {oid}
        path : str or path-like
            File to write; or a folder, in which it is called ``<candid>.avro``.
        overwrite : bool
            Replace a file that is there.
        {common}

        Returns
        -------
        `~pathlib.Path`
            The file; it is whole, or not there.

        Raises
        ------
        {errors}
        FileExistsError
            The file is there already; the alert is not asked for.
        FileNotFoundError
            The folder is not.
        """
        query, _ = self._alert_query(oid, candid, get_query_payload, timeout)
        if get_query_payload:
            return query.payload
        path = target_file(path, query.payload["candid"], overwrite)
        write_file(path, self._stamps.transport.fetch(query, parse=_packet, timeout=timeout))
        return path

    def _alert_query(self, oid, candid, get_query_payload, timeout):
        """Query for a packet, or that for the detections where no candid is given and nothing may be sent."""
        _check(oid)
        if candid is not None:
            return self._stamps.query("avro", oid=oid, candid=candid), _ASKED
        if get_query_payload:
            return self._detections_query(oid, "ztf"), _CHOSEN
        return self._stamps.query("avro", oid=oid, candid=self._earliest(oid, "ztf", timeout)), _CHOSEN

    def _stamp_queries(self, oid, candid, survey):
        if survey == "lsst":
            asked = {"oid": oid, "measurement_id": candid, "survey": survey, "format": "fits"}
            return [self._lsst.query("stamp", type=name, **asked) for name in lsst.STAMPS]
        return [self._stamps.query("stamp", oid=oid, candid=candid, type=name, format="fits") for name in stamps.STAMPS]

    def _detections_query(self, oid, survey):
        if survey == "lsst":
            return self._lsst.query("detections", survey=survey, oid=[oid])
        return self._client.query("detections", oid=oid)

    def _earliest(self, oid, survey, timeout):
        """Candid of the first detection that has a stamp; first in time, for as text candids do not sort."""
        query = self._detections_query(oid, survey)
        content, reply = self._of(survey).fetch(query, timeout=timeout)
        found = decode_table(rows_of(content, query.endpoint, reply), query.endpoint.answer, url=reply.url)
        found = found[np.ma.filled(found["has_stamp"], False)]
        key = "measurement_id" if survey == "lsst" else "candid"
        if not len(found):
            raise NotFoundError(f"No detection of {oid} has a stamp.", url=reply.url)
        return min(zip(found["time"].mjd, map(int, found[key]), strict=True))[1]


def _check(oid, survey="ztf", format="hdulist", include_variance_and_psf=False):
    if oid is None or not as_list(oid)[1]:
        raise TypeError(f"oid must be one id, not {type(oid).__name__}; ask for the objects one by one")
    check_survey(survey, "get_stamps")
    check_format(format)
    if include_variance_and_psf and (survey != "lsst" or format == "numpy"):
        raise ValueError(
            "include_variance_and_psf needs survey='lsst', for ZTF has neither, and format 'hdulist' or 'ccddata'; "
            f"survey={shown(survey)} and format={shown(format)} were given"
        )


def _alert(reply, asked, meta):
    """The alert that was asked for; the service looks at its number only, and not at its object."""
    alert = parse_alert(reply.body, url=reply.url, meta=meta)
    if {"oid": alert.oid, "candid": alert.candid} != asked:
        raise ReplyError(f"The answer is the alert of {alert.oid}, candid {alert.candid}.", url=reply.url)
    return alert


def _unzipped(reply):
    return _as_reply(unzipped, reply)


def _packet(reply):
    _as_reply(check_is_packet, reply)
    return reply.body


def _as_reply(read, reply):
    """What a reader makes of an answer's body, its refusal in our words."""
    try:
        return read(reply.body)
    except PacketError as exc:
        message = f"The answer is not what was asked for: {exc}."
        reason = reply.body[:200].decode("utf-8", "replace")
        passing = isinstance(exc, CutShortError)
        raise ReplyError(message, passing=passing, url=reply.url, status=200, reason=reason) from exc
