"""Videos of Fashion-MNIST images: 70,000 articles of ten kinds, of 28x28 pixels.

A video of 20 to 60 frames shows one to five kinds of articles, most of them in three to six frames
each. Other kinds pass by in a single frame, which gives no label. The rest are distractors, made of
images and showing no article: an upper half on the lower half of another kind, two kinds blended,
and an image turned on its side. They imitate articles in a video's average.

The classes are the kinds of articles, and properties of those that a video shows.
"""

import numpy as np

from yt8m_models.samples.bags.bag_class import bag_classes
from yt8m_models.samples.bags.bag_videos import BagVideos, fixed_signs
from yt8m_models.samples.fashion.config import FashionConfig
from yt8m_models.samples.fashion.images import SIDE, image_sets

_FIXED_SEED = 20_170_825  # of the projections, for every data set

KINDS = (
    *("T-shirt", "Trousers", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_TSHIRT, _TROUSERS, _PULLOVER, _DRESS, _COAT, _SANDAL, _SHIRT, _SNEAKER, _BAG, _BOOT = range(10)
_TOPS = {_TSHIRT, _PULLOVER, _SHIRT}
_SHOES = {_SANDAL, _SNEAKER, _BOOT}
_LONG_SLEEVES = {_PULLOVER, _COAT, _SHIRT}
_SUMMER = {_TSHIRT, _DRESS, _SANDAL}
_WINTER = {_PULLOVER, _COAT, _BOOT}
_PROPERTIES = {
    "Two kinds of tops": lambda shown, share: len(shown & _TOPS) >= 2,
    "Two kinds of shoes": lambda shown, share: len(shown & _SHOES) >= 2,
    "Two with long sleeves": lambda shown, share: len(shown & _LONG_SLEEVES) >= 2,
    "Summer and winter": lambda shown, share: bool(shown & _SUMMER and shown & _WINTER),
    "Top and shoes": lambda shown, share: bool(shown & _TOPS and shown & _SHOES),
    "Top and trousers": lambda shown, share: _TROUSERS in shown and bool(shown & _TOPS),
    "Bag and shoes": lambda shown, share: _BAG in shown and bool(shown & _SHOES),
    "Nothing for the feet": lambda shown, share: not shown & _SHOES,
    "Coat or dress, not both": lambda shown, share: len(shown & {_COAT, _DRESS}) == 1,
    "A single kind": lambda shown, share: len(shown) == 1,
    "Four kinds or more": lambda shown, share: len(shown) >= 4,
    "One kind in most frames": lambda shown, share: share > 0.5,
}


def write(config: FashionConfig, progress: bool = False) -> list[str]:
    """Writes the data set that `config` describes; returns the paths, `vocabulary.csv` last.

    Raises:
        ValueError: the images are missing or not readable, or the directory has such files and
            `overwrite` is false.
    """
    return VIDEOS.write(config, image_sets(config.images_dir), progress)


def _distractors(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    half = SIDE * SIDE // 2
    halves = np.concatenate([first[:, :half], second[:, half:]], axis=1)
    turned = first.reshape(-1, SIDE, SIDE).transpose(0, 2, 1).reshape(first.shape)
    return np.stack([halves, (first + second) // 2, turned])


VIDEOS = BagVideos(
    name="fashion",
    classes=bag_classes("articles", KINDS, _PROPERTIES),
    frames_per_kind=(3, 6),
    max_passing=3,
    distractors=_distractors,
    signs=fixed_signs(SIDE * SIDE, _FIXED_SEED),
    middle=73,  # the mean over all images is 72.9
    pixels_per_step=60,
)
