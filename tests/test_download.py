"""Bulk download into an archive: exact copies, killed and resumed, under faults, and what it says.

On the sample sky's server, on a proxy of it that fails at random, and by a clock of its own: nothing waits for real.
"""

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from itertools import chain, count

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from fault_server import FaultServer, json_reply
from faulty_proxy import Clock, Faulty, patient

from alerce_zvar import AlerceClass, ZvarClass, conf
from alerce_zvar import __main__ as cli
from alerce_zvar.archive import Archive
from alerce_zvar.errors import ArchiveError, LoginError, UnavailableError
from alerce_zvar.match import match_services
from alerce_zvar.sample.stars import CENTRE
from alerce_zvar.server import serve

LOGIN = ("alice", "wonderland")
ALL = 10 * u.arcmin
MANY = 12
EVERY = ("object", "detections", "forced_photometry", "probabilities")  # what both surveys have


@pytest.fixture(scope="module", autouse=True)
def login():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZVAR_USERNAME", LOGIN[0])
        patch.setenv("ZVAR_PASSWORD", LOGIN[1])
        yield


@pytest.fixture
def zvar(sample_server):
    return ZvarClass(url=sample_server)


@pytest.fixture
def alerce(sample_server):
    return AlerceClass(url=sample_server)


@pytest.fixture(scope="module")
def sources(sample_server, login):
    return ZvarClass(url=sample_server).query_region(CENTRE, radius=ALL)


@pytest.fixture
def psids(sources):
    """Those with the most interesting light curves among them."""
    return [str(psid) for psid in sources["psid"][:MANY]]


@pytest.fixture(scope="module")
def oids(sample_server):
    found = AlerceClass(url=sample_server).query_objects(ndet=1, row_limit=-1)
    return sorted({str(oid) for oid in found["oid"]})


@pytest.fixture(scope="module")
def whole(sample_server, sources, oids, tmp_path_factory):
    """Of each service some ids, and what an archive holds of them at the end of a download without any trouble."""
    found = {ZvarClass: [[str(psid) for psid in sources["psid"][:24]]], AlerceClass: [oids[:12]]}
    for service, (ids,) in found.items():
        path = tmp_path_factory.mktemp("whole") / "sky.duckdb"
        assert service(url=sample_server).download(ids, path).stored == len(ids)
        found[service].append(held(path))
    return found


def held(path):
    """What an archive holds."""
    with Archive.open(path, read_only=True) as archive:
        return archive.summary(), archive.content_hash()


def same(ours, theirs):
    """Two tables have the same columns, values and masks."""
    assert ours.colnames == theirs.colnames
    assert len(ours) == len(theirs)
    for name in ours.colnames:
        a, b = ours[name], theirs[name]
        if hasattr(a, "jd"):
            assert np.array_equal(a.jd, b.jd), name
            continue
        masks = [np.broadcast_to(np.asarray(getattr(column, "mask", False)), len(a)) for column in (a, b)]
        values = [np.asarray(getattr(column, "unmasked", column))[~masks[0]] for column in (a, b)]
        assert np.array_equal(*masks), name
        assert np.array_equal(*values, equal_nan=values[0].dtype.kind == "f"), name


def by(table, *names):
    return table[np.lexsort([np.asarray(table[name]) for name in reversed(names)])]


# --- exact copies -----------------------------------------------------------------------------------------------------


def test_zvar_is_served_as_it_was(zvar, sources, psids, tmp_path):
    report = zvar.download(psids, tmp_path / "copy.duckdb")
    assert (report.inputs, report.stored, report.failed, report.missing) == (MANY, MANY, 0, 0)
    with Archive.open(tmp_path / "copy.duckdb") as copy, serve(copy) as server:
        local = ZvarClass(url=server.url)
        ours, theirs = local.query_objects(psids), zvar.query_objects(psids)
        for table in ("lightcurves", "periods"):
            same(getattr(ours, table), getattr(theirs, table))
        same(ours, theirs)
        for form in ("mag", "flux"):
            for bands in (None, ["r"]):
                ours, theirs = (one.get_lightcurves(psids, bands=bands, format=form) for one in (local, zvar))
                assert ours.ids == theirs.ids
                same(ours.data, theirs.data)
        assert np.asarray(theirs.data["snr_diff"].mask).any() or np.isfinite(theirs.data["flux"]).any()
        region = local.query_region(CENTRE, radius=ALL)
        wanted = sources[np.isin(np.asarray(sources["psid"]), psids)]
        same(by(region, "psid"), by(wanted, "psid"))
        cuts = {"min_period": 0.1 * u.d, "max_period": 5 * u.d, "min_significance": 8}
        ours, theirs = (one.query_region(CENTRE, radius=ALL, **cuts) for one in (local, zvar))
        assert set(ours["psid"]) == set(theirs["psid"]) & set(psids) != set()


