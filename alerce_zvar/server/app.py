"""The web application: every route is made from a service's schema."""

import asyncio
import json
import re
from contextlib import nullcontext
from html import escape
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response

from alerce_zvar.alerce import schema as alerce_schema
from alerce_zvar.alerce.schema import lsst as lsst_schema
from alerce_zvar.alerce.schema import stamps as stamps_schema
from alerce_zvar.catshtm import schema as catshtm_schema
from alerce_zvar.server import alerce, alerce_v2, catshtm, lsst, stamps, tap, zvar
from alerce_zvar.server.openapi import SECURITY_SCHEMES, operation
from alerce_zvar.server.page import docs_page
from alerce_zvar.server.pages.render import SECURITY
from alerce_zvar.server.pages.routes import add_routes
from alerce_zvar.server.replies import FLASK_REASONS, RefusalError, dumps, flask_page
from alerce_zvar.zvar import schema as zvar_schema

__all__ = ["build"]

_WITHOUT_SLASH = ("/ztf/v1/objects", "/ztf/v1/classifiers")
LARGEST_BODY = 2 * 2**20  # bytes; a thousand positions take 0.1 MB
LARGE_AT_ONCE = 2  # answers of light curves that are made at the same time; the largest take half a gigabyte
# Services made with Flask, among them those with flask-restx, which words a refusal of its own routes in JSON.
_FLASK_RESTX = ("/ztf/", f"{stamps_schema.LOCAL_PREFIX}/")
_FLASK = (*_FLASK_RESTX, f"{catshtm_schema.LOCAL_PREFIX}/")
_HOST = re.compile(r"[\w.-]+(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?", re.ASCII)


def build(archive, users):
    """The application that answers from an archive; ``users`` guards the private endpoints, None lets everybody in."""
    app = FastAPI(
        title="alerce_zvar local server",
        description="ALeRCE's and ZVAR's endpoints, answered from a local archive.",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(_MergeSlashes)
    app.add_middleware(_GZipExceptFiles, minimum_size=1000, compresslevel=1)
    app.add_middleware(_HeadAsGet)
    _add_alerce(app, archive)
    _add_service(app, archive, lsst, lsst_schema, "ALeRCE LSST")
    _add_service(app, archive, stamps, stamps_schema, "ALeRCE stamps")
    _add_service(app, archive, catshtm, catshtm_schema, "catsHTM")
    tap.add_routes(app, archive)
    _add_zvar(app, archive, users)
    add_routes(app, archive, users)
    app.add_exception_handler(RefusalError, _refusal)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)
    _describe(app)
    return app


def _describe(app):
    """Pages about the application: /openapi.json for programs, /docs for people."""
    specification = app.openapi()
    specification.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
    app.openapi = lambda: specification
    content = docs_page(specification)
    app.add_api_route("/docs", lambda: HTMLResponse(content, headers=SECURITY), include_in_schema=False)


def _add_alerce(app, archive):
    for endpoint in alerce_schema.ENDPOINTS:
        answer = _answer(archive, endpoint, alerce.HANDLERS[endpoint.name], alerce.parse)
        _route(app, endpoint, endpoint.path, answer, "ALeRCE", defaults=alerce_schema.DEFAULTS)
    for endpoint in alerce_schema.V2_ENDPOINTS:
        answer = _answer(archive, endpoint, alerce_v2.HANDLERS[endpoint.name], alerce_v2.parse)
        _route(app, endpoint, endpoint.path, answer, "ALeRCE v2", defaults={"survey_id": "all"})
    for path in _WITHOUT_SLASH:
        app.add_api_route(path, _to_slash, include_in_schema=False)


def _add_service(app, archive, service, schema, tag):
    """Routes of a service that has a prefix of its own: `service` answers what `schema` describes."""
    for endpoint in schema.ENDPOINTS:
        answer = _answer(archive, endpoint, service.HANDLERS[endpoint.name], service.parse)
        _route(app, endpoint, schema.LOCAL_PREFIX + endpoint.path, answer, tag, defaults=schema.DEFAULTS)


def _add_zvar(app, archive, users):
    few = asyncio.Semaphore(LARGE_AT_ONCE)
    for endpoint in zvar_schema.ENDPOINTS:
        turn = few if endpoint.name in zvar.LARGE else None
        answer = _answer(archive, endpoint, zvar.HANDLERS[endpoint.name], zvar.parse, users, turn)
        path = zvar_schema.LOCAL_PREFIX + endpoint.path
        _route(app, endpoint, path, answer, "ZVAR", defaults=zvar_schema.DEFAULTS, guarded=users is not None)


