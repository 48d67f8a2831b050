"""How a band looks, in every figure. The colours (Okabe & Ito 2008) differ for every kind of colour vision."""

from dataclasses import dataclass

__all__ = ["BANDS", "LIMIT_MARKER", "BandStyle", "band_styles"]


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
LINE_COLOR = "#0072B2"
MARK_COLOR = "#D55E00"
EMPTY_COLOR = "#56B4E9"  # of pixels without a value, among greys


def band_styles(bands):
    """Style of each band by name; those that are not u, g, r, i, z or y differ within one figure only."""
    others = sorted({str(band) for band in bands} - set(BANDS))
    return BANDS | {band: _other_style(number) for number, band in enumerate(others)}


def _other_style(number):
    return BandStyle(
        _OTHER_COLORS[number % len(_OTHER_COLORS)],
        _OTHER_MARKERS[number % len(_OTHER_MARKERS)],
    )
