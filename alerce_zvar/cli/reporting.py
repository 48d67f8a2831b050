"""``report``: one page about one object."""

import argparse

from alerce_zvar.cli import sentence
from alerce_zvar.cli.options import angle, duration, is_positive, words_of

__all__ = ["add"]

_SERVICES = ("alerce", "zvar", "catshtm")


def add(commands):
    """Add the command."""
    about = "write a page with everything that is known of one object"
    command = commands.add_parser(
        "report",
        help=about,
        description=f"{sentence(about)}: what the services know, and what the period search finds. The "
        "page is one file of HTML. What a service fails to give is told in it, with exit code 3.",
    )
    command.add_argument(
        "target",
        metavar="ID_OR_POSITION",
        type=_target,
        help="id of ALeRCE or ZVAR; or a position, in quotes, such as '10.68 +41.27' (degrees)",
    )
    command.add_argument("-o", "--output", "--out", metavar="FILE", required=True, help="file to write, star.html")
    command.add_argument("--overwrite", action="store_true", help="replace that file")
    command.add_argument(
        "--services",
        metavar="NAMES",
        type=words_of(*_SERVICES),
        default=_SERVICES,
        help="which to ask, such as alerce,zvar [all: alerce,zvar,catshtm]",
    )
    command.add_argument("--survey", choices=("ztf", "lsst"), default="ztf", help="whose objects of ALeRCE [ztf]")
    command.add_argument("--radius", metavar="ANGLE", type=angle, help="within which it is one object [1.5arcsec]")
    command.add_argument("--min-period", metavar="TIME", type=duration, help="least period tried [5min]")
    command.add_argument("--max-period", metavar="TIME", type=duration, help="largest [100d or half the time span]")
    command.add_argument("--method", metavar="NAME", help="auto, or a method such as lombscargle, bls, fpw [auto]")
    command.add_argument("--server", metavar="URL", help="address of a local server for all services")
    command.add_argument("--user", metavar="NAME", help="log in to ZVAR; the password is asked for")
    command.add_argument("--timeout", metavar="S", type=is_positive, help="total seconds for each request")
    command.add_argument("--quiet", action="store_true", help="no progress and no warnings on stderr")
    command.set_defaults(command=_report, usage=command.error)


def _target(text):
    """An id, or a position: that has several words, or colons."""
    from alerce_zvar.positions import parse_position

    if not text.strip():
        raise argparse.ArgumentTypeError("an empty text is neither an id nor a position")
    if not any(mark in text.strip() for mark in " ,:"):
        return text.strip()
    try:
        return parse_position(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _report(options):
    from alerce_zvar.catshtm.core import CatsHTMClass
    from alerce_zvar.cli import OK, PARTIAL
    from alerce_zvar.cli.inputs import alerce_client, zvar_client
    from alerce_zvar.cli.output import tell, told_warnings
    from alerce_zvar.errors import PartialResultWarning, printable
    from alerce_zvar.reporting import report

    search = {"minimum_period": options.min_period, "maximum_period": options.max_period, "method": options.method}
    radius = {} if options.radius is None else {"radius": options.radius}
    with told_warnings(options.quiet) as told:
        path = report(
            options.target,
            options.output,
            services=options.services,
            survey=options.survey,
            search={name: value for name, value in search.items() if value is not None},
            overwrite=options.overwrite,
            timeout=options.timeout,
            alerce=alerce_client(options),
            zvar=zvar_client(options) if "zvar" in options.services else None,
            catshtm=CatsHTMClass(url=options.server),
            progress=None if options.quiet else tell,
            **radius,
        )
    print(printable(str(path)))
    return PARTIAL if PartialResultWarning in told else OK
