"""The local TAP service, as pyvo sees it (reference/alerce.md 9)."""

import csv
import io
import json
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvo
import requests
import tap_sky
import urllib3
from astropy.io.votable import parse_single_table
from astropy.table import Table
from pyvo.dal import DALQueryError, DALServiceError

from alerce_zvar.alerce.schema import tap as schema
from alerce_zvar.archive import Archive
from alerce_zvar.server import serve
from alerce_zvar.server.tap import answer, job_routes, jobs, routes
from alerce_zvar.votable import read_votable

pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with tap_sky.build(tmp_path_factory.mktemp("tap") / "sky.duckdb") as archive:
        yield archive


@pytest.fixture(scope="module")
def url(archive):
    with serve(archive) as server:
        yield f"{server.url}/tap"


class WholeBodies(requests.Session):
    """Reads every body to its end: pyvo leaves the ends unread, and connections open, of which Python warns."""

    def send(self, request, **options):
        response = super().send(request, **options)
        body = response.raw.read(decode_content=True)
        response.close()
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
        return response


@pytest.fixture(scope="module")
def service(url):
    with WholeBodies() as session:
        yield pyvo.dal.TAPService(url, session=session)


@pytest.fixture(scope="module")
def oids(archive):
    return archive.query("SELECT oid FROM objects ORDER BY oid")["oid"].tolist()


def rows(service, adql, **options):
    return service.search(adql, **options).to_table()


def refused(url, adql, **parameters):
    """Words with which a query is refused."""
    reply = requests.post(f"{url}/sync", data={"QUERY": adql, "LANG": "ADQL"} | parameters)
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/x-votable+xml"
    status, words = read_votable(reply.content).status
    assert status == "ERROR"
    return words


# tables and columns


def test_the_tables_are_those_of_the_service_with_its_columns_and_datatypes(service, real_data):
    """Every column of Appendix A, in the tables that an archive can hold."""
    contract = (real_data.parent / "reference" / "alerce.md").read_text(encoding="utf-8")
    appendix = contract.partition("## Appendix A")[2]
    served = {table.name: table for table in service.tables}
    assert {table.name for table in schema.TABLES} <= set(served)
    checked = 0
    for line in appendix.splitlines():
        name = line.partition("`")[2].partition("`")[0]
        if name not in served:
            continue
        wanted = {}
        for column in line.partition("): ")[2].split(", "):
            left, _, datatype = column.partition(":")
            wanted[left] = datatype.partition("[")[0].rstrip("*")
        assert {c.name: c.datatype.content for c in served[name].columns} == wanted
        checked += 1
    assert checked == 15


def test_columns_have_units_ucds_and_descriptions(service):
    columns = {column.name: column for column in service.tables["ztf.detection"].columns}
    assert all(column.description for column in columns.values())
    assert (str(columns["mjd"].unit), columns["mjd"].ucd) == ("d", "time.epoch")
    assert str(columns["magpsf"].unit) == "mag"
    assert columns["oid"].datatype.arraysize == "*"
    assert service.tables["alerce_tap.lsst_detection"].columns[4].name == "visit"
    assert {str(c.unit) for c in service.tables["alerce_tap.lsst_detection"].columns if c.name == "psfflux"} == {"nJy"}


def test_tap_schema_says_the_same(service):
    tables = rows(service, "SELECT * FROM TAP_SCHEMA.tables")
    assert set(tables["table_name"]) == {table.name for table in service.tables}
    columns = rows(service, "SELECT table_name, column_name, datatype, unit, arraysize FROM tap_schema.columns")
    found = {(row["table_name"], row["column_name"]): (row["datatype"], row["unit"]) for row in columns}
    assert len(found) == len(columns) == sum(len(table.columns) for table in service.tables)
    assert found["ztf.detection", "pid"] == ("double", "")
    assert found["ztf.forced_photometry", "parent_candid"] == ("char", "")
    assert found["ztf.object", "ndethist"] == ("int", "")
    assert found["alerce_tap.probability", "classifier_version"] == ("short", "")
    assert ("ztf.probability", "lastmjd") not in found
    schemas = rows(service, "SELECT schema_name FROM tap_schema.schemas")
    assert {"ztf", "alerce_tap", "tap_schema", "catalogs"} == set(schemas["schema_name"])


