"""Templates into pages, and what every page is sent with."""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from alerce_zvar.server.pages import assets

__all__ = ["SECURITY", "number", "page", "render"]

# A browser loads, and sends, nothing but to this server; no page can be framed, and no script stands in one.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Control characters but for line ends and tabs, and marks of direction and of no width.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def page(template, status=200, headers=None, **values):
    """Response with a template's HTML.

    Parameters
    ----------
    template : str
        Name.
    status : int
        HTTP status.
    headers : dict, optional
        More headers.
    **values
        Of the template.
    """
    sent = SECURITY | {"Cache-Control": "private, no-cache"} | (headers or {})
    return HTMLResponse(render(template, **values), status_code=status, headers=sent)


def render(template, **values):
    """HTML of a template; a value that it needs and does not get is an error."""
    return _environment().get_template(template).render(**values)


@cache
def _environment():
    environment = Environment(
        loader=PackageLoader("alerce_zvar.server.pages"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = assets.address
    environment.filters["number"] = number
    return environment


def visible(value):
    """A text as it is shown: what could not be seen, or would turn its neighbours around, is marked."""
    plain = isinstance(value, str) and not hasattr(value, "__html__")  # what a macro made was marked piece by piece
    return _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", value) if plain else value


def number(value, digits=6, form="g"):
    """A number as it is shown, or a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.{digits}{form}}".replace("-", "−")
