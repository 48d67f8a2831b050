"""Light curves by id from ZVAR and ALeRCE, with the periods that both know. No other module of plots asks a service."""

import warnings
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from alerce_zvar.config import MATCH_RADIUS
from alerce_zvar.errors import NoResultsWarning, PartialResultWarning, ServiceError, shown, warn
from alerce_zvar.plot.explorer.candidates import from_alerce, from_zvar
from alerce_zvar.plot.explorer.inputs import Curves

__all__ = ["Fetched", "fetch"]

_OTHER = {"zvar": "alerce", "alerce": "zvar"}
_ID = {"zvar": "psid", "alerce": "oid"}


@dataclass(frozen=True)
class Fetched:
    """Light curves, and what the services say of each.

    Parameters
    ----------
    curves : Curves
        In the order of the ids; those without a light curve are left out.
    periods : list of list of PeriodCandidate
        Of each, own service first.
    coordinates : list of SkyCoord or None
        Of each.
    """

    curves: Curves
    periods: list
    coordinates: list


def fetch(ids, *, alerce=None, zvar=None, timeout=None):
    """Light curves by id, their positions, and the periods that ZVAR and ALeRCE have for them.

    Parameters
    ----------
    ids : str, int, or any list or Table column of them
        Ids of digits only are ZVAR's (psid), others ALeRCE's (oid).
    alerce : AlerceClass, optional
        By default `alerce_zvar.Alerce`.
    zvar : ZvarClass, optional
        By default `alerce_zvar.Zvar`.
    timeout : float or Quantity, optional
        Total seconds of each request.

    Returns
    -------
    Fetched

    Raises
    ------
    TypeError
        An id that is neither text nor whole number.
    ValueError
        There are no ids.
    ServiceError
        There is no light curve at all. Less is announced by a `PartialResultWarning`.
    """
    from alerce_zvar.alerce.core import Alerce
    from alerce_zvar.zvar.core import Zvar

    ids = _checked(ids)
    asking = _Asking(Alerce if alerce is None else alerce, Zvar if zvar is None else zvar, timeout)
    found = {}
    for service in ("zvar", "alerce"):
        own = [one for one in ids if one.isdigit() == (service == "zvar")]
        found |= asking.objects(service, own) if own else {}
    asking.announce(nothing=not found)
    kept = [one for one in ids if one in found]
    curves = Curves(kept, lambda number: found[kept[number]][0])
    return Fetched(curves, [found[one][1] for one in kept], [found[one][2] for one in kept])


def _checked(ids):
    from alerce_zvar.wire.query import as_list

    given = as_list(ids)[0]
    if not given:
        raise ValueError("there are no ids")
    for one in given:
        if isinstance(one, bool) or not isinstance(one, str | int | np.integer):
            raise TypeError(f"an id must be a text or a whole number, not {shown(one)}")
    return [str(one) for one in given]


class _Asking:
    """Questions to both services; what fails is kept for one announcement."""

    def __init__(self, alerce, zvar, timeout):
        self.services = {"alerce": alerce, "zvar": zvar}
        self.timeout = timeout
        self.errors = {}

    def objects(self, service, ids):
        """Light curve, candidates and position of each id that has a light curve, by id."""
        curves = self._tried(f"light curves of {service}", getattr(self, f"_curves_of_{service}"), ids)
        if curves is None or not len(curves):
            return {}
        places, own = self._tried(f"periods of {service}", getattr(self, f"_known_to_{service}"), curves.ids) or (
            {},
            {},
        )
        other = self._tried(f"periods of {_OTHER[service]}", self._elsewhere, _OTHER[service], places) or {}
        return {
            one: (curves[one], own.get(one, []) + other.get(one, []), places.get(one))
            for one in dict.fromkeys(curves.ids)
        }

    def _tried(self, what, ask, *arguments):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NoResultsWarning)
                return ask(*arguments)
        except ServiceError as error:
            self.errors[what] = error
            return None

    def announce(self, *, nothing):
        """Raise what failed where there is nothing to show; else warn of it."""
        if nothing and self.errors:
            raise next(iter(self.errors.values()))
        if nothing:
            raise ServiceError("None of the ids has a light curve.")
        for what, error in self.errors.items():
            warn(f"Could not get the {what}: {error}", PartialResultWarning)

    def _curves_of_zvar(self, ids):
        return self.services["zvar"].get_lightcurves(ids, timeout=self.timeout).clean(keep_upper_limits=True)

    def _curves_of_alerce(self, ids):
        return self.services["alerce"].get_lightcurves(ids, include_upper_limits=True, timeout=self.timeout)

    def _known_to_zvar(self, ids):
        sources = self.services["zvar"].query_objects(ids, timeout=self.timeout)
        return _positions(sources, "psid"), _by_id(sources.periods, "psid", from_zvar)

    def _known_to_alerce(self, ids):
        objects = self.services["alerce"].query_object(ids, timeout=self.timeout)
        places = _positions(objects, "oid")
        features = self._tried("features of alerce", self._features, list(places)) or {}
        return places, features

    def _features(self, ids):
        table = self.services["alerce"].query_features(ids, timeout=self.timeout)
        return _by_id(table, "oid", from_alerce)

    def _elsewhere(self, service, places):
        """Candidates that the other service has at these places, by id of ours."""
        from alerce_zvar.match import match_services

        if not places:
            return {}
        here = SkyCoord(list(places.values()))
        matches = match_services(here, MATCH_RADIUS, services=[service], timeout=self.timeout, **self.services)
        theirs = np.ma.filled(matches[_ID[service]], "").tolist()
        known = [one for one in dict.fromkeys(theirs) if one]
        if not known:
            return {}
        periods = self._known_to_zvar(known)[1] if service == "zvar" else self._features(known)
        return {one: periods.get(other, []) for one, other in zip(places, theirs, strict=True)}


def _positions(table, name):
    """Positions by id of the rows that have one."""
    ra, dec = (np.ma.filled(np.ma.asarray(table[column], dtype=float), np.nan) for column in ("ra", "dec"))
    rows = zip(table[name].tolist(), ra, dec, strict=True)
    return {one: SkyCoord(a * u.deg, d * u.deg) for one, a, d in rows if np.isfinite(a + d)}


def _by_id(table, name, maker):
    owners = np.asarray(table[name].tolist(), dtype=str)
    return {str(one): maker(table[owners == one]) for one in np.unique(owners)}
