"""The relations between ZVAR's fluxes and magnitudes, on plain arrays.

ZVAR gives the flux of the difference image in DN, a zero point, and the magnitude (zero point 0) of the reference
flux::

    total flux = difference flux + 10^(-0.4 mag_ref)
    mag        = magzp - 2.5 log10(total flux)
    mag_err    = (2.5 / ln 10) * flux_err / total flux

Solved from, and checked to single precision against, the rows that the ZVAR notebook prints (reference/zvar.md 2).
"""

import numpy as np

__all__ = ["POGSON", "flux_to_mag", "limiting_mag", "mag_to_flux", "reference_flux"]

POGSON = 2.5 / np.log(10.0)
DETECTION_SNR = 1.0  # below it the service gives no magnitude
LIMIT_SNR = 5.0


def reference_flux(mag_ref):
    """Flux of the reference image in DN, from its magnitude with zero point 0."""
    return 10.0 ** (-0.4 * _plain(mag_ref))


def flux_to_mag(flux, flux_err, magzp, mag_ref):
    """Magnitude, its error and the signal to noise of the total flux.

    Parameters
    ----------
    flux, flux_err : array_like of float
        Difference flux and its error [DN].
    magzp, mag_ref : array_like of float
        Zero point, and magnitude of the reference flux with zero point 0 [mag].

    Returns
    -------
    mag, mag_err, snr_total : ndarray of float
        NaN magnitudes where the total flux is below 1 sigma or its error is not positive, as in the service.
    """
    flux_err = _plain(flux_err)
    total = _plain(flux) + reference_flux(mag_ref)
    with np.errstate(divide="ignore", invalid="ignore"):
        snr = np.where(flux_err > 0, total / flux_err, np.nan)
        seen = snr >= DETECTION_SNR
        mag = np.where(seen, _plain(magzp) - 2.5 * np.log10(total), np.nan)
        mag_err = np.where(seen, POGSON / snr, np.nan)
    return mag, mag_err, snr


def mag_to_flux(mag, mag_err, magzp, mag_ref):
    """Difference flux and its error [DN]; the inverse of `flux_to_mag` where that gives a magnitude.

    Parameters
    ----------
    mag, mag_err, magzp, mag_ref : array_like of float
        As in `flux_to_mag`.

    Returns
    -------
    flux, flux_err : ndarray of float
    """
    total = 10.0 ** (-0.4 * (_plain(mag) - _plain(magzp)))
    return total - reference_flux(mag_ref), total * _plain(mag_err) / POGSON


def limiting_mag(flux_err, magzp, snr=LIMIT_SNR):
    """Magnitude of a source that the exposure would show at the given signal to noise.

    The service does not publish its own formula; this is ours.
    """
    flux_err = _plain(flux_err)
    return _plain(magzp) - 2.5 * np.log10(snr * np.where(flux_err > 0, flux_err, np.nan))


def _plain(values):
    """Plain floats, NaN where masked."""
    return np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
