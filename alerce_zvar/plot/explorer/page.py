"""The explorer as one HTML file that needs neither Python nor a network."""

import base64
import hashlib
import json
import os
from html import escape
from pathlib import Path
from string import Template

from alerce_zvar.errors import printable, shown
from alerce_zvar.files import write_file
from alerce_zvar.plot.explorer.files import PLOTLY, SCRIPTS, STYLE, assets, static_text
from alerce_zvar.plot.explorer.inputs import collect, coordinates_of, periodograms_of, periods_of, searched_payload
from alerce_zvar.plot.explorer.payload import page_payload

__all__ = ["json_for_html", "page_html", "write_html"]

_MOUNT = """(() => {
  const payload = JSON.parse(document.getElementById("data").textContent);
  globalThis.explorer = AlerceZvar.mount(document.getElementById("explorer"), payload);
})();
"""


def write_html(
    path,
    light_curves,
    periods=None,
    *,
    title=None,
    periodogram=True,
    coordinates=None,
    overwrite=False,
    progress=None,
):
    """The explorer with some light curves as one HTML file, which works without Python and without a network.

    plotly.js is in the file once (4.8 MB); an object of 1,000 epochs takes some 40 kB more, and 48 kB for its
    periodogram. The page's policy allows no script but its own and no connection.

    Parameters
    ----------
    path : str or path-like
        File to write.
    light_curves : TimeSeries, LightCurves, mapping of id to TimeSeries, or a list of TimeSeries
        What to show.
    periods : optional
        As for `alerce_zvar.plot.explore`; None searches each light curve now, and ``[]`` gives none.
    title : str, optional
        Of the page.
    periodogram : bool, Periodogram, PeriodResult, dict by id, or list
        True draws those of the results that give the periods.
    coordinates : `~astropy.coordinates.SkyCoord`, optional
        One for each light curve, for the links.
    overwrite : bool
        Replace a file that is there.
    progress : callable, optional
        Called as ``progress(done)`` after each light curve.

    Returns
    -------
    `~pathlib.Path`
        The file.

    Raises
    ------
    FileExistsError
        There is such a file, and `overwrite` is False.
    FileNotFoundError, IsADirectoryError
        There is no such folder, or `path` is one.
    TypeError, ValueError, astropy.units.UnitsError
        Light curves, periods or coordinates that cannot be shown.
    MissingExtraError
        plotly is not installed.

    Examples
    --------
    >>> from alerce_zvar.plot.explorer import write_html
    >>> write_html("stars.html", light_curves, title="My stars")  # doctest: +SKIP
    PosixPath('stars.html')
    """
    path = _checked_path(path, overwrite)
    curves = collect(light_curves)
    given = zip(
        curves.ids,
        periods_of(periods, curves.ids),
        periodograms_of(periodogram, curves.ids),
        coordinates_of(coordinates, curves.ids),
        strict=True,
    )
    files, objects = assets(), []
    for number, (identifier, known, scan, place) in enumerate(given):
        options = {"id": identifier, "coordinates": place}
        objects.append(searched_payload(curves.get(number), periods=known, periodogram=scan, **options))
        if progress:
            progress(number + 1)
    page = page_html(page_payload(objects), title=title, files=files)
    write_file(path, page.encode(errors="replace"))  # half a character in a title
    return path


def page_html(payload, *, title=None, files=None):
    """Text of the page.

    Parameters
    ----------
    payload : dict
        From `page_payload`.
    title : str, optional
        Of the page; by default the first object's.
    files : dict of str to str, optional
        From `assets`.

    Returns
    -------
    str

    Raises
    ------
    MissingExtraError
        plotly is not installed.
    """
    files = assets() if files is None else files
    title = printable(str(title)) if title is not None else ""
    scripts = {"plotly": files[PLOTLY], "scripts": "\n".join(files[name] for name in SCRIPTS), "mount": _MOUNT}
    inline = {name: _as_parsed(text) for name, text in scripts.items()}
    style = _as_parsed(files[STYLE])
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, inline.values()))}; style-src {_hash(style)}; "
        "img-src data: blob:; connect-src 'none'; form-action 'none'; base-uri 'none'"
    )
    return Template(static_text("page.html")).substitute(
        inline,
        policy=policy,
        style=style,
        title=escape(title or printable(payload["objects"][0]["title"]) or "Light curves"),
        heading=f"<h1>{escape(title)}</h1>" if title else "",
        data=json_for_html(payload),
    )


def json_for_html(value):
    """JSON that can stand in an element of HTML: no text in it ends the element.

    Parameters
    ----------
    value : dict
        What JSON can write.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        A number is not finite.
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _as_parsed(text):
    """An inline script or style as the browser's parser sees it, and hashes it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if any(mark in text.lower() for mark in ("</script", "</style", "<!--")):
        raise ValueError("a script of the page would end its own element")
    return text


def _hash(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _checked_path(path, overwrite):
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be the name of a file, not {shown(path)}")
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"path must be the name of a file; {path} is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} into")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already; give overwrite=True to replace it")
    return path