def test_keys_join_columns_that_are_there(service):
    keys = rows(
        service,
        "SELECT k.from_table, k.target_table, c.from_column, c.target_column FROM tap_schema.keys AS k "
        "JOIN tap_schema.key_columns AS c ON k.key_id = c.key_id",
    )
    names = {table.name: {column.name for column in table.columns} for table in service.tables}
    assert len(keys) > 20
    assert all(row["from_column"] in names[row["from_table"]] for row in keys)
    assert all(row["target_column"] in names[row["target_table"]] for row in keys)


def test_every_column_of_every_table_can_be_had(service):
    for table in service.tables:
        found = service.search(f"SELECT TOP 3 * FROM {table.name}")
        assert [field.name for field in found.resultstable.fields] == [column.name for column in table.columns]
        described = {column.name: column for column in table.columns}
        for field in found.resultstable.fields:
            assert field.datatype in (described[field.name].datatype.content, "unicodeChar"), field.name


def test_capabilities(service):
    assert service.maxrec == answer.DEFAULT_ROWS
    assert service.hardlimit == answer.MOST_ROWS
    assert [method.ivo_id for method in service.upload_methods] == ["ivo://ivoa.net/std/TAPRegExt#upload-inline"]
    language = service.get_tap_capability().get_adql()
    assert language.get_feature("ivo://ivoa.net/std/TAPRegExt#features-adqlgeo", "POINT")
    assert not language.get_feature("ivo://ivoa.net/std/TAPRegExt#features-adqlgeo", "POLYGON")
    urls = [i.accessurls[0].content for c in service.capabilities for i in c.interfaces]
    assert service.baseurl in urls


def test_availability_and_one_table(url):
    assert "<vosi:available>true<" in requests.get(f"{url}/availability").text
    assert "<name>ztf.object</name>" in requests.get(f"{url}/tables/ztf.object").text
    assert requests.get(f"{url}/tables/ztf.nothing").status_code == 404
    assert "<column>" not in requests.get(f"{url}/tables?detail=min").text


def test_unknown_paths_are_answered_in_votable(url):
    reply = requests.get(f"{url}/nonsense")
    assert reply.status_code == 404
    assert "nothing at /tap/nonsense" in read_votable(reply.content).status[1]


def test_pyvo_needs_nothing_but_the_address(url):
    """In a process of its own, where pyvo's own session is used."""
    code = """
import sys, pyvo
from astropy.table import Table
service = pyvo.dal.TAPService(sys.argv[1])
oid = service.search("SELECT TOP 1 oid FROM ztf.object ORDER BY oid")["oid"][0]
uploads = {"mine": Table({"id": [oid]})}
adql = "SELECT o.oid FROM tap_upload.mine AS u JOIN ztf.object AS o ON o.oid = u.id"
found = [service.run_sync(adql, uploads=uploads)["oid"][0], service.run_async(adql, uploads=uploads)["oid"][0]]
print(len(service.tables), len(service.tables["ztf.object"].columns), found == [oid, oid])
"""
    run = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == ["23", "22", "True"]


# answers


@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [(0.0, 0.0, 0.5), (359.9, 0.1, 0.7), (10.0, 90.0, 0.4), (200.0, -90.0, 0.9), (300.0, 89.6, 0.5), (100.5, 40.5, 0.3),
     (0.0, 0.0, 180.0), (100.5, 40.5, 1e-9), (0.0, -89.999, 5.0)],
)  # fmt: skip
@pytest.mark.parametrize("form", ["contains", "distance", "four", "intersects", "upload"])
def test_a_cone_is_that_of_the_archive(service, archive, ra, dec, radius, form):
    found = archive.cone_search(np.array([ra]), np.array([dec]), np.array([radius * 3600]))
    known = archive.query("SELECT psid, oid FROM sources WHERE oid IS NOT NULL")
    by_psid = dict(zip(known["psid"].tolist(), known["oid"].tolist(), strict=True))
    expected = {by_psid[psid] for psid in found["psid"].tolist() if psid in by_psid}
    uploads = None
    if form == "upload":
        uploads = {"cone": Table({"ra": [ra], "dec": [dec], "r": [radius]})}
        condition = "1 = CONTAINS(POINT(o.meanra, o.meandec), CIRCLE(u.ra, u.dec, u.r))"
        adql = f"SELECT o.oid FROM ztf.object AS o, TAP_UPLOAD.cone AS u WHERE {condition}"
    else:
        condition = {
            "contains": f"CONTAINS(POINT('ICRS', meanra, meandec), CIRCLE('ICRS', {ra}, {dec}, {radius})) = 1",
            "distance": f"DISTANCE(POINT('ICRS', meanra, meandec), POINT('ICRS', {ra}, {dec})) <= {radius}",
            "four": f"{radius} >= DISTANCE({ra}, {dec}, meanra, meandec)",
            "intersects": f"0 <> INTERSECTS(CIRCLE(POINT({ra}, {dec}), {radius}), POINT(meanra, meandec))",
        }[form]
        adql = f"SELECT oid FROM ztf.object WHERE {condition}"
    assert set(rows(service, adql, uploads=uploads)["oid"]) == expected
    if radius > 1:
        assert len(expected) in (60, 240)


