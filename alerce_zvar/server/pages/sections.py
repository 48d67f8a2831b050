"""What the page of an object shows besides its light curves, from the services' handlers."""

import json
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

import numpy as np

from alerce_zvar.alerce import schema as ztf_schema
from alerce_zvar.alerce.features import latest_version, mask_no_period
from alerce_zvar.alerce.schema import lsst as lsst_schema
from alerce_zvar.alerce.schema import stamps as stamps_schema
from alerce_zvar.server import alerce, lsst
from alerce_zvar.server.replies import RefusalError, rows
from alerce_zvar.server.zvar_sources import whole_sources
from alerce_zvar.wire.decode import decode_table

__all__ = ["classifications", "feature_table", "features", "objects", "stamps", "zvar_source"]

# A difference image's magnitude is that of a change, which is large too where a star is faint.
_ALERTS = """
SELECT a.candid::VARCHAR AS id, a.mjd,
       -coalesce(any_value(d.magpsf_corr), any_value(d.magpsf) FILTER (d.isdiffpos = 1), 99) AS brightness
FROM alerts a LEFT JOIN detections d ON d.oid = a.oid AND d.candid = a.candid
WHERE a.oid = ? GROUP BY a.candid, a.mjd ORDER BY a.mjd, a.candid
"""
_LSST_STAMPS = """
SELECT s.measurement_id::VARCHAR AS id, any_value(d.mjd) AS mjd, coalesce(any_value(d."psfFlux"), 0) AS brightness,
       list(s.stamp) AS stamps
FROM lsst_stamps s LEFT JOIN lsst_detections d USING (oid, measurement_id)
WHERE s.oid = ? GROUP BY s.measurement_id ORDER BY mjd, s.measurement_id
"""


@dataclass(frozen=True)
class Classification:
    """What one version of a classifier says: (class, probability, rank) by rank."""

    survey: str
    classifier: str
    version: str
    classes: list


@dataclass(frozen=True)
class Stamps:
    """Images of one detection: which it is, and (kind, address) of each."""

    survey: str
    which: str
    id: str
    mjd: float | None
    scale: str
    images: list


def _asked(handler, archive, args):
    """Answer of a handler, or None where it refuses: it does not know the object."""
    try:
        return handler(archive, args)
    except RefusalError:
        return None


def objects(archive, source):
    """Survey -> row of the object there."""
    found = {}
    if source.oid is not None:
        found["ZTF"] = _asked(alerce.HANDLERS["object"], archive, {"oid": source.oid})
    if source.lsst_oid is not None:
        args = {"oid": source.lsst_oid, "survey_id": lsst_schema.SURVEY}
        found["LSST"] = _asked(lsst.HANDLERS["object"], archive, args)
    return {survey: row for survey, row in found.items() if row is not None}


def zvar_source(archive, source):
    """ZVAR's source with its light curves and periods, the most significant period first; None where it has none."""
    whole = whole_sources(archive, [int(source.psid)]).get(int(source.psid))
    if whole is not None:
        whole["periods"].sort(key=lambda row: -(row["significance"] if row["significance"] is not None else -np.inf))
    return whole


def classifications(archive, source):
    """All classifications, the usual classifier first."""
    found = []
    if source.oid is not None:
        listed = _asked(alerce.HANDLERS["probabilities"], archive, {"oid": source.oid})
        found += _by_classifier("ZTF", listed or [])
    if source.lsst_oid is not None:
        listed = _asked(lsst.HANDLERS["probabilities"], archive, {"oid": source.lsst_oid})
        found += _by_classifier("LSST", listed or [])
    usual, version = ztf_schema.DEFAULT_CLASSIFIER
    return sorted(found, key=lambda one: (one.survey != "ZTF", one.classifier != usual, one.version != version))


def _by_classifier(survey, listed):
    def key(row):
        return row["classifier_name"], str(row["classifier_version"])

    for (classifier, version), members in groupby(sorted(listed, key=key), key=key):
        ranked = sorted(members, key=lambda row: (row["ranking"], row["class_name"]))
        classes = [(row["class_name"], row["probability"], row["ranking"]) for row in ranked]
        yield Classification(survey, classifier, version, classes)


def features(archive, source):
    """Version, the latest first -> band -> (name, value) by name; values are None where there are none."""
    answer = None if source.oid is None else _asked(alerce.HANDLERS["features"], archive, {"oid": source.oid})
    if answer is None:
        return {}
    table = feature_table(answer)
    values = table["value"].tolist()  # None where masked
    found = {}
    for version, band, name, value in sorted(zip(table["version"], table["band"], table["name"], values, strict=True)):
        found.setdefault(str(version), {}).setdefault(str(band), []).append((str(name), value))
    latest = latest_version(list(found)) if found else ""
    return dict(sorted(found.items(), key=lambda pair: pair[0] != latest))


def feature_table(answer):
    """Table of the service's answer, a response in which NaN may stand bare; as the public class gives it."""
    table = decode_table(json.loads(answer.body), ztf_schema.FEATURES)
    mask_no_period(table)
    return table


def stamps(archive, source):
    """Images of the first, the last and the brightest detection of each survey whose images the archive holds."""
    found = []
    if source.oid is not None:
        detections = rows(archive.query(_ALERTS, [source.oid]))
        found += [_of_ztf(source.oid, words, one) for words, one in _chosen(detections)]
    if source.lsst_oid is not None:
        detections = rows(archive.query(_LSST_STAMPS, [int(source.lsst_oid)]))
        found += [_of_lsst(source.lsst_oid, words, one) for words, one in _chosen(detections)]
    return found


def _chosen(detections):
    """(what it is, detection): each once, in order of time."""
    if not detections:
        return []
    places = {"first": 0, "last": len(detections) - 1}
    places["brightest"] = max(range(len(detections)), key=lambda place: detections[place]["brightness"])
    words = {}
    for word, place in places.items():
        words.setdefault(place, []).append(word)
    return [(_listed(words[place]), detections[place]) for place in sorted(words)]


def _listed(words):
    """``first, last and brightest``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _of_ztf(oid, words, detection):
    address = f"{stamps_schema.LOCAL_PREFIX}{_path(stamps_schema, 'stamp')}"
    images = [
        (kind, f"{address}?{urlencode({'oid': oid, 'candid': detection['id'], 'type': kind, 'format': 'png'})}")
        for kind in stamps_schema.STAMPS
    ]
    return Stamps("ZTF", words, detection["id"], detection["mjd"], "UTC", images)


def _of_lsst(oid, words, detection):
    address = f"{lsst_schema.LOCAL_PREFIX}{_path(lsst_schema, 'stamp')}"
    asked = {"oid": oid, "measurement_id": detection["id"], "survey_id": lsst_schema.SURVEY, "file_format": "png"}
    images = [
        (stamp.removeprefix("cutout").lower(), f"{address}?{urlencode(asked | {'stamp_type': stamp})}")
        for stamp in lsst_schema.STAMPS
        if stamp in detection["stamps"]
    ]
    return Stamps("LSST", words, detection["id"], detection["mjd"], "TAI", images)


def _path(schema, name):
    return next(endpoint.path for endpoint in schema.ENDPOINTS if endpoint.name == name)
