"""Image stamps of the sample sky: alerts of ZTF with what they repeat of the days before, and stamps of LSST.

Drawn are the stars of the sky where they are, each as a round Gaussian, on sky noise. An image is what the reference
shows plus the difference; its pixels run along west and north.
"""

import gzip
import io
from itertools import cycle

import numpy as np
from astropy.io import fits

from alerce_zvar.sample.packets import packet
from alerce_zvar.server.replies import rows

__all__ = ["add_alerts", "lsst_stamp_rows"]

_PIXEL = 1.012  # arcsec
_SIZE = 63
_ZERO_POINT = 26.3
_SEEING = 2.1  # pixels, full width at half maximum
_NOISE = {"science": 8.0, "template": 2.0}  # DN
_SKY = {"science": 150.0, "template": 40.0}
_STEP = 0.25  # DN, of the numbers in an image: they compress well
_DAYS = 30.0  # of history in an alert
_JD_OF_MJD = 2400000.5
_SIGNS = {1: ("t", "1"), -1: ("f", "0")}  # both spellings occur
_LSST_SIZES = {"flux": 75, "variance": 75, "psf": 41}
_LSST_PIXEL = 0.2  # arcsec
# Of every object its first alert, and that of the largest difference.
_OF_EXPOSURE = "oid, mjd, fid, diffmaglim"
_OF_DETECTION = f"{_OF_EXPOSURE}, candid, pid, nid, isdiffpos, ra, dec, magpsf, sigmapsf"
_CHOSEN = f"""
SELECT {_OF_DETECTION} FROM detections WHERE step_id_corr = 'alerce_zvar_1'
QUALIFY row_number() OVER (PARTITION BY oid ORDER BY mjd, candid) = 1
     OR row_number() OVER (PARTITION BY oid ORDER BY magpsf, candid) = 1
ORDER BY oid, mjd, candid
"""
_REFERENCES = """
SELECT s.oid, s.ra, s.dec, median(l.magzp + l.mag_ref) AS mag, l.band FROM lightcurves l JOIN sources s USING (psid)
GROUP BY ALL ORDER BY ALL
"""


def add_alerts(archive, rng):
    """Put packets of some alerts of every object into the archive, and mark these detections as having stamps."""
    chosen = rows(archive.query(_CHOSEN))
    sky = _Sky(archive)
    packets = [_packet(rng, sky, row, cut) for row, cut in zip(chosen, _cuts(), strict=False)]
    given = {key: np.array([row[key] for row in chosen], dtype=object) for key in ("candid", "oid", "mjd")}
    given["packet"] = np.array(packets, dtype=object)
    with archive.transaction():
        archive.write("INSERT INTO alerts BY NAME SELECT * FROM given", given=given)
        these = "(oid, candid) IN (SELECT (oid, candid) FROM given)"
        archive.write(f"UPDATE detections SET has_stamp = true WHERE {these}", given=given)


def _cuts():
    """What the edge of a detector does to an image: of the first one pixels are missing, the second is narrower."""
    yield from ("masked", "narrow")
    yield from cycle(("",))


class _Sky:
    """What is needed of the archive: reference magnitudes of all sources, and the exposures of the alerts' objects."""

    def __init__(self, archive):
        self.references = {}
        for row in rows(archive.query(_REFERENCES)):
            self.references.setdefault("gri".index(row["band"]) + 1, []).append(row)
        self.exposures = {}
        for table, columns in (("detections", _OF_DETECTION), ("non_detections", _OF_EXPOSURE)):
            for row in rows(archive.query(f"SELECT {columns} FROM {table} ORDER BY mjd")):
                self.exposures.setdefault(row["oid"], []).append(row)
        self.objects = {row["oid"]: row for row in rows(archive.query("SELECT * FROM objects"))}

    def stars(self, fid, ra, dec):
        """Pixels from the centre towards west and north, and magnitudes, of the stars around a place."""
        found = self.references[fid]
        star_ra, star_dec, mag = (np.array([row[key] for row in found]) for key in ("ra", "dec", "mag"))
        west = -((star_ra - ra + 180) % 360 - 180) * np.cos(np.radians(dec)) * 3600 / _PIXEL
        north = (star_dec - dec) * 3600 / _PIXEL
        near = np.hypot(west, north) < _SIZE
        return west[near], north[near], mag[near]

    def reference(self, row):
        """Magnitude of the object itself in the reference image."""
        return next(found["mag"] for found in self.references[row["fid"]] if found["oid"] == row["oid"])


def _packet(rng, sky, row, cut):
    history = [e for e in sky.exposures[row["oid"]] if 0 < row["mjd"] - e["mjd"] <= _DAYS]
    previous = [_measured(rng, sky, e) if "candid" in e else _exposure(e) for e in history]
    return packet(row["oid"], _candidate(rng, sky, row), previous, _images(rng, sky, row, cut))


def _candidate(rng, sky, row):
    known = sky.objects[row["oid"]]
    return _measured(rng, sky, row) | {
        "ssdistnr": -999.0,
        "sgscore1": 0.98,
        "distpsnr1": 0.2,
        "ndethist": known["ndethist"],
        "ncovhist": known["ncovhist"],
        "jdstarthist": known["firstmjd"] + _JD_OF_MJD,
        "jdendhist": row["mjd"] + _JD_OF_MJD,
        "exptime": 30.0,
        "drb": 0.99,
    }


