"""The generalised Lomb-Scargle periodogram, with any number of harmonics, on our own fast transform.

Zechmeister & Kuerster 2009 (A&A 496, 577) for one harmonic, Palmer 2009 (ApJ 695, 496) for several; how it is computed
stands in `nufft` (the Fourier sums) and `normal` (from sums to powers). The powers are those of least squares to 1e-6
at every frequency, also where the observations can hardly tell the waves from a constant.
"""

from itertools import islice

import numpy as np

from alerce_zvar.period import normal
from alerce_zvar.period.fpw_statistic import choose_engine
from alerce_zvar.period.method import ENGINE, Method, choice, whole
from alerce_zvar.period.nufft import PRECISIONS

__all__ = [
    "METHOD",
    "NORMALIZATION",
    "NORMALIZATIONS",
    "best_frequencies",
    "engine",
    "normalized",
    "power",
    "power_blocks",
]

NORMALIZATION = "standard"
NORMALIZATIONS = ("standard", "model", "log", "psd")
MAX_NTERMS = 10
_CANDIDATES = 200  # local maxima kept while the grid is walked; many belong to the same few peaks
_SPARE = 20  # peaks of the screen that are computed exactly beyond those asked for


def engine():
    """What computes by default: ``"numba"`` where the extra ``fast`` is installed, else ``"numpy"``."""
    return choose_engine()


def power_blocks(
    series,
    grid,
    nterms=1,
    *,
    fit_mean=True,
    normalization=NORMALIZATION,
    precision="double",
    engine=None,
    workers=1,
):
    """Powers on a grid, block by block, so that the memory does not grow with the grid.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Trial frequencies.
    nterms : int
        Number of harmonics, 1 to 10.
    fit_mean : bool
        Whether a constant is fitted beside them; without it, about the mean that `series` has taken away.
    normalization : {"standard", "model", "log", "psd"}
        With chi2_0 that of the constant and chi2 that of the fit: ``1 - chi2 / chi2_0``, ``chi2_0 / chi2 - 1``,
        ``log(chi2_0 / chi2)`` or ``(chi2_0 - chi2) / 2``, as astropy's LombScargle.
    precision : {"double", "single"}
        Standard powers are within 1e-6 of least squares, or, in two thirds of the time, within 1e-3 at worst and 1e-5
        as a rule.
    engine : {"numba", "numpy"}, optional
        What computes. By default numba where the extra ``fast`` is installed, and numpy, about half as fast, elsewhere.
    workers : int
        Threads. The numbers do not depend on it.

    Yields
    ------
    start : int
        Index in the grid of the block's first frequency.
    power : ndarray of float
        Powers.

    Raises
    ------
    MissingExtraError
        ``engine="numba"``, which is not installed.
    ValueError
        An option has another value than these.
    """
    given = {"nterms": nterms, "fit_mean": fit_mean, "normalization": normalization, "precision": precision}
    engine = METHOD.check_options({**given, "engine": engine})["engine"]
    group = np.zeros(len(series.time), dtype=int) if fit_mean else None
    fit = normal.Fit(series.time, series.value, series.error, nterms, group)
    return normalized(fit, grid, normalization, precision=precision, engine=engine, workers=workers)


def normalized(fit, grid, normalization, **options):
    """Powers of a `~alerce_zvar.period.normal.Fit` on a grid, block by block, in one of the normalizations.

    Other options are those of `~alerce_zvar.period.normal.power_blocks`.
    """
    formulas = {
        "standard": lambda power: power,
        "psd": lambda power: 0.5 * fit.chi2 * power,
        "model": lambda left: (1 - left) / left,
        "log": lambda left: -np.log(left),
    }
    relative = normalization in ("model", "log")  # which are functions of what is left of chi2
    for start, found in normal.power_blocks([fit], grid, relative=relative, **options):
        with np.errstate(divide="ignore"):  # a perfect fit is infinitely good
            yield start, formulas[normalization](found)


def power(series, grid, nterms=1, **options):
    """Powers on the whole grid; an ndarray of float with 8 bytes per frequency. Parameters as for `power_blocks`."""
    result = np.empty(grid.number)
    for start, block in power_blocks(series, grid, nterms, **options):
        result[start : start + len(block)] = block
    return result


def best_frequencies(series, grid, number, nterms=1, *, engine=None, workers=1):
    """The highest separate peaks on the grid: a screen of single precision, and exact powers at its peaks only.

    Parameters
    ----------
    series, grid, nterms, engine, workers
        As for `power_blocks`.
    number : int
        How many peaks, at least ``1 / baseline`` apart.

    Returns
    -------
    frequency, power : ndarray of float
        Frequencies [1/day] and their standard powers, by falling power; fewer than `number` where there are not so
        many.
    """
    blocks = power_blocks(series, grid, nterms, precision="single", engine=engine, workers=workers)
    tops, places = np.empty(0), np.empty(0, dtype=int)
    for start, block in blocks:
        index = _local_maxima(block, floor=tops.min() if len(tops) == _CANDIDATES else -np.inf)
        tops, places = np.append(tops, block[index]), np.append(places, start + index)
        if len(tops) > _CANDIDATES:
            best = np.argpartition(tops, -_CANDIDATES)[-_CANDIDATES:]
            tops, places = tops[best], places[best]
    found = grid.minimum + grid.step * places[np.argsort(-tops, kind="stable")]
    frequencies = np.array(list(islice(_separate(found, 1 / series.baseline), number + _SPARE)))
    group = np.zeros(len(series.time), dtype=int)
    powers = normal.Fit(series.time, series.value, series.error, nterms, group).exact(frequencies)
    order = np.argsort(-powers, kind="stable")[:number]
    return frequencies[order], powers[order]


def _local_maxima(power, floor):
    """Places of the local maxima of a block above a floor; its ends count, so that no peak is lost there."""
    index = np.flatnonzero(power > floor)
    last = len(power) - 1
    return index[power[index] >= np.maximum(power[np.maximum(index - 1, 0)], power[np.minimum(index + 1, last)])]


def _separate(frequencies, distance):
    taken = []
    for frequency in frequencies:
        if all(abs(frequency - other) > distance for other in taken):
            taken.append(frequency)
            yield frequency


METHOD = Method(
    name="lombscargle",
    power_blocks=power_blocks,
    suits="smooth waves; with more harmonics any smooth shape",
    statistic="power",
    meaning="share of the scatter that the harmonics explain, 0 to 1 (normalization 'standard')",
    citations=(
        "1976Ap&SS..39..447L",
        "1982ApJ...263..835S",
        "2009A&A...496..577Z",  # a constant fitted along, and errors
        "2009ApJ...695..496P",  # several harmonics
        "2018ApJS..236...16V",
    ),
    options=(
        whole("nterms", 1, 1, MAX_NTERMS),
        choice("fit_mean", True, (True, False)),
        choice("normalization", NORMALIZATION, NORMALIZATIONS),
        choice("precision", "double", tuple(PRECISIONS)),
        ENGINE,
    ),
    extra="fast",
    fewest=lambda series, options: len(series.groups) + 2 * options["nterms"] + 2,
)
