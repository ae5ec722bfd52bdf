"""The site's own code, which is no package, and its pages."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path += [str(DOCS), str(DOCS / "extensions")]


@pytest.fixture(scope="session")
def docs():
    """The directory of the pages."""
    return DOCS
