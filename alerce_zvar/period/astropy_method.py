"""Our Lomb-Scargle as a method of astropy's own classes, for those who have code that uses them::

    >>> from alerce_zvar.period import register_astropy_methods
    >>> register_astropy_methods()
    ('fastzvar', 'fastzvar_chi2')
    >>> LombScargle(time, mag, mag_err).power(frequency, method="fastzvar")                        # doctest: +SKIP
    >>> LombScargle(time, mag, mag_err, nterms=3).power(frequency, method="fastzvar_chi2")         # doctest: +SKIP
    >>> LombScargleMultiband(time, mag, band, mag_err).power(frequency, sb_method="fastzvar")      # doctest: +SKIP

astropy gives a method a regular grid if its name starts with "fast", and the number of harmonics if it ends with
"chi2". It offers no other way in than its table of methods, which is changed by the call alone, not by an import.
"""

import numpy as np

from alerce_zvar.period import normal
from alerce_zvar.period.grid import FrequencyGrid
from alerce_zvar.period.lombscargle import METHOD, normalized

__all__ = ["power_on_grid", "register_astropy_methods"]

NAMES = ("fastzvar", "fastzvar_chi2")


def register_astropy_methods():
    """Add our methods to those of `astropy.timeseries.LombScargle`, for the rest of the process.

    To call it again changes nothing.

    Returns
    -------
    tuple of str
        Their names: ``"fastzvar"`` for one harmonic, ``"fastzvar_chi2"`` for any number from 1 to 10. They accept
        ``method_kwds`` `engine`, `precision` and `workers` as `alerce_zvar.period.lombscargle.power_blocks` does.
    """
    from astropy.timeseries.periodograms.lombscargle.implementations import main  # what LombScargle looks up

    for name in NAMES:
        main.METHODS[name] = power_on_grid
    return NAMES


def power_on_grid(
    t,
    y,
    dy=None,
    *,
    f0,
    df,
    Nf,  # noqa: N803 - astropy's name
    center_data=True,
    fit_mean=True,
    normalization="standard",
    nterms=1,
    engine=None,
    precision="double",
    workers=1,
):
    """Lomb-Scargle power on a regular grid, called as astropy calls its own methods.

    Parameters
    ----------
    t, y : array_like of float
        Times and values, in any units.
    dy : float or array_like of float, optional
        Standard errors; None weighs all alike.
    f0, df : float
        First frequency, and step, in inverse units of `t`.
    Nf : int
        Number of frequencies.
    center_data : bool
        Whether the weighted mean is taken away first.
    fit_mean : bool
        Whether a constant is fitted.
    normalization : {"standard", "model", "log", "psd"}
        Of the powers.
    nterms : int
        Number of harmonics.
    engine, precision, workers
        As for `alerce_zvar.period.lombscargle.power_blocks`.

    Returns
    -------
    ndarray of float
        Shape (Nf,).
    """
    given = {"nterms": nterms, "fit_mean": bool(fit_mean), "normalization": normalization, "precision": precision}
    engine = METHOD.check_options({**given, "engine": engine})["engine"]
    t, y, dy = (np.array(a, dtype=float) for a in np.broadcast_arrays(t, y, 1.0 if dy is None else dy))
    if center_data and not fit_mean:
        y -= np.average(y, weights=dy**-2.0)
    group = np.zeros(len(t), dtype=int) if fit_mean else None
    fit = normal.Fit(t - t.min(), y, dy, nterms, group)
    grid = FrequencyGrid(float(f0), float(df), int(Nf))
    result = np.empty(grid.number)
    for start, power in normalized(fit, grid, normalization, precision=precision, engine=engine, workers=workers):
        result[start : start + len(power)] = power
    return result
