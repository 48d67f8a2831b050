"""`load_config`: addresses and settings from a mapping or a file, in our words or in those of the client ``alerce``."""

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from alerce_zvar.alerce.service import SERVICES, AlerceService
from alerce_zvar.config import conf
from alerce_zvar.errors import shown
from alerce_zvar.wire.address import checked_url

__all__ = ["OLD_SECTIONS", "ConfigLoading", "OldSection"]

_ZTF = "/ztf/v1"


@dataclass(frozen=True)
class OldSection:
    """What the client ``alerce`` says of one service.

    Parameters
    ----------
    url, routes : str
        Its keys of the address and of the paths below it.
    target : str
        Our name for that address.
    suffix : str
        End of their address that belongs to our paths.
    known : dict
        Name of a route -> its path, which can only be that.
    """

    url: str
    routes: str
    target: str
    suffix: str
    known: dict


def _per_object(*names):
    return {name: f"/objects/%s/{name}" for name in names}


_AVRO = OldSection("AVRO_URL", "AVRO_ROUTES", "stamps_url", "", {"get_stamp": "/get_stamp", "get_avro": "/get_avro"})
# Section of the file of 2.3.1 -> what it holds (reference/alerce.md 11.3).
OLD_SECTIONS = {
    "ztf": OldSection(
        "ZTF_API_URL",
        "ZTF_ROUTES",
        "url",
        _ZTF,
        {
            "objects": "/objects",
            "single_object": "/objects/%s",
            **_per_object("detections", "non_detections", "lightcurve", "magstats", "probabilities", "features"),
            "single_feature": "/objects/%s/features/%s",
            "classifiers": "/classifiers",
            "classifier_classes": "/classifiers/%s/%s/classes",
            "forced_photometry": "/v2/lightcurve/forced-photometry/%s",
        },
    ),
    "multisurvey": OldSection(
        "URL_MS",
        "ROUTES_MS",
        "lsst_url",
        "",
        {
            "objects": "/object_api/list_objects",
            "single_object": "/object_api/object",
            "detections": "/lightcurve_api/detections",
            "forced_photometry": "/lightcurve_api/forced-photometry",
            "non_detections": "/lightcurve_api/non_detections",
            "lightcurve": "/lightcurve_api/lightcurve",
            "probabilities": "/probability_api/probability",
        },
    ),
    "stamps": OldSection(
        "STAMP_URL", "AVRO_ROUTES", "lsst_url", "/stamps_api", {"get_stamp": "/stamp", "get_avro": "/get_avro"}
    ),
    "stamps_ztf": _AVRO,
}
_CATSHTM = OldSection(
    "CATSHTM_API_URL",
    "CATSHTM_ROUTES",
    "catshtm_url",
    "",
    {name: f"/{name}" for name in ("conesearch", "conesearch_all", "crossmatch", "crossmatch_all")},
)
# Of which the 1.x releases took the keys without any section (reference/alerce.md 11.1).
_FLAT = {key: part for part in (OLD_SECTIONS["ztf"], _AVRO, _CATSHTM) for key in (part.url, part.routes)}
_OWN = {("url" if service == "ztf" else f"{service}_url"): service for service in SERVICES}
_SECRET = re.compile(r"pass|secret|token|credential|api_?key|login", re.IGNORECASE)
_POSITIVE = ("timeout", "connect_timeout", "max_connections", "max_reply_size", "page_size", "photometry_batch")
_KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}


class ConfigLoading(AlerceService):
    """The method that loads a configuration."""

    def load_config(self, config):
        """Take addresses and settings from a mapping, or from a JSON or TOML file.

        Nothing is changed unless all of it can be used.

        Parameters
        ----------
        config : Mapping, str or path-like
            Keys of any of these kinds:

            - ``url``, ``lsst_url``, ``stamps_url``, ``tap_url``: addresses for this object alone, as when it was
              made; None takes one back;
            - names of `alerce_zvar.conf`, such as ``timeout`` or ``row_limit``: settings of the package;
            - ``ZTF_API_URL``, ``AVRO_URL`` and ``CATSHTM_API_URL`` of the client ``alerce`` 1.x, or the sections
              ``ztf``, ``multisurvey``, ``stamps`` and ``stamps_ztf`` of the file of its 2.x releases. Each moves the
              service that it names and no other. That of catsHTM is a setting of the package. Routes are accepted
              where they are the usual ones, for only addresses can be changed.

        Raises
        ------
        ValueError
            An unknown key, with the nearest known one; a value that cannot be used; a route of one's own; a password
            or token, which a configuration must not hold; a file that is neither JSON nor TOML.
        FileNotFoundError
            There is no such file.
        """
        urls, settings, moved = _sorted_out(_content(config))
        # Our `url` moves all services that have no address of their own, ZTF_API_URL that of ZTF only.
        kept = {service: self._address(service) for service in SERVICES} if "ztf" in moved else {}
        self._urls = self._urls | kept | moved | urls
        for name, value in settings.items():
            setattr(conf, name, value)


