"""The archive: what is imported comes back, once, whatever the order; cones are exact everywhere."""

import gzip
import threading
from itertools import permutations

import numpy as np
import pytest
from astropy import constants
from astropy import units as u
from astropy.coordinates import SkyCoord, get_body_barycentric
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from astropy.timeseries import TimeSeries
from hypothesis import given
from hypothesis import strategies as st

from alerce_zvar.archive import Archive, alerts, connection, ids, sky
from alerce_zvar.archive.irsa import COLUMNS
from alerce_zvar.archive.times import barycentric, geocentric
from alerce_zvar.errors import ArchiveError
from alerce_zvar.zvar import photometry

duckdb = pytest.importorskip("duckdb")

HEADER = ",".join(COLUMNS)
SECOND = 1 / 86400
POSITIONS = st.tuples(
    st.one_of(st.sampled_from([0.0, 1e-7, 45.0, 359.9999999, 360.0]), st.floats(0, 360)),
    st.one_of(st.sampled_from([-90.0, -89.99999, 0.0, 41.8103, 89.99999, 90.0]), st.floats(-90, 90)),
)
RADII = st.one_of(st.sampled_from([0.0, 600.0, 648000.0]), st.floats(0, 600), st.floats(0, 648000))


def irsa_row(**changes):
    values = dict(zip(COLUMNS, ["0"] * len(COLUMNS), strict=True))
    values |= {"oid": "462104100001036", "expid": "45018314", "mjd": "58204.1831481", "filtercode": "zg"}
    values |= {"mag": "13.0808468", "magerr": "0.0128716603", "magzp": "26.2735481", "limitmag": "19.6499996"}
    values |= {"ra": "107.7141699", "dec": "2.4610278", "field": "462", "ccdid": "0x4", "qid": "1", "exptime": "30.0"}
    return ",".join(str((values | changes)[name]) for name in COLUMNS)


def write(path, *rows, header=HEADER):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def photometry_table(mjd=(58300.0, 58301.0, 58302.0), **columns):
    table = Table({"time": Time(list(mjd), format="mjd", scale="utc")})
    table["band"] = "g"
    table["mag"] = 15.0 + 0.1 * np.arange(len(table))
    table["mag_err"] = 0.01 * (1 + np.arange(len(table)))
    for name, values in columns.items():
        table[name] = values
    return table


@pytest.fixture
def archive(tmp_path):
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        yield archive


@pytest.fixture(scope="module")
def real_archive(real_data, tmp_path_factory):
    """Two folders of real light curves, the second of them imported twice, and the three reports."""
    folders = [real_data / name / "lightcurves" for name in ("ztf_vsx", "ztf_wd", "ztf_wd")]
    with Archive.create(tmp_path_factory.mktemp("real") / "sky.duckdb") as archive:
        yield archive, [archive.import_irsa(folder) for folder in folders]


# --- files ----------------------------------------------------------------------------------------------------------


def test_create_and_open(tmp_path):
    path = tmp_path / "sky.duckdb"
    with pytest.raises(ArchiveError, match="not there"):
        Archive.open(path)
    Archive.create(path).close()
    with pytest.raises(ArchiveError, match="exists already"):
        Archive.create(path)
    with Archive.open(path, read_only=True) as archive:
        assert set(archive.summary().values()) == {0}
        assert archive.sources().colnames == ["psid", "oid", "name", "ra", "dec", "objtype", "lsst_oid"]
        assert len(archive.sources()) == 0


