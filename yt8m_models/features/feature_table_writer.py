"""Writing a feature table, batch by batch."""

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from types import TracebackType

import numpy as np

from yt8m_models.data.quantization import num_out_of_range, quantize
from yt8m_models.data.video_ids import VideoIds, as_bytes
from yt8m_models.features.table_dir import TABLE, VIDEO
from yt8m_models.storage.artifact_dir import array_file

FEATURES = "features"
DTYPES = ("uint8", "float16", "float32")


class FeatureTableWriter:
    """Writes the directory of a `FeatureTable`, whose length need not be known beforehand.

    Used as a context manager: the table is there when the block has ended; where it raises, nothing
    that a reader would take for a table is left.

        with FeatureTableWriter(directory, ("mean_rgb", "mean_audio"), (1024, 128)) as writer:
            writer.add(ids, features)

    Args:
        directory: receives the table; local.
        names: of the features.
        sizes: of the features.
        dtype: how values are kept: `uint8` (steps of 4 / 255, those of the data set), `float16` or
            `float32`.

    Attributes:
        num_videos: how many were added.
        num_clipped: values that uint8 cannot hold; they are kept as the nearest it can.

    Raises:
        ValueError: an argument is wrong, or the directory already holds a table; and from the end
            of the block, an id was added twice.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        names: Sequence[str],
        sizes: Sequence[int],
        dtype: str = "uint8",
    ) -> None:
        if dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(DTYPES)}; received {dtype!r}")
        if not names or len(names) != len(sizes) or len(set(names)) < len(names) or min(sizes) < 1:
            raise ValueError(
                "names must differ and each must have a size of at least 1; received "
                f"{list(names)} and {list(sizes)}"
            )
        self.names = tuple(names)
        self.sizes = tuple(int(size) for size in sizes)
        self.dtype = dtype
        self.directory = TABLE.prepare(directory)
        self.num_videos = 0
        self.num_clipped = 0
        self._ids: list[np.ndarray] = []
        self._ends = np.cumsum(self.sizes)
        self._stack = ExitStack()

    def __enter__(self) -> "FeatureTableWriter":
        self._append = self._stack.enter_context(
            array_file(self.directory, FEATURES, self.dtype, int(self._ends[-1]))
        )
        return self

    def add(self, ids: Iterable[bytes | str] | np.ndarray, features: np.ndarray) -> None:
        """Appends videos.

        Args:
            ids: `(n,)`.
            features: all features side by side, floats `(n, sum of sizes)`.

        Raises:
            ValueError: the shapes do not fit, or a value is not finite or too large for float16;
                names the video and the feature.
        """
        ids = as_bytes(ids)
        features = np.asarray(features, np.float32)
        if features.shape != (len(ids), self._ends[-1]):
            raise ValueError(
                f"features must have the shape {(len(ids), int(self._ends[-1]))}, of "
                f"{len(ids)} ids and {', '.join(self.names)}; received {features.shape}"
            )
        self._check(ids, features)
        self._append(self._stored(features))
        self._ids.append(ids)
        self.num_videos += len(ids)

    @property
    def ids(self) -> np.ndarray:
        """The ids that were added, bytes `(num_videos,)`."""
        return np.concatenate(self._ids) if self._ids else as_bytes([])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, traceback)
            return
        with self._stack:
            VideoIds(self.ids)  # refuses what the reader would
        record = {
            "kind": VIDEO,
            "names": self.names,
            "sizes": self.sizes,
            "dtype": self.dtype,
            "num_videos": self.num_videos,
            "num_clipped": self.num_clipped,
        }
        TABLE.write(self.directory, record, {"ids": self.ids})

    def _check(self, ids: np.ndarray, features: np.ndarray) -> None:
        # a sum is one pass, and finite only if all values of the row are
        with np.errstate(over="ignore", invalid="ignore"):
            sums = features.sum(axis=1)
        if not np.isfinite(sums).all():
            for row, column in np.argwhere(~np.isfinite(features))[:1]:  # none after an overflow
                self._refuse(ids[row], column, features[row, column], "must be finite")
        if self.dtype == "float16":
            largest = np.finfo(np.float16).max
            if max(features.max(initial=0), -features.min(initial=0)) > largest:
                row, column = np.argwhere(np.abs(features) > largest)[0]
                self._refuse(ids[row], column, features[row, column], "is too large for float16")

    def _refuse(self, video_id: bytes, column: int, value: np.float32, rule: str) -> None:
        feature = int(np.searchsorted(self._ends, column, side="right"))
        place = column - self._ends[feature] + self.sizes[feature]
        raise ValueError(
            f"video {video_id.decode(errors='replace')!r}: value {place} of feature "
            f"{self.names[feature]!r} {rule}; it is {value:g}"
        )

    def _stored(self, features: np.ndarray) -> np.ndarray:
        if self.dtype != "uint8":
            return features.astype(self.dtype)
        self.num_clipped += num_out_of_range(features)
        return quantize(features)