def test_what_zvar_rounds_is_not_computed_anew(tmp_path):
    """Values that follow from no formula, nulls where there should be none, and a filling without an error."""
    star = {"psid": "145120008365555264", "ra": 0.8365280032157898, "dec": 30.937196731567383, "objtype": 1}
    file = {"field": 651, "ccd": 13, "quad": 2, "band": "g"}
    star |= {
        "matchfiles": [file | {"nb_exposures": 3, "idx": 7, "amplitude": 0.5, "min_mag": 17.0, "max_mag": None}],
        "periods": [file | {"period": 0.25, "significance": None, "string_length": 8.5, "bin": 5}],
    }
    base = [file | {"time": 2458000.5 + day} for day in range(3)]
    values = [
        (10.0, 1.0, 17.5, 0.125, None, 3.0),
        (None, None, None, None, None, None),
        (0.0, 0.0, 16.0, None, 21.0, 9.0),
    ]
    keys = ("flux", "fluxerr", "mag", "magerr", "limmag", "snr")
    mags = [row | dict(zip(keys, own, strict=True)) for row, own in zip(base, values, strict=True)]
    fluxes = [
        row | {"flux": own[0], "fluxerr": own[1], "snr": -2.5, "magzp": 26.0 + day, "mag_ref": -8.5}
        for day, (row, own) in enumerate(zip(base, values, strict=True))
    ]

    class Star(FaultServer):
        def respond(self, request, connection):
            body = json.loads(request.partition("\r\n\r\n")[2])
            rows = fluxes if body.get("format") == "flux" else mags
            connection.sendall(json_reply([star] if "/objects" in request else {star["psid"]: rows}))

    with Star(b"") as server:
        report = ZvarClass(url=server.url).download(star["psid"], tmp_path / "star.duckdb", bands=["g"])
        assert report.stored == 1, report
    with Archive.open(tmp_path / "star.duckdb") as copy, serve(copy) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        for form, rows in (("mag", mags), ("flux", fluxes)):
            body = json.dumps({"psids": [star["psid"]], "bands": ["g"], "format": form})
            connection.request("POST", "/zvar/api/photometry", body, {"Content-Type": "application/json"})
            assert json.loads(connection.getresponse().read())[star["psid"]] == rows
        connection.request("POST", "/zvar/api/objects", json.dumps({"psids": [star["psid"]]}))
        assert json.loads(connection.getresponse().read()) == [star]
        connection.close()


def test_alerce_is_served_as_it_was(alerce, oids, tmp_path):
    archive, oids = tmp_path / "copy.duckdb", oids[::6]
    report = alerce.download([*oids, "ZTF00nobodyy"], archive)
    assert (report.stored, report.missing, report.failed) == (len(oids), 1, 0)
    assert set(report.failures["id"]) == {"ZTF00nobodyy"}
    with Archive.open(archive) as copy, serve(copy) as server:
        local = AlerceClass(url=server.url)
        for method in (*EVERY, "non_detections", "magstats", "features"):
            ours, theirs = (getattr(one, f"query_{method}")(oids) for one in (local, alerce))
            same(ours, theirs)
        ours, theirs = (one.get_lightcurves(oids, include_upper_limits=True) for one in (local, alerce))
        same(ours.data, theirs.data)
        same(local.list_classifiers(), alerce.list_classifiers())
        ours, theirs = (one.query_objects(classifier="lc_classifier", row_limit=-1) for one in (local, alerce))
        theirs = theirs[np.isin(np.asarray(theirs["oid"]), oids)]
        same(by(ours, "oid", "probability"), by(theirs, "oid", "probability"))


