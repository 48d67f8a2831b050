"""The services' own answers about a source, as bytes and as links."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from alerce_zvar.alerce.schema import lsst as lsst_schema
from alerce_zvar.catshtm import schema as catshtm_schema
from alerce_zvar.server import zvar
from alerce_zvar.server.pages import matches
from alerce_zvar.server.pages.curves import zvar_request
from alerce_zvar.server.replies import RefusalError, dumps
from alerce_zvar.zvar import schema as zvar_schema

__all__ = ["Link", "json_of_zvar", "links"]


@dataclass(frozen=True)
class Link:
    """An endpoint that the page used: what it is, the address where its answer stands, and its body where it is POST.

    A browser follows links by GET only; where the endpoint wants POST the address is that of a page with its answer.
    """

    service: str
    endpoint: str
    address: str
    body: str = ""


def links(source, here, *, of_zvar, catalogs, surveys, classified):
    """Links to all endpoints that the page of a source used, and that have an answer.

    Parameters
    ----------
    source : Source
        Whose.
    here : str
        Address of the page.
    of_zvar : bool
        ZVAR has this source.
    catalogs : collection of str
        Catalogues that the archive holds, in ZVAR's words.
    surveys, classified : collection of str
        Surveys of ALeRCE that have the object, and that have classified it.
    """
    found = []
    if of_zvar:
        path = f"{zvar_schema.LOCAL_PREFIX}/object/"
        found.append(Link("ZVAR", f"{path}{{psid}}", f"{path}{source.psid}"))
    names = {f"xmatch_{name}" for name in catalogs} | ({"photometry"} if of_zvar else set())
    found += [_zvar(here, name, body) for name, body in _bodies(source).items() if name in names]
    if "ZTF" in surveys:
        base = f"/ztf/v1/objects/{quote(source.oid, safe='')}"
        parts = ("", "/lightcurve", "/probabilities", "/features")
        found += [Link("ALeRCE ZTF", f"/ztf/v1/objects/{{oid}}{part}", base + part) for part in parts]
    if "LSST" in surveys:
        names = ("object", "detections", *(["probabilities"] if "LSST" in classified else []))
        found += [_lsst(source.lsst_oid, name) for name in names]
    place = urlencode({"ra": source.ra, "dec": source.dec, "radius": matches.RADIUS})
    endpoint = f"{catshtm_schema.LOCAL_PREFIX}/conesearch_all"
    found.append(Link("catsHTM", endpoint, f"{endpoint}?{place}"))
    return found


def json_of_zvar(archive, source, name):
    """Bytes that an endpoint of ZVAR answers about a source.

    Raises
    ------
    RefusalError
        404, there is no such part; or what the endpoint refuses.
    """
    bodies = _bodies(source)
    if name not in bodies:
        raise RefusalError(404, {"detail": "Not Found"})
    return dumps(zvar.HANDLERS[_endpoint(name)](archive, bodies[name]))


def _bodies(source):
    """Name of a file -> body of the request whose answer it is."""
    asked = {f"xmatch_{name}": matches.xmatch_request(source.psid, name) for name in matches.TITLES}
    return {"photometry": zvar_request(source.psid)} | asked


def _endpoint(name):
    return name.partition("_")[0]


def _zvar(here, name, body):
    path = f"{zvar_schema.LOCAL_PREFIX}/{_endpoint(name)}"
    return Link("ZVAR", path, f"{here}/{name}.json", dumps(body).decode())


def _lsst(oid, name):
    endpoint = next(endpoint for endpoint in lsst_schema.ENDPOINTS if endpoint.name == name)
    path = f"{lsst_schema.LOCAL_PREFIX}{endpoint.path}"
    asked = {} if "{oid}" in path else {"oid": oid}
    asked |= {"survey_id": lsst_schema.SURVEY} if any(p.wire == "survey_id" for p in endpoint.params) else {}
    return Link("ALeRCE LSST", path, f"{path.replace('{oid}', oid)}?{urlencode(asked)}")
