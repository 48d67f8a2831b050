"""Routes of the pages: a search, an object with its files, what the server answers, static files."""

import asyncio
from contextlib import nullcontext
from functools import partial
from urllib.parse import quote, unquote_to_bytes

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from alerce_zvar.plot.explorer import default_links
from alerce_zvar.server.pages import assets, form, raw, search, skyplot
from alerce_zvar.server.pages.curves import FORMATS, SERVICES, curves_of, download, names_of
from alerce_zvar.server.pages.explorer import Searches, explorer_payload, searched_payload
from alerce_zvar.server.pages.matches import RADIUS, cone, matches
from alerce_zvar.server.pages.render import SECURITY, number, page
from alerce_zvar.server.pages.sections import classifications, features, objects, stamps, zvar_source
from alerce_zvar.server.pages.source import find_source, same_place
from alerce_zvar.server.replies import RefusalError, dumps

__all__ = ["add_routes"]

OBJECT = "/object/"
EXPLORER, PERIODS = "explorer.json", "periods.json"
_REASONS = {401: "Login needed", 404: "Not found"}


def add_routes(app, archive, users):
    """Add the pages to an application.

    Parameters
    ----------
    app : `~fastapi.FastAPI`
        The server.
    archive : Archive
        What is shown.
    users : Users or None
        Who may see the pages, for these show what is private on the wire; None lets everybody in.
    """
    pages = _Pages(archive, users)
    for path, answer in (
        ("/", pages.search),
        (OBJECT + "{rest:path}", pages.object),
        (assets.PREFIX + "{name}", _file),
    ):
        app.add_api_route(path, answer, include_in_schema=False)


def object_address(identifier):
    """Address of the page of an object; whatever its identifier holds is one step of the path."""
    return OBJECT + quote(identifier, safe="")


async def _file(request: Request):
    return await run_in_threadpool(assets.answer, request)


class _Pages:
    """The pages of one archive."""

    def __init__(self, archive, users):
        self._archive, self._users = archive, users
        self._searches, self._turn = Searches(), asyncio.Semaphore(1)  # searches, one at a time

    async def search(self, request: Request):
        """The front page."""
        return await self._guarded(request, partial(_search_page, self._archive, request.query_params))

    async def object(self, request: Request):
        """The page of an object, or one of its files."""
        steps = [_decoded(step) for step in request.scope["raw_path"].removeprefix(OBJECT.encode()).split(b"/")]
        if steps[1:] == [PERIODS]:
            answer = partial(_periods, self._archive, steps[0], request.query_params, self._searches)
            return await self._guarded(request, answer, self._turn)
        return await self._guarded(request, partial(_of_object, self._archive, steps, request.query_params))

    async def _guarded(self, request, answer, turn=None):
        """Answer made in a thread of its own, in its turn, for those who may see it; a refusal is a page too."""
        try:
            if self._users is not None:
                await run_in_threadpool(self._users.check, request.headers.get("authorization"))
            async with turn or nullcontext():
                return await run_in_threadpool(answer)
        except RefusalError as exc:
            reason = exc.content.get("detail") or exc.content.get("message")
            title = _REASONS.get(exc.status, "Refused")
            return page("error.html", exc.status, exc.headers, title=title, reason=reason)


def _decoded(step):
    return unquote_to_bytes(step).decode("utf-8", "replace")


def _search_page(archive, given):
    classes = search.classes(archive)
    asked = form.parse_search(given, classes, search.COLUMNS)
    values = {"search": asked, "classes": _grouped(classes), "units": form.UNITS, "found": None, "sky": None}
    if not asked.errors:
        found = search.find(archive, asked)
        around = {"centre": asked.centre, "radius": asked.radius, "listed": found.rows, "every": found.every}
        values |= {"found": found, "sky": skyplot.plot_sky(**found.places, **around)}
        values["columns"] = [name for name in search.COLUMNS if found.rows and name in found.rows[0]]
    return page("search.html", 400 if asked.errors else 200, headings=_HEADINGS, link=object_address, **values)


_HEADINGS = {
    "psid": ("psid", "", "Identifier of the source, as ZVAR's"),
    "oid": ("oid", "", "Identifier of ALeRCE's object of ZTF"),
    "lsst_oid": ("LSST oid", "", "Identifier of ALeRCE's object of LSST"),
    "name": ("Name", "", "Name that the source was imported with"),
    "separation": ("Separation", "arcsec", "Distance from the place of the search"),
    "ra": ("RA", "deg", "Right ascension (ICRS)"),
    "dec": ("Dec", "deg", "Declination (ICRS)"),
    "class": ("Class", "", "Most probable class"),
    "probability": ("Probability", "", "Probability of the class"),
    "classifier": ("Classifier", "", "Classifier that gives the class"),
    "ndet": ("Detections", "", "Number of ALeRCE's detections"),
    "period": ("Period", "d", "ZVAR's most significant period"),
    "significance": ("Significance", "", "Significance of that period"),
}


def _grouped(classes):
    """Survey and classifier -> choices and what they are called."""
    found = {}
    for choice, (survey, classifier, name) in classes.items():
        found.setdefault(f"{survey.upper()}: {classifier}", []).append((choice, name))
    return found


