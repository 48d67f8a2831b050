"""How long the local server's pages keep a reader waiting: on the sample sky, and on one of a million sources.

``python benchmarks/pages.py`` prints; with ``--check`` it exits with 1 where an aim is missed.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import requests

from alerce_zvar.archive import Archive
from alerce_zvar.archive.ids import psid_from_position
from alerce_zvar.archive.sky import pixel, unit_vectors
from alerce_zvar.sample import build_sample
from alerce_zvar.server import serve

AIM = 0.3  # s
SOURCES = 1_000_000


def sample(path):
    """The sample sky, and the pages that are asked for."""
    with build_sample(path) as archive:
        sources = archive.sources()
    star = sources[~np.ma.getmaskarray(sources["lsst_oid"])][0]
    return {
        "front": ("/", AIM),
        "search by position": (f"/?position={star['ra']}+{star['dec']}&radius=3&unit=arcmin", AIM),
        "search by class": ("/?class=ztf%2Flc_classifier%2FRRL", AIM),
        "object": (f"/object/{star['psid']}?row=1", AIM),
        "explorer's light curves": (f"/object/{star['psid']}/explorer.json", AIM),
    }


def large(path, number):
    """Sources all over the sky, without light curves; the front page of them has no aim."""
    rng = np.random.default_rng(0)
    ra, dec = rng.uniform(0, 360, number), np.degrees(np.arcsin(rng.uniform(-1, 1, number)))
    psid, kept = np.unique(psid_from_position(ra, dec), return_index=True)
    x, y, z = unit_vectors(ra[kept], dec[kept]).T.copy()
    columns = {
        "psid": psid,
        "ra": ra[kept],
        "dec": dec[kept],
        "x": x,
        "y": y,
        "z": z,
        "hpx": pixel(ra[kept], dec[kept]),
    }
    with Archive.create(path) as archive:
        archive.write("INSERT INTO sources BY NAME SELECT * FROM given ORDER BY hpx", given=columns)
    return {
        "front": ("/", None),
        "search by position": (f"/?position={ra[0]}+{dec[0]}&radius=1&unit=deg", AIM),
        "object": (f"/object/{psid[0]}", AIM),
    }


def seconds(session, address, repeats):
    """Median of several answers; the first, which may load modules, is not counted."""
    durations = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        session.get(address, timeout=60).raise_for_status()
        durations.append(time.perf_counter() - begin)
    return statistics.median(durations[1:])


def main():
    """Exit code: 1 if an aim is missed and the aims are to be checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--sources", type=int, default=SOURCES)
    options = parser.parse_args()
    missed = []
    with tempfile.TemporaryDirectory() as folder, requests.Session() as session:
        for sky, make in (("sample", sample), ("large", lambda path: large(path, options.sources))):
            path = Path(folder, f"{sky}.duckdb")
            pages = make(path)
            with serve(path) as server:
                for page, (address, aim) in pages.items():
                    value = seconds(session, server.url + address, options.repeats)
                    print(f"{sky} sky, {page}: {value:.3f} s" + ("" if aim is None else f" (aim: {aim} s)"), flush=True)
                    if aim is not None and value > aim:
                        missed.append(f"{sky} sky, {page}")
    if missed:
        print(f"over their aims: {', '.join(missed)}")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
