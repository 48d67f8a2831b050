"""The highest peaks of a periodogram, refined beyond the grid, and the choice among harmonically related ones."""

import numpy as np
from scipy.optimize import minimize_scalar

from alerce_zvar.period import fourier, lombscargle

__all__ = ["climb", "fundamental", "highest", "refine"]

_TOLERANCE = 4  # rise of chi2 per harmonic at which a multiple of the frequency still counts as just as good


def highest(series, grid, nterms, number, workers=1):
    """The highest separate peaks on the grid, by falling power.

    Parameters
    ----------
    series, grid, nterms
        As for `~alerce_zvar.period.lombscargle.power_blocks`.
    number : int
        How many peaks, at least ``1 / baseline`` apart.
    workers : int
        Threads.

    Returns
    -------
    list of float
        Their frequencies [1/day]; fewer than `number` where there are not so many.
    """
    return lombscargle.best_frequencies(series, grid, number, nterms, workers=workers)[0].tolist()


def refine(series, frequency, grid, nterms):
    """Exact fit at the top of the peak around a frequency, inside the grid.

    On the grid every group had its mean taken away, which was wrong by what the signal did at its few times; here every
    group has its own constant. That may move the top by a good part of its width, so a comb of exact fits looks for it
    within half a width, as fine as the highest harmonic needs, and Brent's method climbs it.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    frequency : float
        Where the peak is on the grid [1/day].
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        The grid.
    nterms : int
        Number of harmonics.

    Returns
    -------
    `~alerce_zvar.period.fourier.FourierFit`
    """
    reach = max(grid.step, 0.5 / series.baseline)
    low, high = max(frequency - reach, grid.minimum), min(frequency + reach, grid.maximum)
    comb, step = np.linspace(low, high, 4 * nterms + 1, retstep=True)
    best = comb[np.argmax([fourier.power(series, trial, nterms) for trial in comb])]
    return _climbed(series, max(best - step, low), min(best + step, high), nterms)


def climb(series, frequency, reach, grid, nterms):
    """Exact fit at the top next to a frequency that is nearly there, inside the grid.

    Parameters
    ----------
    series, grid, nterms
        As for `refine`.
    frequency, reach : float
        Where to climb: so far to both sides [1/day].

    Returns
    -------
    `~alerce_zvar.period.fourier.FourierFit`
    """
    low, high = max(frequency - reach, frequency / 2, grid.minimum), min(frequency + reach, grid.maximum)
    return _climbed(series, low, high, nterms)


def _climbed(series, low, high, nterms):
    top = minimize_scalar(
        lambda trial: -fourier.power(series, trial, nterms),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-5 * (high - low)},
    )
    return fourier.fit(series, top.x, nterms)


def fundamental(series, best, grid, nterms):
    """The fit at the highest multiple of a frequency that explains the data as well.

    With several harmonics a signal of frequency f is fitted as well at f/2, f/3 ..., and noise alone decides which is
    best. A multiple k f is taken instead where its chi2 is at most ``4 nterms`` (in units of the reduced chi2) above
    the best one: twice what as many idle parameters gain on average. An eclipsing binary with unequal eclipses whose
    full period was found fails this at once and keeps it.

    Parameters
    ----------
    series, grid, nterms
        As for `highest`.
    best : `~alerce_zvar.period.fourier.FourierFit`
        The highest peak.

    Returns
    -------
    `~alerce_zvar.period.fourier.FourierFit`
    """
    allowed = best.chi2 * (1 + _TOLERANCE * nterms / max(len(series.time) - 2 * nterms - 1, 1))
    for multiple in range(nterms, 1, -1):
        frequency = multiple * best.frequency
        if frequency <= grid.maximum:
            trial = refine(series, frequency, grid, nterms)
            if trial.chi2 <= allowed:
                return trial
    return best
