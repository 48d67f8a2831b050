"""The BibTeX is whole, CITATION.cff is valid, and both name the same works."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time
from astropy.timeseries import TimeSeries

import alerce_zvar
from alerce_zvar import (
    AlerceClass,
    CatsHTMClass,
    LightCurves,
    ZvarClass,
    cite,
    find_period,
    match_services,
    periodogram,
)
from alerce_zvar.alerce.service import SERVICES as ALERCE
from alerce_zvar.catshtm.schema import CATALOGS as CATSHTM_CATALOGS
from alerce_zvar.citing import ALWAYS, CATALOGS, CLASSIFIERS, SERVICES, SURVEYS, __citation__, works_to_cite
from alerce_zvar.errors import PartialResultWarning
from alerce_zvar.period import Method, fit_eclipse, fit_fourier, fpw, get_method, list_methods, register_method
from alerce_zvar.period.methods import _METHODS
from alerce_zvar.references import all_references, get_reference, in_words
from alerce_zvar.zvar.schema import CATALOGS as ZVAR_CATALOGS

CFF = yaml.safe_load(Path(__file__).parent.parent.joinpath("CITATION.cff").read_text(encoding="utf-8"))
# Citation File Format 1.2.0, https://doi.org/10.5281/zenodo.5171937: the keys of the root and of a reference used here.
ROOT_KEYS = {"abstract", "authors", "cff-version", "keywords", "license", "message", "references", "title", "type"}
REFERENCE_KEYS = {"type", "scope", "title", "authors", "journal", "year", "volume", "issue", "start", "doi"}
PERSON_KEYS = ({"family-names", "given-names"}, {"name"})
REQUIRED = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "software": {"author", "title", "year"},
}
WITHOUT_DOI = {"2014CoSka..43..518H", "2000IAUC.7432....3V", "2013Msngr.154...32E", "2006SASS...25...47W"}
PSID, OID = "145130008781403418", "ZTF18sixymhd"


OWN = frozenset(_METHODS)


def _entry(text, start):
    """End of the entry that opens at `start`: where its braces balance."""
    depth = 0
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0 and text[end] == "}":
            return end + 1
    raise ValueError(f"no end to {text[start : start + 40]!r}")


def _entries(text):
    position = 0
    while (match := re.compile(r"\s*@(\w+)\{([^,\s]+),").match(text, position)) is not None:
        position = _entry(text, match.start(2) - 1)
        fields = dict(re.findall(r"^\s+(\w+) = \{(.*?)\},?$", text[match.end() : position - 1], re.M | re.S))
        yield match[1], match[2], fields
    assert not text[position:].strip(), f"not BibTeX: {text[position : position + 60]!r}"


ALL = list(_entries("\n\n".join(one.bibtex for one in all_references().values())))
ENTRIES = list(_entries(__citation__))


def test_the_package_hands_it_out():
    assert alerce_zvar.__citation__ == __citation__


@pytest.mark.parametrize(("kind", "key", "fields"), ALL, ids=[key for _, key, _ in ALL])
def test_bibtex_entries_are_whole(kind, key, fields):
    assert fields.keys() >= REQUIRED[kind]
    assert re.fullmatch(r"\d{4}", fields["year"])
    assert all(value.count("{") == value.count("}") and value.strip() for value in fields.values())
    assert ("doi" in fields) == (kind != "software" and key not in WITHOUT_DOI)
    if kind != "software":
        assert len(key) == 19  # of ADS
        assert key.startswith(fields["year"])
        initial = re.search(r"[A-Za-z]", re.sub(r"\\.|[{}]", "", fields["author"]))[0].upper()
        assert key[-1] in (initial, "D", "G")  # de Jong, Gaia Collaboration
    assert dict(get_reference(key).fields) == fields


def test_bibtex_keys_are_unique_and_ascii():
    keys = [key for _, key, _ in ENTRIES]
    assert len(keys) == len(set(keys)) == __citation__.count("@")
    assert __citation__.isascii()
    keys = [key for _, key, _ in ALL]
    assert len(keys) == len(set(keys)) == Path(alerce_zvar.__file__).with_name("references.bib").read_text().count("@")
    dois = [fields["doi"].lower() for _, _, fields in ALL if "doi" in fields]
    assert len(dois) == len(set(dois))


def test_a_cut_entry_is_noticed():
    with pytest.raises(ValueError, match="no end"):
        list(_entries(__citation__.rstrip().removesuffix("}")))


def test_cff_has_the_keys_of_the_format():
    assert CFF["cff-version"] == "1.2.0"
    assert CFF["type"] == "software"
    assert CFF["license"] == "BSD-3-Clause"
    assert set(CFF) == ROOT_KEYS
    for reference in CFF["references"]:
        assert set(reference) <= REFERENCE_KEYS
        assert {"type", "title", "authors", "year", "doi"} <= set(reference)
        assert all(set(person) in PERSON_KEYS for person in reference["authors"])


def test_both_files_cite_the_same_works():
    ours = {fields["doi"]: fields["year"] for kind, _, fields in ENTRIES if kind == "article"}
    assert ours == {reference["doi"]: str(reference["year"]) for reference in CFF["references"]}


# --------------------------------------------------------------------------------------------- works in words


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("1978ApJ...224..953S", "Stellingwerf 1978, ApJ 224, 953"),
        ("2002A&A...391..369K", "Kovács, Zucker & Mazeh 2002, A&A 391, 369"),
        ("2021AJ....161..242F", "Förster et al. 2021, AJ 161, 242"),
        ("2025arXiv250200243F", "Finkbeiner, Prince & Whitebook 2025, arXiv:2502.00243"),
        ("2000IAUC.7432....3V", "Voges et al. 2000, IAUC 7432, 3"),
        ("2006SASS...25...47W", "Watson, Henden & Price 2006, The International Variable Star Index (VSX)"),
    ],
)
def test_a_work_in_one_line(key, words):
    assert get_reference(key).short == words


def test_works_have_addresses():
    assert get_reference("1978ApJ...224..953S").url == "https://doi.org/10.1086/156444"
    assert get_reference("2013Msngr.154...32E").url == "https://ui.adsabs.harvard.edu/abs/2013Msngr.154...32E"
    assert get_reference("alerce_zvar").url == ""
    assert (
        in_words(["1976Ap&SS..39..447L", "1982ApJ...263..835S"])
        == "Lomb 1976, Ap&SS 39, 447; Scargle 1982, ApJ 263, 835"
    )
    with pytest.raises(KeyError, match="no work with the key 'x' is known"):
        get_reference("x")


# ------------------------------------------------------------------------------------- everything has its works


def test_every_method_names_works_that_are_known():
    for row in list_methods():
        if row["name"] in OWN:
            works = get_method(row["name"]).citations
            assert works, row["name"]
            assert row["reference"] == in_words(works)


def test_every_service_and_catalogue_has_its_works():
    clients = [AlerceClass(), ZvarClass(), CatsHTMClass()]
    inner = [
        getattr(one, name) for one in clients for name in ("_client", "_lsst", "_stamps", "_tap") if hasattr(one, name)
    ]
    assert {client.service for client in inner} <= set(SERVICES)
    assert len(inner) == len(ALERCE) + 2
    assert set(CATALOGS) >= {*ZVAR_CATALOGS, *(catalog.name.lower() for catalog in CATSHTM_CATALOGS)}
    for works in (*SERVICES.values(), *CATALOGS.values(), *CLASSIFIERS.values(), *SURVEYS.values()):
        assert works
        assert {get_reference(key).key for key in works} == set(works)


# ------------------------------------------------------------------------------------------ chosen by what was used


@pytest.fixture
def services(sample_server, monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")
    return AlerceClass(url=sample_server), ZvarClass(url=sample_server), CatsHTMClass(url=sample_server)


@pytest.fixture(scope="module")
def curve():
    rng = np.random.default_rng(1)
    days = np.sort(rng.uniform(0, 100, 150))
    light_curve = TimeSeries(time=Time(59000 + days, format="mjd", scale="tdb"))
    light_curve["band"] = np.array(["g", "r"])[np.arange(150) % 2]
    light_curve["mag"] = (15 + 0.3 * (np.mod(days / 1.37, 1) < 0.1) + rng.normal(0, 0.01, 150)) * u.mag
    light_curve["mag_err"] = np.full(150, 0.01) * u.mag
    return light_curve


def names(*results):
    """What is cited beyond what always is, in short words."""
    keys = works_to_cite(*results)
    assert tuple(keys[: len(ALWAYS)]) == ALWAYS
    assert [key for _, key, _ in _entries(cite(*results))] == keys
    return {get_reference(key).short.partition(",")[0] for key in keys[len(ALWAYS) :]}


ZTF = {"Bellm et al. 2019", "Graham et al. 2019", "Masci et al. 2019"}
ASTROQUERY, FPW, COMPUTED = {"Ginsburg et al. 2019"}, {"Finkbeiner"}, {"Harris et al. 2020", "Virtanen et al. 2020"}
ALERCE_ZTF = ZTF | ASTROQUERY | {"Förster et al. 2021"}
GAIA = {"Gaia Collaboration et al. 2016", "Gaia Collaboration et al. 2023"}


def test_answers_of_alerce(services):
    alerce = services[0]
    assert names(alerce.query_object(OID)) == ALERCE_ZTF
    assert names(alerce.get_lightcurve(OID)) == names(alerce.get_lightcurves([OID])) == ALERCE_ZTF
    assert names(alerce.get_stamps(OID, format="numpy")) == names(alerce.get_stamps(OID)) == ALERCE_ZTF
    assert names(alerce.query_features(OID)) == ALERCE_ZTF | {"Sánchez-Sáez et al. 2021"}
    classifiers = {"Sánchez-Sáez et al. 2021", "Carrasco-Davis et al. 2021"}
    assert names(alerce.query_probabilities(OID)) == ALERCE_ZTF | classifiers
    lsst = alerce.list_classifiers(survey="lsst")
    assert names(lsst) >= {"Förster et al. 2021", "Ivezić et al. 2019"} | ASTROQUERY
    assert not names(lsst) & ZTF


def test_answers_of_zvar_and_its_catalogues(services):
    zvar = services[1]
    found = zvar.get_lightcurves([PSID])
    assert names(found) == names(found[0]) == names(found.clean()) == ZTF | ASTROQUERY | FPW
    matches = {name: zvar.query_crossmatch([PSID], name, radius="2arcsec") for name in ZVAR_CATALOGS}
    assert names(matches["gaia"]) == ZTF | ASTROQUERY | FPW | GAIA
    assert names(matches["2mass"]) == ZTF | ASTROQUERY | FPW | {"Skrutskie et al. 2006"}
    assert names(list(matches.values())) >= GAIA | {"Martin et al. 2005", "Wright et al. 2010", "Chambers et al. 2016"}


def test_answers_of_catshtm_and_of_several_services(services):
    alerce, zvar, catshtm = services
    found = zvar.query_objects([PSID])
    place = SkyCoord(found["ra"][0], found["dec"][0], unit="deg")
    tables = catshtm.query_crossmatch(place, radius="2arcsec")
    assert names(tables) >= {"Soumagnac & Ofek 2018", "Gaia Collaboration et al. 2018", "Skrutskie et al. 2006"}
    assert names(tables["GALEX"]) == {"Soumagnac & Ofek 2018", "Martin et al. 2005"} | ASTROQUERY
    matched = match_services(place, "2arcsec", alerce=alerce, zvar=zvar)
    assert names(matched) == ALERCE_ZTF | FPW | GAIA | {"Sánchez-Sáez et al. 2021"}


LOMB_SCARGLE = {"Lomb 1976", "Scargle 1982", "Zechmeister & Kürster 2009", "Palmer 2009", "VanderPlas 2018"}
WORKS = {
    "lombscargle": LOMB_SCARGLE,
    "multiband": {"VanderPlas & Ivezić 2015"},
    "aov": {"Schwarzenberg-Czerny 1989"},
    "bls": {"Kovács"},
    "conditional_entropy": {"Graham et al. 2013"},
    "fpw": FPW,
    "pdm": {"Stellingwerf 1978"},
    "string_length": {"Dworetsky 1983"},
}
SPAN = {"minimum_period": 1 * u.day, "maximum_period": 2 * u.day}


def test_the_works_of_all_methods_are_tested():
    assert set(WORKS) == OWN


@pytest.mark.parametrize("method", WORKS)
def test_periods_and_periodograms(method, curve):
    scanned = periodogram(curve, method=method, **SPAN)
    engine = scanned.options.get("engine")
    assert names(scanned) == WORKS[method] | COMPUTED | ({"Lam"} if engine == "numba" else set())


def test_searches_and_fits(curve):
    result = find_period(curve, **SPAN)
    numba = {"Lam"} if result.engine == "numba" else set()
    assert names(result) == LOMB_SCARGLE | {"Kovács"} | COMPUTED | numba
    assert names([result, [fpw(curve, n_bins=[5], **SPAN)]]) == LOMB_SCARGLE | {"Kovács"} | COMPUTED | FPW | numba
    assert names(fit_fourier(curve, 1.37 * u.day, nterms=2)) == {"Simon & Lee 1981"} | COMPUTED
    assert names(fit_eclipse(curve, 1.37 * u.day)) == {"Kovács"} | COMPUTED
    table = alerce_zvar.find_periods([curve], workers=1, **SPAN)
    assert names(table) == LOMB_SCARGLE | {"Kovács"} | COMPUTED


def test_a_method_of_ones_own_names_its_works(curve):
    def power(series, grid):
        yield 0, np.ones(grid.number)

    register_method(Method("cited", power, citations=("2024RNAAS...8..250G",)))
    try:
        assert names(periodogram(curve, method="cited", **SPAN)) == {"Garrison et al. 2024"} | COMPUTED
        assert list_methods()[-1]["reference"] == "Garrison et al. 2024, RNAAS 8, 250"
    finally:
        del _METHODS["cited"]


@pytest.mark.parametrize(
    "make", [Table, TimeSeries, lambda: LightCurves(Table({"time": Time([], format="mjd")}), [0], [])]
)
def test_a_table_from_nowhere_is_told(make):
    with pytest.warns(PartialResultWarning, match="does not say which service it is from"):
        assert works_to_cite(make()) == list(ALWAYS)


@pytest.mark.parametrize("header", [{}, {"SURVEY": "ZTF"}, {"SURVEY": "DSS", "CANDID": "1"}])
def test_images_from_nowhere_are_told(header):
    images = fits.HDUList([fits.ImageHDU(np.eye(3), header=fits.Header(header))] if header else [])
    with pytest.warns(PartialResultWarning, match="do not say which survey they are from"):
        assert works_to_cite(images) == list(ALWAYS)
    for survey, work in (("ZTF", "Bellm et al. 2019"), ("LSST", "Ivezić et al. 2019")):
        mine = fits.ImageHDU(np.eye(3), header=fits.Header({"SURVEY": survey, "CANDID": "1"}))
        assert names(fits.HDUList([mine])) >= {"Förster et al. 2021", work} | ASTROQUERY


@pytest.mark.parametrize("wrong", [None, 3, "ZTF18sixymhd", [3.5], b"x"])
def test_what_is_not_known_is_an_error(wrong):
    with pytest.raises(TypeError, match="what is cited must be a table, light curves, a result of a period search"):
        cite(wrong)


def test_nothing_used_is_the_package_and_astropy():
    assert works_to_cite() == list(ALWAYS)
