"""The demo: the journey from a position to folded light curves, on the sample sky, with the public classes only."""

import os
import re
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table
from astropy.timeseries import TimeSeries

from alerce_zvar.alerce.core import AlerceClass
from alerce_zvar.archive import Archive
from alerce_zvar.errors import ArchiveError, require
from alerce_zvar.folding import fold
from alerce_zvar.period import PeriodResult, find_period
from alerce_zvar.sample.build import build_sample, check_seed
from alerce_zvar.sample.report import write_report
from alerce_zvar.sample.stars import CENTRE, RADIUS
from alerce_zvar.sample.truth import sample_truth
from alerce_zvar.server import serve
from alerce_zvar.zvar.core import ZvarClass

__all__ = ["Example", "run_demo"]

CLASSIFIER = {"classifier": "lc_classifier", "classifier_version": "lc_classifier_1.1.13", "ranking": 1}
SEARCH = {"minimum_period": 0.04 * u.day, "maximum_period": 500 * u.day, "nterms": 4}
MIN_SNR = 5
OPTIONS = {"classifier": CLASSIFIER, "search": SEARCH, "min_snr": MIN_SNR}  # which the report repeats
MIN_DETECTIONS = 20  # alerts in all bands; a supernova has no others, and a search in g and r needs some
MANY = 10  # objects of a class, of which two are shown
_MATCH_RADIUS = 1 * u.arcsec
_STEPS = 6
_OF_A_STAR = re.compile(
    r"((lightcurve|folded|periodogram|alerts)_\d{15,19}\.png|folded_\d{15,19}\.ecsv|alerts_ZTF\w+\.ecsv)"
)


@dataclass(frozen=True, eq=False)
class Example:
    """One star of the report: its rows of both services, its light curves, what was found, and the truth."""

    source: Table
    alert: Table
    best: Table
    light_curve: TimeSeries
    with_limits: TimeSeries
    alerts: TimeSeries
    result: PeriodResult
    folded: QTable
    truth: Table


def run_demo(folder, *, seed=0, progress=None):
    """Path of the report of a journey through the sample sky.

    The sky is built, served on this machine, and asked with the public classes: a cone of both services, the light
    curves of the clearest variable stars of each class, their periods, folded. Tables (ECSV), figures (PNG) and the
    report (HTML) are left in a folder, where those of an earlier demo are replaced; other files stay.

    Parameters
    ----------
    folder : str or path-like
        Where to write; made where missing.
    seed : int
        Which sky.
    progress : callable, optional
        Called as ``progress(done, total, what)``.

    Returns
    -------
    `~pathlib.Path`

    Raises
    ------
    ArchiveError
        The folder holds a ``sky.duckdb`` that is no sample sky.
    ValueError
        `seed` is not a whole number of at least 0.
    MissingExtraError
        One of the extras ``archive``, ``server`` and ``plot`` is not installed.
    """
    require("all", "duckdb", "fastapi", "jinja2", "matplotlib", "uvicorn")
    check_seed(seed)
    tell = progress or _silent
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    sky = folder / "sky.duckdb"
    _remove_earlier(sky)
    tell(0, _STEPS, "building the sample sky")
    with build_sample(sky, seed=seed) as archive, _local_services(archive) as (zvar, alerce):
        journey = _travel(zvar, alerce, sample_truth(archive), tell)
    tell(4, _STEPS, "writing tables")
    tables = _write_tables(folder, journey)
    tell(5, _STEPS, "drawing figures")
    report = write_report(folder, journey, seed=seed, tables=tables, options=OPTIONS)
    tell(_STEPS, _STEPS, "report written")
    return report


def _remove_earlier(sky):
    """Remove what an earlier demo left: its sky, and the figures and tables of its stars."""
    if sky.exists():
        try:
            with Archive.open(sky, read_only=True) as archive:
                sample_truth(archive)
        except ArchiveError as exc:
            raise ArchiveError(f"{sky} is not the sky of an earlier demo, so it is not replaced: {exc}") from exc
        sky.unlink()
    for path in sky.parent.iterdir():
        if _OF_A_STAR.fullmatch(path.name):
            path.unlink()


def _silent(done, total, what):
    """No progress is told."""


@contextmanager
def _local_services(archive):
    """Both services on a local server with a login made up for the occasion."""
    login = {"ZVAR_USERNAME": "demo", "ZVAR_PASSWORD": secrets.token_urlsafe()}
    before = {name: os.environ.get(name) for name in login}
    with serve(archive, users={login["ZVAR_USERNAME"]: login["ZVAR_PASSWORD"]}) as server:
        os.environ.update(login)
        try:
            yield ZvarClass(url=server.url), AlerceClass(url=server.url)
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value


