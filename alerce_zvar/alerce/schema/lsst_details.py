"""The many columns of LSST's detections and objects beside those of every survey. Data only (reference/alerce.md 7).

Names are those of the JSON answers; units as TAP_SCHEMA gives them (Appendix A there).
"""

from functools import partial

from astropy import units as u

from alerce_zvar.alerce.schema.words import null

__all__ = ["DETECTION_DETAILS", "DIA_OBJECT_COLUMNS"]


def _more(name, unit, ucd, description, dtype="float64", **rules):
    """A column under the service's own name, which not every answer has."""
    return null(name, name, dtype, unit, ucd, description, required=False, **rules)


def _id(name, ucd, description):
    """A number that the service writes as -1 or 0 where its database has none."""
    return _more(name, None, ucd, description, "str", wire_dtype="id", sentinels=("-1", "0"))


def _time(name, ucd, description):
    return _more(name, None, ucd, description, time=("mjd", "tai"), sentinels=(0.0,))


def _flag(name, description):
    return _more(name, None, "meta.code.qual", description, "bool")


def _code(name, description):
    """A flag that comes as 0 or 1."""
    return _more(name, None, "meta.code.qual", description, "int64")


_flux = partial(_more, unit=u.nJy, ucd="phot.flux")
_flux_error = partial(_more, unit=u.nJy, ucd="stat.error;phot.flux")
_MOMENT = u.nJy * u.arcsec**2
_PIXEL_FLAGS = {
    "bad": "Bad pixel",
    "cr": "Cosmic ray",
    "crCenter": "Cosmic ray in the centre",
    "edge": "Edge of the image",
    "nodata": "No data",
    "nodataCenter": "No data in the centre",
    "interpolated": "Interpolated pixel",
    "interpolatedCenter": "Interpolated pixel in the centre",
    "offimage": "Partly off the image",
    "saturated": "Saturated pixel",
    "saturatedCenter": "Saturated pixel in the centre",
    "suspect": "Suspect pixel",
    "suspectCenter": "Suspect pixel in the centre",
    "streak": "Streak",
    "streakCenter": "Streak in the centre",
    "injected": "Artificial source",
    "injectedCenter": "Artificial source in the centre",
    "injected_template": "Artificial source in the template",
    "injected_templateCenter": "Artificial source in the template's centre",
}
_CORRELATED = "stat.covariance;pos.eq.ra;pos.eq.dec"

# In the order of the service's answers (multisurveys-apis, lightcurve_api/models/detections.py).
DETECTION_DETAILS = (
    _id("parentDiaSourceId", "meta.id.parent", "Parent"),
    _id("diaObjectId", "meta.id", "Object of the difference images"),
    _code("psfFlux_flag", "The PSF fit failed"),
    _code("psfFlux_flag_edge", "Too near the edge for a PSF fit"),
    _code("psfFlux_flag_noGoodPixels", "No good pixels for a PSF fit"),
    _more("has_stamp", None, "meta.code", "Image stamps exist", "bool"),
    _id("ssObjectId", "meta.id", "Object of the solar system"),
    _more("raErr", u.deg, "stat.error;pos.eq.ra", "Error of ra"),
    _more("decErr", u.deg, "stat.error;pos.eq.dec", "Error of dec"),
    _more("ra_dec_Cov", u.deg**2, _CORRELATED, "Covariance of ra and dec"),
    _more("x", u.pix, "pos.cartesian.x;instr.det", "Position on the detector"),
    _more("xErr", u.pix, "stat.error;pos.cartesian.x;instr.det", "Error of x"),
    _more("y", u.pix, "pos.cartesian.y;instr.det", "Position on the detector"),
    _more("yErr", u.pix, "stat.error;pos.cartesian.y;instr.det", "Error of y"),
    _flag("centroid_flag", "The centroid failed"),
    _flux("apFlux", description="Aperture flux of the difference image"),
    _flux_error("apFluxErr", description="Error of apFlux"),
    _flag("apFlux_flag", "The aperture flux failed"),
    _flag("apFlux_flag_apertureTruncated", "The aperture is cut off by the edge"),
    _more("isNegative", None, "meta.code", "Found as negative", "bool"),
    _more("snr", None, "stat.snr", "Signal to noise"),
    _more("psfLnL", None, "stat.likelihood", "Logarithm of the likelihood of the PSF fit"),
    _more("psfChi2", None, "stat.fit.chi2", "Chi squared of the PSF fit"),
    _more("psfNdata", None, "meta.number", "Pixels of the PSF fit", "int64"),
    _flux("trailFlux", description="Flux of a trail"),
    _flux_error("trailFluxErr", description="Error of trailFlux"),
    _more("trailRa", u.deg, "pos.eq.ra", "Right ascension of a trail (ICRS)"),
    _more("trailRaErr", u.deg, "stat.error;pos.eq.ra", "Error of trailRa"),
    _more("trailDec", u.deg, "pos.eq.dec", "Declination of a trail (ICRS)"),
    _more("trailDecErr", u.deg, "stat.error;pos.eq.dec", "Error of trailDec"),
    _more("trailLength", u.arcsec, "phys.angSize", "Length of a trail"),
    _more("trailLengthErr", u.arcsec, "stat.error;phys.angSize", "Error of trailLength"),
    _more("trailAngle", u.deg, "pos.posAng", "Angle of a trail"),
    _more("trailAngleErr", u.deg, "stat.error;pos.posAng", "Error of trailAngle"),
    _more("trailChi2", None, "stat.fit.chi2", "Chi squared of the trail's fit"),
    _more("trailNdata", None, "meta.number", "Pixels of the trail's fit", "int64"),
    _flag("trail_flag_edge", "The trail reaches the edge"),
    _flux("dipoleMeanFlux", description="Mean flux of a dipole's lobes"),
    _flux_error("dipoleMeanFluxErr", description="Error of dipoleMeanFlux"),
    _flux("dipoleFluxDiff", description="Difference of the fluxes of a dipole's lobes"),
    _flux_error("dipoleFluxDiffErr", description="Error of dipoleFluxDiff"),
    _more("dipoleLength", u.arcsec, "phys.angSize", "Distance of a dipole's lobes"),
    _more("dipoleAngle", u.deg, "pos.posAng", "Angle of a dipole"),
    _more("dipoleChi2", None, "stat.fit.chi2", "Chi squared of the dipole's fit"),
    _more("dipoleNdata", None, "meta.number", "Pixels of the dipole's fit", "int64"),
    _flag("forced_PsfFlux_flag", "Forced photometry of the science image failed"),
    _flag("forced_PsfFlux_flag_edge", "Too near the edge for forced photometry"),
    _flag("forced_PsfFlux_flag_noGoodPixels", "No good pixels for forced photometry"),
    _flux("templateFlux", description="PSF flux of the template"),
    _flux_error("templateFluxErr", description="Error of templateFlux"),
    *(
        _more(f"{name}{of}", _MOMENT, "src.morph.param", f"Second moment {name[1:]} of the {what}")
        for of, what in (("", "source"), ("PSF", "PSF"))
        for name in ("ixx", "iyy", "ixy")
    ),
    _flag("shape_flag", "The moments failed"),
    _flag("shape_flag_no_pixels", "No pixels for the moments"),
    _flag("shape_flag_not_contained", "The centre lies outside its footprint"),
    _flag("shape_flag_parent_source", "The moments are of the parent"),
    _more("extendedness", None, "src.morph", "0 point, 1 extended"),
    _more("reliability", None, "stat.probability", "Real-bogus score"),
    _more("isDipole", None, "meta.code", "Fitted as a dipole", "bool"),
    _flag("dipoleFitAttempted", "A dipole's fit was tried"),
    _time("timeProcessedMjdTai", "time.processing", "When it was processed"),
    _time("timeWithdrawnMjdTai", "time", "When it was withdrawn"),
    _more("bboxSize", u.pix, "phys.angSize", "Size of the square around the footprint", "int64"),
    _flag("pixelFlags", "Pixel flags failed"),
    *(_flag(f"pixelFlags_{name}", f"{what} in the footprint") for name, what in _PIXEL_FLAGS.items()),
    _flag("glint_trail", "Part of a trail of glints"),
)

