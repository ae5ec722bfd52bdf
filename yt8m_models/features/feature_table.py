"""Features of videos by row, memory-mapped."""

import copy
import os
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from yt8m_models.data.packed_ids import PackedIds
from yt8m_models.data.quantization import dequantize, num_out_of_range, quantize
from yt8m_models.data.video_ids import VideoIds, as_bytes
from yt8m_models.features.table import TABLE, VIDEO, Table
from yt8m_models.storage.artifact_dir import array_file, read_array
from yt8m_models.storage.mapped_rows import take_rows

DTYPES = ("uint8", "float16", "float32")
_FEATURES = "features"

Blocks = Iterable[tuple[np.ndarray, np.ndarray]]


class FeatureTable(Table):
    """Video-level features of many videos, to be read at random.

    The features lie in one memory-mapped array, so that a table may be larger than memory, and a
    row costs one read from wherever it is: `features.npy`, `(n, sum of sizes)`, uint8 (steps of the
    data set's quantisation), float16 or float32.

    Args:
        ids: the video of each row.
        features: `(n, sum of sizes)`, uint8 steps or floats, all features side by side.
        names: of the features.
        sizes: of the features.

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
        super().__init__(ids, names, sizes)
        ends = np.cumsum(self.sizes).tolist()
        self._columns = list(zip([0, *ends], ends, strict=False))  # of each feature
        self._features = features

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "FeatureTable":
        """Opens the table in a directory.

        Raises:
            ValueError: the directory holds no feature table, or one that is damaged.
        """
        record = TABLE.read(directory, VIDEO)
        names, sizes, count = record["names"], record["sizes"], record["num_videos"]
        ids = VideoIds.load(directory, count)
        dtypes = (np.uint8, np.float16, np.float32)
        features = read_array(directory, _FEATURES, dtypes, (count, sum(sizes)))
        with TABLE.opening(directory):
            return cls(ids, features, names, sizes)

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
        """Writes a table of videos that are known beforehand, and opens it.

        Args:
            directory, names, sizes, dtype: as of `write_features`.
            ids: of all videos.
            batches: float arrays `(videos, sum of sizes)`, whose rows together are those of `ids`.

        Raises:
            ValueError: as of `write_features`; or ids and rows differ in number.
        """
        video_ids = VideoIds(ids)

        def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
            end = 0
            for batch in batches:
                start, end = end, end + len(batch)
                yield video_ids[start:end], batch
            if end != len(video_ids):
                raise ValueError(
                    f"batches must have a row for each of the {len(video_ids)} ids; received {end}"
                )

        write_features(directory, blocks(), names, sizes, dtype)
        return cls.load(directory)

    def take(self, rows: np.ndarray) -> np.ndarray:
        values = self.inputs(rows)["video_matrix"]
        return dequantize(values) if values.dtype == np.uint8 else values.astype(np.float32)

    def inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The input of a model for rows `(n,)`: `video_matrix`, `(n, num_features)`.

        It has the type that the table keeps: models dequantise uint8 themselves, and a quarter of
        the bytes is read and moved.

        Raises:
            ValueError: a row is not in the table.
        """
        rows = self.ids.checked_rows(rows)
        runs: list[list[int]] = []
        for start, end in self._columns:  # those beside each other at once
            if runs and runs[-1][1] == start:
                runs[-1][1] = end
            else:
                runs.append([start, end])
        parts = [take_rows(self._features[:, start:end], rows) for start, end in runs]
        return {"video_matrix": parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)}

    def select(self, names: Sequence[str]) -> "FeatureTable":
        places = self._places(names)
        table = copy.copy(self)
        table.names = tuple(names)
        table.sizes = tuple(self.sizes[place] for place in places)
        table._columns = [self._columns[place] for place in places]
        return table


def write_features(
    directory: str | os.PathLike,
    blocks: Blocks,
    names: Sequence[str],
    sizes: Sequence[int],
    dtype: str = "uint8",
    num_clipped: int = 0,
) -> int:
    """Writes the directory of a `FeatureTable`, whose length need not be known beforehand.

    Where a block cannot be had or kept, nothing that a reader would take for a table is left.

    Args:
        directory: receives the table; local.
        blocks: ids `(n,)`, bytes or str, and all their features side by side, floats
            `(n, sum of sizes)`; or uint8, steps that are kept as they are.
        names: of the features.
        sizes: of the features.
        dtype: how values are kept: `uint8` (steps of 4 / 255, those of the data set), `float16` or
            `float32`.
        num_clipped: values of the blocks that were clipped before.

    Returns:
        How many values uint8 cannot hold; they are kept as the nearest it can.

    Raises:
        ValueError: an argument is wrong, the directory already holds a table, an id is there twice,
            shapes do not fit, or a value is not finite or too large for float16 (the video and the
            feature are named).
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}; received {dtype!r}")
    if not names or len(names) != len(sizes) or len(set(names)) < len(names) or min(sizes) < 1:
        raise ValueError(
            "names must differ and each must have a size of at least 1; received "
            f"{list(names)} and {list(sizes)}"
        )
    directory, width = TABLE.prepare(directory), sum(sizes)
    all_ids: list[np.ndarray] = []
    with array_file(directory, _FEATURES, dtype, width) as append:
        for block_ids, block in blocks:
            ids, features = as_bytes(block_ids), np.asarray(block)
            are_steps = dtype == "uint8" and features.dtype == np.uint8
            if not are_steps:
                features = features.astype(np.float32, copy=False)
            if features.shape != (len(ids), width):
                raise ValueError(
                    f"features must have the shape {(len(ids), width)}, of {len(ids)} ids and "
                    f"{', '.join(names)}; received {features.shape}"
                )
            _check_values(ids, features, names, sizes, dtype)
            if are_steps:
                append(features)
            elif dtype == "uint8":
                num_clipped += num_out_of_range(features)
                append(quantize(features))
            else:
                append(features.astype(dtype))
            all_ids.append(ids)
        video_ids = VideoIds(PackedIds.pack(all_ids))
    record = {
        "kind": VIDEO,
        "names": tuple(names),
        "sizes": tuple(map(int, sizes)),
        "dtype": dtype,
        "num_videos": len(video_ids),
        "num_clipped": num_clipped,
    }
    TABLE.write(directory, record, video_ids.arrays(), [f"{_FEATURES}.npy"])
    return num_clipped


def _check_values(
    ids: np.ndarray, features: np.ndarray, names: Sequence[str], sizes: Sequence[int], dtype: str
) -> None:
    """Refuses the first value that the type cannot keep."""
    largest = np.finfo(np.float16 if dtype == "float16" else np.float32).max
    for row, column in np.argwhere(~(np.abs(features) <= largest))[:1]:
        value, ends = features[row, column], np.cumsum(sizes)
        feature = int(np.searchsorted(ends, column, side="right"))
        rule = "is too large for float16" if np.isfinite(value) else "must be finite"
        raise ValueError(
            f"video {ids[row].decode(errors='replace')!r}: value "
            f"{column - ends[feature] + sizes[feature]} of feature {names[feature]!r} {rule}; "
            f"it is {value:g}"
        )
