"""Alert packets in an archive: their bytes, and ALeRCE's tables made from them as ALeRCE does."""

import json

import numpy as np
import pytest
from alert_packets import CANDID, OID, made, previous_row, real_alerts
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from numpy.testing import assert_allclose

from alerce_zvar import Alerce
from alerce_zvar.alerce import schema
from alerce_zvar.archive import Archive
from alerce_zvar.archive.correction import correct
from alerce_zvar.errors import ArchiveError
from alerce_zvar.server import serve


@pytest.fixture(scope="module")
def packets(real_data):
    return real_alerts(real_data)


@pytest.fixture(scope="module")
def archive(real_data, tmp_path_factory):
    with Archive.create(tmp_path_factory.mktemp("alerts") / "sky.duckdb") as archive:
        report = archive.import_alerts(real_data / "alerts")
        assert (report.files, report.alerts_added, report.alerts_known, report.sources_added) == (23, 23, 0, 15)
        assert len(report.failures) == 0
        assert str(report) == "23 files read: 23 alerts, 15 sources added; 0 already known."
        yield archive


def test_packets_are_kept_byte_by_byte(archive, packets):
    found = archive.query("SELECT candid, oid, mjd, packet FROM alerts")
    assert sorted(map(str, found["candid"])) == sorted(packets)
    for candid, oid, mjd, raw in zip(*found.values(), strict=True):
        real = packets[str(candid)]
        assert bytes(raw) == real.raw
        assert (oid, mjd) == (real.oid, real.record["candidate"]["jd"] - 2400000.5)


def test_every_detection_and_limit_of_the_packets_is_there_once(archive, packets):
    candids, limits = set(), set()
    for real in packets.values():
        candids.add((real.oid, real.record["candid"]))
        for row in real.record["prv_candidates"] or []:
            key = row["candid"] or (row["fid"], row["jd"] - 2400000.5)
            (candids if row["candid"] else limits).add((real.oid, key))
    found = archive.query("SELECT oid, candid FROM detections")
    assert sorted(zip(*found.values(), strict=True)) == sorted(candids)
    found = archive.query("SELECT oid, fid, mjd FROM non_detections")
    assert sorted((o, (f, m)) for o, f, m in zip(*found.values(), strict=True)) == sorted(limits)
    assert (len(candids), len(limits)) == (203, 114)


def test_alerts_have_stamps_and_their_history_has_parents(archive, packets):
    found = archive.query("SELECT candid, has_stamp, parent_candid FROM detections")
    for candid, has_stamp, parent in zip(*found.values(), strict=True):
        assert has_stamp == (str(candid) in packets)
        assert (parent is np.ma.masked) == has_stamp
        if not has_stamp:
            history = packets[str(parent)].record["prv_candidates"]
            assert candid in [row["candid"] for row in history]


def test_signs_in_all_four_spellings(archive, packets):
    spelt = set()
    signs = dict(zip(*archive.query("SELECT candid, isdiffpos FROM detections").values(), strict=True))
    for real in packets.values():
        for row in [real.record["candidate"], *(real.record["prv_candidates"] or [])]:
            if row["candid"]:
                spelt.add(row["isdiffpos"])
                assert signs[row["candid"]] == (1 if row["isdiffpos"] in ("t", "1") else -1)
    assert spelt == {"t", "f", "1", "0"}


def test_detections_are_those_that_alerce_recorded(archive, real_data):
    recorded = json.loads((real_data / "recorded" / "alerce" / "v2_ZTF20aaelulu.json").read_text())["detections"]
    recorded = {row["candid"]: row for row in recorded}
    found = archive.query("SELECT * FROM detections WHERE oid = ?", [OID])
    rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    assert len(rows) == 6
    same = "mjd fid pid diffmaglim isdiffpos nid distnr magpsf magap sigmapsf sigmagap ra dec rb rbversion drb"
    same = (*same.split(), "magapbig", "sigmagapbig", "rfid", "corrected", "dubious", "phase")
    for row in rows:
        known = recorded[str(row["candid"])]
        assert {key: row[key] for key in same} == {key: known[key] for key in same}
        for key in ("magpsf_corr", "sigmapsf_corr", "sigmapsf_corr_ext"):
            assert (row[key] is np.ma.masked) == (known[key] is None)
            assert known[key] is None or row[key] == pytest.approx(known[key], rel=3e-7)
    assert {row["sigmapsf_corr"] for row in rows if row["corrected"]} >= {100.0}


