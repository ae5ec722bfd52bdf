"""Pictures on their way into a network: checked, in batches, resized."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

Features = Callable[[Sequence[np.ndarray]], np.ndarray]

BATCH_SIZE = 32  # at 299x299 this is 34 MB of float32


def features_in_batches(
    images: Sequence[np.ndarray], size: int, features: Features, batch_size: int = BATCH_SIZE
) -> np.ndarray:
    """The features of any number of images, float32 `(n, size)`, from a network's of a few.

    Args:
        images: uint8 RGB `(height, width, 3)` each, of any sizes.
        size: width of a feature.
        features: gives those of at most `batch_size` images, `(images, size)`.

    Raises:
        ValueError: an image is something else; the message has its index.
    """
    for index, image in enumerate(images):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(
                "images must be uint8 RGB of the shape (height, width, 3); image "
                f"{index} is {image.dtype} of the shape {image.shape}"
            )
    batches = [
        features(images[start : start + batch_size]) for start in range(0, len(images), batch_size)
    ]
    return np.concatenate([np.empty((0, size), np.float32), *batches])


def resized(images: Sequence[np.ndarray], side: int) -> np.ndarray:
    """Images of any sizes as float32 `(images, side, side, 3)`, still from 0 to 255.

    Bilinear with anti-aliasing; the whole picture is kept, so its proportions are not.
    """
    return np.stack(
        [tf.image.resize(image, (side, side), antialias=True).numpy() for image in images]
    )
