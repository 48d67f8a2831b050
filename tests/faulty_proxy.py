"""A server that passes requests on to a sound one and fails at some of them, and a clock by which nobody waits."""

import http.client
import random
import threading
import time

from fault_server import FaultServer, json_reply
from fault_server import http as http_reply

from alerce_zvar import conf
from alerce_zvar.wire.transport import Transport


class Clock:
    """Seconds that jump where somebody would wait."""

    def __init__(self):
        self._skipped, self._lock = 0.0, threading.Lock()

    def __call__(self):
        return time.monotonic() + self._skipped

    def skip(self, seconds):
        with self._lock:
            self._skipped += seconds

    def sleep(self, seconds):
        self.skip(seconds / conf.max_connections)  # as many wait at a time


class Faulty(FaultServer):
    """Passes requests on to a sound server, but fails at some of them.

    Parameters
    ----------
    behind : str
        Address of the sound server.
    faults : dict
        Kind -> chance of it.
    clock : callable
        Seconds.
    outage : tuple of float
        After how many requests nobody is answered, and for how many seconds.
    """

    def __init__(self, behind, faults, clock, outage=(10**9, 0)):
        super().__init__(b"")
        self.behind, self.faults, self.clock, self.outage = behind.removeprefix("http://"), faults, clock, outage
        self.chance, self.made, self.gone = random.Random(17), [], None
        self._heard = time.monotonic()

    def respond(self, request, connection):
        self._heard = time.monotonic()
        if len(self.requests) >= self.outage[0] and self.gone is None:
            self.gone = self.clock()
        if self.gone is not None and self.clock() < self.gone + self.outage[1]:
            self.made.append("outage")
            return
        kind = self.chance.choices([*self.faults, None], [*self.faults.values(), 1 - sum(self.faults.values())])[0]
        self.made += [kind] if kind else []
        if kind == "503":
            connection.sendall(json_reply({"detail": "busy"}, 503))
        elif kind == "stall":
            self._stall(connection)
        else:
            reply = self._passed_on(request)
            self._heard = time.monotonic()
            connection.sendall(reply[: len(reply) * 2 // 3] if kind == "cut" else reply)

    def _stall(self, connection):
        """Once nobody else is busy, the time is over; then the client goes away."""
        while time.monotonic() - self._heard < 0.2:
            time.sleep(0.02)
        self.clock.skip(conf.timeout + 1)
        connection.recv(1)

    def _passed_on(self, request):
        head, _, body = request.partition("\r\n\r\n")
        (method, path, _), *lines = [line.split(" ", 2) for line in head.split("\r\n")]
        kept = ("authorization:", "content-type:")
        headers = {line[0].rstrip(":"): " ".join(line[1:]) for line in lines if line[0].lower() in kept}
        connection = http.client.HTTPConnection(self.behind)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return http_reply(answer.read(), answer.status, Content_Type="application/json")
        finally:
            connection.close()


def patient(service, url, clock):
    """A service whose waits take no time."""
    one = service(url=url)
    credentials = getattr(one, "_credentials", None)
    one._client.transport = Transport(credentials, clock=clock, sleep=clock.sleep)
    return one
