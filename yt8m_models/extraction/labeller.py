"""Labels of extracted videos."""

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.extraction_record import Extraction
from yt8m_models.data.parsing import FRAME_PADDING
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extractor import Extracted, Extractor
from yt8m_models.extraction.labelled import Label, Labelled
from yt8m_models.prediction.predictor import Predictor
from yt8m_models.prediction.segments import cut_segments
from yt8m_models.storage.same_flags import require_same_flags
from yt8m_models.training.checkpoints import Restored

_SEGMENT_SECONDS = 5


class Labeller:
    """A trained model, and what extracts features as those of its training were.

    Args:
        restored: the model.
        config: how features are made, where the training does not say it.
        given: names of its fields that are taken in place of the training's.
        class_names: by class id; others are without a name.
        top_k: classes of a video, or of a segment, at most.
        min_score: classes with a lower score are left out.

    Attributes:
        extractor: of the features.
        is_as_trained: whether the training says how its features were made.

    Raises:
        ValueError: features would not be made as those of the training were, or have other sizes
            than the model takes.
        OSError: a file of the features cannot be read.
    """

    def __init__(
        self,
        restored: Restored,
        config: ExtractionConfig,
        given: Collection[str] = (),
        class_names: Mapping[int, str] | None = None,
        top_k: int = 5,
        min_score: float = 0.0,
    ) -> None:
        self.class_names = {} if class_names is None else class_names
        self.min_score = min_score
        self.is_as_trained = restored.extraction is not None
        self.extractor = Extractor(_as_trained(config, given, restored))
        _require_fitting(self.extractor, restored)
        self._data: DataConfig = restored.data_config
        self._rate = self.extractor.config.rate
        self._predictor = Predictor(restored.model, top_k)

    def __call__(self, extracted: Extracted, segments: bool = False) -> Labelled:
        """The labels of a video and, with a frame-level model, of each five seconds of it.

        Raises:
            ValueError: a prediction is not a number.
        """
        parts = [extracted.features[name] for name in self._data.feature_names]
        values = np.concatenate(parts, axis=-1)[None]
        video = extracted.video
        if not self._data.frame_features:
            return Labelled(video, self._predict(video.path, values, np.ones(1, np.int32))[0])
        values = values[:, : self._data.max_frames]
        num_frames = np.array([values.shape[1]], np.int32)
        (labels,) = self._predict(video.path, _padded(values), num_frames)
        if not segments:
            return Labelled(video, labels)
        size = max(round(_SEGMENT_SECONDS * self._rate), 1)
        cut = cut_segments(values, num_frames, size)
        ends = (cut.starts + cut.num_frames).tolist()
        of_segments = self._predict(video.path, cut.video_matrix, cut.num_frames)
        times = [
            (float(start / self._rate), float(end / self._rate))
            for start, end in zip(cut.starts.tolist(), ends, strict=True)
        ]
        return Labelled(video, labels, dict(zip(times, of_segments, strict=True)))

    def _predict(self, path: str, values: np.ndarray, num_frames: np.ndarray) -> list[list[Label]]:
        """The labels of each example of a batch."""
        best = self._predictor(tf.constant(values), tf.constant(num_frames))
        if not best.is_finite.numpy().all():
            raise ValueError(
                f"the predictions for {path} are not all numbers (NaN or infinite): the model's "
                "weights are broken"
            )
        return [
            [
                Label(number, self.class_names.get(number, ""), score)
                for number, score in zip(classes, scores, strict=True)
                if score >= self.min_score
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
