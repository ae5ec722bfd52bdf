"""Features of sound that need no network."""

from typing import Any

import numpy as np

from yt8m_models.backbones.vggish import require_patches


class LogMelStatistics:
    """Mean and standard deviation over time of each band of a log-mel patch.

    With μ and σ of a band over the 96 frames of a patch, the feature is `μ / 2.4` of each of the 64
    bands, then `σ / 1.2 - 2` of each. A band lies between log(0.01) = -4.6, which is silence, and
    about 4.8, a tone of full scale, so that μ gives -1.92 to 2, and σ -2, where nothing changes, to
    1.9 for silence and full scale in turn: what 8 bits a feature can hold.

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
            "preprocessing": "mean / 2.4 and deviation / 1.2 - 2 of each band",
        }

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """The features, float32 `(patches, 128)`, of patches float32 `(patches, 96, 64)`."""
        require_patches(patches)
        features = [patches.mean(axis=1) / 2.4, patches.std(axis=1) / 1.2 - 2]
        return np.concatenate(features, axis=1).astype(np.float32)
