"""``download``: what a service has of many objects, into a local sky, in as many runs as it takes."""

import sys

from alerce_zvar.cli import OK, PARTIAL, sentence
from alerce_zvar.cli.options import add_ids, angle, is_positive, position, words_of

__all__ = ["add"]

_BANDS = ("g", "r", "i")
_CATALOGS = ("gaia", "ps1", "galex", "2mass", "allwise")
_WORDS = ("object", "lightcurve", "forced_photometry", "magstats", "probabilities", "features")
_ABOUT = {"alerce": "what ALeRCE knows of objects", "zvar": "sources and light curves of ZVAR"}


def add(commands):
    """Add the commands."""
    about = "keep what a service has in a local sky; run again, it goes on"
    download = commands.add_parser("download", help=about, description=f"{sentence(about)}.")
    services = download.add_subparsers(title="services", required=True, metavar="SERVICE", dest="service")
    for service, own in _ABOUT.items():
        description = f"Keep {own} in a local sky. What is there already is not asked for again."
        command = services.add_parser(service, help=own, description=description)
        _add_common(command)
        _OWN_OPTIONS[service](command)
        command.set_defaults(command=_download, usage=command.error, ask=_ASK[service])


def _add_common(command):
    command.add_argument("archive", metavar="ARCHIVE", help="file of the sky; made where missing")
    add_ids(command, "identifiers of the service")
    command.add_argument(
        "--cone",
        metavar="POSITION",
        type=position,
        action="append",
        default=[],
        help="also all around a position in quotes, such as '10.68 +41.27' (degrees); needs --radius",
    )
    command.add_argument("--radius", metavar="ANGLE", type=angle, help="radius of the cones, such as 5arcmin")
    command.add_argument(
        "--retry-failed", action="store_true", help="ask again also for what the service did not have before"
    )
    command.add_argument("--server", metavar="URL", help="address of the service, or of a local server for all of them")
    command.add_argument("--timeout", metavar="S", type=is_positive, help="total seconds for each request")
    command.add_argument("--failures", metavar="FILE", help="write what is not there, and why, to a file (ECSV)")
    command.add_argument("--quiet", action="store_true", help="no progress on stderr")


def _add_of_alerce(command):
    command.add_argument("--survey", choices=("ztf", "lsst"), default="ztf", help="whose objects [%(default)s]")
    command.add_argument(
        "--what", metavar="WORDS", type=words_of(*_WORDS), help="only these, such as object,lightcurve"
    )


def _add_of_zvar(command):
    command.add_argument("--bands", metavar="BANDS", type=words_of(*_BANDS), help="only these, such as g,r")
    command.add_argument(
        "--catalogs",
        metavar="NAMES",
        type=words_of(*_CATALOGS),
        default=(),
        help="also the sources of these near them, such as gaia; needs --match-radius",
    )
    command.add_argument("--match-radius", metavar="ANGLE", type=angle, help="how near, such as 2arcsec")
    command.add_argument("--user", metavar="NAME", help="log in; the password is asked for")


_OWN_OPTIONS = {"alerce": _add_of_alerce, "zvar": _add_of_zvar}


def _download(options):
    from alerce_zvar.cli.inputs import ids_of

    if (options.radius is None) == bool(options.cone):
        options.usage("--cone and --radius go together")
    ids = ids_of(options, {"alerce": "oid", "zvar": "psid"}[options.service], needed=not options.cone)
    words = {"progress": False if options.quiet else None, "retry_failed": options.retry_failed}
    report = options.ask(options, ids, words | {"timeout": options.timeout})
    print(report, file=sys.stdout)
    if options.failures:
        report.failures.write(options.failures, format="ascii.ecsv", overwrite=True)
    return PARTIAL if len(report.failures) else OK


def _of_alerce(options, ids, words):
    from alerce_zvar.cli.inputs import alerce_client

    client = alerce_client(options)
    if options.cone:
        around = {"radius": options.radius, "survey": options.survey, "row_limit": -1, "timeout": options.timeout}
        ids = [*ids, *map(str, client.query_region(options.cone, **around)["oid"])]
    ids = list(dict.fromkeys(ids))
    return client.download(ids, options.archive, what=options.what, survey=options.survey, **words)


def _of_zvar(options, ids, words):
    from alerce_zvar.cli.inputs import zvar_client

    if (options.match_radius is None) == bool(options.catalogs):
        options.usage("--catalogs and --match-radius go together")
    client = zvar_client(options)
    if options.cone:
        around = client.query_region(options.cone, radius=options.radius, timeout=options.timeout)
        ids = [*ids, *map(str, around["psid"])]
    words |= {"bands": options.bands, "catalogs": options.catalogs, "match_radius": options.match_radius}
    return client.download(list(dict.fromkeys(ids)), options.archive, **words)


_ASK = {"alerce": _of_alerce, "zvar": _of_zvar}
