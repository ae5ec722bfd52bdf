"""Where models of the Hub's form are found: a folder here, or an id on the Hub."""

import os
import re
from pathlib import Path

from yt8m_models.hub.record import CONFIG, FOLDER, WEIGHTS
from yt8m_models.program.extras import require

_NAME = r"\w[\w.-]*"
_ID = re.compile(rf"(hf://)?(?P<name>{_NAME}/{_NAME})(@(?P<revision>{_NAME}(/{_NAME})*))?")


def is_hub_source(source: str | os.PathLike[str]) -> bool:
    """Whether it is a folder of the Hub's form, an export with one, or can only be an id."""
    return _folder(source) is not None or (
        not os.path.exists(source) and _ID.fullmatch(os.fspath(source)) is not None
    )


def folder_of(source: str | os.PathLike[str]) -> Path:
    """The folder of a source: itself, or where it was downloaded to.

    Args:
        source: a folder, the directory of an export, or an id, `USER/NAME` or `USER/NAME@REVISION`,
            with `hf://` in front or without.

    Raises:
        ValueError: it is none of these, the Hub does not have it or cannot be reached, or the extra
            `hub` is not installed.
    """
    if (folder := _folder(source)) is not None:
        return folder
    found = _ID.fullmatch(os.fspath(source))
    if found is None:
        raise ValueError(f"{source} is neither a folder with {CONFIG} nor an id USER/NAME")
    try:
        hub = require("huggingface_hub", extra="hub")
        path = hub.snapshot_download(
            found["name"], revision=found["revision"], allow_patterns=[CONFIG, WEIGHTS]
        )
    except Exception as error:  # the Hub's client lets through what its own libraries raise
        raise ValueError(
            f"{source} is not here, and cannot be loaded from the Hugging Face Hub: {error}"
        ) from error
    return Path(path)


def _folder(source: str | os.PathLike[str]) -> Path | None:
    folders = (Path(source), Path(source, FOLDER))
    return next((folder for folder in folders if (folder / CONFIG).is_file()), None)
