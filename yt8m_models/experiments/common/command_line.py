"""Command lines of the runs of an experiment."""

import shlex
import textwrap
from collections.abc import Collection, Mapping
from typing import Any

from yt8m_models.storage.same_flags import flag_text


def command_line(program: str, values: Mapping[str, Any], without: Collection[str]) -> str:
    """A program with the flags of all values that are known; lines after the first are indented.

    Args:
        program: such as `"yt8m train"`.
        values: by flag; `None` is no flag.
        without: flags to leave out.
    """
    words = [
        f"--{name}={shlex.quote(flag_text(value))}"
        for name, value in values.items()
        if value is not None and name not in without
    ]
    text = " ".join([program, *words])
    return textwrap.fill(
        text, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
