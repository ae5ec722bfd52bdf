"""Videos of handwritten digits: the 1,797 scans of 8x8 pixels that scikit-learn ships.

A video of 20 to 60 frames shows one to five digits, most of them in two to four frames only. The
other frames are distractors that are made of scans and show no digit: inverted, blended and
shuffled ones. Averaged over a video they imitate and cancel digits, frame by frame they do not:
what a video shows is to be found in single frames.

The classes are the digits, and properties of the digits that a video shows.
"""

import numpy as np

from yt8m_models.samples.bags.bag_class import bag_classes
from yt8m_models.samples.bags.bag_videos import BagVideos, fixed_signs
from yt8m_models.samples.bags.config import BagsConfig
from yt8m_models.samples.bags.images import Images

_PIXELS = 64
_TRAINING_SCANS = 1347  # of 1,797: three quarters
_FIXED_SEED = 20_230_211  # of the projections, the shuffle and the split, for every data set

_WORDS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_PRIMES = {2, 3, 5, 7}
_SQUARES = {0, 1, 4, 9}
_WITH_A_LOOP = {0, 6, 8, 9}
_PROPERTIES = {
    "Two different primes": lambda shown, share: len(shown & _PRIMES) >= 2,
    "Two different squares": lambda shown, share: len(shown & _SQUARES) >= 2,
    "Two digits with a loop": lambda shown, share: len(shown & _WITH_A_LOOP) >= 2,
    "Even and odd": lambda shown, share: len({digit % 2 for digit in shown}) == 2,
    "Even digits only": lambda shown, share: all(digit % 2 == 0 for digit in shown),
    "Odd digits only": lambda shown, share: all(digit % 2 == 1 for digit in shown),
    "Two neighbours": lambda shown, share: any(d + 1 in shown for d in shown),
    "Three in a row": lambda shown, share: any({d + 1, d + 2} <= shown for d in shown),
    "Adding up to nine": lambda shown, share: any(9 - d in shown for d in shown),
    "A digit and its double": lambda shown, share: any(2 * d in shown for d in shown - {0}),
    "Sum above fifteen": lambda shown, share: sum(shown) > 15,
    "A single digit": lambda shown, share: len(shown) == 1,
    "Four digits or more": lambda shown, share: len(shown) >= 4,
    "One digit in most frames": lambda shown, share: share > 0.5,
}


def write(config: BagsConfig, progress: bool = False) -> list[str]:
    """Writes the data set that `config` describes; returns the paths, `vocabulary.csv` last.

    Raises:
        ValueError: scikit-learn is missing, or the directory has such files and `overwrite` is
            false.
    """
    return VIDEOS.write(config, scan_sets(), progress)


def scan_sets() -> tuple[Images, Images]:
    """The scans for training videos and those for validation.

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
    pixels, digits = pixels[order].astype(np.int64), digits[order]
    return (
        Images(pixels[:_TRAINING_SCANS], digits[:_TRAINING_SCANS]),
        Images(pixels[_TRAINING_SCANS:], digits[_TRAINING_SCANS:]),
    )


def _distractors(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    shuffle = np.random.default_rng([_FIXED_SEED, 1]).permutation(_PIXELS)
    return np.stack([16 - first, (first + second) // 2, first[:, shuffle]])


VIDEOS = BagVideos(
    name="digits",
    classes=bag_classes("digits", _WORDS, _PROPERTIES),
    frames_per_kind=(2, 4),
    max_passing=0,
    distractors=_distractors,
    signs=fixed_signs(_PIXELS, _FIXED_SEED, first=2),
    middle=8,
    pixels_per_step=1.5,
)
