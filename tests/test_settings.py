"""`load_config`: our words and those of the official client lead to the same places, and nothing is taken by halves."""

import copy
import importlib.resources
import json
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerce_zvar import AlerceClass, conf
from alerce_zvar.alerce.settings import OLD_SECTIONS
from alerce_zvar.sample.stars import COUNTS

SERVICES = ("ztf", "lsst", "stamps", "tap")
USUAL = {
    "ztf": "https://api.alerce.online",
    "lsst": "https://api-lsst.alerce.online",
    "stamps": "https://avro.alerce.online",
    "tap": "https://tap.alerce.online/tap",
}


@pytest.fixture(autouse=True)
def settings():
    """Settings of the package, put back afterwards."""
    before = {name: getattr(conf, name) for name in conf}
    yield before
    for name, value in before.items():
        setattr(conf, name, value)


def addresses(alerce):
    return {service: alerce._address(service) for service in SERVICES}


def asked(alerce):
    """Addresses of requests as they would be sent."""
    return {
        "ztf": alerce._client.query("object", oid="ZTF18abbuksn").url,
        "lsst": alerce._lsst.query("object", oid="1", survey="lsst").url,
    }


def test_our_own_words(tmp_path):
    alerce = AlerceClass()
    assert addresses(alerce) == USUAL
    assert alerce.load_config({"url": "http://127.0.0.1:8000/", "timeout": 7, "row_limit": -1}) is None
    assert addresses(alerce) == {
        "ztf": "http://127.0.0.1:8000",
        "lsst": "http://127.0.0.1:8000/lsst",
        "stamps": "http://127.0.0.1:8000/avro",
        "tap": "http://127.0.0.1:8000/tap",
    }
    assert (conf.timeout, conf.row_limit) == (7.0, -1)
    assert type(conf.timeout) is float
    assert addresses(AlerceClass()) == USUAL
    assert addresses(pickle.loads(pickle.dumps(alerce))) == addresses(alerce)
    alerce.load_config({"url": None, "tap_url": "https://tap.example.org/tap"})
    assert addresses(alerce) == USUAL | {"tap": "https://tap.example.org/tap"}


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", ["", "/ztf/v1"])
def test_the_address_of_old_releases(path, slash):
    alerce = AlerceClass()
    alerce.load_config({"ZTF_API_URL": f"https://localhost:5000{path}{slash}"})
    assert addresses(alerce) == USUAL | {"ztf": "https://localhost:5000"}  # as there, the others stay
    assert asked(alerce)["ztf"].startswith("https://localhost:5000/ztf/v1/objects/ZTF18abbuksn")


def test_all_keys_of_old_releases():
    alerce = AlerceClass()
    alerce.load_config(
        {
            "ZTF_API_URL": "https://a.example.org/ztf/v1/",
            "ZTF_ROUTES": {
                "objects": "/objects",
                "single_object": "/objects/%s",
                "single_feature": "/objects/%s/features/%s",
            },
            "CATSHTM_API_URL": "https://b.example.org/",
            "CATSHTM_ROUTES": {"conesearch": "/conesearch", "crossmatch_all": "/crossmatch_all"},
            "AVRO_URL": "https://c.example.org",
            "AVRO_ROUTES": {"get_stamp": "/get_stamp", "get_avro": "/get_avro"},
        }
    )
    assert addresses(alerce) == USUAL | {"ztf": "https://a.example.org", "stamps": "https://c.example.org"}
    assert conf.catshtm_url == "https://b.example.org"


@pytest.fixture
def packaged():
    """The configuration that the official client carries."""
    pytest.importorskip("alerce")
    return json.loads(importlib.resources.files("alerce").joinpath("default_config.json").read_text(encoding="utf-8"))


def test_the_official_clients_file(packaged, tmp_path):
    alerce = AlerceClass(url="http://127.0.0.1:1", lsst_url="http://127.0.0.1:2")
    path = tmp_path / "default_config.json"
    path.write_text(json.dumps(packaged), encoding="utf-8")
    alerce.load_config(path)
    assert addresses(alerce) == USUAL | {"tap": "http://127.0.0.1:1/tap"}
    assert {name: set(packaged[name]) for name in packaged} == {
        name: {part.url, part.routes} for name, part in OLD_SECTIONS.items()
    }
    for name, part in OLD_SECTIONS.items():
        assert set(packaged[name][part.routes]) == set(part.known)


