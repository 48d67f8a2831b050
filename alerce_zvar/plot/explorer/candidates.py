"""Periods that an object may have, each with where it comes from."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.time import Time

from alerce_zvar.errors import shown
from alerce_zvar.folding import check_epoch, check_period, numbers, usable
from alerce_zvar.period import FpwResult, Periodogram, PeriodResult

__all__ = ["PeriodCandidate", "as_candidates", "from_alerce", "from_result", "from_zvar"]

# Features of ALeRCE that are periods in days: of all bands together, of one band, and those of older versions.
_FEATURES = ("Multiband_period", "Period_band", "PeriodBand", "Period_fit", "MHAOV_Period")
_PEAKS = 5  # of a periodogram
_BEST = "best"


@dataclass(frozen=True)
class PeriodCandidate:
    """A period with its origin.

    Parameters
    ----------
    period : `~astropy.units.Quantity`
        Period, a time; kept in its own unit.
    origin : str
        Who says so, such as ``"ZVAR"``.
    detail : str
        What it says about it, such as ``"g, 20 bins, significance 31.2"``.
    epoch_time : `~astropy.time.Time`, optional
        Time of phase 0.

    Raises
    ------
    astropy.units.UnitsError
        `period` has no unit of time.
    ValueError
        `period` is not positive.
    TypeError
        `epoch_time` is not one Time, or a text is none.
    """

    period: u.Quantity
    origin: str
    detail: str = ""
    epoch_time: Time | None = None

    def __post_init__(self):
        check_period(self.period)
        if self.epoch_time is not None:
            check_epoch(self.epoch_time)
        for name in ("origin", "detail"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a text, not {shown(getattr(self, name))}")


def from_result(result):
    """Periods of a search: the best one with its epoch, then the others that were weighed, with the reasons against.

    Parameters
    ----------
    result : PeriodResult, Periodogram or FpwResult
        From `alerce_zvar.find_period`, `alerce_zvar.periodogram` or `alerce_zvar.period.fpw`.

    Returns
    -------
    list of PeriodCandidate
        Of a periodogram its five highest peaks; of FPW one for each number of bins.

    Raises
    ------
    TypeError
        `result` is none of them.
    """
    if isinstance(result, PeriodResult):
        return _of_search(result)
    if isinstance(result, Periodogram):
        rows = [(row["period"], f"{result.statistic} {row['power']:.4g}") for row in result.peaks(_PEAKS)]
        return [PeriodCandidate(period, result.method, detail) for period, detail in rows]
    if isinstance(result, FpwResult):
        rows = zip(result.period, result.n_bins, result.significance, strict=True)
        return [PeriodCandidate(period, "fpw", f"{bins} bins, significance {sure:.4g}") for period, bins, sure in rows]
    raise TypeError(f"result must be a PeriodResult, Periodogram or FpwResult, not {type(result).__name__}")


def _of_search(result):
    doubt = "" if result.believed or result.doubt else "not believed; "  # a doubt is in the reason
    doubt += f"terrestrial: {result.terrestrial}; " if result.terrestrial else ""
    best = f"{_BEST}: {doubt}{result.shape}, {result.reason}".rstrip(", ")
    found = [PeriodCandidate(result.period, "find_period", best, result.epoch_time)]
    for row in result.alternatives:
        relation, shape, reason = (str(row[name]) for name in ("relation", "shape", "reason"))
        words = filter(None, (relation, "" if reason.startswith(shape) else shape, reason))
        found.append(PeriodCandidate(row["period"], "find_period", ", ".join(words)))
    return found


def from_zvar(periods):
    """Periods of ZVAR: of each band and number of bins the most significant, by falling significance.

    Parameters
    ----------
    periods : `~astropy.table.Table`
        Rows of one source of the table ``periods`` that goes with the answer of ``Zvar.query_objects``: ``period,
        band, n_bins, significance``.

    Returns
    -------
    list of PeriodCandidate
        Rows without a positive period are left out.

    Raises
    ------
    KeyError
        A column is missing.
    """
    days = numbers(periods["period"], u.day)
    sure = np.where(usable(periods["significance"]), numbers(periods["significance"]), -np.inf)
    good = usable(periods["period"], periods["period"])
    best = {}
    for row in sorted(np.flatnonzero(good), key=lambda row: -sure[row]):
        band, n_bins = str(periods["band"][row]), int(periods["n_bins"][row])
        known = f", significance {sure[row]:.4g}" if np.isfinite(sure[row]) else ""
        best.setdefault((band, n_bins), PeriodCandidate(days[row] * u.day, "ZVAR", f"{band}, {n_bins} bins{known}"))
    return list(best.values())


def from_alerce(features):
    """Periods among ALeRCE's features: ``Multiband_period`` first, then those of single bands.

    Parameters
    ----------
    features : `~astropy.table.Table`
        Rows of one object as ``Alerce.query_features`` gives them: ``name, value, band, version``.

    Returns
    -------
    list of PeriodCandidate
        Masked and impossible values are left out.

    Raises
    ------
    KeyError
        A column is missing.
    """
    days = numbers(features["value"])
    good = usable(features["value"], features["value"])
    names = [str(name) for name in features["name"]]
    found = []
    for wanted in _FEATURES:
        for row in (row for row, name in enumerate(names) if good[row] and name.lower() == wanted.lower()):
            band, version = (str(features[name][row]) for name in ("band", "version"))
            words = [names[row], *([band] if band not in ("", "none") else []), f"version {version}"]
            found.append(PeriodCandidate(days[row] * u.day, "ALeRCE", ", ".join(words)))
    return found


def as_candidates(periods):
    """Candidates of one object from whatever says its period.

    Parameters
    ----------
    periods : None, Quantity, PeriodCandidate, PeriodResult, Periodogram, FpwResult, or a list of them
        A Quantity may hold several periods.

    Returns
    -------
    list of PeriodCandidate

    Raises
    ------
    TypeError
        It is none of these.
    astropy.units.UnitsError, ValueError
        As `PeriodCandidate`.
    """
    if periods is None:
        return []
    if isinstance(periods, PeriodCandidate):
        return [periods]
    if isinstance(periods, PeriodResult | Periodogram | FpwResult):
        return from_result(periods)
    if isinstance(periods, u.Quantity):
        return [PeriodCandidate(period, "given") for period in (periods if periods.shape else [periods])]
    if isinstance(periods, list | tuple):
        return [candidate for one in periods for candidate in as_candidates(one)]
    raise TypeError(
        "periods must be Quantities with a unit of time, such as 0.57 * u.day, PeriodCandidates, or results of "
        f"find_period, not {shown(periods)}"
    )
