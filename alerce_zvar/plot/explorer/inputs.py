"""What `explore` and `write_html` take: light curves of many kinds, and periods of many kinds, one entry per object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from alerce_zvar.errors import shown
from alerce_zvar.folding import usable
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.period import FpwResult, Periodogram, PeriodResult, find_period
from alerce_zvar.plot.explorer.candidates import PeriodCandidate, as_candidates
from alerce_zvar.plot.explorer.payload import object_payload

__all__ = ["Curves", "collect", "coordinates_of", "periodograms_of", "periods_of", "searched_payload"]

_RESULTS = PeriodResult | Periodogram | FpwResult


@dataclass(frozen=True)
class Curves:
    """Light curves that are fetched one at a time.

    Parameters
    ----------
    ids : list of str
        What they are called.
    get : callable
        Gives the light curve of a number.
    """

    ids: list
    get: Callable

    def __len__(self):
        return len(self.ids)


def collect(light_curves):
    """Light curves with their ids; ids are never numbers.

    Parameters
    ----------
    light_curves : TimeSeries, LightCurves, mapping of id to TimeSeries, or a list of TimeSeries
        Those of a list are called by the ``id`` in their ``meta``, or by their number.

    Returns
    -------
    Curves

    Raises
    ------
    TypeError
        It is none of these.
    ValueError
        There is none.
    """
    if isinstance(light_curves, LightCurves):
        curves = Curves(light_curves.ids, light_curves.__getitem__)
    elif hasattr(light_curves, "colnames"):
        curves = Curves([str(light_curves.meta.get("id", ""))], [light_curves].__getitem__)
    elif isinstance(light_curves, Mapping):
        curves = Curves([str(name) for name in light_curves], list(light_curves.values()).__getitem__)
    elif isinstance(light_curves, list | tuple) and all(hasattr(one, "colnames") for one in light_curves):
        ids = [str(one.meta.get("id", number)) for number, one in enumerate(light_curves)]
        curves = Curves(ids, light_curves.__getitem__)
    else:
        raise TypeError(
            "light_curves must be a TimeSeries, LightCurves, a dict or a list of TimeSeries, not "
            f"{type(light_curves).__name__}"
        )
    if not len(curves):
        raise ValueError("light_curves holds no light curve")
    return curves


def periods_of(periods, ids):
    """For each object a list of candidates, a result of a search, or None where a period is to be searched.

    Parameters
    ----------
    periods : None, Quantity, PeriodCandidate, result, list, dict by id, or QTable of `alerce_zvar.find_periods`
        One object may have a list of them. For many objects a Quantity holds one period for all or one for each, and a
        list has an entry for each. An id without an entry in the dict or table is searched.
    ids : list of str
        The objects.

    Returns
    -------
    list

    Raises
    ------
    TypeError, astropy.units.UnitsError
        It is none of these.
    ValueError
        There are not as many as objects, or a period is not positive.
    """
    if periods is None:
        return [None] * len(ids)
    if isinstance(periods, Table):
        known = _by_id(periods)
        return [known.get(identifier) for identifier in ids]
    if isinstance(periods, Mapping):
        return [_checked(periods.get(identifier)) for identifier in ids]
    if isinstance(periods, list | tuple) and not periods:
        return [[] for _ in ids]
    many = isinstance(periods, list | tuple) or (isinstance(periods, u.Quantity) and periods.shape)
    if len(ids) == 1 or not many:
        one = _checked(periods)
        return [one for _ in ids]
    if len(periods) != len(ids):
        raise ValueError(f"periods must be one for each of the {len(ids)} light curves; there are {len(periods)}")
    return [_checked(one) for one in periods]


def _checked(one):
    return one if one is None or isinstance(one, _RESULTS) else as_candidates(one)


def _by_id(table):
    """Candidates by id of a table as `alerce_zvar.find_periods` gives it; none of rows without a period."""
    missing = {"id", "period"} - set(table.colnames)
    if missing:
        raise ValueError(f"periods must have the columns 'id' and 'period'; there are {table.colnames}")
    good, known = usable(table["period"], table["period"]), {}
    if getattr(table["period"], "unit", None) is None:
        raise u.UnitsError("the column 'period' of periods has no unit")
    days = u.Quantity(getattr(table["period"], "unmasked", table["period"]))
    for row, identifier in enumerate(table["id"]):
        found = known.setdefault(str(identifier), [])
        if good[row]:
            words = [str(table[name][row]) for name in ("shape", "reason") if name in table.colnames]
            method = str(table["method"][row]) if "method" in table.colnames else "table"
            origin = "find_period" if method == "auto" else method
            epoch = _epoch(table["epoch_time"][row]) if "epoch_time" in table.colnames else None
            found.append(PeriodCandidate(days[row], origin, ", ".join(filter(None, words)), epoch))
    return known


def _epoch(time):
    if np.any(time.mask):
        return None
    return time.unmasked if time.masked else time


def periodograms_of(periodogram, ids):
    """For each object its periodogram, True to draw that of its result, or None.

    Parameters
    ----------
    periodogram : bool, Periodogram, PeriodResult, dict by id, or list
        True draws those of the results that give the periods.
    ids : list of str
        The objects.

    Returns
    -------
    list

    Raises
    ------
    TypeError
        It is none of these.
    ValueError
        There are not as many as objects.
    """
    if isinstance(periodogram, bool) or periodogram is None:
        return [periodogram or None] * len(ids)
    if isinstance(periodogram, Mapping):
        found = [periodogram.get(identifier) for identifier in ids]
    else:
        found = list(periodogram) if isinstance(periodogram, list | tuple) else [periodogram]
    if len(found) != len(ids):
        raise ValueError(f"periodogram must be one for each of the {len(ids)} light curves; there are {len(found)}")
    for one in found:
        if one is not None and not isinstance(one, Periodogram | PeriodResult):
            raise TypeError(f"periodogram must be True, False, Periodograms or PeriodResults, not {shown(one)}")
    return found


def coordinates_of(coordinates, ids):
    """For each object its place, or None.

    Parameters
    ----------
    coordinates : `~astropy.coordinates.SkyCoord` or None
        One for each object.
    ids : list of str
        The objects.

    Returns
    -------
    list

    Raises
    ------
    TypeError
        It is no SkyCoord.
    ValueError
        There are not as many as objects.
    """
    if coordinates is None:
        return [None] * len(ids)
    if not isinstance(coordinates, SkyCoord):
        raise TypeError(f"coordinates must be a SkyCoord, not {shown(coordinates)}")
    places = coordinates.ravel() if coordinates.shape else coordinates.reshape(1)
    if len(places) != len(ids):
        raise ValueError(f"coordinates must be one for each of the {len(ids)} light curves; there are {len(places)}")
    return list(places)


def searched_payload(light_curve, *, periods, periodogram, **options):
    """As `object_payload`, the period searched where there is none.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        Light curve.
    periods, periodogram
        An entry of `periods_of` and of `periodograms_of`.
    **options
        To `object_payload`.

    Returns
    -------
    dict
        With a ``note`` where the search failed.
    """
    note = ""
    if periods is None:
        try:
            periods = find_period(light_curve)
        except ValueError as error:
            periods, note = [], f"No period was found: {error}"
    if periodogram is True:
        periodogram = periods if isinstance(periods, PeriodResult | Periodogram) else None
    payload = object_payload(light_curve, periods=periods, periodogram=periodogram, **options)
    return payload | {"note": note}
