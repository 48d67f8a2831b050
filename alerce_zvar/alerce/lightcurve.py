"""From detections and non-detections to a light curve."""

import numpy as np
from astropy.table import MaskedColumn, Table, vstack

from alerce_zvar.alerce import schema
from alerce_zvar.errors import ReplyError
from alerce_zvar.folding import usable
from alerce_zvar.wire.decode import decode_table

__all__ = ["PHOTOMETRY", "assemble"]

# What is asked for -> the columns of a detection that hold it.
PHOTOMETRY = {"corrected": ("mag_corr", "mag_corr_err"), "difference": ("mag", "mag_err")}


def assemble(content, photometry, include_upper_limits, url):
    """Light curve in order of time, and how many detections had no usable magnitude.

    Parameters
    ----------
    content : dict
        Decoded answer: lists of detections and non-detections.
    photometry : {"corrected", "difference"}
        Which magnitudes.
    include_upper_limits : bool
        Also exposures without a detection.
    url : str
        For error messages.

    Returns
    -------
    light_curve : `~astropy.table.Table`
        ``time, band, mag, mag_err, isdiffpos, candid``, and ``limiting_mag`` with upper limits.
    dropped : int

    Raises
    ------
    ReplyError
        The answer is not what the contract says.
    """
    if not isinstance(content, dict) or "detections" not in content:
        raise ReplyError("The answer to a light curve holds no detections.", url=url)
    detections = decode_table(content["detections"] or [], schema.DETECTIONS, url=url)
    light_curve, dropped = _detected(detections, photometry)
    if include_upper_limits:
        limits = decode_table(content.get("non_detections") or [], schema.NON_DETECTIONS, url=url)
        light_curve = vstack([light_curve, _undetected(limits)], metadata_conflicts="silent")
    return light_curve[np.argsort(light_curve["time"].mjd, kind="stable")], dropped


def _detected(detections, photometry):
    mag, mag_err = PHOTOMETRY[photometry]
    good = usable(detections[mag], detections[mag_err])
    table = Table({name: detections[name][good] for name in ("time", "band")}, copy=False)
    table["mag"], table["mag_err"] = (detections[name][good].filled() for name in (mag, mag_err))
    for name in ("isdiffpos", "candid"):
        table[name] = detections[name][good]
    return table, int(np.sum(~good))


def _undetected(limits):
    table = Table({name: limits[name] for name in ("time", "band", "limiting_mag")}, copy=False)
    for name in ("mag", "mag_err"):
        table[name] = MaskedColumn(np.zeros(len(table)), mask=True, unit=limits["limiting_mag"].unit)
    return table
