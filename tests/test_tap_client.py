"""query_tap and its companions: against the local service, and against one that misbehaves on cue."""

import copy
import pickle
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest
import tap_sky
from astropy import units as u
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from fault_server import FaultServer, gzipped, http

from alerce_zvar import Alerce, conf
from alerce_zvar import errors as e
from alerce_zvar.alerce import bulk, schema
from alerce_zvar.alerce.schema import lsst
from alerce_zvar.alerce.tap import quoted
from alerce_zvar.server import serve
from alerce_zvar.server.tap import uploads
from alerce_zvar.votable import Field, VOTable, error_votable, write_votable
from alerce_zvar.wire.transport import Transport

pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with tap_sky.build(tmp_path_factory.mktemp("tap") / "sky.duckdb") as archive:
        yield archive


@pytest.fixture(scope="module")
def client(archive):
    with serve(archive) as server:
        yield Alerce(url=server.url)


@pytest.fixture(scope="module")
def oids(archive):
    return archive.query("SELECT oid FROM objects ORDER BY oid")["oid"].tolist()


# against the local service


def test_an_answer_is_a_typed_table(client, oids):
    table = client.query_tap(
        f"SELECT d.oid, candid, parent_candid, magpsf, mjd, has_stamp, rbversion FROM ztf.detection AS d "
        f"WHERE oid = {quoted(oids[0])}"
    )
    assert table.colnames == ["oid", "candid", "parent_candid", "magpsf", "mjd", "has_stamp", "rbversion"]
    assert [table[name].dtype.kind for name in table.colnames] == ["U", "i", "i", "f", "f", "b", "U"]
    assert table["magpsf"].unit == u.mag
    assert table["mjd"].unit == u.d
    assert table["mjd"].info.meta == {"ucd": "time.epoch"}
    assert table["candid"].description == "Identifier of the detection"
    assert table["candid"].min() > 2**53
    masked = {name: getattr(table[name], "mask", np.array(False)).all() for name in table.colnames}
    assert {name for name, gone in masked.items() if gone} == {"parent_candid", "rbversion"}
    assert not hasattr(table["oid"], "mask")
    assert table.meta["service"] == "ALeRCE TAP"
    assert table.meta["query"].startswith("SELECT d.oid")
    assert table.meta["url"].endswith("/tap")
    assert datetime.fromisoformat(table.meta["retrieved"]).tzinfo is UTC
    assert len(table.failures) == 0


@pytest.mark.parametrize("async_job", [False, True])
def test_uploads(client, oids, async_job):
    ids = Table({"object_id": np.array([*oids[:3], "ZTF00nothing"]), "n": [1, 2, 3, 2**60 + 1]})
    ids["when"] = Time([58000.5] * 4, format="mjd")
    found = client.query_tap(
        'SELECT u.object_id, u.n, u."when", o.ndet FROM TAP_UPLOAD.ids AS u LEFT JOIN ztf.object AS o '
        "ON o.oid = u.object_id ORDER BY n",
        uploads={"ids": ids},
        async_job=async_job,
    )
    assert list(found["n"]) == [1, 2, 3, 2**60 + 1]
    assert list(found["object_id"]) == list(ids["object_id"])
    assert list(np.ma.getmaskarray(found["ndet"])) == [False, False, False, True]
    assert set(found["when"]) == {58000.5}
    assert found.meta["endpoint"] == ("async" if async_job else "sync")


def test_uploaded_nulls_stay_null(client):
    mine = Table({"n": [1, 2, 3], "name": MaskedColumn(["a", "b", "N/A"], mask=[False, True, False])})
    asked = "SELECT u.n, u.name FROM TAP_UPLOAD.mine AS u {} ORDER BY n"
    found = client.query_tap(asked.format(""), uploads={"mine": mine})
    assert found["name"].tolist() == ["a", None, "N/A"]
    nobody = client.query_tap(asked.format("WHERE u.name IS NULL"), uploads={"mine": mine})
    assert list(nobody["n"]) == [2]


