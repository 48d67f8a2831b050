"""What the services know of one object: found by id or position, then asked for everything."""

from dataclasses import dataclass, field

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from alerce_zvar.errors import NotFoundError
from alerce_zvar.reporting.asking import Asker
from alerce_zvar.reporting.target import Target
from alerce_zvar.zvar import schema as zvar_schema

__all__ = ["CATALOGS", "NEIGHBOURS", "SERVICES", "Known", "gather"]

SERVICES = ("alerce", "zvar", "catshtm")
CATALOGS = tuple(zvar_schema.CATALOGS)
NEIGHBOURS = 5 * u.arcmin  # around the object: stars for the colour-magnitude diagram


@dataclass
class Known:
    """Everything that was found; None or empty is what was not.

    Attributes
    ----------
    target : Target
        What was asked for.
    asker : Asker
        What was asked, and what is missing.
    survey : str
        ALeRCE's.
    coordinates : SkyCoord or None
        Position, and `placed_by`: who says so.
    oid, psid : str
        Ids of the two services.
    separations : dict
        Service -> distance of its object from `coordinates`.
    alerce, probabilities, features, magstats, stamps
        Answers of ALeRCE.
    zvar : SourceTable
        Of ZVAR, with ``periods`` and ``lightcurves``.
    curves : dict
        Name -> light curve: ``"ZVAR"``, ``"ALeRCE"``, ``"ALeRCE, forced photometry"``, or one's own.
    matches : dict
        Catalogue -> table of matches by ZVAR.
    neighbours : table
        Gaia's sources around, for the colour-magnitude diagram.
    catshtm : CatalogTables
        Matches by catsHTM.
    """

    target: Target
    asker: Asker
    survey: str = "ztf"
    coordinates: SkyCoord | None = None
    placed_by: str = ""
    oid: str = ""
    psid: str = ""
    separations: dict = field(default_factory=dict)
    alerce: object = None
    probabilities: object = None
    features: object = None
    magstats: object = None
    stamps: object = None
    zvar: object = None
    curves: dict = field(default_factory=dict)
    matches: dict = field(default_factory=dict)
    neighbours: object = None
    catshtm: object = None


def gather(target, clients, *, survey, radius, asker):
    """Everything that some services know of an object.

    Parameters
    ----------
    target : Target
        What is asked for.
    clients : dict
        Service -> client; only those are asked.
    survey : str
        ALeRCE's.
    radius : Quantity
        Largest separation of what is taken for the same object.
    asker : Asker
        Asks, and keeps notes.

    Returns
    -------
    Known

    Raises
    ------
    ServiceError
        Nothing was found, because a service failed.
    NotFoundError
        Nothing was found.
    """
    known = Known(target, asker, survey, target.coordinates, "given" if target.coordinates is not None else "")
    if target.light_curve is not None:
        known.curves["own light curve"] = target.light_curve
    _find(known, clients, radius)
    if not (known.oid or known.psid or known.curves):
        _raise_nothing(known, clients, radius)
    if known.oid:
        _ask_alerce(known, clients["alerce"])
    if known.psid:
        _ask_zvar(known, clients["zvar"], radius)
    if known.coordinates is not None and "catshtm" in clients:
        known.catshtm = asker.ask(
            "cross-matches by catsHTM", clients["catshtm"].query_crossmatch, known.coordinates, radius=radius
        )
    return known


def _find(known, clients, radius):
    """Object of ALeRCE and source of ZVAR: that of the id, and the nearest to its position."""
    target, ask = known.target, known.asker.ask
    if target.oid and "alerce" in clients:
        _take_alerce(known, ask("object of ALeRCE", clients["alerce"].query_object, target.oid, survey=known.survey))
    if target.psid and "zvar" in clients:
        found = ask("source of ZVAR", clients["zvar"].query_objects, [target.psid])
        _take_zvar(known, found)
    if known.coordinates is None:
        return
    if not known.oid and "alerce" in clients:
        found = ask(
            "objects of ALeRCE at the position",
            clients["alerce"].query_region,
            known.coordinates,
            radius=radius,
            survey=known.survey,
            one_row_per_object=True,
        )
        nearest = _nearest(found, known.coordinates)
        if nearest is not None:
            oid = str(nearest["oid"][0])
            _take_alerce(known, ask("object of ALeRCE", clients["alerce"].query_object, oid, survey=known.survey))
    if not known.psid and "zvar" in clients:
        found = ask("sources of ZVAR at the position", clients["zvar"].query_region, known.coordinates, radius=radius)
        _take_zvar(known, _nearest(found, known.coordinates))


