"""A small archive for the tests of catsHTM: the recorded catalogues, and others with redshifts and odd values."""

import json
import urllib.request

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from alerce_zvar.archive import Archive

__all__ = ["CENTRE", "DEC", "EMPTY", "RA", "build", "get", "get_json", "read_recorded"]

# Of the recorded request.
RA, DEC = 307.47413048621615, 51.12344127469595
CENTRE = SkyCoord(RA, DEC, unit="deg")
EMPTY = SkyCoord(10.0, 10.0, unit="deg")


def read_recorded(real_data):
    """The recorded answer to a cross-match with all catalogues."""
    return json.loads((real_data / "recorded" / "alerce" / "catshtm_crossmatch_all.json").read_bytes())


def get(url):
    """Status, content type and body of an answer."""
    try:
        with urllib.request.urlopen(url) as reply:
            return reply.status, reply.headers["Content-Type"], reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


def get_json(url):
    status, _, body = get(url)
    assert status == 200
    return json.loads(body)


def put_recorded(archive, body):
    """Catalogues of one source each, from the answer that was recorded."""
    for item in body:
        for name, columns in item.items():
            table = Table()
            for key, cell in columns.items():
                if key != "distance":
                    table[key] = MaskedColumn([cell["value"] or 0.0], mask=[cell["value"] is None])
                    table[key].info.meta = {"wire_unit": cell["unit"]}
            archive.import_catalog(name, table, ra="RA", dec="Dec")


def build(path, recorded):
    """`Archive` with everything in it, open for writing."""
    archive = Archive.create(path)
    put_recorded(archive, recorded)
    galaxies = QTable({"RA": [RA, RA, 150.0] * u.deg, "Dec": [DEC, DEC + 0.001, 2.0] * u.deg})
    galaxies["z"] = MaskedColumn([0.0, 0.04, 0.07], mask=[True, False, False])
    archive.import_catalog("NEDz", galaxies, ra="RA", dec="Dec")
    colours = Table({"RA": [RA, 150.0] * u.deg, "Dec": [DEC + 0.0005, 2.0] * u.deg, "zphot": [0.05, 0.08]})
    archive.import_catalog("SWIREz", colours, ra="RA", dec="Dec")
    odd = Table({"id": [2**62 + 1, 7], "lon": [1.0, 2.0] * u.rad, "lat": [0.25, 0.5] * u.rad})
    odd["limit"] = [np.inf, -np.inf] * u.Jy
    odd["name"], odd["good"] = ["a b", "c"], [True, False]
    odd["single"] = np.array([17.41657, np.nan], dtype=np.float32) * u.mag
    odd["distance"] = [3.0, 4.0] * u.kpc
    odd["seen"] = Time([59000.5, 59001.5], format="mjd", scale="tai")
    archive.import_catalog("mine", odd, ra="lon", dec="lat", description="ours")
    return archive