def test_outside_a_cone_is_the_rest(service, oids):
    cone = "CONTAINS(POINT('ICRS', meanra, meandec), CIRCLE('ICRS', 100.5, 40.5, 2))"
    inside = rows(service, f"SELECT oid FROM ztf.object WHERE {cone} = 1")
    outside = rows(service, f"SELECT oid FROM ztf.object WHERE {cone} = 0")
    assert len(inside) == 60
    assert sorted([*inside["oid"], *outside["oid"]]) == oids


def test_distances_are_great_circles(service):
    found = rows(
        service,
        "SELECT TOP 1 DISTANCE(359.5, 0, 0.5, 0) AS a, DISTANCE(0, 90, 123, 89) AS b, DISTANCE(10, 20, 10, 20) AS c, "
        "DISTANCE(POINT(0, 0), POINT(180, 0)) AS d, DISTANCE(10, 20, 10, 20.0000001) AS e, COORD2(POINT('ICRS', 5, 6)) "
        "AS f, CONTAINS(CIRCLE(0, 0, 1), CIRCLE(0.5, 0, 2)) AS g, INTERSECTS(CIRCLE(0, 0, 1), CIRCLE(3, 0, 1.5)) AS h "
        "FROM ztf.object",
    )
    values = [found[name][0] for name in "abcdefgh"]
    assert values == pytest.approx([1, 1, 0, 180, 1e-7, 6, 1, 0], rel=1e-6)


def test_join_of_objects_and_probabilities(service, archive, oids):
    found = rows(
        service,
        "SELECT o.oid, o.ndet, p.class_name, p.probability FROM ztf.object AS o JOIN ztf.probability AS p USING (oid) "
        "WHERE p.ranking = 1 AND p.classifier_name = 'lc_classifier' ORDER BY o.oid",
    )
    assert list(found["oid"]) == oids
    assert set(found["class_name"]) == {"RRL"}
    assert found["probability"].dtype == np.float32
    assert found["ndet"].sum() == archive.query("SELECT sum(ndet)::BIGINT AS n FROM objects")["n"][0]


def test_upload_of_five_thousand_ids(service, oids):
    wanted = Table({"object_id": [f"ZTF99{i:07d}" for i in range(5000 - len(oids))] + oids})
    found = service.run_sync(
        "SELECT u.object_id, o.ndet FROM TAP_UPLOAD.wanted AS u LEFT JOIN ztf.object AS o ON o.oid = u.object_id",
        uploads={"wanted": wanted},
    ).to_table()
    assert sorted(found["object_id"]) == sorted(wanted["object_id"])
    assert (~np.ma.getmaskarray(found["ndet"])).sum() == len(oids) == 240


def test_uploaded_types(service):
    mine = Table({"Big": [2**62 + 1, 3], "flag": [True, False], "f": np.array([1.5, np.nan], "f4"), "t": ["ä", "b c"]})
    mine["masked"] = np.ma.array([7, 8], mask=[True, False])
    found = rows(
        service, 'SELECT m.*, "Big" + 1 AS more FROM tap_upload.mine AS m WHERE big > 0', uploads={"mine": mine}
    )
    assert found.colnames == ["Big", "flag", "f", "t", "masked", "more"]
    assert list(found["Big"]) == [2**62 + 1, 3]
    assert list(found["more"]) == [2**62 + 2, 4]
    assert list(found["flag"]) == [True, False]
    assert list(found["t"]) == ["ä", "b c"]
    assert list(np.ma.getmaskarray(found["masked"])) == [True, False]


