"""Period search: a light curve in, a record of the best period out. Knows no service."""

from alerce_zvar.period.result import PeriodResult
from alerce_zvar.period.search import find_period

__all__ = ["PeriodResult", "find_period"]
