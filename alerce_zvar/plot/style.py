"""How a band looks, in every figure. The colours (Okabe & Ito 2008) differ for every kind of colour vision."""

from dataclasses import dataclass

__all__ = ["BANDS", "LIMIT_MARKER", "OTHER_BAND", "BandStyle", "band_style"]


@dataclass(frozen=True)
class BandStyle:
    """Colour and marker of a band, in matplotlib's words."""

    color: str
    marker: str


BANDS = {"g": BandStyle("#009E73", "o"), "r": BandStyle("#D55E00", "s"), "i": BandStyle("#56B4E9", "D")}
OTHER_BAND = BandStyle("#000000", "P")
LIMIT_MARKER = "v"  # an upper limit points to where the star may be: fainter
LINE_COLOR = "#0072B2"
MARK_COLOR = "#D55E00"


def band_style(band):
    """Style of a band; unknown bands share one."""
    return BANDS.get(str(band), OTHER_BAND)
