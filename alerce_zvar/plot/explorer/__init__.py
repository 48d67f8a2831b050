"""The explorer: light curves folded on any period by hand, in a notebook, in a page, on the local server.

::

    light curves, periods ──► payload (JSON) ──► static/*.js draws with plotly.js ──► widget · one HTML file · server
"""

from importlib import import_module as _import_module

_PUBLIC = {
    "Explorer": "widget",
    "PeriodCandidate": "candidates",
    "as_candidates": "candidates",
    "assets": "files",
    "default_links": "payload",
    "explore": "widget",
    "from_alerce": "candidates",
    "from_result": "candidates",
    "from_zvar": "candidates",
    "object_payload": "payload",
    "page_payload": "payload",
    "write_html": "page",
}

__all__ = [
    "Explorer",
    "PeriodCandidate",
    "as_candidates",
    "assets",
    "default_links",
    "explore",
    "from_alerce",
    "from_result",
    "from_zvar",
    "object_payload",
    "page_payload",
    "write_html",
]


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(_import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_PUBLIC})
