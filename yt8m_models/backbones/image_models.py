"""Networks that make features of pictures, by name."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from yt8m_models.backbones.inception_graph import InceptionGraph
from yt8m_models.backbones.keras_application import APPLICATIONS, KerasApplication
from yt8m_models.backbones.keras_hub_backbone import KerasHubBackbone
from yt8m_models.program.option import closest


class ImageModel(Protocol):
    """Features of pictures.

    Attributes:
        name: as `image_model` takes it.
        size: width of a feature.
        settings: what the features depend on, as JSON: name, hash of the weights, size,
            preprocessing.
        run_length: how many images in a row the network looks at together: 1, but for networks of
            videos. Those take the images of a call in runs of so many, so that a call must be about
            one video, and begin at a multiple of `run_length` frames of it.
    """

    name: str
    size: int
    settings: dict[str, Any]
    run_length: int

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """The features, float32 `(images, size)`, of images uint8 RGB `(height, width, 3)`."""


def image_model(name: str, weights: str = "") -> ImageModel:
    """The network of a name.

    Args:
        name: `inception_v3`, another network of `keras.applications` as Keras writes its name
            (upper and lower case and underscores do not matter); `yt8m`, the graph of YouTube-8M's
            own features; or `keras_hub:PRESET`, a backbone of KerasHub where that is installed.
        weights: a file of weights, see `KerasApplication`, `InceptionGraph` and
            `KerasHubBackbone`. Keras and KerasHub download theirs unless given; `yt8m` needs it.

    Raises:
        ValueError: there is no such network, or it does not get its weights.
    """
    if name == InceptionGraph.name:
        if not weights:
            raise ValueError(
                f"--rgb_model={name} needs --rgb_weights, the file classify_image_graph_def.pb of "
                "inception-2015-12-05.tgz"
            )
        return InceptionGraph(weights)
    if name.startswith(KerasHubBackbone.prefix):
        return KerasHubBackbone(name.removeprefix(KerasHubBackbone.prefix), weights)
    known = {_plain(application): application for application in APPLICATIONS}
    if _plain(name) not in known:
        others = sorted(set(APPLICATIONS) - {"inception_v3"})
        choices = ["inception_v3", InceptionGraph.name, f"{KerasHubBackbone.prefix}PRESET", *others]
        raise ValueError(f"--rgb_model={name}: {closest(name, choices)}")
    return KerasApplication(known[_plain(name)], weights)


def _plain(name: str) -> str:
    return name.lower().replace("_", "")
