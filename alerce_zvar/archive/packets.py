"""Alert packets of ZTF into the archive: their bytes, and ALeRCE's tables made from them as ALeRCE does.

::

    files ─► alerts (bytes) ─► per object: all its packets ─► detections, non_detections, forced_photometry ─► objects

What stands in these tables follows from the packets alone, whatever the order of the imports. Of a detection that
stands in several packets, that of its own alert counts, which has stamps; else that of the first one that repeats it,
its parent. Rows that came from elsewhere, such as recorded answers, are never replaced.
"""

import numpy as np

from alerce_zvar.archive.answers import columns_of, make_answer
from alerce_zvar.archive.correction import UNUSABLE, correct, is_corrected, is_dubious, is_stellar
from alerce_zvar.archive.irsa import find_files
from alerce_zvar.archive.placing import place
from alerce_zvar.archive.report import AlertReport, failure_table
from alerce_zvar.archive.tables import FIRST_MJD, LAST_MJD
from alerce_zvar.errors import ArchiveError
from alerce_zvar.packets import LARGEST, SIGNS, PacketError, mjd_of, read_packet

__all__ = ["STEP", "import_alerts"]

STEP = "alerce_zvar_alerts_1"  # step_id_corr of everything made here
_NO_FLUX = -99999.0
_POGSON = 1.0857  # as ALeRCE rounds it
# Fields that a row takes over from the packet: numbers of single precision, and others.
_SINGLE = ("diffmaglim", "distnr", "magpsf", "sigmapsf", "magap", "sigmagap", "rb", "drb", "magapbig", "sigmagapbig")
_PLAIN = ("candid", "fid", "pid", "nid", "ra", "dec", "rbversion", "drbversion", "rfid")
_FORCED = (
    "field", "rcid", "fid", "pid", "rfid", "sciinpseeing", "scibckgnd", "scisigpix", "magzpsci", "magzpsciunc",
    "magzpscirms", "clrcoeff", "clrcounc", "exptime", "adpctdif1", "adpctdif2", "diffmaglim", "programid", "procstatus",
    "distnr", "ranr", "decnr", "magnr", "sigmagnr", "chinr", "sharpnr",
)  # fmt: skip
_BATCH = 500  # files of one transaction
_MARK = "alerts"  # in the table of what was recorded: nothing made from light curves replaces what follows from alerts
# Table -> rows of the touched objects that were made here, and what tells rows apart.
_OURS = {
    "detections": (f"step_id_corr = '{STEP}'", "oid, candid"),
    "non_detections": ("false", "oid, fid, mjd"),
    "forced_photometry": ("parent_candid IN (SELECT candid FROM alerts)", "oid, candid"),
    "objects": (f"step_id_corr = '{STEP}'", "oid"),
}


def import_alerts(archive, paths, radius, tell):
    """Store alert packets; see `Archive.import_alerts`."""
    files = find_files(paths, ("*.avro",))
    failures, counts = [], {"alerts_added": 0, "alerts_known": 0, "sources_added": 0}
    for start in range(0, len(files), _BATCH):
        tell(start, len(files), files[start].name)
        rows = []
        for path in files[start : start + _BATCH]:
            try:
                rows.append(_read(path))
            except ArchiveError as exc:
                failures.append((str(path), str(exc)))
        with archive._importing(), archive.transaction():
            for name, count in _store(archive.write, rows, radius).items():
                counts[name] += count
    tell(len(files), len(files), "stored")
    return AlertReport(files=len(files), **counts, failures=failure_table(failures))


def _read(path):
    """Row of the table ``alerts`` from one file; nothing that follows from it may be wrong."""
    try:
        if path.stat().st_size > LARGEST:
            raise ArchiveError(f"it is larger than {LARGEST} bytes")
        raw = path.read_bytes()
        record, _ = read_packet(raw)
    except (OSError, PacketError) as exc:
        raise ArchiveError(str(exc)) from exc
    answers = _tables(record["objectId"], [record])
    times = [answer.columns["mjd"] for table, answer in answers.items() if table != "objects" and _count(answer)]
    if not all(((mjd >= FIRST_MJD) & (mjd <= LAST_MJD)).all() for mjd in times):
        raise ArchiveError(f"times outside {FIRST_MJD} to {LAST_MJD} (MJD)")
    mjd = mjd_of(record["candidate"]["jd"])
    return {"candid": record["candid"], "oid": record["objectId"], "mjd": mjd, "packet": raw}