def test_corrected_magnitudes_are_those_of_510_recorded_rows(real_data):
    rows = json.loads((real_data / "recorded" / "alerce" / "v2_lightcurve_ZTF17aabopdz.json").read_text())
    rows = [row | row["extra_fields"] for row in rows["forced_photometry"]]
    keys = ("mag", "e_mag", "isdiffpos", "magnr", "sigmagnr", "distnr")
    found = correct(*(np.array([row[key] for row in rows], dtype=float) for key in keys))
    assert len(rows) == 510
    for key, values in zip(("mag_corr", "e_mag_corr", "e_mag_corr_ext"), found, strict=True):
        assert_allclose(values, [row[key] for row in rows], rtol=3e-6)


def test_forced_photometry_of_schema_4(archive, packets):
    wanted = {}
    for real in sorted(packets.values(), key=lambda real: real.record["candid"]):
        wanted |= {f"{real.oid}{row['pid']}": (real, row) for row in real.record.get("fp_hists") or []}
    found = archive.query("SELECT candid, mjd, mag, e_mag, isdiffpos, parent_candid, distnr, ra FROM forced_photometry")
    assert len(found["candid"]) == len(wanted) == 27
    unusable = 0
    for candid, mjd, mag, error, sign, parent, distnr, ra in zip(*found.values(), strict=True):
        real, row = wanted[candid]
        assert (mjd, parent, distnr) == (row["jd"] - 2400000.5, real.record["candid"], row["distnr"])
        assert ra == real.record["candidate"]["ra"]
        flux, flux_err = row["forcediffimflux"], row["forcediffimfluxunc"]
        assert sign == (1 if flux >= 0 else -1)
        if flux == -99999.0:
            unusable += 1
            assert (mag, error) == (100.0, 100.0)
        else:
            assert mag == pytest.approx(row["magzpsci"] - 2.5 * np.log10(abs(flux)), abs=1e-9)
            assert error == pytest.approx(1.0857 * flux_err / abs(flux), rel=1e-9)
    assert unusable == 8


def test_objects(archive, packets):
    found = archive.query("SELECT * FROM objects WHERE oid = ?", [OID])
    last = packets["1117442681015015004"].record["candidate"]
    one = {key: values[0] for key, values in found.items()}
    mine = archive.query("SELECT ra, dec, mjd FROM detections WHERE oid = ?", [OID])
    assert (one["ndet"], one["ndethist"], one["ncovhist"]) == (6, last["ndethist"], last["ncovhist"])
    assert one["meanra"] == pytest.approx(np.mean(mine["ra"]), abs=1e-10)
    assert one["sigmadec"] == pytest.approx(np.std(mine["dec"], ddof=1), rel=1e-9)
    assert (one["firstmjd"], one["lastmjd"]) == (min(mine["mjd"]), max(mine["mjd"]))
    assert one["mjdstarthist"] == last["jdstarthist"] - 2400000.5
    assert (one["corrected"], one["stellar"]) == (False, False)  # r is not corrected; it is a supernova in a galaxy
    assert one["g_r_max"] == pytest.approx(14.300256 - 13.859622, abs=1e-6)


def test_corrections_are_compared_with_the_first_in_time(tmp_path):
    """And that is one which the alert repeats, without a source in the reference."""
    later = made(magnr=17.0, sigmagnr=0.01, distnr=0.3, previous=[previous_row(58750.0, candid=3)])
    (tmp_path / "one.avro").write_bytes(later)
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_alerts(tmp_path)
        rows = archive.query("SELECT candid, corrected, dubious FROM detections ORDER BY mjd")
        assert list(zip(*rows.values(), strict=True)) == [(3, False, False), (1000343438045010007, True, True)]
        assert archive.query("SELECT corrected FROM objects")["corrected"].tolist() == [False]


