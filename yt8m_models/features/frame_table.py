"""Frames of videos by row, read from records where they lie."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data import frame_sampling, parsing
from yt8m_models.data.quantization import dequantize
from yt8m_models.data.record_checks import check_record
from yt8m_models.data.record_identity import identify
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.features.table import FRAME, TABLE, Table
from yt8m_models.storage import filesystems
from yt8m_models.storage.artifact_dir import read_array

_PARALLEL_READS = 16


class FrameTable(Table):
    """Frame-level features of many videos, to be read at random.

    The frames stay in their TFRecord files; the table knows where each video's record begins. A row
    costs one read of its record, whose checksum is compared.

    Args:
        ids: the video of each row.
        files: paths of the records.
        file_numbers: which of the files a row is in, int `(n,)`.
        offsets: at which byte its record begins, int `(n,)`.
        data: the format of the records.

    Raises:
        ValueError: the arguments do not fit together.
    """

    def __init__(
        self,
        ids: VideoIds,
        files: Sequence[str],
        file_numbers: np.ndarray,
        offsets: np.ndarray,
        data: DataConfig,
    ) -> None:
        if not len(ids) == len(file_numbers) == len(offsets):
            raise ValueError(
                "ids, file_numbers and offsets must have one entry a video; received "
                f"{len(ids)}, {len(file_numbers)} and {len(offsets)}"
            )
        if len(ids) and not 0 <= file_numbers.min() <= file_numbers.max() < len(files):
            raise ValueError(
                f"file_numbers must be 0 to {len(files) - 1}, of {len(files)} files; received "
                f"{file_numbers.min()} to {file_numbers.max()}"
            )
        if not data.frame_features:
            raise ValueError("data must be of frame-level records; received video level")
        super().__init__(ids, data.feature_names, data.feature_sizes)
        self.files = np.array([_absolute(file) for file in files], dtype=object)
        self.data = data
        self._file_numbers = file_numbers
        self._offsets = offsets

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "FrameTable":
        """Opens the table in a directory; the records must be where they were when it was built.

        Raises:
            ValueError: the directory holds no frame table or one that is damaged, or a file of
                records is missing or has another size than then.
        """
        record = TABLE.read(directory, FRAME)
        shape = (record["num_videos"],)
        ids = VideoIds.load(directory, *shape)
        file_numbers = read_array(directory, "file_numbers", np.integer, shape)
        offsets = read_array(directory, "offsets", np.integer, shape)
        try:
            files = {str(file): int(size) for file, size in record["files"].items()}
            data = DataConfig(
                record["names"],
                record["sizes"],
                frame_features=True,
                num_classes=int(record["num_classes"]),
                max_frames=int(record["max_frames"]),
                unequal_frames=record.get("unequal_frames", DataConfig.unequal_frames),
            )
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            where = os.path.join(directory, TABLE.record)
            raise ValueError(f"{where}: not the record of a frame table ({error!r})") from error
        _check_files(files, directory)
        with TABLE.opening(directory):
            return cls(ids, list(files), file_numbers, offsets, data)

    def save(self, directory: str | os.PathLike) -> None:
        """Writes the table, without the records, to a local directory.

        Raises:
            ValueError: the directory is not local, or already holds features.
        """
        arrays = {**self.ids.arrays(), "file_numbers": self._file_numbers, "offsets": self._offsets}
        record = {
            "kind": FRAME,
            "names": self.names,
            "sizes": self.sizes,
            "num_videos": len(self),
            "num_classes": self.data.num_classes,
            "max_frames": self.data.max_frames,
            "unequal_frames": self.data.unequal_frames,
            "files": {file: tf.io.gfile.stat(file).length for file in self.files},
        }
        TABLE.write(TABLE.prepare(directory), record, arrays)

    def inputs(
        self, rows: np.ndarray, sample_frames: int = 0, seed: int = 0
    ) -> dict[str, np.ndarray]:
        """The input of a model on frames, for rows `(n,)`.

        Args:
            rows: of the table.
            sample_frames: draw so many frames of each video, with replacement; 0 takes all.
            seed: of the frames that are drawn; the same rows and seed give the same frames.

        Returns:
            `video_matrix`, quantised uint8 `(n, T, num_features)`, 0 past `num_frames`, int32
            `(n,)`. T is `sample_frames`, or the longest video rounded up to a multiple of 60, at
            most `max_frames`.

        Raises:
            ValueError: a row is not in the table, or its record cannot be read, is not as `data`
                says or is of another video; the message names the file and the byte.
        """
        rows = self.ids.checked_rows(rows)
        if not len(rows):
            raise ValueError("rows must name at least one video; received none")
        paths = self.files[self._file_numbers[rows]]
        offsets = self._offsets[rows]
        sampler = None
        if sample_frames:
            sampler = partial(
                frame_sampling.random_frames,
                num_samples=sample_frames,
                seed=tf.constant([seed, sample_frames], tf.int64),
            )
        try:
            records = _read(tf.constant(paths.tolist()), offsets)
            if len(records) < len(rows):
                raise tf.errors.OutOfRangeError(None, None, "there is no record")
            batch = parsing.parse_frames(records, self.data, sampler, pad_to_max_frames=False)
        except tf.errors.OpError as error:
            for path, offset, row in zip(paths, offsets, rows, strict=True):
                self._check(path, int(offset), row)
            raise ValueError(f"cannot read frames of {paths[0]}, …: {error.message}") from error
        video_ids = batch["video_ids"].numpy().astype("S")
        for place in np.flatnonzero(video_ids != self.ids[rows])[:1]:
            self._check(paths[place], int(offsets[place]), rows[place])
        return {name: batch[name].numpy() for name in ("video_matrix", "num_frames")}

    def take(self, rows: np.ndarray) -> np.ndarray:
        inputs = self.inputs(rows)
        video_matrix, num_frames = inputs["video_matrix"], inputs["num_frames"][:, None]
        is_frame = np.arange(video_matrix.shape[1]) < num_frames
        sums = np.einsum("ntd,nt->nd", video_matrix, is_frame, dtype=np.float32)
        means = sums / np.maximum(num_frames, 1).astype(np.float32)
        return np.where(num_frames > 0, dequantize(means), np.float32(0))

    def select(self, names: Sequence[str]) -> "FrameTable":
        sizes = tuple(self.sizes[place] for place in self._places(names))
        data = replace(self.data, feature_names=tuple(names), feature_sizes=sizes)
        return FrameTable(self.ids, self.files.tolist(), self._file_numbers, self._offsets, data)

    def _check(self, path: str, offset: int, row: int) -> None:
        """Reads one record, slowly, and raises if anything is wrong with it."""
        where = f"{path}, record at byte {offset}"
        try:
            (content,) = _read(tf.constant([path]), np.array([offset])).numpy()
        except tf.errors.OpError as error:
            raise ValueError(f"{where}: cannot be read: {error.message}") from error
        try:
            check_record(content, self.data)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        found = identify(content).video_id
        if found != self.ids[row]:
            raise ValueError(
                f"{where}: it is of video {found.decode(errors='replace')!r}, and was of "
                f"{self.ids[row].decode(errors='replace')!r} when the table was built; build it "
                "anew"
            )


@tf.function(
    input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int64)],
    autograph=False,
)
def _read(paths: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """The serialized records `(n,)` at these places; TensorFlow compares their checksums."""
    # Without optimisations, as TensorFlow (2.16 to 2.21) cannot serialise `byte_offsets` for them;
    # without a buffer, as it would read on behind the record.
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False

    def record(path: tf.Tensor, offset: tf.Tensor) -> tf.data.Dataset:
        variant = tf.raw_ops.TFRecordDatasetV2(
            filenames=path[None], compression_type="", buffer_size=0, byte_offsets=offset[None]
        )
        return tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string)).take(1)

    records = tf.data.Dataset.from_tensor_slices((paths, offsets)).interleave(
        record, cycle_length=_PARALLEL_READS, num_parallel_calls=_PARALLEL_READS, deterministic=True
    )
    return (
        records.batch(tf.size(paths, out_type=tf.int64)).with_options(options).get_single_element()
    )


def _absolute(file: str) -> str:
    return file if filesystems.scheme(file) else os.path.abspath(file)


def _check_files(files: dict[str, int], directory: str | os.PathLike) -> None:
    for file, size in files.items():
        filesystems.require(file)
        if filesystems.scheme(file):
            continue  # one question a file is slow; another video in its place is noticed later
        found = os.path.getsize(file) if os.path.isfile(file) else "no such file"
        if found != size:
            raise ValueError(
                f"{file} had {size} bytes when {directory} was built, and now: {found}; build the "
                "frame table anew"
            )