def test_open_refuses_what_is_no_archive(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a database" * 1000)
    with pytest.raises(ArchiveError, match="cannot be used"):
        Archive.open(text)
    with duckdb.connect(str(tmp_path / "other.duckdb")) as other:
        other.execute("CREATE TABLE t (a INTEGER)")
    with pytest.raises(ArchiveError, match="not an archive"):
        Archive.open(tmp_path / "other.duckdb")


def test_open_refuses_another_version(archive):
    archive.write("UPDATE meta SET value = '999' WHERE key = 'version'")
    archive.close()
    with pytest.raises(ArchiveError, match="version 999"):
        Archive.open(archive.path)


def test_names_of_files_are_only_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("~sky.duckdb", ":memory:", "md:sky"):
        Archive.create(name).close()
        assert (tmp_path / name).is_file()
    write(tmp_path / "~rows.csv", irsa_row())
    with Archive.open("~sky.duckdb") as archive:
        assert archive.import_irsa("~rows.csv").epochs_added == 1


def test_a_folder_is_no_archive(tmp_path):
    for make in (Archive.create, Archive.open):
        with pytest.raises(ArchiveError, match="is a folder"):
            make(tmp_path)


def test_what_a_cut_off_creation_left_is_told(tmp_path, monkeypatch):
    path = tmp_path / "half.duckdb"
    duckdb.connect(str(path)).close()
    for make in (Archive.create, Archive.open):
        with pytest.raises(ArchiveError, match="delete"):
            make(path)
    monkeypatch.setattr("alerce_zvar.archive.tables.create_statements", lambda: ["CREATE TABLE t (a INTEGER)", "?"])
    with pytest.raises(ArchiveError, match="Parser Error"):
        Archive.create(tmp_path / "new.duckdb")
    assert not (tmp_path / "new.duckdb").exists()


def test_states_of_an_archive_are_told(archive, tmp_path):
    with pytest.raises(ArchiveError, match="pass the open Archive"):
        Archive.open(archive.path, read_only=True)
    with pytest.raises(ArchiveError, match="under way already"), archive.transaction():
        import_one(archive)
    assert archive.summary()["sources"] == 0
    archive.close()
    for use in (archive.summary, archive.sources, lambda: import_one(archive)):
        with pytest.raises(ArchiveError, match="The archive is closed"):
            use()
    with Archive.open(archive.path, read_only=True) as reader:
        with pytest.raises(ArchiveError, match="for reading only"):
            import_one(reader)
        assert reader.summary()["sources"] == 0


def test_the_true_error_shows(archive):
    """After an error inside a transaction DuckDB refuses everything, the tidying up too."""
    table = {"v": np.array(["x"], dtype=object)}
    with pytest.raises(ArchiveError, match="Could not convert string"), archive.transaction():
        archive.write("INSERT INTO epochs (lc) SELECT v FROM given", given=table)
    assert archive.query("SELECT count(*) AS n FROM epochs")["n"] == [0]


def test_a_failed_commit_is_rolled_back(archive, monkeypatch):
    def fail(connection):
        raise ArchiveError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("alerce_zvar.archive.connection.commit", fail)
        with pytest.raises(ArchiveError, match="disk full"):
            import_one(archive)
    assert set(archive.summary().values()) == {0}
    assert import_one(archive).epochs_added == 3


class InterruptedConnection:
    """Ctrl-C while a statement runs, as DuckDB tells it; then it refuses everything."""

    def execute(self, sql):
        raise RuntimeError("Query interrupted")

    def register(self, name, columns):
        pass

    def unregister(self, name):
        raise duckdb.TransactionException("Current transaction is aborted")


def test_an_interrupt_is_one():
    with pytest.raises(KeyboardInterrupt):
        connection.execute(InterruptedConnection(), "SELECT 1", (), {"given": {}})


def import_one(archive, **options):
    return archive.import_table(photometry_table(), coordinates=SkyCoord(10, 20, unit="deg"), **options)


def test_no_temporary_tables_stay(archive, tmp_path):
    import_one(archive)
    archive.import_irsa(write(tmp_path / "a.csv", irsa_row()))
    with pytest.raises(ArchiveError, match="one position"):
        archive.import_table(photometry_table(name=["a", "b", "c"], ra=10.0, dec=5.0))
    assert archive.write("SELECT count(*) AS n FROM duckdb_tables() WHERE temporary")["n"] == [0]


def test_broken_files_lose_no_others(archive, tmp_path):
    good = gzip.compress("\n".join([HEADER, *(irsa_row(expid=n) for n in range(500))]).encode())
    (tmp_path / "cut.csv.gz").write_bytes(good[:-100])
    (tmp_path / "page.csv").write_text("<html><body>Service unavailable</body></html>")
    (tmp_path / "empty.csv").write_bytes(b"")
    write(tmp_path / "header.csv", irsa_row(), header=HEADER.replace("mag,magerr", "magerr,mag"))
    write(tmp_path / "words.csv", irsa_row(expid=7001), irsa_row(expid=7002, mag="bright"))
    write(tmp_path / "missing.csv", irsa_row(expid=7003, mag=""))
    write(tmp_path / "short.csv", irsa_row(expid=7004), irsa_row(expid=7005).rsplit(",", 3)[0])
    write(tmp_path / "filter.csv", irsa_row(expid=7006, filtercode="zz"))
    whole = gzip.compress("\n".join([HEADER, irsa_row(expid=7007)]).encode())
    (tmp_path / "sum.csv.gz").write_bytes(whole[:-8] + b"\0\0\0\0" + whole[-4:])
    write(tmp_path / "early.csv", irsa_row(expid=7008), irsa_row(expid=7009, mjd="-5e9"))
    write(tmp_path / "late.csv", irsa_row(expid=7010, mjd="1e300"))
    write(tmp_path / "bright.csv", irsa_row(expid=7011, mag="-900"))
    write(tmp_path / "faint.csv", irsa_row(expid=7012, mag="9999"))
    (tmp_path / "ends.csv").write_bytes("\r\n".join([HEADER, irsa_row(expid=7013) + "\n" + irsa_row()]).encode())
    write(tmp_path / "nothing.csv")
    write(tmp_path / "with [brackets] and 'quotes'*.csv", irsa_row(expid=1), irsa_row(expid=2))
    report = archive.import_irsa(tmp_path)
    failed = {name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1] for name in report.failures["file"]}
    assert failed == {"cut.csv.gz", "page.csv", "empty.csv", "header.csv", "words.csv", "missing.csv", "short.csv",
                      "filter.csv", "sum.csv.gz", "early.csv", "late.csv", "bright.csv", "faint.csv",
                      "ends.csv"}  # fmt: skip
    assert (report.files, report.epochs_added, report.sources_added) == (16, 2, 1)
    assert "sum.csv.gz: cannot be read: CRC check failed" in str(report)
    assert "(mixed line ends?)" in str(report)
    assert 'Error when converting column "mag". Could not convert string "bright"' in str(report)
    assert archive.summary()["epochs"] == 2
    assert "page.csv" in str(report)
    assert "<html>" in str(report)


def test_missing_path(archive, tmp_path):
    with pytest.raises(ArchiveError, match="No such file"):
        archive.import_irsa([tmp_path, tmp_path / "gone.csv"])


def test_order_of_files_is_irrelevant(tmp_path):
    """Files are read in the order of their names, so their contents change places."""
    stars = [
        (
            irsa_row(oid=462104100001000 + n, ra=10 + n * 1e-4, expid=n, mjd=58300 + n),
            irsa_row(oid=462104100001000 + n, ra=10 + n * 1e-4, expid=n + 100, mjd=58400 + n, mag=14),
        )
        for n in range(6)  # a chain of steps of 0.36 arcsec
    ]
    contents = []
    for order in ((0, 1, 2, 3, 4, 5), (5, 3, 1, 0, 4, 2)):
        folder = tmp_path / str(len(contents))
        folder.mkdir()
        for place, n in enumerate(order):
            write(folder / f"{place}.csv", *stars[n])
        with Archive.create(tmp_path / f"{len(contents)}.duckdb") as archive:
            archive.import_irsa(folder)
            contents.append({name: str(archive.query(f"SELECT * FROM {name}")) for name in archive.summary()})
            assert archive.summary()["sources"] == 1
    assert contents[0] == contents[1]


