"""The pages' examples run against a sample sky on this machine, in a folder of their own."""

import pytest


@pytest.fixture(autouse=True)
def _at_home(request, monkeypatch, tmp_path):
    """As in the shell of someone who has followed the tutorial's first step."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALERCE_ZVAR_SERVER", request.getfixturevalue("sample_server"))
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")
