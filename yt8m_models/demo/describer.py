"""What a model and an index say of a clip."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from yt8m_models.demo.config import DemoConfig
from yt8m_models.demo.neighbours import Neighbour, Neighbours
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extractor import Failure
from yt8m_models.extraction.labelled import Label, Times
from yt8m_models.extraction.labeller import Labeller
from yt8m_models.extraction.video_list import Video
from yt8m_models.prediction.metric_tables import class_names
from yt8m_models.training.checkpoints import restore_model


class Moment(NamedTuple):
    """The score of a label of the clip in five seconds of it, by their middle in seconds."""

    time: float
    label: Label
    score: float


@dataclass(frozen=True)
class Description:
    """What there is to say of a clip.

    Attributes:
        num_frames: frames that were looked at.
        has_sound: whether the file has sound; `None` where it was not read.
        labels: of the clip, best first.
        segments: those of each five seconds, by start and end in seconds; with a video-level model
            there are none.
        moments: the course of those of the clip over its segments; none where there is one.
        pictures: a JPEG of each five seconds, by the second that these start at.
        neighbours: the most similar videos of the index, best first.
    """

    num_frames: int
    has_sound: bool | None
    labels: list[Label]
    segments: dict[Times, list[Label]]
    moments: list[Moment]
    pictures: dict[int, bytes]
    neighbours: list[Neighbour]


class Describer:
    """Describes clips with a trained model and, where there is one, an index.

    Args:
        config: which model and index.
        extraction_config: how features are made, where the training does not say it.
        given: names of its flags that were given; they are taken in place of the training's.

    Attributes:
        model: which it is, for a line.
        has_index: whether neighbours are looked up.

    Raises:
        ValueError: the model, the index or a flag is wrong, or they do not fit together.
        OSError: a file cannot be read.
    """

    def __init__(
        self, config: DemoConfig, extraction_config: ExtractionConfig, given: Collection[str] = ()
    ) -> None:
        names = class_names(config.vocabulary) if config.vocabulary else {}
        restored = restore_model(config.train_dir, config.checkpoint)
        self.model = restored.described()
        self._has_frames = restored.data_config.frame_features
        num_classes = restored.data_config.num_classes
        self._labeller = Labeller(restored, extraction_config, given, names, num_classes)
        self._top_k = config.top_k
        self._neighbours: Neighbours | None = None
        if config.index_dir:
            sizes = self._labeller.extractor.sizes
            self._neighbours = Neighbours(
                config.index_dir,
                config.embedding_dir,
                config.titles,
                config.thumbnails,
                sizes,
                config.num_neighbours,
            )
        self.has_index = self._neighbours is not None

    def __call__(self, path: str) -> Description:
        """Describes a video file.

        Raises:
            ValueError: the file cannot be read as a video.
        """
        extractor = self._labeller.extractor
        with contextlib.closing(extractor.extract([[Video("clip", path)]], True)) as results:
            result = next(results)
        if isinstance(result, Failure):
            raise ValueError(result.reason)
        labelled = self._labeller(result, segments=self._has_frames)
        labels = labelled.labels[: self._top_k]
        return Description(
            result.num_frames,
            result.has_sound,
            labels,
            {times: found[: self._top_k] for times, found in labelled.segments.items()},
            _moments(labels, labelled.segments),
            result.thumbnails.segments if result.thumbnails else {},
            self._neighbours(result.features) if self._neighbours else [],
        )


def _moments(labels: Sequence[Label], segments: Mapping[Times, Sequence[Label]]) -> list[Moment]:
    if len(segments) < 2:
        return []
    scores = {
        sum(times) / 2: {label.number: label.score for label in found}
        for times, found in segments.items()
    }
    return [
        Moment(middle, label, of_classes[label.number])
        for label in labels
        for middle, of_classes in scores.items()
    ]
