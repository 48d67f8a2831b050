"""Whether a period is to be believed: how likely noise fits as well, and whether it is the Earth's own."""

from dataclasses import replace

import numpy as np
from scipy.special import betainc
from scipy.stats import norm

from alerce_zvar.period.candidates import ALIASES, SAME
from alerce_zvar.period.shapes import Shapes

__all__ = ["believed", "chance", "doubt", "terrestrial"]

_UNLIKELY = 1e-3  # chance below which a period is believed
_STRONG = 0.3  # share of the scatter that a terrestrial period must explain: what air and seeing do is weaker
_FEWEST_CYCLES = 2.0  # observed, or nothing was seen to come back
_DAYS = 8  # fractions of the day that are terrestrial
_ROUNDING = 1e-9
_SAME_LONG = 0.5  # of 1 / baseline: as near must a period be to the month or the year


def doubt(cycles):
    """Why a period is not believed however well it fits, or an empty text.

    A slow change of any kind fits a period longer than the observations; that it comes back is seen from two cycles on.

    Parameters
    ----------
    cycles : float
        Periods between the first and the last observation.

    Returns
    -------
    str
    """
    if cycles > _FEWEST_CYCLES * (1 - _ROUNDING):
        return ""
    return f"not believed: the observations cover {cycles:.3g} cycles, fewer than {_FEWEST_CYCLES:.0f}"


def believed(chance, share, terrestrial):
    """Whether a period is to be believed.

    Parameters
    ----------
    chance, share : float
        From `chance`.
    terrestrial : str
        From `terrestrial`.

    Returns
    -------
    bool
    """
    return bool(chance < _UNLIKELY and (share > _STRONG or not terrestrial))


def chance(series, frequency, bandwidth):
    """How likely it is that values in random order fit any shape as well anywhere in the range; an estimate.

    Each value gives way to the normal deviate of its rank in its group, equal values in random order. So a few deep
    points that fall together by chance, or outliers, cannot make belief, nor can levels of groups that they have moved,
    and noise of any kind is Gaussian. The share R of their squares that p free levels or amplitudes explain at a random
    frequency then is beta distributed, so that among M independent trials::

        chance = M I_{1 - R}((n - 1 - p) / 2, p / 2)

    with n between the visits and the points, their geometric mean: the bands of a visit share what the star does, but
    not their noise. M counts the frequencies (1 / baseline apart, finer by the harmonics or by the length of an
    eclipse), the places and lengths of eclipses, and the shapes.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    frequency : float
        Frequency [1/day].
    bandwidth : float
        Width of the range that was searched [1/day].

    Returns
    -------
    chance, share : float
        The chance, and R.
    """
    deviates, ties = np.empty(len(series.value)), np.random.default_rng(0).permutation(len(series.value))
    for group in range(series.group.max() + 1):
        inside = np.flatnonzero(series.group == group)
        ordered = inside[np.lexsort((ties[inside], series.value[inside]))]
        deviates[ordered] = norm.ppf((np.arange(len(inside)) + 0.5) / len(inside))
    shapes = Shapes(replace(series, value=deviates, error=np.ones(len(deviates))))
    number = np.sqrt(shapes.n_visits * len(deviates))
    trials = max(bandwidth * series.baseline, 1.0)
    found = []
    for fit in shapes.fits(frequency):
        share = 1.0 - fit.chi2 / shapes.total
        parameters, ways = shapes.freedom(fit)
        rest = number - 1 - parameters
        if rest > 0 and share > 0:
            found.append((trials * ways * betainc(rest / 2, parameters / 2, 1.0 - share), share))
    least, share = min(found, default=(1.0, 0.0))
    return float(min(least * len(found), 1.0)) if found else 1.0, float(share)


def terrestrial(frequency, baseline):
    """Name of the terrestrial period that a frequency is, or an empty text.

    The fractions of the solar and of the sidereal day down to 1/8, the lunar month, and the year: what the air, the
    Moon, and the seasons do to all stars.

    Parameters
    ----------
    frequency : float
        Frequency [1/day].
    baseline : float
        Days between the first and the last observation.

    Returns
    -------
    str
    """
    width = SAME / baseline
    for number in range(1, _DAYS + 1):
        if abs(frequency - number) < width + ALIASES["year"] * 1.5:
            return "day" if number == 1 else f"1/{number} day"
    for name in ("month", "year"):
        if abs(frequency - ALIASES[name]) < _SAME_LONG / baseline:
            return name
    return ""
