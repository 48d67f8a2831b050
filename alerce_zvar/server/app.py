"""The web application: every route is made from a service's schema."""

import json
from html import escape

from fastapi import FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from alerce_zvar.alerce import schema as alerce_schema
from alerce_zvar.server import alerce, alerce_v2, zvar
from alerce_zvar.server.replies import RefusalError, dumps
from alerce_zvar.zvar import schema as zvar_schema

__all__ = ["build"]

V2_PREFIX = "/v2/lightcurve"
LARGEST_BODY = 2 * 2**20  # bytes; a thousand positions take 0.1 MB
_JSON_TYPES = {"int": "integer", "float": "number", "quantity": "number", "mjd": "number", "bool": "boolean",
               "position": "object"}  # fmt: skip
_SERVER_ERROR = (
    "The server encountered an internal error and was unable to complete your request. "
    "Either the server is overloaded or there is an error in the application."
)


def build(archive, users):
    """The application that answers from an archive; ``users`` guards the private endpoints, None lets everybody in."""
    app = FastAPI(
        title="alerce_zvar local server",
        description="ALeRCE's and ZVAR's endpoints, answered from a local archive.",
        redirect_slashes=False,
    )
    app.add_middleware(_MergeSlashes)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    _add_alerce(app, archive)
    _add_zvar(app, archive, users)
    app.add_exception_handler(RefusalError, _refusal)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)
    return app


def _add_alerce(app, archive):
    for endpoint in alerce_schema.ENDPOINTS:
        answer = _answer(archive, endpoint, alerce.HANDLERS[endpoint.name], alerce.parse)
        _route(app, endpoint, endpoint.path, answer, "ALeRCE")
    oid = next(e for e in alerce_schema.ENDPOINTS if e.name == "object")
    for name, handler in alerce_v2.HANDLERS.items():
        answer = _answer(archive, oid, handler, alerce.parse)
        _route(app, oid, f"{V2_PREFIX}/{name}/{{oid}}", answer, "ALeRCE v2", handler.__doc__)
    app.add_api_route("/ztf/v1/objects", _to_slash, include_in_schema=False)


def _add_zvar(app, archive, users):
    for endpoint in zvar_schema.ENDPOINTS:
        answer = _answer(archive, endpoint, zvar.HANDLERS[endpoint.name], zvar.parse, users)
        _route(app, endpoint, zvar_schema.LOCAL_PREFIX + endpoint.path, answer, "ZVAR")


def _answer(archive, endpoint, handler, parse, users=None):
    """What a route does: check the login, read and check the request, answer it in a thread of its own."""

    async def answer(request: Request):
        if users is not None and endpoint.private:
            await run_in_threadpool(users.check, request.headers.get("authorization"))
        given = await _body(request) if endpoint.method == "POST" else request.query_params
        args = parse(endpoint, given, request.path_params)
        return _json(await run_in_threadpool(lambda: dumps(handler(archive, args))))

    return answer


async def _body(request):
    """JSON object that a request carries, read up to a limit."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > LARGEST_BODY:
            raise RefusalError(
                413, {"detail": f"The body is larger than {LARGEST_BODY} bytes"}, headers={"Connection": "close"}
            )
    try:
        body = json.loads(bytes(data))
    except (ValueError, RecursionError) as exc:
        raise RefusalError(422, {"detail": "body: must be JSON"}) from exc
    if not isinstance(body, dict):
        raise RefusalError(422, {"detail": "body: must be a JSON object"})
    return body


def _route(app, endpoint, path, answer, tag, description=None):
    app.add_api_route(
        path,
        answer,
        methods=[endpoint.method],
        name=f"{tag} {path}",
        tags=[tag],
        summary=(description or endpoint.description).partition("\n")[0],
        openapi_extra=_openapi(endpoint),
    )


def _openapi(endpoint):
    """Parameters and body in the words of OpenAPI."""
    parameters = [
        {
            "name": param.wire,
            "in": param.where,
            "required": param.required or param.where == "path",
            "description": _described(param),
            "schema": _json_schema(param),
        }
        for param in endpoint.params
        if param.where != "body"
    ]
    properties = {
        p.wire: _json_schema(p) | {"description": _described(p)} for p in endpoint.params if p.where == "body"
    }
    if not properties:
        return {"parameters": parameters}
    required = [param.wire for param in endpoint.params if param.where == "body" and param.required]
    body = {"type": "object", "properties": properties, "required": required}
    return {
        "parameters": parameters,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
    }


def _described(param):
    return f"{param.description} [{param.unit}]" if param.unit is not None else param.description


def _json_schema(param):
    one = {"type": _JSON_TYPES.get(param.kind, "string")}
    one |= {"enum": list(param.choices)} if param.choices else {}
    one |= {"minimum": param.minimum} if param.minimum is not None and param.where == "body" else {}
    one |= {"maximum": param.maximum} if param.maximum is not None and param.where == "body" else {}
    return {"type": "array", "items": one, "maxItems": param.many} if param.many > 1 else one


def _json(content, status=200, headers=None):
    return Response(content, status_code=status, headers=headers, media_type="application/json")


async def _to_slash(request: Request):
    return _redirect(request.url.replace(path=request.url.path + "/"))


def _redirect(url):
    """The service's own page (reference/alerce.md, recorded ztf_v1_objects_308.html)."""
    text = escape(str(url))
    page = (
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n"
        f'<p>You should be redirected automatically to the target URL: <a href="{text}">{text}</a>. '
        "If not, click the link.\n"
    )
    return HTMLResponse(page, status_code=308, headers={"Location": str(url)})


class _MergeSlashes:
    """``/ztf/v1//objects``, as clients up to 2.3.0 write it, is sent on to the path with single slashes."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and "//" in scope["path"]:
            path = "/" + "/".join(part for part in scope["path"].split("/") if part)
            path += "/" if scope["path"].endswith("/") and path != "/" else ""
            response = _redirect(Request(scope).url.replace(path=path))
            await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)


async def _refusal(request, exc):
    return _json(dumps(exc.content), exc.status, exc.headers)


async def _no_route(request, exc):
    """No such path, or method: a page at ALeRCE, JSON elsewhere."""
    if request.url.path.startswith("/ztf/"):
        page = (
            f"<!doctype html>\n<html lang=en>\n<title>{exc.status_code} {exc.detail}</title>\n<h1>{exc.detail}</h1>\n"
        )
        return HTMLResponse(page, status_code=exc.status_code, headers=exc.headers)
    return _json(dumps({"detail": exc.detail}), exc.status_code, exc.headers)


async def _failed(request, exc):
    content = {"message": _SERVER_ERROR} if request.url.path.startswith("/ztf/") else {"detail": "An error occurred"}
    return _json(dumps(content), 500)
