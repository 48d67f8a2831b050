"""Light curves of ZVAR in other units: magnitudes of fluxes, flux densities in microjansky."""

import numpy as np
from astropy import units as u
from astropy.table import MaskedColumn

from alerce_zvar.folding import numbers
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.zvar import photometry

__all__ = ["add_magnitudes", "to_microjansky"]

_NEEDED = ("flux", "flux_err", "magzp", "mag_ref")
_MEANINGS = {
    "mag": "Magnitude of the total flux (AB)",
    "mag_err": "Error of the magnitude",
    "limiting_mag": "5 sigma limit of a non-detection (AB)",
    "snr_total": "Signal to noise of the total flux",
}


def add_magnitudes(light_curve):
    """Light curve of fluxes with magnitudes beside them, by the relations of `alerce_zvar.zvar.photometry`.

    Parameters
    ----------
    light_curve : LightCurves, `~astropy.timeseries.TimeSeries` or `~astropy.table.Table`
        Columns ``flux, flux_err, magzp, mag_ref``, as ``get_lightcurves(..., format="flux")`` gives them.

    Returns
    -------
    LightCurves, TimeSeries or Table
        Copy with the further columns ``mag, mag_err, limiting_mag`` [mag] and ``snr_total``. Below 1 sigma of the total
        flux the magnitude is masked and ``limiting_mag``, of 5 sigma, stands instead; elsewhere that is masked. The
        service does not publish its own limits.

    Raises
    ------
    ValueError
        A column is missing.
    """
    if isinstance(light_curve, LightCurves):
        return _of_data(light_curve, add_magnitudes(light_curve.data))
    flux, flux_err, magzp, mag_ref = _columns(light_curve)
    mag, mag_err, snr = photometry.flux_to_mag(flux, flux_err, magzp, mag_ref)
    limit = np.where(np.isnan(mag), photometry.limiting_mag(flux_err, magzp), np.nan)
    found = light_curve.copy()
    for name, values in zip(_MEANINGS, (mag, mag_err, limit, snr), strict=True):
        found[name] = _column(values, None if name == "snr_total" else u.mag, _MEANINGS[name])
    return found


def to_microjansky(light_curve, *, total=False):
    """Light curve with its fluxes in microjansky, comparable between bands, fields and quadrants.

    Parameters
    ----------
    light_curve : LightCurves, `~astropy.timeseries.TimeSeries` or `~astropy.table.Table`
        As for `add_magnitudes`.
    total : bool
        The total flux, with that of the reference image, instead of the difference flux.

    Returns
    -------
    LightCurves, TimeSeries or Table
        Copy with ``flux`` and ``flux_err`` [uJy]. ``magzp`` and ``mag_ref``, which are of counts, are left out.

    Raises
    ------
    ValueError
        A column is missing.
    """
    if isinstance(light_curve, LightCurves):
        return _of_data(light_curve, to_microjansky(light_curve.data, total=total))
    flux, flux_err, magzp, mag_ref = _columns(light_curve)
    what = "Total flux" if total else "Difference flux"
    flux = flux + photometry.reference_flux(mag_ref) if total else flux
    found = light_curve.copy()
    found["flux"] = _column(photometry.microjansky(flux, magzp), u.uJy, what)
    found["flux_err"] = _column(photometry.microjansky(flux_err, magzp), u.uJy, "Error of the flux")
    found.remove_columns(["magzp", "mag_ref"])
    return found


def _columns(light_curve):
    """The columns that everything follows from, as plain numbers, NaN where masked."""
    missing = [name for name in _NEEDED if name not in light_curve.colnames]
    if missing:
        raise ValueError(
            f"light_curve must have the columns {', '.join(_NEEDED)}; {', '.join(missing)} are missing. "
            "They come with get_lightcurves(..., format='flux')."
        )
    return [_plain(light_curve[name]) for name in _NEEDED]


def _plain(column):
    return np.where(np.asarray(getattr(column, "mask", False)), np.nan, numbers(column))


def _column(values, unit, description):
    return MaskedColumn(values, mask=np.isnan(values), unit=unit, description=description)


def _of_data(light_curves, data):
    """The same light curves with other columns."""
    return LightCurves(
        data, light_curves.offsets, light_curves.ids, id_name=light_curves.id_name, failures=light_curves.failures
    )
