"""Sphinx configuration, on top of the one that astropy's packages share."""

import os
import sys
import tomllib
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx_astropy.conf.v3 import *  # noqa: F403
from sphinx_astropy.conf.v3 import exclude_patterns, extensions

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
PROJECT = tomllib.loads(HERE.parent.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]

project = PROJECT["name"]
author = PROJECT["authors"][0]["name"]
project_copyright = f"2026, {author}"
release = installed_version(project)
version = release.partition("+")[0]

extensions += ["page_screenshots", "schema_tables"]
exclude_patterns += ["_build", "_templates"]
suppress_warnings = ["config.cache"]  # generated tables depend on the package, not on Sphinx's cache

# A build must not need the network, so links into other packages' pages are made only where the pages are published.
PUBLISHED = "READTHEDOCS" in os.environ
if not PUBLISHED:
    intersphinx_mapping = {}
numpydoc_xref_param_type = PUBLISHED
nitpicky = False

# The plain theme that astropy's derives from: their logo and menu would suggest that this package is one of theirs.
html_theme = "pydata_sphinx_theme"
html_title = f"{project} {version}"
html_theme_options = {
    "logo": {"text": html_title},
    "navbar_center": [],  # all pages stand in the side bar
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}
html_sidebars = {"**": ["globaltoc.html"]}
html_static_path = ["_static"]
html_css_files = ["pages.css"]
plot_formats = [("png", 110)]
plot_html_show_formats = plot_html_show_source_link = False
htmlhelp_basename = project + "doc"
automodsumm_inherited_members = False
