"""ALeRCE's tables of ZTF. Data only.

Names of columns are ALeRCE's, except where the field has a standard word (time, band, mag, limiting_mag, ra, dec ...).
"""

from dataclasses import replace

from astropy import units as u

from alerce_zvar.alerce.schema.words import column, null
from alerce_zvar.wire.spec import TableSchema

__all__ = [
    "BANDS",
    "CLASSES",
    "CLASSIFIERS",
    "DETECTIONS",
    "FEATURES",
    "FEATURE_BANDS",
    "FORCED_PHOTOMETRY",
    "LIGHTCURVE",
    "LIMITS",
    "MAGSTATS",
    "NON_DETECTIONS",
    "OBJECT",
    "OBJECTS",
    "PROBABILITIES",
    "TABLES",
]

BANDS = {1: "g", 2: "r", 3: "i"}
FEATURE_BANDS = {0: "none", 1: "g", 2: "r", 12: "gr"}
NOT_USABLE = 100.0  # "no usable error" in corrected magnitudes: 456 of 1999 rows of a recorded light curve
NO_VALUE = -99999.0  # of what is known of the reference source: 90 of 510 rows of recorded forced photometry
MJD_UTC = ("mjd", "utc")

_OID = column("oid", "oid", "str", None, "meta.id;meta.main", "ALeRCE object identifier")
_TIME = column("time", "mjd", "float64", None, "time.epoch", "Start of the exposure", time=MJD_UTC)
_BAND = column("band", "fid", "str", None, "instr.bandpass", "ZTF band", wire_dtype="int", codes=BANDS)
_LIMIT = null(
    "limiting_mag", "diffmaglim", "float64", u.mag, "phot.mag;stat.max", "5 sigma limit of the difference image (AB)"
)
_STEP = null(
    "step_id_corr", "step_id_corr", "str", None, "meta.version", "Version of the correction step", required=False
)
_TID = null("tid", "tid", "str", None, "meta.id;instr.tel", "Survey that observed", required=False)

OBJECT = TableSchema(
    "object",
    "One row per object.",
    (
        _OID,
        column("ra", "meanra", "float64", u.deg, "pos.eq.ra;meta.main", "Mean right ascension (ICRS)"),
        column("dec", "meandec", "float64", u.deg, "pos.eq.dec;meta.main", "Mean declination (ICRS)"),
        null("ra_err", "sigmara", "float64", u.deg, "stat.stdev;pos.eq.ra", "Scatter of the right ascension"),
        null("dec_err", "sigmadec", "float64", u.deg, "stat.stdev;pos.eq.dec", "Scatter of the declination"),
        column("ndet", "ndet", "int64", None, "meta.number", "Number of detections"),
        null("ndethist", "ndethist", "int64", None, "meta.number", "Detections in the history", wire_dtype="str"),
        null("ncovhist", "ncovhist", "int64", None, "meta.number", "Exposures that covered the position"),
        column("firstmjd", "firstmjd", "float64", None, "time.epoch;stat.min", "First detection", time=MJD_UTC),
        column("lastmjd", "lastmjd", "float64", None, "time.epoch;stat.max", "Last detection", time=MJD_UTC),
        null("deltajd", "deltajd", "float64", u.d, "time.duration", "Time between first and last detection"),
        null("mjdstarthist", "mjdstarthist", "float64", None, "time.start", "Start of the history", time=MJD_UTC),
        null("mjdendhist", "mjdendhist", "float64", None, "time.end", "End of the history", time=MJD_UTC),
        null("corrected", "corrected", "bool", None, "meta.code", "Magnitudes corrected for the reference source"),
        null("stellar", "stellar", "bool", None, "src.class.starGalaxy", "Looks like a star"),
        null("g_r_max", "g_r_max", "float64", u.mag, "phot.color", "g-r at maximum, difference magnitudes"),
        null("g_r_max_corr", "g_r_max_corr", "float64", u.mag, "phot.color", "g-r at maximum, corrected"),
        null("g_r_mean", "g_r_mean", "float64", u.mag, "phot.color;stat.mean", "Mean g-r, difference magnitudes"),
        null("g_r_mean_corr", "g_r_mean_corr", "float64", u.mag, "phot.color;stat.mean", "Mean g-r, corrected"),
        _STEP,
    ),
)