def _exposure(row):
    return {
        "jd": row["mjd"] + _JD_OF_MJD,
        "fid": row["fid"],
        "pid": row.get("pid") or int((row["mjd"] - 57754) * 1e6) * 1000 + 5,
        "programid": 1,
        "diffmaglim": row["diffmaglim"],
        "nid": row.get("nid"),
    }


def _measured(rng, sky, row):
    return _exposure(row) | {
        "candid": row["candid"],
        "isdiffpos": str(rng.choice(_SIGNS[row["isdiffpos"]])),
        **{key: row[key] for key in ("ra", "dec", "magpsf", "sigmapsf")},
        "distnr": 0.3,
        "magnr": sky.reference(row),
        "sigmagnr": 0.01,
        "chinr": 0.5,
        "sharpnr": 0.0,
        "fwhm": _SEEING,
        "rb": 0.9,
        "magzpsci": _ZERO_POINT,
    }


def _images(rng, sky, row, cut):
    """Science, template and difference image, 63 x 63 pixels unless the edge of the detector cuts them."""
    template = _drawn(*sky.stars(row["fid"], row["ra"], row["dec"]))
    change = row["isdiffpos"] * _drawn(0.0, 0.0, row["magpsf"])
    noise = {name: rng.normal(0, sigma, template.shape) for name, sigma in _NOISE.items()}
    science = template + change + _SKY["science"] + noise["science"]
    template = template + _SKY["template"] + noise["template"]
    difference = change + noise["science"] - noise["template"]
    images = [np.round(image / _STEP) * _STEP for image in (science, template, difference)]
    if cut == "narrow":
        return [image[:, :41] for image in images]
    if cut == "masked":
        for image in images:
            image[:, :9] = np.nan
    return images


def _drawn(west, north, mag, size=_SIZE, seeing=_SEEING, zero_point=_ZERO_POINT):
    """Sum of stars on an empty image, in units of flux."""
    axis = np.arange(size) - (size - 1) / 2
    sigma = seeing / np.sqrt(8 * np.log(2))
    x, y = (np.exp(-0.5 * ((axis - np.reshape(at, (-1, 1))) / sigma) ** 2) for at in (west, north))
    peak = np.atleast_1d(10 ** (-0.4 * (np.asarray(mag) - zero_point))) / (2 * np.pi * sigma**2)
    return np.einsum("s,sy,sx->yx", peak, y, x)


def lsst_stamp_rows(rng, detections):
    """Rows of the table ``lsst_stamps`` for detections of LSST.

    Parameters
    ----------
    rng : `~numpy.random.Generator`
        Noise.
    detections : iterable of dict
        ``oid``, ``measurement_id``, ``ra``, ``dec`` [deg], ``psfFlux`` and ``scienceFlux`` [nJy].

    Returns
    -------
    dict of ndarray
        Three rows for each, cutoutScience, cutoutTemplate and cutoutDifference: gzipped FITS files of the image with
        its WCS, turned against the sky, of its variance and of its PSF.
    """
    made = []
    for row in detections:
        angle = rng.uniform(0, 2 * np.pi)
        fluxes = (row["scienceFlux"], row["scienceFlux"] - row["psfFlux"], row["psfFlux"])
        for name, flux in zip(("cutoutScience", "cutoutTemplate", "cutoutDifference"), fluxes, strict=True):
            file = _lsst_file(rng, row["ra"], row["dec"], flux, angle)
            made.append((int(row["measurement_id"]), int(row["oid"]), name, file))
    columns = zip(*made, strict=True) if made else ((), (), (), ())
    names = ("measurement_id", "oid", "stamp", "fits")
    return {name: np.array(values, dtype=object) for name, values in zip(names, columns, strict=True)}


def _lsst_file(rng, ra, dec, flux, angle):
    noise = 60.0
    psf = _drawn(0.0, 0.0, 0.0, _LSST_SIZES["psf"], 4.5, 0.0)
    size = _LSST_SIZES["flux"]
    image = flux * _drawn(0.0, 0.0, 0.0, size, 4.5, 0.0) + rng.normal(0, noise, (size, size))
    header = fits.Header({"BUNIT": "nJy", "ROTPA": np.degrees(angle), "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    header.update({"CRPIX1": (size + 1) / 2, "CRPIX2": (size + 1) / 2, "CRVAL1": ra, "CRVAL2": dec})
    step = _LSST_PIXEL / 3600
    turned = step * np.array([[-np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    header.update({f"CD{i + 1}_{j + 1}": turned[i, j] for i in (0, 1) for j in (0, 1)})
    variance = fits.ImageHDU(np.full(image.shape, noise**2, dtype=np.float32), name="VARIANCE")
    variance.header["BUNIT"] = "nJy2"
    hdus = [fits.PrimaryHDU(np.round(image).astype(np.float32), header), variance]
    hdus.append(fits.ImageHDU((psf / psf.sum()).astype(np.float32), name="PSF"))
    file = io.BytesIO()
    fits.HDUList(hdus).writeto(file)
    return gzip.compress(file.getvalue(), compresslevel=1, mtime=0)
