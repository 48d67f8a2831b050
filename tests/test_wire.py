"""Transport and decoding under faults, through the public classes against a loopback server that misbehaves on cue."""

import copy
import itertools
import json
import logging
import os
import pickle
import signal
import socket
import struct
import threading
import time
from email.utils import formatdate
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from fault_server import FaultServer, gzipped, http, json_reply

from alerce_zvar import Alerce, Zvar, conf
from alerce_zvar import errors as e
from alerce_zvar.wire.transport import Transport

OBJECT = {
    "oid": "ZTF17aabopdz",
    "ndethist": "2619",
    "ncovhist": 6982,
    "mjdstarthist": 58105.0,
    "mjdendhist": 61030.1,
    "corrected": True,
    "stellar": False,
    "ndet": 1999,
    "g_r_max": None,
    "g_r_max_corr": None,
    "g_r_mean": None,
    "g_r_mean_corr": None,
    "firstmjd": 58262.4,
    "lastmjd": 61030.1,
    "deltajd": 2767.7,
    "meanra": 307.47,
    "meandec": 51.12,
    "sigmara": 0.002,
    "sigmadec": 0.001,
    "step_id_corr": "27.5.7",
}
GOOD = json_reply(OBJECT)
SOURCE = {"psid": "145120008365555264", "ra": 0.8, "dec": 30.9, "objtype": 1, "matchfiles": [], "periods": []}
SOURCES = json_reply([SOURCE])


class Waits(list):
    """A sleep that notes its seconds and does not sleep."""

    def __call__(self, seconds):
        self.append(seconds)


def impatient(service, **clocks):
    """The service with a transport that never really waits; its waits are returned too."""
    waits = Waits()
    client = service._client
    client.transport = Transport(client.transport._credentials, sleep=waits, jitter=lambda: 0.0, **clocks)
    return service, waits


def ask(script, **clocks):
    with FaultServer(*script) as server:
        alerce, waits = impatient(Alerce(url=server.url), **clocks)
        try:
            outcome = alerce.query_object("ZTF17aabopdz")
        except Exception as error:
            outcome = error
    return outcome, waits, server.requests


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