def test_a_cut_is_announced_and_nothing_as_well(client):
    with pytest.warns(e.MaxResultsWarning, match="cut at 7 rows"):
        assert len(client.query_tap("SELECT oid FROM ztf.object", maxrec=7)) == 7
    with pytest.warns(e.NoResultsWarning):
        table = client.query_tap("SELECT oid, ndet FROM ztf.object WHERE ndet < 0")
    assert (table.colnames, len(table), table["ndet"].dtype) == (["oid", "ndet"], 0, np.int32)


@pytest.mark.parametrize("async_job", [False, True])
def test_the_words_of_the_service_are_in_the_error(client, async_job):
    with pytest.raises(e.InvalidQueryError) as caught:
        client.query_tap("SELECT value FROM ztf.feature", async_job=async_job)
    assert caught.value.reason == 'value is a reserved word of ADQL; a column of that name is written "value"'
    assert "/tap/" in caught.value.url


def test_list_tables_and_columns(client):
    tables = client.list_tables()
    assert tables.colnames == ["schema", "name", "type", "description"]
    assert "ztf.object" in tables["name"]
    columns = client.list_columns("ztf.object")
    assert columns.colnames == ["name", "datatype", "unit", "ucd", "description", "indexed"]
    known = dict(zip(columns["name"], columns, strict=True))
    assert (known["meanra"]["datatype"], known["meanra"]["unit"]) == ("double", "deg")
    assert known["oid"]["indexed"] is np.True_
    assert np.ma.is_masked(known["ndet"]["unit"])
    with pytest.raises(e.NotFoundError, match=r"no table 'ztf\.nothing'; list_tables\(\)"):
        client.list_columns("ztf.nothing")
    with pytest.raises(e.NotFoundError):
        client.list_columns("x' OR '1' = '1")