def test_a_source_across_ra_zero(archive, tmp_path):
    write(
        tmp_path / "a.csv", irsa_row(oid=1000100000001, ra=359.99999), irsa_row(oid=1000100000001, expid=2, ra=0.00003)
    )
    write(tmp_path / "b.csv", irsa_row(oid=1000200000002, filtercode="zr", ra=0.00001))
    archive.import_irsa(tmp_path)
    where = SkyCoord(archive.sources()["ra"], archive.sources()["dec"])
    assert len(where) == 1
    assert where[0].separation(SkyCoord(0.00001, 2.4610278, unit="deg")) < 0.01 * u.arcsec


@pytest.mark.parametrize("right_ascensions", sorted(permutations([359.99999, 359.99998, 0.00003])))
def test_a_light_curve_across_ra_zero(archive, tmp_path, right_ascensions):
    rows = [irsa_row(expid=n, ra=ra) for n, ra in enumerate(right_ascensions)]
    archive.import_irsa(write(tmp_path / "a.csv", *rows))
    assert archive.sources()["ra"] == pytest.approx([359.99999])
    found = archive.cone_search(np.array([359.99999]), np.array([2.4610278]), np.array([0.01]))
    assert len(found["psid"]) == 1


def test_one_ztf_id_on_two_sources(archive, tmp_path):
    path = write(tmp_path / "a.csv", irsa_row(), irsa_row(expid=2, field=463, ra=108.0))
    assert archive.import_irsa(path).sources_added == 2
    before = archive.summary()
    again = archive.import_irsa(path)
    assert (again.epochs_added, again.epochs_known) == (0, 2)
    assert archive.summary() == before


def test_candids_are_unique_across_imports(archive, tmp_path):
    for n in range(3):  # three stars of one image
        archive.import_irsa(write(tmp_path / f"{n}.csv", irsa_row(oid=462104100001000 + n, ra=107.0 + n)))
    found = archive.query("SELECT candid, pid FROM detections")
    assert len(set(found["pid"])) == 1
    assert len(set(found["candid"])) == 3


def test_new_epochs_of_a_known_light_curve(archive, tmp_path):
    archive.import_irsa(write(tmp_path / "a.csv", irsa_row(), irsa_row(expid=2, mag=14, magzp=26.5)))
    before = archive.query("SELECT * FROM lightcurves")
    second = archive.import_irsa(write(tmp_path / "b.csv", irsa_row(), irsa_row(expid=3, mag=13.5, magzp=20.0)))
    after = archive.query("SELECT * FROM lightcurves")
    assert (second.epochs_added, second.epochs_known, second.lightcurves_added) == (1, 1, 0)
    assert (before["magzp"], before["mag_ref"]) == (after["magzp"], after["mag_ref"])
    assert after["nb_exposures"] == 3
    assert magnitudes(archive)[0] == pytest.approx([13.0808468, 13.5, 14])
    assert archive.query("SELECT ndet FROM objects")["ndet"] == 3


def magnitudes(archive, where="true"):
    found = archive.query(f"""
        SELECT flux, flux_err, magzp, mag_ref FROM epochs JOIN lightcurves USING (lc)
        WHERE NOT bad AND {where} ORDER BY mag_ref + magzp, flux DESC""")
    mag, mag_err, _ = photometry.flux_to_mag(*found.values())
    return mag, mag_err


# --- real light curves ----------------------------------------------------------------------------------------------


def test_real_import(real_archive):
    _, (vsx, wd, again) = real_archive
    assert (vsx.files, vsx.sources_added, vsx.lightcurves_added, vsx.epochs_added) == (103, 24, 103, 31877)
    assert vsx.bad_epochs == 3223
    assert (wd.files, wd.sources_added, wd.epochs_added, len(wd.failures)) == (20, 19, 35106, 0)  # one is header-only
    assert (again.sources_added, again.lightcurves_added, again.epochs_added, again.bad_epochs) == (0, 0, 0, 0)
    assert again.epochs_known == wd.epochs_added + wd.bad_epochs


def test_real_magnitudes_are_those_of_the_files(real_archive, real_data):
    archive, _ = real_archive
    path = real_data / "ztf_vsx" / "lightcurves" / "18aaaawyw-zg1.csv.gz"
    rows = Table.read(path, format="ascii.csv")
    good = rows[rows["catflags"] & 32768 == 0]
    found = archive.query(
        """SELECT key, flux, flux_err, magzp, mag_ref, e.limiting_mag FROM epochs e JOIN lightcurves USING (lc)
        WHERE origin = ? AND NOT bad ORDER BY key""",
        [str(rows["oid"][0])],
    )
    good.sort("expid")
    mag, mag_err, _ = photometry.flux_to_mag(found["flux"], found["flux_err"], found["magzp"], found["mag_ref"])
    np.testing.assert_array_equal(found["key"], good["expid"])
    np.testing.assert_array_equal(mag.astype(np.float32), np.asarray(good["mag"], dtype=np.float32))
    np.testing.assert_array_equal(mag_err.astype(np.float32), np.asarray(good["magerr"], dtype=np.float32))
    statistics = archive.query("SELECT * FROM lightcurves WHERE origin = ?", [str(rows["oid"][0])])
    low, high = np.quantile(good["mag"], [0.05, 0.95])
    assert statistics["nb_exposures"] == len(good)
    assert statistics["amplitude"] == pytest.approx(high - low, abs=1e-6)
    assert statistics["min_mag"] == np.float32(good["mag"].min())
    assert (statistics["ccd"], statistics["quad"]) == (rows["ccdid"][0], rows["qid"][0])