def test_lsst_is_served_as_it_was(sample_server, alerce, tmp_path):
    oids = sorted(set(map(str, alerce.query_objects(survey="lsst", ndet=1, row_limit=-1)["oid"])))
    report = alerce.download(oids, tmp_path / "copy.duckdb", survey="lsst")
    assert report.stored == len(oids) == 12
    with Archive.open(tmp_path / "copy.duckdb") as copy, serve(copy) as server:
        local = AlerceClass(url=server.url)
        for method in EVERY:
            ours, theirs = (getattr(one, f"query_{method}")(oids, survey="lsst") for one in (local, alerce))
            same(ours, theirs)
        ours, theirs = (one.query_object(oids, survey="lsst", survey_extra=True) for one in (local, alerce))
        same(ours, theirs)


def test_both_services_share_their_sources(zvar, alerce, sources, oids, tmp_path):
    """An object and a source at one place are one, whichever came first; and only ZVAR's are ZVAR's."""
    known = alerce.query_object(oids[:5])
    places = SkyCoord(known["ra"], known["dec"])
    match, separation, _ = places.match_to_catalog_sky(SkyCoord(sources["ra"], sources["dec"]))
    assert separation.max() < 1 * u.arcsec
    psids = list(map(str, sources["psid"][match]))
    found = []
    for order in (("zvar", "alerce"), ("alerce", "zvar")):
        path = tmp_path / f"{order[0]}.duckdb"
        for service in order:
            if service == "zvar":
                zvar.download(psids[:3], path)
            else:
                alerce.download(oids[:5], path, what="object")
        with Archive.open(path) as archive, serve(archive) as server:
            table = archive.sources()
            assert len(table) == 5
            assert dict(zip(psids[:3], oids[:3], strict=True)).items() <= set(
                zip(table["psid"], table["oid"], strict=True)
            )
            assert set(ZvarClass(url=server.url).query_region(CENTRE, radius=ALL)["psid"]) == set(psids[:3])
            found.append(archive.content_hash())
    assert found[0] == found[1]


def test_matches_are_served_as_they_were(zvar, sources, psids, sample_server, tmp_path):
    """From what was found around all sources, in several chunks; a source without any is done, too."""
    psids = [str(psid) for psid in sources["psid"][20:44]]
    online = zvar.query_crossmatch(psids, "gaia", radius="30 arcsec", closest=False)
    assert 0 < len(set(online["psid"])) < len(psids)
    assert len(set(online["source_id"])) < len(online)  # near to several
    options = {"bands": ["g"], "catalogs": ["gaia"], "match_radius": 30 * u.arcsec}
    with conf.set_temp("photometry_batch", 10):
        assert zvar.download(psids, tmp_path / "a.duckdb", **options).stored == len(psids)
    zvar.download(psids[::-1], tmp_path / "b.duckdb", **options)
    with (
        Archive.open(tmp_path / "b.duckdb") as other,
        Archive.open(tmp_path / "a.duckdb") as copy,
        serve(copy) as server,
    ):
        assert other.content_hash() == copy.content_hash()
        assert set(copy.catalog("gaia")["source_id"]) == set(online["source_id"])
        for radius, closest in (("30 arcsec", False), ("30 arcsec", True), ("2 arcsec", True)):
            ours, theirs = (
                one.query_crossmatch(psids, "gaia", radius=radius, closest=closest)
                for one in (ZvarClass(url=server.url), zvar)
            )
            same(ours, theirs)
        ours, theirs = (
            match_services(
                SkyCoord(sources["ra"], sources["dec"])[20:44], "2 arcsec", services=["zvar", "gaia"], zvar=one
            )
            for one in (ZvarClass(url=server.url), zvar)
        )
        same(ours, theirs)
        wider = zvar.download(psids, copy, catalogs="gaia", match_radius="60 arcsec")
        assert wider.stored == len(psids)
        assert len(copy.catalog("gaia")) > len(set(online["source_id"]))


