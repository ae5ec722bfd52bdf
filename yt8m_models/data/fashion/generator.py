"""Videos of Fashion-MNIST images: 70,000 articles of ten kinds, of 28x28 pixels.

A video of 20 to 60 frames shows one to five kinds of articles, most of them in three to six frames
each. Other kinds pass by in a single frame, which gives no label. The rest are distractors, made of
images and showing no article: an upper half on the lower half of another kind, two kinds blended,
and an image turned on its side. They imitate articles in a video's average.

The features of a frame are projections by fixed matrices of signs: `rgb` of the image, `audio` of
another image of the same kind (or a distractor of the same sort), quantised as YouTube-8M is. All
is computed in whole numbers, so that a seed gives the same bytes everywhere.
"""

import functools
from types import MappingProxyType

import numpy as np

from yt8m_models.data.bags.data_set import Part, vocabulary, write_data_set
from yt8m_models.data.bags.images import Images
from yt8m_models.data.fashion.classes import CLASSES, labels
from yt8m_models.data.fashion.config import FEATURE_NAMES, FEATURE_SIZES, FashionConfig
from yt8m_models.data.fashion.images import SIDE, image_sets
from yt8m_models.data.records import frame_record
from yt8m_models.data.synthetic.video_ids import video_id

MIN_FRAMES, MAX_FRAMES = 20, 60
MIN_SHOWN, MAX_SHOWN = 3, 6
MAX_PASSING = 3
_NUM_KINDS = MappingProxyType({1: 0.25, 2: 0.3, 3: 0.25, 4: 0.14, 5: 0.06})
_DOMINATED_VIDEOS = 0.2
_MEAN_PIXEL = 73  # 72.9 over all images
_PIXELS_PER_STEP = 60  # one step of a quantised value
_NOISE_STEPS = 4
_FIXED_SEED = 20_170_825  # of the projections, for every data set


def write(config: FashionConfig, progress: bool = False) -> list[str]:
    """Writes the data set that `config` describes; returns the paths, `vocabulary.csv` last.

    Raises:
        ValueError: the images are missing or not readable, or the directory has such files and
            `overwrite` is false.
    """
    counts = (config.num_train_videos, config.num_validation_videos, config.num_test_videos)
    parts, start = [], 0
    for prefix, images, count in zip(
        ("train", "validate", "test"), image_sets(config.images_dir), counts, strict=True
    ):
        record = functools.partial(_record, images, config.seed, start)
        parts.append(Part(prefix, count, record))
        start += count
    text = vocabulary(
        CLASSES,
        "fashion",
        lambda index: labels(*shown_kinds(config.seed, index)),
        config.num_train_videos,
    )
    return write_data_set(
        config.output_dir, parts, text, config.num_shards, config.overwrite, progress
    )


def shown_kinds(seed: int, index: int) -> tuple[dict[int, int], int]:
    """The kinds that video `index` shows, each with its number of frames; and all its frames."""
    rng = np.random.default_rng([seed, index, 0])
    num_frames = int(rng.integers(MIN_FRAMES, MAX_FRAMES, endpoint=True))
    num_kinds = rng.choice(list(_NUM_KINDS), p=list(_NUM_KINDS.values()))
    kinds = rng.permutation(10)[:num_kinds]
    frames = rng.integers(MIN_SHOWN, MAX_SHOWN, num_kinds, endpoint=True)
    if rng.random() < _DOMINATED_VIDEOS:
        frames[0] += num_frames // 2
    shown = dict(zip(kinds.tolist(), frames.tolist(), strict=True))
    return shown, max(num_frames, sum(shown.values()) + MAX_PASSING)


def video_frames(
    images: Images, seed: int, index: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """The frames of video `index`.

    Returns:
        each feature's quantised frames, uint8 `(frames, size)`; the images that `rgb` projects,
        int64 `(frames, 784)`; and the kind that each frame shows, -1 for a distractor.
    """
    shown, num_frames = shown_kinds(seed, index)
    rng = np.random.default_rng([seed, index, 1])
    others = rng.permutation([kind for kind in range(10) if kind not in shown])
    passing = others[: rng.integers(MAX_PASSING, endpoint=True)]
    kinds = np.concatenate([np.repeat(list(shown), list(shown.values())), passing])
    sorts = rng.integers(3, size=num_frames - len(kinds))
    order = rng.permutation(num_frames)
    drawn, features = {}, {}
    for name in FEATURE_NAMES:
        frames = np.concatenate([images.draw(rng, kinds), _distractors(rng, images, sorts)])
        drawn[name] = frames[order]
        features[name] = _quantize(drawn[name], projection(name), rng)
    shows = np.concatenate([kinds, np.full(len(sorts), -1)])[order]
    return features, drawn["rgb"], shows


def _record(images: Images, seed: int, start: int, number: int) -> bytes:
    """The serialized record of the `number`-th video from `start` on."""
    index = start + number
    features, _, _ = video_frames(images, seed, index)
    return frame_record(video_id(seed, index), labels(*shown_kinds(seed, index)), features)


def _distractors(rng: np.random.Generator, images: Images, sorts: np.ndarray) -> np.ndarray:
    """Frames that show no article, one of each of `sorts` `(n,)`: int64 `(n, 784)`."""
    kinds = rng.integers(10, size=len(sorts))
    others = (kinds + rng.integers(1, 10, len(sorts))) % 10
    first, second = images.draw(rng, kinds), images.draw(rng, others)
    half = SIDE * SIDE // 2
    halves = np.concatenate([first[:, :half], second[:, half:]], axis=1)
    turned = first.reshape(-1, SIDE, SIDE).transpose(0, 2, 1).reshape(first.shape)
    made = np.stack([halves, (first + second) // 2, turned])
    return made[sorts, np.arange(len(sorts))]


@functools.cache
def projection(name: str) -> np.ndarray:
    """The matrix of signs of a feature, +1 and -1: float32 `(784, size)`."""
    number = FEATURE_NAMES.index(name)
    rng = np.random.default_rng([_FIXED_SEED, number])
    signs = rng.integers(2, size=(SIDE * SIDE, FEATURE_SIZES[number])) * 2 - 1
    return signs.astype(np.float32)


def _quantize(pixels: np.ndarray, signs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Projects frames `(n, 784)` and quantises them, with some noise: uint8 `(n, size)`."""
    # Whole numbers below 784 · 255 < 2^24, all of which float32 has: exact in any order.
    sums = (pixels - _MEAN_PIXEL).astype(np.float32) @ signs
    steps = sums.astype(np.int64) // _PIXELS_PER_STEP
    steps += rng.integers(-_NOISE_STEPS, _NOISE_STEPS, steps.shape, endpoint=True)
    return np.clip(steps + 128, 0, 255).astype(np.uint8)
