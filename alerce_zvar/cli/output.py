"""Answers as bytes on stdout or in a file; what was not answered on stderr."""

import contextlib
import os
import sys
import warnings
from pathlib import Path

from astropy.table import Table

from alerce_zvar.cli import OK, PARTIAL
from alerce_zvar.cli.options import FORMATS
from alerce_zvar.errors import AlerceZvarWarning, PartialResultWarning, printable
from alerce_zvar.wire.answer import AnswerTable
from alerce_zvar.wire.rendered import rendered

__all__ = ["answer", "tell", "told_warnings"]

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
    with told_warnings(options.quiet) as told:
        found = ask()
    failures = found.failures
    failed = failures[failures["error"] != ""] if unmatched else failures
    table = found if isinstance(found, Table) else AnswerTable(found.to_table())
    _write(rendered(table, form), form, options.output)
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
def told_warnings(quiet):
    """Our warnings as lines on stderr; their classes are collected."""
    told, usual = set(), warnings.showwarning

    def show(message, category, *args, **options):
        if not issubclass(category, AlerceZvarWarning):
            usual(message, category, *args, **options)
            return
        told.add(category)
        if not quiet:
            text = str(message).removesuffix(_FOR_PYTHON)
            tell(f"warning: {text}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", AlerceZvarWarning)
        warnings.showwarning = show
        yield told


def tell(text):
    """One line on stderr."""
    print(f"alerce-zvar: {' '.join(printable(text).split())}", file=sys.stderr, flush=True)


def _tell_failures(failures, options):
    if options.failures:
        form = _form_of(options.failures)
        _write(rendered(AnswerTable(failures), form), form, options.failures)
    if options.quiet or not len(failures):
        return
    for row in failures[:_SHOWN]:
        service = f"{row['service']}: " if "service" in failures.colnames else ""
        tell(f"no answer for {row['input']}: {service}{row['reason']}")
    if len(failures) > _SHOWN:
        tell(f"no answer for {len(failures) - _SHOWN} more; --failures FILE lists them all")


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
