"""Running the server: inside a program, or until it is interrupted."""

import os
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass

from alerce_zvar.archive import Archive
from alerce_zvar.errors import AlerceZvarError, require
from alerce_zvar.server.auth import Users

__all__ = ["RunningServer", "create_app", "run", "serve"]

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # where a program on this machine reaches all addresses
_PATIENCE = 5  # seconds that requests under way have when the server stops


@dataclass(frozen=True)
class RunningServer:
    """A server that runs: ``url`` is its address, without a slash at the end."""

    url: str


def create_app(archive, users=None):
    """ASGI application that answers from an open archive.

    Parameters
    ----------
    archive : Archive
        Open archive.
    users : Users, dict, str or path-like, optional
        Logins for the private endpoints, see `Users`; None lets everybody in.

    Raises
    ------
    MissingExtraError
        The extra ``server`` is not installed.
    """
    require("server", "fastapi", "uvicorn", "jinja2", "orjson", "plotly", "python_multipart", "sqlglot")
    from alerce_zvar.server.app import build

    return build(archive, users if users is None or isinstance(users, Users) else Users(users))


@contextmanager
def serve(archive, *, host="127.0.0.1", port=0, users=None):
    """Running server, for a ``with`` block; its ``url`` goes to the classes' ``url=`` or to ``ALERCE_ZVAR_SERVER``.

    Parameters
    ----------
    archive : Archive, str or path-like
        Open archive, or its file, which is then opened for reading.
    host : str
        Address to listen at; ``"0.0.0.0"`` and ``"::"`` are all of this machine's.
    port : int
        Port; 0 takes a free one.
    users : Users, dict, str or path-like, optional
        Logins for the private endpoints, see `Users`; None lets everybody in.

    Raises
    ------
    ArchiveError
        The archive cannot be opened.
    OSError
        The address cannot be listened at.
    ValueError
        ``host`` or ``port`` is not one, or the users cannot be used.
    MissingExtraError
        The extra ``server`` is not installed.

    Examples
    --------
    >>> with serve("sky.duckdb") as server:                                   # doctest: +SKIP
    ...     Zvar = ZvarClass(url=server.url)
    """
    if not isinstance(archive, Archive):
        with (
            Archive.open(archive, read_only=True) as opened,
            serve(opened, host=host, port=port, users=users) as server,
        ):
            yield server
        return
    server = _make_server(create_app(archive, users))
    with _listen(host, port) as listener, _in_thread(server, listener):
        yield RunningServer(_url(host, listener.getsockname()[1]))


def run(archive, host="127.0.0.1", port=8000, users=None, started=None):
    """Serve an archive until interrupted.

    Parameters
    ----------
    archive : str or path-like
        The archive's file.
    host, port, users
        As in `serve`.
    started : callable, optional
        Called with the address once it listens.

    Raises
    ------
    ArchiveError, OSError, ValueError, MissingExtraError
        As in `serve`.
    KeyboardInterrupt
        The user interrupted it; requests under way were answered first.
    """
    with Archive.open(archive, read_only=True) as opened, _listen(host, port) as listener:
        server = _make_server(create_app(opened, users))
        if started is not None:
            started(_url(host, listener.getsockname()[1]))
        server.run(sockets=[listener])


def _make_server(app):
    import uvicorn

    config = uvicorn.Config(
        app, log_level="warning", lifespan="off", proxy_headers=False, timeout_graceful_shutdown=_PATIENCE
    )
    return uvicorn.Server(config)


def _listen(host, port):
    """Socket that listens; refused where the address is none, or not free."""
    if not host:
        raise ValueError("host: an address or name is needed; '0.0.0.0' listens at all of this machine.")
    if not 0 <= port <= 65535:
        raise ValueError(f"port: 0 to 65535 is accepted, {port} was given.")
    try:
        return _listener(host, port)
    except OSError as exc:
        raise OSError(exc.errno, f"cannot listen at {host}, port {port}: {exc.strerror or exc}") from exc


def _listener(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP, or asyncio leaves the delay on in which small packets wait for each other: 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # on Windows the option would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


def _url(host, port):
    host = _LOOPBACK.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _in_thread(server, listener):
    """The socket listens already: a request sent before the loop runs simply waits."""
    failures = []
    ready = threading.Event()
    begin = server.startup

    async def startup(sockets=None):
        await begin(sockets=sockets)
        ready.set()

    def work():
        try:
            server.run(sockets=[listener])
        except BaseException as exc:
            failures.append(exc)
        finally:
            ready.set()

    server.startup = startup
    thread = threading.Thread(target=work, name="alerce_zvar server", daemon=True)
    thread.start()
    ready.wait()
    if not server.started:
        thread.join()
        raise AlerceZvarError("The local server did not start.") from (failures[0] if failures else None)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