def _of_object(archive, steps, given):
    """The page of an object, or a file that belongs to it."""
    source = _known(archive, steps[0])
    if len(steps) == 1:
        return _object_page(archive, source, steps[0], given)
    name, _, ending = steps[1].rpartition(".")
    if len(steps) > 2:
        raise HTTPException(404)
    if name == "lightcurve" and ending in FORMATS:
        return _light_curve(archive, source, steps[0], ending)
    if steps[1] == EXPLORER:
        payload = explorer_payload(archive, source)
        status = 200 if payload else 404
        return _json(dumps(payload or {"detail": "No light curve has a value that can be drawn."}), status)
    if ending == "json":
        return _json(raw.json_of_zvar(archive, source, name))
    raise RefusalError(404, {"detail": "There is no such file."})


def _known(archive, identifier):
    source = find_source(archive, identifier)
    if source is None:
        raise RefusalError(404, {"detail": f"This archive has no object {identifier!r:.100}."})
    return source


def _periods(archive, identifier, given, searches):
    source, name = _known(archive, identifier), given.get("curve", "")
    try:
        return _json(dumps(searched_payload(archive, source, name, searches)))
    except RefusalError as exc:
        return _json(dumps(exc.content), exc.status)


def _json(content, status=200):
    headers = SECURITY | {"Cache-Control": "private, no-cache"}
    return Response(content, status_code=status, media_type="application/json", headers=headers)


def _light_curve(archive, source, identifier, ending):
    curves = curves_of(archive, source)
    name = next((name for name in curves if getattr(source, name) == identifier), None)
    if name is None:
        raise RefusalError(404, {"detail": f"There is no light curve of {identifier!r:.100}."})
    media_type = FORMATS[ending][2]
    filename = quote(f"{identifier}.{ending}", safe="")
    headers = SECURITY | {"Content-Disposition": f"attachment; filename*=UTF-8''{filename}"}
    headers["Cache-Control"] = "private, no-cache"
    return Response(download(curves[name], ending), media_type=media_type, headers=headers)


def _object_page(archive, source, identifier, given):
    whole, here = zvar_source(archive, source), object_address(identifier)
    shown = {
        "objects": objects(archive, source),
        "classifications": classifications(archive, source),
        "features": features(archive, source),
        "stamps": stamps(archive, source),
        "matches": matches(archive, source),
        "cone": list(cone(archive, source)),
        "zvar": whole,
        "period_rows": _cells((whole or {}).get("periods", []), _PERIOD),
        "curve_rows": _cells((whole or {}).get("matchfiles", []), _CURVE),
    }
    endpoints = raw.links(
        source,
        here,
        of_zvar=whole is not None,
        catalogs=[name for name, (_, match) in shown["matches"].items() if match is not None],
        surveys=shown["objects"],
        classified={one.survey for one in shown["classifications"]},
    )
    return page(
        "object.html",
        source=source,
        identifier=identifier,
        here=here,
        link=object_address,
        near=same_place(archive, source),
        place=_place(source),
        route=_route(archive, given),
        curves={name: (SERVICES[name], getattr(source, name)) for name in names_of(archive, source)},
        formats=FORMATS,
        radius=RADIUS,
        raw=endpoints,
        elsewhere=default_links(source.oid or "", source.coordinates),
        scripts=assets.SCRIPTS,
        style=assets.STYLE,
        **shown,
    )


_FILE = {"band": None, "field": None, "ccd": None, "quad": None}
_PERIOD = _FILE | {"bin": None, "period": 9, "significance": 5, "string_length": 5}  # key -> digits
_CURVE = _FILE | {"nb_exposures": None, "amplitude": 4, "min_mag": 6, "max_mag": 6}


def _cells(rows, digits):
    """Texts of the cells of a table."""
    return [[number(row[key], n) if n or row[key] is None else row[key] for key, n in digits.items()] for row in rows]


def _place(source):
    """Where a source is, in words."""
    icrs, galactic = source.coordinates, source.coordinates.galactic
    sexagesimal = icrs.ra.to_string("hour", sep=":", precision=3, pad=True)
    sexagesimal += " " + icrs.dec.to_string("deg", sep=":", precision=2, pad=True, alwayssign=True)
    return [
        ("RA, Dec (ICRS) [deg]", f"{source.ra:.7f} {source.dec:+.7f}"),
        ("RA, Dec (ICRS)", sexagesimal),
        ("Galactic l, b [deg]", f"{galactic.l.deg:.5f} {galactic.b.deg:+.5f}"),
    ]


def _route(archive, given):
    """Way to the objects before and after this one in the results of the search that led here, or None."""
    number = given.get("row", "")
    asked = form.parse_search(given, search.classes(archive), search.COLUMNS)
    if asked.errors or not (number.isascii() and number.isdigit() and 0 < len(number) < 10 and int(number)):
        return None
    number = int(number)
    psids, total = search.neighbours(archive, asked, number)
    if number > total:
        return None
    ways = {word: (psids[at], at) for word, at in (("previous", number - 1), ("next", number + 1)) if at in psids}
    page_number = (number - 1) // form.PAGE_SIZE + 1
    return {"number": number, "total": total, "query": asked.query(), "results": asked.query(page=page_number)} | {
        "ways": ways
    }
