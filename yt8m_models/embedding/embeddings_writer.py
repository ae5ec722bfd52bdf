"""Writing embeddings, shard by shard."""

import hashlib
import os
from collections.abc import Callable, Iterable

import numpy as np

from yt8m_models import __version__
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.program.progress import Progress
from yt8m_models.storage.artifact_dir import ArtifactDir, read_array, write_array

EMBEDDINGS = ArtifactDir(
    "embeddings.json",
    ("embeddings",),
    "embeddings",
    "yt8m embed",
    __version__,
    {"model": str, "size": int, "count": int, "shard_size": int, "complete": bool},
)
DEFAULT_SHARD_SIZE = 65536


class EmbeddingsWriter:
    """Writes the directory of `Embeddings`, and goes on where an earlier writer stopped.

    Each shard has `shard_size` videos, the last one what is left. A shard appears when it is whole;
    `embeddings.json` says that all are there only after `finish`.

        writer = EmbeddingsWriter(directory, ids, model, size)
        writer.write_all(embedder.batches)

    Args:
        directory: receives the embeddings; local.
        ids: of all videos, in their order.
        model: whose embeddings they are; only those of one model can be compared.
        size: width of an embedding.
        shard_size: videos in a shard.

    Attributes:
        pending: the shards that are not written yet.

    Raises:
        ValueError: an argument is wrong, or the directory has embeddings of other videos, of
            another model or in other shards.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        ids: VideoIds,
        model: str,
        size: int,
        shard_size: int = DEFAULT_SHARD_SIZE,
    ) -> None:
        for name, value in (("size", size), ("shard_size", shard_size)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1; received {value}")
        if not model:
            raise ValueError("model must say whose embeddings these are; received an empty string")
        self.directory = EMBEDDINGS.prepare(directory, may_exist=True)
        self.ids = ids
        self.size = size
        self.shard_size = shard_size
        self._record = {
            "model": model,
            "size": size,
            "count": len(ids),
            "shard_size": shard_size,
            "ids": _fingerprint(ids),
            "complete": False,
        }
        self._start()
        shards = range(-(-len(ids) // shard_size))
        self.pending = [shard for shard in shards if not self._is_written(shard)]

    def rows(self, shard: int) -> np.ndarray:
        """The rows of the videos in a shard, int64."""
        start = shard * self.shard_size
        return np.arange(start, min(start + self.shard_size, len(self.ids)))

    def write(self, shard: int, vectors: np.ndarray) -> None:
        """Writes the embeddings `(n, size)` of a shard's videos.

        Raises:
            ValueError: the shape is wrong, or a value is not finite; names the video.
        """
        rows = self.rows(shard)
        vectors = np.ascontiguousarray(vectors, np.float32)
        if vectors.shape != (len(rows), self.size):
            raise ValueError(
                f"vectors of shard {shard} must have the shape {(len(rows), self.size)}; "
                f"received {vectors.shape}"
            )
        is_bad = ~np.isfinite(vectors).all(axis=1)
        if is_bad.any():
            video_id = self.ids[rows[is_bad][0]].decode(errors="replace")
            raise ValueError(
                f"the embedding of video {video_id!r} is not finite ({int(is_bad.sum()):,} such "
                f"videos in shard {shard}): its features or the weights of the model are not"
            )
        write_array(self.directory, ids_name(shard), self.ids[rows])
        write_array(self.directory, vectors_name(shard), vectors)  # the last file of a shard
        self.pending = [other for other in self.pending if other != shard]

    def write_all(self, batches: Callable[[np.ndarray], Iterable[np.ndarray]]) -> None:
        """Writes the shards that are pending, with a progress bar, and finishes.

        Args:
            batches: gives the embeddings of rows `(n,)` in batches `(videos, size)`.

        Raises:
            ValueError: as from `write`.
        """
        done = len(self.ids) - sum(len(self.rows(shard)) for shard in self.pending)
        with Progress(len(self.ids), "videos", "embedding", done) as progress:
            for shard in self.pending:
                found = []
                for batch in batches(self.rows(shard)):
                    found.append(batch)
                    progress.update(len(batch))
                self.write(shard, np.concatenate(found))
        self.finish()

    def finish(self) -> None:
        """Marks the embeddings as complete.

        Raises:
            ValueError: a shard was not written.
        """
        if self.pending:
            raise ValueError(f"{self.directory}: shards {self.pending[:10]} are not written yet")
        shards = range(-(-len(self.ids) // self.shard_size))
        files = [f"{name(shard)}.npy" for shard in shards for name in (ids_name, vectors_name)]
        record = {**self._record, "complete": True}
        EMBEDDINGS.write(self.directory, record, self.ids.arrays(), files)

    def _start(self) -> None:
        if EMBEDDINGS.is_in(self.directory):
            found = EMBEDDINGS.read(self.directory, check_files=False) | {"complete": False}
            differing = [
                f"{name} {found.get(name)} there, {value} now"
                for name, value in self._record.items()
                if found.get(name) != value
            ]
            if differing:
                raise ValueError(
                    f"{self.directory} has other embeddings: {'; '.join(differing)}. Choose "
                    "another directory"
                )
            return
        if any(self.directory.glob("embeddings-*.npy")):
            raise ValueError(
                f"{self.directory} has shards of embeddings and no {EMBEDDINGS.record}; choose "
                "another directory"
            )
        EMBEDDINGS.write(self.directory, self._record)

    def _is_written(self, shard: int) -> bool:
        shape = (len(self.rows(shard)), self.size)
        try:
            read_array(self.directory, vectors_name(shard), np.float32, shape)
        except ValueError:
            return False
        return True


def ids_name(shard: int) -> str:
    """The array of a shard's ids."""
    return f"ids-{shard:05}"


def vectors_name(shard: int) -> str:
    """The array of a shard's embeddings."""
    return f"embeddings-{shard:05}"


def _fingerprint(ids: VideoIds) -> str:
    """A hash of the ids in their order."""
    digest = hashlib.sha256(f"{len(ids)} {ids.width} ".encode())
    for block in ids.blocks():
        digest.update(block.data)
    return digest.hexdigest()[:16]