def _answer(archive, endpoint, handler, parse, users=None, turn=None):
    """What a route does: check the login, read and check the request, answer it in a thread of its own, in its turn."""

    async def answer(request: Request):
        if users is not None and endpoint.private:
            await run_in_threadpool(users.check, request.headers.get("authorization"))
        given = await _body(request) if endpoint.method == "POST" else request.query_params
        args = parse(endpoint, given, request.path_params)
        async with turn or nullcontext():
            return await run_in_threadpool(lambda: _reply(handler(archive, args)))

    return answer


def _reply(content):
    """Answer of a handler: a response of its own making, or what JSON can hold."""
    return content if isinstance(content, Response) else _json(dumps(content))


async def _body(request):
    """JSON object that a request carries, read up to a limit."""
    try:
        body = json.loads(await _read(request))
    except (ValueError, RecursionError) as exc:
        raise RefusalError(422, {"detail": "body: must be JSON"}) from exc
    if not isinstance(body, dict):
        raise RefusalError(422, {"detail": "body: must be a JSON object"})
    return body


async def _read(request):
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > LARGEST_BODY:
                reason = f"The body is larger than {LARGEST_BODY} bytes"
                raise RefusalError(413, {"detail": reason}, headers={"Connection": "close"})
    except ClientDisconnect as exc:
        raise RefusalError(400, {"detail": "The body is not whole"}) from exc
    except asyncio.CancelledError as exc:  # uvicorn's way to end a wait that outlasts the server
        raise RefusalError(503, {"detail": "The server stops"}) from exc
    return bytes(data)


def _route(app, endpoint, path, answer, tag, description=None, **described):
    named = path.endswith("{name}")
    app.add_api_route(
        path.replace("{name}", "{name:path}") if named else path,
        _with_escaped_slashes(answer, path.count("/")) if named else answer,
        methods=[endpoint.method],
        name=f"{tag} {path}",
        tags=[tag],
        summary=(description or endpoint.description).partition("\n")[0],
        openapi_extra=operation(endpoint, **described),
    )


def _with_escaped_slashes(answer, slashes):
    """A name at the end of a path may hold slashes, if they are escaped: ``Power_rate_1%2F2``."""

    async def checked(request: Request):
        if request.scope["raw_path"].count(b"/") > slashes:
            raise HTTPException(404)
        return await answer(request)

    return checked


def _json(content, status=200, headers=None):
    return Response(content, status_code=status, headers=headers, media_type="application/json")


async def _to_slash(request: Request):
    return _redirect(request.scope, request.scope["raw_path"] + b"/")


def _redirect(scope, path):
    """The service's own page (reference/alerce.md, recorded ztf_v1_objects_308.html)."""
    url = f"{scope['scheme']}://{_host(scope)}{_ascii(path)}"
    url += f"?{_ascii(scope['query_string'])}" if scope["query_string"] else ""
    text = escape(url)
    page = (
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n"
        f'<p>You should be redirected automatically to the target URL: <a href="{text}">{text}</a>. '
        "If not, click the link.\n"
    )
    return HTMLResponse(page, status_code=308, headers={"Location": url})


def _ascii(raw):
    """Text of a part of an address as it was sent, percent signs and all; only what must not stand there is quoted."""
    return quote(raw, safe="/?:@!$&'()*+,;=-._~%")


def _host(scope):
    """Host that was asked, as far as it is one, or the server's own address."""
    given = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    host, port = scope["server"]
    return given if _HOST.fullmatch(given) else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _MergeSlashes:
    """``/ztf/v1//objects``, as clients up to 2.3.0 write it, is sent on to the path with single slashes."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        path = scope.get("raw_path") or b""
        if scope["type"] == "http" and path.startswith(b"/") and b"//" in path:
            await _redirect(scope, re.sub(b"/+", b"/", path))(scope, receive, send)
        else:
            await self.app(scope, receive, send)


class _GZipExceptFiles(GZipMiddleware):
    """Answers are compressed, but files, gzipped ones among them, go out as they are."""

    async def __call__(self, scope, receive, send):
        as_it_is = scope["type"] == "http" and scope["path"].startswith(stamps.FILE_PATHS)
        await (self.app if as_it_is else super().__call__)(scope, receive, send)


class _HeadAsGet:
    """HEAD is answered as GET is; the web server leaves out the body."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = scope | {"method": "GET"}
        await self.app(scope, receive, send)


async def _refusal(request, exc):
    return _json(dumps(exc.content), exc.status, exc.headers)


async def _no_route(request, exc):
    """No such path, or method, in the form of the service that was asked."""
    return _without_answer(request, exc.status_code, exc.detail, exc.headers)


async def _failed(request, exc):
    return _without_answer(request, 500, "An error occurred")


def _without_answer(request, status, detail, headers=None):
    path = f"{request.url.path}/"
    if path.startswith(_FLASK_RESTX) and status != 404:
        return _json(dumps({"message": FLASK_REASONS.get(status, detail)}), status, headers)
    if path.startswith(_FLASK):
        return flask_page(status, headers)
    return _json(dumps({"detail": detail}), status, headers)