def test_an_imported_catalogue_is_left_alone(zvar, psids, tmp_path):
    mine = Table({"source_id": ["1"], "ra": [0.0], "dec": [0.0]})
    with Archive.create(tmp_path / "a.duckdb") as archive:
        archive.import_catalog("Gaia", mine)
        with pytest.raises(ArchiveError, match="another catalogue 'Gaia', which was imported"):
            zvar.download(psids[:2], archive, catalogs="gaia", match_radius="2 arcsec")
        assert archive.catalog("gaia")["source_id"].tolist() == ["1"]
        assert archive.summary()["downloads"] == 0
    with Archive.create(tmp_path / "b.duckdb") as archive:
        zvar.download(psids[:1], archive, catalogs="gaia", match_radius=1e-5 * u.arcsec)
        assert len(archive.catalog("gaia")) == 0


def test_regions_and_bands(zvar, sources, tmp_path):
    centres = SkyCoord(sources["ra"], sources["dec"])[:2]
    report = zvar.download(centres, tmp_path / "a.duckdb", radius="30 arcsec", bands=["g"])
    around = zvar.query_region(centres, radius="30 arcsec")
    assert report.stored == len(set(around["psid"]))
    assert report.inputs == len(around)
    bands = "SELECT DISTINCT band FROM epochs JOIN lightcurves USING (lc) ORDER BY band"
    with Archive.open(tmp_path / "a.duckdb") as archive:
        assert archive.query(bands)["band"].tolist() == ["g"]
        again = zvar.download(around["psid"], archive)  # the other bands only
        assert again.stored == report.stored
        assert archive.query(bands)["band"].tolist() == ["g", "i", "r"]
        in_parts = archive.summary()
    zvar.download(around["psid"], tmp_path / "b.duckdb")
    with Archive.open(tmp_path / "b.duckdb") as archive:
        assert archive.summary() == in_parts


# --- killed and resumed -----------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from alerce_zvar import {service}, conf
from alerce_zvar.archive import Archive

conf.photometry_batch = 6
ids, write = open(sys.argv[2]).read().split(), Archive.write

def run(statements):
    def counted(*args, **arrays):
        nonlocal statements
        statements -= 1
        if not statements:
            os.kill(os.getpid(), signal.SIGKILL)
        return write(*args, **arrays)

    Archive.write = counted
    {service}(url=sys.argv[1]).download(ids, sys.argv[3], progress=False)
    os._exit(0)

for statements in map(int, sys.argv[4:]):
    child = os.fork() or run(statements)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
# Statements that each run writes before it is killed: in its first chunk, then in a later one.
MOMENTS = {ZvarClass: (9, 30), AlerceClass: (9, 90)}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("service", [ZvarClass, AlerceClass])
def test_killed_and_run_again_the_content_is_the_same(service, sample_server, whole, tmp_path):
    ids, content = whole[service]
    (tmp_path / "ids.txt").write_text("\n".join(ids))
    path = tmp_path / "killed.duckdb"
    Archive.create(path).close()
    script, moments = KILLED.format(service=service.__name__), list(map(str, MOMENTS[service]))
    command = [sys.executable, "-c", script, sample_server, tmp_path / "ids.txt", path, *moments]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert said.split() == [str(-signal.SIGKILL)] * len(moments)
    report = service(url=sample_server).download(ids, path)
    assert (report.known > 0, report.stored > 0, report.failed) == (True, True, 0)
    assert report.known + report.stored == len(ids)
    assert held(path) == content