def test_stellar_is_what_the_first_alert_says(tmp_path):
    like_star = {"distnr": 0.3, "distpsnr1": 0.2, "sgscore1": 0.9}
    alerts = [
        *(made("first", 1, 58750.0, **like_star), made("first", 2, 58751.0, **like_star | {"sgscore1": 0.1})),
        *(made("last", 3, 58750.0, **like_star | {"sgscore1": 0.1}), made("last", 4, 58751.0, **like_star)),
        made("far", 5, 58750.0, **like_star | {"distnr": 1.45}),
        made("no_ps1", 6, 58750.0, distnr=0.3, distpsnr1=-999.0, sgscore1=0.0, chinr=1.0, sharpnr=0.0),
        made("no_ps1_wide", 7, 58750.0, distnr=0.3, distpsnr1=-999.0, sgscore1=0.0, chinr=1.0, sharpnr=0.2),
    ]
    for number, raw in enumerate(alerts):
        (tmp_path / f"{number}.avro").write_bytes(raw)
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_alerts(tmp_path, radius=0 * u.arcsec)
        found = dict(zip(*archive.query("SELECT oid, stellar FROM objects").values(), strict=True))
    assert found == {"first": True, "last": False, "far": False, "no_ps1": True, "no_ps1_wide": False}


def test_objects_are_found_where_they_are(archive):
    with serve(archive) as server:
        place = SkyCoord(185.7288549 * u.deg, 15.8236255 * u.deg)
        table = Alerce(url=server.url).query_region(place, radius=2 * u.arcsec)
    assert list(table["oid"]) == [OID]


def test_a_second_import_changes_nothing_and_order_does_not_matter(archive, packets, tmp_path, real_data):
    with Archive.create(tmp_path / "other.duckdb") as other:
        # One object's alerts one by one, the latest first; then the others.
        latest = sorted(packets.values(), key=lambda real: (real.oid != OID, -real.record["candidate"]["jd"]))
        paths = [real.path for real in latest]
        assert [other.import_alerts(path).alerts_added for path in paths[:6]] == [1] * 6
        assert other.import_alerts(paths[6:]).alerts_added == 17
        report = other.import_alerts(real_data / "alerts")
        assert (report.alerts_added, report.alerts_known, report.sources_added) == (0, 23, 0)
        for table in ("alerts", "objects", "detections", "non_detections", "forced_photometry"):
            mine, others = (one.query(f"SELECT * FROM {table} ORDER BY ALL") for one in (other, archive))
            for key in others:
                assert mine[key].tolist() == others[key].tolist(), (table, key)


def test_broken_files_are_named_and_leave_nothing(packets, tmp_path):
    raw = packets[CANDID].raw
    folder = tmp_path / "alerts"
    folder.mkdir()
    broken = {
        "cut.avro": raw[:40000],
        "text.avro": b"not an alert",
        "empty.avro": b"",
        "jd.avro": made(mjd=float("nan")),
        "early.avro": made(mjd=1000.0),
        "limit.avro": made(previous=[{"jd": 9e9, "fid": 1, "pid": 1, "programid": 1}]),
        "previous.avro": made(
            previous=[{"jd": 2458700.5, "fid": 1, "pid": 1, "programid": 1, "candid": 5, "isdiffpos": "t"}]
        ),
    }
    for name, content in broken.items():
        (folder / name).write_bytes(content)
    (folder / "good.avro").write_bytes(raw)
    (folder / "other.txt").write_bytes(raw)
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        report = archive.import_alerts(folder)
        assert (report.files, report.alerts_added) == (8, 1)
        assert sorted(report.failures["file"]) == sorted(str(folder / name) for name in broken)
        reasons = {row["file"].rpartition("/")[2]: row["reason"] for row in report.failures}
        assert "no Avro file" in reasons["text.avro"]
        assert "outside 15020 to 88069" in reasons["early.avro"]
        assert "prv_candidates without ra, dec" in reasons["previous.avro"]
        assert "failed: " in str(report)
        summary = archive.summary()
        assert (summary["alerts"], summary["objects"], summary["sources"]) == (1, 1, 1)
        with pytest.raises(ArchiveError, match="No such file"):
            archive.import_alerts(tmp_path / "nowhere")
        with pytest.raises(ValueError, match="radius"):
            archive.import_alerts(folder, radius=2 * u.deg)


