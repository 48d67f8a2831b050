"""Which of the proposed frequencies is the period, and why not another."""

from dataclasses import dataclass

import numpy as np

from alerce_zvar.period import candidates
from alerce_zvar.period.candidates import ALIASES, MULTIPLES, SAME
from alerce_zvar.period.shapes import Fit, Shapes

__all__ = ["FINE", "Alternative", "Verdict", "judge", "relation"]

_CLOSER = 40  # proposed frequencies that are refined
_SHOWN = 10  # alternatives kept
_REACH = 0.6  # of 1 / baseline, to both sides: reach of the refinement
FINE = 0.05  # of 1 / baseline: reach of the last look
_FINEST = 0.005  # and of one after it, of so many points that scores fall by tens within a step of it
_CLEAR = 20.0  # by which a multiple of a period must be better than the period itself
_FEW_CYCLES, _CLEAR_OF_FEW = 10, 50.0  # in units of SAME: fewer cycles differ by more than noise
_ALTERNATE = 10.0  # by which alternate cycles must differ
_WORSE_BUT_ALTERNATE = 100.0  # a doubled period that fits worse is not one: spots differ from cycle to cycle too
_ODD = (1, 2, 3)  # numbers of odd harmonics by which alternate cycles may differ
_CONTACT = (0.1, 0.6)  # days: half the periods of contact binaries
_SINE = 0.22  # days: a pure sine is that of a contact binary only below; other stars have it at longer periods
_ALIKE = 1.15  # largest ratio of their amplitudes in two bands
_FEWEST_OF_BAND = 10  # points from which on the amplitude of a band is trusted
_DAYS, _PER_WIDTH = 8, 5  # most cycles per day of an alias of a slower variation; trials in each 1 / baseline
_SHARP, _PURE = 0.6, 0.1  # radians of phi21 about that of sharp minima; share of the second harmonic that matters


@dataclass(frozen=True)
class Alternative:
    """A period that was weighed and not taken: its frequency, shape, how much worse, and why."""

    frequency: float
    shape: str
    worse_by: float
    relation: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """The best fit, the reason for it, why it must not be believed (or empty), and the periods that were not taken."""

    fit: Fit
    reason: str
    doubt: str
    alternatives: tuple


def judge(series, grid, workers=1):
    """The `Verdict` on a light curve.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Range of the search.
    workers : int
        Threads.

    Returns
    -------
    Verdict
    """
    shapes = Shapes(series)
    ranked = _ranked(shapes, candidates.propose(series, grid, workers), grid)
    best, reason = _decide(shapes, ranked, grid)
    best = _polished(shapes, best, grid)
    return Verdict(best, reason, _doubt(shapes, best, grid), tuple(_alternatives(ranked, best, series)))


def _ranked(shapes, frequencies, grid):
    """Fits at separate periods, the best first."""
    width = 1 / shapes.series.baseline
    order = np.argsort(shapes.quick(frequencies), kind="stable")[:_CLOSER]
    near = {trial for f in frequencies[order] for trial in shapes.near(f, _REACH * width)}
    inside = [f for f in near if grid.minimum <= f <= grid.maximum] or frequencies  # of a range too narrow to refine in
    fits, separate = sorted(shapes.best(f) for f in inside), []
    for fit in fits:
        if all(abs(fit.frequency - other.frequency) > SAME * width for other in separate):
            separate.append(fit)
    return sorted(_polished(shapes, fit, grid) for fit in separate[:_SHOWN]) + separate[_SHOWN:]


def _decide(shapes, ranked, grid):
    """The `Fit` taken, and the reason."""
    width = SAME / shapes.series.baseline
    best = min(_simplest(fit, ranked, width) for fit in ranked[:_SHOWN])
    reason = (
        "it fits best"
        if best is ranked[0]
        else f"{relation(ranked[0].frequency, best.frequency, width)} fits hardly better"
    )
    if best.frequency / 2 < grid.minimum or shapes.two_minima(best.frequency):
        return best, reason
    if best.frequency < 2 * _FEW_CYCLES * width:
        return best, reason
    double = shapes.best(best.frequency / 2)
    differ = _alternate_cycles(shapes, best)
    if differ > _ALTERNATE and double.score - best.score < _WORSE_BUT_ALTERNATE:
        return double, f"alternate cycles of half the period differ (by {differ:.0f})"
    if _like_contact_binary(shapes, best):
        return double, "half the period has the colours and minima of a contact binary"
    return best, reason


def _simplest(fit, ranked, width):
    """A third or half of a period where it does as well: a multiple of the true period always fits."""
    for divisor in (3, 2):
        shorter = [other for other in ranked if other.frequency > fit.frequency]
        same = [other for other in shorter if abs(other.frequency - divisor * fit.frequency) < divisor * width]
        few = fit.frequency < _FEW_CYCLES * width
        if same and same[0].score - fit.score < (_CLEAR_OF_FEW if few else _CLEAR):
            return _simplest(same[0], ranked, width)
    return fit


