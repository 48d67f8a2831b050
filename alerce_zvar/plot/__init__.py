"""Figures of light curves, folded light curves, periodograms and image stamps, with matplotlib (extra ``plot``)."""

from alerce_zvar.plot.folded import plot_folded
from alerce_zvar.plot.lightcurve import plot_lightcurve
from alerce_zvar.plot.periodogram import plot_periodogram
from alerce_zvar.plot.stamps import plot_stamps

__all__ = ["plot_folded", "plot_lightcurve", "plot_periodogram", "plot_stamps"]
