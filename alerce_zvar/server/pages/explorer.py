"""What the explorer of an object's page shows: light curves with the periods that are known, and those of a search."""

import hashlib
import os
import threading
from collections import OrderedDict

import numpy as np

from alerce_zvar.period import find_period
from alerce_zvar.plot.explorer import from_alerce, from_result, from_zvar, object_payload, page_payload
from alerce_zvar.server import alerce
from alerce_zvar.server.pages.curves import SERVICES, curves_of
from alerce_zvar.server.pages.sections import feature_table
from alerce_zvar.server.replies import RefusalError
from alerce_zvar.server.zvar_sources import whole_sources
from alerce_zvar.wire.decode import decode_table
from alerce_zvar.zvar import schema

__all__ = ["Searches", "explorer_payload", "searched_payload"]

_KEPT = 32  # searches whose results are kept
_WORKERS = max(1, (os.cpu_count() or 1) // 2)  # of a search; the rest of the machine answers other requests


class Searches:
    """What the latest searches for periods found, as payloads; many threads may ask."""

    def __init__(self):
        self._found = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key, search):
        """Payload under a key, made by ``search()`` where it is not known."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        found = search()
        with self._lock:
            self._found[key] = found
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return found


def explorer_payload(archive, source):
    """Payload of all light curves of a source; None where it has none."""
    curves = curves_of(archive, source)
    if not curves:
        return None
    known = _known_periods(archive, source)
    return page_payload(_payload(source, name, curve[0], known) for name, curve in curves.items())


def searched_payload(archive, source, name, searches):
    """Payload of one light curve with what a search for its period finds.

    Parameters
    ----------
    archive : Archive
        That holds it.
    source : Source
        Whose.
    name : {"psid", "oid", "lsst_oid"}
        Which of its light curves.
    searches : Searches
        Where results are kept.

    Raises
    ------
    RefusalError
        404, there is no such light curve; 422, it cannot be searched.
    """
    curves = curves_of(archive, source)
    if name not in curves:
        raise RefusalError(404, {"detail": "There is no such light curve."})
    light_curve, known = curves[name][0], _known_periods(archive, source)

    def search():
        try:
            result = find_period(light_curve, workers=_WORKERS)
        except ValueError as exc:
            raise RefusalError(422, {"detail": f"No period can be searched for: {exc}"}) from exc
        return _payload(source, name, light_curve, [*from_result(result), *known], result)

    return searches.get((source, name, _digest(light_curve), repr(known)), search)


def _payload(source, name, light_curve, periods, periodogram=None):
    identifier = getattr(source, name)
    return object_payload(
        light_curve,
        id=identifier,
        title=f"{SERVICES[name]} {identifier}",
        coordinates=source.coordinates,
        periods=periods,
        periodogram=periodogram,
    )


def _known_periods(archive, source):
    """Of ZVAR, then of ALeRCE."""
    whole = whole_sources(archive, [int(source.psid)]).get(int(source.psid))
    found = [] if whole is None else from_zvar(decode_table(whole["periods"], schema.PERIODS))
    if source.oid is not None:
        try:
            features = feature_table(alerce.HANDLERS["features"](archive, {"oid": source.oid}))
        except RefusalError:  # the archive has no features of it
            return found
        found += from_alerce(features)
    return found


def _digest(light_curve):
    """Name of the content of a light curve: an archive may be written to while it is served."""
    digest = hashlib.blake2b()
    for name in light_curve.colnames:
        column = light_curve[name]
        parts = (column.jd1, column.jd2) if name == "time" else (column,)
        for part in parts:
            digest.update(np.ma.getmaskarray(part).tobytes() if hasattr(part, "mask") else b"")
            digest.update(np.asarray(getattr(part, "unmasked", part)).tobytes())
    return digest.digest()
