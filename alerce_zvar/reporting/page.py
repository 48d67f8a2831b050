"""`report`: gathers, searches, draws, and writes one page."""

import contextlib
import platform
import warnings
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from astropy import units as u

from alerce_zvar.alerce.service import SURVEYS
from alerce_zvar.citing import MATPLOTLIB, works_to_cite
from alerce_zvar.config import MATCH_RADIUS
from alerce_zvar.errors import PartialResultWarning, printable, require, shown, warn
from alerce_zvar.files import write_file
from alerce_zvar.references import get_reference
from alerce_zvar.reporting import tables
from alerce_zvar.reporting.analysis import analyse, check_search
from alerce_zvar.reporting.asking import Asker
from alerce_zvar.reporting.figures import draw_all
from alerce_zvar.reporting.gather import SERVICES, gather
from alerce_zvar.reporting.target import read_target
from alerce_zvar.wire.query import as_list, to_radius

__all__ = ["page_template", "report"]

_SOFTWARE = ("alerce_zvar", "astropy", "astroquery", "numpy", "scipy", "matplotlib", "numba")
_LARGEST_RADIUS = 60 * u.arcsec


def report(
    source_or_coordinates,
    path,
    *,
    coordinates=None,
    services=SERVICES,
    survey="ztf",
    radius=MATCH_RADIUS,
    search=None,
    overwrite=False,
    timeout=None,
    alerce=None,
    zvar=None,
    catshtm=None,
    progress=None,
):
    """File with everything that the services and the period search know of one object: one page of HTML.

    The page holds its figures and needs no network, no script and no other file. What a service refuses or fails to
    give is told in the page, which is written all the same.

    Parameters
    ----------
    source_or_coordinates : str, int, SkyCoord, TimeSeries or LightCurves
        Id of ALeRCE or ZVAR, a position, or one's own light curve. Ids that are numbers are ZVAR's, and of the survey
        ``"lsst"`` ALeRCE's.
    path : str or path-like
        File to write, such as ``star.html``.
    coordinates : SkyCoord, optional
        Position of one's own light curve; without it, no service is asked.
    services : list of {"alerce", "zvar", "catshtm"}
        Which to ask.
    survey : {"ztf", "lsst"}
        Whose objects of ALeRCE.
    radius : Quantity, Angle or str
        Largest separation of what is taken for the same object, at most 60 arcsec.
    search : dict, optional
        Options of `alerce_zvar.find_period`, such as ``{"maximum_period": 10 * u.day}``. Where they do not fit the
        light curve, as bands that it has not, nothing is searched, which the page tells.
    overwrite : bool
        Replace a file that is there.
    timeout : float or Quantity, optional
        Total seconds for each request, retries and waits included; by default ``conf.timeout``.
    alerce : AlerceClass, optional
        By default `alerce_zvar.Alerce`.
    zvar : ZvarClass, optional
        By default `alerce_zvar.Zvar`.
    catshtm : CatsHTMClass, optional
        By default `alerce_zvar.CatsHTM`.
    progress : callable, optional
        Called as ``progress(what)`` before each step.

    Returns
    -------
    `~pathlib.Path`
        The file; it is whole, or not there.

    Raises
    ------
    FileExistsError
        The file is there already; nothing was asked.
    FileNotFoundError
        Its folder is not.
    TypeError, ValueError, astropy.units.UnitsError
        A parameter is not one of those accepted; nothing was asked.
    NotFoundError
        Nothing is known of it.
    ServiceError
        Nothing is known of it, because a service failed.
    MissingExtraError
        The extra ``plot`` is not installed.

    Warns
    -----
    PartialResultWarning
        A service failed to give something; the page tells what.

    Examples
    --------
    >>> from alerce_zvar import report
    >>> report("ZTF18sixymhd", "star.html").name
    'star.html'
    """
    require("plot", "matplotlib", "jinja2")
    target = read_target(source_or_coordinates, coordinates, survey)
    clients = _clients(services, {"alerce": alerce, "zvar": zvar, "catshtm": catshtm})
    if survey not in SURVEYS:
        raise ValueError(f"survey must be {' or '.join(map(repr, SURVEYS))}, not {shown(survey)}")
    radius, search = to_radius(radius, maximum=_LARGEST_RADIUS), check_search(search)
    path = _checked_path(path, overwrite)
    asker = Asker(timeout, progress)
    known = gather(target, clients, survey=survey, radius=radius, asker=asker)
    asker.tell("period search")
    analysis = analyse(known, search)
    asker.tell("figures")
    write_file(path, page_template("alerce_zvar.reporting").render(_content(known, analysis)).encode())
    failed = [missing for missing in asker.missing if missing.failed]
    if failed:
        number = "1 question" if len(failed) == 1 else f"{len(failed)} questions"
        first = f"{failed[0].what}: {failed[0].reason}"
        warn(f"{number} had no answer, which the page tells; the first is {first}", PartialResultWarning)
    return path