def test_the_official_clients_file_with_other_addresses(packaged, tmp_path):
    text = json.dumps(packaged).replace("https://api.alerce.online", "http://127.0.0.1:1")
    text = text.replace("https://api-lsst.alerce.online", "http://127.0.0.1:1/lsst")
    path = tmp_path / "moved.JSON"
    path.write_text(text.replace("https://avro.alerce.online", "http://127.0.0.1:1/avro"), encoding="utf-8")
    alerce = AlerceClass()
    alerce.load_config(str(path))
    root = "http://127.0.0.1:1"
    assert addresses(alerce) == USUAL | {"ztf": root, "lsst": f"{root}/lsst", "stamps": f"{root}/avro"}
    assert asked(alerce)["lsst"].startswith(f"{root}/lsst/object_api/object?")


def test_every_route_of_the_file_is_ours(packaged):
    """A route that we accept as known is one that our own requests take."""
    alerce = AlerceClass()
    ours = {e.path for c in (alerce._client, alerce._lsst, alerce._stamps) for e in c.endpoints.values()}
    plain = {path.replace("{oid}", "%s").replace("{name}", "%s").rstrip("/") for path in ours}
    plain |= {path.replace("{classifier_name}/{classifier_version}", "%s/%s") for path in plain}
    for name, part in OLD_SECTIONS.items():
        for route, path in packaged[name][part.routes].items():
            full = {"stamps": "/stamps_api"}.get(name, "") + "/" + path.lstrip("/")
            if (name, route) != ("stamps", "get_avro"):  # which no server has (reference/alerce.md 1.1)
                assert full in plain, (name, route)


