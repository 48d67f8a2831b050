"""The public names: what there is, how it is documented, and which words it speaks."""

import importlib
import inspect
import re
import types

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from astropy.timeseries import TimeSeries
from numpydoc.validate import validate

import alerce_zvar
from alerce_zvar import Alerce, CatsHTM, Zvar, find_period, fold, match_services
from alerce_zvar.errors import shown
from alerce_zvar.period import fpw

PROMISED = {"Alerce", "Zvar", "LightCurves", "find_period", "fold", "conf"}
# Public names that are reached through their modules.
FURTHER = (
    "alerce_zvar.alerce.alert.Alert",
    "alerce_zvar.alerce.cutouts.Stamps",
    "alerce_zvar.archive.AlertReport",
    "alerce_zvar.archive.Archive",
    "alerce_zvar.archive.ImportReport",
    "alerce_zvar.period.Eclipse",
    "alerce_zvar.period.Extremum",
    "alerce_zvar.period.FourierModel",
    "alerce_zvar.period.Method",
    "alerce_zvar.period.Option",
    "alerce_zvar.period.PeriodResult",
    "alerce_zvar.period.Periodogram",
    "alerce_zvar.period.choice",
    "alerce_zvar.period.fit_eclipse",
    "alerce_zvar.period.get_method",
    "alerce_zvar.period.list_methods",
    "alerce_zvar.period.register_method",
    "alerce_zvar.period.whole",
    "alerce_zvar.plot.build_fold_model",
    "alerce_zvar.plot.envelope",
    "alerce_zvar.plot.plot_cmd",
    "alerce_zvar.plot.plot_folded",
    "alerce_zvar.plot.plot_lightcurve",
    "alerce_zvar.plot.plot_period_candidates",
    "alerce_zvar.plot.plot_periodogram",
    "alerce_zvar.plot.plot_probabilities",
    "alerce_zvar.plot.plot_sky",
    "alerce_zvar.plot.plot_stamps",
    "alerce_zvar.plot.print_style",
    "alerce_zvar.sample.build_sample",
    "alerce_zvar.sample.sample_truth",
    "alerce_zvar.server.serve",
    "alerce_zvar.zvar.convert.add_magnitudes",
    "alerce_zvar.zvar.convert.to_microjansky",
    "alerce_zvar.zvar.gaia.absolute_magnitude",
    "alerce_zvar.zvar.gaia.add_colour_magnitude",
    "alerce_zvar.zvar.gaia.bp_rp",
    "alerce_zvar.zvar.gaia.is_giant",
    "alerce_zvar.wire.formats.Exports",
    "alerce_zvar.wire.reading.Imports",
    "alerce_zvar.zvar.photometry.flux_to_mag",
    "alerce_zvar.zvar.photometry.mag_to_flux",
    "alerce_zvar.zvar.photometry.microjansky",
    "alerce_zvar.zvar.photometry.snr_diff",
    "alerce_zvar.zvar.photometry.snr_total",
)
# What the server uses of an archive; users have the services' classes.
INNER = {f"alerce_zvar.archive.Archive.{name}" for name in ("cone_search", "query", "transaction", "write")}
# Made by the package, not by its users: attributes matter, not the signature.
PRODUCTS = {
    "alerce_zvar.alerce.alert.Alert",
    "alerce_zvar.alerce.cutouts.Stamps",
    "alerce_zvar.archive.AlertReport",
    "alerce_zvar.archive.Archive",
    "alerce_zvar.archive.ImportReport",
    "alerce_zvar.period.Eclipse",
    "alerce_zvar.period.Extremum",
    "alerce_zvar.period.FourierModel",
    "alerce_zvar.period.PeriodResult",
    "alerce_zvar.period.Periodogram",
}
MODULES = ("archive", "errors", "folding", "lightcurves", "period", "plot", "sample", "server", "zvar.photometry")
MODULES += ("cuts", "zvar.convert", "zvar.gaia")
# numpydoc: no docstring; no summary; parameters missing, unknown, out of order, not described; Returns missing.
CODES = {"GL08", "SS01", "PR01", "PR02", "PR03", "PR07", "RT01"}
# Where these words are not values, but say which columns hold them.
NAMES_OF_COLUMNS = {"alerce_zvar.archive.Archive.import_catalog": {"ra", "dec"}}
# Takes its mode by position, as open() does; and those that take a detection after its object.
BY_POSITION = {"alerce_zvar.archive.Archive.open": {"read_only"}}
BY_POSITION["alerce_zvar.period.Periodogram.peaks"] = {"n"}
BY_POSITION["alerce_zvar.wire.reading.Imports.from_pandas"] = {"index", "units"}  # as the method of astropy's Table
BY_POSITION |= {f"alerce_zvar.AlerceClass.{name}": {"candid"} for name in ("get_stamps", "get_alert", "download_alert")}
# A word that others use -> ours (design: one word for each thing).
SYNONYMS = {
    "coord": "coordinates",
    "coordinate": "coordinates",
    "position": "coordinates",
    "ra": "coordinates",
    "dec": "coordinates",
    "search_radius": "radius",
    "filter": "band",
    "fid": "band",
    "filters": "bands",
    "magnitude": "mag",
    "magpsf": "mag",
    "magerr": "mag_err",
    "mjd": "time",
    "t0": "epoch_time",
    "epoch": "epoch_time",
    "min_frequency": "minimum_frequency",
    "max_frequency": "maximum_frequency",
    "n_terms": "nterms",
    "nbins": "n_bins",
    "password": "nothing: a password comes from the environment, the keyring or a prompt",
}


def _find(name):
    module, _, key = name.rpartition(".")
    return getattr(importlib.import_module(module), key)


