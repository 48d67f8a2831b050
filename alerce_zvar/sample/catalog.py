"""What other surveys know of the sample sky: its stars in two catalogues of Gaia, and galaxies with their redshifts.

Distances follow from what a star is, for each kind has its absolute magnitude. Every supernova has a host galaxy a few
arcseconds away, at the redshift that its brightness asks for.
"""

import numpy as np
from astropy import units as u
from astropy.table import MaskedColumn, Table

from alerce_zvar.archive import sky
from alerce_zvar.sample.stars import CENTRE, RADIUS

__all__ = ["write_catalogs"]

_EXTRA = 60  # sources that have no light curve
_FAINTEST = 20.7  # G, of Gaia
_WITH_COLOURS, _WITH_TEFF = 20.0, 17.0  # G, to which there are BP and RP, and temperatures
# Absolute magnitudes in G, mean and scatter; stars of other kinds are on the main sequence.
_ABSOLUTE = {"RRab": (0.6, 0.15), "RRc": (0.5, 0.15), "DSCT": (1.6, 0.5), "LPV": (-1.5, 0.6), "CV": (9.0, 1.0)}
_GIANT = 1.9  # of the red giants in close binaries
_SUN = (4.67, 0.82)  # absolute G, BP - RP
_SLOPE = 3.6  # of the main sequence: magnitudes in G per magnitude in BP - RP
_HALO, _HALO_SPEED, _DISK_SPEED = ("RRab", "RRc"), 160.0, 35.0  # km/s in each direction across the line of sight
_AU_PER_YEAR = 4.740470463  # km/s

_FIELD_GALAXIES = 20
_SN_PEAK = -19.3  # absolute magnitude in g, type Ia
_HUBBLE_LENGTH = 299792.458 / 70.0  # Mpc
_BEND = 0.775  # (1 - q0) / 2, matter being three tenths


def write_catalogs(archive, rng, stars):
    """Store the catalogues GAIADR2 and GAIAEDR3, NEDz and SWIREz.

    Parameters
    ----------
    archive : Archive
        Open for writing.
    rng : `~numpy.random.Generator`
        Luck of the surveys.
    stars : iterable of Star
        The sample.
    """
    stars = list(stars)
    truth = _true_stars(rng, [star for star in stars if star.kind != "SN"])
    hosts, photometric = _galaxies(rng, [star for star in stars if star.kind == "SN"])
    for name, ra, dec, table, what in (
        ("GAIADR2", "RA", "Dec", _dr2(rng, truth), "Gaia DR2 in catsHTM's columns"),
        ("GAIAEDR3", "ra", "dec", _edr3(rng, truth), "Gaia EDR3 in the columns of Gaia's own archive"),
        ("NEDz", "RA", "Dec", hosts, "Galaxies with redshifts"),
        ("SWIREz", "RA", "Dec", photometric, "Galaxies with photometric redshifts"),
    ):
        archive.import_catalog(name, table, ra=ra, dec=dec, description=f"{what}, of the synthetic sky")


def _true_stars(rng, stars):
    """Columns of the stars that Gaia sees, as they are: position, kind, brightness, parallax, proper motion."""
    ra, dec = _scattered(rng, _EXTRA)
    blue, red = (np.array([star.mags[band] for star in stars]) for band in "gi")
    g_i = np.concatenate([blue - red, rng.normal(1.1, 0.5, _EXTRA)])
    # Good to some tenths of a magnitude, from A stars to M stars.
    mag = np.concatenate([blue, rng.uniform(18.5, 22.0, _EXTRA)]) - 0.07 - 0.5 * g_i - 0.08 * g_i**2
    kind = np.array([star.kind for star in stars] + ["constant"] * _EXTRA)
    found = {
        "ra": np.concatenate([[star.ra for star in stars], ra]),
        "dec": np.concatenate([[star.dec for star in stars], dec]),
        "mag": mag,
        "colour": 0.29 + 0.93 * g_i,
        "varies": ~np.isin(kind, ("constant", "bogus")),
    }
    absolute = _SUN[0] + _SLOPE * (found["colour"] - _SUN[1]) + rng.normal(0, 0.3, len(mag))
    for name, (mean, scatter) in _ABSOLUTE.items():
        absolute = np.where(kind == name, rng.normal(mean, scatter, len(mag)), absolute)
    absolute = np.where(kind == "EB", _GIANT, absolute)
    found["parallax"] = 10 ** (2 - 0.2 * (mag - absolute))
    speed = np.where(np.isin(kind, _HALO), _HALO_SPEED, _DISK_SPEED)
    for name in ("pmra", "pmdec"):
        found[name] = rng.normal(0, speed) / _AU_PER_YEAR * found["parallax"]
    return {name: values[mag < _FAINTEST] for name, values in found.items()}


