"""The figures of a report, as data URIs; drawn without pyplot, so that no screen and no global state is touched."""

import base64
import io
import struct
from dataclasses import dataclass

import numpy as np

from alerce_zvar import plot
from alerce_zvar.errors import require
from alerce_zvar.reporting.gather import NEIGHBOURS
from alerce_zvar.reporting.tables import CLASSES, first_classes
from alerce_zvar.zvar.gaia import add_colour_magnitude

__all__ = ["Picture", "draw_all"]

_WIDTH = 7.2  # inches
_DPI = 130
_SIZE = slice(16, 24)  # of a PNG: width and height in its first chunk (PNG specification, 11.2.1)
_MANY = 400  # points, from which means in bins help the eye
_BINS = 40
_CANDIDATES = 6
_COLUMNS = 3  # of candidates
_PARALLAX_SNR = 5  # plot_cmd's own


@dataclass(frozen=True)
class Picture:
    """A figure: PNG as a data URI, its size [pixels], and what it shows."""

    uri: str
    width: int
    height: int
    caption: str


def draw_all(known, analysis):
    """Figures by what they show.

    Parameters
    ----------
    known : Known
        What the services know.
    analysis : Analysis or None
        What the period search found.

    Returns
    -------
    dict of list of Picture
        ``lightcurves``, ``periods``, ``classes``, ``stamps``, ``cmd``; the lists may be empty.
    """
    return {
        "lightcurves": [_of_curve(name, curve) for name, curve in known.curves.items()],
        "periods": [] if analysis is None else _of_periods(analysis),
        "classes": _of_classes(known),
        "stamps": _of_stamps(known.stamps),
        "cmd": _of_gaia(known),
    }


def _figure(height, rows=1, columns=1, **options):
    (figures,) = require("plot", "matplotlib.figure")
    figure = figures.Figure(figsize=(_WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options).ravel()


def _kept(figure, caption):
    """A figure as bytes in a page."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    body = file.getvalue()
    width, height = struct.unpack(">II", body[_SIZE])
    return Picture(f"data:image/png;base64,{base64.b64encode(body).decode()}", width, height, caption)


def _of_curve(name, curve):
    figure, (ax,) = _figure(3.4)
    plot.plot_lightcurve(curve, title="", ax=ax)
    return _kept(figure, f"Light curve: {name}")


def _of_periods(analysis):
    """Folded on the best period, on the others, and the periodogram."""
    bins = _BINS if len(analysis.light_curve) >= _MANY else None
    folded, (ax,) = _figure(3.8)
    plot.plot_folded(analysis.light_curve, analysis.result, bins=bins, title="", ax=ax)
    power, (ax,) = _figure(3.6)
    plot.plot_periodogram(analysis.result, ax=ax)
    number = min(_CANDIDATES, 1 + len(analysis.result.alternatives))
    columns = min(_COLUMNS, number)
    rows = -(-number // columns)
    others, axes = _figure(0.4 + 2.3 * rows, rows, columns, sharey=True)
    plot.plot_period_candidates(analysis.light_curve, analysis.result, n=number, axes=axes[:number])
    for ax in axes[number:]:
        ax.remove()
    for ax in axes[:number]:
        ax.label_outer()
        ax.set_xticks([0, 1, 2])
        if ax.get_legend() is not None:  # it stands beside the folded light curve
            ax.get_legend().remove()
    captions = ("on the best period, two cycles", "on each period that was weighed")
    return [
        _kept(folded, f"Folded {captions[0]}"),
        _kept(power, "Periodogram; peaks and aliases of the best period are marked"),
        _kept(others, f"Folded {captions[1]}"),
    ]


def _of_classes(known):
    shown = first_classes(known)
    if not len(shown):
        return []
    versions = {(row["classifier"], row["classifier_version"]) for row in shown}
    figure, (ax,) = _figure(0.8 + 0.19 * len(shown) + 0.3 * len(versions))
    plot.plot_probabilities(shown, title="", ax=ax)
    return [_kept(figure, f"Classifications by ALeRCE: the {CLASSES} most probable classes of each classifier")]


def _of_stamps(stamps):
    if stamps is None:
        return []
    figure, axes = _figure(3.0, 1, 3)
    plot.plot_stamps(stamps, title="", axes=axes)
    return [_kept(figure, f"Science, template and difference image of detection {stamps.meta['candid']}")]


def _of_gaia(known):
    """Where the star stands in Gaia's colour-magnitude diagram, if its parallax is good enough."""
    if "gaia" not in known.matches:
        return []
    star = add_colour_magnitude(known.matches["gaia"][:1], min_parallax_snr=_PARALLAX_SNR)
    if np.ma.is_masked(star["absolute_magnitude"][0]) or np.ma.is_masked(star["bp_rp"][0]):
        return []
    figure, (ax,) = _figure(4.4)
    plot.plot_cmd(star, background=known.neighbours, min_parallax_snr=_PARALLAX_SNR, title="", ax=ax)
    others = "" if known.neighbours is None else f" among the stars within {NEIGHBOURS:g}"
    return [_kept(figure, f"Place in Gaia's colour-magnitude diagram{others}, without extinction")]
