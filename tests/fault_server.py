"""A loopback server that answers each request with the next step of a script: bytes, or a function of the socket."""

import contextlib
import gzip
import json
import socket
import threading

__all__ = ["FaultServer", "gzipped", "http", "json_reply"]


def http(body=b"", status=200, *, length=True, keep_alive=False, **headers):
    """Bytes of an HTTP answer; header names are written with underscores."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Connection: {'keep-alive' if keep_alive else 'close'}"]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def json_reply(content, status=200, **headers):
    return http(json.dumps(content).encode(), status, Content_Type="application/json", **headers)


def gzipped(body, cut=None):
    packed = gzip.compress(body)
    return http(packed[:cut], Content_Encoding="gzip", Content_Type="application/json")


class FaultServer:
    """Serves a script; its last step is repeated for all later requests. Keeps every request as text."""

    def __init__(self, *script):
        self.script = list(script)
        self.requests = []
        self.connections = 0
        self.keep_alive = False
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._closing.set()
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()  # wakes the accept
            self.connections -= 1
        self._thread.join()
        self._listener.close()

    def _serve(self):
        while not self._closing.is_set():
            connection, _ = self._listener.accept()
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        self.connections += 1
        with connection, contextlib.suppress(OSError):
            while request := self._read(connection):
                self.requests.append(request)
                self.respond(request, connection)
                if not self.keep_alive:
                    return

    def respond(self, request, connection):
        step = self.script[min(len(self.requests), len(self.script)) - 1]
        if callable(step):
            step(connection)
        else:
            connection.sendall(step)

    @staticmethod
    def _read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = connection.recv(65536)
            if not chunk:
                return ""
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        while len(body) < int(*lengths):
            body += connection.recv(65536)
        return (head + b"\r\n\r\n" + body).decode()