def test_an_uploaded_column_must_not_be_called_oid(service):
    with pytest.raises(DALQueryError, match="must not be called oid"):
        service.search("SELECT * FROM tap_upload.ids", uploads={"ids": Table({"oid": ["a"]})})


def test_a_column_called_value_must_be_quoted(service):
    with pytest.raises(
        DALQueryError, match='value is a reserved word of ADQL; a column of that name is written "value"'
    ):
        service.search("SELECT value FROM ztf.feature")
    found = rows(service, 'SELECT oid, "value" FROM ztf.feature WHERE name = \'Power_rate_1/2\' AND "value" > 5')
    assert found["value"].min() == 5.5


def test_classes_of_the_taxonomy_are_text(service):
    assert rows(service, "SELECT classes FROM ztf.taxonomy")["classes"][0] == "RRL,E,CV/Nova"


def test_ids_are_exact(service, archive, oids):
    found = rows(
        service, f"SELECT candid, pid, parent_candid FROM ztf.detection WHERE oid = '{oids[0]}' ORDER BY candid"
    )
    stored = archive.query("SELECT candid, pid FROM detections WHERE oid = ? ORDER BY candid", [oids[0]])
    assert found["candid"].dtype == np.int64
    assert list(found["candid"]) == list(stored["candid"])
    assert found["pid"].dtype == np.float64  # as at the service; 13 digits are exact
    assert [int(pid) for pid in found["pid"]] == list(stored["pid"])
    assert np.ma.getmaskarray(found["parent_candid"]).all()
    forced = rows(service, f"SELECT pid, parent_candid FROM ztf.forced_photometry WHERE oid = '{oids[0]}'")
    assert set(forced["parent_candid"]) == {"2500000000000000123"}
    assert rows(service, f"SELECT oid FROM alerce_tap.object WHERE oid = {tap_sky.LSST_OID}")["oid"][0] == int(
        tap_sky.LSST_OID
    )


def test_lsst_tables_join(service):
    found = rows(
        service,
        "SELECT d.oid, d.band, d.mjd, f.psfflux FROM alerce_tap.forced_photometry AS d JOIN "
        "alerce_tap.lsst_forced_photometry AS f USING (oid, sid, measurement_id) ORDER BY d.mjd",
    )
    assert list(found["psfflux"]) == list(100.0 + np.arange(12))  # all of them: the REST service gives 10
    assert set(found["band"]) == {6}
    named = rows(
        service,
        "SELECT p.classifier_version, t.class_name, c.classifier_name FROM alerce_tap.probability AS p JOIN "
        "alerce_tap.taxonomy AS t USING (class_id, classifier_id) JOIN alerce_tap.classifier AS c "
        "USING (classifier_id) ORDER BY p.ranking",
    )
    assert [tuple(row) for row in named] == [(201, name, "stamp_classifier_rubin_beta") for name in ("SN", "AGN")]


def test_magstats_are_those_of_the_other_service(service, url, oids):
    theirs = requests.get(f"{url.removesuffix('/tap')}/ztf/v1/objects/{oids[0]}/magstats").json()
    found = rows(service, f"SELECT * FROM ztf.magstat WHERE oid = '{oids[0]}' ORDER BY fid")
    assert [row["fid"] for row in theirs] == list(found["fid"])
    assert [row["firstmjd"] for row in theirs] == list(found["firstmjd"])
    assert [row["ndet"] for row in theirs] == list(found["ndet"])


def test_catalogues_of_the_archive(service):
    found = service.search(
        'SELECT name, id, ra FROM catalogs.my_stars WHERE 1 = CONTAINS(POINT(ra, "dec"), CIRCLE(10, 1, 1))'
    )
    assert [tuple(row) for row in found.to_table()] == [("ä star", 2**60 + 1, 10.0)]
    assert found.resultstable.get_field_by_id_or_name("name").description == "What it is called"
    assert str(found.resultstable.get_field_by_id_or_name("ra").unit) == "deg"