def _clients(services, given):
    """Client of each service that is to be asked."""
    from alerce_zvar.alerce.core import Alerce
    from alerce_zvar.catshtm.core import CatsHTM
    from alerce_zvar.zvar.core import Zvar

    asked = as_list(services)[0]
    wrong = [service for service in asked if service not in SERVICES]
    if wrong or not asked:
        what = f"{shown(wrong[0])} is not" if wrong else "an empty list was given"
        raise ValueError(f"services must be of {', '.join(SERVICES)}; {what}")
    usual = {"alerce": Alerce, "zvar": Zvar, "catshtm": CatsHTM}
    return {name: usual[name] if given[name] is None else given[name] for name in SERVICES if name in asked}


def _checked_path(path, overwrite):
    try:
        path = Path(path)
    except TypeError as exc:
        raise TypeError(f"path must be a file to write, such as star.html, not {shown(path)}") from exc
    if "\0" in str(path):
        raise ValueError(f"path must be a file to write, such as star.html, not {shown(str(path))}")
    if path.is_dir():
        raise IsADirectoryError(f"path must be a file to write, such as star.html; {path} is a folder")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; overwrite=True replaces it")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.absolute().parent}")
    return path


@cache
def page_template(room):
    """The template ``templates/report.html`` of a package: everything is escaped, and nothing may be missing."""
    (jinja2,) = require("plot", "jinja2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    return environment.from_string(files(room).joinpath("templates", "report.html").read_text(encoding="utf-8"))


def _shown(value):
    """What an expression of the template shows; Markup, which is no plain text, is left alone."""
    return printable(value) if type(value) is str else value


def _content(known, analysis):
    """What the template shows."""
    found = [] if analysis is None else [analysis.result, *filter(None, (analysis.fourier, analysis.eclipse))]
    references = [get_reference(key) for key in [*_works(known, found), *MATPLOTLIB]]
    return {
        "title": " · ".join(filter(None, (known.oid, known.psid))) or str(known.target),
        "identity": tables.identity_rows(known),
        "bands": tables.bands_grid(known),
        "periods": tables.periods_grid(known, analysis),
        "verdict": [] if analysis is None else tables.verdict_rows(analysis),
        "believed": analysis is not None and analysis.result.believed,
        "fourier": None if analysis is None or analysis.fourier is None else tables.fourier_grid(analysis),
        "eclipse": [] if analysis is None or analysis.eclipse is None else tables.eclipse_rows(analysis),
        "classes": tables.classes_grid(known),
        "features": tables.features_grid(known),
        "matches": tables.match_grids(known),
        "pictures": draw_all(known, analysis),
        "asker": known.asker,
        "software": _software(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "references": references,
        "bibtex": "\n\n".join(reference.bibtex for reference in references),
    }


def _works(known, found):
    """Keys of what to cite; of one's own light curve nobody knows where it is from."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PartialResultWarning)
        return works_to_cite(*known.asker.answers, *filter(None, (known.target.light_curve,)), *found)


def _software():
    found = [("Python", platform.python_version())]
    for name in _SOFTWARE:
        with contextlib.suppress(PackageNotFoundError):
            found.append((name, version(name)))
    return found