def _travel(zvar, alerce, truth, tell):
    """Everything that the demo asks and computes, as a dict of tables, light curves and examples."""
    tell(1, _STEPS, "asking both services for the cone")
    sources = zvar.query_region(CENTRE, radius=RADIUS)
    objects = alerce.query_region(CENTRE, radius=RADIUS, **CLASSIFIER)
    chosen = choose(sources, objects)
    tell(2, _STEPS, f"fetching {len(chosen)} light curves from both")
    light_curves = zvar.get_lightcurves(chosen["psid"])
    cleaned = light_curves.clean(min_snr=MIN_SNR)
    with_limits = light_curves.clean(keep_upper_limits=True, min_snr=MIN_SNR)
    examples = []
    for number, (row, light_curve) in enumerate(zip(chosen, cleaned, strict=True), start=1):
        tell(3, _STEPS, f"searching period {number} of {len(chosen)}")
        result = find_period(light_curve, **SEARCH)
        psid = str(row["psid"])
        examples.append(
            Example(
                source=sources[sources["psid"] == psid][0],
                alert=objects[objects["oid"] == row["oid"]][0],
                best=_best_period(sources.periods, psid),
                light_curve=light_curve,
                with_limits=with_limits[psid],
                alerts=alerce.get_lightcurve(str(row["oid"]), include_upper_limits=True),
                result=result,
                folded=fold(light_curve, result.period, epoch_time=result.epoch_time),
                truth=truth[truth["psid"] == psid][0],
            )
        )
    return {"sources": sources, "objects": objects, "light_curves": cleaned, "examples": examples}


def choose(sources, objects):
    """The stars to show: of each class that ALeRCE gives to two or more objects, the one most significant in ZVAR.

    Of a class with ten or more objects it is the best two. Objects with fewer than 20 detections are passed over.

    Parameters
    ----------
    sources : `~alerce_zvar.zvar.core.SourceTable`
        ZVAR's sources with ``.periods``.
    objects : `~astropy.table.Table`
        ALeRCE's objects with ``class_name``.

    Returns
    -------
    `~astropy.table.Table`
        ``psid, oid, class_name, significance``, by falling significance.
    """
    pairs = _matched(sources, objects[objects["ndet"] >= MIN_DETECTIONS])
    best = [_best_period(sources.periods, psid) for psid in pairs["psid"]]
    pairs["significance"] = [0.0 if row is None else row["significance"] for row in best]
    pairs.sort("significance", reverse=True)
    names, counts = np.unique(np.asarray(pairs["class_name"]), return_counts=True)
    shown = {name: 2 if count >= MANY else 1 for name, count in zip(names, counts, strict=True) if count >= 2}
    first = [np.flatnonzero(pairs["class_name"] == name)[:number] for name, number in shown.items()]
    return pairs[np.sort(np.concatenate(first))]


def _matched(sources, objects):
    """ALeRCE's objects with the ZVAR source at the same place."""
    here = SkyCoord(objects["ra"], objects["dec"], unit="deg")
    index, distance, _ = here.match_to_catalog_sky(SkyCoord(sources["ra"], sources["dec"], unit="deg"))
    near = distance < _MATCH_RADIUS
    columns = {"psid": sources["psid"][index][near]}
    columns |= {name: np.ma.filled(objects[name][near], "") for name in ("oid", "class_name")}
    return Table(columns, copy=True)


def _best_period(periods, psid):
    """The most significant period of a source, or None."""
    own = periods[periods["psid"] == psid]
    return own[np.argmax(np.ma.filled(own["significance"], -np.inf))] if len(own) else None


def _write_tables(folder, journey):
    """Names of the files, sorted."""
    tables = {
        "zvar_sources": Table(journey["sources"]),
        "zvar_lightcurves": journey["sources"].lightcurves,
        "zvar_periods": journey["sources"].periods,
        "alerce_objects": journey["objects"],
        "light_curves": journey["light_curves"].to_table(),
    }
    for example in journey["examples"]:
        tables[f"folded_{example.source['psid']}"] = example.folded
        tables[f"alerts_{example.alert['oid']}"] = example.alerts
    for name, table in tables.items():
        table.write(folder / f"{name}.ecsv", format="ascii.ecsv", overwrite=True)
    return sorted(f"{name}.ecsv" for name in tables)
