"""Batches of examples from TFRecord files.

    files (a new order in each epoch) → read in parallel → groups of records
        → parse, draw frames, decode → [shuffle] → batch

Frames are drawn from the undecoded strings and shipped as uint8, so that what is shuffled and
copied is a tenth of what was read.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data import frame_sampling, parsing, seeding
from yt8m_models.data.bad_records import Ledger, first_bad_record
from yt8m_models.data.parsing import Batch
from yt8m_models.data.record_checks import check_record
from yt8m_models.data.record_reader import (
    FRAME_GROUP,
    VIDEO_GROUP,
    BadRecord,
    parsed_records,
    record_size,
)

SHUFFLE_BYTES = 128 << 20
SHUFFLE_EXAMPLES = 1 << 17  # A place of the buffer costs time and memory before it is filled.
MAX_DIAGNOSED_RECORDS = 10_000
_GROUPS_PER_FILE = 1 << 40

_DATA_ERRORS = (
    tf.errors.DataLossError,
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.UnknownError,
    tf.errors.FailedPreconditionError,
    tf.errors.PermissionDeniedError,
    UnicodeDecodeError,  # of a message of TensorFlow that quotes the record
)


@dataclass(frozen=True)
class PipelineOptions:
    """How `Pipeline` reads its records.

    Attributes:
        batch_size: examples in a batch.
        num_epochs: passes over the files; None reads for ever.
        shuffle: new order of the files, and of the examples in a buffer, in each epoch.
        seed: of the order and of the sampled frames. The same seed gives the same batches.
        sample_frames: frames drawn from each video; 0 takes all. Video- and segment-level
            examples are not sampled.
        sample_random_frames: draw single frames, with replacement; otherwise one run of frames.
        num_readers: files read at the same time.
        drop_remainder: leave out a last batch that is not full.
        deterministic: the order depends on nothing but the seed; False may be faster.
        skip_empty_videos: leave out (and count) videos without frames.
        max_bad_records: so many bad records are skipped and counted, one more is an error. Above 0
            each record is checked in Python: about a third of the speed.
        num_workers: workers that share the files.
        worker_index: which of them this one is, from 0.
        pad_to_max_frames: pad all videos to `max_frames`, so that the shape is static.
        with_labels: read the labels of videos; otherwise batches lack them, and whatever the
            records have is right.
        may_be_empty: no example at all is no error: the files are a part of those of a run.
        forbidden_in_ids: characters that no id may have. Where they are given, each record must
            also have an id at all; None takes any record.

    Raises:
        ValueError: a value is out of range.
    """

    batch_size: int
    num_epochs: int | None = 1
    shuffle: bool = False
    seed: int = 0
    sample_frames: int = 0
    sample_random_frames: bool = True
    num_readers: int = 8
    drop_remainder: bool = False
    deterministic: bool = True
    skip_empty_videos: bool = False
    max_bad_records: int = 0
    num_workers: int = 1
    worker_index: int = 0
    pad_to_max_frames: bool = False
    with_labels: bool = True
    may_be_empty: bool = False
    forbidden_in_ids: str | None = None

    def __post_init__(self) -> None:
        least = dict.fromkeys(("batch_size", "num_readers", "num_workers", "num_epochs"), 1)
        least |= dict.fromkeys(("seed", "sample_frames", "max_bad_records", "worker_index"), 0)
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and value < bound:
                raise ValueError(f"{name} must be at least {bound}; received {value}")
        if self.worker_index >= self.num_workers:
            raise ValueError(
                f"worker_index must be less than num_workers; received {self.worker_index} "
                f"and {self.num_workers}"
            )


class Pipeline:
    """Reads TFRecord files into batches.

    A batch is a dict: `video_ids` string `(B,)`, `video_matrix`, `num_frames` int32 `(B,)`,
    `labels` bool `(B, C)`, and with segment labels `label_weights` float32 `(B, C)`. `video_matrix`
    is float32 `(B, D)` at video level and `(B, T, D)` at frame level, 0 past `num_frames`:
    quantised uint8, or float32 with `float_frames`. T is `sample_frames`; without sampling the
    longest video of the batch, rounded up to a multiple of 60 and at most `max_frames` (few shapes
    mean few retracings), or always `max_frames` with `pad_to_max_frames`; and 5 for segments.
    Segments are cut from all frames of a video, `max_frames` or not, and videos without rated
    segments give no example.

    The same files, options and seed give the same batches, whatever else the process does, and the
    same frames of each video with any number of readers and any size of the batches. Epochs differ
    in order and in the frames drawn, and each is complete before the next begins. With one epoch,
    each iteration over the pipeline gives the same batches; with more, another iteration goes on
    with further epochs.
    Workers share the files, or the records of each file where files are fewer than workers.

    Bad input: without `max_bad_records` the records are read with no other check than those of the
    parser, and an error is explained by reading the latest files once more. (A file that ends
    between two records, or within the 12 bytes of a record's length, looks whole.) With it, every
    record is checked in Python first, which takes about 3 times as long per video.

    Args:
        files: paths of the TFRecord files.
        data: the format of the records.
        options: how to read them.

    Attributes:
        dataset: the batches, as a `tf.data.Dataset`; iterate it within `translated_errors`.
        ledger: bad records and videos without frames.

    Raises:
        ValueError: `files` is empty; and from the iteration, see `translated_errors`.

    Example:
        >>> data = DataConfig(("rgb", "audio"), (1024, 128), frame_features=True)
        >>> options = PipelineOptions(128, shuffle=True, sample_frames=30)
        >>> for batch in Pipeline(files, data, options):
        ...     step(batch["video_matrix"], batch["labels"])
    """

    def __init__(self, files: Sequence[str], data: DataConfig, options: PipelineOptions) -> None:
        if not files:
            raise ValueError("files must name at least one TFRecord file; received none")
        self.data = data
        self.options = options
        self._by_records = len(files) < options.num_workers
        self.files = [
            str(file)
            for file in (
                files if self._by_records else files[options.worker_index :: options.num_workers]
            )
        ]
        self.ledger = Ledger(options.max_bad_records)
        entropy = np.random.SeedSequence([options.seed, options.worker_index])
        self._seed = int(entropy.generate_state(1, np.uint64)[0]) >> 1
        self.dataset = self._batches()

    def __iter__(self) -> Iterator[Batch]:
        """Yields the batches.

        Raises:
            ValueError: see `translated_errors`; or there was no batch at all.
        """
        count = 0
        with self.translated_errors():
            for count, batch in enumerate(self.dataset, 1):  # noqa: B007
                yield batch
        if count == 0 and self.options.num_workers == 1 and not self.options.may_be_empty:
            raise ValueError(self._nothing_found())

    @contextlib.contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Turns the TensorFlow errors of bad input into errors that name it.

        Raises:
            ValueError: a file cannot be read, or a record is bad; names the file, the record,
                counted from 0, and what is wrong. Or there are more than `max_bad_records`.
        """
        try:
            yield
        except _DATA_ERRORS as error:
            if explanation := self._explain():
                raise ValueError(explanation) from error
            if isinstance(error, UnicodeDecodeError):
                raise ValueError(f"a record of {self._files()} cannot be parsed") from error
            raise

    def _check(self, serialized: bytes) -> None:
        """The exact check of a record, see `check_record`."""
        options = self.options
        check_record(serialized, self.data, options.with_labels, options.forbidden_in_ids)

    def _explain(self) -> str | None:
        if self.ledger.failure:
            return self.ledger.failure
        latest = dict.fromkeys(reversed(self.ledger.opened))
        try:
            bad = first_bad_record(latest, self._check, MAX_DIAGNOSED_RECORDS)
        except ValueError as error:
            return str(error)
        return str(bad) if bad else None

    def _batches(self) -> tf.data.Dataset:
        options = self.options
        if options.num_epochs == 1:
            examples = self._examples(tf.constant(self._seed, tf.int64))
        else:
            seed = seeding.changing_seed(self._seed)
            examples = seed.flat_map(self._examples).repeat(options.num_epochs)
        batches = examples.padded_batch(options.batch_size, drop_remainder=options.drop_remainder)
        settings = tf.data.Options()
        settings.deterministic = options.deterministic
        # TensorFlow (2.21) misses now and then that a pass has ended while its autotuning sleeps,
        # and the end then takes as long again as the pass, up to a minute.
        settings.autotune.enabled = False
        settings.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.OFF
        )
        return batches.prefetch(2).with_options(settings)

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def _examples(self, seed: tf.Tensor) -> tf.data.Dataset:
        """The examples of one epoch."""
        options = self.options
        examples = (
            self._groups(seed)
            .map(partial(self._parse, seed), num_parallel_calls=tf.data.AUTOTUNE)
            .unbatch()
        )
        if options.shuffle:
            size = min(SHUFFLE_EXAMPLES, SHUFFLE_BYTES // self._example_bytes())
            examples = seeding.shuffled(examples, max(2 * options.batch_size, size), seed)
        return examples

    def _groups(self, seed: tf.Tensor) -> tf.data.Dataset:
        """`(key, serialized records)` of each group of one epoch; the key tells file and place."""
        files = tf.data.Dataset.range(len(self.files))
        if self.options.shuffle:
            files = seeding.shuffled(files, len(self.files), seed)
        return files.interleave(
            self._read,
            cycle_length=min(self.options.num_readers, len(self.files)),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    def _read(self, file: tf.Tensor) -> tf.data.Dataset:
        if self.options.max_bad_records:
            signature = tf.TensorSpec([], tf.string)
            records = tf.data.Dataset.from_generator(
                self._good_records, output_signature=signature, args=(file,)
            )
        else:
            path = tf.ensure_shape(tf.numpy_function(self._open, [file], tf.string), [])
            records = tf.data.TFRecordDataset(path)
            if self._by_records:
                records = records.shard(self.options.num_workers, self.options.worker_index)
        size = FRAME_GROUP if self.data.frame_features else VIDEO_GROUP
        return records.batch(size).enumerate(file * _GROUPS_PER_FILE)

    def _open(self, file: int) -> bytes:
        """Notes in the ledger that a file is opened, and refuses what the reader would not."""
        path = self.files[file]
        self.ledger.opened.append(path)
        if tf.io.gfile.stat(path).length < record_size(0):
            self.ledger.fail(str(first_bad_record([path], self._check, MAX_DIAGNOSED_RECORDS)))
        return path.encode()

    def _good_records(self, file: int) -> Iterator[bytes]:
        path, options = self.files[file], self.options
        try:
            records = parsed_records(path, self._check)
            for number, record in enumerate(records):
                if self._by_records and number % options.num_workers != options.worker_index:
                    continue
                if isinstance(record, BadRecord):
                    self.ledger.add_bad(record)
                else:
                    yield record[0]
        except ValueError as error:
            self.ledger.fail(str(error))

    def _parse(self, seed: tf.Tensor, key: tf.Tensor, serialized: tf.Tensor) -> Batch:
        """A group of records to a group of examples."""
        options = self.options
        note_unequal = partial(self._note_unequal, key)
        if self.data.segment_labels:
            batch = parsing.parse_segments(serialized, self.data, note_unequal)
        elif not self.data.frame_features:
            batch = parsing.parse_videos(serialized, self.data, options.with_labels)
        else:
            batch = parsing.parse_frames(
                serialized,
                self.data,
                self._sampler(tf.stack([seed, key])),
                options.pad_to_max_frames,
                options.with_labels,
                note_unequal,
            )
            if options.skip_empty_videos:
                batch = self._without_empty(key, batch)
        if options.forbidden_in_ids is not None:
            parsing.assert_ids(batch["video_ids"], options.forbidden_in_ids)
        return batch

    def _sampler(self, seed: tf.Tensor) -> parsing.Sampler | None:
        options = self.options
        if options.sample_frames == 0:
            return None
        sample = (
            frame_sampling.random_frames
            if options.sample_random_frames
            else frame_sampling.random_sequence
        )
        return partial(sample, num_samples=options.sample_frames, seed=seed)

    def _note_unequal(self, key: tf.Tensor, counts: tf.Tensor) -> None:
        def note(key: int, counts: np.ndarray) -> None:
            differences = np.ptp(counts, axis=1)
            for place in np.flatnonzero(differences).tolist():
                self.ledger.add_unequal(int(key), place, int(differences[place]))

        tf.numpy_function(note, [key, counts], [])

    def _without_empty(self, key: tf.Tensor, batch: Batch) -> Batch:
        empty = batch["num_frames"] == 0

        def note() -> tf.Operation:
            return tf.numpy_function(self._note_empty, [key, tf.where(empty)[:, 0]], [])

        tf.cond(tf.reduce_any(empty), note, tf.no_op)
        rows = tf.where(~empty)[:, 0]
        return {name: tf.gather(value, rows) for name, value in batch.items()}

    def _note_empty(self, key: int, places: np.ndarray) -> None:
        for place in places.tolist():
            self.ledger.add_empty(int(key), place)

    def _nothing_found(self) -> str:
        why = "; none of their videos has rated segments" if self.data.segment_labels else ""
        full = " full" if self.options.drop_remainder else ""
        summary = self.ledger.summary()
        return (
            f"no{full} batch of {self.options.batch_size} examples in {self._files()}{why}"
            f"{f'; {summary}' if summary else ''}"
        )

    def _files(self) -> str:
        return f"{len(self.files)} files ({self.files[0]}, …)"

    def _example_bytes(self) -> int:
        """Memory of one example, at most."""
        is_float = self.data.float_frames or not self.data.frame_features
        width = sum(self.data.feature_sizes) * (4 if is_float else 1)
        if not self.data.frame_features:
            return width + self.data.num_classes
        if self.data.segment_labels:
            return parsing.SEGMENT_SIZE * width + 5 * self.data.num_classes
        return (self.options.sample_frames or self.data.max_frames) * width + self.data.num_classes