def test_payloads_are_shown_unsent():
    nobody = Alerce(url="http://127.0.0.1:1")
    payload = nobody.query_tap("SELECT 1", maxrec=0, uploads={"a": Table({"x": [1]})}, get_query_payload=True)
    assert payload.pop("UPLOAD").startswith("a,param:")
    assert payload == {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": "SELECT 1", "MAXREC": 0}
    assert "TAP_SCHEMA.tables" in nobody.list_tables(get_query_payload=True)["QUERY"]
    assert "'ztf.object'" in nobody.list_columns("ztf.object", get_query_payload=True)["QUERY"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"adql": ""}, ValueError, "an empty text was given"),
        ({"adql": None}, TypeError, "adql must be a text"),
        ({"adql": b"SELECT 1"}, TypeError, "adql must be a text"),
        ({"maxrec": -1}, ValueError, "maxrec must be a whole number"),
        ({"maxrec": True}, ValueError, "maxrec must be a whole number"),
        ({"maxrec": 1.5}, ValueError, "maxrec must be a whole number"),
        ({"uploads": [Table()]}, TypeError, "dict of astropy Tables"),
        ({"uploads": {"a": "file.xml"}}, TypeError, "dict of astropy Tables"),
        ({"uploads": {"a b": Table({"x": [1]})}}, ValueError, "letters, digits and underscores, not 'a b'"),
        ({"uploads": {"a": Table({"OID": [1]})}}, ValueError, "is called 'oid'"),
        ({"uploads": {"a": Table()}}, ValueError, "has no columns"),
        ({"uploads": {"a": Table({"x": [[1, 2]]})}}, TypeError, "one value in each row"),
        ({"uploads": {"a": Table({"x": [1j]})}}, TypeError, "numbers, truth values and texts"),
        ({"uploads": {"a": Table({"x": np.array([{}])})}}, TypeError, "a text is needed"),
        ({"uploads": {"a": Table({"x": np.array([2**64 - 1], "u8")})}}, TypeError, "above 2"),
        ({"timeout": -1}, ValueError, "timeout must be"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_any_request(arguments, error, words):
    with pytest.raises(error, match=words):
        Alerce(url="http://127.0.0.1:1").query_tap(**{"adql": "SELECT 1 FROM x"} | arguments)


def test_copies_ask_the_same_service(client):
    for other in (copy.deepcopy(client), pickle.loads(pickle.dumps(client))):
        assert len(other.list_tables()) == len(client.list_tables())


# many objects at once


def test_bulk_rows_are_those_of_the_json_services(client, oids):
    for method, table in (
        (client.query_detections, schema.DETECTIONS),
        (client.query_non_detections, schema.NON_DETECTIONS),
        (client.query_magstats, schema.MAGSTATS),
        (client.query_object, schema.OBJECT),
        (client.query_forced_photometry, schema.FORCED_PHOTOMETRY),
    ):
        found, failures = bulk.rows_by_tap(client, table, oids[:2])
        expected = method(oids[:2])
        assert failures.errors == {}
        assert len(found) == len(expected)
        for name in set(table.names) & set(expected.colnames) - {"tid", "phase", "oid"}:
            ours, theirs = found[name], expected[name]
            assert type(ours) is type(theirs), name
            assert ours.unit == theirs.unit if not isinstance(ours, Time) else ours.scale == theirs.scale
            masks = [np.broadcast_to(getattr(column, "mask", False), len(found)) for column in (ours, theirs)]
            assert (masks[0] == masks[1]).all(), name
            values = [column.mjd if isinstance(column, Time) else np.ma.getdata(column) for column in (ours, theirs)]
            if values[0].dtype.kind == "f":
                np.testing.assert_allclose(values[0][~masks[0]], values[1][~masks[0]], rtol=1e-6)
            else:
                assert (values[0][~masks[0]] == values[1][~masks[0]]).all(), name


def test_bulk_keeps_the_order_and_accounts_for_every_id(client, oids):
    wanted = [oids[5], "ZTF00nothing", oids[0], oids[5], "O'Hara"]
    found, failures = bulk.rows_by_tap(client, schema.PROBABILITIES, wanted)
    assert list(dict.fromkeys(found["oid"])) == [oids[5], oids[0]]
    assert list(found["oid"]) == [oids[5]] * 2 + [oids[0]] * 2 + [oids[5]] * 2
    assert {index: type(error) for index, error in failures.errors.items()} == dict.fromkeys((1, 4), e.NotFoundError)
    only, failures = bulk.rows_by_tap(client, schema.PROBABILITIES, oids, where=f"t0.class_name = {quoted('RRL')}")
    assert (len(only), failures.errors) == (len(oids), {})
    without, failures = bulk.rows_by_tap(client, schema.FEATURES, oids[50:])
    assert (len(without), without.colnames[0], failures.errors) == (0, "oid", {})
    features, _ = bulk.rows_by_tap(client, schema.FEATURES, oids[:2])
    assert list(features["value"].filled(-1)) == [0.5, 1.5, 2.5, -1]


def test_bulk_cuts_long_lists_and_halves_what_is_cut(client, oids, monkeypatch):
    monkeypatch.setattr(bulk, "_SMALLEST", 20)
    monkeypatch.setattr(bulk, "_MAXREC", 12)
    found, failures = bulk.rows_by_tap(client, schema.DETECTIONS, oids[:100])
    assert failures.errors == {}
    assert list(dict.fromkeys(found["oid"])) == oids[:100]
    assert len(found) == 300
    monkeypatch.setattr(bulk, "_MAXREC", 2)
    found, failures = bulk.rows_by_tap(client, schema.DETECTIONS, oids[:3])
    assert len(found) == 0
    assert "cut at 2 rows" in str(failures.errors[0])


def test_bulk_keeps_the_chunks_that_succeed(client, oids, monkeypatch):
    monkeypatch.setattr(bulk, "_SMALLEST", 10)
    monkeypatch.setattr(bulk, "_LARGEST", 10)
    monkeypatch.setattr(uploads, "LONGEST_TEXT", 20)  # the service refuses a chunk with a longer id
    wanted = [*oids[:25], "Z" * 30]
    found, failures = bulk.rows_by_tap(client, schema.OBJECT, wanted)
    assert sorted(failures.errors) == list(range(20, 26))
    assert all("too long" in str(error) for error in failures.errors.values())
    assert list(found["oid"]) == oids[:20]


def test_bulk_of_lsst_has_all_forced_photometry(client):
    found, failures = bulk.rows_by_tap(client, lsst.FORCED_PHOTOMETRY, [tap_sky.LSST_OID, "12"])
    assert len(found) == 12
    assert set(found["oid"]) == {tap_sky.LSST_OID}
    assert set(found["band"]) == {"u"}
    assert found["time"].scale == "tai"
    assert found["flux"].unit == u.nJy
    assert found["measurement_id"][0] == "170028510777180410"
    assert list(failures.errors) == [1]
    detections, _ = bulk.rows_by_tap(client, lsst.DETECTIONS, [tap_sky.LSST_OID])
    assert list(detections["flux"]) == [100.0, 101.0, 102.0]


def test_the_threshold(monkeypatch):
    assert not bulk.uses_tap(conf.tap_threshold - 1)
    assert bulk.uses_tap(conf.tap_threshold)
    with conf.set_temp("tap_threshold", 0):
        assert not bulk.uses_tap(10**9)


# against a service that misbehaves


def votable(*rows, status="OK", serialization="BINARY2"):
    fields = [Field(name="oid", datatype="char", arraysize="*"), Field(name="n", datatype="long")]
    texts, numbers = zip(*rows, strict=True) if rows else ((), ())
    columns = [np.ma.array(np.array(texts, dtype=object)), np.ma.array(np.array(numbers, dtype=np.int64))]
    return write_votable(VOTable(fields, columns, [("QUERY_STATUS", status, "")]), serialization)


GOOD = http(votable(("a", 2**60 + 1)), Content_Type="application/x-votable+xml")


def ask(*script, waits=None, **options):
    """Outcome of one query of a server that follows a script, and its requests."""
    with FaultServer(*script) as server:
        service = Alerce(tap_url=server.url)
        noted = [] if waits is None else waits
        service._tap.transport = Transport(sleep=noted.append, jitter=lambda: 0.0)
        try:
            outcome = service.query_tap("SELECT oid FROM ztf.object", **options)
        except e.ServiceError as error:
            outcome = error
        return outcome, server.requests


def test_one_query_is_one_post_of_a_form():
    table, (request,) = ask(GOOD)
    assert list(table["n"]) == [2**60 + 1]
    assert request.startswith("POST /sync HTTP/1.1")
    assert "Content-Type: application/x-www-form-urlencoded" in request
    assert "User-Agent: alerce_zvar/" in request
    assert request.endswith("REQUEST=doQuery&LANG=ADQL&QUERY=SELECT+oid+FROM+ztf.object")


def test_a_query_is_a_read_and_is_sent_again_after_a_passing_failure():
    waits = []
    table, requests = ask(http(status=503), GOOD, waits=waits, uploads={"a": Table({"x": [1]})})
    assert len(table) == 1
    assert len(requests) == 2
    assert requests[0].partition("\r\n\r\n")[2] == requests[1].partition("\r\n\r\n")[2]
    assert len(waits) == 1


@pytest.mark.parametrize("status", [200, 400])
def test_errors_of_the_service(status):
    reply = http(error_votable("no <such> thing & more"), status, Content_Type="text/xml")
    error, requests = ask(reply)
    assert type(error) is e.InvalidQueryError
    assert error.reason == "no <such> thing & more"
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>busy</html>", "not a VOTable"),
        (b"", "not well-formed XML"),
        (b"{}", "not well-formed XML"),
        (votable(("a", 1))[:-40], "not well-formed XML"),
        (votable(), None),
        (b'<VOTABLE><RESOURCE type="results"/></VOTABLE>', "holds no table"),
        (votable(("a", 1)).replace(b"base64", b"gzip"), "encoded as 'gzip'"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><VOTABLE/>', "DOCTYPE"),
        (votable(("a", 1)).replace(b'encoding="base64"', b'href="file:///etc/passwd"'), "are not fetched"),
    ],
)
@pytest.mark.filterwarnings("ignore::alerce_zvar.errors.NoResultsWarning")
def test_answers_that_cannot_be_read(body, words):
    outcome, requests = ask(http(body, Content_Type="text/xml"))
    assert len(requests) == 1
    if words is None:
        assert len(outcome) == 0
    else:
        assert type(outcome) is e.ReplyError
        assert words in str(outcome)