def test_every_real_row_is_exact(real_archive, real_data):
    """All 70,206 rows of both folders, bad epochs too, in single precision."""
    archive, _ = real_archive
    files = [str(path) for name in ("ztf_vsx", "ztf_wd") for path in (real_data / name / "lightcurves").iterdir()]
    rows = archive.query(
        "SELECT oid, expid, mag, magerr FROM read_csv(?, header = true, union_by_name = true, all_varchar = true) "
        "ORDER BY oid, expid::BIGINT",
        [files],
    )
    found = archive.query("""
        SELECT l.origin, e.key, e.flux, e.flux_err, l.magzp, l.mag_ref FROM epochs e JOIN lightcurves l USING (lc)
        ORDER BY l.origin, e.key""")
    assert len(found["key"]) == len(rows["oid"]) == 70206
    assert list(found["origin"]) == list(rows["oid"])
    np.testing.assert_array_equal(found["key"], rows["expid"].astype(np.int64))
    mag, mag_err, _ = photometry.flux_to_mag(found["flux"], found["flux_err"], found["magzp"], found["mag_ref"])
    np.testing.assert_array_equal(mag.astype(np.float32), rows["mag"].astype(np.float32))
    np.testing.assert_array_equal(mag_err.astype(np.float32), rows["magerr"].astype(np.float32))


def test_hex_detectors(real_archive):
    archive, _ = real_archive
    found = archive.query("SELECT field, ccd, quad, band FROM lightcurves WHERE origin = '529113100005394'")
    assert [found[key][0] for key in ("field", "ccd", "quad", "band")] == [529, 13, 1, "g"]


def test_real_times_agree_with_hjd(real_data):
    """The file's hjd is UTC at mid-exposure with the light time to the Sun (reference/zvar.md 3)."""
    rows = Table.read(real_data / "ztf_vsx" / "lightcurves" / "18aaaawyw-zg1.csv.gz", format="ascii.csv")
    mjd, ra, dec = (np.asarray(rows[name], dtype=float) for name in ("mjd", "ra", "dec"))
    start = Time(mjd, format="mjd", scale="utc")
    sun_au = get_body_barycentric("sun", start).xyz.to_value(u.au).T
    sun_days = np.sum(sun_au * sky.unit_vectors(ra, dec), axis=1) * (constants.au / constants.c).to_value(u.d)
    bjd_utc = rows["hjd"] - rows["exptime"] / 2 * SECOND + sun_days
    expected = bjd_utc + (start.tdb.jd - start.jd)
    assert np.abs(barycentric(mjd, ra, dec) - expected).max() < 0.05 * SECOND
    assert np.ptp(barycentric(mjd, ra, dec) - mjd) > 200 * SECOND


