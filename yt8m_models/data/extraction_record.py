"""How the features of records were made, where `yt8m extract` made them.

It writes `manifest.json` beside its records. What that says of the features is kept as
`extraction.json` beside copies of the records and in the directory of a training. Records of any
other origin have neither.
"""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from yt8m_models.storage import filesystems
from yt8m_models.storage.same_flags import require_same_flags
from yt8m_models.storage.text_file import read_text
from yt8m_models.storage.whole_file import join, write_text

MANIFEST = "manifest.json"
EXTRACTION_RECORD = "extraction.json"
KIND = "extraction"
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Extraction:
    """How features were made of video files.

    Attributes:
        settings: what they depend on, by flag; of networks what is in their files.
        flags: the flags by which they can be made again.
        is_finished: whether every video was extracted.
    """

    settings: Mapping[str, Any]
    flags: Mapping[str, Any]
    is_finished: bool = True

    @property
    def record(self) -> dict[str, Any]:
        """The content of `extraction.json`."""
        return {"kind": KIND, "settings": dict(self.settings), "flags": dict(self.flags)}

    @property
    def described(self) -> dict[str, str]:
        """The settings as text for people, by flag."""
        return {name: _described(value) for name, value in self.settings.items()}


def read_extraction(path: str) -> Extraction | None:
    """What a JSON file says of an extraction; `None` where there is none, or it is of another kind.

    Raises:
        ValueError: it is of this kind, and damaged.
    """
    if filesystems.scheme(path) in ("http", "https") or not tf.io.gfile.exists(path):
        return None
    try:
        record = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("kind") != KIND:
        return None
    settings, flags = record.get("settings"), record.get("flags")
    if not isinstance(settings, dict) or not isinstance(flags, dict):
        raise ValueError(f"{path} must have the objects settings and flags")
    return Extraction(settings, flags, bool(record.get("is_finished", True)))


def extraction_of(files: Sequence[str]) -> Extraction | None:
    """How the features of record files were made; `None` where nothing beside them says it.

    Raises:
        ValueError: some were made otherwise than others; the message names both directories.
    """
    found: dict[str, Extraction] = {}
    for directory in dict.fromkeys(map(os.path.dirname, files)):
        paths = [join(directory or ".", name) for name in (MANIFEST, EXTRACTION_RECORD)]
        extraction = read_extraction(paths[0]) or read_extraction(paths[1])
        if extraction is not None:
            if not extraction.is_finished:
                _LOGGER.warning("yt8m extract has not finished in %s", directory or ".")
            found[directory or "."] = extraction
    if not found:
        return None
    (first, extraction), *others = found.items()
    for directory, other in others:
        require_same_flags(
            extraction.described,
            other.described,
            f"the records in {first} (there) and {directory} (now) have different features:",
        )
    return extraction


def write_extraction(directory: str, extraction: Extraction) -> None:
    """Writes `extraction.json`.

    Raises:
        OSError: it cannot be written.
    """
    text = json.dumps(extraction.record, indent=2)
    write_text(join(directory, EXTRACTION_RECORD), text + "\n")


def require_same_extraction(trained: Extraction | None, files: Sequence[str], whose: str) -> None:
    """Refuses records with other features than those that a model was trained on.

    Args:
        trained: how those of the training were made, where that is known.
        files: the records.
        whose: the training, for the message.

    Raises:
        ValueError: a setting differs; the message names each with both values.
    """
    found = extraction_of(files)
    if trained is None or found is None:
        return
    require_same_flags(
        trained.described,
        found.described,
        f"the records in {os.path.dirname(files[0]) or '.'} (now) have other features than those "
        f"that {whose} was trained on (there):",
    )


def _described(value: Any) -> str:
    """A setting in a line: of networks the name, then the rest."""
    if not isinstance(value, dict):
        return str(value)
    rest = ", ".join(f"{name} {_described(each)}" for name, each in value.items() if name != "name")
    name = value.get("name")
    return f"{name} ({rest})" if name is not None and rest else str(name or rest)
