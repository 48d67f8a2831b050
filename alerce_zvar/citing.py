"""What to cite for work done with this package, as BibTeX: `cite`, from what an answer or a result says of itself.

::

    table, light curves ──► service, survey, catalogue, classifiers ─┐
    period, periodogram ──► method, engine ──────────────────────────┼─► keys ─► entries of references.bib
    always ───────────────► this package, astropy ───────────────────┘
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np
from astropy.io import fits
from astropy.table import Table

from alerce_zvar.catshtm.schema import request_name
from alerce_zvar.errors import PartialResultWarning, shown, warn
from alerce_zvar.lightcurves import LightCurves
from alerce_zvar.period import Eclipse, FourierModel, FpwResult, Periodogram, PeriodResult, get_method
from alerce_zvar.references import get_reference

__all__ = ["CATALOGS", "SERVICES", "__citation__", "cite", "works_to_cite"]

ASTROPY = ("2013A&A...558A..33A", "2018AJ....156..123A", "2022ApJ...935..167A")
ALWAYS = ("alerce_zvar", *ASTROPY)
ASTROQUERY = ("2019AJ....157...98G",)
COMPUTED = ("2020Natur.585..357H", "2020NatMe..17..261V")  # numpy, scipy
NUMBA = ("2015llvm.confE...1L",)
MATPLOTLIB = ("2007CSE.....9...90H",)
ZTF = ("2019PASP..131a8002B", "2019PASP..131g8001G", "2019PASP..131a8003M")
LSST = ("2019ApJ...873..111I",)
SURVEYS = MappingProxyType({"ztf": ZTF, "lsst": LSST})
FPW = ("2025arXiv250200243F",)
_ALERCE = ("2021AJ....161..242F",)
_FEATURES = ("2021AJ....161..141S",)
_GAIA = "2016A&A...595A...1G"
_2MASS = ("2006AJ....131.1163S",)
_SDSS = "2000AJ....120.1579Y"
_PS1 = ("2016arXiv161205560C", "2020ApJS..251....7F")
_GALEX = ("2005ApJ...619L...1M",)
_ALLWISE = ("2010AJ....140.1868W", "2011ApJ...731...53M")

# ``meta["service"]`` of an answer -> works. ZVAR's data are ZTF's, and the paper on its periods is the one it has.
SERVICES = MappingProxyType(
    {
        "ALeRCE": (*_ALERCE, *ZTF),
        "ALeRCE LSST": (*_ALERCE, *LSST),
        "ALeRCE stamps": (*_ALERCE, *ZTF),
        "ALeRCE TAP": _ALERCE,
        "ZVAR": (*ZTF, *FPW),
        "catsHTM": ("2018PASP..130g5002S",),
        "IRSA": ZTF,
    }
)
# Beginning of a classifier's name -> works.
CLASSIFIERS = MappingProxyType({"lc_classifier": _FEATURES, "stamp_classifier": ("2021AJ....162..231C",)})
# Catalogue, by its name in requests to ZVAR or catsHTM in small letters -> works.
CATALOGS = MappingProxyType(
    {
        "gaia": (_GAIA, "2023A&A...674A...1G"),
        "ps1": _PS1,
        "galex": _GALEX,
        "2mass": _2MASS,
        "allwise": _ALLWISE,
        "aavso_vsx": ("2006SASS...25...47W",),
        "akari": ("2007PASJ...59S.369M",),
        "apass": ("2014CoSka..43..518H",),
        "crts_per_var": ("2014ApJS..213....9D",),
        "cosmos": ("2007ApJS..172....1S",),
        "decals": ("2019AJ....157..168D",),
        "first": ("1995ApJ...450..559B",),
        "gaiadr1": (_GAIA, "2016A&A...595A...2G"),
        "gaiadr2": (_GAIA, "2018A&A...616A...1G"),
        "gaiaedr3": (_GAIA, "2021A&A...649A...1G"),
        "hscv2": ("2016AJ....151..134W",),
        "iphas": ("2005MNRAS.362..753D",),
        "iracgc": ("2008ApJS..175..147R",),
        "nedz": ("1991ASSL..171...89H",),
        "nvss": ("1998AJ....115.1693C",),
        "pgc": ("2003A&A...412...45P",),
        "ptfpc": ("2012PASP..124..854O",),
        "rosatfsc": ("2000IAUC.7432....3V",),
        "sage": ("2006AJ....132.2268M",),
        "sdssdr10": (_SDSS, "2014ApJS..211...17A"),
        "sdssoffset": (_SDSS,),
        "specsdss": (_SDSS,),
        "skymapper": ("2018PASA...35...10W",),
        "swirez": ("2008MNRAS.386..697R",),
        "tmass": _2MASS,
        "tmassxsc": _2MASS,
        "ucac4": ("2013AJ....145...44Z",),
        "ukidss": ("2007MNRAS.379.1599L",),
        "unwise": ("2019ApJS..240...30S",),
        "vistaviking": ("2013Msngr.154...32E",),
        "vstatlas": ("2015MNRAS.451.4238S",),
        "vstkids": ("2013ExA....35...25D",),
        "wise": ("2010AJ....140.1868W",),
        "xmm": ("2016A&A...590A...1R",),
        "ztfsrclcdr1": ("2020MNRAS.499.5782O",),
    }
)
_STAMPS = {"ZTF": "ALeRCE stamps", "LSST": "ALeRCE LSST"}  # survey in the headers of images -> service
_MATCHED = {"alerce": "ALeRCE", "zvar": "ZVAR"}  # services of match_services
_AUTO = ("lombscargle", "bls")  # the screens of find_period's own method
_FOURIER = ("1981ApJ...248..291S",)
# What stands behind the package as a whole.
_PACKAGE = (*_ALERCE, *ZTF, *LSST, *SERVICES["catsHTM"], *FPW, "2024RNAAS...8..250G", ASTROPY[-1], *ASTROQUERY)


def cite(*results):
    """BibTeX of what to cite for some results: chosen by what they say of where they come from.

    Always of this package and astropy. Of an answer of a service, the service and its survey, the classifiers, the
    catalogue, and astroquery; of a period or periodogram, the method, and numpy, scipy, and numba where it computed.

    Parameters
    ----------
    *results : Table, TimeSeries, LightCurves, PeriodResult, Periodogram, FpwResult, FourierModel, Eclipse, or lists
        Answers of the services, light curves, and what was found in them. Images too: what ``get_stamps`` gives.

    Returns
    -------
    str
        Entries, each once, in ASCII.

    Warns
    -----
    PartialResultWarning
        A table or list of images does not say where it comes from, because it was not made by this package, or lost
        its ``meta``.

    Raises
    ------
    TypeError
        It is none of these.

    Examples
    --------
    >>> from alerce_zvar import Alerce, cite
    >>> print(cite(Alerce.query_features("ZTF18sixymhd")).partition(",")[0])
    @software{alerce_zvar
    """
    return _bibtex(works_to_cite(*results))


def works_to_cite(*results):
    """Keys of what `cite` cites, each once, in order; parameters and errors as there.

    Returns
    -------
    list of str
    """
    keys = [*ALWAYS]
    for result in results:
        keys += _works_of(result)
    return list(dict.fromkeys(keys))


def _bibtex(keys):
    return "\n\n".join(get_reference(key).bibtex for key in keys) + "\n"


def _works_of(result):
    for kinds, works in _OF_KIND:
        if isinstance(result, kinds):
            return works(result)
    if isinstance(getattr(result, "meta", None), Mapping) and "service" in result.meta:
        return _of_meta(result.meta)  # stamps, catsHTM's tables without one that holds anything
    if isinstance(result, Iterable) and not isinstance(result, str | bytes):
        return [key for one in result for key in _works_of(one)]
    raise TypeError(
        "what is cited must be a table, light curves, a result of a period search, or a list of them, "
        f"not {shown(result)} ({type(result).__name__})"
    )


def _of_table(table):
    keys = [*_of_meta(table.meta), *_of_searches(table)]
    if not keys:
        warn("A table does not say which service it is from; only the software is cited for it", PartialResultWarning)
    return [*keys, *(key for name in _names_in(table, "classifier") for key in _of_classifier(name))]


def _of_images(images):
    """Works of the survey that get_stamps writes into the headers of its images."""
    header = images[0].header if len(images) else {}
    service = _STAMPS.get(str(header.get("SURVEY", "")).strip()) if "CANDID" in header else None
    if service is None:
        warn("Images do not say which survey they are from; only the software is cited for them", PartialResultWarning)
        return []
    return _of_meta({"service": service})


def _of_searches(table):
    """Works of the methods in a table of periods, as find_periods gives it."""
    methods = _names_in(table, "method") if "period" in table.colnames else ()
    return [key for name in methods for key in (*_of_method(name), *COMPUTED)]


def _names_in(table, column):
    """The different texts of a column, if there is one."""
    texts = np.ma.MaskedArray(table[column]).compressed().tolist() if column in table.colnames else ()
    return dict.fromkeys(text for text in texts if text)


def _of_meta(meta):
    if "services" in meta:  # of match_services
        asked = [name.strip() for name in meta["services"].split(",")]
        keys = [key for name in asked for key in SERVICES.get(_MATCHED.get(name), CATALOGS.get(name, ()))]
        return [*keys, *ASTROQUERY]
    service = meta.get("service")
    if service not in SERVICES:
        return []
    survey = SURVEYS.get(meta.get("survey"), ())
    features = _FEATURES if meta.get("endpoint") in ("feature", "features") else ()
    catalog = CATALOGS.get(request_name(str(meta.get("catalog", ""))).lower(), ())
    return [*SERVICES[service], *survey, *features, *catalog, *ASTROQUERY]


def _of_classifier(name):
    return [key for start, keys in CLASSIFIERS.items() if str(name).lower().startswith(start) for key in keys]


def _of_mapping(tables):
    own = _of_meta(getattr(tables, "meta", {}))
    return [*own, *(key for table in tables.values() for key in _works_of(table))]


def _of_period(result):
    engine = getattr(result, "engine", None) or result.options.get("engine")
    return [*_of_method(result.method), *_of_engine(engine)]


def _of_method(name):
    return [key for one in (_AUTO if name == "auto" else (name,)) for key in get_method(one).citations]


def _of_engine(engine):
    return [*COMPUTED, *(NUMBA if engine == "numba" else ())]


_OF_KIND = (
    (Table, _of_table),
    (fits.HDUList, _of_images),
    (LightCurves, lambda curves: _of_table(curves.data)),
    (Mapping, _of_mapping),
    ((PeriodResult, Periodogram), _of_period),
    (FpwResult, lambda result: [*FPW, *_of_engine(result.engine)]),
    (FourierModel, lambda model: [*_FOURIER, *_of_engine(None)]),
    (Eclipse, lambda eclipse: [*get_method("bls").citations, *_of_engine(None)]),
)

__citation__ = _bibtex(("alerce_zvar", *_PACKAGE))
