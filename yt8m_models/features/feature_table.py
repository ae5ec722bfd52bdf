"""Features of videos by row, memory-mapped."""

import copy
import os
from collections.abc import Iterable, Sequence

import numpy as np

from yt8m_models.data.quantization import dequantize
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.features.feature_table_writer import FEATURES, FeatureTableWriter
from yt8m_models.features.table_dir import TABLE, VIDEO, selected
from yt8m_models.storage.artifact_dir import read_array


class FeatureTable:
    """Video-level features of many videos, to be read at random.

    The features lie in one memory-mapped array, so that a table may be larger than memory, and a
    row costs one read from wherever it is: `features.npy`, `(n, sum of sizes)`, uint8 (steps of the
    data set's quantisation), float16 or float32.

    Args:
        ids: the video of each row.
        features: `(n, sum of sizes)`, uint8 steps or floats, all features side by side.
        names: of the features.
        sizes: of the features.

    Attributes:
        ids, names, sizes: as above.
        num_features: sum of the sizes.

    Raises:
        ValueError: the arguments do not fit together.
    """

    def __init__(
        self, ids: VideoIds, features: np.ndarray, names: Sequence[str], sizes: Sequence[int]
    ) -> None:
        if features.shape != (len(ids), sum(sizes)) or len(names) != len(sizes):
            raise ValueError(
                f"features must have the shape {(len(ids), sum(sizes))}, of {len(ids)} ids and "
                f"{list(names)} of {list(sizes)}; received {features.shape}"
            )
        self.ids = ids
        self.names = tuple(names)
        self.sizes = tuple(sizes)
        ends = np.cumsum(self.sizes)
        self._features = np.split(features, ends[:-1], axis=1)

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "FeatureTable":
        """Opens the table in a directory.

        Raises:
            ValueError: the directory holds no feature table, or one that is damaged.
        """
        record = TABLE.read(directory, VIDEO)
        names, sizes, count = record["names"], record["sizes"], record["num_videos"]
        ids = read_array(directory, "ids", np.bytes_, (count,))
        dtypes = (np.uint8, np.float16, np.float32)
        features = read_array(directory, FEATURES, dtypes, (count, sum(sizes)))
        return cls(VideoIds(ids), features, names, sizes)

    @classmethod
    def write(
        cls,
        directory: str | os.PathLike,
        ids: Iterable[bytes | str] | np.ndarray,
        batches: Iterable[np.ndarray],
        names: Sequence[str],
        sizes: Sequence[int],
        dtype: str = "uint8",
    ) -> "FeatureTable":
        """Writes a table and opens it.

        Args:
            directory: receives the table; local.
            ids: of all videos.
            batches: float arrays `(videos, sum of sizes)`, whose rows together are those of `ids`.
            names, sizes, dtype: as of `FeatureTableWriter`, which takes videos whose number is not
                known beforehand.

        Raises:
            ValueError: as of `FeatureTableWriter`; or ids and rows differ in number.
        """
        ids = VideoIds(ids)
        with FeatureTableWriter(directory, names, sizes, dtype) as writer:
            for batch in batches:
                writer.add(ids[writer.num_videos : writer.num_videos + len(batch)], batch)
            if writer.num_videos != len(ids):
                raise ValueError(
                    f"batches must have a row for each of the {len(ids)} ids; "
                    f"received {writer.num_videos}"
                )
        return cls.load(directory)

    @property
    def num_features(self) -> int:
        return sum(self.sizes)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The features of rows `(n,)`, float32 `(n, num_features)`.

        Raises:
            ValueError: a row is not in the table.
        """
        rows = self.ids.checked_rows(rows)
        taken = np.empty((len(rows), self.num_features), np.float32)
        start = 0
        for feature, size in zip(self._features, self.sizes, strict=True):
            values = feature[rows]
            if values.dtype == np.uint8:
                values = dequantize(values)
            taken[:, start : start + size] = values
            start += size
        return taken

    def inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The input of an embedding model for rows `(n,)`: `video_matrix`, as of `take`."""
        return {"video_matrix": self.take(rows)}

    def stored(self, rows: np.ndarray) -> np.ndarray:
        """The features of rows `(n,)` in the type that the table keeps, `(n, num_features)`.

        Embedding models dequantise uint8 themselves: a quarter of the bytes to read and to move.

        Raises:
            ValueError: a row is not in the table.
        """
        rows = self.ids.checked_rows(rows)
        return np.concatenate([feature[rows] for feature in self._features], axis=1)

    def select(self, names: Sequence[str]) -> "FeatureTable":
        """The same videos with some of the features, in the order of `names`; nothing is copied.

        Raises:
            ValueError: a feature is not in the table.
        """
        places = selected(names, self.names)
        table = copy.copy(self)
        table.names = tuple(names)
        table.sizes = tuple(self.sizes[place] for place in places)
        table._features = [self._features[place] for place in places]
        return table
