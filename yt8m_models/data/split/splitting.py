"""Splitting records in two, shard by shard."""

from contextlib import ExitStack
from dataclasses import dataclass

import tensorflow as tf

from yt8m_models.data.extraction_record import extraction_of, write_extraction
from yt8m_models.data.record_copies import RecordCopies
from yt8m_models.data.record_identity import identified_records
from yt8m_models.data.record_reader import record_size
from yt8m_models.data.split.config import SplitConfig
from yt8m_models.data.video_hash import is_test
from yt8m_models.program.progress import Progress
from yt8m_models.storage.whole_file import join, whole_path

VALIDATION, TEST = "validation", "test"


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
    copies = RecordCopies(
        config.input_data_pattern,
        config.output_dir,
        work="split",
        entries="shards",
        settings={"fraction": config.fraction, "seed": config.seed},
        max_bad_records=config.max_bad_records,
        parts=(VALIDATION, TEST),
    )
    sizes = {name: copies.size(name) / 2**20 for name in copies.files}
    done = sum(sizes[name] for name in copies.files if name in copies.done)
    bar = Progress(sum(sizes.values()), "MB", "splitting", initial=done, enabled=progress)

    def split_file(name: str, path: str) -> dict[str, int]:
        targets = dict(zip(copies.parts, copies.targets(name), strict=True))
        counts = dict.fromkeys(copies.parts, 0)
        writers: dict[str, tf.io.TFRecordWriter] = {}
        with ExitStack() as stack:
            for content, (video_id, _) in identified_records(path, copies.ledger):
                part = TEST if is_test(video_id, config.fraction, config.seed) else VALIDATION
                if part not in writers:
                    partial = stack.enter_context(whole_path(targets[part]))
                    writers[part] = stack.enter_context(tf.io.TFRecordWriter(partial))
                writers[part].write(content)
                counts[part] += 1
                bar.update(record_size(len(content)) / 2**20)
        return counts

    with bar:
        copies.copy(split_file)
    if extraction := extraction_of(list(copies.files.values())):
        for part in copies.parts:
            write_extraction(join(config.output_dir, part), extraction)
    return SplitSummary(
        len(copies.files), copies.total(VALIDATION), copies.total(TEST), copies.ledger.summary()
    )
