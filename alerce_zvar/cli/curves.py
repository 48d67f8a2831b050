"""``lightcurve`` and ``periods``: light curves by id, and what is periodic in them."""

from alerce_zvar.cli import Progress
from alerce_zvar.cli.options import add_command, add_ids, add_service, duration, given, is_positive, whole, words_of

__all__ = ["add"]

_PHOTOMETRY = ("corrected", "difference", "forced", "forced_corrected")
_BANDS = ("u", "g", "r", "i", "z", "y")
_ALERCE = (
    ("--survey", {"choices": ("ztf", "lsst"), "help": "whose objects [ztf]"}),
    (
        "--photometry",
        {"metavar": "NAME", "choices": _PHOTOMETRY, "help": "one of %(choices)s [corrected]"},
    ),
    ("--barycentric", {"action": "store_true", "help": "times at the barycentre of the solar system (TDB)"}),
)
_UPPER_LIMITS = ("--upper-limits", {"action": "store_true", "help": "also exposures without a detection"})
_ZVAR = (("--midpoint", {"action": "store_true", "help": "times of the middle of the exposures, not of their start"}),)
_TEXTS = ("terrestrial", "shape", "reason")  # columns of the table of periods
_FLUX = ("--flux", {"action": "store_true", "help": "fluxes of the difference image, not magnitudes"})


def add(commands):
    """Add the commands."""
    command = add_command(
        commands,
        "lightcurve",
        "light curves by id",
        _lightcurve,
        details="All of them in one table, the id in the first column.",
    )
    _add_curves(command)
    add_service(command, {"alerce": (*_ALERCE, _UPPER_LIMITS), "zvar": (*_ZVAR, _FLUX)})
    command.add_argument("--clean", action="store_true", help="only usable measurements; implied by the cuts")
    command = add_command(
        commands,
        "periods",
        "search light curves for their periods",
        _periods,
        details="One row for each light curve, by the generalised Lomb-Scargle periodogram over all bands.",
    )
    _add_curves(command)
    add_service(command, {"alerce": _ALERCE, "zvar": _ZVAR})
    command.add_argument("--min-period", metavar="TIME", type=duration, help="least period tried [5min]")
    command.add_argument("--max-period", metavar="TIME", type=duration, help="largest [100d or half the time span]")
    command.add_argument("--method", metavar="NAME", help="auto, or a method such as lombscargle, bls, fpw [auto]")
    command.add_argument(
        "--nterms", metavar="N", type=whole, help="harmonics of Lomb-Scargle, 1 to 10, instead of auto"
    )
    command.add_argument("--plot", metavar="DIR", help="also draw each folded light curve, as DIR/ID.png")


def _add_curves(command):
    add_ids(command, "identifiers of the service")
    command.add_argument("--bands", metavar="BANDS", type=words_of(*_BANDS), help="only these, such as g,r")
    command.add_argument("--min-snr", metavar="N", type=is_positive, help="least signal to noise of a measurement")
    command.add_argument("--min-points", metavar="N", type=whole, help="least measurements that a band must have")


def _lightcurve(options):
    from alerce_zvar.cli.output import answer

    words = given(options)
    clean = options.clean or options.min_snr or options.min_points
    upper_limits = words.get("upper_limits", False)
    _, ask = _asked(options, words)
    return answer(options, lambda: _cleaned(ask(), options, upper_limits) if clean else ask())


def _asked(options, words):
    """Ids, and a function that gets their light curves."""
    from alerce_zvar.cli.inputs import alerce_client, ids_of, zvar_client

    if options.service == "zvar":
        ids = ids_of(options, "psid")
        words["format"] = "flux" if words.pop("flux", False) else "mag"
        words["bands"] = options.bands or ("g", "r")
        return ids, lambda: zvar_client(options).get_lightcurves(ids, timeout=options.timeout, **words)
    ids = ids_of(options, "oid")
    if words.pop("upper_limits", False):
        words["include_upper_limits"] = True

    def ask():
        found = alerce_client(options).get_lightcurves(ids, timeout=options.timeout, **words)
        return _in_bands(found, options.bands)

    return ids, ask


def _in_bands(light_curves, bands):
    """Rows of some bands; the light curves stay, be they empty."""
    import numpy as np

    from alerce_zvar.lightcurves import LightCurves

    if not bands:
        return light_curves
    keep = np.isin(light_curves.data["band"], bands)
    offsets = np.concatenate([[0], np.cumsum(keep)])[light_curves.offsets]
    how = {"id_name": light_curves.id_name, "failures": light_curves.failures}
    return LightCurves(light_curves.data[keep], offsets, light_curves.ids, **how)


