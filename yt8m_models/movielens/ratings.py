"""The ratings of users."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from yt8m_models.data.video_ids import VideoIds, as_bytes
from yt8m_models.movielens.tables import read_table

_COLUMNS = {"user": ("user_id", "userId"), "movie": ("item_id", "movieId"), "stars": ("rating",)}


@dataclass(frozen=True)
class Ratings:
    """Who gave which movie how many stars.

    Attributes:
        users: `(n,)` int64 from 0, in the order of the users' ids.
        movies: `(n,)` int64, rows of `movie_ids`.
        stars: `(n,)` float64.
        movie_ids: ids of all movies.
        num_users: how many users there are.
    """

    users: np.ndarray
    movies: np.ndarray
    stars: np.ndarray
    movie_ids: VideoIds
    num_users: int

    def __len__(self) -> int:
        return len(self.stars)

    def of_movies(self, movie_ids: VideoIds) -> "Ratings":
        """The ratings of some movies, whose rows become those of `movie_ids`."""
        rows = movie_ids.rows(self.movie_ids[self.movies])
        kept = rows >= 0
        return Ratings(
            self.users[kept], rows[kept], self.stars[kept], movie_ids, num_users=self.num_users
        )


def read_ratings(path: str) -> Ratings:
    """Reads MovieLens' `ratings.csv`, `ratings.dat` or `u.data`, or RecBole's `.inter`.

    Raises:
        ValueError: the file cannot be read, lacks a column, has a rating that is not a number or is
            below 0, or one of the same user and movie twice; the message names the row.
    """
    table = read_table(path, _COLUMNS)
    stars = pd.to_numeric(table["stars"], errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(stars) & (stars >= 0)))
    if len(wrong):
        raise ValueError(
            f"{path}: row {wrong[0] + 1}: rating must be a number of at least 0; "
            f"received {table['stars'][wrong[0]]!r}"
        )
    for name in ("user", "movie"):
        empty = np.flatnonzero(table[name] == "")
        if len(empty):
            raise ValueError(f"{path}: row {empty[0] + 1} has no {name} id")
    twice = np.flatnonzero(table.duplicated(["user", "movie"]))
    if len(twice):
        user, movie = table["user"][twice[0]], table["movie"][twice[0]]
        raise ValueError(f"{path}: row {twice[0] + 1}: user {user} rates movie {movie} again")
    users, user_names = pd.factorize(table["user"], sort=True)
    movies, movie_names = pd.factorize(table["movie"], sort=True)
    return Ratings(
        users.astype(np.int64),
        movies.astype(np.int64),
        stars,
        VideoIds(as_bytes(list(movie_names))),
        len(user_names),
    )
