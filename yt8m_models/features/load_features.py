"""Opening a table of features, whatever its kind."""

import os
from collections.abc import Sequence

from yt8m_models.features import table_dir
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.features.frame_table import FrameTable


def load_features(
    directory: str | os.PathLike, names: Sequence[str] = ()
) -> FeatureTable | FrameTable:
    """Opens the feature table or the frame table in a directory.

    Args:
        directory: as written by `yt8m build-features`.
        names: read these features only, in this order; all unless given.

    Raises:
        ValueError: there is no table, it is damaged, or it lacks a feature.
    """
    record = table_dir.read_record(directory)
    table: FeatureTable | FrameTable
    if record["kind"] == table_dir.VIDEO:
        table = FeatureTable.load(directory)
    else:
        table = FrameTable.load(directory)
    return table.select(names) if names else table
