"""Who may import whom, read from the source; and what a plain import loads."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from itertools import permutations
from pathlib import Path

import pytest

import alerce_zvar

ROOT = Path(alerce_zvar.__file__).parent
PACKAGE = "alerce_zvar"
SCHEMAS = {"wire.spec", "alerce.schema", "catshtm.schema", "zvar.schema", "zvar.photometry"}
BASE = {"errors", "config", "cuts", "files", "folding", "lightcurves", "packets"}
SERVICE = BASE | {"votable", "wire"}
EVERYTHING = {""}

# Room -> the rooms that it may import, besides itself. The longest name that fits a module counts.
ROOMS = {
    "errors": set(),
    "config": set(),
    "references": set(),
    "citing": {"errors", "references", "catshtm.schema", "lightcurves", "period"},
    "compiled": set(),
    "cuts": set(),
    "folding": {"errors"},
    "packets": {"errors"},
    "files": set(),
    "positions": {"errors"},
    "wire.spec": set(),
    "wire.fitsfile": set(),
    "wire.formats": {"errors", "votable", "wire.fitsfile"},
    "wire.query": {"errors", "wire.spec"},
    "wire.decode": {"errors", "config", "wire.formats", "wire.spec", "wire.query"},
    "votable": set(),
    "wire.scan_numba": {"compiled"},
    "wire": {"errors", "config", "votable"},
    "alerce.schema": {"wire.spec"},
    "catshtm.schema": {"wire.spec"},
    "zvar.schema": {"wire.spec"},
    "zvar.photometry": {"zvar.schema"},
    "lightcurves": {"errors", "cuts", "folding", "wire.formats", *SCHEMAS},
    "alerce": SERVICE,
    "alerce.download": SERVICE | {"alerce", "archive", "download"},
    "catshtm": SERVICE,
    "zvar": SERVICE,
    "zvar.gaia": {"errors", "folding"},
    "zvar.download": SERVICE | {"archive", "download", "zvar"},
    "download": {"errors", "config", "archive", "wire.query"},
    "match.places": {"errors"},
    "match": {"errors", "wire", "alerce", "zvar"},  # above the services, which do not know each other
    "period": {"errors", "compiled", "folding", "lightcurves", "references"},
    "plot": {"errors", "folding", "lightcurves", "match.places", "packets", "period", "zvar.gaia"},
    "plot.explorer": {"errors", "files", "folding", "lightcurves", "period", "plot"},
    "plot.explorer.services": SERVICE | {"alerce", "match", "plot.explorer", "zvar"},
    "archive": BASE | SCHEMAS | {"period", "wire.query"},
    "server": {"errors", "config", "archive", "packets", "votable", *SCHEMAS},
    # The pages decode the server's own answers as the public classes do, so that both show the same.
    "server.pages": SERVICE | SCHEMAS | {"alerce", "archive", "period", "plot", "positions", "server", "zvar"},
    "reporting": SERVICE | {"alerce", "catshtm", "zvar", "period", "plot", "citing", "references"},
    "cli.reporting": SERVICE | {"catshtm", "cli", "positions", "reporting"},
    "cli": SERVICE | {"alerce", "zvar", "match", "period", "plot", "positions"},
    "sample": EVERYTHING,
    "__main__": EVERYTHING,
}
NETWORK = {"requests", "urllib3", "socket", "http", "httpx", "ssl"}
NETWORK_ROOMS = ("wire.transport", "wire.connection", "wire.translate", "wire.tap_session", "server")
# Optional package -> the rooms whose modules may import it at once; all others do so inside a function, if at all.
EXTRAS = {
    "duckdb": ("archive",),
    "fastavro": (),
    "fastapi": ("server",),
    "jinja2": ("server",),
    "matplotlib": ("plot",),
    "numba": ("compiled", "period", "wire.scan_numba"),
    "PIL": (),
    "anywidget": (),
    "ipywidgets": (),
    "pandas": (),
    "plotly": ("plot",),
    "pyarrow": (),
    "sqlglot": ("server",),
    "starlette": ("server",),
    "tqdm": (),
    "uvicorn": ("server",),
}


def _name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in ROOT.rglob("*.py")}


def _inside(name, room):
    return not room or name == room or name.startswith(f"{room}.")


def _statements(tree, *, at_once=False):
    """Import statements; with `at_once` only those that run when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (at_once and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            yield from _statements(node, at_once=at_once)


def _targets(node, importer):
    """Full names that a statement imports: of ``from a import b`` both ``a`` and ``a.b``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, f"{importer}: relative import in line {node.lineno}"
    return [f"{node.module}.{alias.name}" for alias in node.names]


def _foreign(tree, importer, **options):
    names = (name for node in _statements(tree, **options) for name in _targets(node, importer))
    return {name.split(".")[0] for name in names} - {PACKAGE}


def _own(importer):
    """Modules of ours that a module imports."""
    for node in _statements(MODULES[importer]):
        for target in _targets(node, importer):
            if not _inside(target, PACKAGE):
                continue
            name = target.removeprefix(PACKAGE).removeprefix(".")
            yield name if name in MODULES else name.rpartition(".")[0]


def _room(name):
    return max((room for room in ROOMS if _inside(name, room)), key=len)


ROOMED = sorted(set(MODULES) - {""})


def test_every_module_has_a_room():
    assert [name for name in ROOMED if not any(_inside(name, room) for room in ROOMS)] == []


@pytest.mark.parametrize("importer", ROOMED)
def test_imports_go_down(importer):
    room = _room(importer)
    allowed = (*ROOMS[room], room)
    wrong = {name for name in _own(importer) if not any(_inside(name, other) for other in allowed)}
    assert not wrong, f"{importer} (room {room}) may import {sorted(allowed)}, and imports {sorted(wrong)}"


def test_no_service_knows_another():
    for service, other in permutations(("alerce", "catshtm", "zvar"), 2):
        seen = {name for importer in MODULES if _inside(importer, service) for name in _own(importer)}
        assert not {name for name in seen if _inside(name, other) or _inside(name, "period") or _inside(name, "plot")}


def test_only_the_demo_and_the_command_line_know_the_server():
    importers = {m for m in MODULES if any(_inside(name, "server") for name in _own(m)) and not _inside(m, "server")}
    assert {_room(name) for name in importers if name} <= {"sample", "__main__"}
    assert "" not in importers


def _graph():
    """Module -> what must be loaded before it, with the packages that an import runs through on its way."""
    for importer in ROOMED:
        names = set()
        for name in _own(importer):
            parts = name.split(".")
            names |= {".".join(parts[: i + 1]) for i in range(len(parts))}
        yield importer, {name for name in names if name and not _inside(importer, name)}


def test_no_cycles():
    TopologicalSorter(dict(_graph())).prepare()


@pytest.mark.parametrize("importer", ROOMED)
def test_one_door_to_the_network(importer):
    if not any(_inside(importer, room) for room in NETWORK_ROOMS):
        assert not _foreign(MODULES[importer], importer) & NETWORK


@pytest.mark.parametrize("importer", sorted(MODULES))
def test_extras_wait(importer):
    at_once = _foreign(MODULES[importer], importer, at_once=True)
    homeless = {name for name, rooms in EXTRAS.items() if not any(_inside(importer, room) for room in rooms)}
    assert not at_once & homeless


@pytest.mark.parametrize("names", [(), ("Alerce", "Zvar", "LightCurves", "find_period", "fold", "conf")])
def test_import_loads_no_extra(names):
    code = f"import sys, alerce_zvar as a; [getattr(a, n) for n in {names}]; print(*{set(EXTRAS)} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.split() == []


def test_the_reader_of_imports_sees_them():
    tree = ast.parse("import a.b\nfrom c import d\ndef f():\n    import e\nif x:\n    import g\n")
    assert _foreign(tree, "probe") == {"a", "c", "e", "g"}
    assert _foreign(tree, "probe", at_once=True) == {"a", "c", "g"}
