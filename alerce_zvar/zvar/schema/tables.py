"""ZVAR's own tables: sources, light curves, periods, photometry, logs (reference/zvar.md 1.5)."""

from astropy import units as u

from alerce_zvar.wire.spec import TableSchema
from alerce_zvar.zvar.schema.words import column, null

__all__ = [
    "BANDS",
    "FIELDS",
    "LIGHTCURVES",
    "LOGS",
    "N_BINS",
    "OBJECTS",
    "PERIODS",
    "PHOTOMETRY_FLUX",
    "PHOTOMETRY_MAG",
]

BANDS = ("g", "r", "i")
N_BINS = (5, 10, 20)  # phase bins of the three FPW searches per light curve
_BJD_TDB = ("jd", "tdb")

_PSID = column("psid", "psid", "str", None, "meta.id;meta.main", "PanSTARRS object identifier", wire_dtype="id")
_FILE = (
    column("field", "field", "int64", None, "meta.id;obs.field", "ZTF field"),
    column("ccd", "ccd", "int64", None, "meta.id;instr.det", "CCD, 1 to 16"),
    column("quad", "quad", "int64", None, "meta.id;instr.det", "Quadrant of the CCD, 1 to 4"),
)
_BAND = column("band", "band", "str", None, "instr.bandpass", "ZTF band")

OBJECTS = TableSchema(
    "objects",
    "One row per source.",
    (
        _PSID,
        column("ra", "ra", "float64", u.deg, "pos.eq.ra;meta.main", "Right ascension (ICRS), in single precision"),
        column("dec", "dec", "float64", u.deg, "pos.eq.dec;meta.main", "Declination (ICRS), in single precision"),
        null("objtype", "objtype", "int64", None, "src.class", "DoPHOT type: 1 star, 2 extended, 3 blend, ..."),
    ),
)

LIGHTCURVES = TableSchema(
    "lightcurves",
    "One row per light curve of a source: field, CCD, quadrant and band ('matchfile').",
    (
        *_FILE,
        _BAND,
        column("n_exposures", "nb_exposures", "int64", None, "meta.number;obs", "Exposures, with non-detections"),
        null("idx", "idx", "int64", None, "meta.record", "Row of the source in the service's file"),
        null("amplitude", "amplitude", "float32", u.mag, "src.var.amplitude", "Amplitude; estimator not published"),
        null("min_mag", "min_mag", "float32", u.mag, "phot.mag;stat.min", "Brightest magnitude (AB)"),
        null("max_mag", "max_mag", "float32", u.mag, "phot.mag;stat.max", "Faintest magnitude (AB)"),
    ),
)

PERIODS = TableSchema(
    "periods",
    "One row per light curve and number of phase bins: the best period of the FPW search.",
    (
        *_FILE,
        _BAND,
        column("period", "period", "float64", u.d, "time.period", "Best period"),
        null("significance", "significance", "float64", None, "stat.snr", "Significance of the peak"),
        null("string_length", "string_length", "float64", None, "stat.value", "Length of the folded string"),
        column("n_bins", "bin", "int64", None, "meta.number", "Phase bins of the search: 5, 10 or 20"),
    ),
)

_PHOTOMETRY_HEAD = (
    column("time", "time", "float64", None, "time.epoch", "Barycentric time, start of the exposure", time=_BJD_TDB),
    _BAND,
)
_FLUX = (
    null("flux", "flux", "float32", u.DN, "phot.count", "Difference flux", required=False),
    null("flux_err", "fluxerr", "float32", u.DN, "stat.error;phot.count", "Error of the flux", required=False),
)

PHOTOMETRY_MAG = TableSchema(
    "photometry_mag",
    "One row per exposure, format 'mag'.",
    (
        *_PHOTOMETRY_HEAD,
        null("mag", "mag", "float32", u.mag, "phot.mag", "Magnitude of the total flux (AB)"),
        null("mag_err", "magerr", "float32", u.mag, "stat.error;phot.mag", "Error of the magnitude"),
        null("limiting_mag", "limmag", "float32", u.mag, "phot.mag;stat.max", "Limit of a non-detection (AB)"),
        *_FLUX,
        null("snr_total", "snr", "float32", None, "stat.snr", "Signal to noise of the total flux"),
        *_FILE,
    ),
)

PHOTOMETRY_FLUX = TableSchema(
    "photometry_flux",
    "One row per exposure, format 'flux'.",
    (
        *_PHOTOMETRY_HEAD,
        *_FLUX,
        null("snr_diff", "snr", "float32", None, "stat.snr", "Signal to noise of the difference flux"),
        null("magzp", "magzp", "float64", u.mag, "phot.mag;arith.zp", "Zero point (AB)"),
        null("mag_ref", "mag_ref", "float64", u.mag, "phot.mag", "Magnitude of the reference flux, zero point 0"),
        *_FILE,
    ),
)

LOGS = TableSchema(
    "processing_logs",
    "One row per processed field, CCD, quadrant and band.",
    (
        _FILE[0],
        null("ccd", "ccd", "int64", None, "meta.id;instr.det", "CCD, 1 to 16", required=False),
        null("quad", "quad", "int64", None, "meta.id;instr.det", "Quadrant of the CCD, 1 to 4", required=False),
        null("band", "band", "str", None, "instr.bandpass", "ZTF band", required=False),
    ),
)

FIELDS = TableSchema(
    "fields",
    "One row per field; counted here from the logs.",
    (_FILE[0], column("n_logs", "n_logs", "int64", None, "meta.number", "Logs: CCDs, quadrants and bands processed")),
)