FULL = """
import os, resource, sys
from alerce_zvar import ZvarClass
from alerce_zvar.archive import Archive
from alerce_zvar.errors import ArchiveError
ids = open(sys.argv[2]).read().split()
with Archive.create(sys.argv[3]) as archive:
    zvar = ZvarClass(url=sys.argv[1])
    zvar.download(ids[:12], archive)
    largest = max(os.path.getsize(name) for name in (sys.argv[3], sys.argv[3] + ".wal"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 100_000, resource.RLIM_INFINITY))
    try:
        zvar.download(ids, archive)
    except ArchiveError as exc:
        print(exc, flush=True)
    os._exit(0)  # as the process of a full disk ends: nothing more can be written
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX's")
def test_a_full_disk(zvar, sample_server, whole, tmp_path):
    ids, content = whole[ZvarClass]
    (tmp_path / "ids.txt").write_text("\n".join(ids))
    path = tmp_path / "full.duckdb"
    command = [sys.executable, "-c", FULL, sample_server, tmp_path / "ids.txt", path]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "cannot be written" in said
    assert "12 of the download are kept" in said
    report = zvar.download(ids, path)
    assert (report.known, report.stored) == (12, len(ids) - 12)
    assert held(path) == content


def test_an_archive_that_cannot_be_written(zvar, psids, tmp_path):
    Archive.create(tmp_path / "a.duckdb").close()
    with (
        Archive.open(tmp_path / "a.duckdb", read_only=True) as archive,
        pytest.raises(ArchiveError, match="reading only"),
    ):
        zvar.download(psids, archive)


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", [ZvarClass, AlerceClass])
def test_faults_lose_nothing(service, sample_server, whole, tmp_path):
    ids, content = whole[service]
    clock = Clock()
    faults = {"503": 0.05, "cut": 0.05, "stall": 0.02}
    with conf.set_temp("photometry_batch", 3), Faulty(sample_server, faults, clock, (20, 60.0)) as server:
        report = patient(service, server.url, clock).download(ids, tmp_path / "faulty.duckdb")
    assert {*faults, "outage"} == set(server.made)
    assert report.stored == len(ids) == report.inputs, report.failures.pformat(max_width=-1, max_lines=-1)
    assert held(tmp_path / "faulty.duckdb") == content


def test_answers_that_come_late_are_no_sign_of_life(sample_server, whole, tmp_path):
    """In an outage, one chunk of photometry after another comes that was asked for before."""
    turns = count(1)

    class Late(Faulty):
        def respond(self, request, connection):
            turn = next(turns) if "/photometry" in request else conf.max_connections
            if turn >= conf.max_connections:
                super().respond(request, connection)
                return
            while self.made.count("outage") < 12 * turn:
                time.sleep(0.002)
            connection.sendall(self._passed_on(request))

    (ids, content), clock = whole[ZvarClass], Clock()
    with conf.set_temp("photometry_batch", 2), Late(sample_server, {}, clock, (18, 200.0)) as server:
        report = patient(ZvarClass, server.url, clock).download(ids, tmp_path / "late.duckdb")
    assert report.stored == len(ids), report.failures.pformat(max_width=-1, max_lines=-1)
    assert held(tmp_path / "late.duckdb") == content


def test_an_outage_among_the_regions(sample_server, sources, tmp_path):
    clock, centres = Clock(), SkyCoord(sources["ra"], sources["dec"])[:4]
    with Faulty(sample_server, {}, clock, (2, 100.0)) as server:
        report = patient(ZvarClass, server.url, clock).download(centres, tmp_path / "a.duckdb", radius="2 arcsec")
    assert server.made.count("outage") > conf.max_retries
    assert report.stored == len(set(sources["psid"][:4])) == 4


def test_an_outage_that_does_not_end(sample_server, psids, tmp_path):
    clock = Clock()
    few = conf.set_temp("photometry_batch", 5), conf.set_temp("max_connections", 2)
    with few[0], few[1], Faulty(sample_server, {}, clock, (9, 1e9)) as server:
        with pytest.raises(UnavailableError, match=r"answers no more; (\d+) are kept. Run it again") as caught:
            patient(ZvarClass, server.url, clock).download(psids, tmp_path / "a.duckdb")
        assert clock() - server.gone > conf.download_patience
    kept = int(re.search(r"(\d+) are kept", str(caught.value))[1])
    assert kept > 0
    with Archive.open(tmp_path / "a.duckdb") as archive:
        assert set(archive.query("SELECT state FROM downloads")["state"]) == {"done"}
    report = ZvarClass(url=sample_server).download(psids, tmp_path / "a.duckdb")
    assert (report.known, report.stored) == (kept, MANY - kept)


def test_one_source_at_which_the_service_fails_loses_no_other(sample_server, psids, tmp_path):
    class Picky(Faulty):
        def respond(self, request, connection):
            if f'"{psids[7]}"' in request.partition("\r\n\r\n")[2] and "/photometry" in request:
                connection.sendall(json_reply({"detail": "division by zero"}, 500))
            else:
                super().respond(request, connection)

    clock = Clock()
    with Picky(sample_server, {}, clock) as server:
        zvar = patient(ZvarClass, server.url, clock)
        report = zvar.download(psids, tmp_path / "a.duckdb")
        assert (report.stored, report.failed) == (MANY - 1, 1)
        assert set(report.failures["id"]) == {psids[7]}
        assert "division by zero" in report.failures["reason"][0]
        assert set(report.failures["what"]) == {"light curve g", "light curve r", "light curve i"}
        assert "1 failed" in str(report)
    report = ZvarClass(url=sample_server).download(psids, tmp_path / "a.duckdb")  # failures are asked for again
    assert (report.known, report.stored, len(report.failures)) == (MANY - 1, 1, 0)


def test_a_refused_login_stops_it(sample_server, psids, tmp_path, monkeypatch):
    monkeypatch.setenv("ZVAR_PASSWORD", "wrong")
    with pytest.raises(LoginError, match="401"):
        ZvarClass(url=sample_server).download(psids, tmp_path / "a.duckdb")
    with Archive.open(tmp_path / "a.duckdb") as archive:
        assert archive.summary()["downloads"] == 0


# --- what it takes, and what it says ----------------------------------------------------------------------------------


def test_what_the_service_lacks_is_asked_for_once(sample_server, psids, tmp_path):
    clock, ids = Clock(), ["1", psids[0], "2"]
    with Archive.create(tmp_path / "a.duckdb") as archive, Faulty(sample_server, {}, clock) as server:
        zvar = ZvarClass(url=server.url)
        report = zvar.download(ids, archive)
        assert (report.inputs, report.stored, report.missing) == (3, 1, 2)
        assert set(report.failures["state"]) == {"missing"}
        asked = len(server.requests)
        report = zvar.download(ids, archive)
        assert (report.known, report.missing, len(server.requests)) == (1, 2, asked)
        assert set(report.failures["reason"]) == {"the service knows no such id"}
        zvar.download(ids, archive, retry_failed=True)
        assert len(server.requests) == asked + 1
        assert sorted(json.loads(server.requests[-1].partition("\r\n\r\n")[2])["psids"]) == ["1", "2"]


def test_ids_come_as_they_are_needed(zvar, psids, tmp_path):
    """An iterator is read ahead of the answers by some chunks, no more; repeated ids are asked for once."""
    stop = 100_000
    read = iter(chain(psids, psids, (str(number) for number in range(1, stop))))
    told = []

    def tell(done, total, what):
        told.append((done, total))
        if done > 2 * MANY:
            raise StopIteration

    with pytest.raises((StopIteration, RuntimeError)):
        zvar.download(read, tmp_path / "a.duckdb", progress=tell)
    assert int(next(read)) < 2000
    assert {total for _, total in told} == {None}
    with Archive.open(tmp_path / "a.duckdb") as archive:
        assert archive.summary()["sources"] == MANY
    report = zvar.download([*psids, *psids, int(psids[0])], tmp_path / "a.duckdb")
    assert (report.inputs, report.known) == (2 * MANY + 1, 2 * MANY + 1)


def test_a_bar_where_somebody_looks(zvar, psids, tmp_path, capsys):
    zvar.download(psids[:5], tmp_path / "a.duckdb")
    assert capsys.readouterr().err == ""
    zvar.download(psids, tmp_path / "a.duckdb", progress=True)
    said = capsys.readouterr()
    assert f"{MANY}/{MANY}" in said.err
    assert "obj/s" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("arguments", "options", "error", "word"),
    [
        ((["1"],), {"radius": 5 * u.arcsec}, ValueError, "radius"),
        ((CENTRE,), {}, ValueError, "radius"),
        ((CENTRE,), {"radius": 5}, u.UnitsError, "radius"),
        ((CENTRE,), {"radius": "11 arcmin"}, ValueError, "radius"),
        (([1.5],), {}, TypeError, "ids"),
        ((["12", "x"],), {}, ValueError, "ids"),
        ((["12"],), {"bands": ["z"]}, ValueError, "bands"),
        ((["12"],), {"bands": []}, ValueError, "bands"),
        ((["12"],), {"catalogs": ["simbad"], "match_radius": "2 arcsec"}, ValueError, "catalogs.*'simbad'"),
        ((["12"],), {"catalogs": ["gaia"]}, ValueError, "match_radius"),
        ((["12"],), {"match_radius": "2 arcsec"}, ValueError, "match_radius"),
        ((["12"],), {"catalogs": ["gaia"], "match_radius": 2}, u.UnitsError, "radius"),
    ],
)
def test_what_cannot_be_used_is_refused_before_any_request(arguments, options, error, word, tmp_path):
    with FaultServer(json_reply([])) as server:
        with pytest.raises(error, match=word):
            ZvarClass(url=server.url).download(*arguments, tmp_path / "a.duckdb", **options)
        assert server.requests == []
    assert not (tmp_path / "a.duckdb").exists()


@pytest.mark.parametrize(
    ("options", "word"),
    [({"what": "magic"}, "what"), ({"what": []}, "what"), ({"survey": "atlas"}, "survey")],
)
def test_what_there_is_of_an_object(alerce, options, word, tmp_path):
    with pytest.raises(ValueError, match=word):
        alerce.download("ZTF18aaaaaaa", tmp_path / "a.duckdb", **options)
    with pytest.raises(ValueError, match="magstats"):
        alerce.download("12", tmp_path / "a.duckdb", survey="lsst", what=["magstats"])


# --- the content's number ---------------------------------------------------------------------------------------------


def test_the_hash_is_of_the_content_alone(zvar, psids, tmp_path):
    zvar.download(psids, tmp_path / "a.duckdb")
    with conf.set_temp("photometry_batch", 7):
        zvar.download(psids[::-1], tmp_path / "b.duckdb")
    with Archive.open(tmp_path / "a.duckdb") as a, Archive.open(tmp_path / "b.duckdb") as b:
        first = a.content_hash()
        assert re.fullmatch("[0-9a-f]{64}", first)
        assert b.content_hash() == first
        curves = [one.query("SELECT lc, psid FROM lightcurves ORDER BY lc")["psid"] for one in (a, b)]
        assert not np.array_equal(*curves)
        a.write("DELETE FROM downloads")
        assert a.content_hash() == first
        for change in (
            "UPDATE epochs SET bjd = bjd + 1e-6 WHERE key = 3",
            "UPDATE lightcurves SET amplitude = NULL WHERE lc = 2",
            "DELETE FROM periods WHERE psid = (SELECT min(psid) FROM periods)",
            "INSERT INTO sources BY NAME FROM (FROM sources LIMIT 1)",
        ):
            before = b.content_hash()
            b.write(change)
            assert b.content_hash() != before, change


def test_answers_at_hand_are_kept_too(zvar, sources, psids, tmp_path):
    """`Archive.import_zvar` takes what the methods gave; the same as a download, but for what was not asked."""
    zvar.download(psids, tmp_path / "a.duckdb")
    curves = {form: zvar.get_lightcurves(psids, bands=None, format=form) for form in ("mag", "flux")}
    with Archive.open(tmp_path / "a.duckdb") as a, Archive.create(tmp_path / "b.duckdb") as b:
        b.import_zvar(sources=zvar.query_objects(psids), **curves)
        assert b.content_hash() == a.content_hash()
        b.import_zvar(sources=zvar.query_objects(psids), **curves)
        assert b.content_hash() == a.content_hash()
        with pytest.raises(ValueError, match="both formats"):
            b.import_zvar(mag=curves["mag"])
        with pytest.raises(ArchiveError, match="not of the same exposures"):
            b.import_zvar(mag=curves["mag"][:3], flux=curves["flux"][1:4])
        moved = zvar.get_lightcurves(psids[:2], bands=None, midpoint=True)
        with pytest.raises(ArchiveError, match="midpoint"):
            b.import_zvar(mag=moved, flux=curves["flux"][:2])
        assert b.content_hash() == a.content_hash()
    with Archive.create(tmp_path / "c.duckdb") as c, pytest.raises(ArchiveError, match="does not know the source"):
        c.import_zvar(**curves)


def test_a_source_without_light_curves_keeps_its_number(zvar, psids, tmp_path):
    """It is ZVAR's own; the next one at its place is another."""
    sources = zvar.query_objects(psids[:2])
    sources["ra"][1], sources["dec"][1] = sources["ra"][0], sources["dec"][0]
    sources.with_companions(lightcurves=sources.lightcurves[:0], periods=sources.periods[:0])
    with Archive.create(tmp_path / "a.duckdb") as archive:
        for one in (sources[:1], sources[1:]):
            archive.import_zvar(sources=one)
        assert set(archive.sources()["psid"]) == set(psids[:2])


