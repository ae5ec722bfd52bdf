"""Vectors of movies from wherever they come, by movie id."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yt8m_models.data.video_ids import VideoIds, as_bytes
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.embeddings_writer import EMBEDDINGS
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.features.table import TABLE
from yt8m_models.movielens.config import BASELINES, CDML, TITLES, MovieLensConfig
from yt8m_models.movielens.tables import read_table
from yt8m_models.movielens.titles import read_movies, title_vectors
from yt8m_models.storage.array_archive import read_arrays


@dataclass(frozen=True)
class Features:
    """Vectors of movies.

    Attributes:
        name: in the results.
        ids: of the movies.
        vectors: float32 `(n, d)` of length one; zeros where a movie has nothing to compare.
    """

    name: str
    ids: VideoIds
    vectors: np.ndarray

    def of_movies(self, ids: VideoIds) -> "Features":
        """The vectors of these movies, all of which must be there."""
        return Features(self.name, ids, self.vectors[self.ids.rows(ids)])


def load_features(config: MovieLensConfig) -> list[Features]:
    """What `--features` names.

    Raises:
        ValueError: there is nothing at a path, what is there cannot be read, a value is not a
            number, or two have one name.
    """
    found: list[Features] = []
    trailers = _read_trailers(config.trailers) if config.trailers else None
    for entry in config.features:
        if entry == TITLES:
            movies = read_movies(config.items)
            name, ids = TITLES, movies.ids
            vectors = title_vectors(movies, config.title_features)
        else:
            name, separator, path = entry.partition("=")
            if not separator:
                name, path = Path(entry).stem, entry
            ids, vectors = _read(path)
            if trailers is not None:
                ids, vectors = _of_trailers(trailers, config.trailers, ids, vectors, entry)
        if any(name == other.name for other in found):
            raise ValueError(f"--features must have different names; received {name!r} twice")
        if name in BASELINES or (name == CDML and config.cdml_steps):
            raise ValueError(
                f"--features={entry}: the name {name} is taken; give another, as in x=PATH"
            )
        found.append(Features(name, ids, _of_length_one(name, ids, vectors)))
    return found


def _read(path: str) -> tuple[VideoIds, np.ndarray]:
    if EMBEDDINGS.is_in(path):
        embeddings = Embeddings.load(path)
        return embeddings.ids, embeddings.vectors()
    if TABLE.is_in(path):
        table = FeatureTable.load(path)
        return table.ids, table.take(np.arange(len(table)))
    if not path.endswith(".npz"):
        reason = "it is neither of them" if os.path.exists(path) else "there is nothing"
        raise ValueError(
            f"--features={path} must be {TITLES}, a directory of embeddings or of features, or an "
            f".npz file; {reason}"
        )
    ids, vectors = read_arrays(path, ("ids", "features")).values()
    if ids.ndim != 1 or vectors.ndim != 2 or len(ids) != len(vectors):
        raise ValueError(
            f"{path} must have ids (n,) and features (n, d); it has {ids.shape} and {vectors.shape}"
        )
    return VideoIds(ids if ids.dtype.kind == "S" else [str(each) for each in ids]), vectors


def _read_trailers(path: str) -> tuple[VideoIds, list[str]]:
    """The movies of a file of trailers, and the video of each."""
    table = read_table(path, {"video": ("youtubeId", "video_id"), "movie": ("movieId", "item_id")})
    try:
        movies = VideoIds(list(table["movie"]))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return movies, list(table["video"])


def _of_trailers(
    trailers: tuple[VideoIds, list[str]], path: str, ids: VideoIds, vectors: np.ndarray, entry: str
) -> tuple[VideoIds, np.ndarray]:
    """The vectors of the movies whose trailers have one; movies may share a trailer."""
    movies, videos = trailers
    rows = ids.matched_rows(as_bytes(videos), f"--trailers={path}", f"--features={entry}")
    return VideoIds(movies[rows >= 0]), vectors[rows[rows >= 0]]


def _of_length_one(name: str, ids: VideoIds, vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, np.float32)
    is_wrong = ~np.isfinite(vectors)
    if is_wrong.any():
        row, column = np.argwhere(is_wrong)[0]
        raise ValueError(
            f"--features: {name} must be numbers; movie {ids[row].decode()} has "
            f"{vectors[row, column]} in dimension {column}"
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