def _scattered(rng, count):
    """Positions in the sample's cone [deg]."""
    distance = RADIUS.to_value(u.deg) * np.sqrt(rng.uniform(size=count))
    angle = rng.uniform(0, 2 * np.pi, count)
    dec = CENTRE.dec.deg + distance * np.sin(angle)
    return (CENTRE.ra.deg + distance * np.cos(angle) / np.cos(np.radians(dec))) % 360, dec


def _measured(rng, truth, quality):
    """What Gaia measures of the stars, and its errors; `quality` is the error of a bright star's parallax [mas]."""
    error = quality * np.sqrt(1 + 10 ** (0.55 * (truth["mag"] - 15.5)))
    found = {"parallax_error": error, "pmra_error": 1.9 * error, "pmdec_error": 1.8 * error}
    found |= {"ra_error": 0.8 * error, "dec_error": 0.7 * error}
    for name in ("parallax", "pmra", "pmdec"):
        found[name] = rng.normal(truth[name], found[f"{name}_error"])
    mas = u.mas.to(u.deg)
    found["dec"] = rng.normal(truth["dec"], found["dec_error"] * mas)
    found["ra"] = rng.normal(truth["ra"], found["ra_error"] * mas / np.cos(np.radians(truth["dec"]))) % 360
    for band, part, floor in (("g", 0.0, 0.0003), ("bp", 0.39, 0.003), ("rp", -0.61, 0.003)):
        noise = floor * np.sqrt(1 + 10 ** (0.6 * (truth["mag"] - 14.0)))
        noise = np.where(truth["varies"], np.hypot(noise, 0.02), noise)
        missing = (truth["mag"] > _WITH_COLOURS) & (band != "g")
        found[f"mag_{band}"] = _nulls(rng.normal(truth["mag"] + part * truth["colour"], noise), missing)
        found[f"err_{band}"] = _nulls(noise, missing)
    return found


def _nulls(values, missing):
    return np.ma.array(values, mask=missing)


def _table(columns):
    """Table of (name, values, unit, description[, unit as catsHTM writes it])."""
    table = Table()
    for name, values, unit, description, *spelling in columns:
        table[name] = MaskedColumn(values, unit=unit, description=description)
        table[name].info.meta = {"wire_unit": spelling[0]} if spelling else {}
    return table


def _dr2(rng, truth):
    """In the columns of the recorded answer (reference/alerce.md 8)."""
    seen = _measured(rng, truth, 0.04)
    bright = truth["mag"] < _WITH_TEFF
    nothing = np.ma.masked_all(len(bright))
    teff = _nulls(rng.normal(np.clip(4600.0 / np.clip(truth["colour"], 0.3, 2) ** 0.5, 3300, 9500), 150), ~bright)
    noise = rng.chisquare(2, len(bright)) * 0.1
    return _table(
        (
            ("RA", seen["ra"], u.deg, "Right ascension (ICRS)"),
            ("Dec", seen["dec"], u.deg, "Declination (ICRS)"),
            ("Epoch", np.full(len(bright), 2015.5), u.yr, "Epoch of the position", "JYear"),
            ("ErrRA", seen["ra_error"], u.mas, "Error of RA"),
            ("ErrDec", seen["dec_error"], u.mas, "Error of Dec"),
            ("RA_Dec_Corr", rng.uniform(-0.3, 0.3, len(bright)), None, "Correlation of RA and Dec"),
            ("Plx", seen["parallax"], u.mas, "Parallax"),
            ("ErrPlx", seen["parallax_error"], u.mas, "Error of the parallax"),
            ("PMRA", seen["pmra"], u.mas / u.yr, "Proper motion in RA, times cos(Dec)"),
            ("ErrPMRA", seen["pmra_error"], u.mas / u.yr, "Error of PMRA"),
            ("PMDec", seen["pmdec"], u.mas / u.yr, "Proper motion in Dec"),
            ("ErrPMDec", seen["pmdec_error"], u.mas / u.yr, "Error of PMDec"),
            ("ExcessNoise", noise, u.mas, "Excess noise of the position"),
            ("ExcessNoiseSig", noise * 6, None, "Its significance"),
            ("Mag_G", seen["mag_g"], u.mag, "Magnitude in G"),
            ("MagErr_G", seen["err_g"], u.mag, "Error of Mag_G"),
            ("Mag_BP", seen["mag_bp"], u.mag, "Magnitude in BP"),
            ("MagErr_BP", seen["err_bp"], u.mag, "Error of Mag_BP"),
            ("Mag_RP", seen["mag_rp"], u.mag, "Magnitude in RP"),
            ("MagErr_RP", seen["err_rp"], u.mag, "Error of Mag_RP"),
            ("RV", nothing, u.km / u.s, "Radial velocity"),
            ("ErrRV", nothing, u.km / u.s, "Error of RV"),
            ("VarFlag", np.where(truth["varies"], 1.0, -1.0), None, "1 if it varies"),
            ("Teff", teff, u.K, "Effective temperature"),
            ("Teff_low", teff - 200, u.K, "Its lower bound"),
            ("Teff_high", teff + 200, u.K, "Its upper bound"),
            ("A_G", nothing, u.mag, "Extinction in G"),
        )
    )


