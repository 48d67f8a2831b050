"""The gallery shows every figure, and pictures of pages are made where there is a browser."""

import sys
from pathlib import Path

import pytest

import alerce_zvar.plot

ROOT = Path(__file__).parent.parent
BROWSER = """#!{python}
import sys
path = next(word for word in sys.argv if word.startswith("--screenshot=")).partition("=")[2]
if {works}:
    open(path, "wb").write({png!r})
open({log!r}, "a").write(sys.argv[-1] + "\\n")
"""
PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q"
    b"\0\0\0\0IEND\xaeB`\x82"
)
PAGE = """
Title
=====

.. page-screenshot::
   :alt: a page

   from pathlib import Path

   page = "one.html"
   Path(page).write_text("<p>one")

.. page-screenshot::

   page = "http://127.0.0.1:1/" + page
"""


@pytest.fixture
def build(monkeypatch, tmp_path):
    """Build a page with two pictures; gives its HTML, what Sphinx warned of, and what the browser was asked."""
    pytest.importorskip("sphinx")
    pytest.importorskip("duckdb")
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    import page_screenshots

    monkeypatch.setattr(page_screenshots, "visit", lambda: None)
    monkeypatch.setattr(page_screenshots, "_namespaces", {})
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "asked"

    def built(works):
        bin_ = tmp_path / "bin"
        bin_.mkdir()
        if works is not None:
            script = bin_ / "chromium"
            script.write_text(BROWSER.format(python=sys.executable, works=works, png=PNG, log=str(log)))
            script.chmod(0o755)
        monkeypatch.setenv("PATH", str(bin_))
        source = tmp_path / "source"
        source.mkdir()
        (source / "index.rst").write_text(PAGE)
        (source / "conf.py").write_text("extensions = ['page_screenshots']\n")
        folders = source, source, tmp_path / "html", tmp_path / "doctrees"
        with (tmp_path / "warnings").open("w") as warnings, docutils_namespace():
            Sphinx(*folders, "html", status=None, warning=warnings, freshenv=True).build()
        asked = log.read_text().split() if log.exists() else []
        return (tmp_path / "html" / "index.html").read_text(), (tmp_path / "warnings").read_text(), asked

    return built


def test_pictures_of_pages_are_made_from_the_lines_that_are_shown(build, tmp_path):
    html, warnings, asked = build(True)
    assert warnings == ""
    assert asked[0].startswith("file:///")
    assert asked[0].endswith("/one.html")
    assert asked[1] == "http://127.0.0.1:1/one.html"
    assert html.count("<img") == 2
    assert 'alt="a page"' in html
    assert "one.html" in html
    assert len(list((tmp_path / "html" / "_images").glob("*.png"))) == 2
    assert not list((tmp_path / "source").rglob("*.png"))


def test_without_a_browser_the_page_says_so(build):
    html, warnings, asked = build(None)
    assert (warnings, asked) == ("", [])
    assert html.count("which was not found") == 2
    assert "<img" not in html


def test_a_browser_that_fails_is_a_warning(build):
    _, warnings, asked = build(False)
    assert len(asked) == 2
    assert "made no picture of http://127.0.0.1:1/one.html" in warnings


def test_every_figure_is_in_the_gallery():
    text = (ROOT / "docs" / "gallery" / "index.rst").read_text(encoding="utf-8")
    names = [name for name in alerce_zvar.plot.__all__ if name.startswith("plot_") or name == "write_html"]
    assert [name for name in names if f"   {name}(" not in text and f" = {name}(" not in text] == []
