"""Splitting records in two, shard by shard."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass

import tensorflow as tf

from yt8m_models.data.bad_records import BadRecord, Ledger
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_identity import identified_records
from yt8m_models.data.record_reader import record_size
from yt8m_models.data.split.config import SplitConfig
from yt8m_models.data.split.manifest import Manifest, Shard
from yt8m_models.data.video_hash import is_test
from yt8m_models.program.progress import Progress
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import whole_path

VALIDATION, TEST = "validation", "test"
MANIFEST = "split.json"


@dataclass(frozen=True)
class SplitSummary:
    """What a split did, an interrupted run before it included.

    Attributes:
        num_files: input files.
        num_validation: records that went to validation.
        num_test: records that went to test.
        problems: what was left out, as a sentence; `None` where nothing was.
    """

    num_files: int
    num_validation: int
    num_test: int
    problems: str | None


def split(config: SplitConfig, progress: bool = False) -> SplitSummary:
    """Copies every record, byte for byte and in its order, to one of two parts, by `is_test`.

    The records of `x.tfrecord` go to `validation/x.tfrecord` and `test/x.tfrecord` in
    `config.output_dir`; a part without records has no file, as readers refuse empty ones. A file
    appears when its shard is done. `split.json` notes the settings and the shards that are done, so
    that the same command goes on after an interruption.

    Args:
        config: what to split.
        progress: show a progress bar on stderr.

    Raises:
        ValueError: a record is bad (the file and the record are named), two files have one name,
            the directory has other files of these names, was split with other settings, or an
            input has changed since.
        OSError: a file cannot be written.
    """
    files = _by_name(match_files(config.input_data_pattern))
    filesystems.require(config.output_dir)
    try:
        for part in (VALIDATION, TEST):
            tf.io.gfile.makedirs(os.path.join(config.output_dir, part))
        settings = {"fraction": config.fraction, "seed": config.seed}
        manifest = Manifest(os.path.join(config.output_dir, MANIFEST), settings)
        if not manifest.exists:
            _refuse_existing(config.output_dir, files)
        manifest.write()
        try:
            problems = _split_files(config, files, manifest, progress)
        finally:
            manifest.write()
    except tf.errors.OpError as error:
        message = f"cannot write to --output_dir={config.output_dir}: {error.message}"
        raise OSError(message) from None
    done = [manifest.shards[name] for name in files]
    return SplitSummary(
        len(files),
        sum(shard.validation for shard in done),
        sum(shard.test for shard in done),
        problems,
    )


def _by_name(paths: Sequence[str]) -> dict[str, str]:
    """The files by the last part of their path, which names them in the output."""
    files: dict[str, str] = {}
    for path in paths:
        name = os.path.basename(path)
        if name in files:
            raise ValueError(
                f"--input_data_pattern: {files[name]} and {path} would have one name in the output"
            )
        files[name] = path
    return files


def _refuse_existing(output_dir: str, files: dict[str, str]) -> None:
    for name in files:
        for part in (VALIDATION, TEST):
            path = os.path.join(output_dir, part, name)
            if tf.io.gfile.exists(path):
                raise ValueError(
                    f"--output_dir={output_dir} already has {path}, and no {MANIFEST}; choose "
                    "another directory"
                )


def _split_files(
    config: SplitConfig, files: dict[str, str], manifest: Manifest, progress: bool
) -> str | None:
    """Splits the shards that are not done; says what was left out of all of them."""
    ledger = Ledger(config.max_bad_records)
    sizes = {name: tf.io.gfile.stat(path).length for name, path in files.items()}
    done = [name for name in files if name in manifest.shards]
    for name in done:
        shard = manifest.shards[name]
        if shard.bytes != sizes[name]:
            raise ValueError(
                f"{files[name]} has {sizes[name]} bytes, and had {shard.bytes} when it was split; "
                "choose another --output_dir"
            )
        for record in shard.bad:
            ledger.add_bad(record)
    megabytes = sum(sizes.values()) >> 20
    bar = _Megabytes(megabytes, sum(sizes[name] for name in done)) if progress else None
    with nullcontext() if bar is None else bar.progress:
        for name in files:
            if name not in manifest.shards:
                counts, bad = _split_file(config, files[name], name, ledger, bar)
                manifest.add(name, Shard(sizes[name], counts[VALIDATION], counts[TEST], bad))
    return ledger.summary()


def _split_file(
    config: SplitConfig, path: str, name: str, ledger: Ledger, bar: "_Megabytes | None"
) -> tuple[dict[str, int], list[BadRecord]]:
    """Splits one file; how many records each part received, and the bad ones."""
    num_bad = len(ledger.bad)
    counts = {VALIDATION: 0, TEST: 0}
    writers: dict[str, tf.io.TFRecordWriter] = {}
    with ExitStack() as stack:
        for content, (video_id, _) in identified_records(path, ledger):
            part = TEST if is_test(video_id, config.fraction, config.seed) else VALIDATION
            if part not in writers:
                target = os.path.join(config.output_dir, part, name)
                partial = stack.enter_context(whole_path(target))
                writers[part] = stack.enter_context(tf.io.TFRecordWriter(partial))
            writers[part].write(content)
            counts[part] += 1
            if bar is not None:
                bar.add(record_size(len(content)))
    return counts, ledger.bad[num_bad:]


class _Megabytes:
    """A progress bar of megabytes that counts bytes."""

    def __init__(self, total: int, num_bytes: int) -> None:
        self.num_bytes = num_bytes
        self.progress = Progress(total, "MB", "splitting", initial=num_bytes >> 20)

    def add(self, num_bytes: int) -> None:
        self.num_bytes += num_bytes
        self.progress.update((self.num_bytes >> 20) - self.progress.done)
