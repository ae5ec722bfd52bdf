"""Adding embeddings to video-level records, file by file."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.annotation.join_config import JoinConfig
from yt8m_models.data.record_copies import RecordCopies
from yt8m_models.data.record_identity import identified_records
from yt8m_models.data.records import write_records
from yt8m_models.data.video_ids import UNKNOWN, nothing_in_common
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.program.progress import Progress
from yt8m_models.storage.whole_file import whole_path

_BATCH = 1024


@dataclass(frozen=True)
class JoinSummary:
    """What a join did, an interrupted run before it included.

    Attributes:
        files: the joined files.
        num_videos: records in them.
        num_missing: videos among them without an embedding.
        size: values of the feature.
        problems: what was left out, as a sentence; `None` where nothing was.
    """

    files: tuple[str, ...]
    num_videos: int
    num_missing: int
    size: int
    problems: str | None


def join_embeddings(config: JoinConfig, progress: bool = False) -> JoinSummary:
    """Copies every record, in its order, with the embedding of its video as one more feature.

    The records of `x.tfrecord` go to `x.tfrecord` in `config.output_dir`. A file appears when it is
    done; `join.json` notes the settings and the files that are done, so that the same command goes
    on after an interruption.

    Args:
        config: what to join.
        progress: show a progress bar on stderr.

    Raises:
        ValueError: the embeddings cannot be read; a record is bad, frame level, has the feature
            already, or has no embedding where `config.missing` says error (the file and the video
            are named); no video has one; two files have one name; or the directory has other files
            of these names or was joined with other settings.
        OSError: a file cannot be written.
    """
    embeddings = Embeddings.load(config.embeddings_dir)
    copies = RecordCopies(
        config.input_data_pattern,
        config.output_dir,
        work="join",
        entries="files",
        settings={
            "embeddings": embeddings.model,
            "size": embeddings.size,
            "feature_name": config.feature_name,
            "missing": config.missing,
        },
        max_bad_records=config.max_bad_records,
    )
    done = copies.total("videos")
    bar = Progress(None, description="joining", initial=done, enabled=progress)

    def join_file(name: str, path: str) -> dict[str, int]:
        counts = {"videos": 0, "missing": 0}

        def counted() -> Iterator[bytes]:
            records = identified_records(path, copies.ledger)
            while batch := list(itertools.islice(records, _BATCH)):
                joined, num_missing = _joined(config, embeddings, path, batch)
                yield from joined
                counts["videos"] += len(joined)
                counts["missing"] += num_missing
                bar.update(len(joined))

        with whole_path(*copies.targets(name)) as partial:
            write_records(partial, counted())
        return counts

    with bar:
        copies.copy(join_file)
    if 0 < copies.total("videos") == copies.total("missing"):
        records = (
            identity.video_id
            for path in copies.files.values()
            for _, identity in identified_records(path, copies.ledger)
        )
        raise ValueError(
            nothing_in_common(
                *(config.input_data_pattern, [next(records)]),
                *(f"the embeddings in {config.embeddings_dir}", embeddings.ids),
            )
        )
    return JoinSummary(
        tuple(target for name in copies.files for target in copies.targets(name)),
        copies.total("videos"),
        copies.total("missing"),
        embeddings.size,
        copies.ledger.summary(),
    )


def _joined(
    config: JoinConfig, embeddings: Embeddings, path: str, batch: Sequence[Any]
) -> tuple[list[bytes], int]:
    """Records with their embeddings, and how many have none."""
    contents = [content for content, _ in batch]
    ids = [identity.video_id for _, identity in batch]
    rows = embeddings.ids.rows(ids)
    is_missing = rows == UNKNOWN
    if config.missing == "error" and is_missing.any():
        absent = ids[int(np.argmax(is_missing))]
        raise ValueError(
            f"{path}: video {_text(absent)} has no embedding in {config.embeddings_dir}, which has "
            f"ids such as {_text(embeddings.ids[0]) if len(embeddings) else 'none'} "
            "(--missing=zeros gives such videos zeros)"
        )
    vectors = np.zeros((len(rows), embeddings.size), np.float32)
    vectors[~is_missing] = embeddings.take(rows[~is_missing])
    joined = [
        _with_feature(content, config.feature_name, vector, path, video_id)
        for content, video_id, vector in zip(contents, ids, vectors, strict=True)
    ]
    return joined, int(is_missing.sum())


def _with_feature(
    content: bytes, name: str, vector: np.ndarray, path: str, video_id: bytes
) -> bytes:
    example = tf.train.Example.FromString(content)
    features = example.features.feature
    if name in features:
        raise ValueError(
            f"{path}: video {_text(video_id)} already has a feature {name}; choose another "
            "--feature_name"
        )
    if not any(feature.WhichOneof("kind") == "float_list" for feature in features.values()):
        raise ValueError(
            f"{path}: video {_text(video_id)} has no float feature, so it is no video-level record"
        )
    features[name].float_list.value.extend(vector.tolist())
    return example.SerializeToString(deterministic=True)


def _text(video_id: bytes) -> str:
    return repr(video_id.decode(errors="replace"))
