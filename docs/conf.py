"""The site of the documentation: `nox -s docs` builds it from the pages, the docstrings and the command line.

The root of the sources is the repository's, so that links between its folders work here as on GitHub.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docutils.nodes import Text, document

from aernet import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "site"))

project = "AER-Net"
author = "the maintainers of AER-Net"
release = version = __version__
language = "en"
html_show_copyright = False
smartquotes = False  # `--option` in a docstring keeps its two dashes

root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "engines/models/*.md",
    "benchmarks/*.md",
    "examples/*.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "README.md",
]
exclude_patterns = [".*", "build", "tests", "shared", "venv", "**/.ipynb_checkpoints"]

extensions = [
    "commands",
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_numpy_docstring = False
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = "AER-Net"
html_static_path = ["site/style.css"]
html_css_files = ["style.css"]
html_extra_path = ["site/index.html"]  # leads from the folder to the front page
html_copy_source = False
html_theme_options = {
    "footer_icons": [],
    "light_css_variables": {"color-brand-primary": "#0b6e63", "color-brand-content": "#0b6e63"},
    "dark_css_variables": {"color-brand-primary": "#5fd0bf", "color-brand-content": "#5fd0bf"},
}


def draw_dashes(_app: Sphinx, doctree: document) -> None:
    """Draw the two dashes that Sphinx puts behind the name of an argument as one; smartquotes would do so."""
    for text in list(doctree.findall(Text)):
        if text == " -- ":
            text.parent.replace(text, Text(" \N{EN DASH} "))


def setup(app: Sphinx) -> None:
    """Connect what is above."""
    app.connect("doctree-read", draw_dashes)
