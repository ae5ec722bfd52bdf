"""Videos that are bags of images."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from yt8m_models.data.records import frame_record
from yt8m_models.samples.bags.bag_class import BagClass, labels_of
from yt8m_models.samples.bags.config import BagsConfig
from yt8m_models.samples.bags.images import Images
from yt8m_models.samples.made_ids import video_id
from yt8m_models.samples.shards import write_shards
from yt8m_models.samples.vocabulary import write_vocabulary

FEATURES = {"rgb": 128, "audio": 32}
_MIN_FRAMES, _MAX_FRAMES = 20, 60
_NUM_KINDS = {1: 0.25, 2: 0.3, 3: 0.25, 4: 0.14, 5: 0.06}
_DOMINATED_VIDEOS = 0.2
_NOISE_STEPS = 4


@dataclass(frozen=True)
class BagVideos:
    """Videos of 20 to 60 frames that show one to five of ten kinds of images, a few frames of each.

    In a fifth of the videos one kind fills about half of the frames. Other kinds may pass by in a
    single frame, which gives no label; the rest are distractors, which show no kind. All is
    computed in whole numbers, so that a seed gives the same bytes everywhere.

    The features of a frame are projections by matrices of signs: the first of the image, the others
    of other images of the same kind (or of distractors of the same sort), quantised as YouTube-8M
    is.

    Attributes:
        name: of the data set, the first part of the classes' graph ids.
        classes: the labels, in the order of their ids.
        frames_per_kind: fewest and most frames that show a kind.
        max_passing: most kinds that pass by.
        distractors: from two arrays of images `(n, pixels)`, each pair of two kinds, three sorts of
            distractors `(3, n, pixels)`.
        signs: the matrix of each feature, by name, as from `fixed_signs`.
        middle: the pixel that counts as 0.
        pixels_per_step: what one step of a quantised value is worth.
    """

    name: str
    classes: Sequence[BagClass]
    frames_per_kind: tuple[int, int]
    max_passing: int
    distractors: Callable[[np.ndarray, np.ndarray], np.ndarray]
    signs: Mapping[str, np.ndarray]
    middle: int
    pixels_per_step: float

    def write(
        self, config: BagsConfig, images: Sequence[Images], progress: bool = False
    ) -> list[str]:
        """Writes the data set that `config` describes, whose videos are numbered through.

        Args:
            config: sizes, seed and directory.
            images: those of the videos for training, for validation and for tests.
            progress: show progress on stderr.

        Returns:
            The paths of the shards, then of `vocabulary.csv`.

        Raises:
            ValueError: the directory has such files and `overwrite` is false.
        """
        vocabulary_path = os.path.join(config.output_dir, "vocabulary.csv")
        if not config.overwrite and tf.io.gfile.exists(vocabulary_path):
            raise ValueError(
                f"{vocabulary_path} exists already; choose another --output_dir, or replace the "
                "files there with --overwrite"
            )
        paths, start = [], 0
        prefixes = ("train", "validate", "test")
        for prefix, part, count in zip(prefixes, images, config.set_sizes, strict=False):
            paths += write_shards(
                *(config.output_dir, prefix, config.num_shards, count),
                functools.partial(self._record, part, config.seed, start),
                overwrite=config.overwrite,
                progress=progress,
            )
            start += count
        write_vocabulary(
            vocabulary_path,
            self.name,
            [(entry.name, entry.vertical) for entry in self.classes],
            (self.labels(config.seed, index) for index in range(config.num_train_videos)),
        )
        return [*paths, vocabulary_path]

    def shown_kinds(self, seed: int, index: int) -> tuple[dict[int, int], int]:
        """The kinds that a video shows, each with its number of frames; and all its frames."""
        rng = np.random.default_rng([seed, index, 0])
        num_frames = int(rng.integers(_MIN_FRAMES, _MAX_FRAMES, endpoint=True))
        num_kinds = rng.choice(list(_NUM_KINDS), p=list(_NUM_KINDS.values()))
        kinds = rng.permutation(10)[:num_kinds]
        frames = rng.integers(*self.frames_per_kind, num_kinds, endpoint=True)
        if rng.random() < _DOMINATED_VIDEOS:
            frames[0] += num_frames // 2
        shown = dict(zip(kinds.tolist(), frames.tolist(), strict=True))
        return shown, max(num_frames, sum(shown.values()) + self.max_passing)

    def labels(self, seed: int, index: int) -> list[int]:
        """The classes of video `index`."""
        return labels_of(self.classes, *self.shown_kinds(seed, index))

    def frames(
        self, images: Images, seed: int, index: int
    ) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """The frames of video `index`.

        Returns:
            each feature's quantised frames, uint8 `(frames, size)`; the images that the first
            feature projects, int64 `(frames, pixels)` (the others project other images of the same
            kinds); and the kind that each frame shows, -1 for a distractor.
        """
        shown, num_frames = self.shown_kinds(seed, index)
        rng = np.random.default_rng([seed, index, 1])
        kinds = np.repeat(list(shown), list(shown.values()))
        if self.max_passing:
            others = rng.permutation([kind for kind in range(10) if kind not in shown])
            passing = others[: rng.integers(self.max_passing, endpoint=True)]
            kinds = np.concatenate([kinds, passing])
        sorts = rng.integers(3, size=num_frames - len(kinds))
        order = rng.permutation(num_frames)
        drawn, features = [], {}
        for name in self.signs:
            frames = np.concatenate([images.draw(rng, kinds), self._distract(rng, images, sorts)])
            drawn.append(frames[order])
            features[name] = _quantize(self.project(name, drawn[-1]), rng)
        shows = np.concatenate([kinds, np.full(len(sorts), -1)])[order]
        return features, drawn[0], shows

    def project(self, name: str, pixels: np.ndarray) -> np.ndarray:
        """A feature of images `(n, pixels)` in steps of the quantisation around 0: `(n, size)`."""
        # Whole numbers below 784 · 255 < 2^24, all of which float32 has: exact in any order.
        sums = (pixels - self.middle).astype(np.float32) @ self.signs[name]
        return np.floor(sums / self.pixels_per_step).astype(np.int64)

    def _distract(self, rng: np.random.Generator, images: Images, sorts: np.ndarray) -> np.ndarray:
        """Frames that show no kind, one of each of `sorts` `(n,)`: int64 `(n, pixels)`."""
        kinds = rng.integers(10, size=len(sorts))
        others = (kinds + rng.integers(1, 10, len(sorts))) % 10
        made = self.distractors(images.draw(rng, kinds), images.draw(rng, others))
        return made[sorts, np.arange(len(sorts))]

    def _record(self, images: Images, seed: int, start: int, number: int) -> bytes:
        """The serialized record of the `number`-th video from `start` on."""
        index = start + number
        features, _, _ = self.frames(images, seed, index)
        return frame_record(video_id(seed, index), self.labels(seed, index), features)


def fixed_signs(num_pixels: int, seed: int, first: int = 0) -> dict[str, np.ndarray]:
    """Random signs for each feature, +1 and -1: float32 `(num_pixels, size)`, by name."""
    rngs = (np.random.default_rng([seed, first + number]) for number in range(len(FEATURES)))
    return {
        name: (rng.integers(2, size=(num_pixels, size)) * 2 - 1).astype(np.float32)
        for rng, (name, size) in zip(rngs, FEATURES.items(), strict=True)
    }


def _quantize(steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Steps with some noise, as the bytes of a record: uint8."""
    noise = rng.integers(-_NOISE_STEPS, _NOISE_STEPS, steps.shape, endpoint=True)
    return np.clip(steps + noise + 128, 0, 255).astype(np.uint8)
