"""Options that commands share, and what their words mean."""

import argparse

from alerce_zvar.cli import sentence

__all__ = [
    "FORMATS",
    "add_command",
    "add_ids",
    "add_positions",
    "add_service",
    "angle",
    "duration",
    "given",
    "is_given",
    "is_positive",
    "position",
    "whole",
    "words_of",
]

# Format -> endings of a file's name that mean it.
FORMATS = {
    "ecsv": (".ecsv",),
    "votable": (".vot", ".votable", ".xml"),
    "parquet": (".parquet",),
    "fits": (".fits",),
    "csv": (".csv",),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson"),
}
_SOURCES = "table (ECSV, VOTable, Parquet, FITS, CSV, JSON) or text file, one in a line; - is stdin"


def add_command(commands, name, about, run, *, details="", radius=None, login=True):
    """Parser of a command that writes a table, with the options that all of these have."""
    command = commands.add_parser(name, help=about, description=f"{sentence(about)}. {details}".strip())
    if radius:
        command.add_argument("--radius", metavar="ANGLE", type=angle, required=True, help=radius)
    command.add_argument("--server", metavar="URL", help="address of the service, or of a local server for all of them")
    if login:
        command.add_argument("--user", metavar="NAME", help="log in to ZVAR; the password is asked for")
    command.add_argument("--timeout", metavar="S", type=is_positive, help="total seconds for each request")
    output = command.add_argument_group("output")
    output.add_argument(
        "-o", "--output", metavar="FILE", type=_file, help="file to write to; by default, or where it is -, stdout"
    )
    output.add_argument("--overwrite", action="store_true", help="replace that file")
    output.add_argument(
        "--format",
        metavar="NAME",
        choices=FORMATS,
        help="one of %(choices)s; by default what the file's name says, else ecsv",
    )
    output.add_argument("--failures", metavar="FILE", help="also write the inputs without an answer, in its format")
    output.add_argument("--quiet", action="store_true", help="no progress and no warnings on stderr")
    command.set_defaults(command=run, usage=command.error)
    return command


def _file(text):
    """Name of a file, or None for the dash that stands for stdout."""
    return None if text == "-" else text


def add_ids(command, what):
    """Identifiers: as arguments, from a file, or from stdin."""
    command.add_argument("ids", metavar="ID", nargs="*", help=f"{what}; - reads them from stdin")
    command.add_argument("--from", dest="source", metavar="FILE", help=_SOURCES)
    command.add_argument("--id-column", metavar="NAME", help="column of the identifiers in a table")


def add_positions(command):
    """Positions: as arguments, from a file, or from stdin."""
    command.add_argument(
        "positions",
        metavar="POSITION",
        nargs="*",
        type=position,
        help="one in quotes, such as '10.68 +41.27' (degrees) or '00h42m44s +41d16m09s'; - reads them from stdin",
    )
    command.add_argument("--from", dest="source", metavar="FILE", help=f"{_SOURCES}. A table has ra and dec")


def add_service(command, groups):
    """The option --service, and for each service the options that only it has.

    Parameters
    ----------
    command : ArgumentParser
        What to add to.
    groups : dict of tuple
        Service -> (option, settings) pairs.
    """
    names = ", ".join(groups)
    first = next(iter(groups))
    command.add_argument(
        "--service", metavar="NAME", choices=list(groups), default=first, help=f"whom to ask: {names} [{first}]"
    )
    own = {}
    for service, options in groups.items():
        group = command.add_argument_group(f"only with --service {service}")
        own[service] = [group.add_argument(name, **settings).dest for name, settings in options]
    command.set_defaults(own=own)


def given(options):
    """Options of the chosen service that were given, by name; those of another are wrong usage."""
    for service, names in options.own.items():
        for name in names:
            if service != options.service and is_given(getattr(options, name)):
                options.usage(f"--{name.replace('_', '-')} goes with --service {service} only")
    words = {name: getattr(options, name) for name in options.own[options.service]}
    return {name: value for name, value in words.items() if is_given(value)}


def is_given(value):
    """True for the value of an option that was given; 0 is one."""
    return value is not None and value is not False


def words_of(*choices):
    """Type of an option that takes several of some words, with commas between them."""

    def read(text):
        words = tuple(text.replace(",", " ").split())
        wrong = [word for word in words if word not in choices]
        if wrong or not words:
            raise argparse.ArgumentTypeError(f"{', '.join(choices)} are accepted, with commas, not {text!r}")
        return words

    return read


def position(text):
    """A position, or the dash that stands for stdin."""
    from alerce_zvar.positions import parse_position

    return text if text == "-" else _understood(parse_position, text)


def angle(text):
    """An angle with its unit."""
    from alerce_zvar.wire.query import to_radius

    return _understood(to_radius, text)


def duration(text):
    """A time with its unit."""
    return _understood(_to_duration, text)


def _to_duration(text):
    from astropy import units as u

    try:
        quantity = u.Quantity(text)
    except TypeError:
        quantity = None
    if quantity is None or not quantity.unit.is_equivalent(u.day) or not quantity > 0:
        raise ValueError(f"a time with a unit is accepted, such as 5min, 2h or 10d, not {text!r}")
    return quantity


def is_positive(text):
    """A positive number."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"a positive number is accepted, not {text}")
    return number


def whole(text):
    """A whole number above zero."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on is accepted, not {text}")
    return number


def _understood(read, text):
    """What a text means; why it means nothing is told in the words of the reader."""
    from astropy.units import UnitsError

    try:
        return read(text)
    except (ValueError, TypeError, UnitsError) as exc:
        raise argparse.ArgumentTypeError(" ".join(str(exc).split())) from exc
