"""Labels of video files, from the files to the table."""

import contextlib
import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.extraction_record import Extraction
from yt8m_models.data.parsing import FRAME_PADDING
from yt8m_models.extraction.bad_videos import BadVideos
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extractor import Extracted, Extractor, Failure
from yt8m_models.extraction.label.config import LabelConfig
from yt8m_models.extraction.label.labels import Label, Labelled, csv_of, json_of
from yt8m_models.extraction.label.table import Table
from yt8m_models.extraction.video_list import read_videos
from yt8m_models.prediction.metric_tables import class_names
from yt8m_models.prediction.predictor import Predictor
from yt8m_models.prediction.segments import cut_segments
from yt8m_models.program.progress import Progress
from yt8m_models.storage.same_flags import require_same_flags
from yt8m_models.storage.whole_file import write_text
from yt8m_models.training.checkpoints import Restored, restore_model

_SEGMENT_SECONDS = 5


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
            f"{restored.model_config.model}"
        )
    print(f"Model: {restored.described()}", flush=True)
    extraction_config = _as_trained(extraction_config, given, restored)
    extractor = Extractor(extraction_config)
    _require_fitting(extractor, restored)
    labeller = _Labeller(config, restored, names, extraction_config.rate)
    table = Table([video.id for video in videos], names, data.num_classes, config.segments)
    bad = BadVideos(config.max_bad_videos)
    results = extractor.extract([videos])
    labelled = []
    with contextlib.closing(results), Progress(len(videos), description="labelling") as bar:
        for result in results:
            if isinstance(result, Failure):
                bar.write(f"left out: {result.reason}")
                bad.add(result.reason)
            else:
                labelled.append(labeller(result))
                table.print(labelled[-1])
            bar.update()
    if not labelled:
        raise ValueError("no video could be read")
    if config.output_file:
        text = csv_of if config.output_file.endswith(".csv") else json_of
        write_text(config.output_file, text(labelled))
    return LabelSummary(labelled, bad.count)


class _Labeller:
    """Predicts the labels of one video after the other."""

    def __init__(
        self, config: LabelConfig, restored: Restored, names: Mapping[int, str], rate: Fraction
    ) -> None:
        self.config = config
        self.data = restored.data_config
        self.names = names
        self.rate = rate
        self._predictor = Predictor(restored.model, config.top_k)

    def __call__(self, result: Extracted) -> Labelled:
        parts = [result.features[name] for name in self.data.feature_names]
        values = np.concatenate(parts, axis=-1)[None]
        if not self.data.frame_features:
            return Labelled(result.video, self._predict(result, values, np.ones(1, np.int32))[0])
        values = values[:, : self.data.max_frames]
        num_frames = np.array([values.shape[1]], np.int32)
        (labels,) = self._predict(result, _padded(values), num_frames)
        if not self.config.segments:
            return Labelled(result.video, labels)
        size = max(round(_SEGMENT_SECONDS * self.rate), 1)
        cut = cut_segments(values, num_frames, size)
        ends = (cut.starts + cut.num_frames).tolist()
        of_segments = self._predict(result, cut.video_matrix, cut.num_frames)
        times = [
            (float(start / self.rate), float(end / self.rate))
            for start, end in zip(cut.starts.tolist(), ends, strict=True)
        ]
        return Labelled(result.video, labels, dict(zip(times, of_segments, strict=True)))

    def _predict(
        self, result: Extracted, values: np.ndarray, num_frames: np.ndarray
    ) -> list[list[Label]]:
        """The labels of each example of a batch."""
        best = self._predictor(tf.constant(values), tf.constant(num_frames))
        if not best.is_finite.numpy().all():
            raise ValueError(
                f"the predictions for {result.video.path} are not all numbers (NaN or infinite): "
                "the model's weights are broken"
            )
        return [
            [
                Label(number, self.names.get(number, ""), score)
                for number, score in zip(classes, scores, strict=True)
                if score >= self.config.min_score
            ]
            for classes, scores in zip(
                best.classes.numpy().tolist(), best.scores.numpy().tolist(), strict=True
            )
        ]


def _as_trained(
    config: ExtractionConfig, given: Collection[str], restored: Restored
) -> ExtractionConfig:
    """How the features of the training were made, but for flags that are given now."""
    if restored.extraction is None:
        print(
            "The training does not say how its features were made: they are made by the flags of "
            "this command.",
            flush=True,
        )
        level = "frame" if restored.data_config.frame_features else "video"
        return config if "level" in given else dataclasses.replace(config, level=level)
    fields = {field.name for field in dataclasses.fields(ExtractionConfig)}
    flags = {k: v for k, v in restored.extraction.flags.items() if k in fields and k not in given}
    return dataclasses.replace(config, **flags)


def _require_fitting(extractor: Extractor, restored: Restored) -> None:
    """Refuses features that are not those that the model takes.

    Raises:
        ValueError: they were made otherwise in training, or have other names or sizes.
    """
    if restored.extraction is not None:
        require_same_flags(
            restored.extraction.described,
            Extraction(extractor.settings, {}).described,
            f"the features of {restored.path} (there) would be made otherwise (now):",
        )
    data: DataConfig = restored.data_config
    for name, size in zip(data.feature_names, data.feature_sizes, strict=True):
        if extractor.sizes.get(name) != size:
            made = ", ".join(f"{each} of {width}" for each, width in extractor.sizes.items())
            raise ValueError(
                f"{restored.path} takes the feature {name} of {size} values; the flags make {made}"
            )


def _padded(values: np.ndarray) -> np.ndarray:
    """Frames `(1, T, D)` with T a multiple of `FRAME_PADDING`, so that graphs have few shapes."""
    missing = -values.shape[1] % FRAME_PADDING
    return np.pad(values, ((0, 0), (0, missing), (0, 0)))
