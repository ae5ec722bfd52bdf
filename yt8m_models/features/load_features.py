"""Opening a table of features, whatever its kind."""

import os
from collections.abc import Sequence

from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.features.frame_table import FrameTable
from yt8m_models.features.table import FRAME, TABLE, VIDEO, Table


def load_features(directory: str | os.PathLike, names: Sequence[str] = ()) -> Table:
    """Opens the feature table or the frame table in a directory.

    Args:
        directory: as written by `yt8m build-features`.
        names: read these features only, in this order; all unless given.

    Raises:
        ValueError: there is no table, it is damaged, or it lacks a feature.
    """
    load = {VIDEO: FeatureTable.load, FRAME: FrameTable.load}[TABLE.read(directory)["kind"]]
    table = load(directory)
    return table.select(names) if names else table
