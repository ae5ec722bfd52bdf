"""Labels of video files, from the files to the table."""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass

from yt8m_models.extraction.bad_videos import BadVideos
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extractor import Failure
from yt8m_models.extraction.label.config import LabelConfig
from yt8m_models.extraction.label.labels import csv_of, json_of
from yt8m_models.extraction.label.table import Table
from yt8m_models.extraction.labelled import Labelled
from yt8m_models.extraction.labeller import Labeller
from yt8m_models.extraction.video_list import read_videos
from yt8m_models.prediction.metric_tables import class_names
from yt8m_models.program.progress import Progress
from yt8m_models.storage.whole_file import write_text
from yt8m_models.training.checkpoints import restore_model


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
    config: LabelConfig, extraction_config: ExtractionConfig, given: Collection[str] = ()
) -> LabelSummary:
    """Labels video files; prints a table on standard output, and the progress on standard error.

    Args:
        config: the model, the videos, and what to say of them.
        extraction_config: how features are made, where the training does not say it.
        given: names of its flags that were given; they are taken in place of the training's.

    Raises:
        ValueError: a flag, the model or the list of videos is wrong, features would not be made as
            those of the training were, or no video can be read.
        OSError: a file cannot be read or written.
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
    results = labeller.extractor.extract([videos])
    labelled = []
    with contextlib.closing(results), Progress(len(videos), description="labelling") as bar:
        for result in results:
            if isinstance(result, Failure):
                bar.write(f"left out: {result.reason}")
                bad.add(result.reason)
            else:
                labelled.append(labeller(result, config.segments))
                table.print(labelled[-1])
            bar.update()
    if not labelled:
        raise ValueError("no video could be read")
    if config.output_file:
        text = csv_of if config.output_file.endswith(".csv") else json_of
        write_text(config.output_file, text(labelled))
    return LabelSummary(labelled, bad.count)