OBJECTS = TableSchema(
    "objects",
    "One row per object and classification; an object repeats when several classifier versions match.",
    (
        *OBJECT.columns,
        null("class_name", "class", "str", None, "src.class", "Class of the joined classification"),
        null("classifier", "classifier", "str", None, "meta.id", "Classifier that gave the class"),
        null("probability", "probability", "float64", None, "stat.probability", "Probability of the class"),
    ),
)

DETECTIONS = TableSchema(
    "detections",
    "One row per detection (alert or its history), identified by candid.",
    (
        column("candid", "candid", "str", None, "meta.id;meta.main", "Identifier of the detection", wire_dtype="id"),
        _TIME,
        _BAND,
        # Nulls are left out of the rows: where no difference flux can be a magnitude, no row has the key.
        null(
            "mag", "magpsf", "float64", u.mag, "phot.mag", "PSF magnitude of the difference flux (AB)", required=False
        ),
        null("mag_err", "sigmapsf", "float64", u.mag, "stat.error;phot.mag", "Error of mag", required=False),
        null(
            "mag_corr",
            "magpsf_corr",
            "float64",
            u.mag,
            "phot.mag",
            "PSF magnitude of difference plus reference (AB)",
            required=False,
            sentinels=(NOT_USABLE,),
        ),
        null(
            "mag_corr_err",
            "sigmapsf_corr",
            "float64",
            u.mag,
            "stat.error;phot.mag",
            "Error of mag_corr if the source is a point",
            required=False,
            sentinels=(NOT_USABLE,),
        ),
        null(
            "mag_corr_err_ext",
            "sigmapsf_corr_ext",
            "float64",
            u.mag,
            "stat.error;phot.mag",
            "Error of mag_corr if the source is extended",
            required=False,
            sentinels=(NOT_USABLE,),
        ),
        column("isdiffpos", "isdiffpos", "int64", None, "meta.code", "+1 brighter, -1 fainter than the reference"),
        replace(_LIMIT, required=False),
        column("ra", "ra", "float64", u.deg, "pos.eq.ra", "Right ascension (ICRS)"),
        column("dec", "dec", "float64", u.deg, "pos.eq.dec", "Declination (ICRS)"),
        null("rb", "rb", "float64", None, "stat.probability", "Real-bogus score", required=False),
        null("rbversion", "rbversion", "str", None, "meta.version", "Version of rb", required=False),
        null("drb", "drb", "float64", None, "stat.probability", "Deep-learning real-bogus score", required=False),
        null("drbversion", "drbversion", "str", None, "meta.version", "Version of drb", required=False),
        null("mag_ap", "magap", "float64", u.mag, "phot.mag", "8 pixel aperture magnitude", required=False),
        null("mag_ap_err", "sigmagap", "float64", u.mag, "stat.error;phot.mag", "Error of mag_ap", required=False),
        null("mag_ap_corr", "magap_corr", "float64", u.mag, "phot.mag", "mag_ap plus reference", required=False),
        null(
            "mag_ap_corr_err",
            "sigmagap_corr",
            "float64",
            u.mag,
            "stat.error;phot.mag",
            "Error of mag_ap_corr",
            required=False,
        ),
        null("mag_apbig", "magapbig", "float64", u.mag, "phot.mag", "18 pixel aperture magnitude", required=False),
        null(
            "mag_apbig_err",
            "sigmagapbig",
            "float64",
            u.mag,
            "stat.error;phot.mag",
            "Error of mag_apbig",
            required=False,
        ),
        null(
            "mag_corr_ext", "magpsf_corr_ext", "float64", u.mag, "phot.mag", "Not filled by the service", required=False
        ),
        null(
            "distnr",
            "distnr",
            "float64",
            u.pix,
            "pos.angDistance",
            "Distance to the reference source",
            required=False,
            sentinels=(-99999.0,),
        ),
        null("rfid", "rfid", "int64", None, "meta.id", "Reference image", required=False),
        column("pid", "pid", "int64", None, "meta.id", "Processing identifier of the image"),
        column("nid", "nid", "int64", None, "meta.id;time.epoch", "Night", nullable=True, required=False),
        column("has_stamp", "has_stamp", "bool", None, "meta.code", "Image stamps exist"),
        column("corrected", "corrected", "bool", None, "meta.code", "mag_corr can be computed"),
        column("dubious", "dubious", "bool", None, "meta.code.qual", "The correction is doubtful"),
        null(
            "parent_candid",
            "parent_candid",
            "str",
            None,
            "meta.id.parent",
            "Alert whose history holds this detection",
            wire_dtype="id",
            required=False,
        ),
        null("candid_alert", "candid_alert", "str", None, "meta.id", "Not filled", wire_dtype="id", required=False),
        null("phase", "phase", "float64", None, "meta.note", "Not filled; not a phase", required=False),
        _STEP,
        _TID,
    ),
)

