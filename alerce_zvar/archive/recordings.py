"""Recorded answers of ALeRCE on disk or in memory, found and read one at a time.

::

    folder with INDEX.json (file, url, status) ─┐
    other JSON files, keyed by endpoint words ──┼─► Recording ─► Answers, or why there are none
    mappings keyed by endpoint words ───────────┘
"""

import json
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from alerce_zvar.alerce.schema import ENDPOINTS, V2_ENDPOINTS, lsst
from alerce_zvar.archive.answers import WORDS, answers_of
from alerce_zvar.errors import ArchiveError, shown

__all__ = ["Recording", "SkippedError", "find_recordings", "read"]

INDEX = "INDEX.json"
_OK = 200
_ZTF, _LSST = "ztf", "lsst_"
_WORDS = tuple(word for word in WORDS if not word.startswith(_LSST))
_ID_IN_NAME = re.compile(r"(?<![A-Za-z0-9])(ZTF\d\d[a-z]{7}|\d{15,19})(?![A-Za-z0-9])")
# Filters after which an answer is only a part of what an object has.
_PARTIAL = ("classifier", "classifier_version", "classifier_name", "fid", "version")
_IDENTIFYING = ("oid", "survey")


class Recording(NamedTuple):
    """One file or mapping, not read yet.

    Attributes
    ----------
    label : str
        What it is called in reports.
    content : `~pathlib.Path` or mapping
        Where the answer is.
    url : str
        Address that gave it; empty where keys say what it is.
    status : int
        HTTP status.
    """

    label: str
    content: object
    url: str = ""
    status: int = _OK


class SkippedError(Exception):
    """A recording that is no answer that the archive keeps."""


def find_recordings(source):
    """Recordings in a file, a folder, a mapping, or any iterable of these.

    Raises
    ------
    ArchiveError
        A path does not exist, or an index cannot be read.
    TypeError
        Something else was given.
    """
    if isinstance(source, Mapping):
        return [Recording(str(source.get("oid", "mapping")), source)]
    if isinstance(source, str | PathLike):
        return _on_disk(Path(source))
    try:
        items = list(source)
    except TypeError as exc:
        raise TypeError(f"source: a path, a mapping or a list of them is accepted, {shown(source)} was given.") from exc
    if not all(isinstance(item, str | PathLike | Mapping) for item in items):
        raise TypeError("source: every item must be a path or a mapping.")
    return [recording for item in items for recording in find_recordings(item)]


def _on_disk(path):
    if not path.exists():
        raise ArchiveError(f"No such file or folder: {path}.")
    if not path.is_dir():
        return [one for one in _indexed(path.parent) if one.content == path] or [Recording(str(path), path)]
    indexed = _indexed(path)
    known = {one.content for one in indexed} | {path / INDEX}
    return indexed + [Recording(str(one), one) for one in sorted(path.glob("*.json")) if one not in known]


def _indexed(folder):
    """What the folder's index lists, in its order."""
    path = folder / INDEX
    if not path.is_file():
        return []
    try:
        entries = [(entry["file"], entry["url"], entry.get("status", _OK)) for entry in _load(path)]
    except (TypeError, KeyError, AttributeError) as exc:
        raise ArchiveError(f"{path}: a list of objects with 'file' and 'url' is expected: {exc!r}.") from exc
    wrong = [name for name, _, _ in entries if not isinstance(name, str) or Path(name).name != name]
    if wrong:
        raise ArchiveError(f"{path}: a 'file' must be a name in this folder, not {wrong[0]!r}.")
    return [Recording(str(folder / name), folder / name, str(url), status) for name, url, status in entries]


def read(recording):
    """Answers that a recording holds.

    Raises
    ------
    ArchiveError
        It cannot be read, or is not what its address or keys say.
    SkippedError
        It is of another service or endpoint, no answer but an error or a redirection, or a part of an answer only.
    """
    if not recording.url:
        content = recording.content
        return _keyed(content if isinstance(content, Mapping) else _load(content), recording.label)
    if recording.status != _OK:
        raise SkippedError(f"status {recording.status}")
    word, oid = _endpoint(recording.url)
    return answers_of(word, _load(recording.content), oid)


def _load(path):
    """Content of a JSON file; bare NaN, which the service writes, is a float NaN."""
    try:
        body = path.read_bytes()
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            return json.loads(body)
    except (OSError, ValueError, RecursionError) as exc:
        raise ArchiveError(f"{path} cannot be read as JSON: {exc}") from exc


def _keyed(content, label):
    """Answers of a mapping from endpoint words to bodies; its object may stand in the name of the file instead."""
    if not isinstance(content, Mapping):
        raise ArchiveError("a JSON object with endpoints as keys was expected; an address in INDEX.json may say more.")
    named = _ID_IN_NAME.findall(Path(label).name)
    oid = content.get("oid", named[0] if len(named) == 1 else "")
    survey = content.get("survey", lsst.SURVEY if str(oid).isdigit() else _ZTF)
    if survey not in (_ZTF, lsst.SURVEY):
        raise ArchiveError(f"'survey' must be 'ztf' or 'lsst', not {shown(survey)}.")
    words = [word for word in content if word not in _IDENTIFYING]
    if not words:
        raise ArchiveError(f"it holds no answer; its keys may be {', '.join(_WORDS)}.")
    prefix = _LSST if survey == lsst.SURVEY else ""
    return [answer for word in words for answer in answers_of(f"{prefix}{word}", content[word], oid)]


def _endpoint(url):
    """Endpoint word and object of an address."""
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise ArchiveError(f"{url!r:.200} is no address: {exc}") from exc
    path, query = re.sub("/+", "/", parts.path), parse_qs(parts.query)
    for word, pattern, listed in _PATTERNS:
        match = pattern.fullmatch(path)
        if match:
            partial = [name for name in _PARTIAL if name in query and not listed]
            if word not in WORDS or partial or query.get("survey_id", ["all"])[0] == "atlas":
                raise SkippedError(f"a part of an answer, or what follows from others ({path} {parts.query})")
            return word, unquote(match.groupdict().get("oid") or ",".join(query.get("oid", [])))
    raise SkippedError(f"no answer that the archive keeps ({parts.path})")


def _pattern(path):
    whole = re.escape(path).replace(r"\{oid\}", "(?P<oid>[^/]+)")
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", whole).removesuffix("/") + "/?")


# Endpoint word, its path, and whether filters choose objects rather than rows of an object.
_PATTERNS = [
    *((e.name, _pattern(e.path), bool(e.items)) for e in ENDPOINTS),
    *((e.name.removeprefix("v2_"), _pattern(e.path), False) for e in V2_ENDPOINTS),
    *(
        (_LSST + e.name, _pattern(f"{prefix}{e.path}"), bool(e.items))
        for e in lsst.ENDPOINTS
        for prefix in ("", lsst.LOCAL_PREFIX)
    ),
]