def _store(run, rows, radius):
    """Keep packets that are new, and make the tables of their objects anew."""
    given = {key: np.array([row[key] for row in rows], dtype=object) for key in ("candid", "oid", "mjd", "packet")}
    if not rows:
        return {}
    run("CREATE OR REPLACE TEMP TABLE arrived AS SELECT DISTINCT ON (candid) * FROM given ORDER BY oid", given=given)
    run("DELETE FROM arrived WHERE candid IN (SELECT candid FROM alerts)")
    new = int(run("SELECT count(*) AS n FROM arrived")["n"][0])
    run("INSERT INTO alerts BY NAME SELECT * FROM arrived ORDER BY candid")
    run("CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT oid FROM arrived")
    oids = list(run("SELECT oid FROM touched ORDER BY oid")["oid"])
    made = [_of_object(run, oid) for oid in oids]
    for table, (ours, key) in _OURS.items():
        answers = [answer for tables in made if _count(answer := tables[table])]
        _replace(run, table, ours, key, columns_of(answers) if answers else None)
    run(f"INSERT INTO recorded SELECT '{_MARK}', oid FROM touched EXCEPT FROM recorded")
    return {
        "alerts_added": new,
        "alerts_known": len(rows) - new,
        "sources_added": place(run, {"objects": set(oids)}, radius),
    }


def _replace(run, table, ours, key, columns):
    """Rows of the touched objects; those that came from elsewhere stay, and what was recorded whole is left alone."""
    open_to_us = f"oid IN (FROM touched) AND oid NOT IN (SELECT oid FROM recorded WHERE name = '{table}')"
    run(f"DELETE FROM {table} WHERE {open_to_us} AND {ours}")
    if columns is not None:
        missing = f"SELECT * FROM given ANTI JOIN {table} USING ({key}) WHERE {open_to_us}"
        run(f"INSERT INTO {table} BY NAME {missing}", given=columns)


def _of_object(run, oid):
    """Rows of all tables of one object, from all its packets in order of time."""
    packets = run("SELECT packet FROM alerts WHERE oid = ? ORDER BY mjd, candid", [oid])["packet"]
    return _tables(oid, [read_packet(bytes(packet))[0] for packet in packets])


def _tables(oid, records):
    """Table -> its rows, from an object's alerts in order of time."""
    detections, limits, forced = {}, {}, {}
    for record in records:
        for row in _detections(record):
            detections.setdefault(row["candid"], row)  # its own alert is the first that names it
        limits |= {(row["fid"], row["mjd"]): row for row in _non_detections(record)}
        forced |= {row["candid"]: row for row in _forced(record)}
    detections, forced = list(detections.values()), list(forced.values())
    _correct(detections, ("magpsf", "sigmapsf"), ("magpsf_corr", "sigmapsf_corr", "sigmapsf_corr_ext"))
    _correct(forced, ("mag", "e_mag"), ("mag_corr", "e_mag_corr", "e_mag_corr_ext"))
    first = _judge([*detections, *forced])
    rows = {
        "detections": detections,
        "non_detections": list(limits.values()),
        "forced_photometry": forced,
        "objects": [_object(oid, records, detections, all(first.values()))],
    }
    return {table: make_answer(table, oid, found) for table, found in rows.items()}


def _count(answer):
    return len(answer.columns["oid"])


def _detections(record):
    """The alert's own detection, then those that it repeats."""
    parent = record["candid"]
    own = _detection(record["candidate"]) | {"has_stamp": record.get("cutoutScience") is not None}
    repeated = [row for row in record.get("prv_candidates") or [] if row.get("candid") is not None]
    return [own, *(_detection(row) | {"parent_candid": parent} for row in repeated)]


def _detection(fields):
    row = {key: fields.get(key) for key in _PLAIN} | {key: _short(fields.get(key)) for key in _SINGLE}
    made = {"mjd": mjd_of(fields["jd"]), "isdiffpos": SIGNS[fields["isdiffpos"]], "parent_candid": None}
    made |= {"has_stamp": False, "phase": 0.0, "step_id_corr": STEP, "tid": "ztf"}
    return row | made | {key: fields.get(key) for key in ("magnr", "sigmagnr")}