def test_toml(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(
        'url = "http://127.0.0.1:9"\nmax_retries = 2\n[multisurvey]\nURL_MS = "http://127.0.0.1:8"\n', "utf-8"
    )
    alerce = AlerceClass()
    alerce.load_config(path)
    assert addresses(alerce)["lsst"] == "http://127.0.0.1:8"
    assert addresses(alerce)["tap"] == "http://127.0.0.1:9/tap"
    assert conf.max_retries == 2


REFUSED = {
    "unknown key ulr; did you mean url": {"ulr": "http://127.0.0.1"},
    "unknown key ztf_api_ur; did you mean ZTF_API_URL": {"ztf_api_ur": "http://127.0.0.1"},
    "unknown key time_out; did you mean timeout": {"time_out": 3},
    "unknown key 7; known are url, lsst_url": {7: 3},
    "unknown key ztf.ZTF_ROUTE; did you mean ZTF_ROUTES": {"ztf": {"ZTF_ROUTE": {}}},
    r"unknown key ZTF_ROUTES.object; did you mean objects": {"ZTF_ROUTES": {"object": "/objects"}},
    r"ZTF_ROUTES.objects is '/objetos', and only '/objects' is supported": {"ZTF_ROUTES": {"objects": "/objetos"}},
    r"stamps.AVRO_ROUTES.get_stamp is '/get_stamp'": {"stamps": {"AVRO_ROUTES": {"get_stamp": "/get_stamp"}}},
    "ztf must hold a mapping, not str": {"ztf": "http://127.0.0.1"},
    "AVRO_ROUTES must hold a mapping, not list": {"AVRO_ROUTES": ["/get_stamp"]},
    "ZTF_API_URL: url must be an address such as": {"ZTF_API_URL": "localhost:5000"},
    "lsst_url: url must be an address": {"lsst_url": 5},
    "catshtm_url: url must be an address": {"catshtm_url": "catshtm"},
    "timeout must be a number, not '3'": {"timeout": "3"},
    "timeout must be a number, not True": {"timeout": True},
    "row_limit must be a whole number, not 2.5": {"row_limit": 2.5},
    "allow_insecure_http must be True or False, not 1": {"allow_insecure_http": 1},
    "row_limit must be positive, or -1 for all rows, not -5": {"row_limit": -5},
    "row_limit must be positive, or -1 for all rows, not 0": {"row_limit": 0},
    "timeout must be more than 0, not nan": {"timeout": float("nan")},
    "timeout must be more than 0, not 0": {"timeout": 0},
    "max_connections must be more than 0, not 0": {"max_connections": 0},
    "max_retries must be at least 0, not -5": {"max_retries": -5},
    "backoff must be at least 0, not -0.5": {"backoff": -0.5},
    "stamps.STAMP_URL wants another lsst_url": {
        "multisurvey": {"URL_MS": "http://127.0.0.1:1"},
        "stamps": {"STAMP_URL": "http://127.0.0.1:2/stamps_api"},
    },
    "The address of ztf is given twice": {"url": "http://127.0.0.1:1", "ZTF_API_URL": "http://127.0.0.1:2"},
    "The address of catsHTM is given twice": {
        "catshtm_url": "http://127.0.0.1:1",
        "CATSHTM_API_URL": "http://127.0.0.1:2",
    },
    "ZTF_DB_API_URL: the SQL service that it leads to has been taken down; see query_tap": {"ZTF_DB_API_URL": "x"},
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_used_changes_nothing(message, settings):
    alerce = AlerceClass()
    good = {"tap_url": "https://tap.example.org", "max_backoff": 9.0, "AVRO_URL": "https://c.example.org"}
    for config in (good | REFUSED[message], REFUSED[message] | good):
        with pytest.raises(ValueError, match=message):
            alerce.load_config(config)
    assert addresses(alerce) == USUAL
    assert {name: getattr(conf, name) for name in conf} == settings


@pytest.mark.parametrize(
    "config",
    [
        {"password": "wonderland"},
        {"ztf": {"AUTH_TOKEN": "wonderland"}},
        {"zvar_password": "wonderland"},
        {"api_key": "wonderland"},
        {"url": "https://alice:wonderland@example.org"},
        {"ZTF_API_URL": "https://alice:wonderland@example.org/ztf/v1"},
        {"zvar_url": "https://alice:wonderland@example.org"},
    ],
)
def test_secrets_are_refused_and_not_repeated(config):
    with pytest.raises(ValueError, match=r"must not hold a password or token; see Zvar\.login") as refusal:
        AlerceClass().load_config(config)
    assert "wonderland" not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.json", "{", r"c\.json cannot be read as JSON"),
        ("c.json", "[1]", r"c\.json must hold an object with keys, not list"),
        ("c.toml", "url = ", r"c\.toml cannot be read as TOML"),
        ("c.cfg", "url = 1", r"must be a mapping or a \.json or \.toml file"),
    ],
)
def test_files_that_cannot_be_read(name, text, message, tmp_path):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        AlerceClass().load_config(path)


def test_files_that_are_no_text(tmp_path):
    path = tmp_path / "c.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ValueError, match="cannot be read as JSON"):
        AlerceClass().load_config(path)
    with pytest.raises(FileNotFoundError):
        AlerceClass().load_config(tmp_path / "none.json")
    with pytest.raises(TypeError, match="config must be a mapping or the path of a file, not list"):
        AlerceClass().load_config([("url", "x")])


@given(
    st.dictionaries(st.text(max_size=9), st.none() | st.integers() | st.text() | st.dictionaries(st.text(), st.text()))
)
def test_anything_is_taken_whole_or_refused_by_value_error(config):
    alerce = AlerceClass()
    before = copy.deepcopy(addresses(alerce))
    try:
        alerce.load_config(config)
    except ValueError:
        assert addresses(alerce) == before


def test_an_old_configuration_leads_to_an_answer(sample_server):
    """The dictionary example of the 1.x documentation, at a server that answers."""
    alerce = AlerceClass()
    alerce.load_config({"ZTF_API_URL": f"{sample_server}/ztf/v1"})
    assert len(alerce.query_objects(ndet=1, row_limit=-1)) == 300 - COUNTS["constant"]
