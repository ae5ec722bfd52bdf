"""Tags of MovieLens' tag genome as classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from yt8m_models.storage.whole_file import join

SCORES, TAGS = "genome-scores.csv", "genome-tags.csv"


@dataclass(frozen=True)
class Genome:
    """Which tags videos have.

    Attributes:
        tags: their names, by class id.
        labels: the class ids of each video that is a movie of the genome, by its id; maybe none.
        relevance: a movie has the tags that are at least as relevant to it.
    """

    tags: Sequence[str]
    labels: Mapping[bytes, Sequence[int]]
    relevance: float


def read_genome(
    directory: str,
    trailers: str = "",
    min_movies: int = 200,
    relevance: float | None = None,
    num_tags: int = 187,
) -> Genome:
    """The frequent tags of the movies in MovieLens-20M or 25M.

    A movie has the tags whose relevance to it is not below a threshold; tags of fewer than
    `min_movies` movies are left out. The paper does not state the threshold, but that 187 tags are
    left: unless it is given, it is the highest that leaves `num_tags`.

    Args:
        directory: has `genome-scores.csv` (`movieId,tagId,relevance`) and `genome-tags.csv`
            (`tagId,tag`).
        trailers: a CSV file with `movieId` and `youtubeId` (or `video_id`), which gives the video
            of a movie; without it the ids of videos are those of movies.
        min_movies: movies of a tag, at least.
        relevance: the threshold.
        num_tags: tags to leave, where there is no threshold.

    Raises:
        ValueError: a file cannot be read or lacks a column, no tag is left, or no threshold
            leaves so many.

    Reference: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018),
    section 4.3.4.
    """
    columns = {"movieId": np.int64, "tagId": np.int32, "relevance": np.float32}
    scores = _read(join(directory, SCORES), columns)
    scores = scores.sort_values(["tagId", "relevance"], ascending=[True, False])
    ranks = scores.groupby("tagId").cumcount()
    # Of each tag the relevance down to which it has so many movies.
    enough = scores[ranks == min_movies - 1].set_index("tagId")["relevance"]
    if relevance is None:
        if len(enough) < num_tags:
            raise ValueError(
                f"--genome_relevance must be given: {len(enough)} tags in {directory} have "
                f"{min_movies} movies, and the paper has {num_tags} tags"
            )
        relevance = float(enough.nlargest(num_tags).iloc[-1])
    kept = np.sort(enough.index[enough >= relevance])
    if not len(kept):
        raise ValueError(
            f"--genome_relevance={relevance:g} leaves no tag of {min_movies} movies in {directory}"
        )
    names = _read(join(directory, TAGS), {"tagId": np.int32, "tag": str}).set_index("tagId")["tag"]
    if unknown := sorted(set(kept.tolist()) - set(names.index)):
        raise ValueError(f"{join(directory, TAGS)} must name each tag; it lacks {unknown[0]}")
    classes = pd.Series(range(len(kept)), index=kept)
    found = scores[(scores["relevance"] >= relevance) & scores["tagId"].isin(kept)]
    of_movies: dict[int, list[int]] = {movie: [] for movie in scores["movieId"].unique().tolist()}
    for movie, number in zip(found["movieId"].tolist(), classes[found["tagId"]], strict=True):
        of_movies[movie].append(int(number))
    return Genome(names[kept].tolist(), _of_videos(of_movies, trailers), relevance)


def _of_videos(of_movies: Mapping[int, list[int]], trailers: str) -> dict[bytes, list[int]]:
    """The labels by the ids of videos; a video that is the trailer of several movies has all."""
    if not trailers:
        return {str(movie).encode(): sorted(labels) for movie, labels in of_movies.items()}
    header = pd.read_csv(trailers, nrows=0).columns
    video = "youtubeId" if "youtubeId" in header else "video_id"
    table = _read(trailers, {"movieId": np.int64, video: str})
    labels: dict[bytes, set[int]] = {}
    for movie, name in zip(table["movieId"].tolist(), table[video], strict=True):
        if movie in of_movies:
            labels.setdefault(name.encode(), set()).update(of_movies[movie])
    return {video_id: sorted(found) for video_id, found in labels.items()}


def _read(path: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Columns of a CSV file, by name, with their types."""
    try:
        return pd.read_csv(path, usecols=list(columns), dtype=dict(columns), keep_default_na=False)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
