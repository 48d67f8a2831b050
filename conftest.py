"""Shuts every test off from the user's settings and from every network but loopback; names the versions under test."""

import ipaddress
import os
import socket
import tempfile
from pathlib import Path

_HOME = tempfile.TemporaryDirectory(prefix="alerce_zvar_test_", ignore_cleanup_errors=True)
_FOLDERS = (
    "ASTROPY_CONFIG_DIR",
    "ASTROPY_CACHE_DIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "MPLCONFIGDIR",
)
_REMOVED = ("ALERCE_ZVAR_SERVER", "ZVAR_USERNAME", "ZVAR_PASSWORD", "NETRC")


def _isolate():
    """Own folders, no logins, no screen; in the environment, so that child processes are as isolated."""
    for name in _FOLDERS:
        folder = Path(_HOME.name, name.lower())
        # astropy 7 wants the folder `astropy` inside the XDG ones to exist, or it uses the user's own.
        (folder / "astropy" if name.startswith("XDG") else folder).mkdir(parents=True)
        os.environ[name] = str(folder)
    for name in _REMOVED:
        os.environ.pop(name, None)
    os.environ["MPLBACKEND"] = "Agg"
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"


_isolate()

import pytest  # noqa: E402 - everything below may import astropy, which must find its folders set
from astropy.utils import iers  # noqa: E402
from hypothesis import settings  # noqa: E402
from pytest_astropy_header.display import PYTEST_HEADER_MODULES, TESTED_VERSIONS  # noqa: E402

iers.conf.auto_download = False
settings.register_profile("alerce_zvar", deadline=None, derandomize="CI" in os.environ, database=None, max_examples=50)
settings.load_profile("alerce_zvar")


class NetworkForbiddenError(RuntimeError):
    """A test wanted to leave this machine."""


def _is_local(host):
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _guard_address(method):
    def guarded(self, *args):
        address = args[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
            raise NetworkForbiddenError(f"a test tried to reach {address}")
        return method(self, *args)

    return guarded


def _guard_name(function):
    def guarded(host, *args, **kwargs):
        if not _is_local(host):
            raise NetworkForbiddenError(f"a test tried to look up {host!r}")
        return function(host, *args, **kwargs)

    return guarded


def _forbid_network():
    for name in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, name, _guard_address(getattr(socket.socket, name)))
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        setattr(socket, name, _guard_name(getattr(socket, name)))


def pytest_configure(config):
    if config.getoption("remote_data", "none") == "none":
        _forbid_network()
    config.option.astropy_header = True
    PYTEST_HEADER_MODULES.clear()
    for name in ("astropy", "astroquery", "pyvo", "numpy", "scipy", "requests", "nifty_ls", "duckdb", "fastapi"):
        PYTEST_HEADER_MODULES[name] = name
    from importlib.metadata import version

    TESTED_VERSIONS["alerce_zvar"] = version("alerce_zvar")


def pytest_make_parametrize_id(config, val, argname):
    """Bytes are named by their parameter: they may hold the time they were packed at, and processes must agree."""
    return argname if isinstance(val, bytes) else None


def pytest_unconfigure():
    _HOME.cleanup()


@pytest.fixture(scope="session")
def real_data():
    """Folder of real light curves and recorded answers, which are too large to ship."""
    default = Path(__file__).parent.parent / "shared" / "data"
    folder = Path(os.environ.get("ALERCE_ZVAR_REAL_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"real data not found in {folder}; set ALERCE_ZVAR_REAL_DATA")
    return folder


@pytest.fixture(scope="session")
def sample_archive(tmp_path_factory):
    """The sample sky with seed 0, open for reading."""
    from alerce_zvar.archive import Archive
    from alerce_zvar.sample import build_sample

    path = tmp_path_factory.mktemp("sample") / "sky.duckdb"
    build_sample(path).close()
    with Archive.open(path, read_only=True) as archive:
        yield archive


@pytest.fixture(scope="session")
def sample_server(sample_archive):
    """Address of a server of the sample sky; ZVAR's part lets in alice with wonderland."""
    from alerce_zvar.server import serve

    with serve(sample_archive, users={"alice": "wonderland"}) as server:
        yield server.url


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A browser without a screen, see tests/browser.py; one per worker."""
    from browser import Browser

    opened = Browser(tmp_path_factory.mktemp("chromium"))
    yield opened
    opened.close()
