"""What a split has done so far, in a file beside its parts."""

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import tensorflow as tf

from yt8m_models.data.bad_records import BadRecord
from yt8m_models.storage.whole_file import whole_path

_SECONDS = 5.0


@dataclass(frozen=True)
class Shard:
    """A file that is split.

    Attributes:
        bytes: its size.
        validation: records that went to validation.
        test: records that went to test.
        bad: records that were left out.
    """

    bytes: int
    validation: int
    test: int
    bad: list[BadRecord]


class Manifest:
    """The settings of a split and the shards that are done, in a JSON file.

    Args:
        path: the file.
        settings: fraction and seed; those of an existing file must be the same.

    Attributes:
        shards: what is done, by the name of the shard.

    Raises:
        ValueError: there is a file with other settings, or something else is in its place.
    """

    def __init__(self, path: str, settings: dict[str, Any]) -> None:
        self.path = path
        self.settings = settings
        self.shards: dict[str, Shard] = {}
        self.exists = tf.io.gfile.exists(path)
        if self.exists:
            self._read()
        self._written_at = time.monotonic()

    def add(self, name: str, shard: Shard) -> None:
        """Notes that a shard is done; the file follows within some seconds."""
        self.shards[name] = shard
        if time.monotonic() - self._written_at > _SECONDS:
            self.write()

    def write(self) -> None:
        """Writes the file."""
        shards = {name: asdict(shard) for name, shard in sorted(self.shards.items())}
        with whole_path(self.path) as path, tf.io.gfile.GFile(path, "w") as file:
            file.write(json.dumps({**self.settings, "shards": shards}, indent=1) + "\n")
        self._written_at = time.monotonic()

    def _read(self) -> None:
        try:
            with tf.io.gfile.GFile(self.path) as file:
                record = json.load(file)
            shards = record.pop("shards")
            self.shards = {
                name: Shard(**{**shard, "bad": [BadRecord(*entry) for entry in shard["bad"]]})
                for name, shard in shards.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{self.path} is not the record of a split: {error!r}") from None
        if record != self.settings:
            raise ValueError(
                f"{self.path} is of a split with {_flags(record)}, not {_flags(self.settings)}; "
                "choose another --output_dir"
            )


def _flags(settings: dict[str, Any]) -> str:
    return " ".join(f"--{name}={value}" for name, value in settings.items())