def _cleaned(light_curves, options, upper_limits=False):
    return light_curves.clean(
        min_snr=options.min_snr, min_points=options.min_points, keep_upper_limits=bool(upper_limits)
    )


def _periods(options):
    from pathlib import Path

    from alerce_zvar.cli.output import answer

    words = given(options)
    _check_method(options)
    if options.min_period is not None and options.max_period is not None and options.min_period >= options.max_period:
        options.usage("--min-period must be below --max-period")
    if options.plot:
        from alerce_zvar.errors import require

        require("plot", "matplotlib")
        Path(options.plot).mkdir(parents=True, exist_ok=True)
    ids, ask = _asked(options, words)
    return answer(options, lambda: _searched(_cleaned(ask(), options), ids, options))


def _check_method(options):
    from alerce_zvar.period.search import AUTO, check_method

    options.method = options.method or AUTO
    try:
        check_method(options.method, {"nterms": options.nterms} if options.nterms else {})
    except ValueError as error:
        options.usage(str(error))


def _searched(light_curves, ids, options):
    """Table of periods; a light curve that cannot be searched is a failure."""
    import numpy as np
    from astropy.table import Table, vstack

    from alerce_zvar.period import find_period

    how = {"minimum_period": options.min_period, "maximum_period": options.max_period, "method": options.method}
    how |= {"nterms": options.nterms} if options.nterms else {}
    found, failed = [], []
    progress = _silent if options.quiet else Progress()
    answered = np.setdiff1d(np.arange(len(ids)), light_curves.failures["input_index"]).tolist()
    for number, (index, name, light_curve) in enumerate(zip(answered, light_curves.ids, light_curves, strict=True)):
        progress(number, len(light_curves), "searching")
        try:
            result = find_period(light_curve, **how)
        except ValueError as error:
            failed.append((index, name, type(error).__name__, str(error), ""))
            continue
        found.append((name, result))
        if options.plot:
            _draw(light_curve, result, name, options.plot)
    progress(len(light_curves), len(light_curves), "searched")
    table = _table(found, light_curves)
    failures = light_curves.failures
    dtypes = [failures[column].dtype for column in failures.colnames]
    more = Table(rows=failed or None, names=failures.colnames, dtype=[d if d.kind == "i" else str for d in dtypes])
    return table.with_companions(failures=vstack([failures, more]))


def _silent(done, total, what):
    """No progress is told."""


def _table(found, light_curves):
    """One row for each result."""
    import numpy as np
    from astropy import units as u
    from astropy.table import Column
    from astropy.time import Time

    from alerce_zvar.wire.answer import AnswerTable

    results = [result for _, result in found]
    scale = light_curves.data["time"].scale
    table = AnswerTable()
    table[light_curves.id_name] = Column([name for name, _ in found], dtype=str, description="Identifier")
    for name, unit, description in (
        ("period", u.d, "Best period"),
        ("period_err", u.d, "Its standard error"),
        ("power", None, "Share of the scatter that the model explains"),
        ("false_alarm_probability", None, "Chance that noise shows such a peak; an upper limit"),
        ("noise_probability", None, "Chance that values in random order show such a period; see believed"),
        ("believed", None, "True if the observations speak for the period"),
        ("terrestrial", None, "Terrestrial period that this is, such as 'day', or empty"),
        ("shape", None, "What describes the folded light curve best"),
        ("reason", None, "Why this period"),
        ("nterms", None, "Harmonics fitted"),
        ("n_points", None, "Measurements used"),
        ("at_edge", None, "True if the best period is the end of the range"),
    ):
        values = [getattr(result, name) if unit is None else getattr(result, name).to_value(unit) for result in results]
        kind = _KINDS.get(name, float)
        table[name] = Column(values, dtype=kind, unit=unit, description=description)
    table.meta = {key: value for key, value in light_curves.data.meta.items() if isinstance(value, str | int | float)}
    table.meta["table"] = "found_periods"
    epochs = np.array([(result.epoch_time.jd1, result.epoch_time.jd2) for result in results]).reshape(-1, 2)
    table.add_column(Time(*epochs.T, format="jd", scale=scale), name="epoch_time", index=3)
    table["epoch_time"].info.description = "Time at which the model is brightest"
    return table


_KINDS = {"nterms": int, "n_points": int, "at_edge": bool, "believed": bool} | dict.fromkeys(_TEXTS, str)


def _draw(light_curve, result, name, folder):
    from pathlib import Path

    from matplotlib import pyplot as plt

    from alerce_zvar.plot import plot_folded

    axes = plot_folded(light_curve, result)
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    axes.figure.savefig(Path(folder, f"{safe}.png"))
    plt.close(axes.figure)
