"""Lomb-Scargle over several bands, with a free level for each group of observations at every frequency.

::

    chi2_0 = sum_j w_j (y_j - level of g(j))^2                      the levels that suit best
    chi2   = the same with a curve of harmonics, too:
             "shared"     one curve for all bands                   2 nterms amplitudes
             "per_band"   one curve for each band                   2 nterms amplitudes per band
    power  = 1 - chi2 / chi2_0                                      0 to 1

A group is what has a zero point of its own: field, detector and band (`~alerce_zvar.period.prepare.Series`). Its level
is fitted together with the curve; to take the mean away once and for all, as the simple periodogram of all bands does,
is wrong by what the curve did at the few times of a group. With "per_band", chi2 falls by the sum of what it falls by
in each band, and a band without more points than unknowns keeps its levels only.

VanderPlas & Ivezic 2015 (ApJ 812, 18): "shared" is their model with nterms_base = nterms and nterms_band = 0,
"per_band" that with nterms_base = 0 and nterms_band = nterms, here without regularisation. astropy's
`LombScargleMultiband` solves these as ``method="flexible"``, by default with reg_band 1e-6 of the trace. Its
``method="fast"`` has the periodogram of each band as "per_band" does, but weighs them by the sums of their own squares
over the grid, not by chi2_0.
"""

import numpy as np

from alerce_zvar.period import normal
from alerce_zvar.period.lombscargle import MAX_NTERMS
from alerce_zvar.period.method import ENGINE, Method, choice, whole
from alerce_zvar.period.nufft import PRECISIONS

__all__ = ["METHOD", "MODELS", "power_blocks"]

MODELS = ("shared", "per_band")


def power_blocks(series, grid, *, nterms=1, model="shared", precision="double", engine=None, workers=1):
    """Powers on a grid, block by block.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Trial frequencies.
    nterms : int
        Number of harmonics, 1 to 10.
    model : {"shared", "per_band"}
        One curve for all bands, or one for each.
    precision, engine, workers
        As for `alerce_zvar.period.lombscargle.power_blocks`.

    Yields
    ------
    start : int
        Index in the grid of the block's first frequency.
    power : ndarray of float
        Standard powers, 0 to 1.

    Raises
    ------
    MissingExtraError
        ``engine="numba"``, which is not installed.
    ValueError
        An option has another value than these, or no band has enough points.
    """
    given = {"nterms": nterms, "model": model, "precision": precision, "engine": engine}
    engine = METHOD.check_options(given)["engine"]
    parts = [np.arange(len(series.time))] if model == "shared" else _bands(series)
    fits = [_fit(series, part, nterms) for part in parts]
    if not any(fit.nterms for fit in fits):
        raise ValueError(f"no band has more points than the unknowns of a curve of nterms={nterms} and its levels")
    return normal.power_blocks(fits, grid, precision=precision, engine=engine, workers=workers)


def _bands(series):
    return [np.flatnonzero(series.band == band) for band in np.unique(series.band)]


def _fit(series, part, nterms):
    _, group = np.unique(series.group[part], return_inverse=True)
    unknowns = group.max() + 1 + 2 * nterms
    terms = nterms if len(part) > unknowns else 0
    return normal.Fit(series.time[part], series.value[part], series.error[part], terms, group)


METHOD = Method(
    name="multiband",
    power_blocks=power_blocks,
    suits="smooth waves in several bands, or in fields of different zero points",
    statistic="power",
    meaning="share of the scatter about the levels of the groups that the harmonics explain, 0 to 1",
    citations=("2015ApJ...812...18V",),
    options=(
        whole("nterms", 1, 1, MAX_NTERMS),
        choice("model", "shared", MODELS),
        choice("precision", "double", tuple(PRECISIONS)),
        ENGINE,
    ),
    extra="fast",
    fewest=lambda series, options: (
        len(series.groups) + 2 * options["nterms"] * (1 if options["model"] == "shared" else len(series.bands) or 1) + 2
    ),
)