def test_progress_is_told(packets, tmp_path):
    told = []
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_alerts(packets[CANDID].path, progress=lambda *what: told.append(what))
    assert told == [(0, 1, packets[CANDID].path.name), (1, 1, "stored")]


def test_an_object_across_the_meridian(tmp_path):
    west = {"jd": 2458750.5, "fid": 1, "pid": 1, "programid": 1, "candid": 7, "isdiffpos": "0", "dec": 0.0}
    west |= {"ra": 359.9999, "magpsf": 19.0, "sigmapsf": 0.1}
    (tmp_path / "one.avro").write_bytes(made(ra=0.0003, dec=0.0, previous=[west]))
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_alerts(tmp_path / "one.avro")
        found = archive.query("SELECT meanra, sigmara, ndet FROM objects")
        assert found["meanra"][0] == pytest.approx(0.0001, abs=1e-9)
        assert found["sigmara"][0] == pytest.approx(0.0004 / np.sqrt(2), rel=1e-6)
        dubious = dict(zip(*archive.query("SELECT candid, dubious FROM detections").values(), strict=True))
        assert dubious == {7: True, 1000343438045010007: False}  # fainter than a reference that is not there


def own_photometry(ra, dec, n=5):
    table = Table({"time": Time(58300.0 + np.arange(n), format="mjd", scale="utc"), "band": ["g"] * n})
    table["mag"], table["mag_err"] = 15.0 + 0.1 * np.arange(n), np.full(n, 0.01)
    table["name"], table["ra"], table["dec"] = "mine", ra, dec
    return table


@pytest.mark.parametrize("alerts_first", [True, False])
def test_alerts_and_light_curves_of_ones_own_share_a_source(packets, tmp_path, alerts_first):
    def tables(archive):
        return [archive.query(f"SELECT * EXCLUDE oid FROM {name} ORDER BY ALL") for name in ("detections", "objects")]

    with Archive.create(tmp_path / "sky.duckdb") as archive, Archive.create(tmp_path / "alone.duckdb") as alone:
        alone.import_alerts(packets[CANDID].path)
        steps = [
            lambda: archive.import_alerts(packets[CANDID].path),
            lambda: archive.import_table(own_photometry(185.7288549, 15.8236255)),
        ]
        for step in steps if alerts_first else reversed(steps):
            step()
        sources = archive.sources()
        assert len(sources) == 1
        assert sources["oid"][0] == OID
        assert archive.summary()["epochs"] == 5
        for mine, others in zip(tables(archive), tables(alone), strict=True):
            assert {key: values.tolist() for key, values in mine.items()} == {
                key: values.tolist() for key, values in others.items()
            }


def test_what_was_recorded_is_left_as_it_is(packets, real_data, tmp_path):
    """Also a detection that it lacks does not come in by an alert."""
    body = json.loads((real_data / "recorded" / "alerce" / "v2_ZTF20aaelulu.json").read_text())
    body["detections"] = [row for row in body["detections"] if row["candid"] != CANDID]
    recorded = tmp_path / "v2_ZTF20aaelulu.json"
    recorded.write_text(json.dumps(body))
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_alerce(recorded)
        before = archive.query("SELECT * FROM detections ORDER BY candid")
        archive.import_alerts([real.path for real in packets.values() if real.oid == OID])
        after = archive.query("SELECT * FROM detections ORDER BY candid")
        assert {k: v.tolist() for k, v in after.items()} == {k: v.tolist() for k, v in before.items()}
        assert archive.summary()["alerts"] == 6
        assert archive.summary()["sources"] == 1


def test_distance_of_forced_photometry_is_in_arcsec(packets):
    """ZTF's own description says so, other than of a candidate's; the positions in the packet agree."""
    record = packets["2454460970015010006"].record
    row, candidate = record["fp_hists"][0], record["candidate"]
    place, reference = (
        SkyCoord(r * u.deg, d * u.deg) for r, d in ((candidate["ra"], candidate["dec"]), (row["ranr"], row["decnr"]))
    )
    assert place.separation(reference).arcsec == pytest.approx(row["distnr"], abs=1e-3)
    assert schema.FORCED_PHOTOMETRY["distnr"].unit == u.arcsec
