"""Writing a set of records as numbered shards that appear whole or not at all."""

import os
import re
from collections.abc import Callable, Iterable, Iterator

import tensorflow as tf

from yt8m_models.data.records import write_records
from yt8m_models.program.progress import Progress
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import whole_path


def write_shards(
    output_dir: str,
    prefix: str,
    num_shards: int,
    num_records: int,
    record: Callable[[int], bytes],
    overwrite: bool = False,
    progress: bool = False,
) -> list[str]:
    """Writes `record(0)` to `record(num_records - 1)`, in order, to files of nearly equal length.

    The files are `<prefix>0000.tfrecord` and so on. One record is in memory at a time. A file is
    written under a hidden name, which no data pattern matches, and renamed when it is complete.

    Args:
        record: the serialized record of an index.
        overwrite: replace the shards that the directory has of this prefix; those with numbers
            beyond the new ones are removed.
        progress: show a progress bar on stderr.

    Returns:
        The paths of the shards.

    Raises:
        ValueError: the directory has shards of this prefix and `overwrite` is false, or it cannot
            be written.
    """
    filesystems.require(output_dir)
    try:
        tf.io.gfile.makedirs(output_dir)
        old = _existing(output_dir, prefix)
    except tf.errors.OpError as error:
        raise ValueError(f"cannot write to --output_dir={output_dir}: {error.message}") from None
    if old and not overwrite:
        raise ValueError(
            f"--output_dir={output_dir} already has {len(old)} files such as {old[0]}; choose "
            "another directory or --prefix, or replace them with --overwrite"
        )
    names = [f"{prefix}{shard:04d}.tfrecord" for shard in range(num_shards)]
    ends = [num_records * (shard + 1) // num_shards for shard in range(num_shards)]
    with Progress(num_records, description="writing", enabled=progress) as bar:
        for name, start, end in zip(names, [0, *ends], ends, strict=False):
            with whole_path(os.path.join(output_dir, name)) as path:
                write_records(path, _counted(map(record, range(start, end)), bar))
    for name in set(old) - set(names):
        tf.io.gfile.remove(os.path.join(output_dir, name))
    return [os.path.join(output_dir, name) for name in names]


def _existing(output_dir: str, prefix: str) -> list[str]:
    """The names of the shards that the directory has of this prefix, sorted."""
    shard = re.compile(re.escape(prefix) + r"\d{4,}\.tfrecord")
    return sorted(name for name in tf.io.gfile.listdir(output_dir) if shard.fullmatch(name))


def _counted(records: Iterable[bytes], bar: Progress) -> Iterator[bytes]:
    for record in records:
        yield record
        bar.update()
