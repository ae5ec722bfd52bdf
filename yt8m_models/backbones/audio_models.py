"""Networks that make features of sound, by name."""

from typing import Any, Protocol

import numpy as np

from yt8m_models.backbones.log_mel_statistics import LogMelStatistics
from yt8m_models.backbones.vggish import VGGish
from yt8m_models.program.option import closest


class AudioModel(Protocol):
    """Features of log-mel patches.

    Attributes:
        name: as `audio_model` takes it.
        size: width of a feature.
        settings: what the features depend on, as JSON: name, hash of the weights, size,
            preprocessing.
    """

    name: str
    size: int
    settings: dict[str, Any]

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """The features, float32 `(patches, size)`, of patches float32 `(patches, 96, 64)`."""


def audio_model(name: str, weights: str = "") -> AudioModel:
    """The network of a name.

    Args:
        name: `vggish`, or `log_mel`, which is no network: statistics of the patch.
        weights: of `vggish`, which needs them: see `VGGish`.

    Raises:
        ValueError: there is no such network, it does not get its weights, or has none to get.
    """
    if name == VGGish.name:
        if not weights:
            raise ValueError(
                f"--audio_model={name} needs --audio_weights: the prefix of the public checkpoint, "
                "…/vggish_model.ckpt, or an .npz of its variables"
            )
        return VGGish(weights)
    if name == LogMelStatistics.name:
        if weights:
            raise ValueError(
                f"--audio_weights={weights}: --audio_model={name} has no weights; leave it out"
            )
        return LogMelStatistics()
    raise ValueError(f"--audio_model={name}: {closest(name, (VGGish.name, LogMelStatistics.name))}")
