"""Adding embeddings to video-level records, file by file."""

import itertools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.annotation.join_config import JoinConfig
from yt8m_models.data.bad_records import BadRecord, Ledger
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_identity import identified_records
from yt8m_models.data.records import write_records
from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.program.progress import Progress
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import whole_path, write_text

MANIFEST = "join.json"
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

    @property
    def num_files(self) -> int:
        return len(self.files)


@dataclass(frozen=True)
class _File:
    """A file that is joined.

    Attributes:
        bytes: the size of its input.
        videos: its records.
        missing: those without an embedding.
        bad: the records that were left out.
    """

    bytes: int
    videos: int
    missing: int
    bad: list[BadRecord]


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
            are named); two files have one name; or the directory has other files of these names
            or was joined with other settings.
        OSError: a file cannot be written.
    """
    embeddings = Embeddings.load(config.embeddings_dir)
    files = _by_name(_match(config.input_data_pattern))
    filesystems.require(config.output_dir)
    try:
        tf.io.gfile.makedirs(config.output_dir)
        done = _prepare(config, files, embeddings)
        ledger = Ledger(config.max_bad_records)
        earlier = [done[name] for name in files if name in done]
        for record in itertools.chain.from_iterable(file.bad for file in earlier):
            ledger.add_bad(record)
        counted = sum(file.videos for file in earlier)
        bar = Progress(None, description="joining", initial=counted) if progress else None
        with nullcontext() if bar is None else bar:
            for name in files:
                if name not in done:
                    done[name] = _join_file(config, files[name], name, embeddings, ledger, bar)
                    _write_manifest(config, embeddings, done)
    except tf.errors.OpError as error:
        message = f"cannot write to --output_dir={config.output_dir}: {error.message}"
        raise OSError(message) from None
    return JoinSummary(
        tuple(os.path.join(config.output_dir, name) for name in files),
        sum(done[name].videos for name in files),
        sum(done[name].missing for name in files),
        embeddings.size,
        ledger.summary(),
    )


def _match(pattern: str) -> list[str]:
    try:
        return match_files(pattern)
    except ValueError as error:
        raise ValueError(f"--input_data_pattern: {error}") from error


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


def _prepare(config: JoinConfig, files: dict[str, str], embeddings: Embeddings) -> dict[str, _File]:
    """The files that are done; refuses files of another origin, and inputs that have changed."""
    path = os.path.join(config.output_dir, MANIFEST)
    if not tf.io.gfile.exists(path):
        for name in files:
            target = os.path.join(config.output_dir, name)
            if tf.io.gfile.exists(target):
                raise ValueError(
                    f"--output_dir={config.output_dir} already has {target}, and no {MANIFEST}; "
                    "choose another directory"
                )
        _write_manifest(config, embeddings, {})
    done = _read_manifest(path, _settings(config, embeddings))
    for name in files.keys() & done.keys():
        size = tf.io.gfile.stat(files[name]).length
        if size != done[name].bytes:
            raise ValueError(
                f"{files[name]} has {size} bytes, and had {done[name].bytes} when it was joined; "
                "choose another --output_dir"
            )
    return done


def _join_file(
    config: JoinConfig,
    path: str,
    name: str,
    embeddings: Embeddings,
    ledger: Ledger,
    bar: Progress | None,
) -> _File:
    videos = missing = 0
    num_bad = len(ledger.bad)

    def joined() -> Iterator[bytes]:
        nonlocal videos, missing
        records = (
            (content, record.video_id) for content, record in identified_records(path, ledger)
        )
        for batch in _batches(records):
            contents, ids = zip(*batch, strict=True)
            rows = embeddings.ids.rows(ids)
            if config.missing == "error" and (rows == UNKNOWN).any():
                absent = ids[int(np.argmax(rows == UNKNOWN))]
                raise ValueError(
                    f"{path}: video {_text(absent)} has no embedding in {config.embeddings_dir} "
                    "(--missing=zeros gives such videos zeros)"
                )
            vectors = np.zeros((len(rows), embeddings.size), np.float32)
            vectors[rows != UNKNOWN] = embeddings.take(rows[rows != UNKNOWN])
            for content, video_id, vector in zip(contents, ids, vectors, strict=True):
                yield _with_feature(content, config.feature_name, vector, path, video_id)
            videos += len(rows)
            missing += int((rows == UNKNOWN).sum())
            if bar is not None:
                bar.update(len(rows))

    with whole_path(os.path.join(config.output_dir, name)) as partial:
        write_records(partial, joined())
    return _File(tf.io.gfile.stat(path).length, videos, missing, ledger.bad[num_bad:])


def _batches(records: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(records)
    while batch := list(itertools.islice(iterator, _BATCH)):
        yield batch


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


def _settings(config: JoinConfig, embeddings: Embeddings) -> dict[str, Any]:
    """What a directory of joined records is of; the same for all its files."""
    return {
        "embeddings": embeddings.model,
        "size": embeddings.size,
        "feature_name": config.feature_name,
        "missing": config.missing,
    }


def _read_manifest(path: str, settings: dict[str, Any]) -> dict[str, _File]:
    """The files that are done, by name."""
    with tf.io.gfile.GFile(path) as file:
        text = file.read()
    try:
        record = json.loads(text)
        done = {
            name: _File(**{**entry, "bad": [BadRecord(*bad) for bad in entry["bad"]]})
            for name, entry in record.pop("files").items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not the record of a join: {error!r}") from None
    for name, value in settings.items():
        if record.get(name) != value:
            raise ValueError(
                f"{path} is of a join with {name} {record.get(name)}, not {value}; choose another "
                "--output_dir"
            )
    return done


def _write_manifest(config: JoinConfig, embeddings: Embeddings, done: dict[str, _File]) -> None:
    files = {name: asdict(entry) for name, entry in sorted(done.items())}
    record = {**_settings(config, embeddings), "files": files}
    write_text(os.path.join(config.output_dir, MANIFEST), json.dumps(record, indent=1) + "\n")
