"""The files that the explorer's page is made of."""

import re
from functools import cache
from importlib.resources import files

from alerce_zvar.errors import require

__all__ = ["SCRIPTS", "STYLE", "assets", "plotly_script", "static_text"]

# In the order in which a page loads them.
SCRIPTS = (
    "fold.js",
    "words.js",
    "view.js",
    "move.js",
    "keys.js",
    "parts.js",
    "kept.js",
    "controls.js",
    "explorer.js",
)
STYLE = "explorer.css"
PLOTLY = "plotly.min.js"
_SHEET_ID = re.compile(r'document\.getElementById\("([0-9a-f]{64})"\)')
# plotly.js writes its rules into elements <style>, which a strict Content-Security-Policy forbids; where an element
# of their id is there already it uses that one. A constructed style sheet is allowed.
_PROLOGUE = """(() => {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  for (const id of %s) {
    const place = document.createElement("meta");
    place.id = id;
    place.sheet = sheet;
    document.head.append(place);
  }
})();
"""


def assets():
    """Every file that a page with the explorer needs: plotly.js, our scripts, and the style sheet.

    A page loads `STYLE`, then ``plotly.min.js``, then `SCRIPTS` in their order, as classic scripts, and calls
    ``AlerceZvar.mount(element, payload)``. No file needs ``unsafe-inline`` or ``unsafe-eval``.

    Returns
    -------
    dict of str to str
        Contents by file name.

    Raises
    ------
    MissingExtraError
        plotly is not installed.
    """
    texts = {name: static_text(name) for name in (STYLE, *SCRIPTS)}
    script = plotly_script()
    ids = ["plotly.js-style-global", *dict.fromkeys(_SHEET_ID.findall(script))]
    return texts | {PLOTLY: _PROLOGUE % ids + script}


@cache
def static_text(name):
    """A file of the folder ``static``.

    Parameters
    ----------
    name : str
        Name of the file.

    Returns
    -------
    str
    """
    return files("alerce_zvar.plot.explorer").joinpath("static", name).read_text(encoding="utf-8")


@cache
def plotly_script():
    """plotly.js as the installed plotly brings it.

    Returns
    -------
    str

    Raises
    ------
    MissingExtraError
        plotly is not installed.
    """
    (offline,) = require("plot", "plotly.offline")
    return offline.get_plotlyjs()
