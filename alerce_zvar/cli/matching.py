"""``xmatch`` and ``match``: sources of other catalogues, and what all services know of places."""

from alerce_zvar.cli.options import add_command, add_ids, add_positions, is_given, words_of

__all__ = ["add"]

_SERVICES = ("alerce", "zvar", "gaia")
_CATALOGS = ("gaia", "ps1", "galex", "2mass", "allwise")
_GAIA_CUTS = ("min_bp_rp", "max_absolute_magnitude")
_PARALLAX_SNR = 3.0  # as in the service's notebook
_NUMBER = {"metavar": "N", "type": float}


def add(commands):
    """Add the commands."""
    command = add_command(
        commands,
        "xmatch",
        "sources of another catalogue near those of ZVAR, or the other way round",
        _xmatch,
        radius="largest separation, such as 2arcsec",
    )
    add_ids(command, "identifiers of ZVAR, with --external of the catalogue")
    command.add_argument(
        "--catalog", metavar="NAME", choices=_CATALOGS, required=True, help="which catalogue: %(choices)s"
    )
    command.add_argument("--external", action="store_true", help="ids are of the catalogue; find ZVAR's sources")
    command.add_argument("--all", action="store_true", help="all sources within the radius, not only the nearest")
    gaia = command.add_argument_group("only with --catalog gaia, and not with --external")
    gaia.add_argument(
        "--colour-magnitude", action="store_true", help="also bp_rp and absolute_magnitude; implied by the cuts"
    )
    gaia.add_argument("--min-parallax-snr", **_NUMBER, help="least parallax / error of an absolute magnitude [3]")
    gaia.add_argument("--min-bp-rp", **_NUMBER, help="only stars that are redder: 1 for giants")
    gaia.add_argument("--max-absolute-magnitude", **_NUMBER, help="only stars that are brighter: 3 for giants")
    command = add_command(
        commands,
        "match",
        "what ALeRCE, ZVAR and Gaia have at positions, one row each",
        _match,
        radius="largest separation, such as 2arcsec",
    )
    add_positions(command)
    command.add_argument(
        "--services",
        metavar="NAMES",
        type=words_of(*_SERVICES),
        default=_SERVICES,
        help="which to ask, such as alerce,zvar; gaia needs zvar [all three]",
    )


def _xmatch(options):
    from alerce_zvar.cli.inputs import ids_of, zvar_client
    from alerce_zvar.cli.output import answer

    of_gaia = ("colour_magnitude", "min_parallax_snr", *_GAIA_CUTS)
    wanted = [name for name in of_gaia if is_given(getattr(options, name))]
    if wanted and (options.catalog != "gaia" or options.external):
        options.usage(f"--{wanted[0].replace('_', '-')} goes with --catalog gaia only, and not with --external")
    ids = ids_of(options, "source_id" if options.external else "psid")
    how = {"radius": options.radius, "closest": not options.all, "timeout": options.timeout}

    def ask():
        client = zvar_client(options)
        query = client.query_external if options.external else client.query_crossmatch
        found = query(ids, options.catalog, **how)
        return _colour_magnitude(found, options) if wanted else found

    return answer(options, ask, unmatched=True)


def _colour_magnitude(found, options):
    """With the two axes of the diagram; and only the stars that pass the cuts on them."""
    from astropy import units as u

    from alerce_zvar.zvar.gaia import add_colour_magnitude, is_giant

    failures, snr = found.failures, options.min_parallax_snr
    found = add_colour_magnitude(found, min_parallax_snr=_PARALLAX_SNR if snr is None else snr)
    limits = {name: getattr(options, name) * u.mag for name in _GAIA_CUTS if getattr(options, name) is not None}
    if limits:
        found = found[is_giant(found, **(dict.fromkeys(_GAIA_CUTS) | limits))]
    return found.with_companions(failures=failures)


def _match(options):
    from alerce_zvar.cli.inputs import alerce_client, positions_of, zvar_client
    from alerce_zvar.cli.output import answer
    from alerce_zvar.match import match_services

    if "gaia" in options.services and "zvar" not in options.services:
        options.usage("--services gaia needs zvar, for whose sources it is asked")
    places = positions_of(options)

    def ask():
        return match_services(
            places,
            options.radius,
            services=options.services,
            alerce=alerce_client(options),
            zvar=zvar_client(options) if "zvar" in options.services else None,
            timeout=options.timeout,
        )

    return answer(options, ask)
