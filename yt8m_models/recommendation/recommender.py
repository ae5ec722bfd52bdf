"""Recommendations by what users watched."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models import __version__
from yt8m_models.data.video_ids import UNKNOWN, as_bytes
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.program.command import Program
from yt8m_models.recommendation.histories import Histories, HistoryReader, read_log
from yt8m_models.recommendation.history_options import HistoryOptions
from yt8m_models.recommendation.history_search import HistorySearch
from yt8m_models.recommendation.user_events import UserEvents
from yt8m_models.retrieval.index import Index
from yt8m_models.storage.artifact_dir import ArtifactDir

RECOMMENDER = ArtifactDir(
    "recommender.json",
    ("recommender",),
    "a recommender",
    "Recommender.save",
    __version__,
    {"aggregation": str, "has_embeddings": bool, "history": dict},
)
_INDEX, _EMBEDDINGS, _EVENTS = "index", "embeddings", "events"
_FILTERS = ("min_stars", "above_mean", "min_watched_seconds", "last_videos")
_LOG = Program("fit", "Reads a watch log.", HistoryOptions)


class Recommender:
    """The videos of an index that users would watch, by those that they watched.

    A video's score is the mean or the max of its similarities to the videos of the user's history
    (see `yt8m_models.recommendation.history`). What was watched is never recommended.

    Args:
        index: the videos to recommend; or the directory of their index.
        aggregation: `"mean"` or `"max"`.
        embeddings: the watched videos' embeddings, exact and also of videos outside of the index;
            or their directory. They are taken from the index unless given.

    Attributes:
        index, embeddings, aggregation: as above, opened.
        num_unknown_videos: after `fit`, watched videos that are not known.
        unknown_video: one of them, or `None`.

    Raises:
        ValueError: `aggregation` is neither, a directory cannot be opened, or the embeddings are
            not of the index's model.

    Example:
        >>> recommender = yt.Recommender("index").fit("watch_log.csv")
        >>> ids, scores = recommender.recommend("user7", n=10)
        >>> ids, scores = recommender.similar("ab12", n=10)
    """

    def __init__(
        self,
        index: Index | str | os.PathLike[str],
        aggregation: str = "mean",
        embeddings: Embeddings | str | os.PathLike[str] | None = None,
    ) -> None:
        whose, of_which = "the index", "the embeddings"
        if not isinstance(index, Index):
            whose, index = f"the index in {index}", Index.load(index)
        if embeddings is not None and not isinstance(embeddings, Embeddings):
            of_which = f"the embeddings in {embeddings}"
            embeddings = Embeddings.load(embeddings)
        if embeddings is not None and embeddings.model != index.model:
            raise ValueError(
                f"{whose} is of the model {index.model!r}, and {of_which} are of "
                f"{embeddings.model!r}"
            )
        self.index = index
        self.embeddings = embeddings
        self._search = HistorySearch(index, aggregation)
        self._known = index.ids if embeddings is None else embeddings.ids
        self._where = whose if embeddings is None else of_which
        self.num_unknown_videos = 0
        self.unknown_video: str | None = None
        self._reader: HistoryReader | None = None

    @property
    def aggregation(self) -> str:
        return self._search.aggregation

    @property
    def reader(self) -> HistoryReader:
        """Reads what users watched, by their rows in `reader.events.users`.

        Raises:
            ValueError: there was no `fit`.
        """
        if self._reader is None:
            raise ValueError("the recommender knows no user: call fit first")
        return self._reader

    def fit(self, log: str | os.PathLike[str], **settings: Any) -> "Recommender":
        """Reads what each user watched, in the place of what an earlier `fit` read.

        Args:
            log: file patterns of a watch log, as of `--watch_log`.
            **settings: flags of `yt8m recommend` by name: the columns of the log (`user_column`, …)
                and what of it counts (`min_stars`, `min_watched_seconds`, `last_videos`, …).

        Returns:
            Itself.

        Raises:
            ValueError: a setting is unknown or wrong, the log cannot be read, or of its users none
                watched a known video.
        """
        return self.fit_log(_LOG.settings(watch_log=log, **settings)[HistoryOptions])

    def fit_log(self, log: HistoryOptions) -> "Recommender":
        """As `fit`, of the flags of a program."""
        reader = HistoryReader(read_log(log), log, self._known, self.index.ids)
        self.num_unknown_videos, self.unknown_video = reader.unknown_videos(
            self._known, self._where
        )
        self._reader = reader
        return self

    def fit_events(self, events: UserEvents, filters: HistoryOptions) -> "Recommender":
        """As `fit_log`, of a log that was read before and is not checked again."""
        self._reader = HistoryReader(events, filters, self._known, self.index.ids)
        return self

    def recommend(self, user: str, n: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The videos with the highest scores for a user, without those that the user watched.

        Returns:
            Their ids, text `(n,)`, best first, and their scores, float32 `(n,)`; fewer where the
            index has no more.

        Raises:
            ValueError: the user watched no known video, there was no `fit`, or `n` is below 1.
        """
        histories = self.histories_of(user)
        if not len(histories.users):
            raise ValueError(f"user {user!r} watched no video of {self._where}")
        return self.best(histories, n)

    def histories_of(self, user: str) -> Histories:
        """That of a user, or none where it watched no known video."""
        (row,) = self.reader.events.users.rows(as_bytes([user.encode(errors="replace")])).tolist()
        return self.reader.read(row, row + 1) if row != UNKNOWN else self.reader.read(0, 0)

    def best(self, histories: Histories, n: int) -> tuple[np.ndarray, np.ndarray]:
        """As of `recommend`, for the first of some histories."""
        scores, rows = self.of_histories(histories, 0, 1, n)
        return self._found(scores[0], rows[0])

    def of_histories(
        self, histories: Histories, start: int, stop: int, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k best videos for the histories at places `[start, stop)`.

        Returns:
            As of `HistorySearch.search`: scores and rows of the index, `(stop - start, k)`.
        """
        offsets = histories.offsets[start : stop + 1]
        vectors = self._vectors(histories.rows[offsets[0] : offsets[-1]])
        ends = histories.watched_offsets[start : stop + 1]
        watched = np.split(histories.watched_rows[ends[0] : ends[-1]], ends[1:-1] - ends[0])
        return self._search.search(vectors, offsets - offsets[0], watched, k)

    def similar(self, video: str, n: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The videos that are most similar to a video, without itself.

        Returns:
            As of `recommend`; scores are cosines.

        Raises:
            ValueError: the video is not known, or `n` is below 1.
        """
        rows = self._known.rows([video])
        if rows[0] == UNKNOWN:
            raise ValueError(f"video {video!r} is not in {self._where}")
        itself = self.index.ids.rows([video])
        scores, found = self.index.search(self._vectors(rows), n, [itself])
        return self._found(scores[0], found[0])

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Writes the recommender to a directory, with its index and what users watched.

            recommender.json   kind, aggregation and sizes; written last
            index/             see `Index.save`
            embeddings/        see `Embeddings`; where they were given
            events/            see `UserEvents.save`

        Raises:
            ValueError: the directory is not local or already holds a recommender, or there was no
                `fit`.
        """
        reader = self.reader
        path = RECOMMENDER.prepare(directory)
        self.index.save(path / _INDEX)
        if self.embeddings is not None:
            ids, vectors = self.embeddings.ids.to_array(), self.embeddings.vectors()
            Embeddings.write(path / _EMBEDDINGS, ids, vectors, self.embeddings.model)
        reader.events.save(path / _EVENTS)
        record = {
            "aggregation": self.aggregation,
            "has_embeddings": self.embeddings is not None,
            "history": {name: getattr(reader.filters, name) for name in _FILTERS},
        }
        RECOMMENDER.write(path, record, {})

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> "Recommender":
        """Opens the recommender in a directory; arrays are memory-mapped.

        Raises:
            ValueError: there is none, or it is damaged.
        """
        record = RECOMMENDER.read(directory)
        path = Path(directory)
        with RECOMMENDER.opening(directory):
            embeddings = path / _EMBEDDINGS if record["has_embeddings"] else None
            recommender = cls(path / _INDEX, record["aggregation"], embeddings)
            filters = HistoryOptions(watch_log=str(path / _EVENTS), **record["history"])
            recommender.fit_events(UserEvents.open(path / _EVENTS), filters)
        return recommender

    def _vectors(self, rows: np.ndarray) -> np.ndarray:
        """The embeddings of known videos, float32 `(rows, d)`."""
        return self.index.vectors(rows) if self.embeddings is None else self.embeddings.take(rows)

    def _found(self, scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ids and scores of rows of the index, without `UNKNOWN`."""
        is_found = rows != UNKNOWN
        return np.char.decode(self.index.ids[rows[is_found]]), scores[is_found]