def _content(config):
    if isinstance(config, Mapping):
        return config
    if not isinstance(config, str | PathLike):
        raise TypeError(f"config must be a mapping or the path of a file, not {type(config).__name__}")
    path = Path(config)
    readers = {".json": json.loads, ".toml": tomllib.loads}
    if path.suffix.lower() not in readers:
        raise ValueError(f"config must be a mapping or a .json or .toml file, not {str(path)!r}")
    try:
        found = readers[path.suffix.lower()](path.read_text(encoding="utf-8"))
    except ValueError as exc:  # both readers' errors, and text that is not UTF-8
        raise ValueError(f"{path} cannot be read as {path.suffix.lstrip('.').upper()}: {exc}") from None
    if not isinstance(found, Mapping):
        raise ValueError(f"{path} must hold an object with keys, not {type(found).__name__}")
    return found


def _sorted_out(config):
    """Addresses in our words by service, settings of the package, and addresses of old keys by service."""
    urls, settings, old = {}, {}, {}
    for key, value in config.items():
        if key in _OWN:
            urls[_OWN[key]] = None if value is None else _url(key, value)
        elif key in OLD_SECTIONS:
            _take_section(OLD_SECTIONS[key], f"{key}.", _mapping(key, value), old)
        elif key in _FLAT:
            _take_section(_FLAT[key], "", {key: value}, old)
        elif key in conf:
            settings[key] = _setting(key, value)
        else:
            raise ValueError(_unknown(key, (*_OWN, *OLD_SECTIONS, *_FLAT, *conf)))
    if "catshtm_url" in old:
        url = old.pop("catshtm_url")
        if settings.setdefault("catshtm_url", url) != url:
            raise ValueError(f"The address of catsHTM is given twice: {settings['catshtm_url']!r} and {url!r}")
    moved = {_OWN[target]: url for target, url in old.items()}
    twice = [service for service in urls if urls[service] != moved.get(service, urls[service])]
    if twice:
        raise ValueError(f"The address of {twice[0]} is given twice: {urls[twice[0]]!r} and {moved[twice[0]]!r}")
    return urls, settings, moved


def _take_section(part, where, values, found):
    """Check one section; its address goes to `found` by our name."""
    for key, value in values.items():
        if key == part.url:
            url = _url(where + key, value).removesuffix(part.suffix).rstrip("/")
            if found.setdefault(part.target, url) != url:
                raise ValueError(f"{where}{key} wants another {part.target} than another key: {found[part.target]!r}")
        elif key == part.routes:
            _check_routes(where + key, _mapping(where + key, value), part)
        else:
            raise ValueError(_unknown(key, (part.url, part.routes), where))


def _check_routes(name, routes, part):
    for key, path in routes.items():
        if key not in part.known:
            raise ValueError(_unknown(key, part.known, f"{name}."))
        plain = re.sub("/+", "/", f"/{path}").removeprefix(part.suffix).rstrip("/")
        if plain != part.known[key]:
            raise ValueError(
                f"{name}.{key} is {path!r}, and only {part.known[key]!r} is supported: addresses can be changed, "
                "paths below them cannot"
            )


def _mapping(key, value):
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} must hold a mapping, not {type(value).__name__}")
    return value


def _url(key, value):
    try:
        return checked_url(value)
    except ValueError as exc:
        login = isinstance(value, str) and "@" in value
        raise ValueError(f"{key}: {_no_secret() if login else exc}") from None


def _setting(key, value):
    """Value of a setting of the package, of the type of its default."""
    kind = type(type(conf).__dict__[key].defaultvalue)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool) != (kind is bool):
        raise ValueError(f"{key} must be {_KINDS[kind]}, not {shown(value)}")
    if key == "row_limit":
        if value < -1 or value == 0:
            raise ValueError(f"row_limit must be positive, or -1 for all rows, not {shown(value)}")
    elif kind in (int, float) and not (value > 0 or (value == 0 and key not in _POSITIVE)):
        raise ValueError(f"{key} must be {'more than' if key in _POSITIVE else 'at least'} 0, not {shown(value)}")
    return _url(key, value) if key.endswith("_url") else kind(value)


def _no_secret():
    return "a configuration must not hold a password or token; see Zvar.login() for the ways to give one"


def _unknown(key, known, where=""):
    if _SECRET.search(str(key)):
        return f"{where}{key}: {_no_secret()}"
    if str(key).startswith("ZTF_DB_"):
        return f"{key}: the SQL service that it leads to has been taken down; see query_tap"
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(key).lower(), names, n=3)
    hint = f"did you mean {' or '.join(names[name] for name in near)}?" if near else f"known are {', '.join(known)}"
    return f"unknown key {where}{key}; {hint}"
