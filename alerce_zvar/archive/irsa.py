"""ZTF data-release light curves as IRSA serves them: CSV of 24 columns, plain or gzip."""

import gzip
import re
import zlib
from pathlib import Path

from alerce_zvar.archive.tables import BRIGHTEST, FAINTEST, FIRST_MJD, LAST_MJD
from alerce_zvar.errors import ArchiveError

__all__ = ["find_files", "stage_file"]

# Every column by name; ccdid and qid may be written in hex ('0x3').
COLUMNS = {
    "oid": "BIGINT",
    "expid": "BIGINT",
    "hjd": "DOUBLE",
    "mjd": "DOUBLE",
    "mag": "DOUBLE",
    "magerr": "DOUBLE",
    "catflags": "INTEGER",
    "filtercode": "VARCHAR",
    "ra": "DOUBLE",
    "dec": "DOUBLE",
    "chi": "DOUBLE",
    "sharp": "DOUBLE",
    "filefracday": "BIGINT",
    "field": "INTEGER",
    "ccdid": "VARCHAR",
    "qid": "VARCHAR",
    "limitmag": "DOUBLE",
    "magzp": "DOUBLE",
    "magzprms": "DOUBLE",
    "clrcoeff": "DOUBLE",
    "clrcounc": "DOUBLE",
    "exptime": "DOUBLE",
    "airmass": "DOUBLE",
    "programid": "INTEGER",
}
BAD_EPOCH = 32768  # bit of catflags
BANDS = {"zg": "g", "zr": "r", "zi": "i"}
_LONGEST_HEADER = 1000
_CHUNK = 2**20

_READ = f"""
CREATE OR REPLACE TEMP TABLE incoming AS
SELECT * FROM read_csv(?, columns = {COLUMNS}, header = true, auto_detect = false, delim = ',', quote = '"')
"""
_CHECKS = (
    ("oid IS NULL OR expid IS NULL OR field IS NULL", "rows without oid, expid or field"),
    (f"NOT coalesce(mjd BETWEEN {FIRST_MJD} AND {LAST_MJD}, false)", f"times outside {FIRST_MJD} to {LAST_MJD} (MJD)"),
    (
        f"NOT coalesce(mag BETWEEN {BRIGHTEST} AND {FAINTEST} AND magerr > 0 AND isfinite(magerr), false)",
        f"rows without a magnitude of {BRIGHTEST} to {FAINTEST} and its error",
    ),
    ("NOT coalesce(ra BETWEEN 0 AND 360 AND dec BETWEEN -90 AND 90, false)", "positions outside the sky"),
    ("NOT coalesce(magzp BETWEEN 0 AND 50, false)", "rows without a zero point"),
    (f"filtercode IS NULL OR filtercode NOT IN {tuple(BANDS)}", f"filters other than {', '.join(BANDS)}"),
    ("TRY_CAST(ccdid AS INTEGER) IS NULL OR TRY_CAST(qid AS INTEGER) IS NULL", "unreadable ccdid or qid"),
)
_STAGE = f"""
INSERT INTO raw BY NAME
SELECT oid::VARCHAR AS origin, expid AS key, mjd, filtercode[2] AS band,
       field, ccdid::INTEGER AS ccd, qid::INTEGER AS quad,
       mag, magerr AS mag_err, limitmag AS limiting_mag, magzp, ra, dec, catflags,
       coalesce(catflags, 0) & {BAD_EPOCH} <> 0 AS bad
FROM incoming
"""


def find_files(paths, patterns=("*.csv", "*.csv.gz")):
    """Files to import, sorted: the given ones, and those below given folders whose names fit a pattern.

    Raises
    ------
    ArchiveError
        A path does not exist.
    """
    given = [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]
    missing = [str(path) for path in given if not path.exists()]
    if missing:
        raise ArchiveError(f"No such file or folder: {', '.join(missing)}.")
    return sorted({file for path in given for file in (_in_folder(path, patterns) if path.is_dir() else (path,))})


def stage_file(run, path):
    """Put the rows of one file into the temporary table ``raw``.

    Raises
    ------
    ArchiveError
        The file is not what it should be; nothing of it was staged.
    """
    _check_header(path)
    run(_READ, [re.sub(r"([*?\[])", r"[\1]", str(path.absolute()))])
    for condition, what in _CHECKS:
        count = run(f"SELECT count(*) AS n FROM incoming WHERE {condition}")["n"][0]
        if count:
            raise ArchiveError(f"{count} {what}")
    run(_STAGE)


def _in_folder(folder, patterns):
    return [path for pattern in patterns for path in folder.rglob(pattern)]


def _check_header(path):
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            header = file.readline(_LONGEST_HEADER).decode("utf-8-sig").strip()
            while path.suffix == ".gz" and file.read(_CHUNK):
                pass  # to the end, where gzip compares the checksum, which DuckDB does not
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as exc:
        raise ArchiveError(f"cannot be read: {exc}") from exc
    if header.split(",") != list(COLUMNS):
        raise ArchiveError(f"the first line is not the header of an IRSA light curve: {header[:80]!r}")
