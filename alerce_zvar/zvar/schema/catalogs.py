"""Catalogues that ZVAR matches its sources with (reference/zvar.md 1.5).

Only Gaia's columns were seen in an answer. Those of the others are guessed from the names that the operators' other
software uses: any may be absent, and what the service gives besides is kept under its own name, without unit.
"""

from types import MappingProxyType

from astropy import units as u

from alerce_zvar.wire.spec import TableSchema
from alerce_zvar.zvar.schema.words import column, null

__all__ = ["CATALOGS", "CATALOG_LIST", "MATCHES", "SEEN"]

_MAS_YR = u.mas / u.yr
_ID = column("source_id", "id", "str", None, "meta.id;meta.main", "Identifier in the catalogue", wire_dtype="id")


def _position(epoch):
    return (
        null("ra", "ra", "float64", u.deg, "pos.eq.ra;meta.main", f"Right ascension (ICRS), {epoch}", required=False),
        null("dec", "dec", "float64", u.deg, "pos.eq.dec;meta.main", f"Declination (ICRS), {epoch}", required=False),
    )


def _number(name, unit, ucd, description):
    return null(name, name, "float64", unit, ucd, description, required=False)


def _brightness(mag, mag_err, band, what):
    yield _number(mag, u.mag, f"phot.mag;{band}", f"Magnitude in {what}")
    if mag_err:
        yield _number(mag_err, u.mag, f"stat.error;phot.mag;{band}", f"Its error in {what}")


def _catalog(name, description, epoch, *bands, more=()):
    columns = (_ID, *_position(epoch), *(part for band in bands for part in _brightness(*band)), *more)
    return TableSchema(name, description, columns)


GAIA = _catalog(
    "gaia",
    "Gaia: one row per source.",
    "epoch J2016.0",
    ("phot_g_mean_mag", None, "em.opt", "G (Vega)"),
    ("phot_bp_mean_mag", None, "em.opt.B", "BP (Vega)"),
    ("phot_rp_mean_mag", None, "em.opt.R", "RP (Vega)"),
    more=(
        _number("parallax", u.mas, "pos.parallax.trig", "Parallax"),
        _number("parallax_error", u.mas, "stat.error;pos.parallax.trig", "Error of the parallax"),
        _number("pm", _MAS_YR, "pos.pm", "Proper motion"),
        _number("pmra", _MAS_YR, "pos.pm;pos.eq.ra", "Proper motion in right ascension, times cos(dec)"),
        _number("pmra_error", _MAS_YR, "stat.error;pos.pm;pos.eq.ra", "Its error"),
        _number("pmdec", _MAS_YR, "pos.pm;pos.eq.dec", "Proper motion in declination"),
        _number("pmdec_error", _MAS_YR, "stat.error;pos.pm;pos.eq.dec", "Its error"),
    ),
)
PS1 = _catalog(
    "ps1",
    "Pan-STARRS1: one row per source.",
    "epoch of the survey",
    ("gMeanPSFMag", "gMeanPSFMagErr", "em.opt.B", "g (AB)"),
    ("rMeanPSFMag", "rMeanPSFMagErr", "em.opt.R", "r (AB)"),
    ("iMeanPSFMag", "iMeanPSFMagErr", "em.opt.I", "i (AB)"),
    ("zMeanPSFMag", "zMeanPSFMagErr", "em.opt.I", "z (AB)"),
    ("yMeanPSFMag", "yMeanPSFMagErr", "em.IR.NIR", "y (AB)"),
)
GALEX = _catalog(
    "galex",
    "GALEX: one row per source.",
    "epoch of the survey",
    ("FUVmag", "e_FUVmag", "em.UV.100-200nm", "FUV (AB)"),
    ("NUVmag", "e_NUVmag", "em.UV.200-300nm", "NUV (AB)"),
)
TWOMASS = _catalog(
    "2mass",
    "2MASS point sources: one row per source.",
    "epoch of the survey",
    ("j_m", "j_cmsig", "em.IR.J", "J (Vega)"),
    ("h_m", "h_cmsig", "em.IR.H", "H (Vega)"),
    ("k_m", "k_cmsig", "em.IR.K", "K_s (Vega)"),
)
ALLWISE = _catalog(
    "allwise",
    "AllWISE: one row per source.",
    "epoch of the survey",
    ("w1mpro", "w1sigmpro", "em.IR.3-4um", "W1 (Vega)"),
    ("w2mpro", "w2sigmpro", "em.IR.4-8um", "W2 (Vega)"),
    ("w3mpro", "w3sigmpro", "em.IR.8-15um", "W3 (Vega)"),
    ("w4mpro", "w4sigmpro", "em.IR.15-30um", "W4 (Vega)"),
)

CATALOGS = MappingProxyType({schema.name: schema for schema in (GAIA, PS1, GALEX, TWOMASS, ALLWISE)})
SEEN = ("gaia",)  # of which an answer was recorded

CATALOG_LIST = TableSchema(
    "catalogs",
    "One row per catalogue that sources are matched with.",
    (
        column("name", "name", "str", None, "meta.id;meta.main", "Name in requests"),
        column("description", "description", "str", None, "meta.note", "What it is"),
        column("columns", "columns", "str", None, "meta.note", "Columns that are expected, separated by commas"),
        column("seen", "seen", "bool", None, "meta.code", "False where the columns are guessed"),
    ),
)

# What `query_external` puts before the columns of a source.
MATCHES = TableSchema(
    "matches",
    "One row per source of a catalogue and ZVAR source near it, before the columns of 'objects'.",
    (
        _ID,
        null("separation", "separation", "float64", u.arcsec, "pos.angDistance", "Angle between them; computed here"),
    ),
)
