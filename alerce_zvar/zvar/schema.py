"""What is known of ZVAR's API v0.2.1: tables, parameters, endpoints. Data only."""

from functools import partial

from astropy import units as u

from alerce_zvar.wire.spec import Column, Endpoint, Param, TableSchema

__all__ = ["BANDS", "DEFAULTS", "ENDPOINTS", "N_BINS", "TABLES"]

BANDS = ("g", "r", "i")
N_BINS = (5, 10, 20)  # phase bins of the three FPW searches per light curve
LOCAL_PREFIX = "/zvar/api"  # where the local server keeps this service
MAX_POSITIONS = 1000
MAX_IDS = 1000
MAX_PHOTOMETRY_IDS = 500
MAX_RADIUS = 600.0  # arcsec
DEFAULTS = {"bands": ("g", "r"), "format": "mag"}  # of parameters that are left out, by their names on the wire
BJD_TDB = ("jd", "tdb")
TIME_ASSUMPTION = (
    "time is barycentric (the service says 'bjd'); its scale is not stated by the service and is taken as TDB, "
    "and it marks the start of the exposure"
)


def _c(name, wire, dtype, unit, ucd, description, **rules):
    return Column(name=name, wire=wire, dtype=dtype, unit=unit, ucd=ucd, description=description, **rules)


_null = partial(_c, nullable=True)
_PSID = _c("psid", "psid", "str", None, "meta.id;meta.main", "PanSTARRS object identifier", wire_dtype="id")
_FILE = (
    _c("field", "field", "int64", None, "meta.id;obs.field", "ZTF field"),
    _c("ccd", "ccd", "int64", None, "meta.id;instr.det", "CCD, 1 to 16"),
    _c("quad", "quad", "int64", None, "meta.id;instr.det", "Quadrant of the CCD, 1 to 4"),
)
_BAND = _c("band", "band", "str", None, "instr.bandpass", "ZTF band")

OBJECTS = TableSchema(
    "objects",
    "One row per source.",
    (
        _PSID,
        _c("ra", "ra", "float64", u.deg, "pos.eq.ra;meta.main", "Right ascension (ICRS), in single precision"),
        _c("dec", "dec", "float64", u.deg, "pos.eq.dec;meta.main", "Declination (ICRS), in single precision"),
        _c(
            "objtype",
            "objtype",
            "int64",
            None,
            "src.class",
            "DoPHOT type: 1 star, 2 extended, 3 blend, ...",
            nullable=True,
        ),
    ),
)

LIGHTCURVES = TableSchema(
    "lightcurves",
    "One row per light curve of a source: field, CCD, quadrant and band ('matchfile').",
    (
        *_FILE,
        _BAND,
        _c("n_exposures", "nb_exposures", "int64", None, "meta.number;obs", "Exposures, with non-detections"),
        _c("idx", "idx", "int64", None, "meta.record", "Row of the source in the service's file", nullable=True),
        _null("amplitude", "amplitude", "float32", u.mag, "src.var.amplitude", "Amplitude; estimator not published"),
        _null("min_mag", "min_mag", "float32", u.mag, "phot.mag;stat.min", "Brightest magnitude (AB)"),
        _null("max_mag", "max_mag", "float32", u.mag, "phot.mag;stat.max", "Faintest magnitude (AB)"),
    ),
)

PERIODS = TableSchema(
    "periods",
    "One row per light curve and number of phase bins: the best period of the FPW search.",
    (
        *_FILE,
        _BAND,
        _c("period", "period", "float64", u.d, "time.period", "Best period"),
        _null("significance", "significance", "float64", None, "stat.snr", "Significance of the peak"),
        _null("string_length", "string_length", "float64", None, "stat.value", "Length of the folded string"),
        _c("n_bins", "bin", "int64", None, "meta.number", "Phase bins of the search: 5, 10 or 20"),
    ),
)

_PHOTOMETRY_HEAD = (
    _c("time", "time", "float64", None, "time.epoch", "Barycentric time, start of the exposure", time=BJD_TDB),
    _BAND,
)
_FLUX = (
    _null("flux", "flux", "float32", u.DN, "phot.count", "Difference flux", required=False),
    _null("flux_err", "fluxerr", "float32", u.DN, "stat.error;phot.count", "Error of the flux", required=False),
)