def _non_detections(record):
    rows = [row for row in record.get("prv_candidates") or [] if row.get("candid") is None]
    return [
        {"mjd": mjd_of(row["jd"]), "fid": row["fid"], "diffmaglim": _short(row.get("diffmaglim")), "tid": "ztf"}
        for row in rows
    ]


def _forced(record):
    """Forced photometry, with the magnitude of the absolute flux (pipeline, prv_candidates_step, 05ed938)."""
    place = {key: record["candidate"][key] for key in ("ra", "dec")}
    told = place | {"parent_candid": record["candid"], "has_stamp": False, "tid": "ztf"}
    return [_forced_row(row, record["objectId"]) | told for row in record.get("fp_hists") or []]


def _forced_row(fields, oid):
    flux, error, zero = (fields.get(key) for key in ("forcediffimflux", "forcediffimfluxunc", "magzpsci"))
    known = zero is not None and flux not in (None, 0.0, _NO_FLUX) and error not in (None, _NO_FLUX)
    return {key: fields.get(key) for key in _FORCED} | {
        "candid": f"{oid}{fields['pid']}",
        "mjd": mjd_of(fields["jd"]),
        "mag": zero - 2.5 * float(np.log10(abs(flux))) if known else UNUSABLE,
        "e_mag": _POGSON * error / abs(flux) if known else UNUSABLE,
        "isdiffpos": 1 if flux is not None and flux >= 0 else -1,
    }


def _short(value):
    """A number of single precision as ALeRCE prints it: the shortest decimal number that tells it from others."""
    return None if value is None else float(str(np.float32(value)))


def _correct(rows, given, names):
    """Complete rows by corrected magnitudes and their errors."""
    keys = (*given, "isdiffpos", "magnr", "sigmagnr", "distnr")
    columns = [np.array([np.nan if row[key] is None else row[key] for row in rows], dtype=float) for key in keys]
    for name, values in zip(names, correct(*columns), strict=True):
        for row, value in zip(rows, values, strict=True):
            row[name] = None if np.isnan(value) else _short(value)


def _judge(rows):
    """Complete rows by whether and how surely they are corrected; whether each band's first one is."""
    first = {}
    for row in sorted(rows, key=lambda row: row["mjd"]):
        row["corrected"] = row["distnr"] is not None and bool(is_corrected(row["distnr"]))
        row["dubious"] = is_dubious(row["corrected"], row["isdiffpos"], first.setdefault(row["fid"], row["corrected"]))
    return first


def _object(oid, records, detections, corrected):
    """Statistics of an object as in lc_correction; of its history, what the last alert says."""
    last = records[-1]["candidate"]
    times = [row["mjd"] for row in detections]
    ra0 = detections[0]["ra"]
    east = np.array([(row["ra"] - ra0 + 540) % 360 - 180 for row in detections])
    dec = np.array([row["dec"] for row in detections])
    scatter = [float(np.std(values, ddof=1)) if len(values) > 1 else None for values in (east, dec)]
    history = [None if last.get(key) is None else mjd_of(last[key]) for key in ("jdstarthist", "jdendhist")]
    return {
        "oid": oid,
        "meanra": float((ra0 + east.mean()) % 360),
        "meandec": float(dec.mean()),
        "sigmara": scatter[0],
        "sigmadec": scatter[1],
        "ndet": len(detections),
        "ndethist": last.get("ndethist"),
        "ncovhist": last.get("ncovhist"),
        "firstmjd": min(times),
        "lastmjd": max(times),
        "deltajd": max(times) - min(times),
        "mjdstarthist": history[0],
        "mjdendhist": history[1],
        "corrected": corrected,
        "stellar": is_stellar(records[0]["candidate"]),
        "step_id_corr": STEP,
    } | _colours(detections)


def _colours(detections):
    """The colour g - r at maximum and on average, of difference and of corrected magnitudes."""
    found = {}
    for end, key in (("", "magpsf"), ("_corr", "magpsf_corr")):
        g, r = ([row[key] for row in detections if row["fid"] == fid and _usable(row[key])] for fid in (1, 2))
        found[f"g_r_max{end}"] = _short(min(g) - min(r)) if g and r else None
        found[f"g_r_mean{end}"] = _short(np.mean(g) - np.mean(r)) if g and r else None
    return found


def _usable(mag):
    return mag is not None and mag < UNUSABLE
