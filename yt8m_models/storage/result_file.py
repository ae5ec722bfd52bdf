"""The results of runs, kept as JSON files."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import tensorflow as tf

from yt8m_models.storage.text_file import read_text
from yt8m_models.storage.whole_file import write_text

Found = TypeVar("Found")


def write_result(path: str, result: Any) -> None:
    """Writes a JSON file that appears whole or not at all."""
    write_text(path, json.dumps(result, indent=1) + "\n")


def read_result(
    path: str, parse: Callable[[Any], Found], what: str = "a result of a run"
) -> Found | None:
    """What `parse` makes of the content of a JSON file; `None` where there is no file.

    Raises:
        ValueError: the file is not JSON, or `parse` cannot take what it holds; it is not `what`.
    """
    if not tf.io.gfile.exists(path):
        return None
    try:
        return parse(json.loads(read_text(path)))
    except (
        *(ValueError, TypeError, LookupError, AttributeError),
        *(OverflowError, RecursionError),
    ) as error:
        raise ValueError(f"{path} is not {what}: {error!r}") from error
