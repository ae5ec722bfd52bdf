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
from types import MappingProxyType

import numpy as np

from yt8m_models.data.bags.data_set import Part, vocabulary, write_data_set
from yt8m_models.data.bags.images import Images
from yt8m_models.data.digits.classes import CLASSES, labels
from yt8m_models.data.digits.config import FEATURE_NAMES, FEATURE_SIZES, DigitsConfig
from yt8m_models.data.records import frame_record
from yt8m_models.data.synthetic.video_ids import video_id

MIN_FRAMES, MAX_FRAMES = 20, 60
PIXELS = 64
_TRAINING_SCANS = 1347  # of 1,797: three quarters
_NUM_DIGITS = MappingProxyType({1: 0.25, 2: 0.3, 3: 0.25, 4: 0.14, 5: 0.06})
_DOMINATED_VIDEOS = 0.2
_NOISE_STEPS = 4
_FIXED_SEED = 20_230_211  # of the projections, the shuffle and the split, for every data set


def write(config: DigitsConfig, progress: bool = False) -> list[str]:
    """Writes the data set that `config` describes; returns the paths, `vocabulary.csv` last.

    Raises:
        ValueError: scikit-learn is missing, or the directory has such files and `overwrite` is
            false.
    """
    training, held_out = scan_sets()
    train, held = config.num_train_videos, config.num_eval_videos
    parts = [
        Part("train", train, functools.partial(_record, training, config.seed, 0)),
        Part("validate", held, functools.partial(_record, held_out, config.seed, train)),
    ]
    text = vocabulary(
        CLASSES, "digits", lambda index: labels(*shown_digits(config.seed, index)), train
    )
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


def shown_digits(seed: int, index: int) -> tuple[dict[int, int], int]:
    """The digits of video `index`, each with the number of frames that show it; and its frames."""
    rng = np.random.default_rng([seed, index, 0])
    num_frames = int(rng.integers(MIN_FRAMES, MAX_FRAMES, endpoint=True))
    num_digits = rng.choice(list(_NUM_DIGITS), p=list(_NUM_DIGITS.values()))
    digits = rng.permutation(10)[:num_digits]
    frames = rng.integers(2, 4, num_digits, endpoint=True)
    if rng.random() < _DOMINATED_VIDEOS:
        frames[0] += num_frames // 2
    shown = dict(zip(digits.tolist(), frames.tolist(), strict=True))
    return shown, max(num_frames, sum(shown.values()))


def video_frames(
    scans: Images, seed: int, index: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """The frames of video `index`.

    Returns:
        each feature's quantised frames, uint8 `(frames, size)`; the scans that `rgb` projects,
        int64 `(frames, 64)`; and the digit that each frame shows, -1 for a distractor.
    """
    shown, num_frames = shown_digits(seed, index)
    rng = np.random.default_rng([seed, index, 1])
    digits = np.repeat(list(shown), list(shown.values()))
    kinds = rng.integers(3, size=num_frames - len(digits))
    order = rng.permutation(num_frames)
    scanned, features = {}, {}
    for name in FEATURE_NAMES:
        frames = np.concatenate([scans.draw(rng, digits), _distractors(rng, scans, kinds)])
        scanned[name] = frames[order]
        features[name] = _quantize(scanned[name], projection(name), rng)
    shows = np.concatenate([digits, np.full(len(kinds), -1)])[order]
    return features, scanned["rgb"], shows


def _record(scans: Images, seed: int, start: int, number: int) -> bytes:
    """The serialized record of the `number`-th video from `start` on."""
    index = start + number
    features, _, _ = video_frames(scans, seed, index)
    return frame_record(video_id(seed, index), labels(*shown_digits(seed, index)), features)


def _distractors(rng: np.random.Generator, scans: Images, kinds: np.ndarray) -> np.ndarray:
    """Frames that show no digit, one of each of `kinds` `(n,)`: int64 `(n, 64)`."""
    digits = rng.integers(10, size=len(kinds))
    others = (digits + rng.integers(1, 10, len(kinds))) % 10
    first, second = scans.draw(rng, digits), scans.draw(rng, others)
    shuffle = np.random.default_rng([_FIXED_SEED, 1]).permutation(PIXELS)
    made = np.stack([16 - first, (first + second) // 2, first[:, shuffle]])
    return made[kinds, np.arange(len(kinds))]


@functools.cache
def projection(name: str) -> np.ndarray:
    """The matrix of signs of a feature, +1 and -1: float64 `(64, size)`."""
    number = FEATURE_NAMES.index(name)
    rng = np.random.default_rng([_FIXED_SEED, 2 + number])
    return rng.integers(2, size=(PIXELS, FEATURE_SIZES[number])) * 2.0 - 1.0


def _quantize(pixels: np.ndarray, signs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Projects frames `(n, 64)` and quantises them, with some noise: uint8 `(n, size)`."""
    steps = ((2.0 * pixels - 16.0) @ signs).astype(np.int64) // 3  # sums of whole numbers: exact
    steps += rng.integers(-_NOISE_STEPS, _NOISE_STEPS, steps.shape, endpoint=True)
    return np.clip(steps + 128, 0, 255).astype(np.uint8)