def _take_alerce(known, found):
    if found is not None and len(found):
        known.alerce, known.oid = found[:1], str(found["oid"][0])
        _place(known, "ALeRCE", found)


def _take_zvar(known, found):
    if found is not None and len(found):
        known.zvar, known.psid = found[:1], str(found["psid"][0])
        _place(known, "ZVAR", found)


def _place(known, service, table):
    place = SkyCoord(table["ra"][0], table["dec"][0], unit="deg")
    if known.coordinates is None:
        known.coordinates, known.placed_by = place, service
    known.separations[service] = known.coordinates.separation(place).to(u.arcsec)


def _nearest(table, place):
    """The row nearest to a position, as a table."""
    if table is None or not len(table):
        return None
    nearest = int(np.argmin(SkyCoord(table["ra"], table["dec"], unit="deg").separation(place)))
    return table[nearest : nearest + 1]


def _raise_nothing(known, clients, radius):
    if known.asker.errors:
        raise known.asker.errors[0]
    told = {"alerce": "ALeRCE", "zvar": "ZVAR"}
    asked = " and ".join(name for service, name in told.items() if service in clients)
    where = "" if known.target.coordinates is None else f" within {radius.to(u.arcsec):g}"
    reasons = "; ".join(missing.reason for missing in known.asker.missing if known.target.coordinates is None)
    raise NotFoundError(f"{asked} found nothing at '{known.target}'{where}." + (f" {reasons}" if reasons else ""))


def _ask_alerce(known, alerce):
    oid, of, ask = known.oid, {"survey": known.survey}, known.asker.ask
    known.probabilities = ask("classifications by ALeRCE", alerce.query_probabilities, oid, **of)
    if known.survey == "ztf":
        known.features = ask("features by ALeRCE", alerce.query_features, oid)
        known.magstats = ask("statistics by ALeRCE", alerce.query_magstats, oid)
    limits = {"include_upper_limits": known.survey == "ztf"}
    curve = ask("light curve of ALeRCE", alerce.get_lightcurve, oid, **of, **limits)
    forced = ask("forced photometry of ALeRCE", alerce.get_lightcurve, oid, photometry="forced_corrected", **of)
    for name, one in (("ALeRCE", curve), ("ALeRCE, forced photometry", forced)):
        if one is not None and len(one):
            known.curves[name] = one
    known.stamps = ask("image stamps of ALeRCE", alerce.get_stamps, oid, format="ccddata", **of)


def _ask_zvar(known, zvar, radius):
    psid, ask = known.psid, known.asker.ask
    found = ask("light curve of ZVAR", zvar.get_lightcurves, [psid], bands=None)
    if found is not None and len(found):
        known.curves["ZVAR"] = found[0]
    for catalog in CATALOGS:
        what = f"cross-match with {catalog}"
        matches = ask(what, zvar.query_crossmatch, [psid], catalog, radius=radius)
        known.asker.note_rows(what, matches)
        if matches is not None and len(matches):
            known.matches[catalog] = matches
    if "gaia" in known.matches:
        known.neighbours = _neighbours(known, zvar, radius)


def _neighbours(known, zvar, radius):
    """Gaia's sources of ZVAR's stars around the object, or None."""
    what, ask = "stars around it, for the colour-magnitude diagram", known.asker.ask
    around = ask(what, zvar.query_region, known.coordinates, radius=NEIGHBOURS)
    if around is None or not len(around):
        return None
    return ask(what, zvar.query_crossmatch, list(around["psid"]), "gaia", radius=radius)
