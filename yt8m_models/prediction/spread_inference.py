"""Predictions by the workers of a cluster: a file of records each, and a part of the submission."""

import dataclasses
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import tensorflow as tf

from yt8m_models.data.bad_records import problems_of_workers
from yt8m_models.data.first_batches import FirstBatches
from yt8m_models.engines.spread import absolute, spread
from yt8m_models.prediction.config import InferenceConfig, ModelSource
from yt8m_models.prediction.expected import as_expected
from yt8m_models.prediction.inference import open_pipeline, predict
from yt8m_models.prediction.predictor import Predictor
from yt8m_models.prediction.repeated_ids import RepeatedIds
from yt8m_models.prediction.submission import VideoSubmission
from yt8m_models.prediction.submission_lines import read_lines
from yt8m_models.storage.whole_file import join, whole_file
from yt8m_models.training.checkpoints import Restored, restore_model


@dataclasses.dataclass(frozen=True)
class _Work:
    """What a worker must know to predict a file; equal only within one run."""

    run: str
    train_dir: str
    checkpoint: str
    expected: tuple[tuple[str, Any], ...]
    config: InferenceConfig
    directory: str

    def part(self, number: int) -> str:
        """The submission of a file, by its number."""
        return join(self.directory, f"{number:05}.csv")


class _Done(NamedTuple):
    num_videos: int
    num_bad: int
    problems: str | None


def infer_spread(
    spark: Any,
    files: Sequence[str],
    source: ModelSource,
    restored: Restored,
    config: InferenceConfig,
    expected: Mapping[str, Any],
) -> tuple[int, str | None]:
    """Predicts each file in a worker and writes the submission file, videos in order of the files.

    The parts are whole files in a hidden directory beside the submission: those of a worker that
    was lost are written again, the same, by another. They go when all is done.

    Args:
        spark: the session.
        files: the records.
        source: the model.
        restored: the same.
        config, expected: as of `infer`.

    Returns:
        The number of videos; and what readers skipped, and ids that came again, in sentences.

    Raises:
        ValueError, OSError: as of `infer`.
    """
    run = uuid.uuid4().hex
    directory, name = os.path.split(absolute(config.output_file))
    work = _Work(
        run,
        absolute(source.untar_model_dir if source.input_model_tgz else source.train_dir),
        restored.checkpoint,
        tuple(expected.items()),
        config,
        join(directory, f".{name}.{run[:8]}.parts"),
    )
    try:
        items = list(enumerate(map(absolute, files)))
        done = spread(spark, partial(_predict_file, work), items)
        accounts = [(part.num_bad, part.problems) for part in done]
        problems = problems_of_workers(files, accounts, config.max_bad_records)
        if not (num_videos := sum(part.num_videos for part in done)):
            raise ValueError("\n".join([f"no video in {len(files)} files", *problems]))
        repeated = RepeatedIds()
        with whole_file(config.output_file) as file:
            submission = VideoSubmission(file)
            for lines in _lines(work, len(files)):
                repeated.add(_video_id(line) for line in lines)
                submission.file.write(b"".join(line + b"\n" for line in lines))
        problems += filter(None, [repeated.complaint()])
        return num_videos, "\n".join(problems) or None
    finally:
        if tf.io.gfile.exists(work.directory):
            tf.io.gfile.rmtree(work.directory)


def _predict_file(work: _Work, item: tuple[int, str]) -> _Done:
    """What a worker does with a file; it loads the model once in a run."""
    number, file = item
    restored, predictor = _opened(work)
    pipeline = open_pipeline([file], restored, work.config, may_be_empty=True)
    with whole_file(work.part(number)) as output:
        batches = FirstBatches(pipeline.data, "videos").watched(pipeline)
        num_videos = predict(batches, predictor, VideoSubmission(output), show_progress=False)
    return _Done(num_videos, len(pipeline.ledger.bad), pipeline.ledger.summary())


@lru_cache(maxsize=1)
def _opened(work: _Work) -> tuple[Restored, Predictor]:
    restored = as_expected(restore_model(work.train_dir, work.checkpoint), dict(work.expected))
    return restored, Predictor(restored.model, work.config.top_k, None, work.config.jit_compile)


def _lines(work: _Work, num_parts: int) -> Iterator[list[bytes]]:
    for number in range(num_parts):
        for block in read_lines(work.part(number)):
            yield [line for line in block.lines if line]  # there is none behind the last


def _video_id(line: bytes) -> bytes:
    """The id of a line of `VideoSubmission`; pairs have no comma."""
    quoted = line.rpartition(b",")[0]
    return quoted[1:-1].replace(b'""', b'"') if quoted.startswith(b'"') else quoted
