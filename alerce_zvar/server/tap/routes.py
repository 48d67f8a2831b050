"""Routes of the TAP service (IVOA, TAP 1.1, section 2). Whatever is refused is a VOTable that says why."""

import asyncio
import threading

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alerce_zvar.alerce.schema.tap import ENDPOINTS, LOCAL_PREFIX
from alerce_zvar.server.openapi import operation
from alerce_zvar.server.tap import vosi
from alerce_zvar.server.tap.answer import answer, format_of, written
from alerce_zvar.server.tap.forms import checked_query, given, read_parts
from alerce_zvar.server.tap.job_routes import JobRoutes
from alerce_zvar.server.tap.relations import known_tables
from alerce_zvar.server.tap.words import NotThereError, QueryError
from alerce_zvar.votable import error_votable

__all__ = ["add_routes"]

SYNC_SECONDS = 60.0  # that a query may take while its sender waits
_AT_ONCE = 4  # queries of that kind
_LOOK = 0.1  # seconds after which it is looked again whether the sender is still there
_VOTABLE = "application/x-votable+xml"


def add_routes(app, archive):
    """Add everything under ``/tap``.

    Parameters
    ----------
    app : FastAPI
        Takes the routes.
    archive : Archive
        What is asked.
    """
    service = _Service(archive)
    described = {endpoint.path: endpoint for endpoint in ENDPOINTS}
    routes = [*service.routes(), *JobRoutes(archive).routes(), ("/{rest:path}", ["GET", "POST", "DELETE"], _nothing)]
    for path, methods, handler in routes:
        endpoint = described.get(path)
        known = {"include_in_schema": False}
        if endpoint:
            known = {"tags": ["ALeRCE TAP"], "summary": endpoint.description, "openapi_extra": operation(endpoint)}
        for method in methods:
            app.add_api_route(
                LOCAL_PREFIX + path,
                _guarded(handler),
                methods=[method],
                name=f"ALeRCE TAP {method} {path}",
                **(known if method == "GET" else {"include_in_schema": False}),
            )


def _guarded(handler):
    """The handler; what it refuses becomes a VOTable."""

    async def guarded(request: Request):
        try:
            return await handler(request)
        except QueryError as exc:
            return Response(error_votable(str(exc)), status_code=exc.status, media_type=_VOTABLE)

    return guarded


async def _nothing(request):
    raise NotThereError(f"there is nothing at {request.url.path}; the service has sync, async, tables and capabilities")


class _Service:
    """What is answered at once."""

    def __init__(self, archive):
        self._archive = archive
        self._turn = asyncio.Semaphore(_AT_ONCE)

    def routes(self):
        """Path, methods and handler of each."""
        return [
            ("/sync", ["GET", "POST"], self._sync),
            ("/tables", ["GET"], self._tables),
            ("/tables/{name}", ["GET"], self._table),
            ("/capabilities", ["GET"], self._capabilities),
            ("/availability", ["GET"], self._availability),
        ]

    async def _sync(self, request):
        said, files = await given(request)
        query, given_up = checked_query(said), threading.Event()
        async with self._turn:
            work = asyncio.ensure_future(run_in_threadpool(self._answer, query, said, files, given_up))
            try:
                while not work.done():
                    await asyncio.wait({work}, timeout=_LOOK)
                    if await request.is_disconnected():
                        given_up.set()
            finally:
                given_up.set()  # also where the server stops
            return work.result()

    def _answer(self, query, said, files, given_up):
        way, media_type = format_of(query["FORMAT"])
        uploads = read_parts(said, files)
        limits = {"seconds": SYNC_SECONDS, "given_up": given_up}
        table = answer(self._archive, query["QUERY"], query["MAXREC"], uploads=uploads, **limits)
        return Response(written(table, way), media_type=media_type)

    async def _tables(self, request):
        tables = await run_in_threadpool(known_tables, self._archive)
        return _xml(vosi.tableset(tables, with_columns=request.query_params.get("detail") != "min"))

    async def _table(self, request):
        name = request.path_params["name"]
        for table in await run_in_threadpool(known_tables, self._archive):
            if table.name == name.lower():
                return _xml(vosi.one_table(table))
        raise NotThereError(f"there is no table {name[:80]}")

    async def _capabilities(self, request):
        return _xml(vosi.capabilities(f"{request.base_url}{LOCAL_PREFIX.lstrip('/')}"))

    async def _availability(self, request):
        return _xml(vosi.availability())


def _xml(content):
    return Response(content, media_type="text/xml")