def _edr3(rng, truth):
    """The 13 columns that ZVAR gives of Gaia (reference/zvar.md 1.5), with Gaia's id, errors of position and colour."""
    seen = _measured(rng, truth, 0.03)
    # Gaia's ids begin with the pixel, of order 12.
    ids = (sky.pixel(seen["ra"], seen["dec"]) >> 2 * (sky.ORDER - 12) << 35) + (np.arange(len(seen["ra"])) + 1 << 7)
    rate = u.mas / u.yr
    return _table(
        (
            ("source_id", ids, None, "Identifier"),
            ("ra", seen["ra"], u.deg, "Right ascension (ICRS), epoch 2016.0"),
            ("ra_error", seen["ra_error"], u.mas, "Error of ra"),
            ("dec", seen["dec"], u.deg, "Declination (ICRS), epoch 2016.0"),
            ("dec_error", seen["dec_error"], u.mas, "Error of dec"),
            ("parallax", seen["parallax"], u.mas, "Parallax"),
            ("parallax_error", seen["parallax_error"], u.mas, "Error of the parallax"),
            ("pm", np.hypot(seen["pmra"], seen["pmdec"]), rate, "Total proper motion"),
            ("pmra", seen["pmra"], rate, "Proper motion in ra, times cos(dec)"),
            ("pmra_error", seen["pmra_error"], rate, "Error of pmra"),
            ("pmdec", seen["pmdec"], rate, "Proper motion in dec"),
            ("pmdec_error", seen["pmdec_error"], rate, "Error of pmdec"),
            ("phot_g_mean_mag", seen["mag_g"], u.mag, "Mean magnitude in G"),
            ("phot_bp_mean_mag", seen["mag_bp"], u.mag, "Mean magnitude in BP"),
            ("phot_rp_mean_mag", seen["mag_rp"], u.mag, "Mean magnitude in RP"),
            ("bp_rp", seen["mag_bp"] - seen["mag_rp"], u.mag, "Colour BP - RP"),
        )
    )


def _galaxies(rng, supernovae):
    """Hosts and field galaxies: one catalogue from spectra, in which the last host has none, and one from colours."""
    far = (np.array([star.mags["g"] for star in supernovae]) - _SN_PEAK + 5) / 5 - 6  # log10 of Mpc
    z = np.concatenate([_redshift(10**far), rng.uniform(0.05, 0.4, _FIELD_GALAXIES)])
    ra, dec = _scattered(rng, _FIELD_GALAXIES)
    apart, angle = rng.uniform(1.5, 4.0, len(far)) / 3600, rng.uniform(0, 2 * np.pi, len(far))
    host_dec = np.array([star.dec for star in supernovae]) + apart * np.sin(angle)
    host_ra = [star.ra for star in supernovae] + apart * np.cos(angle) / np.cos(np.radians(host_dec))
    position = (
        ("RA", np.concatenate([host_ra % 360, ra]), u.deg, "Right ascension (ICRS)"),
        ("Dec", np.concatenate([host_dec, dec]), u.deg, "Declination (ICRS)"),
    )
    unknown = np.arange(len(z)) == len(far) - 1
    photometric = rng.normal(z, 0.03 * (1 + z))
    return (
        _table((*position, ("z", _nulls(z, unknown), None, "Redshift"))),
        _table((*position, ("zphot", np.clip(photometric, 0.01, None), None, "Photometric redshift"))),
    )


def _redshift(distance):
    """Redshift of a luminosity distance [Mpc], by the first two terms of its series."""
    return (np.sqrt(1 + 4 * _BEND * distance / _HUBBLE_LENGTH) - 1) / (2 * _BEND)
