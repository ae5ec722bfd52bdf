"""What was measured, kept so that an interrupted run goes on."""

import json
from dataclasses import asdict, dataclass

import tensorflow as tf

from yt8m_models.storage.whole_file import join, write_text

_FILE = "results.json"


@dataclass(frozen=True)
class RetrievalResult:
    """How well embeddings of so many bits retrieve in one direction.

    Attributes:
        model: `Embeddings.model`.
        bits: of a dimension.
        bytes_per_video: of a vector.
        direction: `T2E` or `E2T`.
        ndcg: the mean over queries of NDCG@k.
        map: the mean over queries of the average precision over all candidates.
        num_queries: how many were asked.
        num_candidates: how many there are for each.
        num_without_relevant: videos that are no queries, because none of their neighbours is a
            candidate.
        seconds: what it took.
    """

    model: str
    bits: int
    bytes_per_video: int
    direction: str
    ndcg: float
    map: float
    num_queries: int
    num_candidates: int
    num_without_relevant: int
    seconds: float


class KeptResults:
    """Results in a file, each under a key of all that it depends on.

    Args:
        directory: of the file `results.json`.

    Raises:
        ValueError: the file is not one of results.
    """

    def __init__(self, directory: str) -> None:
        self._path = join(directory, _FILE)
        self._results: dict[str, RetrievalResult] = {}
        if tf.io.gfile.exists(self._path):
            with tf.io.gfile.GFile(self._path) as file:
                text = file.read()
            try:
                found = json.loads(text)
                self._results = {key: RetrievalResult(**value) for key, value in found.items()}
            except (ValueError, TypeError, AttributeError) as error:
                raise ValueError(f"{self._path} does not hold results: {error}") from error

    def get(self, key: str) -> RetrievalResult | None:
        """The result of this key, if there is one."""
        return self._results.get(key)

    def add(self, key: str, result: RetrievalResult) -> None:
        """Keeps a result; the file is whole at any moment."""
        self._results[key] = result
        content = {key: asdict(value) for key, value in self._results.items()}
        write_text(self._path, json.dumps(content, indent=1) + "\n")
