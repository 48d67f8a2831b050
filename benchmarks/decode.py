"""A recorded ALeRCE light curve (1999 detections) from bytes to a table: ours against the way of the official client.

``ALERCE_ZVAR_REAL_DATA=... python benchmarks/decode.py``; needs the extra ``benchmark``.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

from alerce.utils import ResultJson

from alerce_zvar.alerce import schema
from alerce_zvar.wire.decode import decode_table, parse_json
from alerce_zvar.wire.transport import Reply

RECORDED = Path("recorded", "alerce", "ztf_v1_lightcurve_ZTF17aabopdz.json")


def ours(body):
    """Detections as an astropy table with units, masks, times and exact ids."""
    content = parse_json(Reply("recorded", "application/json", body))
    return decode_table(content["detections"], schema.DETECTIONS)


def client_pandas(body):
    """Detections as the official client's DataFrame."""
    return ResultJson(json.loads(body)["detections"], format="pandas").result()


def client_votable(body):
    """Detections as the official client's astropy table."""
    return ResultJson(json.loads(body)["detections"], format="votable").result()


def milliseconds(function, body, repeats):
    """Median duration of one call; the first one is not counted."""
    durations = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        function(body)
        durations.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(durations[1:])


def main():
    """Print the figures, best read as ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    default = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("ALERCE_ZVAR_REAL_DATA", default)) / RECORDED
    if not path.is_file():
        print(f"no recorded light curve at {path}; set ALERCE_ZVAR_REAL_DATA")
        return 1
    body = path.read_bytes()
    mine = milliseconds(ours, body, options.repeats)
    print(f"{len(body) / 1e6:.2f} MB, {len(ours(body))} detections")
    print(f"alerce_zvar, typed table: {mine:.1f} ms")
    for name, function in (("alerce, pandas", client_pandas), ("alerce, votable", client_votable)):
        theirs = milliseconds(function, body, options.repeats)
        print(f"{name}: {theirs:.1f} ms, {theirs / mine:.2f} times ours")
    return 0


if __name__ == "__main__":
    sys.exit(main())
