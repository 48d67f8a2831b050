"""The README's commands and example, and the generated reference, are what they say."""

import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT.joinpath("README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]


def _block(marker, language):
    """The one fenced block that follows a marker."""
    found = re.findall(rf"<!-- {marker} -->\n```{language}\n(.*?)```", README, re.S)
    assert len(found) == 1, f"{marker}: {len(found)} blocks"
    return found[0]


@pytest.mark.parametrize("name", ["demo", "test"])
def test_commands_are_one_line_each_and_are_what_ci_runs(name):
    command = _block(f"command: {name}", "sh")
    assert command.count("\n") == 1
    assert command.startswith("python3 -m venv .venv && .venv/bin/python -m pip install ")
    script = ROOT.joinpath(".ci", "run").read_text(encoding="utf-8")
    assert f'"$(readme_command {name})"' in script


def test_commands_name_extras_and_scripts_that_exist():
    for name in ("demo", "test"):
        command = _block(f"command: {name}", "sh")
        assert set(re.search(r"\.\[([\w,]+)\]", command)[1].split(",")) <= set(PROJECT["optional-dependencies"])
    assert "bin/alerce-zvar demo " in _block("command: demo", "sh")
    assert PROJECT["scripts"] == {"alerce-zvar": "alerce_zvar.__main__:main"}


def test_the_example_runs(sample_server, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("ALERCE_ZVAR_SERVER", sample_server)
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")
    monkeypatch.chdir(tmp_path)
    example = _block("example", "python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    exec(compile(example, "README.md", "exec"), {"__name__": "__main__"})
    assert re.match(r"\d+\.\d+ d ", capsys.readouterr().out)
    assert (tmp_path / "folded.png").read_bytes().startswith(b"\x89PNG")
    sys.modules["matplotlib.pyplot"].close("all")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", ROOT.joinpath(page).read_text(encoding="utf-8"))
    assert [link for link in links if not ROOT.joinpath(link).exists()] == []


def test_every_extra_is_explained():
    page = ROOT.joinpath("docs", "install.rst").read_text(encoding="utf-8")
    assert [name for name in PROJECT["optional-dependencies"] if f"``{name}``" not in page] == []


@pytest.fixture
def tables(monkeypatch):
    """The module that writes the reference's tables; needs Sphinx."""
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    import schema_tables

    return schema_tables


SCHEMAS = {
    "alerce": ("alerce.schema", "alerce.schema.lsst", "alerce.schema.stamps"),
    "catshtm": ("catshtm.schema",),
    "zvar": ("zvar.schema",),
}


@pytest.mark.parametrize(("page", "name"), [(page, name) for page, names in SCHEMAS.items() for name in names])
def test_reference_has_every_column_and_parameter(tables, page, name):
    import importlib

    text = ROOT.joinpath("docs", "reference", f"{page}.rst").read_text(encoding="utf-8")
    schema = importlib.import_module(f"alerce_zvar.{name}")
    endpoints = "\n".join(tables.endpoints(schema))
    assert f".. schema-endpoints:: alerce_zvar.{name}\n" in text
    if hasattr(schema, "TABLES"):
        columns = "\n".join(tables.columns(schema))
        assert f".. schema-columns:: alerce_zvar.{name}\n" in text
        assert all(f"* - ``{column}``" in columns for table in schema.TABLES for column in table.names)
    for endpoint in (*schema.ENDPOINTS, *getattr(schema, "V2_ENDPOINTS", ())):
        assert f"``{endpoint.method} {endpoint.path}``" in endpoints
        assert all(f"* - ``{param.name}``" in endpoints for param in endpoint.params)


def test_reference_has_the_columns_of_matches(tables):
    from alerce_zvar.match import schema

    text = ROOT.joinpath("docs", "reference", "match.rst").read_text(encoding="utf-8")
    assert ".. schema-columns:: alerce_zvar.match.schema\n" in text
    columns = "\n".join(tables.columns(schema))
    assert all(f"* - ``{name}``" in columns for name in schema.MATCHES.names)


def test_reference_has_every_catalogue_and_unit(tables):
    from alerce_zvar.catshtm import schema

    page = "\n".join(tables.catalogs(schema))
    assert [catalog.name for catalog in schema.CATALOGS if f"* - ``{catalog.name}``" not in page] == []
    assert [text for text in schema.UNITS if text.strip() and f"* - ``{text}``" not in page] == []


def test_reference_has_every_error_and_warning(tables):
    from alerce_zvar import errors

    page = "\n".join((*tables.error_tree("AlerceZvarError"), *tables.error_tree("AlerceZvarWarning")))
    classes = [name for name in errors.__all__ if name not in ("printable", "require", "shown", "warn")]
    assert [name for name in classes if f"errors.{name}`" not in page] == []


def test_reference_has_every_command(tables):
    from alerce_zvar.__main__ import _parser

    names = [name for name, _ in tables.commands(_parser())]
    imports = {f"alerce-zvar archive import-{source}" for source in ("irsa", "alerce", "alerts")}
    assert {"alerce-zvar demo", "alerce-zvar serve", *imports} <= set(names)
    assert len(names) == len(set(names))


def test_commands_are_text_that_fits_beside_the_side_bars(tables):
    lines = list(tables.CommandLine.lines(None))
    assert lines.count(".. code-block:: text") == len([line for line in lines if line.startswith("alerce-zvar")]) >= 5
    assert max(map(len, lines)) <= 70


@pytest.mark.parametrize("service", ["alerce", "zvar"])
def test_every_mark_of_a_contract_is_explained(service):
    """Numbers after the notes' names in the code, and those of the page's table."""
    page = ROOT.joinpath("docs", "explanation", "contracts.rst").read_text(encoding="utf-8")
    table = page.partition(f"``{service}.md``\n")[2].partition(".. list-table::")[0]
    explained = set(re.findall(r"\b\d+(?:\.\d+)?\b", table))
    code = "".join(path.read_text(encoding="utf-8") for path in ROOT.joinpath("alerce_zvar").rglob("*.py"))
    marks = re.findall(rf"reference/{service}\.md ((?:\d+(?:\.\d+)?(?:, | and | to )?)+)", code)
    cited = {number for mark in marks for number in re.findall(r"\d+(?:\.\d+)?", mark)}
    assert len(cited) >= 4
    assert cited <= explained


def test_oldest_dependencies_are_the_lower_bounds():
    extras = PROJECT["optional-dependencies"]
    parts = ("alerts", "archive", "fast", "formats", "plot", "server")
    wanted = [*PROJECT["dependencies"], *(text for part in parts for text in extras[part])]
    floors = dict(re.match(r"([\w-]+)>=([\d.]+)", text).groups() for text in wanted if "[" not in text)
    tox = ROOT.joinpath("tox.ini").read_text(encoding="utf-8")
    assert dict(re.findall(r"oldestdeps: ([\w-]+)==([\d.]+?)(?:\.\*)?\n", tox)) == floors


def test_photometry_says_how_levels_are_taken_away():
    from alerce_zvar.period import PeriodResult

    page = ROOT.joinpath("docs", "explanation", "photometry.rst").read_text(encoding="utf-8")
    assert f"takes the {PeriodResult.centring} off each" in page


def test_no_two_generated_pages_differ_by_case_alone():
    """Where case does not count in file names, as on macOS and Windows, one would overwrite the other."""
    generated = re.compile(r"^\.\. automodsumm:: (\S+)\n((?:   :.*\n)*)", re.M)
    names = []
    for page in ROOT.joinpath("docs").rglob("*.rst"):
        for module, options in generated.findall(page.read_text(encoding="utf-8")):
            skip = re.search(r":skip: (.*)", options)
            skipped = set(skip[1].split(", ")) if skip else set()
            names += [f"{module}.{name}" for name in importlib.import_module(module).__all__ if name not in skipped]
    assert "alerce_zvar.period.periodogram" in names
    lowered = [name.lower() for name in names]
    assert [name for name in names if lowered.count(name.lower()) > 1] == []
