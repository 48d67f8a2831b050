"""Files that pages need: stylesheets and scripts, by name only, of this package and of the explorer."""

import hashlib
from functools import cache
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.responses import Response

from alerce_zvar.plot.explorer import assets
from alerce_zvar.plot.explorer.files import PLOTLY, STYLE
from alerce_zvar.plot.explorer.files import SCRIPTS as EXPLORER_SCRIPTS

__all__ = ["PREFIX", "SCRIPTS", "STYLE", "address", "answer"]

PREFIX = "/static/"
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_OWN = ("page.css", "object.js")
SCRIPTS = (PLOTLY, *EXPLORER_SCRIPTS, "object.js")  # in the order in which a page loads them
_FOREVER = "public, max-age=31536000, immutable"  # of an address that names the content


def address(name):
    """Address of a file, which changes with its content."""
    return f"{PREFIX}{name}?v={_file(name)[1]}"


def answer(request):
    """Response with a file, or that the browser has it already."""
    name = request.path_params["name"]
    if name not in _OWN and name not in _explorer():
        raise HTTPException(404)
    content, tag = _file(name)
    current = request.query_params.get("v") == tag
    headers = {
        "ETag": f'W/"{tag}"',
        "Cache-Control": _FOREVER if current else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)


@cache
def _file(name):
    """Bytes of a file, and a name for them."""
    content = files(__package__).joinpath("static", name).read_bytes() if name in _OWN else _explorer()[name]
    content = content.encode() if isinstance(content, str) else content
    return content, hashlib.blake2b(content, digest_size=9).hexdigest()


@cache
def _explorer():
    return assets()
