"""What a method of period search is: a record of its name, its statistic and its options, checked before it runs."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from alerce_zvar.errors import shown
from alerce_zvar.period.fpw_statistic import ENGINES, choose_engine

__all__ = ["ENGINE", "FEWEST", "Method", "Option", "choice", "whole"]

FEWEST = 5  # points of a light curve: with fewer, some period puts all on one line


@dataclass(frozen=True)
class Option:
    """An option of a method.

    Parameters
    ----------
    name : str
        Name.
    default
        Its value where none is given; it need not pass `check`.
    accepts : str
        What may be given, as it stands after "must be" in a message.
    check : callable
        Value -> the value to use; it raises TypeError or ValueError for what is not accepted.
    """

    name: str
    default: Any
    accepts: str
    check: Callable

    def checked(self, method, value):
        """The value to use.

        Parameters
        ----------
        method : str
            Name of the method, for the message.
        value
            What was given.

        Returns
        -------
        object
            What `check` makes of it.

        Raises
        ------
        ValueError
            It is not accepted.
        """
        try:
            return self.check(value)
        except (TypeError, ValueError):
            raise ValueError(f"{self.name} of method '{method}' must be {self.accepts}, not {shown(value)}") from None


@dataclass(frozen=True)
class Method:
    """A method of period search.

    Parameters
    ----------
    name : str
        What users give as ``method``.
    power_blocks : callable
        ``power_blocks(series, grid, **options)``: takes a `~alerce_zvar.period.prepare.Series` and a
        `~alerce_zvar.period.grid.FrequencyGrid`, and yields ``(start, power)`` for the blocks of the grid in order;
        power is an ndarray of float and higher where the period is better. Where it has a parameter ``workers``, it
        is given the number of threads.
    suits : str
        What it is good for.
    statistic : str
        What power is called, such as ``"1 - theta"``.
    meaning : str
        What power says, in words.
    reference : str
        Where the method is described, in words; by default the works of `citations`.
    citations : tuple of str
        Keys of the works that describe it, for `alerce_zvar.cite`; see `alerce_zvar.references`.
    options : tuple of Option
        What else `power_blocks` takes.
    extra : str
        Extra of this package that makes it fast; empty where there is none.
    needs_bands : bool
        The light curve must have a column ``band``.
    samples_per_peak : float
        Trial frequencies per ``1 / time span`` where the user gives none: more for narrow features, whose peaks are
        narrow too.
    fewest : callable, optional
        ``fewest(series, options)`` -> number of points that it needs; all methods need 5.
    """

    name: str
    power_blocks: Callable
    suits: str = ""
    statistic: str = "power"
    meaning: str = ""
    reference: str = ""
    citations: tuple = ()
    options: tuple = ()
    extra: str = ""
    needs_bands: bool = False
    samples_per_peak: float = 5
    fewest: Callable | None = None

    def check_options(self, given):
        """All options with their checked values, those not given by default.

        Parameters
        ----------
        given : dict
            Options by name.

        Returns
        -------
        dict

        Raises
        ------
        ValueError
            An option is unknown, or its value not accepted.
        """
        names = [option.name for option in self.options]
        for name in given:
            if name not in names:
                raise ValueError(f"method '{self.name}' has no option '{name}'; it has {', '.join(names) or 'none'}")
        return {
            option.name: option.checked(self.name, given.get(option.name, option.default)) for option in self.options
        }

    def check_series(self, series, options):
        """Refuse a light curve that has too few points, or no bands where they are needed.

        Parameters
        ----------
        series : `~alerce_zvar.period.prepare.Series`
            Observations.
        options : dict
            All options.

        Raises
        ------
        ValueError
            It has.
        """
        if self.needs_bands and not series.bands:
            raise ValueError(f"method '{self.name}' needs a light curve with a column 'band'")
        needed = max(FEWEST, self.fewest(series, options) if self.fewest else 0)
        if len(series.time) < needed:
            told = ", ".join(f"{name}={value!r}" for name, value in options.items() if name != "engine")
            raise ValueError(
                f"the light curve has {len(series.time)} usable points; method '{self.name}'"
                f"{f' with {told}' if told else ''} needs at least {needed}"
            )

    def blocks(self, series, grid, options, *, workers=1):
        """Powers block by block, as `power_blocks` gives them.

        Parameters
        ----------
        series : `~alerce_zvar.period.prepare.Series`
            Observations.
        grid : `~alerce_zvar.period.grid.FrequencyGrid`
            Trial frequencies.
        options : dict
            All options.
        workers : int
            Threads, for a method that can use them.

        Returns
        -------
        iterator
            Of ``(start, power)``.
        """
        threads = {"workers": workers} if "workers" in inspect.signature(self.power_blocks).parameters else {}
        return self.power_blocks(series, grid, **options, **threads)


def whole(name, default, minimum, maximum):
    """Option of a method that is a whole number.

    Parameters
    ----------
    name : str
        Name.
    default : int
        Its value where none is given.
    minimum, maximum : int
        Range.

    Returns
    -------
    Option
    """

    def check(value):
        if isinstance(value, bool) or not isinstance(value, Integral) or not minimum <= value <= maximum:
            raise ValueError
        return int(value)

    return Option(name, default, f"a whole number from {minimum} to {maximum}", check)


def choice(name, default, values):
    """Option of a method that is one of some values.

    Parameters
    ----------
    name : str
        Name.
    default
        Its value where none is given.
    values : sequence
        What is accepted.

    Returns
    -------
    Option
    """

    def check(value):
        if not any(type(known) is type(value) and known == value for known in values):
            raise ValueError
        return value

    return Option(name, default, f"one of {', '.join(map(repr, values))}", check)


ENGINE = Option("engine", None, f"one of {', '.join(ENGINES)}, or None for the faster one", choose_engine)
