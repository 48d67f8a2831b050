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
        details="One row for each light curve, over all its bands; what cannot be searched is told, with exit code 3.",
    )
    _add_curves(command)
    add_service(command, {"alerce": _ALERCE, "zvar": _ZVAR})
    command.add_argument("--min-period", metavar="TIME", type=duration, help="least period tried [5min]")
    command.add_argument("--max-period", metavar="TIME", type=duration, help="largest [100d or half the time span]")
    command.add_argument("--method", metavar="NAME", help="auto, or a method such as lombscargle, bls, fpw [auto]")
    command.add_argument(
        "--nterms", metavar="N", type=whole, help="harmonics of Lomb-Scargle, 1 to 10, instead of auto"
    )
    command.add_argument("--workers", metavar="N", type=whole, help="processes [one for each core]")
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
    from alerce_zvar.period import find_periods

    how = {"minimum_period": options.min_period, "maximum_period": options.max_period, "method": options.method}
    how |= {"nterms": options.nterms} if options.nterms else {}
    number, progress = len(light_curves), _silent if options.quiet else Progress()
    progress(0, number, "searching")
    found = find_periods(
        light_curves, workers=options.workers, progress=lambda done: progress(done, number, "searching"), **how
    )
    progress(number, number, "searched")
    well = found["error"] == ""
    if options.plot:
        for row in well.nonzero()[0].tolist():
            _draw(light_curves[row], found[row], options.plot)
    return _table(found[well], light_curves).with_companions(failures=_failures(found, light_curves, ids))


def _silent(done, total, what):
    """No progress is told."""


def _failures(found, light_curves, ids):
    """What was not answered, then what could not be searched."""
    import numpy as np
    from astropy.table import Table, vstack

    from alerce_zvar.errors import PartialResultWarning, warn

    failures = light_curves.failures
    answered = np.setdiff1d(np.arange(len(ids)), failures["input_index"]).tolist()
    failed = [
        (index, row["id"], *row["error"].split(": ", 1), "")
        for index, row in zip(answered, found["id", "error"], strict=True)
        if row["error"]
    ]
    if failed:
        warn(f"{len(failed)} of {len(found)} light curves could not be searched", PartialResultWarning)
    dtypes = [failures[column].dtype for column in failures.colnames]
    more = Table(rows=failed or None, names=failures.colnames, dtype=[d if d.kind == "i" else str for d in dtypes])
    return vstack([failures, more])


def _table(found, light_curves):
    """The table of periods as it is written: each column with its description."""
    from astropy import units as u
    from astropy.table import Column

    from alerce_zvar.wire.answer import AnswerTable

    table = AnswerTable()
    table[light_curves.id_name] = Column(found["id"], dtype=str, description="Identifier")
    for name, description in _COLUMNS.items():
        values = getattr(found[name], "value", found[name])
        values = getattr(values, "unmasked", values)  # only failures are masked, and they are not among them
        unit, kind = u.d if name in _DAYS else None, _KINDS.get(name, float)
        table[name] = Column(values, dtype=kind, unit=unit, description=description)
    table.meta = {key: value for key, value in light_curves.data.meta.items() if isinstance(value, str | int | float)}
    table.meta["table"] = "found_periods"
    table.add_column(found["epoch_time"].unmasked, name="epoch_time", index=3)
    table["epoch_time"].info.description = "Time at which the model is brightest"
    return table


_COLUMNS = {
    "period": "Best period",
    "period_err": "Its standard error",
    "power": "Share of the scatter that the model explains",
    "false_alarm_probability": "Chance that noise shows such a peak; an upper limit",
    "noise_probability": "Chance that values in random order show such a period; see believed",
    "believed": "True if the observations speak for the period",
    "terrestrial": "Terrestrial period that this is, such as 'day', or empty",
    "shape": "What describes the folded light curve best",
    "reason": "Why this period",
    "nterms": "Harmonics fitted",
    "n_points": "Measurements used",
    "at_edge": "True if the best period is the end of the range",
}
_DAYS = ("period", "period_err")
_KINDS = {"nterms": int, "n_points": int, "at_edge": bool, "believed": bool} | dict.fromkeys(_TEXTS, str)


def _draw(light_curve, row, folder):
    from pathlib import Path

    from matplotlib import pyplot as plt

    from alerce_zvar.plot import plot_folded

    period, epoch_time = (getattr(row[name], "unmasked", row[name]) for name in ("period", "epoch_time"))
    axes = plot_folded(light_curve, period, epoch_time=epoch_time)
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in row["id"])
    axes.figure.savefig(Path(folder, f"{safe}.png"))
    plt.close(axes.figure)
