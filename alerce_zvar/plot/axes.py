"""What all figures share: an Axes to draw on, the rows that can be drawn, points, texts, labels and the legend."""

import unicodedata

import numpy as np
from astropy import units as u
from astropy.time import Time, TimeDelta

from alerce_zvar.errors import require, shown
from alerce_zvar.folding import band_names, usable, value_names
from alerce_zvar.plot.style import FAINT_COLOR, figure_size

__all__ = [
    "BESIDE",
    "FORCED",
    "LIMITS",
    "add_legend",
    "bands_of",
    "check_ordinate",
    "draw_points",
    "drawable",
    "explain_marker",
    "finish",
    "is_narrow",
    "legend_columns",
    "legend_text",
    "make_axes",
    "make_grid_axes",
    "marker_size",
    "pick_column",
    "plain_text",
    "points_of",
    "set_title",
    "text_width",
    "time_label",
    "unit_label",
    "usable_rows",
    "width_of",
    "wrapped",
]

FORCED, LIMITS = "forced photometry", "upper limit"  # in a legend, where they come last
BESIDE = (1.02, 0.0, 0.04, 1.0)  # place of a colour bar, as a share of the axes: as high as they are
_NAMES = {"mag": "Magnitude", "flux": "Flux"}
_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}  # controls, marks of direction, what has no sign
_NARROW = 4.0  # inches: Axes with no room beside them, nor for a long line above


def make_axes(ax, *, scale=(1.0, 1.0), inches=None, layout="constrained"):
    """The given Axes, or those of a new figure: by `scale` larger than usual, or of a height in inches."""
    if ax is not None:
        return ax
    (pyplot,) = require("plot", "matplotlib.pyplot")
    width, height = figure_size(scale)
    return pyplot.subplots(figsize=(width, inches or height), layout=layout)[1]


