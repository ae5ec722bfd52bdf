"""Videos of handwritten digits: the 1,797 scans of 8x8 pixels that scikit-learn ships.

A video of 20 to 60 frames shows one to five digits, most of them in two to four frames only. The
other frames are distractors that are made of scans and show no digit: inverted, blended and
shuffled ones. Averaged over a video they imitate and cancel digits, frame by frame they do not:
what a video shows is to be found in single frames.

The features of a frame are projections by fixed matrices of signs: `rgb` of the scan, `audio` of
another scan of the same digit (or a distractor of the same kind), quantised as YouTube-8M is. All
is computed in whole numbers, so that a seed gives the same bytes everywhere.
"""

import functools

import numpy as np

from yt8m_models.samples.bags.bag_videos import BagVideos
from yt8m_models.samples.bags.data_set import write_data_set
from yt8m_models.samples.bags.images import Images
from yt8m_models.samples.digits.classes import CLASSES
from yt8m_models.samples.digits.config import FEATURE_NAMES, FEATURE_SIZES, DigitsConfig

PIXELS = 64
_TRAINING_SCANS = 1347  # of 1,797: three quarters
_FIXED_SEED = 20_230_211  # of the projections, the shuffle and the split, for every data set


def write(config: DigitsConfig, progress: bool = False) -> list[str]:
    """Writes the data set that `config` describes; returns the paths, `vocabulary.csv` last.

    Raises:
        ValueError: scikit-learn is missing, or the directory has such files and `overwrite` is
            false.
    """
    training, held_out = scan_sets()
    parts = VIDEOS.parts(
        config.seed,
        [
            ("train", training, config.num_train_videos),
            ("validate", held_out, config.num_eval_videos),
        ],
    )
    text = VIDEOS.vocabulary("digits", config.seed, config.num_train_videos)
    return write_data_set(
        config.output_dir, parts, text, config.num_shards, config.overwrite, progress
    )


def scan_sets() -> tuple[Images, Images]:
    """The scans for training videos and those for held-out videos.

    Raises:
        ValueError: scikit-learn, which ships them, is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise ValueError(
            "the scans of handwritten digits come with scikit-learn, which is not installed; "
            "`pip install 'yt8m-models[quickstart]'` installs it"
        ) from None
    pixels, digits = load_digits(return_X_y=True)
    order = np.random.default_rng([_FIXED_SEED, 0]).permutation(len(digits))
    training, held_out = order[:_TRAINING_SCANS], order[_TRAINING_SCANS:]
    pixels = pixels.astype(np.int64)
    return Images(pixels[training], digits[training]), Images(pixels[held_out], digits[held_out])


@functools.cache
def projection(name: str) -> np.ndarray:
    """The matrix of signs of a feature, +1 and -1: float64 `(64, size)`."""
    number = FEATURE_NAMES.index(name)
    rng = np.random.default_rng([_FIXED_SEED, 2 + number])
    return rng.integers(2, size=(PIXELS, FEATURE_SIZES[number])) * 2.0 - 1.0


def _project(name: str, pixels: np.ndarray) -> np.ndarray:
    sums = (2.0 * pixels - 16.0) @ projection(name)  # of whole numbers: exact
    return sums.astype(np.int64) // 3


def _distractors(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    shuffle = np.random.default_rng([_FIXED_SEED, 1]).permutation(PIXELS)
    return np.stack([16 - first, (first + second) // 2, first[:, shuffle]])


VIDEOS = BagVideos(
    classes=CLASSES,
    frames_per_kind=(2, 4),
    max_passing=0,
    distractors=_distractors,
    projections={name: functools.partial(_project, name) for name in FEATURE_NAMES},
)
