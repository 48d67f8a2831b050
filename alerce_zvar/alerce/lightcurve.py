"""From detections, forced photometry and non-detections to light curves."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import MaskedColumn, Table, vstack

from alerce_zvar.alerce.asking import row_order
from alerce_zvar.alerce.barycentre import at_barycentre, mean_positions
from alerce_zvar.errors import shown
from alerce_zvar.folding import usable

__all__ = ["PHOTOMETRY", "Choice", "assemble"]

_AB_NJY = 31.4  # AB magnitude of 1 nJy (reference/alerce.md 3.7)
# Survey -> what is asked for -> endpoint that holds it, and its columns of values and errors.
PHOTOMETRY = {
    "ztf": {
        "corrected": ("detections", "mag_corr", "mag_corr_err"),
        "difference": ("detections", "mag", "mag_err"),
        "forced": ("forced_photometry", "mag", "mag_err"),
        "forced_corrected": ("forced_photometry", "mag_corr", "mag_corr_err"),
    },
    "lsst": {
        "corrected": ("detections", "total_flux", "total_flux_err"),
        "difference": ("detections", "flux", "flux_err"),
        "forced": ("forced_photometry", "flux", "flux_err"),
        "forced_corrected": ("forced_photometry", "total_flux", "total_flux_err"),
    },
}
# What goes with a value, besides time and band.
_COMPANIONS = {"ztf": ("isdiffpos", "dubious", "candid"), "lsst": ("measurement_id",)}


@dataclass(frozen=True)
class Choice:
    """What a light curve is to hold.

    Parameters
    ----------
    survey, photometry : str
        Which values; keys of `PHOTOMETRY`.
    upper_limits, dubious : bool
        Also exposures without a detection; also detections whose correction is doubtful.
    extended : bool
        Errors as for an extended source.
    barycentric : bool
        Times at the barycentre.
    """

    survey: str
    photometry: str
    upper_limits: bool = False
    dubious: bool = True
    extended: bool = False
    barycentric: bool = False

    def __post_init__(self):
        kinds = PHOTOMETRY[self.survey]
        if self.photometry not in kinds:
            raise ValueError(f"photometry must be one of {', '.join(kinds)}; not {shown(self.photometry)}")
        if self.upper_limits and (self.survey == "lsst" or self.measures != "detections"):
            raise ValueError(
                "include_upper_limits goes with ZTF's detections, photometry='corrected' or 'difference'; forced "
                "photometry measures every exposure, and LSST has nothing else"
            )
        if self.extended and (self.survey == "lsst" or "corrected" not in self.photometry):
            raise ValueError("extended_errors goes with ZTF's photometry='corrected' or 'forced_corrected'")
        if self.survey == "lsst" and not self.dubious:
            raise ValueError("include_dubious goes with ZTF, whose service says which corrections are doubtful")

    @property
    def measures(self):
        """Whose rows are needed, by their endpoint."""
        return PHOTOMETRY[self.survey][self.photometry][0]

    @property
    def columns(self):
        """Columns of values and errors."""
        _, value, error = PHOTOMETRY[self.survey][self.photometry]
        return value, f"{error}_ext" if self.extended else error

    @property
    def needed(self):
        """All columns that a light curve is made of."""
        return ("oid", "time", "band", *self.columns, *_COMPANIONS[self.survey], "ra", "dec")


def assemble(choice, rows, owners, count, limits=None):
    """Rows of many light curves by object and time.

    Parameters
    ----------
    choice : Choice
        What is wanted.
    rows : `~astropy.table.Table`
        Detections or forced photometry of all objects.
    owners : ndarray of int
        Which object each row is of.
    count : int
        How many objects there are.
    limits : tuple of table and ndarray, optional
        Non-detections and their owners.

    Returns
    -------
    light_curves : `~astropy.table.Table`
        ``time, band``, then ``mag, mag_err`` or ``flux, flux_err`` or both, and what belongs to them.
    owners : ndarray of int
    dropped : ndarray of int
        For each object, how many of its rows had no usable value.
    """
    good, table = _measured(choice, rows)
    if choice.barycentric:
        positions = mean_positions(rows["ra"], rows["dec"], owners, count)
        placed = np.isfinite(positions.ra.deg)
        good &= placed[owners]
        limits = limits and tuple(part[placed[limits[1]]] for part in limits)
    table, whose = table[good], owners[good]
    dropped = np.bincount(owners[~good], minlength=count)
    if limits is not None:
        table = vstack([table, _undetected(limits[0])], metadata_conflicts="silent")
        whose = np.concatenate([whose, limits[1]])
    if choice.barycentric:
        table["time"] = at_barycentre(table["time"], positions[whose], choice.survey)
        table["time"].info.description = "The same at the barycentre of the solar system"
    order = row_order(table, whose)
    return table[order], whose[order], dropped


def _measured(choice, rows):
    """Which rows are usable, and all of them in the columns of a light curve."""
    value, error = choice.columns
    time = rows["time"]
    good = usable(rows[value], rows[error]) & ~np.broadcast_to(np.asarray(time.mask), len(rows))
    if choice.survey == "lsst":
        good &= np.char.isalpha(np.asarray(rows["band"]))
        name = "flux"
    else:
        good &= choice.dubious | ~np.asarray(rows["dubious"], dtype=bool)
        name = "mag"
    table = Table({"time": time.unmasked, "band": rows["band"]}, copy=False)
    values, errors = rows[value].filled(0.0), rows[error].filled(0.0)
    if choice.survey == "ztf" and "corrected" not in choice.photometry:
        # The first of flux and mag is what searches and plots take: magnitudes have lost the sign.
        table["flux"], table["flux_err"] = _signed_flux(values, errors, rows["isdiffpos"])
        table["flux"].info.description = "Flux of the difference, less than 0 if fainter than the reference (AB)"
        table["flux_err"].info.description = "Error of flux"
        good &= usable(table["flux"], table["flux_err"])  # a sign of 0 is none
    table[name], table[f"{name}_err"] = values, errors
    for companion in _COMPANIONS[choice.survey]:
        table[companion] = rows[companion]
    return good, table


def _signed_flux(mag, mag_err, sign):
    """Flux of the difference, less than zero where the source is fainter than in the reference."""
    with np.errstate(over="ignore"):
        flux = np.sign(np.asarray(sign)) * 10 ** (-0.4 * (np.asarray(mag) - _AB_NJY))
        error = np.abs(flux) * np.log(10) / 2.5 * np.asarray(mag_err)
    return flux * u.nJy, error * u.nJy


def _undetected(limits):
    table = Table({name: limits[name] for name in ("time", "band", "limiting_mag")}, copy=False)
    for name in ("mag", "mag_err"):
        table[name] = MaskedColumn(np.zeros(len(table)), mask=True, unit=limits["limiting_mag"].unit)
    return table