def test_a_service_that_cannot_be_reached():
    with conf.set_temp("max_retries", 0), pytest.raises(e.UnavailableError):
        Alerce(url="http://127.0.0.1:1").query_tap("SELECT 1 FROM ztf.object")


@pytest.mark.parametrize("async_job", [False, True])
def test_a_service_that_dribbles_does_not_outlive_the_deadline(async_job):
    def dribble(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n<")
        while True:
            connection.sendall(b" ")

    started = time.monotonic()
    error, _ = ask(dribble, timeout=0.3, async_job=async_job)
    assert type(error) is e.DeadlineError
    assert time.monotonic() - started < 1.3


def test_a_bomb_is_stopped_at_the_cap():
    with conf.set_temp("max_reply_size", 1_000_000):
        error, _ = ask(gzipped(b"<VOTABLE>" + b" " * 20_000_000))
    assert type(error) is e.ReplyTooLargeError


def test_redirects_stay_at_the_service():
    with FaultServer(GOOD) as other:
        error, _ = ask(http(status=303, Location=f"{other.url}/sync"))
        assert type(error) is e.RedirectError
        assert other.requests == []
    table, requests = ask(http(status=303, Location="/elsewhere?a=b"), GOOD)
    assert len(table) == 1
    assert requests[1].startswith("GET /elsewhere?a=b HTTP/1.1")
    table, requests = ask(http(status=308, Location="/elsewhere"), GOOD)
    assert requests[1].startswith("POST /elsewhere HTTP/1.1")
    assert requests[1].partition("\r\n\r\n")[2] == requests[0].partition("\r\n\r\n")[2]
    error, _ = ask(http(status=302, Location="/elsewhere"))
    assert type(error) is e.RedirectError


def test_arrays_are_asked_for_as_comma_separated_values():
    """The array of classes in ztf.taxonomy breaks readers of VOTables (reference/alerce.md 9)."""
    body = votable(("a", 1)).replace(b'arraysize="*"', b'arraysize="5x*"').replace(b'name="oid"', b'name="classes"')
    table, requests = ask(http(body), http(b'classes,n\r\n"SN,AGN",4\r\n,\r\n', Content_Type="text/csv"))
    assert "RESPONSEFORMAT=csv" in requests[1]
    assert list(table["classes"].filled("?")) == ["SN,AGN", "?"]
    assert list(table["n"].filled(-1)) == [4, -1]
    error, _ = ask(http(body), http(b"other,n\r\n", Content_Type="text/csv"))
    assert "not those that were announced" in str(error)


def uws(phase, error=""):
    said = f'<uws:errorSummary type="fatal" hasDetail="true"><uws:message>{error}</uws:message></uws:errorSummary>'
    return http(
        f'<uws:job version="1.1" xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0"><uws:jobId>7</uws:jobId>'
        f"<uws:phase>{phase}</uws:phase>{said if error else ''}</uws:job>".encode(),
        Content_Type="text/xml",
    )


MADE = http(status=303, Location="/async/7")


def lines(requests):
    return [request.partition(" HTTP/")[0] for request in requests]


def test_a_job_is_made_run_asked_for_and_deleted():
    waits = []
    script = [MADE, uws("PENDING"), uws("QUEUED"), uws("QUEUED"), uws("EXECUTING"), uws("COMPLETED"), GOOD, http()]
    table, requests = ask(*script, waits=waits, async_job=True, timeout=60)
    assert list(table["oid"]) == ["a"]
    wait = "GET /async/7?WAIT=20"
    assert lines(requests) == [
        "POST /async", "GET /async/7", "POST /async/7/phase", wait, wait, wait, "GET /async/7/results/result",
        "DELETE /async/7",
    ]  # fmt: skip
    assert requests[2].endswith("PHASE=RUN")
    assert waits == pytest.approx([0.1, 0.15])  # a service that does not know WAIT is not pestered


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ([uws("PENDING"), uws("QUEUED"), uws("ERROR", "no such column")], e.InvalidQueryError, "no such column"),
        ([uws("PENDING"), uws("QUEUED"), uws("ABORTED")], e.InvalidQueryError, "ABORTED"),
        ([uws("PENDING"), uws("QUEUED"), http(b"<nonsense")], e.ReplyError, "does not describe a job"),
        ([uws("PENDING"), http(error_votable("nothing to run"), 400)], e.InvalidQueryError, "nothing to run"),
        ([uws("PENDING"), uws("QUEUED"), uws("COMPLETED"), http(b"x")], e.ReplyError, "not well-formed"),
        ([uws("PENDING"), http(status=503)], e.UnavailableError, "503"),
    ],
)
def test_a_job_is_deleted_whatever_happens(script, error, words):
    outcome, requests = ask(MADE, *script, http(status=303, Location="/async"), async_job=True)
    assert type(outcome) is error
    assert words in str(outcome)
    assert lines(requests)[-1] == "DELETE /async/7"
    assert len(requests) == len(script) + 2


