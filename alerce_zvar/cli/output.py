"""Answers as bytes on stdout or in a file; what was not answered on stderr."""

import contextlib
import csv
import functools
import io
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

from astropy.table import Table

from alerce_zvar.cli import OK, PARTIAL
from alerce_zvar.cli.options import FORMATS
from alerce_zvar.errors import AlerceZvarWarning, PartialResultWarning, printable
from alerce_zvar.wire.answer import AnswerTable
from alerce_zvar.wire.formats import plain_name

__all__ = ["answer"]

_BINARY = ("parquet", "fits")
_FOR_PYTHON = " (see .failures)"  # of no use to a reader of stderr, who is told of them anyway
_SHOWN = 20  # failures that are listed on stderr


def answer(options, ask, *, unmatched=False):
    """Exit code of a command that asks for a table and writes it.

    Parameters
    ----------
    options : Namespace
        Its options.
    ask : callable
        Gives a table with ``failures``, or light curves.
    unmatched : bool
        An input without an answer is a result, not a failure, unless the service failed.
    """
    form = options.format or _form_of(options.output)
    _check_output(options, form)
    with _told_warnings(options.quiet) as told:
        found = ask()
    failures = found.failures
    failed = failures[failures["error"] != ""] if unmatched else failures
    table = found if isinstance(found, Table) else AnswerTable(found.to_table())
    _write(_rendered(table, form), form, options.output)
    _tell_failures(failed, options)
    partial = PartialResultWarning in told or (len(failed) and not len(table))
    return PARTIAL if partial else OK


def _form_of(path):
    endings = {ending: form for form, endings in FORMATS.items() for ending in endings}
    return "ecsv" if path is None else endings.get(Path(path).suffix.lower(), "ecsv")


def _check_output(options, form):
    """Refuse, before anything is asked, what could not be written."""
    for path in (options.output, options.failures):
        if path is not None and Path(path).exists() and not options.overwrite:
            raise FileExistsError(f"{path} exists; --overwrite replaces it")
        if path is not None and not Path(path).absolute().parent.is_dir():
            raise FileNotFoundError(f"there is no folder {Path(path).absolute().parent}")
    if options.output is None and form in _BINARY and sys.stdout.isatty():
        options.usage(f"{form} is not for a terminal; give --output FILE")


@contextlib.contextmanager
def _told_warnings(quiet):
    """Our warnings as lines on stderr; their classes are collected."""
    told, usual = set(), warnings.showwarning

    def show(message, category, *args, **options):
        if not issubclass(category, AlerceZvarWarning):
            usual(message, category, *args, **options)
            return
        told.add(category)
        if not quiet:
            text = str(message).removesuffix(_FOR_PYTHON)
            _tell(f"warning: {text}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", AlerceZvarWarning)
        warnings.showwarning = show
        yield told


def _tell(text):
    print(f"alerce-zvar: {' '.join(printable(text).split())}", file=sys.stderr, flush=True)


def _tell_failures(failures, options):
    if options.failures:
        form = _form_of(options.failures)
        _write(_rendered(AnswerTable(failures), form), form, options.failures)
    if options.quiet or not len(failures):
        return
    for row in failures[:_SHOWN]:
        service = f"{row['service']}: " if "service" in failures.colnames else ""
        _tell(f"no answer for {row['input']}: {service}{row['reason']}")
    if len(failures) > _SHOWN:
        _tell(f"no answer for {len(failures) - _SHOWN} more; --failures FILE lists them all")


def _rendered(table, form):
    """Bytes of a table in a format."""
    return _RENDER[form](table)


def _ecsv(table):
    text = io.StringIO()
    Table(table).write(text, format="ascii.ecsv")
    return text.getvalue().encode()


def _votable(table):
    body = io.BytesIO()
    table.to_votable().to_xml(body)
    return body.getvalue()


def _file(table, write):
    """Bytes of a format that is only written to files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table")
        write(path)
        return path.read_bytes()


def _parquet(table):
    return _file(table, functools.partial(Table(table).write, format="parquet"))


def _fits(table):
    return _file(table, table.to_fits)


def _csv(table):
    """As in JSON, null being empty."""
    text = io.StringIO()
    names = [plain_name(column) for column in table.columns.values()]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(json.loads(line) for line in _lines(table))
    return text.getvalue().encode()


def _json(table):
    return ("[" + ",\n ".join(_lines(table)) + "]\n").encode()


def _lines(table):
    return table.to_jsonl().split("\n")[:-1]  # splitlines would also cut at separators inside of texts


def _jsonl(table):
    return table.to_jsonl().encode()


_RENDER = {
    "ecsv": _ecsv,
    "votable": _votable,
    "parquet": _parquet,
    "fits": _fits,
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
}


def _write(body, form, path):
    """Bytes to a file, whole or not at all, or to stdout, where no control character of a service gets through."""
    if path is not None:
        whole = Path(path)
        part = whole.with_name(f".{whole.name}.{os.getpid()}.part")
        try:
            part.write_bytes(body)
            part.replace(whole)
        finally:
            part.unlink(missing_ok=True)
        return
    if form not in _BINARY:
        body = printable(body.decode()).encode()
    sys.stdout.flush()
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()