# formats and limits


def test_formats(url, oids):
    adql = f"SELECT oid, ndet, meanra, stellar, g_r_max FROM ztf.object WHERE oid = '{oids[0]}'"
    bodies = {}
    for kind in (
        "votable",
        "votable/td",
        "application/x-votable+xml; serialization=TABLEDATA",
        "text/xml",
        "csv",
        "json",
    ):
        reply = requests.get(f"{url}/sync", params={"query": adql, "lang": "ADQL-2.1", "format": kind})
        assert reply.status_code == 200
        bodies[kind] = reply
    first = parse_single_table(io.BytesIO(bodies["votable"].content)).to_table()
    assert bodies["votable"].headers["content-type"] == "application/x-votable+xml"
    assert bodies["text/xml"].headers["content-type"].startswith("text/xml")
    assert "<TABLEDATA>" in bodies["votable/td"].text
    for kind in list(bodies)[:4]:
        table = parse_single_table(io.BytesIO(bodies[kind].content)).to_table()
        assert [tuple(row) for row in table] == [tuple(row) for row in first]
    ((header, row),) = [list(csv.reader(io.StringIO(bodies["csv"].text)))]
    assert header == ["oid", "ndet", "meanra", "stellar", "g_r_max"]
    assert (row[0], int(row[1]), float(row[2])) == (first["oid"][0], first["ndet"][0], first["meanra"][0])
    content = json.loads(bodies["json"].text)
    assert [column["name"] for column in content["columns"]] == header
    assert content["data"][0][:3] == [first["oid"][0], first["ndet"][0], first["meanra"][0]]
    tsv = requests.get(f"{url}/sync", params={"QUERY": adql, "LANG": "ADQL", "RESPONSEFORMAT": "tsv"}).text
    assert tsv.splitlines()[0] == "\t".join(header)


def test_errors_are_votables_whatever_the_format(url):
    assert "no column nothing" in refused(url, "SELECT nothing FROM ztf.object", FORMAT="json")
    assert "no column nothing" in refused(url, "SELECT nothing FROM ztf.object", RESPONSEFORMAT="csv")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"FORMAT": "fits"}, "FORMAT 'fits' is not written here"),
        ({"LANG": "PQL"}, "LANG 'PQL' is not known"),
        ({"REQUEST": "getCapabilities"}, "REQUEST 'getCapabilities' is not known"),
        ({"MAXREC": "-1"}, "MAXREC '-1' is not a whole number"),
        ({"MAXREC": "many"}, "MAXREC 'many' is not a whole number"),
        ({"QUERY": ""}, "QUERY is missing"),
        ({"UPLOAD": "x"}, "not of the form name,param:part"),
        ({"UPLOAD": "x,http://127.0.0.1:1/a"}, "is not fetched"),
        ({"UPLOAD": "x,file:///etc/passwd"}, "is not fetched"),
        ({"UPLOAD": "x,param:nothing"}, "has no part 'nothing'"),
        ({"UPLOAD": "a b,param:c"}, "not of the form"),
        ({"UPLOAD": "x,param:y;X,param:y", "y": "z"}, "given twice"),
        ({"UPLOAD": "x,param:y", "y": "no table"}, "not well-formed XML"),
    ],
)
def test_parameters_that_are_refused(url, parameters, words):
    assert words in refused(url, "SELECT TOP 1 * FROM ztf.object", **parameters)


def test_a_body_that_is_no_form(url):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = requests.post(f"{url}/sync", data=b"nonsense", headers=headers)
    assert reply.status_code == 400
    assert read_votable(reply.content).status[0] == "ERROR"


def test_a_body_that_is_too_large(url, monkeypatch):
    from alerce_zvar.server.tap import forms

    monkeypatch.setattr(forms, "_LARGEST_BODY", 10_000)
    assert "larger than 10000 bytes" in refused(url, "SELECT 1 " + "x" * 20_000)