def test_making_a_job_is_not_repeated():
    error, requests = ask(http(status=503), async_job=True)
    assert type(error) is e.UnavailableError
    assert lines(requests) == ["POST /async"]


def test_a_job_that_cannot_be_deleted_is_left():
    table, requests = ask(MADE, uws("PENDING"), uws("QUEUED"), uws("COMPLETED"), GOOD, http(status=500), async_job=True)
    assert len(table) == 1
    assert lines(requests)[-1] == "DELETE /async/7"


def test_a_job_that_does_not_end_is_deleted_at_the_deadline():
    clock = [0.0]  # moves only while it is waited

    def sleep(seconds):
        clock[0] += seconds

    with FaultServer(MADE, uws("PENDING"), uws("QUEUED")) as server:
        service = Alerce(tap_url=server.url)
        service._tap.transport = Transport(clock=lambda: clock[0], sleep=sleep)
        with pytest.raises(e.DeadlineError, match="within 30 s"):
            service.query_tap("SELECT 1 FROM x", async_job=True, timeout=30)
        assert clock[0] == pytest.approx(30)
        asked = lines(server.requests)
    assert asked[-1] == "DELETE /async/7"
    assert asked[3].endswith("?WAIT=20")
    assert asked[-2].endswith("?WAIT=3")  # no longer than there is time


