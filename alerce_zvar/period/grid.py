"""The regular grid of trial frequencies, and its checks."""

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np
from astropy import units as u

from alerce_zvar.errors import shown
from alerce_zvar.folding import check_period

__all__ = ["LONGEST_PERIOD", "SHORTEST_PERIOD", "FrequencyGrid", "make_grid"]

SHORTEST_PERIOD = 5 * u.min  # ZVAR's own search begins here (reference/zvar.md 4.1)
LONGEST_PERIOD = 100 * u.day
MAX_NUMBER = 100_000_000  # 28 times the full ZTF grid of 5 minutes to 10 days
BLOCK = 1 << 17  # frequencies in one go: bounds the memory of the fast transform, and is as fast as larger ones


@dataclass(frozen=True)
class FrequencyGrid:
    """Regular grid of frequencies: ``minimum + step * arange(number)``, in 1/day."""

    minimum: float
    step: float
    number: int

    @property
    def maximum(self):
        """Last frequency [1/day]."""
        return self.minimum + self.step * (self.number - 1)

    def frequencies(self, start=0, stop=None):
        """Frequencies from index `start` to before `stop` [1/day]; an ndarray of float."""
        return self.minimum + self.step * np.arange(start, self.number if stop is None else stop)

    def blocks(self, size=BLOCK):
        """Cut the grid into pieces ``(start, FrequencyGrid)`` of at most `size` frequencies, in order."""
        for start in range(0, self.number, size):
            yield start, FrequencyGrid(self.minimum + self.step * start, self.step, min(size, self.number - start))


def make_grid(baseline, *, minimum_period=None, maximum_period=None, samples_per_peak=5):
    """Grid that covers a range of periods.

    Parameters
    ----------
    baseline : float
        Time between the first and the last observation [day]. A peak is about ``1 / baseline`` wide.
    minimum_period, maximum_period : `~astropy.units.Quantity`, optional
        Shortest and longest period. By default 5 minutes, and 100 days or half of the baseline, whichever is shorter.
    samples_per_peak : float
        Frequencies per ``1 / baseline``, at least 1; a few more where the range would not be met exactly.

    Returns
    -------
    FrequencyGrid

    Raises
    ------
    astropy.units.UnitsError
        A period has no unit of time.
    ValueError
        The range is empty or infinite, or the grid would have more than 100 million frequencies.
    """
    shortest = _days(SHORTEST_PERIOD if minimum_period is None else minimum_period, "minimum_period")
    longest = LONGEST_PERIOD.to_value(u.day) if maximum_period is None else _days(maximum_period, "maximum_period")
    if maximum_period is None:
        longest = min(longest, baseline / 2)
    if not shortest < longest:
        raise ValueError(
            f"minimum_period ({shortest:g} d) must be shorter than maximum_period ({longest:g} d; by default at most "
            f"half of the {baseline:g} d that the light curve spans)"
        )
    width = 1 / shortest - 1 / longest
    number = math.ceil(width * baseline * _samples(samples_per_peak)) + 1
    if number > MAX_NUMBER:
        raise ValueError(
            f"the grid would have {number} frequencies, more than {MAX_NUMBER}: give a longer minimum_period or fewer "
            "samples_per_peak"
        )
    return FrequencyGrid(1 / longest, width / (number - 1), number)


def _days(period, name):
    return check_period(period, name).to_value(u.day)


def _samples(number):
    if isinstance(number, bool) or not isinstance(number, Real) or not 1 <= number < np.inf:
        raise ValueError(
            f"samples_per_peak must be a number from 1 on, or peaks fall between them; not {shown(number)}"
        )
    return float(number)
