"""What conftest.py promises every other test."""

import os
import socket

import pytest
import requests
from astropy.config import get_cache_dir_path, get_config_dir_path
from astropy.utils import iers


@pytest.fixture(autouse=True)
def _only_when_shut(pytestconfig):
    if pytestconfig.getoption("remote_data", "none") != "none":
        pytest.skip("the network was opened by --remote-data")


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_no_socket_leaves_the_machine(host):
    with pytest.raises((RuntimeError, OSError), match=r"tried to|internet"):
        socket.create_connection((host, 80), timeout=1)


def test_no_request_leaves_the_machine():
    with pytest.raises((RuntimeError, OSError), match=r"tried to|internet"):
        requests.get("http://192.0.2.1/", timeout=1)


def test_no_datagram_leaves_the_machine():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(RuntimeError, match="tried to"):
        sender.sendto(b"", ("192.0.2.1", 53))


def test_loopback_stays_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_settings_and_logins_are_not_the_users():
    assert "alerce_zvar_test_" in str(get_config_dir_path("astropy"))
    assert "alerce_zvar_test_" in str(get_cache_dir_path("astropy"))
    assert not {"ALERCE_ZVAR_SERVER", "ZVAR_USERNAME", "ZVAR_PASSWORD"} & set(os.environ)
    assert not iers.conf.auto_download


def test_no_keyring_answers():
    keyring = pytest.importorskip("keyring")
    keyring.set_password("alerce_zvar", "alice", "wonderland")
    assert keyring.get_password("alerce_zvar", "alice") is None