_BANDS = "ugrizy"


def _per_band(endings):
    """Columns of statistics of the fluxes in each band: ending -> (unit, UCD, what, dtype)."""
    return tuple(
        _more(f"{band}_{ending}", unit, ucd, f"{what}, {band} band", *dtype)
        for band in _BANDS
        for ending, (unit, ucd, what, *dtype) in endings.items()
    )


# Of the difference images' object, which `return_survey_extra` adds to an object (object_api/models/object.py).
DIA_OBJECT_COLUMNS = (
    _time("validityStartMjdTai", "time.start", "When this version of the object began"),
    _more("ra", u.deg, "pos.eq.ra", "Right ascension (ICRS) in LSST's own catalogue"),
    _more("raErr", u.deg, "stat.error;pos.eq.ra", "Error of ra"),
    _more("dec", u.deg, "pos.eq.dec", "Declination (ICRS) in LSST's own catalogue"),
    _more("decErr", u.deg, "stat.error;pos.eq.dec", "Error of dec"),
    _more("ra_dec_Cov", u.deg**2, _CORRELATED, "Covariance of ra and dec"),
    *_per_band(
        {
            "psfFluxMean": (u.nJy, "phot.flux;stat.mean", "Mean difference flux"),
            "psfFluxMeanErr": (u.nJy, "stat.error;phot.flux", "Error of the mean difference flux"),
            "psfFluxSigma": (u.nJy, "stat.stdev;phot.flux", "Scatter of the difference flux"),
            "psfFluxNdata": (None, "meta.number", "Number of difference fluxes", "int64"),
            "fpFluxMean": (u.nJy, "phot.flux;stat.mean", "Mean forced flux"),
            "fpFluxMeanErr": (u.nJy, "stat.error;phot.flux", "Error of the mean forced flux"),
        }
    ),
    *_per_band(
        {
            "scienceFluxMean": (u.nJy, "phot.flux;stat.mean", "Mean total flux"),
            "scienceFluxMeanErr": (u.nJy, "stat.error;phot.flux", "Error of the mean total flux"),
        }
    ),
    *_per_band(
        {
            "psfFluxMin": (u.nJy, "phot.flux;stat.min", "Least difference flux"),
            "psfFluxMax": (u.nJy, "phot.flux;stat.max", "Largest difference flux"),
            "psfFluxMaxSlope": (u.nJy / u.d, "arith.rate;phot.flux", "Steepest slope of the difference flux"),
            "psfFluxErrMean": (u.nJy, "stat.error;phot.flux;stat.mean", "Mean error of the difference flux"),
        }
    ),
    _time("firstDiaSourceMjdTai", "time.epoch;stat.min", "First detection"),
    _time("lastDiaSourceMjdTai", "time.epoch;stat.max", "Last detection"),
    _more("nDiaSources", None, "meta.number", "Number of detections", "int64"),
)
