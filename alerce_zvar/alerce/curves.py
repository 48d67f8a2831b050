"""Light curves of one object or of many."""

from dataclasses import replace

import numpy as np
from astropy.timeseries import TimeSeries

from alerce_zvar.alerce.asking import ObjectAnswers, decoded, expanded
from alerce_zvar.alerce.lightcurve import Choice, assemble
from alerce_zvar.alerce.service import check_survey
from alerce_zvar.errors import NoResultsWarning, ReplyError, warn
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.wire.answer import announce
from alerce_zvar.wire.client import payloads
from alerce_zvar.wire.query import as_list, documented

__all__ = ["LightCurveQueries"]

_BARYCENTRIC = "time is TDB at the barycentre, for the mean position of the rows, by astropy's built-in ephemeris"
_OPTIONS = """survey : {"ztf", "lsst"}
    Whose objects.
photometry : {"corrected", "difference", "forced", "forced_corrected"}
    ``"corrected"``: detections, difference plus reference flux, right for a variable star. ``"difference"``:
    detections, the difference flux alone, right for a transient; ZTF's magnitudes are of its absolute value, whose
    sign is the column ``isdiffpos`` and that of ``flux``. ``"forced"`` and ``"forced_corrected"``: the same two of
    forced photometry, which measures every exposure whether or not there was an alert.
include_upper_limits : bool
    Also exposures without a detection: ``mag`` is masked and ``limiting_mag`` set there. Not with forced photometry,
    which measures every exposure, nor of LSST, which has nothing else.
include_dubious : bool
    Also ZTF's detections whose correction is doubtful: fainter than the reference and not corrected, or corrected while
    the first in that band is not, or the other way round. The column ``dubious`` tells them.
extended_errors : bool
    Errors of ZTF's corrected magnitudes as for an extended source. The service has them wherever it has a magnitude;
    those for a point source it lacks where its formula fails, for much of the forced photometry. Such rows are left out
    otherwise.
barycentric : bool
    Give times at the barycentre of the solar system, in TDB, rather than at the observatory: the light travel time is
    added for the mean position of the object's rows. Otherwise times are UTC at the start of the exposure (ZTF) or
    TAI at its middle (LSST)."""


