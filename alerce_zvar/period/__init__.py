"""Period search: a light curve in, a record of the best period out. Knows no service."""

from alerce_zvar.period.astropy_method import register_astropy_methods
from alerce_zvar.period.batch import find_periods
from alerce_zvar.period.eclipse import Eclipse, fit_eclipse
from alerce_zvar.period.epoch import Extremum
from alerce_zvar.period.extremum import epoch_of_extremum, phase_of_minimum
from alerce_zvar.period.fpw_search import FpwResult, fpw
from alerce_zvar.period.harmonic_fit import fit_fourier, prewhiten
from alerce_zvar.period.harmonics import FourierModel
from alerce_zvar.period.method import Method, Option, choice, whole
from alerce_zvar.period.methods import get_method, list_methods, register_method
from alerce_zvar.period.periodogram import Periodogram, periodogram
from alerce_zvar.period.result import PeriodResult
from alerce_zvar.period.search import find_period
from alerce_zvar.period.stringlength import string_length

__all__ = [
    "Eclipse",
    "Extremum",
    "FourierModel",
    "FpwResult",
    "Method",
    "Option",
    "PeriodResult",
    "Periodogram",
    "choice",
    "epoch_of_extremum",
    "find_period",
    "find_periods",
    "fit_eclipse",
    "fit_fourier",
    "fpw",
    "get_method",
    "list_methods",
    "periodogram",
    "phase_of_minimum",
    "prewhiten",
    "register_astropy_methods",
    "register_method",
    "string_length",
    "whole",
]
