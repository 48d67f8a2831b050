"""Features of ZTF's objects: which version counts as the latest, and one row per object."""

import itertools
import re

import numpy as np
from astropy.table import MaskedColumn

from alerce_zvar.alerce import schema
from alerce_zvar.alerce.asking import ObjectAnswers
from alerce_zvar.alerce.per_object import OID
from alerce_zvar.errors import ReplyError, shown
from alerce_zvar.wire.answer import AnswerTable
from alerce_zvar.wire.query import checked, documented

__all__ = ["FeatureQueries", "latest_version", "mask_no_period", "widened"]

_BANDS = {word: code for code, word in schema.FEATURE_BANDS.items()}
_IN_PATH = re.compile(r"[\w-][\w.+-]*", re.ASCII)  # names that an address can carry; Power_rate_1/2 is none
_STRICT = re.compile(r"\d+\.\d+\.\d+")
_NUMBERS = re.compile(r"\d+")
# In these versions a period of exactly 1 day means that there is none; other versions of the same objects hold true
# ones (reference/alerce.md 3.5).
_NO_PERIOD = ("Multiband_period", 1.0, ("23.12.25", "23.12.26a85"))

_SHARED = """version : str
    ``"latest"``: of each object the highest version of the plain form N.N.N, such as 27.5.6; without any, the
    highest by its numbers, of equal ones the last by name. ``"all"``: every version. Anything else is the name of a
    version.
band : {"g", "r", "gr", "none"}, optional
    Only features of this band; ``"gr"`` are those of both bands together, ``"none"`` those of no band.
survey : {"ztf"}
    Whose objects; the service has this of ZTF only."""


class FeatureQueries(ObjectAnswers):
    """Methods about features."""

    @documented(oid=OID, shared=_SHARED)
    def query_features(
        self, oid, *, version="latest", band=None, survey="ztf", wide=False, get_query_payload=False, timeout=None
    ):
        """Features of one object, or of each of a list; parameters and errors as for `query_object`.

        Parameters
        ----------
        {oid}
        {shared}
        wide : bool
            One row per object and version, with a column for each feature: ``Amplitude_g``, ``Multiband_period_gr``,
            and without a suffix if it belongs to no band.
        {common}

        Returns
        -------
        AnswerTable
            ``oid, name, value, band, version``, or in the wide form ``oid, version`` and the features. Values that are
            null or not a number are masked. So is a ``Multiband_period`` of exactly 1.0 in the versions 23.12.25 and
            23.12.26a85, where it means that no period was found.
        """
        asked = self._asked("features", oid, survey, ("ztf",), **_selection(version, band))
        found = self._answer(asked, get_query_payload, timeout, _chooser(version, band))
        if get_query_payload:
            return found
        mask_no_period(found)
        return widened(found, asked.ids) if wide else found

    @documented(oid=OID, shared=_SHARED)
    def query_feature(
        self, oid, name, *, version="latest", band=None, survey="ztf", get_query_payload=False, timeout=None
    ):
        """One feature of one object, or of each of a list; as `query_features`.

        Parameters
        ----------
        {oid}
        name : str
            Name of the feature, such as ``"Multiband_period"``.
        {shared}
        {common}

        Returns
        -------
        AnswerTable
            As from `query_features`.

        Notes
        -----
        The latest version is the latest one that holds this feature. A name that an address cannot carry, such as
        ``Power_rate_1/2``, is picked from all features of the object.
        """
        checked(self._client.endpoints["feature"].param("name"), name)
        values, in_path = _selection(version, band), bool(_IN_PATH.fullmatch(name))
        values |= {"name": name} if in_path else {}
        asked = self._asked("feature" if in_path else "features", oid, survey, ("ztf",), **values)
        found = self._answer(asked, get_query_payload, timeout, _chooser(version, band, name))
        if not get_query_payload:
            mask_no_period(found)
        return found