class LightCurveQueries(ObjectAnswers):
    """Methods that give light curves."""

    @documented(options=_OPTIONS)
    def get_lightcurve(
        self,
        oid,
        *,
        survey="ztf",
        photometry="corrected",
        include_upper_limits=False,
        include_dubious=True,
        extended_errors=False,
        barycentric=False,
        get_query_payload=False,
        timeout=None,
    ):
        """Light curve of one object.

        Parameters
        ----------
        oid : str or int
            ALeRCE id; of LSST, a 64-bit number.
        {options}
        {common}

        Returns
        -------
        `~astropy.timeseries.TimeSeries`
            In order of time. Of ZTF ``time, band, mag, mag_err, isdiffpos, dubious, candid``; of a difference, before
            them, ``flux`` and ``flux_err`` [nJy] with the sign, which is what searches and plots then take. Of LSST
            ``time, band, flux, flux_err`` [nJy] and ``measurement_id``. Rows without a usable value are left out and
            counted in ``meta["dropped"]``; two rows of one exposure and band are both kept.

        Raises
        ------
        NotFoundError
            The service does not know the id. Of LSST, and for forced photometry, it does not tell: then the light curve
            is empty, with a `NoResultsWarning`.
        ValueError
            Another kind of photometry.
        """
        if not as_list(oid)[1]:
            raise TypeError("get_lightcurve takes one id; get_lightcurves takes a list of them")
        check_survey(survey, "get_lightcurve")
        choice = Choice(survey, photometry, include_upper_limits, include_dubious, extended_errors, barycentric)
        asked = self._curves_asked(choice, oid)
        if get_query_payload:
            return payloads(self._sent(asked))
        curves, failures, dropped = self._curves(choice, asked, timeout)
        if isinstance(failures.errors.get(0), Exception):
            raise failures.errors[0]
        if failures.errors:
            warn(f"No light curve of {asked.ids[0]}; {failures.errors[0]}", NoResultsWarning)
        light_curve = curves[0] if len(curves) else TimeSeries(curves.data)
        light_curve.meta.update({"id": asked.ids[0], "oid": asked.ids[0], "dropped": int(dropped[0])})
        return light_curve

    @documented(options=_OPTIONS)
    def get_lightcurves(
        self,
        oids,
        *,
        survey="ztf",
        photometry="corrected",
        include_upper_limits=False,
        include_dubious=True,
        extended_errors=False,
        barycentric=False,
        get_query_payload=False,
        timeout=None,
    ):
        """Light curves of many objects.

        Parameters
        ----------
        oids : str, int, or any list or Table column of them
            ALeRCE ids; of LSST, 64-bit numbers.
        {options}
        {common}

        Returns
        -------
        LightCurves
            One light curve per id that has one, in the order of the ids, with the columns of `get_lightcurve`; an id
            that stands there twice is answered twice. The others are in ``failures``, with reasons.

        Raises
        ------
        ServiceError
            The service failed for every id.
        ValueError
            Another kind of photometry, or no ids.

        Notes
        -----
        From ``conf.tap_threshold`` ids on, the TAP service is asked, in few requests; ``data.meta["service"]`` tells.
        Its magnitudes and fluxes agree with the other service's to single precision.
        """
        check_survey(survey, "get_lightcurves")
        choice = Choice(survey, photometry, include_upper_limits, include_dubious, extended_errors, barycentric)
        asked = self._curves_asked(choice, oids)
        if get_query_payload:
            return payloads(self._sent(asked))
        curves, failures, _ = self._curves(choice, asked, timeout)
        failures.raise_if_nothing_else()
        announce(len(curves), failures, "light curves")
        return curves

    def _curves_asked(self, choice, oids):
        asked = self._asked("lightcurve" if choice.upper_limits else choice.measures, oids, choice.survey)
        return replace(asked, columns=choice.needed)

    def _curves(self, choice, asked, timeout):
        """Light curves of all inputs, their failures, and how many rows of each of the different ids were dropped."""
        count = len(asked.unique)
        rows, owners, limits, failures = self._photometry(asked, timeout)
        table, whose, dropped = assemble(choice, rows, owners, count, limits)
        lengths = np.bincount(whose, minlength=count)
        there = np.bincount(owners, minlength=count)
        for place in np.flatnonzero(lengths == 0).tolist():
            if place not in failures.errors:
                failures.add([place], _reason(choice, int(there[place])))
        failures = expanded(failures, asked)
        kept = np.flatnonzero(lengths).tolist()
        table.meta = self._noted(asked, self._sent(asked)) | {"photometry": choice.photometry}
        if choice.barycentric:
            table.meta["time_assumption"] = _BARYCENTRIC
        offsets = np.concatenate([[0], np.cumsum(lengths[kept], dtype=np.int64)])
        ids = [asked.unique[place] for place in kept]
        curves = LightCurves(table, offsets, ids, id_name="oid", failures=failures.table())
        return (curves if ids == asked.ids else _repeated(curves, asked.ids)), failures, dropped

    def _photometry(self, asked, timeout):
        """Rows of the different ids and whose they are; their upper limits, if asked for; and the failures."""
        if asked.endpoint != "lightcurve":
            rows, owners, failures = self._rows(asked, timeout)
            return rows, owners, None, failures
        if not asked.by_tap:
            return _both(asked, *self._found(asked, timeout))
        rows, owners, failures = self._rows(replace(asked, endpoint="detections"), timeout)
        limits, limit_owners, others = self._rows(replace(asked, endpoint="non_detections", columns=()), timeout)
        failures.errors.update(others.errors)
        failed = list(failures.errors)
        seen, unseen = ~np.isin(owners, failed), ~np.isin(limit_owners, failed)
        return rows[seen], owners[seen], (limits[unseen], limit_owners[unseen]), failures


def _both(asked, found, failures):
    """Detections, their owners, non-detections with theirs, and the failures, from answers that hold both."""
    seen, unseen = {}, {}
    for place, (rows, url) in found.items():
        try:
            seen[place] = _part(rows, "detections", url), url
            unseen[place] = _part(rows, "non_detections", url), url
        except ReplyError as error:
            failures.add([place], error)
    detections, non_detections = asked.tables
    limits, limit_owners = decoded(asked, unseen, non_detections, failures)
    seen = {place: part for place, part in seen.items() if place in unseen}
    rows, owners = decoded(asked, seen, detections, failures)
    kept = np.isin(limit_owners, list(seen))
    return rows, owners, (limits[kept], limit_owners[kept]), failures


def _part(content, key, url):
    """One of the lists in an answer that holds two."""
    body = content[0] if len(content) == 1 else {}
    part = body.get(key) or []
    if "detections" not in body or not isinstance(part, list) or not all(isinstance(row, dict) for row in part):
        raise ReplyError(f"The answer to a light curve holds no list of {key.replace('_', ' ')}.", url=url)
    return part


def _reason(choice, there):
    what = choice.measures.replace("_", " ")
    if not there:
        return f"the service has no {what} of it"
    return f"none of its {there} rows of {what} has a usable {choice.photometry} value"


def _repeated(curves, ids):
    """Light curves of all inputs, in their order."""
    places = {identifier: place for place, identifier in enumerate(curves.ids)}
    return curves[np.array([places[identifier] for identifier in ids if identifier in places], dtype=int)]