NON_DETECTIONS = TableSchema(
    "non_detections",
    "One row per exposure without a detection.",
    (_TIME, _BAND, _LIMIT, _TID),
)

MAGSTATS = TableSchema(
    "magstats",
    "One row per band.",
    (
        _BAND,
        null("stellar", "stellar", "bool", None, "src.class.starGalaxy", "Looks like a star"),
        null("corrected", "corrected", "bool", None, "meta.code", "Magnitudes corrected for the reference source"),
        column("ndet", "ndet", "int64", None, "meta.number", "Number of detections"),
        null("ndubious", "ndubious", "int64", None, "meta.number", "Number of doubtful corrections"),
        null("mag_mean", "magmean", "float64", u.mag, "phot.mag;stat.mean", "Mean difference magnitude"),
        null("mag_median", "magmedian", "float64", u.mag, "phot.mag;stat.median", "Median difference magnitude"),
        null("mag_max", "magmax", "float64", u.mag, "phot.mag;stat.max", "Faintest difference magnitude"),
        null("mag_min", "magmin", "float64", u.mag, "phot.mag;stat.min", "Brightest difference magnitude"),
        null("mag_sigma", "magsigma", "float64", u.mag, "stat.stdev;phot.mag", "Scatter; not filled by the service"),
        null("mag_last", "maglast", "float64", u.mag, "phot.mag", "Last difference magnitude"),
        null("mag_first", "magfirst", "float64", u.mag, "phot.mag", "First difference magnitude"),
        column("firstmjd", "firstmjd", "float64", None, "time.epoch;stat.min", "First detection", time=MJD_UTC),
        column("lastmjd", "lastmjd", "float64", None, "time.epoch;stat.max", "Last detection", time=MJD_UTC),
        _STEP,
    ),
)

PROBABILITIES = TableSchema(
    "probabilities",
    "One row per classifier, version and class.",
    (
        column("classifier", "classifier_name", "str", None, "meta.id", "Classifier"),
        column("classifier_version", "classifier_version", "str", None, "meta.version", "Its version", wire_dtype="id"),
        column("class_name", "class_name", "str", None, "src.class", "Class"),
        column("probability", "probability", "float64", None, "stat.probability", "Probability of the class"),
        column("ranking", "ranking", "int64", None, "meta.code", "1 is the most probable class of this version"),
    ),
)

