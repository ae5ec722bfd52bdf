"""Titles, years and genres of movies, and content vectors from them: trailers cannot be had."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from yt8m_models.data.video_ids import VideoIds
from yt8m_models.movielens.tables import read_table
from yt8m_models.program.extras import require

_COLUMNS = {
    "id": ("item_id", "movieId"),
    "title": ("movie_title", "title"),
    "year": ("release_year", "year"),
    "genres": ("genres", "class", "genre"),
}
_YEAR_IN_TITLE = re.compile(r"\s*\((\d{4})\)\s*$")
_NO_GENRES = "(no genres listed)"
_YEARS_A_STEP = 5.0


@dataclass(frozen=True)
class Movies:
    """What is known of each movie.

    Attributes:
        ids: of the movies.
        titles: without the year.
        years: `(n,)` float64, NaN where not known.
        genres: of each movie, maybe none.
    """

    ids: VideoIds
    titles: list[str]
    years: np.ndarray
    genres: list[tuple[str, ...]]


def read_movies(path: str) -> Movies:
    """Reads MovieLens' `movies.csv`, `movies.dat` or `u.item`, or RecBole's `.item`.

    A year that has no column of its own is the one in brackets behind the title.

    Raises:
        ValueError: the file cannot be read, lacks a column, or has a movie twice.
    """
    table = read_table(path, _COLUMNS, optional=("year",))
    try:
        ids = VideoIds(list(table["id"]))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    in_titles = table["title"].str.extract(_YEAR_IN_TITLE, expand=False)
    years = table.get("year", in_titles)
    separator = "|" if table["genres"].str.contains("|", regex=False).any() else None
    return Movies(
        ids,
        list(table["title"].str.replace(_YEAR_IN_TITLE, "", regex=True)),
        pd.to_numeric(years, errors="coerce").to_numpy(np.float64),
        [
            () if genres in (_NO_GENRES, "") else tuple(genres.split(separator))
            for genres in table["genres"]
        ],
    )


def title_vectors(movies: Movies, size: int) -> np.ndarray:
    """A vector of each movie.

    Three parts, each of length one: TF-IDF of the title's words and of their runs of 3 to 5
    characters; the genres, by inverse document frequency; and the year, as a bell over steps of
    five years. Together they are centred, so that what most movies share makes none alike, and
    reduced to `size` dimensions by principal component analysis.

    Args:
        movies: `n` of them.
        size: dimensions at most; fewer where there are fewer movies or terms.

    Returns:
        float32 `(n, at most size)`.

    Raises:
        ValueError: there are fewer than two movies, or scikit-learn is not installed.
    """
    if len(movies.ids) < 2:
        raise ValueError(f"--items must have at least two movies; received {len(movies.ids)}")
    text = require("sklearn.feature_extraction.text")
    sparse = require("scipy.sparse")
    parts = []
    titles = [title if title.strip() else "untitled" for title in movies.titles]
    characters = text.TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    words = text.TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True)
    parts.append(sparse.hstack([each.fit_transform(titles) for each in (characters, words)]))
    if any(movies.genres):
        parts.append(text.TfidfVectorizer(analyzer=tuple).fit_transform(movies.genres))
    if (is_known := np.isfinite(movies.years)).any():
        steps = np.arange(
            movies.years[is_known].min(), movies.years[is_known].max() + 1, _YEARS_A_STEP
        )
        distance = (movies.years[:, None] - steps) / _YEARS_A_STEP
        parts.append(sparse.csr_matrix(np.nan_to_num(np.exp(-(distance**2) / 2))))
    normalize = require("sklearn.preprocessing").normalize
    features = sparse.hstack([normalize(part) for part in parts]).tocsr()
    analysis = require("sklearn.decomposition").PCA(
        min(size, *(each - 1 for each in features.shape)), svd_solver="arpack", random_state=0
    )
    return analysis.fit_transform(features.astype(np.float64)).astype(np.float32)
