"""Light curves of ZVAR from the socket to arrays: ours against a transcription of the client in ZVAR's notebook.

``python benchmarks/ingest.py`` prints; with ``--check`` it exits with 1 where an aim is missed. The server is a process
of its own that answers in ZVAR's format, each request after a latency; it has made all answers before. Each way runs in
a process of its own, so that time on the processor and peak memory are its own. What a process needs once (imports,
the compiled engine) is done before by asking for a few light curves, and told apart.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import orjson
import requests

FIRST_ID = 145120008365555264
FEW = 10  # light curves of the first call, which is not counted
WAYS = ("notebook", "without fast", "with fast")
AIMS = {  # way -> quantity -> how many times less than the notebook's client
    # numpy's calls hold Python's lock, so that one thread reads at a time: half of the wall-clock aim is in reach.
    "without fast": {"wall time": 4.0, "CPU time": 3.0, "peak memory": 2.0},
    "with fast": {"wall time": 8.0, "CPU time": 10.0, "peak memory": 2.0},
}
UNITS = {"wall time": "s", "CPU time": "s", "peak memory": "MB"}


# the server


def shortest(values):
    """Numbers of single precision as Python floats that print short."""
    return [float(str(value)) for value in values.astype(np.float32)]


def light_curve(rng, points):
    """Rows of one source in the format 'mag', as ZVAR gives them; a tenth are upper limits."""
    seen = rng.random(points) > 0.1
    columns = {
        "time": (2458263.981924 + np.sort(rng.uniform(0, 2400, points))).round(6).tolist(),
        "mag": shortest(rng.normal(17.4, 0.3, points)),
        "magerr": shortest(rng.uniform(0.008, 0.05, points)),
        "limmag": shortest(rng.normal(20.5, 0.3, points)),
        "flux": shortest(rng.normal(100, 400, points)),
        "fluxerr": shortest(rng.uniform(40, 120, points)),
        "snr": shortest(np.where(seen, rng.uniform(20, 140, points), rng.uniform(-1, 1, points))),
        "band": np.where(rng.random(points) < 0.4, "g", "r").tolist(),
    }
    file = {"field": 648, "ccd": 2, "quad": 2}
    unknown = {True: {"limmag": None}, False: {"mag": None, "magerr": None}}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [row | unknown[bool(there)] | file for row, there in zip(rows, seen, strict=True)]


def serve(objects, points, latency):
    """Serve until the process is ended; the port is printed first."""
    rng = np.random.default_rng(1)
    known = {str(FIRST_ID + k): orjson.dumps(light_curve(rng, points)) for k in range(objects)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            psids = [str(psid) for psid in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["psids"]]
            body = b"{" + b",".join(b'"%s":%s' % (psid.encode(), known[psid]) for psid in psids) + b"}"
            time.sleep(latency)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


@contextmanager
def server(options):
    """Address of the server in a process of its own."""
    numbers = [f"--{name}={getattr(options, name)}" for name in ("objects", "points", "latency")]
    process = subprocess.Popen([sys.executable, __file__, "--serve", *numbers], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/api"
    finally:
        process.terminate()
        process.wait()


# the ways, each in a process of its own


class NotebookClient:
    """Cells 6 and 9 of the notebook, without the progress bar."""

    def __init__(self, host):
        self.host = host

    def get_photometry(self, psids, bands=("g", "r"), format="mag"):
        """Rows by id; 500 ids a request, one request after the other."""
        psids = list(set(map(int, psids)))
        photometry = {}
        for i in range(0, len(psids), 500):
            response = requests.post(
                f"{self.host}/photometry",
                json={"psids": list(set(psids[i : i + 500])), "bands": bands, "format": format},
                auth=("alice", "wonderland"),
            )
            photometry.update(response.json())
        return photometry

    @staticmethod
    def prepare_photometry(data, min_snr=3, min_points=50):
        """Arrays of time, magnitude, error and band."""
        data = [d for d in data if d["mag"] is not None]
        data = [d for d in data if d["snr"] and d["snr"] >= min_snr]
        bands = np.array([d["band"] for d in data])
        unique_bands = np.unique(bands)
        nb_per_band = np.array([np.sum(bands == band) for band in unique_bands])
        bands = unique_bands[nb_per_band >= min_points]
        data = [d for d in data if d["band"] in bands]
        time, mag, magerr, band = (np.array([d[name] for d in data]) for name in ("time", "mag", "magerr", "band"))
        mag = np.array([np.nan if f is None else f for f in mag])
        magerr = np.array([np.nan if f is None else f for f in magerr])
        return time, mag, magerr, band


def notebook(url):
    """Function that gives the light curves of some ids, and one that gives all magnitudes of what it gave."""
    client = NotebookClient(url)

    def fetch(ids):
        found = client.get_photometry(ids)
        return {psid: client.prepare_photometry(rows, min_snr=1) for psid, rows in found.items()}

    return fetch, lambda curves: np.concatenate([curve[1] for curve in curves.values()])


def ours(url):
    """As `notebook`."""
    from alerce_zvar import Zvar

    return Zvar(url=url).get_lightcurves, lambda curves: np.asarray(
        curves.clean(min_snr=1, min_points=50).data["mag"].value, dtype=float
    )


def used():
    """Wall time, CPU time and peak memory (MB) of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return np.array([time.perf_counter(), usage.ru_utime + usage.ru_stime, peak])