def make_grid_axes(number, *, panel=(2.6, 2.6)):
    """Axes of a new figure with so many panels of about that size [inch], row by row, in an array; x and y shared."""
    (pyplot,) = require("plot", "matplotlib.pyplot")
    width = figure_size()[0]
    columns = _even(number, max(1, round(width / panel[0])) + (width < _NARROW))
    rows = -(-number // columns)
    shape = {"sharex": True, "sharey": True, "squeeze": False}
    height = panel[1] * min(1.0, width / columns / panel[0] + 0.15)
    axes = pyplot.subplots(rows, columns, figsize=(width, rows * height), layout="constrained", **shape)[1].ravel()
    for unused in axes[number:]:
        unused.remove()
    for above in axes[max(number - columns, 0) : number]:
        above.tick_params(labelbottom=True)
    return axes[:number]


def _even(number, columns):
    """Columns for so many things, at most so many as are given: as few as need no further row."""
    rows = -(-number // columns)
    return -(-number // rows)


def drawable(light_curve):
    """Copy of a light curve: the rows that have a time, in bands of plain text, which is empty where masked."""
    time = light_curve["time"] if "time" in getattr(light_curve, "colnames", ()) else None
    if not isinstance(time, Time) or isinstance(time, TimeDelta):
        raise TypeError(
            "light_curve must be a table with a column 'time' of astropy Time, such as a TimeSeries, "
            f"not {type(light_curve).__name__}"
        )
    rows = light_curve[~np.asarray(time.mask)]
    nameless = np.asarray(getattr(rows["band"], "mask", False)) if "band" in rows.colnames else False
    rows["band"] = np.where(nameless, "", band_names(rows))
    return rows


def pick_column(light_curve, column):
    """``"mag"`` or ``"flux"``: the one asked for, or the first that is there."""
    have = value_names(light_curve)
    if not have:
        raise ValueError(f"the light curve has neither a column 'mag' nor 'flux', only {light_curve.colnames}")
    if column is not None and column not in have:
        raise ValueError(f"column must be one of {have}, not {shown(column)}")
    return column or have[0]


def usable_rows(light_curve, column):
    """Rows whose value, and error where there is one, can be drawn; a bool array."""
    error = f"{column}_err"
    return usable(light_curve[column], light_curve[error] if error in light_curve.colnames else None)


def bands_of(table):
    """Each band of a `drawable` table with its rows (a bool array), by name."""
    bands = np.asarray(table["band"])
    return [(str(band), bands == band) for band in np.unique(bands)]


def draw_points(ax, x, y, error, style, *, label="", fill="full", **options):
    """Values with error bars in the style of a band.

    Parameters
    ----------
    ax : `~matplotlib.axes.Axes`
        Where to draw.
    x, y, error : ndarray of float
        Points and their standard errors; NaN for none.
    style : `~alerce_zvar.plot.style.BandStyle`
        Colour and marker.
    label : str
        Line in the legend; empty for none.
    fill : str
        How much of the marker is filled, in matplotlib's words for ``fillstyle``.
    **options
        To `~matplotlib.axes.Axes.errorbar`.
    """
    edge = {"mec": "white", "mew": 0.3} if fill == "full" else {"mec": style.color, "mew": 0.7, "mfcalt": "white"}
    settings = {"ms": marker_size(), "elinewidth": 0.8, "color": style.color, "fillstyle": fill, **edge, **options}
    if fill == "none":
        settings |= {"fillstyle": "full", "mfc": "white"}  # error bars do not shine through
    known = None if np.isnan(error).all() else error
    ax.errorbar(x, y, yerr=known, fmt=style.marker, label=legend_text(label), **settings)


def explain_marker(ax, label, **look):
    """A line in the legend for what a marker means in all colours."""
    if label not in ax.get_legend_handles_labels()[1]:
        ax.plot([], [], ls="none", color=FAINT_COLOR, label=label, **{"ms": marker_size(), "mew": 0.7, **look})


def marker_size(times=1.0):
    """Size of a point [point], in proportion to that of the settings."""
    (matplotlib,) = require("plot", "matplotlib")
    return times * 3.5 * matplotlib.rcParams["lines.markersize"] / matplotlib.rcParamsDefault["lines.markersize"]


def check_ordinate(ax, column, unit):
    """An error where Axes show another quantity, or the same in another unit: one scale cannot stand for both."""
    there, label = ax.get_ylabel(), unit_label(_NAMES[column], unit)
    if there != label and there.partition(" [")[0] in _NAMES.values():
        raise ValueError(f"ax shows {there} already; {label} needs Axes of its own")


def finish(ax, column, unit, title):
    """Label the ordinate with its unit, turn it over for magnitudes, set the title, and show the legend."""
    ax.set_ylabel(unit_label(_NAMES[column], unit))
    if column == "mag" and not ax.yaxis_inverted():
        ax.invert_yaxis()
    set_title(ax, title)
    add_legend(ax, by_name=True)
    return ax


def add_legend(ax, *, below=False, by_name=False):
    """Beside the axes, because folded light curves fill them; below where asked, or where they are narrow."""
    handles, labels = ax.get_legend_handles_labels()
    if not labels:
        return
    entries = dict(zip(labels, handles, strict=True))
    if by_name:
        entries = dict(sorted(entries.items(), key=lambda entry: (entry[0] in (FORCED, LIMITS), entry[0])))
    place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    if below or is_narrow(ax):
        space = (2.6 * ax.xaxis.label.get_size() + 10) / points_of("small")  # labels of ticks and axis
        columns = legend_columns(entries, width_of(ax))
        place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "borderaxespad": space, "ncols": columns}
    look = {"fontsize": "small", "handletextpad": 0.3, "frameon": False}
    ax.legend(list(entries.values()), list(entries), **look, **place)


def legend_columns(labels, room):
    """How many entries of a legend in small letters stand side by side in a room [inch], in rows of equal length."""
    width = max(text_width(label, "small") for label in labels) + 3 * points_of("small")
    return _even(len(labels), int(max(72 * room // width, 1)))


def set_title(ax, title):
    """The lines of a title as plain text; a line that is longer than the axes allow is broken at its commas."""
    room = 72 * 1.1 * width_of(ax)  # centred on the axes, a title may reach somewhat beyond
    lines = [broken for line in title.split("\n") for broken in _broken(plain_text(line), room)]
    ax.set_title("\n".join(lines).strip(), fontsize="medium")


def _broken(line, room):
    """Parts of a line that are no wider than the room [point], if it has commas there."""
    first, *parts = line.split(", ")
    lines = [first]
    for part in parts:
        longer = f"{lines[-1]}, {part}"
        if text_width(longer, "medium") <= room:
            lines[-1] = longer
        else:
            lines[-1] += ","
            lines.append(part)
    return lines


def wrapped(text, room, size, lines):
    """Text in so many lines that are no wider than the room [point]; an ellipsis stands for what is left out."""
    found, words = [], text.split(" ")
    while words and len(found) < lines:
        number = len(words)
        while number > 1 and text_width(" ".join(words[:number]), size) > room:
            number -= 1
        found.append(" ".join(words[:number]))
        words = words[number:]
    if found:
        found[-1] = _cut(found[-1], room, size, more=bool(words))
    return "\n".join(found)


def _cut(line, room, size, *, more):
    """A line, and an ellipsis where `more` would follow or it is too wide."""
    short = f"{line}…" if more else line
    while line and text_width(short, size) > room:
        line = line[:-1].rstrip(" ,:;")
        short = f"{line}…"
    return short


def text_width(text, size):
    """Width of one line in the usual font [point]; `size` in matplotlib's words, such as ``"small"``."""
    fonts, paths = require("plot", "matplotlib.font_manager", "matplotlib.textpath")
    drawn, font = text.replace(r"\$", "$"), fonts.FontProperties(size=size)  # see `plain_text`
    return paths.text_to_path.get_text_width_height_descent(drawn, font, ismath=False)[0]


def points_of(size):
    """Size of a font in points, such as that of ``"small"``."""
    (fonts,) = require("plot", "matplotlib.font_manager")
    return fonts.FontProperties(size=size).get_size_in_points()


def width_of(ax):
    """Width of Axes [inch]."""
    return ax.get_window_extent().width / ax.figure.dpi


def is_narrow(ax):
    """True for a figure of one column, and for each of several panels."""
    return width_of(ax) < _NARROW


def plain_text(text):
    """Text that is drawn letter by letter: dollars begin no formula, and control characters and the like are seen."""
    seen = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _HIDDEN else c for c in str(text))
    return seen.replace("$", r"\$")


def legend_text(text):
    """Plain text for a legend, which would leave out what begins with an underscore; None for an empty one."""
    plain = plain_text(text)
    return f" {plain}" if plain.startswith("_") else plain or None


def unit_label(name, unit):
    """Such as ``Flux [nJy]``."""
    return name + (f" [{unit:unicode}]" if unit not in (None, u.one) else "")


def time_label(time, format="MJD"):
    """Such as ``MJD (TDB)``."""
    return f"{format} ({time.scale.upper()})"
