"""How an index keeps vectors: as they are, or as the codes of a quantiser."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.retrieval.quantizer import ScalarQuantizer, sample_rows
from yt8m_models.storage.artifact_dir import array_file, read_array, write_array
from yt8m_models.storage.mapped_rows import take_rows

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
    def gather(
        cls,
        blocks: Iterable[np.ndarray],
        count: int,
        size: int,
        quantizer: ScalarQuantizer | None,
        directory: Path | None = None,
    ) -> "StoredVectors":
        """Those that come in blocks.

        Args:
            blocks: of vectors, or of codes.
            count: how many there are in all.
            size: d.
            quantizer: of the codes; `None` where these are vectors.
            directory: receives all of it, to be memory-mapped; in memory unless given.
        """
        name, dtype, width = _form(size, quantizer)
        if directory is None:
            values = np.empty((count, width), dtype)
            start = 0
            for block in blocks:
                values[start : start + len(block)] = block
                start += len(block)
            return cls(values, quantizer)
        with array_file(directory, name, dtype, width) as append:
            for block in blocks:
                append(block)
        if quantizer is not None:
            write_array(directory, "values", quantizer.values)
        return cls(read_array(directory, name, dtype, (count, width)), quantizer)

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

    @property
    def files(self) -> list[str]:
        """What a directory has of these."""
        name = _form(self.size, self.quantizer)[0]
        return [f"{name}.npy"] if self.quantizer is None else [f"{name}.npy", "values.npy"]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: np.ndarray | slice) -> np.ndarray:
        """The vectors of rows, or what their codes stand for: float32 `(rows, d)`."""
        taken = self.values[rows] if isinstance(rows, slice) else take_rows(self.values, rows)
        return taken if self.quantizer is None else self.quantizer.decode(taken)


def fit_quantizer(embeddings: Embeddings, bits: int | None, seed: int) -> ScalarQuantizer | None:
    """The quantiser of embeddings, fitted on a sample of them; `None` where `bits` is.

    Raises:
        ValueError: one of the sample is not finite (the video is named), or `bits` is not 2, 4 or
            8.
    """
    if bits is None:
        return None
    return ScalarQuantizer.fit(unit_vectors(embeddings, sample_rows(len(embeddings), seed)), bits)


def stored_blocks(
    embeddings: Embeddings,
    start: int,
    end: int,
    quantizer: ScalarQuantizer | None,
    on_video: Callable[[int], None],
) -> Iterator[np.ndarray]:
    """The vectors or codes of the rows from `start` to `end` of embeddings, some at a time.

    Args:
        embeddings: of the videos.
        start, end: of the rows.
        quantizer: of the codes; `None` for vectors.
        on_video: receives the number of videos of each block that is done.

    Raises:
        ValueError: an embedding is not finite; names the video.
    """
    for first in range(start, end, _BLOCK):
        rows = np.arange(first, min(first + _BLOCK, end))
        vectors = unit_vectors(embeddings, rows)
        yield vectors if quantizer is None else quantizer.encode(vectors)
        on_video(len(rows))


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