def measure(way, url, objects):
    """Print what one way takes, beyond what it took for the first call."""
    if way == "without fast":
        sys.modules["numba"] = None  # as if it were not installed
    fetch, magnitudes = (notebook if way == "notebook" else ours)(url)
    ids = [str(FIRST_ID + k) for k in range(objects)]
    begin = time.perf_counter()
    fetch(ids[:FEW])
    first = time.perf_counter() - begin
    before = used()
    curves = fetch(ids)
    spent = used() - before
    values = magnitudes(curves)
    found = {"first call": first, "magnitudes": len(values), "sum": float(np.sort(values).sum())}
    print(json.dumps(found | dict(zip(UNITS, spent.tolist(), strict=True))))


def in_child(way, url, options):
    """What `measure` prints, from a process of its own."""
    command = [sys.executable, __file__, f"--measure={way}", f"--url={url}", f"--objects={options.objects}"]
    login = {"ZVAR_USERNAME": "alice", "ZVAR_PASSWORD": "wonderland"}
    found = subprocess.run(command, env=os.environ | login, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(found.stdout.splitlines()[-1])


# the report


def report(runs):
    """Print the figures; names of those that miss their aims."""
    medians = {
        way: {name: statistics.median(run[name] for run in found) for name in UNITS} for way, found in runs.items()
    }
    for way, found in medians.items():
        spent = ", ".join(f"{name} {found[name]:.2f} {unit}" for name, unit in UNITS.items())
        print(f"{way}: {spent}; first call {statistics.median(run['first call'] for run in runs[way]):.2f} s")
    missed = []
    for way, aims in AIMS.items():
        for name, aim in aims.items():
            ratio = medians["notebook"][name] / medians[way][name]
            print(f"{name}, times less {way}: {ratio:.1f} (aim: >= {aim:g})")
            missed += [f"{name} {way}"] if ratio < aim else []
    return missed


def check_same(runs):
    """All ways must have brought the same magnitudes; ours are in single precision."""
    counts = {run["magnitudes"] for found in runs.values() for run in found}
    sums = [run["sum"] for found in runs.values() for run in found]
    if len(counts) != 1 or not np.allclose(sums, sums[0], rtol=1e-7):
        raise SystemExit(f"the ways differ: {counts} magnitudes, sums {sums}")


def main():
    """Exit code: 1 if an aim is missed and the aims are to be checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--objects", type=int, default=500)
    parser.add_argument("--points", type=int, default=1100, help="epochs of each object")
    parser.add_argument("--latency", type=float, default=0.1, help="seconds")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.objects, options.points, options.latency)
    if options.measure:
        measure(options.measure, options.url, options.objects)
        return 0
    with server(options) as url:
        turns = [(way, in_child(way, url, options)) for _ in range(options.repeats) for way in WAYS]
    runs = {way: [found for turn, found in turns if turn == way] for way in WAYS}
    print(f"{options.objects} light curves of {options.points} epochs, {options.latency} s latency")
    check_same(runs)
    missed = report(runs)
    if missed:
        print(f"aims missed: {', '.join(missed)}")
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
