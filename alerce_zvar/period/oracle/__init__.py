"""The slow and obvious twins of the fast periodograms, for tests: plain arrays in, one number per frequency out.

They share no code with what they check.
"""

from alerce_zvar.period.oracle.folded import aov, bls, conditional_entropy, fpw, pdm, string_length
from alerce_zvar.period.oracle.waves import multiband, power

__all__ = ["aov", "bls", "conditional_entropy", "fpw", "multiband", "pdm", "power", "string_length"]