def test_alerce_side_of_real_stars(real_archive):
    archive, _ = real_archive
    counts = archive.query("""
        SELECT o.oid, o.ndet, (SELECT count(*) FROM detections d WHERE d.oid = o.oid) AS n,
               (SELECT sum(nb_exposures) FROM lightcurves l WHERE l.psid = s.psid) AS exposures
        FROM objects o JOIN sources s USING (oid)""")
    assert len(counts["oid"]) == 43
    np.testing.assert_array_equal(counts["ndet"], counts["n"])
    np.testing.assert_array_equal(counts["n"], counts["exposures"].astype(int))
    candid = archive.query("SELECT candid, pid, nid, mjd FROM detections")
    assert len(np.unique(candid["candid"])) == len(candid["candid"])
    assert set(np.char.str_len(candid["candid"].astype(str))) == {18, 19}
    np.testing.assert_array_equal(candid["candid"] // 10**6, candid["pid"])
    np.testing.assert_array_equal(candid["nid"], np.floor(candid["mjd"]) - 57754)


# --- one's own tables -----------------------------------------------------------------------------------------------


def test_time_series_of_one_source(archive):
    series = TimeSeries(
        time=Time([2458300.5, 2458301.5], format="jd", scale="tdb"),
        data={"band": ["r", "r"], "mag": [15.0, 15.5] * u.mag, "mag_err": [10, 20] * u.mmag},
    )
    where = SkyCoord(10.5 * u.deg, -5 * u.deg)
    report = archive.import_table(series, coordinates=where, name="mine", alerts=False)
    assert (report.sources_added, report.epochs_added) == (1, 2)
    source = archive.sources()[0]
    assert (source["name"], source["ra"], source["dec"]) == ("mine", 10.5, -5.0)
    assert source["psid"] == str(ids.psid_from_position(10.5, -5.0))
    assert archive.sources()["oid"].mask[0]
    found = archive.query("SELECT mjd, bjd FROM epochs ORDER BY bjd")
    np.testing.assert_array_equal(found["bjd"], [2458300.5, 2458301.5])  # barycentric already
    np.testing.assert_allclose(barycentric(found["mjd"], 10.5, -5.0), found["bjd"], atol=1e-3 * SECOND, rtol=0)
    assert magnitudes(archive) == (pytest.approx([15, 15.5]), pytest.approx([0.01, 0.02]))
    again = archive.import_table(series, coordinates=where, name="mine")
    assert (again.epochs_added, again.epochs_known) == (0, 2)
    assert archive.summary()["objects"] == 1


def test_upper_limits_and_bands(archive):
    table = photometry_table(limiting_mag=[20.5, 20.6, np.nan], band=["g", "z", "g"])
    table["mag"] = MaskedColumn([15.0, 15.1, 0], mask=[False, False, True])
    table.add_row(table[0])
    table["time"][3] = Time(58303.25, format="mjd", scale="utc")
    table["mag"].mask[3] = True
    report = archive.import_table(table, coordinates=SkyCoord(10, 20, unit="deg"))
    assert (report.epochs_added, report.bad_epochs) == (3, 1)  # nothing at all is known of one row
    limit = archive.query("""
        SELECT flux, flux_err, magzp FROM epochs JOIN lightcurves USING (lc)
        WHERE limiting_mag = 20.5 AND flux IS NULL""")
    assert photometry.limiting_mag(limit["flux_err"], limit["magzp"]) == pytest.approx(20.5)
    assert archive.query("SELECT fid, diffmaglim FROM non_detections")["diffmaglim"] == pytest.approx([20.5])
    assert archive.query("SELECT ndet FROM objects")["ndet"] == 1  # ALeRCE has no z band
    assert list(archive.query("SELECT nb_exposures FROM lightcurves ORDER BY band")["nb_exposures"]) == [2, 1]


def test_many_sources_in_fluxes(archive):
    flux = np.array([100.0, -50.0, 0.0])
    table = photometry_table(name=["a", "b", "b"], ra=[10.0, 20, 20], dec=[0.0, 1, 1], flux=flux, flux_err=10.0)
    table["magzp"], table["mag_ref"], table["objtype"] = 26.0, -8.5, [1, 2, 2]
    table.remove_columns(["mag", "mag_err"])
    assert archive.import_table(table).sources_added == 2
    found = archive.query("SELECT flux, magzp, mag_ref FROM epochs JOIN lightcurves USING (lc) ORDER BY mjd")
    np.testing.assert_array_equal(found["flux"], flux)
    assert set(found["magzp"]) == {26.0}
    assert set(found["mag_ref"]) == {-8.5}
    sign = archive.query("SELECT isdiffpos, magpsf FROM detections ORDER BY mjd")
    assert list(sign["isdiffpos"]) == [1, -1, 1]
    assert np.ma.getdata(sign["magpsf"])[:2] == pytest.approx(26 - 2.5 * np.log10([100, 50]))
    assert np.ma.getmaskarray(sign["magpsf"])[2]
    assert dict(zip(archive.sources()["name"], archive.sources()["objtype"], strict=True)) == {"a": 1, "b": 2}


def test_rows_of_one_moment_are_all_kept_once(archive):
    table = photometry_table(mjd=(58300.0, 58300.0, 58300.0))
    where = SkyCoord(10, 20, unit="deg")
    assert archive.import_table(table, coordinates=where, name="a").epochs_added == 3
    assert archive.import_table(table[::-1], coordinates=where, name="a").epochs_added == 0


def test_a_name_is_placed_as_a_whole(archive):
    """Its bands are 4 arcsec apart: the centre counts."""
    table = photometry_table(name="a", ra=[10.0, 10.0, 10 + 4 / 3600], dec=0.0, band=["g", "g", "r"])
    assert archive.import_table(table, radius=1 * u.arcsec).sources_added == 1
    before = archive.summary()
    assert archive.import_table(table, radius=1 * u.arcsec).epochs_known == 3
    assert archive.summary() == before
    assert archive.sources()["ra"] == pytest.approx([10 + 2 / 3600])


@pytest.mark.parametrize("band", ["g", ["g", "r", "r"]])
def test_a_name_of_two_stars_is_refused(archive, band):
    table = photometry_table(name="a", ra=[10.0, 10 + 61 / 3600, 10 + 61 / 3600], dec=0.0, band=band)
    with pytest.raises(ValueError, match=r"'name' must lie within 60 arcsec; not so: 'a'"):
        archive.import_table(table)


def test_names_of_one_table_stay_apart(archive):
    """Both are in reach of a source that is there already; the nearest takes it, and keeps it."""
    archive.import_table(photometry_table(), coordinates=SkyCoord(10, 20, unit="deg"), name="x")
    table = photometry_table(mjd=(58400, 58401, 58402), name=["p", "q", "q"], dec=20.0)
    table["ra"] = [10.0002, 10.0001, 10.0001]
    assert archive.import_table(table).sources_added == 1
    before = archive.summary()
    assert archive.import_table(table).epochs_known == 3
    assert archive.summary() == before
    held = archive.query("SELECT name, origin FROM lightcurves JOIN sources USING (psid) ORDER BY origin")
    assert list(zip(held["name"], held["origin"], strict=True)) == [
        ("p", "table:p"),
        ("x", "table:q"),
        ("x", "table:x"),
    ]


def test_names_that_were_given_one_source_keep_it(archive):
    archive.import_table(photometry_table(), coordinates=SkyCoord(10, 20, unit="deg"), name="p")
    near = photometry_table(mjd=(58400, 58401, 58402))
    archive.import_table(near, coordinates=SkyCoord(10.0001, 20, unit="deg"), name="q")
    assert list(archive.sources()["name"]) == ["p"]  # the first name stays
    both = photometry_table(name=["p", "q", "q"], ra=[10.0, 10.0001, 10.0001], dec=20.0)
    assert archive.import_table(both).sources_added == 0


def test_magnitudes_stand_in_for_missing_fluxes(archive):
    table = photometry_table(flux=[1.0, np.nan, 2.0], flux_err=10.0, magzp=26.0, mag_ref=-8.5)
    assert archive.import_table(table, coordinates=SkyCoord(10, 20, unit="deg")).epochs_added == 3
    found = archive.query("SELECT flux, flux_err, magzp, mag_ref FROM epochs JOIN lightcurves USING (lc) ORDER BY mjd")
    assert list(found["flux"][[0, 2]]) == [1.0, 2.0]
    mag, mag_err, _ = photometry.flux_to_mag(*found.values())
    assert (mag[1], mag_err[1]) == pytest.approx((15.1, 0.02))


def test_a_later_row_of_the_same_moment_is_new(archive):
    where = SkyCoord(10, 20, unit="deg")
    moments, values = [58300.0] * 3, {"mag": [14.9, 15.0, 15.1], "mag_err": 0.1}
    more = photometry_table(mjd=moments, **values)
    assert archive.import_table(more[1:2], coordinates=where, name="a").epochs_added == 1
    assert archive.import_table(more, coordinates=where, name="a").epochs_added == 2
    assert archive.import_table(more[::-1], coordinates=where, name="a").epochs_added == 0
    assert magnitudes(archive)[0] == pytest.approx([15.1, 15.0, 14.9][::-1])


def test_equal_rows_of_one_moment_are_counted(archive):
    table = photometry_table(mjd=[58300.0] * 3, mag=15.0, mag_err=0.1)
    where = SkyCoord(10, 20, unit="deg")
    assert archive.import_table(table, coordinates=where, name="a").epochs_added == 3
    assert archive.import_table(table, coordinates=where, name="a").epochs_added == 0


def test_a_masked_objtype_is_unknown(archive):
    table = photometry_table(name=["a", "b", "b"], ra=[10.0, 20, 20], dec=0.0)
    table["objtype"] = MaskedColumn([1, 2, 2], mask=[True, False, False])
    archive.import_table(table)
    assert archive.sources()["objtype"].tolist() == [None, 2]
    assert list(archive.query("SELECT stellar FROM objects ORDER BY meanra")["stellar"].filled(True)) == [True, False]


@pytest.mark.parametrize("unit", [u.ABmag, u.Unit("mag(AB)"), u.mag])
def test_ab_magnitudes(archive, unit):
    table = photometry_table()
    table["mag"].unit = unit
    archive.import_table(table, coordinates=SkyCoord(10, 20, unit="deg"))
    assert magnitudes(archive)[0] == pytest.approx([15.0, 15.1, 15.2])


def test_magnitudes_with_units_of_a_qtable(archive):
    table = QTable(photometry_table())
    table["mag"] = u.Magnitude(table["mag"], u.ABmag)
    archive.import_table(table, coordinates=SkyCoord(10, 20, unit="deg"))
    assert magnitudes(archive)[0] == pytest.approx([15.0, 15.1, 15.2])


@pytest.mark.parametrize(("alert_snr", "ndet"), [(None, 5), (0, 5), (3, 2), (100, 0)])
def test_alerts_from_a_signal_to_noise_on(archive, alert_snr, ndet):
    flux = np.array([0.0, 10.0, 20.0, -35.0, 50.0])
    table = photometry_table(mjd=58300.0 + np.arange(5), mag=np.nan, mag_err=np.nan)
    table["flux"], table["flux_err"], table["magzp"], table["mag_ref"] = flux, 10.0, 26.0, -8.5
    archive.import_table(table, coordinates=SkyCoord(10, 20, unit="deg"), name="a", alert_snr=alert_snr)
    assert archive.summary()["detections"] == ndet
    assert archive.summary()["objects"] == (ndet > 0)
    limits = archive.query("SELECT diffmaglim FROM non_detections")["diffmaglim"]
    assert limits == pytest.approx([photometry.limiting_mag(10.0, 26.0)] * (5 - ndet))
    assert archive.query("SELECT nb_exposures FROM lightcurves")["nb_exposures"] == [5]
    found = archive.query("SELECT ndet, ndethist, ncovhist, firstmjd FROM objects")
    assert list(found["ndet"]) == list(found["ndethist"]) == [ndet] * (ndet > 0)
    if ndet == 2:
        assert found["firstmjd"] == [58303.0]
        assert list(archive.query("SELECT isdiffpos FROM detections ORDER BY mjd")["isdiffpos"]) == [-1, 1]


def test_a_source_keeps_its_signal_to_noise(archive, tmp_path):
    path = write(tmp_path / "a.csv", *(irsa_row(expid=n, mag=13 + n / 100, mjd=58300 + n) for n in range(5)))
    archive.import_irsa(path, alert_snr=1)
    assert archive.summary()["detections"] == 2  # 13.00 and 13.04, each 0.02 mag from the median
    more = write(tmp_path / "b.csv", irsa_row(expid=9, mag=14, mjd=58400))
    archive.import_irsa(more)
    assert archive.summary()["detections"] == 3
    archive.import_irsa(more, alert_snr=0)
    assert archive.summary()["detections"] == 6
    for wrong in (-1, np.nan, np.inf):
        with pytest.raises(ValueError, match="alert_snr"):
            archive.import_irsa(more, alert_snr=wrong)


def test_values_of_an_object(archive):
    """Two bands, three nights, one limit before them."""
    table = photometry_table(mjd=(58300.0, 58301.0, 58302.0, 58303.0), mag=15.0, mag_err=0.1, name="a", ra=10.0)
    table["mag"], table["band"] = [np.nan, 15.0, 15.2, 14.5], ["g", "g", "g", "r"]
    table["limiting_mag"], table["dec"], table["objtype"] = 20.0, [20.0, 20.0, 20.00002, 20.00004], 2
    archive.import_table(table)
    found = {key: values[0] for key, values in archive.query("SELECT * FROM objects").items()}
    assert (found["stellar"], found["corrected"], found["ndet"], found["ncovhist"]) == (False, True, 3, 4)
    assert (found["mjdstarthist"], found["mjdendhist"]) == (58300.0, 58303.0)
    assert (found["firstmjd"], found["lastmjd"], found["deltajd"]) == (58301.0, 58303.0, 2.0)
    assert (found["sigmara"], found["sigmadec"]) == pytest.approx((0.0, 2e-5), abs=1e-9)
    assert (found["g_r_mean_corr"], found["g_r_max_corr"]) == pytest.approx((0.6, 0.5), abs=1e-5)


def test_a_nearby_source_is_the_same_source(archive):
    archive.import_table(photometry_table(), coordinates=SkyCoord(10, 89.9, unit="deg"), name="a")
    near = SkyCoord(10, 89.9, unit="deg").directional_offset_by(30 * u.deg, 1.4 * u.arcsec)
    far = SkyCoord(10, 89.9, unit="deg").directional_offset_by(30 * u.deg, 1.6 * u.arcsec)
    assert archive.import_table(photometry_table(), coordinates=near, name="b").sources_added == 0
    assert archive.import_table(photometry_table(), coordinates=far, name="c").sources_added == 1


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"time": [1.0, 2, 3]}, TypeError, "'time'"),
        ({"mag_err": [0.1, 0, 0.1]}, ValueError, "'mag_err'"),
        ({"mag": [1, 2, 3] * u.Jy}, u.UnitsError, "mag"),
        ({"band": None}, ValueError, "band"),
        ({"mag": None}, ValueError, "'mag'"),
        ({"flux": [1.0, 2, 3], "flux_err": 1.0}, ValueError, "'magzp'"),
        (
            {"flux": [1.0, 2, 3], "flux_err": 1.0, "magzp": 26.0, "mag_ref": [-8.0, -8, -9]},
            ValueError,
            "'mag_ref' must",
        ),
        ({"mag": [15.0, 41, 15]}, ValueError, "'mag' must lie within -5 to 40"),
        ({"limiting_mag": [20.0, 20, -999]}, ValueError, "'limiting_mag' must lie"),
        ({"time": Time([-5e9, 1, 2], format="mjd", scale="tdb")}, ValueError, "'time' must lie within 15020 to 88069"),
        ({"time": Time([58300.0] * 3, format="mjd", scale="local")}, ValueError, "'time' must not be in the scale"),
        ({"time": Time([58300.0] * 3, format="mjd", scale="ut1")}, ValueError, "'time' must not be in the scale"),
        ({"field": MaskedColumn([1, 2, 3], mask=[0, 1, 0])}, ValueError, "'field' must have no masked"),
        ({"ccd": [1, 2.5, 3]}, ValueError, "'ccd' must be a whole number"),
        ({"objtype": [1, 2.5, 3]}, ValueError, "'objtype' must be a whole number"),
        ({"band": MaskedColumn(["g"] * 3, mask=[0, 1, 0])}, ValueError, "'band' must have no masked"),
        ({"band": ["g", "g", " r"]}, ValueError, "'band' must be text without spaces"),
        ({"band": ["g", "g", ""]}, ValueError, "'band' must be text without spaces"),
    ],
)
def test_unusable_tables_change_nothing(archive, changes, error, message):
    table = photometry_table()
    for name, values in changes.items():
        if values is None:
            table.remove_column(name)
        else:
            table[name] = values
    with pytest.raises(error, match=message):
        archive.import_table(table, coordinates=SkyCoord(10, 20, unit="deg"))
    assert set(archive.summary().values()) == {0}


