"""Images to draw frames from."""

import numpy as np


class Images:
    """Images of some kinds, to draw from.

    Args:
        pixels: `(images, pixels)`, whole numbers.
        kinds: what each image shows, int `(images,)`, 0 to 9.

    Attributes:
        pixels: int64, sorted by kind.
        kinds: int64, sorted.
    """

    def __init__(self, pixels: np.ndarray, kinds: np.ndarray) -> None:
        order = np.argsort(kinds, kind="stable")
        self.pixels = pixels[order]
        self.kinds = kinds[order].astype(np.int64)
        self._counts = np.bincount(self.kinds, minlength=10)
        self._starts = np.cumsum(self._counts) - self._counts

    def draw(self, rng: np.random.Generator, kinds: np.ndarray) -> np.ndarray:
        """A random image of each of `kinds` `(n,)`: int64 `(n, pixels)`."""
        chosen = self._starts[kinds] + rng.integers(self._counts[kinds])
        return self.pixels[chosen].astype(np.int64)
