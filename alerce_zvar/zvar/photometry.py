"""The relations between ZVAR's fluxes and magnitudes, on plain arrays.

ZVAR gives the flux of the difference image in DN, a zero point, and the magnitude (zero point 0) of the reference
flux::

    total flux = difference flux + 10^(-0.4 mag_ref)
    mag        = magzp - 2.5 log10(total flux)
    mag_err    = (2.5 / ln 10) * flux_err / total flux
    snr_total  = total flux / flux_err            what the service calls snr, of magnitudes
    snr_diff   = difference flux / flux_err       what it calls snr, of fluxes
    microJy    = flux * 10^(-0.4 (magzp - 23.9))

Solved from, and checked to single precision against, the rows that the ZVAR notebook prints (reference/zvar.md 2).
"""

import numpy as np

__all__ = [
    "POGSON",
    "flux_to_mag",
    "limiting_mag",
    "mag_to_flux",
    "microjansky",
    "reference_flux",
    "snr_diff",
    "snr_total",
]

POGSON = 2.5 / np.log(10.0)
DETECTION_SNR = 1.0  # below it the service gives no magnitude
LIMIT_SNR = 5.0
_MICROJANSKY = 23.9  # AB magnitude of one


def reference_flux(mag_ref):
    """Flux of the reference image in DN, from its magnitude with zero point 0."""
    return 10.0 ** (-0.4 * _plain(mag_ref))


def snr_total(flux, flux_err, mag_ref):
    """Signal to noise of the total flux; NaN where the error is not positive.

    Parameters
    ----------
    flux, flux_err : array_like of float
        Difference flux and its error [DN].
    mag_ref : array_like of float
        Magnitude of the reference flux with zero point 0 [mag].

    Returns
    -------
    ndarray of float
    """
    return _ratio(_plain(flux) + reference_flux(mag_ref), flux_err)


def snr_diff(flux, flux_err):
    """Signal to noise of the difference flux, negative where it is; NaN where the error is not positive.

    Parameters
    ----------
    flux, flux_err : array_like of float
        Difference flux and its error, in the same unit.

    Returns
    -------
    ndarray of float
    """
    return _ratio(_plain(flux), flux_err)


def _ratio(flux, flux_err):
    flux_err = _plain(flux_err)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(flux_err > 0, flux / flux_err, np.nan)


def microjansky(flux, magzp):
    """Flux density [microjansky] of a flux, or of its error.

    Parameters
    ----------
    flux : array_like of float
        Difference or total flux [DN].
    magzp : array_like of float
        Zero point (AB) [mag].

    Returns
    -------
    ndarray of float

    Notes
    -----
    The zero point says it all. Software that also multiplies by gain / exposure time, as zvartools does, is off by a
    factor of 4.8 from the service's own magnitudes (reference/zvar.md 2).
    """
    return _plain(flux) * 10.0 ** (-0.4 * (_plain(magzp) - _MICROJANSKY))


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
    total, snr = _plain(flux) + reference_flux(mag_ref), snr_total(flux, flux_err, mag_ref)
    with np.errstate(divide="ignore", invalid="ignore"):
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
