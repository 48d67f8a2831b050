"""The demo's report: figures, and one page of HTML around them."""

import json

import numpy as np
from astropy import units as u

from alerce_zvar.errors import require
from alerce_zvar.plot import plot_folded, plot_lightcurve, plot_periodogram
from alerce_zvar.plot.folded import period_text
from alerce_zvar.plot.periodogram import chance_text
from alerce_zvar.reporting.page import page_template

__all__ = ["verdict", "write_report"]

_SIZE = (6.4, 3.9)  # inches
_DPI = 110
_FRACTIONS = {1.0: "right", 0.5: "half of the true period", 2.0: "twice the true period"}


def verdict(result, true_period):
    """How a found period compares with the truth, in words.

    Parameters
    ----------
    result : `~alerce_zvar.period.PeriodResult`
        What was found.
    true_period : float
        True period [d]; NaN or masked where there is none.

    Returns
    -------
    str
        "right" when the frequencies agree within the width of a peak, 1 / baseline.
    """
    if np.ma.is_masked(true_period) or not np.isfinite(true_period):
        return "the star has no period"
    width = 1 / result.baseline.to_value(u.day)
    for factor, words in _FRACTIONS.items():
        if abs(result.frequency.to_value(1 / u.day) - 1 / (true_period * factor)) < width:
            return words
    return "wrong"


def write_report(folder, journey, *, seed, tables, options):
    """Path of the report; its figures are written beside it.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where to write.
    journey : dict
        ``sources``, ``objects``, ``light_curves`` and ``examples`` of the demo.
    seed : int
        Which sky it was.
    tables : list of str
        Names of the tables beside the report.
    options : dict
        ``classifier``, ``search`` and ``min_snr``: how the services and the search were asked.
    """
    entries = [_entry(folder, example) for example in journey["examples"]]
    path = folder / "report.html"
    page = page_template("alerce_zvar.sample").render(
        entries=entries,
        seed=seed,
        n_sources=len(journey["sources"]),
        n_objects=len(journey["objects"]),
        n_rows=len(journey["light_curves"].data),
        n_found=sum(entry["verdict"] in _FRACTIONS.values() for entry in entries),
        n_periodic=sum(entry["true_period"] is not None for entry in entries),
        tables=tables,
        options={name: _as_code(value) for name, value in options.items()},
    )
    path.write_text(page, encoding="utf-8")
    return path


def _as_code(value):
    """Python's source of a number, or of the keywords that a dict stands for."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={_as_code(part)}" for name, part in value.items())
    return f"{value.value:g} * u.{value.unit.long_names[0]}" if isinstance(value, u.Quantity) else json.dumps(value)


def _entry(folder, example):
    """What the page says of one star."""
    truth, result = example.truth, example.result
    true_period = None if np.ma.is_masked(truth["period"]) else float(truth["period"])
    return {
        "psid": str(example.source["psid"]),
        "oid": str(example.alert["oid"]),
        "ra": float(example.source["ra"]),
        "dec": float(example.source["dec"]),
        "class_name": str(example.alert["class_name"]),
        "probability": float(example.alert["probability"]),
        "true_class": str(truth["class_name"]),
        "true_period": true_period,
        "zvar": None
        if example.best is None
        else {name: float(example.best[name]) for name in ("period", "significance")},
        "period": result.period.to_value(u.day),
        "period_err": result.period_err.to_value(u.day),
        "verdict": verdict(result, truth["period"]),
        "result": result,
        "shown": period_text(result),
        "chance": chance_text(result),
        "figures": _figures(folder, example),
    }


def _figures(folder, example):
    """Draw the figures of one star; a list of (file name, what it shows)."""
    psid = example.source["psid"]
    drawings = {
        "folded": lambda ax: plot_folded(example.light_curve, example.result, ax=ax),
        "periodogram": lambda ax: plot_periodogram(example.result, ax=ax),
        "lightcurve": lambda ax: plot_lightcurve(example.with_limits, ax=ax, title=f"ZVAR {psid}"),
        "alerts": lambda ax: plot_lightcurve(example.alerts, ax=ax, title=f"ALeRCE {example.alert['oid']}"),
    }
    return [(_draw(folder / f"{name}_{psid}.png", draw), name) for name, draw in drawings.items()]


def _draw(path, draw):
    """One figure without pyplot, so that neither a screen nor a global state is touched."""
    (figures,) = require("plot", "matplotlib.figure")
    figure = figures.Figure(figsize=_SIZE, layout="constrained")
    draw(figure.subplots())
    figure.savefig(path, dpi=_DPI)
    return path.name
