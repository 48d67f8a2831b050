"""Figures of light curves, folded light curves and periodograms, with matplotlib (extra ``plot``)."""

from alerce_zvar.plot.folded import plot_folded
from alerce_zvar.plot.lightcurve import plot_lightcurve
from alerce_zvar.plot.periodogram import plot_periodogram

__all__ = ["plot_folded", "plot_lightcurve", "plot_periodogram"]