FEATURES = TableSchema(
    "features",
    "One row per feature, band and version.",
    (
        column("name", "name", "str", None, "meta.id", "Feature"),
        null("value", "value", "float64", None, "stat.value", "Value, in the unit that the feature implies"),
        column(
            "band",
            "fid",
            "str",
            None,
            "instr.bandpass",
            "ZTF band; gr is both together, none is no band",
            wire_dtype="int",
            codes=FEATURE_BANDS,
        ),
        column("version", "version", "str", None, "meta.version", "Version of the feature step"),
    ),
)

LIGHTCURVE = TableSchema(
    "lightcurve",
    "Detections and non-detections in one body, all keys present; see those tables.",
    (),
)


def _f(name, wire, unit, ucd, description, **rules):
    """A number of forced photometry, in single precision widened to double as the service sends it."""
    return null(name, wire, "float64", unit, ucd, description, required=False, **rules)


_UNUSABLE = {"sentinels": (NOT_USABLE, NO_VALUE)}
FORCED_PHOTOMETRY = TableSchema(
    "forced_photometry",
    "One row per exposure, measured at the object's place whether or not there was an alert.",
    (
        column("candid", "candid", "str", None, "meta.id;meta.main", "Object and image; no alert has this id"),
        _TIME,
        _BAND,
        _f("mag", "mag", u.mag, "phot.mag", "PSF magnitude of the difference flux (AB)", **_UNUSABLE),
        _f("mag_err", "e_mag", u.mag, "stat.error;phot.mag", "Error of mag", **_UNUSABLE),
        _f("mag_corr", "mag_corr", u.mag, "phot.mag", "PSF magnitude of difference plus reference (AB)", **_UNUSABLE),
        _f(
            "mag_corr_err",
            "e_mag_corr",
            u.mag,
            "stat.error;phot.mag",
            "Error of mag_corr if the source is a point",
            **_UNUSABLE,
        ),
        _f(
            "mag_corr_err_ext",
            "e_mag_corr_ext",
            u.mag,
            "stat.error;phot.mag",
            "Error of mag_corr if the source is extended",
            **_UNUSABLE,
        ),
        column("isdiffpos", "isdiffpos", "int64", None, "meta.code", "+1 brighter, -1 fainter than the reference"),
        replace(_LIMIT, required=False),
        column("ra", "ra", "float64", u.deg, "pos.eq.ra", "Right ascension (ICRS)"),
        column("dec", "dec", "float64", u.deg, "pos.eq.dec", "Declination (ICRS)"),
        _f("ra_err", "e_ra", u.deg, "stat.error;pos.eq.ra", "Not filled by the service"),
        _f("dec_err", "e_dec", u.deg, "stat.error;pos.eq.dec", "Not filled by the service"),
        column("corrected", "corrected", "bool", None, "meta.code", "True also where mag_corr is unusable"),
        column("dubious", "dubious", "bool", None, "meta.code.qual", "The correction is doubtful"),
        null(
            "procstatus",
            "procstatus",
            "str",
            None,
            "meta.code.qual",
            "Codes of the processing, comma-separated: 0 good, 56 in use, 55 and 61 without usable magnitudes",
            required=False,
        ),
        column("has_stamp", "has_stamp", "bool", None, "meta.code", "Image stamps exist"),
        null(
            "parent_candid",
            "parent_candid",
            "str",
            None,
            "meta.id.parent",
            "Alert whose packet held this row",
            wire_dtype="id",
            required=False,
        ),
        column("pid", "pid", "int64", None, "meta.id", "Processing identifier of the image"),
        null("field", "field", "int64", None, "meta.id;instr.fov", "ZTF field", required=False),
        null("rcid", "rcid", "int64", None, "meta.id;instr.det", "Readout channel", required=False),
        null("rfid", "rfid", "int64", None, "meta.id", "Reference image", required=False),
        null("programid", "programid", "int64", None, "meta.id", "Programme: 1 public", required=False),
        _f("exptime", "exptime", u.s, "time.duration;obs.exposure", "Exposure time"),
        _f("adpctdif1", "adpctdif1", u.arcsec, "stat.stdev;pos.eq.ra", "Astrometric scatter in ra against Gaia"),
        _f("adpctdif2", "adpctdif2", u.arcsec, "stat.stdev;pos.eq.dec", "Astrometric scatter in dec against Gaia"),
        _f("sciinpseeing", "sciinpseeing", u.pix, "instr.obsty.seeing", "Seeing of the science image"),
        _f("scibckgnd", "scibckgnd", u.DN, "instr.background", "Background of the science image"),
        _f("scisigpix", "scisigpix", u.DN, "stat.stdev;instr.background", "Noise per pixel of the science image"),
        _f("magzpsci", "magzpsci", u.mag, "phot.calib", "Zero point of the science image"),
        _f("magzpsciunc", "magzpsciunc", u.mag, "stat.error;phot.calib", "Error of magzpsci"),
        _f("magzpscirms", "magzpscirms", u.mag, "stat.stdev;phot.calib", "Scatter of magzpsci"),
        _f("clrcoeff", "clrcoeff", None, "phot.calib;phot.color", "Colour coefficient of the calibration"),
        _f("clrcounc", "clrcounc", None, "stat.error;phot.calib", "Error of clrcoeff"),
        _f("distnr", "distnr", u.arcsec, "pos.angDistance", "Distance to the reference source", **_UNUSABLE),
        _f("ranr", "ranr", u.deg, "pos.eq.ra", "Right ascension of the reference source", sentinels=(NO_VALUE,)),
        _f("decnr", "decnr", u.deg, "pos.eq.dec", "Declination of the reference source", sentinels=(NO_VALUE,)),
        _f("magnr", "magnr", u.mag, "phot.mag", "Magnitude of the reference source", **_UNUSABLE),
        _f("sigmagnr", "sigmagnr", u.mag, "stat.error;phot.mag", "Error of magnr", **_UNUSABLE),
        _f("chinr", "chinr", None, "stat.fit.chi2", "DAOPhot chi of the reference source", sentinels=(NO_VALUE,)),
        _f("sharpnr", "sharpnr", None, "src.morph", "DAOPhot sharpness of the reference source", sentinels=(NO_VALUE,)),
        null("aid", "aid", "str", None, "meta.id", "Not filled by the service", required=False),
        null("sid", "sid", "str", None, "meta.id", "Not filled by the service", required=False),
        _TID,
    ),
)

