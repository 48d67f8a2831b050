"""The fast periodogram: generalised Lomb-Scargle with any number of harmonics, by nifty-ls, or else by astropy.

Zechmeister & Kuerster 2009 (A&A 496, 577) for one harmonic, Palmer 2009 (ApJ 695, 496) for several; the transform is
Garrison et al. 2024 (RNAAS 8, 250). nifty-ls has no wheels for Windows and ARM Linux; astropy's own transform gives the
same powers there, some twenty times slower.
"""

import importlib.util

import numpy as np

from alerce_zvar.period import fourier

__all__ = ["engine", "power", "power_blocks"]

NORMALIZATION = "standard"


def engine():
    """Name of the package that transforms: ``"nifty-ls"`` where it is installed, else ``"astropy"``."""
    return "nifty-ls" if importlib.util.find_spec("nifty_ls") else "astropy"


def power_blocks(series, grid, nterms):
    """Powers on a grid, block by block, so that the memory does not grow with the grid.

    Parameters
    ----------
    series : `~alerce_zvar.period.prepare.Series`
        Observations.
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Trial frequencies.
    nterms : int
        Number of harmonics.

    Yields
    ------
    start : int
        Index in the grid of the block's first frequency.
    power : ndarray of float
        Standard-normalised powers, 0 to 1.
    """
    for start, block in grid.blocks():
        yield start, _block(series, block, nterms)


def power(series, grid, nterms):
    """Powers on the whole grid; an ndarray of float with 8 bytes per frequency."""
    return np.concatenate([block for _, block in power_blocks(series, grid, nterms)])


def _block(series, grid, nterms):
    transform = {"nifty-ls": _nifty, "astropy": _astropy}[engine()]
    powers = transform(series, grid, nterms) if grid.number > 1 else np.full(1, np.nan)
    # Where the observations cannot tell the terms apart (a strictly nightly cadence at whole frequencies), the fast
    # sums lose all digits: the few such frequencies are fitted one by one.
    for index in np.flatnonzero(~((powers >= 0.0) & (powers <= 1.0))):
        powers[index] = fourier.power(series, grid.minimum + grid.step * index, nterms, one_group=True)
    return powers


def _nifty(series, grid, nterms):
    import nifty_ls  # imported late: it takes a third of a second

    return nifty_ls.lombscargle(
        series.time,
        series.value,
        series.error,
        fmin=grid.minimum,
        fmax=grid.maximum,
        Nf=grid.number,
        nterms=nterms,
        normalization=NORMALIZATION,
        backend="finufft" if nterms == 1 else "finufft_chi2",
    ).power


def _astropy(series, grid, nterms):
    from astropy.timeseries import LombScargle

    model = LombScargle(series.time, series.value, series.error, nterms=nterms, normalization=NORMALIZATION)
    method = "fast" if nterms == 1 else "fastchi2"
    return model.power(grid.frequencies(), method=method, assume_regular_frequency=True)
