"""Predictions for records, from a trained model to the submission file."""

import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from yt8m_models.data.extraction_record import require_same_extraction
from yt8m_models.data.first_batches import FirstBatches
from yt8m_models.data.parsing import Batch
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.prediction.config import InferenceConfig, ModelSource, require_spreadable
from yt8m_models.prediction.expected import as_expected
from yt8m_models.prediction.model_archive import pack_model, unpack_model
from yt8m_models.prediction.predictor import Best, Predictor, device_batch_size
from yt8m_models.prediction.rated_classes import classes_to_list
from yt8m_models.prediction.repeated_ids import RepeatedIds
from yt8m_models.prediction.segment_submission import SegmentSubmission
from yt8m_models.prediction.segments import SEGMENT_BATCH, cut_segments, segment_ids
from yt8m_models.prediction.submission import VideoSubmission
from yt8m_models.program.background import Background
from yt8m_models.program.progress import Progress
from yt8m_models.storage.whole_file import whole_file
from yt8m_models.training.checkpoints import Restored, restore_model

Submission = VideoSubmission | SegmentSubmission


@dataclasses.dataclass(frozen=True)
class InferenceSummary:
    """What an inference did.

    Attributes:
        num_videos: how many videos were predicted.
        seconds: how long it took, without loading the model.
        checkpoint: the checkpoint that was used.
        problems: what the reader skipped, and ids that came again, in sentences; `None` where
            nothing was wrong.
    """

    num_videos: int
    seconds: float
    checkpoint: str
    problems: str | None


def infer(
    source: ModelSource,
    config: InferenceConfig,
    expected: Mapping[str, Any] | None = None,
    spark: Any = None,
) -> InferenceSummary:
    """Predicts every video that `config` names and writes the submission file.

    Videos without frames get a prediction too (they have no segments, though).

    Args:
        source: the model.
        config: the records, and what to write of them.
        expected: flags of the data and of the model that the training must have had, by name; see
            `as_expected` for those that may differ.
        spark: a `SparkSession` whose workers each predict files, as of `EngineOptions.session`;
            they find records, model and output under the same paths. `None` for this process.

    Raises:
        ValueError: a flag, the model or a record is wrong; the message says which.
        OSError: a file cannot be read or written, or Spark cannot finish its work.
    """
    if spark is not None:
        require_spreadable(config)
    files = match_files(config.input_data_pattern)
    trained = _restore(source)
    restored = as_expected(trained, {} if expected is None else expected)
    data = restored.data_config
    print(f"Model: {restored.described()}")
    require_same_extraction(restored.extraction, files, restored.path)
    if config.segment_labels and not data.frame_features:
        raise ValueError(
            f"--segment_labels needs a frame-level model; {restored.path} is the video-level "
            f"{restored.name}"
        )
    classes = None
    if config.segment_labels:
        classes = classes_to_list(config.segment_label_ids_file, data.num_classes)
    if source.output_model_tgz:
        pack_model(trained, source.output_model_tgz)
        print(f"Model packed in {source.output_model_tgz}")
    start = time.monotonic()
    if spark is not None:
        from yt8m_models.prediction.spread_inference import infer_spread

        num_videos, skipped = infer_spread(spark, files, source, restored, config, expected or {})
        return InferenceSummary(num_videos, time.monotonic() - start, restored.path, skipped)
    pipeline = open_pipeline(files, restored, config)
    predictor = Predictor(restored.model, config.top_k, classes, config.jit_compile)
    repeated = RepeatedIds()
    with whole_file(config.output_file) as file:
        submission = (
            SegmentSubmission(file, config.segment_max_pred)
            if config.segment_labels
            else VideoSubmission(file)
        )
        watched = FirstBatches(pipeline.data, "videos").watched(pipeline)
        batches = _noting_ids(watched, repeated)
        num_videos = predict(batches, predictor, submission, config.segment_labels)
    seconds = time.monotonic() - start
    problems = [pipeline.ledger.summary(), repeated.complaint()]
    return InferenceSummary(
        num_videos, seconds, restored.path, "\n".join(filter(None, problems)) or None
    )


def open_pipeline(
    files: Sequence[str], restored: Restored, config: InferenceConfig, may_be_empty: bool = False
) -> Pipeline:
    """The records of files, as a model takes them; no video in them is an error, or not."""
    data = dataclasses.replace(restored.data_config, segment_labels=False)
    kind = SegmentSubmission if config.segment_labels else VideoSubmission
    return Pipeline(
        files,
        data,
        PipelineOptions(
            batch_size=device_batch_size(config.batch_size, data),
            seed=config.seed,
            sample_frames=config.sample_frames,
            sample_random_frames=restored.model_config.sample_random_frames,
            num_readers=config.num_readers,
            max_bad_records=config.max_bad_records,
            pad_to_max_frames=config.jit_compile,
            with_labels=False,
            may_be_empty=may_be_empty,
            forbidden_in_ids=kind.forbidden_in_ids,
        ),
    )


def predict(
    batches: Iterable[Batch],
    predictor: Predictor,
    submission: Submission,
    by_segment: bool = False,
    show_progress: bool = True,
) -> int:
    """Predicts batches of videos, each while the one before is written.

    Args:
        batches: those of a `Pipeline`.
        predictor: the model.
        submission: what takes the predictions; it is finished here.
        by_segment: predict the segments of the videos instead of the videos.
        show_progress: on standard error.

    Returns:
        The number of videos.

    Raises:
        ValueError: a prediction is not a number; the message names the video.
    """
    num_videos = 0
    with (
        Background() as background,
        Progress(description="inference", enabled=show_progress) as progress,
    ):
        for batch in batches:
            ids = batch["video_ids"].numpy()
            video_matrix, num_frames = batch["video_matrix"], batch["num_frames"]
            if by_segment:
                segments = cut_segments(video_matrix.numpy(), num_frames.numpy())
                all_ids = segment_ids(ids, segments)
                for start in range(0, len(all_ids), SEGMENT_BATCH):
                    part = slice(start, start + SEGMENT_BATCH)
                    best = predictor(segments.video_matrix[part], segments.num_frames[part])
                    background.submit(_add, submission, all_ids[part], best)
            else:
                background.submit(_add, submission, ids, predictor(video_matrix, num_frames))
            num_videos += len(ids)
            progress.update(len(ids))
        background.submit(submission.finish)
    return num_videos


def _noting_ids(batches: Iterable[Batch], repeated: RepeatedIds) -> Iterator[Batch]:
    for batch in batches:
        repeated.add(batch["video_ids"].numpy().tolist())
        yield batch


def _add(submission: Submission, ids: np.ndarray, best: Best) -> None:
    """Waits for the device, and hands a batch to the submission."""
    is_finite = best.is_finite.numpy()
    if not is_finite.all():
        raise ValueError(
            f"the predictions for {ids[~is_finite][0].decode(errors='replace')} are not all "
            "numbers (NaN or infinite): the model's weights or the features are broken"
        )
    submission.add(ids, best.classes.numpy(), best.scores.numpy())


def _restore(source: ModelSource) -> Restored:
    if source.input_model_tgz:
        checkpoint = unpack_model(source.input_model_tgz, source.untar_model_dir)
        return restore_model(source.untar_model_dir, checkpoint)
    return restore_model(source.train_dir, source.checkpoint)
