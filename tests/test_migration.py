"""Each row of the table that leads from the client ``alerce`` to ours: the old name is real, and ours does it."""

import ast
import inspect
import re

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time

import alerce_zvar
from alerce_zvar import AlerceClass, CatsHTMClass, conf
from alerce_zvar.alerce import migration
from alerce_zvar.alerce.migration import EXCEPTIONS, FORMATS, KEYWORDS, LSST, METHODS, SECTIONS

# What the API reference of the 1.x documentation lists for its class, and its exceptions.
DOCUMENTED = (
    "Alerce", "catshtm_catalog_translator", "catshtm_conesearch", "catshtm_crossmatch", "catshtm_redshift", "get_avro",
    "get_stamps", "load_config_from_file", "load_config_from_object", "plot_stamps", "query_classes",
    "query_classifiers", "query_detections", "query_feature", "query_features", "query_lightcurve", "query_magstats",
    "query_non_detections", "query_object", "query_objects", "query_probabilities", "send_query", "ztf_url",
)  # fmt: skip
DOCUMENTED_ERRORS = ("ZTFAPIError", "ParseError", "ObjectNotFoundError", "FormatValidationError")
CLASSES = {"AlerceClass": "alerce_zvar.alerce.core.AlerceClass", "Alerce": "alerce_zvar.alerce.core.AlerceClass"}
CALLS = [(name, row) for name in ("methods", "lsst", "keywords", "formats") for row in SECTIONS[name]]
IDS = [f"{name}: {row.old}" for name, row in CALLS]


@pytest.fixture(scope="module")
def official():
    """The class of the official client, unmodified."""
    return pytest.importorskip("alerce.core").Alerce


def names(rows, release):
    return {row.old for row in rows if release in row.releases}


# the old names


def test_nothing_of_release_231_is_missing(official):
    there = {name for name in dir(official) if not name.startswith("_")}
    assert there >= {"query_objects", "get_stamps", "catshtm_redshift"}
    assert names(METHODS, "2.3.1") == there | {"Alerce"}


def test_nothing_of_the_documentation_is_missing():
    assert names(METHODS, "1.x") == set(DOCUMENTED)
    assert names(EXCEPTIONS, "1.x") == set(DOCUMENTED_ERRORS)


def test_the_list_of_the_documentation_is_whole(real_data):
    text = (real_data.parent / "seeds" / "alerce_client_docs.txt").read_text(encoding="utf-8")
    words = set(re.findall(r"\b(?:query|get|plot|load|send|catshtm)_\w+\b", text)) - {"catshtm_catalog"}
    assert words - set(DOCUMENTED) == set()
    assert all(name in text for name in DOCUMENTED)
    assert {name for name in re.findall(r"\b[A-Z]\w+Error\b", text)} == set(DOCUMENTED_ERRORS)


def test_nothing_is_said_twice():
    for rows in SECTIONS.values():
        assert len({row.old for row in rows}) == len(rows)


def test_every_exception_of_release_231_is_there():
    exceptions = pytest.importorskip("alerce.exceptions")
    there = {name for name, thing in vars(exceptions).items() if inspect.isclass(thing)}
    assert names(EXCEPTIONS, "2.3.1") == there


def test_every_format_of_release_231_is_there(official):
    assert [row.old for row in FORMATS] == official().legacy_ztf_client.allowed_formats


def test_lsst_rows_are_what_release_231_offers(official):
    """All methods with a survey; non-detections of LSST are always empty, which the page says."""
    methods = {name: thing for name, thing in inspect.getmembers(official, inspect.isfunction) if name[0] != "_"}
    there = {name for name, method in methods.items() if "survey" in inspect.signature(method).parameters}
    not_of_lsst = {"query_non_detections", "query_features", "query_feature", "query_magstats", "get_avro"}
    assert {row.old for row in LSST} == there - not_of_lsst


@pytest.mark.parametrize(
    "row", [row for row in KEYWORDS if row.old in ("index", "sort", "survey")], ids=lambda r: r.old
)
def test_keywords_are_parameters_there(official, row):
    assert row.old in inspect.signature(official.query_objects).parameters


# ours


def parts(call):
    """Names of ours that an expression calls, each with the keywords it gives."""
    for node in ast.walk(ast.parse(call)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func), [keyword.arg for keyword in node.keywords]


@pytest.mark.parametrize(("section", "row"), CALLS, ids=IDS)
def test_ours_has_the_keywords(section, row):
    for name, keywords in parts(row.call):
        root, _, method = name.rpartition(".")
        owner = {"Alerce": AlerceClass, "CatsHTM": CatsHTMClass}.get(root)
        if owner is None:
            continue  # a method of an answer, or a function: the call shows it
        parameters = inspect.signature(getattr(owner, method)).parameters
        if "filters" not in parameters:
            assert set(keywords) <= set(parameters), name
        else:
            documented = inspect.getdoc(owner.query_objects)
            assert all(re.search(rf"^{word}\b", documented, re.M) for word in set(keywords) - set(parameters)), name