def test_overflow(service, url):
    found = service.search("SELECT oid FROM ztf.object", maxrec=10)
    with pytest.warns(pyvo.dal.DALOverflowWarning):
        found.check_overflow_warning(11)
    assert len(found) == 10
    assert found.query_status == "OVERFLOW"
    whole = service.search("SELECT TOP 10 oid FROM ztf.object", maxrec=10)
    assert whole.query_status == "OK"
    reply = requests.get(f"{url}/sync", params={"QUERY": "SELECT oid FROM ztf.object", "LANG": "ADQL", "MAXREC": 0})
    nothing = read_votable(reply.content)
    assert (nothing.status[0], len(nothing.columns[0]), nothing.fields[0].name) == ("OVERFLOW", 0, "oid")


def test_an_empty_answer_has_its_columns(service):
    found = rows(service, "SELECT oid, ndet, meanra FROM ztf.object WHERE ndet > 1000000")
    assert (found.colnames, len(found)) == (["oid", "ndet", "meanra"], 0)


ENDLESS = (
    "SELECT count(*) AS n FROM ztf.detection a, ztf.detection b, ztf.detection c, ztf.detection d, ztf.detection e "
    "WHERE SIN(a.mjd * b.mjd + c.mjd * d.mjd * e.mjd) > 2"
)


def test_a_query_that_takes_too_long_is_ended(url, monkeypatch):
    monkeypatch.setattr(routes, "SYNC_SECONDS", 0.3)
    started = time.monotonic()
    words = refused(url, ENDLESS)
    assert words == "the query took longer than 0.3 s and was ended"
    assert time.monotonic() - started < 5


@pytest.fixture
def endless(monkeypatch):
    """Events that are set when the database begins with a query, and when it is ended."""
    begun, ended = threading.Event(), threading.Event()
    ask = Archive.query_safely

    def noted(self, *args, **options):
        begun.set()
        try:
            return ask(self, *args, **options)
        except TimeoutError:
            ended.set()
            raise

    monkeypatch.setattr(Archive, "query_safely", noted)
    return begun, ended


def test_a_query_whose_sender_has_gone_is_ended(url, endless):
    begun, ended = endless
    host, port = url.removeprefix("http://").removesuffix("/tap").split(":")
    with socket.create_connection((host, int(port))) as connection:
        request = f"GET /tap/sync?LANG=ADQL&QUERY={quote(ENDLESS)} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        connection.sendall(request.encode())
        assert begun.wait(20)
    assert ended.wait(20)


# jobs


def test_a_job_from_beginning_to_end(service, url):
    job = service.submit_job("SELECT count(*) AS n FROM ztf.object")
    assert job.phase == "PENDING"
    assert job.query == "SELECT count(*) AS n FROM ztf.object"
    assert job.execution_duration.sec == jobs.LONGEST
    job.execution_duration = 30
    assert job.execution_duration.sec == 30
    job.destruction = "2100-01-01T00:00:00Z"
    assert 6 < (job.destruction - job.job.creationtime).to_value("day") <= 7.1
    assert job.quote is None
    assert job.uws_version == "1.1"
    job.run().wait()
    assert job.phase == "COMPLETED"
    assert job.fetch_result().to_table()["n"][0] == 240
    assert job.result_uri == f"{job.url}/results/result"
    assert requests.get(f"{job.url}/phase").text == "COMPLETED"
    job.delete()
    assert requests.get(f"{url}/async/{job.job_id}").status_code == 404


def test_run_async_with_an_upload(service, oids):
    found = service.run_async(
        "SELECT o.oid FROM tap_upload.few AS u JOIN ztf.object AS o ON o.oid = u.id ORDER BY o.oid",
        uploads={"few": Table({"id": oids[:3]})},
    )
    assert list(found["oid"]) == oids[:3]


def test_more_can_be_said_until_a_job_runs(service, oids):
    job = service.submit_job("SELECT 1 FROM nothing")
    job.query = "SELECT o.oid FROM tap_upload.few AS u JOIN ztf.object AS o ON o.oid = u.id"
    job.upload(few=Table({"id": oids[:2]}))
    job.run().wait()
    assert sorted(job.fetch_result()["oid"]) == oids[:2]
    with pytest.raises(DALServiceError):
        job.query = "SELECT 2 FROM nothing"
    with pytest.raises(DALServiceError):
        job.run()
    job.delete()


