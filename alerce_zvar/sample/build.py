"""`build_sample`: stars, exposures, measurements, and an archive of them."""

from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Table
from astropy.time import Time

from alerce_zvar.archive import Archive
from alerce_zvar.errors import shown
from alerce_zvar.sample.catalog import write_catalogs
from alerce_zvar.sample.forced import add_forced_photometry
from alerce_zvar.sample.lsst import add_lsst
from alerce_zvar.sample.observe import make_cadence, measure
from alerce_zvar.sample.services import feature_table, period_table, probability_table
from alerce_zvar.sample.stamps import add_alerts
from alerce_zvar.sample.stars import draw_stars
from alerce_zvar.sample.survey_catalogs import write_survey_catalogs
from alerce_zvar.sample.taxonomy import taxonomy
from alerce_zvar.sample.truth import write_truth
from alerce_zvar.zvar.photometry import LIMIT_SNR

__all__ = ["build_sample", "check_seed"]


def build_sample(path, *, seed=0, progress=None):
    """Archive of a synthetic small sky: 300 sources in a cone of 8 arcmin, observed over five years as by ZTF.

    Most sources are constant; the others are RR Lyrae (RRab, RRc), eclipsing binaries (EA, EW; EB with a red giant),
    delta Scuti and long-period variables, dwarf novae, supernovae and artefacts. Both services' tables are filled. Only
    what varies has alerts, and those only when it differs by 5 sigma from its reference image; two of each object's
    alerts have packets with image stamps, and the last year has forced photometry. The twelve faintest variable stars
    are objects of LSST too, with detections, forced photometry, classes and stamps. Catalogues in the manner of Gaia,
    GALEX, Pan-STARRS1, 2MASS and AllWISE, and of galaxies with redshifts, cover the same cone. The same seed gives the
    same content. `sample_truth` tells what every source is.

    Parameters
    ----------
    path : str or path-like
        File to make.
    seed : int
        Which sky; 0 or more.
    progress : callable, optional
        Called as ``progress(done, total, what)``.

    Returns
    -------
    `~alerce_zvar.archive.Archive`
        Open for reading and writing; close it, or use it in a ``with`` block.

    Raises
    ------
    ArchiveError
        The file exists, or cannot be made.
    ValueError
        `seed` is not a whole number of at least 0.

    Examples
    --------
    >>> from alerce_zvar.sample import build_sample, sample_truth
    >>> with build_sample("small_sky.duckdb", seed=1) as archive:  # doctest: +SKIP
    ...     truth = sample_truth(archive)
    """
    check_seed(seed)
    rng = np.random.default_rng(seed)
    archive = Archive.create(path)
    try:
        _fill(archive, rng, progress or _silent)
    except BaseException:
        archive.close()
        Path(path).unlink(missing_ok=True)
        raise
    return archive


def check_seed(seed):
    """Refuse what is not the number of a sky."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be a whole number of at least 0, not {shown(seed)}")


def _silent(done, total, what):
    """No progress is told."""


def _fill(archive, rng, progress):
    stars = {f"sample-{number:03d}": star for number, star in enumerate(draw_stars(rng), start=1)}
    cadence = make_cadence(rng)
    measured = {name: [] for name in stars}
    for number, visits in enumerate(cadence):
        progress(number, len(cadence), "observing")
        arrivals = visits.arrivals(stars.values())
        for (name, star), bjd in zip(stars.items(), arrivals, strict=True):
            measured[name].append(measure(rng, star, visits, bjd))
    for alerts in (True, False):
        chosen = {name: star for name, star in stars.items() if star.has_alerts == alerts}
        snr = LIMIT_SNR if alerts else None
        archive.import_table(_table(chosen, measured), alerts=alerts, alert_snr=snr, progress=progress)
    progress(0, 1, "classifying")
    write_truth(archive, stars)
    _conclude(archive, rng, stars, _statistics(measured, stars))
    write_catalogs(archive, rng.spawn(1)[0], stars.values())
    add_alerts(archive, rng.spawn(1)[0])
    add_forced_photometry(archive, rng.spawn(1)[0], stars)
    archive.add_classifiers(taxonomy())
    add_lsst(archive, rng.spawn(1)[0], stars.values())
    write_survey_catalogs(archive, rng.spawn(1)[0], stars.values())
    progress(1, 1, "classified")


def _table(stars, measured):
    """Rows of all these stars, as `Archive.import_table` takes them."""
    parts = [(name, part) for name in stars for part in measured[name]]
    sizes = [len(part["mjd"]) for _, part in parts]
    columns = {key: np.concatenate([part[key] for _, part in parts]) for key in parts[0][1]}
    table = Table({"time": Time(columns.pop("mjd"), format="mjd", scale="utc")})
    table["name"] = np.repeat([name for name, _ in parts], sizes)
    for key in ("ra", "dec"):
        table[key] = np.repeat([getattr(stars[name], key) for name, _ in parts], sizes) * u.deg
    table["objtype"] = 1
    for key, values in columns.items():
        table[key] = values
    return table


def _statistics(measured, stars):
    """(name, field, band) -> number of detections, median error, and length of the folded string of magnitudes."""
    found = {}
    for name, parts in measured.items():
        for part in parts:
            mag, error = part["mag"][~np.isnan(part["mag"])], part["mag_err"][~np.isnan(part["mag"])]
            if len(mag):
                band = str(part["band"][0])
                # Neighbours on the string differ by noise, 2/sqrt(pi) sigma on average, and it goes up and down once.
                length = 2 * stars[name].amplitudes[band] * stars[name].is_periodic + 2 / np.sqrt(np.pi) * error.sum()
                found[name, int(part["field"][0]), band] = (len(mag), float(np.median(error)), float(length))
    return found


def _conclude(archive, rng, stars, light_curves):
    sources = archive.sources()
    psids = dict(zip(sources["name"], sources["psid"], strict=True))
    known = sources[~np.ma.getmaskarray(sources["oid"])]
    found = archive.query("SELECT oid FROM objects")["oid"]
    oids = {str(row["name"]): str(row["oid"]) for row in known if row["oid"] in set(found)}
    oids = {name: oids[name] for name in stars if name in oids}
    archive.add_periods(period_table(rng, psids, stars, light_curves))
    archive.add_probabilities(probability_table(rng, oids, stars))
    archive.add_features(feature_table(rng, oids, stars, light_curves))