@pytest.fixture(scope="module")
def world(sample_server, tmp_path_factory):
    """What the names in the calls stand for."""
    folder = tmp_path_factory.mktemp("migration")
    alerce = AlerceClass(url=sample_server)
    best = {"classifier": "stamp_classifier", "ranking": 1}
    star = alerce.query_objects(class_name="VS", order_by="ndet", order_mode="DESC", row_limit=-1, **best)[0]
    supernova = alerce.query_objects(class_name="SN", row_limit=-1, **best)[0]
    detections = alerce.query_detections(star["oid"])
    return {
        "alerce_zvar": alerce_zvar,
        "AlerceClass": AlerceClass,
        "Alerce": alerce,
        "CatsHTM": CatsHTMClass(url=sample_server),
        "address": sample_server,
        "folder": folder,
        "oid": str(star["oid"]),
        "oids": alerce.query_objects(ndet=1, row_limit=-1)["oid"][:5],
        "candid": str(detections["candid"][detections["has_stamp"]][0]),
        "lsst_oid": str(alerce.query_objects(survey="lsst", ndet=10, row_limit=-1)["oid"][0]),
        "position": SkyCoord(star["ra"], star["dec"], unit=u.deg),
        "host": SkyCoord(supernova["ra"], supernova["dec"], unit=u.deg),
    }


@pytest.fixture(autouse=True)
def unchanged(world):
    """Settings and addresses as before, whatever a row loads."""
    urls, settings = dict(world["Alerce"]._urls), {name: getattr(conf, name) for name in conf}
    world["folder"].joinpath("config.json").write_text(f'{{"url": "{world["address"]}"}}', encoding="utf-8")
    yield
    world["Alerce"]._urls = urls
    for name, value in settings.items():
        setattr(conf, name, value)


def run(row, world):
    return eval(compile(row.call, f"<{row.old}>", "eval"), dict(world))


def check_table(table):
    assert len(table) > 0
    for name, column in table.columns.items():
        assert isinstance(column, Time) or column.dtype.kind in "Ufib", name
    if "oid" in table.colnames:
        assert table["oid"].dtype.kind == "U"
    if "time" in table.colnames:
        assert isinstance(table["time"], Time)


def check(result):
    """Something is there, and it has its types."""
    if isinstance(result, Table):
        check_table(result)
    elif type(result).__name__ == "CatalogTables":
        assert len(result) > 0
        for table in result.values():
            check_table(table)
    elif type(result).__name__ == "HDUList":
        assert len(result) in (3, 9)
        assert all(np.isfinite(hdu.data).any() for hdu in result)
    elif type(result).__name__ == "Figure":
        assert len(result.axes) == 3
    elif type(result).__name__ == "VOTableFile":
        assert len(result.get_first_table().array) > 0
    elif type(result).__name__ == "Alert":
        assert result.raw.startswith(b"Obj\x01")
    else:
        assert type(result).__name__ in ("AlerceClass", "DataFrame", "str")
        assert not hasattr(result, "__len__") or len(result) > 0


@pytest.mark.parametrize(("section", "row"), CALLS, ids=IDS)
def test_ours_answers(section, row, world):
    result = run(row, world)
    if row.gives:
        assert row.gives in {cls.__name__ for cls in type(result).__mro__}
        check(result)
    else:
        assert result is None
        check(world["Alerce"].query_object(world["oid"]))
    if type(result).__name__ == "Figure":
        import matplotlib.pyplot as plt

        plt.close(result)


@pytest.mark.parametrize("row", EXCEPTIONS, ids=lambda row: row.old)
def test_ours_raises(row, world):
    import builtins

    from alerce_zvar import errors

    wanted = getattr(errors, row.gives, None) or getattr(builtins, row.gives)
    with pytest.raises(wanted):
        run(row, world)


def test_no_row_says_too_little():
    for rows in SECTIONS.values():
        for row in rows:
            assert row.changed.endswith(".")
            assert set(row.releases) <= {"1.x", "2.3.1"}
            assert ast.parse(row.call, mode="eval")


def test_the_page_has_every_row(monkeypatch):
    pytest.importorskip("sphinx")
    from pathlib import Path

    docs = Path(__file__).parent.parent / "docs"
    monkeypatch.syspath_prepend(str(docs / "_ext"))
    import schema_tables

    page = (docs / "how_to" / "migrate.rst").read_text(encoding="utf-8")
    assert re.findall(r"^\.\. migration:: (\w+)$", page, re.M) == list(migration.SECTIONS)
    for section, rows in SECTIONS.items():
        text = "\n".join(schema_tables.migration_table(section))
        assert all(f"``{row.old}``" in text and row.changed in text for row in rows)
        assert section == "exceptions" or all(f"``{row.call}``" in text for row in rows)
