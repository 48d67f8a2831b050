"""What is known of single objects: every method takes one id or any list of them."""

from alerce_zvar.alerce.asking import ObjectAnswers
from alerce_zvar.wire.query import documented

__all__ = ["OID", "SURVEY", "PerObjectQueries"]

OID = """oid : str, int, or any list or Table column of them
    ALeRCE ids; of LSST, 64-bit numbers."""
SURVEY = """survey : {"ztf", "lsst"}
    Whose objects."""
_ZTF_ONLY = """survey : {"ztf"}
    Whose objects; the service has this of ZTF only."""


class PerObjectQueries(ObjectAnswers):
    """Methods that ask about objects by their ids."""

    @documented(oid=OID, survey=SURVEY)
    def query_object(self, oid, *, survey="ztf", survey_extra=False, get_query_payload=False, timeout=None):
        """One object, or each of a list.

        Parameters
        ----------
        {oid}
        {survey}
        survey_extra : bool
            Also what LSST's own catalogue of difference-image objects has, under LSST's names: fluxes by band, ...
        {common}

        Returns
        -------
        AnswerTable
            One row per object found, in the order of the ids; an id that stands there twice is answered twice.

        Raises
        ------
        NotFoundError
            A single id that the service does not know; in a list it is noted in ``failures``.
        ValueError
            Not an id, not a survey, or survey_extra of a survey that has none.

        Notes
        -----
        LSST's service fails (status 500) for an id that it does not know. An id for which it fails counts as unknown if
        the service has no detection of it either; otherwise it is asked again.

        From ``conf.tap_threshold`` ids on, this method and those like it ask the TAP service for what it has, in few
        requests; ``meta["service"]`` tells. Numbers that it keeps in single precision agree with the others to that,
        and columns that are never filled are masked. What it fails to give is asked for object by object.
        """
        if survey_extra and survey != "lsst":
            raise ValueError("survey_extra is what LSST's own catalogue has; give survey='lsst' with it")
        asked = self._asked("object", oid, survey, survey_extra=True if survey_extra else None)
        return self._answer(asked, get_query_payload, timeout)

    @documented(oid=OID, survey=SURVEY)
    def query_detections(self, oid, *, survey="ztf", get_query_payload=False, timeout=None):
        """All detections of one object, or of each of a list; parameters and errors as for `query_object`.

        Parameters
        ----------
        {oid}
        {survey}
        {common}

        Returns
        -------
        AnswerTable
            ``oid``, then the columns of a detection, in order of time. Of ZTF ``candid, time`` (UTC), ``band``, ``mag``
            and ``mag_err`` of the difference flux, ``mag_corr`` and ``mag_corr_err`` of difference plus reference,
            ``isdiffpos`` (the sign), ... Of LSST ``time`` (TAI), ``band``, ``flux`` and ``flux_err`` of the difference
            image and ``total_flux`` of the science image [nJy], ... Unusable values (ZTF's 100.0, LSST's 0.0) are
            masked. The same exposure may hold two rows of one band, which have different ids.
        """
        return self._answer(self._asked("detections", oid, survey), get_query_payload, timeout)

    @documented(oid=OID, survey=SURVEY)
    def query_non_detections(self, oid, *, survey="ztf", get_query_payload=False, timeout=None):
        """All exposures without a detection of one object, or of each of a list; as `query_detections`.

        Parameters
        ----------
        {oid}
        {survey}
        {common}

        Returns
        -------
        AnswerTable
            ``oid, time`` (UTC), ``band, limiting_mag, tid``. LSST has none: its service always answers so, and has
            forced photometry instead.
        """
        return self._answer(self._asked("non_detections", oid, survey), get_query_payload, timeout)

    @documented(oid=OID, survey=SURVEY)
    def query_forced_photometry(self, oid, *, survey="ztf", get_query_payload=False, timeout=None):
        """All forced photometry of one object, or of each of a list; as `query_detections`.

        Parameters
        ----------
        {oid}
        {survey}
        {common}

        Returns
        -------
        AnswerTable
            ``oid``, then one row per exposure, in order of time: brightness as in `query_detections`, of ZTF also what
            is known of the exposure and of the reference source. Unusable values (100.0, -99999) are masked; such rows
            have ``procstatus`` 55 or 61, and ``corrected`` is true all the same. ZTF has forced photometry since
            December 2023 only.

        Notes
        -----
        The service does not tell an unknown id from an object without forced photometry: neither is an error. LSST's
        service cuts the answer for a single id to 10 rows, so a single id is asked for as if it were two, which is
        noted in ``meta["workaround"]``. If 10 rows come even so and the object has more, a `MaxResultsWarning` says it.
        """
        return self._answer(self._asked("forced_photometry", oid, survey), get_query_payload, timeout)

    @documented(oid=OID, survey=_ZTF_ONLY)
    def query_magstats(self, oid, *, survey="ztf", get_query_payload=False, timeout=None):
        """Statistics per band of one object, or of each of a list; as `query_detections`.

        Parameters
        ----------
        {oid}
        {survey}
        {common}

        Returns
        -------
        AnswerTable
            ``oid, band, ndet, mag_mean, mag_median, mag_min, mag_max, ...``, one row per object and band.
        """
        return self._answer(self._asked("magstats", oid, survey, ("ztf",)), get_query_payload, timeout)
