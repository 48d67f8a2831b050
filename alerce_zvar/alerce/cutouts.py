"""From the FITS files of image stamps to what a user asked for: HDUs, arrays or CCDData."""

import warnings
from collections import namedtuple
from types import MappingProxyType

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from alerce_zvar.alerce.schema.stamps import STAMPS
from alerce_zvar.errors import ReplyError
from alerce_zvar.packets import PacketError, open_fits, pixels, sky_wcs

__all__ = ["FORMATS", "Stamps", "assemble"]

_PARTS = ("VARIANCE", "PSF")  # what follows the image in a file of LSST
_NO_UNIT = {"ztf": "DN", "lsst": "nJy"}  # of stamps whose header says none


class Stamps(namedtuple("Stamps", STAMPS)):
    """Three images of one detection: ``science, template, difference = stamps``.

    Attributes
    ----------
    science, template, difference : `~numpy.ndarray` or `~astropy.nddata.CCDData`
        What was seen, the reference, and the one less the other. Pixels without a value are NaN.
    meta : dict
        ``oid``, ``candid``, ``survey``, how the detection was chosen, and where the images came from.
    """

    meta = MappingProxyType({})

    def __repr__(self):
        shapes = ", ".join(f"{name} {'x'.join(map(str, image.shape))}" for name, image in self._asdict().items())
        return f"<Stamps of {self.meta.get('oid')}, candid {self.meta.get('candid')}: {shapes}>"


def assemble(files, format, meta, *, include_variance_and_psf=False, url=""):
    """Images of one detection in the form asked for.

    Parameters
    ----------
    files : list of bytes
        FITS files of science, template and difference image, gzipped or not.
    format : {"hdulist", "numpy", "ccddata"}
        What to make of them.
    meta : dict
        ``oid``, ``candid``, ``survey``, ``selection`` and more.
    include_variance_and_psf : bool
        Also what LSST gives beside the images.
    url : str
        For error messages.

    Raises
    ------
    ReplyError
        A file is no FITS image.
    """
    most = 1 + len(_PARTS) if include_variance_and_psf else 1
    opened = [_open(data, most, url) for data in files]
    return FORMATS[format](opened, meta)


def _open(data, most, url):
    """First HDUs of one file."""
    try:
        return open_fits(data, most)
    except PacketError as exc:
        raise ReplyError(f"The answer is no image stamp: {exc}.", url=url) from exc


def _as_hdulist(opened, meta):
    """One list of HDUs with names; the first is the science image, with its provenance."""
    made = fits.HDUList()
    for name, hdus in zip(STAMPS, opened, strict=True):
        for part, hdu in zip(("", *_PARTS), hdus, strict=False):
            image = fits.ImageHDU(pixels(hdu), header=_described(hdu, meta, part))
            image.header["EXTNAME"] = "_".join(filter(None, (name.upper(), part)))
            made.append(image)
    return made


def _described(hdu, meta, part=""):
    """Header of the file, with whose image it is; a card that is no good FITS is mended, or dropped."""
    header = fits.Header()
    for card in hdu.header.cards:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            try:
                card.verify("fix")
                header.append(card, end=True)
            except (fits.VerifyError, ValueError):
                continue
    if "BUNIT" not in header and not part:
        header["BUNIT"] = _NO_UNIT[meta["survey"]]
    header["SURVEY"] = (meta["survey"].upper(), "survey")
    header["OID"] = (meta["oid"], "object identifier")
    header["CANDID"] = (meta["candid"], meta["selection"])
    return header


def _as_arrays(opened, meta):
    return _stamps([pixels(hdus[0]) for hdus in opened], meta)


def _as_ccddata(opened, meta):
    return _stamps([_ccd(hdus, meta) for hdus in opened], meta)


def _ccd(hdus, meta):
    """Image with unit, mask of pixels without a value, and WCS, variance and PSF where there are any."""
    from astropy.nddata import CCDData, VarianceUncertainty

    values, header = pixels(hdus[0]), _described(hdus[0], meta)
    parts = dict(zip(_PARTS, (pixels(hdu) for hdu in hdus[1:]), strict=False))
    return CCDData(
        values,
        unit=_unit(header),
        mask=~np.isfinite(values),
        wcs=sky_wcs(hdus[0].header),
        meta=header,
        uncertainty=VarianceUncertainty(parts["VARIANCE"]) if "VARIANCE" in parts else None,
        psf=parts.get("PSF"),
    )


def _unit(header):
    unit = u.Unit(str(header["BUNIT"]), parse_strict="silent")
    return u.dimensionless_unscaled if isinstance(unit, u.UnrecognizedUnit) else unit


def _stamps(images, meta):
    made = Stamps(*images)
    made.meta = meta
    return made


FORMATS = {"hdulist": _as_hdulist, "numpy": _as_arrays, "ccddata": _as_ccddata}
