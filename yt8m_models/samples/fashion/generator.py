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

import numpy as np

from yt8m_models.samples.bags.bag_videos import BagVideos
from yt8m_models.samples.bags.data_set import write_data_set
from yt8m_models.samples.fashion.classes import CLASSES
from yt8m_models.samples.fashion.config import FEATURE_NAMES, FEATURE_SIZES, FashionConfig
from yt8m_models.samples.fashion.images import SIDE, image_sets

_MEAN_PIXEL = 73  # 72.9 over all images
_PIXELS_PER_STEP = 60  # one step of a quantised value
_FIXED_SEED = 20_170_825  # of the projections, for every data set


def write(config: FashionConfig, progress: bool = False) -> list[str]:
    """Writes the data set that `config` describes; returns the paths, `vocabulary.csv` last.

    Raises:
        ValueError: the images are missing or not readable, or the directory has such files and
            `overwrite` is false.
    """
    counts = (config.num_train_videos, config.num_validation_videos, config.num_test_videos)
    sizes = zip(("train", "validate", "test"), image_sets(config.images_dir), counts, strict=True)
    parts = VIDEOS.parts(config.seed, list(sizes))
    text = VIDEOS.vocabulary("fashion", config.seed, config.num_train_videos)
    return write_data_set(
        config.output_dir, parts, text, config.num_shards, config.overwrite, progress
    )


@functools.cache
def projection(name: str) -> np.ndarray:
    """The matrix of signs of a feature, +1 and -1: float32 `(784, size)`."""
    number = FEATURE_NAMES.index(name)
    rng = np.random.default_rng([_FIXED_SEED, number])
    signs = rng.integers(2, size=(SIDE * SIDE, FEATURE_SIZES[number])) * 2 - 1
    return signs.astype(np.float32)


def _project(name: str, pixels: np.ndarray) -> np.ndarray:
    # Whole numbers below 784 · 255 < 2^24, all of which float32 has: exact in any order.
    sums = (pixels - _MEAN_PIXEL).astype(np.float32) @ projection(name)
    return sums.astype(np.int64) // _PIXELS_PER_STEP


def _distractors(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    half = SIDE * SIDE // 2
    halves = np.concatenate([first[:, :half], second[:, half:]], axis=1)
    turned = first.reshape(-1, SIDE, SIDE).transpose(0, 2, 1).reshape(first.shape)
    return np.stack([halves, (first + second) // 2, turned])


VIDEOS = BagVideos(
    classes=CLASSES,
    frames_per_kind=(3, 6),
    max_passing=3,
    distractors=_distractors,
    projections={name: functools.partial(_project, name) for name in FEATURE_NAMES},
)
