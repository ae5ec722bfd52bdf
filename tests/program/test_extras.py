"""Libraries that are not installed are asked for by name."""

import math

import pytest

from yt8m_models.program.extras import require


def test_an_installed_module():
    assert require("math") is math


def test_a_module_that_is_not_installed():
    with pytest.raises(ValueError, match=r"no_such_module is needed .*yt8m-models\[recommend\]"):
        require("no_such_module")
