"""The directory of an extraction: records in shards, and the manifest.

videos0000.tfrecord …   the records of the first `videos_per_shard` videos, and so on
manifest.json           settings, videos and failures; of an unfinished one the settings alone
.videos0000.json …      of an unfinished one: the videos and failures of a shard that is done
thumbnails/             see `thumbnails`

A shard is done when its `.json` is there; that is written last. One that is not done is made anew,
to the same bytes.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from yt8m_models import __version__
from yt8m_models.data.extraction_record import KIND, MANIFEST, Extraction
from yt8m_models.data.records import frame_record, video_record
from yt8m_models.extraction.extractor import Extracted, Failure
from yt8m_models.extraction.video_list import Video
from yt8m_models.storage import filesystems
from yt8m_models.storage.artifact_dir import ArtifactDir
from yt8m_models.storage.result_file import read_result, write_result
from yt8m_models.storage.same_flags import require_same_flags
from yt8m_models.storage.whole_file import finished_name, join, whole_path

_MANIFEST = ArtifactDir(
    MANIFEST,
    (KIND,),
    "an extraction",
    "yt8m extract",
    __version__,
    {"settings": dict, "flags": dict, "directory": dict, "videos": list, "failures": list},
)


@dataclass
class ShardNotes:
    """What the manifest says of a shard, or of all of them: its videos, and those not read."""

    videos: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: "ShardNotes") -> None:
        """Adds those of another shard."""
        self.videos += other.videos
        self.failures += other.failures


class Shards:
    """The shards of an extraction in a directory that may have some of them already.

    Args:
        output_dir: local or remote.
        videos: all videos.
        videos_per_shard: how many of them, read or not, are a shard.
        extraction: how their features are made.
        directory: other flags that the directory must have been begun with.

    Attributes:
        groups: the videos of each shard.
        notes: of each shard that is done, by number.
        is_finished: whether the directory had the whole extraction.

    Raises:
        ValueError: the directory was begun with other settings, flags or videos, or has records of
            other origin.
        OSError: it cannot be read or written.
    """

    def __init__(
        self,
        output_dir: str,
        videos: Sequence[Video],
        videos_per_shard: int,
        extraction: Extraction,
        directory: Mapping[str, Any],
    ) -> None:
        filesystems.require(output_dir)
        self.output_dir = output_dir
        self.extraction = extraction
        self.directory = {
            **directory,
            "videos_per_shard": videos_per_shard,
            "videos": f"{len(videos):,} ({_digest(videos)})",
        }
        self.groups = [
            videos[start : start + videos_per_shard]
            for start in range(0, len(videos), videos_per_shard)
        ]
        self.notes: dict[int, ShardNotes] = {}
        self.is_finished = False
        try:
            tf.io.gfile.makedirs(output_dir)
            self._read() if tf.io.gfile.exists(join(output_dir, MANIFEST)) else self._begin()
        except tf.errors.OpError as error:
            raise OSError(f"cannot write to --output_dir={output_dir}: {error.message}") from None

    @property
    def missing(self) -> list[int]:
        """Numbers of the shards that are not done."""
        return [n for n in range(len(self.groups)) if not self.is_finished and n not in self.notes]

    @property
    def total(self) -> ShardNotes:
        """The notes of all shards that are done, in their order."""
        total = ShardNotes()
        for _, notes in sorted(self.notes.items()):
            total.add(notes)
        return total

    def write(self, number: int, results: Iterable[Extracted | Failure]) -> None:
        """Writes a shard, as of `write_shard`."""
        self.notes[number] = write_shard(self.output_dir, number, results)

    def finish(self) -> None:
        """Writes the manifest of all shards, in place of their notes."""
        if not self.is_finished:
            total = self.total
            self._write_manifest(is_finished=True, **vars(total))
            self._remove_notes()
            self.is_finished = True

    def _begin(self) -> None:
        for number in range(len(self.groups)):
            path = join(self.output_dir, f"{_name(number)}.tfrecord")
            if tf.io.gfile.exists(path):
                raise ValueError(
                    f"--output_dir={self.output_dir} already has {path}, and no {MANIFEST}; choose "
                    "another directory"
                )
        self._write_manifest(is_finished=False, **vars(ShardNotes()))

    def _read(self) -> None:
        record = _MANIFEST.read(self.output_dir)
        there = Extraction(record["settings"], record["flags"])
        require_same_flags(
            {**there.described, **record["directory"]},
            {**self.extraction.described, **self.directory},
            f"--output_dir={self.output_dir} was begun with other settings:",
            "Choose another directory, or the settings that it was begun with.",
        )
        self.is_finished = bool(record["is_finished"])
        if self.is_finished:
            self.notes = {0: ShardNotes(record["videos"], record["failures"])}
            self._remove_notes()  # which a kill may have left
            return
        self._remove_partial_files()
        for number in range(len(self.groups)):
            notes = read_result(
                _notes_path(self.output_dir, number),
                lambda notes: ShardNotes(**notes),
                "the notes of a shard",
            )
            if notes is not None:
                self.notes[number] = notes

    def _write_manifest(self, **values: Any) -> None:
        record = {**self.extraction.record, "directory": self.directory, **values}
        _MANIFEST.write(self.output_dir, record)

    def _remove_notes(self) -> None:
        for number in range(len(self.groups)):
            path = _notes_path(self.output_dir, number)
            if tf.io.gfile.exists(path):
                tf.io.gfile.remove(path)

    def _remove_partial_files(self) -> None:
        """Removes what a kill left of files that it kept from appearing."""
        for directory, _, names in tf.io.gfile.walk(self.output_dir):
            for name in names:
                if finished_name(name) != name:
                    tf.io.gfile.remove(join(directory, name))


def write_shard(output_dir: str, number: int, results: Iterable[Extracted | Failure]) -> ShardNotes:
    """Writes the records and thumbnails of a shard; what the manifest will say of it.

    A shard of which no video could be read has no file, as readers refuse empty ones.

    Raises:
        OSError: a file cannot be written.
    """
    notes, name = ShardNotes(), f"{_name(number)}.tfrecord"
    writer: tf.io.TFRecordWriter | None = None
    path = join(output_dir, name)
    with contextlib.ExitStack() as stack:
        for result in results:
            if isinstance(result, Failure):
                notes.failures.append(_failure(result))
                continue
            if writer is None:
                partial = stack.enter_context(whole_path(path))
                writer = stack.enter_context(tf.io.TFRecordWriter(partial))
            writer.write(_record(result))
            if result.thumbnails is not None:
                result.thumbnails.write(output_dir, result.video.id)
            notes.videos.append(_video(result, name))
    write_result(_notes_path(output_dir, number), vars(notes))
    return notes


def _notes_path(output_dir: str, number: int) -> str:
    return join(output_dir, f".{_name(number)}.json")


def _name(number: int) -> str:
    return f"videos{number:04d}"


def _digest(videos: Sequence[Video]) -> str:
    """By which other videos, files or labels are noticed."""
    files = [(v.id, v.path, v.labels, _size(v.path)) for v in videos]
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()[:12]


def _size(path: str) -> int | None:
    return int(tf.io.gfile.stat(path).length) if tf.io.gfile.exists(path) else None


def _record(result: Extracted) -> bytes:
    video = result.video
    is_frame_level = any(values.ndim == 2 for values in result.features.values())
    make = frame_record if is_frame_level else video_record
    return make(video.id.encode(), video.labels, result.features)


def _video(result: Extracted, shard: str) -> dict[str, Any]:
    return {
        "id": result.video.id,
        "path": result.video.path,
        "shard": shard,
        "num_frames": result.num_frames,
        "has_sound": result.has_sound,
        "damaged_packets": result.damaged_packets,
        "clipped": {name: round(share, 6) for name, share in result.clipped.items()},
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {"id": failure.video.id, "path": failure.video.path, "reason": failure.reason}
