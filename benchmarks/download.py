"""Bulk download, killed and under faults, and of many sources: what is lost, and how long it takes.

Run by hand: ``python benchmarks/download.py [--sources 2000] [--kills 20] [--only kills|faults|many]``. It serves a sky
of that many sources on this machine and downloads all of their light curves from there:

1. uninterrupted, for the content hash;
2. in child processes that are killed by SIGKILL at random moments, so many times, each time followed by another run;
   after every kill the archive is also finished in a copy of its own, whose content hash must be that of 1.;
3. from a server that answers 5 % of the requests by 503, cuts 5 % of the bodies, stalls at 2 %, and is gone for 20 s;
4. 20,000 sources with short light curves: whether rate and memory stay as they were after the first fifth.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Table
from astropy.time import Time

from alerce_zvar import ZvarClass
from alerce_zvar.archive import Archive
from alerce_zvar.server import serve

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

EPOCHS = 100
MANY, FEW_EPOCHS = 20_000, 10
FAULTS = {"503": 0.05, "cut": 0.05, "stall": 0.02}
OUTAGE = 20.0  # seconds
TIMEOUT = 10.0  # seconds of a request; how long a stall holds it up
CHILD = """
import sys
from alerce_zvar import ZvarClass
ids = open(sys.argv[2]).read().split()
ZvarClass(url=sys.argv[1]).download(ids, sys.argv[3], progress=False)
"""


def make_sky(path, count, epochs=EPOCHS):
    """Archive of so many sources in two bands, and their ids."""
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(count), epochs)
    table = Table({"time": Time(58000 + rng.uniform(0, 1500, len(owner)), format="mjd", scale="tdb")})
    table["name"] = np.char.add("star-", owner.astype(str))
    table["ra"] = (10 + 0.01 * (owner % 50)) * u.deg
    table["dec"] = (20 + 0.01 * (owner // 50)) * u.deg
    table["band"] = rng.choice(["g", "r"], len(owner))
    table["mag"] = rng.normal(17, 0.3, len(owner)) * u.mag
    table["mag_err"] = np.full(len(owner), 0.02) * u.mag
    with Archive.create(path) as archive:
        archive.import_table(table, alerts=False)
        return [str(psid) for psid in archive.sources()["psid"]]


def content_of(path):
    """Content hash of a file."""
    with Archive.open(path, read_only=True) as archive:
        return archive.content_hash()


def kill_matrix(url, ids, folder, kills):
    """Number of kills after which the content was not the same."""
    began = time.monotonic()
    print(ZvarClass(url=url).download(ids, folder / "whole.duckdb", progress=False))
    whole, seconds = content_of(folder / "whole.duckdb"), time.monotonic() - began
    print(f"uninterrupted: {seconds:.1f} s, content {whole[:16]}")
    (folder / "ids.txt").write_text("\n".join(ids))
    chance, path, wrong, done = random.Random(1), folder / "killed.duckdb", 0, 0
    while done < kills:
        child = subprocess.Popen([sys.executable, "-c", CHILD, url, folder / "ids.txt", path])
        try:
            child.wait(2.0 + chance.random() * seconds)  # the start takes some 2 s
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            done += 1
            same, report = finished_elsewhere(url, ids, path, folder, whole)
            wrong += not same
            print(f"kill {done:2}: {report.known:4} of {len(ids)} were kept; finished: {'same' if same else 'OTHER'}")
        else:
            path.unlink()
    return wrong


def finished_elsewhere(url, ids, path, folder, whole):
    """Whether a copy of an archive, finished, has the whole content; and the report."""
    copy = folder / "copy.duckdb"
    for suffix in ("", ".wal"):
        Path(f"{copy}{suffix}").unlink(missing_ok=True)
        if Path(f"{path}{suffix}").exists():
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    report = ZvarClass(url=url).download(ids, copy, progress=False)
    return content_of(copy) == whole and report.known + report.stored == len(ids), report


@contextmanager
def faulty(url, after):
    """Server that passes on what another answers, and fails at some of it in real time."""
    from faulty_proxy import Faulty

    class Real(Faulty):
        def _stall(self, connection):
            connection.recv(1)

    with Real(url, FAULTS, time.monotonic, (after, OUTAGE)) as server:
        yield server


def fault_run(url, ids, folder):
    """True if something was lost, or is there twice."""
    with faulty(url, min(60, len(ids) // 10)) as server:
        began = time.monotonic()
        report = ZvarClass(url=server.url).download(ids, folder / "faulty.duckdb", progress=False, timeout=TIMEOUT)
        seconds = time.monotonic() - began
    made = {kind: server.made.count(kind) for kind in (*FAULTS, "outage")}
    print(report)
    print(
        f"{len(server.requests)} requests, {made} of them failed; {seconds:.1f} s, {OUTAGE:g} s of them without answers"
    )
    with Archive.open(folder / "faulty.duckdb") as archive:
        counts = archive.query("SELECT count(*) AS n, count(DISTINCT psid) AS d FROM sources")
    print(f"sources: {counts['n'][0]}, different ones: {counts['d'][0]}, failed: {report.failed}")
    return counts["n"][0] != counts["d"][0] or counts["n"][0] + report.failed != len(ids)


def many(folder):
    """True if the last fifth of a long download was slower than the second, or took more memory."""
    ids, marks = make_sky(folder / "many.duckdb", MANY, FEW_EPOCHS), []

    def tell(done, total, _):
        if done >= total * len(marks) / 5:
            marks.append((done, time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))

    with serve(folder / "many.duckdb") as server:
        print(ZvarClass(url=server.url).download(ids, folder / "copy.duckdb", progress=tell))
    rates = [(b[0] - a[0]) / (b[1] - a[1]) for a, b in pairwise(marks)]
    print("sources/s in each fifth: " + ", ".join(f"{rate:.0f}" for rate in rates))
    slower, larger = rates[-1] / rates[1], marks[-1][2] / marks[1][2]
    print(f"rate at the end / at the start: {slower:.2f} (aim: at least 0.8)")
    print(f"largest memory at the end / at the start: {larger:.2f} (aim: at most 1.3)")
    return slower < 0.8 or larger > 1.3


def main():
    """Exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sources", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only", choices=("kills", "faults", "many"))
    options = parser.parse_args()
    os.environ.update(ZVAR_USERNAME="alice", ZVAR_PASSWORD="wonderland")
    with tempfile.TemporaryDirectory() as name:
        folder, wrong = Path(name), 0
        ids = make_sky(folder / "sky.duckdb", options.sources)
        with serve(folder / "sky.duckdb") as server:
            if options.only in (None, "kills"):
                wrong += kill_matrix(server.url, ids, folder, options.kills)
            if options.only in (None, "faults"):
                wrong += fault_run(server.url, ids, folder)
        if options.only in (None, "many"):
            wrong += many(folder)
    print("nothing lost, nothing twice" if not wrong else f"{wrong} runs went WRONG")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