def _selection(version, band):
    """What the request says of version and band."""
    if band is not None and band not in _BANDS:
        raise ValueError(f"band must be one of {', '.join(_BANDS)}; not {shown(band)}")
    if not isinstance(version, str) or not version:
        raise ValueError(f"version must be 'latest', 'all' or the name of a version, not {shown(version)}")
    return {"fid": _BANDS.get(band), "version": None if version in ("latest", "all") else version}


def _chooser(version, band, name=None):
    """Function that says which rows of a table are of that version, band and name."""

    def choose(table):
        wanted = np.ones(len(table), dtype=bool)
        for column, word in (("name", name), ("band", band)):
            if word is not None:
                wanted &= np.asarray(table[column] == word)
        if version == "latest":
            return wanted & _of_latest(table["oid"], table["version"], wanted)
        return wanted if version == "all" else wanted & np.asarray(table["version"] == version)

    return choose


def _of_latest(oids, versions, wanted):
    """Rows of the latest version that an object has among the rows that are wanted."""
    pairs = list(zip(oids.tolist(), versions.tolist(), strict=True))
    known = {}
    for oid, version in dict.fromkeys(itertools.compress(pairs, wanted)):
        known.setdefault(oid, []).append(version)
    latest = {oid: latest_version(names) for oid, names in known.items()}
    return np.array([latest.get(oid) == version for oid, version in pairs], dtype=bool)


def latest_version(versions):
    """The latest of some versions of features.

    The service marks none as current, and they have no common form (reference/alerce.md 3.5): of those of the plain
    form N.N.N it is the highest. Without any, the highest by all numbers in it, of equal ones the last by name.
    """
    return max(versions, key=lambda word: (bool(_STRICT.fullmatch(word)), _numbers(word), word))


def _numbers(word):
    return [int(number) for number in _NUMBERS.findall(word)]


def mask_no_period(table):
    """Mask periods that stand for none, in a table of features; it is changed."""
    name, value, versions = _NO_PERIOD
    missing = (table["name"] == name) & (table["value"] == value) & np.isin(table["version"], versions)
    table["value"].mask |= np.ma.filled(missing, False)


def widened(table, ids):
    """One row per object and version, in the order of the ids and of appearance.

    Parameters
    ----------
    table : AnswerTable
        Long form: ``oid, name, value, band, version``.
    ids : list of str
        Inputs in order; one that stands there twice gets its rows twice.

    Raises
    ------
    ReplyError
        An object has two values for one column.
    """
    bands = zip(table["name"], table["band"], strict=True)
    labels = [name if band == "none" else f"{name}_{band}" for name, band in bands]
    owners = list(zip(table["oid"].tolist(), table["version"].tolist(), strict=True))
    values, places, names = _crosstab(owners, labels, table["value"])
    versions = {}
    for oid, version in places:
        versions.setdefault(oid, []).append((oid, version))
    keys = [key for oid in ids for key in versions.get(oid, [])]
    rows = [places[key] for key in keys]
    wide = AnswerTable({"oid": [oid for oid, _ in keys], "version": [version for _, version in keys]}, dtype=(str, str))
    for name in ("oid", "version"):
        wide[name].info.description = table[name].info.description
    for name, column in names.items():
        wide[name] = MaskedColumn(values[rows, column])
    wide.meta.update(table.meta)
    return wide.with_companions(failures=table.failures)


def _crosstab(owners, labels, values):
    """Values by owner and label, masked where there is none; and the places of the owners and of the labels."""
    rows = {owner: place for place, owner in enumerate(dict.fromkeys(owners))}
    columns = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    cells = np.array([rows[owner] for owner in owners], int), np.array([columns[label] for label in labels], int)
    numbers = np.ma.filled(values, np.nan)
    found = np.full((len(rows), len(columns)), np.nan)
    found[cells] = numbers
    if not np.array_equal(found[cells], numbers, equal_nan=True):
        place = np.flatnonzero((found[cells] != numbers) & ~(np.isnan(found[cells]) & np.isnan(numbers)))[0]
        (oid, version), label = owners[place], labels[place]
        raise ReplyError(f"{oid} has two values of '{label}' in version {version}; give wide=False to see both.")
    return np.ma.masked_invalid(found), rows, columns