def test_a_job_is_deleted_on_ctrl_c():
    gone = threading.Event()

    def interrupt(seconds):
        gone.set()
        raise KeyboardInterrupt

    with FaultServer(MADE, uws("PENDING"), uws("QUEUED"), uws("EXECUTING"), http()) as server:
        service = Alerce(tap_url=server.url)
        service._tap.transport = Transport(sleep=interrupt)
        with pytest.raises(KeyboardInterrupt):
            service.query_tap("SELECT 1 FROM x", async_job=True)
        assert gone.is_set()
        assert lines(server.requests)[-1] == "DELETE /async/7"


def test_bulk_halves_what_is_too_large(oids):
    replies = {}

    class Halving(FaultServer):
        def respond(self, request, connection):
            ids = request.count("object_id")
            replies[len(self.requests)] = ids
            large = len(self.requests) == 1
            connection.sendall(http(b" " * (5_000 if large else 1)) if large else http(status=500))

    with Halving() as server, conf.set_temp("max_reply_size", 4_000), conf.set_temp("max_retries", 0):
        found, failures = bulk.rows_by_tap(Alerce(tap_url=server.url), schema.OBJECT, oids[:4])
    assert len(found) == 0
    assert {type(error) for error in failures.errors.values()} == {e.UnavailableError}
    assert sorted(failures.errors) == [0, 1, 2, 3]
    assert len(server.requests) == 2
