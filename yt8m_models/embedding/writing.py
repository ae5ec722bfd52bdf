"""Writing the embeddings of all videos."""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Protocol

import numpy as np

from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.embeddings_writer import DEFAULT_SHARD_SIZE, EmbeddingsWriter
from yt8m_models.program.progress import Progress


class Vectors(Protocol):
    """What gives each video a vector: an `Embedder`, or something in its place."""

    @property
    def model(self) -> str:
        """`Embeddings.model` of the vectors."""

    @property
    def size(self) -> int:
        """The width of a vector."""

    def batches(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """The vectors of rows `(n,)` in batches, float32 `(videos, size)`."""


def write_embeddings(
    vectors: Vectors,
    ids: VideoIds,
    directory: str | os.PathLike,
    shard_size: int = DEFAULT_SHARD_SIZE,
    progress: bool = False,
) -> Embeddings:
    """Writes the vectors of all videos, in their order.

    They appear shard by shard; shards that are there already stay.

    Args:
        vectors: of the videos.
        ids: of the videos.
        directory: receives them.
        shard_size: videos in a shard.
        progress: show a progress bar on stderr.

    Raises:
        ValueError: the directory has other embeddings, or a vector is not finite (the video is
            named).
    """
    writer = EmbeddingsWriter(directory, ids, vectors.model, vectors.size, shard_size)
    done = len(ids) - sum(len(writer.rows(shard)) for shard in writer.pending)
    bar = Progress(len(ids), "videos", "embedding", done) if progress else None
    with nullcontext() if bar is None else bar:
        for shard in writer.pending:
            batches = []
            for batch in vectors.batches(writer.rows(shard)):
                batches.append(batch)
                if bar is not None:
                    bar.update(len(batch))
            writer.write(shard, np.concatenate(batches))
    writer.finish()
    return Embeddings.load(directory)
