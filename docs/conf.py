"""How Sphinx builds these pages."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

import sgsim

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "sgsim"
author = "The sgsim developers"
copyright = author  # noqa: A001  # Sphinx calls it so
version = release = sgsim.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "facts", "vector_facts", "trust_facts"]
exclude_patterns = ["_build", "_extensions"]
nitpicky = True

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

smartquotes_action = "qe"  # no dashes: `--option` is to stay as it is

autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
nitpick_ignore_regex = [("py:.*", ".*")]  # types of others: no inventory of them is fetched, so builds need no network

html_theme = "furo"
html_title = "sgsim"
html_static_path = ["_static"]
html_css_files = ["sgsim.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False


def write_code_as_code(_app: Sphinx, _what: str, _name: str, _obj: object, _options: object, lines: list[str]) -> None:
    """Docstrings mark code as Markdown does; reStructuredText wants two backticks."""
    lines[:] = [re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", line) for line in lines]


def setup(app: Sphinx) -> None:
    """Do so before napoleon looks for types."""
    app.connect("autodoc-process-docstring", write_code_as_code, priority=400)
