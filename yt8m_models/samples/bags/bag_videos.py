"""Videos that are bags of images."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from yt8m_models.data.records import frame_record
from yt8m_models.samples.bags.bag_class import BagClass, labels_of
from yt8m_models.samples.bags.data_set import Part, vocabulary
from yt8m_models.samples.bags.images import Images
from yt8m_models.samples.made_ids import video_id

MIN_FRAMES, MAX_FRAMES = 20, 60
_NUM_KINDS = MappingProxyType({1: 0.25, 2: 0.3, 3: 0.25, 4: 0.14, 5: 0.06})
_DOMINATED_VIDEOS = 0.2
_NOISE_STEPS = 4


@dataclass(frozen=True)
class BagVideos:
    """Videos of 20 to 60 frames that show one to five of ten kinds of images, a few frames of each.

    In a fifth of the videos one kind fills about half of the frames. Other kinds may pass by in a
    single frame, which gives no label; the rest are distractors, which show no kind. All is
    computed in whole numbers, so that a seed gives the same bytes everywhere.

    Attributes:
        classes: the labels, in the order of their ids.
        frames_per_kind: fewest and most frames that show a kind.
        max_passing: most kinds that pass by.
        distractors: from two arrays of images `(n, pixels)`, each pair of two kinds, three sorts of
            distractors `(3, n, pixels)`.
        projections: from images `(n, pixels)`, each feature's frames as steps of the quantisation
            around 0, int64 `(n, size)`; by the feature's name.
    """

    classes: Sequence[BagClass]
    frames_per_kind: tuple[int, int]
    max_passing: int
    distractors: Callable[[np.ndarray, np.ndarray], np.ndarray]
    projections: dict[str, Callable[[np.ndarray], np.ndarray]]

    def shown_kinds(self, seed: int, index: int) -> tuple[dict[int, int], int]:
        """The kinds that a video shows, each with its number of frames; and all its frames."""
        rng = np.random.default_rng([seed, index, 0])
        num_frames = int(rng.integers(MIN_FRAMES, MAX_FRAMES, endpoint=True))
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
        for name, project in self.projections.items():
            frames = np.concatenate([images.draw(rng, kinds), self._distract(rng, images, sorts)])
            drawn.append(frames[order])
            features[name] = _quantize(project(drawn[-1]), rng)
        shows = np.concatenate([kinds, np.full(len(sorts), -1)])[order]
        return features, drawn[0], shows

    def _distract(self, rng: np.random.Generator, images: Images, sorts: np.ndarray) -> np.ndarray:
        """Frames that show no kind, one of each of `sorts` `(n,)`: int64 `(n, pixels)`."""
        kinds = rng.integers(10, size=len(sorts))
        others = (kinds + rng.integers(1, 10, len(sorts))) % 10
        made = self.distractors(images.draw(rng, kinds), images.draw(rng, others))
        return made[sorts, np.arange(len(sorts))]

    def parts(self, seed: int, sizes: Sequence[tuple[str, Images, int]]) -> list[Part]:
        """A data set's parts, numbered on from one to the next, each `(prefix, images, videos)`."""
        parts, start = [], 0
        for prefix, images, count in sizes:
            parts.append(Part(prefix, count, functools.partial(self._record, images, seed, start)))
            start += count
        return parts

    def vocabulary(self, graph: str, seed: int, num_videos: int) -> str:
        """`vocabulary.csv`, which counts the classes of the first `num_videos` videos."""
        return vocabulary(self.classes, graph, lambda index: self.labels(seed, index), num_videos)

    def _record(self, images: Images, seed: int, start: int, number: int) -> bytes:
        """The serialized record of the `number`-th video from `start` on."""
        index = start + number
        features, _, _ = self.frames(images, seed, index)
        return frame_record(video_id(seed, index), self.labels(seed, index), features)


def _quantize(steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Steps with some noise, as the bytes of a record: uint8."""
    noise = rng.integers(-_NOISE_STEPS, _NOISE_STEPS, steps.shape, endpoint=True)
    return np.clip(steps + noise + 128, 0, 255).astype(np.uint8)
