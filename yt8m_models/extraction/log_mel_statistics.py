"""Features of sound that need no network."""

from typing import Any

import numpy as np

from yt8m_models.extraction.vggish import require_patches


class LogMelStatistics:
    """Mean and standard deviation over time of each band of a log-mel patch.

    With μ and σ of a band over the 96 frames of a patch, the feature is `(μ + 1) / 2` of each of
    the 64 bands, then `2 σ - 2` of each. Silence is μ = log(0.01) and σ = 0, which gives -1.8 and
    -2; the loudest sounds give about 2.

    Attributes:
        name, size, settings: see `AudioModel`.
    """

    name = "log_mel"
    size = 128

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {
            "name": self.name,
            "weights": "",
            "size": self.size,
            "preprocessing": "(mean + 1) / 2 and 2 deviation - 2 of each band",
        }

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """The features, float32 `(patches, 128)`, of patches float32 `(patches, 96, 64)`."""
        require_patches(patches)
        features = [(patches.mean(axis=1) + 1) / 2, 2 * patches.std(axis=1) - 2]
        return np.concatenate(features, axis=1).astype(np.float32)
