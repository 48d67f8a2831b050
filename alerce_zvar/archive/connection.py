"""The way to DuckDB: connections, statements, and its errors in our words."""

import re
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from alerce_zvar.errors import ArchiveError, require

__all__ = ["begin", "commit", "connect", "cursor", "execute", "is_failure_of_storage", "read_only", "rollback"]

# Nothing is fetched: extensions of DuckDB would be downloaded at first use.
_CONFIG = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
# What DuckDB says -> what it means here.
_MEANINGS = {
    "Could not set lock": "another process has it open, such as a server or a download; end that first.",
    "different configuration": "it is open in this process already; pass the open Archive instead.",
    "read-only mode": "The archive was opened for reading only; nothing can be written.",
    "already closed": "The archive is closed.",
    "transaction within a transaction": "A transaction is under way already; it cannot hold another, nor an import.",
}
_SHOWN_LINES = 3
_MARK = slice(8, 12)  # bytes of a file by which DuckDB knows its own
_LOOK = 0.1  # seconds after which it is looked again whether a statement has been given up


def connect(path, read_only):
    """Connection to the file, whose name is never taken for an option, a service or a home folder.

    Raises
    ------
    ArchiveError
        It cannot be opened.
    MissingExtraError
        The extra ``archive`` is not installed.
    """
    (duckdb,) = require("archive", "duckdb")
    if path.is_dir():
        raise ArchiveError(f"{path} is a folder; an archive is one file.")
    if path.is_file() and not _is_database(path):  # DuckDB would read a table of another format into memory
        raise ArchiveError(f"{path} cannot be used as an archive: it is no DuckDB file.")
    try:
        return duckdb.connect(str(Path(path).absolute()), read_only=read_only, config=_CONFIG)
    except duckdb.Error as exc:
        raise ArchiveError(f"{path} cannot be used as an archive: {_meaning(exc)}") from exc


def _is_database(path):
    try:
        with open(path, "rb") as file:
            head = file.read(_MARK.stop)
    except OSError as exc:
        raise ArchiveError(f"{path} cannot be used as an archive: {exc.strerror}.") from exc
    return not head or head[_MARK] == b"DUCK"


def execute(connection, sql, parameters, arrays):
    """Columns that a statement gives; the arrays are tables to it."""
    with _translated():
        try:
            for name, columns in arrays.items():
                connection.register(name, columns)
            answer = connection.execute(sql, parameters) if parameters else connection.execute(sql)
            return answer.fetchnumpy()
        finally:
            _forget(connection, arrays)


def cursor(connection):
    """Second connection to the same file, for reading in any thread."""
    with _translated():
        return connection.cursor()


def begin(connection):
    """Start a transaction."""
    with _translated():
        connection.begin()


@contextmanager
def read_only(connection, seconds, given_up):
    """Statements inside can change nothing, and end after so many seconds, or soon after they are given up.

    Raises
    ------
    TimeoutError
        They were ended.
    """
    ended, finished = threading.Event(), threading.Event()
    until = time.monotonic() + seconds

    def watch():
        while not finished.wait(_LOOK):
            if time.monotonic() > until or given_up.is_set():
                ended.set()
                connection.interrupt()

    watcher = threading.Thread(target=watch, daemon=True)
    with _translated():
        connection.execute("BEGIN TRANSACTION READ ONLY")
    watcher.start()
    try:
        yield
    except (KeyboardInterrupt, ArchiveError):
        if ended.is_set():
            raise TimeoutError from None
        raise
    finally:
        finished.set()
        watcher.join()
        rollback(connection)


def commit(connection):
    """Keep what the transaction wrote."""
    with _translated():
        connection.commit()


def rollback(connection):
    """Undo what the transaction wrote, if DuckDB has not done so itself."""
    (duckdb,) = require("archive", "duckdb")
    with suppress(duckdb.Error):
        connection.rollback()


def is_failure_of_storage(error):
    """True of an `ArchiveError` that says nothing about what was to be written: a full disk, a broken file, ..."""
    (duckdb,) = require("archive", "duckdb")
    kinds = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.OutOfMemoryException)
    return isinstance(error.__cause__, (*kinds, duckdb.ConnectionException, duckdb.TransactionException))


def _forget(connection, names):
    """Drop the arrays; in a broken transaction DuckDB cannot, and its first error is the one to show."""
    (duckdb,) = require("archive", "duckdb")
    for name in names:
        with suppress(duckdb.Error):
            connection.unregister(name)


@contextmanager
def _translated():
    """DuckDB's errors become `ArchiveError`, and what it makes of Ctrl-C becomes `KeyboardInterrupt` again."""
    (duckdb,) = require("archive", "duckdb")
    try:
        yield
    except (RuntimeError, duckdb.InterruptException) as exc:
        if "interrupted" not in str(exc).lower():
            raise
        raise KeyboardInterrupt from None
    except duckdb.Error as exc:
        raise ArchiveError(_meaning(exc)) from exc


def _meaning(exc):
    """Our words for an error, or else its first lines."""
    text = str(exc)
    for sign, meaning in _MEANINGS.items():
        if sign in text:
            return meaning
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()][:_SHOWN_LINES]
    hint = " (mixed line ends?)" if re.search("state machine|parser state", text, re.IGNORECASE) else ""
    return " ".join(lines) + hint
