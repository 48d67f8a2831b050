"""A DuckDB file of ours: made, opened, read by many threads, written by one in transactions."""

import threading
from contextlib import contextmanager, suppress
from pathlib import Path

from alerce_zvar.archive import connection as duck
from alerce_zvar.archive import tables
from alerce_zvar.errors import ArchiveError

__all__ = ["Database"]


class Database:
    """The file beneath an `Archive`: tables of a known version, statements, transactions.

    Made by `create` or `open`; closed by `close` or a ``with`` block. Many threads may read.

    Attributes
    ----------
    path : `~pathlib.Path`
        The file.
    """

    def __init__(self, path, connection):
        self.path = path
        self._connection = connection
        self._writing = threading.RLock()

    @classmethod
    def create(cls, path):
        """New, empty archive.

        Parameters
        ----------
        path : str or path-like
            File to make.

        Raises
        ------
        ArchiveError
            The file exists, or cannot be made.
        MissingExtraError
            The extra ``archive`` is not installed.
        """
        path = Path(path)
        if path.is_file():
            raise ArchiveError(
                f"{path} exists already; open it with Archive.open, choose another name, "
                "or delete it if it is left of an attempt that was cut off."
            )
        archive = cls(path, duck.connect(path, read_only=False))
        try:
            with archive.transaction():
                for statement in tables.create_statements():
                    archive.write(statement)
        except BaseException:
            archive.close()
            path.unlink(missing_ok=True)
            raise
        return archive

    @classmethod
    def open(cls, path, read_only=False):
        """Existing archive.

        Parameters
        ----------
        path : str or path-like
            File that `create` made.
        read_only : bool
            Let other processes read it at the same time; nothing can be written then.

        Raises
        ------
        ArchiveError
            The file is missing, is no archive, has another version, or is being written by another process.
        MissingExtraError
            The extra ``archive`` is not installed.
        """
        path = Path(path)
        if not path.exists():
            raise ArchiveError(f"{path} is not there; make an archive with Archive.create.")
        archive = cls(path, duck.connect(path, read_only=read_only))
        try:
            archive._check_version()
        except ArchiveError:
            archive.close()
            raise
        return archive

    def close(self):
        """Close the file; the archive cannot be used after."""
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __repr__(self):
        return f"<{type(self).__name__} {self.path}>"

    def summary(self):
        """Number of rows of each table, as a dict."""
        names = [name for name in tables.TABLES if name != "meta"]
        counts = self.write("SELECT " + ", ".join(f"(SELECT count(*) FROM {name}) AS {name}" for name in names))
        return {name: int(counts[name][0]) for name in names}

    def query(self, sql, parameters=(), **arrays):
        """Columns that a read-only SQL statement gives, as a dict of (masked) arrays.

        Parameters
        ----------
        sql : str
            Statement with ``?`` or ``$name`` for each parameter.
        parameters : sequence or dict
            Their values.
        **arrays : dict of ndarray
            Tables that the statement may name; NaN in them is NULL.
        """
        with duck.cursor(self._connection) as cursor:
            return duck.execute(cursor, sql, parameters, arrays)

    def query_safely(self, sql, parameters, arrays, *, seconds, given_up=None):
        """As `query`, for statements made on behalf of others: nothing can be changed, and they end in time.

        Parameters
        ----------
        sql : str
            Statement with ``$name`` for each parameter.
        parameters : dict
            Name -> value.
        arrays : dict
            Name -> dict of (masked) arrays: tables that the statement may name.
        seconds : float
            After which it is interrupted.
        given_up : `threading.Event`, optional
            Set when nobody waits for the answer any more.

        Returns
        -------
        dict of ndarray
            As from `query`.

        Raises
        ------
        TimeoutError
            It was interrupted.
        ArchiveError
            The database refuses it.
        """
        with duck.cursor(self._connection) as cursor, duck.read_only(cursor, seconds, given_up or threading.Event()):
            return duck.execute(cursor, sql, parameters, arrays)

    def write(self, sql, parameters=(), **arrays):
        """As `query`, on the connection that may change the archive and sees temporary tables."""
        with self._writing:
            return duck.execute(self._connection, sql, parameters, arrays)

    @contextmanager
    def transaction(self):
        """All that is written inside is kept, or nothing."""
        with self._writing:
            duck.begin(self._connection)
            try:
                yield
                duck.commit(self._connection)
            except BaseException:
                duck.rollback(self._connection)
                raise

    def _check_version(self):
        try:
            meta = self.query("SELECT key, value FROM meta")
        except ArchiveError as exc:
            raise ArchiveError(
                f"{self.path} is a DuckDB file, but not an archive of alerce_zvar; "
                "if making one was cut off, delete the file and make it again."
            ) from exc
        found = dict(zip(meta["key"], meta["value"], strict=True))
        if found.get("format") != "alerce_zvar" or found.get("version") != str(tables.VERSION):
            raise ArchiveError(
                f"{self.path} is an archive of version {found.get('version')}; this package reads {tables.VERSION}."
            )

    @contextmanager
    def _importing(self):
        """One import at a time; its temporary tables are dropped at the end."""
        with self._writing:
            try:
                yield
            finally:
                with suppress(ArchiveError):  # where that cannot be done, the error that led here is the one to show
                    for name in self.write("SELECT table_name AS name FROM duckdb_tables() WHERE temporary")["name"]:
                        self.write(f'DROP TABLE temp."{name}"')