def _alternate_cycles(shapes, fit):
    """How much better the star is described if every other cycle may be different; a difference of scores.

    Odd harmonics of the doubled period are added to the wave, as unequal eclipses need them.
    """
    shifts = np.array([-0.1, 0.0, 0.1]) / shapes.series.baseline
    return max(shapes.odd_harmonics((fit.frequency + shift) / 2, odd) for shift in shifts for odd in _ODD)


def _like_contact_binary(shapes, fit):
    """Whether half the period of a contact binary was found, whose two minima are nearly alike.

    Its stars share one temperature, so it changes as much in the blue as in the red, where pulsating stars of these
    periods change 1.3 times as much in g as in r; and its minima are sharper than its maxima, where RR Lyrae of type c
    have the second harmonic a quarter of a cycle away (phi21; Rucinski 1993, PASP 105, 1433; Sesar et al. 2010, ApJ
    708, 717).
    """
    period = 1 / fit.frequency
    if fit.shape != "harmonics" or fit.number > 4 or not _CONTACT[0] < period < _CONTACT[1]:
        return False
    wave, amplitude = shapes.wave(fit.frequency, 2).solve(2)[:2]
    first, second = wave[1::2] + 1j * wave[0::2]
    ratio, turn = abs(second / first), abs(np.angle(second / first**2 * shapes.sign_of_fainter))
    many = [band for band in range(shapes.n_bands) if np.sum(shapes.series.band == band) >= _FEWEST_OF_BAND]
    alike = len(many) > 1 and amplitude[many].max() < _ALIKE * amplitude[many].min()
    sharp = turn < _SHARP
    if ratio < _PURE:
        return bool(alike and period < _SINE)
    return bool(sharp and (alike or len(many) < 2))


def _polished(shapes, fit, grid):
    """The fit at the best frequency in the close neighbourhood, inside the grid."""
    for reach in (FINE, _FINEST) if len(shapes.series.time) > candidates.MANY else (FINE,):
        near = shapes.near(fit.frequency, reach / shapes.series.baseline, fit.shape)
        fit = min([fit, *(shapes.best(f) for f in near if grid.minimum <= f <= grid.maximum)])
    return fit


def _doubt(shapes, best, grid):
    """Words on a variation slower or faster than the range reaches, if the period may be its alias or its multiple."""
    if _of_slower(shapes, best, grid):
        return (
            "not believed: it may be the alias by days of a variation slower than the range reaches, which fits "
            "better; try a longer maximum_period"
        )
    if _of_faster(shapes, best, grid):
        return "not believed: half of it, shorter than the range reaches, fits as well; try a shorter minimum_period"
    return ""


def _of_slower(shapes, best, grid):
    """Whether a slow variation fits better of which the period is an alias by days.

    A giant of 300 days that is looked for up to 100 has its best period near one day, where it fits well.
    """
    width, days = 1 / shapes.series.baseline, round(best.frequency)
    slow, reach = abs(best.frequency - days), SAME * width + days * (ALIASES["sidereal day"] - 1)
    first, last = max(slow - reach, width), min(slow + reach, grid.minimum)
    if not 0 < days <= _DAYS or first >= last:
        return False
    trials = np.linspace(first, last, int(np.ceil((last - first) / width * _PER_WIDTH)) + 1)
    return min(_without_prior(shapes.best(trial)) for trial in trials) <= _without_prior(best)


def _of_faster(shapes, best, grid):
    """Whether half of the period does as well, out of the range, and is no contact binary's.

    A star that pulsates in 4 minutes fits at 8, where the search begins at 5.
    """
    if 2 * best.frequency <= grid.maximum:
        return False
    near = shapes.near(2 * best.frequency, 2 * FINE / shapes.series.baseline)
    half = min(shapes.best(frequency) for frequency in near)
    return half.score - best.score < _ALTERNATE and not _like_contact_binary(shapes, half)


def _without_prior(fit):
    """Score without its preference for long periods."""
    return fit.score - 2 * np.log(fit.frequency)


def _alternatives(ranked, best, series):
    width = SAME / series.baseline
    others = [fit for fit in ranked if abs(fit.frequency - best.frequency) > width]
    for fit in others[:_SHOWN]:
        worse = fit.score - best.score
        if worse > 0:
            reason = f"{fit} fit worse by {worse:.0f}"
        else:
            reason = f"{fit} fit better by {-worse:.0f}, and the period taken is simpler or likelier for its shape"
        yield Alternative(fit.frequency, str(fit), float(worse), relation(fit.frequency, best.frequency, width), reason)


def relation(frequency, true, width):
    """What a period is to the one taken, in words.

    Parameters
    ----------
    frequency, true : float
        Its frequency, and that of the period taken [1/day].
    width : float
        How far frequencies may differ and be one [1/day].

    Returns
    -------
    str
    """
    for multiple in MULTIPLES[1:]:
        if abs(frequency - multiple * true) < width * max(multiple, 1):
            return _TIMES[multiple]
    for name, shift in ALIASES.items():
        if min(abs(abs(frequency - true) - shift), abs(frequency + true - shift)) < width:
            return f"alias by one {name}"
    return "another period"


_TIMES = dict(zip(MULTIPLES, ("P", "P/2", "2 P", "P/3", "3 P", "2 P/3", "3 P/2"), strict=True))
