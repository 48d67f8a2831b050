"""Routes of queries that are answered later (IVOA, UWS 1.1, section 2.2)."""

import asyncio
import math

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from alerce_zvar.alerce.schema.tap import LOCAL_PREFIX
from alerce_zvar.server.tap.forms import checked_query, given, read_parts
from alerce_zvar.server.tap.job_pages import (
    job_page,
    list_page,
    parameters_page,
    read_moment,
    results_page,
    written_moment,
)
from alerce_zvar.server.tap.jobs import ENDED, LONGEST, Jobs
from alerce_zvar.server.tap.words import NotThereError, QueryError
from alerce_zvar.votable import error_votable

__all__ = ["JobRoutes"]

_LONGEST_WAIT = 60.0  # seconds that a question for a job's phase is held back
_LOOK = 0.05  # seconds after which it is looked at again
_OWN = ("PHASE", "UPLOAD", "ACTION")  # what is said of a job, and not of its query


class JobRoutes:
    """Handlers of everything under ``/async``.

    Parameters
    ----------
    archive : Archive
        What is asked.
    """

    def __init__(self, archive):
        self._jobs = Jobs(archive)

    def routes(self):
        """Path, methods and handler of each."""
        job = "/async/{key}"
        return [
            ("/async", ["GET"], self._list),
            ("/async", ["POST"], self._create),
            (job, ["GET"], self._show),
            (job, ["POST"], self._act),
            (job, ["DELETE"], self._delete),
            (f"{job}/phase", ["POST"], self._set_phase),
            (f"{job}/parameters", ["GET"], self._parameters),
            (f"{job}/parameters", ["POST"], self._add_parameters),
            (f"{job}/executionduration", ["POST"], self._set_duration),
            (f"{job}/destruction", ["POST"], self._set_destruction),
            (f"{job}/results", ["GET"], self._results),
            (f"{job}/results/result", ["GET"], self._result),
            (f"{job}/error", ["GET"], self._error),
            (f"{job}/{{detail}}", ["GET"], self._detail),
        ]

    async def _list(self, request):
        return _xml(list_page())

    async def _create(self, request):
        said, files = await given(request)
        if "QUERY" in said:
            checked_query(said)
        uploads = await run_in_threadpool(read_parts, said, files)
        job = self._jobs.create()
        try:
            self._jobs.add(job, _of_query(said), uploads, _size(files))
            self._change_phase(job, said)
        except QueryError:
            self._jobs.delete(job)
            raise
        return _go_on(job)

    async def _show(self, request):
        job = self._job(request)
        seconds = _wait_of(request.query_params)
        looks = 0 if job.phase == "PENDING" else math.ceil(seconds / _LOOK)
        for _ in range(looks):
            if job.phase in ENDED:
                break
            await asyncio.sleep(_LOOK)
        return _xml(job_page(job, _address(request, job)))

    async def _act(self, request):
        said, _ = await given(request)
        if said.get("ACTION", [""])[-1].upper() != "DELETE":
            raise QueryError("a job can be asked for ACTION=DELETE only; start it at its phase")
        return await self._delete(request)

    async def _delete(self, request):
        self._jobs.delete(self._job(request))
        return Response(status_code=303, headers={"Location": f"{LOCAL_PREFIX}/async"})

    async def _set_phase(self, request):
        job = self._job(request)
        said, _ = await given(request)
        if "PHASE" not in said:
            raise QueryError("PHASE is missing; RUN and ABORT are known")
        self._change_phase(job, said)
        return _go_on(job)

    def _change_phase(self, job, said):
        phase = said.get("PHASE", [""])[-1].upper()
        if phase == "RUN":
            self._jobs.run(job, checked_query({key: [value] for key, value in job.parameters.items()}))
        elif phase == "ABORT":
            self._jobs.abort(job)
        elif phase:
            raise QueryError(f"PHASE {phase[:40]!r} is not known; RUN and ABORT are")

    async def _parameters(self, request):
        return _xml(parameters_page(self._job(request)))

    async def _add_parameters(self, request):
        job = self._waiting(request)
        said, files = await given(request)
        uploads = await run_in_threadpool(read_parts, said, files)
        self._jobs.add(job, _of_query(said), uploads, _size(files))
        return _go_on(job)

    async def _set_duration(self, request):
        job = self._waiting(request)
        seconds = await _said(request, "EXECUTIONDURATION", float)
        if not seconds >= 0:
            raise QueryError("EXECUTIONDURATION must be a number of seconds, or 0 for the longest")
        job.duration = min(seconds, LONGEST) or LONGEST
        return _go_on(job)

    async def _set_destruction(self, request):
        job = self._job(request)
        job.keep_until(await _said(request, "DESTRUCTION", read_moment))
        return _go_on(job)

    async def _results(self, request):
        job = self._job(request)
        return _xml(results_page(job, _address(request, job)))

    async def _result(self, request):
        job = self._job(request)
        if job.phase != "COMPLETED":
            raise NotThereError(f"the job is {job.phase} and has no result{f': {job.error}' if job.error else ''}")
        return Response(await run_in_threadpool(job.result), media_type=job.media_type)

    async def _error(self, request):
        job = self._job(request)
        return _xml(error_votable(job.error)) if job.error else PlainTextResponse("")

    async def _detail(self, request):
        job = self._job(request)
        details = {
            "phase": job.phase,
            "quote": "",
            "owner": "",
            "executionduration": f"{job.duration:.0f}",
            "destruction": written_moment(job.destruction),
        }
        detail = request.path_params["detail"]
        if detail not in details:
            raise NotThereError(f"a job has no {detail[:40]}")
        return PlainTextResponse(details[detail])

    def _job(self, request):
        job = self._jobs.get(request.path_params["key"])
        if job is None:
            raise NotThereError("there is no such job; it may have been deleted, by its date of destruction for one")
        return job

    def _waiting(self, request):
        job = self._job(request)
        if job.phase != "PENDING":
            raise QueryError(f"the job is {job.phase}; nothing can be changed")
        return job


def _of_query(said):
    return {key: values[-1] for key, values in said.items() if key not in _OWN}


def _size(files):
    return sum(map(len, files.values()))


async def _said(request, name, convert):
    said, _ = await given(request)
    text = said.get(name, [""])[-1]
    try:
        return convert(text)
    except ValueError:
        raise QueryError(f"{name} {text[:40]!r} cannot be read") from None


def _wait_of(query):
    """Seconds that the sender is ready to wait for the job's end; -1 is as long as possible."""
    texts = [value for key, value in query.multi_items() if key.upper() == "WAIT"]
    try:
        seconds = float(texts[-1]) if texts else 0.0
    except ValueError:
        raise QueryError(f"WAIT {texts[-1][:40]!r} is not a number of seconds") from None
    return _LONGEST_WAIT if seconds < 0 else min(seconds, _LONGEST_WAIT) if seconds == seconds else 0.0


def _address(request, job):
    return f"{request.base_url}{LOCAL_PREFIX.lstrip('/')}/async/{job.key}"


def _go_on(job):
    """Answer that leads to the job."""
    return Response(status_code=303, headers={"Location": f"{LOCAL_PREFIX}/async/{job.key}"})


def _xml(content):
    return Response(content, media_type="text/xml")
