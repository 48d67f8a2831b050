"""What this package's period search finds in the light curve of an object."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.timeseries import TimeSeries

from alerce_zvar.errors import shown
from alerce_zvar.folding import value_names
from alerce_zvar.period import Eclipse, FourierModel, PeriodResult, find_period, fit_eclipse, fit_fourier
from alerce_zvar.period.fpw_search import check_workers
from alerce_zvar.period.grid import LONGEST_PERIOD, make_grid
from alerce_zvar.period.search import AUTO, check_method
from alerce_zvar.plot.axes import usable_rows
from alerce_zvar.reporting.asking import Missing

__all__ = ["Analysis", "analyse", "check_search", "measured"]

# Which light curve is searched, the first that has enough points: ZVAR's times are barycentric.
_ORDER = ("own light curve", "ZVAR", "ALeRCE", "ALeRCE, forced photometry")
_FEWEST = 10
# An eclipse is shorter than this part of the period; a box explains this share of the scatter, and this share of what
# the best shape does.
_LONGEST, _LEAST, _LEAST_OF_BEST = 0.25, 0.25, 0.5
_GRID = ("minimum_period", "maximum_period", "samples_per_peak")
_SEARCH = (*_GRID, "column", "bands", "workers")


@dataclass(frozen=True)
class Analysis:
    """What was found.

    Parameters
    ----------
    name : str
        Which light curve was searched.
    light_curve : TimeSeries
        Its measurements.
    result : PeriodResult
        The period.
    fourier : FourierModel or None
        Waves at the period, where they describe it.
    eclipse : Eclipse or None
        The deepest eclipse at the period, where there are eclipses.
    """

    name: str
    light_curve: TimeSeries
    result: PeriodResult
    fourier: FourierModel | None
    eclipse: Eclipse | None


def check_search(search):
    """Options of `alerce_zvar.find_period`, checked as far as they can be without a light curve.

    Parameters
    ----------
    search : dict or None
        Options.

    Returns
    -------
    dict

    Raises
    ------
    TypeError, ValueError, astropy.units.UnitsError
        These are no options, or one is unknown, or not accepted.
    """
    if not isinstance(search, Mapping | None):
        raise TypeError(f"search must be a dict of options of find_period, not {shown(search)}")
    search = dict(search or {})
    check_method(search.get("method", AUTO), {k: v for k, v in search.items() if k not in ("method", *_SEARCH)})
    given = {name: search[name] for name in _GRID if search.get(name) is not None}
    make_grid(1.0, **{"maximum_period": LONGEST_PERIOD} | given)
    check_workers(search.get("workers"))
    return search


def analyse(known, search):
    """The period of an object's best light curve, or None; why there is none is noted.

    Parameters
    ----------
    known : Known
        What the services know.
    search : dict
        Options of `alerce_zvar.find_period`.

    Returns
    -------
    Analysis or None
    """
    curves = {name: known.curves[name][measured(known.curves[name])] for name in _ORDER if name in known.curves}
    name = next((name for name, curve in curves.items() if len(curve) >= _FEWEST), None)
    if name is None:
        longest = max((len(curve) for curve in curves.values()), default=0)
        reason = f"no light curve has {_FEWEST} measurements; the longest has {longest}"
        known.asker.missing.append(Missing("period search", reason, False))
        return None
    try:
        result = find_period(curves[name], **search)
    except ValueError as error:
        known.asker.missing.append(Missing("period search", str(error), False))
        return None
    return Analysis(name, curves[name], result, *_shape(known, curves[name], result))


def measured(light_curve):
    """Which rows of a light curve are measurements, a bool array; upper limits are none."""
    names = value_names(light_curve)
    if not names:
        return np.zeros(len(light_curve), dtype=bool)
    return usable_rows(light_curve, names[0]) & ~np.broadcast_to(light_curve["time"].mask, len(light_curve))


def _shape(known, light_curve, result):
    """Waves at the period, unless steps or eclipses describe it better; and an eclipse, where it says about as much."""
    how = {"column": result.column, "bands": list(result.bands) or None}
    waves = not any(word in result.shape for word in ("step", "eclipse"))
    fourier = _tried(known, fit_fourier, light_curve, result, epoch_time=result.epoch_time, **how) if waves else None
    eclipse = _tried(known, fit_eclipse, light_curve, result, **how)
    return fourier, eclipse if eclipse is not None and _is_eclipse(eclipse, result) else None


def _is_eclipse(eclipse, result):
    share = max(_LEAST, _LEAST_OF_BEST * result.power)
    return bool(eclipse.duration < _LONGEST * eclipse.period) and eclipse.power > share


def _tried(known, fit, light_curve, result, **how):
    """A fit at the period that was found, or None; why there is none is noted."""
    try:
        return fit(light_curve, result.period, **how)
    except ValueError as error:
        known.asker.missing.append(Missing("shape of the folded light curve", str(error), False))
        return None
