"""How an index keeps vectors: as they are, or as the codes of a quantiser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.retrieval.quantizer import ScalarQuantizer, sample_rows
from yt8m_models.storage.artifact_dir import array_file, read_array, write_array

_BLOCK = 16384


class StoredVectors:
    """L2-normalised vectors, or their codes, in memory or memory-mapped; a row a video.

    vectors.npy   exact: float32 (n, d)
    codes.npy     quantised: uint8 (n, code_size)
    values.npy    quantised: what the codes stand for, float32 (d, 2^bits)

    Args:
        values: the vectors, or the codes.
        quantizer: of the codes.

    Attributes:
        values, quantizer: as above.
        size: d.
        bits: of a dimension, or `None` where the vectors are exact.
    """

    def __init__(self, values: np.ndarray, quantizer: ScalarQuantizer | None = None) -> None:
        self.values = values
        self.quantizer = quantizer
        self.size = int(values.shape[1]) if quantizer is None else quantizer.size
        self.bits = None if quantizer is None else quantizer.bits

    @classmethod
    def build(
        cls,
        embeddings: Embeddings,
        bits: int | None,
        seed: int,
        on_video: Callable[[int], None],
        directory: Path | None = None,
    ) -> "StoredVectors":
        """Those of embeddings, block by block.

        Args:
            embeddings: of the videos.
            bits: of a dimension, 2, 4 or 8; exact unless given.
            seed: of the sample that the quantiser is fitted on.
            on_video: receives the number of videos of each block that is done.
            directory: receives the vectors or codes, to be memory-mapped; in memory unless given.

        Raises:
            ValueError: there are no embeddings, one is not finite (the video is named), or `bits`
                is another number.
        """
        count = len(embeddings)
        if not count:
            raise ValueError("embeddings must have at least one video; there is none")
        quantizer = None
        if bits is not None:
            sample = unit_vectors(embeddings, sample_rows(count, seed))
            quantizer = ScalarQuantizer.fit(sample, bits)
        name, dtype, width = _form(embeddings.size, quantizer)
        blocks = _blocks(embeddings, quantizer, on_video)
        if directory is None:
            values = np.empty((count, width), dtype)
            start = 0
            for block in blocks:
                values[start : start + len(block)] = block
                start += len(block)
        else:
            with array_file(directory, name, dtype, width) as append:
                for block in blocks:
                    append(block)
            values = read_array(directory, name, dtype, (count, width))
        return cls(values, quantizer)

    @classmethod
    def load(cls, directory: Path, count: int, size: int, bits: int | None) -> "StoredVectors":
        """Those in a directory, memory-mapped.

        Raises:
            ValueError: a file is missing or damaged.
        """
        quantizer = None
        if bits is not None:
            quantizer = ScalarQuantizer(
                read_array(directory, "values", np.float32, (size, 1 << bits))
            )
        name, dtype, width = _form(size, quantizer)
        return cls(read_array(directory, name, dtype, (count, width)), quantizer)

    def save(self, directory: Path) -> None:
        """Writes the vectors or the codes; `small_arrays` are to be written beside them."""
        write_array(directory, self.name, self.values)

    def with_added(self, embeddings: Embeddings) -> "StoredVectors":
        """These and those of embeddings behind them, in memory, by the quantiser that there is.

        Raises:
            ValueError: an embedding is not finite; names the video.
        """
        blocks = _blocks(embeddings, self.quantizer, lambda count: None)
        return StoredVectors(np.concatenate([self.values, *blocks]), self.quantizer)

    @property
    def name(self) -> str:
        """The array of the vectors or the codes."""
        return _form(self.size, self.quantizer)[0]

    @property
    def small_arrays(self) -> dict[str, np.ndarray]:
        """What else a directory has, by the names of the files."""
        return {} if self.quantizer is None else {"values": self.quantizer.values}

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: np.ndarray | slice) -> np.ndarray:
        """The vectors of rows, or what their codes stand for: float32 `(rows, d)`."""
        taken = self.values[rows]
        return taken if self.quantizer is None else self.quantizer.decode(taken)


def unit_vectors(embeddings: Embeddings, rows: np.ndarray) -> np.ndarray:
    """The L2-normalised embeddings of rows.

    Raises:
        ValueError: one is not finite; names the video.
    """
    vectors = embeddings.take(rows)
    is_bad = ~np.isfinite(vectors).all(axis=1)
    if is_bad.any():
        video_id = embeddings.ids[rows[is_bad][0]].decode(errors="replace")
        raise ValueError(f"the embedding of video {video_id!r} is not finite")
    return l2_normalized(vectors)


def l2_normalized(vectors: np.ndarray) -> np.ndarray:
    """Vectors `(n, d)` of length 1; zeros stay."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1)


def _form(size: int, quantizer: ScalarQuantizer | None) -> tuple[str, type[np.generic], int]:
    """The name of the array, its type and its width."""
    if quantizer is None:
        return "vectors", np.float32, size
    return "codes", np.uint8, quantizer.code_size


def _blocks(
    embeddings: Embeddings, quantizer: ScalarQuantizer | None, on_video: Callable[[int], None]
) -> Iterator[np.ndarray]:
    for start in range(0, len(embeddings), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(embeddings)))
        vectors = unit_vectors(embeddings, rows)
        yield vectors if quantizer is None else quantizer.encode(vectors)
        on_video(len(rows))
