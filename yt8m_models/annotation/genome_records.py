"""Records whose labels are tags of the genome."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tensorflow as tf

from yt8m_models.annotation.genome import Genome
from yt8m_models.data.record_copies import RecordCopies
from yt8m_models.data.record_identity import identified_records
from yt8m_models.data.records import write_records
from yt8m_models.data.video_ids import nothing_in_common
from yt8m_models.storage.whole_file import whole_path


@dataclass(frozen=True)
class GenomeRecords:
    """Copies of records, an interrupted run before it included.

    Attributes:
        files: the copies.
        num_videos: records in them.
        num_left_out: records of the input whose videos are no movies of the genome.
    """

    files: tuple[str, ...]
    num_videos: int
    num_left_out: int


def label_by_genome(
    genome: Genome, pattern: str, output_dir: str, max_bad_records: int = 0
) -> GenomeRecords:
    """Copies the records of the genome's movies with its tags as their labels.

    The records of `x.tfrecord` go to `x.tfrecord` in `output_dir`, where any has a movie;
    `genome.json` notes the files that are done.

    Args:
        genome: the tags of each video.
        pattern: the records, video level, as of `match_files`.
        output_dir: receives the copies.
        max_bad_records: leave out up to this many corrupt records.

    Raises:
        ValueError: a record is bad, no video is a movie of the genome, or the directory has other
            files of these names or other settings.
        OSError: a file cannot be written.
    """
    settings = {"relevance": genome.relevance, "num_tags": len(genome.tags)}
    copies = RecordCopies(pattern, output_dir, "genome", "files", settings, max_bad_records)

    def copy(name: str, path: str) -> dict[str, int]:
        counts = {"videos": 0, "left_out": 0}

        def labelled() -> Iterator[bytes]:
            for content, identity in identified_records(path, copies.ledger):
                labels = genome.labels.get(identity.video_id)
                counts["left_out" if labels is None else "videos"] += 1
                if labels is not None:
                    yield _with_labels(content, labels)

        if records := list(labelled()):
            with whole_path(*copies.targets(name)) as partial:
                write_records(partial, records)
        return counts

    copies.copy(copy)
    if not copies.total("videos"):
        records = (
            identity.video_id
            for path in copies.files.values()
            for _, identity in identified_records(path, copies.ledger)
        )
        examples = list(itertools.islice(records, 1))
        raise ValueError(nothing_in_common(pattern, examples, "the genome", sorted(genome.labels)))
    files = (name for name in copies.files if copies.done[name].counts["videos"])
    return GenomeRecords(
        tuple(target for name in files for target in copies.targets(name)),
        copies.total("videos"),
        copies.total("left_out"),
    )


def _with_labels(content: bytes, labels: Sequence[int]) -> bytes:
    example = tf.train.Example.FromString(content)
    values = example.features.feature["labels"].int64_list
    values.SetInParent()
    values.value[:] = labels
    return example.SerializeToString(deterministic=True)