def _methods(name, thing):
    """A class's own public methods, not those that it inherits from other packages."""
    for key, member in inspect.getmembers(thing, inspect.isroutine):
        mine = (getattr(member, "__module__", "") or "").startswith("alerce_zvar")
        if mine and not key.startswith("_") and f"{name}.{key}" not in INNER:
            yield f"{name}.{key}", member


THINGS = {name: _find(name) for name in (*(f"alerce_zvar.{key}" for key in alerce_zvar.__all__), *FURTHER)}
CALLABLES = {name: thing for name, thing in THINGS.items() if inspect.isroutine(thing)}
for class_name, class_ in THINGS.items():
    if inspect.isclass(class_):
        CALLABLES.update(_methods(class_name, class_))
DOCUMENTED = sorted({name for name, thing in THINGS.items() if inspect.isclass(thing)} - PRODUCTS | set(CALLABLES))


def _excused(name):
    """Codes that do not apply."""
    thing = CALLABLES.get(name) or THINGS[name]
    parameters = [p for p in inspect.signature(thing).parameters.values() if p.name != "self"]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return {"PR02"}  # the docstring lists the names that **filters takes
    return set() if parameters else {"RT01"}  # nothing to explain: the first line says what comes back


def test_the_promised_names_are_there():
    assert set(alerce_zvar.__all__) >= PROMISED


def test_all_is_what_is_there():
    there = {name for name in dir(alerce_zvar) if not name.startswith("_")}
    modules = {name for name in there if isinstance(getattr(alerce_zvar, name), types.ModuleType)}
    assert there - modules == set(alerce_zvar.__all__) - modules


def test_version_is_the_installed_one():
    assert re.match(r"\d+\.\d+", alerce_zvar.__version__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        alerce_zvar.no_such_name  # noqa: B018 - the access is the test


@pytest.mark.parametrize("name", MODULES)
def test_modules_export_what_they_have(name):
    module = importlib.import_module(f"alerce_zvar.{name}")
    assert module.__doc__, f"{name} says nothing about itself"
    assert sorted(module.__all__) == sorted(set(module.__all__))
    assert all(hasattr(module, key) for key in module.__all__)


def test_products_tell_what_they_hold():
    for name in PRODUCTS:
        assert inspect.getdoc(_find(name)), name


@pytest.mark.parametrize("name", DOCUMENTED)
def test_docstrings_match_signatures(name):
    codes = CODES - _excused(name)
    assert not [f"{code}: {text}" for code, text in validate(name)["errors"] if code in codes]


@pytest.mark.parametrize("name", sorted(CALLABLES))
def test_options_are_keyword_only(name):
    parameters = inspect.signature(CALLABLES[name]).parameters.values()
    loose = {p.name for p in parameters if p.default is not p.empty and p.kind is p.POSITIONAL_OR_KEYWORD}
    assert loose == BY_POSITION.get(name, set())


@pytest.mark.parametrize("name", sorted(CALLABLES))
def test_one_word_for_each_thing(name):
    parameters = inspect.signature(CALLABLES[name]).parameters.values()
    words = {parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD}
    words -= NAMES_OF_COLUMNS.get(name, set())
    assert not {f"{word}: say {SYNONYMS[word]}" for word in words if word in SYNONYMS}


# ------------------------------------------------------------------------------------- what messages show of a value

PLACE = SkyCoord(0.8365 * u.deg, 30.94 * u.deg)
WORD, WORDS, NUMBER = np.str_("word"), list(np.array(["word"])), np.float64(-1.5)
WRONG_CALLS = {
    "ids": lambda star: Zvar.query_objects(np.array(["word"])),
    "catalog": lambda star: Zvar.query_crossmatch("1", WORD, radius=3 * u.arcsec),
    "radius": lambda star: Zvar.query_region(PLACE, radius=NUMBER),
    "coordinates": lambda star: Zvar.query_region((NUMBER, NUMBER), radius="3arcsec"),
    "min_amplitude": lambda star: Zvar.query_region(PLACE, radius="3arcsec", min_amplitude=NUMBER),
    "timeout": lambda star: Zvar.list_fields(timeout=NUMBER),
    "bands": lambda star: Zvar.get_lightcurves("1", bands=WORDS),
    "midpoint": lambda star: Zvar.get_lightcurves("1", midpoint=NUMBER),
    "order_by": lambda star: Alerce.query_objects(order_by=WORD),
    "oid": lambda star: Alerce.query_objects(oid=NUMBER),
    "catalogs": lambda star: CatsHTM.query_region(PLACE, radius="3arcsec", catalog=WORDS),
    "services": lambda star: match_services(PLACE, "3arcsec", services=WORDS),
    "bands of one": lambda star: find_period(star, bands=WORDS),
    "n_bins": lambda star: fpw(star, n_bins=[NUMBER]),
    "cycles": lambda star: fold(star, 1 * u.day, cycles=NUMBER),
}


@pytest.mark.parametrize("what", WRONG_CALLS)
def test_messages_show_values_as_python_writes_them(what):
    star = TimeSeries(time=Time(58000.0 + np.arange(60.0), format="mjd", scale="tdb"))
    star["band"], star["mag"], star["mag_err"] = ["g"] * 60, np.sin(np.arange(60.0)) * u.mag, np.ones(60) * u.mag
    with pytest.raises((ValueError, TypeError, u.UnitsError)) as caught:
        WRONG_CALLS[what](star)
    assert "'word'" in str(caught.value) or "-1.5" in str(caught.value)
    assert "np." not in str(caught.value)


def test_values_are_shown_short_and_quantities_as_one_reads_them():
    assert shown([np.str_("r"), np.int64(3), np.bool_(True), None]) == "['r', 3, True, None]"
    assert shown(-1.5 * u.arcmin) == "-1.5 arcmin"
    assert len(shown("x" * 1000)) == 80
