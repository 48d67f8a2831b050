"""`find_period`: units at the door, a grid, the method, a record."""

import numpy as np

from alerce_zvar.period import belief, fourier, lombscargle, peaks, verdict
from alerce_zvar.period.candidates import SAME
from alerce_zvar.period.fpw_search import check_workers
from alerce_zvar.period.grid import make_grid
from alerce_zvar.period.methods import get_method
from alerce_zvar.period.periodogram import Periodogram
from alerce_zvar.period.prepare import prepare
from alerce_zvar.period.result import PeriodResult
from alerce_zvar.period.verdict import Alternative

__all__ = ["AUTO", "check_method", "find_period"]

AUTO = "auto"
_PEAKS = 5  # peaks refined: on the grid the best one need not look best
_FEWEST = 10  # points for method "auto", which compares shapes
_NTERMS = (1, 2, 3, 4, 6, 8, 10)  # of the fit that describes what "auto" found


def find_period(
    light_curve,
    *,
    method=AUTO,
    minimum_period=None,
    maximum_period=None,
    samples_per_peak=None,
    column=None,
    bands=None,
    workers=None,
    **options,
):
    """Best period of a light curve, how sure it is, and what else it could be.

    ``method="auto"`` is for stars of unknown kind. It proposes periods by two screens, for waves (Lomb-Scargle) and
    for eclipses (box least squares), with their multiples and their aliases by the day, month and year; compares at
    each how well waves of up to 16 harmonics, eclipses, and steps describe the folded light curve; and decides among
    P, P/2, 2 P, P/3 and 3 P by what the folded shapes say. ``believed`` of the result says whether a period was found
    at all, and ``alternatives`` why other periods were not taken. Of more than 10,000 points a random sample, always
    the same, is screened for eclipses; all points take part in everything else.

    With a `maximum_period` beyond half of the time span periods are found of which fewer than two cycles were observed;
    none of those is believed.

    Any other method takes the highest peak of its own periodogram; those of Lomb-Scargle are refined by exact fits.

    Rows with missing values, or without a positive error, are dropped. Zero points differ between fields, quadrants and
    bands, so each such group is first centred on its own weighted mean. (On real eclipsing binaries the median does as
    well; on 121 real RR Lyrae, with 20 points a band, the mean finds 78 periods and the median 69 by Lomb-Scargle.)

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        Columns ``time``, and ``mag, mag_err`` or ``flux, flux_err``; ``band, field, ccd, quad`` where there are such.
        Any order, any float type. Without an error column all rows weigh the same.
    method : str
        ``"auto"``, or a name of `list_methods`; with options and no method, ``"lombscargle"``.
    minimum_period, maximum_period : `~astropy.units.Quantity`, optional
        Range of the search. By default 5 minutes, and 100 days or half of the time span, whichever is shorter.
    samples_per_peak : float, optional
        Trial frequencies per ``1 / time span``; by default 5, and 25 for box least squares. The best peaks are refined
        beyond the grid.
    column : {"mag", "flux"}, optional
        What to use; by default the first of them that the light curve has.
    bands : sequence of str, optional
        Bands to use; by default all.
    workers : int, optional
        Threads; by default one for each core. The result does not depend on it.
    **options
        Options of the method, such as ``nterms`` of ``"lombscargle"``, the number of harmonics: one suits smooth waves,
        four find the full period of contact binaries too.

    Returns
    -------
    PeriodResult
        The period, how sure it is, and every choice that was made.

    Raises
    ------
    astropy.units.UnitsError
        A period has no unit of time.
    TypeError
        `light_curve` is not one light curve.
    ValueError
        A parameter is out of its range, or the light curve is too short or does not vary.
    """
    chosen, options = check_method(method, options)
    workers = check_workers(workers)
    series = prepare(light_curve, column=column, bands=bands)
    _check_enough(series, chosen, options)
    per_peak = samples_per_peak if samples_per_peak is not None else getattr(chosen, "samples_per_peak", 5)
    grid = make_grid(
        series.baseline, minimum_period=minimum_period, maximum_period=maximum_period, samples_per_peak=per_peak
    )
    search = _auto if chosen is None else _waves if chosen is lombscargle.METHOD else _by_periodogram
    found = search(series, grid, chosen, options, workers)
    doubt = found.pop("doubt", "") or belief.doubt(series.baseline * found["fit"].frequency)
    found["reason"] += f"; {doubt}" if doubt else ""
    return PeriodResult(
        series=series,
        grid=grid,
        samples_per_peak=float(per_peak),
        method=chosen.name if chosen else AUTO,
        options=options,
        doubt=doubt,
        **found,
    )


