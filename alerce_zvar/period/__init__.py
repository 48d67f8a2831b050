"""Period search: a light curve in, a record of the best period out. Knows no service."""

from alerce_zvar.period.fpw_search import FpwResult, fpw
from alerce_zvar.period.result import PeriodResult
from alerce_zvar.period.search import find_period
from alerce_zvar.period.stringlength import string_length

__all__ = ["FpwResult", "PeriodResult", "find_period", "fpw", "string_length"]