def test_periods_are_computed_beside_those_that_were_told(zvar, psids, tmp_path):
    with Archive.create(tmp_path / "a.duckdb") as archive:
        zvar.download(psids[:3], archive)
        periods = "SELECT * FROM periods WHERE place IS NOT NULL ORDER BY psid, place, band"
        told = archive.query(periods)
        archive.write("DELETE FROM periods WHERE bin = 5 AND band = 'g'")
        without = archive.query(periods)
        report = archive.compute_periods(n_bins=5, minimum_period=2 * u.d, maximum_period=3 * u.d)
        assert report.searched > len(told["psid"]) - len(without["psid"]) > 0
        assert np.array_equal(archive.query(periods)["period"], without["period"])


# --- the command line -------------------------------------------------------------------------------------------------


def test_from_the_command_line(sample_server, psids, oids, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    server = ["--server", sample_server]
    (tmp_path / "ids.txt").write_text("\n".join(psids[1:4]))
    assert cli.main(["download", "zvar", "sky.duckdb", psids[0], "--from", "ids.txt", *server]) == 0
    assert "4 of 4 are in the archive: 4 new" in capsys.readouterr().out
    assert cli.main(["download", "zvar", "sky.duckdb", *psids[:5], "1", "--failures", "f.ecsv", *server]) == 3
    assert "5 of 6 are in the archive: 1 new, 4 known already; 1 the service does not have" in capsys.readouterr().out
    failures = Table.read("f.ecsv", format="ascii.ecsv")
    assert set(failures["id"]) == {"1"} or set(failures["id"]) == {1}
    assert cli.main(["download", "alerce", "sky.duckdb", oids[0], "--what", "object,features", *server]) == 0
    assert "ALeRCE ZTF: 1 of 1" in capsys.readouterr().out
    with Archive.open("sky.duckdb", read_only=True) as archive:
        counts = archive.summary()
        assert (counts["objects"], counts["detections"]) == (1, 0)
        assert counts["features"] > 0
    cone = ["--cone", f"{CENTRE.ra.deg} {CENTRE.dec.deg:+}", "--radius", "1arcmin"]
    around = ZvarClass(url=sample_server).query_region(CENTRE, radius="1 arcmin")
    more = ["--bands", "g", "--catalogs", "gaia", "--match-radius", "2arcsec"]
    assert cli.main(["download", "zvar", "cone.duckdb", *cone, *more, *server]) == 0
    assert f"{len(around)} of {len(around)} are" in capsys.readouterr().out
    with Archive.open("cone.duckdb", read_only=True) as archive:
        assert archive.catalogs()["name"].tolist() == ["gaia"]


@pytest.mark.parametrize(
    "words", [["--radius", "1arcmin", "12"], ["--cone", "0.8 +30.9"], [], ["12", "--catalogs", "gaia"]]
)
def test_wrong_usage_of_the_command(words, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["download", "zvar", str(tmp_path / "a.duckdb"), *words])
    assert caught.value.code == 2
    assert not (tmp_path / "a.duckdb").exists()


def test_the_command_says_how_to_go_on(sample_server, sources, tmp_path):
    command = [sys.executable, "-m", "alerce_zvar", "download", "zvar", tmp_path / "a.duckdb", "--from", "-"]
    running = subprocess.Popen(
        [*command, "--server", sample_server],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running.stdin.write("\n".join(map(str, sources["psid"])))
    running.stdin.close()
    running.stdin = None  # communicate would write to it
    written = tmp_path / "a.duckdb.wal"
    while not (written.exists() and written.stat().st_size > 200_000):  # more than an empty archive is
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    kept = int(re.search(r"interrupted: (\d+) are kept. Run it again to go on.", said)[1])
    report = ZvarClass(url=sample_server).download(sources["psid"][:20], tmp_path / "a.duckdb")
    assert report.known >= min(kept, 20)
    assert report.known + report.stored == 20