def test_a_masked_name_is_refused(archive):
    table = photometry_table(name=MaskedColumn(["a"] * 3, mask=[0, 1, 0]), ra=10.0, dec=5.0)
    with pytest.raises(ValueError, match="'name' must have no masked"):
        archive.import_table(table)


def test_names_at_one_position_are_refused(archive):
    table = photometry_table(name=["a", "b", "c"], ra=10.0, dec=5.0)
    with pytest.raises(ArchiveError, match="one position"):
        archive.import_table(table)
    assert set(archive.summary().values()) == {0}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_merge_leaves_nothing(archive, monkeypatch, error):
    def fail(run):
        assert run("SELECT count(*) AS n FROM epochs")["n"] == [3]
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(alerts, "refresh", fail)
        with pytest.raises(error):
            import_one(archive)
    assert set(archive.summary().values()) == {0}
    assert import_one(archive).epochs_added == 3


def test_the_south_pole_is_a_place(archive):
    """Its psid is 0."""
    pole = SkyCoord(0, -90, unit="deg")
    assert archive.import_table(photometry_table(), coordinates=pole, name="a").sources_added == 1
    assert list(archive.sources()["psid"]) == ["0"]
    assert archive.import_table(photometry_table(), coordinates=pole, name="a").epochs_known == 3
    assert archive.summary()["sources"] == 1


