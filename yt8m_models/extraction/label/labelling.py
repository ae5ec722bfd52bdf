"""Labels of video files, from the files to the table."""

import contextlib
from collections.abc import Collection, Generator
from dataclasses import dataclass, fields, replace
from functools import lru_cache, partial
from typing import Any
from uuid import uuid4

from yt8m_models.engines.spread import absolute, spread
from yt8m_models.extraction.bad_videos import BadVideos
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extractor import Failure
from yt8m_models.extraction.label.config import LabelConfig
from yt8m_models.extraction.label.labels import csv_of, json_of
from yt8m_models.extraction.label.table import Table
from yt8m_models.extraction.labelled import Labelled
from yt8m_models.extraction.labeller import Labeller
from yt8m_models.extraction.video_list import Video, read_videos
from yt8m_models.extraction.workers import as_listed, as_workers_find_it
from yt8m_models.prediction.metric_tables import class_names
from yt8m_models.program.progress import Progress
from yt8m_models.storage.whole_file import write_text
from yt8m_models.training.checkpoints import Restored, restore_model


@dataclass(frozen=True)
class LabelSummary:
    """What was labelled.

    Attributes:
        labelled: the labels of each video that could be read.
        num_failures: videos that could not.
    """

    labelled: list[Labelled]
    num_failures: int


def label(
    config: LabelConfig,
    extraction_config: ExtractionConfig,
    given: Collection[str] = (),
    spark: Any = None,
) -> LabelSummary:
    """Labels video files; prints a table on standard output, and the progress on standard error.

    Args:
        config: the model, the videos, and what to say of them.
        extraction_config: how features are made, where the training does not say it.
        given: names of its flags that were given; they are taken in place of the training's.
        spark: a `SparkSession` whose workers each label videos, as of `EngineOptions.session`; they
            find model, videos and weights under the same paths, and the table comes at the end.
            `None` for this process.

    Raises:
        ValueError: a flag, the model or the list of videos is wrong, features would not be made as
            those of the training were, or no video can be read.
        OSError: a file cannot be read or written, or Spark cannot finish its work.
    """
    names = class_names(config.vocabulary) if config.vocabulary else {}
    videos = read_videos(config.videos)
    restored = restore_model(config.train_dir, config.checkpoint)
    data = restored.data_config
    if config.segments and not data.frame_features:
        raise ValueError(
            f"--segments needs a frame-level model; {restored.path} is the video-level "
            f"{restored.name}"
        )
    print(f"Model: {restored.described()}", flush=True)
    labeller = Labeller(restored, extraction_config, given, names, config.top_k, config.min_score)
    if not labeller.is_as_trained:
        print(
            "The training does not say how its features were made: they are made by the flags of "
            "this command.",
            flush=True,
        )
    table = Table([video.id for video in videos], names, data.num_classes, config.segments)
    bad = BadVideos(config.max_bad_videos)
    results: Generator[Labelled | Failure, None, None]
    if spark is None:
        results = _label(labeller, videos, config.segments)
    else:
        results = _label_spread(spark, config, restored, labeller.extractor.config, videos)
    labelled = []
    with contextlib.closing(results), Progress(len(videos), description="labelling") as bar:
        for result in results:
            if isinstance(result, Failure):
                bar.write(f"left out: {result.reason}")
                bad.add(result.reason)
            else:
                labelled.append(result)
                table.print(result)
            bar.update()
    if not labelled:
        raise ValueError("no video could be read")
    if config.output_file:
        text = csv_of if config.output_file.endswith(".csv") else json_of
        write_text(config.output_file, text(labelled))
    return LabelSummary(labelled, bad.count)


def _label(
    labeller: Labeller, videos: list[Video], segments: bool
) -> Generator[Labelled | Failure, None, None]:
    """The labels of each video, in their order."""
    with contextlib.closing(labeller.extractor.extract([videos])) as results:
        for result in results:
            yield result if isinstance(result, Failure) else labeller(result, segments)


@dataclass(frozen=True)
class _Work:
    """What a worker must know to label a video; equal only within one run."""

    run: str
    config: LabelConfig
    extraction_config: ExtractionConfig


def _label_spread(
    spark: Any,
    config: LabelConfig,
    restored: Restored,
    extraction_config: ExtractionConfig,
    videos: list[Video],
) -> Generator[Labelled | Failure, None, None]:
    """As of `_label`, each video in a worker, with features as the driver has settled."""
    there = replace(
        config,
        train_dir=absolute(config.train_dir),
        checkpoint=restored.checkpoint,
        vocabulary=absolute(config.vocabulary),
    )
    work = partial(_label_video, _Work(uuid4().hex, there, as_workers_find_it(extraction_config)))
    yield from spread(spark, work, [(video, absolute(video.path)) for video in videos])


def _label_video(work: _Work, item: tuple[Video, str]) -> Labelled | Failure:
    """What a worker does with a video; it loads the model and the networks once in a run."""
    video, path = item
    results = _labeller(work).extractor.extract([[replace(video, path=path)]])
    with contextlib.closing(results):
        result = as_listed(next(results), video)
    if isinstance(result, Failure):
        return result
    return _labeller(work)(result, work.config.segments)


@lru_cache(maxsize=1)
def _labeller(work: _Work) -> Labeller:
    config, extraction_config = work.config, work.extraction_config
    names = class_names(config.vocabulary) if config.vocabulary else {}
    restored = restore_model(config.train_dir, config.checkpoint)
    given = [field.name for field in fields(ExtractionConfig)]
    return Labeller(restored, extraction_config, given, names, config.top_k, config.min_score)
