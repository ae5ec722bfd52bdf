"""Sphinx's settings of the site, which `make docs` builds from this directory."""

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "extensions")]

from yt8m_models import __version__  # noqa: E402
from yt8m_models.program.startup import start_tensorflow  # noqa: E402

start_tensorflow()  # quietly, as the docstrings' modules import it

project = "YouTube-8M models"
copyright = "the authors of yt8m-models, Apache License 2.0"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docstrings",
    "drawings",
    "program_pages",
    "root_pages",
]
exclude_patterns = ["extensions"]
myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 4

# A docstring's `name` is code, as in Markdown.
default_role = "code"
highlight_language = "none"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_use_ivar = True
napoleon_use_param = False

html_theme = "furo"
html_title = f"YouTube-8M models {release}"
html_favicon = "static/icon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "native"
