"""How a band looks, in every figure. The colours (Okabe & Ito 2008) differ for every kind of colour vision."""

from dataclasses import dataclass
from types import MappingProxyType

from alerce_zvar.errors import require

__all__ = [
    "BANDS",
    "LIMIT_MARKER",
    "PRINT_STYLE",
    "BandStyle",
    "band_styles",
    "class_styles",
    "figure_size",
    "print_style",
]


@dataclass(frozen=True)
class BandStyle:
    """Colour and marker of a band, in matplotlib's words."""

    color: str
    marker: str


BANDS = {
    "u": BandStyle("#0072B2", "^"),
    "g": BandStyle("#009E73", "o"),
    "r": BandStyle("#D55E00", "s"),
    "i": BandStyle("#56B4E9", "D"),
    "z": BandStyle("#CC79A7", "p"),
    "y": BandStyle("#E69F00", "h"),
}
# Bands of other surveys, taken in turn; the numbers have no common divisor, so that only the thirty-first repeats one.
_OTHER_COLORS = ("#000000", "#999999", "#882255", "#999933", "#332288")  # the last three of Tol's muted scheme
_OTHER_MARKERS = ("P", "X", "*", "<", ">", "d")
LIMIT_MARKER = "v"  # an upper limit points to where the star may be: fainter
FILLS = ("full", "none", "left", "top", "right", "bottom")  # of markers: the fields of one band
LINE_COLOR = "#0072B2"
MARK_COLOR = "#D55E00"
EMPTY_COLOR = "#56B4E9"  # of pixels without a value, among greys
FAINT_COLOR = "0.45"  # of what explains others: marks in a legend, notes
#: Settings of matplotlib for a figure in one column of a journal, 3.5 inches wide: no text below 7 pt ("small" is 0.833
#: of ``font.size``), thin lines, and in PDF, PS and SVG text that can be edited.
PRINT_STYLE = MappingProxyType(
    {
        "figure.figsize": (3.5, 2.7),
        "savefig.dpi": 300,
        "font.size": 8.5,
        "axes.labelsize": 8,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        "lines.markersize": 4.0,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "legend.handlelength": 1.2,
        "legend.columnspacing": 1.0,
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
    }
)
_SIZE = (7.0, 4.2)  # inches, where nothing else is said


def band_styles(bands):
    """Style of each band by name; those that are not u, g, r, i, z or y differ within one figure only."""
    others = sorted({str(band) for band in bands} - set(BANDS))
    return BANDS | {band: _other_style(number) for number, band in enumerate(others)}


def _other_style(number):
    return BandStyle(
        _OTHER_COLORS[number % len(_OTHER_COLORS)],
        _OTHER_MARKERS[number % len(_OTHER_MARKERS)],
    )


def class_styles(names):
    """Style of each of some names that are no bands, such as classes; 132 differ within one figure."""
    looks = list(BANDS.values())
    colors = [look.color for look in looks] + list(_OTHER_COLORS)
    markers = [look.marker for look in looks] + list(_OTHER_MARKERS)
    ordered = enumerate(sorted({str(name) for name in names}))
    return {name: BandStyle(colors[i % len(colors)], markers[i % len(markers)]) for i, name in ordered}


def print_style():
    """A context in which figures fit one column of a journal, 3.5 inches, in matplotlib's settings `PRINT_STYLE`.

    Figures that are made inside take the size of the column, their texts have at least 7 pt, and text in PDF, PS and
    SVG stays text. Save the figure inside too.

    Returns
    -------
    context manager

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> from alerce_zvar.plot import plot_folded, print_style
    >>> with print_style():  # doctest: +SKIP
    ...     plot_folded(light_curve, result).figure.savefig("folded.pdf")
    """
    (matplotlib,) = require("plot", "matplotlib")
    return matplotlib.rc_context(dict(PRINT_STYLE))


def figure_size(scale=(1.0, 1.0)):
    """Width and height of a new figure [inch]: ours, or that of the settings where they say another than usual.

    Parameters
    ----------
    scale : tuple of float
        By what both are multiplied; of the settings only the height, since the width is that of a page.

    Returns
    -------
    tuple of float
    """
    (matplotlib,) = require("plot", "matplotlib")
    usual, set_now = (settings["figure.figsize"] for settings in (matplotlib.rcParamsDefault, matplotlib.rcParams))
    if list(usual) == list(set_now):
        return _SIZE[0] * scale[0], _SIZE[1] * scale[1]
    return set_now[0], set_now[1] * scale[1]