def check_method(method, options):
    """The method, None for ``"auto"``, and all its options.

    Options without a method, such as ``nterms``, are those of Lomb-Scargle.

    Parameters
    ----------
    method : str
        Name.
    options : dict
        Options that were given.

    Returns
    -------
    method : `~alerce_zvar.period.method.Method` or None
    options : dict

    Raises
    ------
    ValueError
        There is no such method, or no such option, or its value is not accepted.
    """
    if method == AUTO:
        return (lombscargle.METHOD, lombscargle.METHOD.check_options(options)) if options else (None, {})
    try:
        chosen = get_method(method)
    except ValueError as error:
        raise ValueError(str(error).replace("one of ", f"one of {AUTO}, ", 1)) from None
    return chosen, chosen.check_options(options)


def _check_enough(series, chosen, options):
    if chosen is not None:
        chosen.check_series(series, options)
        return
    if len(series.time) < _FEWEST:
        raise ValueError(
            f"the light curve has {len(series.time)} usable rows; method '{AUTO}' and {len(series.groups)} groups need "
            f"at least {_FEWEST}"
        )


def _auto(series, grid, chosen, options, workers):
    found = verdict.judge(series, grid, workers)
    frequency = found.fit.frequency
    fits = [fourier.fit(series, frequency, nterms) for nterms in _possible(series)]
    fit = min(fits, key=lambda one: _criterion(series, one))
    nterms = len(fit.coefficients) // 2
    if found.fit.shape == "harmonics":
        fit = peaks.climb(series, frequency, verdict.FINE / series.baseline, grid, nterms)
    others = [fourier.fit(series, other.frequency, nterms) for other in found.alternatives]
    return {
        "fit": fit,
        "nterms": nterms,
        "other_fits": tuple(sorted([fit, *others], key=lambda one: -one.power)),
        "shape": str(found.fit),
        "reason": found.reason,
        "doubt": found.doubt,
        "others": found.alternatives,
    }


def _possible(series):
    """Numbers of harmonics that the light curve has enough points for."""
    room = (len(series.time) - len(series.groups)) // 3
    return [nterms for nterms in _NTERMS if 2 * nterms + 1 <= room] or [1]


def _criterion(series, fit):
    n = len(series.time)
    return n * np.log(max(fit.chi2, 1e-300)) + len(fit.coefficients) * np.log(n)


def _waves(series, grid, chosen, options, workers):
    nterms = options["nterms"]
    if options["fit_mean"] and options["normalization"] == lombscargle.NORMALIZATION:
        candidates = peaks.highest(series, grid, nterms, _PEAKS, workers)
    else:
        candidates = _peaks_of(series, grid, chosen, options, workers)
    fits = [peaks.refine(series, frequency, grid, nterms) for frequency in candidates]
    best = max(fits, key=lambda fit: fit.power)
    fit = peaks.fundamental(series, best, grid, nterms)
    return _told(series, fit, fits, nterms, "it is the highest peak")


def _by_periodogram(series, grid, chosen, options, workers):
    candidates = _peaks_of(series, grid, chosen, options, workers)
    nterms = min(4, _possible(series)[-1])
    fits = [fourier.fit(series, frequency, nterms) for frequency in candidates]
    return _told(series, fits[0], fits, nterms, f"it is the highest peak of {chosen.statistic}")


def _peaks_of(series, grid, chosen, options, workers):
    found = Periodogram.of(chosen, options, series, grid, workers=workers)
    return found.peaks(_PEAKS)["frequency"].value.tolist()


def _told(series, fit, fits, nterms, reason):
    """What a record needs of the fits at the highest peaks."""
    ordered = sorted(fits, key=lambda one: -one.power)
    waves = f"{nterms} harmonic{'s' * (nterms > 1)}"
    width = SAME / series.baseline
    others = tuple(
        Alternative(
            frequency=other.frequency,
            shape=waves,
            worse_by=fit.power - other.power,
            relation=verdict.relation(other.frequency, fit.frequency, width),
            reason=f"power lower by {fit.power - other.power:.3g}",
        )
        for other in ordered
        if abs(other.frequency - fit.frequency) > width
    )
    return {
        "fit": fit,
        "nterms": nterms,
        "other_fits": tuple(ordered),
        "shape": waves,
        "reason": reason,
        "others": others,
    }
