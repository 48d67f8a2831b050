"""ALeRCE's corrected magnitudes: the difference flux put back onto the flux of the reference, on plain arrays.

As published: github.com/alercebroker/lc_correction (lc_correction/compute.py, 0f17f6c) and its successor in
github.com/alercebroker/pipeline (correction_step, 0249c98).
"""

import numpy as np

__all__ = ["UNUSABLE", "correct", "is_corrected", "is_dubious", "is_stellar"]

NEAR = 1.4  # pixels, or arcsec in forced photometry: a reference source closer than this is the object itself
UNUSABLE = 100.0  # ALeRCE's word for "no usable number"


def is_corrected(distnr):
    """True where the reference has the object itself; no distance is NaN, or the service's -99999."""
    return np.asarray(distnr, dtype=float) < NEAR


def correct(mag, mag_err, sign, magnr, sigmagnr, distnr):
    """Total magnitudes and their errors.

    Parameters
    ----------
    mag, mag_err : array_like of float
        Magnitude of the absolute difference flux and its error; 100 where there is none.
    sign : array_like of int
        Of the difference flux.
    magnr, sigmagnr, distnr : array_like of float
        Magnitude, error and distance of the nearest reference source.

    Returns
    -------
    mag_corr, mag_corr_err, mag_corr_err_ext : ndarray of float
        The second error is for an extended object, whose reference flux is not its own. 100 where there is no usable
        number, NaN where there is no reference source.
    """
    mag, mag_err, magnr, sigmagnr = (np.asarray(values, dtype=float) for values in (mag, mag_err, magnr, sigmagnr))
    known = is_corrected(distnr) & ~np.isnan(magnr)
    with np.errstate(all="ignore"):
        reference, difference = 10 ** (-0.4 * magnr), 10 ** (-0.4 * mag)
        total = np.maximum(reference + sign * difference, 0.0)
        variance = (difference * mag_err) ** 2 - (reference * sigmagnr) ** 2
        found = -2.5 * np.log10(total), np.sqrt(variance) / total, difference * mag_err / total
    usable = (total > 0) & np.isfinite(total) & (mag < UNUSABLE)
    found = [np.where(usable & np.isfinite(values), values, UNUSABLE) for values in found]
    return tuple(np.where(known, values, np.nan) for values in found)


def is_dubious(corrected, sign, first_corrected):
    """True where the correction is to be doubted: it differs from that of the band's first detection, or it is missing
    and the object became fainter than the reference.
    """
    return (not corrected and sign == -1) or corrected != first_corrected


def is_stellar(candidate):
    """True where the nearest sources of PanSTARRS and of the reference image make the object look like a star."""

    def number(key):
        value = candidate.get(key)
        return np.nan if value is None else value

    near_ps1 = 0 <= number("distpsnr1") < NEAR
    like_star = number("sgscore1") > 0.4 if near_ps1 else number("chinr") < 2 and -0.13 < number("sharpnr") < 0.1
    return bool(0 <= number("distnr") < NEAR and like_star)