CLASSIFIERS = TableSchema(
    "classifiers",
    "One row per classifier and version of the taxonomy; the versions of stored probabilities have other names.",
    (
        column("classifier", "classifier_name", "str", None, "meta.id", "Classifier"),
        column("classifier_version", "classifier_version", "str", None, "meta.version", "Its version"),
    ),
)

CLASSES = TableSchema(
    "classes",
    "One row per class of a classifier's version.",
    (column("class_name", "name", "str", None, "src.class", "Class"),),
)

LIMITS = TableSchema(
    "limits",
    "One row: the ranges of what objects can be selected by.",
    (
        column("min_ndet", "min_ndet", "int64", None, "meta.number;stat.min", "Fewest detections of an object"),
        column("max_ndet", "max_ndet", "int64", None, "meta.number;stat.max", "Most detections of an object"),
        column(
            "min_firstmjd",
            "min_firstmjd",
            "float64",
            None,
            "time.epoch;stat.min",
            "Earliest first detection",
            time=MJD_UTC,
        ),
        column(
            "max_firstmjd",
            "max_firstmjd",
            "float64",
            None,
            "time.epoch;stat.max",
            "Latest first detection",
            time=MJD_UTC,
        ),
    ),
)

TABLES = (
    OBJECTS,
    OBJECT,
    DETECTIONS,
    NON_DETECTIONS,
    FORCED_PHOTOMETRY,
    MAGSTATS,
    PROBABILITIES,
    FEATURES,
    CLASSIFIERS,
    CLASSES,
    LIMITS,
)
