"""What a record has of a feature, from the values of its frames as they come."""

from typing import Protocol

import numpy as np

from yt8m_models.extraction.quantization import num_clipped, quantize, require_finite


class FeatureValues(Protocol):
    """A feature of one video.

    Attributes:
        clipped: share of the values that lay outside of the range of 8 bits.
    """

    @property
    def clipped(self) -> float: ...

    def add(self, values: np.ndarray) -> None:
        """Takes the next frames, float32 `(frames, size)`.

        Raises:
            ValueError: a value is not finite.
        """

    def result(self) -> np.ndarray:
        """What the record has."""


class FrameValues:
    """Every frame: uint8 `(frames, size)`, or float32 where it is not quantised."""

    def __init__(self, is_quantized: bool) -> None:
        self.is_quantized = is_quantized
        self._blocks: list[np.ndarray] = []
        self._num_clipped = 0
        self._num_values = 0

    @property
    def clipped(self) -> float:
        return self._num_clipped / max(self._num_values, 1)

    def add(self, values: np.ndarray) -> None:
        require_finite(values, "values")
        self._num_values += values.size
        if self.is_quantized:
            self._num_clipped += num_clipped(values)
            values = quantize(values)
        self._blocks.append(values)

    def result(self) -> np.ndarray:
        return np.concatenate(self._blocks)


class MeanValues:
    """The mean of all frames, float32 `(size,)`; never clipped."""

    clipped = 0.0

    def __init__(self) -> None:
        self._sum: np.ndarray | float = 0.0
        self._num_frames = 0

    def add(self, values: np.ndarray) -> None:
        require_finite(values, "values")
        self._sum = self._sum + values.sum(axis=0, dtype=np.float64)
        self._num_frames += len(values)

    def result(self) -> np.ndarray:
        return np.asarray(self._sum / self._num_frames, np.float32)
