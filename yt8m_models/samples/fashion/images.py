"""The images of Fashion-MNIST, from the four files that it is published as."""

import gzip
import math
import os
import struct

import numpy as np

from yt8m_models.samples.bags.images import Images

SIDE = 28
_VALIDATION_IMAGES = 10_000  # the last of the 60,000 training images
_UNSIGNED_BYTES = 8


def image_sets(images_dir: str) -> tuple[Images, Images, Images]:
    """The images of training, validation and test videos.

    Raises:
        ValueError: a file is missing, is not what it should be, or does not fit another.
    """
    pixels, kinds = _pair(images_dir, "train")
    test_pixels, test_kinds = _pair(images_dir, "t10k")
    end = len(kinds) - min(_VALIDATION_IMAGES, len(kinds) // 6)
    return (
        _images(images_dir, pixels[:end], kinds[:end]),
        _images(images_dir, pixels[end:], kinds[end:]),
        _images(images_dir, test_pixels, test_kinds),
    )


def _images(images_dir: str, pixels: np.ndarray, kinds: np.ndarray) -> Images:
    if set(kinds.tolist()) != set(range(10)):
        raise ValueError(
            f"{images_dir} must have images of each of the kinds 0 to 9, for training, validation "
            f"and tests; received {sorted(set(kinds.tolist()))}"
        )
    return Images(pixels, kinds)


def _pair(images_dir: str, prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels uint8 `(images, 784)` and kinds uint8 `(images,)` of one of the two sets."""
    pixels = read_idx(os.path.join(images_dir, f"{prefix}-images-idx3-ubyte.gz"))
    kinds = read_idx(os.path.join(images_dir, f"{prefix}-labels-idx1-ubyte.gz"))
    if pixels.shape[1:] != (SIDE, SIDE) or kinds.shape != pixels.shape[:1]:
        raise ValueError(
            f"{images_dir}: {prefix} must be images of 28x28 and a label for each; "
            f"received shapes {pixels.shape} and {kinds.shape}"
        )
    return pixels.reshape(len(pixels), SIDE * SIDE), kinds


def read_idx(path: str) -> np.ndarray:
    """The array of unsigned bytes in an IDX file that gzip packed.

    The format: two zeros, the type (8: unsigned byte), the number of dimensions, their sizes as
    big-endian 32-bit numbers, and the values.

    Raises:
        ValueError: there is no such file, or it is not one; the message names it.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
    except FileNotFoundError:
        raise ValueError(
            f"there is no {path}; --images_dir must have the four files of Fashion-MNIST, which "
            "the Debian package dataset-fashion-mnist installs"
        ) from None
    except (OSError, EOFError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    header = content[:4].ljust(4, b"\0")
    dimensions = header[3]
    start = 4 + 4 * dimensions
    if header[:3] != bytes([0, 0, _UNSIGNED_BYTES]) or not dimensions or len(content) < start:
        raise ValueError(f"{path} is not an IDX file of unsigned bytes: it begins {content[:4]!r}")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise ValueError(
            f"{path} must hold {math.prod(shape)} values, for its shape {shape}; "
            f"it holds {len(content) - start}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