def test_radius_needs_an_angle(archive):
    with pytest.raises(u.UnitsError):
        archive.import_table(photometry_table(), coordinates=SkyCoord(10, 20, unit="deg"), radius=3 * u.s)
    with pytest.raises(ValueError, match="radius"):
        archive.import_table(photometry_table(), coordinates=SkyCoord(10, 20, unit="deg"), radius=3 * u.deg)


def test_added_tables_replace_what_they_repeat(archive):
    archive.import_table(photometry_table(), coordinates=SkyCoord(10, 20, unit="deg"), name="a")
    psid, oid = archive.sources()[0]["psid", "oid"]
    periods = Table({"psid": [psid], "field": [1], "ccd": [2], "quad": [3], "band": ["g"], "n_bins": [5]})
    periods["period"], periods["significance"], periods["string_length"] = [12.0] * u.h, [20.0], [np.nan]
    classes = Table({"oid": [oid], "classifier": ["c"], "classifier_version": ["1"], "class_name": ["RRL"]})
    classes["probability"], classes["ranking"] = [0.9], [1]
    features = Table({"oid": [oid], "name": ["Mean"], "value": [15.1], "band": ["g"], "version": ["1"]})
    for _ in range(2):
        archive.add_periods(periods)
        archive.add_probabilities(classes)
        archive.add_features(features)
        classes["probability"] = [0.8]
    found = archive.summary()
    assert [found[name] for name in ("periods", "probabilities", "features")] == [1, 1, 1]
    assert archive.query("SELECT period FROM periods")["period"] == 0.5
    assert archive.query("SELECT probability FROM probabilities")["probability"] == 0.8
    periods["psid"] = ["42"]
    with pytest.raises(ValueError, match="psid: the archive does not know 42"):
        archive.add_periods(periods)


def test_progress_is_told(archive, tmp_path):
    told = []
    archive.import_irsa(write(tmp_path / "a.csv", irsa_row()), progress=lambda *args: told.append(args))
    assert told == [(0, 1, "a.csv"), (0, 1, "merging"), (1, 1, "merged")]


def test_reading_from_many_threads(real_archive):
    archive, _ = real_archive
    expected = archive.query("SELECT count(*) AS n FROM epochs")["n"][0]
    answers = []

    def work(n):
        given = {"v": np.full(10, n)}
        answers.append((archive.query("SELECT count(*) AS n FROM epochs")["n"][0] == expected)
                       and archive.query("SELECT sum(v) AS s FROM given", given=given)["s"][0] == 10 * n)  # fmt: skip

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert answers == [True] * 16


# --- cones ----------------------------------------------------------------------------------------------------------


