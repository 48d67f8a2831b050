"""``cone`` and ``objects``: what there is around positions, and by id."""

from alerce_zvar.cli.options import add_command, add_ids, add_positions, add_service, duration, given, whole

__all__ = ["add"]

_TABLES = ("sources", "periods", "lightcurves")
_TABLE = (
    "--table",
    {"metavar": "NAME", "choices": _TABLES, "help": "what of them to write: %(choices)s [sources]"},
)
_NUMBER = {"metavar": "N", "type": float}
_CUTS = (
    ("--min-period", {"metavar": "TIME", "type": duration, "help": "least period, such as 5min or 0.2d"}),
    ("--max-period", {"metavar": "TIME", "type": duration, "help": "largest period"}),
    ("--min-significance", _NUMBER | {"help": "least significance; needs a cut on the period"}),
    ("--min-amplitude", _NUMBER | {"help": "least amplitude of a light curve [mag]"}),
    ("--max-amplitude", _NUMBER | {"help": "largest amplitude [mag]"}),
    ("--min-exposures", {"metavar": "N", "type": whole, "help": "least exposures of a light curve"}),
    ("--objtype", {"metavar": "N", "type": int, "help": "DoPHOT type; 1 is a star"}),
    _TABLE,
)
_RANGE = {"metavar": ("MIN", "MAX"), "nargs": 2, "type": float}
_FILTERS = (
    ("--survey", {"choices": ("ztf", "lsst"), "help": "whose objects [ztf]"}),
    ("--classifier", {"metavar": "NAME", "help": "classifier, such as lc_classifier"}),
    ("--classifier-version", {"metavar": "NAME", "help": "its version"}),
    ("--class-name", {"metavar": "NAME", "help": "class"}),
    ("--ranking", {"metavar": "N", "type": whole, "help": "rank of the class; 1 is the most probable"}),
    ("--probability", {"metavar": "P", "type": float, "help": "least probability of the class"}),
    ("--ndet", _RANGE | {"type": int, "help": "number of detections"}),
    ("--firstmjd", _RANGE | {"help": "first detection [MJD]"}),
    ("--lastmjd", _RANGE | {"help": "last detection [MJD]"}),
    ("--order-by", {"metavar": "COLUMN", "help": "column to sort by"}),
    ("--order-mode", {"choices": ("ASC", "DESC"), "help": "direction"}),
    ("--row-limit", {"metavar": "N", "type": int, "help": "most rows for each position; -1 is all [1000]"}),
    ("--one-row-per-object", {"action": "store_true", "help": "of each object only its most probable class"}),
)


def add(commands):
    """Add the commands."""
    command = add_command(
        commands,
        "cone",
        "objects around positions",
        _cone,
        radius="radius of the cones, such as 5arcsec or 10arcmin",
    )
    add_positions(command)
    add_service(command, {"alerce": _FILTERS, "zvar": _CUTS})
    command = add_command(
        commands,
        "objects",
        "objects by id, or by what they are like",
        _objects,
        details="ZVAR takes ids only, ALeRCE ids, filters or both.",
    )
    add_ids(command, "identifiers of the service")
    add_service(command, {"alerce": _FILTERS, "zvar": (_TABLE,)})


def _cone(options):
    from alerce_zvar.cli.inputs import alerce_client, positions_of, zvar_client
    from alerce_zvar.cli.output import answer

    words = given(options)
    places = positions_of(options)
    common = {"radius": options.radius, "timeout": options.timeout}
    if options.service == "alerce":
        return answer(options, lambda: alerce_client(options).query_region(places, **common, **words))
    table = words.pop("table", _TABLES[0])
    if "min_significance" in words and not {"min_period", "max_period"} & words.keys():
        options.usage("--min-significance needs --min-period or --max-period")
    return answer(options, lambda: _part(zvar_client(options).query_region(places, **common, **words), table))


def _objects(options):
    from alerce_zvar.cli.inputs import alerce_client, ids_of, zvar_client
    from alerce_zvar.cli.output import answer

    words = given(options)
    if options.service == "zvar":
        ids = ids_of(options, "psid")
        table = words.pop("table", _TABLES[0])
        return answer(options, lambda: _part(zvar_client(options).query_objects(ids, timeout=options.timeout), table))
    ids = ids_of(options, "oid", needed=False)
    filters = set(words) - {"survey", "row_limit", "one_row_per_object", "order_mode"}
    if not ids and not filters:
        options.usage("no ids and no filter: give some, or --from FILE, or - to read ids from stdin")
    words |= {"oid": ids} if ids else {}
    return answer(options, lambda: alerce_client(options).query_objects(timeout=options.timeout, **words))


def _part(sources, name):
    """Sources, or a table that belongs to them, with the failures."""
    from alerce_zvar.wire.answer import AnswerTable

    if name == _TABLES[0]:
        return sources
    return AnswerTable(getattr(sources, name), copy=False).with_companions(failures=sources.failures)
