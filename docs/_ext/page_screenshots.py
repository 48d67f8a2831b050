"""Directive ``page-screenshot``: Python that makes a page, and a picture of it by headless Chromium.

The lines of the directive are shown as they are and run against the sample sky, all of one document in one namespace.
They set ``page``, the page's address or file. Without Chromium the picture's place says what is missing.
"""

import os
import shutil
import subprocess
import tempfile
from contextlib import chdir
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sample_sky import visit
from sphinx.util import logging

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=20000",  # milliseconds of the page's clock: until its scripts have drawn
)
_LONGEST = 180  # seconds for one picture
_MISSING = (
    "A picture stands here where the documentation is built with Chromium "
    "(Debian's package chromium), which was not found."
)
_log = logging.getLogger(__name__)
_namespaces = {}  # of each document


class PageScreenshot(Directive):
    """Lines of Python that set ``page``; options are the window's width and height, and a text for who cannot see."""

    has_content = True
    option_spec = {  # noqa: RUF012 - docutils' own name
        "alt": directives.unchanged_required,
        "width": directives.positive_int,
        "height": directives.positive_int,
    }

    def run(self):
        code = "\n".join(self.content)
        shown = nodes.literal_block(code, code, language="python")
        browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
        if browser is None:
            return [shown, nodes.note("", nodes.paragraph(text=_MISSING))]
        environment = self.state.document.settings.env
        folder = Path(environment.doctreedir).parent / "page_screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        number = environment.new_serialno("page-screenshot") + 1
        path = folder / f"{environment.docname.replace('/', '-')}-page-{number}.png"
        size = self.options.get("width", 1280), self.options.get("height", 800)
        with tempfile.TemporaryDirectory() as made, chdir(made):
            _photograph(browser, _page(code, environment.docname), size, path)
        here = Path(environment.doc2path(environment.docname)).parent
        image = nodes.image(uri=Path(os.path.relpath(path, here)).as_posix(), alt=self.options.get("alt", ""))
        return [shown, image]


def _page(code, docname):
    """Address of the page that some lines make."""
    visit()
    names = _namespaces.setdefault(docname, {})
    exec(compile(code, docname, "exec"), names)
    page = str(names["page"])
    return page if "://" in page else Path(page).resolve().as_uri()


def _photograph(browser, address, size, path):
    """Write the picture of a page; a warning where the browser fails."""
    path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = [f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", f"--screenshot={path}"]
        command = [browser, *_FLAGS, *options, address]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False)
            said = ended.stderr[-500:]
        except subprocess.TimeoutExpired:
            said = f"not done after {_LONGEST} s"
    if not path.is_file():
        _log.warning("page-screenshot: %s made no picture of %s: %s", browser, address, said)


def setup(app):
    """Announce the directive to Sphinx; pages may be read in several processes."""
    app.add_directive("page-screenshot", PageScreenshot)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
