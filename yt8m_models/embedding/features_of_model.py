"""The features that a model takes, from a directory of features."""

import os
from collections.abc import Sequence

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.features.frame_table import FrameTable
from yt8m_models.features.load_features import load_features
from yt8m_models.features.table import Table


def load_features_of_model(
    directory: str | os.PathLike,
    config: EmbeddingConfig,
    names: Sequence[str] = (),
    sizes: Sequence[int] | None = None,
) -> Table:
    """Opens the features of a directory for a model.

    Args:
        directory: a feature table, or for a model of frames a frame table.
        config: the model.
        names: the features that the model takes, in order; all unless given.
        sizes: their widths; any unless given.

    Raises:
        ValueError: there are no such features, they are of other widths, or they are of frames
            where the model takes videos, or the reverse.
    """
    table = load_features(directory, names)
    if isinstance(table, FrameTable) != (config.fusion == "frames"):
        wanted, found = ("frame", "video") if config.fusion == "frames" else ("video", "frame")
        raise ValueError(
            f"a model with --fusion={config.fusion} takes features of {wanted} level; those in "
            f"{directory} are of {found} level"
        )
    if sizes is not None and tuple(table.sizes) != tuple(sizes):
        raise ValueError(
            f"{directory} has {_described(table.names, table.sizes)}; the model takes "
            f"{_described(names, sizes)}"
        )
    return table


def _described(names: Sequence[str], sizes: Sequence[int]) -> str:
    return ", ".join(f"{name} of {size}" for name, size in zip(names, sizes, strict=True))
