"""A synthetic small sky with known truth, for the demo, the docs and the tests."""

from alerce_zvar.sample.build import build_sample
from alerce_zvar.sample.truth import sample_truth

__all__ = ["build_sample", "sample_truth"]
