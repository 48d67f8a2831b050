"""The words and numbers of a report: rows of texts for the page."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u

from alerce_zvar.folding import band_names, bare_unit, numbers, usable, value_names
from alerce_zvar.plot.explorer import from_alerce, from_result, from_zvar
from alerce_zvar.plot.folded import period_text
from alerce_zvar.plot.model import field_names
from alerce_zvar.plot.periodogram import chance_text
from alerce_zvar.reporting.analysis import measured

__all__ = [
    "CLASSES",
    "Grid",
    "bands_grid",
    "classes_grid",
    "eclipse_rows",
    "features_grid",
    "first_classes",
    "fourier_grid",
    "identity_rows",
    "match_grids",
    "periods_grid",
    "verdict_rows",
]

NONE = "—"
_LEAST = 1e-300  # where floating point ends
CLASSES = 5  # of each version of a classifier, by rank
_NOT_OF_THE_SOURCE = ("input_index", "psid")  # columns of matches that repeat what was asked
_RANGE = ("From [MJD]", "To [MJD]")
_MAIN = (
    "Multiband_period",
    "Period_band",
    "PPE",
    "Amplitude",
    "Mean",
    "Std",
    "Skew",
    "Meanvariance",
    "Eta_e",
    "StetsonK",
    "Harmonics_mag_1",
    "Power_rate_1/2",
    "GP_DRW_tau",
    "GP_DRW_sigma",
    "g-r_mean",
    "g-r_mean_corr",
)


@dataclass(frozen=True)
class Grid:
    """A table of texts with its heading; `numbers` are the places of columns that are numbers."""

    header: tuple
    rows: list
    numbers: frozenset = frozenset()
    title: str = ""


def text(value, digits=6):
    """A value as text; masked ones and those that are no number are a dash."""
    if value is None or np.any(np.ma.getmaskarray(value)) or np.any(getattr(value, "mask", False)):
        return NONE
    value = getattr(value, "unmasked", value)
    value = value.value if isinstance(value, u.Quantity) else value
    if isinstance(value, float | np.floating):
        return f"{value:.{digits}g}" if np.isfinite(value) else NONE
    return str(value) or NONE


def identity_rows(known):
    """(what, text) of names and positions."""
    rows = [("ALeRCE object", known.oid), ("ZVAR source", known.psid)]
    if known.target.light_curve is not None:
        rows.insert(0, ("Light curve given", str(known.target)))
    place = known.coordinates
    if place is not None:
        rows += [
            (f"Position (ICRS), {known.placed_by}", f"{place.ra.deg:.6f}° {place.dec.deg:+.6f}°"),
            ("The same, sexagesimal", place.to_string("hmsdms", sep=":", precision=3)),
            ("Galactic", f"l = {place.galactic.l.deg:.5f}°, b = {place.galactic.b.deg:+.5f}°"),
        ]
    rows += [
        (f"Offset of {service}'s object", f"{angle.to_value(u.arcsec):.3f}″")
        for service, angle in known.separations.items()
        if service != known.placed_by
    ]
    return [(what, text(words)) for what, words in rows]


def bands_grid(known):
    """Epochs, upper limits, magnitudes and time range of each light curve, band and field."""
    header = ("Light curve", "Band", "Field", "Epochs", "Limits", "Brightest", "Median", "Faintest", *_RANGE)
    rows = [row for name, curve in known.curves.items() for row in _band_rows(name, curve)]
    return Grid(header, rows, frozenset(range(3, len(header))))


def _band_rows(name, curve):
    good = measured(curve)
    limits = ~good & (usable(curve["limiting_mag"]) if "limiting_mag" in curve.colnames else False)
    timed = ~np.broadcast_to(curve["time"].mask, len(curve))
    groups = list(zip(band_names(curve).tolist(), field_names(curve).tolist(), strict=True))
    for band, field in sorted({group for group, known in zip(groups, timed, strict=True) if known}):
        rows = timed & np.array([group == (band, field) for group in groups])
        days = np.asarray(getattr(curve["time"][rows], "unmasked", curve["time"][rows]).mjd)
        counts = [str(np.count_nonzero(rows & kind)) for kind in (good, limits)]
        extremes = _extremes(curve[rows & good])
        yield (name, text(band), text(field), *counts, *extremes, f"{np.min(days):.3f}", f"{np.max(days):.3f}")


def _extremes(curve):
    """Brightest, median and faintest value, with the unit."""
    column = next(iter(value_names(curve)), None)
    if column is None or not len(curve):
        return (NONE,) * 3
    values, unit = numbers(curve[column]), bare_unit(curve[column])
    ends = (np.min(values), np.median(values), np.max(values))
    return tuple(f"{value:.5g} {unit or ''}".strip() for value in (ends if column == "mag" else ends[::-1]))


def periods_grid(known, analysis):
    """All periods that anybody gives, each with its origin and its ratio to the best one."""
    found = [] if analysis is None else from_result(analysis.result)
    found += [] if known.zvar is None or not len(known.zvar.periods) else from_zvar(_of_source(known))
    found += [] if known.features is None else from_alerce(known.features)
    best = analysis.result.period if analysis is not None else None
    rows = [
        (
            f"{one.period.to_value(u.day):.8g}",
            NONE if best is None else f"{(one.period / best).to_value(u.one):.5g}",
            one.origin,
            one.detail,
        )
        for one in found
    ]
    return Grid(("Period [d]", "Ratio", "Origin", "What it says"), rows, frozenset({0, 1}))


def _of_source(known):
    return known.zvar.periods[known.zvar.periods["psid"] == known.psid]


def verdict_rows(analysis):
    """(what, text) of the period that was found."""
    result = analysis.result
    believed = "yes" if result.believed else "no: the observations do not speak for it"
    noise = f"{result.noise_probability:.2g}" if result.noise_probability > _LEAST else f"below {_LEAST:.0g}"
    return [
        ("Period", period_text(result).removeprefix("P = ")),
        ("Believed", f"{believed}; values in random order fit as well with a probability {noise}"),
        ("Terrestrial", result.terrestrial or "no"),
        ("Shape", ", ".join(filter(None, (result.shape, result.reason)))),
        ("Brightest at", f"{result.epoch_time.mjd:.6f} MJD ({result.epoch_time.scale.upper()})"),
        ("Share of the scatter explained", f"{result.power:.4f}"),
        ("False-alarm probability (white noise)", chance_text(result)),
        ("Amplitude, half of top to bottom", _amplitudes(result)),
        ("Searched", _searched(analysis)),
        ("At the edge of the range", "yes" if result.at_edge else "no"),
    ]


def _amplitudes(result):
    each = result.band_amplitudes.items()
    return ", ".join(f"{band} {half.value:.3g} {half.unit or ''}".strip() for band, half in each)


def _searched(analysis):
    result = analysis.result
    days = [1 / end.to_value(1 / u.day) for end in (result.maximum_frequency, result.minimum_frequency)]
    return (
        f"{analysis.name}: {result.column} of {result.n_points} points in {', '.join(result.bands) or 'no bands'} "
        f"over {result.baseline.to_value(u.day):.0f} d; {days[0]:.4g} to {days[1]:.4g} d by method {result.method}, "
        f"{result.engine}"
    )


def fourier_grid(analysis):
    """Amplitude of each harmonic, and its ratio and phase against the first."""
    model = analysis.fourier
    ratios = {int(row["k"]): row for row in model.ratios}
    rows = []
    for row in model.harmonics:
        ratio, k = ratios.get(int(row["k"])), int(row["k"])
        relative = (NONE, NONE) if ratio is None else (_pair(ratio, "ratio"), _pair(ratio, "phi"))
        rows.append((str(k), _pair(row, "amplitude"), *relative))
    unit = model.harmonics["amplitude"].unit
    return Grid(("k", f"Amplitude [{unit}]", "R_k1", "φ_k1 [rad]"), rows, frozenset(range(4)))


def _pair(row, name):
    """Value and error."""
    value, error = (getattr(row[part], "value", row[part]) for part in (name, f"{name}_err"))
    return f"{value:.4f} ± {error:.4f}" if np.isfinite(error) else f"{value:.4f}"


def eclipse_rows(analysis):
    """(what, text) of the eclipse."""
    eclipse = analysis.eclipse
    epoch = eclipse.epoch_time
    share = (eclipse.duration / eclipse.period).to_value(u.one)
    return [
        ("Middle of the eclipse", f"{epoch.mjd:.6f} MJD ({epoch.scale.upper()})"),
        ("Duration", f"{eclipse.duration.to_value(u.hour):.4g} h, {share:.3g} of the period"),
        ("Depth", f"{eclipse.depth.value:.4g} ± {eclipse.depth_err.value:.2g} {eclipse.depth.unit or ''}".strip()),
        ("Share of chi² explained by the box", f"{eclipse.power:.4f}"),
    ]


def first_classes(known):
    """Rows of the most probable classes of each classifier and version; those without a rank too."""
    table = known.probabilities
    return () if table is None else table[np.ma.filled(table["ranking"], 0) <= CLASSES]


def classes_grid(known):
    """The most probable classes of each classifier and version."""
    rows = [
        tuple(text(row[name]) for name in ("classifier", "classifier_version", "class_name", "ranking", "probability"))
        for row in first_classes(known)
    ]
    return Grid(("Classifier", "Version", "Class", "Rank", "Probability"), rows, frozenset({3, 4}))


def features_grid(known):
    """The main features of ALeRCE."""
    table = known.features
    rows = [
        (name, text(row["band"]), text(row["value"]), text(row["version"]))
        for name in _MAIN
        for row in (table if table is not None else ())
        if row["name"] == name
    ]
    return Grid(("Feature", "Band", "Value", "Version"), rows, frozenset({2}))


def match_grids(known):
    """For each catalogue a Grid of column, value and unit of the nearest source."""
    found = [(f"{name} (by ZVAR)", table) for name, table in known.matches.items()]
    found += [(f"{name} (by catsHTM)", table) for name, table in (known.catshtm or {}).items() if len(table)]
    return [_match_grid(name, table) for name, table in found]


def _match_grid(name, table):
    rows = []
    for column in table.colnames:
        value = text(table[column][0], digits=9)
        if column not in _NOT_OF_THE_SOURCE and value != NONE:
            unit = bare_unit(table[column])
            rows.append((column, value, "" if unit in (None, u.one) else str(unit)))
    return Grid(("Column", "Value", "Unit"), rows, frozenset({1}), name)
