"""The command line: ``alerce-zvar`` or ``python -m alerce_zvar``.

Data goes to stdout, progress and errors to stderr. Exit codes: 0 all done, 1 error, 2 wrong usage, 3 done in part, 130
interrupted, 141 nobody reads the output any more. Every command imports what it needs by itself, so that ``--help``
answers at once.
"""

import argparse
import os
import sys

from alerce_zvar.cli import BROKEN_PIPE, ERROR, INTERRUPTED, OK, PARTIAL, Progress, add_commands, sentence

__all__ = ["main"]

_LAST_PORT = 65535
# Command after "import-" and method of an Archive after "import_" -> what it does, and what a file is.
_IMPORTS = {
    "irsa": ("import light curves as IRSA serves them", "CSV file, plain or .gz"),
    "alerce": ("import recorded answers of ALeRCE", "JSON file"),
    "alerts": ("import alert packets of ZTF", "Avro file"),
}


def main(arguments=None):
    """Exit code of a command line.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.
    """
    code = OK
    try:
        try:
            code = _run(arguments)
        finally:
            print(end="", flush=True)
        return code
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except OSError as exc:  # the last of the output was not written, as on a full disk
        if code != ERROR:
            _tell_error(exc)
        _drop_output()
        return ERROR
    except KeyboardInterrupt as exc:
        print(f"interrupted: {exc}" if str(exc) else "interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(arguments):
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except BrokenPipeError:
        raise
    except Exception as exc:
        if options.debug or not _is_expected(exc):
            raise
        _tell_error(exc)
        return ERROR


def _tell_error(exc):
    from alerce_zvar.errors import printable

    print(f"alerce-zvar: error: {' '.join(printable(str(exc)).split())}", file=sys.stderr)


def _is_expected(exc):
    """Errors that a user can act upon; anything else is a defect, whose traceback is wanted."""
    from astropy.units import UnitsError

    from alerce_zvar.errors import AlerceZvarError

    return isinstance(exc, AlerceZvarError | OSError | ValueError | TypeError | UnitsError)


def _drop_output():
    """Let the interpreter's last flush find a reader, or it would complain (docs.python.org, note on SIGPIPE)."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())


def _seed(text):
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"a whole number from 0 on is accepted, not {text}")
    return number


def _port(text):
    number = int(text)
    if not 0 <= number <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"0 to {_LAST_PORT} is accepted, not {text}")
    return number


def _parser():
    parser = argparse.ArgumentParser(
        prog="alerce-zvar", description="Light curves and periods from ALeRCE and ZVAR; local skies."
    )
    parser.add_argument("--version", action=_Version)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_commands(commands)
    _add_demo(commands)
    _add_serve(commands)
    _add_server_user(commands)
    _add_archive(commands)
    return parser


class _Version(argparse.Action):
    """Prints the version; looked up only when asked for, because that is slow."""

    def __init__(self, option_strings, dest):
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")

    def __call__(self, parser, *args):
        from importlib.metadata import version

        print(f"alerce-zvar {version('alerce_zvar')}")
        parser.exit(OK)


def _add_demo(commands):
    about = "build a synthetic sky, travel through it, and write a report"
    command = commands.add_parser("demo", help=about, description=f"{sentence(about)}; needs no network.")
    command.add_argument("--out", metavar="DIR", default="alerce_zvar_demo", help="folder to write to [%(default)s]")
    command.add_argument("--seed", metavar="N", type=_seed, default=0, help="which sky [%(default)s]")
    command.set_defaults(command=_demo)


def _demo(options):
    from alerce_zvar.sample.demo import run_demo

    report = run_demo(options.out, seed=options.seed, progress=Progress())
    print(report)
    return OK


def _add_serve(commands):
    about = "serve a local sky over HTTP, as the services would"
    command = commands.add_parser("serve", help=about, description=f"{sentence(about)}, until interrupted.")
    command.add_argument("archive", metavar="ARCHIVE", help="file of the sky")
    command.add_argument("--host", default="127.0.0.1", help="address to listen at [%(default)s]")
    command.add_argument("--port", metavar="N", type=_port, default=8000, help="port; 0 takes a free one [%(default)s]")
    command.add_argument(
        "--users", metavar="FILE", help="JSON file of logins, see server-user; without it, everybody may ask"
    )
    command.set_defaults(command=_serve)


def _serve(options):
    from alerce_zvar.server import run

    def started(url):
        print(url, flush=True)
        about = f"Serving {options.archive}; its pages are at {url}/. For programs set ALERCE_ZVAR_SERVER={url}."
        print(f"{about} Stop with Ctrl-C.", file=sys.stderr)

    run(options.archive, host=options.host, port=options.port, users=options.users, started=started)
    return OK


def _add_server_user(commands):
    about = "ask for a password and print the entry of a file for serve --users"
    command = commands.add_parser("server-user", help=about, description=f"{sentence(about)}.")
    command.add_argument("name", metavar="NAME", help="name of the user")
    command.set_defaults(command=_server_user)


def _server_user(options):
    import json

    from alerce_zvar.server import hash_password

    if not options.name or ":" in options.name:
        raise ValueError("NAME must be text without ':'")
    password = _ask(f"Password of {options.name}: ")
    if not password:
        raise ValueError("an empty password is not accepted")
    if _ask("Once more: ") != password:
        raise ValueError("the two passwords differ")
    print(json.dumps({options.name: hash_password(password)}, indent=2))
    return OK


def _ask(prompt):
    """A password that was typed without echo."""
    import getpass
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would be shown while it is typed
            return getpass.getpass(prompt)
    except (EOFError, getpass.GetPassWarning) as exc:
        raise ValueError("no password was given; it is asked for at a terminal") from exc


def _add_archive(commands):
    about = "make, fill and look at a local sky"
    archive = commands.add_parser("archive", help=about, description=f"{sentence(about)}.")
    commands = archive.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for source, (about, path) in _IMPORTS.items():
        command = commands.add_parser(
            f"import-{source}", help=about, description=f"{sentence(about)}. What is known already adds nothing."
        )
        command.add_argument("archive", metavar="ARCHIVE", help="file of the sky; made where missing")
        command.add_argument("paths", metavar="PATH", nargs="+", help=f"{path}, or folder of them")
        command.set_defaults(command=_import, method=f"import_{source}")
    about = "search the light curves of a local sky for periods"
    command = commands.add_parser(
        "periods", help=about, description=f"{sentence(about)}, by FPW. What was found already is left alone."
    )
    command.add_argument("archive", metavar="ARCHIVE", help="file of the sky")
    command.add_argument("--workers", metavar="N", type=int, help="threads [one for each core]")
    command.add_argument("--recompute", action="store_true", help="search all again, and replace what is there")
    command.set_defaults(command=_periods)
    about = "count what a local sky holds"
    command = commands.add_parser("info", help=about, description=f"{sentence(about)}.")
    command.add_argument("archive", metavar="ARCHIVE", help="file of the sky")
    command.set_defaults(command=_info)


def _import(options):
    from pathlib import Path

    from alerce_zvar.archive import Archive
    from alerce_zvar.archive.irsa import find_files

    find_files(options.paths)  # a path that is missing leaves no empty archive behind
    path = Path(options.archive)
    with Archive.open(path) if path.exists() else Archive.create(path) as archive:
        report = getattr(archive, options.method)(options.paths, progress=Progress())
    print(report)
    return PARTIAL if len(report.failures) else OK


def _periods(options):
    from alerce_zvar.archive import Archive

    with Archive.open(options.archive) as archive:
        print(archive.compute_periods(workers=options.workers, recompute=options.recompute, progress=Progress()))
    return OK


def _info(options):
    from alerce_zvar.archive import Archive

    with Archive.open(options.archive, read_only=True) as archive:
        for name, count in archive.summary().items():
            print(f"{name:24} {count:12d}")
    return OK


if __name__ == "__main__":
    sys.exit(main())
