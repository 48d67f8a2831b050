"""What a request to the TAP service says, read up to limits."""

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from alerce_zvar.server.tap.answer import DEFAULT_ROWS, MOST_ROWS, format_of
from alerce_zvar.server.tap.uploads import parse_upload, read_uploads
from alerce_zvar.server.tap.words import LONGEST, QueryError

__all__ = ["checked_query", "given", "read_parts"]

_LARGEST_BODY = 64 * 2**20  # bytes, with all uploads
_LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")


async def given(request):
    """Everything that a request says: name in capitals -> list of texts, and name of a part -> bytes.

    Raises
    ------
    QueryError
        The body is not a form, or too large.
    """
    said, files = {}, {}
    for key, value in request.query_params.multi_items():
        said.setdefault(key.upper(), []).append(value)
    if request.method == "POST":
        form = await _form(request)
        for key, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[key] = await value.read()
            else:
                said.setdefault(key.upper(), []).append(value)
        await form.close()
    return said, files


async def _form(request):
    size = 0

    async def receive():
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > _LARGEST_BODY:
            raise QueryError(f"the request is larger than {_LARGEST_BODY} bytes")
        return message

    try:
        return await Request(request.scope, receive).form(max_files=20, max_fields=100, max_part_size=2 * LONGEST)
    except HTTPException as exc:
        raise QueryError(f"the request's body cannot be read: {exc.detail}") from None
    except ClientDisconnect:
        raise QueryError("the request's body is not whole") from None


def read_parts(said, files):
    """Uploaded tables of a request, as `read_uploads` gives them.

    Raises
    ------
    QueryError
        A table is not there, or cannot be used.
    """
    if "UPLOAD" not in said:
        return {}
    wanted = parse_upload(said["UPLOAD"])
    bodies = {}
    for name, part in wanted.items():
        if part in files:
            bodies[name] = files[part]
        elif part.upper() in said:  # a part without a file's name
            bodies[name] = said[part.upper()][-1].encode()
        else:
            raise QueryError(f"UPLOAD: the request has no part {part[:80]!r}")
    return read_uploads(bodies)


def checked_query(said):
    """Parameters of a query: QUERY, LANG, FORMAT, MAXREC.

    Raises
    ------
    QueryError
        One is missing, or says what cannot be.
    """
    last = {key: values[-1] for key, values in said.items()}
    if last.get("REQUEST", "doQuery").lower() != "doquery":
        raise QueryError(f"REQUEST {last['REQUEST'][:80]!r} is not known; doQuery is")
    language = last.get("LANG", "ADQL")
    if language.upper() not in _LANGUAGES:
        raise QueryError(f"LANG {language[:80]!r} is not known; {', '.join(_LANGUAGES)} are")
    if not last.get("QUERY", "").strip():
        raise QueryError("QUERY is missing")
    kind = last.get("RESPONSEFORMAT", last.get("FORMAT", "votable"))
    format_of(kind)
    return {"QUERY": last["QUERY"], "LANG": language, "FORMAT": kind, "MAXREC": _rows(last.get("MAXREC"))}


def _rows(text):
    if text is None:
        return DEFAULT_ROWS
    if not (text.isascii() and text.isdigit()):
        raise QueryError(f"MAXREC {text[:80]!r} is not a whole number of at least 0")
    return min(int(text[:18]), MOST_ROWS)