PHOTOMETRY_MAG = TableSchema(
    "photometry_mag",
    "One row per exposure, format 'mag'.",
    (
        *_PHOTOMETRY_HEAD,
        _null("mag", "mag", "float32", u.mag, "phot.mag", "Magnitude of the total flux (AB)"),
        _null("mag_err", "magerr", "float32", u.mag, "stat.error;phot.mag", "Error of the magnitude"),
        _null("limiting_mag", "limmag", "float32", u.mag, "phot.mag;stat.max", "Limit of a non-detection (AB)"),
        *_FLUX,
        _null("snr_total", "snr", "float32", None, "stat.snr", "Signal to noise of the total flux"),
        *_FILE,
    ),
)

PHOTOMETRY_FLUX = TableSchema(
    "photometry_flux",
    "One row per exposure, format 'flux'.",
    (
        *_PHOTOMETRY_HEAD,
        *_FLUX,
        _null("snr_diff", "snr", "float32", None, "stat.snr", "Signal to noise of the difference flux"),
        _null("magzp", "magzp", "float64", u.mag, "phot.mag;arith.zp", "Zero point (AB)"),
        _null("mag_ref", "mag_ref", "float64", u.mag, "phot.mag", "Magnitude of the reference flux, zero point 0"),
        *_FILE,
    ),
)

LOGS = TableSchema(
    "processing_logs",
    "One row per processed field, CCD, quadrant and band.",
    (
        _FILE[0],
        _null("ccd", "ccd", "int64", None, "meta.id;instr.det", "CCD, 1 to 16", required=False),
        _null("quad", "quad", "int64", None, "meta.id;instr.det", "Quadrant of the CCD, 1 to 4", required=False),
        _null("band", "band", "str", None, "instr.bandpass", "ZTF band", required=False),
    ),
)

TABLES = (OBJECTS, LIGHTCURVES, PERIODS, PHOTOMETRY_MAG, PHOTOMETRY_FLUX, LOGS)


def _p(name, kind, description, **rules):
    rules.setdefault("wire", name)
    return Param(name=name, kind=kind, description=description, where="body", **rules)


FILTERS = (
    _p("min_period", "quantity", "Least period of any period of the source.", unit=u.d, minimum=0.0),
    _p("max_period", "quantity", "Greatest period of any period of the source.", unit=u.d, minimum=0.0),
    _p("min_significance", "float", "Least significance; needs a cut on the period."),
    _p("min_amplitude", "quantity", "Least amplitude of any light curve.", unit=u.mag, bare=True, minimum=0.0),
    _p("max_amplitude", "quantity", "Greatest amplitude of any light curve.", unit=u.mag, bare=True, minimum=0.0),
    _p("min_exposures", "int", "Least number of exposures of any light curve.", minimum=0),
    _p("objtype", "int", "DoPHOT type of the source.", minimum=0),
)
_RADIUS = _p("radius", "quantity", "Radius of the cones.", unit=u.arcsec, minimum=0.0, maximum=MAX_RADIUS)
_IDS = partial(_p, "ids", "digits", "Source ids.", wire="psids", required=True)
_SOURCE = "reference/zvar.md 1.3"

ENDPOINTS = (
    Endpoint(
        name="cone_search",
        path="/cone_search",
        method="POST",
        private=True,
        params=(
            _p("positions", "position", "Named positions.", many=MAX_POSITIONS, required=True),
            _RADIUS,
            *FILTERS,
        ),
        answer=OBJECTS,
        description="Sources around positions.",
        source=_SOURCE,
    ),
    Endpoint(
        name="object",
        path="/object/{psid}",
        private=True,
        params=(Param(name="psid", wire="psid", kind="digits", where="path", required=True, description="Source id."),),
        answer=OBJECTS,
        description="One source.",
        source=_SOURCE,
    ),
    Endpoint(
        name="objects",
        path="/objects",
        method="POST",
        private=True,
        params=(_IDS(many=MAX_IDS),),
        answer=OBJECTS,
        description="Sources by id.",
        source=_SOURCE,
    ),
    Endpoint(
        name="photometry",
        path="/photometry",
        method="POST",
        private=True,
        params=(
            _IDS(many=MAX_PHOTOMETRY_IDS),
            _p("bands", "str", "Bands.", many=3, choices=BANDS),
            _p("format", "str", "Magnitudes of the total flux, or difference fluxes.", choices=("mag", "flux")),
        ),
        answer=PHOTOMETRY_MAG,
        description="Light curves by id.",
        source=_SOURCE,
    ),
    Endpoint(
        name="processing_logs",
        path="/processing_logs",
        private=True,
        answer=LOGS,
        description="What has been processed.",
        source=_SOURCE,
    ),
)
