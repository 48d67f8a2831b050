"""A sample sky, served on this machine while the pages are made: what their pictures show."""

import os
import tempfile
from contextlib import ExitStack
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path

from alerce_zvar.sample import build_sample
from alerce_zvar.server import serve


@cache
def address():
    """Address of the server, which ends with the process; Sphinx's processes run no `atexit`."""
    stack = ExitStack()
    Finalize(None, stack.close, exitpriority=10)
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    archive = stack.enter_context(build_sample(Path(folder) / "sky.duckdb"))
    return stack.enter_context(serve(archive)).url


def visit():
    """Let `Alerce` and `Zvar` ask the sample sky, as after the tutorial's first step."""
    os.environ["ALERCE_ZVAR_SERVER"] = address()