CUT = http(json.dumps(OBJECT).encode() + b" " * 50)[:-60]
PASSING = {
    "reset before the headers": reset,
    "closed without an answer": lambda connection: None,
    "body shorter than its length": CUT,
    "body cut without a length": http(json.dumps(OBJECT).encode()[:-20], length=False, Content_Type="application/json"),
    "chunk cut": http(b"ff\r\n{", length=False, Transfer_Encoding="chunked"),
    "gzip cut": gzipped(json.dumps(OBJECT).encode(), cut=-12),
    "gzip damaged": http(b"\x1f\x8bgarbage garbage", Content_Encoding="gzip"),
    "unasked encoding": http(b"x", Content_Encoding="br"),
    "empty body": http(b"", Content_Type="application/json"),
    "status line of garbage": b"HELLO\r\n\r\n",
    **{f"status {status}": json_reply({"message": "later"}, status) for status in (429, 500, 502, 503, 504)},
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_passing_failure_is_retried_with_growing_waits(fault):
    table, waits, requests = ask([fault, fault, GOOD])
    assert table["oid"][0] == "ZTF17aabopdz"
    assert len(requests) == 3
    assert waits == [conf.backoff, 2 * conf.backoff]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_lasting_failure_ends_in_our_error_with_the_address(fault):
    error, waits, requests = ask([fault])
    assert isinstance(error, e.ServiceError)
    assert len(requests) == conf.max_retries + 1
    assert len(waits) == conf.max_retries
    assert "/ztf/v1/objects/ZTF17aabopdz" in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None


FINAL = {
    "400": (json_reply({"message": "Input payload validation failed"}, 400), e.InvalidQueryError, "validation failed"),
    "422": (json_reply({"detail": [{"msg": "field required"}]}, 422), e.InvalidQueryError, "field required"),
    "404 of an object": (json_reply({"message": "Object not found."}, 404), e.NotFoundError, "Object not found."),
    "404 of a route": (http(b"<h1>Not Found</h1>", 404, Content_Type="text/html"), e.InvalidQueryError, "Not Found"),
    "401": (json_reply({"detail": "who are you"}, 401), e.LoginError, "who are you"),
    "403": (json_reply({"detail": "not for you"}, 403), e.LoginError, "not for you"),
    "HTML with status 200": (http(b"<html>Maintenance</html>"), e.ReplyError, "Maintenance"),
    "a JSON text": (json_reply("one or more invalid arguments"), e.ReplyError, "one or more invalid"),
    "duplicate keys": (http(b'{"oid": "a", "oid": "b"}'), e.ReplyError, "'oid' twice"),
    "number of 5000 digits": (http(b'{"ndet": 1' + b"0" * 5000 + b"}"), e.ReplyError, "cannot be read"),
    "deep nesting": (http(b"[" * 100_000), e.ReplyError, "nested too deeply"),
    "not UTF-8": (http(b'["\xe9"]'), e.ReplyError, "not UTF-8"),
    "wrong type": (json_reply(OBJECT | {"ndet": "many"}), e.ReplyError, "'ndet' holds 'many'"),
    "bool for number": (json_reply(OBJECT | {"ndet": True}), e.ReplyError, "'ndet' holds True"),
    "integer beyond 64 bits": (json_reply(OBJECT | {"ndet": 2**70}), e.ReplyError, "'ndet'"),
    "null in an id": (json_reply(OBJECT | {"oid": None}), e.ReplyError, "'oid' is missing"),
    "lost column": (json_reply({k: v for k, v in OBJECT.items() if k != "meanra"}), e.ReplyError, "'meanra'"),
}


@pytest.mark.parametrize(("fault", "error_class", "words"), FINAL.values(), ids=FINAL)
def test_a_final_failure_is_not_repeated(fault, error_class, words):
    error, waits, requests = ask([fault])
    assert type(error) is error_class
    assert words in str(error)
    assert len(requests) == 1
    assert waits == []


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("7", [7.0]),
        (formatdate(1_000_030, usegmt=True), [30.0]),
        (formatdate(900_000, usegmt=True), [0.0]),
        ("soon", [conf.backoff]),
        ("-5", [conf.backoff]),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(asked, waited, status):
    table, waits, _ = ask([http(status=status, Retry_After=asked), GOOD], now=lambda: 1_000_000)
    assert len(table) == 1
    assert waits == waited


@pytest.mark.parametrize("asked", ["86400", "9" * 400, formatdate(1_900_000, usegmt=True)])
def test_an_absurd_retry_after_raises_at_once(asked):
    error, waits, requests = ask([http(status=429, Retry_After=asked), GOOD], now=lambda: 1_000_000)
    assert type(error) is e.RateLimitError
    assert error.retry_after > conf.max_retry_after
    assert (waits, len(requests)) == ([], 1)


def test_a_read_by_post_is_retried_too():
    with FaultServer(http(status=503), SOURCES) as server:
        zvar, waits = impatient(Zvar(url=server.url))
        assert list(zvar.query_objects("145120008365555264")["psid"]) == ["145120008365555264"]
    assert len(waits) == 1
    assert {request.splitlines()[-1] for request in server.requests} == {'{"psids": ["145120008365555264"]}'}


def test_retries_have_a_budget():
    with FaultServer(http(status=503)) as server:
        alerce, waits = impatient(Alerce(url=server.url))
        with pytest.raises(e.UnavailableError):
            alerce.query_object([f"ZTF{i}" for i in range(40)])
    assert 40 * conf.max_retries > len(waits)
    assert len(waits) < 60


def dribble(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while True:
        connection.sendall(b" ")


def dribble_headers(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for i in itertools.count():
        connection.sendall(f"X-{i}: {'y' * 50}\r\n".encode())


def dribble_a_chunk(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n")
    while True:
        connection.sendall(b" ")


@pytest.mark.parametrize("fault", [dribble, dribble_headers, dribble_a_chunk])
def test_a_server_that_dribbles_does_not_outlive_the_deadline(fault):
    ticks = itertools.count(0.0, 1.0)  # every look at the clock is one second later
    error, waits, _ = ask([fault], clock=lambda: next(ticks))
    assert isinstance(error, e.ServiceError)
    if fault is not dribble_headers:  # http.client gives up on 100 headers by itself
        assert type(error) is e.DeadlineError
        assert waits == []


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123456789"])
def test_a_server_that_stalls_does_not_outlive_the_deadline(sent):
    release = threading.Event()

    def stall(connection):
        connection.sendall(sent)
        release.wait(20)

    with FaultServer(stall) as server:
        started = time.monotonic()
        with pytest.raises(e.DeadlineError, match=r"0\.2 s"):
            Alerce(url=server.url).query_object("ZTF17aabopdz", timeout=0.2 * u.s)
        assert time.monotonic() - started < 1.2
        release.set()


def test_a_compressed_bomb_is_stopped_at_the_cap():
    bomb = gzipped(b" " * 20_000_000)
    with conf.set_temp("max_reply_size", 1_000_000):
        error, waits, _ = ask([bomb])
    assert type(error) is e.ReplyTooLargeError
    assert waits == []


def test_several_gzip_members_are_one_body():
    import gzip

    text = json.dumps(OBJECT).encode()
    body = gzip.compress(text[:40]) + gzip.compress(text[40:])
    table, _, _ = ask([http(body, Content_Encoding="gzip")])
    assert table["ndet"][0] == 1999


def test_the_same_origin_308_is_followed():
    table, waits, requests = ask([http(status=308, Location="/elsewhere?x=1"), GOOD])
    assert len(table) == 1
    assert requests[1].startswith("GET /elsewhere?x=1 ")
    assert waits == []


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:9/x", "https://example.org/x", "//evil.example/x", "file:///etc/passwd", "http://localhost/x"],
)
def test_a_redirect_to_another_origin_is_refused(location):
    error, _, requests = ask([http(status=302, Location=location), GOOD])
    assert type(error) is e.RedirectError
    assert len(requests) == 1


def test_redirects_end():
    error, _, requests = ask([http(status=302, Location="/again")])
    assert type(error) is e.RedirectError
    assert len(requests) == 4


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_is_not_turned_into_a_get(status):
    with FaultServer(http(status=status, Location="/else"), SOURCES) as server, pytest.raises(e.RedirectError):
        Zvar(url=server.url).query_objects("1")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "location", ["http://h:99999/", "http://[::1", "http://eve:x@{host}/", "", "http://a..b/", "mailto:x@y"]
)
def test_a_redirect_to_no_address_is_refused(location):
    with FaultServer(b"") as server:
        server.script[0] = http(status=302, Location=location.format(host=server.url.removeprefix("http://")))
        with pytest.raises(e.RedirectError):
            Alerce(url=server.url).query_object("ZTF17aabopdz")
    assert len(server.requests) == 1


@pytest.mark.parametrize("url", ["nonsense", "ftp://x", "http://", "http://127.0.0.1:99999", "https://[::1", 5])
def test_an_impossible_address_is_refused_at_once(url):
    with pytest.raises(ValueError, match="url must be an address"):
        Alerce(url=url).query_object("ZTF17aabopdz")


@pytest.mark.parametrize("status", [401, 403, 404, 400])
@pytest.mark.parametrize(
    "damage", [{"Content_Length": "50"}, {"Content_Encoding": "gzip"}, {"Transfer_Encoding": "chunked"}]
)
def test_a_final_status_with_a_damaged_body_is_final(status, damage):
    error, waits, requests = ask([http(b"", status, length=False, **damage)])
    assert error.status == status
    assert (len(requests), waits) == (1, [])


def test_a_timeout_may_be_any_number_or_quantity():
    for timeout in (3, np.int64(3), np.float32(3), 3 * u.s, 0.1 * u.min, float("inf")):
        with FaultServer(GOOD) as server:
            assert len(Alerce(url=server.url).query_object("x", timeout=timeout)) == 1
    for timeout in (0, -1, True, "3", 5 * u.m, [1] * u.s, float("nan")):
        with pytest.raises(ValueError, match="timeout must be"):
            Alerce(url="http://127.0.0.1:9").query_object("x", timeout=timeout)


def test_waiting_for_a_connection_counts_as_time():
    release = threading.Event()

    def stall(connection):
        release.wait(20)

    with FaultServer(stall) as server, conf.set_temp("max_connections", 1):
        alerce, errors = Alerce(url=server.url), []

        def work():
            with pytest.raises(e.DeadlineError):
                alerce.query_object("x", timeout=0.3)
            errors.append(1)

        threads = [threading.Thread(target=work) for _ in range(4)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - started < 1.3
        assert len(errors) == 4
        release.set()


@pytest.mark.skipif(os.name != "posix", reason="signals to oneself work differently here")
def test_an_interrupt_ends_a_batch_and_its_threads():
    release, first = threading.Event(), threading.Lock()

    def stall(connection):
        if first.acquire(blocking=False):
            os.kill(os.getpid(), signal.SIGINT)
        release.wait(20)

    started, before = time.monotonic(), threading.enumerate()
    with FaultServer(stall) as server:
        with pytest.raises(KeyboardInterrupt):
            Alerce(url=server.url).query_object([f"x{i}" for i in range(9)], timeout=15)
        new = [thread for thread in threading.enumerate() if thread not in before]
        for thread in new:
            if thread.name.startswith("alerce_zvar_"):
                thread.join(5)
        assert time.monotonic() - started < 5
        release.set()


def test_retries_come_back_after_an_outage():
    now = [0.0]
    with FaultServer(http(status=503)) as server:
        alerce, waits = impatient(Alerce(url=server.url), clock=lambda: now[0])
        for _ in range(20):
            with pytest.raises(e.UnavailableError):
                alerce.query_object("x")
        assert len(waits) == 50
        now[0] += 10.0
        with pytest.raises(e.UnavailableError):
            alerce.query_object("x")
        assert len(waits) == 50 + conf.max_retries


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    alerce, waits = impatient(Alerce(url=url))
    with pytest.raises(e.UnavailableError, match="connection failed"):
        alerce.query_object("ZTF17aabopdz")
    assert len(waits) == conf.max_retries


def test_astroquery_users_catch_our_errors():
    from astroquery import exceptions as theirs

    for ours, base in [
        (e.ServiceError, theirs.RemoteServiceError),
        (e.InvalidQueryError, theirs.InvalidQueryError),
        (e.LoginError, theirs.LoginError),
        (e.DeadlineError, theirs.TimeoutError),
        (e.ReplyError, theirs.TableParseError),
        (e.NoResultsWarning, theirs.NoResultsWarning),
        (e.MaxResultsWarning, theirs.MaxResultsWarning),
    ]:
        assert issubclass(ours, base)


def test_control_characters_of_a_server_do_not_reach_the_terminal():
    error, _, _ = ask([json_reply({"message": "\x1b[31mred\x1b[0m \x07"}, 400)])
    assert "\x1b" not in str(error)
    assert "\x07" not in str(error)


# batches


class EchoServer(FaultServer):
    """Answers every object query with that object; an oid that begins with 'bad' fails, 'gone' is unknown."""

    def __init__(self, together=None, keep_alive=False):
        super().__init__(b"")
        self.together, self.keep_alive = together, keep_alive
        self.open = self.most = 0
        self._count = threading.Lock()

    def respond(self, request, connection):
        oid = request.split(" ")[1].rsplit("/", 1)[-1]
        with self._count:
            self.open += 1
            self.most = max(self.most, self.open)
        if self.together:
            self.together.wait(10)
        with self._count:
            self.open -= 1
        if oid.startswith("bad"):
            connection.sendall(json_reply({"message": "no"}, 400))
        elif oid.startswith("gone"):
            connection.sendall(json_reply({"message": "not found"}, 404))
        else:
            connection.sendall(json_reply(OBJECT | {"oid": oid}, keep_alive=self.keep_alive))


def test_every_input_is_answered_once_and_in_order():
    oids = [f"{'bad' if i % 7 == 3 else 'gone' if i % 7 == 5 else 'ok'}{i}" for i in range(50)]
    with EchoServer() as server, pytest.warns(e.PartialResultWarning, match="14 of 50 inputs"):
        table = Alerce(url=server.url).query_object(oids)
    assert list(table["oid"]) == [oid for oid in oids if oid.startswith("ok")]
    assert list(table.failures["input"]) == [oid for oid in oids if not oid.startswith("ok")]
    assert sorted([*table["oid"], *table.failures["input"]]) == sorted(oids)
    assert set(table.failures["error"]) == {"InvalidQueryError", "NotFoundError"}
    assert table[:3].failures is table.failures


def test_connections_are_limited_and_used():
    with conf.set_temp("max_connections", 3), EchoServer(together=threading.Barrier(3)) as server:
        Alerce(url=server.url).query_object([f"ok{i}" for i in range(12)])
    assert server.most == 3


def test_several_threads_share_one_instance():
    with EchoServer() as server:
        alerce, found = Alerce(url=server.url), {}

        def work(name):
            found[name] = list(alerce.query_object([f"ok{name}{i}" for i in range(20)])["oid"])

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {name: [f"ok{name}{i}" for i in range(20)] for name in "abcd"}


def test_astroquery_s_global_cache_switch_is_left_alone():
    from astroquery import cache_conf

    with EchoServer() as server:
        Alerce(url=server.url).query_object([f"ok{i}" for i in range(20)])
    assert cache_conf.cache_active is True


@pytest.mark.parametrize("copied", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy])
def test_instances_and_errors_can_be_copied_and_pickled(copied, monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")
    with FaultServer(SOURCES) as server:
        zvar = copied(Zvar(url=server.url))
        assert zvar.query_objects("145120008365555264")["psid"][0] == "145120008365555264"
    assert "Authorization" in server.requests[0]
    assert repr(copied(Alerce)) == repr(Alerce)
    query = Alerce._client.query("detections", oid="ZTF17aabopdz")
    assert hash(copied(query)) == hash(query)
    assert copied(query) == query
    error = copied(e.RateLimitError("wait", retry_after=7.0, url="http://x", reason="busy"))
    assert (error.retry_after, error.url, str(error)) == (7.0, "http://x", "wait The service said: busy [http://x]")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_process_opens_its_own_connections():
    """Two processes on one kept-alive connection would read each other's answers."""
    with EchoServer(keep_alive=True) as server:
        alerce = Alerce(url=server.url)
        assert alerce.query_object("ok0")["oid"][0] == "ok0"
        before, child = alerce._client.transport._sessions, os.fork()
        if child == 0:
            found = alerce.query_object("ok1")["oid"][0]
            os._exit(0 if found == "ok1" and alerce._client.transport._sessions is not before else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert alerce.query_object("ok2")["oid"][0] == "ok2"
    assert server.connections == 2


# secrets


CANARY = "wonderland-canary-7391"


def canary_forms():
    import base64

    return [CANARY, *(base64.b64encode(text.encode()).decode() for text in (f"alice:{CANARY}", CANARY))]


@pytest.fixture
def secret_login(monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", CANARY)


SECRET_FAULTS = {
    **{name: PASSING[name] for name in ("reset before the headers", "gzip cut", "status 503")},
    **{name: FINAL[name][0] for name in ("400", "401", "HTML with status 200")},
    "redirect": http(status=302, Location="http://example.org/"),
    "stall": lambda connection: connection.recv(1),
}


@pytest.mark.parametrize("fault", SECRET_FAULTS.values(), ids=SECRET_FAULTS)
def test_a_failure_shows_no_password(fault, secret_login, caplog, capsys):
    import traceback

    caplog.set_level(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    with FaultServer(fault) as server:
        zvar, _ = impatient(Zvar(url=server.url))
        with pytest.raises(e.ServiceError) as caught:
            zvar.query_objects("1", timeout=0.5)
    assert "Authorization: Basic " in server.requests[0]  # it was sent, so it could have leaked
    told = [
        caplog.text,
        repr(zvar),
        repr(vars(zvar)),
        str(caught.value),
        repr(vars(caught.value)),
        "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()),
        *capsys.readouterr(),
    ]
    chain, error = [], caught.value
    while error is not None:
        chain.append(error)
        error = error.__cause__ or error.__context__
    told += [repr(error.__dict__) for error in chain]
    for form in canary_forms():
        assert not any(form in text for text in told)


def test_an_answer_and_the_disk_hold_no_password(secret_login, caplog, tmp_path, monkeypatch):
    import os

    caplog.set_level(logging.DEBUG)
    monkeypatch.chdir(tmp_path)
    with FaultServer(SOURCES) as server:
        zvar = Zvar(url=server.url)
        table = zvar.query_objects("145120008365555264")
    table.write("sources.ecsv")
    told = [caplog.text, repr(table.meta), repr(zvar._client.transport), (tmp_path / "sources.ecsv").read_text()]
    for folder in (os.environ["ASTROPY_CACHE_DIR"], os.environ["ASTROPY_CONFIG_DIR"], tmp_path):
        told += [path.read_text(encoding="latin-1") for path in Path(folder).rglob("*") if path.is_file()]
    for form in canary_forms():
        assert not any(form in text for text in told)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(zvar._credentials())
    assert CANARY not in repr(zvar._credentials())


def shown(error):
    import traceback

    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def test_a_refused_prompted_login_shows_no_password(monkeypatch):
    import getpass

    monkeypatch.setattr(getpass, "getpass", lambda prompt: CANARY)
    with FaultServer(json_reply({"detail": "no"}, 401)) as server, pytest.raises(e.LoginError) as caught:
        Zvar(url=server.url).login(username="alice")
    assert "Authorization: Basic " in server.requests[0]
    told = shown(caught.value)
    for form in canary_forms():
        assert form not in told


def test_an_interrupt_shows_no_password(secret_login, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("http.client.HTTPConnection.getresponse", interrupt)
    with FaultServer(SOURCES) as server:
        client = Zvar(url=server.url)._client
        with pytest.raises(KeyboardInterrupt) as caught:
            client.fetch(client.query("objects", ids=["1"]))
    assert caught.value.__context__ is None
    told = shown(caught.value)
    for form in canary_forms():
        assert form not in told


@pytest.mark.parametrize("status", [200, 400, 401, 503])
def test_a_server_that_repeats_the_request_gives_no_password_away(secret_login, status):
    with FaultServer(b"") as server:
        server.respond = lambda request, connection: connection.sendall(http(f"{request} {CANARY}".encode(), status))
        zvar, _ = impatient(Zvar(url=server.url))
        with pytest.raises(e.ServiceError) as caught:
            zvar.query_objects("1")
    for form in canary_forms():
        assert form not in str(caught.value)
        assert form not in repr(vars(caught.value))


@pytest.mark.parametrize("service", [Alerce, Zvar])
def test_a_login_in_the_address_is_refused(service, monkeypatch):
    monkeypatch.setenv("ALERCE_ZVAR_SERVER", f"http://alice:{CANARY}@127.0.0.1:9")
    for instance in (service, service(url=f"https://alice:{CANARY}@zvar.example.org/api")):
        with pytest.raises(ValueError, match="must not hold a login") as caught:
            instance.query_objects("1") if service is Zvar else instance.query_object("1")
        assert CANARY not in str(caught.value)


def test_a_broken_keyring_does_not_matter_where_the_login_is_known(secret_login, monkeypatch):
    import keyring

    def broken(*args):
        raise RuntimeError("no backend")

    monkeypatch.setattr(keyring, "get_password", broken)
    with conf.set_temp("zvar_username", "alice"), FaultServer(SOURCES) as server:
        assert len(Zvar(url=server.url).query_objects("145120008365555264")) == 1
        monkeypatch.delenv("ZVAR_PASSWORD")
        assert not Zvar(url=server.url).authenticated()


def test_a_login_is_not_sent_in_clear_to_another_machine(secret_login):
    with pytest.raises(e.InsecureURLError, match=r"https"):
        Zvar(url="http://zvar.example.org/api").query_objects("1")


def test_a_login_is_sent_to_private_endpoints_only(secret_login):
    with FaultServer(GOOD) as server:
        Alerce(url=server.url).query_object("ZTF17aabopdz")
    assert "Authorization" not in server.requests[0]


def test_netrc_is_not_read(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login bob password {CANARY}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with FaultServer(SOURCES) as server:
        Zvar(url=server.url).query_objects("145120008365555264")
    assert "Authorization" not in server.requests[0]


def test_a_refused_login_is_tried_once_only(secret_login):
    with FaultServer(json_reply({"detail": "no"}, 401)) as server, conf.set_temp("max_connections", 1):
        zvar, _ = impatient(Zvar(url=server.url))
        with pytest.raises(e.LoginError):
            zvar.query_region(SkyCoord([1] * 2500 * u.deg, [2] * 2500 * u.deg), radius=1 * u.arcsec)
    assert len(server.requests) <= 2  # the next one may already be on its way


def test_login_asks_and_checks(monkeypatch):
    import getpass

    monkeypatch.setattr(getpass, "getpass", lambda prompt: CANARY)
    with FaultServer(json_reply([])) as server:
        zvar = Zvar(url=server.url)
        assert not zvar.authenticated()
        zvar.login(username="alice")
        assert zvar.authenticated()
        assert "Authorization: Basic " in server.requests[0]
        zvar.logout()
        assert not zvar.authenticated()
    with FaultServer(json_reply({"detail": "no"}, 401)) as server:
        zvar = Zvar(url=server.url)
        with pytest.raises(e.LoginError):
            zvar.login(username="alice")
        assert not zvar.authenticated()
    with pytest.raises(e.LoginError, match="username"):
        Zvar(url=server.url).login()