@given(centre=POSITIONS, radius=RADII, seed=st.integers(0, 2**32 - 1))
def test_pixels_cover_the_cone(centre, radius, seed):
    """Points thrown around the rim: those inside lie in the ranges, and no range overlaps another."""
    rng = np.random.default_rng(seed)
    angle = np.minimum(np.radians(radius / 3600) * np.concatenate([np.ones(50), rng.uniform(0, 1.1, 50)]), np.pi)
    turn = rng.uniform(0, 2 * np.pi, 100)
    axis = sky.unit_vectors(*centre)
    one = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    one /= np.linalg.norm(one)
    around = np.cos(turn)[:, None] * one + np.sin(turn)[:, None] * np.cross(axis, one)
    x, y, z = (np.cos(angle)[:, None] * axis + np.sin(angle)[:, None] * around).T
    ra, dec = np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))
    inside = np.sum((sky.unit_vectors(ra, dec) - axis) ** 2, axis=1) <= sky.chord_squared(radius)
    ranges = sky.cone_ranges([centre[0]], [centre[1]], [radius])
    hits = np.sum(
        (sky.pixel(ra, dec)[:, None] >= ranges["low"]) & (sky.pixel(ra, dec)[:, None] < ranges["high"]), axis=1
    )
    assert hits.max() <= 1
    assert hits[inside].all()


@pytest.fixture(scope="module")
def full_sky(tmp_path_factory):
    """Sources over the sphere, crowded at both poles and across RA 0, and SkyCoord of them."""
    rng = np.random.default_rng(5)
    everywhere = np.column_stack([rng.uniform(0, 360, 300), np.degrees(np.arcsin(rng.uniform(-1, 1, 300)))])
    poles = np.column_stack([rng.uniform(0, 360, 200), np.repeat([1, -1], 100) * (90 - rng.exponential(0.05, 200))])
    seam = np.column_stack([rng.normal(0, 0.05, 200) % 360, rng.normal(0, 0.05, 200)])
    ra, dec = np.concatenate([everywhere, poles, seam, [[0, 90], [0, -90], [0, 0]]]).T
    table = Table({"name": np.arange(len(ra)).astype(str), "ra": ra, "dec": dec, "band": ["g"] * len(ra)})
    table["time"] = Time(np.full(len(ra), 58300.0), format="mjd", scale="utc")
    table["mag"], table["mag_err"] = 15.0, 0.1
    with Archive.create(tmp_path_factory.mktemp("sky") / "full.duckdb") as archive:
        archive.import_table(table, radius=0 * u.arcsec)
        yield archive, archive.sources()


@given(cones=st.lists(st.tuples(POSITIONS, RADII), min_size=1, max_size=10))
def test_cone_search_is_brute_force(full_sky, cones):
    archive, sources = full_sky
    ra, dec, radius = np.array([(*centre, radius) for centre, radius in cones]).T
    found = archive.cone_search(ra, dec, radius)
    stars = sky.unit_vectors(np.asarray(sources["ra"]), np.asarray(sources["dec"]))
    chord = np.linalg.norm(stars[None] - sky.unit_vectors(ra, dec)[:, None], axis=2)
    inside = chord**2 <= sky.chord_squared(radius)[:, None]
    clear = np.abs(chord**2 - sky.chord_squared(radius)[:, None]) > 1e-14  # of rounding in the last digit
    got = np.zeros_like(inside)
    order = np.asarray(sources["psid"]).astype(np.int64)  # as sorted by the archive
    got[found["cone"], np.searchsorted(order, found["psid"])] = True
    assert not np.any((got != inside) & clear)
    assert got.sum() == len(found["psid"])  # none twice
    assert np.all((np.diff(found["distance"]) >= 0) | (np.diff(found["cone"]) > 0))


def test_cone_of_radius_zero_holds_its_centre(full_sky):
    archive, sources = full_sky
    ra, dec = np.asarray(sources["ra"]), np.asarray(sources["dec"])
    found = archive.cone_search(ra, dec, np.zeros(len(ra)))
    np.testing.assert_array_equal(found["cone"], np.arange(len(ra)))
    np.testing.assert_array_equal(found["psid"].astype(str), sources["psid"])


# --- ids and times --------------------------------------------------------------------------------------------------


def psid_to_position(psid):
    """Position (ra, dec) [deg] that a psid encodes, to 4 mas: the inverse of the formula."""
    ra = psid % 10**13 // 10**4 / 1e6
    return ra, ids.ZONE * (psid // 10**13 + psid % 10**4 / 1e4) - 90.0


@pytest.mark.parametrize(
    ("psid", "ra", "dec"),
    [
        (145120008365555264, 0.836555, 30.937236),  # reference/zvar.md 5.3
        (145130008248670307, 0.824867, 30.941439),
        (149053599892210341, 359.989221, 34.208121),
        (126541217361397171, 121.736139, 15.455554),
    ],
)
def test_psid_of_the_notebook(psid, ra, dec):
    np.testing.assert_allclose(psid_to_position(psid), (ra, dec), atol=6e-7)


@given(POSITIONS)
def test_psid_round_trip(position):
    ra, dec = psid_to_position(ids.psid_from_position(*position))
    separation = np.linalg.norm(sky.unit_vectors(ra, dec) - sky.unit_vectors(*position))
    assert np.degrees(separation) * 3.6e6 < 5  # mas


def test_oids_are_collision_safe():
    first = ids.mint_oid(145130008248670307, 2018, set())
    second = ids.mint_oid(145130008248670307, 2018, {first})
    assert first != second
    assert all(oid.startswith("ZTF18") and len(oid) == 12 and oid[5:].isalpha() for oid in (first, second))
    assert ids.mint_oid(145130008248670307, 2018, set()) == first


@given(mjd=st.floats(45000, 62000), position=POSITIONS)
def test_times_come_back(mjd, position):
    there = barycentric([mjd], *position)
    assert abs(geocentric(there, *position)[0] - mjd) < 1e-3 * SECOND
    assert abs(there[0] - 2400000.5 - mjd) < 600 * SECOND


@pytest.mark.parametrize("name", ["notes.json", "table.csv", "sky.duckdb"])
def test_a_file_of_another_kind_is_no_archive(tmp_path, name):
    """DuckDB itself would read the first two into memory."""
    path = tmp_path / name
    path.write_text("{}\n")
    with pytest.raises(ArchiveError, match="no DuckDB file"):
        Archive.open(path, read_only=True)
