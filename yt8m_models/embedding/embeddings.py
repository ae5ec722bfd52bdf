"""Embeddings of many videos, memory-mapped."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from yt8m_models.data.packed_ids import PackedIds
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.embeddings_writer import (
    DEFAULT_SHARD_SIZE,
    EMBEDDINGS,
    EmbeddingsWriter,
    ids_name,
    vectors_name,
)
from yt8m_models.storage.artifact_dir import read_array


class Embeddings:
    """The embeddings of videos in the shards of a directory.

        embeddings.json        kind, model, size, count, and whether they are complete
        embeddings-00000.npy   float32 (videos of the shard, size)
        ids-00000.npy          the videos, bytes (videos of the shard,)
        ids*.npy               all videos, see `VideoIds.arrays`

    Args:
        ids: the video of each row.
        shards: arrays `(videos, size)`, one after the other in the order of the rows.
        model: whose embeddings these are. Embeddings can be compared where it is the same.

    Attributes:
        ids, model: as above.
        size: width of an embedding.

    Raises:
        ValueError: shards and ids do not fit together.

    Example:
        >>> embeddings = Embeddings.load(directory)
        >>> embeddings.take(embeddings.ids.rows([b"ab12"]))  # (1, size)
    """

    def __init__(self, ids: VideoIds, shards: list[np.ndarray], model: str, size: int) -> None:
        if sum(map(len, shards)) != len(ids) or any(shard.shape[1:] != (size,) for shard in shards):
            raise ValueError(
                f"shards must have {len(ids)} embeddings of width {size}; received the shapes "
                f"{[shard.shape for shard in shards]}"
            )
        self.ids = ids
        self.model = model
        self.size = size
        self._shards = shards
        self._ends = np.cumsum([len(shard) for shard in shards])

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> "Embeddings":
        """Opens the embeddings in a directory.

        Raises:
            ValueError: there are none, they are not complete, or a shard is damaged.
        """
        record = EMBEDDINGS.read(directory)
        count, shard_size, size = record["count"], record["shard_size"], record["size"]
        if not record["complete"]:
            raise ValueError(
                f"the embeddings in {directory} are not complete; run the program that writes them "
                "again and it goes on"
            )
        with EMBEDDINGS.opening(directory):
            shards = []
            for shard, start in enumerate(range(0, count, shard_size)):
                shape = (min(shard_size, count - start), size)
                shards.append(read_array(directory, vectors_name(shard), np.float32, shape))
            return cls(_ids(directory, count, shard_size), shards, record["model"], size)

    @classmethod
    def of(
        cls, ids: Iterable[bytes | str] | np.ndarray, vectors: ArrayLike, model: str = "unnamed"
    ) -> "Embeddings":
        """Embeddings `(n, size)` of videos, in memory.

        Raises:
            ValueError: `vectors` has not one row for each id, or an id is there twice.
        """
        rows = np.asarray(vectors, np.float32)
        video_ids = VideoIds(ids)
        if rows.ndim != 2 or len(rows) != len(video_ids):
            raise ValueError(
                f"vectors must have the shape ({len(video_ids)}, size), a row for each id; "
                f"received {rows.shape}"
            )
        return cls(video_ids, [rows], model, rows.shape[1])

    @classmethod
    def write(
        cls,
        directory: str | os.PathLike[str],
        ids: Iterable[bytes | str] | np.ndarray,
        vectors: np.ndarray,
        model: str,
        shard_size: int = DEFAULT_SHARD_SIZE,
    ) -> "Embeddings":
        """Writes embeddings `(n, size)` of videos and opens them.

        Raises:
            ValueError: as of `EmbeddingsWriter`, which takes them shard by shard; or `vectors` has
                not one row for each id.
        """
        given = cls.of(ids, vectors, model)
        writer = EmbeddingsWriter(directory, given.ids, model, given.size, shard_size)
        for shard in writer.pending:
            writer.write(shard, given.take(writer.rows(shard)))
        writer.finish()
        return cls.load(directory)

    def __len__(self) -> int:
        return len(self.ids)

    def vectors(self) -> np.ndarray:
        """All embeddings in memory, float32 `(n, size)`."""
        return np.concatenate([np.zeros((0, self.size), np.float32), *self._shards])

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The embeddings of rows `(n,)`, float32 `(n, size)`.

        Raises:
            ValueError: a row is not one of these, such as `UNKNOWN`.
        """
        rows = self.ids.checked_rows(rows)
        taken = np.empty((len(rows), self.size), np.float32)
        shards = np.searchsorted(self._ends, rows, side="right")
        for shard in np.unique(shards):
            here = shards == shard
            vectors = self._shards[shard]
            taken[here] = vectors[rows[here] - (self._ends[shard] - len(vectors))]
        return taken

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """All embeddings in order, float32 `(up to size, width)`, from one shard at a time."""
        for shard in self._shards:
            for start in range(0, len(shard), size):
                yield shard[start : start + size]


def _ids(directory: str | os.PathLike[str], count: int, shard_size: int) -> VideoIds:
    """All ids; earlier versions wrote those of the shards alone."""
    if Path(directory, "ids.npy").exists():
        return VideoIds.load(directory, count)
    starts = enumerate(range(0, count, shard_size))
    return VideoIds(
        PackedIds.pack(
            read_array(directory, ids_name(shard), np.bytes_, (min(shard_size, count - start),))
            for shard, start in starts
        )
    )
