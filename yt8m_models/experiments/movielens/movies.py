"""Titles, years and genres of movies."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from yt8m_models.data.video_ids import VideoIds
from yt8m_models.experiments.movielens.tables import read_table

_COLUMNS = {
    "id": ("item_id", "movieId"),
    "title": ("movie_title", "title"),
    "year": ("release_year", "year"),
    "genres": ("genres", "class", "genre"),
}
_YEAR_IN_TITLE = re.compile(r"\s*\((\d{4})\)\s*$")
_NO_GENRES = "(no genres listed)"


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
    """Reads MovieLens' `movies.csv` or RecBole's `.item`.

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
            () if genres == _NO_GENRES else tuple(genres.split(separator))
            for genres in table["genres"]
        ],
    )
