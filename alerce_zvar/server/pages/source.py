"""The source of the archive that an identifier means, and those at the same place."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from alerce_zvar.config import MATCH_RADIUS
from alerce_zvar.server.pages.search import number_of
from alerce_zvar.server.replies import one_row, rows

__all__ = ["Source", "find_source", "same_place"]

_SELECT = "SELECT psid::VARCHAR AS psid, oid, lsst_oid::VARCHAR AS lsst_oid, name, ra, dec, objtype FROM sources"


@dataclass(frozen=True)
class Source:
    """A source: its identifiers of all services, and its place.

    Attributes
    ----------
    psid : str
    oid, lsst_oid, name : str or None
    ra, dec : float
        ICRS [deg].
    objtype : int or None
    """

    psid: str
    oid: str | None
    lsst_oid: str | None
    name: str | None
    ra: float
    dec: float
    objtype: int | None

    @property
    def coordinates(self):
        """Place, a `~astropy.coordinates.SkyCoord`."""
        return SkyCoord(self.ra * u.deg, self.dec * u.deg)


def find_source(archive, identifier):
    """Source with an identifier of any service, exactly as it is written; None where there is none."""
    number = number_of(identifier)
    found = archive.query(
        f"{_SELECT} WHERE psid = ? OR oid = ? OR lsst_oid = ? ORDER BY psid = ? DESC LIMIT 1",
        [number, identifier, number, number],
    )
    row = one_row(found)
    return None if row is None else Source(**row)


def same_place(archive, source):
    """Other sources within the radius in which two things are taken for one: (Source, separation [arcsec])."""
    cone = (np.array([value]) for value in (source.ra, source.dec, MATCH_RADIUS.to_value(u.arcsec)))
    found = archive.cone_search(*cone)
    near = dict(zip(found["psid"].astype(str).tolist(), found["distance"].tolist(), strict=True))
    near.pop(source.psid, None)
    given = {"number": np.array(list(near), dtype=np.int64)}
    others = rows(archive.query(f"{_SELECT} JOIN given ON given.number = sources.psid", given=given)) if near else []
    pairs = [(Source(**row), near[row["psid"]]) for row in others]
    return sorted(pairs, key=lambda pair: pair[1])