def test_a_job_that_fails_says_why(service, url):
    job = service.submit_job("SELECT nothing FROM ztf.object").run().wait()
    assert job.phase == "ERROR"
    with pytest.raises(DALQueryError, match="there is no column nothing"):
        job.raise_if_error()
    assert "there is no column nothing" in read_votable(requests.get(f"{job.url}/error").content).status[1]
    assert requests.get(f"{job.url}/results/result").status_code == 404
    job.delete()


def test_a_job_is_aborted(service, endless):
    begun, ended = endless
    job = service.submit_job(ENDLESS).run()
    assert begun.wait(20)
    job.abort()
    assert job.phase == "ABORTED"
    assert ended.wait(20)
    job.delete()


def test_a_question_with_wait_is_held_back_until_the_end(service, monkeypatch):
    job = service.submit_job("SELECT count(*) AS n FROM ztf.object").run()
    assert "COMPLETED" in requests.get(job.url, params={"WAIT": 30}).text
    endless = service.submit_job(ENDLESS).run()
    monkeypatch.setattr(job_routes, "_LONGEST_WAIT", 0.1)
    assert any(phase in requests.get(endless.url, params={"WAIT": -1}).text for phase in ("QUEUED", "EXECUTING"))
    assert requests.get(endless.url, params={"WAIT": "soon"}).status_code == 400
    endless.delete()
    job.delete()


def test_jobs_are_few_and_disappear(service, url, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_JOBS", 0)
    with pytest.raises(DALServiceError, match="503"):
        service.submit_job("SELECT 1 FROM ztf.object")
    monkeypatch.undo()
    monkeypatch.setattr(jobs, "_MOST_UPLOADED", 10)
    with pytest.raises(DALServiceError, match="503"):
        service.submit_job("SELECT 1 FROM ztf.object", uploads={"a": Table({"x": [1]})})
    job = service.submit_job("SELECT 1 FROM ztf.object")
    requests.post(f"{job.url}/destruction", data={"DESTRUCTION": "2001-01-01T00:00:00Z"})
    assert requests.get(job.url).status_code == 404
    assert "<uws:jobs" in requests.get(f"{url}/async").text


@pytest.mark.parametrize(
    ("path", "said"),
    [("phase", {"PHASE": "FLY"}), ("phase", {}), ("executionduration", {"EXECUTIONDURATION": "long"}),
     ("executionduration", {"EXECUTIONDURATION": "nan"}), ("destruction", {"DESTRUCTION": "soon"}),
     ("", {"ACTION": "X"})],
)  # fmt: skip
def test_what_a_job_refuses(service, path, said):
    job = service.submit_job("SELECT 1 FROM ztf.object")
    reply = requests.post(f"{job.url}/{path}".rstrip("/"), data=said)
    assert reply.status_code == 400
    assert read_votable(reply.content).status[0] == "ERROR"
    assert requests.post(job.url, data={"ACTION": "DELETE"}).url.endswith("/async")


def test_pages_of_jobs_are_xml_whatever_was_said(service):
    job = service.submit_job("SELECT '\x01 ]]> <&\uffff' AS x FROM ztf.object", **{'a\x02"<': "\x0b"})
    for page in ("", "/parameters"):
        text = requests.get(job.url + page).text
        assert "\N{REPLACEMENT CHARACTER} ]]&gt; &lt;&amp;\N{REPLACEMENT CHARACTER}" in text
        ElementTree.fromstring(text)
    job.delete()


def test_dates_of_destruction_are_in_utc(service):
    job = service.submit_job("SELECT 1 FROM ztf.object")
    moment = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
    said = moment.astimezone(timezone(timedelta(hours=9))).isoformat()
    requests.post(f"{job.url}/destruction", data={"DESTRUCTION": said})
    assert requests.get(f"{job.url}/destruction").text == moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    reply = requests.post(f"{job.url}/destruction", data={"DESTRUCTION": "0001-01-01T00:00:00+09:00"})
    assert reply.status_code == 400
    job.delete()


def test_answers_of_jobs_have_their_room(service, monkeypatch):
    monkeypatch.setattr(jobs, "_MOST_BYTES", 10)
    job = service.submit_job("SELECT oid FROM ztf.object").run().wait()
    assert job.phase == "ERROR"
    job.delete()
