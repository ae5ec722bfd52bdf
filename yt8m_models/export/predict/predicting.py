"""Predictions for records, from an exported model to the file of predictions."""

import dataclasses
import itertools
import time
from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO

import numpy as np

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_reader import FRAME_GROUP, VIDEO_GROUP, BadRecord
from yt8m_models.export.best_classes import best_classes
from yt8m_models.export.examples import Video, parse_video
from yt8m_models.export.export_dir import EMBEDDING
from yt8m_models.export.exported_model import ExportedModel
from yt8m_models.export.predict.config import JSON_LINES, PredictConfig
from yt8m_models.export.predict.json_lines import JsonLines
from yt8m_models.export.runtime import Runtime
from yt8m_models.export.tfrecord import interleaved
from yt8m_models.prediction.rated_classes import classes_to_list
from yt8m_models.prediction.repeated_ids import RepeatedIds
from yt8m_models.prediction.segment_submission import SegmentSubmission
from yt8m_models.prediction.segments import SEGMENT_BATCH, cut_segments, segment_ids
from yt8m_models.prediction.submission import VideoSubmission
from yt8m_models.program.background import prefetched
from yt8m_models.program.progress import Progress
from yt8m_models.storage.whole_file import whole_file

Record = tuple[str, int, bytes]


@dataclasses.dataclass(frozen=True)
class PredictSummary:
    """What a prediction did.

    Attributes:
        num_videos: how many videos were predicted.
        seconds: how long it took, without loading the model.
        path: the file of the model.
        problems: records that were skipped, and ids that came again, in sentences; `None` where
            nothing was wrong.
    """

    num_videos: int
    seconds: float
    path: str
    problems: str | None


def predict(config: PredictConfig) -> PredictSummary:
    """Predicts every video that `config` names and writes the file.

    Raises:
        ValueError: a flag, the model or a record is wrong; the message says which.
        OSError: a file cannot be read or written.
    """
    model = _model(config)
    files = match_files(config.input_data_pattern, "input_data_pattern")
    runtime = Runtime(model.path, config.num_threads)
    ledger, repeated = Ledger(config.max_bad_records), RepeatedIds()
    group = FRAME_GROUP if model.data.frame_features else VIDEO_GROUP
    records = _good(interleaved(files, config.num_readers, group, config.verify_checksums), ledger)
    classes = None
    if config.segment_labels:
        classes = classes_to_list(config.segment_label_ids_file, model.output_size)
    num_videos, start = 0, time.monotonic()
    with whole_file(config.output_file) as file, Progress(description="predict") as progress:
        output = _output(file, config, model)
        kind = SegmentSubmission if config.segment_labels else VideoSubmission
        parse = partial(_parsed, model=model, forbidden=kind.forbidden_in_ids, ledger=ledger)
        for videos in prefetched(parse, _batches(records, config.batch_size)):
            if not videos:
                continue
            ids = np.array([video.video_id for video in videos], object)
            repeated.add(ids.tolist())
            inputs = model.inputs([video.values for video in videos])
            batches = _segments(ids, *inputs) if config.segment_labels else [(ids, *inputs)]
            for names, *batch in batches:
                outputs = runtime(*batch)
                _require_finite(outputs, names)
                if isinstance(output, JsonLines) and model.kind == EMBEDDING:
                    output.add_embeddings(names, outputs)
                else:
                    output.add(names, *best_classes(outputs, config.top_k, classes))
            num_videos += len(videos)
            progress.update(len(videos))
        output.finish()
    problems = [ledger.summary(), repeated.complaint()]
    return PredictSummary(
        num_videos, time.monotonic() - start, model.path, "\n".join(filter(None, problems)) or None
    )


def _model(config: PredictConfig) -> ExportedModel:
    """The model, with what the flags say of how records are read."""
    model = ExportedModel.read(config.model, config.format)
    if model.kind == EMBEDDING and not config.as_json_lines:
        raise ValueError(
            f"{config.model} holds an embedding model, whose embeddings are written as JSON lines: "
            f"--output_file must end with {JSON_LINES}; received {config.output_file}"
        )
    data = model.data
    if config.segment_labels and not data.frame_features:
        raise ValueError(
            f"--segment_labels needs a frame-level model; {config.model} holds the video-level "
            f"{model.name}"
        )
    if config.max_frames is not None:
        data = dataclasses.replace(data, max_frames=config.max_frames)
    if config.unequal_frames is not None:
        data = dataclasses.replace(data, unequal_frames=config.unequal_frames)
    return dataclasses.replace(model, data=data)


def _output(
    file: IO[bytes], config: PredictConfig, model: ExportedModel
) -> JsonLines | SegmentSubmission | VideoSubmission:
    if config.as_json_lines:
        return JsonLines(file, model.class_names)
    if config.segment_labels:
        return SegmentSubmission(file, config.segment_max_pred)
    return VideoSubmission(file)


def _segments(
    ids: np.ndarray, video_matrix: np.ndarray, num_frames: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The ids and the inputs of the segments of a batch of videos, so many as fit the memory."""
    segments = cut_segments(video_matrix, num_frames)
    names = segment_ids(ids, segments)
    for start in range(0, len(names), SEGMENT_BATCH):
        part = slice(start, start + SEGMENT_BATCH)
        yield names[part], segments.video_matrix[part], segments.num_frames[part]


def _good(
    records: Iterable[tuple[str, int, bytes | BadRecord]], ledger: Ledger
) -> Iterator[Record]:
    """The records that are not corrupt."""
    for file, number, content in records:
        if isinstance(content, BadRecord):
            ledger.add_bad(content)
        else:
            yield file, number, content


def _batches(records: Iterator[Record], size: int) -> Iterator[list[Record]]:
    while batch := list(itertools.islice(records, size)):
        yield batch


def _parsed(
    records: list[Record], model: ExportedModel, forbidden: str, ledger: Ledger
) -> list[Video]:
    """The videos of records, without those that cannot be read."""
    videos = []
    for file, number, content in records:
        try:
            video = parse_video(content, model.data)
            _require_id(video.video_id, forbidden)
        except ValueError as error:
            ledger.add_bad(BadRecord(file, number, str(error)))
        else:
            videos.append(Video(video.video_id, model.as_input(video.values)))
    return videos


def _require_id(video_id: bytes, forbidden: str) -> None:
    if not video_id:
        raise ValueError("it has no id")
    for character in forbidden:
        if character.encode() in video_id:
            raise ValueError(
                f"its id has {character!r}, and could not be read back from the output"
            )


def _require_finite(outputs: np.ndarray, ids: np.ndarray) -> None:
    is_finite = np.isfinite(outputs).all(axis=1)
    if not is_finite.all():
        raise ValueError(
            f"the predictions for {ids[~is_finite][0].decode(errors='replace')} are not all "
            "numbers (NaN or infinite): the model's weights or the features are broken"
        )
