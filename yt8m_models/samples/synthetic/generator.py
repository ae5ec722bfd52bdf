"""Synthetic videos: long-tailed labels, and frames that are noisy mixtures of class prototypes.

A video is a row of scenes of five frames (the length of a rated segment). A scene mixes two of the
video's sources, one of which dominates: prototypes of its labels, and of backgrounds that say
nothing about the labels. Each frame adds noise of its own. Everything is computed in quantised
steps of 4 / 255 and in integers, so that a seed gives the same bytes everywhere; a video depends
on the seed and on its index alone, not on the number of videos or shards.
"""

from dataclasses import dataclass

import numpy as np

from yt8m_models.data.quantization import BIAS, SCALE
from yt8m_models.data.records import frame_record, video_record
from yt8m_models.samples.made_ids import video_id
from yt8m_models.samples.shards import write_shards
from yt8m_models.samples.synthetic import label_distribution
from yt8m_models.samples.synthetic.config import SyntheticConfig

SEGMENT_FRAMES = 5
_RATED_SEGMENTS = 5
_BACKGROUNDS = 256
_BACKGROUNDS_PER_VIDEO = 2
_PROTOTYPE_STEPS = 40.0  # standard deviation of a prototype's entries, in quantised steps

Segment = tuple[int, int, int, float]


@dataclass(frozen=True)
class Video:
    """A video: its id, its labels, its frames and, at segment level, its rated segments.

    Attributes:
        video_id: four characters.
        labels: sorted class ids, int64 `(labels,)`.
        frames: quantised frames of all features side by side, uint8 `(frames, sum of sizes)`.
        segments: rated segments `(start, end, class, score)`, in frames; the score is 1 where the
            class is what the segment shows, else 0.
    """

    video_id: bytes
    labels: np.ndarray
    frames: np.ndarray
    segments: list[Segment]


def write_synthetic(config: SyntheticConfig, progress: bool = False) -> list[str]:
    """Writes the records that `config` describes; returns the paths of the shards.

    Raises:
        ValueError: the directory already has such shards, or the vocabulary does not fit.
    """
    return write_shards(
        *(config.output_dir, config.prefix, config.num_shards, config.num_videos),
        VideoGenerator(config).record,
        overwrite=config.overwrite,
        progress=progress,
    )


class VideoGenerator:
    """Makes the video, and the record, of any index.

    Args:
        config: format, sizes and seeds.

    Attributes:
        prototypes: what each class looks like, in steps around the middle of the quantised range,
            int16 `(num_classes, sum of sizes)`.
    """

    def __init__(self, config: SyntheticConfig) -> None:
        self.config = config
        if config.vocabulary:
            weights = label_distribution.from_vocabulary(config.vocabulary, config.num_classes)
        else:
            weights = label_distribution.zipf(config.num_classes)
        self.class_weights = weights
        rng = np.random.default_rng([config.prototype_seed, 0])
        self.prototypes = _prototypes(rng, config.num_classes, sum(config.feature_sizes))
        rng = np.random.default_rng([config.prototype_seed, 1])
        self.backgrounds = _prototypes(rng, _BACKGROUNDS, sum(config.feature_sizes))

    def record(self, index: int) -> bytes:
        """The serialized record of video `index`, in the format of the config's level."""
        video = self.video(index)
        if self.config.level == "video":
            means = self._by_feature(_dequantised_mean(video.frames))
            return video_record(video.video_id, video.labels.tolist(), means)
        segments = video.segments if self.config.level == "segment" else None
        frames = self._by_feature(video.frames)
        return frame_record(video.video_id, video.labels.tolist(), frames, segments)

    def video(self, index: int) -> Video:
        """Video `index` of this seed."""
        config = self.config
        rng = np.random.default_rng([config.seed, index])
        labels = label_distribution.draw_labels(rng, self.class_weights)
        num_frames = int(rng.integers(config.min_frames, config.max_frames, endpoint=True))
        backgrounds = rng.choice(_BACKGROUNDS, _BACKGROUNDS_PER_VIDEO, replace=False)
        sources = np.concatenate([self.prototypes[labels], self.backgrounds[backgrounds]])

        num_scenes = -(-num_frames // SEGMENT_FRAMES)
        shown, beside = rng.integers(0, len(sources), (2, num_scenes))
        share = rng.integers(9, 15, (num_scenes, 1), dtype=np.int16)  # of `shown`, in sixteenths
        scenes = (share * sources[shown] + (16 - share) * sources[beside]) >> 4
        frames = np.repeat(scenes, SEGMENT_FRAMES, axis=0)[:num_frames]
        noise = np.frombuffer(rng.bytes(frames.size), np.int8).reshape(frames.shape)
        frames += (noise >> 1) + np.int16(128)
        return Video(
            video_id=video_id(config.seed, index),
            labels=labels,
            frames=np.clip(frames, 0, 255, out=frames).astype(np.uint8),
            segments=self._segments(rng, labels, shown[: num_frames // SEGMENT_FRAMES]),
        )

    def _segments(
        self, rng: np.random.Generator, labels: np.ndarray, shown: np.ndarray
    ) -> list[Segment]:
        """Rates a few segments, each for what it shows, a label of the video or any class."""
        rated = np.sort(rng.permutation(len(shown))[:_RATED_SEGMENTS])
        segments = []
        for number in rated:
            truth = labels[shown[number]] if shown[number] < len(labels) else None
            others = (rng.choice(labels), rng.integers(self.config.num_classes))
            asked = others[rng.integers(2)]
            if truth is not None and rng.random() < 0.5:
                asked = truth
            start = int(number) * SEGMENT_FRAMES
            segments.append((start, start + SEGMENT_FRAMES, int(asked), float(asked == truth)))
        return segments

    def _by_feature(self, values: np.ndarray) -> dict[str, np.ndarray]:
        ends = np.cumsum(self.config.feature_sizes)
        parts = np.split(values, ends[:-1], axis=-1)
        return dict(zip(self.config.names, parts, strict=True))


def _prototypes(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    steps = rng.standard_normal((count, size), dtype=np.float32) * _PROTOTYPE_STEPS
    return np.clip(np.rint(steps), -127, 127).astype(np.int16)


def _dequantised_mean(frames: np.ndarray) -> np.ndarray:
    """The mean over frames of `dequantize(frames)`, from their exact sum: float32 `(size,)`."""
    mean = frames.sum(axis=0, dtype=np.int64) / len(frames)
    return (mean * SCALE + BIAS).astype(np.float32)
