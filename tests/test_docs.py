"""The README's commands and example, and the generated reference, are what they say."""

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


@pytest.mark.parametrize("service", ["alerce", "zvar"])
def test_reference_has_every_column_and_parameter(tables, service):
    import importlib

    schema = importlib.import_module(f"alerce_zvar.{service}.schema")
    columns, endpoints = "\n".join(tables.columns(schema)), "\n".join(tables.endpoints(schema))
    for table in schema.TABLES:
        assert all(f"* - ``{name}``" in columns for name in table.names)
    for endpoint in schema.ENDPOINTS:
        assert f"``{endpoint.method} {endpoint.path}``" in endpoints
        assert all(f"* - ``{param.name}``" in endpoints for param in endpoint.params)


def test_reference_has_every_error_and_warning(tables):
    from alerce_zvar import errors

    page = "\n".join((*tables.error_tree("AlerceZvarError"), *tables.error_tree("AlerceZvarWarning")))
    assert [name for name in errors.__all__ if name not in ("require", "warn") and f"errors.{name}`" not in page] == []


def test_reference_has_every_command(tables):
    from alerce_zvar.__main__ import _parser

    names = [name for name, _ in tables.commands(_parser())]
    assert {"alerce-zvar demo", "alerce-zvar serve", "alerce-zvar archive import-irsa"} <= set(names)
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
    wanted = [*PROJECT["dependencies"], *extras["archive"], *extras["server"], *extras["plot"]]
    floors = dict(re.match(r"([\w-]+)>=([\d.]+)", text).groups() for text in wanted if "[" not in text)
    tox = ROOT.joinpath("tox.ini").read_text(encoding="utf-8")
    assert dict(re.findall(r"oldestdeps: ([\w-]+)==([\d.]+?)(?:\.\*)?\n", tox)) == floors


def test_photometry_says_how_levels_are_taken_away():
    from alerce_zvar.period import PeriodResult

    page = ROOT.joinpath("docs", "explanation", "photometry.rst").read_text(encoding="utf-8")
    assert f"takes the {PeriodResult.centring} off each" in page
